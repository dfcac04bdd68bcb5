//! One receipt file, row by row. A row is a line, or a few where a quoted field goes on.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use chrono::Utc;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Doubt;
use super::answers::{self, ForeignIds};
use crate::core::letter::hex;
use crate::core::names::shown;
use crate::core::receipts::{Receipt, Word, parse_moment, parse_paper_moment};
use crate::shell::fault;

/// Bytes a row may have. What is longer is not a receipt, and is not kept in memory.
const ROW_BYTES_MAX: usize = 64 << 10;
/// Lines that a quoted field may take. A quote that is open for longer is a stray one.
const ROW_LINES_MAX: usize = 100;
/// Rows of one file that are reported one by one.
const ROWS_REPORTED_MAX: usize = 100;
/// Names of one file's unreadable rows that are remembered. A file with more of them is unreadable as a whole.
const DOUBTS_MAX: usize = 10_000;
/// Fields of an unreadable row that are looked at.
const FIELDS_MAX: usize = 16;

/// Reads one file. What cannot be read of it is a complaint.
pub(super) fn read_file(path: &Path, ids: &ForeignIds) -> Reading {
    let system = path.file_name().and_then(|name| answers::system_of(&name.to_string_lossy()));
    let mut file = Reading::new(path, if system.is_some() { "svar" } else { "linje" });
    let read = match system {
        Some(system) => answers::read(&mut file, path, system, ids),
        None => file.read(path),
    };
    file.end(read);
    file
}

/// One file.
pub(super) struct Reading {
    pub name: String,
    pub rows: Vec<Row>,
    pub complaints: Vec<(String, String)>,
    /// `None` for a file without its columns.
    pub written: Option<SystemTime>,
    /// What rows that cannot be read may name letters by.
    pub doubts: Vec<Doubt>,
    /// It could not be read to its end, or too many of its rows could not.
    pub unreadable: bool,
    /// What its rows are called.
    unit: &'static str,
    bad: usize,
}

/// A line that may be part of a row.
struct Line {
    number: u32,
    bytes: Vec<u8>,
    /// It was ended.
    whole: bool,
}

pub(super) struct Row {
    pub id: u128,
    pub receipt: Receipt,
    pub line: u32,
}

/// Where the columns stand.
struct Columns {
    delimiter: u8,
    id: usize,
    status: usize,
    at: usize,
    channel: Option<usize>,
    count: usize,
    /// It is the answer form of a print batch.
    is_form: bool,
}

