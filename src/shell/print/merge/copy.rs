//! Objects of one document on their way into the output.
//!
//! An object is written after the objects that it refers to, so that what it says about them is final and two equal
//! trees of objects (a font with its program and widths) become one. Only members of a circle are written under a
//! number given in advance, and never shared.

use std::collections::HashMap;
use std::io::{self, Write};

use lopdf::{Dictionary, Document, Object, ObjectId, Writer};

use super::store::{Number, Store};
use crate::shell::pdf::{Annotations, Page, Pdf, Search, Shown, Visible, is_layer};

/// A document whose pages are being copied, with what has been copied of it so far.
pub struct Source<'d> {
    pub(super) pdf: &'d Pdf,
    pub(super) annotations: Annotations<'d>,
    layered: Search,
    copied: HashMap<ObjectId, Progress>,
    /// Appearances of annotations, as forms.
    forms: HashMap<ObjectId, Number>,
}

#[derive(Clone, Copy)]
enum Progress {
    /// Waiting for what it refers to; with a number once something that it refers to refers back.
    Open(Option<Number>),
    Done(Number),
}

impl<'d> Source<'d> {
    pub fn new(pdf: &'d Pdf) -> Self {
        let (copied, forms, layered) = Default::default();
        Self { pdf, annotations: Annotations::new(pdf), layered, copied, forms }
    }

    fn document(&self) -> &'d Document {
        &self.pdf.document
    }

    /// The page's annotations; `None` where paper would not show what was seen.
    pub(super) fn shown(&mut self, page: &Page) -> Option<Vec<Shown<'d>>> {
        let shown: Vec<Shown> = self.annotations.of_page(page).collect();
        let unclear = self.layered.finds_unsure(self.annotations.layers(), page) || shown.iter().any(Shown::is_unclear);
        (!unclear).then_some(shown)
    }

    /// An annotation's appearance as a form that a page can draw; it need not say itself that it is one.
    pub(super) fn form<W: Write>(&mut self, store: &mut Store<W>, id: ObjectId) -> io::Result<Option<Number>> {
        if let Some(number) = self.forms.get(&id) {
            return Ok(Some(*number));
        }
        let Some(Object::Stream(stream)) = self.document().objects.get(&id) else { return Ok(None) };
        let mut dictionary = stream.dict.clone();
        dictionary.set("Type", "XObject");
        dictionary.set("Subtype", "Form");
        // A group that neither isolates nor knocks out changes nothing, and Poppler does not make one of an annotation.
        let group = dictionary.get_deref(b"Group", self.document()).and_then(Object::as_dict);
        let matters = |group: &Dictionary, key: &[u8]| {
            group.get_deref(key, self.document()).is_ok_and(|entry| entry.as_bool().unwrap_or(false))
        };
        if !group.is_ok_and(|group| matters(group, b"I") || matters(group, b"K")) {
            dictionary.remove(b"Group");
        }
        let mut waiting = Vec::new();
        references(&Object::Dictionary(dictionary.clone()), &mut |id| waiting.push((id, false)));
        self.copy(store, waiting)?;
        let (mut body, content) = (Vec::new(), self.pdf.raw(stream));
        self.write_stream_dictionary(store, &dictionary, content.len(), &mut body)?;
        let number = store.share(&body, Some(content))?;
        self.forms.insert(id, number);
        Ok(Some(number))
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
            let stays = |object: &&Object| !leads_elsewhere(object) && !self.annotations.layers().is_layer(id);
            let Some(object) = document.objects.get(&id).filter(stays) else { continue };
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
        if self.annotations.layers().is_layer(id) {
            return Some(self.layer(store, &Object::Reference(id)));
        }
        match self.copied.get_mut(&id)? {
            Progress::Done(number) | Progress::Open(Some(number)) => Some(*number),
            Progress::Open(reserved) => {
                *reserved = Some(store.reserve());
                *reserved
            }
        }
    }

    /// What belongs to a layer that is seen belongs to the page; everything hidden, in all letters, to the one layer
    /// that is never shown.
    fn layer<W: Write>(&self, store: &mut Store<W>, layer: &Object) -> Number {
        store.layer(self.annotations.layers().visible(layer) != Visible::No)
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
            Object::Dictionary(dictionary) if is_layer(dictionary) => write!(body, "{} 0 R", self.layer(store, object)),
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
