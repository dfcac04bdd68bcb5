//! Drops made to harm. Each is decided like any other letter, and the next one goes through.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::bench::{Bench, count, sparse};
use crate::support::make::pdf;
use crate::support::until;

const SECRET: &str = "what nobody outside may read";

#[test]
fn hostile_drops_are_refused_one_by_one() {
    let bench = Bench::new();
    let secret = bench.dir.join("secret.pdf");
    fs::write(&secret, SECRET).unwrap();
    let make = |name: &str, harm: &dyn Fn(&Path)| {
        let letter = bench.letter(name);
        harm(&letter);
        fs::write(letter.join("KLAR"), "").unwrap();
        bench.drop(&letter);
    };
    let instead = |put: &'static dyn Fn(&Path)| {
        move |letter: &Path| {
            fs::remove_file(letter.join("vedtak.pdf")).unwrap();
            put(&letter.join("vedtak.pdf"));
        }
    };
    make("link", &|letter| {
        fs::remove_file(letter.join("vedtak.pdf")).unwrap();
        symlink(&secret, letter.join("vedtak.pdf")).unwrap();
    });
    make("fifo", &instead(&|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())));
    make("socket", &instead(&|path| drop(UnixListener::bind(path).unwrap())));
    make("folder", &instead(&|path| fs::create_dir(path).unwrap()));
    make("huge", &instead(&|path| sparse(path, 4 << 30)));
    make("deep", &|letter| fs::create_dir_all(letter.join("x/".repeat(60))).unwrap());
    make("many", &|letter| {
        for n in 0..10_000 {
            fs::write(letter.join(format!("{n}.txt")), "").unwrap();
        }
    });
    make("linked-metadata", &|letter| {
        fs::remove_file(letter.join("forsendelse.yaml")).unwrap();
        symlink(&secret, letter.join("forsendelse.yaml")).unwrap();
    });
    make("fifo-metadata", &|letter| {
        fs::remove_file(letter.join("forsendelse.yaml")).unwrap();
        assert!(Command::new("mkfifo").arg(letter.join("forsendelse.yaml")).status().unwrap().success());
    });
    make("huge-metadata", &|letter| sparse(&letter.join("forsendelse.yaml"), 4 << 30));
    make("not-text", &|letter| fs::write(letter.join(OsStr::from_bytes(b"s\xf8knad.pdf")), pdf(1)).unwrap());
    make("our-names", &|letter| {
        for name in ["FERDIG", "status.yaml", "BESLUTNING.txt"] {
            fs::create_dir(letter.join(name)).unwrap();
        }
    });
    make("way-out", &|letter| {
        let yaml = fs::read_to_string(letter.join("forsendelse.yaml")).unwrap();
        fs::write(letter.join("forsendelse.yaml"), yaml.replace("vedtak.pdf", "../../secret.pdf")).unwrap();
    });
    let watcher = bench.watch(&["--interval", "0.3", "--settle", "1"]);
    for (name, code) in [
        ("link", "document-not-regular"),
        ("fifo", "document-not-regular"),
        ("socket", "document-not-regular"),
        ("folder", "document-not-regular"),
        ("huge", "document-too-large"),
        ("deep", "document-not-regular"),
        ("many", "document-too-large"),
        ("linked-metadata", "metadata-missing"),
        ("fifo-metadata", "metadata-missing"),
        ("huge-metadata", "metadata-unreadable"),
        ("not-text", "document-not-regular"),
        ("our-names", "document-not-regular"),
        ("way-out", "document-name-invalid"),
    ] {
        let status = bench.status(name, "avvist");
        assert!(status.contains(&format!("kode: {code}\n")), "{name}: {status}");
    }
    bench.drop_declared("honest");
    bench.wait_for("honest", "print");
    assert_eq!((watcher.lines("trouble"), count(&bench.inbox())), (0, 0), "{}", watcher.log());
    assert_eq!(fs::read_to_string(&secret).unwrap(), SECRET);
}