impl Reading {
    pub fn new(path: &Path, unit: &'static str) -> Self {
        let name = shown(&path.file_name().unwrap_or_default().to_string_lossy());
        let (rows, complaints, doubts) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, rows, complaints, written: None, doubts, unreadable: false, unit, bad: 0 }
    }

    /// Complains where it could not be read to its end.
    pub fn end(&mut self, read: io::Result<()>) {
        if let Err(error) = read {
            // One that was taken away meanwhile says nothing more.
            self.unreadable |= error.kind() != ErrorKind::NotFound;
            let why = fault::cause(&error);
            let text = format!(
                ": filen kan ikke leses til ende ({why}). Radene som er lest, gjelder. Prøv: {}, og få filen på nytt.",
                fault::remedy(&error)
            );
            self.complain("fil", why.as_bytes(), &text);
        }
    }

    /// Whether something in it was understood, or it holds nothing.
    pub fn is_understood(&self) -> bool {
        self.bad == 0 || !self.rows.is_empty()
    }

    fn read(&mut self, path: &Path) -> io::Result<()> {
        let file = File::open(path)?;
        let written = file.metadata()?.modified()?;
        let mut lines = BufReader::with_capacity(1 << 20, file);
        let mut line = Vec::new();
        if next_line(&mut lines, &mut line)?.is_none() {
            return Ok(());
        }
        let Some(columns) = Columns::of(&line) else {
            let text = ", linje 1: kolonnene forsendelsesId, status og tidspunkt finnes ikke, og ingen rader er lest. Prøv: få filen på nytt med disse kolonnene, under et nytt navn.";
            self.complain("1", &line, text);
            // Nobody knows what it would have said, but of whom.
            let mut number = 1;
            loop {
                self.doubt(&line, number);
                if next_line(&mut lines, &mut line)?.is_none() {
                    return Ok(());
                }
                number = u32::saturating_add(number, 1);
            }
        };
        // The header alone is a sign of life; without it nobody knows what the file would have said.
        self.written = Some(written);
        let mut number = 1;
        let mut open: Vec<Line> = Vec::new();
        while let Some(whole) = next_line(&mut lines, &mut line)? {
            number = u32::saturating_add(number, 1);
            let turns = leaves_open(&line);
            // What names a letter is a row of its own, and the quote before it a stray one; but for the end of a row whose
            // quoted field stands before the letter.
            let names_letter = |line: &[u8]| columns.id(&fields(line, columns.delimiter)).is_some();
            let is_own = |first: &Line| names_letter(&line) && (!turns || names_letter(&first.bytes));
            if open.first().is_some_and(is_own) {
                self.rows(std::mem::take(&mut open), &columns);
            }
            if open.is_empty() && !turns {
                self.row(&line, whole, number, &columns);
                continue;
            }
            let is_end = !open.is_empty() && turns;
            open.push(Line { number, bytes: line.clone(), whole });
            if is_end || open.len() == ROW_LINES_MAX {
                self.rows(std::mem::take(&mut open), &columns);
            }
        }
        self.rows(open, &columns);
        Ok(())
    }

    /// Lines of which the first opens a quote: one row if they make one, else each by itself.
    fn rows(&mut self, lines: Vec<Line>, columns: &Columns) {
        let text: Vec<&[u8]> = lines.iter().map(|line| line.bytes.as_slice()).collect();
        let text = text.join(&b'\n');
        match (lines.as_slice(), columns.receipt(&text, lines.last().is_some_and(|line| line.whole))) {
            ([first, ..], Ok((id, receipt))) if !leaves_open(&text) => {
                self.rows.push(Row { id, receipt, line: first.number })
            }
            _ => lines.iter().for_each(|line| self.row(&line.bytes, line.whole, line.number, columns)),
        }
    }

    fn row(&mut self, line: &[u8], whole: bool, number: u32, columns: &Columns) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match columns.receipt(line, whole) {
            Ok((id, receipt)) => self.rows.push(Row { id, receipt, line: number }),
            Err(_) if columns.is_blank(line, whole) => {}
            Err(why) => self.bad_row(line, number, why),
        }
    }

    /// Remembers what a line may name letters by. Where too many lines cannot be read, the whole file is in doubt.
    fn doubt(&mut self, line: &[u8], number: u32) {
        self.unreadable |= self.doubts.len() > DOUBTS_MAX;
        if !self.unreadable {
            let place = format!("registry/kvitteringer/{}, {} {number}", self.name, self.unit);
            let digest = digest(line);
            let doubt = |name| Doubt { name, place: place.clone(), digest: digest.clone() };
            self.doubts.extend(names(line).into_iter().map(doubt));
        }
    }

    pub fn bad_row(&mut self, line: &[u8], number: u32, why: &str) {
        self.doubt(line, number);
        let named = uuids(line).iter().map(Uuid::to_string).collect::<Vec<_>>().join(", ");
        self.bad += 1;
        let (place, what) = match self.bad {
            n if n <= ROWS_REPORTED_MAX => (number.to_string(), format!("{} {number}: {why}", self.unit)),
            n if n == ROWS_REPORTED_MAX + 1 => ("flere".to_owned(), "flere rader kan ikke leses".to_owned()),
            _ => return,
        };
        let named = match named.as_str() {
            "" => String::new(),
            _ => format!(
                " Raden nevner forsendelsesId {named}, og et brev med den skrives ikke ut som ulest i natt eller neste natt."
            ),
        };
        let text = format!(
            ", {what}. De andre radene gjelder.{named} Prøv: få raden på nytt fra den som sendte filen, i en ny fil."
        );
        self.complain(&place, line, &text);
    }

    /// A complaint is known by its place and a digest of what stands there: another row in the same place is news, and
    /// what is kept names nobody.
    fn complain(&mut self, place: &str, content: &[u8], text: &str) {
        let name = &self.name;
        let digest = digest(content);
        self.complaints
            .push((format!("kvittering:{name}:{place}:{digest}"), format!("registry/kvitteringer/{name}{text}")));
    }
}

fn digest(content: &[u8]) -> String {
    hex(Sha256::digest(content))[..16].to_owned()
}

/// The name of a letter with this `forsendelsesId` in a [`Doubt`].
pub fn name_of_id(id: u128) -> String {
    format!("{:08x}", id >> 96)
}

/// The name of a letter with this `eksternReferanse` in a [`Doubt`].
pub fn name_of_reference(reference: &str) -> String {
    digest(shown(reference.trim()).to_lowercase().as_bytes())
}

