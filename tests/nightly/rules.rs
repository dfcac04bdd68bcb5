//! One rule of the night at a time.

use std::fs;
use std::process::Command;

use crate::support::make::pdf;
use crate::world::{ALTINN, DIGIPOST, DROPPED, EBOKS, RESERVED, SVARINN, World, messages, world};
use lopdf::Document;

#[test]
fn opened_always_wins_over_a_deadline_a_failure_and_a_stop() {
    let world = world(&[("a", ALTINN), ("b", ALTINN), ("c", ALTINN), ("d", DIGIPOST)]);
    fs::write(world.folder("c").join("STOPP"), "").unwrap();
    let rows = [
        "a LEST 2026-11-30T10:00:00+01:00",
        "b FEIL 2026-11-24T10:00:00+01:00",
        "b Read 2026-11-23T10:30:00+01:00",
        "c Confirmed 2026-11-23T10:30:00+01:00",
        "d FEIL 2026-11-25T10:30:00+01:00",
        "d LEVERT_SDP 2026-11-24T10:30:00+01:00",
    ];
    world.receipts("a.csv", DROPPED, &rows);
    let (answer, code) = world.nightly("2026-12-01T00:30:00+01:00");
    assert_eq!((answer["opened"].as_u64(), answer["delivered"].as_u64(), code), (Some(3), Some(1), 1), "{answer}");
    assert!(messages(&answer)[0].contains("allerede åpnet") && messages(&answer).len() == 1, "{answer}");
    assert!(["a", "b", "c", "d"].iter().all(|name| world.place(name) == "arkiv/2026-12"));
}

#[test]
fn a_failed_mailbox_letter_is_printed_unless_it_is_digital_only_or_cannot_be() {
    let world = World::new("avsendere.yaml");
    world.drop("papir", DIGIPOST, "");
    world.drop("digital", DIGIPOST, "kunDigitalLevering: true");
    world.drop("vedlegg", EBOKS, "dokumenter: [{filnavn: vedtak.pdf}, {filnavn: film.mp4}]");
    fs::write(world.dir.join("inbox/vedlegg/film.mp4"), "film").unwrap();
    world.run(DROPPED);
    let at = "2026-11-23T11:00:00+01:00";
    let rows = [format!("papir FEIL {at}"), format!("digital failed {at}"), format!("vedlegg Reserved {at}")];
    world.receipts("a.csv", at, &rows.each_ref().map(String::as_str));
    let (answer, code) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!((answer["failed"].as_u64(), answer["printed"].as_u64(), code), (Some(3), Some(1), 1), "{answer}");
    assert_eq!(world.place("papir"), "print/batch-2026-11-24-01");
    let digital = world.at("digital");
    assert_eq!((digital.place.as_str(), digital.status.status.as_str()), ("arkiv/2026-11", "IKKE_LEVERT"));
    let attachment = world.at("vedlegg");
    assert_eq!((attachment.place.as_str(), attachment.status.kode.as_str()), ("avvist", "document-not-printable"));
    let list = world.list("oppfolging-2026-11-24.csv");
    assert!(
        list.contains(&digital.status.forsendelsesId) && list.contains(&attachment.status.forsendelsesId),
        "{list}"
    );
    assert!(list.contains(";outbox/arkiv/2026-11/digital."), "{list}");
    // Opened after all.
    world.receipts("b.csv", at, &["digital LEST 2026-11-24T11:00:00+01:00"]);
    world.nightly("2026-11-25T00:30:00+01:00");
    assert_eq!(world.at("digital").status.status.as_str(), "LEST");
    // What has reached its recipient after all is not sent a second time.
    world.drop("digital", DIGIPOST, "kunDigitalLevering: true");
    let answer = world.run("2026-11-25T10:00:00+01:00");
    assert_eq!(answer["refused"]["duplicate"].as_u64(), Some(1), "{answer}");
}

