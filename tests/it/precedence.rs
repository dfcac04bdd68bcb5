//! Of two refusals that a drop deserves, the one that stands earlier in the contract is made.

use std::collections::BTreeMap;
use std::fs;

use postgang::core::code::Code;

use super::make::make;
use super::world::{IN_ALTINN, RESERVED, World};

/// Drops that deserve two refusals; the one that stands earlier in the contract wins. `KLAR` keeps the incomplete
/// ones from waiting.
#[test]
fn of_two_refusals_the_earlier_wins() {
    let address = "navn: Kari Nordmann, adresselinje1: Fjellvegen 7, postnummer: '4604', poststed: KRISTIANSAND S";
    let to = |digital_id: &str, rest: &str| {
        format!("{{avsender: 910077473, tittel: Vedtak, mottaker: {{{address}, digitalId: '{digital_id}'}}, {rest}}}")
    };
    let homeless = |digital_id: &str, rest: &str| {
        format!("{{avsender: 910077473, tittel: Vedtak, mottaker: {{navn: K, digitalId: '{digital_id}'}}, {rest}}}")
    };
    let to_altinn = |rest: &str| to(IN_ALTINN, rest);
    let only = "kunDigitalLevering: true, ";
    type Files = &'static [(&'static str, &'static str)];
    let cases: Vec<(Code, Code, String, Files)> = vec![
        (Code::MetadataAmbiguous, Code::MetadataUnreadable, "tittel: [".into(), &[("forsendelse.json", "1 page")]),
        (Code::MetadataUnreadable, Code::UnknownField, "titel: x\ntittel: [".into(), &[]),
        (Code::UnknownField, Code::MetadataInvalid, "{titel: x, mottaker: Kari}".into(), &[]),
        (Code::UnknownField, Code::MetadataInvalid, "{mottaker: Kari, titel: x}".into(), &[]),
        (Code::UnknownField, Code::MetadataInvalid, to_altinn("kunDigitalLevring: true, kryptert: ja"), &[]),
        (Code::MetadataInvalid, Code::SenderUnknown, "{avsender: 310000086, tittel: x}".into(), &[]),
        (
            Code::SenderUnknown,
            Code::NotSupported,
            format!("{{avsender: 310000086, tittel: x, mottaker: {{{address}}}, signaturType: 'x'}}"),
            &[],
        ),
        (Code::NotSupported, Code::EncryptedDocuments, to_altinn("signaturType: x, kryptert: true"), &[]),
        (Code::EncryptedDocuments, Code::RecipientIdInvalid, to("20036914712", "kryptert: true"), &[]),
        (Code::RecipientIdInvalid, Code::AddressIncomplete, homeless("20036914712", ""), &[]),
        (Code::OrganisationUnknown, Code::AddressIncomplete, homeless("310000086", ""), &[]),
        (Code::OrganisationClosed, Code::AddressIncomplete, homeless("310000035", ""), &[]),
        (Code::AddressIncomplete, Code::NoDocuments, homeless(IN_ALTINN, "dokumenter: []"), &[]),
        (
            Code::CountryUnknown,
            Code::RecipientDetailsPersonal,
            format!("{{avsender: 910077473, tittel: 'Om 20914695016', mottaker: {{{address}, land: Atlantis}}}}"),
            &[],
        ),
        (
            Code::RecipientDetailsPersonal,
            Code::NoDocuments,
            format!("{{avsender: 910077473, tittel: 'Om 209 146 95016', mottaker: {{{address}}}, dokumenter: []}}"),
            &[],
        ),
        (
            Code::PrintRules,
            Code::AddressNotPrintable,
            format!("{{avsender: 910077473, tittel: x, mottaker: {{{}}}}}", address.replace("Kari", "李")),
            &[("b.pdf", "1 letter pages")],
        ),
        (
            Code::DocumentNameInvalid,
            Code::DocumentDuplicateName,
            to_altinn("dokumenter: [{filnavn: vedtak.pdf}, {filnavn: VEDTAK.pdf}, {filnavn: 'a:b.pdf'}]"),
            &[],
        ),
        (
            Code::DocumentDuplicateName,
            Code::DocumentMissing,
            to_altinn("dokumenter: [{filnavn: borte.pdf}, {filnavn: vedtak.pdf}, {filnavn: Vedtak.pdf}]"),
            &[],
        ),
        (
            Code::DocumentMissing,
            Code::DocumentUndeclared,
            to_altinn("dokumenter: [{filnavn: vedtak.pdf}, {filnavn: borte.pdf}]"),
            &[("notat.txt", "3 bytes")],
        ),
        (
            Code::DocumentUndeclared,
            Code::DocumentNotRegular,
            to_altinn(""),
            &[("a.pdf", "link to vedtak.pdf"), ("b.txt", "3 bytes")],
        ),
        (
            Code::DocumentNotRegular,
            Code::DocumentTooLarge,
            to_altinn(""),
            &[("a.pdf", "fifo"), ("b.pdf", "350000001 bytes")],
        ),
        (Code::DocumentTooLarge, Code::DigitalOnlyUndeliverable, to(RESERVED, only), &[("b.pdf", "350000001 bytes")]),
        (Code::DigitalOnlyUndeliverable, Code::PdfUnreadable, to(RESERVED, only), &[("b.pdf", "9 bytes")]),
        (Code::PdfUnreadable, Code::PdfEncrypted, to_altinn(""), &[("a.pdf", "encrypted"), ("b.pdf", "9 bytes")]),
        (Code::PdfEncrypted, Code::PdfNoPages, to_altinn(""), &[("a.pdf", "0 pages"), ("b.pdf", "encrypted")]),
        (
            Code::PdfNoPages,
            Code::GiroPageOutOfRange,
            to_altinn("dokumenter: [{filnavn: vedtak.pdf, giroarkSider: [2]}, {filnavn: b.pdf}]"),
            &[("b.pdf", "0 pages")],
        ),
        (
            Code::GiroPageOutOfRange,
            Code::DocumentNotPrintable,
            to_altinn("dokumenter: [{filnavn: b.docx}, {filnavn: vedtak.pdf, giroarkSider: [2]}]"),
            &[("b.docx", "9 bytes")],
        ),
    ];
    for (earlier, later, metadata, files) in cases {
        assert!(earlier < later, "{earlier} {later}");
        let world = World::new();
        world.drop("brev", &metadata);
        world.write("inbox/brev/KLAR", "");
        for (name, recipe) in files {
            make(&world.path("inbox/brev").join(name), recipe);
        }
        let outcome = world.run(&[]);
        assert_eq!(outcome.report["refused"][earlier.as_str()], 1, "{earlier} before {later}: {}", outcome.said);
    }
}

