//! The handbook's tables, held to the code both ways.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use postgang::core::code::Code;
use postgang::core::senders::Senders;

use super::support::updating;

fn chapter(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// The rows of a table's text, without its head.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with("| `"))
}

#[test]
fn every_refusal_stands_in_its_chapter() {
    let path = chapter("avvisninger.md");
    let text = fs::read_to_string(&path).unwrap();
    let row = |code: Code| {
        let entry = code.entry();
        format!("| `{code}` | {} | {} |\n", entry.sentence, entry.remedy.replace('|', "\\|"))
    };
    let expected: String = Code::ALL.into_iter().filter(|code| code.is_refusal()).map(row).collect();
    let actual: String = rows(&text).map(|line| format!("{line}\n")).collect();
    if updating() {
        let (head, rest) = text.split_once("|---|---|---|\n").unwrap();
        let rest = rest.trim_start_matches(&actual);
        fs::write(path, format!("{head}|---|---|---|\n{expected}{rest}")).unwrap();
    } else {
        assert_eq!(actual, expected, "UPDATE_EXPECT=1 rewrites it");
    }
}

/// A file in which a word that nobody knows stands at each place that has settings; the answer names those that are known.
#[test]
fn every_setting_stands_in_its_chapter() {
    let text = fs::read_to_string(chapter("innstillinger.md")).unwrap();
    let sections: Vec<&str> = text.split("\n| innstilling |").skip(1).collect();
    let sender = |rest: &str| format!("avsendere:\n  - organisasjonsnummer: 910077473\n    navn: Storevik\n{rest}");
    let places = [
        "x: 1".to_owned(),
        "registre: {krr: {x: 1}}".to_owned(),
        "registre: {kvitteringer: {x: 1}}".to_owned(),
        sender("    x: 1"),
        sender("    regler: [{fra: 2020-01-01, x: 1}]"),
        sender("    regler: [{fra: 2020-01-01, personer: {x: 1}}]"),
        sender("    utskrift: {x: 1}"),
        sender("    utskrift: {krav: {x: 1}}"),
        sender("    utskrift: {forside: {x: 1}}"),
    ];
    assert_eq!(sections.len(), places.len());
    for (section, place) in sections.into_iter().zip(places) {
        let problem = Senders::parse(place.as_bytes()).unwrap_err().problem;
        let known = problem.split_once("kjente felter er ").expect(&problem).1;
        let known: BTreeSet<&str> = known.split(", ").collect();
        let told: BTreeSet<&str> = rows(section).map(|row| row.split('`').nth(1).unwrap()).collect();
        assert_eq!(told, known, "{place}");
    }
}

/// Chapters are reached from the index, and no link leads nowhere.
#[test]
fn every_chapter_is_in_the_index_and_every_link_leads_somewhere() {
    let index = fs::read_to_string(chapter("README.md")).unwrap();
    for entry in fs::read_dir(chapter("")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(chapter(&name)).unwrap();
        assert!(name == "README.md" || index.contains(&format!("({name})")), "{name}");
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            assert!(link.starts_with("https://") || chapter(link).exists(), "{name}: {link}");
        }
    }
}
