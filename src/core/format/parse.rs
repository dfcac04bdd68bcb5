//! From the bytes of a metadata file to a [`Forsendelse`], or to what is wrong and where.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::forsendelse::Forsendelse;
use super::json::{JsonTree, with_numbers_quoted};
use super::scalar::{Mapping, text};
use super::unknown::{Unknown, misspelt};
use crate::core::code::{Code, Refusal};
use crate::core::letter::Text;
use crate::core::names::shown;
use crate::core::position;

/// Bytes a metadata file may have; a letter's metadata is a few thousand.
pub const METADATA_BYTES_MAX: usize = 1 << 20;
/// Nested mappings and lists a metadata file may have.
pub const METADATA_DEPTH_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Json,
}

impl Format {
    pub fn of_file(name: &str) -> Self {
        if name.ends_with(".json") { Self::Json } else { Self::Yaml }
    }
}

/// A metadata file that could be read, and the first thing in it that nobody knows.
#[derive(Debug)]
pub struct Parsed {
    pub forsendelse: Forsendelse,
    pub unknown: Option<Refusal>,
}

/// Reads a metadata file. No message quotes a value: the values are personal.
pub fn parse(bytes: &[u8], format: Format) -> Result<Parsed, Refusal> {
    if bytes.len() > METADATA_BYTES_MAX {
        return Err(unreadable(&format!("filen er større enn {METADATA_BYTES_MAX} byte")));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = str::from_utf8(bytes).map_err(|error| {
        let (line, column) = position::of_end(&bytes[..error.valid_up_to()]);
        unreadable(&format!("linje {line}, kolonne {column}: tegnet er ikke UTF-8; lagre filen som UTF-8"))
    })?;
    if text.trim().is_empty() {
        return Err(unreadable("linje 1, kolonne 1: filen er tom"));
    }
    if let Some(line) = line_that_is_too_deep(bytes) {
        return Err(unreadable(&format!("linje {line}, kolonne 1: mer enn {METADATA_DEPTH_MAX} nivåer i hverandre")));
    }
    let repeated = |message: &str| message.split('`').nth(1).and_then(|key| position::of_key(text, key, 1));
    match format {
        Format::Yaml => {
            let outcome = typed(serde_yaml::Deserializer::from_str(text));
            let classify = |error: &serde_yaml::Error| {
                let syntax = serde_yaml::from_str::<IgnoredAny>(text);
                let at = |e: &serde_yaml::Error| e.location().map(|l| (l.line(), l.column()));
                match syntax {
                    // Only a second document has no place.
                    Err(syntax) => Problem::Syntax(at(&syntax).unwrap_or_else(|| last_document(text))),
                    Ok(_) if is_repeated_key(error) => {
                        Problem::RepeatedKey(repeated(&error.to_string()).or_else(|| at(error)).unwrap_or((1, 1)))
                    }
                    Ok(_) => Problem::Type,
                }
            };
            finish(text, outcome, classify, || JsonTree.deserialize(serde_yaml::Deserializer::from_str(text)))
        }
        Format::Json => {
            let tree = |text: &str| {
                let mut json = serde_json::Deserializer::from_str(text);
                JsonTree.deserialize(&mut json).and_then(|value| json.end().map(|()| value))
            };
            // The file as it stands decides whether it is valid; no number in it is too large to be a text.
            let checked = match tree(text) {
                Err(error) if !error.to_string().contains("number out of range") => Err(error),
                _ => tree(&with_numbers_quoted(text)),
            };
            let value = checked.map_err(|error| {
                let at = (error.line(), error.column());
                if is_repeated_key(&error) { Problem::RepeatedKey(at) } else { Problem::Syntax(at) }.refusal("")
            })?;
            let classify = |error: &serde_json::Error| match is_repeated_key(error) {
                true => Problem::RepeatedKey(repeated(&error.to_string()).unwrap_or((1, 1))),
                false => Problem::Type,
            };
            let outcome = typed(&value);
            finish(text, outcome, classify, || Ok(value))
        }
    }
}

/// `avsender` and `eksternReferanse` of a file that `parse` refuses, where they can be read in spite of that: whoever
/// sent the letter must recognise it.
pub fn origin(bytes: &[u8], format: Format) -> (Text, Text) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let too_large = bytes.len() > METADATA_BYTES_MAX || line_that_is_too_deep(bytes).is_some();
    let Some(text) = str::from_utf8(bytes).ok().filter(|_| !too_large) else { return (None, None) };
    let field = |name| match format {
        Format::Yaml => TopField(name).deserialize(serde_yaml::Deserializer::from_str(text)).ok().flatten(),
        Format::Json => {
            let quoted = with_numbers_quoted(text);
            let mut json = serde_json::Deserializer::from_str(&quoted);
            let field = TopField(name).deserialize(&mut json);
            field.and_then(|field| json.end().map(|()| field)).ok().flatten()
        }
    };
    (field("avsender"), field("eksternReferanse"))
}

