//! What the registers say of a recipient, as far as a rule uses it.
//!
//! Source: eForvaltningsforskriften § 32 (contact data older than 18 months may not be used), Digdir's description
//! of KRR, Brønnøysundregistrene's bulk files.

use chrono::{DateTime, Months, NaiveDate};
use chrono_tz::Tz;

use super::calendar::Time;

/// Months after which contact data that nobody has touched or confirmed may no longer be used.
pub const CONTACT_MONTHS_MAX: u32 = 18;

/// A digital mailbox, by its supplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mailbox {
    Digipost,
    Eboks,
    /// A supplier we cannot send to: the letter goes to Altinn, with a warning.
    Other,
}

impl Mailbox {
    /// By the supplier's organisation number, with or without an ISO 6523 prefix.
    pub fn of_supplier(text: &str) -> Self {
        let number: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        match number.strip_prefix("0192:").or_else(|| number.strip_prefix("9908:")).unwrap_or(&number) {
            "984661185" => Self::Digipost,
            "922020175" | "996460320" => Self::Eboks,
            _ => Self::Other,
        }
    }
}

/// Whether contact data last touched at `touched` may still be used at `now`: eighteen calendar months, the day
/// clamped to the month's end; exactly eighteen is too old.
pub fn contact_is_fresh(touched: DateTime<Tz>, now: Time) -> bool {
    touched.checked_add_months(Months::new(CONTACT_MONTHS_MAX)).is_some_and(|expiry| now < expiry)
}

/// What KRR and the reservations say of a person at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonFacts {
    /// Registered and active: neither absent, `IKKE_REGISTRERT` nor `SLETTET`.
    pub in_krr: bool,
    /// Reserved in KRR, or in `reservasjoner.csv` from its day on.
    pub reserved: bool,
    /// Active, not `KAN_IKKE_VARSLES`, and with a contact that may still be used.
    pub notifiable: bool,
    pub mailbox: Option<Mailbox>,
}

/// What Enhetsregisteret and `svarinn.csv` say of an organisation that is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganisationFacts {
    pub bankrupt: bool,
    /// A sub-unit's `nedleggelsesdato`.
    pub closed_from: Option<NaiveDate>,
    pub own_receiving_system: bool,
    /// It stands in `reservasjoner.csv`, which has no effect: organisations cannot reserve themselves.
    pub reserved: bool,
    /// `postadresse`, else `forretningsadresse` or `beliggenhetsadresse`.
    pub address: Option<Address>,
}

/// A postal address without the name above it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Address {
    #[serde(rename = "adresselinjer")]
    pub lines: Vec<String>,
    #[serde(rename = "postnummer")]
    pub postcode: String,
    #[serde(rename = "poststed")]
    pub city: String,
    #[serde(rename = "land")]
    pub country: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::parse_time;

    #[test]
    fn suppliers() {
        for (number, expected) in [
            ("984 661 185", Mailbox::Digipost),
            ("984661185", Mailbox::Digipost),
            ("0192:984661185", Mailbox::Digipost),
            ("9908:984661185", Mailbox::Digipost),
            ("922020175", Mailbox::Eboks),
            ("996460320", Mailbox::Eboks),
            ("910077473", Mailbox::Other),
        ] {
            assert_eq!(Mailbox::of_supplier(number), expected, "{number}");
        }
    }

    #[test]
    fn eighteen_months_exactly_is_too_old() {
        for (touched, now, fresh) in [
            ("2025-05-23T09:00:00+02:00", "2026-11-23T09:00:00+01:00", false),
            ("2025-05-23T09:00:01+02:00", "2026-11-23T09:00:00+01:00", true),
            // 31 August + 18 months is clamped to 28 February.
            ("2024-08-31T00:00:00+02:00", "2026-02-27T23:59:59+01:00", true),
            ("2024-08-31T00:00:00+02:00", "2026-02-28T00:00:00+01:00", false),
        ] {
            let (touched, now) = (parse_time(touched).unwrap(), parse_time(now).unwrap());
            assert_eq!(contact_is_fresh(touched, now), fresh, "{touched} {now}");
        }
    }
}
