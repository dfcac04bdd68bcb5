//! Every field name of the forsendelse, REST v1, v2 and v3, at the place where it is known.

/// Places that hold fields, and the names known there. The first place is the top of the file. `docs/felter.md` says
/// what becomes of each.
pub const PLACES: &[(&[&str], &[&str])] = &[
    (
        &[""],
        &[
            "avsender",
            "tittel",
            "mottaker",
            "eksponertFor",
            "avgivendeSystem",
            "avgivendeSystemAktor",
            "konteringskode",
            "konteringsKode",
            "kunDigitalLevering",
            "kryptert",
            "utskriftskonfigurasjon",
            "utskriftsKonfigurasjon",
            "krevNiva4Innlogging",
            "sikkerhetsniva",
            "metadataFraAvleverendeSystem",
            "metadataForImport",
            "svarSendesTil",
            "svarPaForsendelse",
            "svarPaForsendelseId",
            "dokumenter",
            "lenker",
            "forsendelsestype",
            "forsendelsesType",
            "eksternReferanse",
            "korrelasjonsid",
            "svarPaForsendelseLink",
            "kanSvareViaEdialog",
            "signeringUtloper",
            "signaturType",
            "signering",
            "taushetsbelagtPost",
            "beskrivelse",
            "mottakertype",
            "mottakerHerId",
            "avsenderKontakt",
            "pasient",
        ],
    ),
    (&["mottaker"], ADDRESSEE),
    (&["svarSendesTil"], &concat(ADDRESSEE, "type")),
    (
        &["mottaker.adresse", "svarSendesTil.adresse"],
        &["adresselinje1", "adresselinje2", "adresselinje3", "postnummer", "poststed", "land", "landkode"],
    ),
    (
        &["mottaker.postAdresse", "svarSendesTil.postAdresse"],
        &["navn", "adresse1", "adresse2", "adresse3", "postNummer", "postSted", "land"],
    ),
    (&["mottaker.digitalAdresse", "svarSendesTil.digitalAdresse"], &["fodselsNummer", "organisasjonsNummer"]),
    (&["svarPaForsendelse"], &["id"]),
    (&["utskriftskonfigurasjon"], &["utskriftMedFarger", "tosidig"]),
    (&["signering"], &["signeringUtloper", "signaturType"]),
    (
        &["dokumenter"],
        &[
            "filnavn",
            "mimeType",
            "skalSigneres",
            "dokumentType",
            "giroarkSider",
            "giroarkSide",
            "skalEkskluderesFraUtskrift",
            "ekskluderesFraUtskrift",
            "ekstraMetadata",
            "inneholderPersonsensitivInformasjon",
        ],
    ),
    (&["lenker"], &["url", "urlLenke", "tekst", "urlTekst", "ledetekst", "ledeTekst"]),
    (
        &["metadataFraAvleverendeSystem", "metadataForImport"],
        &[
            "mappeId",
            "mappeSystemId",
            "saksaar",
            "saksAar",
            "sakssekvensnummer",
            "saksSekvensNummer",
            "systemId",
            "registreringsId",
            "journalpostnummer",
            "journalPostNummer",
            "journalaar",
            "journalAar",
            "journalsekvensnummer",
            "journalSekvensNummer",
            "journalposttype",
            "journalPostType",
            "journalstatus",
            "journalStatus",
            "journaldato",
            "journalDato",
            "dokumentetsDato",
            "tittel",
            "saksbehandler",
            "saksBehandler",
            "ekstraMetadata",
        ],
    ),
    (
        &[
            "dokumenter.ekstraMetadata",
            "metadataFraAvleverendeSystem.ekstraMetadata",
            "metadataForImport.ekstraMetadata",
        ],
        &["key", "value"],
    ),
];

const ADDRESSEE: &[&str] = &[
    "navn",
    "digitalId",
    "adresselinje1",
    "adresselinje2",
    "adresselinje3",
    "postnummer",
    "poststed",
    "land",
    "landkode",
    "adresse",
    "postAdresse",
    "digitalAdresse",
];

const fn concat(names: &'static [&'static str], last: &'static str) -> [&'static str; ADDRESSEE.len() + 1] {
    let mut all = [last; ADDRESSEE.len() + 1];
    let mut at = 0;
    while at < names.len() {
        all[at] = names[at];
        at += 1;
    }
    all
}

/// The place that a path stands for: without the numbers of list items, and in v2's spelling.
fn place(path: &str) -> String {
    let named = path.split('.').filter(|part| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit()));
    let spelt = named.map(|part| match part {
        "utskriftsKonfigurasjon" => "utskriftskonfigurasjon",
        "svarPaForsendelseId" => "svarPaForsendelse",
        part => part,
    });
    spelt.collect::<Vec<_>>().join(".")
}

