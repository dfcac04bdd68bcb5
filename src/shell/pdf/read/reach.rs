//! What a document's pages need, loaded: everything that decides what they show, and nothing else.
//!
//! Tags, outlines, attachments, actions and scripts stay behind, so that what is wrong with them is nobody's business.
//! A reference to what was not loaded leads nowhere in what is handed on.

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::{Damage, Reader};

/// What is needed of a page, and of the tree's nodes above it.
const OF_PAGE: [&[u8]; 14] = [
    b"Kids",
    b"Annots",
    b"Contents",
    b"Resources",
    b"MediaBox",
    b"CropBox",
    b"BleedBox",
    b"TrimBox",
    b"ArtBox",
    b"Rotate",
    b"UserUnit",
    b"Group",
    b"OutputIntents",
    b"Type",
];

/// What an annotation leads to besides what it looks like, and a field besides its value.
const AROUND_ANNOTATION: [&[u8]; 14] =
    [b"P", b"A", b"AA", b"PA", b"Dest", b"Popup", b"IRT", b"FS", b"Sound", b"Movie", b"Kids", b"AF", b"Lock", b"T3"];

/// What is needed of the catalog.
const OF_CATALOG: [&[u8]; 6] = [b"Pages", b"OCProperties", b"AcroForm", b"OutputIntents", b"Version", b"Collection"];

/// What is not needed of the form: its fields are found on the pages.
const AROUND_FORM: [&[u8]; 4] = [b"Fields", b"XFA", b"CO", b"SigFlags"];

/// What is not needed of any stream.
const AROUND_STREAM: [&[u8]; 4] = [b"Metadata", b"PieceInfo", b"AF", b"Length"];

/// What an object is looked at as.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Catalog,
    /// A page, or a node of the page tree.
    Page,
    /// An annotation or a field, or a list of them.
    Annotation,
    Form,
    Any,
}

/// Loads what is needed into `document`, whose trailer is there already.
pub(super) fn load(reader: &mut Reader, document: &mut Document) -> Result<(), Damage> {
    let root = document.trailer.get(b"Root").and_then(Object::as_reference).map_err(|_| Damage)?;
    let mut waiting = vec![(root, Role::Catalog)];
    // What one role does not need of an object another may.
    let mut seen = HashSet::new();
    while let Some((id, role)) = waiting.pop() {
        reader.budget.work(100).ok_or(Damage)?;
        if !seen.insert((id, role)) {
            continue;
        }
        if let std::collections::btree_map::Entry::Vacant(entry) = document.objects.entry(id) {
            match reader.object(id)? {
                Some(object) => drop(entry.insert(object)),
                // A table that was lost and made anew knows of no object that is missing from the file.
                None if reader.table.rebuilt => return Err(Damage),
                None => continue,
            }
        }
        if let Some(object) = document.objects.get(&id) {
            needed(object, role, &mut |id, role| waiting.push((id, role)));
        }
    }
    Ok(())
}

/// Calls `found` with what a value refers to, as far as its role needs it. The parser bounds how deep values nest.
fn needed(value: &Object, role: Role, found: &mut impl FnMut(ObjectId, Role)) {
    match value {
        Object::Reference(id) => found(*id, role),
        Object::Array(items) => items.iter().for_each(|item| needed(item, role, found)),
        Object::Dictionary(dictionary) => of_dictionary(dictionary, role, found),
        Object::Stream(stream) => {
            let kept = stream.dict.iter().filter(|(key, _)| !AROUND_STREAM.contains(&key.as_slice()));
            kept.for_each(|(_, value)| needed(value, Role::Any, found));
        }
        _ => {}
    }
}

fn of_dictionary(dictionary: &Dictionary, role: Role, found: &mut impl FnMut(ObjectId, Role)) {
    for (key, value) in dictionary {
        let key = key.as_slice();
        let role = match role {
            Role::Catalog if !OF_CATALOG.contains(&key) => continue,
            Role::Page if !OF_PAGE.contains(&key) => continue,
            Role::Annotation if AROUND_ANNOTATION.contains(&key) => continue,
            Role::Form if AROUND_FORM.contains(&key) => continue,
            Role::Catalog if key == b"Pages" => Role::Page,
            Role::Catalog if key == b"AcroForm" => Role::Form,
            Role::Page if key == b"Kids" => Role::Page,
            Role::Page if key == b"Annots" => Role::Annotation,
            Role::Annotation if key == b"Parent" => Role::Annotation,
            Role::Any if leads_elsewhere(dictionary) => return,
            _ => Role::Any,
        };
        needed(value, role, found);
    }
}

/// Whether following this further would lead out of the page, to other pages and the whole document.
fn leads_elsewhere(dictionary: &Dictionary) -> bool {
    matches!(dictionary.get(b"Type").and_then(Object::as_name), Ok(b"Page" | b"Pages" | b"Catalog" | b"StructTreeRoot"))
}
