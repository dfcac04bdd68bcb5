//! Receipts that do not come, or that nobody can use.

use std::fs;

use crate::world::{ALTINN, DIGIPOST, RESERVED, messages, touch, world};

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
