//! Persons in KRR. The n-th person can be made without the others, so letters can be addressed to any of them.
//!
//! Every number is synthetic (month + 80), every e-mail domain reserved, every telephone number begins with the 0
//! that no Norwegian number begins with.

use std::io::Write;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate};
use postgang::core::identity::PersonId;

use crate::random::{Purpose, Random};
use crate::words::{FIRST_NAMES, LAST_NAMES, write_moment};

pub const HEADER: &str = "personidentifikator,reservasjon,status,varslingsstatus,epostadresse,epostadresse_oppdatert,\
    epostadresse_sist_verifisert,mobiltelefonnummer,mobiltelefonnummer_oppdatert,\
    mobiltelefonnummer_sist_verifisert,postkasseadresse,postkasseleverandoeradresse,spraak";

/// How many persons there can be, in the register or not.
pub const CAPACITY: u64 = DATES * SLOTS;

/// One hundred years of birth dates, so that six digits name one date.
const DATES: u64 = 36_525;
/// Numbers given per birth date. Six consecutive candidates always hold one whose check digits exist.
const SLOTS: u64 = 166;
const CANDIDATES: u64 = 6;
/// A prime: it scatters consecutive rows over all birth dates, as no real extract comes sorted by number.
const STEP: u64 = 1_000_003;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Reserved,
    Deleted,
    NotRegistered,
    /// All contact data is older than eighteen months.
    Expired,
    NoContact,
    Digipost,
    Eboks,
    NoMailbox,
}

pub struct Person {
    pub number: String,
    pub first_name: &'static str,
    pub last_name: &'static str,
    pub standing: Standing,
}

impl Person {
    pub fn nth(seed: u64, index: u64) -> Self {
        let mut random = Random::new(seed, Purpose::Person, index);
        let standing = match random.below(1000) {
            0..25 => Standing::Reserved,
            25..40 => Standing::Deleted,
            40..50 => Standing::NotRegistered,
            50..100 => Standing::Expired,
            100..120 => Standing::NoContact,
            120..440 => Standing::Digipost,
            440..620 => Standing::Eboks,
            _ => Standing::NoMailbox,
        };
        Self {
            number: number(index),
            first_name: random.pick(FIRST_NAMES),
            last_name: random.pick(LAST_NAMES),
            standing,
        }
    }
}

/// `reservasjoner.csv` holds 144,000 of 4.6 million, spread evenly; some are reserved in KRR too, most are not.
pub fn in_reservations(index: u64) -> bool {
    index * 144 % 4600 < 144
}

/// One row of `krr.csv`.
pub fn write_row(seed: u64, index: u64, out: &mut Vec<u8>) {
    let person = Person::nth(seed, index);
    let mut random = Random::new(seed, Purpose::PersonRow, index);
    let (reservation, status, notice) = match person.standing {
        Standing::Reserved => ("JA", "AKTIV", "KAN_IKKE_VARSLES"),
        Standing::Deleted => ("NEI", "SLETTET", "KAN_IKKE_VARSLES"),
        Standing::NotRegistered => ("NEI", "IKKE_REGISTRERT", "KAN_IKKE_VARSLES"),
        // The extract's own verdict may be older than the data's expiry: the dates decide.
        Standing::Expired if random.percent(50) => ("NEI", "AKTIV", "KAN_VARSLES"),
        Standing::Expired | Standing::NoContact => ("NEI", "AKTIV", "KAN_IKKE_VARSLES"),
        Standing::Digipost | Standing::Eboks | Standing::NoMailbox => ("NEI", "AKTIV", "KAN_VARSLES"),
    };
    write!(out, "{},{reservation},{status},{notice},", person.number).expect("memory takes every write");
    write_contacts(&person, &mut random, out);
    write_mailbox(&person, &mut random, out);
    let language = match random.below(100) {
        0..85 => "nb",
        85..96 => "nn",
        96..98 => "se",
        _ => "en",
    };
    writeln!(out, "{language}").expect("memory takes every write");
}

