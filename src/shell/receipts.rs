//! Reading `registry/kvitteringer/*.csv`, all files at once on all processors.
//!
//! Files are others' and never changed by us. A row is a line: one that cannot be read, or that a file ends in the
//! middle of, is reported with file and line and takes no other with it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::core::letter::hex;
use crate::core::names::{is_unfinished_folder, shown};
use crate::core::receipts::{Receipt, Word};

/// Bytes a row may have. What is longer is not a receipt, and is not kept in memory.
const ROW_BYTES_MAX: usize = 64 << 10;
/// Rows of one file that are reported one by one.
const ROWS_REPORTED_MAX: usize = 100;

/// For operators, where not even the folder can be read.
pub const UNREADABLE: &str =
    "kan ikke lese registry/kvitteringer, og uten kvitteringene gjøres ingenting. Prøv: kontroller rettigheter og disk";

/// Everything that the receipt files say.
#[derive(Debug, Default)]
pub struct Receipts {
    /// Letter by letter, each letter's in order and once.
    receipts: Vec<Receipt>,
    /// By `forsendelsesId`.
    letters: HashMap<u128, Heard>,
    /// The files' names.
    files: Vec<String>,
    /// Complaints: what identifies each, so that it is made once, and its text.
    pub complaints: Vec<(String, String)>,
    /// When each file that has its columns was written.
    pub written: Vec<SystemTime>,
}

/// Where the receipts of one letter stand.
#[derive(Debug)]
struct Heard {
    receipts: Range<usize>,
    /// The first that was read: its file, and its line there.
    place: (usize, u32),
}

impl Receipts {
    /// What has been heard of one letter.
    pub fn of(&self, id: u128) -> &[Receipt] {
        self.letters.get(&id).map_or(&[], |heard| &self.receipts[heard.receipts.clone()])
    }

    /// Every letter that has been heard of, with file and line of the first receipt.
    pub fn letters(&self) -> impl Iterator<Item = (u128, &str, u32)> {
        self.letters.iter().map(|(id, heard)| (*id, self.files[heard.place.0].as_str(), heard.place.1))
    }
}

/// Reads every receipt file. A file that cannot be read is a complaint like a row.
pub fn read(dir: &Path) -> io::Result<Receipts> {
    let files = list(dir)?;
    let read: Vec<Reading> = files.par_iter().map(|path| read_file(path)).collect();
    let mut all = Receipts::default();
    let mut rows = Vec::with_capacity(read.iter().map(|file| file.rows.len()).sum());
    for (number, file) in read.into_iter().enumerate() {
        all.written.extend(file.written);
        all.complaints.extend(file.complaints);
        all.files.push(file.name);
        rows.extend(file.rows.into_iter().map(|row| (row.id, row.receipt, number, row.line)));
    }
    rows.par_sort_unstable();
    // The same receipt may have come many times.
    rows.dedup_by_key(|(id, receipt, ..)| (*id, *receipt));
    for (at, &(id, _, file, line)) in rows.iter().enumerate() {
        let heard = all.letters.entry(id).or_insert(Heard { receipts: at..at, place: (file, line) });
        heard.receipts.end = at + 1;
        heard.place = heard.place.min((file, line));
    }
    all.receipts = rows.into_iter().map(|(_, receipt, ..)| receipt).collect();
    Ok(all)
}

/// The receipt files, in name order; those still being written are passed over.
fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.to_ascii_lowercase().ends_with(".csv") && !is_unfinished_folder(&name) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> Reading {
    let name = shown(&path.file_name().unwrap_or_default().to_string_lossy());
    let mut file = Reading { name, rows: Vec::new(), complaints: Vec::new(), written: None, bad: 0 };
    if let Err(error) = file.read(path) {
        let why = error.to_string();
        let text = format!(
            ": filen kan ikke leses til ende ({why}). Radene som er lest, gjelder. Prøv: kontroller rettigheter og disk."
        );
        file.complain("fil", why.as_bytes(), &text);
    }
    file
}

/// One file.
struct Reading {
    name: String,
    rows: Vec<Row>,
    complaints: Vec<(String, String)>,
    written: Option<SystemTime>,
    bad: usize,
}

struct Row {
    id: u128,
    receipt: Receipt,
    line: u32,
}

/// Where the columns stand.
struct Columns {
    delimiter: u8,
    id: usize,
    status: usize,
    at: usize,
    channel: Option<usize>,
    count: usize,
}

