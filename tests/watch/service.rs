//! As a service: signals, kills, what systemd is told, figures and logs.

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use super::QUICK;
use super::bench::{Bench, PERSON, Watcher, count};
use crate::support::until;

#[test]
fn a_signal_ends_the_watch_with_the_letters_in_hand_placed() {
    // More than one batch.
    const LETTERS: usize = 1_050;
    let bench = Bench::new();
    for n in 0..LETTERS {
        bench.drop_declared(&format!("letter{n}"));
    }
    let mut watcher = bench.watch(&QUICK);
    assert!(until(20, || count(&bench.dir.join(".postgang/work/_")) > 0));
    assert!(watcher.stop().success());
    let placed = bench.placed();
    assert_eq!(count(&bench.dir.join(".postgang/work/_")), 0);
    assert_eq!((placed, count(&bench.inbox())), (1_000, LETTERS - 1_000));
    assert!(watcher.log().contains("placed=1000 left=50"), "{}", watcher.log());
    let mut watcher = bench.watch(&QUICK);
    assert!(until(20, || bench.placed() == LETTERS), "{}", watcher.log());
    watcher.signal("INT");
    assert!(watcher.wait().success());
}

#[test]
fn a_kill_loses_nothing_and_doubles_nothing() {
    const LETTERS: usize = 300;
    let bench = Bench::new();
    for n in 0..LETTERS {
        bench.drop_declared(&format!("letter{n}"));
    }
    for moment in [60, 90, 130] {
        let mut watcher = bench.watch(&QUICK);
        std::thread::sleep(Duration::from_millis(moment));
        watcher.kill();
    }
    let watcher = bench.watch(&QUICK);
    assert!(until(20, || bench.placed() == LETTERS && count(&bench.inbox()) == 0), "{}", watcher.log());
    for n in 0..LETTERS {
        let places = bench.places(&format!("letter{n}"));
        assert!(places.len() == 1 && places[0].starts_with("print/"), "{places:?}");
    }
    let letters = fs::read_dir(bench.dir.join("outbox/print")).unwrap();
    assert!(until(10, || count(&bench.dir.join(".postgang/work")) == 0));
    for letter in letters {
        assert!(until(5, || letter.as_ref().unwrap().path().join("FERDIG").exists()));
    }
}

#[test]
fn systemd_is_told() {
    let bench = Bench::new();
    let socket = bench.dir.join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut watcher = Watcher::start(&bench, &QUICK, |command| {
        command.env("NOTIFY_SOCKET", &socket);
    });
    let mut told = String::new();
    let mut buffer = [0; 4096];
    let mut hear = |wanted: &str| {
        while !told.contains(wanted) {
            let length = listener.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error} after {told}"));
            told.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    };
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("STATUS=0 letters placed, 0 waiting");
    bench.drop_declared("letter");
    hear("STATUS=1 letters placed, 0 waiting");
    fs::write(bench.inbox().join("løst"), "").unwrap();
    hear("STATUS=1 letters placed, 0 waiting; inbox/løst");
    watcher.signal("TERM");
    hear("STOPPING=1");
    assert!(watcher.wait().success());
}

#[test]
fn the_watchdog_is_told_in_time_and_has_patience_with_a_night() {
    let bench = Bench::new();
    let socket = bench.dir.join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    fs::create_dir(bench.dir.join(".postgang")).unwrap();
    fs::write(bench.dir.join(".postgang/nightly"), "2026-01-01\n").unwrap();
    let _watcher = Watcher::start(&bench, &["--interval", "60", "--nightly", "00:00"], |command| {
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "1000000");
    });
    let mut told = String::new();
    let mut buffer = [0; 4096];
    while told.matches("WATCHDOG=1").count() < 5 {
        let length = listener.recv(&mut buffer).unwrap_or_else(|error| panic!("{error} after {told}"));
        told.push_str(&String::from_utf8_lossy(&buffer[..length]));
        told.push('\n');
    }
    let night = told.find("WATCHDOG_USEC=14400000000").unwrap_or_else(|| panic!("{told}"));
    assert!(told[night..].contains("WATCHDOG_USEC=1000000\n"), "{told}");
}

