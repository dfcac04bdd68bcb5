//! What a person must look at: matters, each of a kind that says what to do, and each with a number that it keeps from
//! night to night until somebody closes it or it is over.
//!
//! Which matter it is say its kind and whom it concerns. One that is over and comes again is a new one.

use std::collections::BTreeSet;

use super::code::Code;
use super::names::shown;
use super::sheet::Cell;
use super::status::{Stamp, Status};

/// The columns of `oppfolging-YYYY-MM-DD.csv`.
pub const COLUMNS: [&str; 9] =
    ["sak", "forsendelsesId", "eksternReferanse", "avsender", "sted", "kode", "siden", NUMBER, "gjør"];
const NUMBER: &str = "nr";
const NUMBER_AT: usize = 7;

/// Characters of a line that is not understood which are repeated to its writer.
const QUOTED_MAX: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Refused,
    Undelivered,
    SilentMailbox,
    BatchNotPrinted,
    HeldByRow,
    UnreadableReceipt,
    StopTooLate,
    StrayStop,
    Braked,
    GaveUp,
    NoticeFailed,
    Misreported,
    /// Another system has printed the letter.
    PrintedElsewhere,
    /// It was deleted where it lay.
    Removed,
    Uncollected,
    /// Place, account and ledger disagree.
    Unsure,
}

impl Kind {
    pub const ALL: [Self; 16] = [
        Self::Refused,
        Self::Undelivered,
        Self::SilentMailbox,
        Self::BatchNotPrinted,
        Self::HeldByRow,
        Self::UnreadableReceipt,
        Self::StopTooLate,
        Self::StrayStop,
        Self::Braked,
        Self::GaveUp,
        Self::NoticeFailed,
        Self::Misreported,
        Self::PrintedElsewhere,
        Self::Removed,
        Self::Uncollected,
        Self::Unsure,
    ];

    /// By what it is remembered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "avvist",
            Self::Undelivered => "ikke-levert",
            Self::SilentMailbox => "taus-postkasse",
            Self::BatchNotPrinted => "bunke",
            Self::HeldByRow => "registerrad",
            Self::UnreadableReceipt => "kvitteringsrad",
            Self::StopTooLate => "stopp",
            Self::StrayStop => "stopp-uten-brev",
            Self::Braked => "brems",
            Self::GaveUp => "ga-opp",
            Self::NoticeFailed => "varsel-feilet",
            Self::Misreported => "feilmeldt",
            Self::PrintedElsewhere => "skrevet-ut-av-andre",
            Self::Removed => "fjernet",
            Self::Uncollected => "ikke-hentet",
            Self::Unsure => "uklart",
        }
    }

    /// The list's word for it.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Refused => "avvist",
            Self::Undelivered => "ikke levert",
            Self::SilentMailbox => "ingen kvittering fra postkassen etter 48 timer",
            Self::BatchNotPrinted => "bunken er ikke meldt skrevet ut",
            Self::HeldByRow => "venter: feil i en rad i et register",
            Self::UnreadableReceipt => "en kvitteringsrad som nevner brevet, kan ikke leses",
            Self::StopTooLate => "STOPP-filen kom for sent; se STOPP-SVAR.txt i mappen",
            Self::StrayStop => "STOPP-filen ligger ikke i et brev",
            Self::Braked => "for mange brev i Altinn har ingen kvittering, og ingen skrives ut som ulest",
            Self::GaveUp => "kanalen ga opp leveringen; brevet kan være levert",
            Self::NoticeFailed => "varselet kom ikke fram",
            Self::Misreported => "meldt skrevet ut eller i retur, men ikke sendt til utskrift",
            Self::PrintedElsewhere => "skrevet ut av et annet system; to systemer sender det samme brevet",
            Self::Removed => "brevet er fjernet fra kanalen",
            Self::Uncollected => "ikke hentet av organisasjonens mottakssystem etter 24 timer",
            Self::Unsure => "brevet er ikke rørt, for mappen stemmer ikke med protokollen",
        }
    }

    /// What to do about it.
    fn remedy(self) -> &'static str {
        match self {
            Self::Refused => "Les BESLUTNING.txt i mappen.",
            Self::Undelivered => {
                "Kontakt mottakeren på en annen måte, eller send brevet på nytt uten kunDigitalLevering."
            }
            Self::SilentMailbox => "Spør den som sender til postkassene, om brevet er levert.",
            Self::BatchNotPrinted => {
                "Ring trykkeriet, og oppgi bunken. Legg svaret deres i registry/kvitteringer/ når bunken er skrevet ut."
            }
            Self::HeldByRow => {
                "Kjør postgang check, som sier hvilken rad det er. Få den rettet, og hent registeret på nytt."
            }
            Self::UnreadableReceipt => "Få raden på nytt fra den som sendte filen.",
            Self::StopTooLate => "Gjør det som står i STOPP-SVAR.txt, og fjern STOPP-filen.",
            Self::StrayStop => "Flytt filen inn i mappen til brevet som skal stoppes. Les STOPP-SVAR.txt.",
            Self::Braked => {
                "Kontroller at brevene kommer fram til Altinn, og jobben som henter kvitteringer. Er alt i orden: kjør postgang nightly --accept-unnotified med avsenderens nummer."
            }
            Self::GaveUp => {
                "Spør den som sender i kanalen, om brevet kom fram. Hvis ikke: stopp det, og send det på nytt."
            }
            Self::NoticeFailed => "Gi mottakeren beskjed på en annen måte hvis det haster.",
            Self::Misreported => "Spør den som sendte kvitteringen, hvilket brev den gjelder.",
            Self::PrintedElsewhere => {
                "Sørg for at bare ett system skriver ut. Brevet skrives ikke ut her; kjør postgang hold når det er avklart."
            }
            Self::Removed => "Spør den som sender i kanalen, hvem som fjernet det, og om mottakeren hadde lest det.",
            Self::Uncollected => "Kontakt organisasjonen; mottakssystemet deres henter ikke post.",
            Self::Unsure => "Flytt mappen tilbake, eller slett kopien.",
        }
    }
}

