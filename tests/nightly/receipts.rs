//! Receipts that do not come, or that nobody can use.

use std::fs;

use crate::world::{ALTINN, DIGIPOST, DROPPED, RESERVED, World, messages, touch, world};

#[test]
fn without_receipts_nothing_unread_is_printed_and_the_exit_code_says_so() {
    let world = world(&[("a", ALTINN), ("b", RESERVED)]);
    let now = "2026-12-01T00:30:00+01:00";
    let (answer, code) = world.postgang(now, &["nightly"]);
    assert_eq!((code, answer["expired"].as_u64(), answer["printed"].as_u64()), (3, Some(0), Some(1)), "{answer}");
    assert!(messages(&answer)[0].contains("ingen kvitteringsfil er nyere enn 26 timer"), "{answer}");
    assert_eq!(world.place("a"), "altinn");
    // A header alone is a sign of life; one of yesterday's yesterday is none.
    world.receipts("gammel.csv", "2026-11-29T22:00:00+01:00", &[]);
    assert_eq!(world.postgang(now, &["nightly"]).1, 3);
    let (answer, code) = world.nightly(now);
    assert_eq!((code, answer["never_notified"].as_u64()), (1, Some(1)));
    assert_eq!(world.at("a").status.kode, "never-notified");
}

#[test]
fn rows_that_nobody_can_use_are_told_once_and_stop_nothing() {
    let world = world(&[("a", ALTINN)]);
    let id = world.at("a").status.forsendelsesId;
    let unknown = "00000000-0000-8000-8000-000000000000";
    let text = format!(
        "forsendelsesId,status,tidspunkt\nrot\n{unknown},LEST,2026-11-24T10:00:00+01:00\n{id},LEST,2026-11-24T10:00:00+01:00\n{id},LE"
    );
    let path = world.dir.join("registry/kvitteringer/a.csv");
    fs::write(&path, text).unwrap();
    touch(&path, "2026-11-24T10:00:00+01:00");
    let (answer, code) = world.nightly("2026-11-25T00:30:00+01:00");
    let told = messages(&answer);
    assert_eq!((told.len(), code), (3, 1), "{answer}");
    for (message, line) in told.iter().zip(["linje 2", "linje 5", "linje 3"]) {
        assert!(message.starts_with("registry/kvitteringer/a.csv, ") && message.contains(line), "{message}");
    }
    assert_eq!(world.place("a"), "arkiv/2026-11");
    let (answer, code) = world.nightly("2026-11-26T00:30:00+01:00");
    assert_eq!((messages(&answer).len(), code), (0, 0), "{answer}");
    // Other rows in the same places are news.
    let another = "00000001-0000-8000-8000-000000000000";
    fs::write(&path, format!("forsendelsesId,status,tidspunkt\nråte\n{another},LEST,2026-11-24T10:00:00+01:00\n"))
        .unwrap();
    let (answer, _) = world.nightly("2026-11-27T00:30:00+01:00");
    assert_eq!(messages(&answer).len(), 2, "{answer}");
    // Without its columns nothing of a file counts, and nothing else is claimed.
    fs::write(&path, "id;hva\n").unwrap();
    let (answer, _) = world.nightly("2026-11-28T00:30:00+01:00");
    assert!(messages(&answer)[0].contains("ingen rader er lest. Prøv:"), "{answer}");
}

#[test]
fn what_a_broken_night_told_is_told_again() {
    let world = world(&[("a", ALTINN), ("d", DIGIPOST)]);
    fs::write(world.dir.join("registry/kvitteringer/a.csv"), "forsendelsesId,status,tidspunkt\nrot\n").unwrap();
    fs::write(world.folder("d").join("STOPP"), "").unwrap();
    // A folder where tonight's list should stand ends the night after everything else.
    let obstacle = world.outbox().join("kvittering-2026-11-24-910077473.csv");
    fs::create_dir_all(obstacle.join("noe")).unwrap();
    let now = "2026-11-24T00:30:00+01:00";
    world.alive(now);
    assert!(world.postgang_fails(now, &["nightly"]).contains("Prøv:"));
    fs::remove_dir_all(obstacle).unwrap();
    let (answer, _) = world.nightly(now);
    assert_eq!(messages(&answer).len(), 2, "{answer}");
    let (answer, _) = world.nightly(now);
    assert_eq!(messages(&answer).len(), 0, "{answer}");
}

