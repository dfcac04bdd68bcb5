//! Reading `registry/kvitteringer/`, all files at once on all processors: `*.csv` of receipts, and the systems' own answers.
//!
//! Files are others' and never changed by us. A row is a line, or a few where a quoted field goes on: one that cannot be
//! read, or that a file ends in the middle of, is reported with file and line and takes no other with it.

mod answers;
mod file;

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;

use self::answers::ForeignIds;
use self::file::Reading;
pub use self::file::{name_of_id, name_of_reference};
use crate::core::receipts::Receipt;
use crate::core::whole::is_unfinished_folder;

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
    /// What rows that cannot be read may name letters by.
    pub doubts: Vec<Doubt>,
    /// Files that cannot be read, or not to their end.
    pub unreadable: Vec<String>,
}

/// A row that cannot be read and may name a letter.
#[derive(Debug)]
pub struct Doubt {
    /// As [`name_of_id`] and [`name_of_reference`] make it.
    pub name: String,
    /// File and line.
    pub place: String,
    /// Of what stands there.
    pub digest: String,
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
    Ok(read_files(list(dir)?))
}

/// Reads these files, those that say which letters foreign ids mean before the others.
pub fn read_files(files: Vec<PathBuf>) -> Receipts {
    let (ids, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| is_ids(path));
    let mut foreign = ForeignIds::new();
    let mut read: Vec<Reading> = ids.iter().map(|path| answers::read_ids(path, &mut foreign)).collect();
    read.par_extend(files.par_iter().map(|path| file::read_file(path, &foreign)));
    let mut all = Receipts::default();
    let mut rows = Vec::with_capacity(read.iter().map(|file| file.rows.len()).sum());
    for (number, file) in read.into_iter().enumerate() {
        all.written.extend(file.written);
        all.complaints.extend(file.complaints);
        all.doubts.extend(file.doubts);
        all.unreadable.extend(file.unreadable.then(|| file.name.clone()));
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
    all
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
        let is_receipts = name.to_ascii_lowercase().ends_with(".csv") || answers::system_of(&name).is_some();
        if is_receipts && !is_unfinished_folder(&name) && may_be_file(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file says which foreign ids are whose.
fn is_ids(path: &Path) -> bool {
    path.to_string_lossy().to_ascii_lowercase().ends_with(".id.csv")
}

/// What cannot be looked at may be a file; reading it will say why.
fn may_be_file(path: &Path) -> bool {
    fs::metadata(path).map_or_else(|error| error.kind() != ErrorKind::NotFound, |about| about.is_file())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::core::receipts::Word;

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
    fn a_quoted_field_may_go_on_and_a_stray_quote_takes_no_other_row() {
        let id = |n: u32| format!("{n:08x}-0000-8000-8000-000000000000");
        let row = |n: u32, more: &str| format!("{},LEST,{AT},{more}\n", id(n));
        for (text, letters, bad) in [
            // The field goes on, and ends.
            (row(1, "\"en\nto, tre\n\nfire\"") + &row(2, "x"), 2, &[][..]),
            (row(1, "\"si \"\"hei\nog\"\" hå\""), 1, &[]),
            // It is never closed, or the file ends in it: only what is no row is lost.
            (row(1, "\"åpen") + &row(2, "x") + &row(3, "lukket\""), 3, &[]),
            (row(1, "\"åpen") + "rot\n" + &row(2, "x"), 2, &["3"]),
            (format!("{},ÅPNET,{AT},\"x\n{},ÅPNET,{AT},x\"\n", id(1), id(2)), 0, &["2", "3"]),
            (row(1, "\"en\nto"), 1, &["3"]),
            (row(1, "\"en") + &"to\n".repeat(200) + &row(2, "x\""), 2, &["3", "4"]),
        ] {
            let all = read_text(&[("a.csv", format!("forsendelsesId,status,tidspunkt,detalj\n{text}"))]);
            let lines: Vec<&str> = all.complaints.iter().map(|(key, _)| key.split(':').nth(2).unwrap()).collect();
            assert_eq!(all.letters.len(), letters, "{text}");
            assert!(lines.starts_with(bad) && bad.is_empty() == lines.is_empty(), "{text}: {lines:?}");
        }
        let first = read_text(&[(
            "a.csv",
            format!("detalj,forsendelsesId,status,tidspunkt\n\"en\nto\",{},LEST,{AT}\n", id(1)),
        )]);
        assert_eq!((first.letters.len(), first.complaints.len()), (1, 0), "the field may stand before the others");
    }

    /// `retur.csv` of a batch, as a print house fills it in with a Norwegian Excel, or in part, or with commas.
    #[test]
    fn the_answer_form_of_a_print_batch_is_read() {
        let id = |n: u32| format!("{n:08x}-0000-8000-8000-000000000000");
        let form = |delimiter: &str, end: &str| {
            let rows = [
                ["nr", "forsendelsesId", "mappe", "status", "tidspunkt", "detalj"].map(str::to_owned),
                ["1", &id(1), "a.1", "PRINTET", "25.11.2026 10:00", ""].map(str::to_owned),
                ["2", &id(2), "b.2", "retur", "25.11.2026", "flyttet"].map(str::to_owned),
                ["3", &id(3), "c.3", "", "", ""].map(str::to_owned),
                ["", "", "", "", "", ""].map(str::to_owned),
            ];
            rows.map(|row| row.join(delimiter)).join(end) + end
        };
        let cut = form(";", "\r\n").replace("c.3;;;\r\n;;;;;", "c.3");
        for text in [form(";", "\r\n"), form(",", "\n"), format!("\u{feff}{}", form(";", "\n")), cut] {
            let all = read_text(&[("retur.csv", text.clone())]);
            assert!(all.complaints.is_empty() && all.doubts.is_empty(), "{text}: {:?}", all.complaints);
            let word = |n| all.of(Uuid::parse_str(&id(n)).unwrap().as_u128()).first().map(|receipt| receipt.word);
            assert_eq!([1, 2, 3].map(word), [Some(Word::Printed), Some(Word::Returned), None], "{text}");
        }
        // Only what is not filled in is passed over: half a row is not, nor one that is cut short elsewhere.
        for (text, lines) in [
            (form(";", "\n").replace("c.3;;", "c.3;PRINTET;"), 1),
            (form(";", "\n").replace("c.3;;", "c.3;;25.11.2026 10:00"), 1),
            (form(";", "\n").replace("c.3;;", "c.3;LEST;25.11.2026"), 1),
            (format!("forsendelsesId,status,tidspunkt\n{}\n{},,\n", id(1), id(2)), 1),
        ] {
            assert_eq!(read_text(&[("a.csv", text.clone())]).complaints.len(), lines, "{text}");
        }
    }

    #[test]
    fn an_o_for_a_nought_names_the_same_letter() {
        let row = format!("{},LEST,{AT}\n", ID.replace('0', "O"));
        let all = read_text(&[("a.csv", format!("forsendelsesId,status,tidspunkt\n{row}"))]);
        let name = name_of_id(Uuid::parse_str(ID).unwrap().as_u128());
        assert!(all.letters.is_empty() && all.doubts.iter().any(|doubt| doubt.name == name), "{:?}", all.doubts);
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
