//! Tables for people and their spreadsheets: semicolons, UTF-8 with a byte order mark, CRLF, and no cell that a
//! spreadsheet would take for a formula.

use std::fmt::Write;

/// A file's text: the header's cells, then as many rows as are added.
pub struct Table<const N: usize>(String);

impl<const N: usize> Table<N> {
    pub fn new(header: [&str; N]) -> Self {
        let mut text = String::from('\u{feff}');
        line(&mut text, header);
        Self(text)
    }

    pub fn add<S: AsRef<str>>(&mut self, row: [S; N]) {
        line(&mut self.0, row.each_ref().map(S::as_ref));
    }

    /// A row that people open in a spreadsheet.
    pub fn add_for_people(&mut self, row: [Cell; N]) {
        let row = row.map(|cell| match cell {
            Cell::Value(value) => guarded(&value),
            Cell::Text(text) if is_changed(&text) => format!("=\"{}\"", text.replace('"', "\"\"")),
            Cell::Text(text) => text,
        });
        write_line(&mut self.0, row.each_ref().map(String::as_str));
    }

    pub fn into_text(self) -> String {
        self.0
    }
}

/// What people see in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// As a spreadsheet takes it: a number, a day.
    Value(String),
    /// These very characters. Where a spreadsheet would make a number, a day or a formula of them, they are given as a
    /// formula that is a text; it shows the text alone.
    Text(String),
}

/// How the names of months begin, in Norwegian and English, with which a spreadsheet makes a day of a number.
const MONTHS: [&str; 16] =
    ["jan", "feb", "mar", "apr", "mai", "may", "jun", "jul", "aug", "sep", "okt", "oct", "nov", "des", "dec", "kr"];

/// Whether a spreadsheet would make something else of this text: `2026/4`, `0012`, `1E5`, `3-mai`, `=1+1`.
fn is_changed(text: &str) -> bool {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    let is_number = text.chars().any(|c| c.is_numeric())
        && (letters.is_empty() || letters == "e" || MONTHS.iter().any(|month| letters.starts_with(month)));
    is_number || begins_formula(text) || ["sann", "usann", "true", "false"].contains(&&*letters)
}

fn begins_formula(text: &str) -> bool {
    text.trim_start_matches([' ', '\u{a0}']).starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A spreadsheet runs what begins so; an apostrophe makes it text.
fn guarded(cell: &str) -> String {
    if begins_formula(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// A whole file at once.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new(header);
    rows.into_iter().for_each(|row| table.add(row));
    table.into_text()
}

fn line<const N: usize>(text: &mut String, cells: [&str; N]) {
    let cells = cells.map(guarded);
    write_line(text, cells.each_ref().map(String::as_str));
}

fn write_line<const N: usize>(text: &mut String, cells: [&str; N]) {
    for (number, cell) in cells.into_iter().enumerate() {
        if number > 0 {
            text.push(';');
        }
        // Writing into a String cannot fail.
        let _ = match cell.contains([';', '"', '\n', '\r']) {
            true => write!(text, "\"{}\"", cell.replace('"', "\"\"")),
            false => write!(text, "{cell}"),
        };
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_text_and_stay_apart() {
        let rows = [["=1+1", "a;b"], ["say \"hi\"", "-x\ny"]].map(|row| row.map(str::to_owned));
        let expected = "\u{feff}nr;navn\r\n'=1+1;\"a;b\"\r\n\"say \"\"hi\"\"\";\"'-x\ny\"\r\n";
        assert_eq!(table(["nr", "navn"], rows), expected);
    }

    #[test]
    fn what_people_read_stays_the_text_it_is() {
        let mut table = Table::new(["a", "b"]);
        for (text, cell) in [
            ("2026/4", "\"=\"\"2026/4\"\"\""),
            ("2026/417-3", "\"=\"\"2026/417-3\"\"\""),
            ("2026/a", "2026/a"),
            ("sak 12", "sak 12"),
            ("=\"x\"", "\"=\"\"=\"\"\"\"x\"\"\"\"\"\"\""),
            ("", ""),
        ] {
            table.add_for_people([Cell::Text(text.to_owned()), Cell::Value("7".to_owned())]);
            let written = &table.0[table.0.trim_end().rfind('\n').unwrap() + 1..];
            assert_eq!(written, format!("{cell};7\r\n"), "{text}");
        }
        for text in
            ["2026/4", "0012", "1E5", "1e5", "=1+1", " =1+1", "+47", "-1", "@x", "3-mai", "Jan 26", "12,5 %", "SANN"]
        {
            assert!(is_changed(text), "{text}");
        }
        for text in ["", "2026/a", "avvist", "2026-104 hjemmetjeneste.98e2dfbb", "outbox/print/batch-2026-11-26-01"] {
            assert!(!is_changed(text), "{text}");
        }
        table.add_for_people([Cell::Value("=1".to_owned()), Cell::Value("2026-11-25".to_owned())]);
        assert!(table.0.ends_with("'=1;2026-11-25\r\n"));
    }
}
