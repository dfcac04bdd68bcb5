//! Tables for people and their spreadsheets: semicolons, UTF-8 with a byte order mark, CRLF, and no cell that a
//! spreadsheet would take for a formula.

use std::fmt::Write;

/// A whole file: the header's cells, then the rows'.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = String::from('\u{feff}');
    line(&mut text, header.iter().copied());
    for row in rows {
        line(&mut text, row.iter().map(String::as_str));
    }
    text
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (number, cell) in cells.enumerate() {
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
