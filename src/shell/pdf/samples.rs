//! PDFs for tests, each made from its parts and named for what is wrong with it.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};

use super::{Pdf, PdfFault};
use crate::core::print::{PrintLimits, Violation};
use crate::panics;

/// The gate, without a panic that it has caught.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Pdf, PdfFault> {
    panics::none(|| super::inspect(bytes))
}

/// The preflight, without a panic that it has caught.
pub(crate) fn preflight(pdf: &Pdf, limits: &PrintLimits) -> Vec<Violation> {
    panics::none(|| super::preflight(pdf, limits))
}

/// A document under construction: one page tree node, pages added one by one.
pub(crate) struct Sample {
    pub document: Document,
    pub tree: ObjectId,
    pub font: ObjectId,
    kids: Vec<Object>,
}

impl Sample {
    pub fn new() -> Self {
        let mut document = Document::with_version("1.5");
        let tree = document.new_object_id();
        let font = document
            .add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding" });
        Self { document, tree, font, kids: Vec::new() }
    }

    /// A4 pages with a line of text each, in a place that nothing forbids.
    pub fn letter(pages: usize) -> Self {
        let mut sample = Self::new();
        for number in 1..=pages {
            sample.page(&format!("BT /F1 12 Tf 100 700 Td (Page {number}) Tj ET"), dictionary! {});
        }
        sample
    }

    /// Adds a page with this content; `extra` wins over the A4 default of every attribute.
    pub fn page(&mut self, content: &str, extra: Dictionary) -> ObjectId {
        let content = self.document.add_object(Stream::new(dictionary! {}, content.as_bytes().to_vec()));
        let mut page = dictionary! {
            "Type" => "Page",
            "Parent" => self.tree,
            "Contents" => content,
            "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
            "Resources" => dictionary! { "Font" => dictionary! { "F1" => self.font } },
        };
        for (key, value) in extra {
            page.set(key, value);
        }
        let id = self.document.add_object(page);
        self.kids.push(id.into());
        id
    }

    /// Closes the page tree and the trailer; `/Count` is what it should be.
    pub fn finish(mut self) -> Document {
        let count = self.kids.len() as i64;
        self.document
            .objects
            .insert(self.tree, dictionary! { "Type" => "Pages", "Kids" => self.kids, "Count" => count }.into());
        let catalog = self.document.add_object(dictionary! { "Type" => "Catalog", "Pages" => self.tree });
        self.document.trailer.set("Root", catalog);
        self.document.trailer.set(
            "ID",
            vec![
                Object::string_literal(b"0123456789abcdef".to_vec()),
                Object::string_literal(b"0123456789abcdef".to_vec()),
            ],
        );
        self.document
    }

    pub fn bytes(self) -> Vec<u8> {
        bytes(self.finish())
    }
}

/// The file as lopdf writes it.
pub(crate) fn bytes(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("a Vec takes everything");
    bytes
}

/// A file written byte by byte: objects by number, a table and a trailer that say where they are.
pub(crate) struct Raw {
    pub bytes: Vec<u8>,
    pub offsets: Vec<(u32, usize)>,
}

impl Raw {
    pub fn new() -> Self {
        Self { bytes: b"%PDF-1.7\n%\xE5\xF8\xE6\xC5\n".to_vec(), offsets: Vec::new() }
    }

    /// One page, object 3, with the font 4 and whatever else is said; the content is object 5.
    pub fn page(extra: &str) -> Self {
        let mut raw = Self::new();
        raw.object(1, b"<</Type/Catalog/Pages 2 0 R>>");
        raw.object(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>");
        let page = format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R{extra}>>"
        );
        raw.object(3, page.as_bytes());
        raw.object(4, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
        raw
    }

    pub fn object(&mut self, number: u32, body: &[u8]) {
        self.offsets.push((number, self.bytes.len()));
        self.bytes.extend(format!("{number} 0 obj\n").bytes());
        self.bytes.extend(body);
        self.bytes.extend(b"\nendobj\n");
    }

    pub fn stream(&mut self, number: u32, entries: &str, data: &[u8]) {
        let mut body = format!("<<{entries}/Length {}>>\nstream\n", data.len()).into_bytes();
        body.extend(data);
        body.extend(b"\nendstream");
        self.object(number, &body);
    }

    /// Flate-compressed.
    pub fn packed(&mut self, number: u32, entries: &str, data: &[u8]) {
        self.stream(number, &format!("{entries}/Filter/FlateDecode"), &flate(data));
    }

    /// Ends a revision; `prev` is where the one before has its table. Returns where this one's is.
    pub fn end(&mut self, prev: Option<usize>) -> usize {
        let start = self.bytes.len();
        let size = self.offsets.iter().map(|(number, _)| number + 1).max().unwrap_or(1);
        self.bytes.extend(b"xref\n");
        for (number, offset) in std::mem::take(&mut self.offsets) {
            self.bytes.extend(format!("{number} 1\n{offset:010} 00000 n \n").bytes());
        }
        let prev = prev.map_or(String::new(), |prev| format!("/Prev {prev}"));
        let trailer = format!("trailer\n<</Size {size}/Root 1 0 R{prev}>>\nstartxref\n{start}\n%%EOF\n");
        self.bytes.extend(trailer.bytes());
        start
    }

    /// The same with a cross-reference stream, object `number`; `within` says which objects are in which container.
    pub fn end_modern(&mut self, number: u32, within: &[(u32, u32, u16)], prev: Option<usize>) -> usize {
        let start = self.bytes.len();
        self.offsets.push((number, start));
        let (mut index, mut entries) = (String::new(), Vec::new());
        let mut entry = |number: u32, kind: u8, second: u32, third: u16| {
            index += &format!("{number} 1 ");
            entries.push(kind);
            entries.extend(second.to_be_bytes());
            entries.extend(third.to_be_bytes());
        };
        for (number, offset) in std::mem::take(&mut self.offsets) {
            entry(number, 1, u32::try_from(offset).unwrap(), 0);
        }
        within.iter().for_each(|(number, container, index)| entry(*number, 2, *container, *index));
        let prev = prev.map_or(String::new(), |prev| format!("/Prev {prev}"));
        let entry = format!("/Type/XRef/Size {}/W[1 4 2]/Index[{index}]/Root 1 0 R{prev}", u32::from(u16::MAX));
        self.packed(number, &entry, &entries);
        self.offsets.clear();
        self.bytes.extend(format!("startxref\n{start}\n%%EOF\n").bytes());
        start
    }
}

pub(crate) fn flate(data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).expect("a Vec takes everything");
    encoder.finish().expect("a Vec takes everything")
}

/// An object stream's dictionary entries and data.
pub(crate) fn container(objects: &[(u32, &str)]) -> (String, Vec<u8>) {
    let (mut index, mut data) = (String::new(), String::new());
    for (number, body) in objects {
        index += &format!("{number} {} ", data.len());
        data += body;
        data.push('\n');
    }
    (format!("/Type/ObjStm/N {}/First {}", objects.len(), index.len()), (index + &data).into_bytes())
}
