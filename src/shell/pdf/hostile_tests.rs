//! Files that are built to exhaust their reader. Each ends soon, as what it is, and in little memory.

use std::fmt::Write;

use super::preflight_tests::verdict;
use super::samples::{Raw, inspect};
use super::{Pdf, PdfFault};

const TEXT: &[u8] = b"BT /F1 12 Tf 100 700 Td (Hei) Tj ET";
const UNREADABLE: &str = "content-unreadable";

/// How it ends: at the gate, or before print.
fn end(raw: &Raw) -> String {
    match inspect(&raw.bytes) {
        Err(fault) => {
            assert_eq!(fault, PdfFault::Unreadable);
            "unreadable".to_owned()
        }
        Ok(_) => verdict(&raw.bytes),
    }
}

/// References to objects, as in an array.
fn list(numbers: std::ops::Range<u32>) -> String {
    numbers.fold(String::new(), |mut list, number| {
        let _ = write!(list, "{number} 0 R ");
        list
    })
}

/// So many pages that all say the same, with whatever else `more` adds.
fn pages(count: u32, page: &str, more: impl FnOnce(&mut Raw)) -> Raw {
    let mut raw = Raw::new();
    raw.object(1, b"<</Type/Catalog/Pages 2 0 R>>");
    raw.object(2, format!("<</Type/Pages/Kids[{}]>>", list(100_000..100_000 + count)).as_bytes());
    raw.object(4, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
    for number in 100_000..100_000 + count {
        let page = format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]{page}>>");
        raw.object(number, page.as_bytes());
    }
    more(&mut raw);
    raw.end(None);
    raw
}

fn with_content(entries: &str, content: &[u8]) -> Raw {
    let mut raw = Raw::page("");
    raw.packed(5, entries, content);
    raw.end(None);
    raw
}

#[test]
fn one_large_object_under_many_numbers() {
    let large = format!("[{}]", "1 ".repeat(60_000));
    let named = 200..240;
    let page = format!("/Annots[{}]", list(named.clone()));
    let mut within = Raw::page(&page);
    within.stream(5, "", TEXT);
    let index: String = named.clone().map(|number| format!("{number} 0 ")).collect();
    let entries = format!("/Type/ObjStm/N {}/First {}", named.len(), index.len());
    within.packed(50, &entries, (index + &large).as_bytes());
    let places: Vec<_> = named.clone().zip(0..).map(|(number, index)| (number, 50, index)).collect();
    within.end_modern(51, &places, None);
    assert_eq!(end(&within), "unreadable");
    let mut table = Raw::page(&page);
    table.stream(5, "", TEXT);
    table.object(200, large.as_bytes());
    let at = table.offsets.last().unwrap().1;
    table.offsets.extend(named.skip(1).map(|number| (number, at)));
    table.end(None);
    assert_eq!(end(&table), "unreadable");
}

#[test]
fn one_value_of_millions() {
    for value in [
        format!("[{}]", "0 ".repeat(600_000)),
        format!("[{}]", "[]".repeat(600_000)),
        format!("<<{}>>", "/a 0/b 0".repeat(300_000)),
    ] {
        let mut raw = Raw::page("/Annots 60 0 R");
        raw.stream(5, "", TEXT);
        raw.object(60, value.as_bytes());
        raw.end(None);
        assert_eq!(end(&raw), "unreadable", "{}", &value[..5]);
    }
    for operands in [
        "1 ".repeat(600_000) + "m",
        format!("[{}] TJ", "1 ".repeat(600_000)),
        format!("[{}] TJ", "() ".repeat(600_000)),
    ] {
        assert_eq!(end(&with_content("", operands.as_bytes())), format!("{UNREADABLE} [1]"), "{}", &operands[..5]);
    }
}

#[test]
fn what_unpacks_without_end() {
    let twice = super::samples::flate(&super::samples::flate(&vec![b' '; 24 << 20]));
    let mut raw = Raw::page("");
    raw.stream(5, "/Filter[/FlateDecode/FlateDecode]", &twice);
    raw.end(None);
    assert_eq!(end(&raw), format!("{UNREADABLE} [1]"));
    let mut raw = Raw::page("");
    raw.object(5, format!("[{}]", "6 0 R ".repeat(100)).as_bytes());
    raw.packed(6, "", &b"q Q ".repeat(100_000));
    raw.end(None);
    assert_eq!(end(&raw), format!("{UNREADABLE} [1]"));
}