fn write_contacts(person: &Person, random: &mut Random, out: &mut Vec<u8>) {
    let fresh = match person.standing {
        Standing::Deleted | Standing::NotRegistered | Standing::NoContact => {
            out.extend_from_slice(b",,,,,,");
            return;
        }
        Standing::Expired => false,
        _ => true,
    };
    // Nine in ten have both; nobody has neither.
    let (email, mobile) = match random.below(20) {
        0 => (true, false),
        1 => (false, true),
        _ => (true, true),
    };
    // Changed long ago and confirmed since is the usual case.
    let mut dates = |out: &mut Vec<u8>| {
        out.push(b',');
        write_moment(out, random, if fresh { 1 } else { 600 }, 2900);
        out.push(b',');
        let (from, to) = if fresh { (1, 500) } else { (600, 2900) };
        write_moment(out, random, from, to);
        out.push(b',');
    };
    let tail = person.number.as_bytes();
    let digits = |from: usize, to: usize| std::str::from_utf8(&tail[from..to]).expect("digits");
    if email {
        for letter in person.first_name.chars().chain(['.']).chain(person.last_name.chars()) {
            // Addresses are ASCII, whatever the name.
            out.push(match letter.to_ascii_lowercase() {
                letter if letter.is_ascii() && letter != ' ' => letter as u8,
                _ => b'o',
            });
        }
        // Not the identity number's digits in its order: an e-mail address must not look like one.
        write!(out, "{}@epost.example", digits(6, 9)).expect("memory takes every write");
        dates(out);
    } else {
        out.extend_from_slice(b",,,");
    }
    if mobile {
        write!(out, "+470{}{}", digits(4, 9), digits(0, 2)).expect("memory takes every write");
        dates(out);
    } else {
        out.extend_from_slice(b",,,");
    }
}

fn write_mailbox(person: &Person, random: &mut Random, out: &mut Vec<u8>) {
    let supplier = match person.standing {
        Standing::Digipost => "984661185",
        // e-Boks changed its organisation number; extracts still hold the old one.
        Standing::Eboks if random.percent(5) => "996460320",
        Standing::Eboks => "922020175",
        Standing::Reserved | Standing::Expired if random.percent(30) => "984661185",
        _ => {
            out.extend_from_slice(b",,");
            return;
        }
    };
    let tag = random.below(0x1_0000);
    write!(out, "{}#{tag:04X},{supplier},", person.last_name.to_lowercase()).expect("memory takes every write");
}

static BIRTH_DATES: LazyLock<Vec<[u8; 6]>> = LazyLock::new(|| {
    let first = NaiveDate::from_ymd_opt(1911, 1, 1).expect("a date");
    first
        .iter_days()
        .take(DATES as usize)
        .map(|day| {
            let pair = |n: u32| [(n / 10) as u8, (n % 10) as u8];
            let [d, m, y] = [pair(day.day()), pair(day.month() + 80), pair(day.year() as u32 % 100)];
            [d[0], d[1], m[0], m[1], y[0], y[1]]
        })
        .collect()
});

fn number(index: u64) -> String {
    assert!(index < CAPACITY, "there are {CAPACITY} numbers");
    let place = index * STEP % CAPACITY;
    let date = &BIRTH_DATES[(place % DATES) as usize];
    let first = place / DATES * CANDIDATES;
    let serials = first..first + CANDIDATES;
    let number = serials.into_iter().find_map(|serial| with_check_digits(date, serial)).expect("one of six is valid");
    // The program under test must read every number, or the figures are for another job.
    assert!(PersonId::parse(number.as_bytes()).is_some(), "an invalid identity number was made");
    number
}

fn with_check_digits(date: &[u8; 6], serial: u64) -> Option<String> {
    let mut digits = [0_u8; 11];
    digits[..6].copy_from_slice(date);
    digits[6..9].copy_from_slice(&[(serial / 100) as u8, (serial / 10 % 10) as u8, (serial % 10) as u8]);
    digits[9] = check_digit(&[3, 7, 6, 1, 8, 9, 4, 5, 2], &digits)?;
    digits[10] = check_digit(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], &digits)?;
    Some(digits.iter().map(|digit| char::from(b'0' + digit)).collect())
}

/// The modulus-11 digit that follows as many digits as there are weights; `None` where it would be 10.
pub fn check_digit(weights: &[u32], digits: &[u8]) -> Option<u8> {
    let sum: u32 = weights.iter().zip(digits).map(|(weight, digit)| weight * u32::from(*digit)).sum();
    match (11 - sum % 11) % 11 {
        10 => None,
        check => Some(check as u8),
    }
}
