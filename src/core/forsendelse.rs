//! The format border: KS SvarUt's forsendelse, REST v2 with v1's and v3's spellings, in YAML or JSON.
//!
//! Every scalar is read as the text that stands in the file: an unquoted identity number keeps its digits, and a
//! surname `Null`, `NO` or `1e3` stays a name. Source: KS SvarUt's published schemas.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::code::{Code, Refusal};
use super::format::fields::{Nearest, known_at};
pub use super::letter::Text;
use super::names::shown;
use super::place;

/// Bytes a metadata file may have; a letter's metadata is a few thousand.
pub const METADATA_BYTES_MAX: usize = 1 << 20;
/// Nested mappings and lists a metadata file may have.
pub const METADATA_DEPTH_MAX: usize = 64;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Forsendelse {
    /// Ours: the sender's organisation number.
    #[serde(deserialize_with = "text")]
    pub avsender: Text,
    #[serde(deserialize_with = "written")]
    pub tittel: Text,
    /// `Some(None)`: named, and empty.
    #[serde(deserialize_with = "named")]
    pub mottaker: Option<Option<Mapping<Adresse>>>,
    pub eksponertFor: Option<Vec<Value>>,
    #[serde(deserialize_with = "text")]
    pub avgivendeSystem: Text,
    #[serde(deserialize_with = "text")]
    pub avgivendeSystemAktor: Text,
    #[serde(alias = "konteringsKode", deserialize_with = "text")]
    pub konteringskode: Text,
    #[serde(deserialize_with = "text")]
    pub kunDigitalLevering: Text,
    #[serde(deserialize_with = "text")]
    pub kryptert: Text,
    #[serde(alias = "utskriftsKonfigurasjon")]
    pub utskriftskonfigurasjon: Option<Mapping<Utskriftskonfigurasjon>>,
    #[serde(deserialize_with = "text")]
    pub krevNiva4Innlogging: Text,
    /// v3's word for it.
    #[serde(deserialize_with = "text")]
    pub sikkerhetsniva: Text,
    pub metadataFraAvleverendeSystem: Option<Mapping<NoarkMetadata>>,
    pub metadataForImport: Option<Mapping<NoarkMetadata>>,
    pub svarSendesTil: Option<Mapping<SvarSendesTil>>,
    #[serde(alias = "svarPaForsendelseId", deserialize_with = "id")]
    pub svarPaForsendelse: Text,
    pub dokumenter: Option<Vec<Mapping<Dokument>>>,
    pub lenker: Option<Vec<Mapping<Lenke>>>,
    #[serde(alias = "forsendelsesType", deserialize_with = "text")]
    pub forsendelsestype: Text,
    #[serde(deserialize_with = "text")]
    pub eksternReferanse: Text,
    #[serde(deserialize_with = "text")]
    pub korrelasjonsid: Text,
    #[serde(alias = "kanSvareViaEdialog", deserialize_with = "text")]
    pub svarPaForsendelseLink: Text,
    #[serde(deserialize_with = "text")]
    pub signeringUtloper: Text,
    #[serde(deserialize_with = "text")]
    pub signaturType: Text,
    pub signering: Option<Mapping<Signering>>,
    #[serde(deserialize_with = "text")]
    pub taushetsbelagtPost: Text,
    // Of a letter in the health network.
    pub beskrivelse: Option<Value>,
    pub mottakertype: Option<Value>,
    pub mottakerHerId: Option<Value>,
    pub avsenderKontakt: Option<Value>,
    pub pasient: Option<Value>,
}

/// v3's place for what v2 has at the top.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Signering {
    #[serde(deserialize_with = "text")]
    pub signeringUtloper: Text,
    #[serde(deserialize_with = "text")]
    pub signaturType: Text,
}

/// A recipient: flat in v2; `postAdresse` and `digitalAdresse` in v1; `adresse` in v3.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Adresse {
    #[serde(deserialize_with = "text")]
    pub navn: Text,
    #[serde(deserialize_with = "text")]
    pub digitalId: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje1: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje2: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje3: Text,
    #[serde(deserialize_with = "text")]
    pub postnummer: Text,
    #[serde(deserialize_with = "text")]
    pub poststed: Text,
    #[serde(alias = "landkode", deserialize_with = "text")]
    pub land: Text,
    pub adresse: Option<Mapping<Sted>>,
    pub postAdresse: Option<Mapping<PostAdresse>>,
    pub digitalAdresse: Option<Mapping<DigitalAdresse>>,
}

