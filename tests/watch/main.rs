//! What operators of watched folders suffer from, one test for each, with the program itself.

mod bench;
mod closed;
mod held;
mod hostile;
mod service;
mod trouble;

#[path = "../support/mod.rs"]
mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use bench::{Bench, count, metadata, pause};
use postgang::core::calendar::parse_time;
use postgang::core::whole::Patience;
use postgang::shell::pass::{self, Settings};
use postgang::shell::root::Root;
use support::make::pdf;
use support::until;

/// A second of settling and a quick interval.
const QUICK: [&str; 4] = ["--interval", "0.3", "--settle", "1"];

#[test]
fn the_second_letter_is_taken_as_the_first_was() {
    for listening in [&QUICK[..], &[&QUICK[..], &["--poll"]].concat()] {
        let bench = Bench::new();
        let watcher = bench.watch(listening);
        for name in ["first", "second"] {
            bench.drop_letter(name);
            bench.wait_for(name, "print");
            // Long enough for a watch that dies after its first success to be dead.
            pause(700);
        }
        assert_eq!(watcher.lines("placed"), 2, "{}", watcher.log());
    }
}

#[test]
fn what_is_being_written_is_not_taken() {
    let bench = Bench::new();
    let _watcher = bench.watch(&QUICK);
    let folder = bench.inbox().join("slow");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("forsendelse.yaml"), metadata("slow", None)).unwrap();
    let pdf = pdf(1);
    let mut file = File::create(folder.join("vedtak.pdf")).unwrap();
    for part in pdf.chunks(pdf.len().div_ceil(6)) {
        file.write_all(part).unwrap();
        // A copying program that keeps the original's times must not look as if it were done.
        file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
        pause(600);
    }
    assert!(folder.exists(), "taken while it was being written");
    let letter = bench.wait_for("slow", "print");
    assert_eq!(fs::read(letter.join("vedtak.pdf")).unwrap(), pdf);
}

/// Neither is a letter, and both are refused; but not while their writer is at it, who would find the folder gone.
#[test]
fn what_is_being_written_is_not_refused() {
    let bench = Bench::new();
    // Six times as long as the writer's pauses, which a busy machine stretches.
    let _watcher = bench.watch(&["--interval", "0.2", "--settle", "3"]);
    let nested = bench.letter("nested");
    fs::create_dir_all(nested.join("vedlegg/1")).unwrap();
    let nested = bench.drop(&nested);
    let mut inner = File::create(nested.join("vedlegg/1/x.pdf")).unwrap();
    let many = bench.letter("many");
    for n in 0..1_005 {
        File::create(many.join(format!("{n}.pdf"))).unwrap();
    }
    let many = bench.drop(&many);
    let mut last = File::create(many.join("siste.pdf")).unwrap();
    for _ in 0..10 {
        inner.write_all(b"x").unwrap();
        last.write_all(b"x").unwrap();
        pause(500);
    }
    assert!(nested.exists() && many.exists(), "refused while it was being written");
    assert!(bench.status("nested", "avvist").contains("kode: document-not-regular\n"));
    assert!(bench.status("many", "avvist").contains("kode: document-too-large\n"));
}

#[test]
fn many_files_wait_for_their_metadata() {
    let bench = Bench::new();
    let watcher = bench.watch(&["--interval", "0.2", "--settle", "0", "--give-up", "3"]);
    let many = bench.inbox().join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..1_005 {
        File::create(many.join(format!("{n}.pdf"))).unwrap();
    }
    pause(1_500);
    assert!(many.exists(), "{}", watcher.log());
    assert!(bench.status("many", "avvist").contains("kode: metadata-missing\n"));
}

