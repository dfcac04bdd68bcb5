//! How records were found before it was done by stretches: line by line, from the front to the back. The same rules,
//! written another way.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// A quote that has not been closed after so many bytes is a stray one: only its own line is broken.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// What the header says of the rows below it.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    pub delimiter: u8,
    /// Fields in every row.
    pub fields: usize,
}

/// A row, or lines that should have been rows.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The physical line it begins on, from 1.
    pub line: u64,
    /// More than one where a quoted field holds line breaks.
    pub lines: u64,
    /// Without its line ending.
    pub bytes: &'a [u8],
    /// False for a last line without a line ending: it may have been cut.
    pub terminated: bool,
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A quote where none may stand, or one that is never closed.
    Quotes,
    /// Another number of fields than the header has.
    Fields { found: usize },
}

/// The text ends in the middle of the record that begins on this line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated {
    pub line: u64,
}

/// Takes text in blocks and gives records.
pub struct Scanner {
    dialect: Dialect,
    line: u64,
    /// A record whose end is in a block to come.
    pending: Vec<u8>,
}

impl Scanner {
    /// `line`: the number of the first line that will be fed.
    pub fn new(dialect: Dialect, line: u64) -> Self {
        Self { dialect, line, pending: Vec::new() }
    }

    /// Hands every record that ends in `block` to `each`. A block is a number of whole lines; only the last one of a
    /// file may lack its line ending.
    pub fn feed(&mut self, block: &[u8], last: bool, each: &mut impl FnMut(Record<'_>)) -> Result<(), Truncated> {
        if self.pending.is_empty() {
            let rest = self.scan(block, last, each)?;
            self.pending.extend_from_slice(rest);
        } else {
            let mut text = std::mem::take(&mut self.pending);
            text.extend_from_slice(block);
            let rest = self.scan(&text, last, each)?;
            self.pending.extend_from_slice(rest);
        }
        Ok(())
    }

    /// Returns what must wait for the next block.
    fn scan<'a>(
        &mut self,
        text: &'a [u8],
        last: bool,
        each: &mut impl FnMut(Record<'_>),
    ) -> Result<&'a [u8], Truncated> {
        let mut rest = text;
        while !rest.is_empty() {
            let first = Line::split(rest);
            if first.bytes.is_empty() {
                self.line += 1;
                rest = first.after;
                continue;
            }
            let Some((record, after)) = self.record(rest, first, last)? else { return Ok(rest) };
            self.line += record.lines;
            rest = after;
            each(record);
        }
        Ok(rest)
    }

    /// The record that begins with the line `first` of `text`, and what follows it; none when its end has not come yet.
    fn record<'a>(
        &self,
        text: &'a [u8],
        first: Line<'a>,
        last: bool,
    ) -> Result<Option<(Record<'a>, &'a [u8])>, Truncated> {
        let mut shape = Shape::of(first.bytes, self.dialect.delimiter, false);
        let (mut end, mut lines) = (first, 1);
        while shape.open && shape.sound {
            if text.len() - end.after.len() > RECORD_BYTES_MAX {
                (end, lines, shape.sound) = (first, 1, false);
            } else if !end.after.is_empty() {
                end = Line::split(end.after);
                lines += 1;
                shape = shape.then(Shape::of(end.bytes, self.dialect.delimiter, true));
            } else if !last {
                return Ok(None);
            } else if lines > 1 && Shape::of(end.bytes, self.dialect.delimiter, false).is_row(self.dialect) {
                // The text does not end in the middle of a row when its last line is one.
                (end, lines, shape.sound) = (first, 1, false);
            } else {
                return Err(Truncated { line: self.line });
            }
        }
        let found = shape.delimiters + 1;
        let (fault, cut) = if !shape.sound {
            (Some(Fault::Quotes), true)
        } else if found != self.dialect.fields {
            (Some(Fault::Fields { found }), found < self.dialect.fields)
        } else {
            (None, false)
        };
        if cut && !end.terminated {
            return Err(Truncated { line: self.line });
        }
        let bytes = &text[..text.len() - end.after.len() - end.ending];
        Ok(Some((Record { line: self.line, lines, bytes, terminated: end.terminated, fault }, end.after)))
    }
}

/// A physical line.
#[derive(Clone, Copy)]
struct Line<'a> {
    bytes: &'a [u8],
    after: &'a [u8],
    /// Bytes of the line ending.
    ending: usize,
    terminated: bool,
}

impl<'a> Line<'a> {
    fn split(text: &'a [u8]) -> Self {
        let (line, after, terminated) = match memchr(b'\n', text) {
            Some(end) => (&text[..end], &text[end + 1..], true),
            None => (text, &text[text.len()..], false),
        };
        let bytes = line.strip_suffix(b"\r").unwrap_or(line);
        Self { bytes, after, ending: line.len() - bytes.len() + usize::from(terminated), terminated }
    }
}

