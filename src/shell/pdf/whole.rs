//! Whether a file is all there: its two ends, and every object that its pages need.

use std::collections::HashSet;

use lopdf::xref::{XrefEntry, XrefRecovery};
use lopdf::{Document, Object, ObjectId};
use memchr::memmem;

use super::pages::Page;

/// Readers look for the header in the first, and for the end mark in the last 1,024 bytes (ISO 32000-1, annex H.3).
const END_WINDOW: usize = 1024;

/// The file from its header on, if it has a header near the start and an end mark near the end.
///
/// Objects after the last end mark are an update that was never finished: the file is being written, or was cut.
pub(super) fn trim(bytes: &[u8]) -> Option<&[u8]> {
    let start = memmem::find(&bytes[..bytes.len().min(END_WINDOW)], b"%PDF-")?;
    let bytes = &bytes[start..];
    let tail = &bytes[bytes.len().saturating_sub(END_WINDOW)..];
    let after = &tail[memmem::rfind(tail, b"%%EOF")? + 5..];
    memmem::find(after, b"obj").is_none().then_some(bytes)
}

/// Whether each object that the pages refer to, however indirectly, could be read.
///
/// A reference to an object that no table knows is null by definition (ISO 32000-1, 7.3.10) and harmless, unless the
/// table itself was lost and rebuilt.
pub(super) fn pages_complete(document: &Document, pages: &[Page]) -> bool {
    let rebuilt = document.xref_recovery == Some(XrefRecovery::Reconstructed);
    let expected = |id: ObjectId| match document.reference_table.get(id.0) {
        // Some producers list an unused object at offset 0 instead of as free.
        Some(XrefEntry::Normal { offset, .. }) => *offset != 0,
        Some(XrefEntry::Compressed { .. }) => true,
        Some(XrefEntry::Free | XrefEntry::UnusableFree) => false,
        None => rebuilt,
    };
    let mut seen = HashSet::with_capacity(document.objects.len());
    let mut waiting: Vec<ObjectId> = pages.iter().flat_map(|page| page.lineage()).collect();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        match document.objects.get(&id) {
            Some(object) => references(object, &mut waiting),
            None if expected(id) => return false,
            None => {}
        }
    }
    true
}

/// Adds the references that stand in `object` itself. The parser bounds its nesting, so this recursion is bounded.
fn references(object: &Object, found: &mut Vec<ObjectId>) {
    match object {
        Object::Reference(id) => found.push(*id),
        Object::Array(items) => items.iter().for_each(|item| references(item, found)),
        Object::Dictionary(dictionary) => dictionary.iter().for_each(|(_, value)| references(value, found)),
        Object::Stream(stream) => stream.dict.iter().for_each(|(_, value)| references(value, found)),
        _ => {}
    }
}
