//! Registry snapshots: their names, how old and how much smaller each may be, and what a decision records of them.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::calendar::Time;

/// A file in `registry/` that says something about recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotName {
    Krr,
    Reservasjoner,
    Enheter,
    Underenheter,
    Svarinn,
}

impl SnapshotName {
    pub const ALL: [Self; 5] = [Self::Krr, Self::Reservasjoner, Self::Enheter, Self::Underenheter, Self::Svarinn];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Krr => "krr",
            Self::Reservasjoner => "reservasjoner",
            Self::Enheter => "enheter",
            Self::Underenheter => "underenheter",
            Self::Svarinn => "svarinn",
        }
    }

    /// Whether a pass that needs it cannot do without it. The others may be absent, and have no row then.
    pub fn required(self) -> bool {
        matches!(self, Self::Krr | Self::Enheter)
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a snapshot; write krr, reservasjoner, enheter, underenheter or svarinn")]
pub struct SnapshotNameError(String);

impl FromStr for SnapshotName {
    type Err = SnapshotNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| SnapshotNameError(text.to_owned()))
    }
}

/// When a snapshot is too old, too small or too much smaller than the last one to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// Hours since the file was last modified.
    pub age_hours_max: u32,
    /// Per cent of the rows of the last accepted snapshot that may be gone.
    pub fall_percent_max: u32,
    pub rows_min: u64,
}

/// `registre:` in `avsendere.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Settings")]
pub struct RegisterPolicies {
    krr: SnapshotPolicy,
    reservasjoner: SnapshotPolicy,
    enheter: SnapshotPolicy,
    underenheter: SnapshotPolicy,
    svarinn: SnapshotPolicy,
    /// Hours since the newest receipt file; past it, nothing is printed as unread.
    pub receipts_age_hours_max: u32,
}

impl RegisterPolicies {
    pub fn of(&self, name: SnapshotName) -> SnapshotPolicy {
        match name {
            SnapshotName::Krr => self.krr,
            SnapshotName::Reservasjoner => self.reservasjoner,
            SnapshotName::Enheter => self.enheter,
            SnapshotName::Underenheter => self.underenheter,
            SnapshotName::Svarinn => self.svarinn,
        }
    }
}

/// Hours after which what KRR or the reservations say of a person is hardly true any more.
const PERSONS_AGE_HOURS_USUAL: u32 = 168;

impl RegisterPolicies {
    /// What is allowed and hardly meant, in bokmål.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for name in SnapshotName::ALL {
            let policy = self.of(name);
            if matches!(name, SnapshotName::Krr | SnapshotName::Reservasjoner)
                && policy.age_hours_max > PERSONS_AGE_HOURS_USUAL
            {
                let hours = policy.age_hours_max;
                warnings.push(format!(
                    "registre, {name}: maks_alder_timer er {hours}; en reservasjon kan da være ukjent i {} døgn",
                    hours / 24
                ));
            }
            if policy.fall_percent_max == 100 {
                warnings
                    .push(format!("registre, {name}: maks_fall_prosent er 100; et nesten tomt register blir da trodd"));
            }
        }
        warnings
    }
}

impl Default for RegisterPolicies {
    fn default() -> Self {
        Settings::default().into()
    }
}

/// The mapping as it is written: whatever is not said has its default.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    krr: SnapshotSettings,
    reservasjoner: SnapshotSettings,
    enheter: SnapshotSettings,
    underenheter: SnapshotSettings,
    svarinn: SnapshotSettings,
    kvitteringer: ReceiptSettings,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SnapshotSettings {
    #[serde(deserialize_with = "hours")]
    maks_alder_timer: Option<u32>,
    #[serde(deserialize_with = "percent")]
    maks_fall_prosent: Option<u32>,
    minst_rader: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ReceiptSettings {
    #[serde(deserialize_with = "hours")]
    maks_alder_timer: Option<u32>,
}

impl SnapshotSettings {
    fn or_age(self, hours: u32) -> SnapshotPolicy {
        SnapshotPolicy {
            age_hours_max: self.maks_alder_timer.unwrap_or(hours),
            fall_percent_max: self.maks_fall_prosent.unwrap_or(10),
            rows_min: self.minst_rader.unwrap_or(0),
        }
    }
}

impl From<Settings> for RegisterPolicies {
    fn from(settings: Settings) -> Self {
        const DAY: u32 = 24;
        const WEEK: u32 = 168;
        Self {
            krr: settings.krr.or_age(DAY),
            reservasjoner: settings.reservasjoner.or_age(DAY),
            enheter: settings.enheter.or_age(WEEK),
            underenheter: settings.underenheter.or_age(WEEK),
            svarinn: settings.svarinn.or_age(WEEK),
            receipts_age_hours_max: settings.kvitteringer.maks_alder_timer.unwrap_or(26),
        }
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match Option::<u32>::deserialize(deserializer)? {
        Some(percent) if percent > 100 => {
            Err(D::Error::custom(format!("«{percent}» er ikke en prosent fra 0 til 100")))
        }
        percent => Ok(percent),
    }
}

fn hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match Option::<u32>::deserialize(deserializer)? {
        // It would refuse every file.
        Some(0) => Err(D::Error::custom("«0» er ikke en alder; skriv minst 1 time")),
        hours => Ok(hours),
    }
}

/// A snapshot as a decision records it in `status.yaml` (`registre:`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotUsed {
    pub navn: SnapshotName,
    /// Hex, of the file as it lies: packed where it is packed.
    pub sha256: String,
    /// When the file was last modified.
    #[serde(with = "rfc3339")]
    pub tidspunkt: Time,
    pub rader: u64,
}

