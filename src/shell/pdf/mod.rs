//! The gate that every PDF passes: is it whole, is it open, and how many pages does it really have?
//!
//! Trusts nothing in the file. Everything is bounded: decompression, nesting, the page tree's depth and length. A file
//! that is merely untidy (wrong offsets, missing `endobj`) passes when every object its pages need can be read;
//! a file that has lost something its pages need does not.

mod content;
mod font;
mod form;
mod geometry;
mod metrics;
mod pages;
mod preflight;
mod text;
mod whole;

#[cfg(test)]
mod font_tests;
#[cfg(test)]
mod preflight_tests;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Document, LoadOptions};

use crate::core::judge::PdfFault;

pub(crate) use pages::Page;
pub use preflight::preflight;

/// Bytes that one object stream or cross-reference stream may unpack to; real ones stay below 1 MB.
const UNPACKED_BYTES_MAX: usize = 4 << 20;
/// Bytes that all object streams of a file together may unpack to. A document of 10,000 pages takes 10 MB, and a parsed
/// object takes up to fifty times the memory of its source.
const UNPACKED_BYTES_TOTAL: usize = 64 << 20;

/// A PDF that passed the gate: whole, not encrypted, one page or more.
pub struct Pdf {
    pub(crate) document: Document,
    pub(crate) pages: Vec<Page>,
}

impl Pdf {
    /// How many pages the page tree holds; `/Count` is not believed.
    pub fn pages(&self) -> u32 {
        // The walk through the tree stops long before `u32::MAX`.
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    fn read(bytes: &[u8]) -> Result<Self, PdfFault> {
        let bytes = whole::trim(bytes).ok_or(PdfFault::Unreadable)?;
        let document = load(bytes)?;
        if document.trailer.has(b"Encrypt") || document.was_encrypted() {
            return Err(PdfFault::Encrypted);
        }
        let pages = pages::walk(&document).ok_or(PdfFault::Unreadable)?;
        if pages.is_empty() {
            return Err(PdfFault::NoPages);
        }
        if !whole::pages_complete(&document, &pages) {
            return Err(PdfFault::Unreadable);
        }
        Ok(Self { document, pages })
    }
}

/// Without the content: it is a letter to somebody.
impl fmt::Debug for Pdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pdf").field("pages", &self.pages.len()).finish_non_exhaustive()
    }
}

/// Reads a PDF and decides whether it may go further.
///
/// # Errors
/// The fault, without position or content: the sender has to make the file anew in every case.
pub fn inspect(bytes: &[u8]) -> Result<Pdf, PdfFault> {
    guarded(|| Pdf::read(bytes)).unwrap_or(Err(PdfFault::Unreadable))
}

/// Runs `work` on a file from outside; `None` when a parser panicked on it. One bad document must not take the pass
/// with it, and a panic in a parser is a property of that document.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Strict first, since it notices wrong lengths and objects that are not where the table says. What strict refuses
/// is read leniently, and then stands or falls with `whole::pages_complete`.
fn load(bytes: &[u8]) -> Result<Document, PdfFault> {
    let containers = memchr::memmem::find_iter(bytes, b"/ObjStm").count().max(1);
    let options = |strict| LoadOptions {
        strict,
        max_decompressed_size: Some(UNPACKED_BYTES_MAX.min(UNPACKED_BYTES_TOTAL / containers)),
        ..LoadOptions::default()
    };
    Document::load_mem_with_options(bytes, options(true))
        .or_else(|_| Document::load_mem_with_options(bytes, options(false)))
        .map_err(|_| match memchr::memmem::find(bytes, b"/Encrypt") {
            // An encryption that the parser does not know is still encryption.
            Some(_) => PdfFault::Encrypted,
            None => PdfFault::Unreadable,
        })
}