#[test]
fn a_batch_is_what_a_print_house_needs_and_leaves_when_it_is_printed() {
    let world = World::new("avsendere.yaml");
    for number in 0..5 {
        world.drop(&format!("p{number}"), RESERVED, "utskriftskonfigurasjon: {tosidig: true}");
    }
    world.drop("e", RESERVED, "konteringskode: '-1'\ndokumenter: [{filnavn: vedtak.pdf, giroarkSider: [2]}]");
    world.run(DROPPED);
    let (answer, _) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!(answer["batch"], serde_json::json!(["batch-2026-11-24-01"]));
    let batch = world.outbox().join("print/batch-2026-11-24-01");
    let manifest = fs::read_to_string(batch.join("manifest.csv")).unwrap();
    let lines: Vec<Vec<&str>> = manifest.lines().skip(1).map(|line| line.split(';').collect()).collect();
    let expected: &[&str] =
        &["C5-sort-enkeltsidig.pdf", "1", "3", "3", "C5", "nei", "nei", "3", "Norge", "4604", "'-1"];
    assert_eq!(lines[0][3..14], *expected);
    assert!(manifest.starts_with('\u{feff}') && manifest.contains("\r\n") && lines.len() == 6);
    let about: serde_yaml::Value = serde_yaml::from_slice(&fs::read(batch.join("batch.yaml")).unwrap()).unwrap();
    let mut pages = 0;
    for file in about["filer"].as_sequence().unwrap() {
        let bytes = fs::read(batch.join(file["fil"].as_str().unwrap())).unwrap();
        let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
        assert_eq!(file["sha256"].as_str().unwrap(), postgang::core::letter::hex(digest));
        if let Some(expected) = file["sider"].as_u64() {
            let document = Document::load_mem(&bytes).unwrap();
            assert_eq!(document.get_pages().len() as u64, expected);
            pages += expected;
            check_with_qpdf(&batch.join(file["fil"].as_str().unwrap()));
        }
    }
    // A cover and two pages each; with duplex the cover has an empty back.
    assert_eq!((pages, about["sider"].as_u64()), (3 + 5 * 4, Some(3 + 5 * 4)));
    assert_eq!(world.at("p0").status.underrettet, Some(about["forseglet"].as_str().map(stamp).unwrap()));

    let at = "2026-11-25T11:00:00+01:00";
    let printed: Vec<String> = (0..5).map(|number| format!("p{number} PRINTET {at}")).collect();
    world.receipts("a.csv", at, &printed.iter().map(String::as_str).collect::<Vec<_>>());
    world.nightly("2026-11-26T00:30:00+01:00");
    assert_eq!(world.at("p0").status.status.as_str(), "PRINTET");
    assert_eq!(world.place("p0"), "print/batch-2026-11-24-01", "one letter has not been heard of");
    assert!(!world.list("oppfolging-2026-11-26.csv").contains("batch"));
    let (_, code) = world.nightly("2026-12-02T00:30:00+01:00");
    let late = world.list("oppfolging-2026-12-02.csv");
    assert!(late.contains(";910077473;outbox/print/batch-2026-11-24-01;") && code == 1, "{late}");
    world.receipts("b.csv", at, &["e RETUR 2026-12-02T11:00:00+01:00", "p0 RETUR 2026-12-02T11:00:00+01:00"]);
    world.nightly("2026-12-03T00:30:00+01:00");
    assert_eq!(world.place("e"), "arkiv/2026-12/batch-2026-11-24-01");
    assert!(world.outbox().join("arkiv/2026-12/batch-2026-11-24-01/FERDIG").is_file());
    let returned = world.list("retur-2026-12-03.csv");
    assert!(returned.lines().count() == 3 && returned.contains("2026/e"), "{returned}");
    // A returned letter may come again.
    world.drop("e", RESERVED, "konteringskode: '-1'\ndokumenter: [{filnavn: vedtak.pdf, giroarkSider: [2]}]");
    assert_eq!(world.run("2026-12-03T09:00:00+01:00")["placed"]["print"].as_u64(), Some(1));
    let (answer, _) = world.nightly("2026-12-03T10:00:00+01:00");
    assert_eq!(answer["batch"], serde_json::json!(["batch-2026-12-03-01"]));

    let (answer, _) = world.nightly("2027-03-03T00:29:00+01:00");
    assert_eq!(answer["purged"].as_u64(), Some(0), "not yet ninety days");
    let (answer, _) = world.nightly("2027-03-04T00:30:00+01:00");
    assert_eq!(answer["purged"].as_u64(), Some(6));
    assert!(!world.outbox().join("arkiv/2026-12").exists());
    let (_, code) = world.postgang("2027-03-04T01:00:00+01:00", &["explain", "2026/p0"]);
    assert_eq!(code, 0, "the ledger remembers");
}

