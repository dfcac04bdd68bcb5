//! Finds records in CSV text fast enough for a national register: where each row ends, where its delimiters stand and
//! whether its quotes make sense.
//!
//! A record is a physical line unless a quote is open at its end. A stray quote must not swallow other people's rows,
//! so a record that breaks the rules is handed over as broken, with the lines it covers, and the next line begins
//! anew. A text may be cut behind any line ending: what comes of it depends only on whether a record was open there,
//! so stretches of a file can be scanned at once, each as if it began with a record, and the few that do not again.
//!
//! Sixty-four bytes are looked at together, one bit for each byte. Almost every line is whole and closed and is
//! settled by those bits alone; any other goes the slow way, byte by byte.
//!
//! Source: RFC 4180, with LF beside CRLF, and `;` beside `,`.

use std::borrow::Cow;

use memchr::memchr;
use wide::u8x16;

/// A quote that has not been closed after so many bytes is a stray one: only its own line is broken.
const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Bytes whose bits are worked out at a time: they and their bits stay in a core's nearest cache. Tests meet every border.
const WINDOW_BYTES: usize = if cfg!(test) { 128 } else { 16 * 1024 };
const WORDS: usize = WINDOW_BYTES / 64;

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
    /// The physical line it begins on, counted as the caller does.
    pub line: u64,
    /// More than one where a quoted field holds line breaks.
    pub lines: u64,
    /// Without its line ending.
    pub bytes: &'a [u8],
    /// Where in `bytes` the delimiters between its fields stand; of a record without fault only.
    delimiters: &'a [u32],
    /// False for a last line without a line ending: it may have been cut.
    pub terminated: bool,
    pub fault: Option<Fault>,
}

impl<'a> Record<'a> {
    /// A field of a record without fault, unquoted; nothing beyond the last.
    pub fn field(&self, number: usize) -> Cow<'a, [u8]> {
        let start = match number.checked_sub(1) {
            None => 0,
            Some(before) => self.delimiters.get(before).map_or(self.bytes.len(), |at| *at as usize + 1),
        };
        let end = self.delimiters.get(number).map_or(self.bytes.len(), |at| *at as usize);
        let field = &self.bytes[start..end];
        match field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
            None => Cow::Borrowed(field),
            Some(content) if memchr(b'"', content).is_none() => Cow::Borrowed(content),
            Some(content) => Cow::Owned(undoubled(content)),
        }
    }
}

/// The content of a quoted field in which two quotes stand for one.
fn undoubled(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(quote) = memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=quote]);
        rest = rest.get(quote + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
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

/// How far a scan came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Lines that have been dealt with.
    pub lines: u64,
    /// Bytes that have been dealt with. The rest is a record whose end has not come yet.
    pub bytes: usize,
}

