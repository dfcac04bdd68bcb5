//! A sender's settings for paper, `utskrift:` in `avsendere.yaml`.

use serde::{Deserialize, Serialize};

use super::limits::{Millimetres, PrintLimits};

/// Everything under `utskrift:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrintSettings {
    /// What a document must satisfy to go on paper.
    #[serde(rename = "krav")]
    pub limits: PrintLimits,
    /// Where the addresses stand on the cover sheet.
    #[serde(rename = "forside")]
    pub cover: CoverLayout,
}

/// A block of text on the cover sheet: its top left corner, and how far it may reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    #[serde(rename = "fra_venstre_mm")]
    pub left: Millimetres,
    #[serde(rename = "fra_topp_mm")]
    pub top: Millimetres,
    #[serde(rename = "bredde_mm")]
    pub width: Millimetres,
    #[serde(rename = "hoyde_mm")]
    pub height: Millimetres,
}

/// Where the recipient and the return address stand on the cover sheet. The default window is 44 mm from the top and
/// 15 mm from the left, as in a C5 envelope with an A4 sheet folded once; 1 cm around it stays free.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoverLayout {
    #[serde(rename = "vindu")]
    pub window: Block,
    #[serde(rename = "returadresse")]
    pub sender: Block,
}

impl Default for CoverLayout {
    fn default() -> Self {
        let block = |[left, top, width, height]: [f64; 4]| {
            let [left, top, width, height] = [left, top, width, height].map(Millimetres::fixed);
            Block { left, top, width, height }
        };
        Self { window: block([15.0, 44.0, 85.0, 35.0]), sender: block([15.0, 10.0, 85.0, 22.0]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_optional_and_exact() {
        assert_eq!(serde_yaml::from_str::<PrintSettings>("{}").unwrap(), PrintSettings::default());
        let moved = "forside: {vindu: {fra_venstre_mm: 20, fra_topp_mm: 50, bredde_mm: 80, hoyde_mm: 30}}";
        let moved: PrintSettings = serde_yaml::from_str(moved).unwrap();
        assert_eq!(moved.cover.window.top.get(), 50.0);
        assert_eq!(moved.cover.sender, CoverLayout::default().sender);
        assert!(serde_yaml::from_str::<PrintSettings>("{forsiden: {}}").is_err());
    }
}
