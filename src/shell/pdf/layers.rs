//! Layers (optional content, ISO 32000-1, 8.11): what of a document is hidden, as every reader understands it.
//!
//! Readers disagree on what counts besides the default configuration: some go by a layer's own wishes for screen or
//! paper (`Usage`), some by its intent, some hide a layer that the document does not list. Content is hidden or shown
//! where all ways to read it agree; where they do not, nobody knows what was seen.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::pages::Page;

/// Expressions within expressions, and members of one group: beyond any real document.
const DEPTH_MAX: usize = 16;
const MEMBERS_MAX: usize = 10_000;

/// Whether content is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visible {
    Yes,
    No,
    /// It depends on the reader.
    Unsure,
}

/// The ways to read a layer: by the configuration alone, as on a screen, as on paper.
type Ways = [bool; 3];

const SHOWN: Ways = [true; 3];
const HIDDEN: Ways = [false; 3];
const DISPUTED: Ways = [false, true, true];

/// The layers of a document.
pub(crate) struct Layers<'a> {
    document: &'a Document,
    /// `None` where the document has no layers: then nothing is hidden, whatever refers to one.
    listed: Option<HashMap<ObjectId, Ways>>,
    /// Groups may be large, and named often.
    judged: RefCell<HashMap<ObjectId, Visible>>,
}

impl<'a> Layers<'a> {
    pub(crate) fn read(document: &'a Document) -> Self {
        let properties = document.catalog().and_then(|catalog| catalog.get_deref(b"OCProperties", document)?.as_dict());
        let listed = properties.ok().map(|properties| listed(document, properties));
        Self { document, listed, judged: RefCell::default() }
    }

    /// Whether the object is a layer or a group of layers.
    pub(crate) fn is_layer(&self, id: ObjectId) -> bool {
        self.listed.as_ref().is_some_and(|listed| listed.contains_key(&id))
            || self.document.get_dictionary(id).is_ok_and(is_layer)
    }

    /// Whether what belongs to this layer or group of layers is seen.
    pub(crate) fn visible(&self, layer: &Object) -> Visible {
        let id = layer.as_reference().ok();
        if let Some(judged) = id.and_then(|id| self.judged.borrow().get(&id).copied()) {
            return judged;
        }
        let visible = match self.ways(layer) {
            SHOWN => Visible::Yes,
            HIDDEN => Visible::No,
            _ => Visible::Unsure,
        };
        id.map(|id| self.judged.borrow_mut().insert(id, visible));
        visible
    }

    fn ways(&self, layer: &Object) -> Ways {
        let Some(listed) = &self.listed else { return SHOWN };
        let Ok((id, Object::Dictionary(dictionary))) = self.document.dereference(layer) else { return SHOWN };
        if is_group(dictionary) {
            return self.group(dictionary);
        }
        match id.and_then(|id| listed.get(&id)) {
            Some(ways) => *ways,
            // Some hide a layer that the document does not list.
            None if is_layer(dictionary) => DISPUTED,
            None => SHOWN,
        }
    }

    /// A group shows by its policy, or by an expression where the reader knows expressions (8.11.2.2).
    fn group(&self, group: &Dictionary) -> Ways {
        let members = match group.get_deref(b"OCGs", self.document) {
            Ok(Object::Array(items)) => items.as_slice(),
            Ok(Object::Dictionary(_)) => group.get(b"OCGs").map_or([].as_slice(), std::slice::from_ref),
            _ => &[],
        };
        let is_there = |item: &&Object| matches!(self.document.dereference(item), Ok((_, Object::Dictionary(_))));
        let states: Vec<Ways> = members.iter().take(MEMBERS_MAX).filter(is_there).map(|item| self.ways(item)).collect();
        let policy = group.get_deref(b"P", self.document).and_then(Object::as_name).unwrap_or(b"AnyOn");
        let by_policy = |way: usize| {
            let mut on = states.iter().map(|state| state[way]);
            match policy {
                _ if states.is_empty() => true,
                b"AllOn" => on.all(|on| on),
                b"AnyOff" => on.any(|on| !on),
                b"AllOff" => on.all(|on| !on),
                _ => on.any(|on| on),
            }
        };
        let ways = [0, 1, 2].map(by_policy);
        // MuPDF takes any expression and «AllOn» of a list for shown, «AnyOff» of a list for hidden, and either of a
        // single layer for its opposite.
        let listed = matches!(group.get_deref(b"OCGs", self.document), Ok(Object::Array(_)));
        let expression = group.get(b"VE").ok().map(|expression| self.expression(expression, 0));
        let agreed = match (expression, policy) {
            (Some(expression), _) => expression == Some(ways) && ways == SHOWN,
            (None, b"AllOn") => states.is_empty() || listed && ways == SHOWN,
            (None, b"AnyOff") => listed && ways == HIDDEN,
            (None, _) => true,
        };
        if agreed { ways } else { DISPUTED }
    }

