//! Reading a file's objects, each when it is needed, within the document's budget.
//!
//! Written by ourselves because every loader at hand reads all objects of a file at once, and none can be told how much
//! work and memory a document may cost. The values are the PDF library's, so that all else can be its too. The bytes of
//! streams stay in the file.

pub(super) mod filter;
mod reach;
mod rebuild;
mod stream;
pub(super) mod syntax;
mod table;

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use self::filter::{filters, unpacked};
use self::syntax::Parser;
use self::table::{Place, Table};
use super::budget::Budget;
use crate::core::judge::PdfFault;

/// Bytes that one object stream may unpack to; real ones stay below 1 MB.
const CONTAINER_MAX: usize = 16 << 20;
/// Bytes of unpacked object streams that are kept at hand.
const CONTAINERS_KEPT_MAX: usize = 24 << 20;
/// Objects in one object stream.
const CONTAINED_MAX: usize = 1 << 20;
/// References behind references, and lengths that stand in streams with lengths.
const DEPTH_MAX: usize = 8;

/// Something is not where the table says, or cannot be read there.
#[derive(Debug)]
struct Damage;

/// An object stream, unpacked.
struct Container {
    data: Vec<u8>,
    /// Number and first byte of each object.
    index: Vec<(u32, usize)>,
}

struct Reader<'a> {
    bytes: &'a [u8],
    budget: &'a Budget,
    table: Table,
    containers: HashMap<u32, Rc<Container>>,
    kept: usize,
    depth: usize,
}

