//! Place, account and ledger disagree: a hand, or a dropper who kept the folder open, has been there. The letter waits
//! and is named; all others go their way.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::make::pdf;
use crate::world::{ALTINN, DIGIPOST, RESERVED, World, messages, world};

/// After the deadline of what was dropped on Monday.
const NIGHT: &str = "2026-11-26T00:30:00+01:00";

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// A night in which `doubtful` of the letters a (altinn), p (print) and d (digipost) is named and stays, and the rest
/// of a and p goes on paper.
fn night(world: &World, doubtful: &str) {
    let before = world.letters().into_iter().filter(|(name, _)| name == doubtful).map(|(_, at)| at.place);
    let before: Vec<String> = before.collect();
    let (answer, code) = world.nightly(NIGHT);
    assert_eq!(code, 1, "{answer}");
    let named = messages(&answer).iter().filter(|text| text.contains(&format!("/{doubtful}"))).count();
    assert_eq!(named, before.len(), "{answer}");
    let after = world.letters().into_iter().filter(|(name, _)| name == doubtful).map(|(_, at)| at.place);
    assert_eq!(after.collect::<Vec<_>>(), before);
    for other in ["a", "p"].iter().filter(|name| **name != doubtful) {
        assert!(world.place(other).starts_with("print/batch-"), "{other}: {answer}");
    }
}

#[test]
fn of_a_letter_that_was_copied_neither_folder_moves() {
    for doubtful in ["a", "p"] {
        let world = world(&[("a", ALTINN), ("p", RESERVED), ("d", DIGIPOST)]);
        let folder = world.folder(doubtful);
        copy(&folder, &folder.with_file_name(format!("{doubtful}.12345678 - Kopi")));
        night(&world, doubtful);
    }
}

#[test]
fn a_letter_that_was_dragged_to_another_channel_is_not_printed() {
    let world = world(&[("a", ALTINN), ("p", RESERVED), ("d", DIGIPOST)]);
    let folder = world.folder("d");
    fs::rename(&folder, world.outbox().join("print").join(folder.file_name().unwrap())).unwrap();
    night(&world, "d");
}

#[test]
fn what_a_folder_says_of_itself_decides_nothing() {
    let edits: [&dyn Fn(&Path); 5] = [
        &|status| fs::write(status, fs::read_to_string(status).unwrap().replace("910077473", "123456785")).unwrap(),
        &|status| fs::write(status, fs::read_to_string(status).unwrap() + "\n").unwrap(),
        &|status| fs::remove_file(status).unwrap(),
        &|status| {
            fs::remove_file(status).unwrap();
            assert!(Command::new("mkfifo").arg(status).status().unwrap().success());
        },
        &|status| {
            fs::remove_file(status).unwrap();
            symlink("/dev/zero", status).unwrap();
        },
    ];
    for edit in edits {
        let world = world(&[("a", ALTINN), ("p", RESERVED), ("d", DIGIPOST)]);
        let folder = world.folder("p");
        edit(&folder.join("status.yaml"));
        let (answer, code) = world.nightly(NIGHT);
        assert_eq!((code, answer["printed"].as_u64()), (1, Some(1)), "{answer}");
        assert!(messages(&answer).iter().any(|text| text.contains("/p.")), "{answer}");
        assert!(folder.is_dir() && world.place("a").starts_with("print/batch-"));
    }
}

#[test]
fn a_document_or_the_metadata_that_was_changed_after_the_decision_is_not_printed() {
    let edits: [&dyn Fn(&Path); 3] = [
        &|folder| fs::write(folder.join("vedtak.pdf"), pdf(1)).unwrap(),
        &|folder| {
            let metadata = folder.join("forsendelse.yaml");
            fs::write(&metadata, fs::read_to_string(&metadata).unwrap().replace("Storgata 1", "Lillegata 2")).unwrap();
        },
        &|folder| fs::write(folder.join("enda-et.pdf"), pdf(1)).unwrap(),
    ];
    for edit in edits {
        for doubtful in ["a", "p"] {
            let world = world(&[("a", ALTINN), ("p", RESERVED)]);
            edit(&world.folder(doubtful));
            let (answer, code) = world.nightly(NIGHT);
            assert_eq!((code, answer["printed"].as_u64()), (1, Some(1)), "{answer}");
            assert!(messages(&answer).iter().any(|text| text.contains("endret etter")), "{answer}");
            assert_eq!(world.place(doubtful), "print");
        }
    }
}

/// A ledger that was written before accounts were kept takes them up as they lie.
#[test]
fn a_ledger_without_accounts_takes_them_up() {
    let world = world(&[("a", ALTINN), ("p", RESERVED)]);
    let ledger = rusqlite::Connection::open(world.dir.join(".postgang/ledger.sqlite")).unwrap();
    ledger
        .execute_batch("DROP TABLE account; ALTER TABLE letter DROP COLUMN metadata; PRAGMA user_version = 1")
        .unwrap();
    drop(ledger);
    let (answer, _) = world.nightly(NIGHT);
    assert_eq!(answer["printed"].as_u64(), Some(2), "{answer}");
}