/// A recipient of answers: the same, with v3's `type`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct SvarSendesTil {
    #[serde(deserialize_with = "text")]
    pub navn: Text,
    #[serde(deserialize_with = "text")]
    pub digitalId: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje1: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje2: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje3: Text,
    #[serde(deserialize_with = "text")]
    pub postnummer: Text,
    #[serde(deserialize_with = "text")]
    pub poststed: Text,
    #[serde(alias = "landkode", deserialize_with = "text")]
    pub land: Text,
    pub adresse: Option<Mapping<Sted>>,
    pub postAdresse: Option<Mapping<PostAdresse>>,
    pub digitalAdresse: Option<Mapping<DigitalAdresse>>,
    #[serde(deserialize_with = "text")]
    pub r#type: Text,
}

impl From<SvarSendesTil> for Adresse {
    fn from(to: SvarSendesTil) -> Self {
        Self {
            navn: to.navn,
            digitalId: to.digitalId,
            adresselinje1: to.adresselinje1,
            adresselinje2: to.adresselinje2,
            adresselinje3: to.adresselinje3,
            postnummer: to.postnummer,
            poststed: to.poststed,
            land: to.land,
            adresse: to.adresse,
            postAdresse: to.postAdresse,
            digitalAdresse: to.digitalAdresse,
        }
    }
}

/// v3's address, beside the name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sted {
    #[serde(deserialize_with = "text")]
    pub adresselinje1: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje2: Text,
    #[serde(deserialize_with = "text")]
    pub adresselinje3: Text,
    #[serde(deserialize_with = "text")]
    pub postnummer: Text,
    #[serde(deserialize_with = "text")]
    pub poststed: Text,
    #[serde(alias = "landkode", deserialize_with = "text")]
    pub land: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct PostAdresse {
    #[serde(deserialize_with = "text")]
    pub navn: Text,
    #[serde(deserialize_with = "text")]
    pub adresse1: Text,
    #[serde(deserialize_with = "text")]
    pub adresse2: Text,
    #[serde(deserialize_with = "text")]
    pub adresse3: Text,
    #[serde(deserialize_with = "text")]
    pub postNummer: Text,
    #[serde(deserialize_with = "text")]
    pub postSted: Text,
    #[serde(deserialize_with = "text")]
    pub land: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct DigitalAdresse {
    #[serde(deserialize_with = "text")]
    pub fodselsNummer: Text,
    #[serde(deserialize_with = "text")]
    pub organisasjonsNummer: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Utskriftskonfigurasjon {
    #[serde(deserialize_with = "text")]
    pub utskriftMedFarger: Text,
    #[serde(deserialize_with = "text")]
    pub tosidig: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Dokument {
    #[serde(deserialize_with = "written")]
    pub filnavn: Text,
    #[serde(deserialize_with = "text")]
    pub mimeType: Text,
    #[serde(deserialize_with = "text")]
    pub skalSigneres: Text,
    #[serde(deserialize_with = "text")]
    pub dokumentType: Text,
    #[serde(deserialize_with = "texts")]
    pub giroarkSider: Vec<String>,
    /// v3 has no more than one.
    #[serde(deserialize_with = "text")]
    pub giroarkSide: Text,
    #[serde(alias = "ekskluderesFraUtskrift", deserialize_with = "text")]
    pub skalEkskluderesFraUtskrift: Text,
    pub ekstraMetadata: Option<Vec<Mapping<Metadata>>>,
    #[serde(deserialize_with = "text")]
    pub inneholderPersonsensitivInformasjon: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
pub struct Lenke {
    #[serde(alias = "urlLenke", deserialize_with = "text")]
    pub url: Text,
    #[serde(alias = "urlTekst", deserialize_with = "text")]
    pub tekst: Text,
    #[serde(alias = "ledeTekst", deserialize_with = "text")]
    pub ledetekst: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    #[serde(deserialize_with = "text")]
    pub key: Text,
    #[serde(deserialize_with = "text")]
    pub value: Text,
}

/// Noark fields, carried to the recipient's archive untouched: known by name, not interpreted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the field names are KS's, verbatim")]
#[allow(dead_code, reason = "naming a field here is what makes it known")]
pub struct NoarkMetadata {
    mappeId: Option<Value>,
    mappeSystemId: Option<Value>,
    #[serde(alias = "saksAar")]
    saksaar: Option<Value>,
    #[serde(alias = "saksSekvensNummer")]
    sakssekvensnummer: Option<Value>,
    systemId: Option<Value>,
    registreringsId: Option<Value>,
    #[serde(alias = "journalPostNummer")]
    journalpostnummer: Option<Value>,
    #[serde(alias = "journalAar")]
    journalaar: Option<Value>,
    #[serde(alias = "journalSekvensNummer")]
    journalsekvensnummer: Option<Value>,
    #[serde(alias = "journalPostType")]
    journalposttype: Option<Value>,
    #[serde(alias = "journalStatus")]
    journalstatus: Option<Value>,
    #[serde(alias = "journalDato")]
    journaldato: Option<Value>,
    dokumentetsDato: Option<Value>,
    tittel: Option<Value>,
    #[serde(alias = "saksBehandler")]
    saksbehandler: Option<Value>,
    ekstraMetadata: Option<Vec<Mapping<Metadata>>>,
}

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
        let (line, column) = place::of_end(&bytes[..error.valid_up_to()]);
        unreadable(&format!("linje {line}, kolonne {column}: tegnet er ikke UTF-8; lagre filen som UTF-8"))
    })?;
    if text.trim().is_empty() {
        return Err(unreadable("linje 1, kolonne 1: filen er tom"));
    }
    if let Some(line) = line_that_is_too_deep(bytes) {
        return Err(unreadable(&format!("linje {line}, kolonne 1: mer enn {METADATA_DEPTH_MAX} nivåer i hverandre")));
    }
    let repeated = |message: &str| message.split('`').nth(1).and_then(|key| place::of_key(text, key, 1));
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

/// A field that nobody knows.
struct Unknown {
    /// The path of the mapping it stands in.
    parent: String,
    name: String,
}

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

impl Unknown {
    fn refusal(&self, text: &str) -> Refusal {
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
fn misspelt(value: &Value, parent: &str) -> Option<Unknown> {
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

/// A struct that is written as a mapping and in no other way: serde would also take a list of its values in order.
#[derive(Clone, Debug, Default)]
pub struct Mapping<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Mapping<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MappingVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for MappingVisitor<T> {
            type Value = Mapping<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mapping<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Mapping)
            }
        }

        deserializer.deserialize_map(MappingVisitor(PhantomData))
    }
}

/// A scalar as it stands in the file; `None` when absent or empty, and for YAML's and JSON's `null`.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    deserializer.deserialize_str(TextVisitor)
}

