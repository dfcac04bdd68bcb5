//! Letters that wait for a register: named, tried again when the registers change, and no burden until then.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::bench::{Bench, PERSON, pause};
use crate::support::until;

/// The value of a figure that has no labels.
fn figure(file: &Path, name: &str) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn held_letters_do_not_have_the_registers_read_over_and_over() {
    const LETTERS: usize = 12;
    let bench = Bench::new();
    let reservations = bench.registry("reservasjoner.csv");
    let good = fs::read(&reservations).unwrap();
    fs::write(&reservations, "personidentifikator,reservert_fra\nabc,\n").unwrap();
    let figures = bench.dir.join("postgang.prom");
    let watcher = bench.watch(&["--interval", "0.2", "--settle", "0", "--metrics", figures.to_str().unwrap()]);
    for n in 0..LETTERS {
        let letter = bench.letter_to(&format!("person{n}"), Some(PERSON));
        bench.drop(&letter);
        pause(150);
    }
    assert!(until(10, || figure(&figures, "postgang_inbox_held ") == Some(LETTERS as f64)), "{}", watcher.log());
    let passes = || figure(&figures, "postgang_passes_total ").unwrap();
    let before = passes();
    // Something grows beside the snapshots, and is none.
    let mut other = File::create(bench.registry("krr.csv.ny")).unwrap();
    for _ in 0..20 {
        other.write_all(&[b'x'; 1000]).unwrap();
        pause(150);
    }
    assert!(passes() <= before + 1.0, "{} passes for nothing", passes() - before);
    // The list, and the row in it.
    assert_eq!(figure(&figures, "postgang_troubles "), Some(2.0), "{}", watcher.log());
    assert_eq!(watcher.lines("brevet venter på et register"), LETTERS, "{}", watcher.log());
    fs::write(&reservations, good).unwrap();
    for n in 0..LETTERS {
        bench.wait_for(&format!("person{n}"), "digipost");
    }
    assert!(until(5, || watcher.lines("INFO over") == LETTERS + 2), "{}", watcher.log());
}

#[test]
fn a_letter_that_a_row_holds_is_named() {
    let bench = Bench::new();
    let krr = bench.registry("krr.csv");
    let good = fs::read(&krr).unwrap();
    let other = format!("{PERSON},JA,AKTIV,KAN_VARSLES,en@eksempel.no,,,,,,,,nb\n");
    fs::write(&krr, [&good[..], other.as_bytes()].concat()).unwrap();
    let watcher = bench.watch(&["--interval", "0.3", "--settle", "0"]);
    bench.drop(&bench.letter_to("person", Some(PERSON)));
    watcher.wait_for_line("inbox/person: brevet venter, for en rad om mottakeren");
    pause(1_500);
    assert_eq!(watcher.lines("inbox/person"), 1, "{}", watcher.log());
    // Another that comes later has a pass of its own; the night lists both.
    bench.drop(&bench.letter_to("senere", Some(PERSON)));
    watcher.wait_for_line("inbox/senere: brevet venter");
    bench.run(&["nightly"]);
    let list = fs::read_dir(bench.dir.join("outbox")).unwrap().map(|entry| entry.unwrap().path());
    let list = list.into_iter().find(|path| path.to_string_lossy().contains("oppfolging")).unwrap();
    let list = fs::read_to_string(list).unwrap();
    assert!(list.contains("inbox/person") && list.contains("inbox/senere"), "{list}");
    // Two rows that say the same.
    let good = String::from_utf8(good).unwrap();
    let row = good.lines().find(|row| row.starts_with(PERSON)).unwrap();
    fs::write(&krr, format!("{good}{row}\n")).unwrap();
    bench.wait_for("person", "digipost");
    watcher.wait_for_line("over trouble=\"inbox/person");
    watcher.wait_for_line("over trouble=\"registry/krr.csv, linje");
}

#[test]
fn what_lies_behind_a_closed_door_is_not_over() {
    let bench = Bench::new();
    fs::remove_file(bench.registry("krr.csv")).unwrap();
    let own = bench.inbox().join("910077473");
    fs::create_dir(&own).unwrap();
    fs::rename(bench.letter_to("person", Some(PERSON)), own.join("person")).unwrap();
    let watcher = bench.watch_as_nobody(&["--interval", "0.2", "--settle", "0"]);
    watcher.wait_for_line("inbox/910077473/person: brevet venter");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o000)).unwrap();
    watcher.wait_for_line("inbox/910077473/: mappen kan ikke leses");
    pause(700);
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    watcher.wait_for_line("over trouble=\"inbox/910077473/: mappen");
    assert_eq!(watcher.lines("inbox/910077473/person"), 1, "{}", watcher.log());
}
