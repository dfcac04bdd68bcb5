//! Golden trees: `tests/cases/<a sentence>/` is a root folder before a pass, and `expected/` what the pass made of it.
//!
//! `tree.txt` lists every path in `inbox/` and `outbox/`, so that a letter too many shows as surely as one too few;
//! beside it stands each text of ours word for word. What was dropped is not repeated: that every letter is one of
//! the drops, byte for byte, is a law that [`World::run`] checks. `UPDATE_EXPECT=1` rewrites `expected/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use postgang::core::names::{DECISION, STATUS};
use serde::Deserialize;
use serde_json::Value;
use walkdir::WalkDir;

use super::make::make;
use super::support::{expect, fixtures, sorted, updating};
use super::world::{World, shown};

/// One pass and what is done before it; `case.yaml` is a list of them.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Step {
    now: Option<String>,
    /// What an operator moves before new files arrive. A path that ends in `*` means the one that begins so.
    drag: BTreeMap<String, String>,
    /// Files by recipe; see [`make`].
    make: BTreeMap<String, String>,
    /// Names that a fixture's own files cannot have.
    rename: BTreeMap<String, String>,
    /// Hours since the files in `registry/` were written; two where nothing is said.
    ages: BTreeMap<String, f64>,
    args: Vec<String>,
    exit: i32,
    /// What the report must hold, among other things.
    report: Value,
    /// Texts that must be said.
    says: Vec<String>,
}

pub fn check(case: &Path) {
    let steps: Vec<Step> = serde_yaml::from_slice(&fs::read(case.join("case.yaml")).unwrap()).unwrap();
    let mut world = World::empty();
    fs::copy(fixtures("registry/avsendere.yaml"), world.path("registry/avsendere.yaml")).unwrap();
    for (number, step) in (1..).zip(&steps) {
        prepare(&mut world, step, &if number == 1 { case.to_owned() } else { case.join(format!("step-{number}")) });
        let args: Vec<&str> = step.args.iter().map(String::as_str).collect();
        let outcome = world.run(&args);
        let place = format!("{} step {number}", case.display());
        assert_eq!(outcome.exit, step.exit, "{place}: {}", outcome.said);
        assert_holds(&outcome.report, &step.report, &place);
        let report = outcome.report.to_string();
        for text in &step.says {
            assert!(report.contains(text) || outcome.said.contains(text), "{place}: «{text}» is not said:\n{report}");
        }
    }
    compare(&world, &case.join("expected"));
}

fn prepare(world: &mut World, step: &Step, overlay: &Path) {
    for (from, to) in &step.drag {
        fs::rename(one(world, from), world.path(to)).unwrap();
    }
    for top in ["inbox", "registry"] {
        world.copy(&overlay.join(top), top);
    }
    if let Some(now) = &step.now {
        world.now.clone_from(now);
    }
    for (path, recipe) in &step.make {
        let path = world.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        make(&path, recipe);
    }
    for (from, to) in &step.rename {
        fs::rename(world.path(from), world.path(to)).unwrap();
    }
    world.age_registers(&step.ages);
}

fn one(world: &World, path: &str) -> PathBuf {
    let Some(start) = path.strip_suffix('*') else { return world.path(path) };
    let start = world.path(start);
    let begins_so =
        |path: &PathBuf| path.as_os_str().as_encoded_bytes().starts_with(start.as_os_str().as_encoded_bytes());
    let found: Vec<_> = sorted(start.parent().unwrap()).into_iter().filter(begins_so).collect();
    assert_eq!(found.len(), 1, "{path}: {found:?}");
    found[0].clone()
}

/// Whether everything in `part` stands in `whole`.
fn assert_holds(whole: &Value, part: &Value, place: &str) {
    match part {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| assert_holds(&whole[key], value, &format!("{place}.{key}")))
        }
        Value::Null => {}
        _ => assert_eq!(whole, part, "{place}"),
    }
}

/// Both ways: nothing may be missing, nothing may be there besides.
fn compare(world: &World, expected: &Path) {
    let mut texts = BTreeMap::from([(PathBuf::from("tree.txt"), tree(world))]);
    for letter in world.placed() {
        for name in [STATUS, DECISION] {
            if let Ok(text) = fs::read_to_string(letter.join(name)) {
                let below = letter.strip_prefix(world.path("")).unwrap();
                texts.insert(PathBuf::from(shown(below)).join(name), text.replace("\r\n", "\n"));
            }
        }
    }
    if updating() {
        let _ = fs::remove_dir_all(expected);
    }
    for (name, text) in &texts {
        expect(&expected.join(name), text);
    }
    for entry in WalkDir::new(expected).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file()) {
        let name = entry.path().strip_prefix(expected).unwrap();
        assert!(texts.contains_key(name), "{} was expected and is not there", entry.path().display());
    }
}

/// Every file and empty folder in `inbox/` and `outbox/`, with its size in bytes.
fn tree(world: &World) -> String {
    let mut lines = Vec::new();
    for top in ["inbox", "outbox"] {
        for entry in WalkDir::new(world.path(top)).min_depth(1).sort_by_file_name().into_iter().map(Result::unwrap) {
            let name = shown(entry.path().strip_prefix(world.path("")).unwrap());
            if entry.file_type().is_file() {
                lines.push(format!("{name} {}\n", entry.metadata().unwrap().len()));
            } else if sorted(entry.path()).is_empty() {
                lines.push(format!("{name}/\n"));
            }
        }
    }
    lines.concat()
}
