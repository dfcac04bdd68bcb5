//! Kontakt- og reservasjonsregisteret, and the list of those who are reserved.
//!
//! Source: Digdir's description of KRR; eForvaltningsforskriften §§ 8, 9 and 32.

use chrono::DateTime;
use chrono_tz::Europe::Oslo;

use super::bytes::Taker;
use super::header::Row;
use super::moment::{put_day, read_date, read_moment, take_day};
use super::register::Register;
use crate::core::calendar::{Time, midnight};
use crate::core::facts::{Mailbox, PersonFacts};
use crate::core::identity::{OrgNumber, PersonId, RecipientId};
use crate::core::reachable::{Contact, NoticeStatus, is_contact, notifiable};
use crate::core::snapshot::SnapshotName;
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

/// The bits of a packed row's first byte; above them stand `varslingsstatus` and the mailbox, two bits each.
const ACTIVE: u8 = 1;
const RESERVED: u8 = 2;
const NOTICE_STATUS_SHIFT: u8 = 2;
const MAILBOX_SHIFT: u8 = 4;
const NOTICE_STATUSES: [NoticeStatus; 3] = [NoticeStatus::May, NoticeStatus::MayNot, NoticeStatus::Unsaid];
const MAILBOXES: [Option<Mailbox>; 4] = [None, Some(Mailbox::Digipost), Some(Mailbox::Eboks), Some(Mailbox::Other)];

/// What stands for a contact: none, one without dates, or one with the second it was last touched.
const NO_CONTACT: u8 = 0;
const UNDATED: u8 = 1;
const DATED: u8 = 2;

impl Register for Krr {
    type Facts = PersonFacts;

    const NAME: SnapshotName = SnapshotName::Krr;
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

    fn pack(row: &Row<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let in_krr = match &*row.bytes(STATUS) {
            b"AKTIV" => true,
            b"SLETTET" | b"IKKE_REGISTRERT" => false,
            _ => return Err("«status» er verken AKTIV, SLETTET eller IKKE_REGISTRERT"),
        };
        let reserved = match &*row.bytes(RESERVATION) {
            b"JA" => true,
            b"NEI" => false,
            b"" if !in_krr => false,
            _ => return Err("«reservasjon» er verken JA eller NEI"),
        };
        let notice_status = match &*row.bytes(NOTICE_STATUS) {
            b"KAN_VARSLES" => 0,
            b"KAN_IKKE_VARSLES" => 1,
            b"" => 2,
            _ => return Err("«varslingsstatus» er verken KAN_VARSLES eller KAN_IKKE_VARSLES"),
        };
        let mailbox = match row.bytes(MAILBOX_SUPPLIER).is_empty() || row.bytes(MAILBOX_ADDRESS).is_empty() {
            true => 0,
            false => match Mailbox::of_supplier(&row.text(MAILBOX_SUPPLIER)) {
                Mailbox::Digipost => 1,
                Mailbox::Eboks => 2,
                Mailbox::Other => 3,
            },
        };
        let (active, reserved) = (u8::from(in_krr) * ACTIVE, u8::from(reserved) * RESERVED);
        out.push(active | reserved | notice_status << NOTICE_STATUS_SHIFT | mailbox << MAILBOX_SHIFT);
        put_contact(row, EMAIL, out)?;
        put_contact(row, MOBILE, out)
    }

    fn facts(packed: &[u8], now: Time) -> Option<PersonFacts> {
        let mut packed = Taker(packed);
        let first = packed.u8()?;
        let in_krr = first & ACTIVE != 0;
        let notice_status = *NOTICE_STATUSES.get(usize::from(first >> NOTICE_STATUS_SHIFT & 3))?;
        let contacts = [take_contact(&mut packed)?, take_contact(&mut packed)?];
        Some(PersonFacts {
            in_krr,
            reserved: first & RESERVED != 0,
            notifiable: notifiable(in_krr, notice_status, contacts).at(now),
            mailbox: *MAILBOXES.get(usize::from(first >> MAILBOX_SHIFT))?,
        })
    }
}

/// Of the contact itself nothing is kept: only whether there is one, and when it was last touched or confirmed.
fn put_contact(row: &Row<'_>, [contact, updated, verified]: [usize; 3], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let date = |column| match &*row.bytes(column) {
        b"" => Ok(None),
        text => read_moment(text).map(Some).ok_or("en dato for kontaktinformasjonen kan ikke leses"),
    };
    match (is_contact(&row.text(contact)), date(updated)?.max(date(verified)?)) {
        (false, _) => out.push(NO_CONTACT),
        (true, None) => out.push(UNDATED),
        (true, Some(touched)) => {
            // Contacts older than 1970 or younger than 2106 are as old or young as those.
            let second = u32::try_from(touched.max(0)).unwrap_or(u32::MAX);
            out.push(DATED);
            out.extend_from_slice(&second.to_le_bytes());
        }
    }
    Ok(())
}

fn take_contact(packed: &mut Taker<'_>) -> Option<Contact> {
    let (given, touched) = match packed.u8()? {
        NO_CONTACT => (false, None),
        UNDATED => (true, None),
        DATED => (true, Some(DateTime::from_timestamp(packed.u32()?.into(), 0)?.with_timezone(&Oslo))),
        _ => return None,
    };
    Some(Contact { given, updated: touched, verified: None })
}

/// `reservasjoner.csv`. The fact is whether the reservation has begun.
pub struct Reservations;

impl Register for Reservations {
    type Facts = bool;

    const NAME: SnapshotName = SnapshotName::Reservasjoner;
    const COLUMNS: &'static [&'static str] = &["personidentifikator", "reservert_fra"];

    /// An organisation's number is readable too; that it stands here is worth a warning, no more.
    fn identity(field: &[u8]) -> Option<RecipientId> {
        let field = field.trim_ascii();
        Krr::identity(field).or_else(|| OrgNumber::parse(field).map(RecipientId::Organisation))
    }

    fn pack(row: &Row<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let from = match &*row.text(1) {
            "" => None,
            text => Some(read_date(text).ok_or("«reservert_fra» er ikke en dato")?),
        };
        put_day(out, from);
        Ok(())
    }

    /// The day itself counts, from its midnight in Norway.
    fn facts(packed: &[u8], now: Time) -> Option<bool> {
        Some(take_day(&mut Taker(packed))?.is_none_or(|day| midnight(day) <= now))
    }
}