#[test]
fn a_receipt_file_is_a_sign_of_life_while_it_is_new_and_not_from_the_future() {
    let world = world(&[("a", ALTINN)]);
    let now = "2026-12-02T00:00:00+01:00";
    // Just old enough, just far enough ahead, and then neither.
    for (written, code) in
        [("2026-11-30T22:00:00+01:00", 3), ("2026-12-02T01:00:01+01:00", 3), ("2026-12-02T01:00:00+01:00", 1)]
    {
        world.receipts("a.csv", written, &[]);
        assert_eq!(world.postgang(now, &["nightly"]).1, code, "{written}");
    }
    assert_eq!(world.at("a").status.kode, "never-notified");
}

#[test]
fn that_no_receipts_come_is_said_before_a_deadline_has_passed() {
    let waiting = world(&[("a", ALTINN), ("d", DIGIPOST)]);
    let now = "2026-11-24T00:30:00+01:00";
    for _ in 0..2 {
        let (answer, code) = waiting.postgang(now, &["nightly"]);
        assert!(messages(&answer)[0].contains("1 brev venter i Altinn") && code == 1, "{answer}");
    }
    let (answer, code) = world(&[("d", DIGIPOST)]).postgang(now, &["nightly"]);
    assert_eq!((messages(&answer).len(), code), (0, 0), "{answer}");
}

#[test]
fn a_row_that_cannot_be_read_keeps_the_letter_it_names_from_print_for_two_nights() {
    let world = world(&[("a", ALTINN), ("b", ALTINN), ("c", ALTINN)]);
    let id = |name: &str| world.at(name).status.forsendelsesId;
    let path = world.dir.join("registry/kvitteringer/a.csv");
    let broken =
        format!("forsendelsesId,status,tidspunkt\n{},ÅPNET,2026-11-25T10:00:00+01:00\nrot:{}\n", id("a"), id("b"));
    fs::write(&path, &broken).unwrap();
    let place = |name: &str| world.place(name).split('/').next().unwrap().to_owned();
    let (answer, code) = world.nightly("2026-11-27T00:30:00+01:00");
    assert_eq!(
        (code, [place("a"), place("b"), place("c")]),
        (1, ["altinn", "altinn", "print"].map(str::to_owned)),
        "{answer}"
    );
    let named = |answer: &serde_json::Value, id: &str| messages(answer).iter().filter(|text| text.contains(id)).count();
    assert_eq!((named(&answer, &id("a")), named(&answer, &id("b"))), (1, 1), "{answer}");
    let list = world.list("oppfolging-2026-11-27.csv");
    assert!(
        list.contains("registry/kvitteringer/a.csv, linje 2 kan ikke leses") && list.lines().count() == 3,
        "{list}"
    );
    let tree = world.tree();
    world.nightly("2026-11-27T00:30:00+01:00");
    assert!(world.tree() == tree, "the second nightly of the night changes nothing");
    // The one is mended, and the other moved down by a row that came before it.
    fs::write(&path, broken.replace(&id("a"), "x").replacen('\n', "\n\n", 1)).unwrap();
    let (answer, _) = world.nightly("2026-11-28T00:30:00+01:00");
    assert_eq!((place("a"), place("b")), ("print".to_owned(), "altinn".to_owned()), "{answer}");
    let (answer, _) = world.nightly("2026-11-29T00:30:00+01:00");
    assert_eq!((place("b"), messages(&answer).len()), ("print".to_owned(), 0), "{answer}");
    assert_eq!(world.list("oppfolging-2026-11-29.csv"), "");
}

