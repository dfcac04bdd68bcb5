//! Every refusal is provoked: `tests/errors/<code>/` holds a drop that meets it, what cannot be checked in as recipes
//! in `make.yaml`, and in `BESLUTNING.txt` what the clerk who finds the letter reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use postgang::core::code::Code;
use postgang::core::names::DECISION;
use postgang::core::route::State;

use super::make::make;
use super::world::{IN_ALTINN, RESERVED, World, expect, fixtures, sorted, status};

fn refusals() -> impl Iterator<Item = Code> {
    Code::ALL.into_iter().filter(|code| code.is_refusal())
}

#[test]
fn every_refusal_has_a_folder_and_every_folder_a_refusal() {
    let folders = sorted(&fixtures("errors"));
    let names: BTreeSet<_> = folders.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, refusals().map(Code::as_str).collect());
}

#[test]
fn every_refusal_is_made_for_its_reason_and_says_so() {
    for code in refusals() {
        let folder = fixtures("errors").join(code.as_str());
        let world = World::new();
        world.copy(&folder.join("registry"), "registry");
        world.age_registers(&BTreeMap::new());
        world.copy(&folder.join("inbox"), "inbox");
        if let Ok(recipes) = fs::read(folder.join("make.yaml")) {
            let recipes: BTreeMap<String, String> = serde_yaml::from_slice(&recipes).unwrap();
            for (path, recipe) in recipes {
                make(&world.path(path), &recipe);
            }
        }
        let outcome = world.run(&[]);
        assert_eq!(outcome.exit, 1, "{code}: {}", outcome.said);
        assert_eq!(outcome.report["refused"][code.as_str()], 1, "{code}: {}", outcome.said);
        let refused = world.placed_in("avvist");
        assert_eq!(refused.len(), 1, "{code}");
        let status = status(&refused[0]);
        let state = if code == Code::DigitalOnlyUndeliverable { State::IkkeLevert } else { State::Avvist };
        assert_eq!((status.kode.as_str(), status.status), (code.as_str(), state));
        let text = fs::read_to_string(refused[0].join(DECISION)).unwrap();
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{code}: for Windows");
        expect(&folder.join(DECISION), &text.replace("\r\n", "\n"));
    }
}

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
