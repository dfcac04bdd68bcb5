//! `check` on whatever an operator may name: it says something true of each, and changes nothing.

use std::fs;

use crate::support::program;
use crate::world::{ALTINN, DROPPED, RESERVED, World, touch};

const AT: &str = "2026-11-24T10:00:00+01:00";

/// Codes of what was found on each path, and the exit code.
fn check(world: &World, path: &str) -> (Vec<String>, i32) {
    // From a folder where nothing is called so.
    let output =
        world.command(AT, &["check", path]).current_dir(world.dir.join("registry/kvitteringer")).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{path}"));
    let code = output.status.code().unwrap();
    let results = answer["results"].as_array().unwrap_or_else(|| panic!("{path}: {answer}"));
    assert!(results.iter().all(|found| !found["text"].as_str().unwrap().is_empty()), "{path}: {answer}");
    (results.iter().map(|found| found["code"].as_str().unwrap().to_owned()).collect(), code)
}

/// A root with a letter of every kind, after a night.
fn root() -> World {
    let world = World::new("avsendere.yaml");
    for (name, recipient, more) in
        [("a", ALTINN, ""), ("p", RESERVED, ""), ("q", RESERVED, ""), ("avvist", RESERVED, "kryptert: true")]
    {
        world.drop(name, recipient, more);
    }
    world.run(DROPPED);
    world.nightly("2026-11-24T00:30:00+01:00");
    for register in fs::read_dir(world.dir.join("registry")).unwrap() {
        touch(&register.unwrap().path(), AT);
    }
    world.drop("ny", ALTINN, "");
    fs::create_dir_all(world.dir.join("inbox/910077473")).unwrap();
    fs::write(world.dir.join("inbox/løs.pdf"), "x").unwrap();
    fs::write(world.outbox().join("ferdigbehandlet.csv"), "1\nx\n").unwrap();
    world
}

#[test]
fn every_path_has_an_answer() {
    let world = root();
    let before = world.tree();
    let inside = |name: &str| world.folder(name).strip_prefix(&world.dir).unwrap().display().to_string();
    let (a, p, refused) = (inside("a"), inside("p"), inside("avvist"));
    let batch = "outbox/print/batch-2026-11-24-01";
    for (path, first, code) in [
        (a.clone(), "no-digital-mailbox", 0),
        (format!("{a}/vedtak.pdf"), "no-digital-mailbox", 0),
        (format!("{a}/status.yaml"), "no-digital-mailbox", 0),
        (p.clone(), "reserved", 0),
        (refused, "encrypted-documents", 0),
        (batch.to_owned(), "accepted", 0),
        (format!("{batch}/manifest.csv"), "accepted", 0),
        (format!("{batch}/batch.yaml"), "accepted", 0),
        ("outbox".to_owned(), "accepted", 0),
        ("outbox/altinn".to_owned(), "accepted", 0),
        ("outbox/eboks".to_owned(), "accepted", 0),
        ("outbox/avvist".to_owned(), "accepted", 0),
        ("outbox/arkiv".to_owned(), "not-found", 1),
        ("outbox/oppfolging-2026-11-24.csv".to_owned(), "accepted", 0),
        ("outbox/kvittering-2026-11-24-910077473.csv".to_owned(), "accepted", 0),
        ("outbox/ferdigbehandlet.csv".to_owned(), "matter-not-understood", 1),
        ("registry".to_owned(), "accepted", 0),
        ("registry/krr.csv".to_owned(), "accepted", 0),
        ("registry/krr.csv.gz".to_owned(), "accepted", 0),
        ("registry/avsendere.yaml".to_owned(), "accepted", 0),
        ("registry/kvitteringer".to_owned(), "accepted", 0),
        ("registry/kvitteringer/liv.csv".to_owned(), "accepted", 0),
        ("inbox/ny".to_owned(), "no-digital-mailbox", 0),
        ("inbox/ny/forsendelse.yaml".to_owned(), "no-digital-mailbox", 0),
        ("inbox/ny/vedtak.pdf".to_owned(), "no-digital-mailbox", 0),
        ("inbox/910077473".to_owned(), "accepted", 0),
        ("inbox/løs.pdf".to_owned(), "stray", 1),
        ("inbox".to_owned(), "accepted", 1),
        ("inbox/..".to_owned(), "accepted", 1),
        (".postgang".to_owned(), "own", 0),
        (".postgang/work".to_owned(), "own", 0),
        (".postgang/ledger.sqlite".to_owned(), "unknown", 1),
        ("finnes/ikke".to_owned(), "not-found", 1),
        ("finnes.csv".to_owned(), "not-found", 1),
    ] {
        // From the root, and by its whole path.
        for path in [path.clone(), world.dir.join(&path).display().to_string()] {
            let (codes, exit) = check(&world, &path);
            assert_eq!((codes.first().map(String::as_str), exit), (Some(first), code), "{path}: {codes:?}");
        }
        let mut command = std::process::Command::new(program());
        let output = command
            .arg("--root")
            .arg(&world.dir)
            .args(["--now", AT, "check", &path])
            .current_dir(world.outbox())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains('[') && text.contains("Kode: "), "no code stands in a sentence: {text}");
    }
    assert!(world.tree() == before, "checking changes nothing");
}

