//! Stopping letters, by a file and by `hold`.

use std::fs;

use crate::support::make::pdf;
use crate::world::{ALTINN, DIGIPOST, DROPPED, EBOKS, ORGANISATION, RESERVED, SVARINN, World, messages, world};

#[test]
fn a_stop_works_while_a_letter_waits_and_is_answered_plainly_afterwards() {
    let letters = [("a", ALTINN), ("o", ORGANISATION), ("s", SVARINN), ("p", RESERVED), ("d", DIGIPOST), ("e", EBOKS)];
    let world = world(&letters);
    for (name, file) in [("a", "STOPP"), ("s", "stopp.txt"), ("p", "Stopp.TXT"), ("d", "STOPP")] {
        fs::write(world.folder(name).join(file), "Sendt til 20914695016 ved en feil\n").unwrap();
    }
    let (answer, code) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!((answer["stopped"].as_u64(), answer["printed"].as_u64(), code), (Some(3), Some(0), 1), "{answer}");
    assert!(messages(&answer)[0].contains("digitale postkasse"), "{answer}");
    for name in ["a", "s", "p"] {
        let at = world.at(name);
        assert_eq!((at.place.as_str(), at.status.status.as_str()), ("arkiv/2026-11", "MANUELT_HANDTERT"));
        assert_eq!(at.status.hendelser.last().unwrap().tekst, "Stoppet: Sendt til XXXXXXXXXXX ved en feil");
    }
    let (answer, _) = world.nightly("2026-11-24T00:30:00+01:00");
    assert!(messages(&answer).is_empty(), "told once: {answer}");
    // The same letter may come again.
    world.drop("a", ALTINN, "");
    let answer = world.run("2026-11-24T09:00:00+01:00");
    assert_eq!(answer["placed"]["altinn"].as_u64(), Some(1), "{answer}");
}

#[test]
fn hold_stops_at_once_or_says_whom_to_ask() {
    let world = world(&[("a", ALTINN), ("d", DIGIPOST), ("p", RESERVED), ("q", RESERVED)]);
    let hold = |query: &str| {
        let (answer, code) = world.postgang("2026-11-23T11:00:00+01:00", &["hold", query, "--reason", "feil vedlegg"]);
        (answer["letters"][0]["message"].as_str().unwrap_or_default().to_owned(), code)
    };
    assert_eq!(hold("2026/a").1, 0);
    assert_eq!(world.at("a").status.begrunnelse, "Brevet ble stoppet før det var åpnet eller sendt på papir.");
    assert_eq!(hold(&world.at("q").status.forsendelsesId).1, 0);
    assert_eq!((world.place("a"), world.place("q")), ("arkiv/2026-11".to_owned(), "arkiv/2026-11".to_owned()));
    let (message, code) = hold("2026/d");
    assert!(code == 1 && message.contains("digitale postkasse"), "{message}");
    world.nightly("2026-11-24T00:30:00+01:00");
    let (message, code) = hold("2026/p");
    assert!(code == 1 && message.contains("Ring trykkeriet"), "{message}");
    let (message, code) = hold("2026/a");
    assert!(code == 1 && message.contains("ferdig behandlet"), "{message}");
    assert_eq!(hold("2026/finnes-ikke").1, 1);
}

#[test]
fn a_beginning_shows_all_that_fit_and_stops_one_alone() {
    let world = world(&[("417-1", ALTINN), ("417-2", DIGIPOST), ("99-1", ALTINN)]);
    let letters = |answer: &serde_json::Value| answer["letters"].as_array().unwrap().len();
    let (answer, code) = world.postgang(DROPPED, &["explain", "2026/417"]);
    assert_eq!((letters(&answer), code), (2, 0), "{answer}");
    let hold = |query: &str| world.postgang("2026-11-23T11:00:00+01:00", &["hold", query, "--reason", "feil"]);
    let (answer, code) = hold("2026/417");
    assert_eq!((letters(&answer), code), (2, 1), "{answer}");
    assert_eq!(world.place("417-1"), "altinn", "{answer}");
    let id = world.at("99-1").status.forsendelsesId;
    assert_eq!(world.postgang(DROPPED, &["explain", &id[..8]]).1, 0);
    assert_eq!(world.postgang(DROPPED, &["explain", &id[..7]]).1, 1);
    assert_eq!(hold(&id[..8]).1, 0);
    assert_eq!(world.place("99-1"), "arkiv/2026-11");
}

#[test]
fn a_letter_known_to_be_opened_is_not_stopped_at_once_either() {
    let world = world(&[("a", ALTINN), ("d", DIGIPOST)]);
    world.receipts("a.csv", DROPPED, &["a LEST 2026-11-23T10:30:00+01:00"]);
    let (answer, code) = world.postgang("2026-11-23T11:00:00+01:00", &["hold", "2026/a", "--reason", "feil"]);
    let message = answer["letters"][0]["message"].as_str().unwrap();
    assert!(code == 1 && message.contains("ikke stoppet") && message.contains("allerede åpnet"), "{answer}");
    assert_eq!(world.place("a"), "altinn");
    world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!(world.at("a").status.status.as_str(), "LEST");
}

