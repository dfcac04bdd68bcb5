use lopdf::{EncryptionState, EncryptionVersion, Object, Permissions, SaveOptions, Stream, dictionary};

use super::samples::{Raw, Sample, bytes, container, flate, inspect};
use super::{PdfFault, guarded};
use crate::core::letter::hex;
use crate::panics;

fn pages(bytes: &[u8]) -> Result<u32, PdfFault> {
    inspect(bytes).map(|pdf| pdf.pages())
}

/// The same document with object streams and a cross-reference stream.
fn modern(sample: Sample) -> Vec<u8> {
    let mut document = sample.finish();
    let mut bytes = Vec::new();
    let options = SaveOptions::builder().use_object_streams(true).use_xref_streams(true).build();
    document.save_with_options(&mut bytes, options).unwrap();
    bytes
}

fn encrypted(user: &str, owner: &str) -> Vec<u8> {
    let mut document = Sample::letter(2).finish();
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: owner,
        user_password: user,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    bytes(document)
}

/// The last resort, for a parser's mistake that nobody has met yet.
#[test]
fn a_panic_in_a_parser_is_the_documents_own() {
    assert_eq!(panics::counted(|| guarded(|| [0; 1][std::hint::black_box(1)])), (1, None::<i32>));
    assert_eq!(guarded(|| 1), Some(1));
}

#[test]
fn whole_files_have_their_pages() {
    for count in [1, 2, 7] {
        assert_eq!(pages(&Sample::letter(count).bytes()), Ok(count as u32));
        assert_eq!(pages(&modern(Sample::letter(count))), Ok(count as u32));
    }
}

#[test]
fn encrypted_with_any_password() {
    for (user, owner) in [("secret", "owner"), ("", "owner"), ("", "")] {
        assert_eq!(pages(&encrypted(user, owner)), Err(PdfFault::Encrypted), "{user:?} {owner:?}");
    }
}

#[test]
fn encrypted_in_a_way_that_nobody_knows() {
    let mut document = Sample::letter(1).finish();
    let filter = document.add_object(dictionary! { "Filter" => "Unheard-of", "V" => 99 });
    document.trailer.set("Encrypt", filter);
    assert_eq!(pages(&bytes(document)), Err(PdfFault::Encrypted));
}

#[test]
fn not_a_pdf_at_all() {
    for garbage in [&b""[..], b"%PDF-1.4", b"%PDF-1.4\n%%EOF", b"PK\x03\x04 zip", b"%%EOF", &[0; 4096]] {
        assert_eq!(pages(garbage), Err(PdfFault::Unreadable));
    }
}

#[test]
fn truncated_anywhere_is_unreadable() {
    for whole in [Sample::letter(3).bytes(), modern(Sample::letter(3))] {
        let end = whole.len() - whole.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
        for cut in 0..end {
            assert_eq!(pages(&whole[..cut]), Err(PdfFault::Unreadable), "cut at {cut} of {end}");
        }
        assert_eq!(pages(&whole[..end]), Ok(3));
    }
}

#[test]
fn half_written_update_is_unreadable() {
    let mut update = Sample::letter(2).bytes();
    update.extend(b"9 0 obj\n<< /Type /Page >>\nend");
    assert_eq!(pages(&update), Err(PdfFault::Unreadable));
}