#[test]
fn odd_names_are_letters_all_the_same() {
    let bench = Bench::new();
    let watcher = bench.watch(&["--interval", "0.3", "--settle", "0"]);
    let names: [&[u8]; 8] = [
        b"line\nbreak",
        b"x..y",
        b"\xff\xfe",
        "høyre\u{202e}venstre".as_bytes(),
        b"CON",
        b"a\\..\\b",
        b" ",
        b"tab\tand\x7f",
    ];
    for (n, name) in names.into_iter().enumerate() {
        let letter = bench.letter(&format!("odd{n}"));
        fs::rename(letter, bench.inbox().join(OsStr::from_bytes(name))).unwrap();
    }
    assert!(until(10, || bench.placed() == 8), "{}", watcher.log());
    for letter in fs::read_dir(bench.dir.join("outbox/print")).unwrap() {
        let name = letter.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains(|c: char| c.is_control() || "\\\u{202e}\u{fffd}".contains(c)), "{name:?}");
    }
    let told = watcher.log();
    assert!(told.chars().all(|c| c == '\n' || !c.is_control()) && !told.contains('\u{202e}'), "{told:?}");
}

/// The inbox of a sender, and a drop, are swapped for links and back while the program looks and claims.
#[test]
fn swapping_a_folder_for_a_link_leads_nowhere() {
    let bench = Bench::new();
    let outside = bench.dir.join("outside");
    fs::create_dir_all(outside.join("letter")).unwrap();
    for name in ["FERDIG", "status.yaml", "vedtak.pdf"] {
        fs::write(outside.join("letter").join(name), SECRET).unwrap();
    }
    fs::write(outside.join("letter/KLAR"), "").unwrap();
    fs::write(outside.join("letter/forsendelse.yaml"), "tittel: x").unwrap();
    let own = bench.inbox().join("910077473");
    let aside = bench.dir.join("aside");
    fs::create_dir(&own).unwrap();
    let watcher = bench.watch(&["--interval", "0.1", "--settle", "0"]);
    let mut letters = 0;
    for round in 0..150 {
        if !own.join("letter").exists() {
            letters += 1;
            let letter = bench.letter(&format!("letter{letters}"));
            fs::write(letter.join("KLAR"), "").unwrap();
            fs::rename(letter, own.join("letter")).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(round % 17));
        if round % 2 == 0 {
            fs::rename(&own, &aside).unwrap();
            symlink(&outside, &own).unwrap();
            super::pause(3);
            fs::remove_file(&own).unwrap();
            fs::rename(&aside, &own).unwrap();
        } else if fs::rename(own.join("letter"), &aside).is_ok() {
            symlink(outside.join("letter"), own.join("letter")).unwrap();
            super::pause(3);
            // A claim may have carried the link away and back under the next name.
            let _ = fs::remove_file(own.join("letter"));
            if fs::rename(&aside, own.join("letter")).is_err() {
                fs::remove_dir_all(&aside).unwrap();
                letters -= 1;
            }
        }
    }
    assert!(until(10, || count(&own) == 0 || fs::read_dir(&own).unwrap().all(|e| e.unwrap().path().is_symlink())));
    for name in ["FERDIG", "status.yaml", "vedtak.pdf"] {
        assert_eq!(fs::read_to_string(outside.join("letter").join(name)).unwrap(), SECRET);
    }
    assert_eq!(count(&outside.join("letter")), 5);
    for entry in walkdir::WalkDir::new(bench.dir.join("outbox")) {
        let path = entry.unwrap().into_path();
        assert!(!path.is_symlink(), "{}", path.display());
        assert!(!path.is_file() || fs::read(&path).unwrap() != SECRET.as_bytes(), "{}", path.display());
    }
    assert!(until(5, || bench.placed() == letters), "{} of {letters}:\n{}", bench.placed(), watcher.log());
}
