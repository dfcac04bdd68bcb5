//! Merged files are read back by our own gate, checked by qpdf, and rendered by poppler next to their sources.

use std::path::Path;
use std::process::Command;

use lopdf::{Object, Stream, dictionary};
use proptest::prelude::*;

use super::merge::{Merger, Source};
use crate::core::judge::PdfFault;
use crate::core::print::PrintLimits;
use crate::shell::pdf::samples::{Sample, bytes, inspect, preflight};

/// Merges all pages of these files, in order.
fn merged(files: &[Vec<u8>]) -> Vec<u8> {
    let mut merger = Merger::new(Vec::new()).unwrap();
    for file in files {
        let pdf = inspect(file).unwrap();
        let mut source = Source::new(&pdf);
        for number in 1..=pdf.pages() {
            merger.page(&mut source, number).unwrap();
        }
    }
    merger.finish().unwrap()
}

fn area(numbers: [i64; 4]) -> Object {
    numbers.map(Object::from).to_vec().into()
}

/// Whether a program is there to check with; says so where it is not.
fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("-v").output().is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

pub(super) fn assert_qpdf_finds_nothing(file: &[u8]) {
    // qpdf knows only the long form of the option; that it runs at all is enough.
    if !installed("qpdf") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("merged.pdf");
    std::fs::write(&path, file).unwrap();
    let output = Command::new("qpdf").arg("--check").arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("No syntax or stream encoding errors found"), "{told}");
}

/// Each page as an image.
fn rendered(file: &[u8]) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.pdf");
    std::fs::write(&path, file).unwrap();
    let done = Command::new("pdftoppm").args(["-r", "40"]).arg(&path).arg(folder.path().join("page")).status().unwrap();
    assert!(done.success());
    let is_image = |path: &Path| path.extension().is_some_and(|extension| extension == "ppm");
    let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut images: Vec<_> = entries.filter(|path| is_image(path)).collect();
    images.sort();
    images.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn assert_pages_look_as_before(files: &[Vec<u8>]) {
    let output = merged(files);
    assert_qpdf_finds_nothing(&output);
    if !installed("pdftoppm") {
        return;
    }
    let sources: Vec<_> = files.iter().flat_map(|file| rendered(file)).collect();
    let output = rendered(&output);
    assert_eq!(output.len(), sources.len());
    for (number, (output, source)) in (1..).zip(output.iter().zip(&sources)) {
        assert!(output == source, "page {number} looks different");
        let ink = output.iter().skip(20).filter(|byte| **byte != 255).count();
        assert!(ink > 0, "page {number} is empty");
    }
}

/// Size, direction and resources all come from the page tree.
fn inheriting() -> Vec<u8> {
    let mut sample = Sample::new();
    let page = sample.page("BT /F1 60 Tf 100 300 Td (inherits) Tj ET", dictionary! {});
    let (tree, font) = (sample.tree, sample.font);
    let mut document = sample.finish();
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    for key in [&b"MediaBox"[..], b"Resources"] {
        document.get_dictionary_mut(page).unwrap().remove(key);
    }
    let node = document.get_dictionary_mut(tree).unwrap();
    node.set("MediaBox", area([0, 0, 842, 595]));
    node.set("CropBox", area([50, 50, 800, 500]));
    node.set("Rotate", 90);
    node.set("Resources", resources);
    bytes(document)
}