/// A recorded decision that this version cannot read strands nobody in silence: its letter is named, the others go on.
#[test]
fn a_recorded_decision_that_cannot_be_understood_is_named() {
    let world = world(&[("a", ALTINN), ("p", RESERVED)]);
    let folder = world.folder("p");
    let ledger = rusqlite::Connection::open(world.dir.join(".postgang/ledger.sqlite")).unwrap();
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let pending = (world.at("p").status.forsendelsesId, format!("outbox/print/{name}"), name);
    let insert =
        "INSERT INTO pending (letter, source, target, folder, status) VALUES (?1, ?2, 'arkiv/2026-11', ?3, 'x: 1')";
    ledger.execute(insert, pending).unwrap();
    drop(ledger);
    world.drop("ny", ALTINN, "");
    let answer = world.run("2026-11-23T11:00:00+01:00");
    assert_eq!(answer["placed"]["altinn"].as_u64(), Some(1), "{answer}");
    assert!(messages(&answer).iter().any(|text| text.contains("/p.") && text.contains("kan ikke forstås")), "{answer}");
    let (answer, code) = world.nightly(NIGHT);
    assert_eq!((code, answer["printed"].as_u64()), (1, Some(2)), "{answer}");
    assert!(folder.is_dir(), "{answer}");
}

/// The ledger as it was before the letters came is put back: they are known all the same when they come again.
#[test]
fn an_older_ledger_put_back_sends_nothing_twice() {
    let world = World::new("avsendere.yaml");
    world.drop("f\u{f8}rst", ALTINN, "");
    world.run(crate::world::DROPPED);
    let ledger = world.dir.join(".postgang/ledger.sqlite");
    let backup = fs::read(&ledger).unwrap();
    for name in ["a", "b", "p"] {
        world.drop(name, if name == "p" { RESERVED } else { ALTINN }, "");
    }
    world.run("2026-11-23T11:00:00+01:00");
    fs::write(&ledger, backup).unwrap();
    for name in ["a", "b", "p"] {
        world.drop(name, if name == "p" { RESERVED } else { ALTINN }, "");
    }
    let answer = world.run("2026-11-23T12:00:00+01:00");
    assert_eq!(answer["refused"]["duplicate"].as_u64(), Some(3), "{answer}");
    assert!(messages(&answer)[0].contains("eldre enn det som er gjort her"), "{answer}");
    let answer = world.run("2026-11-23T12:10:00+01:00");
    assert!(messages(&answer).is_empty(), "said once: {answer}");
    let (answer, _) = world.nightly(NIGHT);
    assert_eq!(answer["printed"].as_u64(), Some(4), "{answer}");
}

/// The mark that tells does not come back with the folder that is put back.
#[test]
fn a_whole_older_state_put_back_sends_nothing_twice() {
    let world = World::new("avsendere.yaml");
    world.drop("først", ALTINN, "");
    world.run(crate::world::DROPPED);
    let (state, backup) = (world.dir.join(".postgang"), world.dir.join("sikkerhetskopi"));
    copy(&state, &backup);
    for now in ["2026-11-23T11:00:00+01:00", "2026-11-23T12:00:00+01:00"] {
        for name in ["a", "b", "p"] {
            world.drop(name, if name == "p" { RESERVED } else { ALTINN }, "");
        }
        if now.contains("T12") {
            fs::remove_dir_all(&state).unwrap();
            fs::rename(&backup, &state).unwrap();
        }
        let answer = world.run(now);
        let expected = now.contains("T12").then_some(3);
        assert_eq!(answer["refused"]["duplicate"].as_u64(), expected, "{answer}");
        assert_eq!(messages(&answer).iter().any(|m| m.contains("eldre enn det som er gjort her")), expected.is_some());
    }
    // A state that is gone is no older one, and is told once.
    fs::remove_dir_all(&state).unwrap();
    assert!(messages(&world.run("2026-11-23T13:00:00+01:00"))[0].contains("manglet og er bygd opp igjen"));
    assert!(messages(&world.run("2026-11-23T13:10:00+01:00")).is_empty());
}

/// A crash may come between any place and its mark: the mark is put back wherever there is one.
#[test]
fn a_mark_is_put_back_in_every_place_that_has_it() {
    let world = world(&[("a", ALTINN), ("p", RESERVED), ("d", DIGIPOST), ("h", ALTINN)]);
    world.postgang("2026-11-23T11:00:00+01:00", &["hold", "2026/h", "--reason", "feil"]);
    world.nightly("2026-11-24T00:30:00+01:00");
    world.receipts("p.csv", "2026-11-24T10:00:00+01:00", &["p PRINTET 2026-11-24T09:00:00+01:00"]);
    let batch = world.outbox().join("arkiv/2026-11/batch-2026-11-24-01");
    world.nightly("2026-11-25T00:30:00+01:00");
    let marked = [world.folder("a"), world.folder("d"), world.folder("h"), batch];
    for folder in &marked {
        fs::remove_file(folder.join("FERDIG")).unwrap();
    }
    let copy_of = world.folder("d").with_file_name("d.00000000 - Kopi");
    copy(&world.folder("d"), &copy_of);
    world.run("2026-11-25T10:00:00+01:00");
    for folder in &marked {
        assert!(folder.join("FERDIG").exists(), "{}", folder.display());
    }
    assert!(!copy_of.join("FERDIG").exists(), "a copy is offered to nobody");
}

#[test]
fn what_a_crash_left_under_a_temporary_name_is_swept() {
    let world = world(&[("a", ALTINN)]);
    let left = ["outbox/.postgang-ny-x", ".postgang/.postgang-ny-y"].map(|name| world.dir.join(name));
    left.iter().for_each(|path| fs::write(path, "x").unwrap());
    world.run("2026-11-23T11:00:00+01:00");
    assert!(left.iter().all(|path| !path.exists()));
}

#[test]
fn a_demo_leaves_a_root_that_is_in_use_alone() {
    let world = world(&[("a", ALTINN)]);
    let before = fs::read(world.dir.join("registry/krr.csv")).unwrap();
    let dir = world.dir.to_string_lossy().into_owned();
    assert!(world.postgang_fails(crate::world::DROPPED, &["demo", &dir]).contains("ikke tom"));
    assert_eq!(fs::read(world.dir.join("registry/krr.csv")).unwrap(), before);
}