/// The registers take seconds to read: what was whole before may be written in again before it is claimed.
#[test]
fn what_is_written_in_between_look_and_claim_is_put_back() {
    static WRITING: OnceLock<PathBuf> = OnceLock::new();
    let bench = Bench::new();
    let letter = bench.drop_letter("late");
    WRITING.set(letter.join("forsendelse.yaml")).unwrap();
    let settings = Settings {
        now: parse_time("2026-11-23T09:00:00+01:00").unwrap(),
        wall: SystemTime::now(),
        patience: Patience { settle: Duration::ZERO, give_up: Duration::from_secs(3600) },
        accept: Vec::new(),
        network_root: false,
        progress: indicatif::ProgressBar::hidden(),
        probe: Some(|step| {
            if step == "claim" {
                File::options().append(true).open(WRITING.get().unwrap()).unwrap().write_all(b"#").unwrap();
            }
        }),
    };
    let report = pass::run(&Root::new(&bench.dir, None), &settings).unwrap();
    assert_eq!((report.received, report.left, bench.placed()), (0, 1, 0));
    assert!(letter.join("vedtak.pdf").exists());
}

#[test]
fn names_that_are_being_written_are_left_alone() {
    let bench = Bench::new();
    let _watcher = bench.watch(&["--interval", "0.2", "--settle", "0"]);
    for name in ["a.tmp", "b.part", "c.filepart", "d.crdownload", ".e", "~f"] {
        let letter = bench.letter(name);
        fs::write(letter.join("KLAR"), "").unwrap();
        bench.drop(&letter);
    }
    let half = bench.letter("half");
    fs::write(half.join("vedlegg.pdf.part"), "").unwrap();
    bench.drop(&half);
    pause(1_500);
    assert_eq!((count(&bench.inbox()), bench.placed()), (7, 0));
    // The last rename makes each whole.
    fs::remove_file(bench.inbox().join("half/vedlegg.pdf.part")).unwrap();
    fs::rename(bench.inbox().join("a.tmp"), bench.inbox().join("a")).unwrap();
    bench.wait_for("half", "print");
    bench.wait_for("a", "print");
}

#[test]
fn nothing_is_stranded_in_silence() {
    let bench = Bench::new();
    let half = bench.letter("half");
    fs::remove_file(half.join("vedtak.pdf")).unwrap();
    let watcher = bench.watch(&["--interval", "0.2", "--settle", "0", "--give-up", "2"]);
    bench.drop(&half);
    fs::write(bench.inbox().join("løst.pdf"), "x").unwrap();
    watcher.wait_for_line("inbox/løst.pdf");
    let status = bench.status("half", "avvist");
    assert!(status.contains("kode: document-missing") && status.contains("vedtak.pdf"), "{status}");
    pause(1_000);
    assert_eq!(watcher.lines("inbox/løst.pdf"), 1, "{}", watcher.log());
    fs::remove_file(bench.inbox().join("løst.pdf")).unwrap();
    watcher.wait_for_line("over trouble=\"inbox/løst.pdf");
}