/// Something that a person must look at, as it is tonight.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matter {
    pub kind: Kind,
    /// Whom it concerns, among those of its kind: a letter, a batch, a drop, a sender, a file.
    pub subject: String,
    /// What the list calls it.
    pub what: String,
    pub letter: String,
    pub reference: String,
    pub sender: String,
    /// Below the root, as it may be shown.
    pub place: String,
    pub code: String,
    /// Since when it stands; from the first night that finds it where nobody knows.
    pub since: Option<Stamp>,
    pub remedy: String,
    /// What the night says of it, besides listing it, for as long as it is not closed.
    pub message: Option<String>,
}

impl Matter {
    /// A matter that concerns no one letter. `subject` is its place, where that alone says whom it concerns.
    pub fn of(kind: Kind, place: &str) -> Self {
        Self {
            kind,
            subject: place.to_owned(),
            what: kind.sentence().to_owned(),
            letter: String::new(),
            reference: String::new(),
            sender: String::new(),
            place: place.to_owned(),
            code: String::new(),
            since: None,
            remedy: kind.remedy().to_owned(),
            message: None,
        }
    }

    /// A matter of one letter, which stands since the letter came where it is.
    pub fn of_letter(kind: Kind, letter: &Status, place: &str) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let remedy = match (kind, letter.kode.parse::<Code>()) {
            (Kind::Refused, Ok(Code::Duplicate)) => Code::Duplicate.entry().remedy.to_owned(),
            (Kind::Refused, Ok(code)) if code.is_refusal() => {
                format!("{} Legg så brevet i inbox/ på nytt.", code.entry().remedy)
            }
            _ => kind.remedy().to_owned(),
        };
        Self {
            subject: letter.forsendelsesId.clone(),
            letter: letter.forsendelsesId.clone(),
            reference: text(&letter.eksternReferanse),
            sender: text(&letter.avsender),
            code: letter.kode.clone(),
            since: Some(letter.plassert),
            remedy,
            ..Self::of(kind, place)
        }
    }

    /// By what it is known from night to night.
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.subject)
    }

    /// Its row in the list.
    pub fn row(self, number: i64, since: &str) -> [Cell; 9] {
        use Cell::{Text, Value};
        let Self { what, letter, reference, sender, place, code, remedy, .. } = self;
        let (number, since) = (Value(number.to_string()), Value(since.to_owned()));
        [
            Text(what),
            Value(letter),
            Text(reference),
            Value(sender),
            Text(place),
            Text(code),
            since,
            number,
            Text(remedy),
        ]
    }
}

/// What a clerk's list of dealt-with matters says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Closed {
    pub numbers: BTreeSet<i64>,
    /// Lines that hold no number: which, and what stands there.
    pub unreadable: Vec<(usize, String)>,
}

