use lopdf::{EncryptionState, EncryptionVersion, Object, Permissions, SaveOptions, Stream, dictionary};

use super::samples::{Sample, bytes, inspect};
use super::{PdfFault, guarded};
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
    let sample = Sample::letter(1);
    let mut document = sample.finish();
    let mut bomb = Stream::new(dictionary! { "Type" => "ObjXxx", "N" => 1, "First" => 4 }, vec![b' '; 64 << 20]);
    bomb.compress().unwrap();
    document.add_object(bomb);
    let mut file = bytes(document);
    assert!(file.len() < 1 << 20);
    // The writer leaves out object streams that it has not made itself.
    let name = file.windows(6).position(|window| window == b"ObjXxx").unwrap();
    file[name..name + 6].copy_from_slice(b"ObjStm");
    assert_eq!(pages(&file), Err(PdfFault::Unreadable));
}

#[test]
fn the_debug_form_shows_no_content() {
    let shown = format!("{:?}", inspect(&Sample::letter(2).bytes()).unwrap());
    assert_eq!(shown, "Pdf { pages: 2, .. }");
}
