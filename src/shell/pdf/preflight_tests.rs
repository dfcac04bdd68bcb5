use lopdf::{Dictionary, Object, Stream, dictionary};

use super::samples::{Raw, Sample, bytes, flate, inspect, preflight};
use crate::core::print::limits::Uninterpretable;
use crate::core::print::{Millimetres, PrintLimits};

/// The codes of the violations, with their pages, as one line.
pub(super) fn verdict_within(file: &[u8], limits: &PrintLimits) -> String {
    let violations = preflight(&inspect(file).expect("passes the gate"), limits);
    let shown: Vec<String> = violations
        .iter()
        .map(|violation| match violation.pages.as_slice() {
            [] => violation.rule.code().to_owned(),
            pages => format!("{} {pages:?}", violation.rule.code()),
        })
        .collect();
    if shown.is_empty() { "ok".to_owned() } else { shown.join(", ") }
}

pub(super) fn verdict(file: &[u8]) -> String {
    verdict_within(file, &PrintLimits::default())
}

/// The verdict on one page with this content and these attributes.
fn page(content: &str, extra: Dictionary) -> String {
    let mut sample = Sample::new();
    sample.page(content, extra);
    verdict(&sample.bytes())
}

/// A box of whole points.
pub(super) fn area(numbers: [i64; 4]) -> Object {
    numbers.map(Object::from).to_vec().into()
}

pub(super) const MARGIN: &str = "insufficient-margin [1]";
const SIZE: &str = "unsupported-dimensions [1]";

#[test]
fn text_in_the_barcode_zone() {
    // A4 is 842 points high: the zone is x 0 to 42.5 and y 346.1 to 572.8 from below.
    for (what, content, expected) in [
        ("in the middle", "BT /F1 12 Tf 20 450 Td (x) Tj ET", MARGIN),
        ("just inside the right edge", "BT /F1 12 Tf 42.4 450 Td (x) Tj ET", MARGIN),
        ("just outside the right edge", "BT /F1 12 Tf 42.6 450 Td (x) Tj ET", "ok"),
        ("just above", "BT /F1 12 Tf 20 573 Td (x) Tj ET", "ok"),
        ("just under the upper edge", "BT /F1 12 Tf 20 572.6 Td (x) Tj ET", MARGIN),
        ("just over the lower edge", "BT /F1 12 Tf 20 346.3 Td (x) Tj ET", MARGIN),
        ("just below", "BT /F1 12 Tf 20 345.9 Td (x) Tj ET", "ok"),
        ("on the page's edge", "BT /F1 12 Tf 0 450 Td (x) Tj ET", MARGIN),
        ("left of the page", "BT /F1 12 Tf -10 450 Td (i) Tj ET", "ok"),
        ("reaching in from the left of the page", "BT /F1 12 Tf -10 450 Td (wwww) Tj ET", MARGIN),
        ("white space", "BT /F1 12 Tf 20 450 Td (   \\t\\n ) Tj ET", "ok"),
        ("a word after white space that reaches out of the zone", "BT /F1 12 Tf 20 450 Td (          x) Tj ET", "ok"),
        ("a word after white space within the zone", "BT /F1 12 Tf 0 450 Td (     x) Tj ET", MARGIN),
        ("an empty string", "BT /F1 12 Tf 20 450 Td () Tj ET", "ok"),
        ("invisible", "BT 3 Tr /F1 12 Tf 20 450 Td (x) Tj ET", MARGIN),
        ("an adjustment that moves it out", "BT /F1 10 Tf 20 450 Td [-3000 (x)] TJ ET", "ok"),
        ("an adjustment that moves it in", "BT /F1 10 Tf 50 450 Td [3000 (x)] TJ ET", MARGIN),
        ("by text matrix", "BT /F1 1 Tf 12 0 0 12 20 450 Tm (x) Tj ET", MARGIN),
        ("by scaled page space", "q .24 0 0 .24 20 450 cm BT 50 0 0 50 0 0 Tm /F1 1 Tf (x) Tj ET Q", MARGIN),
        ("scaled out of the zone", "q 3 0 0 3 0 0 cm BT /F1 4 Tf 20 150 Td (x) Tj ET Q", "ok"),
        ("after the state is restored", "q 1 0 0 1 200 0 cm Q BT /F1 12 Tf 20 450 Td (x) Tj ET", MARGIN),
        ("on the next line", "BT /F1 12 Tf 14 TL 20 580 Td (\\040) Tj T* (x) Tj ET", MARGIN),
        ("by quote", "BT /F1 12 Tf 14 TL 20 580 Td (x) ' ET", MARGIN),
        ("by double quote", "BT /F1 12 Tf 14 TL 20 580 Td 0 0 (x) \" ET", MARGIN),
        ("by TD", "BT /F1 12 Tf 20 700 Td 0 -200 TD (x) Tj ET", MARGIN),
        ("raised into it", "BT /F1 12 Tf 20 340 Td 10 Ts (x) Tj ET", MARGIN),
        ("turned upwards from below", "BT /F1 12 Tf 0 1 -1 0 20 300 Tm (wwwwwwwww) Tj ET", MARGIN),
        ("turned upwards but short", "BT /F1 12 Tf 0 1 -1 0 20 300 Tm (www) Tj ET", "ok"),
        ("character spacing carries it in", "BT /F1 12 Tf -60 450 Td 60 Tc (xx) Tj ET", MARGIN),
        ("stretched", "BT /F1 12 Tf 400 Tz -20 450 Td (xx) Tj ET", MARGIN),
        ("a rule, not text", "20 450 m 20 500 l S", "ok"),
        ("nothing", "", "ok"),
    ] {
        assert_eq!(page(content, dictionary! {}), expected, "{what}");
    }
}