/// A filled field, a stamp, a link, and everything else that hangs on pages: actions, fields, outlines.
fn annotated() -> Vec<u8> {
    let mut sample = Sample::new();
    let page = sample.page("BT /F1 40 Tf 100 700 Td (annotated) Tj ET", dictionary! {});
    let font = sample.font;
    let appearance = |sample: &mut Sample, text: &str| {
        let resources = dictionary! { "Font" => dictionary! { "F1" => font } };
        let form = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => area([0, 0, 200, 50]), "Resources" => resources };
        let content = format!("0 0 200 50 re S BT /F1 30 Tf 5 10 Td ({text}) Tj ET");
        sample.document.add_object(Stream::new(form, content.into_bytes()))
    };
    let (field_look, stamp_look) = (appearance(&mut sample, "field"), appearance(&mut sample, "stamp"));
    let document = &mut sample.document;
    let field = document.new_object_id();
    let script =
        document.add_object(dictionary! { "S" => "JavaScript", "JS" => Object::string_literal("app.alert(1)") });
    let widget = document.add_object(dictionary! {
        "Type" => "Annot", "Subtype" => "Widget", "Rect" => area([100, 500, 300, 550]), "F" => 4, "P" => page,
        "Parent" => field, "AA" => dictionary! { "E" => script }, "AP" => dictionary! { "N" => field_look },
    });
    let kids = vec![Object::Reference(widget)];
    document
        .objects
        .insert(field, dictionary! { "FT" => "Tx", "T" => Object::string_literal("n"), "Kids" => kids }.into());
    let stamp = document.add_object(dictionary! {
        "Type" => "Annot", "Subtype" => "Stamp", "Rect" => area([100, 400, 300, 450]), "F" => 4, "P" => page,
        "AP" => dictionary! { "N" => stamp_look },
    });
    let link = document.add_object(dictionary! {
        "Type" => "Annot", "Subtype" => "Link", "Rect" => area([100, 300, 300, 350]), "Border" => area([0, 0, 3, 0]),
        "A" => dictionary! { "S" => "URI", "URI" => Object::string_literal("https://example.org") },
    });
    let annotations: Vec<Object> = [widget, stamp, link].map(Object::from).to_vec();
    document.get_dictionary_mut(page).unwrap().set("Annots", annotations);
    let mut document = sample.finish();
    let form = document.add_object(dictionary! { "Fields" => vec![field.into()] });
    document.catalog_mut().unwrap().set("AcroForm", form);
    bytes(document)
}

/// Two layers, the second of which is hidden.
fn layered() -> Vec<u8> {
    let mut sample = Sample::new();
    let layer = |sample: &mut Sample, name: &str| {
        sample.document.add_object(dictionary! { "Type" => "OCG", "Name" => Object::string_literal(name) })
    };
    let (shown, hidden) = (layer(&mut sample, "shown"), layer(&mut sample, "hidden"));
    let resources = dictionary! {
        "Font" => dictionary! { "F1" => sample.font },
        "Properties" => dictionary! { "L1" => shown, "L2" => hidden },
    };
    let content =
        "/OC /L1 BDC BT /F1 40 Tf 100 700 Td (shown) Tj ET EMC /OC /L2 BDC BT /F1 90 Tf 100 500 Td (HIDDEN) Tj ET EMC";
    sample.page(content, dictionary! { "Resources" => resources });
    let mut document = sample.finish();
    let properties = dictionary! {
        "OCGs" => vec![shown.into(), hidden.into()],
        "D" => dictionary! { "OFF" => vec![hidden.into()] },
    };
    document.catalog_mut().unwrap().set("OCProperties", properties);
    bytes(document)
}

/// Forms, several content streams, an unusual unit, an object stream, a circle of references.
fn intricate() -> Vec<u8> {
    let mut sample = Sample::new();
    let font = sample.font;
    let fonts = dictionary! { "Font" => dictionary! { "F1" => font } };
    let form = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => area([0, 0, 300, 100]), "Resources" => fonts.clone() };
    let form = sample.document.add_object(Stream::new(form, b"BT /F1 50 Tf 5 10 Td (form) Tj ET".to_vec()));
    let parts: Vec<Object> = ["q 1 0 0 1 100 600 cm /X Do", "Q BT /F1 30 Tf 100 200 Td", "(split) Tj ET"]
        .map(|part| Object::from(sample.document.add_object(Stream::new(dictionary! {}, part.into()))))
        .to_vec();
    let circle = sample.document.new_object_id();
    let other = sample.document.add_object(dictionary! { "Circle" => circle });
    sample.document.objects.insert(circle, dictionary! { "Circle" => other, "Self" => circle }.into());
    let mut resources = fonts;
    resources.set("XObject", dictionary! { "X" => form });
    resources.set("Properties", dictionary! { "Circle" => circle });
    sample.page("", dictionary! { "Contents" => parts, "Resources" => resources });
    sample.page(
        "BT /F1 20 Tf 50 200 Td (unit) Tj ET",
        dictionary! { "MediaBox" => area([0, 0, 298, 421]), "UserUnit" => 2 },
    );
    bytes(sample.finish())
}

