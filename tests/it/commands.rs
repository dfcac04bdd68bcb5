//! The commands that only look: they change nothing, and tell no secret.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::support::{files, in_memory, postgang, program, repository, said};
use super::world::{IN_ALTINN, RESERVED, World};

fn letter(digital_id: &str, rest: &str) -> String {
    format!(
        "{{tittel: Vedtak, eksternReferanse: 2026/1, mottaker: {{navn: Kari Nordmann, digitalId: '{digital_id}',
          adresselinje1: Fjellvegen 7, postnummer: '4604', poststed: KRISTIANSAND S}}{rest}}}"
    )
}

/// Every file outside the ledger with its bytes.
fn everything(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files(&world.path(""));
    files.retain(|path, _| !path.to_string_lossy().contains("ledger.sqlite"));
    files
}

#[test]
fn looking_changes_nothing_and_tells_no_secret() {
    let world = World::new();
    world.drop("plassert", &letter(IN_ALTINN, ""));
    world.drop("avvist", &letter(RESERVED, ", kryptert: true"));
    world.run(&[]);
    world.drop("igjen", &letter(IN_ALTINN, ""));
    world.drop(&format!("sak {RESERVED}"), &letter(RESERVED, ""));
    world.drop("uleselig", "tittel: [");
    let krr = fs::read_to_string(world.path("registry/krr.csv")).unwrap();
    world.write("registry/krr.csv", krr + "01817010055,TULL,AKTIV\n12345,NEI,AKTIV,,,,,,,,,,\n");
    world.age_registers(&BTreeMap::new());
    let (before, secrets) = (everything(&world), world.secrets());
    let placed = world.placed_in("altinn")[0].display().to_string();
    let inside = |path: &str| world.path(path).display().to_string();
    for args in [
        vec!["status".to_owned()],
        vec!["check".to_owned()],
        vec!["check".to_owned(), inside("inbox/igjen")],
        vec!["check".to_owned(), inside(&format!("inbox/sak {RESERVED}"))],
        vec!["check".to_owned(), inside("inbox/uleselig")],
        vec!["check".to_owned(), inside("registry/krr.csv")],
        vec!["check".to_owned(), inside("registry/avsendere.yaml")],
        vec!["explain".to_owned(), "2026/1".to_owned()],
        vec!["explain".to_owned(), placed],
        vec!["explain".to_owned(), RESERVED.to_owned()],
    ] {
        for json in [true, false] {
            let mut command = world.postgang();
            if !json {
                command = postgang(&world.path(""));
                command.args(["--now", &world.now]);
            }
            let output = command.args(&args).output().unwrap();
            let said = said(&output);
            assert!(matches!(output.status.code(), Some(0..=3)), "{args:?}: {said}");
            // A path that was typed is the operator's own and may be repeated; nothing else may.
            let typed = args.iter().any(|arg| arg.contains(RESERVED));
            let secrets = secrets.iter().filter(|secret| !typed || *secret != RESERVED).cloned().collect();
            world.check_secrets(&secrets, &said);
            assert_eq!(before, everything(&world), "{args:?}");
            if json {
                serde_json::from_slice::<serde_json::Value>(&output.stdout)
                    .unwrap_or_else(|_| panic!("{args:?}: {said}"));
            }
        }
    }
}

/// What a command prints as JSON, and its exit code.
fn answer(world: &World, args: &[&str]) -> (serde_json::Value, Option<i32>) {
    let output = world.postgang().args(args).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}"));
    (json, output.status.code())
}

#[test]
fn letters_are_found_by_what_people_have_of_them() {
    let world = World::new();
    let text = letter(IN_ALTINN, "").replace("2026/1", &format!("sak {RESERVED} A\u{30a}"));
    world.drop("funnet", &text);
    world.run(&[]);
    let folder = world.placed_in("altinn")[0].clone();
    let (_, id) = fs::read_to_string(folder.join("status.yaml"))
        .unwrap()
        .split_once("Id: ")
        .map(|(a, b)| (a.to_owned(), b[..36].to_owned()))
        .unwrap();
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    for query in [
        &format!("sak {RESERVED} A\u{30a}"),
        &format!("sak {RESERVED} Å"),
        "sak XXXXXXXXXXX Å",
        &id.to_uppercase(),
        &name,
    ] {
        let (found, code) = answer(&world, &["explain", query]);
        assert_eq!((found["letters"][0]["forsendelsesId"].as_str(), code), (Some(id.as_str()), Some(0)), "{query}");
    }
    assert_eq!(answer(&world, &["explain", "ukjent"]).1, Some(1));
}

