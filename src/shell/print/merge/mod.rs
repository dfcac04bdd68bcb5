//! Merging pages of many documents into one file, in one go and in little memory.
//!
//! A page takes along what it shows and nothing else: inherited attributes are written onto it, annotations keep their
//! looks but not their actions, and outlines, forms, tags, scripts and attachments stay behind.

mod copy;
mod store;

use std::io::{self, Write};

use lopdf::{Dictionary, Document, Object, ObjectId};

pub use copy::Source;
use store::{Number, Store};

use crate::core::print::Side;
use crate::shell::pdf::Page;

/// Pages under one node of the page tree, and nodes under the next; keeps every path to a page short.
const FAN_OUT: usize = 32;

/// Attributes that a page inherits (ISO 32000-1, table 30).
const INHERITED: [&[u8]; 4] = [b"MediaBox", b"CropBox", b"Rotate", b"Resources"];
/// Attributes of its own that decide how a page looks.
const OWN: [&[u8]; 6] = [b"UserUnit", b"BleedBox", b"TrimBox", b"ArtBox", b"Contents", b"Group"];
/// Attributes that an empty back shares with the page on its front: the sheet's size and direction.
const SHEET: [&[u8]; 4] = [b"MediaBox", b"CropBox", b"Rotate", b"UserUnit"];
/// What an annotation looks like, with and without an appearance of its own (ISO 32000-1, 12.5).
#[rustfmt::skip]
const LOOKS: [&[u8]; 26] = [
    b"Type", b"Subtype", b"Rect", b"F", b"AS", b"Border", b"BS", b"BE", b"C", b"IC", b"CA", b"QuadPoints", b"InkList",
    b"Vertices", b"L", b"LE", b"DA", b"DS", b"RC", b"Q", b"RD", b"MK", b"Name", b"Contents", b"FT", b"OC",
];

/// A file into which pages are merged. The same pages in the same order give the same bytes.
pub struct Merger<W> {
    store: Store<W>,
    /// Numbers of the pages written, in order.
    pages: Vec<Number>,
    /// Nodes of the page tree's lowest level: node `n` holds pages `n * FAN_OUT` and on.
    nodes: Vec<Number>,
    /// The sheet entries of the last page, for its empty back.
    sheet: Vec<u8>,
    /// Layers of all documents, and those of them that are hidden.
    layers: Vec<Number>,
    hidden_layers: Vec<Number>,
}

impl<W: Write> Merger<W> {
    /// Starts a file on `out`, which should be buffered.
    ///
    /// # Errors
    /// Only `out`'s own.
    pub fn new(out: W) -> io::Result<Self> {
        let store = Store::new(out)?;
        let (pages, nodes, layers, hidden_layers) = Default::default();
        Ok(Self { store, pages, nodes, sheet: Vec::new(), layers, hidden_layers })
    }