#[test]
fn the_page_as_its_reader_sees_it() {
    let inside = "BT /F1 12 Tf 20 450 Td (x) Tj ET";
    for (what, content, extra, expected) in [
        (
            "origin elsewhere",
            "BT /F1 12 Tf 120 550 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([100, 100, 695, 942]) },
            MARGIN,
        ),
        ("origin elsewhere, text outside", inside, dictionary! { "MediaBox" => area([-100, 0, 495, 842]) }, "ok"),
        (
            "cropped to A4",
            "BT /F1 12 Tf 60 450 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 700, 900]), "CropBox" => area([50, 20, 645, 862]) },
            MARGIN,
        ),
        (
            "crop box larger than the media box",
            inside,
            dictionary! { "CropBox" => area([-500, -500, 2000, 2000]) },
            MARGIN,
        ),
        ("corners in the other order", inside, dictionary! { "MediaBox" => area([595, 842, 0, 0]) }, MARGIN),
        ("upside down, inside", "BT /F1 12 Tf 575 392 Td (x) Tj ET", dictionary! { "Rotate" => 180 }, MARGIN),
        ("askew", inside, dictionary! { "Rotate" => 45 }, MARGIN),
        ("upside down, outside", inside, dictionary! { "Rotate" => 180 }, "ok"),
        // Landscape: x 269.2 to 495.9 from the left, the lowest 42.5 points.
        (
            "landscape, inside",
            "BT /F1 12 Tf 300 20 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 842, 595]) },
            MARGIN,
        ),
        (
            "landscape, above",
            "BT /F1 12 Tf 300 43 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 842, 595]) },
            "ok",
        ),
        (
            "landscape, left",
            "BT /F1 12 Tf 260 20 Td (i) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 842, 595]) },
            "ok",
        ),
        (
            "landscape, the portrait zone",
            "BT /F1 12 Tf 20 300 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 842, 595]) },
            "ok",
        ),
        (
            "landscape by 90 degrees, inside",
            "BT /F1 12 Tf 0 1 -1 0 575 300 Tm (x) Tj ET",
            dictionary! { "Rotate" => 90 },
            MARGIN,
        ),
        ("landscape by 90 degrees, outside", inside, dictionary! { "Rotate" => 90 }, "ok"),
        (
            "landscape by 270 degrees, inside",
            "BT /F1 12 Tf 20 400 Td (x) Tj ET",
            dictionary! { "Rotate" => 270 },
            MARGIN,
        ),
        (
            "landscape by minus 90 degrees, inside",
            "BT /F1 12 Tf 20 400 Td (x) Tj ET",
            dictionary! { "Rotate" => -90 },
            MARGIN,
        ),
        (
            "portrait by 90 degrees",
            "BT /F1 12 Tf 400 20 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 842, 595]), "Rotate" => 90 },
            MARGIN,
        ),
        (
            "portrait by 90 degrees, outside",
            "BT /F1 12 Tf 400 50 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 842, 595]), "Rotate" => 90 },
            "ok",
        ),
        (
            "half the unit, inside",
            "BT /F1 6 Tf 10 225 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 298, 421]), "UserUnit" => 2 },
            MARGIN,
        ),
        (
            "half the unit",
            "BT /F1 6 Tf 22 225 Td (x) Tj ET",
            dictionary! { "MediaBox" => area([0, 0, 298, 421]), "UserUnit" => 2 },
            "ok",
        ),
        ("A5", "", dictionary! { "MediaBox" => area([0, 0, 420, 595]) }, SIZE),
        ("US Letter", "", dictionary! { "MediaBox" => area([0, 0, 612, 792]) }, SIZE),
        (
            "A4 crop of US Letter",
            "",
            dictionary! { "MediaBox" => area([0, 0, 612, 792]), "CropBox" => area([0, 0, 595, 842]) },
            SIZE,
        ),
        ("9 mm too narrow", "", dictionary! { "MediaBox" => area([0, 0, 570, 842]) }, "ok"),
        ("11 mm too narrow", "", dictionary! { "MediaBox" => area([0, 0, 564, 842]) }, SIZE),
        ("1 mm too wide", "", dictionary! { "MediaBox" => area([0, 0, 598, 842]) }, SIZE),
    ] {
        assert_eq!(page(content, extra), expected, "{what}");
    }
}