/// A row that cannot be read names a letter by the beginning of its id, or by its reference.
#[test]
fn a_letter_is_named_by_less_than_its_whole_id_too() {
    let world = world(&[("a", ALTINN), ("b", ALTINN), ("c", ALTINN), ("d", ALTINN), ("e", ALTINN)]);
    let status = |name: &str| world.at(name).status;
    let id = |name: &str| status(name).forsendelsesId;
    let rows = [
        id("a")[..8].to_uppercase(),
        id("b")[..33].to_owned(),
        format!("{}?", id("c")),
        format!("=\"{}\"", status("d").eksternReferanse.unwrap()),
    ];
    let rows = rows.map(|name| format!("{name};LEST;2026-11-25T10:00:00+01:00\n")).concat();
    let path = world.dir.join("registry/kvitteringer/a.csv");
    fs::write(&path, format!("forsendelsesId;status;tidspunkt\n{rows}")).unwrap();
    let (answer, code) = world.nightly("2026-11-27T00:30:00+01:00");
    for name in ["a", "b", "c", "d"] {
        assert_eq!(world.place(name), "altinn", "{name}: {answer}");
    }
    assert_eq!((code, world.place("e").as_str()), (1, "print/batch-2026-11-27-01"), "{answer}");
    assert_eq!(world.list("oppfolging-2026-11-27.csv").matches("kan ikke leses").count(), 4, "{answer}");
    world.nightly("2026-11-29T00:30:00+01:00");
    assert_eq!(world.place("a"), "print/batch-2026-11-29-01");
}

/// Where more rows are damaged than can be remembered, everybody's letter may be named by one of them.
#[test]
fn a_file_of_nothing_but_damage_holds_every_unread_letter() {
    let world = world(&[("a", ALTINN)]);
    let rows: String = (0..20_000).map(|row| format!("rot {row};LEST;i går\n")).collect();
    let path = world.dir.join("registry/kvitteringer/a.csv");
    fs::write(&path, format!("forsendelsesId;status;tidspunkt\n{rows}")).unwrap();
    let (answer, code) = world.nightly("2026-11-27T00:30:00+01:00");
    assert_eq!((code, world.place("a").as_str()), (3, "altinn"), "{answer}");
}

#[test]
fn a_file_without_its_columns_keeps_those_it_names_and_no_other() {
    let world = world(&[("a", ALTINN), ("b", ALTINN)]);
    let text = format!("brev;hva;når\n{};LEST;i går\n", world.at("a").status.forsendelsesId);
    fs::write(world.dir.join("registry/kvitteringer/a.csv"), text).unwrap();
    let (answer, _) = world.nightly("2026-11-27T00:30:00+01:00");
    assert_eq!(
        (world.place("a").as_str(), world.place("b").as_str()),
        ("altinn", "print/batch-2026-11-27-01"),
        "{answer}"
    );
}

#[test]
fn a_file_that_cannot_be_read_holds_every_unread_letter_and_is_said_every_night() {
    let world = world(&[("a", ALTINN)]);
    let path = world.dir.join("registry/kvitteringer/a.csv");
    // Reading it fails for everybody, the system's owner too.
    std::os::unix::fs::symlink("/proc/self/mem", &path).unwrap();
    for now in ["2026-11-27T00:30:00+01:00", "2026-11-28T00:30:00+01:00"] {
        let (answer, code) = world.nightly(now);
        assert_eq!((code, world.place("a").as_str()), (3, "altinn"), "{answer}");
        assert!(messages(&answer).iter().any(|text| text.contains("a.csv kan ikke leses")), "{answer}");
    }
    fs::remove_file(&path).unwrap();
    world.nightly("2026-11-29T00:30:00+01:00");
    assert_eq!(world.at("a").status.kode, "never-notified");
}