impl SnapshotUsed {
    /// The number of rows, for people.
    pub fn rows_text(&self) -> String {
        format!("{} {}", self.rader, if self.rader == 1 { "rad" } else { "rader" })
    }
}

/// A moment as RFC 3339 text in Norwegian local time, to the second.
mod rfc3339 {
    use chrono::SecondsFormat;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::core::calendar::{Time, parse_time};

    pub fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Secs, false))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_time(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::parse_time;

    #[test]
    fn names_read_as_they_are_shown() {
        for name in SnapshotName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{name}\""));
        }
        assert!("KRR".parse::<SnapshotName>().is_err());
        assert_eq!(SnapshotName::ALL.map(SnapshotName::required), [true, false, true, false, false]);
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let default = RegisterPolicies::default();
        assert_eq!(
            default.of(SnapshotName::Krr),
            SnapshotPolicy { age_hours_max: 24, fall_percent_max: 10, rows_min: 0 }
        );
        assert_eq!(default.of(SnapshotName::Reservasjoner).age_hours_max, 24);
        assert_eq!(default.of(SnapshotName::Enheter).age_hours_max, 168);
        assert_eq!(default.of(SnapshotName::Underenheter).age_hours_max, 168);
        assert_eq!(default.of(SnapshotName::Svarinn).age_hours_max, 168);
        assert_eq!(default.receipts_age_hours_max, 26);
        assert_eq!(serde_yaml::from_str::<RegisterPolicies>("{}").unwrap(), default);

        let yaml = "krr: {minst_rader: 4000000}\nenheter: {maks_fall_prosent: 0}\nkvitteringer: {maks_alder_timer: 30}";
        let policies: RegisterPolicies = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(
            policies.of(SnapshotName::Krr),
            SnapshotPolicy { age_hours_max: 24, fall_percent_max: 10, rows_min: 4_000_000 }
        );
        assert_eq!(policies.of(SnapshotName::Enheter).fall_percent_max, 0);
        assert_eq!(policies.receipts_age_hours_max, 30);
    }

    #[test]
    fn mistakes_in_the_policies_are_refused() {
        for yaml in [
            "kkr: {}",
            "krr: {maks_alder: 3}",
            "krr: {maks_alder_timer: -1}",
            "krr: {maks_fall_prosent: 101}",
            "krr: {maks_alder_timer: 0}",
            "kvitteringer: {maks_alder_timer: 0}",
            "kvitteringer: {minst_rader: 3}",
        ] {
            assert!(serde_yaml::from_str::<RegisterPolicies>(yaml).is_err(), "{yaml}");
        }
    }

    #[test]
    fn what_was_used_is_written_in_norwegian_time() {
        let used = SnapshotUsed {
            navn: SnapshotName::Krr,
            sha256: "00".to_owned(),
            tidspunkt: parse_time("2026-11-23T05:00:00Z").unwrap(),
            rader: 3,
        };
        let json = serde_json::to_string(&used).unwrap();
        assert_eq!(json, r#"{"navn":"krr","sha256":"00","tidspunkt":"2026-11-23T06:00:00+01:00","rader":3}"#);
        assert_eq!(serde_json::from_str::<SnapshotUsed>(&json).unwrap(), used);
    }
}
