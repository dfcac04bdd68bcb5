//! The thresholds of the preflight, as a sender may set them under `utskrift: krav:`.

use serde::{Deserialize, Serialize};

/// A length or distance on paper, in millimetres: finite, 0 to 1,000.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Millimetres(f64);

impl Millimetres {
    const MAX: f64 = 1000.0;

    /// For defaults of our own, which are within the bounds.
    pub(super) const fn fixed(length: f64) -> Self {
        Self(length)
    }

    /// Points (1/72 inch) in this length.
    pub fn points(self) -> f64 {
        self.0 * 72.0 / 25.4
    }

    /// The number of millimetres.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Millimetres {
    type Error = &'static str;

    fn try_from(length: f64) -> Result<Self, Self::Error> {
        if (0.0..=Self::MAX).contains(&length) { Ok(Self(length)) } else { Err("et mål må være fra 0 til 1000 mm") }
    }
}

/// A zone of a portrait page that text must leave free, measured from its top left corner.
///
/// On a landscape page the zone lies along the lower edge instead, because the page is turned clockwise on the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Zone {
    #[serde(rename = "fra_venstre_mm")]
    pub left: Millimetres,
    #[serde(rename = "fra_topp_mm")]
    pub top: Millimetres,
    /// 0 turns the rule off.
    #[serde(rename = "bredde_mm")]
    pub width: Millimetres,
    #[serde(rename = "hoyde_mm")]
    pub height: Millimetres,
}

/// The printing service's barcode zone: 15 mm at the left edge, 95 to 175 mm from the top.
impl Default for Zone {
    fn default() -> Self {
        Self { left: Millimetres(0.0), top: Millimetres(95.0), width: Millimetres(15.0), height: Millimetres(80.0) }
    }
}

/// What to do with a page whose content cannot be interpreted, so that nobody knows where its text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uninterpretable {
    /// Print it, as the printing service does.
    #[default]
    #[serde(rename = "godta")]
    Accept,
    /// Count it as a page with text in the margin.
    #[serde(rename = "avvis")]
    Refuse,
}

/// What a document must satisfy to go on paper. The defaults are the printing service's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrintLimits {
    /// Pages of one document; absent means no limit.
    #[serde(rename = "maks_sider")]
    pub pages_max: Option<u32>,
    #[serde(rename = "strekkodefelt")]
    pub barcode_zone: Zone,
    /// How much smaller than A4 a page may be, in each direction.
    #[serde(rename = "mindre_enn_a4_mm")]
    pub below_a4: Millimetres,
    /// How much larger than A4 a page may be, in each direction.
    #[serde(rename = "storre_enn_a4_mm")]
    pub above_a4: Millimetres,
    #[serde(rename = "utolkelig_side")]
    pub uninterpretable: Uninterpretable,
}

impl Default for PrintLimits {
    fn default() -> Self {
        Self {
            pages_max: None,
            barcode_zone: Zone::default(),
            below_a4: Millimetres(10.0),
            above_a4: Millimetres(0.0),
            uninterpretable: Uninterpretable::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_settings_are_the_printing_services() {
        let limits: PrintLimits = serde_yaml::from_str("{}").unwrap();
        assert_eq!(limits, PrintLimits::default());
        let some: PrintLimits =
            serde_yaml::from_str("{maks_sider: 20, strekkodefelt: {bredde_mm: 18}, utolkelig_side: avvis}").unwrap();
        assert_eq!(some.pages_max, Some(20));
        assert_eq!(some.barcode_zone.width, Millimetres(18.0));
        assert_eq!(some.barcode_zone.height, Millimetres(80.0));
        assert_eq!(some.uninterpretable, Uninterpretable::Refuse);
    }

    #[test]
    fn mistakes_are_errors() {
        for text in ["{maks_side: 20}", "{mindre_enn_a4_mm: -1}", "{mindre_enn_a4_mm: .nan}", "{strekkodefelt: {x: 1}}"]
        {
            assert!(serde_yaml::from_str::<PrintLimits>(text).is_err(), "{text}");
        }
    }
}