#[test]
fn statuses_in_any_case_and_times_as_people_write_them_count() {
    let world = world(&[("a", ALTINN)]);
    let id = world.at("a").status.forsendelsesId;
    let text =
        format!("forsendelsesId;status;tidspunkt\n{id};varslet;23.11.2026 kl. 11.00\n{id};Lest;2026-11-23 12:00\n");
    fs::write(world.dir.join("registry/kvitteringer/a.csv"), text).unwrap();
    let (answer, code) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!((code, answer["opened"].as_u64()), (0, Some(1)), "{answer}");
    assert_eq!(world.at("a").status.varslet.unwrap().to_string(), "2026-11-23T11:00:00+01:00");
}

/// Ten letters of which nothing is heard, and as many more as are.
fn silent_world(heard: usize) -> World {
    let world = World::new("avsendere.yaml");
    (0..10 + heard).for_each(|number| world.drop(&format!("b{number:02}"), ALTINN, ""));
    world.run(DROPPED);
    let rows: Vec<String> =
        (10..10 + heard).map(|number| format!("b{number} VARSLET 2026-11-23T11:00:00+01:00")).collect();
    world.receipts("a.csv", DROPPED, &rows.iter().map(String::as_str).collect::<Vec<_>>());
    world
}

#[test]
fn nothing_of_a_sender_is_printed_as_unread_when_too_little_is_heard() {
    let world = silent_world(2);
    let (answer, code) = world.nightly("2026-11-26T00:30:00+01:00");
    assert_eq!((code, answer["expired"].as_u64()), (3, Some(0)), "{answer}");
    let told = messages(&answer);
    assert!(
        told.len() == 1 && told[0].contains("10 av 12 brev") && told[0].contains("--accept-unnotified 910077473"),
        "{told:?}"
    );
    assert!(world.list("oppfolging-2026-11-26.csv").contains("10 av 12 brev i Altinn"), "{answer}");
    let go = ["nightly", "--accept-unnotified", "910077473"];
    let (answer, code) = world.postgang("2026-11-26T01:00:00+01:00", &go);
    assert_eq!(
        (code, answer["expired"].as_u64(), answer["never_notified"].as_u64()),
        (1, Some(12), Some(10)),
        "{answer}"
    );
    // The letters are gone, and nothing is left to hold.
    let (answer, code) = world.nightly("2026-11-27T00:30:00+01:00");
    assert_eq!((code, messages(&answer).len()), (0, 0), "{answer}");
    let (answer, _) = world.postgang("2026-11-27T01:00:00+01:00", &["nightly", "--accept-unnotified", "974760673"]);
    assert!(messages(&answer)[0].contains("ingen avsender med dette nummeret"), "{answer}");
}

#[test]
fn the_brake_counts_tonights_receipts_and_the_senders_own_limit() {
    // Ten of fifty are no more than twenty in a hundred.
    let heard = silent_world(40);
    assert_eq!(heard.nightly("2026-11-26T00:30:00+01:00").0["expired"].as_u64(), Some(50));
    let limit = silent_world(2);
    let senders = fs::read_to_string(limit.senders()).unwrap();
    fs::write(limit.senders(), senders.replace("    regler:", "    maks_aldri_varslet_prosent: 90\n    regler:"))
        .unwrap();
    assert_eq!(limit.nightly("2026-11-26T00:30:00+01:00").0["expired"].as_u64(), Some(12));
}

#[test]
fn the_brake_holds_though_the_ledger_was_lost() {
    let world = silent_world(0);
    fs::remove_dir_all(world.dir.join(".postgang")).unwrap();
    let (answer, code) = world.nightly("2026-11-26T00:30:00+01:00");
    assert_eq!((code, answer["expired"].as_u64()), (3, Some(0)), "{answer}");
}
