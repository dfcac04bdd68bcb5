//! Where a file says that its objects are (ISO 32000-1, 7.5.4 and 7.5.8): the newest revision's word counts.

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Object};
use memchr::memmem;

use super::filter::{filters, unpacked};
use super::syntax::Parser;
use crate::shell::pdf::budget::Budget;

/// Bytes that one cross-reference stream may unpack to.
const UNPACKED_MAX: usize = 32 << 20;
/// What an entry takes in memory.
pub(super) const ENTRY_MEMORY: usize = 48;
/// What an entry costs to read.
const ENTRY_WORK: usize = 60;

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it is null.
    Free,
    /// From this byte on.
    At { offset: u64, generation: u16 },
    /// In an object stream.
    Within { container: u32, index: u32 },
}

#[derive(Default)]
pub(super) struct Table {
    pub(super) places: HashMap<u32, Place>,
    pub(super) trailer: Dictionary,
    /// The file's own table could not be used, and this one was made by looking at all of it.
    pub(super) rebuilt: bool,
}

impl Table {
    /// Of two words about an object the first stands.
    pub(super) fn add(&mut self, number: u32, place: Place, budget: &Budget) -> Option<()> {
        budget.work(ENTRY_WORK)?;
        if let std::collections::hash_map::Entry::Vacant(entry) = self.places.entry(number) {
            budget.memory(ENTRY_MEMORY)?;
            entry.insert(place);
        }
        Some(())
    }

    /// Likewise of two trailers; but an encryption in any of them counts.
    pub(super) fn add_trailer(&mut self, trailer: Dictionary) {
        for (key, value) in trailer {
            if !self.trailer.has(&key) {
                self.trailer.set(key, value);
            }
        }
    }

    /// The table as the file tells it; `None` where it cannot be followed to its end.
    pub(super) fn read(bytes: &[u8], budget: &Budget) -> Option<Self> {
        let mut table = Self::default();
        let start = memmem::rfind(bytes, b"startxref")?;
        let mut next = Some(Parser::new(bytes, start + 9, budget).natural()?);
        let mut seen = HashSet::new();
        while let Some(offset) = next {
            if !seen.insert(offset) {
                return None;
            }
            budget.memory(ENTRY_MEMORY)?;
            let mut trailer = table.section(bytes, offset, budget)?;
            next = match trailer.remove(b"Prev") {
                None | Some(Object::Null) => None,
                Some(Object::Integer(offset)) => Some(u64::try_from(offset).ok()?),
                Some(Object::Real(offset)) if offset >= 0.0 => Some(offset as u64),
                Some(Object::Reference((number, _))) => {
                    Some(table.integer(bytes, number, budget).unwrap_or(number.into()))
                }
                Some(_) => return None,
            };
            table.add_trailer(trailer);
        }
        Some(table)
    }

    /// An object that is an integer.
    fn integer(&self, bytes: &[u8], number: u32, budget: &Budget) -> Option<u64> {
        let Some(Place::At { offset, .. }) = self.places.get(&number) else { return None };
        let mut parser = Parser::new(bytes, usize::try_from(*offset).ok()?, budget);
        (parser.header()?.0 == number).then(|| parser.natural())?
    }

    /// One section, a table or a stream; its trailer.
    fn section(&mut self, bytes: &[u8], offset: u64, budget: &Budget) -> Option<Dictionary> {
        let mut parser = Parser::new(bytes, usize::try_from(offset).ok().filter(|at| *at < bytes.len())?, budget);
        parser.skip_space()?;
        if parser.take(b"xref") { self.classic(parser, budget) } else { self.stream(parser, budget) }
    }

