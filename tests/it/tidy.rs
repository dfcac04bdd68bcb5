//! Rules about what is absent, which no reader can check by reading one file.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::support::repository;
use super::world::identity_numbers;

/// Lines that a file may have, tests not counted.
const LINES_MAX: usize = 400;

/// Numbers that authorities have published as examples, and numbers in tests that fail the check digits.
const PUBLISHED: [&str; 6] = ["30908299902", "03851598730", "41819077906", "41819077302", "20914695016", "10915596784"];

/// Every file that belongs to the project, by its path from the top.
fn files() -> Vec<(String, Vec<u8>)> {
    let ours = |entry: &walkdir::DirEntry| {
        // fuzz/ is a workspace with a target/ of its own.
        entry.depth() > 2 || !["target", ".git"].contains(&&*entry.file_name().to_string_lossy())
    };
    let paths: Vec<PathBuf> = WalkDir::new(repository())
        .sort_by_file_name()
        .into_iter()
        .filter_entry(ours)
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    let name = |path: &Path| path.strip_prefix(repository()).unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// The program's own code: no tests, no comments.
fn code() -> Vec<(String, String)> {
    let is_code = |name: &str| name.starts_with("src/") && name.ends_with(".rs");
    let is_test = |name: &str| name.ends_with("tests.rs") || name.contains("/tests/") || name.ends_with("/samples.rs");
    let sources = files().into_iter().filter(|(name, _)| is_code(name) && !is_test(name));
    sources.map(|(name, bytes)| (name, without_tests(&String::from_utf8(bytes).unwrap()))).collect()
}

fn without_tests(source: &str) -> String {
    // Of what is for tests alone, a module with a body stands at the end.
    let mut tests = source.match_indices("#[cfg(test)]\n").map(|(at, _)| at);
    let has_body = |at: &usize| source[*at..].lines().nth(1).is_some_and(|line| line.ends_with('{'));
    let source = &source[..tests.find(has_body).unwrap_or(source.len())];
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Which files hold which of the words.
fn found(within: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    let sources = code().into_iter().filter(|(name, _)| within(name));
    let hits = sources.flat_map(|(name, source)| {
        let hits = words.iter().filter(move |word| source.contains(**word)).map(move |word| format!("{name}: {word}"));
        hits.collect::<Vec<_>>()
    });
    hits.collect()
}

#[test]
fn the_core_sees_no_disk_clock_thread_or_environment() {
    let words = [
        "std::fs",
        "std::io",
        "std::path",
        "std::env",
        "std::thread",
        "std::process",
        "SystemTime",
        "Instant",
        "Utc::now",
        "Local::now",
        "rayon",
        "tracing",
        "walkdir",
        "rusqlite",
        "shell::",
        "println!",
    ];
    assert_eq!(found(|name| name.starts_with("src/core"), &words), Vec::<String>::new());
}

#[test]
fn only_main_reads_the_clock_and_the_environment() {
    let words = ["SystemTime::now", "Utc::now", "Local::now", "std::env", "env::var"];
    assert_eq!(found(|name| name != "src/main.rs", &words), Vec::<String>::new());
    // How long something takes decides nothing but how long to wait.
    let timed = |name: &str| {
        ["src/main.rs", "src/shell/pass.rs", "src/shell/root.rs", "src/shell/stopwatch.rs"].contains(&name)
            || ["src/shell/watch", "src/shell/nightly"].iter().any(|part| name.starts_with(part))
    };
    assert_eq!(found(|name| !timed(name), &["Instant::now"]), Vec::<String>::new());
}

#[test]
fn only_the_spool_moves_and_removes() {
    let words = ["fs::rename", "renameat", "remove_dir", "remove_file", "fs::copy", "hard_link", "symlink("];
    // `dir` is the spool's hand below a folder's descriptor; `shelf` removes tables of registers, never letters; a print batch is
    // built in a folder of ours, and a month without letters leaves an empty one.
    let movers = [
        "src/shell/spool.rs",
        "src/shell/dir.rs",
        "src/shell/dir/whole.rs",
        "src/shell/takeover.rs",
        "src/shell/registers/shelf.rs",
        "src/shell/nightly/batch/files.rs",
        "src/shell/nightly/retention.rs",
        "src/shell/moves/seal.rs",
    ];
    assert_eq!(found(|name| !movers.contains(&name), &words), Vec::<String>::new());
}

/// A use of another module of the shell: which file's, and which module.
struct Use {
    file: String,
    of: String,
}

/// What the files of `shell` name of `shell`, by `crate::shell::x` or by as many `super::` as lead there.
fn uses_within_shell() -> Vec<Use> {
    let mut uses = Vec::new();
    for (file, source) in code().into_iter().filter(|(name, _)| name.starts_with("src/shell/")) {
        if file == "src/shell/mod.rs" {
            continue;
        }
        let module = file.trim_start_matches("src/shell/").trim_end_matches(".rs").trim_end_matches("/mod");
        let depth = module.split('/').filter(|name| *name != "mod").count();
        let up = "super::".repeat(depth);
        let starts = [source.match_indices("crate::shell::"), source.match_indices(&up)];
        for (at, start) in starts.into_iter().flatten() {
            let before = &source[..at];
            if before.ends_with("::")
                || before.ends_with("super::")
                || source[at + start.len()..].starts_with("super::")
            {
                continue;
            }
            // `x::y`, or `{x, y::z}`.
            let rest = &source[at + start.len()..];
            let named = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap());
            let names = if rest.starts_with('{') { named.split(',').collect() } else { vec![named] };
            for name in names {
                let name: String = name.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                uses.push(Use { file: file.clone(), of: name });
            }
        }
    }
    uses
}

/// The order in which the code map of `src/lib.rs` lists the modules of the shell.
fn order_of_shell() -> Vec<String> {
    let lib = fs::read_to_string(repository().join("src/lib.rs")).unwrap();
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | `shell::")?.split('`').next().map(str::to_owned));
    rows.collect()
}

#[test]
fn a_module_of_the_shell_uses_only_what_stands_above_it_in_the_code_map() {
    let order = order_of_shell();
    let modules = fs::read_to_string(repository().join("src/shell/mod.rs")).unwrap();
    let declared = modules.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut listed = order.clone();
    listed.sort();
    assert_eq!(declared.collect::<Vec<_>>(), listed, "src/lib.rs lists every module of the shell once");
    let rank = |module: &str| order.iter().position(|name| name == module);
    let uses = uses_within_shell();
    assert!(uses.len() > 100, "the uses are found");
    let upward = uses.iter().filter(|used| {
        let own = used.file["src/shell/".len()..].split(['/', '.']).next().unwrap();
        used.of != own && rank(&used.of) >= rank(own)
    });
    let upward: Vec<String> = upward.map(|used| format!("{} uses {}", used.file, used.of)).collect();
    assert_eq!(upward, Vec::<String>::new(), "move what is shared to the module that stands higher in src/lib.rs");
    // Nor does the shell know who asks.
    assert_eq!(found(|name| name.starts_with("src/shell"), &["crate::commands"]), Vec::<String>::new());
}

#[test]
fn only_main_prints() {
    let words = ["println!", "eprintln!", "print!(", "stdout()", "dbg!"];
    assert_eq!(found(|name| name != "src/main.rs", &words), Vec::<String>::new());
}

#[test]
fn nothing_is_left_for_later_and_nothing_may_panic_by_neglect() {
    let words = [".unwrap()", "todo!", "unimplemented!", "TODO", "FIXME", "unsafe "];
    assert_eq!(found(|_| true, &words), Vec::<String>::new());
    let said = files().into_iter().filter(|(name, _)| name.ends_with(".rs") && !name.ends_with("tidy.rs"));
    let later = said
        .filter(|(_, text)| ["TODO", "FIXME"].iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some()));
    assert_eq!(later.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn no_file_is_long() {
    let long = code().into_iter().filter(|(_, source)| source.lines().count() > LINES_MAX);
    assert_eq!(long.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<String>::new());
}

/// Not one number here may be somebody's: synthetic ones have 80 added to the month.
#[test]
fn no_identity_number_is_a_persons() {
    for (name, text) in files() {
        for (start, run) in text.windows(11).enumerate() {
            let alone = |at: Option<&u8>| at.is_none_or(|byte| !byte.is_ascii_alphanumeric());
            let before = start.checked_sub(1).and_then(|at| text.get(at));
            if !run.iter().all(u8::is_ascii_digit) || !alone(before) || !alone(text.get(start + 11)) {
                continue;
            }
            for number in identity_numbers(run) {
                let month: u32 = number[2..4].parse().unwrap();
                assert!((81..=92).contains(&month) || PUBLISHED.contains(&&*number), "{name}: {number}");
            }
        }
    }
}

/// Words that more than one type would claim: each names one thing in the whole program.
#[test]
fn a_word_that_everybody_wants_names_one_type() {
    for word in ["Found", "Entry", "Held", "Report", "Refusal"] {
        let defines = |source: &str| {
            ["struct", "enum", "trait", "type"]
                .iter()
                .map(|kind| {
                    source.matches(&format!("{kind} {word} ")).count()
                        + source.matches(&format!("{kind} {word}<")).count()
                })
                .sum::<usize>()
        };
        let files: Vec<String> =
            code().into_iter().filter(|(_, source)| defines(source) > 0).map(|(name, _)| name).collect();
        assert!(files.len() <= 1, "{word}: {files:?}");
    }
}
