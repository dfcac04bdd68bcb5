//! Fields as they stand in a metadata file. Every scalar is read as its written text: an unquoted identity number keeps
//! its digits, and a surname `Null`, `NO` or `1e3` stays a name.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::core::letter::Text;

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
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    deserializer.deserialize_str(TextVisitor)
}

/// The same, but `Some("")` where the field is named and empty.
pub(super) fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    text(deserializer).map(|text| Some(text.unwrap_or_default()))
}

pub(super) fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A forsendelsesId: a text, or v1's mapping around one.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
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

pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
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
