//! `avsendere.yaml`: who sends, by which dated rules, and how old the registers may be.
//!
//! The file is data with the municipality's own choices; the rules that every sender shares are code.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::calendar::{Calendar, ReadingLimit};
use super::identity::OrgNumber;
use super::print::PrintSettings;
use super::snapshot::RegisterPolicies;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    registre: RegisterPolicies,
    #[serde(default)]
    fridager: Vec<NaiveDate>,
    #[serde(default = "retention_default")]
    oppbevaring_dager: u32,
    avsendere: Vec<Sender>,
}

/// SvarUt keeps documents three months.
fn retention_default() -> u32 {
    90
}

/// Everything `avsendere.yaml` says.
#[derive(Clone, Debug, Default)]
pub struct Senders {
    pub registers: RegisterPolicies,
    pub calendar: Calendar,
    /// How long `arkiv/` and `avvist/` are kept.
    pub retention_days: u32,
    pub senders: Vec<Sender>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    #[serde(rename = "organisasjonsnummer")]
    pub number: OrgNumber,
    #[serde(rename = "navn")]
    pub name: String,
    #[serde(rename = "returadresse")]
    pub return_address: Option<ReturnAddress>,
    #[serde(rename = "digital_postkasse")]
    pub mailboxes: Option<MailboxUse>,
    #[serde(rename = "regler")]
    pub rules: Vec<DatedRules>,
    #[serde(rename = "utskrift", default)]
    pub print: PrintSettings,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnAddress {
    #[serde(rename = "navn")]
    pub name: String,
    #[serde(rename = "adresselinje1")]
    pub line1: Option<String>,
    #[serde(rename = "adresselinje2")]
    pub line2: Option<String>,
    #[serde(rename = "adresselinje3")]
    pub line3: Option<String>,
    #[serde(rename = "postnummer")]
    pub postcode: String,
    #[serde(rename = "poststed")]
    pub city: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxUse {
    #[serde(rename = "fra")]
    pub from: NaiveDate,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedRules {
    #[serde(rename = "fra")]
    pub from: NaiveDate,
    #[serde(rename = "personer")]
    pub persons: Option<GroupRule>,
    #[serde(rename = "organisasjoner")]
    pub organisations: Option<GroupRule>,
}

/// One group's rule as it is written; an absent `purring` depends on `deretter`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    #[serde(rename = "lesefrist", default = "limit_default")]
    limit: Limit,
    #[serde(rename = "deretter", default)]
    then: Then,
    #[serde(rename = "purring")]
    reminder: Option<Reminder>,
}

/// `lesefrist` as it was written, which `status.yaml` repeats, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub text: String,
    pub limit: ReadingLimit,
}

fn limit_default() -> Limit {
    Limit { text: "2 virkedager".to_owned(), limit: ReadingLimit::WorkingDays(2) }
}

/// What happens to a letter that stays unopened in Altinn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    #[default]
    #[serde(rename = "print")]
    Print,
    #[serde(rename = "kun-digital")]
    DigitalOnly,
}

/// Days after the clock's start; `None` when no reminder is wanted (`ingen`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reminder(Option<u32>);

/// eForvaltningsforskriften § 8: one week.
const REMINDER_DAYS_DEFAULT: u32 = 7;
const REMINDER_DAYS_MAX: u32 = 366;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Group {
    #[serde(rename = "personer")]
    Persons,
    #[serde(rename = "organisasjoner")]
    Organisations,
}

/// The rule that a letter is placed by; later edits of the file do not touch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub group: Group,
    pub from: NaiveDate,
    pub limit: Limit,
    pub then: Then,
    pub reminder_days: Option<u32>,
}

impl Senders {
    /// Reads the whole file; the first mistake stops everything, so that no letter meets half a rule.
    pub fn parse(text: &str) -> Result<Self, SendersError> {
        let file: File = serde_yaml::from_str(text).map_err(SendersError::from_yaml)?;
        let mut seen = Vec::new();
        for sender in &file.avsendere {
            let number = sender.number.to_string();
            if seen.contains(&number) {
                return Err(SendersError::at_nth(text, &number, 1, "avsenderen er oppgitt to ganger"));
            }
            sender.check().map_err(|problem| SendersError::at_nth(text, &number, 0, &problem))?;
            seen.push(number);
        }
        if file.avsendere.is_empty() {
            return Err(SendersError::at_nth(text, "avsendere", 0, "listen har ingen avsender"));
        }
        Ok(Self {
            registers: file.registre,
            calendar: Calendar::new(file.fridager),
            retention_days: file.oppbevaring_dager,
            senders: file.avsendere,
        })
    }