#[test]
fn a_signal_is_heeded_while_another_pass_holds_the_lock() {
    let bench = Bench::new();
    let mut watcher = bench.watch(&QUICK);
    bench.drop_declared("before");
    bench.wait_for("before", "print");
    let lock = File::create(bench.dir.join(".postgang/lock")).unwrap();
    assert!(until(5, || lock.try_lock().is_ok()));
    bench.drop_declared("letter");
    std::thread::sleep(Duration::from_secs(1));
    let started = Instant::now();
    assert!(watcher.stop().success());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(bench.inbox().join("letter/KLAR").exists() && watcher.lines("trouble") == 0, "{}", watcher.log());
}

#[test]
fn figures_and_logs_can_be_read_by_machines_and_name_nobody() {
    let bench = Bench::new();
    let figures = bench.dir.join("postgang.prom");
    let mut options = QUICK.to_vec();
    options.extend(["--log-format", "json", "--metrics", figures.to_str().unwrap()]);
    let answer = bench.dir.join("answer");
    let mut watcher = Watcher::start(&bench, &options, |command| {
        command.stdout(File::create(&answer).unwrap());
    });
    bench.drop(&bench.letter_to(&format!("sak {PERSON}\n\u{202e}x"), Some(PERSON)));
    bench.drop(&bench.letter_to("ukjent", Some("11111111111")));
    bench.wait_for("ukjent", "avvist");
    fs::write(bench.inbox().join(format!("{PERSON}\u{1b}[31m.txt")), "").unwrap();
    watcher.wait_for_line("XXXXXXXXXXX_[31m.txt");
    let placed = "postgang_letters_placed_total{channel=\"digipost\",code=\"digital-mailbox\"} 1";
    assert!(until(5, || fs::read_to_string(&figures).is_ok_and(|text| text.contains(placed))));
    let text = fs::read_to_string(&figures).unwrap();
    for line in [
        "postgang_letters_placed_total{channel=\"avvist\",code=\"recipient-id-invalid\"} 1",
        "postgang_inbox_waiting 0",
        "postgang_snapshot_age_seconds{snapshot=\"krr\"}",
        "postgang_pass_seconds_total",
        "postgang_troubles 1",
    ] {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
    assert!(watcher.stop().success());
    assert_eq!(fs::read_to_string(answer).unwrap(), "", "under systemd it would stand in the log");
    let log = watcher.log();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let placed: Vec<_> = lines.iter().filter(|line| line["message"] == "placed").collect();
    assert_eq!(placed.len(), 2, "{log}");
    assert!(placed.iter().any(|line| line["code"] == "digital-mailbox"));
    assert!(!log.contains(PERSON) && !log.contains("Prøve") && !log.contains("Storgata"), "{log}");
    assert!(lines.iter().flat_map(|line| line.to_string().chars().collect::<Vec<_>>()).all(|c| !c.is_control()));
    assert!(!log.contains("\\u001b") && !log.contains('\u{202e}'), "{log}");
}

#[test]
fn a_missed_night_is_caught_up_with_and_done_once() {
    let bench = Bench::new();
    fs::create_dir(bench.dir.join(".postgang")).unwrap();
    fs::write(bench.dir.join(".postgang/nightly"), "2026-01-01\n").unwrap();
    bench.drop_letter("letter");
    let mut options = QUICK.to_vec();
    options.extend(["--nightly", "00:00"]);
    let watcher = bench.watch(&options);
    watcher.wait_for_line("night done");
    bench.wait_for("letter", "print");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(watcher.lines("night done"), 1, "{}", watcher.log());
}

#[test]
fn times_beyond_all_sense_are_refused_at_once() {
    let bench = Bench::new();
    for (option, value) in [("--settle", "18446744073709551615"), ("--give-up", "31622401"), ("--interval", "1e19")] {
        let output = bench.run(&["watch", option, value]);
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("31622400"), "{output:?}");
    }
}
