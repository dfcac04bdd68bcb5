//! The gate that every PDF passes: is it whole, is it open, and how many pages does it really have?
//!
//! Trusts nothing in the file. Everything that is done with a document is paid for from its [`budget`]. A file that is
//! merely untidy (wrong offsets, wrong lengths) passes when every object its pages need can be read; a file that has
//! lost something its pages need does not.

mod annotation;
mod budget;
mod content;
mod font;
mod geometry;
mod layers;
mod metrics;
mod pages;
mod preflight;
mod read;
mod size;
mod text;
mod whole;

#[cfg(test)]
mod font_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod preflight_tests;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Document, Stream};

use crate::core::judge::PdfFault;

pub(crate) use annotation::{Annotations, Shown};
use budget::Budget;
pub(crate) use geometry::Matrix;
pub(crate) use layers::{Search, Visible, is_layer};
pub(crate) use pages::Page;
pub use preflight::preflight;

/// A PDF that passed the gate: whole, not encrypted, one page or more.
pub struct Pdf {
    /// What its pages need, and no more; the bytes of streams are not in it, see [`Pdf::raw`].
    pub(crate) document: Document,
    pub(crate) pages: Vec<Page>,
    /// What is left for everything that is still to be done with it.
    pub(crate) budget: Budget,
    bytes: Vec<u8>,
    /// Where in them the file begins.
    start: usize,
}

impl Pdf {
    /// How many pages the page tree holds; `/Count` is not believed.
    pub fn pages(&self) -> u32 {
        // The walk through the tree stops long before `u32::MAX`.
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// The bytes of a stream, its filters not undone.
    pub(crate) fn raw<'a>(&'a self, stream: &'a Stream) -> &'a [u8] {
        read::raw(&self.bytes[self.start..], stream)
    }

    /// A page's content streams as one, their filters undone; `None` where they are damaged, unknown or too much.
    pub(crate) fn content(&self, page: &Page) -> Option<Vec<u8>> {
        content::of_page(self, page)
    }

    #[cfg(test)]
    /// The bytes of a stream, its filters undone; `None` where they are damaged, unknown, a picture's, or too much.
    pub(crate) fn unpacked(&self, stream: &Stream) -> Option<Vec<u8>> {
        content::unpacked(self, stream)
    }

    fn read(bytes: Vec<u8>) -> Result<Self, PdfFault> {
        let start = whole::start(&bytes).ok_or(PdfFault::Unreadable)?;
        let budget = Budget::of(bytes.len());
        let document = read::document(&bytes[start..], &budget)?;
        let pages = pages::walk(&document).ok_or(PdfFault::Unreadable)?;
        if pages.is_empty() {
            return Err(PdfFault::NoPages);
        }
        Ok(Self { document, pages, budget, bytes, start })
    }
}

/// Without the content: it is a letter to somebody.
impl fmt::Debug for Pdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pdf").field("pages", &self.pages.len()).finish_non_exhaustive()
    }
}

/// Whether a file that begins with these bytes may be a PDF.
pub(crate) fn may_be(beginning: &[u8]) -> bool {
    whole::header(beginning).is_some()
}

/// Reads a PDF and decides whether it may go further.
///
/// # Errors
/// The fault, without position or content: the sender has to make the file anew in every case.
pub fn open(bytes: Vec<u8>) -> Result<Pdf, PdfFault> {
    guarded(|| Pdf::read(bytes)).unwrap_or(Err(PdfFault::Unreadable))
}

/// [`open`], for bytes that somebody else needs as well.
///
/// # Errors
/// As [`open`].
pub fn inspect(bytes: &[u8]) -> Result<Pdf, PdfFault> {
    open(bytes.to_vec())
}

/// Runs `work` on a file from outside; `None` when a parser panicked on it. One bad document must not take the pass
/// with it, and a panic in a parser is a property of that document.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