/// The same, but `Some("")` where the field is named and empty.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    text(deserializer).map(|text| Some(text.unwrap_or_default()))
}

fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A forsendelsesId: a text, or v1's mapping around one.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    struct IdVisitor;

    impl<'de> Visitor<'de> for IdVisitor {
        type Value = Text;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a text or a mapping with `id`")
        }

        fn visit_unit<E>(self) -> Result<Text, E> {
            Ok(None)
        }

        fn visit_str<E: de::Error>(self, value: &str) -> Result<Text, E> {
            TextVisitor.visit_str(value)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
            #[derive(Default, Deserialize)]
            #[serde(default)]
            struct ForsendelsesId {
                #[serde(deserialize_with = "text")]
                id: Text,
            }
            ForsendelsesId::deserialize(MapAccessDeserializer::new(map)).map(|outer| outer.id)
        }
    }

    deserializer.deserialize_any(IdVisitor)
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Item(#[serde(deserialize_with = "text")] Text);
    let items = Option::<Vec<Item>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(items.into_iter().map(|Item(text)| text.unwrap_or_default()).collect())
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Text, E> {
        let value = value.trim();
        // YAML writers say `null` or `~`; the surname Null is capitalised and stays.
        Ok((!matches!(value, "" | "null" | "~")).then(|| value.to_owned()))
    }
}

/// Valid JSON with its numbers in quotation marks: a number is the text that stands there, so that `2026.10` is not
/// `2026.1`.
fn with_numbers_quoted(json: &str) -> String {
    let mut quoted = String::with_capacity(json.len() + 64);
    let (mut in_text, mut escaped, mut in_number) = (false, false, false);
    for c in json.chars() {
        let starts = !in_text && !in_number && (c == '-' || c.is_ascii_digit());
        let ends = in_number && !(c.is_ascii_digit() || "+-.eE".contains(c));
        if starts || ends {
            in_number = starts;
            quoted.push('"');
        }
        if c == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = in_text && c == '\\' && !escaped;
        quoted.push(c);
    }
    if in_number {
        quoted.push('"');
    }
    quoted
}

