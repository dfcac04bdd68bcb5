//! Merging pages of many documents into one file, in one go and in little memory.
//!
//! A page takes along what it shows and nothing else: inherited attributes are written onto it, annotations and form
//! fields become part of it as far as they are printed, layers are shown or hidden for good, and outlines, forms, tags,
//! scripts and attachments stay behind.

mod balance;
mod copy;
mod store;

use std::io::{self, Write};

use lopdf::{Dictionary, Object};

use balance::Balance;
pub use copy::Source;
use store::{Number, Store};

use crate::core::print::Side;
use crate::shell::pdf::{Matrix, Page, Shown};

/// Pages under one node of the page tree, and nodes under the next; keeps every path to a page short.
const FAN_OUT: usize = 32;

/// Attributes that a page inherits (ISO 32000-1, table 30).
const INHERITED: [&[u8]; 3] = [b"MediaBox", b"CropBox", b"Rotate"];
/// Attributes of its own that decide how a page looks.
const OWN: [&[u8]; 5] = [b"UserUnit", b"BleedBox", b"TrimBox", b"ArtBox", b"Group"];
/// Attributes that an empty back shares with the page on its front: the sheet's size and direction.
const SHEET: [&[u8]; 4] = [b"MediaBox", b"CropBox", b"Rotate", b"UserUnit"];
/// What an annotation without appearance looks like (ISO 32000-1, 12.5).
#[rustfmt::skip]
const LOOKS: [&[u8]; 32] = [
    b"Type", b"Subtype", b"Rect", b"F", b"AS", b"Border", b"BS", b"BE", b"C", b"IC", b"CA", b"QuadPoints", b"InkList",
    b"Vertices", b"L", b"LE", b"LL", b"LLE", b"LLO", b"Cap", b"CP", b"CO", b"CL", b"IT", b"DA", b"DS", b"RC", b"Q",
    b"RD", b"Name", b"Contents", b"Sound",
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
}

impl<W: Write> Merger<W> {
    /// Starts a file on `out`, which should be buffered.
    ///
    /// # Errors
    /// Only `out`'s own.
    pub fn new(out: W) -> io::Result<Self> {
        let store = Store::new(out)?;
        Ok(Self { store, pages: Vec::new(), nodes: Vec::new(), sheet: Vec::new() })
    }