    /// Pages written so far, blank ones included.
    pub fn pages(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// Appends a page of `source`, from 1. The same `Source` may serve many calls; it remembers what is copied.
    ///
    /// # Errors
    /// `InvalidInput` for a page that the document does not have; else `out`'s own.
    pub fn page(&mut self, source: &mut Source, number: u32) -> io::Result<()> {
        let pdf = source.pdf;
        let page = (number as usize).checked_sub(1).and_then(|index| pdf.pages.get(index));
        let page = page.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such page in the document"))?;
        let document = &pdf.document;
        self.keep_layers(source)?;
        let own = document.get_dictionary(page.id).map_err(io::Error::other)?;
        let mut body = Vec::new();
        self.sheet.clear();
        let inherited = INHERITED.iter().map(|key| (*key, page.inherited_as_written(document, key)));
        for (key, value) in inherited.chain(OWN.iter().map(|key| (*key, own.get(key).ok()))) {
            let Some(value) = value else { continue };
            let value = self.attribute(source, key, value)?;
            copy::write_name(key, &mut body);
            body.push(b' ');
            body.extend(&value);
            if SHEET.contains(&key) {
                copy::write_name(key, &mut self.sheet);
                self.sheet.push(b' ');
                self.sheet.extend(&value);
            }
        }
        if page.inherited(document, b"Resources").is_none() {
            body.extend(b"/Resources<<>>");
        }
        self.annotations(source, page, &mut body)?;
        self.add_page(&body)
    }

    /// Appends the empty back of the last page's sheet.
    ///
    /// # Errors
    /// Only `out`'s own.
    pub fn blank(&mut self) -> io::Result<()> {
        let mut body = self.sheet.clone();
        if body.is_empty() {
            body.extend(b"/MediaBox[0 0 595.28 841.89]");
        }
        body.extend(b"/Resources<<>>");
        self.add_page(&body)
    }

    /// Appends one side: a page of `source`, or an empty back.
    ///
    /// # Errors
    /// As [`Merger::page`] and [`Merger::blank`].
    pub fn side(&mut self, source: &mut Source, side: Side) -> io::Result<()> {
        match side {
            Side::Page(number) => self.page(source, number),
            Side::Blank => self.blank(),
        }
    }

    /// Ends the file and hands back the writer, not flushed.
    ///
    /// # Errors
    /// Only `out`'s own.
    pub fn finish(mut self) -> io::Result<W> {
        let tree = self.page_tree()?;
        let mut catalog = format!("<</Type/Catalog/Pages {tree} 0 R");
        if !self.layers.is_empty() {
            let list = |numbers: &[Number]| numbers.iter().map(|number| format!("{number} 0 R ")).collect::<String>();
            let (all, hidden) = (list(&self.layers), list(&self.hidden_layers));
            catalog += &format!("/OCProperties<</OCGs[{all}]/D<</OFF[{hidden}]/Order[]>>>>");
        }
        catalog += ">>";
        let number = self.store.reserve();
        self.store.fill(number, catalog.as_bytes(), None)?;
        self.store.finish(number)
    }

    /// A page attribute's value. Boxes, rotation and unit are written out: they are short, and readers have been known
    /// to stumble over references there.
    fn attribute(&mut self, source: &mut Source, key: &[u8], value: &Object) -> io::Result<Vec<u8>> {
        let direct = !matches!(key, b"Resources" | b"Contents" | b"Group");
        let resolved =
            if direct { source.pdf.document.dereference(value).map_or(value, |(_, value)| value) } else { value };
        source.value(&mut self.store, resolved)
    }

    fn add_page(&mut self, entries: &[u8]) -> io::Result<()> {
        if self.pages.len().is_multiple_of(FAN_OUT) {
            let node = self.store.reserve();
            self.nodes.push(node);
        }
        let parent = self.nodes.last().copied().unwrap_or_default();
        let mut body = format!("<</Type/Page/Parent {parent} 0 R").into_bytes();
        body.extend(entries);
        body.extend(b">>");
        let number = self.store.reserve();
        self.pages.push(number);
        self.store.fill(number, &body, None)
    }

    /// The annotations' looks: no actions, no replies, no fields behind them.
    fn annotations(&mut self, source: &mut Source, page: &Page, body: &mut Vec<u8>) -> io::Result<()> {
        let document = &source.pdf.document;
        let listed = document.get_dictionary(page.id).and_then(|page| page.get_deref(b"Annots", document)?.as_array());
        let mut numbers = Vec::new();
        for item in listed.map_or([].as_slice(), Vec::as_slice) {
            let Ok((_, Object::Dictionary(annotation))) = document.dereference(item) else { continue };
            if let Some(looks) = looks(document, annotation) {
                let looks = source.value(&mut self.store, &Object::Dictionary(looks))?;
                // Equal or not, an annotation belongs to one page only (ISO 32000-1, 12.5.2).
                let number = self.store.reserve();
                self.store.fill(number, &looks, None)?;
                numbers.push(number);
            }
        }
        if !numbers.is_empty() {
            body.extend(b"/Annots[");
            for number in numbers {
                write!(body, "{number} 0 R ")?;
            }
            body.push(b']');
        }
        Ok(())
    }

    /// Layers that are hidden in their document stay hidden. A layer is never shared between documents, for one may
    /// hide what another shows.
    fn keep_layers(&mut self, source: &mut Source) -> io::Result<()> {
        let document = &source.pdf.document;
        let Some((all, hidden)) = layers(document) else { return Ok(()) };
        for id in all {
            if source.is_copied(id) {
                continue;
            }
            let number = source.copy_unshared(&mut self.store, id)?;
            self.layers.push(number);
            if hidden.contains(&id) {
                self.hidden_layers.push(number);
            }
        }
        Ok(())
    }

    /// Writes the page tree above the pages, level by level, and returns its root. Nodes of one level have all their
    /// leaves at the same depth.
    fn page_tree(&mut self) -> io::Result<Number> {
        if self.nodes.is_empty() {
            self.nodes.push(self.store.reserve());
        }
        let mut kids: Vec<(Number, usize)> = self.pages.iter().map(|number| (*number, 1)).collect();
        let mut nodes = std::mem::take(&mut self.nodes);
        loop {
            let parents: Vec<Number> = match nodes.len() {
                1 => Vec::new(),
                count => (0..count.div_ceil(FAN_OUT)).map(|_| self.store.reserve()).collect(),
            };
            let mut level = Vec::with_capacity(nodes.len());
            for (index, node) in nodes.iter().enumerate() {
                let own = kids.chunks(FAN_OUT).nth(index).unwrap_or_default();
                let count: usize = own.iter().map(|(_, count)| count).sum();
                let list: String = own.iter().map(|(number, _)| format!("{number} 0 R ")).collect();
                let parent =
                    parents.get(index / FAN_OUT).map_or(String::new(), |parent| format!("/Parent {parent} 0 R"));
                let body = format!("<</Type/Pages{parent}/Count {count}/Kids[{list}]>>");
                self.store.fill(*node, body.as_bytes(), None)?;
                level.push((*node, count));
            }
            if let ([root], []) = (nodes.as_slice(), parents.as_slice()) {
                return Ok(*root);
            }
            (kids, nodes) = (level, parents);
        }
    }
}

/// The part of an annotation that is seen; `None` where nothing is.
fn looks(document: &Document, annotation: &Dictionary) -> Option<Dictionary> {
    if let Ok(b"Popup") = annotation.get_deref(b"Subtype", document).and_then(Object::as_name) {
        return None;
    }
    let mut looks = Dictionary::new();
    for key in LOOKS {
        if let Ok(value) = annotation.get(key) {
            looks.set(key, value.clone());
        }
    }
    let appearance = annotation.get_deref(b"AP", document).and_then(Object::as_dict);
    if let Ok(normal) = appearance.and_then(|appearance| appearance.get(b"N")) {
        let mut appearance = Dictionary::new();
        appearance.set("N", normal.clone());
        looks.set("AP", appearance);
    }
    Some(looks)
}

/// The document's layers, and those of them that its default configuration hides.
fn layers(document: &Document) -> Option<(Vec<ObjectId>, Vec<ObjectId>)> {
    let properties = document.catalog().ok()?.get_deref(b"OCProperties", document).ok()?.as_dict().ok()?;
    let list = |dictionary: &Dictionary, key: &[u8]| -> Vec<ObjectId> {
        let items = dictionary.get_deref(key, document).and_then(Object::as_array);
        items.map_or(Vec::new(), |items| items.iter().filter_map(|item| item.as_reference().ok()).collect())
    };
    let all = list(properties, b"OCGs");
    let Ok(default) = properties.get_deref(b"D", document).and_then(Object::as_dict) else {
        return Some((all, Vec::new()));
    };
    let hidden = match default.get_deref(b"BaseState", document).and_then(Object::as_name) {
        Ok(b"OFF") => {
            let shown = list(default, b"ON");
            all.iter().copied().filter(|id| !shown.contains(id)).collect()
        }
        _ => list(default, b"OFF"),
    };
    Some((all, hidden))
}