    fn classic(&mut self, mut parser: Parser<'_>, budget: &Budget) -> Option<Dictionary> {
        let mut freed = Vec::new();
        loop {
            parser.skip_space()?;
            if parser.take(b"trailer") {
                break;
            }
            let (first, count) = (parser.natural()?, parser.natural()?);
            for number in first..first.checked_add(count)? {
                let (offset, generation) = (parser.natural()?, parser.natural()?);
                parser.skip_space()?;
                let place = match parser.word() {
                    // Some producers list an unused object at offset 0 instead of as free.
                    b"f" => Place::Free,
                    b"n" if offset == 0 => Place::Free,
                    b"n" => Place::At { offset, generation: u16::try_from(generation).ok()? },
                    _ => return None,
                };
                let number = u32::try_from(number).ok()?;
                match place {
                    Place::Free => freed.push(number),
                    place => self.add(number, place, budget)?,
                }
            }
        }
        let Object::Dictionary(trailer) = parser.value()? else { return None };
        // Objects that older readers were not to see are free in the table, and stand in a stream besides.
        if let Ok(Object::Integer(hidden)) = trailer.get(b"XRefStm") {
            let at = usize::try_from(*hidden).ok().filter(|at| *at < parser.bytes.len())?;
            self.stream(Parser::new(parser.bytes, at, budget), budget)?;
        }
        freed.into_iter().try_for_each(|number| self.add(number, Place::Free, budget))?;
        Some(trailer)
    }

    fn stream(&mut self, mut parser: Parser<'_>, budget: &Budget) -> Option<Dictionary> {
        parser.header()?;
        let Object::Dictionary(dictionary) = parser.value()? else { return None };
        if !matches!(dictionary.get(b"Type"), Ok(Object::Name(name)) if name == b"XRef") {
            return None;
        }
        let length = match dictionary.get(b"Length") {
            Ok(Object::Integer(length)) => usize::try_from(*length).ok(),
            _ => None,
        };
        let raw = super::stream::data(&mut parser, length)?;
        let filters = filters(&dictionary, |value| Some(value.clone()))?;
        let data = unpacked(&parser.bytes[raw], &filters, UNPACKED_MAX, budget)?;
        self.entries(&dictionary, &data, budget)?;
        Some(dictionary)
    }

    /// The entries of a cross-reference stream, in fields of as many bytes as it says.
    fn entries(&mut self, dictionary: &Dictionary, data: &[u8], budget: &Budget) -> Option<()> {
        let list = |key: &[u8]| -> Option<Vec<u64>> {
            let items = dictionary.get(key).and_then(Object::as_array).ok()?;
            items.iter().map(|item| item.as_i64().ok().and_then(|number| u64::try_from(number).ok())).collect()
        };
        let widths: Vec<usize> = list(b"W")?.into_iter().filter_map(|width| usize::try_from(width).ok()).collect();
        let [kind, second, third] = *widths.get(..3)?.first_chunk()?;
        let size = dictionary.get(b"Size").and_then(Object::as_i64).ok().and_then(|size| u64::try_from(size).ok());
        let index = list(b"Index").or_else(|| Some(vec![0, size?]))?;
        let width =
            [kind, second, third].into_iter().try_fold(0_usize, usize::checked_add).filter(|width| *width > 0)?;
        let mut entries = data.chunks_exact(width);
        let field = |bytes: &[u8]| bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        for section in index.chunks_exact(2) {
            for number in section[0]..section[0].checked_add(section[1])? {
                let entry = entries.next()?;
                let (kind, rest) = entry.split_at(kind);
                let (second, third) = rest.split_at(second);
                let (second, third) = (field(second), field(third));
                let place = match if kind.is_empty() { 1 } else { field(kind) } {
                    1 if second == 0 => Place::Free,
                    1 => Place::At { offset: second, generation: u16::try_from(third).ok()? },
                    2 => Place::Within { container: u32::try_from(second).ok()?, index: u32::try_from(third).ok()? },
                    _ => Place::Free,
                };
                self.add(u32::try_from(number).ok()?, place, budget)?;
            }
        }
        Some(())
    }
}