#[test]
fn a_batch_that_is_not_what_was_sealed_is_told_file_by_file() {
    let world = root();
    let batch = "outbox/print/batch-2026-11-24-01";
    let path = world.dir.join(batch);
    let letter = world.folder("p");
    let manifest = fs::read(path.join("manifest.csv")).unwrap();
    let damage: [(&str, &dyn Fn()); 7] = [
        ("file-changed", &|| fs::write(path.join("manifest.csv"), "x").unwrap()),
        ("file-missing", &|| fs::remove_file(path.join("LESMEG.txt")).unwrap()),
        ("file-unknown", &|| fs::write(path.join("ekstra.pdf"), "x").unwrap()),
        ("not-as-recorded", &|| fs::write(letter.join("status.yaml"), "status: LEST\n").unwrap()),
        ("letters-missing", &|| fs::rename(&letter, world.dir.join("borte")).unwrap()),
        ("not-ready", &|| fs::remove_file(path.join("FERDIG")).unwrap()),
        ("batch-unreadable", &|| fs::write(path.join("batch.yaml"), "x").unwrap()),
    ];
    for (code, damage) in damage {
        damage();
        let (codes, exit) = check(&world, batch);
        assert!(codes.iter().any(|found| found == code) && exit == 1, "{code}: {codes:?}");
        assert!(!codes.iter().any(|found| found == "accepted"), "{code}: {codes:?}");
        if code == "file-changed" {
            fs::write(path.join("manifest.csv"), &manifest).unwrap();
            assert_eq!(check(&world, batch), (vec!["accepted".to_owned()], 0), "mended");
        }
    }
    let (answer, _) = world.postgang(AT, &["check", batch]);
    assert!(answer["results"][0]["path"].as_str().unwrap().ends_with(batch), "{answer}");
}

#[test]
fn registers_have_a_code_whether_refused_or_accepted() {
    let world = root();
    let krr = world.dir.join("registry/krr.csv");
    let text = fs::read_to_string(&krr).unwrap();
    for (change, codes, exit) in [
        (text.clone(), &["accepted"][..], 0),
        (text.replace("reservasjon", "x"), &["column-missing"], 3),
        (format!("{text}12345,NEI,AKTIV,,,,,,,,,,\n"), &["row-not-understood", "accepted"], 1),
    ] {
        fs::write(&krr, change).unwrap();
        touch(&krr, AT);
        assert_eq!(check(&world, "registry/krr.csv"), (codes.iter().map(|code| (*code).to_owned()).collect(), exit));
    }
    touch(&krr, "2026-12-24T10:00:00+01:00");
    assert_eq!(check(&world, "registry/krr.csv"), (vec!["in-future".to_owned()], 3));
    fs::remove_file(&krr).unwrap();
    assert_eq!(check(&world, "registry/krr.csv"), (vec!["missing".to_owned()], 3));
    fs::remove_file(world.dir.join("registry/svarinn.csv")).unwrap();
    assert_eq!(check(&world, "registry/svarinn.csv"), (vec!["absent".to_owned()], 0));
}
