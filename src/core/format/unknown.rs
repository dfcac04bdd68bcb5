//! A field that nobody knows: what its sender is told of it.

use serde_json::Value;

use super::fields::{Nearest, known_at};
use crate::core::code::{Code, Refusal};
use crate::core::names::shown;

/// A field that nobody knows.
pub(super) struct Unknown {
    /// The path of the mapping it stands in.
    pub parent: String,
    pub name: String,
}

impl Unknown {
    pub fn refusal(&self, text: &str) -> Refusal {
        let nearest = Nearest::to(&self.name, &self.parent);
        let what = if self.may_be_shown(nearest) {
            format!("felt {}", below(&self.parent, &self.name))
        } else {
            let line = text.lines().position(|line| line.contains(&self.name));
            let line = line.map(|line| format!("linje {}: ", line + 1)).unwrap_or_default();
            let within = if self.parent.is_empty() { String::new() } else { format!(" i {}", self.parent) };
            format!("{line}ukjent felt{within}; teksten gjengis ikke, for den kan være personlig")
        };
        Refusal::new(Code::UnknownField, format!("{what}; {}", nearest.advice(&self.name)))
    }

    /// A comma in an unquoted text makes a field of what follows it: half a name, or an address. What is repeated must
    /// look like a field; among a person's fields, like one of those that are known.
    fn may_be_shown(&self, Nearest { name: nearest, distance, .. }: Nearest) -> bool {
        let is_word = self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_small = self.name.starts_with(|first: char| first.is_ascii_lowercase());
        let personal = ["mottaker", "svarSendesTil"].iter().any(|field| self.parent.starts_with(field));
        let likely = if personal { is_small && distance <= 1 + self.name.len() / 4 } else { is_small || distance == 0 };
        is_word && likely && self.name == shown(&self.name) && self.name.len() <= 2 * nearest.len().max(16)
    }
}

/// The first field that is not known where it stands. An unknown field is refused before a value of the wrong kind
/// is, wherever the two stand.
pub(super) fn misspelt(value: &Value, parent: &str) -> Option<Unknown> {
    match value {
        Value::Object(fields) => {
            let known = known_at(parent)?;
            fields.iter().find_map(|(name, value)| match name.as_str() {
                name if !known.contains(&name) => Some(Unknown { parent: parent.to_owned(), name: name.to_owned() }),
                name => misspelt(value, &below(parent, name)),
            })
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| misspelt(item, &below(parent, &index.to_string())))
        }
        _ => None,
    }
}

/// The path of what stands in the mapping or list at `parent`.
fn below(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}