/// What a line that cannot be read may name letters by: all that begins as an id does, though the rest be lost or a zero
/// be an O, and each field, which may be a reference. Dates and numbers look so too, and name no letter.
fn names(line: &[u8]) -> BTreeSet<String> {
    let as_digit = |byte: &u8| if matches!(byte, b'O' | b'o') { b'0' } else { byte.to_ascii_lowercase() };
    let line_of_digits: Vec<u8> = line.iter().map(as_digit).collect();
    let words = line_of_digits.split(|byte| !byte.is_ascii_hexdigit()).filter(|word| word.len() >= 8);
    let beginnings = words.map(|word| String::from_utf8_lossy(&word[..8]).into_owned());
    let ids = uuids(line).into_iter().map(|id| name_of_id(id.as_u128()));
    let text = String::from_utf8_lossy(line);
    let of_field =
        |field: &str| name_of_reference(field.trim_matches(|c: char| c.is_whitespace() || "\"=".contains(c)));
    let fields = text.split([';', ',', '\t']).filter(|field| !field.trim().is_empty()).take(FIELDS_MAX);
    beginnings.chain(ids).chain(fields.map(of_field)).collect()
}

/// The ids that stand in a line, wherever they do and in whatever dress: a field with an id, or one in another text.
fn uuids(line: &[u8]) -> Vec<Uuid> {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    let mut ids: Vec<Uuid> =
        line.split(|byte| !is_part(byte)).filter_map(|part| Uuid::try_parse_ascii(part).ok()).collect();
    // Where letters or hyphens touch it.
    ids.extend(
        line.windows(36)
            .filter(|part| part[8] == b'-' && part[23] == b'-')
            .filter_map(|part| Uuid::try_parse_ascii(part).ok()),
    );
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Reads a line without its end into `line`; `Some(true)` when it was ended, `None` after the last. What is beyond the
/// longest row is dropped.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = lines.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any.then_some(false));
        }
        any = true;
        let end = memchr::memchr(b'\n', buffer);
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = ROW_BYTES_MAX.saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(&part[..room]);
        let consumed = end.map_or(buffer.len(), |end| end + 1);
        lines.consume(consumed);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Some(true));
        }
    }
}

impl Columns {
    fn of(header: &[u8]) -> Option<Self> {
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let delimiter = if header.contains(&b';') { b';' } else { b',' };
        let names: Vec<String> =
            fields(header, delimiter).iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        let find = |name: &str| names.iter().position(|column| column == name);
        Some(Self {
            delimiter,
            id: find("forsendelsesid")?,
            status: find("status")?,
            at: find("tidspunkt")?,
            channel: find("kanal"),
            count: names.len(),
            is_form: find("mappe").is_some(),
        })
    }

    fn id(&self, fields: &[Cow<'_, str>]) -> Option<Uuid> {
        Uuid::try_parse(fields.get(self.id)?.trim()).ok()
    }

    /// A row that nobody has filled in says nothing. A spreadsheet may leave out the empty cells at the end of one in a
    /// form; elsewhere that is a row cut short.
    fn is_blank(&self, line: &[u8], whole: bool) -> bool {
        let fields = fields(line, self.delimiter);
        let is_empty = |at: usize| fields.get(at).map_or(self.is_form, |field| field.trim().is_empty());
        (whole || fields.len() >= self.count) && is_empty(self.status) && is_empty(self.at)
    }

    fn receipt(&self, line: &[u8], whole: bool) -> Result<(u128, Receipt), &'static str> {
        let fields = fields(line, self.delimiter);
        let field = |at: usize| fields.get(at).map_or("", |field| field.trim());
        // A row without an end may have lost some of its last field too, but no receipt ends in half a word.
        if !whole && fields.len() < self.count {
            return Err("filen slutter midt i raden");
        }
        let id = self.id(&fields).ok_or("forsendelsesId kan ikke leses")?;
        let word: Word = field(self.status).parse().map_err(|()| "status er ukjent")?;
        let moment = if word.is_of_paper() { parse_paper_moment } else { parse_moment };
        let at = moment(field(self.at))
            .ok_or("tidspunkt er ikke et tidspunkt som 2026-11-25T10:00:00+01:00 eller 25.11.2026 10:00")?;
        let channel = self.channel.map_or("", field);
        Ok((id.as_u128(), Receipt::new(at.with_timezone(&Utc), word, channel)))
    }
}

/// Whether a quote is open at the end that was not at the beginning, or the other way about.
fn leaves_open(text: &[u8]) -> bool {
    !memchr::memchr_iter(b'"', text).count().is_multiple_of(2)
}

/// The fields of one line. A quote that is not closed ends with the line.
fn fields(line: &[u8], delimiter: u8) -> Vec<Cow<'_, str>> {
    if !line.contains(&b'"') {
        return line.split(|byte| *byte == delimiter).map(String::from_utf8_lossy).collect();
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).flexible(true).from_reader(line);
    let mut record = csv::ByteRecord::new();
    // Reading from memory, without a demand on the number of fields, does not fail.
    let _ = reader.read_byte_record(&mut record);
    record.iter().map(|field| String::from_utf8_lossy(field).into_owned().into()).collect()
}
