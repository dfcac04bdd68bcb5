//! Graphics states that a page's content saves and never restores, or restores and never saved.
//!
//! What is drawn behind such content would be drawn in the state that it leaves: moved, clipped, hidden.

/// How content leaves what follows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    /// States still saved at the end.
    saved: usize,
    /// Marked content, and a text object, still open at the end.
    marked: usize,
    in_text: bool,
}

impl Balance {
    /// `None` where nothing can follow in a state that all readers agree on: something begins that does not end, or a
    /// `Q` restores what was never saved, which some readers pass over and some do not.
    pub(super) fn of(content: &[u8]) -> Option<Self> {
        let mut balance = Self::default();
        let mut at = 0;
        while let Some(token) = next(content, &mut at) {
            match token {
                Token::Unended => return None,
                Token::Word(b"q") => balance.saved += 1,
                Token::Word(b"Q") => balance.saved = balance.saved.checked_sub(1)?,
                Token::Word(b"BT") => balance.in_text = true,
                Token::Word(b"ET") => balance.in_text = false,
                Token::Word(b"BMC" | b"BDC") => balance.marked += 1,
                Token::Word(b"EMC") => balance.marked = balance.marked.saturating_sub(1),
                Token::Word(b"ID") => at = image_end(content, at)?,
                Token::Word(_) | Token::Other => {}
            }
        }
        Some(balance)
    }

    /// What brings back the state before the content and the `q` that stands before it.
    pub(super) fn closing(&self) -> String {
        let text = if self.in_text { "ET\n" } else { "" };
        format!("\n{text}{}{}", "EMC\n".repeat(self.marked), "Q\n".repeat(self.saved + 1))
    }
}

enum Token<'a> {
    Word(&'a [u8]),
    Other,
    Unended,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    b"()<>[]{}/%".contains(&byte)
}

/// The next token; names, numbers, brackets and strings are all alike here.
fn next<'a>(content: &'a [u8], at: &mut usize) -> Option<Token<'a>> {
    let bytes = content.get(*at..)?;
    let start = *at + bytes.iter().position(|byte| !is_space(*byte))?;
    let rest = &content[start..];
    let regular = |bytes: &[u8]| bytes.iter().position(|b| is_space(*b) || is_delimiter(*b)).unwrap_or(bytes.len());
    let (length, token) = match rest[0] {
        b'%' => (rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len()), Token::Other),
        b'(' => string_length(rest).map_or((rest.len(), Token::Unended), |length| (length, Token::Other)),
        b'<' if rest.get(1) == Some(&b'<') => (2, Token::Other),
        b'<' => match rest.iter().position(|byte| *byte == b'>') {
            Some(end) => (end + 1, Token::Other),
            None => (rest.len(), Token::Unended),
        },
        b'/' => (1 + regular(&rest[1..]), Token::Other),
        byte if is_delimiter(byte) => (1, Token::Other),
        _ => (regular(rest), Token::Word(&rest[..regular(rest)])),
    };
    *at = start + length;
    Some(token)
}

fn string_length(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut escaped) = (0, false);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(index + 1),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Behind the `EI` of an image whose bytes begin at `start`: one between white space, before something readable.
fn image_end(content: &[u8], start: usize) -> Option<usize> {
    let ends = memchr::memmem::find_iter(&content[start..], b"EI").map(|at| start + at);
    let is_end = |at: &usize| {
        let after = &content[at + 2..];
        let parted = is_space(content[at - 1]) && after.first().is_none_or(|byte| is_space(*byte));
        parted && after.iter().take(16).all(|byte| is_space(*byte) || byte.is_ascii_graphic())
    };
    ends.into_iter().find(|at| *at > start && is_end(at)).map(|at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_closed() {
        let closing = |content: &str| Balance::of(content.as_bytes()).map(|balance| balance.closing());
        for (content, expected) in [
            ("q 1 0 0 1 0 0 cm Q", Some("\nQ\n")),
            ("q q BT (Q Q \\) ) Tj", Some("\nET\nQ\nQ\nQ\n")),
            ("/OC /L BDC q % Q\n<51> /Q [q]", Some("\nEMC\nQ\nQ\nQ\n")),
            ("q BI /W 1 ID q Q EI\u{1}Q EI Q", Some("\nQ\n")),
            ("q Q Q", None),
            ("q Q (open", None),
            ("q Q <51", None),
            ("q Q BI ID abc", None),
        ] {
            assert_eq!(closing(content).as_deref(), expected, "{content}");
        }
    }
}
