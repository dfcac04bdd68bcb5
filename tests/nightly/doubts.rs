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
    let unmarked = world.folder("b").join("FERDIG");
    fs::remove_file(&unmarked).unwrap();
    for name in ["a", "b", "p"] {
        world.drop(name, if name == "p" { RESERVED } else { ALTINN }, "");
    }
    let answer = world.run("2026-11-23T12:00:00+01:00");
    assert_eq!(answer["refused"]["duplicate"].as_u64(), Some(3), "{answer}");
    assert!(messages(&answer)[0].contains("eldre enn det som er gjort her"), "{answer}");
    assert!(unmarked.exists(), "{answer}");
    let answer = world.run("2026-11-23T12:10:00+01:00");
    assert!(messages(&answer).is_empty(), "said once: {answer}");
    let (answer, _) = world.nightly(NIGHT);
    assert_eq!(answer["printed"].as_u64(), Some(4), "{answer}");
}

/// A crash may come between any place and its mark: the next start puts the mark back wherever there is one.
#[test]
fn a_mark_is_put_back_in_every_place_that_has_it() {
    let world = world(&[("a", ALTINN), ("p", RESERVED), ("d", DIGIPOST), ("h", ALTINN)]);
    let lose_and_run = |folders: &[&Path], at: &str| {
        folders.iter().for_each(|folder| fs::remove_file(folder.join("FERDIG")).unwrap());
        world.run(at);
        folders.iter().for_each(|folder| assert!(folder.join("FERDIG").exists(), "{}", folder.display()));
    };
    let (a, d) = (world.folder("a"), world.folder("d"));
    lose_and_run(&[&a, &d, &world.folder("p")], "2026-11-23T10:30:00+01:00");
    world.postgang("2026-11-23T11:00:00+01:00", &["hold", "2026/h", "--reason", "feil"]);
    lose_and_run(&[&world.folder("h")], "2026-11-23T11:30:00+01:00");
    world.nightly("2026-11-24T00:30:00+01:00");
    lose_and_run(&[world.folder("p").parent().unwrap()], "2026-11-24T10:00:00+01:00");
    world.receipts("p.csv", "2026-11-24T10:00:00+01:00", &["p PRINTET 2026-11-24T09:00:00+01:00"]);
    world.nightly("2026-11-25T00:30:00+01:00");
    let batch = world.outbox().join("arkiv/2026-11/batch-2026-11-24-01");
    lose_and_run(&[&batch], "2026-11-25T10:00:00+01:00");
    // Where nothing has come lately, a start looks no more: the night does, and a start that cannot know.
    let all = [a, d, world.folder("h"), batch];
    let lose = || all.iter().for_each(|folder| fs::remove_file(folder.join("FERDIG")).unwrap());
    let put_back = |why: &str| {
        all.iter().for_each(|folder| assert!(folder.join("FERDIG").exists(), "{why}: {}", folder.display()))
    };
    world.run("2026-11-25T11:00:00+01:00");
    lose();
    let copy_of = world.folder("d").with_file_name("d.00000000 - Kopi");
    copy(&world.folder("d"), &copy_of);
    world.nightly("2026-11-25T12:00:00+01:00");
    put_back("the night");
    assert!(!copy_of.join("FERDIG").exists(), "a copy is offered to nobody");
    let file = world.dir.join(".postgang/ledger.sqlite");
    let ledger = rusqlite::Connection::open(&file).unwrap();
    let old = "DROP INDEX account_since; DROP TABLE unmarked; ALTER TABLE account DROP COLUMN since;
               PRAGMA user_version = 2";
    ledger.execute_batch(old).unwrap();
    drop(ledger);
    lose();
    world.run("2026-11-25T13:00:00+01:00");
    put_back("a ledger that was written before marks were kept");
    assert!(!copy_of.join("FERDIG").exists(), "a copy is offered to nobody");
    // A new ledger could not tell it from the letter.
    fs::remove_dir_all(&copy_of).unwrap();
    fs::remove_file(&file).unwrap();
    lose();
    world.run("2026-11-25T14:00:00+01:00");
    put_back("a ledger that was lost");
}

/// Where a letter lies, and how many lie where, is seen by their folders; what the ledger says only makes it quick.
#[test]
fn letters_are_found_and_counted_where_their_folders_are() {
    let world =
        world(&[("a", ALTINN), ("b", ALTINN), ("p", RESERVED), ("q", RESERVED), ("d", DIGIPOST), ("e", DIGIPOST)]);
    world.nightly("2026-11-24T00:30:00+01:00");
    world.receipts("p.csv", "2026-11-24T10:00:00+01:00", &["p PRINTET 2026-11-24T09:00:00+01:00"]);
    world.receipts("q.csv", "2026-11-24T10:00:00+01:00", &["q PRINTET 2026-11-24T09:00:00+01:00"]);
    world.nightly("2026-11-25T00:30:00+01:00");
    world.drop("r", RESERVED, "");
    world.run("2026-11-25T10:00:00+01:00");
    let at = "2026-11-25T11:00:00+01:00";
    let place = |name: &str| {
        let (answer, _) = world.postgang(at, &["explain", &format!("2026/{name}")]);
        answer["letters"][0]["place"].as_str().map(str::to_owned)
    };
    let status = || world.postgang(at, &["status"]).0;
    let ledger = world.dir.join(".postgang/ledger.sqlite");
    let away = world.dir.join("ledger");
    let check = |counts: &[(&str, u64)]| {
        let quick = status();
        for (place, count) in counts {
            let here = quick["places"].as_array().unwrap().iter().find(|here| here["place"] == *place).unwrap();
            assert_eq!(here["letters"].as_u64(), Some(*count), "{place}: {quick}");
        }
        fs::rename(&ledger, &away).unwrap();
        assert_eq!(status(), quick, "without a ledger the folders say the same");
        fs::rename(&away, &ledger).unwrap();
    };
    for name in ["a", "p", "r", "d"] {
        let folder = world.folder(name);
        assert_eq!(place(name).as_deref(), folder.strip_prefix(&world.dir).unwrap().to_str(), "{name}");
    }
    check(&[("outbox/altinn", 2), ("outbox/digipost", 2), ("outbox/print", 1), ("outbox/arkiv", 2)]);
    // Dragged away, copied, taken; and a folder that never was a letter.
    let (a, b, d, e) = (world.folder("a"), world.folder("b"), world.folder("d"), world.folder("e"));
    let dragged = world.outbox().join("digipost").join(a.file_name().unwrap());
    fs::rename(&a, &dragged).unwrap();
    copy(&b, &b.with_file_name("a kopi"));
    fs::remove_dir_all(&e).unwrap();
    fs::create_dir(world.outbox().join("altinn/tomt")).unwrap();
    assert_eq!(place("a"), Some(format!("outbox/digipost/{}", a.file_name().unwrap().to_str().unwrap())));
    assert_eq!(place("b"), Some(format!("outbox/altinn/{}", b.file_name().unwrap().to_str().unwrap())), "not the copy");
    assert_eq!(place("e"), None);
    assert!(d.is_dir());
    check(&[("outbox/altinn", 2), ("outbox/digipost", 2), ("outbox/print", 1), ("outbox/arkiv", 2)]);
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
