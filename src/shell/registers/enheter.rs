//! Enhetsregisteret's bulk files, and the list of organisations with a receiving system of their own.
//!
//! Source: data.brreg.no; the columns' order, case and number vary by year.

use chrono::NaiveDate;

use super::bytes::{Taker, put_text};
use super::header::Row;
use super::moment::{put_day, read_date, take_day};
use super::register::Register;
use crate::core::calendar::Time;
use crate::core::facts::Address;
use crate::core::identity::{OrgNumber, RecipientId};
use crate::core::snapshot::SnapshotName;

/// `enheter.csv`.
pub struct Units;

#[derive(Clone, PartialEq)]
pub struct Unit {
    pub bankrupt: bool,
    pub address: Option<Address>,
}

impl Register for Units {
    type Facts = Unit;

    const NAME: SnapshotName = SnapshotName::Enheter;
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

    fn pack(row: &Row<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
        out.push(match &*row.bytes(1) {
            b"true" => 1,
            b"false" => 0,
            _ => return Err("«konkurs» er verken true eller false"),
        });
        put_address(row, out);
        Ok(())
    }

    fn facts(packed: &[u8], _: Time) -> Option<Unit> {
        let mut packed = Taker(packed);
        Some(Unit { bankrupt: packed.u8()? == 1, address: take_address(&mut packed)? })
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

    const NAME: SnapshotName = SnapshotName::Underenheter;
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

    fn pack(row: &Row<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let closed_from = match &*row.text(1) {
            "" => None,
            text => Some(read_date(text).ok_or("«nedleggelsesdato» er ikke en dato")?),
        };
        put_day(out, closed_from);
        put_address(row, out);
        Ok(())
    }

    fn facts(packed: &[u8], _: Time) -> Option<SubUnit> {
        let mut packed = Taker(packed);
        Some(SubUnit { closed_from: take_day(&mut packed)?, address: take_address(&mut packed)? })
    }
}

/// `svarinn.csv`. Standing there is all it says.
pub struct ReceivingSystems;

impl Register for ReceivingSystems {
    type Facts = ();

    const NAME: SnapshotName = SnapshotName::Svarinn;
    const COLUMNS: &'static [&'static str] = &["organisasjonsnummer"];

    fn identity(field: &[u8]) -> Option<RecipientId> {
        Units::identity(field)
    }

    fn pack(_: &Row<'_>, _: &mut Vec<u8>) -> Result<(), &'static str> {
        Ok(())
    }

    fn facts(_: &[u8], _: Time) -> Option<()> {
        Some(())
    }
}

/// The address in the four columns from 2, else in those from 6; none where only the country, or nothing, is given.
fn put_address(row: &Row<'_>, out: &mut Vec<u8>) {
    let given = |first: &usize| (0..3).any(|i| !row.bytes(first + i).is_empty());
    let first = [2, 6].into_iter().find(given);
    out.push(u8::from(first.is_some()));
    if let Some(first) = first {
        (first..first + 4).for_each(|column| put_text(out, &row.text(column)));
    }
}

fn take_address(packed: &mut Taker<'_>) -> Option<Option<Address>> {
    if packed.u8()? == 0 {
        return Some(None);
    }
    // Brønnøysund writes a line break as the two characters `/n`.
    let lines = packed.text()?.replace("/n", "\n");
    Some(Some(Address {
        lines: lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        postcode: packed.text()?.to_owned(),
        city: packed.text()?.to_owned(),
        country: packed.text()?.to_owned(),
    }))
}
