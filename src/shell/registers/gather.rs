//! From a snapshot's text to what is kept of its rows.
//!
//! Stretches of the text are looked at by all processors at once, each as if a record began with it. One that began
//! inside a record is looked at again together with that record's beginning, so what comes of a file does not depend
//! on where it was cut; `tests/scanner.rs` holds that.

use std::borrow::Cow;
use std::marker::PhantomData;

use rayon::prelude::*;

use super::Wanted;
use super::file::Block;
use super::findings::Findings;
use super::header::Header;
use super::refusal::SnapshotRefusal;
use super::register::Register;
use super::scan::{Fault, Record, Scanned, Truncated, scan};
use crate::core::identity::RecipientId;
use crate::core::unreadable_identity::Suspects;

/// What one row says of somebody, or that lines which are no rows may have said something.
#[derive(Clone, Debug, PartialEq)]
pub enum Says<'a> {
    /// What [`Register::pack`] made of the row.
    Facts(Cow<'a, [u8]>),
    /// Why the row cannot be understood, in bokmål.
    Unclear(Cow<'a, str>),
    /// A line that is no row names the identity.
    Broken,
}

impl Says<'_> {
    pub fn into_owned(self) -> Says<'static> {
        match self {
            Self::Facts(packed) => Says::Facts(packed.into_owned().into()),
            Self::Unclear(why) => Says::Unclear(why.into_owned().into()),
            Self::Broken => Says::Broken,
        }
    }
}

/// The rows that are wanted; all of them when absent.
pub type Keep<'a> = Option<&'a Wanted>;

pub const HELD: &str = "Brev til denne mottakeren blir liggende i inbox/.";
const HELD_ALL: &str = "Brev til mottakere som kan leses ut av linjene, blir liggende i inbox/.";
const HELD_PERHAPS: &str = "Brev til mottakere som det kan gjelde, blir liggende i inbox/.";
const UNUSED: &str = "Raden er ikke brukt.";

/// Takes a snapshot's blocks and hands on what its rows say.
pub struct Gathering<'a, R, F> {
    keep: Keep<'a>,
    /// Gets each row's identity, its line and what it says, in the order of the lines.
    take: F,
    header: Option<Header>,
    /// The line that the next block begins on, or the record that was open at the end of the last.
    line: u64,
    /// A record whose end has not come yet.
    open: Vec<u8>,
    pub findings: Findings,
    register: PhantomData<R>,
}

impl<'a, R: Register, F: FnMut(RecipientId, u64, Says<'_>)> Gathering<'a, R, F> {
    pub fn new(keep: Keep<'a>, take: F) -> Self {
        let (open, findings) = (Vec::new(), Findings::default());
        Self { keep, take, header: None, line: 0, open, findings, register: PhantomData }
    }

    /// Blocks that follow each other. Each is a number of whole lines; only the last one of a file may lack its line
    /// ending.
    pub fn feed(&mut self, blocks: &[Block]) -> Result<(), SnapshotRefusal> {
        let mut texts: Vec<(&[u8], bool)> = blocks.iter().map(|block| (block.text(), block.last)).collect();
        let header = match (self.header.take(), texts.first_mut()) {
            (Some(header), _) => header,
            (None, Some((text, _))) => {
                let (header, line, rows) = Header::take(text, R::COLUMNS, R::PREFIXES)?;
                (self.line, *text) = (line, rows);
                header
            }
            (None, None) => return Ok(()),
        };
        let keep = self.keep;
        let look = |text: &[u8], last: bool| Stretch::of::<R>(&header, keep, text, last);
        let stretches: Vec<Stretch> = texts.par_iter().map(|(text, last)| look(text, *last)).collect();
        for (stretch, (text, last)) in stretches.into_iter().zip(texts) {
            if self.open.is_empty() {
                self.add(stretch, text)?;
            } else {
                let mut whole = std::mem::take(&mut self.open);
                whole.extend_from_slice(text);
                self.add(look(&whole, last), &whole)?;
            }
        }
        self.header = Some(header);
        Ok(())
    }

    fn add(&mut self, stretch: Stretch, text: &[u8]) -> Result<(), SnapshotRefusal> {
        for row in &stretch.rows {
            let bytes = &stretch.packed[row.start as usize..row.end as usize];
            let says = match row.kind {
                Kind::Facts => Says::Facts(bytes.into()),
                Kind::Unclear => Says::Unclear(String::from_utf8_lossy(bytes)),
                Kind::Broken => Says::Broken,
            };
            (self.take)(row.id, self.line + u64::from(row.line), says);
        }
        self.findings.extend(stretch.findings, self.line);
        match stretch.scanned {
            Ok(Scanned { lines, bytes }) => {
                self.line += lines;
                self.open.extend_from_slice(&text[bytes..]);
                Ok(())
            }
            Err(Truncated { line }) => Err(SnapshotRefusal::Truncated { line: self.line + line }),
        }
    }
}