#[test]
fn boxes_and_rotation_are_inherited() {
    let mut sample = Sample::new();
    let first = sample.page("BT /F1 12 Tf 300 20 Td (x) Tj ET", dictionary! {});
    let tree = sample.tree;
    let mut document = sample.finish();
    document.get_dictionary_mut(first).unwrap().remove(b"MediaBox");
    document.get_dictionary_mut(tree).unwrap().set("MediaBox", area([0, 0, 842, 595]));
    assert_eq!(verdict(&bytes(document.clone())), MARGIN);
    document.get_dictionary_mut(tree).unwrap().set("Rotate", 180);
    assert_eq!(verdict(&bytes(document)), "ok");
}

/// A page that draws a form at the origin; the form has this matrix and content.
fn with_form(matrix: [i64; 6], content: &str, own_resources: bool) -> String {
    let mut sample = Sample::new();
    let mut form = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => area([0, 0, 595, 842]), "Matrix" => matrix.map(Object::from).to_vec() };
    let fonts = dictionary! { "Font" => dictionary! { "F1" => sample.font } };
    if own_resources {
        form.set("Resources", fonts.clone());
    }
    let form = sample.document.add_object(Stream::new(form, content.into()));
    let mut resources = fonts;
    resources.set("XObject", dictionary! { "X" => form });
    sample.page("/X Do", dictionary! { "Resources" => resources });
    verdict(&sample.bytes())
}

#[test]
fn text_in_forms() {
    let content = "BT /F1 12 Tf 20 450 Td (x) Tj ET";
    for own in [true, false] {
        assert_eq!(with_form([1, 0, 0, 1, 0, 0], content, own), MARGIN);
        assert_eq!(with_form([1, 0, 0, 1, 100, 0], content, own), "ok");
    }
}

#[test]
fn a_form_that_draws_itself_ends() {
    let mut sample = Sample::new();
    let id = sample.document.new_object_id();
    let resources = dictionary! { "XObject" => dictionary! { "X" => id } };
    let form = dictionary! { "Subtype" => "Form", "BBox" => area([0, 0, 9, 9]), "Resources" => resources.clone() };
    sample.document.objects.insert(id, Stream::new(form, b"/X Do /X Do /X Do".to_vec()).into());
    sample.page("/X Do", dictionary! { "Resources" => resources });
    assert_eq!(verdict(&sample.bytes()), "ok");
}

#[test]
fn a_page_that_cannot_be_interpreted_is_judged_by_the_senders_rule() {
    let strict = PrintLimits { uninterpretable: Uninterpretable::Refuse, ..PrintLimits::default() };
    for content in ["BT /F1 12 Tf 100 700 Td (never closed Tj ET", "BT /Unknown 12 Tf 100 700 Td (x) Tj ET", "[ [ q"] {
        let mut sample = Sample::new();
        sample.page(content, dictionary! {});
        let file = sample.bytes();
        assert_eq!(verdict(&file), "ok", "{content}");
        assert_eq!(verdict_within(&file, &strict), MARGIN, "{content}");
    }
}

#[test]
fn text_in_the_zone_is_found_behind_what_cannot_be_understood() {
    let content = "BT /Unknown 12 Tf 100 700 Td (x) Tj ET BT /F1 12 Tf 20 450 Td (x) Tj ET";
    assert_eq!(page(content, dictionary! {}), MARGIN);
}

