//! The table of a file whose own is of no use: what looking through all of it finds.
//!
//! Of two objects with one number the later one counts, since a revision stands behind what it replaces. An object in an
//! object stream stands where its stream stands.

use std::collections::HashMap;

use lopdf::{Object, ObjectId};
use memchr::memmem;

use super::syntax::{Parser, is_space};
use super::table::{Place, Table};
use super::{Reader, stream};
use crate::shell::pdf::budget::Budget;

/// What an object found costs, besides its bytes.
const OBJECT_WORK: usize = 200;

/// What stands in the file, in its order.
#[derive(Default)]
struct Scanned {
    objects: Vec<(ObjectId, usize)>,
    /// Object streams, likewise.
    containers: Vec<(u32, usize)>,
    /// Where the dictionaries of trailers begin.
    trailers: Vec<usize>,
}

impl Table {
    /// `None` beyond the budget.
    pub(super) fn rebuild(bytes: &[u8], budget: &Budget) -> Option<Self> {
        budget.work(bytes.len())?;
        let found = look_through(bytes, budget)?;
        let mut table = Self { rebuilt: true, ..Self::default() };
        for ((number, generation), offset) in found.objects.into_iter().rev() {
            table.add(number, Place::At { offset: offset as u64, generation }, budget)?;
        }
        for at in found.trailers.into_iter().rev() {
            if let Some(Object::Dictionary(trailer)) = Parser::new(bytes, at, budget).value() {
                table.add_trailer(trailer);
            }
        }
        if table.trailer.has(b"Encrypt") {
            return Some(table);
        }
        open_containers(bytes, budget, table, &found.containers)
    }
}

/// Adds what is in the object streams, where nothing newer has its number.
fn open_containers(bytes: &[u8], budget: &Budget, table: Table, containers: &[(u32, usize)]) -> Option<Table> {
    let mut reader = Reader { bytes, budget, table, containers: HashMap::new(), kept: 0, depth: 0 };
    for (container, offset) in containers {
        let offset = *offset as u64;
        // Itself replaced by a later revision.
        if !matches!(reader.table.places.get(container), Some(Place::At { offset: own, .. }) if *own == offset) {
            continue;
        }
        let Some(opened) = reader.container(*container) else { continue };
        for ((number, _), index) in opened.index.iter().zip(0..) {
            let is_newer =
                matches!(reader.table.places.get(number), Some(Place::At { offset: own, .. }) if *own > offset);
            if !is_newer {
                budget.memory(super::table::ENTRY_MEMORY)?;
                reader.table.places.insert(*number, Place::Within { container: *container, index });
            }
        }
    }
    budget.work(1)?;
    Some(reader.table)
}

fn look_through(bytes: &[u8], budget: &Budget) -> Option<Scanned> {
    let mut found = Scanned::default();
    let (keyword, trailer) = (memmem::Finder::new(b"obj"), memmem::Finder::new(b"trailer"));
    let mut at = 0;
    while let Some(position) = keyword.find(&bytes[at..]) {
        let gap = at;
        let body = at + position + 3;
        at = body;
        let Some((id, start)) = header_before(&bytes[gap..body - 3]) else { continue };
        budget.work(OBJECT_WORK)?;
        budget.memory(size_of::<(ObjectId, usize)>() * 2)?;
        found.trailers.extend(trailer.find(&bytes[gap..gap + start]).map(|position| gap + position + 7));
        let start = gap + start;
        found.objects.push((id, start));
        at = behind(bytes, body, budget, |dictionary| {
            let names = |name: &[u8]| memmem::find(dictionary, name).is_some();
            if names(b"/ObjStm") {
                found.containers.push((id.0, start));
            } else if names(b"/XRef") {
                found.trailers.push(body);
            }
        })?;
    }
    found.trailers.extend(trailer.find_iter(&bytes[at..]).map(|position| at + position + 7));
    Some(found)
}

/// Where the object ends whose body begins at `body`, or at least the bytes of its stream, in which anything may stand.
fn behind(bytes: &[u8], body: usize, budget: &Budget, of_stream: impl FnOnce(&[u8])) -> Option<usize> {
    let rest = &bytes[body..];
    // Of its own end, or of the next object's beginning.
    let end = memmem::find(rest, b"obj").unwrap_or(rest.len());
    budget.work(end / 4)?;
    let Some(begin) = memmem::find(&rest[..end], b"stream").filter(|begin| follows_dictionary(&rest[..*begin])) else {
        return Some(body);
    };
    let dictionary = &rest[..begin];
    of_stream(dictionary);
    let mut parser = Parser::new(bytes, body + begin, budget);
    let data = stream::data(&mut parser, length(dictionary, budget));
    Some(if data.is_some() { parser.at } else { body })
}

fn follows_dictionary(before: &[u8]) -> bool {
    before.iter().rev().find(|byte| !is_space(**byte)) == Some(&b'>')
}

/// The length that a dictionary says, if it says it itself.
fn length(dictionary: &[u8], budget: &Budget) -> Option<usize> {
    let at = memmem::find(dictionary, b"/Length")? + 7;
    match Parser::new(dictionary, at, budget).value()? {
        Object::Integer(length) => usize::try_from(length).ok(),
        _ => None,
    }
}

/// The numbers that stand right at the end of `before`, and where they begin.
fn header_before(before: &[u8]) -> Option<(ObjectId, usize)> {
    let spaces = |end: usize| before[..end].iter().rev().take_while(|byte| is_space(**byte)).count();
    let digits = |end: usize| before[..end].iter().rev().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let value = |range: std::ops::Range<usize>| std::str::from_utf8(&before[range]).ok()?.parse::<u32>().ok();
    let end = before.len() - spaces(before.len());
    let start = end - digits(end);
    let generation = u16::try_from(value(start..end)?).ok()?;
    let end = start - spaces(start);
    if end == start {
        return None;
    }
    let start = end - digits(end);
    Some(((value(start..end)?, generation), start))
}
