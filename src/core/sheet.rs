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

    pub fn into_text(self) -> String {
        self.0
    }
}

/// A whole file at once.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new(header);
    rows.into_iter().for_each(|row| table.add(row));
    table.into_text()
}

fn line<const N: usize>(text: &mut String, cells: [&str; N]) {
    for (number, cell) in cells.into_iter().enumerate() {
        if number > 0 {
            text.push(';');
        }
        // A spreadsheet runs what begins so; an apostrophe makes it text.
        let formula = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        let quoted = cell.contains([';', '"', '\n', '\r']);
        // Writing into a String cannot fail.
        let _ = match quoted {
            true => write!(text, "\"{formula}{}\"", cell.replace('"', "\"\"")),
            false => write!(text, "{formula}{cell}"),
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
}
