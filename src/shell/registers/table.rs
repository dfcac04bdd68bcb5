//! What one snapshot says of the identities that a pass asks for.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use super::header::{Header, Row};
use super::refusal::Refusal;
use super::scan::{Fault, Fields, Record, Scanner, Truncated};
use super::{About, Lookup, Note, Wanted};
use crate::core::calendar::Time;
use crate::core::identity::RecipientId;
use crate::core::unreadable_identity::Suspects;

/// Damaged numbers that are remembered. With more the file is not to be trusted about anybody.
const SUSPECTS_MAX: usize = 1_000;
/// Notes on rows that a file may give; the rest are counted.
const ROW_NOTES_MAX: usize = 20;

/// A kind of register: which columns it has and what a row means.
pub trait Register {
    type Facts: PartialEq + Send;
    /// The identity first. Every one of them is used by a rule.
    const COLUMNS: &'static [&'static str];
    /// What may stand before a column's name.
    const PREFIXES: &'static [&'static str] = &[];

    fn identity(field: &[u8]) -> Option<RecipientId>;

    /// Whom a field may mean that is no identity; asked only where absence is an answer about somebody.
    fn suspects(_: &[u8]) -> Option<Suspects> {
        None
    }

    /// What the row says at `now`, or in bokmål why it cannot be understood. The text must not quote the row.
    fn facts(row: &Row<'_>, now: Time) -> Result<Self::Facts, &'static str>;
}

/// The rows for wanted identities, by identity.
pub struct Table<F> {
    rows: HashMap<RecipientId, Found<F>>,
    doubts: Doubts,
}

/// What rows without a readable identity leave open.
#[derive(Default)]
struct Doubts {
    suspects: Vec<Suspects>,
    /// There were more than are kept: of nobody is it known that no row was meant for them.
    everybody: bool,
}

impl Doubts {
    fn add(&mut self, suspects: Suspects) {
        match self.suspects.len() {
            n if n < SUSPECTS_MAX => self.suspects.push(suspects),
            _ => self.everybody = true,
        }
    }

    fn include(&self, id: &RecipientId) -> bool {
        match id {
            RecipientId::Person(person) => {
                self.everybody || self.suspects.iter().any(|suspects| suspects.include(*person))
            }
            RecipientId::Organisation(_) => false,
        }
    }
}

/// All rows, wanted or not.
#[derive(Clone, Copy, Default)]
pub struct Count {
    /// Rows that could be read: with the header's number of fields and an identity.
    pub rows: u64,
    /// Rows without a readable identity, and the first one's line.
    pub unreadable: u64,
    pub unreadable_first: u64,
}

enum Found<F> {
    Row { facts: F, line: u64 },
    Held,
}

impl<F> Table<F> {
    pub fn find(&self, id: &RecipientId) -> Lookup<Option<&F>> {
        match self.rows.get(id) {
            // A row that cannot be read may be this one's.
            None if self.doubts.include(id) => Lookup::Held,
            None => Lookup::Known(None),
            Some(Found::Row { facts, .. }) => Lookup::Known(Some(facts)),
            Some(Found::Held) => Lookup::Held,
        }
    }
}

/// Notes on rows, a bounded number of them.
struct Notes {
    /// The file, as the operator knows it.
    file: String,
    notes: Vec<Note>,
    omitted: u64,
}

impl Notes {
    fn add(&mut self, line: u64, what: &str, done: &str) {
        if self.notes.len() < ROW_NOTES_MAX {
            let file = &self.file;
            self.notes.push(Note {
                about: About::Row(line),
                line: format!(
                    "{file}, linje {line}: {what}. {done} Prøv: rett raden hos kilden og hent registeret på nytt."
                ),
            });
        } else {
            self.omitted += 1;
        }
    }

    fn into_notes(mut self) -> Vec<Note> {
        if self.omitted > 0 {
            let line = format!(
                "{}: {} rader til har feil som ikke er listet her. Prøv: «postgang check» på filen.",
                self.file, self.omitted
            );
            self.notes.push(Note { about: About::MoreRows, line });
        }
        self.notes
    }
}

const HELD: &str = "Brev til denne mottakeren blir liggende i inbox/.";
const HELD_ALL: &str = "Brev til mottakere som kan leses ut av linjene, blir liggende i inbox/.";
const HELD_PERHAPS: &str = "Brev til mottakere som det kan gjelde, blir liggende i inbox/.";
const UNUSED: &str = "Raden er ikke brukt.";

/// Takes a snapshot's blocks and makes its table.
pub struct Reader<'a, R: Register> {
    wanted: &'a Wanted,
    now: Time,
    layout: Option<Layout>,
    found: HashMap<RecipientId, Found<R::Facts>>,
    doubts: Doubts,
    pub count: Count,
    notes: Notes,
}

struct Layout {
    scanner: Scanner,
    header: Header,
}

impl<'a, R: Register> Reader<'a, R> {
    pub fn new(file: String, wanted: &'a Wanted, now: Time) -> Self {
        let notes = Notes { file, notes: Vec::new(), omitted: 0 };
        Self {
            wanted,
            now,
            layout: None,
            found: HashMap::new(),
            doubts: Doubts::default(),
            count: Count::default(),
            notes,
        }
    }