    /// Pages written so far, blank ones included.
    pub fn pages(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// Appends a page of `source`, from 1. The same `Source` may serve many calls; it remembers what is copied.
    ///
    /// # Errors
    /// `InvalidInput` for a page that the document does not have, `InvalidData` for one that would not show on paper what
    /// was seen (which the preflight refuses); else `out`'s own.
    pub fn page(&mut self, source: &mut Source, number: u32) -> io::Result<()> {
        let pdf = source.pdf;
        let page = (number as usize).checked_sub(1).and_then(|index| pdf.pages.get(index));
        let page = page.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such page in the document"))?;
        let document = &pdf.document;
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
        let unclear = || io::Error::new(io::ErrorKind::InvalidData, "programs show the page differently");
        let shown = source.shown(page).ok_or_else(unclear)?;
        let any_drawn = shown.iter().any(|shown| matches!(shown, Shown::Drawn { .. }));
        let balance = any_drawn.then(|| pdf.content(page).and_then(|content| Balance::of(&content))).flatten();
        let drawn = self.annotations(source, shown, balance.is_some(), &mut body)?;
        match balance {
            Some(balance) => self.with_annotations(source, page, &balance, &drawn, &mut body)?,
            None => self.as_it_is(source, page, &mut body)?,
        }
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
        if let Some(hidden) = self.store.fill_layers()? {
            catalog += &format!("/OCProperties<</OCGs[{hidden} 0 R]/D<</OFF[{hidden} 0 R]/Order[]>>>>");
        }
        catalog += ">>";
        let number = self.store.reserve();
        self.store.fill(number, catalog.as_bytes(), None)?;
        self.store.finish(number)
    }

    /// A page attribute's value. Boxes, rotation and unit are written out: they are short, and readers have been known
    /// to stumble over references there.
    fn attribute(&mut self, source: &mut Source, key: &[u8], value: &Object) -> io::Result<Vec<u8>> {
        let direct = key != b"Group";
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

    /// Content and resources untouched.
    fn as_it_is(&mut self, source: &mut Source, page: &Page, body: &mut Vec<u8>) -> io::Result<()> {
        let document = &source.pdf.document;
        let own = document.get_dictionary(page.id).map_err(io::Error::other)?;
        if let Ok(contents) = own.get(b"Contents") {
            body.extend(b"/Contents ");
            body.extend(source.value(&mut self.store, contents)?);
        }
        body.extend(b"/Resources ");
        match page.inherited_as_written(document, b"Resources") {
            Some(resources) => body.extend(source.value(&mut self.store, resources)?),
            None => body.extend(b"<<>>"),
        }
        Ok(())
    }

    /// The content in parentheses, as it were, and the annotations' appearances drawn behind it.
    fn with_annotations(
        &mut self,
        source: &mut Source,
        page: &Page,
        balance: &Balance,
        drawn: &[(Number, Matrix)],
        body: &mut Vec<u8>,
    ) -> io::Result<()> {
        let document = &source.pdf.document;
        let resources = page.inherited(document, b"Resources").and_then(|resources| resources.as_dict().ok());
        let mut resources = resources.cloned().unwrap_or_default();
        let forms = resources.get_deref(b"XObject", document).and_then(Object::as_dict).cloned().unwrap_or_default();
        resources.remove(b"XObject");
        let (mut names, mut drawing) = (Vec::new(), Vec::new());
        for ((number, placing), count) in drawn.iter().zip(1..) {
            let name = (count..).map(|count| format!("Merknad{count}")).find(|name| !forms.has(name.as_bytes()));
            let name = name.unwrap_or_default();
            write!(names, "/{name} {number} 0 R")?;
            let [a, b, c, d, e, f] = placing.0;
            writeln!(drawing, "q {a:.6} {b:.6} {c:.6} {d:.6} {e:.4} {f:.4} cm /{name} Do Q")?;
        }
        let own = document.get_dictionary(page.id).and_then(|page| page.get_deref(b"Contents", document));
        let parts = match own {
            Ok(Object::Array(parts)) => parts.clone(),
            Ok(_) => {
                document.get_dictionary(page.id).and_then(|page| page.get(b"Contents")).cloned().into_iter().collect()
            }
            Err(_) => Vec::new(),
        };
        let opening = self.store.share(b"<</Length 2>>", Some(b"q\n"))?;
        write!(body, "/Contents[{opening} 0 R ")?;
        for part in parts {
            body.extend(source.value(&mut self.store, &part)?);
            body.push(b' ');
        }
        let mut closing = balance.closing().into_bytes();
        closing.extend(drawing);
        let closing = self.stream(&closing)?;
        write!(body, "{closing} 0 R]/Resources")?;
        let entries = source.value(&mut self.store, &Object::Dictionary(resources))?;
        let forms = source.value(&mut self.store, &Object::Dictionary(forms))?;
        body.extend(entries.strip_suffix(b">>").unwrap_or_default());
        body.extend(b"/XObject");
        body.extend(forms.strip_suffix(b">>").unwrap_or_default());
        body.extend(names);
        body.extend(b">>>>");
        Ok(())
    }

    fn stream(&mut self, content: &[u8]) -> io::Result<Number> {
        let body = format!("<</Length {}>>", content.len());
        self.store.share(body.as_bytes(), Some(content))
    }

    /// The appearances that are printed and can be drawn behind the page's content. What cannot, or is only seen on a
    /// screen, stays an annotation, without actions, replies, or a field behind it.
    fn annotations(
        &mut self,
        source: &mut Source,
        shown: Vec<Shown>,
        can_draw: bool,
        body: &mut Vec<u8>,
    ) -> io::Result<Vec<(Number, Matrix)>> {
        let (mut drawn, mut kept) = (Vec::new(), Vec::new());
        for shown in shown {
            match shown {
                Shown::Drawn { form, placing, .. } if can_draw => {
                    drawn.extend(source.form(&mut self.store, form)?.map(|number| (number, placing)));
                }
                Shown::Drawn { annotation, form, .. } | Shown::Kept { annotation, form: Some(form) } => {
                    let mut stamp = source.value(&mut self.store, &Object::Dictionary(stamp(annotation)))?;
                    if let Some(form) = source.form(&mut self.store, form)? {
                        stamp.truncate(stamp.len() - 2);
                        write!(stamp, "/AP<</N {form} 0 R>>>>")?;
                    }
                    kept.push(stamp);
                }
                Shown::Kept { annotation, form: None } => {
                    kept.push(source.value(&mut self.store, &Object::Dictionary(looks(annotation)))?);
                }
                Shown::Nothing | Shown::ValueLost | Shown::Unsure => {}
            }
        }
        if !kept.is_empty() {
            body.extend(b"/Annots[");
            for annotation in kept {
                // Equal or not, an annotation belongs to one page only (ISO 32000-1, 12.5.2).
                let number = self.store.reserve();
                self.store.fill(number, &annotation, None)?;
                write!(body, "{number} 0 R ")?;
            }
            body.push(b']');
        }
        Ok(drawn)
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

/// An annotation that is nothing but its appearance.
fn stamp(annotation: &Dictionary) -> Dictionary {
    let mut stamp = Dictionary::new();
    for key in [&b"Rect"[..], b"F"] {
        if let Ok(value) = annotation.get(key) {
            stamp.set(key, value.clone());
        }
    }
    stamp.set("Type", "Annot");
    stamp.set("Subtype", "Stamp");
    stamp
}

/// The part of an annotation without appearance that is seen.
fn looks(annotation: &Dictionary) -> Dictionary {
    let mut looks = Dictionary::new();
    for key in LOOKS {
        if let Ok(value) = annotation.get(key) {
            looks.set(key, value.clone());
        }
    }
    // Without what they attach, readers show no icon.
    if annotation.has(b"FS") {
        looks.set("FS", Object::string_literal("vedlegg"));
    }
    looks
}