#[test]
fn a_letter_that_cannot_be_printed_says_why_and_what_to_do_once() {
    let world = World::new("avsendere.yaml");
    world.drop("borte", RESERVED, "");
    world.drop("nevnt", RESERVED, "dokumenter: [{filnavn: vedtak.pdf}, {filnavn: vedlegg.pdf}]");
    world.drop("navn", RESERVED, "");
    for name in ["borte", "nevnt"] {
        fs::write(world.dir.join("inbox").join(name).join("vedlegg.pdf"), pdf(1)).unwrap();
    }
    let odd = world.dir.join("inbox/navn/forsendelse.yaml");
    fs::write(&odd, fs::read_to_string(&odd).unwrap().replace("Eline Eksempel", "山田")).unwrap();
    let answer = world.run(DROPPED);
    assert_eq!(answer["refused"]["address-not-printable"].as_u64(), Some(1), "not at night: {answer}");
    for name in ["borte", "nevnt"] {
        fs::remove_file(world.folder(name).join("vedlegg.pdf")).unwrap();
    }
    world.nightly("2026-11-24T00:30:00+01:00");
    for name in ["borte", "nevnt"] {
        let gone = world.at(name);
        assert_eq!((gone.place.as_str(), gone.status.kode.as_str()), ("avvist", "document-missing"));
        assert!(gone.status.begrunnelse.contains("vedlegg.pdf"), "{}", gone.status.begrunnelse);
    }
    let text = fs::read_to_string(world.folder("borte").join("BESLUTNING.txt")).unwrap();
    assert_eq!(text.matches("send brevet for hånd").count(), 1, "{text}");
}

#[test]
fn what_a_print_house_says_before_it_has_the_letter_is_recorded_and_looked_at() {
    let world = world(&[("p", RESERVED), ("a", ALTINN)]);
    world.receipts("a.csv", DROPPED, &["p PRINTET 2026-11-23T12:00:00+01:00", "a RETUR 2026-11-23T12:00:00+01:00"]);
    let (answer, code) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!((world.place("p").as_str(), world.place("a").as_str()), ("print/batch-2026-11-24-01", "altinn"));
    assert_eq!((world.at("p").status.status.as_str(), code), ("SENDT_PRINT", 1), "{answer}");
    let list = world.list("oppfolging-2026-11-24.csv");
    assert!(list.lines().count() == 2 && list.contains("2026/a"), "{list}");
    world.receipts("b.csv", DROPPED, &["p PRINTET 2026-11-24T12:00:00+01:00"]);
    world.nightly("2026-11-25T00:30:00+01:00");
    assert_eq!(world.place("p"), "arkiv/2026-11/batch-2026-11-24-01");
}

fn stamp(text: &str) -> postgang::core::status::Stamp {
    postgang::core::status::Stamp(crate::world::time(text))
}

fn check_with_qpdf(path: &std::path::Path) {
    match Command::new("qpdf").arg("--check").arg(path).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => eprintln!("qpdf is not installed: the merged PDFs are not checked with it"),
    }
}

