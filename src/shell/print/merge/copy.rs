//! Objects of one document on their way into the output.
//!
//! An object is written after the objects that it refers to, so that what it says about them is final and two equal
//! trees of objects (a font with its program and widths) become one. Only members of a circle are written under a
//! number given in advance, and never shared.

use std::collections::HashMap;
use std::io::{self, Write};

use lopdf::{Dictionary, Document, Object, ObjectId, Writer};

use super::store::{Number, Store};
use crate::shell::pdf::Pdf;

/// A document whose pages are being copied, with what has been copied of it so far.
pub struct Source<'d> {
    pub(super) pdf: &'d Pdf,
    copied: HashMap<ObjectId, Progress>,
}

#[derive(Clone, Copy)]
enum Progress {
    /// Waiting for what it refers to; with a number once something that it refers to refers back.
    Open(Option<Number>),
    Done(Number),
}

impl<'d> Source<'d> {
    pub fn new(pdf: &'d Pdf) -> Self {
        Self { pdf, copied: HashMap::new() }
    }

    fn document(&self) -> &'d Document {
        &self.pdf.document
    }

    /// Whether the object has its place in the output already.
    pub(super) fn is_copied(&self, id: ObjectId) -> bool {
        self.copied.contains_key(&id)
    }

    /// Gives an object a number of its own, so that it is not shared with an equal one of another document.
    pub(super) fn copy_unshared<W: Write>(&mut self, store: &mut Store<W>, id: ObjectId) -> io::Result<Number> {
        if let Some(Progress::Done(number)) = self.copied.get(&id) {
            return Ok(*number);
        }
        let number = store.reserve();
        let body = match self.document().objects.get(&id) {
            Some(object) => self.value(store, object)?,
            None => b"null".to_vec(),
        };
        store.fill(number, &body, None)?;
        self.copied.insert(id, Progress::Done(number));
        Ok(number)
    }

    /// A value in the output's words, after everything that it refers to has been written.
    pub(super) fn value<W: Write>(&mut self, store: &mut Store<W>, object: &Object) -> io::Result<Vec<u8>> {
        let mut waiting = Vec::new();
        references(object, &mut |id| waiting.push((id, false)));
        self.copy(store, waiting)?;
        let mut body = Vec::new();
        self.write_value(store, object, &mut body)?;
        Ok(body)
    }

    /// Copies the objects waiting and all that they refer to, without recursion: chains of objects may be long.
    fn copy<W: Write>(&mut self, store: &mut Store<W>, mut waiting: Vec<(ObjectId, bool)>) -> io::Result<()> {
        let document = self.document();
        while let Some((id, prepared)) = waiting.pop() {
            let Some(object) = document.objects.get(&id).filter(|object| !leads_elsewhere(object)) else { continue };
            if !prepared {
                if let std::collections::hash_map::Entry::Vacant(entry) = self.copied.entry(id) {
                    entry.insert(Progress::Open(None));
                    waiting.push((id, true));
                    references(object, &mut |id| waiting.push((id, false)));
                }
                continue;
            }
            let mut body = Vec::new();
            let content = match object {
                Object::Stream(stream) => {
                    let content = self.pdf.raw(stream);
                    self.write_stream_dictionary(store, &stream.dict, content.len(), &mut body)?;
                    Some(content)
                }
                other => {
                    self.write_value(store, other, &mut body)?;
                    None
                }
            };
            let number = match self.copied.get(&id) {
                Some(Progress::Open(Some(number))) => {
                    store.fill(*number, &body, content)?;
                    *number
                }
                _ => store.share(&body, content)?,
            };
            self.copied.insert(id, Progress::Done(number));
        }
        Ok(())
    }

    /// The output's number for `id`; `None` where it leads to nothing, or out of the page.
    fn number<W: Write>(&mut self, store: &mut Store<W>, id: ObjectId) -> Option<Number> {
        match self.copied.get_mut(&id)? {
            Progress::Done(number) | Progress::Open(Some(number)) => Some(*number),
            Progress::Open(reserved) => {
                *reserved = Some(store.reserve());
                *reserved
            }
        }
    }

    /// The parser bounds how deep values nest, so this recursion is bounded.
    fn write_value<W: Write>(&mut self, store: &mut Store<W>, object: &Object, body: &mut Vec<u8>) -> io::Result<()> {
        match object {
            Object::Reference(id) => match self.number(store, *id) {
                Some(number) => write!(body, "{number} 0 R"),
                None => body.write_all(b"null"),
            },
            Object::Array(items) => {
                body.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        body.push(b' ');
                    }
                    self.write_value(store, item, body)?;
                }
                body.push(b']');
                Ok(())
            }
            Object::Dictionary(dictionary) => {
                body.extend(b"<<");
                for (key, value) in dictionary {
                    self.write_entry(store, key, value, body)?;
                }
                body.extend(b">>");
                Ok(())
            }
            // A number too large for its type has no spelling in PDF.
            Object::Real(number) if !number.is_finite() => body.write_all(b"0"),
            // A stream inside a value is not PDF; the parser makes none.
            Object::Stream(_) => body.write_all(b"null"),
            leaf => Writer::write_object(body, leaf).map_err(io::Error::other),
        }
    }

    fn write_entry<W: Write>(
        &mut self,
        store: &mut Store<W>,
        key: &[u8],
        value: &Object,
        body: &mut Vec<u8>,
    ) -> io::Result<()> {
        write_name(key, body);
        body.push(b' ');
        self.write_value(store, value, body)
    }

    /// Without what ties the stream to the rest of its document, and with the length that it really has.
    fn write_stream_dictionary<W: Write>(
        &mut self,
        store: &mut Store<W>,
        dictionary: &Dictionary,
        length: usize,
        body: &mut Vec<u8>,
    ) -> io::Result<()> {
        body.extend(b"<<");
        for (key, value) in dictionary {
            if key != b"Length" && !TIES.contains(&key.as_slice()) {
                self.write_entry(store, key, value, body)?;
            }
        }
        write!(body, "/Length {length}>>")
    }
}

/// Entries of a stream that describe its place in the document it comes from.
const TIES: [&[u8]; 5] = [b"Metadata", b"PieceInfo", b"StructParent", b"StructParents", b"LastModified"];

/// Whether following a reference to this object would lead out of the page, to other pages and the whole document.
fn leads_elsewhere(object: &Object) -> bool {
    let Object::Dictionary(dictionary) = object else { return false };
    matches!(dictionary.get(b"Type").and_then(Object::as_name), Ok(b"Page" | b"Pages" | b"Catalog" | b"StructTreeRoot"))
}

/// Calls `found` with each reference in the value itself.
fn references(object: &Object, found: &mut impl FnMut(ObjectId)) {
    match object {
        Object::Reference(id) => found(*id),
        Object::Array(items) => items.iter().for_each(|item| references(item, found)),
        Object::Dictionary(dictionary) => dictionary.iter().for_each(|(_, value)| references(value, found)),
        Object::Stream(stream) => {
            let kept = stream.dict.iter().filter(|(key, _)| *key != b"Length" && !TIES.contains(&key.as_slice()));
            kept.for_each(|(_, value)| references(value, found));
        }
        _ => {}
    }
}

/// A name with everything but plain ASCII written as `#xx` (ISO 32000-1, 7.3.5).
pub(super) fn write_name(name: &[u8], body: &mut Vec<u8>) {
    body.push(b'/');
    for &byte in name {
        if byte.is_ascii_graphic() && !b"()<>[]{}/%#".contains(&byte) {
            body.push(byte);
        } else {
            body.extend(format!("#{byte:02X}").bytes());
        }
    }
}