#[test]
fn the_zone_is_a_setting() {
    let mut sample = Sample::new();
    sample.page("BT /F1 12 Tf 48 450 Td (x) Tj ET", dictionary! {});
    let file = sample.bytes();
    let mut limits = PrintLimits::default();
    assert_eq!(verdict_within(&file, &limits), "ok");
    limits.barcode_zone.width = Millimetres::try_from(18.0).unwrap();
    assert_eq!(verdict_within(&file, &limits), MARGIN);
    limits.barcode_zone.width = Millimetres::try_from(0.0).unwrap();
    assert_eq!(verdict_within(&file, &limits), "ok");
}

#[test]
fn content_that_cannot_be_unpacked() {
    const UNREADABLE: &str = "content-unreadable [1]";
    let whole = flate(&b"BT /F1 12 Tf 100 700 Td (x) Tj ET\n".repeat(40));
    let with = |filter: &str, data: &[u8]| {
        let mut raw = Raw::page("");
        raw.stream(5, &format!("/Filter/{filter}"), data);
        raw.end(None);
        verdict(&raw.bytes)
    };
    assert_eq!(with("FlateDecode", &whole), "ok");
    assert_eq!(with("Fl", &whole), "ok");
    // The checksum nobody looks at.
    assert_eq!(with("FlateDecode", &whole[..whole.len() - 4]), "ok");
    assert_eq!(with("FlateDecode", &whole[..whole.len() / 2]), UNREADABLE);
    let mut spoilt = whole.clone();
    spoilt[0] = b'?';
    assert_eq!(with("FlateDecode", &spoilt), UNREADABLE);
    assert_eq!(with("DCTDecode", &whole), UNREADABLE, "a picture is no content");
    assert_eq!(with("BrotliDecode", &whole), "content-unreadable");
    // Likewise in a form that the page draws, and for a picture.
    let drawn = |entries: &str, data: &[u8]| {
        let mut raw = Raw::page("/Unused[]/Resources<</XObject<</X 6 0 R>>>>");
        raw.stream(5, "", b"/X Do");
        raw.stream(6, entries, data);
        raw.end(None);
        verdict(&raw.bytes)
    };
    assert_eq!(drawn("/Subtype/Form/BBox[0 0 9 9]/Filter/FlateDecode", &whole), "ok");
    assert_eq!(drawn("/Subtype/Form/BBox[0 0 9 9]/Filter/FlateDecode", &spoilt), UNREADABLE);
    assert_eq!(drawn("/Subtype/Image/Filter/DCTDecode", &spoilt), "ok");
    assert_eq!(drawn("/Subtype/Image/Filter/BrotliDecode", &spoilt), "content-unreadable");
}

#[test]
fn what_its_reader_sees_is_not_on_the_pages() {
    let with = |catalog: &str, page: &str| {
        let mut raw = Raw::page(page);
        raw.offsets.retain(|(number, _)| *number != 1);
        raw.object(1, format!("<</Type/Catalog/Pages 2 0 R{catalog}>>").as_bytes());
        raw.stream(5, "", b"BT /F1 12 Tf 100 700 Td (Please wait...) Tj ET");
        raw.stream(6, "", b"<xdp/>");
        raw.end(None);
        verdict(&raw.bytes)
    };
    let field = "/Annots[<</Subtype/Widget/FT/Tx/Rect[9 9 99 99]>>]";
    let signature = "/Annots[<</Subtype/Widget/FT/Sig/Rect[9 9 99 99]>>]";
    for (catalog, page, expected) in [
        ("", "", "ok"),
        ("/Collection<</View/D>>", "", "portfolio"),
        ("/Collection null", "", "ok"),
        ("/AcroForm<</XFA[(template)6 0 R]/Fields[]>>", "", "xfa"),
        ("/AcroForm<</XFA 6 0 R>>", signature, "xfa"),
        ("/AcroForm<</XFA null/Fields[]>>", "", "ok"),
        ("/AcroForm<</Fields[]>>", field, "ok"),
        // The fields stand on the page as well.
        ("/AcroForm<</XFA 6 0 R>>", field, "ok"),
        ("/NeedsRendering true/AcroForm<</XFA 6 0 R>>", field, "xfa"),
    ] {
        assert_eq!(with(catalog, page), expected, "{catalog} {page}");
    }
}
