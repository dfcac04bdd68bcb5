//! What the registers say of a recipient, as far as a rule uses it.
//!
//! Source: Digdir's description of KRR, Brønnøysundregistrene's bulk files.

use chrono::NaiveDate;

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

/// What KRR and the reservations say of a person at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonFacts {
    /// Registered and active: neither absent, `IKKE_REGISTRERT` nor `SLETTET`.
    pub in_krr: bool,
    /// Reserved in KRR, or in `reservasjoner.csv` from its day on.
    pub reserved: bool,
    /// See [`super::reachable`].
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
}
