//! Content streams, unpacked within bounds.

use lopdf::{Dictionary, Document, Object, Stream};

use super::pages::Page;

/// Bytes of content that one document may unpack to, forms counted as often as they are drawn.
const CONTENT_BYTES_MAX: usize = 512 << 20;
/// Bytes of it that one stream may unpack to, since they are in memory together.
const STREAM_BYTES_MAX: usize = 64 << 20;

/// What is left of the bytes that a document may unpack to.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(CONTENT_BYTES_MAX)
    }
}

/// The page's content streams as one, separated by white space; a page without content is empty, not unknown.
pub(super) fn of_page(document: &Document, page: &Page, budget: &mut Budget) -> Option<Vec<u8>> {
    let Ok(contents) = document.get_dictionary(page.id).ok()?.get_deref(b"Contents", document) else {
        return Some(Vec::new());
    };
    let single = std::slice::from_ref(contents);
    let parts = contents.as_array().map_or(single, Vec::as_slice);
    let mut content = Vec::new();
    for part in parts {
        match document.dereference(part).ok()?.1 {
            Object::Stream(stream) => content.extend(unpacked(document, stream, budget)?),
            Object::Null => {}
            _ => return None,
        }
        content.push(b'\n');
        if content.len() > STREAM_BYTES_MAX {
            return None;
        }
    }
    Some(content)
}

/// A stream's bytes without its filters; the filters themselves may stand behind references. `None` for what cannot
/// be unpacked, or not within the budget.
pub(super) fn unpacked(document: &Document, stream: &Stream, budget: &mut Budget) -> Option<Vec<u8>> {
    let max = budget.0.min(STREAM_BYTES_MAX);
    let plain = |key: &[u8]| matches!(stream.dict.get(key), Err(_) | Ok(Object::Name(_) | Object::Null));
    let content = if plain(b"Filter") && plain(b"DecodeParms") {
        stream.get_plain_content_with_limit(max)
    } else {
        resolved(document, stream).get_plain_content_with_limit(max)
    }
    .ok()?;
    budget.0 -= content.len().min(budget.0);
    Some(content)
}

/// The stream with its filters and their parameters in place, as the library expects them.
fn resolved(document: &Document, stream: &Stream) -> Stream {
    let mut resolved = Stream::new(Dictionary::new(), stream.content.clone());
    for key in [&b"Filter"[..], b"DecodeParms"] {
        if let Ok(value) = stream.dict.get_deref(key, document) {
            let item = |item| document.dereference(item).map_or(Object::Null, |(_, item)| item.clone());
            let value = match value {
                Object::Array(items) => Object::Array(items.iter().map(item).collect()),
                other => other.clone(),
            };
            resolved.dict.set(key, value);
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_runs_out() {
        let document = Document::new();
        let stream = Stream::new(Dictionary::new(), vec![b' '; 100]);
        let mut budget = Budget(250);
        assert!(unpacked(&document, &stream, &mut budget).is_some());
        assert!(unpacked(&document, &stream, &mut budget).is_some());
        assert!(unpacked(&document, &stream, &mut budget).is_none());
    }

    #[test]
    fn filters_may_stand_behind_references() {
        let mut document = Document::new();
        let mut stream = Stream::new(Dictionary::new(), b"q Q ".repeat(100));
        stream.compress().unwrap();
        let name = document.add_object(Object::Name(b"FlateDecode".to_vec()));
        stream.dict.set("Filter", name);
        assert_eq!(unpacked(&document, &stream, &mut Budget::default()), Some(b"q Q ".repeat(100)));
    }
}