#[test]
fn many_pages_that_share_much() {
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";
    let shared = [
        ("/Contents 60 0 R", format!("[{}]", "61 0 R ".repeat(20_000))),
        ("/Contents 61 0 R/Annots 60 0 R", format!("[{}]", "62 0 R ".repeat(20_000))),
        ("/Contents 61 0 R/Annots 60 0 R", format!("[{}]", list(1_000..3_000))),
    ];
    for (page, list) in shared {
        let raw = pages(300, page, |raw| {
            raw.object(60, list.as_bytes());
            raw.stream(61, "", b"");
            raw.object(62, b"<</Subtype/Link/Rect[0 0 9 9]>>");
            (1_000..3_000).for_each(|number| raw.object(number, b"<</Subtype/Link/Rect[0 0 9 9]>>"));
        });
        assert!(end(&raw).contains(UNREADABLE), "{page}");
    }
    // Fonts are looked at once, however many pages have them.
    let fonts: String = (1_000..3_000).map(|number| format!("/F{number} {number} 0 R")).collect();
    let raw = pages(300, "/Contents 61 0 R/Resources 60 0 R", |raw| {
        raw.object(60, format!("<</Font<<{fonts}>>>>").as_bytes());
        raw.stream(61, "", b"");
        (1_000..3_000).for_each(|number| raw.object(number, font.as_bytes()));
    });
    assert_eq!(end(&raw), "ok");
}

#[test]
fn small_files_that_would_become_large_batches() {
    let raw = |resources: String, annots: String, pages: u32| {
        let kids = list(100_000..100_000 + pages);
        let mut raw = Raw::new();
        raw.object(1, b"<</Type/Catalog/Pages 2 0 R>>");
        raw.object(2, format!("<</Type/Pages/Kids[{kids}]/MediaBox[0 0 595 842]/Resources{resources}>>").as_bytes());
        raw.object(61, annots.as_bytes());
        raw.object(62, format!("<</Subtype/Stamp/F 4/Rect[0 0 9 9]/Contents({})>>", "x".repeat(1_000)).as_bytes());
        for number in 100_000..100_000 + pages {
            raw.object(number, b"<</Type/Page/Parent 2 0 R/Annots 61 0 R>>");
        }
        raw.end(None);
        raw
    };
    let fonts: String = (0..6_000).map(|n| format!("/F{n}<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")).collect();
    assert!(end(&raw(format!("<</Font<<{fonts}>>>>"), "[]".into(), 300)).contains(UNREADABLE));
    assert!(end(&raw(format!("<</Junk({})>>", "x".repeat(150_000)), "[]".into(), 300)).contains(UNREADABLE));
    assert!(end(&raw("<<>>".into(), format!("[{}]", "62 0 R ".repeat(200)), 300)).contains(UNREADABLE));
    assert!(!end(&raw("<<>>".into(), format!("[{}]", "62 0 R ".repeat(10)), 100)).contains(UNREADABLE));
}

#[test]
fn forms_that_call_forms() {
    let forms = |innermost: &[u8]| {
        let mut raw = Raw::page("");
        let resources = |next: u32| {
            format!("/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</X {next} 0 R>>/Font<</F1 4 0 R>>>>")
        };
        raw.offsets.retain(|(number, _)| *number != 3);
        let page = format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R{}>>", &resources(100)[31..]);
        raw.object(3, page.as_bytes());
        raw.stream(5, "", b"/X Do");
        (100..111).for_each(|number| raw.stream(number, &resources(number + 1), &b"/X Do ".repeat(100)));
        raw.stream(111, &resources(112), innermost);
        raw.end(None);
        raw
    };
    assert_eq!(end(&forms(TEXT)), format!("{UNREADABLE} [1]"));
    // What shows no text is followed once.
    assert_eq!(end(&forms(b"0 0 m 9 9 l S")), "ok");
}

#[test]
fn files_that_cannot_be_looked_through() {
    for (piece, count) in [
        ("1 0 obj<</Length 9>>stream\n", 50_000),
        ("1 0 obj %", 50_000),
        ("trailer<</Root 1 0 R>>", 50_000),
        ("9 0 obj [[[[", 50_000),
    ] {
        let file = format!("%PDF-1.4\n{}\nstartxref\n0\n%%EOF\n", piece.repeat(count));
        assert_eq!(inspect(file.as_bytes()).map(|pdf| pdf.pages()), Err(PdfFault::Unreadable), "{piece}");
    }
    let mut sections = b"%PDF-1.4\n".to_vec();
    let mut prev = 0;
    for _ in 0..5_000 {
        let at = sections.len();
        sections.extend(format!("xref\n0 0\ntrailer<</Root 1 0 R/Prev {prev}>>\n").bytes());
        prev = at;
    }
    sections.extend(format!("startxref\n{prev}\n%%EOF\n").bytes());
    assert_eq!(inspect(&sections).map(|pdf| pdf.pages()), Err(PdfFault::Unreadable));
}

#[test]
fn an_honest_letter_spends_a_small_part() {
    let raw = pages(200, "/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>", |raw| {
        raw.packed(5, "", &b"BT /F1 12 Tf 100 700 Td (En linje tekst, som i et brev) Tj ET\n".repeat(50));
    });
    let pdf: Pdf = inspect(&raw.bytes).unwrap();
    let before = pdf.budget.work_left();
    assert_eq!(super::preflight(&pdf, &crate::core::print::PrintLimits::default()), []);
    // Of two milliards.
    assert!(before - pdf.budget.work_left() < 30_000_000, "{}", before - pdf.budget.work_left());
}