#[test]
fn pages_look_as_before() {
    assert_pages_look_as_before(&[Sample::letter(3).bytes(), inheriting(), intricate()]);
}

#[test]
fn annotations_keep_their_looks_but_not_their_actions() {
    assert_pages_look_as_before(&[annotated()]);
    let output = merged(&[annotated()]);
    for gone in ["JavaScript", "URI", "AcroForm", "Parent 0", "/P ", "/AA", "/Fields"] {
        assert!(memchr::memmem::find(&output, gone.as_bytes()).is_none(), "{gone}");
    }
}

#[test]
fn hidden_layers_stay_hidden() {
    assert_pages_look_as_before(&[layered(), Sample::letter(1).bytes(), layered()]);
}

#[test]
fn what_letters_share_is_stored_once() {
    let letter = |number: usize| {
        let mut sample = Sample::new();
        let program = sample
            .document
            .add_object(Stream::new(dictionary! {}, (0..50_000_u32).flat_map(u32::to_le_bytes).collect()));
        let descriptor = sample
            .document
            .add_object(dictionary! { "Type" => "FontDescriptor", "FontName" => "F", "FontFile2" => program });
        let font = sample.font;
        sample.document.get_dictionary_mut(font).unwrap().set("FontDescriptor", descriptor);
        sample.page(&format!("BT /F1 12 Tf 100 700 Td (letter {number}) Tj ET"), dictionary! {});
        sample.bytes()
    };
    let output = merged(&(0..20).map(letter).collect::<Vec<_>>());
    assert!(output.len() < 200_000 + 20 * 1_000, "{}", output.len());
    assert_eq!(inspect(&output).unwrap().pages(), 20);
}

#[test]
fn equal_bytes_for_equal_input_and_other_bytes_for_other() {
    let (one, two) = (annotated(), layered());
    assert_eq!(merged(&[one.clone(), two.clone()]), merged(&[one.clone(), two.clone()]));
    assert_ne!(merged(&[one.clone(), two.clone()]), merged(&[two, one]));
}

#[test]
fn large_files_have_balanced_trees() {
    for count in [0, 1, 31, 32, 33, 1_024, 1_025, 2_500] {
        let mut merger = Merger::new(Vec::new()).unwrap();
        for _ in 0..count {
            merger.blank().unwrap();
        }
        let output = merger.finish().unwrap();
        let pages = inspect(&output).map(|pdf| pdf.pages());
        assert_eq!(pages, if count == 0 { Err(PdfFault::NoPages) } else { Ok(count) });
        if count > 0 {
            assert_qpdf_finds_nothing(&output);
        }
    }
}

#[test]
fn a_page_that_is_not_there_is_an_error() {
    let file = Sample::letter(2).bytes();
    let pdf = inspect(&file).unwrap();
    let mut merger = Merger::new(Vec::new()).unwrap();
    for number in [0, 3, u32::MAX] {
        assert!(merger.page(&mut Source::new(&pdf), number).is_err());
    }
}

proptest! {
    /// Whatever happens to a file on its way, it is refused, or all its pages arrive.
    #[test]
    fn damage_gives_an_error_or_all_pages(which in 0..5_usize, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..12)) {
        let mut file = [annotated, layered, intricate, inheriting, || Sample::letter(3).bytes()][which]();
        for (place, byte, kind) in damage {
            let place = place.index(file.len());
            match kind {
                0 => file[place] = byte,
                1 => file.insert(place, byte),
                _ => drop(file.remove(place)),
            }
        }
        if let Ok(pdf) = inspect(&file) {
            let refused = !preflight(&pdf, &PrintLimits::default()).is_empty();
            let mut merger = Merger::new(Vec::new()).unwrap();
            let mut source = Source::new(&pdf);
            for number in 1..=pdf.pages() {
                match merger.page(&mut source, number) {
                    Err(error) if refused && error.kind() == std::io::ErrorKind::InvalidData => return Ok(()),
                    written => written.unwrap(),
                }
            }
            let output = merger.finish().unwrap();
            prop_assert_eq!(inspect(&output).map(|output| output.pages()), Ok(pdf.pages()));
        }
    }
}