/// JSON as a tree with every scalar as text, `null` left out, and no key given twice.
struct JsonTree;

impl<'de> DeserializeSeed<'de> for JsonTree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonTree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(JsonTree)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = serde_json::Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(JsonTree)?;
            if entries.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
            }
            entries.insert(key, value);
        }
        entries.retain(|_, value| !value.is_null());
        Ok(entries.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::format::fields::PLACES;
    use super::*;

    fn known(bytes: &[u8], format: Format) -> Result<Forsendelse, Refusal> {
        let parsed = parse(bytes, format)?;
        parsed.unknown.map_or(Ok(parsed.forsendelse), Err)
    }

    fn yaml(text: &str) -> Result<Forsendelse, Refusal> {
        known(text.as_bytes(), Format::Yaml)
    }

    fn json(text: &str) -> Result<Forsendelse, Refusal> {
        known(text.as_bytes(), Format::Json)
    }

    fn refused(outcome: Result<Forsendelse, Refusal>) -> (Code, String) {
        let refusal = outcome.unwrap_err();
        (refusal.code, refusal.detail)
    }

    #[test]
    fn unquoted_identity_numbers_keep_their_digits() {
        for number in ["11020312345", "01020312345", "20914695016"] {
            let f = yaml(&format!("mottaker: {{digitalId: {number}}}")).unwrap();
            assert_eq!(f.mottaker.flatten().unwrap().0.digitalId.as_deref(), Some(number));
        }
        let f = yaml("mottaker:\n  digitalAdresse:\n    fodselsNummer: 01020312345\n").unwrap();
        assert_eq!(
            f.mottaker.flatten().unwrap().0.digitalAdresse.unwrap().0.fodselsNummer.as_deref(),
            Some("01020312345")
        );
        let f = json(r#"{"mottaker": {"digitalId": 20914695016}}"#).unwrap();
        assert_eq!(f.mottaker.flatten().unwrap().0.digitalId.as_deref(), Some("20914695016"));
    }

    #[test]
    fn a_number_is_its_written_text() {
        for number in ["2026.10", "2026.1", "1e3", "1E+03", "-0", "0.0", "1e999", "123456789012345678901234567890"] {
            let f = json(&format!("{{\"eksternReferanse\": {number}, \"mottaker\": {{\"postnummer\": 10}}}}")).unwrap();
            assert_eq!(f.eksternReferanse.as_deref(), Some(number));
            assert_eq!(f.mottaker.flatten().unwrap().0.postnummer.as_deref(), Some("10"));
            let f = yaml(&format!("eksternReferanse: {number}")).unwrap();
            assert_eq!(f.eksternReferanse.as_deref(), Some(number));
        }
        let f = json(r#"{"dokumenter": [{"filnavn": "a.pdf", "giroarkSider": [1, 20]}]}"#).unwrap();
        assert_eq!(f.dokumenter.unwrap()[0].0.giroarkSider, ["1", "20"]);
        let quoted = with_numbers_quoted(r#"{"a 1\"2\\": -1.5e-3, "b":[1,2.0 , true], "c": "3"}"#);
        assert_eq!(quoted, r#"{"a 1\"2\\": "-1.5e-3", "b":["1","2.0" , true], "c": "3"}"#);
        assert_eq!(with_numbers_quoted("12"), "\"12\"");
        assert_eq!(refused(json("{\"tittel\": 01}")).0, Code::MetadataUnreadable);
    }

    #[test]
    fn names_that_look_like_something_else_stay_names() {
        for name in ["Null", "NO", "1e3", "true", "0x1F", ".inf", "2026-01-01"] {
            let f = yaml(&format!("mottaker: {{navn: {name}}}")).unwrap();
            assert_eq!(f.mottaker.flatten().unwrap().0.navn.as_deref(), Some(name));
        }
        for empty in ["null", "~", "", "\"\"", "'  '"] {
            assert_eq!(
                yaml(&format!("mottaker: {{navn: {empty}}}")).unwrap().mottaker.flatten().unwrap().0.navn,
                None,
                "{empty}"
            );
        }
    }

    #[test]
    fn both_spellings_and_both_formats() {
        let f = json(
            r#"{"konteringsKode": "K1", "forsendelsesType": null, "lenker": [{"urlLenke": "u", "urlTekst": "t"}],
            "dokumenter": [{"filnavn": "a.pdf", "giroarkSider": [1, 2], "ekskluderesFraUtskrift": true}]}"#,
        )
        .unwrap();
        assert_eq!(f.konteringskode.as_deref(), Some("K1"));
        let document = &f.dokumenter.unwrap()[0].0;
        assert_eq!(document.giroarkSider, ["1", "2"]);
        assert_eq!(document.skalEkskluderesFraUtskrift.as_deref(), Some("true"));
    }

    #[test]
    fn unknown_fields_are_named_with_their_nearest() {
        let cases = [
            ("kunDigitalLevring: true", "felt kunDigitalLevring; nærmeste kjente felt er kunDigitalLevering"),
            ("mottaker: {navm: x}", "felt mottaker.navm; nærmeste kjente felt er navn"),
            ("dokumenter: [{filnanv: x}]", "felt dokumenter.0.filnanv; nærmeste kjente felt er filnavn"),
        ];
        for (text, detail) in cases {
            assert_eq!(refused(yaml(text)), (Code::UnknownField, detail.to_owned()));
        }
        assert_eq!(refused(json(r#"{"titel": "x"}"#)).0, Code::UnknownField);
        for text in ["{titel: x, mottaker: Kari}", "{mottaker: Kari, titel: x}"] {
            assert_eq!(refused(yaml(text)).1, "felt titel; nærmeste kjente felt er tittel");
        }
        assert_eq!(refused(json(r#"{"mottaker": [{"navm": "x"}]}"#)).0, Code::UnknownField);
    }

    #[test]
    fn a_name_that_slipped_into_a_fields_place_is_not_repeated() {
        for text in [
            "tittel: x\nmottaker: {navn: Nordmann, Kari, postnummer: 0010}",
            "tittel: x\nmottaker: {navn:Kari Nordmann, postnummer: 0010}",
            "tittel: x\nmottaker: {adresselinje1: Storgata 1, h0201}",
            "tittel: x\nmottaker:\n  Kari.Nordmann: 1",
            "{tittel: Til Nordmann, Kari,\nmottaker: {}}",
        ] {
            let (code, detail) = refused(yaml(text));
            assert_eq!(code, Code::UnknownField);
            assert!(detail.starts_with("linje ") && detail.contains(": ukjent felt"), "{detail}");
            assert!(!["Kari", "Nordmann", "h0201"].iter().any(|word| detail.contains(word)), "{detail}");
        }
    }

    #[test]
    fn an_identity_number_in_a_fields_name_is_not_repeated() {
        for text in ["null20914695016: x", "tittel20914695016: {x: 1}"] {
            let (code, detail) = refused(yaml(text));
            assert!(code == Code::UnknownField && !detail.contains("20914695016"), "{detail}");
        }
    }

    #[test]
    fn unreadable_with_line_and_column() {
        for (text, place) in [
            ("tittel: [\n", "linje 2, kolonne 1"),
            ("tittel: a\ntittel: b\n", "linje 2, kolonne 1"),
            ("a: b: c\n", "linje 1, kolonne 5"),
            ("", "linje 1, kolonne 1"),
            ("--- {}\n--- {}\n", "linje 2, kolonne 1"),
            ("konteringskode: a\nkonteringsKode: b", "linje 2, kolonne 1"),
            ("tittel: a\nukjent: b\nukjent: c", "linje 3, kolonne 1"),
        ] {
            let (code, detail) = refused(yaml(text));
            assert_eq!(code, Code::MetadataUnreadable, "{text}");
            assert!(detail.starts_with(place), "{text}: {detail}");
        }
        for text in [
            "{",
            "{\"tittel\": \"a\", \"tittel\": \"b\"}",
            "{} {}",
            "{\"konteringskode\":\"a\",\"konteringsKode\":\"b\"}",
        ] {
            assert_eq!(refused(json(text)).0, Code::MetadataUnreadable, "{text}");
        }
        for format in [Format::Yaml, Format::Json] {
            let (code, detail) = refused(known(b"{\n\"tittel\": \"b\xe6\"}", format));
            assert_eq!(code, Code::MetadataUnreadable);
            assert!(detail.starts_with("linje 2, kolonne 13: tegnet er ikke UTF-8"), "{detail}");
        }
        assert!(yaml("\u{feff}tittel: a").is_ok() && json("\u{feff}{\"tittel\": \"a\"}").is_ok());
        let (_, detail) = refused(json("{\n\"konteringskode\":\"a\",\n\"konteringsKode\":\"b\"}"));
        assert!(detail.starts_with("linje 3, kolonne 2"), "{detail}");
    }

    #[test]
    fn wrong_types_name_the_field_and_no_value() {
        assert_eq!(
            refused(yaml("mottaker: Kari")),
            (Code::MetadataInvalid, "felt mottaker: verdien er av feil slag".into())
        );
        assert_eq!(refused(yaml("tittel: [a]")).1, "felt tittel: verdien er av feil slag");
        assert_eq!(refused(json("[]")).0, Code::MetadataInvalid);
        assert_eq!(refused(yaml("bare tekst")).0, Code::MetadataInvalid);
    }

    #[test]
    fn size_and_depth_are_bounded_before_parsing() {
        assert_eq!(refused(yaml(&"[".repeat(20_000))).0, Code::MetadataUnreadable);
        assert_eq!(refused(yaml(&"- ".repeat(20_000))).0, Code::MetadataUnreadable);
        assert_eq!(refused(json(&"[".repeat(20_000))).0, Code::MetadataUnreadable);
        assert_eq!(refused(yaml(&"a".repeat(METADATA_BYTES_MAX + 1))).0, Code::MetadataUnreadable);
        let laughs = format!(
            "a: &a [x,x]\n{}tittel: x",
            (0..9).map(|i| format!("b{i}: &b{i} [*a,*a,*a]\n")).collect::<String>()
        );
        assert_eq!(refused(yaml(&laughs)).0, Code::UnknownField);
        assert!(yaml("tittel: '[klokken] {ti}'").is_ok());
    }

    /// A file with one field at a place that holds fields.
    fn at_place(place: &str, field: &str) -> String {
        place.rsplit('.').filter(|part| !part.is_empty()).fold(format!("{{{field}}}"), |inner, part| match part {
            "dokumenter" | "lenker" | "ekstraMetadata" => format!("{{{part}: [{inner}]}}"),
            part => format!("{{{part}: {inner}}}"),
        })
    }

    #[test]
    fn the_names_of_every_place_are_known_there_and_no_other() {
        let all: BTreeSet<&str> = PLACES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for (places, names) in PLACES {
            for (place, name) in places.iter().flat_map(|place| all.iter().map(move |name| (place, name))) {
                let outcome = |value| yaml(&at_place(place, &format!("{name}: {value}")));
                if names.contains(name) {
                    // One of the values is of the field's kind.
                    let outcomes = ["x", "null", "[]", "{}"].map(outcome);
                    assert!(outcomes.iter().any(Result::is_ok), "{place}.{name}");
                } else {
                    assert_eq!(outcome("x").unwrap_err().code, Code::UnknownField, "{place}.{name}");
                }
            }
        }
    }

    #[test]
    fn a_refused_file_still_says_whose_it_is() {
        let both = (Some("910077473".to_owned()), Some("2026.10".to_owned()));
        for rest in ["mottaker: Kari", "tittel: [x]", "tittel: a, tittel: b", "svarPaForsendelse: [1]", "titel: {x: 1}"]
        {
            let text = format!("{{avsender: 910077473, eksternReferanse: 2026.10, {rest}}}");
            assert_eq!(origin(text.as_bytes(), Format::Yaml), both, "{text}");
        }
        let text = br#"{"avsender": 910077473, "eksternReferanse": 2026.10, "mottaker": "Kari"}"#;
        assert_eq!(origin(text, Format::Json), both);
        assert_eq!(origin(b"{eksternReferanse: a, eksternReferanse: b}", Format::Yaml), (None, None));
        assert_eq!(origin(b"{eksternReferanse: [a], avsender: 1}", Format::Yaml), (Some("1".to_owned()), None));
        assert_eq!(origin(b"tittel: [", Format::Yaml), (None, None));
    }

    #[test]
    fn a_name_at_the_wrong_place_is_told_where_it_belongs() {
        for (text, detail) in [
            ("digitalId: 1", "felt digitalId; feltet hører hjemme under mottaker"),
            (
                "mottaker: {kunDigitalLevering: true}",
                "felt mottaker.kunDigitalLevering; feltet hører hjemme øverst i filen",
            ),
            ("{mottaker: {tittel: x}, dokumenter: 1}", "felt mottaker.tittel; feltet hører hjemme øverst i filen"),
        ] {
            assert_eq!(refused(yaml(text)), (Code::UnknownField, detail.to_owned()));
        }
    }
}
