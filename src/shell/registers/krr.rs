//! Kontakt- og reservasjonsregisteret, and the list of those who are reserved.
//!
//! Source: Digdir's description of KRR; eForvaltningsforskriften §§ 8, 9 and 32.

use chrono::NaiveDate;

use super::header::Row;
use super::moment::{read_date, read_moment};
use super::table::Register;
use crate::core::calendar::{Time, midnight};
use crate::core::facts::{Mailbox, PersonFacts};
use crate::core::identity::{OrgNumber, PersonId, RecipientId};
use crate::core::reachable::{Contact, NoticeStatus, is_contact, notifiable};
use crate::core::unreadable_identity::Suspects;

pub struct Krr;

/// The places in `Krr::COLUMNS`.
const RESERVATION: usize = 1;
const STATUS: usize = 2;
const NOTICE_STATUS: usize = 3;
const EMAIL: [usize; 3] = [4, 5, 6];
const MOBILE: [usize; 3] = [7, 8, 9];
const MAILBOX_ADDRESS: usize = 10;
const MAILBOX_SUPPLIER: usize = 11;

impl Register for Krr {
    type Facts = PersonFacts;

    const COLUMNS: &'static [&'static str] = &[
        "personidentifikator",
        "reservasjon",
        "status",
        "varslingsstatus",
        "epostadresse",
        "epostadresse_oppdatert",
        "epostadresse_sist_verifisert",
        "mobiltelefonnummer",
        "mobiltelefonnummer_oppdatert",
        "mobiltelefonnummer_sist_verifisert",
        "postkasseadresse",
        "postkasseleverandoeradresse",
    ];
    const PREFIXES: &'static [&'static str] = &["kontaktinformasjon.", "digital_post."];

    fn identity(field: &[u8]) -> Option<RecipientId> {
        PersonId::parse(field.trim_ascii()).map(RecipientId::Person)
    }

    fn suspects(field: &[u8]) -> Option<Suspects> {
        Suspects::of(&String::from_utf8_lossy(field))
    }

    fn facts(row: &Row<'_>, now: Time) -> Result<PersonFacts, &'static str> {
        let in_krr = match &*row.text(STATUS) {
            "AKTIV" => true,
            "SLETTET" | "IKKE_REGISTRERT" => false,
            _ => return Err("«status» er verken AKTIV, SLETTET eller IKKE_REGISTRERT"),
        };
        let reserved = match &*row.text(RESERVATION) {
            "JA" => true,
            "NEI" => false,
            "" if !in_krr => false,
            _ => return Err("«reservasjon» er verken JA eller NEI"),
        };
        let notice_status = match &*row.text(NOTICE_STATUS) {
            "KAN_VARSLES" => NoticeStatus::May,
            "KAN_IKKE_VARSLES" => NoticeStatus::MayNot,
            "" => NoticeStatus::Unsaid,
            _ => return Err("«varslingsstatus» er verken KAN_VARSLES eller KAN_IKKE_VARSLES"),
        };
        let contacts = [contact(row, EMAIL)?, contact(row, MOBILE)?];
        let supplier = row.text(MAILBOX_SUPPLIER);
        let has_mailbox = !supplier.is_empty() && !row.text(MAILBOX_ADDRESS).is_empty();
        Ok(PersonFacts {
            in_krr,
            reserved,
            notifiable: notifiable(in_krr, notice_status, contacts).at(now),
            mailbox: has_mailbox.then(|| Mailbox::of_supplier(&supplier)),
        })
    }
}

fn contact(row: &Row<'_>, [contact, updated, verified]: [usize; 3]) -> Result<Contact, &'static str> {
    let date = |column| match &*row.text(column) {
        "" => Ok(None),
        text => read_moment(text).map(Some).ok_or("en dato for kontaktinformasjonen kan ikke leses"),
    };
    Ok(Contact { given: is_contact(&row.text(contact)), updated: date(updated)?, verified: date(verified)? })
}

/// `reservasjoner.csv`. The fact is whether the reservation has begun.
pub struct Reservations;

impl Register for Reservations {
    type Facts = bool;

    const COLUMNS: &'static [&'static str] = &["personidentifikator", "reservert_fra"];

    /// An organisation's number is readable too; that it stands here is worth a warning, no more.
    fn identity(field: &[u8]) -> Option<RecipientId> {
        let field = field.trim_ascii();
        Krr::identity(field).or_else(|| OrgNumber::parse(field).map(RecipientId::Organisation))
    }

    fn facts(row: &Row<'_>, now: Time) -> Result<bool, &'static str> {
        match &*row.text(1) {
            "" => Ok(true),
            text => Ok(begun(read_date(text).ok_or("«reservert_fra» er ikke en dato")?, now)),
        }
    }
}

/// The day itself counts, from its midnight in Norway.
fn begun(day: NaiveDate, now: Time) -> bool {
    midnight(day) <= now
}