#[test]
fn a_machine_reads_why_nothing_was_done() {
    let world = World::new();
    world.drop("venter", &letter(IN_ALTINN, ""));
    let senders = fs::read_to_string(world.path("registry/avsendere.yaml")).unwrap();
    for (broken, message) in [
        (senders.replace("personer:", "personar:"), "feltet «personar» er ukjent her"),
        (senders.replace("{navn: Storevik", "{navn: 🙂"), "linje 4, kolonne 5: returadressen har et tegn"),
    ] {
        world.write("registry/avsendere.yaml", broken);
        for command in ["run", "nightly"] {
            let (said, code) = answer(&world, &[command]);
            assert_eq!(code, Some(3), "{said}");
            assert!(said["messages"][0].as_str().unwrap().contains(message), "{said}");
            assert_eq!(said["left"].as_u64(), Some(u64::from(command == "run")), "{said}");
        }
    }
    fs::remove_dir_all(world.path("inbox")).unwrap();
    for command in [&["report"][..], &["status"], &["check"], &["explain", "x"], &["run"]] {
        let (said, code) = answer(&world, command);
        assert!(code == Some(3) && said["messages"][0].as_str().unwrap().contains("mappen finnes ikke"), "{said}");
    }
}

/// The README shows what the demo prints, but for where it was made and what its PDFs weigh.
#[test]
fn the_readme_shows_what_the_demo_prints() {
    let temporary = in_memory();
    let dir = temporary.path().join("demo");
    let mut command = std::process::Command::new(program());
    let output = command.args(["--now", "2026-11-23T09:00:00+01:00", "demo"]).arg(&dir).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap().replace(dir.to_str().unwrap(), "/tmp/postgang-demo");
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let shown = &readme[readme.find("13 brev lagt i").unwrap()..];
    let shown = &shown[..shown.find("```").unwrap()];
    assert_eq!(printed.trim_end(), shown.trim_end());
}

/// Thirteen letters are thirteen, whatever has happened to each: read, printed, refused.
#[test]
fn report_counts_each_letter_once() {
    let temporary = tempfile::tempdir().unwrap();
    let postgang = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_postgang"));
        command.args(["--json", "--now", "2026-11-23T09:00:00+01:00", "--root"]).arg(temporary.path()).args(args);
        command.output().unwrap().stdout
    };
    postgang(&["demo", temporary.path().to_str().unwrap()]);
    let report: serde_json::Value = serde_json::from_slice(&postgang(&["report"])).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let sum = |key: &str| rows.iter().map(|row| row[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((report["letters"].as_u64(), sum("antall"), sum("apnet")), (Some(13), 13, 1), "{report}");
    let of = |channel: &str| {
        let rows = rows.iter().filter(|row| row["kanal"] == channel);
        rows.map(|row| row["antall"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((of("print"), of("avvist")), (7, 2), "{report}");
    assert!(rows.iter().any(|row| row["kode"] == "unread-past-deadline" && row["maned"] == "2026-11"), "{report}");
}

#[test]
fn every_command_has_a_manual_page_and_a_completion() {
    let dir = tempfile::tempdir().unwrap();
    let answer = |args: &[&str]| {
        let output = postgang(dir.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let pages = dir.path().join("man1");
    answer(&["man", &pages.to_string_lossy()]);
    let script = answer(&["completions", "bash"]);
    let help = answer(&["-h"]);
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands =
        listed.lines().filter(|line| !line.starts_with("    ")).map(|line| line.split_whitespace().next().unwrap());
    for command in commands.filter(|command| *command != "help") {
        let page = fs::read_to_string(pages.join(format!("postgang-{command}.1"))).unwrap();
        assert!(page.contains("SYNOPSIS") && script.contains(&format!("postgang,{command})")), "{command}");
    }
    assert!(fs::read_to_string(pages.join("postgang.1")).unwrap().contains("another pass holds the lock"));
}
