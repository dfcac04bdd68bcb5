//! What goes wrong for a while is told once, stops nobody else, and is over by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::QUICK;
use super::bench::{Bench, PERSON, count, pause};
use crate::support::{Mount, in_memory, postgang, said, until};

#[test]
fn a_folder_without_rights_is_told_of_at_once_and_once() {
    let bench = Bench::new();
    let closed = bench.letter("closed");
    let watcher = bench.watch_as_nobody(&QUICK);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let closed = bench.drop(&closed);
    bench.drop_letter("open");
    watcher.wait_for_line("inbox/closed: mappen kan ikke leses");
    let open = bench.inbox().join("open");
    if open.exists() {
        // Dropped by another user: the watcher may neither read nor move it until it is given.
        give(&open);
    }
    bench.wait_for("open", "print");
    pause(1_000);
    assert_eq!(watcher.lines("inbox/closed"), 1, "{}", watcher.log());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    give(&closed);
    bench.wait_for("closed", "print");
    watcher.wait_for_line("over trouble=\"inbox/closed");
}

fn give(folder: &Path) {
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(folder) {
            std::os::unix::fs::chown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
}

#[test]
fn a_full_disk_is_tried_again() {
    let Some(disk) = Mount::small_disk("3m") else { return };
    let bench = Bench::at(&disk.path().join("root"));
    let watcher = bench.watch(&["--interval", "0.3", "--settle", "0"]);
    bench.drop_declared("before");
    bench.wait_for("before", "print");
    let letters: Vec<_> = (0..20).map(|n| bench.letter(&format!("full{n}"))).collect();
    let ballast = disk.path().join("ballast");
    // Until not one byte more goes in.
    let full = Command::new("dd").args(["if=/dev/zero", "bs=512"]).arg(format!("of={}", ballast.display())).output();
    assert!(!full.unwrap().status.success());
    for letter in &letters {
        bench.drop(letter);
    }
    watcher.wait_for_line("trouble");
    pause(2_500);
    assert_eq!(bench.placed(), 1, "nothing can be recorded, so nothing is placed");
    let told = watcher.lines("WARN trouble");
    assert!((1..=4).contains(&told), "told {told} times:\n{}", watcher.log());
    fs::remove_file(ballast).unwrap();
    assert!(until(20, || bench.placed() == 21), "{} placed:\n{}", bench.placed(), watcher.log());
    watcher.wait_for_line("over trouble");
    assert!(until(5, || count(&bench.dir.join(".postgang/work")) == 0));
}

#[test]
fn a_share_that_is_not_mounted_is_not_a_day_without_mail() {
    let bench = Bench::new();
    assert!(bench.run(&["init"]).status.success());
    let watcher = bench.watch(&QUICK);
    bench.drop_letter("before");
    bench.wait_for("before", "print");
    // The share goes away and leaves the empty folder that it was mounted on.
    let share = bench.dir.join("share");
    fs::rename(bench.inbox(), &share).unwrap();
    watcher.wait_for_line("trouble");
    assert!(watcher.log().contains("ikke tilgjengelig") || watcher.log().contains("ikke montert"), "{}", watcher.log());
    fs::create_dir(bench.inbox()).unwrap();
    watcher.wait_for_line("Området er trolig ikke montert");
    pause(1_000);
    assert_eq!(watcher.lines("ikke montert"), 1, "{}", watcher.log());
    let run = bench.run(&["run"]);
    assert_eq!(run.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&run.stderr).contains("ikke montert"));
    fs::remove_dir(bench.inbox()).unwrap();
    fs::rename(&share, bench.inbox()).unwrap();
    bench.drop_declared("after");
    bench.wait_for("after", "print");
    watcher.wait_for_line("over trouble");
    assert!(bench.run(&["run"]).status.success());
}

#[test]
fn a_mistake_in_the_senders_file_stands_until_it_is_mended() {
    let bench = Bench::new();
    let senders = bench.registry("avsendere.yaml");
    let good = fs::read_to_string(&senders).unwrap();
    fs::write(&senders, format!("{good}\nukjent: 1\n")).unwrap();
    let watcher = bench.watch(&QUICK);
    bench.drop_declared("letter");
    watcher.wait_for_line("registry/avsendere.yaml");
    pause(1_000);
    assert_eq!((watcher.lines("registry/avsendere.yaml"), bench.placed()), (1, 0), "{}", watcher.log());
    fs::write(&senders, &good).unwrap();
    bench.wait_for("letter", "print");
    watcher.wait_for_line("over trouble");

    // What nobody has looked at since is not over.
    fs::write(bench.inbox().join("løst.pdf"), "x").unwrap();
    watcher.wait_for_line("inbox/løst.pdf");
    fs::write(&senders, format!("{good}\nukjent: 1\n")).unwrap();
    assert!(until(10, || watcher.lines("WARN trouble=\"registry/avsendere.yaml") + watcher.lines("ukjent") >= 2));
    pause(700);
    fs::write(&senders, good).unwrap();
    pause(1_000);
    assert_eq!(watcher.lines("inbox/løst.pdf"), 1, "{}", watcher.log());
}

#[test]
fn letters_wait_for_a_snapshot_and_go_when_it_comes() {
    let bench = Bench::new();
    let krr = bench.registry("krr.csv");
    let away = bench.registry("krr.csv.borte");
    fs::rename(&krr, &away).unwrap();
    let watcher = bench.watch(&QUICK);
    for n in 0..5 {
        bench.drop(&bench.letter_to(&format!("person{n}"), Some(PERSON)));
    }
    bench.drop_letter("paper");
    bench.wait_for("paper", "print");
    watcher.wait_for_line("registry/krr.csv: filen mangler");
    pause(2_000);
    assert_eq!((watcher.lines("registry/krr.csv"), bench.placed()), (1, 1), "{}", watcher.log());
    fs::rename(&away, &krr).unwrap();
    for n in 0..5 {
        bench.wait_for(&format!("person{n}"), "digipost");
    }
    watcher.wait_for_line("over trouble=\"registry/krr.csv");
}

