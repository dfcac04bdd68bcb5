//! `avsendere.yaml`: who sends, by which dated rules, and how old the registers may be.
//!
//! The file is data with the municipality's own choices; the rules that every sender shares are code.

mod mistake;

use std::fmt;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::calendar::{Calendar, ReadingLimit};
use super::facts::Address;
use super::identity::{OrgNumber, redact};
use super::position;
use super::print::{PrintSettings, address_lines};
use super::snapshot::RegisterPolicies;

pub use mistake::SendersError;

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

/// A letter that is refused today must still be there tomorrow, and nothing is kept for longer than a hundred years.
const RETENTION_DAYS: RangeInclusive<u32> = 1..=36_500;

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

/// What `avsendere.yaml` may say and hardly means.
#[derive(Debug)]
pub struct Warning {
    /// In bokmål.
    pub text: String,
    /// Letters are refused on its account, today.
    pub refuses: bool,
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
    pub svarinn: Option<SvarinnUse>,
    /// Of the letters that have lain in Altinn for a day, how many of a hundred may be unheard of.
    #[serde(rename = "maks_aldri_varslet_prosent", default = "silent_percent_default")]
    pub silent_percent_max: Percent,
}

/// How long an organisation's own system has to collect a letter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvarinnUse {
    #[serde(rename = "frist")]
    pub limit: Hours,
}

/// Elapsed hours: `24 timer` or `2 døgn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours(pub u32);

/// 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(pub u32);