#[test]
fn what_is_said_of_a_stop_that_came_too_late_is_true() {
    let world = World::new("avsendere.yaml");
    world.drop("feilet", ALTINN, "kunDigitalLevering: true");
    world.drop("postkasse", DIGIPOST, "kunDigitalLevering: true");
    world.drop("levert", DIGIPOST, "");
    world.drop("papir", EBOKS, "");
    world.run(DROPPED);
    let at = "2026-11-23T11:00:00+01:00";
    let rows = [
        format!("feilet FEIL {at}"),
        format!("postkasse FEIL {at}"),
        format!("levert LEVERT {at}"),
        format!("papir FEIL {at}"),
    ];
    world.receipts("a.csv", at, &rows.each_ref().map(String::as_str));
    for name in ["feilet", "postkasse", "levert", "papir"] {
        fs::write(world.folder(name).join("STOPP.txt.txt"), "").unwrap();
    }
    let (answer, _) = world.nightly("2026-11-24T00:30:00+01:00");
    let told = messages(&answer);
    assert_eq!((told.len(), answer["stopped"].as_u64()), (3, Some(1)), "{answer}");
    for (name, why) in
        [("feilet", "Leveringen feilet"), ("postkasse", "Leveringen feilet"), ("levert", "allerede levert")]
    {
        let place = format!("outbox/arkiv/2026-11/{name}.");
        assert!(told.iter().any(|text| text.starts_with(&place) && text.contains(why)), "{name}: {told:?}");
    }
}

#[test]
fn a_stop_beside_the_letters_stops_none_and_is_told_until_it_is_gone() {
    let world = world(&[("a", ALTINN), ("p", RESERVED)]);
    world.nightly("2026-11-24T00:30:00+01:00");
    let stops = ["altinn/STOPP", "print/batch-2026-11-24-01/stopp.txt"];
    stops.iter().for_each(|stop| fs::write(world.outbox().join(stop), "").unwrap());
    for now in ["2026-11-25T00:30:00+01:00", "2026-11-25T00:40:00+01:00"] {
        let (answer, code) = world.nightly(now);
        assert_eq!((messages(&answer).len(), code), (2, 1), "{answer}");
        assert!(messages(&answer)[0].starts_with("outbox/altinn/STOPP: "), "{answer}");
        assert!(messages(&answer)[1].contains("Prøv: ring trykkeriet"), "{answer}");
    }
}

#[test]
fn what_a_clerk_means_by_a_stop_counts_and_a_document_of_the_letter_does_not() {
    let world = World::new("avsendere.yaml");
    world.drop("dok", ALTINN, "dokumenter: [{filnavn: vedtak.pdf}, {filnavn: stopp.pdf}]");
    fs::write(world.dir.join("inbox/dok/stopp.pdf"), pdf(1)).unwrap();
    for name in ["kopi", "word", "lenke"] {
        world.drop(name, ALTINN, "");
    }
    world.drop("papir", RESERVED, "");
    world.run(DROPPED);
    for (name, file) in
        [("kopi", "STOPP - Kopi.txt"), ("word", "STOPP.docx"), ("lenke", "STOPP.lnk"), ("papir", "stop")]
    {
        fs::write(world.folder(name).join(file), "feil mottaker").unwrap();
    }
    let (answer, _) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!((answer["stopped"].as_u64(), answer["printed"].as_u64()), (Some(4), Some(0)), "{answer}");
    let reason = |name: &str| world.at(name).status.hendelser.last().unwrap().tekst.clone();
    assert_eq!(["kopi", "papir"].map(reason), ["Stoppet: feil mottaker"; 2]);
    assert_eq!(["word", "lenke"].map(reason), ["Stoppet"; 2], "what is not plain text is not quoted");
    assert_eq!(world.place("dok"), "altinn");
}

#[test]
fn a_stop_that_came_too_late_is_answered_once_beside_it_and_listed_until_it_is_gone() {
    let world = world(&[("d", DIGIPOST), ("p", RESERVED), ("a", ALTINN)]);
    world.nightly("2026-11-24T00:30:00+01:00");
    for name in ["d", "p", "a"] {
        fs::write(world.folder(name).join("STOPP.txt"), "").unwrap();
    }
    world.receipts("a.csv", DROPPED, &["a LEST 2026-11-24T08:00:00+01:00", "d SENDT_SDP 2026-11-24T08:00:00+01:00"]);
    let (_, code) = world.nightly("2026-11-25T00:30:00+01:00");
    assert_eq!((code, world.place("a").as_str()), (1, "arkiv/2026-11"));
    let list = world.list("oppfolging-2026-11-25.csv");
    assert_eq!(list.matches("STOPP-filen kom for sent").count(), 3, "{list}");
    assert!(list.contains(";outbox/arkiv/2026-11/a."), "{list}");
    for (name, why) in [("d", "digitale postkasse"), ("p", "Ring trykkeriet"), ("a", "allerede åpnet")] {
        let answer = fs::read_to_string(world.folder(name).join("STOPP-SVAR.txt")).unwrap();
        assert!(answer.contains(why) && answer.contains("Fjern STOPP-filen"), "{answer}");
    }
    fs::write(world.folder("d").join("STOPP-SVAR.txt"), "lest").unwrap();
    let tree = world.tree();
    world.nightly("2026-11-25T00:30:00+01:00");
    assert!(world.tree() == tree, "once");
    for name in ["d", "p", "a"] {
        fs::remove_file(world.folder(name).join("STOPP.txt")).unwrap();
    }
    let (answer, code) = world.nightly("2026-11-26T00:30:00+01:00");
    assert_eq!((code, world.list("oppfolging-2026-11-26.csv").as_str()), (0, ""), "{answer}");
    // The answer alone stops nothing, wherever the letter goes from there.
    world.receipts("b.csv", DROPPED, &["d FEIL 2026-11-26T08:00:00+01:00"]);
    let (answer, _) = world.nightly("2026-11-27T00:30:00+01:00");
    assert_eq!((answer["stopped"].as_u64(), answer["printed"].as_u64()), (Some(0), Some(1)), "{answer}");
}