    pub fn get(&self, number: OrgNumber) -> Option<&Sender> {
        self.senders.iter().find(|sender| sender.number == number)
    }

    /// The sender that need not be named because there is no other.
    pub fn only(&self) -> Option<&Sender> {
        if let [only] = self.senders.as_slice() { Some(only) } else { None }
    }
}

impl Sender {
    /// The newest rule for `group` in force on `day`.
    pub fn rule(&self, group: Group, day: NaiveDate) -> Option<Rule> {
        let in_force = self.rules.iter().filter(|dated| dated.from <= day);
        let for_group = in_force.filter_map(|dated| Some((dated.from, dated.group(group)?)));
        let (from, rule) = for_group.max_by_key(|(from, _)| *from)?;
        Some(Rule { group, from, limit: rule.limit.clone(), then: rule.then, reminder_days: rule.reminder_days() })
    }

    pub fn uses_mailboxes(&self, day: NaiveDate) -> bool {
        self.mailboxes.as_ref().is_some_and(|mailboxes| mailboxes.from <= day)
    }

    fn check(&self) -> Result<(), String> {
        if self.name.trim().is_empty() {
            return Err("navn er tomt".to_owned());
        }
        for group in [Group::Persons, Group::Organisations] {
            let mut days: Vec<_> = self.rules.iter().filter(|r| r.group(group).is_some()).map(|r| r.from).collect();
            days.sort_unstable();
            if let Some(pair) = days.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(format!("to regler gjelder samme gruppe fra {}", pair[0]));
            }
        }
        match &self.return_address {
            Some(address) if address.postcode.len() != 4 || !address.postcode.bytes().all(|b| b.is_ascii_digit()) => {
                Err("returadressens postnummer må ha fire sifre".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl DatedRules {
    fn group(&self, group: Group) -> Option<&GroupRule> {
        match group {
            Group::Persons => self.persons.as_ref(),
            Group::Organisations => self.organisations.as_ref(),
        }
    }
}

impl GroupRule {
    fn reminder_days(&self) -> Option<u32> {
        match (self.reminder, self.then) {
            (Some(Reminder(days)), _) => days,
            (None, Then::DigitalOnly) => Some(REMINDER_DAYS_DEFAULT),
            (None, Then::Print) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let limit = text.parse().map_err(de::Error::custom)?;
        Ok(Self { text, limit })
    }
}

impl<'de> Deserialize<'de> for Reminder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let days = match words.as_slice() {
            ["ingen"] => return Ok(Self(None)),
            [days, "dag" | "dager" | "døgn"] => days.parse().ok(),
            _ => None,
        };
        days.filter(|days| (1..=REMINDER_DAYS_MAX).contains(days)).map(|days| Self(Some(days))).ok_or_else(|| {
            de::Error::custom(format!("«{text}» er ikke en purring; skriv for eksempel «7 dager» eller «ingen»"))
        })
    }
}

/// A mistake in `avsendere.yaml`, in bokmål.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("linje {line}, kolonne {column}: {problem}")]
pub struct SendersError {
    pub line: usize,
    pub column: usize,
    pub problem: String,
}

impl SendersError {
    fn from_yaml(error: serde_yaml::Error) -> Self {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        Self { line, column, problem: translate(&error.to_string()) }
    }

    /// At the `nth` line that holds `needle`, for what the parser cannot know.
    fn at_nth(text: &str, needle: &str, nth: usize, problem: &str) -> Self {
        let places = text.lines().enumerate().filter_map(|(number, line)| Some((number + 1, line.find(needle)? + 1)));
        let (line, column) = places.clone().nth(nth).or_else(|| places.last()).unwrap_or((1, 1));
        Self { line, column, problem: problem.to_owned() }
    }
}

/// The parser's words in bokmål. Its messages end in ` at line N column M`, which stands in front of ours.
fn translate(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    // What our own types say comes after the path of the field.
    if let Some(at) = message.find('«') {
        return message[at..].to_owned();
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [field, known @ ..] if message.contains("unknown field") => {
            format!("feltet «{field}» er ukjent her; kjente felter er {}", known.join(", "))
        }
        [value, known @ ..] if message.contains("unknown variant") => {
            format!("«{value}» er ikke en gyldig verdi; gyldige verdier er {}", known.join(", "))
        }
        [field, ..] if message.contains("missing field") => format!("feltet «{field}» mangler"),
        [field, ..] if message.contains("duplicate field") => format!("feltet «{field}» er oppgitt to ganger"),
        _ => format!("filen er ikke gyldig her ({message})"),
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Print => "print",
            Self::DigitalOnly => "kun-digital",
        })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Persons => "personer",
            Self::Organisations => "organisasjoner",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "avsendere:
  - organisasjonsnummer: 910077473
    navn: Storevik kommune
    digital_postkasse: {fra: 2016-09-20}
    regler:
      - fra: 2016-09-20
        personer: {lesefrist: 2 yrkesdager, deretter: print}
        organisasjoner: {lesefrist: 40 timer på virkedager}
      - fra: 2020-01-01
        organisasjoner: {deretter: kun-digital}
";

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn rules_are_dated_by_group() {
        let senders = Senders::parse(ONE).unwrap();
        let sender = senders.only().unwrap();
        assert_eq!(sender.rule(Group::Persons, day("2016-09-19")), None);
        let persons = sender.rule(Group::Persons, day("2026-01-01")).unwrap();
        assert_eq!((persons.from, persons.limit.text.as_str()), (day("2016-09-20"), "2 yrkesdager"));
        assert_eq!((persons.limit.limit, persons.reminder_days), (ReadingLimit::WorkingDays(2), None));
        let before = sender.rule(Group::Organisations, day("2019-12-31")).unwrap();
        assert_eq!((before.limit.limit, before.then), (ReadingLimit::WorkingHours(40), Then::Print));
        let after = sender.rule(Group::Organisations, day("2020-01-01")).unwrap();
        assert_eq!((after.limit.limit, after.then), (ReadingLimit::WorkingDays(2), Then::DigitalOnly));
        assert_eq!(after.reminder_days, Some(7));
        assert!(!sender.uses_mailboxes(day("2016-09-19")) && sender.uses_mailboxes(day("2016-09-20")));
    }

    #[test]
    fn mistakes_have_a_place_and_a_bokmal_line() {
        for (from, to, line, problem) in [
            ("910077473", "910077474", 2, "«910077474» er ikke et gyldig organisasjonsnummer"),
            ("lesefrist: 2 yrkesdager", "lesefrist: 2 uker", 7, "«2 uker» er ikke en lesefrist"),
            ("lesefrist: 2 yrkesdager", "lesefirst: 2 virkedager", 7, "feltet «lesefirst» er ukjent her"),
            ("deretter: kun-digital", "deretter: papir", 10, "«papir» er ikke en gyldig verdi"),
            ("deretter: kun-digital", "purring: aldri", 10, "«aldri» er ikke en purring"),
            ("    navn: Storevik kommune\n", "", 2, "feltet «navn» mangler"),
            ("fra: 2020-01-01", "fra: 2020-13-01", 9, ""),
            ("fra: 2020-01-01", "fra: 2016-09-20", 2, "to regler gjelder samme gruppe fra 2016-09-20"),
            ("avsendere:", "avsendere: [", 2, ""),
        ] {
            let error = Senders::parse(&ONE.replacen(from, to, 1)).unwrap_err();
            assert!(error.problem.starts_with(problem), "{to}: {error}");
            assert_eq!(error.line, line, "{to}: {error}");
        }
        let twice = format!("{ONE}{}", ONE.split_once('\n').unwrap().1);
        let error = Senders::parse(&twice).unwrap_err();
        assert_eq!((error.line, error.column), (11, 26), "{error}");
        assert!(Senders::parse("avsendere: []").is_err());
    }
}
