use lopdf::{Dictionary, Object, Stream, dictionary};

use super::preflight_tests::{MARGIN, area, verdict, verdict_within};
use super::samples::{Sample, bytes};
use crate::core::print::PrintLimits;

/// A page whose one font is this.
fn with_font(make: impl Fn(&mut Sample) -> Dictionary) -> String {
    let mut sample = Sample::new();
    let font = make(&mut sample);
    let font = sample.document.add_object(font);
    let resources = dictionary! { "Font" => dictionary! { "F1" => font } };
    sample.page("BT /F1 12 Tf 100 700 Td (x) Tj ET", dictionary! { "Resources" => resources });
    verdict(&sample.bytes())
}

#[test]
fn fonts() {
    const FONT: &str = "font-not-embedded [1]";
    let simple = |name: &str| dictionary! { "Type" => "Font", "Subtype" => "TrueType", "BaseFont" => name };
    for (name, expected) in [
        ("Helvetica", "ok"),
        ("Times-Roman", "ok"),
        ("TimesNewRomanPSMT", "ok"),
        ("Courier New", "ok"),
        ("Zapf Dingbats", "ok"),
        ("ABCDEF+Arial-BoldMT", "ok"),
        ("Calibri", FONT),
        ("", FONT),
    ] {
        assert_eq!(with_font(|_| simple(name)), expected, "{name}");
    }
    assert_eq!(with_font(|_| dictionary! { "Type" => "Font", "Subtype" => "Type3" }), "ok");
    for (key, value) in [("FontFile", "ok"), ("FontFile2", "ok"), ("FontFile3", "ok"), ("Flags", FONT)] {
        let described = |sample: &mut Sample| {
            let program = sample.document.add_object(Stream::new(dictionary! {}, vec![0; 9]));
            let descriptor = dictionary! { "Type" => "FontDescriptor", "FontName" => "Calibri", key => program };
            let mut font = simple("Calibri");
            font.set("FontDescriptor", sample.document.add_object(descriptor));
            font
        };
        assert_eq!(with_font(described), value, "{key}");
        let composite = |sample: &mut Sample| {
            let descendant = described(sample);
            let descendant = sample.document.add_object(descendant);
            dictionary! { "Type" => "Font", "Subtype" => "Type0", "BaseFont" => "Calibri", "Encoding" => "Identity-H", "DescendantFonts" => vec![descendant.into()] }
        };
        assert_eq!(with_font(composite), value, "composite {key}");
    }
}

#[test]
fn an_unembedded_font_in_a_form() {
    let mut sample = Sample::new();
    let font =
        sample.document.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Garamond" });
    let form = dictionary! { "Subtype" => "Form", "BBox" => area([0, 0, 9, 9]), "Resources" => dictionary! { "Font" => dictionary! { "F" => font } } };
    let form = sample.document.add_object(Stream::new(form, Vec::new()));
    sample.page("", dictionary! {});
    sample.page("", dictionary! { "Resources" => dictionary! { "XObject" => dictionary! { "X" => form } } });
    assert_eq!(verdict(&sample.bytes()), "font-not-embedded [2]");
}

#[test]
fn white_space_is_what_the_font_says_it_is() {
    let with_map = |target: &str| {
        let mut sample = Sample::new();
        let map = format!(
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def 1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfchar <25> <{target}> endbfchar endcmap CMapName currentdict /CMap defineresource pop end end"
        );
        let map = sample.document.add_object(Stream::new(dictionary! {}, map.into_bytes()));
        let font = dictionary! { "Type" => "Font", "Subtype" => "TrueType", "BaseFont" => "Arial", "Encoding" => "WinAnsiEncoding", "ToUnicode" => map };
        let font = sample.document.add_object(font);
        let resources = dictionary! { "Font" => dictionary! { "F1" => font } };
        sample.page("BT /F1 12 Tf 20 450 Td (%) Tj ET", dictionary! { "Resources" => resources });
        verdict(&sample.bytes())
    };
    assert_eq!(with_map("0020"), "ok");
    assert_eq!(with_map("00A0"), "ok");
    assert_eq!(with_map("0041"), MARGIN);
}

#[test]
fn versions() {
    for (version, expected) in [
        ("1.0", "ok"),
        ("1.4", "ok"),
        ("1.7", "ok"),
        ("1.8", "unsupported-pdf-version"),
        ("2.0", "unsupported-pdf-version"),
    ] {
        let mut document = Sample::letter(1).finish();
        document.version = version.to_owned();
        assert_eq!(verdict(&bytes(document)), expected, "{version}");
    }
    let mut document = Sample::letter(1).finish();
    document.catalog_mut().unwrap().set("Version", Object::Name(b"2.0".to_vec()));
    assert_eq!(verdict(&bytes(document)), "unsupported-pdf-version");
}

#[test]
fn page_limit_and_several_violations_at_once() {
    let mut sample = Sample::letter(2);
    sample.page("BT /F1 12 Tf 20 450 Td (x) Tj ET", dictionary! {});
    sample.page("", dictionary! { "MediaBox" => area([0, 0, 100, 100]) });
    sample.page("BT /F1 12 Tf 20 450 Td (x) Tj ET", dictionary! {});
    let file = sample.bytes();
    let limit = |max| PrintLimits { pages_max: Some(max), ..PrintLimits::default() };
    assert_eq!(verdict_within(&file, &limit(5)), "unsupported-dimensions [4], insufficient-margin [3, 5]");
    assert_eq!(
        verdict_within(&file, &limit(4)),
        "too-many-pages, unsupported-dimensions [4], insufficient-margin [3, 5]"
    );
}