#[test]
fn a_refused_snapshot_leaves_the_last_one_in_use() {
    const ORGANISATION: &str = "310000019";
    let bench = Bench::new();
    let watcher = bench.watch(&QUICK);
    bench.drop(&bench.letter_to("first", Some(ORGANISATION)));
    let first = bench.status("first", "altinn");
    let units = bench.registry("enheter.csv");
    let good = fs::read(&units).unwrap();
    // Written over in place, and cut in the middle of a row.
    fs::write(&units, &good[..good.len() - 30]).unwrap();
    bench.drop(&bench.letter_to("second", Some(ORGANISATION)));
    let second = bench.status("second", "altinn");
    let registers = |status: &str| status[status.find("registre:").unwrap()..status.find("regel:").unwrap()].to_owned();
    assert_eq!(registers(&first), registers(&second));
    watcher.wait_for_line("Forrige godtatte utgave");
    bench.drop(&bench.letter_to("third", Some(ORGANISATION)));
    bench.wait_for("third", "altinn");
    assert_eq!(watcher.lines("Forrige godtatte utgave"), 1, "{}", watcher.log());

    // A single run uses it too.
    drop(watcher);
    bench.drop(&bench.letter_to("fourth", Some(ORGANISATION)));
    assert_eq!(bench.run(&["run", "--settle", "0"]).status.code(), Some(0));
    bench.wait_for("fourth", "altinn");

    // What stands in must be what was accepted, whatever has happened to its table.
    let tables = tables(&bench, "enheter");
    let mut table = fs::read(&tables[0]).unwrap();
    table[0] ^= 1;
    fs::write(&tables[0], table).unwrap();
    bench.drop(&bench.letter_to("fifth", Some(ORGANISATION)));
    let watcher = bench.watch(&QUICK);
    watcher.wait_for_line("Registeret er ikke brukt");
    assert!(bench.places("fifth").is_empty());
    fs::write(&units, &good).unwrap();
    bench.wait_for("fifth", "altinn");
}

/// The tables that are kept of a register.
fn tables(bench: &Bench, name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(bench.dir.join(".postgang/snapshots")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{name}-"))).collect()
}

/// A newer register of persons may hold a reservation: nothing stands in for it, and no table of it is kept.
#[test]
fn nothing_stands_in_for_a_refused_register_of_persons() {
    let bench = Bench::new();
    bench.drop(&bench.letter_to("first", Some(PERSON)));
    assert_eq!(bench.run(&["run", "--settle", "0"]).status.code(), Some(0));
    let krr = bench.registry("krr.csv");
    let good = fs::read(&krr).unwrap();
    fs::write(&krr, &good[..good.len() - 30]).unwrap();
    bench.drop(&bench.letter_to("second", Some(PERSON)));
    assert_eq!(bench.run(&["run", "--settle", "0"]).status.code(), Some(3));
    assert!(bench.places("second").is_empty());
    assert_eq!(tables(&bench, "krr"), Vec::<PathBuf>::new());
    let watcher = bench.watch(&QUICK);
    watcher.wait_for_line("Registeret er ikke brukt");
    assert!(bench.places("second").is_empty());
    fs::write(&krr, &good).unwrap();
    bench.wait_for("second", "digipost");
}

#[test]
fn a_mistyped_root_is_told_at_once() {
    let bench = Bench::new();
    let elsewhere = bench.dir.join("skrivefeil");
    for made in [false, true] {
        if made {
            fs::create_dir(&elsewhere).unwrap();
        }
        let output = postgang(&elsewhere).arg("watch").output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("kontroller --root"), "{said}");
    }
}

#[test]
fn figures_that_cannot_be_written_are_one_trouble() {
    let bench = Bench::new();
    let figures = bench.dir.join("borte/postgang.prom");
    let watcher = bench.watch(&["--interval", "0.2", "--metrics", figures.to_str().unwrap()]);
    watcher.wait_for_line("kunne ikke skrives");
    pause(1_000);
    assert_eq!(watcher.lines("kunne ikke skrives"), 1, "{}", watcher.log());
    fs::create_dir(figures.parent().unwrap()).unwrap();
    watcher.wait_for_line("over trouble");
}

/// On FUSE, as on NFS and SMB, nobody tells of what other machines change.
#[test]
fn a_file_system_that_tells_of_nothing_is_only_looked_at_and_said_to_be() {
    let behind = in_memory();
    let Some(front) = Mount::without_events(behind.path()) else { return };
    let bench = Bench::at(&front.path().join("root"));
    bench.drop_declared("letter");
    let refused = bench.run(&["run"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(3) && said.contains("(FUSE)"), "{said}");
    let watcher = bench.watch(&[&QUICK[..], &["--network-root"]].concat());
    watcher.wait_for_line("polling: no events come from other machines kind=\"FUSE\"");
    bench.wait_for("letter", "print");
    // Written where no event of this machine comes from.
    let elsewhere = Bench::at(&behind.path().join("root"));
    elsewhere.drop_declared("another");
    bench.wait_for("another", "print");
    assert_eq!(watcher.lines("listening"), 0, "{}", watcher.log());
}
