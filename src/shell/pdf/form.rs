//! Form fields whose value no reader of ours would see: the value stands in the form, and how it looks is left to the
//! program that shows it (ISO 32000-1, 12.7.3.3). On paper the field would be empty.

use lopdf::{Dictionary, Document, Object};

use super::pages::Page;

/// Fields above a field; real forms have two or three.
const DEPTH_MAX: usize = 32;
/// Annotation flags: hidden (ISO 32000-1, table 165).
const HIDDEN: i64 = 1 << 1;

/// Whether a visible field on the page has a value and no appearance.
pub(super) fn has_unseen_value(document: &Document, page: &Page) -> bool {
    let own = document.get_dictionary(page.id);
    let listed = own.and_then(|page| page.get_deref(b"Annots", document)?.as_array());
    listed.is_ok_and(|annotations| {
        let dictionaries = annotations.iter().filter_map(|item| document.dereference(item).ok()?.1.as_dict().ok());
        dictionaries.into_iter().any(|annotation| is_unseen(document, annotation))
    })
}

fn is_unseen(document: &Document, annotation: &Dictionary) -> bool {
    let own = |key| annotation.get_deref(key, document).ok();
    let is_field = own(b"Subtype").and_then(|name| name.as_name().ok()) == Some(b"Widget");
    let hidden = own(b"F").and_then(|flags| flags.as_i64().ok()).is_some_and(|flags| flags & HIDDEN != 0);
    let looks = own(b"AP").and_then(|looks| looks.as_dict().ok()).is_some_and(|looks| looks.has(b"N"));
    // A button without looks has nothing to show.
    let writes = inherited(document, annotation, b"FT").is_some_and(|kind| matches!(kind.as_name(), Ok(b"Tx" | b"Ch")));
    is_field && !hidden && !looks && writes && inherited(document, annotation, b"V").is_some_and(has_text)
}

fn has_text(value: &Object) -> bool {
    match value {
        Object::String(text, _) => !text.is_empty() && text != b"\xfe\xff",
        Object::Array(items) => !items.is_empty(),
        Object::Stream(stream) => !stream.content.is_empty(),
        _ => false,
    }
}

/// A field takes what it does not say itself from the field above it.
fn inherited<'a>(document: &'a Document, field: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let parent = |field: &&'a Dictionary| field.get_deref(b"Parent", document).ok()?.as_dict().ok();
    let lineage = std::iter::successors(Some(field), parent).take(DEPTH_MAX);
    lineage.into_iter().find_map(|field| field.get_deref(key, document).ok())
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::super::preflight_tests::verdict;
    use super::super::samples::Sample;
    use super::*;

    #[test]
    fn a_value_must_have_an_appearance() {
        const UNSEEN: &str = "form-value-not-visible [1]";
        let text = |text: &str| Object::string_literal(text);
        let looks = dictionary! { "N" => Dictionary::new() };
        for (what, field, expected) in [
            ("a value alone", dictionary! { "FT" => "Tx", "V" => text("Ja") }, UNSEEN),
            ("a choice alone", dictionary! { "FT" => "Ch", "V" => vec![text("Ja")] }, UNSEEN),
            ("seen", dictionary! { "FT" => "Tx", "V" => text("Ja"), "AP" => looks }, "ok"),
            (
                "an appearance for another state",
                dictionary! { "FT" => "Tx", "V" => text("Ja"), "AP" => dictionary! {} },
                UNSEEN,
            ),
            ("empty", dictionary! { "FT" => "Tx", "V" => text("") }, "ok"),
            ("without a value", dictionary! { "FT" => "Tx" }, "ok"),
            ("hidden", dictionary! { "FT" => "Tx", "V" => text("Ja"), "F" => 2 }, "ok"),
            ("a button", dictionary! { "FT" => "Btn", "V" => "Off" }, "ok"),
        ] {
            let mut sample = Sample::new();
            let mut annotation = dictionary! { "Type" => "Annot", "Subtype" => "Widget" };
            field.into_iter().for_each(|(key, value)| annotation.set(key, value));
            sample.page("", dictionary! { "Annots" => vec![Object::Dictionary(annotation)] });
            assert_eq!(verdict(&sample.bytes()), expected, "{what}");
        }
        let mut sample = Sample::new();
        let field = sample.document.add_object(dictionary! { "FT" => "Tx", "V" => text("Ja") });
        let widget = dictionary! { "Subtype" => "Widget", "Parent" => field };
        sample.page("", dictionary! { "Annots" => vec![Object::Dictionary(widget)] });
        assert_eq!(verdict(&sample.bytes()), UNSEEN, "a value above the widget");
    }
}
