use lopdf::{Dictionary, Document, Object};

use super::cover::Cover;
use super::file::{self, FileError};
use super::tests::assert_qpdf_finds_nothing;
use crate::core::judge::PdfFault;
use crate::core::print::{Country, CoverLayout, Enclosure, PrintLetter, plan};
use crate::shell::pdf::samples::{Sample, inspect};

fn letter(name: &str, duplex: bool, documents: &[(u32, &[u32])]) -> PrintLetter {
    let documents = documents.iter().map(|(pages, giro)| Enclosure { pages: *pages, giro: giro.to_vec() }).collect();
    PrintLetter {
        country: Country::of(""),
        postcode: "0150".to_owned(),
        name: name.to_owned(),
        id: name.to_owned(),
        colour: false,
        duplex,
        documents,
    }
}

/// Writes the plan's first file from documents of the planned lengths; `change` may spoil one.
fn write(letters: &[PrintLetter], change: impl Fn(usize, usize, Vec<u8>) -> Vec<u8>) -> Result<Vec<u8>, FileError> {
    let files = plan(letters);
    let cover = |letter: usize| {
        let recipient = vec![letters[letter].name.clone(), "Storgata 1".to_owned(), "0150 OSLO".to_owned()];
        Ok(Cover { recipient, sender: vec!["Storevik kommune".to_owned()] })
    };
    let document = |letter: usize, document: usize| {
        let file = Sample::letter(letters[letter].documents[document].pages as usize).bytes();
        Ok(Some(change(letter, document, file)))
    };
    file::write(Vec::new(), &files[0], letters, CoverLayout::default(), cover, document)
}

/// The pages as letters: `c` for a cover, `-` for a blank, a digit for a document's page.
fn shape(file: &[u8]) -> String {
    let pdf = inspect(file).unwrap();
    let describe = |page: &Dictionary, document: &Document| {
        let Ok(content) = page.get_deref(b"Contents", document).and_then(Object::as_stream) else { return '-' };
        let content = pdf.unpacked(content).unwrap();
        let text = String::from_utf8_lossy(&content);
        text.split("(Page ").nth(1).and_then(|rest| rest.chars().next()).unwrap_or('c')
    };
    pdf.pages.iter().map(|page| describe(pdf.document.get_dictionary(page.id).unwrap(), &pdf.document)).collect()
}

#[test]
fn letters_stand_in_their_order_behind_their_covers() {
    let letters = [letter("Dal", true, &[(1, &[]), (3, &[2])]), letter("Berg", true, &[(2, &[])])];
    let output = write(&letters, |_, _, file| file).unwrap();
    assert_eq!(shape(&output), "c-12c-1-1-2-3-");
    assert_qpdf_finds_nothing(&output);
    let letters = [letter("Dal", false, &[(1, &[]), (3, &[2])]), letter("Berg", false, &[(2, &[])])];
    assert_eq!(shape(&write(&letters, |_, _, file| file).unwrap()), "c12c1123");
}

#[test]
fn a_spoilt_document_is_named_never_left_out() {
    let letters = [letter("Berg", true, &[(2, &[])]), letter("Dal", true, &[(1, &[]), (3, &[])])];
    let spoil = |with: Vec<u8>| {
        write(&letters, move |letter, document, file| if (letter, document) == (1, 1) { with.clone() } else { file })
    };
    let half = Sample::letter(3).bytes();
    match spoil(half[..half.len() / 2].to_vec()) {
        Err(FileError::Document { letter: 1, document: 1, fault: PdfFault::Unreadable }) => {}
        other => panic!("{other:?}"),
    }
    match spoil(Sample::new().bytes()) {
        Err(FileError::Document { letter: 1, document: 1, fault: PdfFault::NoPages }) => {}
        other => panic!("{other:?}"),
    }
    match spoil(Sample::letter(2).bytes()) {
        Err(FileError::PageCount { letter: 1, document: 1, planned: 3, found: 2 }) => {}
        other => panic!("{other:?}"),
    }
    let unprintable = [letter("山田", true, &[(1, &[])])];
    assert!(matches!(write(&unprintable, |_, _, file| file), Err(FileError::Cover { letter: 0, .. })));
}