/// Hands every record that ends in `text` to `each`. The text begins with a record, on line `line`, and is a number of
/// whole lines; only where it is the `last` of a file may its last one lack its line ending.
pub fn scan(
    dialect: Dialect,
    text: &[u8],
    line: u64,
    last: bool,
    each: &mut impl FnMut(Record<'_>),
) -> Result<Scanned, Truncated> {
    let mut window = Window::new();
    let mut delimiters = vec![0; dialect.fields - 1];
    let (mut at, mut lines) = (0, 0);
    while at < text.len() {
        let seen = &text[at..text.len().min(at + WINDOW_BYTES)];
        window.map(seen, dialect.delimiter);
        let mut start = 0;
        for (word, bits) in window.newlines.into_iter().enumerate() {
            let mut bits = bits;
            while bits != 0 {
                let end = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if end < start {
                    // A record of several lines has taken it.
                    continue;
                }
                let bytes = seen[start..end].strip_suffix(b"\r").unwrap_or(&seen[start..end]);
                let line = line + lines;
                if bytes.is_empty() {
                    lines += 1;
                    start = end + 1;
                } else if window.shape(start, start + bytes.len(), &mut delimiters).is_row(dialect) {
                    each(Record { line, lines: 1, bytes, delimiters: &delimiters, terminated: true, fault: None });
                    lines += 1;
                    start = end + 1;
                } else {
                    let text = &text[at + start..];
                    let Some((record, bytes)) = slow(dialect, text, line, last, &mut delimiters)? else {
                        return Ok(Scanned { lines, bytes: at + start });
                    };
                    lines += record.lines;
                    start += bytes;
                    each(record);
                }
            }
        }
        if start == 0 {
            // A line longer than the window, or the last one without its ending.
            let line = line + lines;
            let Some((record, bytes)) = slow(dialect, &text[at..], line, last, &mut delimiters)? else { break };
            lines += record.lines;
            start = bytes;
            if !record.bytes.is_empty() {
                each(record);
            }
        }
        at += start;
    }
    Ok(Scanned { lines, bytes: at })
}

/// The record that `text` begins with and the bytes it takes with its line ending; none when its end has not come yet.
fn slow<'a>(
    dialect: Dialect,
    text: &'a [u8],
    line: u64,
    last: bool,
    delimiters: &'a mut [u32],
) -> Result<Option<(Record<'a>, usize)>, Truncated> {
    let first = Line::split(text);
    let mut shape = Shape::of(first.bytes, dialect.delimiter, false);
    let (mut end, mut lines) = (first, 1);
    while shape.open && shape.sound {
        if text.len() - end.after.len() > RECORD_BYTES_MAX {
            (end, lines, shape.sound) = (first, 1, false);
        } else if !end.after.is_empty() {
            end = Line::split(end.after);
            lines += 1;
            shape = shape.then(Shape::of(end.bytes, dialect.delimiter, true));
        } else if !last {
            return Ok(None);
        } else if lines > 1 && Shape::of(end.bytes, dialect.delimiter, false).is_row(dialect) {
            // The text does not end in the middle of a row when its last line is one.
            (end, lines, shape.sound) = (first, 1, false);
        } else {
            return Err(Truncated { line });
        }
    }
    let found = shape.delimiters + 1;
    let (fault, cut) = if !shape.sound {
        (Some(Fault::Quotes), true)
    } else if found != dialect.fields {
        (Some(Fault::Fields { found }), found < dialect.fields)
    } else {
        (None, false)
    };
    let bytes = &text[..text.len() - end.after.len() - end.ending];
    if cut && !end.terminated && !bytes.is_empty() {
        return Err(Truncated { line });
    }
    let delimiters = match fault {
        None => {
            walk(bytes, dialect.delimiter, false, delimiters);
            &*delimiters
        }
        Some(_) => &[],
    };
    let record = Record { line, lines, bytes, delimiters, terminated: end.terminated, fault };
    Ok(Some((record, text.len() - end.after.len())))
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
        walk(line, delimiter, inside, &mut [])
    }

    fn is_row(self, dialect: Dialect) -> bool {
        self.sound && !self.open && self.delimiters + 1 == dialect.fields
    }

    fn then(self, next: Self) -> Self {
        Self { delimiters: self.delimiters + next.delimiters, open: next.open, sound: self.sound && next.sound }
    }
}

/// The shape of any bytes taken for one line; the places of the delimiters go to `places` as far as it reaches.
fn walk(line: &[u8], delimiter: u8, inside: bool, places: &mut [u32]) -> Shape {
    let mut quotes = Quotes::new(inside, 0);
    let mut delimiters = 0;
    let (chunks, tail) = line.as_chunks::<64>();
    let mut padded = [0; 64];
    padded[..tail.len()].copy_from_slice(tail);
    let within_tail = (1 << tail.len()) - 1;
    let chunks = chunks.iter().map(|chunk| (chunk, u64::MAX)).chain([(&padded, within_tail)]);
    for (number, (chunk, within)) in chunks.enumerate() {
        let separators = quotes.separators(bits_equal(chunk, b'"'), bits_equal(chunk, delimiter), within);
        note(separators, number * 64, places, &mut delimiters);
    }
    quotes.shape(delimiters)
}

/// Notes where the bits stand, counted from `base`, and how many there have been.
#[inline]
fn note(bits: u64, base: usize, places: &mut [u32], count: &mut usize) {
    let mut bits = bits;
    while bits != 0 {
        if let Some(place) = places.get_mut(*count) {
            *place = base.wrapping_add(bits.trailing_zeros() as usize) as u32;
        }
        *count += 1;
        bits &= bits - 1;
    }
}