#[test]
fn a_hole_of_zeros_is_unreadable() {
    // A file system may show a file at its full size before the middle of it has arrived.
    let whole = Sample::letter(5).bytes();
    let objects = whole.windows(4).position(|window| window == b"xref").unwrap();
    let mut refused = 0;
    for start in (64..objects - 64).step_by(16) {
        let mut holed = whole.clone();
        holed[start..start + 64].fill(0);
        match pages(&holed) {
            Err(PdfFault::Unreadable) => refused += 1,
            // A hole inside the bytes of a content stream is beyond a structural check.
            other => assert_eq!(other, Ok(5)),
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn a_broken_object_counts_when_a_page_needs_it() {
    // The object's own header is gone; the table still says that it is there.
    let broken = |needed: bool| {
        let mut sample = Sample::new();
        let object = sample.document.add_object(Stream::new(dictionary! { "Marked" => true }, b"q Q".to_vec()));
        let extra = if needed {
            dictionary! { "Contents" => object }
        } else {
            dictionary! {}
        };
        sample.page("", extra);
        let mut file = sample.bytes();
        let header = format!("\n{} 0 obj", object.0);
        let start = file.windows(header.len()).position(|window| window == header.as_bytes()).unwrap();
        file[start + 1..start + header.len()].fill(b'x');
        pages(&file)
    };
    assert_eq!(broken(true), Err(PdfFault::Unreadable));
    assert_eq!(broken(false), Ok(1));
}

#[test]
fn untidy_but_complete_files_pass() {
    let whole = Sample::letter(2).bytes();
    // Bytes before the header shift every offset.
    let mut shifted = b"\r\n\r\n".to_vec();
    shifted.extend(&whole);
    assert_eq!(pages(&shifted), Ok(2));
    // A cross-reference table that points nowhere.
    let text = String::from_utf8_lossy(&whole);
    let start = text.rfind("startxref").unwrap();
    let mut lost = whole[..start].to_vec();
    lost.extend(b"startxref\n99999\n%%EOF\n");
    assert_eq!(pages(&lost), Ok(2));
    // Bytes after the end mark.
    let mut padded = whole;
    padded.extend([0; 500]);
    assert_eq!(pages(&padded), Ok(2));
}

#[test]
fn a_lying_count_is_not_believed() {
    for count in [0, 1, 999, -3] {
        let sample = Sample::letter(3);
        let tree = sample.tree;
        let mut document = sample.finish();
        document.get_dictionary_mut(tree).unwrap().set("Count", count);
        assert_eq!(pages(&bytes(document)), Ok(3), "/Count {count}");
    }
}

#[test]
fn an_empty_page_tree_has_no_pages() {
    assert_eq!(pages(&Sample::new().bytes()), Err(PdfFault::NoPages));
}

#[test]
fn circular_broken_and_bottomless_page_trees_are_unreadable() {
    let circular = Sample::letter(1);
    let tree = circular.tree;
    let mut circular = circular.finish();
    circular.get_dictionary_mut(tree).unwrap().set("Kids", vec![tree.into()]);
    assert_eq!(pages(&bytes(circular)), Err(PdfFault::Unreadable));

    let broken = Sample::letter(1);
    let tree = broken.tree;
    let mut broken = broken.finish();
    broken.get_dictionary_mut(tree).unwrap().set("Kids", vec![Object::Reference((4_000, 0))]);
    assert_eq!(pages(&bytes(broken)), Err(PdfFault::Unreadable));

    // Each level has two kids that are the same node: 2^60 pages.
    let wide = Sample::letter(1);
    let tree = wide.tree;
    let mut wide = wide.finish();
    let mut below = wide.get_dictionary(tree).unwrap().get(b"Kids").unwrap().as_array().unwrap()[0].clone();
    for _ in 0..60 {
        let node = dictionary! { "Type" => "Pages", "Kids" => vec![below.clone(), below], "Count" => 2 };
        below = wide.add_object(node).into();
    }
    wide.get_dictionary_mut(tree).unwrap().set("Kids", vec![below]);
    assert_eq!(pages(&bytes(wide)), Err(PdfFault::Unreadable));
}

#[test]
fn absurd_nesting_is_unreadable_and_does_not_overflow_the_stack() {
    for (open, close) in [("[", "]"), ("<<", ">>"), ("<</A", ">>"), ("(", ")")] {
        let mut file = b"%PDF-1.4\n1 0 obj\n".to_vec();
        file.extend(open.repeat(200_000).bytes());
        file.extend(close.repeat(200_000).bytes());
        file.extend(b"\nendobj\ntrailer << /Root 1 0 R /Size 2 >>\nstartxref\n0\n%%EOF\n");
        assert_eq!(pages(&file), Err(PdfFault::Unreadable), "{open}");
    }
}

#[test]
fn a_decompression_bomb_is_unreadable() {
    let within = |size: usize| {
        let mut raw = Raw::page("");
        let (entries, mut data) = container(&[(5, "[6 0 R]")]);
        data.resize(size, b' ');
        raw.stream(6, "", b"q Q");
        raw.packed(7, &entries, &data);
        raw.end_modern(8, &[(5, 7, 0)], None);
        raw.bytes
    };
    assert_eq!(pages(&within(1 << 10)), Ok(1));
    let file = within(64 << 20);
    assert!(file.len() < 1 << 20);
    assert_eq!(pages(&file), Err(PdfFault::Unreadable));
}

/// What the page's content turns out to be.
fn content(file: &[u8]) -> Result<String, PdfFault> {
    let pdf = inspect(file)?;
    let page = pdf.document.get_dictionary(pdf.pages[0].id).unwrap();
    let stream = page.get_deref(b"Contents", &pdf.document).and_then(Object::as_stream).unwrap();
    Ok(String::from_utf8(pdf.unpacked(stream).unwrap()).unwrap())
}

#[test]
fn streams_of_unknown_length_reach_to_their_end() {
    const TEXT: &str = "BT /F1 12 Tf (x) Tj ET";
    let with = |entries: &str, begin: &str, end: &str| {
        let mut raw = Raw::page("");
        raw.object(5, format!("<<{entries}>>\n{begin}{TEXT}{end}").as_bytes());
        raw.object(6, TEXT.len().to_string().as_bytes());
        raw.end(None);
        content(&raw.bytes)
    };
    for entries in [
        "",
        "/Length null",
        "/Lenght 9",
        "/Length (22)",
        "/Length 99 0 R",
        "/Length 5 0 R",
        "/Length 0",
        "/Length 7",
        "/Length 29",
        "/Length 9000",
        "/Length -1",
        "/Length 22.0",
        "/Length 6 1 R",
        "/Length 6 0 R",
        "/Length 3/Length 22",
    ] {
        assert_eq!(with(entries, "stream\n", "\nendstream").as_deref(), Ok(TEXT), "{entries}");
    }
    for (begin, end) in [
        ("stream\r\n", "\r\nendstream"),
        ("stream\r", "\rendstream"),
        ("stream  \n", "endstream"),
        ("stream\n", "\n  \n endstream"),
        ("stream\n", "\nendobj"),
    ] {
        assert_eq!(with("/Length 22", begin, end).as_deref(), Ok(TEXT), "{begin:?} {end:?}");
    }
    // Where the data begins, no two readers agree; and without an end there is no stream.
    for (begin, end) in [("stream", "\nendstream"), ("stream %", "\nendstream"), ("stream\n", "\nendsxream")] {
        assert_eq!(with("", begin, end), Err(PdfFault::Unreadable), "{begin:?} {end:?}");
    }
}

/// The same file with its table out of reach.
fn tableless(mut file: Vec<u8>) -> Vec<u8> {
    let start = memchr::memmem::rfind(&file, b"startxref").unwrap();
    file.truncate(start);
    file.extend(b"startxref\n7\n%%EOF\n");
    file
}

#[test]
fn the_newest_revision_counts_with_and_without_its_table() {
    let classic = |modern_first: bool, modern_then: bool| {
        let mut raw = Raw::page("");
        raw.stream(8, "", b"(avslag)");
        raw.stream(9, "", b"(innvilget)");
        // The content stands behind object 5, which each revision says anew.
        let mut prev = None;
        for (number, modern, target) in [(20, modern_first, "8 0 R"), (30, modern_then, "9 0 R")] {
            let page = format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {target}>>");
            if modern {
                let (entries, data) = container(&[(3, &page)]);
                raw.offsets.retain(|(number, _)| *number != 3);
                raw.packed(number, &entries, &data);
                prev = Some(raw.end_modern(number + 1, &[(3, number, 0)], prev));
            } else {
                raw.offsets.retain(|(number, _)| *number != 3);
                raw.object(3, page.as_bytes());
                prev = Some(raw.end(prev));
            }
        }
        raw.bytes
    };
    for (first, then) in [(false, false), (false, true), (true, false), (true, true)] {
        let file = classic(first, then);
        assert_eq!(content(&file).as_deref(), Ok("(innvilget)"), "{first} {then}");
        assert_eq!(content(&tableless(file)).as_deref(), Ok("(innvilget)"), "rebuilt: {first} {then}");
    }
}

#[test]
fn a_table_that_is_shorter_than_it_says_hides_nothing() {
    let mut raw = Raw::page("");
    raw.stream(5, "", b"(x)");
    raw.end(None);
    assert_eq!(content(&raw.bytes).as_deref(), Ok("(x)"));
    let text = String::from_utf8_lossy(&raw.bytes).into_owned();
    for (from, to) in [("\n5 1\n", "\n5 9\n"), ("\n4 1\n", "\n4 2\n"), ("\n3 1\n", "\n7 1\n"), ("\n5 1\n", "\n6 1\n")] {
        // Same length, so that nothing moves; the header's bytes above 127 are comments.
        let file = text.replace(from, to).into_bytes();
        assert_eq!(content(&file).as_deref(), Ok("(x)"), "{to:?}");
    }
}

#[test]
fn spellings_that_readers_take() {
    // A table that refers to an older one by reference, which is to be read as the place itself.
    let mut raw = Raw::page("");
    raw.stream(5, "", b"(old)");
    let prev = raw.end(None);
    raw.stream(5, "", b"(new)");
    let start = raw.end(Some(prev));
    let text = |file: &[u8]| content(file).map(|text| text.replace(['(', ')'], ""));
    assert_eq!(text(&raw.bytes).as_deref(), Ok("new"));
    let prev = format!("/Prev {prev}");
    let at = start + memchr::memmem::find(&raw.bytes[start..], prev.as_bytes()).unwrap();
    let mut indirect = raw.bytes.clone();
    indirect.splice(at..at + prev.len(), format!("{prev} 0 R").bytes());
    assert_eq!(text(&indirect).as_deref(), Ok("new"));
    // Much after the end.
    let mut padded = raw.bytes.clone();
    padded.extend([0; 5000]);
    assert_eq!(text(&padded).as_deref(), Ok("new"));
    // Abbreviated filters.
    let mut raw = Raw::page("");
    raw.stream(5, "/Filter[/AHx/Fl]", hex(flate(b"(short)")).as_bytes());
    raw.end(None);
    assert_eq!(text(&raw.bytes).as_deref(), Ok("short"));
    // What the pages do not need may refer to what it likes.
    let mut raw = Raw::page("/Annots[<</Subtype/Text/Rect[0 0 9 9]/P 3 7 R/Popup 5 1 R>>]/Thumb 5 4 R");
    raw.stream(5, "", b"(x)");
    raw.end(None);
    assert_eq!(text(&raw.bytes).as_deref(), Ok("x"));
    let mut raw = Raw::page("/Rotate 5 1 R");
    raw.stream(5, "", b"(x)");
    raw.end(None);
    assert_eq!(content(&raw.bytes), Err(PdfFault::Unreadable), "readers do not agree on another generation");
}

#[test]
fn the_debug_form_shows_no_content() {
    let shown = format!("{:?}", inspect(&Sample::letter(2).bytes()).unwrap());
    assert_eq!(shown, "Pdf { pages: 2, .. }");
}
