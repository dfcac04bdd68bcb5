//! Which column is which, and the fields of a row by column.

use std::borrow::Cow;

use super::refusal::SnapshotRefusal;
use super::scan::{Dialect, Record};

/// The first line of a snapshot: how it is written and where each used column stands.
pub struct Header {
    pub dialect: Dialect,
    /// In the order of the register's `COLUMNS`.
    pub positions: Vec<usize>,
}

impl Header {
    /// Takes the header off the first block; gives also the number of the line after it and the rows.
    pub fn take<'a>(
        block: &'a [u8],
        columns: &[&'static str],
        prefixes: &[&str],
    ) -> Result<(Self, u64, &'a [u8]), SnapshotRefusal> {
        let text = block.strip_prefix(b"\xef\xbb\xbf").unwrap_or(block);
        let start = text.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
        let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at + 1);
        let line = text[..end].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;

        let header = &text[start..end];
        let count = |delimiter| header.iter().filter(|byte| **byte == delimiter).count();
        let delimiter = if count(b';') > count(b',') { b';' } else { b',' };
        let mut record = csv::ByteRecord::new();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(header);
        // Reading from memory cannot fail; a header without any name lacks the first column.
        let _ = reader.read_byte_record(&mut record);
        let names: Vec<String> = record.iter().map(|name| plain_name(name, prefixes)).collect();
        let position = |column: &'static str| {
            let mut places = (0..names.len()).filter(|place| names[*place].eq_ignore_ascii_case(column));
            match (places.next(), places.next()) {
                (None, _) => Err(SnapshotRefusal::ColumnMissing(column)),
                (Some(_), Some(_)) => Err(SnapshotRefusal::ColumnTwice(column)),
                (Some(place), None) => Ok(place),
            }
        };
        let positions = columns.iter().map(|column| position(column)).collect::<Result<_, _>>()?;
        Ok((Self { dialect: Dialect { delimiter, fields: names.len() }, positions }, line, &text[end..]))
    }

    /// A record without fault, by column.
    pub fn row<'a>(&'a self, record: &'a Record<'a>) -> Row<'a> {
        Row { record, positions: &self.positions }
    }
}

/// In lower case, without a prefix that says nothing.
fn plain_name(name: &[u8], prefixes: &[&str]) -> String {
    let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name).to_owned()
}

/// The fields of a row, in the order of the register's `COLUMNS`.
pub struct Row<'a> {
    record: &'a Record<'a>,
    positions: &'a [usize],
}

impl<'a> Row<'a> {
    /// Trimmed.
    pub fn bytes(&self, column: usize) -> Cow<'a, [u8]> {
        match self.record.field(self.positions[column]) {
            Cow::Borrowed(field) => Cow::Borrowed(field.trim_ascii()),
            Cow::Owned(field) => Cow::Owned(field.trim_ascii().to_vec()),
        }
    }

    /// Trimmed. Text that is not UTF-8 is windows-1252, which every byte is valid in.
    pub fn text(&self, column: usize) -> Cow<'a, str> {
        let decode = |field: &[u8]| encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0.into_owned();
        match self.bytes(column) {
            Cow::Borrowed(field) => str::from_utf8(field).map_or_else(|_| decode(field).into(), Cow::Borrowed),
            Cow::Owned(field) => String::from_utf8(field).unwrap_or_else(|error| decode(error.as_bytes())).into(),
        }
    }
}