impl Reading {
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
            return Ok(());
        };
        // The header alone is a sign of life; without it nobody knows what the file would have said.
        self.written = Some(written);
        let mut number = 1;
        while let Some(whole) = next_line(&mut lines, &mut line)? {
            number = u32::saturating_add(number, 1);
            if !line.iter().all(u8::is_ascii_whitespace) {
                self.row(&line, whole, number, &columns);
            }
        }
        Ok(())
    }

    fn row(&mut self, line: &[u8], whole: bool, number: u32, columns: &Columns) {
        match columns.receipt(line, whole) {
            Ok((id, receipt)) => self.rows.push(Row { id, receipt, line: number }),
            Err(why) => self.bad_row(line, number, why),
        }
    }

    fn bad_row(&mut self, line: &[u8], number: u32, why: &str) {
        self.bad += 1;
        let (place, what) = match self.bad {
            n if n <= ROWS_REPORTED_MAX => (number.to_string(), format!("linje {number}: {why}")),
            n if n == ROWS_REPORTED_MAX + 1 => ("flere".to_owned(), "flere rader kan ikke leses".to_owned()),
            _ => return,
        };
        let text =
            format!(", {what}. De andre radene gjelder. Prøv: få raden på nytt fra den som sendte filen, i en ny fil.");
        self.complain(&place, line, &text);
    }

    /// A complaint is known by its place and a digest of what stands there: another row in the same place is news, and
    /// what is kept names nobody.
    fn complain(&mut self, place: &str, content: &[u8], text: &str) {
        let name = &self.name;
        let digest = &hex(Sha256::digest(content))[..16];
        self.complaints
            .push((format!("kvittering:{name}:{place}:{digest}"), format!("registry/kvitteringer/{name}{text}")));
    }
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
        })
    }

    fn receipt(&self, line: &[u8], whole: bool) -> Result<(u128, Receipt), &'static str> {
        let fields = fields(line, self.delimiter);
        let field = |at: usize| fields.get(at).map_or("", |field| field.trim());
        // A row without an end may have lost some of its last field too, but no receipt ends in half a word.
        if !whole && fields.len() < self.count {
            return Err("filen slutter midt i raden");
        }
        let id = Uuid::try_parse(field(self.id)).map_err(|_| "forsendelsesId kan ikke leses")?;
        let word: Word = field(self.status).parse().map_err(|()| "status er ukjent")?;
        let at = DateTime::parse_from_rfc3339(field(self.at)).map_err(|_| "tidspunkt er ikke et RFC 3339-tidspunkt")?;
        let channel = self.channel.map_or("", field);
        Ok((id.as_u128(), Receipt::new(at.with_timezone(&Utc), word, channel)))
    }
}

/// The fields of one line. A quote that is not closed ends with the line.
fn fields(line: &[u8], delimiter: u8) -> Vec<std::borrow::Cow<'_, str>> {
    if !line.contains(&b'"') {
        return line.split(|byte| *byte == delimiter).map(String::from_utf8_lossy).collect();
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).flexible(true).from_reader(line);
    let mut record = csv::ByteRecord::new();
    // Reading from memory, without a demand on the number of fields, does not fail.
    let _ = reader.read_byte_record(&mut record);
    record.iter().map(|field| String::from_utf8_lossy(field).into_owned().into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6e1d0f4c-0000-8000-8000-000000000000";
    const AT: &str = "2026-11-23T09:00:00.7+01:00";

    fn read_text(files: &[(&str, String)]) -> Receipts {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        read(dir.path()).unwrap()
    }

    #[test]
    fn rows_in_any_dress_count_and_bad_ones_are_told_with_their_line() {
        let text = format!(
            "\u{feff}status;kanal;forsendelsesId;detalj;tidspunkt\r\nVARSLET;altinn;{ID};\"a;b\";{AT}\r\n\r\n\
             ÅPNET;;{ID};;{AT}\r\nLEST;;nei;;{AT}\r\nLEST;;{ID};x;i går\r\nLEST;;{upper};\"åpen;{AT}\r\nLEST;;{upper};;{AT}",
            upper = ID.to_uppercase()
        );
        let all = read_text(&[("a.csv", text), ("b.csv.tmp", "x".to_owned()), ("~c.csv", "x".to_owned())]);
        let heard = all.of(Uuid::parse_str(ID).unwrap().as_u128());
        let words: Vec<Word> = heard.iter().map(|receipt| receipt.word).collect();
        assert_eq!(words, [Word::Notified, Word::Opened]);
        assert_eq!(heard[0].at.timestamp_subsec_millis(), 0);
        let place = |(key, _): &(String, String)| key.rsplit_once(':').unwrap().0.to_owned();
        let keys: Vec<String> = all.complaints.iter().map(place).collect();
        let expected = [4, 5, 6, 7].map(|line| format!("kvittering:a.csv:{line}"));
        assert_eq!(keys, expected);
    }

    #[test]
    fn a_file_that_ends_in_a_row_keeps_the_others() {
        let text = format!("forsendelsesId,status,tidspunkt,kanal\n{ID},LEST,{AT},altinn\n{ID},LEVERT,{AT}");
        let all = read_text(&[("a.csv", text)]);
        assert_eq!(all.receipts.len(), 1);
        assert!(all.complaints[0].1.contains("linje 3: filen slutter midt i raden"), "{:?}", all.complaints);
    }

    #[test]
    fn a_header_is_a_sign_of_life_and_rubbish_is_none() {
        let all = read_text(&[("a.csv", "forsendelsesId,status,tidspunkt\n".to_owned()), ("b.csv", String::new())]);
        assert!(all.letters.is_empty() && all.complaints.is_empty() && all.written.len() == 1);
        let all = read_text(&[("a.csv", "x".repeat(1 << 20)), ("b.csv", "\u{0}\n\n\"".to_owned())]);
        assert_eq!((all.complaints.len(), all.letters.len(), all.written.len()), (2, 0, 0));
        assert!(read(Path::new("/finnes/ikke")).unwrap().written.is_empty());
    }
}