fn silent_percent_default() -> Percent {
    Percent(20)
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
    pub fn parse(bytes: &[u8]) -> Result<Self, SendersError> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let (line, column) = position::of_end(&bytes[..error.valid_up_to()]);
            SendersError { line, column, problem: "tegnet er ikke UTF-8; lagre filen som UTF-8".to_owned() }
        })?;
        let file: File = serde_yaml::from_str(text).map_err(|error| SendersError::from_yaml(text, &error))?;
        let mut seen = Vec::new();
        for sender in &file.avsendere {
            let number = sender.number.to_string();
            if seen.contains(&number) {
                let (first, _) = position::of_text(text, &number, 1).unwrap_or((1, 1));
                return Err(SendersError::at(text, &number, first + 1, "avsenderen er oppgitt to ganger"));
            }
            sender.check().map_err(|(near, problem)| SendersError::of_sender(text, sender.number, &near, &problem))?;
            seen.push(number);
        }
        if !RETENTION_DAYS.contains(&file.oppbevaring_dager) {
            let (least, most) = (RETENTION_DAYS.start(), RETENTION_DAYS.end());
            let problem = format!("oppbevaring_dager må være fra {least} til {most}");
            return Err(SendersError::at(text, "oppbevaring_dager", 1, &problem));
        }
        if file.avsendere.is_empty() {
            return Err(SendersError::at(text, "avsendere", 1, "listen har ingen avsender"));
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

    /// What is allowed and hardly meant, in bokmål.
    pub fn warnings(&self, today: NaiveDate) -> Vec<Warning> {
        let of_registers = self.registers.warnings().into_iter().map(|text| Warning { text, refuses: false });
        of_registers.chain(self.senders.iter().flat_map(|sender| sender.warnings(today))).collect()
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

    /// What stands above the window of a cover sheet; without a return address, the sender's name.
    pub fn return_lines(&self) -> Vec<String> {
        let Some(back) = &self.return_address else { return vec![self.name.clone()] };
        let lines = [&back.line1, &back.line2, &back.line3].map(|line| line.clone().unwrap_or_default()).to_vec();
        let (postcode, city) = (back.postcode.clone(), back.city.clone());
        address_lines(&back.name, &Address { lines, postcode, city, country: String::new() })
    }

    /// Some rule of it lets letters become paper.
    fn may_send_on_paper(&self) -> bool {
        let groups = self.rules.iter().flat_map(|dated| [&dated.persons, &dated.organisations]).flatten();
        groups.into_iter().any(|rule| rule.then == Then::Print)
    }

    fn warnings(&self, today: NaiveDate) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |text: String, refuses: bool| {
            warnings.push(Warning { text: format!("avsender {}: {text}", self.number), refuses });
        };
        for group in [Group::Persons, Group::Organisations] {
            let first = self.rules.iter().filter(|dated| dated.group(group).is_some()).map(|dated| dated.from).min();
            match first {
                None => warn(format!("det finnes ingen regel for {group}, og alle brev til dem avvises"), false),
                Some(first) if first > today => warn(
                    format!(
                        "den første regelen for {group} gjelder fra {first}, og inntil da avvises alle brev til dem"
                    ),
                    true,
                ),
                Some(_) => {}
            }
        }
        if self.silent_percent_max == Percent(100) {
            let text = "maks_aldri_varslet_prosent er 100; brev skrives da ut som ulest selv om ingen av dem er kommet fram til Altinn";
            warn(text.to_owned(), false);
        }
        warnings
    }

    pub fn uses_mailboxes(&self, day: NaiveDate) -> bool {
        self.mailboxes.as_ref().is_some_and(|mailboxes| mailboxes.from <= day)
    }

    /// What the file's form alone does not say; `Err` is a text to find the place by, and the problem.
    fn check(&self) -> Result<(), (String, String)> {
        if self.name.trim().is_empty() {
            return Err(("navn".to_owned(), "navn er tomt".to_owned()));
        }
        for group in [Group::Persons, Group::Organisations] {
            let mut days: Vec<_> = self.rules.iter().filter(|r| r.group(group).is_some()).map(|r| r.from).collect();
            days.sort_unstable();
            if let Some(pair) = days.windows(2).find(|pair| pair[0] == pair[1]) {
                let day = pair[0].to_string();
                return Err((day.clone(), format!("to regler gjelder samme gruppe fra {day}")));
            }
        }
        if self.return_address.is_none() && self.may_send_on_paper() {
            let problem = "returadresse mangler; avsenderen kan sende på papir, og brev i retur må finne tilbake";
            return Err(("organisasjonsnummer".to_owned(), problem.to_owned()));
        }
        // It is printed on every envelope.
        if let Some(line) = self.return_lines().iter().chain([&self.name]).find(|line| redact(line) != **line) {
            let problem = "et fødselsnummer eller D-nummer står i avsenderens navn eller adresse".to_owned();
            return Err((line.clone(), problem));
        }
        match &self.return_address {
            Some(address) if address.postcode.len() != 4 || !address.postcode.bytes().all(|b| b.is_ascii_digit()) => {
                Err(("postnummer".to_owned(), "returadressens postnummer må ha fire sifre".to_owned()))
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

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
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

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(ReadingLimit::Hours(hours)) if hours > 0 => Ok(Self(hours)),
            _ => Err(de::Error::custom(format!(
                "«{text}» er ikke en frist; skriv for eksempel «24 timer» eller «2 døgn»"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = u32::deserialize(deserializer)?;
        let sensible = Some(percent).filter(|percent| *percent <= 100);
        sensible.map(Self).ok_or_else(|| de::Error::custom(format!("«{percent}» er ikke en prosent fra 0 til 100")))
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
    returadresse: {navn: Storevik kommune, postnummer: 4604, poststed: KRISTIANSAND S}
";

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn rules_are_dated_by_group() {
        let senders = Senders::parse(ONE.as_bytes()).unwrap();
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
        assert!(sender.svarinn.is_none() && sender.silent_percent_max == Percent(20));
        let more = "    svarinn: {frist: 2 døgn}\n    maks_aldri_varslet_prosent: 0\n    navn:";
        let chosen = Senders::parse(ONE.replacen("    navn:", more, 1).as_bytes()).unwrap();
        let chosen = chosen.only().unwrap();
        assert_eq!((chosen.svarinn.as_ref().unwrap().limit, chosen.silent_percent_max), (Hours(48), Percent(0)));
        assert!(!sender.uses_mailboxes(day("2016-09-19")) && sender.uses_mailboxes(day("2016-09-20")));
    }

    #[test]
    fn what_is_hardly_meant_is_said() {
        let today = day("2026-11-25");
        assert!(Senders::parse(ONE.as_bytes()).unwrap().warnings(today).is_empty());
        for (from, to, says) in [
            (
                "fra: 2016-09-20\n        personer",
                "fra: 2030-01-01\n        personer",
                "for personer gjelder fra 2030-01-01",
            ),
            ("        personer: {lesefrist: 2 yrkesdager, deretter: print}\n", "", "ingen regel for personer"),
            ("    navn:", "    maks_aldri_varslet_prosent: 100\n    navn:", "maks_aldri_varslet_prosent er 100"),
            ("avsendere:", "registre: {krr: {maks_alder_timer: 240}}\navsendere:", "ukjent i 10 døgn"),
            ("avsendere:", "registre: {enheter: {maks_fall_prosent: 100}}\navsendere:", "maks_fall_prosent er 100"),
        ] {
            let warnings = Senders::parse(ONE.replacen(from, to, 1).as_bytes()).unwrap().warnings(today);
            assert!(warnings.len() == 1 && warnings[0].text.contains(says), "{to}: {warnings:?}");
        }
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
            ("fra: 2020-01-01", "fra: 2020-13-01", 9, "dette er ikke en dato"),
            ("personer: {", "personer: {purring: -1, x: {", 7, ""),
            ("postnummer: 4604", "postnummer: 46", 11, "returadressens"),
            ("    returadresse:", "    #", 2, "returadresse mangler"),
            ("avsendere:", "oppbevaring_dager: 0\navsendere:", 1, "oppbevaring_dager må være fra 1"),
            ("avsendere:", "oppbevaring_dager: 40000\navsendere:", 1, "oppbevaring_dager må være fra 1 til 36500"),
            ("avsendere:", "registre: {krr: {maks_alder_timer: 0}}\navsendere:", 1, "«0» er ikke en alder"),
            ("avsendere:", "registre: {krr: {maks_fall_prosent: 101}}\navsendere:", 1, "«101» er ikke en prosent"),
            ("    navn: Storevik kommune", "    navn: \"Ola 20914695016\"", 3, "et fødselsnummer"),
            ("avsendere:", "registre: {krr: {minst_rader: -1}}\navsendere:", 1, "verdien er av feil slag"),
            ("fra: 2020-01-01", "fra: 2016-09-20", 4, "to regler gjelder samme gruppe fra 2016-09-20"),
            ("    navn:", "    svarinn: {frist: 2 virkedager}\n    navn:", 3, "«2 virkedager» er ikke en frist"),
            ("    navn:", "    maks_aldri_varslet_prosent: 101\n    navn:", 3, "«101» er ikke en prosent"),
            ("avsendere:", "avsendere: [", 2, "filen er ikke gyldig YAML"),
        ] {
            let error = Senders::parse(ONE.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(error.problem.starts_with(problem), "{to}: {error}");
            assert_eq!(error.line, line, "{to}: {error}");
        }
        let twice = format!("{ONE}{}", ONE.split_once('\n').unwrap().1);
        let error = Senders::parse(twice.as_bytes()).unwrap_err();
        assert_eq!((error.line, error.column), (12, 26), "{error}");
        assert!(Senders::parse(b"avsendere: []").is_err());
    }
}