/// How quotes nest, from one sixty-four bytes to the next.
struct Quotes {
    /// All ones while a quoted field is open.
    inside: u64,
    /// The first bit of what comes: a field may begin here; a quoted field has just ended.
    may_open: u64,
    closed: u64,
    /// Quotes without a right neighbour.
    stray: u64,
}

impl Quotes {
    /// The line begins at this bit of the first sixty-four.
    fn new(inside: bool, bit: usize) -> Self {
        let inside = if inside { u64::MAX } else { 0 };
        Self { inside, may_open: (!inside & 1) << bit, closed: 0, stray: 0 }
    }

    /// The delimiters that stand outside quotes. `within`: the bits that belong to the line; the two others hold no
    /// bit beside them.
    #[inline]
    fn separators(&mut self, quotes: u64, delimiters: u64, within: u64) -> u64 {
        let quoted = parity_up_to(quotes) ^ self.inside;
        let (opening, closing) = (quotes & quoted, quotes & !quoted);
        let separators = delimiters & !quoted;
        self.stray |= opening & !((separators | closing) << 1 | self.may_open);
        self.stray |= (closing << 1 | self.closed) & !(separators | opening) & within;
        self.may_open = (separators | closing) >> 63;
        self.closed = closing >> 63;
        // What follows the line's end carries its last state, so `inside` speaks of that.
        self.inside = if quoted >> 63 == 1 { u64::MAX } else { 0 };
        separators
    }

    fn shape(&self, delimiters: usize) -> Shape {
        Shape { delimiters, open: self.inside != 0, sound: self.stray == 0 }
    }
}

/// The bits of some text.
struct Window {
    quotes: [u64; WORDS],
    delimiters: [u64; WORDS],
    newlines: [u64; WORDS],
    /// Whether there is any quote.
    quoted: bool,
}

impl Window {
    fn new() -> Self {
        Self { quotes: [0; WORDS], delimiters: [0; WORDS], newlines: [0; WORDS], quoted: false }
    }

    fn map(&mut self, text: &[u8], delimiter: u8) {
        let (chunks, tail) = text.as_chunks::<64>();
        let mut padded = [0; 64];
        padded[..tail.len()].copy_from_slice(tail);
        let tail = (!tail.is_empty()).then_some(&padded);
        let (mut any, mut words) = (0, 0);
        for (word, chunk) in chunks.iter().chain(tail).enumerate() {
            self.quotes[word] = bits_equal(chunk, b'"');
            self.delimiters[word] = bits_equal(chunk, delimiter);
            self.newlines[word] = bits_equal(chunk, b'\n');
            any |= self.quotes[word];
            words = word + 1;
        }
        self.newlines[words..].fill(0);
        self.quoted = any != 0;
    }

    /// The shape of the line from `start` to before `end`, which is not empty, and the places of its delimiters.
    #[inline]
    fn shape(&self, start: usize, end: usize, places: &mut [u32]) -> Shape {
        let (first, last) = (start / 64, (end - 1) / 64);
        let mut quotes = Quotes::new(false, start % 64);
        let mut delimiters = 0;
        for word in first..=last {
            let mut within = u64::MAX;
            if word == first {
                within &= u64::MAX << (start % 64);
            }
            if word == last {
                within &= u64::MAX >> (63 - (end - 1) % 64);
            }
            let mut separators = self.delimiters[word] & within;
            if self.quoted {
                separators = quotes.separators(self.quotes[word] & within, separators, within);
            }
            // Counted from the line's start; a bit never stands before it.
            note(separators, (word * 64).wrapping_sub(start), places, &mut delimiters);
        }
        quotes.shape(delimiters)
    }
}

/// One bit for each byte of the chunk that equals `byte`, the first byte lowest.
#[inline]
fn bits_equal(chunk: &[u8; 64], byte: u8) -> u64 {
    let pattern = u8x16::splat(byte);
    let (quarters, _) = chunk.as_chunks::<16>();
    quarters
        .iter()
        .rev()
        .fold(0, |bits, quarter| bits << 16 | u64::from(u8x16::new(*quarter).simd_eq(pattern).to_bitmask()))
}

/// Each bit becomes the parity of itself and all bits below it.
fn parity_up_to(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |bits, shift| bits ^ bits << shift)
}
