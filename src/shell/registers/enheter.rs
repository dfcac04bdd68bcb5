//! Enhetsregisteret's bulk files, and the list of organisations with a receiving system of their own.
//!
//! Source: data.brreg.no; the columns' order, case and number vary by year.

use chrono::NaiveDate;

use super::header::Row;
use super::moment::read_date;
use super::table::Register;
use crate::core::calendar::Time;
use crate::core::facts::Address;
use crate::core::identity::{OrgNumber, RecipientId};

/// `enheter.csv`.
pub struct Units;

#[derive(Clone, PartialEq)]
pub struct Unit {
    pub bankrupt: bool,
    pub address: Option<Address>,
}

impl Register for Units {
    type Facts = Unit;

    const COLUMNS: &'static [&'static str] = &[
        "organisasjonsnummer",
        "konkurs",
        "postadresse.adresse",
        "postadresse.postnummer",
        "postadresse.poststed",
        "postadresse.land",
        "forretningsadresse.adresse",
        "forretningsadresse.postnummer",
        "forretningsadresse.poststed",
        "forretningsadresse.land",
    ];

    fn identity(field: &[u8]) -> Option<RecipientId> {
        OrgNumber::parse(field.trim_ascii()).map(RecipientId::Organisation)
    }

    fn facts(row: &Row<'_>, _: Time) -> Result<Unit, &'static str> {
        let bankrupt = match &*row.text(1) {
            "true" => true,
            "false" => false,
            _ => return Err("«konkurs» er verken true eller false"),
        };
        Ok(Unit { bankrupt, address: address(row, 2).or_else(|| address(row, 6)) })
    }
}

/// `underenheter.csv`.
pub struct SubUnits;

#[derive(Clone, PartialEq)]
pub struct SubUnit {
    pub closed_from: Option<NaiveDate>,
    pub address: Option<Address>,
}

impl Register for SubUnits {
    type Facts = SubUnit;

    const COLUMNS: &'static [&'static str] = &[
        "organisasjonsnummer",
        "nedleggelsesdato",
        "postadresse.adresse",
        "postadresse.postnummer",
        "postadresse.poststed",
        "postadresse.land",
        "beliggenhetsadresse.adresse",
        "beliggenhetsadresse.postnummer",
        "beliggenhetsadresse.poststed",
        "beliggenhetsadresse.land",
    ];

    fn identity(field: &[u8]) -> Option<RecipientId> {
        Units::identity(field)
    }

    fn facts(row: &Row<'_>, _: Time) -> Result<SubUnit, &'static str> {
        let closed_from = match &*row.text(1) {
            "" => None,
            text => Some(read_date(text).ok_or("«nedleggelsesdato» er ikke en dato")?),
        };
        Ok(SubUnit { closed_from, address: address(row, 2).or_else(|| address(row, 6)) })
    }
}

/// `svarinn.csv`. Standing there is all it says.
pub struct ReceivingSystems;

impl Register for ReceivingSystems {
    type Facts = ();

    const COLUMNS: &'static [&'static str] = &["organisasjonsnummer"];

    fn identity(field: &[u8]) -> Option<RecipientId> {
        Units::identity(field)
    }

    fn facts(_: &Row<'_>, _: Time) -> Result<(), &'static str> {
        Ok(())
    }
}

/// The address in the four columns from `first`; none where only the country, or nothing, is given.
fn address(row: &Row<'_>, first: usize) -> Option<Address> {
    let [lines, postcode, city, country] = [0, 1, 2, 3].map(|i| row.text(first + i));
    if lines.is_empty() && postcode.is_empty() && city.is_empty() {
        return None;
    }
    // Brønnøysund writes a line break as the two characters `/n`.
    let lines =
        lines.replace("/n", "\n").lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    Some(Address { lines, postcode: postcode.into(), city: city.into(), country: country.into() })
}
