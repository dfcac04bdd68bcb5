//! How much a document takes in print. What many pages share in its file may be written for each of them, and a small
//! file become a batch of gigabytes.

use std::collections::HashMap;

use lopdf::{Dictionary, Object};

use super::Pdf;
use super::pages::Page;

/// Bytes that any document may take in print, and how many times those of its file besides.
const BYTES_BASE: u64 = 64 << 20;
const BYTES_FACTOR: u64 = 4;
/// What is written of an annotation besides its own entries: where its appearance is drawn, and as what.
const ANNOTATION_BYTES: u64 = 150;
/// What a page costs to look at, and each value written for it.
const PAGE_WORK: usize = 2_000;
const VALUE_WORK: usize = 20;

/// What is written for each page anew.
const OF_PAGE: [&[u8]; 7] = [b"MediaBox", b"CropBox", b"BleedBox", b"TrimBox", b"ArtBox", b"Group", b"Contents"];

/// The bytes that pages take, added up. What is shared is measured once.
pub(super) struct Printed<'a> {
    pdf: &'a Pdf,
    left: u64,
    known: HashMap<*const Object, u64>,
}

impl<'a> Printed<'a> {
    pub(super) fn of(pdf: &'a Pdf) -> Self {
        let left = BYTES_BASE + BYTES_FACTOR * pdf.bytes.len() as u64;
        Self { pdf, left, known: HashMap::new() }
    }

    /// `None` once the pages take more than the document may, or more work to look at.
    pub(super) fn add(&mut self, page: &Page) -> Option<()> {
        let document = &self.pdf.document;
        self.pdf.budget.work(PAGE_WORK)?;
        let own = document.get_dictionary(page.id).ok()?;
        let mut bytes = 200;
        let inherited = [&b"Resources"[..], b"MediaBox", b"CropBox"].map(|key| page.inherited(document, key));
        let values = inherited.into_iter().flatten().chain(OF_PAGE.iter().filter_map(|key| own.get(key).ok()));
        for value in values {
            bytes += self.once(value)?;
        }
        if let Ok(annotations) = own.get_deref(b"Annots", document) {
            bytes += self.annotations(annotations)?;
        }
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }

    fn annotations(&mut self, list: &'a Object) -> Option<u64> {
        let items = list.as_array().map_or([].as_slice(), Vec::as_slice);
        // Each is looked at for each page, however short it is.
        self.pdf.budget.work(10 * VALUE_WORK * items.len())?;
        if let Some(known) = self.known.get(&std::ptr::from_ref(list)) {
            return Some(*known);
        }
        let mut bytes = 0;
        for item in items {
            let annotation = self.pdf.document.dereference(item).map_or(item, |(_, annotation)| annotation);
            bytes += ANNOTATION_BYTES + self.once(annotation)?;
        }
        self.known.insert(std::ptr::from_ref(list), bytes);
        Some(bytes)
    }

    fn once(&mut self, value: &'a Object) -> Option<u64> {
        if let Some(known) = self.known.get(&std::ptr::from_ref(value)) {
            self.pdf.budget.work(VALUE_WORK)?;
            return Some(*known);
        }
        let bytes = self.written(value)?;
        self.known.insert(std::ptr::from_ref(value), bytes);
        Some(bytes)
    }

    /// The bytes of a value in its spelling; what it refers to is written once for all.
    fn written(&self, value: &Object) -> Option<u64> {
        self.pdf.budget.work(VALUE_WORK)?;
        let entries = |dictionary: &Dictionary| {
            dictionary.iter().try_fold(4, |sum, (key, value)| Some(sum + key.len() as u64 + 2 + self.written(value)?))
        };
        Some(match value {
            Object::Array(items) => items.iter().try_fold(2, |sum, item| Some(sum + 1 + self.written(item)?))?,
            Object::Dictionary(dictionary) => entries(dictionary)?,
            Object::Stream(stream) => entries(&stream.dict)?,
            Object::Name(text) => text.len() as u64 + 1,
            Object::String(text, _) => 2 * text.len() as u64 + 2,
            _ => 10,
        })
    }
}