/// One text at the top of a file, whatever else stands there; none where it is given twice.
struct TopField(&'static str);

impl<'de> DeserializeSeed<'de> for TopField {
    type Value = Text;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TopField {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        #[derive(Deserialize)]
        struct Field(#[serde(deserialize_with = "text")] Text);
        let mut found = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == self.0 {
                found.push(map.next_value::<Field>()?.0);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found.pop().filter(|_| found.is_empty()).flatten())
    }
}

/// What is wrong with a metadata file that does not become a `Forsendelse`.
enum Problem {
    Syntax((usize, usize)),
    RepeatedKey((usize, usize)),
    Type,
}

impl Problem {
    fn refusal(self, path: &str) -> Refusal {
        match self {
            Self::Syntax((line, column)) => {
                unreadable(&format!("linje {line}, kolonne {column}: her slutter filen å være gyldig"))
            }
            Self::RepeatedKey((line, column)) => {
                unreadable(&format!("linje {line}, kolonne {column}: et felt er oppgitt to ganger"))
            }
            Self::Type if path.is_empty() || path == "." => {
                Refusal::new(Code::MetadataInvalid, "filen er ikke en liste av felter med verdier")
            }
            Self::Type => Refusal::new(Code::MetadataInvalid, format!("felt {path}: verdien er av feil slag")),
        }
    }
}

fn unreadable(detail: &str) -> Refusal {
    Refusal::new(Code::MetadataUnreadable, detail)
}

/// Aliases of one field count as one key, so `konteringskode` beside `konteringsKode` is a repetition.
fn is_repeated_key(error: &impl fmt::Display) -> bool {
    error.to_string().contains("duplicate field") || error.to_string().contains("duplicate entry")
}

/// Where the last of several YAML documents begins.
fn last_document(text: &str) -> (usize, usize) {
    let starts = text.lines().enumerate().filter(|(_, line)| line.starts_with("---"));
    starts.last().map_or((1, 1), |(number, _)| (number + 1, 1))
}

type Outcome<E> = Result<(Forsendelse, Option<Unknown>), (E, String)>;

/// Deserializes while noting the path of every unknown field, and of the field where it fails.
fn typed<'de, D: Deserializer<'de>>(deserializer: D) -> Outcome<D::Error> {
    let mut unknown = None;
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(deserializer, &mut track);
    let outcome = serde_ignored::deserialize(tracked, |path| {
        if let serde_ignored::Path::Map { parent, key } = path {
            let parent = parent.to_string().replace(".?", "").trim_matches(['.', '?']).to_owned();
            unknown.get_or_insert(Unknown { parent, name: key });
        }
    });
    match outcome {
        Ok(Mapping(forsendelse)) => Ok((forsendelse, unknown)),
        Err(error) => Err((error, shown(&track.path().to_string()).replace(".?", ""))),
    }
}

/// `tree`: the file without its types, for what the typed reading did not come to.
fn finish<E>(
    text: &str,
    outcome: Outcome<E>,
    classify: impl FnOnce(&E) -> Problem,
    tree: impl FnOnce() -> Result<Value, E>,
) -> Result<Parsed, Refusal> {
    let (problem, path) = match outcome {
        Ok((forsendelse, None)) => return Ok(Parsed { forsendelse, unknown: None }),
        // Of a field that nobody knows the typed reading does not see that it is given twice.
        Ok((forsendelse, Some(field))) => match tree() {
            Err(error) => return Err(classify(&error).refusal("")),
            Ok(_) => return Ok(Parsed { forsendelse, unknown: Some(field.refusal(text)) }),
        },
        Err((error, path)) => (classify(&error), path),
    };
    let misspelt = match problem {
        Problem::Type => tree().ok().and_then(|tree| misspelt(&tree, "")),
        Problem::Syntax(_) | Problem::RepeatedKey(_) => None,
    };
    Err(misspelt.map_or_else(|| problem.refusal(&path), |field| field.refusal(text)))
}

/// Cheap and on the safe side: brackets opened and not closed, whatever quotes they stand in, and block nesting by
/// indentation. The parser costs time in proportion to the square of the depth, so this must come before it.
fn line_that_is_too_deep(bytes: &[u8]) -> Option<usize> {
    let mut open = 0usize;
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let markers = line.iter().take_while(|b| b" -?\t".contains(b)).filter(|b| **b != b' ').count();
        if markers > METADATA_DEPTH_MAX {
            return Some(number + 1);
        }
        for byte in line {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > METADATA_DEPTH_MAX {
                return Some(number + 1);
            }
        }
    }
    None
}
