//! Norwegian identity numbers: who a letter is for.
//!
//! A person has 11 digits (fødselsnummer, D-number or a synthetic number), an organisation 9. Both carry check
//! digits; a number that fails them is never guessed at. The numbers are personal data, so neither type can be
//! printed: `Debug` shows the kind only.
//!
//! Source: Skatteetaten's description of the national identity number (check digits of 1964 and of 2032),
//! Brønnøysundregistrene for organisation numbers.

use std::fmt;
use std::ops::RangeInclusive;

use super::names::is_unshowable;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A valid 11-digit national identity number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(u64);

/// A valid 9-digit organisation number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrgNumber(u32);

/// What `digitalId` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecipientId {
    Person(PersonId),
    Organisation(OrgNumber),
}

impl PersonId {
    /// Reads 11 digits, spaces anywhere. Ten digits that are valid with a leading zero are read so: spreadsheets drop it.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (digits, length) = digits::<11>(text)?;
        match length {
            11 => valid_person(&digits),
            10 => {
                let mut padded = [0; 11];
                padded[1..].copy_from_slice(&digits[..10]);
                valid_person(&padded)
            }
            _ => None,
        }
    }
}

impl PersonId {
    /// Whether the number, read as one, is among these.
    pub fn lies_in(self, numbers: &RangeInclusive<u64>) -> bool {
        numbers.contains(&self.0)
    }
}

impl OrgNumber {
    /// Reads 9 digits, spaces anywhere, with the modulus-11 check digit.
    pub fn parse(text: &[u8]) -> Option<Self> {
        const WEIGHTS: [u32; 8] = [3, 2, 7, 6, 5, 4, 3, 2];
        let (digits, length) = digits::<9>(text)?;
        let sum: u32 = weighted(&WEIGHTS, &digits);
        let check = (11 - sum % 11) % 11;
        (length == 9 && check == u32::from(digits[8])).then(|| Self(number(&digits) as u32))
    }
}

impl RecipientId {
    /// The number itself. No two recipients share one: a person's begins with a day and a month, so it is greater than
    /// any organisation's.
    pub fn number(self) -> u64 {
        match self {
            Self::Person(PersonId(number)) => number,
            Self::Organisation(OrgNumber(number)) => number.into(),
        }
    }

    /// `digitalId` as the archive system wrote it: 11 digits are a person, 9 an organisation. No leading zero is
    /// supplied here: a number in a letter is either right or refused.
    pub fn parse(text: &str) -> Option<Self> {
        match text.bytes().filter(|b| *b != b' ').count() {
            11 => PersonId::parse(text.as_bytes()).map(Self::Person),
            9 => OrgNumber::parse(text.as_bytes()).map(Self::Organisation),
            _ => None,
        }
    }
}

/// The digits of `text` without its spaces and how many there are; nothing else is tolerated.
fn digits<const N: usize>(text: &[u8]) -> Option<([u8; N], usize)> {
    let mut digits = [0; N];
    let mut length = 0;
    for byte in text.iter().filter(|b| **b != b' ') {
        if !byte.is_ascii_digit() || length == N {
            return None;
        }
        digits[length] = byte - b'0';
        length += 1;
    }
    Some((digits, length))
}

fn weighted(weights: &[u32], digits: &[u8]) -> u32 {
    weights.iter().zip(digits).map(|(w, d)| w * u32::from(*d)).sum()
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, d| n * 10 + u64::from(*d))
}

fn valid_person(digits: &[u8; 11]) -> Option<PersonId> {
    const FIRST: [u32; 9] = [3, 7, 6, 1, 8, 9, 4, 5, 2];
    const SECOND: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    // The rule of 1964 wants remainder 0; from 2032 the first check digit may leave 0–3. Both are accepted.
    let first = (weighted(&FIRST, digits) + u32::from(digits[9])) % 11;
    let second = (weighted(&SECOND, digits) + u32::from(digits[10])) % 11;
    (first <= 3 && second == 0 && date_exists(digits)).then(|| PersonId(number(digits)))
}

/// Day and month after the masks: D-number day + 40; synthetic month + 80 (Tenor), + 65 (SyntPop), + 40 (NAV).
/// The century is not known, so 29 February exists where it does in either: year 00 counts as a leap year.
fn date_exists(digits: &[u8; 11]) -> bool {
    let pair = |at: usize| digits[at] * 10 + digits[at + 1];
    let day = pair(0) - if pair(0) > 40 { 40 } else { 0 };
    let month = match pair(2) {
        m @ 1..=12 => m,
        m @ 41..=52 => m - 40,
        m @ 66..=77 => m - 65,
        m @ 81..=92 => m - 80,
        _ => return false,
    };
    let last = match month {
        2 if pair(4).is_multiple_of(4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=last).contains(&day)
}

/// Makes every valid national identity number in a text of others' making unreadable: runs of 11 digits, also
/// written in the ways that people part them, become eleven `X`. Organisation numbers are public and stay.
///
/// A longer run of digits is searched at every offset, since other digits may stand right before or after a number.
pub fn redact(text: &str) -> String {
    const MASK: &str = "XXXXXXXXXXX";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match after_identity(rest) {
            Some(after) => {
                out.push_str(MASK);
                after
            }
            None => {
                out.push(first);
                &rest[first.len_utf8()..]
            }
        };
    }
    out
}