/// What was found in some lines, which are counted from 0.
struct Stretch {
    scanned: Result<Scanned, Truncated>,
    rows: Vec<Row>,
    /// What the rows say, one after the other.
    packed: Vec<u8>,
    findings: Findings,
}

/// What a row says lies in the stretch's bytes.
struct Row {
    id: RecipientId,
    line: u32,
    start: u32,
    end: u32,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Facts,
    Unclear,
    Broken,
}

impl Stretch {
    fn of<R: Register>(header: &Header, keep: Keep<'_>, text: &[u8], last: bool) -> Self {
        let mut stretch = Self {
            scanned: Ok(Scanned { lines: 0, bytes: 0 }),
            rows: Vec::new(),
            packed: Vec::new(),
            findings: Findings::default(),
        };
        let mut cut = Ok(());
        let scanned = scan(header.dialect, text, 0, last, &mut |record| {
            if let Err(truncated) = stretch.take::<R>(header, keep, record) {
                cut = Err(truncated);
            }
        });
        stretch.scanned = scanned.and_then(|scanned| cut.map(|()| scanned));
        stretch
    }

    fn take<R: Register>(&mut self, header: &Header, keep: Keep<'_>, record: Record<'_>) -> Result<(), Truncated> {
        match record.fault {
            Some(Fault::Quotes) => self.take_broken::<R>(header, keep, record, "anførselstegn på feil sted"),
            Some(Fault::Fields { found }) => {
                let what = format!("{found} felt der overskriften har {}", header.dialect.fields);
                self.take_broken::<R>(header, keep, record, &what);
            }
            None if record.lines > 1 && swallows_a_row::<R>(header, &record) => {
                let what = "et felt med anførselstegn går over linjer som selv er rader";
                self.take_broken::<R>(header, keep, record, what);
            }
            None => return self.take_row::<R>(header, keep, record),
        }
        Ok(())
    }

    fn take_row<R: Register>(&mut self, header: &Header, keep: Keep<'_>, record: Record<'_>) -> Result<(), Truncated> {
        let field = record.field(header.positions[0]);
        let Some(id) = R::identity(&field) else {
            if !record.terminated {
                return Err(Truncated { line: record.line });
            }
            self.findings.unreadable(record.line);
            let suspects = R::suspects(&field);
            let done = if suspects.is_some() { HELD_PERHAPS } else { UNUSED };
            self.findings.notes.add(record.line, "nummeret kan ikke leses", done);
            suspects.into_iter().for_each(|suspects| self.findings.doubts.add(suspects));
            return Ok(());
        };
        let wanted = keep.is_none_or(|wanted| wanted.contains(&id));
        if wanted || !record.terminated {
            let start = self.packed.len();
            match R::pack(&header.row(&record), &mut self.packed) {
                // A last row without a line ending is whole only if it can be understood, whoever it is about.
                Err(_) if !record.terminated => return Err(Truncated { line: record.line }),
                Err(why) if keep.is_some_and(|wanted| wanted.everything) => {
                    self.packed.truncate(start);
                    self.findings.notes.add(record.line, why, HELD);
                }
                Err(why) => {
                    self.packed.truncate(start);
                    self.packed.extend_from_slice(why.as_bytes());
                    self.put(id, record.line, start, Kind::Unclear);
                }
                // Asked for everything, every row is looked at but none remembered: the register may be the nation's.
                Ok(()) if wanted && !keep.is_some_and(|wanted| wanted.everything) => {
                    self.put(id, record.line, start, Kind::Facts);
                }
                Ok(()) => self.packed.truncate(start),
            }
        }
        self.findings.rows += 1;
        Ok(())
    }

