//! One PDF of a batch: the letters of a [`PrintFile`], each behind its cover.

use std::io::{self, Write};

use super::cover::{Cover, CoverFault, Covers};
use super::merge::{Merger, Source};
use crate::core::judge::PdfFault;
use crate::core::print::{CoverLayout, PrintFile, PrintLetter, Side};
use crate::shell::pdf::{Pdf, open};

/// Digits of a letter's id on its cover.
const ID_DIGITS_SHOWN: usize = 8;

/// Why a PDF of a batch could not be made. Letters and documents are named by their indices in the plan's input, so
/// that the caller can take the letter out and make the file anew; nothing is ever left out silently.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The cover of this letter cannot be made.
    #[error("letter {letter}: {fault}")]
    Cover { letter: usize, fault: CoverFault },
    /// A document was fine at intake and is not any more.
    #[error("letter {letter}, document {document}: {fault}")]
    Document { letter: usize, document: usize, fault: PdfFault },
    /// A document is not the one that was decided on.
    #[error("letter {letter}, document {document}: changed")]
    Changed { letter: usize, document: usize },
    /// A document does not have the number of pages it was planned with.
    #[error("letter {letter}, document {document}: {found} pages, planned {planned}")]
    PageCount { letter: usize, document: usize, planned: u32, found: u32 },
    /// A document whose pages would not show on paper what was seen, by rules that are younger than the letter.
    #[error("letter {letter}, document {document}: shown differently")]
    ShownDifferently { letter: usize, document: usize },
    /// A letter took other pages in the output than it was planned to: a mistake in this program.
    #[error("letter {letter}: {written} pages written, planned {planned}")]
    Extent { letter: usize, planned: u32, written: u32 },
    /// The document could not be fetched, or the output not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes the PDF. `cover(letter)` and `document(letter, document)` are asked in printing order, by index; one document
/// at a time is in memory; `None` is a document that is not the one that was decided on. Returns the writer, not flushed.
///
/// # Errors
/// See [`FileError`]; what `out` holds by then is no PDF.
pub fn write<W: Write>(
    out: W,
    file: &PrintFile,
    letters: &[PrintLetter],
    layout: CoverLayout,
    cover: impl FnMut(usize) -> io::Result<Cover>,
    mut document: impl FnMut(usize, usize) -> io::Result<Option<Vec<u8>>>,
) -> Result<W, FileError> {
    let covers = covers(file, letters, layout, cover)?;
    let mut covers = Source::new(&covers);
    let mut merger = Merger::new(out)?;
    for (placed, cover_page) in file.letters.iter().zip(1..) {
        let (index, before) = (placed.index, merger.pages());
        merger.page(&mut covers, cover_page)?;
        if file.class.duplex {
            merger.blank()?;
        }
        for (number, enclosure) in letters[index].documents.iter().enumerate() {
            let bytes = document(index, number)?.ok_or(FileError::Changed { letter: index, document: number })?;
            let pdf = open(bytes).map_err(|fault| FileError::Document { letter: index, document: number, fault })?;
            let (planned, found) = (enclosure.pages, pdf.pages());
            if planned != found {
                return Err(FileError::PageCount { letter: index, document: number, planned, found });
            }
            append(&mut merger, &pdf, &enclosure.sides(file.class.duplex)).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => FileError::ShownDifferently { letter: index, document: number },
                _ => error.into(),
            })?;
        }
        let (planned, written) = (placed.extent.pages, merger.pages() - before);
        if planned != written {
            return Err(FileError::Extent { letter: index, planned, written });
        }
    }
    Ok(merger.finish()?)
}

fn append<W: Write>(merger: &mut Merger<W>, pdf: &Pdf, sides: &[Side]) -> io::Result<()> {
    let mut source = Source::new(pdf);
    sides.iter().try_for_each(|side| merger.side(&mut source, *side))
}

/// All covers of the file as one document, in printing order.
fn covers(
    file: &PrintFile,
    letters: &[PrintLetter],
    layout: CoverLayout,
    mut cover: impl FnMut(usize) -> io::Result<Cover>,
) -> Result<Pdf, FileError> {
    let first = file.letters.first().map_or(0, |placed| placed.index);
    let failed = |letter, fault| FileError::Cover { letter, fault };
    let mut covers = Covers::new(layout).map_err(|fault| failed(first, fault))?;
    for placed in &file.letters {
        let cover = cover(placed.index)?;
        // As the manifest has them, so that a returned envelope finds its row.
        let id: String = letters[placed.index].id.chars().take(ID_DIGITS_SHOWN).collect();
        covers.add(&cover, &format!("{} / {id}", placed.number)).map_err(|fault| failed(placed.index, fault))?;
    }
    let bytes = covers.finish().map_err(|fault| failed(first, fault))?;
    open(bytes).map_err(|_| failed(first, CoverFault::Failed))
}