#[test]
fn each_of_a_burst_is_taken_once() {
    const LETTERS: usize = 400;
    let bench = Bench::new();
    let watcher = bench.watch(&QUICK);
    let pdf = pdf(1);
    for n in 0..LETTERS {
        // Made in place, so that every file is an event of its own.
        let folder = bench.inbox().join(format!("burst{n}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("vedtak.pdf"), &pdf).unwrap();
        fs::write(folder.join("forsendelse.yaml"), metadata(&format!("burst{n}"), None)).unwrap();
        if n % 2 == 0 {
            fs::write(folder.join("KLAR"), "").unwrap();
        }
    }
    assert!(until(20, || bench.placed() == LETTERS), "{} placed", bench.placed());
    pause(700);
    for n in 0..LETTERS {
        let places = bench.places(&format!("burst{n}"));
        assert!(places.len() == 1 && places[0].starts_with("print/"), "{places:?}");
    }
    assert_eq!((count(&bench.inbox()), bench.placed()), (0, LETTERS));
    assert_eq!((watcher.lines("INFO placed"), watcher.lines("trouble")), (LETTERS, 0), "{}", watcher.log());
}

#[test]
fn a_folder_moved_in_is_seen_at_once() {
    let bench = Bench::new();
    let _watcher = bench.watch(&["--interval", "60"]);
    pause(500);
    let started = Instant::now();
    bench.drop_declared("moved");
    bench.wait_for("moved", "print");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn an_empty_inbox_of_a_sender_is_listened_to() {
    let bench = Bench::new();
    let own = bench.inbox().join("910077473");
    fs::create_dir(&own).unwrap();
    let _watcher = bench.watch(&["--interval", "60"]);
    pause(500);
    let letter = bench.letter("first");
    fs::write(letter.join("KLAR"), "").unwrap();
    let started = Instant::now();
    fs::rename(letter, own.join("first")).unwrap();
    bench.wait_for("first", "print");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn an_inbox_put_in_anothers_place_is_listened_to() {
    let bench = Bench::new();
    let _watcher = bench.watch(&["--interval", "4"]);
    pause(500);
    fs::rename(bench.inbox(), bench.dir.join("gammel")).unwrap();
    fs::create_dir(bench.inbox()).unwrap();
    // The change itself is nobody's to tell: the next scan finds it.
    pause(4_500);
    for name in ["first", "second", "third"] {
        let started = Instant::now();
        bench.drop_declared(name);
        bench.wait_for(name, "print");
        assert!(started.elapsed() < Duration::from_millis(1_500), "{name} {:?}", started.elapsed());
    }
}

#[test]
fn the_senders_word_is_heard_at_once() {
    let bench = Bench::new();
    let _watcher = bench.watch(&["--interval", "60", "--settle", "60"]);
    for inbox in ["", "910077473"] {
        let folder = bench.letter("slow");
        fs::create_dir_all(bench.inbox().join(inbox)).unwrap();
        let folder = {
            let target = bench.inbox().join(inbox).join(format!("slow{inbox}"));
            fs::rename(folder, &target).unwrap();
            let yaml = metadata(&format!("slow{inbox}"), None);
            fs::write(target.join("forsendelse.yaml"), yaml).unwrap();
            target
        };
        pause(1_000);
        let started = Instant::now();
        File::create(folder.join("KLAR")).unwrap();
        bench.wait_for(&format!("slow{inbox}"), "print");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[test]
fn a_lost_event_costs_an_interval_at_most() {
    let bench = Bench::new();
    let watcher = bench.watch(&["--interval", "2", "--settle", "0"]);
    pause(500);
    watcher.signal("STOP");
    // More events than the kernel keeps (fs.inotify.max_queued_events): the letter's own is lost.
    let (a, b) = (bench.inbox().join("a.tmp"), bench.inbox().join("b.tmp"));
    fs::create_dir(&a).unwrap();
    for _ in 0..10_000 {
        fs::rename(&a, &b).unwrap();
        fs::rename(&b, &a).unwrap();
    }
    bench.drop_letter("lost");
    watcher.signal("CONT");
    let started = Instant::now();
    bench.wait_for("lost", "print");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    bench.drop_letter("after");
    bench.wait_for("after", "print");
}

#[test]
fn what_is_already_there_is_taken_at_start_and_output_never_comes_back() {
    let bench = Bench::new();
    bench.drop_letter("before");
    let mut watcher = bench.watch(&QUICK);
    bench.wait_for("before", "print");
    pause(700);
    assert_eq!((bench.placed(), watcher.lines("INFO placed")), (1, 1));
    assert!(watcher.stop().success());

    // An outbox inside the inbox would be read as mail.
    let bench = Bench::new();
    fs::remove_dir(bench.dir.join("outbox")).unwrap();
    fs::create_dir(bench.inbox().join("ut")).unwrap();
    std::os::unix::fs::symlink("inbox/ut", bench.dir.join("outbox")).unwrap();
    bench.drop_declared("letter");
    let watcher = bench.watch(&QUICK);
    watcher.wait_for_line("ligger inne i");
    assert!(bench.inbox().join("letter/forsendelse.yaml").exists());
}