    fn put(&mut self, id: RecipientId, line: u64, start: usize, kind: Kind) {
        // A stretch is a block and the beginning of a record.
        let [line, start, end] = [line as usize, start, self.packed.len()].map(|n| n as u32);
        self.rows.push(Row { id, line, start, end, kind });
    }

    /// Lines that are no row. Whoever is named in them may have lost one, so all of them are held.
    fn take_broken<R: Register>(&mut self, header: &Header, keep: Keep<'_>, record: Record<'_>, what: &str) {
        let (mut somebody, mut perhaps, mut nobody) = (false, false, None);
        for (line, text) in (record.line..).zip(record.bytes.split(|byte| *byte == b'\n')) {
            let fields: Vec<&[u8]> = text.split(|byte| *byte == header.dialect.delimiter).collect();
            let mut named = false;
            for id in fields.iter().filter_map(|field| R::identity(bare(field))) {
                if keep.is_none_or(|wanted| !wanted.everything && wanted.contains(&id)) {
                    self.put(id, record.line, self.packed.len(), Kind::Broken);
                }
                named = true;
            }
            somebody |= named;
            if !named {
                nobody = nobody.or(Some(line));
                for suspects in suspects::<R>(header, &fields) {
                    perhaps = true;
                    self.findings.doubts.add(suspects);
                }
            }
        }
        nobody.into_iter().for_each(|line| self.findings.unreadable(line));
        let done = match (somebody, perhaps) {
            (true, _) => HELD_ALL,
            (false, true) => HELD_PERHAPS,
            (false, false) => UNUSED,
        };
        self.findings.notes.add(record.line, what, done);
    }
}

/// Whom the fields of a line that is no row may mean, where none of them is an identity. A rounded number may have
/// been cut in two by its decimal comma (`1,28371E+10`), and may stand anywhere in a line that has lost a field.
fn suspects<R: Register>(header: &Header, fields: &[&[u8]]) -> Vec<Suspects> {
    let looks_rounded = |text: &[u8]| text.windows(2).any(|pair| matches!(pair, b"E+" | b"e+"));
    let mut found = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let next = fields.get(place + 1).copied();
        let parted = next.map(|next| [bare(field), &[header.dialect.delimiter], bare(next)].concat());
        for text in [Some(bare(field).to_vec()), parted].into_iter().flatten() {
            if place == header.positions[0] || looks_rounded(&text) {
                found.extend(R::suspects(&text));
            }
        }
    }
    found
}

/// Whether a line inside a quoted field has an identity where a row would have it. Then two stray quotes are
/// likelier than such a text.
fn swallows_a_row<R: Register>(header: &Header, record: &Record<'_>) -> bool {
    let mut lines = record.bytes.split(|byte| *byte == b'\n').skip(1);
    lines.any(|line| {
        let field = line.split(|byte| *byte == header.dialect.delimiter).nth(header.positions[0]);
        field.is_some_and(|field| R::identity(bare(field)).is_some())
    })
}

/// A field of a line whose quotes cannot be trusted.
fn bare(field: &[u8]) -> &[u8] {
    let end = |byte: &u8| *byte == b'"' || byte.is_ascii_whitespace();
    let start = field.iter().position(|byte| !end(byte)).unwrap_or(field.len());
    let stop = field.iter().rposition(|byte| !end(byte)).map_or(start, |last| last + 1);
    &field[start..stop]
}
