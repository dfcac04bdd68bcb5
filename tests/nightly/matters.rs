//! Matters that a person must look at: each keeps its number, and one that is closed does not come back.

use std::fs;
use std::process::Command;

use crate::world::{ALTINN, DIGIPOST, DROPPED, RESERVED, World, messages, world};

/// The list of a day: each row's cells.
fn list(world: &World, day: &str) -> Vec<Vec<String>> {
    let text = world.list(&format!("oppfolging-{day}.csv"));
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').has_headers(false).from_reader(text.as_bytes());
    let mut rows: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let header = ["sak", "forsendelsesId", "eksternReferanse", "avsender", "sted", "kode", "siden", "nr", "gjør"];
    assert!(rows.is_empty() || rows.remove(0) == header, "{text}");
    rows
}

/// What each row calls its matter, since when it stands, and its number.
fn numbers(world: &World, day: &str) -> Vec<(String, String, String)> {
    list(world, day).into_iter().map(|row| (row[2].clone(), row[6].clone(), row[7].clone())).collect()
}

fn row(reference: &str, since: &str, number: &str) -> (String, String, String) {
    (reference.to_owned(), since.to_owned(), number.to_owned())
}

#[test]
fn a_matter_keeps_its_number_until_it_is_closed_for_good() {
    let world = World::new("avsendere.yaml");
    world.drop("avvist", RESERVED, "kryptert: true");
    world.drop("post", DIGIPOST, "");
    world.run(DROPPED);
    let (answer, code) = world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!((answer["matters"].as_u64(), code), (Some(1), 1));
    assert_eq!(numbers(&world, "2026-11-24"), [row("2026/avvist", "2026-11-23", "1")]);
    let todo = &list(&world, "2026-11-24")[0][8];
    assert!(todo.contains("ukryptert") || todo.contains("kryptert"), "what to do: {todo}");
    // A new one comes first in the list, and takes no other's number.
    world.drop("annet", RESERVED, "kryptert: true");
    world.run("2026-11-25T10:00:00+01:00");
    let both = [row("2026/avvist", "2026-11-23", "1"), row("2026/annet", "2026-11-25", "2")];
    for (night, day) in [("2026-11-26T00:30:00+01:00", "2026-11-26"), ("2026-11-26T00:40:00+01:00", "2026-11-26")] {
        world.nightly(night);
        let mut rows = numbers(&world, day);
        rows.sort_by_key(|row| row.2.clone());
        let silent = row("2026/post", "2026-11-23", "3");
        assert_eq!(rows, [both[0].clone(), both[1].clone(), silent]);
    }
    let (answer, code) = world.postgang("2026-11-26T09:00:00+01:00", &["done", "1", "3"]);
    assert!(
        code == 0 && answer["matters"][0]["message"].as_str().unwrap().contains("outbox/avvist/avvist."),
        "{answer}"
    );
    let (answer, code) = world.postgang("2026-11-26T09:00:00+01:00", &["done", "1", "9"]);
    assert_eq!(
        (answer["matters"][0]["closed"].as_bool(), answer["matters"][1]["closed"].as_bool(), code),
        (Some(true), Some(false), 1)
    );
    let (_, code) = world.nightly("2026-11-27T00:30:00+01:00");
    assert_eq!((numbers(&world, "2026-11-27"), code), (vec![both[1].clone()], 1));
    // The other way, as Excel leaves it; the whole row does as well as the number.
    fs::write(world.outbox().join("ferdigbehandlet.csv"), b"\xef\xbb\xbfnr;merknad\r\n2;ringte\r\n77;\r\nx;\r\n")
        .unwrap();
    let (answer, code) = world.nightly("2026-11-28T00:30:00+01:00");
    assert_eq!((numbers(&world, "2026-11-28"), answer["matters"].as_u64(), code), (vec![], Some(0), 1), "{answer}");
    let said = messages(&answer).join("\n");
    assert!(said.contains("sak 77 finnes ikke") && said.contains("linje 4: «x;» er ikke et saksnummer"), "{said}");
    // Told once, and closed for good; the mistyped number is never given to another matter.
    let (answer, code) = world.nightly("2026-11-29T00:30:00+01:00");
    assert_eq!((messages(&answer).len(), code, numbers(&world, "2026-11-29")), (0, 0, vec![]), "{answer}");
}