/// `duplicate` is judged apart from the rest, so its neighbours are tried on a letter that was accepted before.
#[test]
fn a_duplicate_comes_before_what_the_registers_say_and_after_what_the_drop_says() {
    let metadata = format!(
        "{{avsender: 910077473, tittel: Vedtak, eksternReferanse: 2026/1, kunDigitalLevering: true,
          mottaker: {{navn: Kari Nordmann, digitalId: '{IN_ALTINN}'}}}}"
    );
    let world = World::new();
    world.drop("brev", &metadata);
    assert_eq!(world.run(&[]).report["placed"]["altinn"], 1);
    let krr = fs::read_to_string(world.path("registry/krr.csv")).unwrap();
    world.write("registry/krr.csv", krr.replace(&format!("{IN_ALTINN},NEI"), &format!("{IN_ALTINN},JA")));
    world.age_registers(&BTreeMap::new());
    world.drop("igjen", &metadata);
    world.drop("vedlegg", &metadata);
    make(&world.path("inbox/vedlegg/notat.txt"), "3 bytes");
    let outcome = world.run(&[]);
    assert_eq!(outcome.report["refused"]["duplicate"], 1, "{}", outcome.said);
    assert_eq!(outcome.report["refused"]["document-undeclared"], 1, "{}", outcome.said);
}
