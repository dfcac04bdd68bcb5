//! The spelling of values (ISO 32000-1, 7.2 and 7.3), in a file and in a content stream alike.
//!
//! Forgiving where all readers are. Where it stops, the caller decides what that means.

use lopdf::{Dictionary, Object, ObjectId, StringFormat};

use crate::shell::pdf::budget::Budget;

/// Values within values; real ones have about ten.
const DEPTH_MAX: usize = 100;
/// What a value costs to read.
const VALUE_WORK: usize = 40;
/// What a dictionary's entry takes in memory besides its value: the key, its hash, and room to grow.
const ENTRY_MEMORY: usize = 128;

pub(in crate::shell::pdf) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

pub(in crate::shell::pdf) fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// A place in bytes from outside, and the values from there on.
pub(in crate::shell::pdf) struct Parser<'a> {
    pub(in crate::shell::pdf) bytes: &'a [u8],
    pub(in crate::shell::pdf) at: usize,
    budget: &'a Budget,
    /// A content stream refers to nothing by number.
    references: bool,
}

impl<'a> Parser<'a> {
    pub(in crate::shell::pdf) fn new(bytes: &'a [u8], at: usize, budget: &'a Budget) -> Self {
        Self { bytes, at, budget, references: true }
    }

    pub(in crate::shell::pdf) fn of_content(bytes: &'a [u8], budget: &'a Budget) -> Self {
        Self { bytes, at: 0, budget, references: false }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(in crate::shell::pdf) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Spends for a look at bytes that is not made through this parser.
    pub(in crate::shell::pdf) fn work(&self, units: usize) -> Option<()> {
        self.budget.work(units)
    }

    pub(in crate::shell::pdf) fn is_at(&self, word: &[u8]) -> bool {
        self.rest().starts_with(word)
    }

    /// Past white space and comments.
    pub(in crate::shell::pdf) fn skip_space(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'%' => self.at += memchr::memchr2(b'\n', b'\r', self.rest()).unwrap_or(self.rest().len()),
                byte if is_space(byte) => self.at += 1,
                _ => break,
            }
        }
        self.budget.work(self.at - start)
    }

    /// The word from here on: bytes that neither separate nor begin anything else. Possibly empty.
    pub(in crate::shell::pdf) fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Past `word`, if it stands here as a word of its own.
    pub(in crate::shell::pdf) fn take(&mut self, word: &[u8]) -> bool {
        let found = self.rest().starts_with(word) && !self.rest().get(word.len()).is_some_and(|byte| is_regular(*byte));
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Digits alone.
    pub(in crate::shell::pdf) fn natural(&mut self) -> Option<u64> {
        self.skip_space()?;
        let digits = self.rest().iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
        let value = self.rest()[..digits]
            .iter()
            .try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        self.at += digits;
        value.filter(|_| digits > 0)
    }

    /// `12 0 obj`, the beginning of an object.
    pub(in crate::shell::pdf) fn header(&mut self) -> Option<ObjectId> {
        let number = u32::try_from(self.natural()?).ok()?;
        let generation = u16::try_from(self.natural()?).ok()?;
        self.skip_space()?;
        // Some producers leave out the white space after it.
        let found = self.rest().starts_with(b"obj");
        self.at += 3;
        found.then_some((number, generation))
    }

    /// The value from here on; `None` where there is none, or the budget does not allow it.
    pub(in crate::shell::pdf) fn value(&mut self) -> Option<Object> {
        self.value_within(DEPTH_MAX)
    }

    fn value_within(&mut self, depth: usize) -> Option<Object> {
        self.skip_space()?;
        self.budget.work(VALUE_WORK)?;
        match self.peek()? {
            b'/' => Some(Object::Name(self.name()?)),
            b'(' => Some(Object::String(self.literal()?, StringFormat::Literal)),
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => {
                Some(Object::Dictionary(self.dictionary(depth.checked_sub(1)?)?))
            }
            b'<' => Some(Object::String(self.hexadecimal()?, StringFormat::Hexadecimal)),
            b'[' => self.array(depth.checked_sub(1)?),
            b'0'..=b'9' if self.references => self.reference().or_else(|| self.number()),
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.number(),
            byte if is_regular(byte) => self.keyword(),
            _ => None,
        }
    }

    /// A word that is no value stands for none, as it does to every reader; but the words that end an object end it.
    fn keyword(&mut self) -> Option<Object> {
        let start = self.at;
        match self.word() {
            b"true" => Some(Object::Boolean(true)),
            b"false" => Some(Object::Boolean(false)),
            b"obj" | b"endobj" | b"stream" | b"endstream" | b"xref" | b"trailer" | b"startxref" => {
                self.at = start;
                None
            }
            _ => Some(Object::Null),
        }
    }

    fn reference(&mut self) -> Option<Object> {
        let start = self.at;
        let reference = (|| {
            let number = u32::try_from(self.natural()?).ok()?;
            self.peek().filter(|byte| is_space(*byte))?;
            let generation = self.natural()?;
            self.skip_space()?;
            // A generation that no object can have makes a reference to nothing.
            self.take(b"R").then(|| Object::Reference((number, u16::try_from(generation).unwrap_or(u16::MAX))))
        })();
        self.at = if reference.is_some() { self.at } else { start };
        reference
    }

    /// It ends where something else begins, as in `12Td`.
    fn number(&mut self) -> Option<Object> {
        let rest = self.rest();
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        self.at += length;
        Some(number(&rest[..length]).unwrap_or(Object::Null))
    }

    /// A name without its solidus, `#xx` resolved.
    pub(in crate::shell::pdf) fn name(&mut self) -> Option<Vec<u8>> {
        self.at += 1;
        let word = self.word();
        self.budget.memory(word.len() + 32)?;
        self.budget.work(word.len())?;
        if !word.contains(&b'#') {
            return Some(word.to_vec());
        }
        let mut name = Vec::with_capacity(word.len());
        let mut rest = word;
        while let [byte, after @ ..] = rest {
            let code = match (byte, after) {
                (b'#', [high, low, ..]) => digit(*high).zip(digit(*low)),
                _ => None,
            };
            name.push(code.map_or(*byte, |(high, low)| high << 4 | low));
            rest = if code.is_some() { &after[2..] } else { after };
        }
        Some(name)
    }

    fn literal(&mut self) -> Option<Vec<u8>> {
        self.at += 1;
        let (start, mut open, mut text) = (self.at, 1, Vec::new());
        let longest = self.budget.memory_left() / 2;
        loop {
            let byte = self.peek().filter(|_| text.len() < longest)?;
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' if open == 1 => break,
                b')' => open -= 1,
                b'\\' => {
                    text.extend(self.escaped()?);
                    continue;
                }
                // Every end of line is a line feed.
                b'\r' => {
                    self.at += usize::from(self.peek() == Some(b'\n'));
                    text.push(b'\n');
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        self.budget.work(self.at - start)?;
        self.budget.memory(2 * text.len() + 32)?;
        Some(text)
    }

    fn escaped(&mut self) -> Option<Option<u8>> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'f' => Some(0x0c),
            b'\n' => None,
            b'\r' => {
                self.at += usize::from(self.peek() == Some(b'\n'));
                None
            }
            b'0'..=b'7' => {
                let mut code = u16::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    code = code << 3 | u16::from(digit - b'0');
                    self.at += 1;
                }
                // High-order overflow is ignored.
                Some(code.to_le_bytes()[0])
            }
            other => Some(other),
        })
    }

    fn hexadecimal(&mut self) -> Option<Vec<u8>> {
        self.at += 1;
        let length = memchr::memchr(b'>', self.rest())?;
        let digits = self.rest()[..length].iter().filter_map(|byte| digit(*byte));
        self.budget.work(2 * length)?;
        self.budget.memory(length / 2 + 32)?;
        let mut text = Vec::with_capacity(length.div_ceil(2));
        let mut high = None;
        for digit in digits {
            match high.take() {
                None => high = Some(digit << 4),
                Some(high) => text.push(high | digit),
            }
        }
        text.extend(high);
        self.at += length + 1;
        Some(text)
    }

    fn array(&mut self, depth: usize) -> Option<Object> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space()?;
            match self.peek()? {
                b']' => break,
                // What closes nothing is passed over.
                b')' | b'{' | b'}' => self.at += 1,
                b'>' => return None,
                _ => {
                    // A growing array has room for twice what it holds.
                    self.budget.memory(2 * size_of::<Object>())?;
                    items.push(self.value_within(depth)?);
                }
            }
        }
        self.at += 1;
        Some(Object::Array(items))
    }

    fn dictionary(&mut self, depth: usize) -> Option<Dictionary> {
        self.at += 2;
        let mut dictionary = Dictionary::new();
        loop {
            self.skip_space()?;
            match self.peek()? {
                b'/' => {
                    let key = self.name()?;
                    self.skip_space()?;
                    self.budget.memory(2 * size_of::<Object>() + ENTRY_MEMORY)?;
                    // A key without its value, at the end.
                    let value = if self.peek()? == b'>' { Object::Null } else { self.value_within(depth)? };
                    dictionary.set(key, value);
                }
                b'>' => {
                    self.at += 1;
                    if self.peek() == Some(b'>') {
                        self.at += 1;
                        return Some(dictionary);
                    }
                }
                b')' | b'{' | b'}' | b']' => self.at += 1,
                // A value without its key.
                _ => drop(self.value_within(depth)?),
            }
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A number as readers take it: signs in front, and nothing after what makes no sense in one.
pub(in crate::shell::pdf) fn number(word: &[u8]) -> Option<Object> {
    let signs = word.iter().take_while(|byte| matches!(byte, b'+' | b'-')).count();
    let negative = word[..signs].contains(&b'-');
    let mut digits = 0;
    let mut point = None;
    let (mut whole, mut value) = (Some(0_i64), 0.0_f64);
    for byte in &word[signs..] {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                let digit = byte - b'0';
                whole = whole.and_then(|whole| whole.checked_mul(10)?.checked_add(i64::from(digit)));
                value = value * 10.0 + f64::from(digit);
                point = point.map(|places| places + 1);
            }
            b'.' if point.is_none() => point = Some(0),
            // `12.3-4` has been seen; readers take the first part.
            _ => break,
        }
    }
    if digits == 0 && point.is_none() {
        return None;
    }
    Some(match (point, whole) {
        (None, Some(whole)) => Object::Integer(if negative { -whole } else { whole }),
        _ => {
            let value = value / 10_f64.powi(point.unwrap_or(0));
            Object::Real(if negative { -value } else { value } as f32)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let budget = Budget::of(text.len());
        let value = Parser::new(text.as_bytes(), 0, &budget).value()?;
        let mut written = Vec::new();
        lopdf::Writer::write_object(&mut written, &value).unwrap();
        Some(String::from_utf8(written).unwrap())
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("12", "12"),
            (" %a comment\r -.5", "-0.5"),
            ("+17.", "17.0"),
            ("--3", "-3"),
            ("99999999999999999999", "100000000000000000000.0"),
            ("/A#20B#4", "/A#20B#234"),
            ("(a(b)\\)\\101\\n\\\r\nc\\8)", "(a(b)\\)A\nc8)"),
            ("<4 1 4>", "<4140>"),
            ("[1 2 R 3 0 R/a(b)true nil]", "[1 2 R 3 0 R/a(b) true null]"),
            ("<</A 1 0 R/B[<</C null>>]/D>>", "<</A 1 0 R/B[<</C null>>]/D null>>"),
            ("<</A 1 2/B 3>>", "<</A 1/B 3>>"),
            ("true", "true"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "[1 2", "<</A 1", "(a", "<41", "endobj", "[endobj]", ")", "[1>>"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        assert!(read(&format!("{}{}", "[".repeat(90), "]".repeat(90))).is_some());
        assert!(read(&format!("{}{}", "[".repeat(200_000), "]".repeat(200_000))).is_none());
        assert!(read(&format!("{}1{}", "<</A".repeat(200_000), ">>".repeat(200_000))).is_none());
        assert!(read(&format!("[{}]", "1 ".repeat(2_000_000))).is_none());
    }
}