/// Where people part the digits of an identity number: `ddmmåå nnnnn`, `dd.mm.åå nnnnn`, `ddm måå nnnnn`, `… nnn nn`.
const PARTED_AFTER: [usize; 5] = [2, 3, 4, 6, 9];
/// Signs between two parts: a space and a hyphen, or two spaces.
const SIGNS_MAX: usize = 2;

/// What follows the identity number that `text` begins with. One that is parted at all is parted after its date.
fn after_identity(text: &str) -> Option<&str> {
    let (mut number, mut rest) = ([0; 11], text);
    let (mut parted, mut parted_after_date) = (false, false);
    for (count, digit) in number.iter_mut().enumerate() {
        // What cannot be seen parts nothing, wherever it stands.
        rest = rest.trim_start_matches(|c| count > 0 && is_unshowable(c));
        if PARTED_AFTER.contains(&count) {
            let signs: usize =
                rest.chars().take_while(|c| !c.is_alphanumeric()).take(SIGNS_MAX).map(char::len_utf8).sum();
            rest = rest[signs..].trim_start_matches(is_unshowable);
            parted |= signs > 0;
            parted_after_date |= signs > 0 && count == 6;
        }
        let first = rest.chars().next()?;
        *digit = ascii_digit(first)?;
        rest = &rest[first.len_utf8()..];
    }
    (parted == parted_after_date || !parted).then_some(())?;
    PersonId::parse(&number).map(|_| rest)
}

/// Full-width digits count as the digits they look like.
fn ascii_digit(c: char) -> Option<u8> {
    match c {
        '0'..='9' => u8::try_from(c).ok(),
        '\u{ff10}'..='\u{ff19}' => u8::try_from(u32::from(c) - 0xff10).ok().map(|digit| digit + b'0'),
        _ => None,
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonId(…)")
    }
}

impl fmt::Debug for OrgNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrgNumber({self})")
    }
}

/// An organisation number is public: senders are named by it in `status.yaml` and in lists.
impl fmt::Display for OrgNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:09}", self.0)
    }
}

impl Serialize for OrgNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Quoted or not: YAML's `910077473` and `"910077473"` are the same number.
impl<'de> Deserialize<'de> for OrgNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let error = || de::Error::custom(format!("«{}» er ikke et gyldig organisasjonsnummer", redact(&text)));
        Self::parse(text.as_bytes()).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_person_numbers() {
        for good in ["30908299902", "03851598730", "41819077906", "41819077302", "20914695016", "10915596784"] {
            assert!(PersonId::parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["20036914712", "29020105729", "2091469501", "209146950160", "2091469501x", "", "00000000000"] {
            assert!(PersonId::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn spaces_and_a_lost_leading_zero_are_mended_in_registers_only() {
        assert_eq!(PersonId::parse(b"038515 98730"), PersonId::parse(b"03851598730"));
        assert_eq!(PersonId::parse(b"3851598730"), PersonId::parse(b"03851598730"));
        assert!(RecipientId::parse("3851598730").is_none());
    }

    #[test]
    fn organisation_numbers() {
        for good in ["984661185", "922020175", "910077473", "123456785", "984 661 185"] {
            assert!(OrgNumber::parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["984661186", "98466118", "9846611855", "123456780", "12345678a"] {
            assert!(OrgNumber::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert_eq!(OrgNumber::parse(b"984661185").unwrap().to_string(), "984661185");
    }

    #[test]
    fn length_tells_person_from_organisation() {
        assert!(matches!(RecipientId::parse("20914695016"), Some(RecipientId::Person(_))));
        assert!(matches!(RecipientId::parse("984661185"), Some(RecipientId::Organisation(_))));
        assert!(RecipientId::parse("9846611").is_none());
    }

    #[test]
    fn texts_are_redacted() {
        assert_eq!(redact("sak 20914695016 vedtak"), "sak XXXXXXXXXXX vedtak");
        assert_eq!(redact("209146 95016.pdf"), "XXXXXXXXXXX.pdf");
        assert_eq!(redact("209146:95016 209146\u{a0}95016"), "XXXXXXXXXXX XXXXXXXXXXX");
        for parted in ["20.91.46 95016", "209 146 95016", "209146  95016", "209146 - 95016", "209146 950 16"] {
            let expected = if parted.contains(" - ") { parted } else { "XXXXXXXXXXX" };
            assert_eq!(redact(parted), expected, "{parted}");
        }
        assert_eq!(redact("２０９１４６９５０１６"), "XXXXXXXXXXX");
        assert_eq!(redact("2091469\u{ad}5016 2\u{200b}0914\u{200b}6-95016"), "XXXXXXXXXXX XXXXXXXXXXX");
        // Digits that happen to stand near each other are no number.
        assert_eq!(redact("209146x95016 2091 4695016"), "209146x95016 2091 4695016");
        assert_eq!(redact("x20914695016y1"), "xXXXXXXXXXXXy1");
        assert_eq!(redact("1209146950169"), "1XXXXXXXXXXX9");
        assert_eq!(redact("20036914712 og 984661185, æøå"), "20036914712 og 984661185, æøå");
    }

    #[test]
    fn a_number_does_not_show_itself() {
        let shown = format!("{:?}", RecipientId::parse("20914695016"));
        assert!(!shown.contains("2091"), "{shown}");
    }
}