    /// See [`Scanner::feed`] for what a block is.
    pub fn feed(&mut self, block: &[u8], last: bool) -> Result<(), Refusal> {
        let (layout, rows) = match &mut self.layout {
            Some(layout) => (layout, block),
            None => {
                let (header, line, rows) = Header::take(block, R::COLUMNS, R::PREFIXES)?;
                let scanner = Scanner::new(header.dialect, line);
                (self.layout.insert(Layout { scanner, header }), rows)
            }
        };
        let Layout { scanner, header } = layout;
        let mut cut = None;
        let mut intake = Intake::<R> {
            header,
            wanted: self.wanted,
            now: self.now,
            found: &mut self.found,
            doubts: &mut self.doubts,
            count: &mut self.count,
            notes: &mut self.notes,
        };
        let scanned = scanner.feed(rows, last, &mut |record| {
            if let Err(truncated) = intake.take(record) {
                cut = Some(truncated);
            }
        });
        match scanned.err().or(cut) {
            Some(Truncated { line }) => Err(Refusal::Truncated { line }),
            None => Ok(()),
        }
    }

    /// The table and the notes on rows.
    pub fn finish(self) -> (Table<R::Facts>, Vec<Note>) {
        (Table { rows: self.found, doubts: self.doubts }, self.notes.into_notes())
    }
}

/// One record at a time into the table.
struct Intake<'a, R: Register> {
    header: &'a Header,
    wanted: &'a Wanted,
    now: Time,
    found: &'a mut HashMap<RecipientId, Found<R::Facts>>,
    doubts: &'a mut Doubts,
    count: &'a mut Count,
    notes: &'a mut Notes,
}

impl<R: Register> Intake<'_, R> {
    fn take(&mut self, record: Record<'_>) -> Result<(), Truncated> {
        match record.fault {
            Some(Fault::Quotes) => self.take_broken(record, "anførselstegn på feil sted"),
            Some(Fault::Fields { found }) => {
                let what = format!("{found} felt der overskriften har {}", self.header.dialect.fields);
                self.take_broken(record, &what);
            }
            None if record.lines > 1 && self.swallows_a_row(&record) => {
                self.take_broken(record, "et felt med anførselstegn går over linjer som selv er rader");
            }
            None => return self.take_row(record),
        }
        Ok(())
    }

    fn take_row(&mut self, record: Record<'_>) -> Result<(), Truncated> {
        let field = Fields::new(record.bytes, self.header.dialect.delimiter).nth(self.header.positions[0]);
        let Some(id) = field.as_deref().and_then(R::identity) else {
            if !record.terminated {
                return Err(Truncated { line: record.line });
            }
            self.unreadable(record.line);
            match field.as_deref().and_then(R::suspects) {
                Some(suspects) => {
                    self.doubts.add(suspects);
                    self.notes.add(record.line, "nummeret kan ikke leses", HELD_PERHAPS);
                }
                None => self.notes.add(record.line, "nummeret kan ikke leses", UNUSED),
            }
            return Ok(());
        };
        // A last row without a line ending is whole only if it can be understood, whoever it is about.
        if !record.terminated && R::facts(&self.header.row(record.bytes), self.now).is_err() {
            return Err(Truncated { line: record.line });
        }
        self.count.rows += 1;
        if !self.wanted.contains(&id) {
            return Ok(());
        }
        match R::facts(&self.header.row(record.bytes), self.now) {
            Ok(facts) => self.keep(id, facts, record.line),
            Err(why) => {
                self.notes.add(record.line, why, HELD);
                self.hold(id);
            }
        }
        Ok(())
    }

    fn keep(&mut self, id: RecipientId, facts: R::Facts, line: u64) {
        // Asked for everything, every row is looked at but none remembered: the register may be the nation's.
        if self.wanted.everything {
            return;
        }
        match self.found.entry(id) {
            Slot::Vacant(slot) => {
                slot.insert(Found::Row { facts, line });
            }
            Slot::Occupied(mut slot) => {
                if let Found::Row { facts: other, line: first } = slot.get()
                    && *other != facts
                {
                    let what = format!("raden sier noe annet enn linje {first} om samme mottaker");
                    self.notes.add(line, &what, HELD);
                    slot.insert(Found::Held);
                }
            }
        }
    }

    fn hold(&mut self, id: RecipientId) {
        if !self.wanted.everything && self.wanted.contains(&id) {
            self.found.insert(id, Found::Held);
        }
    }

    /// Lines that are no row. Whoever is named in them may have lost one, so all of them are held.
    fn take_broken(&mut self, record: Record<'_>, what: &str) {
        let (mut nobody, mut somebody) = (None, false);
        for (line, text) in (record.line..).zip(record.bytes.split(|byte| *byte == b'\n')) {
            let mut named = false;
            for field in text.split(|byte| *byte == self.header.dialect.delimiter) {
                if let Some(id) = R::identity(bare(field)) {
                    self.hold(id);
                    named = true;
                }
            }
            somebody |= named;
            if !named {
                nobody = nobody.or(Some(line));
            }
        }
        if let Some(line) = nobody {
            self.unreadable(line);
        }
        self.notes.add(record.line, what, if somebody { HELD_ALL } else { UNUSED });
    }

    fn unreadable(&mut self, line: u64) {
        if self.count.unreadable == 0 {
            self.count.unreadable_first = line;
        }
        self.count.unreadable += 1;
    }

    /// Whether a line inside a quoted field has an identity where a row would have it. Then two stray quotes are
    /// likelier than such a text.
    fn swallows_a_row(&self, record: &Record<'_>) -> bool {
        let mut lines = record.bytes.split(|byte| *byte == b'\n').skip(1);
        lines.any(|line| {
            let field = line.split(|byte| *byte == self.header.dialect.delimiter).nth(self.header.positions[0]);
            field.is_some_and(|field| R::identity(bare(field)).is_some())
        })
    }
}

/// A field of a line whose quotes cannot be trusted.
fn bare(field: &[u8]) -> &[u8] {
    let end = |byte: &u8| *byte == b'"' || byte.is_ascii_whitespace();
    let start = field.iter().position(|byte| !end(byte)).unwrap_or(field.len());
    let stop = field.iter().rposition(|byte| !end(byte)).map_or(start, |last| last + 1);
    &field[start..stop]
}
