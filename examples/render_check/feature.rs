//! What a PDF holds that a merge may lose.

use std::collections::BTreeSet;
use std::path::Path;

use lopdf::{Dictionary, Document, Object};

/// The features, as far as the library can read the file; else `unread` alone.
pub fn of(path: &Path) -> BTreeSet<&'static str> {
    let Ok(document) = Document::load(path) else { return BTreeSet::from(["unread"]) };
    let mut features = BTreeSet::new();
    if document.xref_recovery.is_some() {
        features.insert("rebuilt");
    }
    if document.is_encrypted() {
        features.insert("encrypted");
    }
    if let Ok(catalog) = document.catalog() {
        let form = catalog.get_deref(b"AcroForm", &document).and_then(Object::as_dict);
        for (key, feature) in
            [(&b"OCProperties"[..], "layers"), (b"OutputIntents", "output intent"), (b"Collection", "portfolio")]
        {
            if catalog.get_deref(key, &document).is_ok() {
                features.insert(feature);
            }
        }
        if let Ok(form) = form {
            if form.get_deref(b"XFA", &document).is_ok_and(|xfa| !xfa.is_null()) {
                features.insert("XFA");
            }
            if form.get_deref(b"NeedAppearances", &document).and_then(Object::as_bool).unwrap_or(false) {
                features.insert("NeedAppearances");
            }
        }
    }
    for object in document.objects.values() {
        let dictionary = match object {
            Object::Dictionary(dictionary) => dictionary,
            Object::Stream(stream) => &stream.dict,
            _ => continue,
        };
        if dictionary.has(b"OC") {
            features.insert("layered objects");
        }
        if dictionary.has(b"Rect") {
            features.extend(annotation(&document, dictionary));
        }
    }
    if features.is_empty() {
        features.insert("plain");
    }
    features
}

fn annotation(document: &Document, annotation: &Dictionary) -> Vec<&'static str> {
    let mut features = Vec::new();
    let kind = annotation.get_deref(b"Subtype", document).and_then(Object::as_name).unwrap_or_default();
    let field = annotation.get_deref(b"FT", document).and_then(Object::as_name).unwrap_or_default();
    features.push(match (kind, field) {
        (b"Link", _) => "links",
        (b"Widget", b"Sig") => "signature fields",
        (b"Widget", _) => "form fields",
        _ => "annotations",
    });
    let flags = annotation.get_deref(b"F", document).and_then(Object::as_i64).unwrap_or(0);
    let looks = annotation.get_deref(b"AP", document).and_then(Object::as_dict);
    let looks = looks.is_ok_and(|looks| looks.has(b"N"));
    if !matches!(kind, b"Link" | b"Popup") {
        features.extend((!looks).then_some("without appearance"));
        features.extend((flags & 4 == 0).then_some("not to be printed"));
    }
    features
}