/// Reads `ferdigbehandlet.csv`, however a person and a spreadsheet leave it: a number a line, alone or first in a row, or
/// whole rows copied from the list, with or without a header.
pub fn read_closed(text: &str) -> Closed {
    let mut closed = Closed::default();
    let mut column = None;
    let mut is_first = true;
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let delimiter = [';', '\t'].into_iter().find(|mark| line.contains(*mark)).unwrap_or(',');
        let cells = cells(line, delimiter);
        if cells.iter().all(String::is_empty) || line.trim_start().to_ascii_lowercase().starts_with("sep=") {
            continue;
        }
        let numbers: Vec<Option<i64>> = cells.iter().map(|cell| number(cell)).collect();
        if std::mem::take(&mut is_first) && numbers.iter().all(Option::is_none) {
            // A header that does not say which column it is means the first.
            column = cells.iter().position(|cell| ["nr", "nummer", "saksnummer"].contains(&&*cell.to_lowercase()));
            continue;
        }
        if delimiter == ',' && numbers.iter().all(Option::is_some) {
            closed.numbers.extend(numbers.into_iter().flatten());
            continue;
        }
        let at_column = |at: usize| numbers.get(at).copied().flatten();
        let found = column.and_then(at_column).or_else(|| at_column(0)).or_else(|| at_column(NUMBER_AT));
        match found {
            Some(number) => {
                closed.numbers.insert(number);
            }
            None => closed.unreadable.push((at + 1, shown(line.trim()).chars().take(QUOTED_MAX).collect())),
        }
    }
    closed
}

/// The cells of a line, without what spreadsheets and people put around their text.
fn cells(line: &str, delimiter: char) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true).delimiter(delimiter as u8);
    let mut record = csv::StringRecord::new();
    // Reading text from memory, without a demand on the number of cells, does not fail.
    let _ = reader.from_reader(line.as_bytes()).read_record(&mut record);
    let around = |c: char| c.is_whitespace() || ['"', '\'', '=', '#', '\u{a0}'].contains(&c);
    record.iter().map(|cell| cell.trim_matches(around).to_owned()).collect()
}

fn number(cell: &str) -> Option<i64> {
    let cell = cell.to_lowercase();
    let digits = ["nr.", "nr", "sak"].into_iter().find_map(|word| cell.strip_prefix(word)).unwrap_or(&cell);
    let digits = digits.trim().trim_end_matches('.');
    let is_number = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_and_say_what_to_do() {
        let names: BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::as_str).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        assert!(Kind::ALL.into_iter().all(|kind| kind.remedy().ends_with('.') && !kind.sentence().is_empty()));
    }

    #[test]
    fn numbers_are_read_as_people_and_spreadsheets_leave_them() {
        let row =
            "avvist;6e1d0f4c-0000-8000-8000-000000000000;2026/1;910077473;outbox/avvist/a;duplicate;2026-11-25;7;Rett.";
        let header = COLUMNS.join(";");
        for (text, numbers) in [
            ("12\n", &[12][..]),
            ("\u{feff}12;\r\n13;ferdig, ringte Kari\r\n", &[12, 13]),
            ("12, 13,14\n", &[12, 13, 14]),
            ("\"avvist; to, tre\";a;b;c;d;e;2026-11-25;7;x", &[7]),
            ("nr\n4\n5", &[4, 5]),
            ("Saksnummer;Merknad\r\n\"4\";\"ok\"\r\n;\r\n", &[4]),
            ("Merknad;nr\r\nok;4\r\n", &[4]),
            ("sep=;\r\n=\"8\";x\r\n'9\r\n# 10\r\nnr. 11\r\nSak 12.\n\u{a0}13\u{a0}", &[8, 9, 10, 11, 12, 13]),
            (row, &[7]),
            (&format!("{header}\r\n{row}"), &[7]),
            (&format!("{header}\r\n{row}\r\n21"), &[7, 21]),
            ("", &[]),
        ] {
            let closed = read_closed(text);
            assert_eq!(closed.numbers, numbers.iter().copied().collect(), "{text}");
            assert_eq!(closed.unreadable, [], "{text}");
        }
        let closed = read_closed("1\nferdig\n0\n-4\n1E5\n99999999999999999999\n07877610025");
        assert_eq!(closed.numbers, [1, 7877610025].into());
        let lines: Vec<usize> = closed.unreadable.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6]);
    }
}