#[test]
fn batches_are_numbered_by_sender_and_never_reuse_a_number() {
    let world = two_senders();
    for (name, sender) in [("a", "910077473"), ("b", "123456785")] {
        world.drop(name, RESERVED, &format!("avsender: '{sender}'"));
    }
    world.run(DROPPED);
    let (answer, _) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!(answer["batch"], serde_json::json!(["batch-2026-11-24-01", "batch-2026-11-24-02"]));
    assert_eq!(world.place("b"), "print/batch-2026-11-24-01", "the lower organisation number first");
    world.drop("c", RESERVED, "avsender: '910077473'");
    world.run("2026-11-24T09:00:00+01:00");
    let (answer, _) = world.nightly("2026-11-24T10:00:00+01:00");
    assert_eq!(answer["batch"], serde_json::json!(["batch-2026-11-24-03"]));
    for sender in ["910077473", "123456785"] {
        let list = world.list(&format!("kvittering-2026-11-24-{sender}.csv"));
        assert!(list.contains("SENDT_PRINT"), "{list}");
    }
}

#[test]
fn a_list_that_was_fetched_does_not_come_back_with_another_senders() {
    let world = two_senders();
    for (name, sender) in [("a1", "910077473"), ("a2", "910077473"), ("a3", "910077473"), ("b", "123456785")] {
        world.drop(name, ALTINN, &format!("avsender: '{sender}'"));
    }
    world.run(DROPPED);
    let now = "2026-11-24T00:30:00+01:00";
    world.nightly(now);
    let list = |sender: &str| {
        let text = world.list(&format!("kvittering-2026-11-24-{sender}.csv"));
        text.lines().skip(1).map(|line| line.split(';').next().unwrap().replace("2026/", "")).collect::<Vec<_>>()
    };
    assert_eq!((list("910077473").len(), list("123456785").len()), (3, 1));
    fs::remove_file(world.outbox().join("kvittering-2026-11-24-910077473.csv")).unwrap();
    let stop = |name: &str| world.postgang(now, &["hold", &format!("2026/{name}"), "--reason", "feil"]);
    stop("b");
    world.nightly(now);
    assert_eq!((list("910077473").len(), list("123456785").len()), (0, 2), "nothing new, and one that grows");
    stop("a1");
    world.nightly(now);
    stop("a2");
    world.nightly(now);
    assert_eq!((list("910077473"), list("123456785").len()), (vec!["a1".to_owned(), "a2".to_owned()], 2));
    world.nightly("2026-11-25T00:30:00+01:00");
    assert!(world.list("kvittering-2026-11-25-910077473.csv").is_empty());
}

fn two_senders() -> World {
    let world = World::new("avsendere.yaml");
    let senders = fs::read_to_string(world.senders()).unwrap();
    let second = senders.split_once("avsendere:\n").unwrap().1.replace("910077473", "123456785");
    fs::write(world.senders(), format!("{senders}{second}")).unwrap();
    world
}

#[test]
fn nothing_that_leaves_names_a_person_and_a_lost_ledger_loses_no_letter() {
    let world = world(&[("a", ALTINN), ("d", DIGIPOST), ("p", RESERVED)]);
    world.nightly("2026-12-01T00:30:00+01:00");
    for (name, bytes) in world.tree() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let ours = name.ends_with(".csv") || name.ends_with("status.yaml") || name.ends_with("batch.yaml");
        let personal = [ALTINN, DIGIPOST, RESERVED, "Eline", "Storgata"];
        assert!(!ours || !personal.iter().any(|secret| text.contains(secret)), "{name}: {text}");
    }
    let (counted, _) = world.postgang("2026-12-01T00:20:00+01:00", &["report"]);
    fs::remove_file(world.dir.join(".postgang/ledger.sqlite")).unwrap();
    let tree = |world: &World| world.tree().into_iter().filter(|(name, _)| !name.ends_with(".csv")).collect::<Vec<_>>();
    let before = tree(&world);
    world.nightly("2026-12-01T00:30:00+01:00");
    assert!(tree(&world) == before);
    assert_eq!(world.run("2026-12-01T00:40:00+01:00")["received"].as_u64(), Some(0));
    let (answer, code) = world.postgang("2026-12-01T00:50:00+01:00", &["report"]);
    assert!(code == 0 && answer["letters"] == 3, "{answer}");
    assert_eq!(answer, counted, "a ledger that was lost counts the same letters");
}

