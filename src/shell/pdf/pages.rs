//! The page tree, walked by ourselves: its own counts lie, and attributes are inherited through it.

use std::sync::Arc;

use lopdf::{Dictionary, Document, Object, ObjectId};

/// Levels of the page tree; a balanced tree of a million pages has six.
const DEPTH_MAX: usize = 64;
/// Pages of one document, and nodes of its tree: beyond any letter.
const NODES_MAX: usize = 100_000;

/// A page and the tree nodes above it, the nearest first.
pub(crate) struct Page {
    pub(crate) id: ObjectId,
    ancestors: Arc<[ObjectId]>,
}

impl Page {
    /// The page's own id, then its ancestors', the nearest first.
    pub(crate) fn lineage(&self) -> impl Iterator<Item = ObjectId> + '_ {
        std::iter::once(self.id).chain(self.ancestors.iter().copied())
    }

    /// The value of an inheritable attribute (ISO 32000-1, table 30), resolved; null counts as absent.
    pub(crate) fn inherited<'a>(&self, document: &'a Document, key: &[u8]) -> Option<&'a Object> {
        document.dereference(self.inherited_as_written(document, key)?).ok().map(|(_, object)| object)
    }

    /// The same value as it stands in the file: possibly a reference, never to null.
    pub(crate) fn inherited_as_written<'a>(&self, document: &'a Document, key: &[u8]) -> Option<&'a Object> {
        self.lineage().find_map(|id| {
            let object = document.get_dictionary(id).ok()?.get(key).ok()?;
            (!document.dereference(object).ok()?.1.is_null()).then_some(object)
        })
    }
}

/// All pages in reading order; `None` when the tree is broken, circular or beyond the bounds.
pub(super) fn walk(document: &Document) -> Option<Vec<Page>> {
    let root = document.catalog().ok()?.get(b"Pages").ok()?.as_reference().ok()?;
    let mut pages = Vec::new();
    let mut nodes = 0;
    // Each entry: the kids still to visit at a level, and the lineage that they share.
    let mut levels: Vec<(std::slice::Iter<'_, Object>, Arc<[ObjectId]>)> = Vec::new();
    let root_node = document.get_dictionary(root).ok()?;
    levels.push((kids(document, root_node)??.iter(), Arc::from([root])));
    while let Some((waiting, ancestors)) = levels.last_mut() {
        let Some(kid) = waiting.next() else {
            levels.pop();
            continue;
        };
        let ancestors = Arc::clone(ancestors);
        nodes += 1;
        let id = kid.as_reference().ok()?;
        if nodes > NODES_MAX || levels.len() > DEPTH_MAX || ancestors.contains(&id) {
            return None;
        }
        let node = document.get_dictionary(id).ok()?;
        match kids(document, node)? {
            None => pages.push(Page { id, ancestors }),
            Some(kids) => {
                let lineage = std::iter::once(id).chain(ancestors.iter().copied()).collect();
                levels.push((kids.iter(), lineage));
            }
        }
    }
    Some(pages)
}

/// The kids of an inner node, `Some(None)` for a page; `None` when the node is neither. `/Type` decides where it
/// stands, `/Kids` where it is missing.
fn kids<'a>(document: &'a Document, node: &'a Dictionary) -> Option<Option<&'a [Object]>> {
    let array = node.get_deref(b"Kids", document).and_then(Object::as_array);
    match node.get_deref(b"Type", document).and_then(Object::as_name) {
        Ok(b"Page") => Some(None),
        Ok(b"Pages") => Some(Some(array.ok()?)),
        _ => Some(array.ok().map(Vec::as_slice)),
    }
}