    fn expression(&self, expression: &Object, depth: usize) -> Option<Ways> {
        let (_, resolved) = self.document.dereference(expression).ok()?;
        let Object::Array(items) = resolved else { return Some(self.ways(expression)) };
        let (operator, operands) = items.split_first()?;
        if depth >= DEPTH_MAX || operands.len() > MEMBERS_MAX {
            return None;
        }
        let operands: Option<Vec<Ways>> = operands.iter().map(|item| self.expression(item, depth + 1)).collect();
        let operands = operands?;
        let all = |way: usize| operands.iter().all(|operand| operand[way]);
        let any = |way: usize| operands.iter().any(|operand| operand[way]);
        match operator.as_name().ok()? {
            b"And" => Some([0, 1, 2].map(all)),
            b"Or" => Some([0, 1, 2].map(any)),
            b"Not" => Some([0, 1, 2].map(|way| !any(way))),
            _ => None,
        }
    }
}

/// Looks through what pages show for layers of which nobody knows whether they are seen, at each object once.
#[derive(Default)]
pub(crate) struct Search {
    seen: HashSet<ObjectId>,
}

impl Search {
    /// Whether the page shows something that only some readers hide, unless an earlier page shows it too.
    pub(crate) fn finds_unsure(&mut self, layers: &Layers, page: &Page) -> bool {
        let document = layers.document;
        if layers.listed.is_none() {
            return false;
        }
        let Some(resources) = page.inherited_as_written(document, b"Resources") else { return false };
        let mut waiting = vec![resources];
        let mut unsure = false;
        while let Some(object) = waiting.pop() {
            match object {
                Object::Reference(id) if !self.seen.insert(*id) => {}
                Object::Reference(id) if layers.is_layer(*id) => {
                    unsure |= layers.visible(object) == Visible::Unsure;
                }
                Object::Reference(id) => waiting.extend(document.objects.get(id)),
                Object::Array(items) => waiting.extend(items),
                Object::Dictionary(dictionary) if is_layer(dictionary) => {
                    unsure |= layers.visible(object) == Visible::Unsure;
                }
                Object::Dictionary(dictionary) => waiting.extend(dictionary.iter().map(|(_, value)| value)),
                Object::Stream(stream) => waiting.extend(stream.dict.iter().map(|(_, value)| value)),
                _ => {}
            }
        }
        unsure
    }
}

/// Whether this is a layer or a group of layers, by its own word.
pub(crate) fn is_layer(dictionary: &Dictionary) -> bool {
    matches!(dictionary.get(b"Type").and_then(Object::as_name), Ok(b"OCG" | b"OCMD"))
}

fn is_group(dictionary: &Dictionary) -> bool {
    matches!(dictionary.get(b"Type").and_then(Object::as_name), Ok(b"OCMD"))
}