/// The names known in the mapping at `path`; `None` where no mapping of fields can stand.
pub fn known_at(path: &str) -> Option<&'static [&'static str]> {
    let place = place(path);
    PLACES.iter().find(|(places, _)| places.contains(&place.as_str())).map(|(_, names)| *names)
}

/// The known field that an unknown one most likely was meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nearest {
    pub name: &'static str,
    pub distance: usize,
    /// Where it belongs, when that is another place than where the unknown one stands.
    pub elsewhere: Option<&'static str>,
}

impl Nearest {
    /// The nearest name in the mapping at `path`, unless the word itself, or one much like it, belongs at another
    /// place: then that one.
    pub fn to(name: &str, path: &str) -> Self {
        let lower = name.to_lowercase();
        let nearest = |names: &'static [&'static str]| {
            let measured =
                names.iter().map(|known| (*known, strsim::damerau_levenshtein(&lower, &known.to_lowercase())));
            measured.min_by_key(|(_, distance)| *distance)
        };
        let here = known_at(path).and_then(nearest).map(|(name, distance)| Self { name, distance, elsewhere: None });
        let place = place(path);
        let top = place.split('.').next().unwrap_or_default();
        let elsewhere = PLACES.iter().filter_map(|(places, names)| {
            let related = places.iter().find(|place| !top.is_empty() && place.starts_with(top));
            let (name, distance) = nearest(names)?;
            Some((related.is_none(), Self { name, distance, elsewhere: Some(related.unwrap_or(&places[0])) }))
        });
        let likely = elsewhere.filter(|(_, found)| found.distance <= lower.len() / 6);
        let there = likely.min_by_key(|(unrelated, found)| (found.distance, *unrelated)).map(|(_, found)| found);
        match (here, there) {
            (Some(here), Some(there)) if there.distance < here.distance => there,
            (Some(here), _) => here,
            (None, there) => there.unwrap_or(Self { name: "tittel", distance: usize::MAX, elsewhere: Some("") }),
        }
    }

    /// What the sender of `refused` is told, in bokmål.
    pub fn advice(&self, refused: &str) -> String {
        let Some(place) = self.elsewhere else { return format!("nærmeste kjente felt er {}", self.name) };
        let place = if place.is_empty() { "øverst i filen".to_owned() } else { format!("under {place}") };
        if self.name == refused {
            format!("feltet hører hjemme {place}")
        } else {
            format!("nærmeste kjente felt er {}, som hører hjemme {place}", self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn advice_is_for_the_place() {
        for (path, name, advice) in [
            ("", "kunDigitalLevring", "nærmeste kjente felt er kunDigitalLevering"),
            ("", "digitalId", "feltet hører hjemme under mottaker"),
            ("", "digitalid", "nærmeste kjente felt er digitalId, som hører hjemme under mottaker"),
            ("mottaker", "eksternReferanse", "feltet hører hjemme øverst i filen"),
            ("mottaker", "adresse1", "feltet hører hjemme under mottaker.postAdresse"),
            ("svarSendesTil", "postNummer", "nærmeste kjente felt er postnummer"),
            ("svarSendesTil", "fodselsNummer", "feltet hører hjemme under svarSendesTil.digitalAdresse"),
            ("mottaker", "type", "feltet hører hjemme under svarSendesTil"),
            ("dokumenter.0", "tittel", "feltet hører hjemme øverst i filen"),
            ("dokumenter.0", "filnanv", "nærmeste kjente felt er filnavn"),
            ("utskriftsKonfigurasjon", "tosidigg", "nærmeste kjente felt er tosidig"),
        ] {
            assert_eq!(Nearest::to(name, path).advice(name), advice, "{path}.{name}");
        }
    }

    #[test]
    fn the_word_that_was_refused_is_never_the_advice() {
        for (places, names) in PLACES {
            for (place, other) in places.iter().flat_map(|place| PLACES.iter().map(move |other| (place, other))) {
                for name in other.1.iter().filter(|name| !names.contains(name)) {
                    let nearest = Nearest::to(name, place);
                    assert!(nearest.name != *name || nearest.elsewhere.is_some_and(|there| there != *place));
                }
            }
        }
    }

    /// `docs/felter.md` names every known field at its place, and no other.
    #[test]
    fn the_table_of_fields_is_whole() {
        let table = include_str!("../../../docs/felter.md");
        let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
        let sections = table.split("\n## ").skip(1).map(|section| {
            let (heading, rows) = section.split_once('\n').unwrap();
            let names = rows.lines().filter(|row| row.starts_with('|')).flat_map(|row| {
                let cells: Vec<&str> = row.split('|').skip(1).take(3).collect();
                quoted(&cells.join(" "))
            });
            let mut places = quoted(heading);
            if places.is_empty() {
                places.insert(String::new());
            }
            (places, names.collect::<BTreeSet<_>>())
        });
        let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
        let known: Vec<_> = PLACES.iter().map(|(places, names)| (set(places), set(names))).collect();
        assert_eq!(sections.collect::<Vec<_>>(), known);
    }
}
