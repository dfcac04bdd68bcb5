//! Metadata files, right and wrong.

use std::collections::BTreeSet;

use super::fields::PLACES;
use super::forsendelse::Forsendelse;
use super::json::with_numbers_quoted;
use super::{Format, METADATA_BYTES_MAX, origin, parse};
use crate::core::code::{Code, Refusal};

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
    assert_eq!(f.mottaker.flatten().unwrap().0.digitalAdresse.unwrap().0.fodselsNummer.as_deref(), Some("01020312345"));
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
    for text in
        ["{", "{\"tittel\": \"a\", \"tittel\": \"b\"}", "{} {}", "{\"konteringskode\":\"a\",\"konteringsKode\":\"b\"}"]
    {
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
    let laughs =
        format!("a: &a [x,x]\n{}tittel: x", (0..9).map(|i| format!("b{i}: &b{i} [*a,*a,*a]\n")).collect::<String>());
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
    for rest in ["mottaker: Kari", "tittel: [x]", "tittel: a, tittel: b", "svarPaForsendelse: [1]", "titel: {x: 1}"] {
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