/// What the quotes and delimiters of a line say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    /// Those outside quotes.
    delimiters: usize,
    /// A quoted field goes on beyond the line.
    open: bool,
    /// Every quote opens a field, closes it or is doubled inside it.
    sound: bool,
}

impl Shape {
    /// `inside`: a quoted field was open when the line began.
    fn of(line: &[u8], delimiter: u8, inside: bool) -> Self {
        match memchr(b'"', line) {
            None if inside => Self { delimiters: 0, open: true, sound: true },
            None => Self { delimiters: memchr_iter(delimiter, line).count(), open: false, sound: true },
            Some(_) => Self::of_quoted(line, delimiter, inside),
        }
    }

    /// Sixty-four bytes at a time, one bit for each: which are quotes, which stand inside them, and whether each quote
    /// has a right neighbour.
    fn of_quoted(line: &[u8], delimiter: u8, inside: bool) -> Self {
        let mut delimiters = 0;
        let mut stray = 0;
        let mut inside = if inside { u64::MAX } else { 0 };
        // The last bit of the chunk before: a field may begin here; a quoted field has just ended.
        let (mut may_open, mut closed) = (!inside & 1, 0);
        let (chunks, tail) = line.as_chunks::<64>();
        let mut padded = [0; 64];
        padded[..tail.len()].copy_from_slice(tail);
        let within_tail = (1 << tail.len()) - 1;
        for (chunk, within) in chunks.iter().map(|c| (c, u64::MAX)).chain([(&padded, within_tail)]) {
            let quotes = bits_equal(chunk, b'"');
            let quoted = parity_up_to(quotes) ^ inside;
            let (opening, closing) = (quotes & quoted, quotes & !quoted);
            let separators = bits_equal(chunk, delimiter) & !quoted;
            stray |= opening & !((separators | closing) << 1 | may_open);
            stray |= (closing << 1 | closed) & !(separators | opening) & within;
            delimiters += separators.count_ones() as usize;
            may_open = (separators | closing) >> 63;
            closed = closing >> 63;
            inside = if quoted >> 63 == 1 { u64::MAX } else { 0 };
        }
        // The padding after the tail carries the tail's last state, so `inside` speaks of the line's end.
        Self { delimiters, open: inside != 0, sound: stray == 0 }
    }

    fn is_row(self, dialect: Dialect) -> bool {
        self.sound && !self.open && self.delimiters + 1 == dialect.fields
    }

    fn then(self, next: Self) -> Self {
        Self { delimiters: self.delimiters + next.delimiters, open: next.open, sound: self.sound && next.sound }
    }
}

/// One bit for each byte of the chunk that equals `byte`, the first byte lowest.
#[inline]
fn bits_equal(chunk: &[u8; 64], byte: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let pattern = u64::from_ne_bytes([byte; 8]);
    let (words, _) = chunk.as_chunks::<8>();
    words.iter().enumerate().fold(0, |bits, (i, word)| {
        let difference = u64::from_le_bytes(*word) ^ pattern;
        // The high bit of every byte that is zero, and of no other; then the eight of them side by side.
        let zero = !(((difference & LOW) + LOW) | difference | LOW);
        bits | ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i)
    })
}

/// Each bit becomes the parity of itself and all bits below it.
fn parity_up_to(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |bits, shift| bits ^ bits << shift)
}

/// The fields of a record without fault, unquoted.
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
    delimiter: u8,
}

impl<'a> Fields<'a> {
    pub fn new(record: &'a [u8], delimiter: u8) -> Self {
        Self { rest: Some(record), delimiter }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        let (field, end) = match rest.strip_prefix(b"\"") {
            Some(quoted) => {
                let (field, length) = unquoted(quoted);
                (field, length + 1)
            }
            None => {
                let end = memchr(self.delimiter, rest).unwrap_or(rest.len());
                (Cow::Borrowed(&rest[..end]), end)
            }
        };
        self.rest = rest.get(end + 1..);
        Some(field)
    }
}

/// The content of a field whose opening quote has been taken, and the bytes it takes with its closing quote.
fn unquoted(text: &[u8]) -> (Cow<'_, [u8]>, usize) {
    let mut doubled = Vec::new();
    let mut start = 0;
    loop {
        let end = memchr(b'"', &text[start..]).map_or(text.len(), |at| start + at);
        if text.get(end + 1) == Some(&b'"') {
            doubled.extend_from_slice(&text[start..=end]);
            start = end + 2;
            continue;
        }
        let length = text.len().min(end + 1);
        if doubled.is_empty() {
            return (Cow::Borrowed(&text[..end]), length);
        }
        doubled.extend_from_slice(&text[start..end]);
        return (Cow::Owned(doubled), length);
    }
}
