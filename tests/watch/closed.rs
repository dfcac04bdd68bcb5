//! A letter's folder that its owner has closed after we placed it: it is named, and holds nobody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::QUICK;
use super::bench::{Bench, count};

/// Letters in `outbox/print/`; the program's user owns all but what is closed later.
fn placed(names: &[&str]) -> Option<Bench> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give folders away");
        return None;
    }
    let bench = Bench::new();
    for name in names {
        bench.drop_letter(name);
    }
    bench.give_to_nobody();
    assert!(bench.run_as_nobody(&["run", "--settle", "0"]).status.success());
    Some(bench)
}

fn close(folder: &Path, mode: u32) {
    chown(folder, Some(0), Some(0)).unwrap();
    fs::set_permissions(folder, Permissions::from_mode(mode)).unwrap();
}

fn folder(bench: &Bench, name: &str) -> PathBuf {
    bench.wait_for(name, "print")
}

/// What a command says, and its exit code.
fn said(bench: &Bench, arguments: &[&str]) -> (String, Option<i32>) {
    let output = bench.run_as_nobody(arguments);
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn the_others_are_printed_and_the_closed_one_is_named() {
    for mode in [0o555, 0o000] {
        let Some(bench) = placed(&["a", "b", "c"]) else { return };
        let closed = folder(&bench, "b");
        close(&closed, mode);
        let (text, code) = said(&bench, &["nightly"]);
        assert!(code == Some(1) && text.contains("outbox/print/b."), "{mode:o}: {code:?} {text}");
        let batches = fs::read_dir(bench.dir.join("outbox/print")).unwrap().map(|entry| entry.unwrap().path());
        let batch = batches.into_iter().find(|path| path.join("batch.yaml").is_file()).expect("a batch");
        assert_eq!(fs::read_dir(&batch).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 2);
        let (text, _) = said(&bench, &["status"]);
        let print = text.lines().find(|line| line.starts_with("outbox/print ")).unwrap();
        assert_eq!(print.split_whitespace().nth(1), Some("1"), "{text}");
        // Opened again, it is printed the next night.
        close(&closed, 0o755);
        chown(&closed, Some(65534), Some(65534)).unwrap();
        assert!(said(&bench, &["nightly"]).0.contains("batch-"));
        assert!(!closed.exists());
    }
}

#[test]
fn a_letter_that_cannot_be_marked_stops_neither_a_pass_nor_a_watch() {
    let Some(bench) = placed(&["a"]) else { return };
    let closed = folder(&bench, "a");
    fs::remove_file(closed.join("FERDIG")).unwrap();
    close(&closed, 0o555);
    bench.drop_declared("b");
    bench.give_to_nobody();
    close(&closed, 0o555);
    let (text, code) = said(&bench, &["run", "--settle", "0"]);
    assert!(code == Some(1) && text.contains("FERDIG kunne ikke skrives"), "{code:?} {text}");
    assert_eq!((count(&bench.inbox()), bench.placed()), (0, 2));
    bench.drop_declared("c");
    let watcher = bench.watch_as_nobody(&QUICK);
    bench.wait_for("c", "print");
    watcher.wait_for_line("FERDIG kunne ikke skrives");
    fs::set_permissions(&closed, Permissions::from_mode(0o755)).unwrap();
    assert!(super::until(10, || closed.join("FERDIG").exists()));
    watcher.wait_for_line("over trouble=\"outbox/print/a.");
    assert_eq!(watcher.lines("WARN"), 1, "{}", watcher.log());
}