#[test]
fn what_is_over_and_comes_again_is_a_new_matter_and_a_typo_closes_none() {
    let world = world(&[("a", ALTINN)]);
    fs::write(world.outbox().join("ferdigbehandlet.csv"), "2\n").unwrap();
    let failed = |hour: u32| format!("a VARSEL_FEILET 2026-11-23T{hour}:00:00+01:00");
    world.receipts("a.csv", DROPPED, &[&failed(11)]);
    world.nightly("2026-11-24T00:30:00+01:00");
    assert_eq!(numbers(&world, "2026-11-24"), [row("2026/a", "2026-11-23", "1")]);
    world.postgang("2026-11-24T09:00:00+01:00", &["done", "1"]);
    let (_, code) = world.nightly("2026-11-24T09:10:00+01:00");
    assert_eq!((numbers(&world, "2026-11-24"), code), (vec![], 0));
    // It fails once more: two stands in the clerks' file and is not given.
    world.receipts("b.csv", DROPPED, &[&failed(15)]);
    world.nightly("2026-11-24T10:00:00+01:00");
    assert_eq!(numbers(&world, "2026-11-24"), [row("2026/a", "2026-11-23", "3")]);
    // A stop file outside letters is over when it is gone, and another one is another matter.
    let stray = world.outbox().join("STOPP.txt");
    for (day, number) in [("2026-11-25", "4"), ("2026-11-26", ""), ("2026-11-27", "5")] {
        let lies = !number.is_empty();
        if lies {
            fs::write(&stray, "").unwrap()
        } else {
            fs::remove_file(&stray).unwrap()
        };
        world.nightly(&format!("{day}T00:30:00+01:00"));
        let rows = list(&world, day);
        let found = rows.iter().find(|row| row[4] == "outbox/STOPP.txt").map(|row| (row[6].as_str(), row[7].as_str()));
        assert_eq!(found, lies.then_some((day, number)), "{rows:?}");
        if day == "2026-11-25" {
            world.postgang("2026-11-25T09:00:00+01:00", &["done", "4"]);
            let (answer, _) = world.nightly("2026-11-25T10:00:00+01:00");
            assert!(!messages(&answer).join("\n").contains("STOPP"), "a closed matter is not told again: {answer}");
        }
    }
}

#[test]
fn a_ledger_that_was_lost_gives_no_number_twice() {
    let world = World::new("avsendere.yaml");
    world.drop("en", RESERVED, "kryptert: true");
    world.drop("to", RESERVED, "kryptert: true");
    world.run(DROPPED);
    world.nightly("2026-11-24T00:30:00+01:00");
    fs::write(world.outbox().join("ferdigbehandlet.csv"), "1\r\n").unwrap();
    world.nightly("2026-11-25T00:30:00+01:00");
    assert_eq!(list(&world, "2026-11-25").len(), 1);
    fs::remove_file(world.dir.join(".postgang/ledger.sqlite")).unwrap();
    world.nightly("2026-11-26T00:30:00+01:00");
    let numbers: Vec<String> = list(&world, "2026-11-26").into_iter().map(|row| row[7].clone()).collect();
    assert_eq!(numbers, ["3", "4"], "one and two are somebody else's");
}

/// A folder that disagrees with the ledger is told every night, until somebody closes the matter.
#[test]
fn a_disagreement_is_a_matter_too() {
    let world = world(&[("a", ALTINN)]);
    let folder = world.folder("a");
    fs::write(folder.join("status.yaml"), "status: LEST\n").unwrap();
    for day in ["2026-11-24", "2026-11-25"] {
        let (answer, code) = world.nightly(&format!("{day}T00:30:00+01:00"));
        assert!(messages(&answer)[0].contains("status.yaml er endret") && code == 1, "{answer}");
        let rows = list(&world, day);
        assert!(
            rows.len() == 1 && rows[0][6] == "2026-11-24" && rows[0][8].starts_with("Legg filen tilbake"),
            "{rows:?}"
        );
    }
    world.postgang("2026-11-25T09:00:00+01:00", &["done", "1"]);
    let (answer, code) = world.nightly("2026-11-26T00:30:00+01:00");
    assert_eq!((messages(&answer).len(), code), (0, 0), "{answer}");
}

/// What a spreadsheet shows of the list is what stands in it: LibreOffice makes a workbook of it and gives it back.
#[test]
fn references_survive_a_spreadsheet() {
    let references = ["2026/4", "0012", "1E5", "=1+1", "3-mai", "2026/417-3", "sak \"4\"; b"];
    let world = World::new("avsendere.yaml");
    for (number, reference) in references.iter().enumerate() {
        world.drop(&format!("n{number}"), RESERVED, "kryptert: true");
        let path = world.dir.join(format!("inbox/n{number}/forsendelse.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace(&format!("2026/n{number}"), &format!("'{reference}'"))).unwrap();
    }
    world.run(DROPPED);
    world.nightly("2026-11-24T00:30:00+01:00");
    let list = world.outbox().join("oppfolging-2026-11-24.csv");
    let converted = tempfile::tempdir().unwrap();
    // Semicolons, quotes, UTF-8, from the first line; and back, as it is shown.
    let convert = |to: &str, from: &std::path::Path| {
        let mut soffice = Command::new("soffice");
        soffice.arg(format!("-env:UserInstallation=file://{}/profile", converted.path().display()));
        soffice.args(["--headless", "--convert-to", to, "--outdir"]);
        let reading = (to == "xlsx").then_some("--infilter=CSV:59,34,76,1");
        soffice.arg(converted.path()).args(reading).arg(from).output()
    };
    if convert("xlsx", &list).is_err() {
        eprintln!("soffice is not installed: nothing is shown of spreadsheets");
        return;
    }
    let workbook = converted.path().join("oppfolging-2026-11-24.xlsx");
    assert!(workbook.is_file(), "a workbook was made");
    convert("csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false", &workbook).unwrap();
    let text = fs::read_to_string(converted.path().join("oppfolging-2026-11-24.csv")).unwrap();
    let mut reader =
        csv::ReaderBuilder::new().delimiter(b';').from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut shown: Vec<String> = reader.records().map(|row| row.unwrap()[2].to_owned()).collect();
    shown.sort();
    let mut expected = references.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(shown, expected);
}