#[test]
fn an_uncollected_letter_moves_to_altinn_only_where_its_sender_says_so() {
    let world = world(&[("s", SVARINN), ("h", SVARINN)]);
    world.receipts("a.csv", DROPPED, &["h SENDT 2026-11-23T10:30:00+01:00"]);
    let (_, code) = world.nightly("2026-11-24T09:59:00+01:00");
    assert_eq!((code, world.list("oppfolging-2026-11-24.csv").as_str()), (0, ""));
    let (_, code) = world.nightly("2026-11-25T00:30:00+01:00");
    let list = world.list("oppfolging-2026-11-25.csv");
    assert!(code == 1 && list.matches("ikke hentet av organisasjonens mottakssystem").count() == 2, "{list}");
    assert_eq!((world.place("s"), world.place("h")), ("svarinn".to_owned(), "svarinn".to_owned()));
    let senders = fs::read_to_string(world.senders()).unwrap();
    fs::write(world.senders(), senders.replace("    regler:", "    svarinn: {frist: 72 timer}\n    regler:")).unwrap();
    world.nightly("2026-11-26T00:30:00+01:00");
    assert_eq!(world.place("s"), "svarinn");
    world.nightly("2026-11-27T00:30:00+01:00");
    assert_eq!((world.place("s"), world.at("s").status.kode.as_str()), ("altinn".to_owned(), "svarinn-not-collected"));
    assert_eq!(world.place("h"), "svarinn", "it was handed over, and would come twice");
}

#[test]
fn what_a_channel_gave_up_is_listed_and_not_printed_on_that_account() {
    let world = world(&[("d", DIGIPOST), ("a", ALTINN), ("b", ALTINN)]);
    let rows = [
        "d LEVETID_UTLOPT 2026-11-23T11:00:00+01:00",
        "a VARSEL_FEILET 2026-11-23T11:00:00+01:00",
        "b VARSEL_FEILET 2026-11-23T11:00:00+01:00",
        "b VARSLET 2026-11-23T12:00:00+01:00",
    ];
    world.receipts("a.csv", DROPPED, &rows);
    let (answer, code) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!((answer["failed"].as_u64(), code), (Some(0), 1), "{answer}");
    let list = world.list("oppfolging-2026-11-24.csv");
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.contains("kanalen ga opp leveringen") && list.contains("varselet kom ikke fram"), "{list}");
    assert_eq!((world.place("d"), world.place("a")), ("digipost".to_owned(), "altinn".to_owned()));
}

#[test]
fn a_row_for_the_archive_bears_the_code_that_the_letter_had_then() {
    let world = world(&[("a", ALTINN), ("d", DIGIPOST)]);
    world.receipts("a.csv", DROPPED, &["a VARSLET 2026-11-23T11:00:00+01:00"]);
    // The first night comes when the deadline has passed.
    world.nightly("2026-11-27T00:30:00+01:00");
    let list = world.list("kvittering-2026-11-27-910077473.csv");
    let code = |status: &str| {
        let row = list.lines().find(|row| row.starts_with("2026/a;") && row.contains(&format!(";{status};"))).unwrap();
        row.split(';').nth(5).unwrap()
    };
    assert_eq!((code("VARSLET"), code("SENDT_PRINT")), ("no-digital-mailbox", "unread-past-deadline"), "{list}");
    assert_eq!(world.at("d").status.deretter, None);
}