/// The layers that the document lists, each with its states.
fn listed(document: &Document, properties: &Dictionary) -> HashMap<ObjectId, Ways> {
    let list = |dictionary: &Dictionary, key: &[u8]| -> HashSet<ObjectId> {
        let items = dictionary.get_deref(key, document).and_then(Object::as_array);
        items.map_or(HashSet::new(), |items| items.iter().filter_map(|item| item.as_reference().ok()).collect())
    };
    let empty = Dictionary::new();
    let default = properties.get_deref(b"D", document).and_then(Object::as_dict).unwrap_or(&empty);
    let (on, off) = (list(default, b"ON"), list(default, b"OFF"));
    let base_off = matches!(default.get_deref(b"BaseState", document).and_then(Object::as_name), Ok(b"OFF"));
    let state = |id: ObjectId| {
        let plain = if base_off { on.contains(&id) } else { !off.contains(&id) };
        let Ok(layer) = document.get_dictionary(id) else { return [plain; 3] };
        let wish = |use_: &[u8], state: &[u8]| {
            let usage = layer.get_deref(b"Usage", document).ok()?.as_dict().ok()?;
            let wish = usage.get_deref(use_, document).ok()?.as_dict().ok()?.get_deref(state, document).ok()?;
            Some(wish.as_name().ok()? != b"OFF")
        };
        let view = wish(b"View", b"ViewState").unwrap_or(plain);
        let print = wish(b"Print", b"PrintState").unwrap_or(view);
        let intended = match layer.get_deref(b"Intent", document) {
            Ok(Object::Name(intent)) => matches!(intent.as_slice(), b"View" | b"All"),
            Ok(Object::Array(intents)) => intents.iter().any(|intent| matches!(intent.as_name(), Ok(b"View" | b"All"))),
            _ => true,
        };
        // A layer that is not for viewing hides nothing.
        if intended { [plain, view, print] } else { [plain, true, true] }
    };
    let mut listed: HashMap<ObjectId, Ways> = list(properties, b"OCGs").into_iter().map(|id| (id, state(id))).collect();
    // Some take layers of one name for one layer.
    let name =
        |id: ObjectId| document.get_dictionary(id).and_then(|layer| layer.get_deref(b"Name", document)?.as_str()).ok();
    let mut by_name: HashMap<&[u8], (Ways, bool)> = HashMap::new();
    for (id, ways) in &listed {
        let Some(name) = name(*id) else { continue };
        by_name.entry(name).and_modify(|(first, agree)| *agree &= first == ways).or_insert((*ways, true));
    }
    for (id, ways) in &mut listed {
        if name(*id).and_then(|name| by_name.get(name)).is_some_and(|(_, agree)| !agree) {
            *ways = DISPUTED;
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;

    #[test]
    fn where_readers_disagree_nobody_knows() {
        let mut document = Document::new();
        let mut names = 'a'..;
        let mut layer = |more: Dictionary| {
            let name = names.next().unwrap().to_string();
            let mut layer = dictionary! { "Type" => "OCG", "Name" => Object::string_literal(name) };
            more.into_iter().for_each(|(key, value)| layer.set(key, value));
            document.add_object(layer)
        };
        let (on, off, unlisted) = (layer(dictionary! {}), layer(dictionary! {}), layer(dictionary! {}));
        let paper = dictionary! { "Print" => dictionary! { "PrintState" => "OFF" } };
        let screen_only = layer(dictionary! { "Usage" => paper });
        let group = |document: &mut Document, policy: &str, members: &[ObjectId]| {
            let members: Vec<Object> = members.iter().map(|id| Object::Reference(*id)).collect();
            document.add_object(dictionary! { "Type" => "OCMD", "P" => policy, "OCGs" => members })
        };
        let any = group(&mut document, "AnyOn", &[on, off]);
        let all = group(&mut document, "AllOn", &[on, off]);
        let none = group(&mut document, "AllOff", &[on]);
        let not = vec!["Not".into(), Object::Reference(on)];
        let expression = document.add_object(dictionary! { "Type" => "OCMD", "VE" => not, "OCGs" => on });
        let layers: Vec<Object> = [on, off, screen_only].map(Object::Reference).to_vec();
        let properties = dictionary! { "OCGs" => layers, "D" => dictionary! { "OFF" => vec![off.into()] } };
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "OCProperties" => properties });
        document.trailer.set("Root", catalog);
        let read = Layers::read(&document);
        for (id, expected) in [
            (on, Visible::Yes),
            (off, Visible::No),
            (unlisted, Visible::Unsure),
            (screen_only, Visible::Unsure),
            (any, Visible::Yes),
            (all, Visible::Unsure),
            (none, Visible::No),
            (expression, Visible::Unsure),
        ] {
            assert_eq!(read.visible(&Object::Reference(id)), expected, "{id:?}");
        }
        document.catalog_mut().unwrap().remove(b"OCProperties");
        assert_eq!(Layers::read(&document).visible(&Object::Reference(off)), Visible::Yes, "no layers, nothing hidden");
    }
}
