//! What the README says of codes, words, commands, exit codes and settings is what the program knows, both ways.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use postgang::core::code::Code;
use postgang::core::route::{Channel, State};

use super::support::{program, repository, sorted};
use super::world::{IN_ALTINN, World};

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

/// The README and the handbook that it points to.
fn documents() -> String {
    let pages = sorted(&repository().join("docs")).into_iter().map(|page| fs::read_to_string(page).unwrap());
    readme() + &pages.collect::<String>()
}

/// The cells of the table whose header begins so, row by row.
fn table(header: &str) -> Vec<Vec<String>> {
    let readme = readme();
    let lines = readme.lines().skip_while(|line| !line.starts_with(header));
    let rows = lines.skip(2).take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<String>> =
        rows.map(|row| row[1..row.len() - 1].split('|').map(|cell| cell.trim().to_owned()).collect()).collect();
    assert!(!rows.is_empty(), "no table begins with «{header}»");
    rows
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn the_refusals_stand_in_their_order_with_their_sentences() {
    let shown: Vec<(String, String)> = table("| code | what the letter's folder says")
        .into_iter()
        .map(|row| (row[0].replace('`', ""), row[1].clone()))
        .collect();
    let known = Code::ALL.into_iter().filter(|code| code.is_refusal()).map(Code::entry);
    let known: Vec<(String, String)> = known.map(|entry| (entry.code.to_owned(), entry.sentence.to_owned())).collect();
    assert_eq!(shown, known);
}

#[test]
fn every_code_and_channel_of_the_channel_table_is_one() {
    for row in table("| # | recipient") {
        let known = |word: &str| Channel::ALL.iter().any(|channel| channel.as_str() == word);
        assert!(row[3].split(", ").all(known), "{row:?}");
        assert!(quoted(&row[4]).all(|code| code.parse::<Code>().is_ok()), "{row:?}");
    }
    let readme = readme();
    for code in Code::ALL {
        assert!(readme.contains(&format!("`{code}`")), "{code} is not in the README");
    }
}

/// The words of a letter's status, in the table of the night and elsewhere.
#[test]
fn every_status_is_told_and_every_status_told_is_one() {
    let source = fs::read_to_string(repository().join("src/core/route.rs")).unwrap();
    let words = source.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next());
    let known: BTreeSet<&str> = words.filter(|word| serde_json::from_value::<State>((*word).into()).is_ok()).collect();
    assert!(known.len() > 15, "{known:?}");
    for row in table("| step | what happens") {
        for word in quoted(&row[2]) {
            assert!(known.contains(&*word), "{row:?}");
        }
    }
    let told: BTreeSet<String> = quoted(&documents()).collect();
    let untold: Vec<&&str> = known.iter().filter(|word| !told.contains(**word)).collect();
    assert_eq!(untold, Vec::<&&str>::new(), "neither in the README nor in the handbook");
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(program()).env_remove("POSTGANG_ROOT").args(arguments).arg("-h").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_is_shown_as_the_program_prints_it() {
    assert!(readme().contains(help(&[]).trim_end()), "the README shows another help than:\n{}", help(&[]));
}

/// The names of long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    let ends = |c: char| !(c.is_ascii_lowercase() || c == '-');
    let begins = text.match_indices("--").map(|(at, _)| &text[at + 2..]);
    let names = begins.map(|rest| rest[..rest.find(ends).unwrap_or(rest.len())].to_owned());
    names.filter(|name| name.len() > 1 && !name.starts_with('-')).collect()
}

#[test]
fn every_option_is_told() {
    let told = options(&readme());
    let listed = help(&[]);
    let commands = listed.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> =
        commands.filter(|line| !line.starts_with("    ")).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"run") && commands.contains(&"demo"), "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let untold: Vec<String> = options(&help(&[command])).difference(&told).cloned().collect();
        assert_eq!(untold, Vec::<String>::new(), "{command}");
    }
    // The table of `watch` has its own options, with the values that they have when nothing is said.
    let watch = help(&["watch"]);
    for row in table("| option | |") {
        let words = quoted(&row[0]).next().unwrap();
        let (option, value) = words.split_once(' ').unwrap_or((&words, ""));
        let line = watch.lines().skip_while(|line| !line.trim_start().starts_with(option));
        let entry: Vec<&str> = line.take(2).collect();
        assert!(!entry.is_empty(), "watch has no {option}");
        let is_number = value.parse::<u32>().is_ok();
        assert!(!is_number || entry.concat().contains(&format!("[default: {value}]")), "{option}: {entry:?}");
    }
}

#[test]
fn the_exit_codes_are_those_of_the_table() {
    let shown: Vec<String> = table("| exit code").into_iter().map(|row| row[0].clone()).collect();
    // 75 is shown by `a_second_pass_waits_and_gives_up`, which takes its time.
    assert_eq!(shown, ["0", "1", "2", "3", "75"]);
    let exit = |world: &World, arguments: &[&str]| world.postgang().args(arguments).output().unwrap().status.code();
    let world = World::new();
    assert_eq!(exit(&world, &["run"]), Some(0));
    world.drop(
        "brev",
        &format!("{{tittel: A, mottaker: {{navn: Kari Nordmann, digitalId: '{IN_ALTINN}'}}, ukjent: 1}}"),
    );
    assert_eq!(exit(&world, &["run", "--settle", "0"]), Some(1));
    assert_eq!(exit(&world, &["run", "--ukjent"]), Some(2));
    fs::remove_dir_all(world.path("inbox")).unwrap();
    assert_eq!(exit(&world, &["run"]), Some(3));
}

/// Every key of `avsendere.yaml` that the code reads stands in the README, the handbook or the examples.
#[test]
fn every_setting_is_shown() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let mut shown = documents() + &read("registry/avsendere.yaml");
    for example in sorted(&repository().join("registry/eksempler")) {
        shown += &fs::read_to_string(example).unwrap();
    }
    let mut keys = BTreeSet::new();
    for source in ["senders.rs", "print/settings.rs", "print/limits.rs"] {
        let source = read(&format!("src/core/{source}"));
        let source = source.split("#[cfg(test)]").next().unwrap();
        let renamed = source.split("rename = \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        keys.extend(renamed);
    }
    assert!(keys.contains("maks_sider") && keys.contains("lesefrist") && keys.contains("fra_topp_mm"), "{keys:?}");
    let missing: Vec<&String> = keys.iter().filter(|key| !shown.contains(*key)).collect();
    assert_eq!(missing, Vec::<&String>::new(), "neither in the README, the handbook nor in an example");
}