/// The objects that the pages need, the catalog and the trailer. By the file's own table where that can be followed,
/// else, and where an object is not where the table says, by what looking through all of it finds, the newest first.
pub(super) fn document(bytes: &[u8], budget: &Budget) -> Result<Document, PdfFault> {
    let attempt = |table: Table| {
        if table.trailer.get(b"Encrypt").is_ok_and(|encryption| !encryption.is_null()) {
            return Err(PdfFault::Encrypted);
        }
        let containers = HashMap::new();
        let mut reader = Reader { bytes, budget, table, containers, kept: 0, depth: 0 };
        reader.document().map_err(|Damage| PdfFault::Unreadable)
    };
    match Table::read(bytes, budget).map(attempt) {
        Some(Err(PdfFault::Unreadable)) | None if !budget.is_spent() => {
            attempt(Table::rebuild(bytes, budget).ok_or(PdfFault::Unreadable)?)
        }
        outcome => outcome.unwrap_or(Err(PdfFault::Unreadable)),
    }
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Document, Damage> {
        let mut document = Document::new();
        document.version = self.version();
        document.trailer = self.table.trailer.clone();
        reach::load(self, &mut document)?;
        Ok(document)
    }

    /// As the file's first line says it.
    fn version(&self) -> String {
        let line = self.bytes.strip_prefix(b"%PDF-").unwrap_or_default();
        let length = line.iter().take(16).position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(0);
        String::from_utf8_lossy(&line[..length]).into_owned()
    }

    /// An object; `None` where it is null because nothing has its number (ISO 32000-1, 7.3.10).
    fn object(&mut self, (number, generation): ObjectId) -> Result<Option<Object>, Damage> {
        let object = match self.table.places.get(&number) {
            None | Some(Place::Free) => return Ok(None),
            // Readers do not agree on what this refers to.
            Some(Place::At { generation: own, .. }) if *own != generation => return Err(Damage),
            Some(Place::Within { .. }) if generation != 0 => return Err(Damage),
            Some(Place::At { offset, .. }) => self.object_at(*offset, number),
            Some(Place::Within { container, index }) => self.object_within(*container, *index as usize, number),
        };
        object.map(Some).ok_or(Damage)
    }

    fn object_at(&mut self, offset: u64, number: u32) -> Option<Object> {
        let mut parser = Parser::new(self.bytes, usize::try_from(offset).ok()?, self.budget);
        if parser.header()?.0 != number {
            return None;
        }
        parser.skip_space()?;
        // An object without a value is null to every reader.
        if parser.take(b"endobj") {
            return Some(Object::Null);
        }
        let value = parser.value()?;
        parser.skip_space()?;
        match value {
            Object::Dictionary(dictionary) if parser.is_at(b"stream") => self.stream(parser, dictionary),
            value => Some(value),
        }
    }

    /// With its real length, and without its bytes.
    fn stream(&mut self, mut parser: Parser<'_>, mut dictionary: Dictionary) -> Option<Object> {
        let length = match self.resolved(dictionary.get(b"Length").unwrap_or(&Object::Null))? {
            Object::Integer(length) => usize::try_from(length).ok(),
            _ => None,
        };
        let data = stream::data(&mut parser, length)?;
        dictionary.set("Length", data.len() as i64);
        let start_position = Some(data.start);
        Some(Object::Stream(Stream {
            dict: dictionary,
            content: Vec::new(),
            allows_compression: false,
            start_position,
        }))
    }

    /// What a value stands for; null where that cannot be told.
    fn resolved(&mut self, value: &Object) -> Option<Object> {
        let Object::Reference(id) = value else { return Some(value.clone()) };
        if self.depth >= DEPTH_MAX {
            return Some(Object::Null);
        }
        self.depth += 1;
        let object = self.object(*id);
        self.depth -= 1;
        match object {
            Ok(Some(Object::Reference(_)) | None) | Err(Damage) => Some(Object::Null),
            Ok(Some(object)) => Some(object),
        }
    }

    fn object_within(&mut self, container: u32, index: usize, number: u32) -> Option<Object> {
        let container = self.container(container)?;
        let mut named = container.index.get(index).into_iter().chain(&container.index);
        self.budget.work(container.index.len() / 8)?;
        let (_, start) = named.find(|(own, _)| *own == number)?;
        Parser::new(&container.data, *start, self.budget).value()
    }

    fn container(&mut self, number: u32) -> Option<Rc<Container>> {
        if let Some(container) = self.containers.get(&number) {
            return Some(Rc::clone(container));
        }
        // An object stream lies in the open.
        let Some(Place::At { offset, .. }) = self.table.places.get(&number) else { return None };
        let Object::Stream(stream) = self.object_at(*offset, number)? else { return None };
        let container = Rc::new(self.unpacked_container(&stream)?);
        if self.kept + container.data.len() > CONTAINERS_KEPT_MAX {
            self.containers.clear();
            self.kept = 0;
        }
        self.kept += container.data.len();
        self.containers.insert(number, Rc::clone(&container));
        Some(container)
    }

    fn unpacked_container(&mut self, stream: &Stream) -> Option<Container> {
        let filters = filters(&stream.dict, |value| self.resolved(value))?;
        let data = unpacked(raw(self.bytes, stream), &filters, CONTAINER_MAX, self.budget)?;
        let mut number = |key: &[u8]| match self.resolved(stream.dict.get(key).ok()?)? {
            Object::Integer(number) => usize::try_from(number).ok(),
            _ => None,
        };
        let (count, first) = (number(b"N")?, number(b"First")?);
        let mut parser = Parser::new(&data, 0, self.budget);
        let mut index = Vec::new();
        for _ in 0..count.min(CONTAINED_MAX) {
            let (Some(number), Some(offset)) = (parser.natural(), parser.natural()) else { break };
            self.budget.work(20)?;
            index.push((u32::try_from(number).ok()?, usize::try_from(offset).ok()?.checked_add(first)?));
        }
        Some(Container { data, index })
    }
}

/// A stream's bytes as they stand in the file, or as they were set since.
pub(super) fn raw<'a>(bytes: &'a [u8], stream: &'a Stream) -> &'a [u8] {
    let length =
        stream.dict.get(b"Length").and_then(Object::as_i64).ok().and_then(|length| usize::try_from(length).ok());
    let in_file = stream.start_position.zip(length).and_then(|(start, length)| bytes.get(start..)?.get(..length));
    in_file.unwrap_or(&stream.content)
}
