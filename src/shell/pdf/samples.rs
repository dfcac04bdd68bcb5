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
