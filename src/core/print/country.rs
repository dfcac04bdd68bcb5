//! Countries as addresses name them: the postage they need, and the name in Norwegian that the envelope must bear.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use crate::core::facts::Address;
use crate::core::names::is_unshowable;

/// What a letter's postage depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Postage {
    Norway,
    Europe,
    World,
}

/// A country of destination. Ordered by postage, then name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country {
    postage: Postage,
    name: String,
}

/// ISO 3166-1 with the names that people write; its head names the sources.
const COUNTRIES: &str = include_str!("land.csv");

/// Every name and code, in small letters.
static BY_NAME: LazyLock<HashMap<String, Country>> = LazyLock::new(|| {
    let mut by_name = HashMap::new();
    for row in COUNTRIES.lines().filter(|line| !line.starts_with('#')) {
        let [code, code3, group, names] = row.splitn(4, ';').collect::<Vec<_>>()[..] else { continue };
        let postage = match group {
            "N" => Postage::Norway,
            "E" => Postage::Europe,
            _ => Postage::World,
        };
        let country = Country { postage, name: names.split('|').next().unwrap_or_default().to_owned() };
        for name in [code, code3].into_iter().chain(names.split('|')).filter(|name| !name.is_empty()) {
            by_name.insert(folded(name), country.clone());
        }
    }
    by_name
});

/// As names are compared: composed, in small letters, with one space between words.
fn folded(name: &str) -> String {
    let seen = name.nfc().filter(|c| c.is_whitespace() || !is_unshowable(*c));
    let composed: String = seen.map(|c| if c == '’' { '\'' } else { c }).collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Country {
    /// By its name in Norwegian, English or its own languages, or its ISO 3166-1 code, in any case; empty is Norway.
    /// `None` for a name that nobody knows.
    pub fn known(land: &str) -> Option<Self> {
        match folded(land) {
            empty if empty.is_empty() => BY_NAME.get("no").cloned(),
            name => BY_NAME.get(&name).cloned(),
        }
    }

    /// The same, and a name that nobody knows as it is written, paid for as far away: letters that were placed before
    /// such a name was refused go out as they were accepted.
    pub fn of(land: &str) -> Self {
        Self::known(land).unwrap_or_else(|| Self { postage: Postage::World, name: land.trim().to_owned() })
    }

    pub fn postage(&self) -> Postage {
        self.postage
    }

    /// The name in Norwegian.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_norway(&self) -> bool {
        self.postage == Postage::Norway
    }
}

/// The lines of an address as they stand in the window: no blank ones, and abroad the country in Norwegian, in
/// capitals, on the last.
pub fn address_lines(name: &str, address: &Address) -> Vec<String> {
    let country = Country::of(&address.country);
    let city = format!("{} {}", address.postcode.trim(), address.city.trim());
    let last = if country.is_norway() { String::new() } else { country.name().to_uppercase() };
    std::iter::once(name)
        .chain(address.lines.iter().map(String::as_str))
        .chain([city.as_str(), last.as_str()])
        .map(|line| {
            // What cannot be seen is not printed; what parts words still does.
            let seen = |c: char| {
                if c.is_whitespace() || c.is_control() { Some(' ') } else { Some(c).filter(|c| !is_unshowable(*c)) }
            };
            line.chars().filter_map(seen).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .filter(|line| !line.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postage_and_norwegian_name() {
        for (land, postage, name) in [
            ("", Postage::Norway, "Norge"),
            ("NOREG", Postage::Norway, "Norge"),
            ("Norway ", Postage::Norway, "Norge"),
            ("sweden", Postage::Europe, "Sverige"),
            ("SE", Postage::Europe, "Sverige"),
            ("ØSTERRIKE", Postage::Europe, "Østerrike"),
            ("United  Kingdom", Postage::Europe, "Storbritannia"),
            ("United States", Postage::World, "USA"),
            ("Nigeria", Postage::World, "Nigeria"),
            ("Niger", Postage::World, "Niger"),
            ("Atlantis", Postage::World, "Atlantis"),
        ] {
            let country = Country::of(land);
            assert_eq!((country.postage(), country.name()), (postage, name), "{land}");
        }
    }

    #[test]
    fn codes_and_names_in_many_languages() {
        for (land, name) in [
            ("SJ", "Norge"),
            ("Svalbard", "Norge"),
            ("svalbard og jan mayen", "Norge"),
            ("NOR", "Norge"),
            ("Norga", "Norge"),
            ("SWE", "Sverige"),
            ("DEU", "Tyskland"),
            ("Deutschland", "Tyskland"),
            ("Espan\u{303}a", "Spania"),
            ("Polska", "Polen"),
            ("Suomi", "Finland"),
            ("Frankrike", "Frankrike"),
            ("Storbritannia", "Storbritannia"),
            ("GBR", "Storbritannia"),
        ] {
            assert_eq!(Country::known(land).map(|country| country.name), Some(name.to_owned()), "{land}");
        }
        for land in ["Atlantis", "Norgee", "XX", "NN", "-"] {
            assert_eq!(Country::known(land), None, "{land}");
        }
    }

    #[test]
    fn every_row_is_whole_and_no_name_means_two_countries() {
        let mut seen = std::collections::HashSet::new();
        for row in COUNTRIES.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = row.splitn(4, ';').collect();
            assert!(fields.len() == 4 && fields[0].len() == 2 && ["N", "E", "V"].contains(&fields[2]), "{row}");
            assert!(!fields[3].split('|').next().unwrap().is_empty(), "{row}");
            let names = [fields[0], fields[1]].into_iter().chain(fields[3].split('|')).filter(|name| !name.is_empty());
            let names: std::collections::HashSet<String> = names.map(folded).collect();
            for name in names {
                assert!(!seen.contains(&name), "{name} means two countries");
                seen.insert(name);
            }
        }
        assert!(seen.len() > 1_000);
    }

    #[test]
    fn address_lines_end_in_the_country_abroad_only() {
        let address = |country: &str| Address {
            lines: vec!["Storgata 1".into(), " ".into()],
            postcode: "0150".into(),
            city: "OSLO".into(),
            country: country.into(),
        };
        assert_eq!(address_lines("Berg", &address("Norge")), ["Berg", "Storgata 1", "0150 OSLO"]);
        assert_eq!(address_lines("Be\u{ad}rg\u{200b}\u{2028}AS", &address("NOR"))[0], "Berg AS");
        assert_eq!(address_lines("Berg", &address("Denmark")), ["Berg", "Storgata 1", "0150 OSLO", "DANMARK"]);
    }
}
