//! The process dies at every step of a night; the next start, by either command, finishes what was decided. Every letter
//! is in one place at every moment, and printed once.
//!
//! The night that dies runs in a process of its own: this test binary, called for the one test below.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use indicatif::ProgressBar;
use postgang::core::whole::Patience;
use postgang::shell::nightly::nightly;
use postgang::shell::pass::Settings;
use postgang::shell::root::Root;

use crate::world::{NIGHT, World, eventful, time};

const DIED: i32 = 86;

static STEPS_LEFT: AtomicUsize = AtomicUsize::new(0);

fn die(_: &'static str) {
    if STEPS_LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
        std::process::exit(DIED);
    }
}

/// Not a test by itself: the night that dies, when it is told where and when.
#[test]
fn victim() {
    let (Ok(root), Ok(steps)) = (std::env::var("POSTGANG_VICTIM"), std::env::var("POSTGANG_STEPS")) else { return };
    STEPS_LEFT.store(steps.parse().unwrap(), Ordering::SeqCst);
    let settings = Settings {
        now: time(NIGHT),
        wall: SystemTime::now(),
        patience: Patience { settle: Duration::ZERO, give_up: Duration::ZERO },
        accept: Vec::new(),
        network_root: false,
        progress: ProgressBar::hidden(),
        probe: Some(die),
    };
    nightly(&Root::new(root, None), &settings, &[]).unwrap();
}

fn world() -> World {
    eventful(World::new("eksempler/vestre-toten.yaml"))
}

/// Places of every letter folder, wherever it is: below the outbox or in a batch that is being made.
fn folders(dir: &Path) -> Vec<String> {
    let places = walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap);
    let metadata = places.filter(|entry| entry.file_name() == "forsendelse.yaml");
    let mut names: Vec<String> = metadata
        .map(|entry| entry.path().parent().unwrap().file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn summary(world: &World) -> BTreeMap<String, (String, String)> {
    let letters = world.letters().into_iter();
    letters.map(|(name, at)| (name, (at.place, at.status.status.as_str().to_owned()))).collect()
}

/// The order numbers in every manifest, by letter.
fn printed(world: &World) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for (name, bytes) in world.tree() {
        if name.ends_with("manifest.csv") {
            for line in String::from_utf8(bytes).unwrap().lines().skip(1) {
                *count.entry(line.split(';').nth(1).unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    count
}

fn night_that_dies(world: &World, steps: usize) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::victim"])
        .env("POSTGANG_VICTIM", &world.dir)
        .env("POSTGANG_STEPS", steps.to_string())
        .output()
        .unwrap();
    match output.status.code() {
        Some(DIED) => true,
        Some(0) => false,
        other => panic!("{other:?} {}", String::from_utf8_lossy(&output.stdout)),
    }
}

/// A batch that is in its place and cannot be read is not gone: given up, its letters would be printed twice.
#[test]
fn a_placed_batch_that_cannot_be_read_is_not_given_up() {
    let (world, batch) = (1..)
        .find_map(|step| {
            let world = world();
            assert!(night_that_dies(&world, step), "no step leaves a batch without its mark");
            let print = fs::read_dir(world.outbox().join("print")).unwrap().flatten().map(|entry| entry.path());
            let batch = print.into_iter().find(|path| path.join("batch.yaml").exists())?;
            (!batch.join("FERDIG").exists()).then_some((world, batch))
        })
        .unwrap();
    let source = tempfile::tempdir().unwrap();
    let bindfs = ["bindfs", "-f", source.path().to_str().unwrap()];
    let Ok(mut dead) = Command::new(bindfs[0]).args(&bindfs[1..]).arg(&batch).spawn() else {
        eprintln!("skipped: bindfs is missing");
        return;
    };
    if !crate::support::until(10, || !batch.join("batch.yaml").exists()) {
        eprintln!("skipped: this user may not mount");
        return;
    }
    dead.kill().unwrap();
    dead.wait().unwrap();
    assert!(fs::metadata(&batch).is_err(), "a dead mount does not answer");
    let (answer, code) = world.nightly(NIGHT);
    assert!(Command::new("umount").arg("--lazy").arg(&batch).status().unwrap().success());
    assert_eq!(code, 1, "{answer}");
    let told =
        crate::world::messages(&answer).into_iter().any(|line| line.contains("det er ikke kjent hvor langt bunken"));
    assert!(told, "{answer}");
    world.nightly(NIGHT);
    assert!(batch.join("FERDIG").exists());
    let printed = printed(&world);
    assert!(!printed.is_empty() && printed.values().all(|count| *count == 1), "{printed:?}");
    let sealed = world.letters().into_iter().filter(|(_, at)| at.place.contains("batch-"));
    assert!(sealed.into_iter().all(|(_, at)| at.status.status.as_str() == "SENDT_PRINT"));
}

#[test]
fn a_crash_at_every_step_loses_and_doubles_nothing() {
    let calm = world();
    calm.postgang(NIGHT, &["nightly"]);
    let expected = summary(&calm);
    assert_eq!(expected["ulest"].1, "SENDT_PRINT");
    assert_eq!(expected["uten-skrift"].0, "avvist");
    let later = (time(NIGHT) + chrono::TimeDelta::minutes(1)).to_rfc3339();
    let fresh = world();
    let mut steps = 0;
    loop {
        steps += 1;
        let world = fresh.copy();
        let all = folders(&world.dir);
        if !night_that_dies(&world, steps) {
            break;
        }
        assert_eq!(folders(&world.dir), all, "after a crash at step {steps}");
        // Either command finishes what was decided.
        if steps % 2 == 0 {
            world.postgang(&later, &["run"]);
        }
        assert_eq!(folders(&world.dir), all, "after the start that followed a crash at step {steps}");
        world.alive(NIGHT);
        let (answer, _) = world.postgang(NIGHT, &["nightly"]);
        let told = answer["messages"].as_array().unwrap().iter().any(|text| text.as_str().unwrap().contains("linje 2"));
        assert!(told, "the broken row is told after a crash at step {steps}: {answer}");
        assert_eq!(summary(&world), expected, "after a crash at step {steps}");
        assert!(printed(&world).values().all(|times| *times == 1), "printed once after a crash at step {steps}");
        assert_eq!(printed(&world).len(), 4, "step {steps}");
        assert!(!world.dir.join(".postgang/batch").read_dir().is_ok_and(|mut dir| dir.next().is_some()));
        for (name, _) in world.tree() {
            assert!(!name.ends_with(".tmp"), "{name} after a crash at step {steps}");
        }
        let marked = |place: &str| world.outbox().join(place).join("FERDIG").is_file();
        assert!(marked("print/batch-2026-12-02-01"), "step {steps}");
        let all_marked = world
            .letters()
            .iter()
            .all(|(name, at)| at.place.contains("batch") || world.folder(name).join("FERDIG").is_file());
        assert!(all_marked, "step {steps}");
        let feedback = world.list("kvittering-2026-12-02-910077473.csv");
        let calm_feedback = calm.list("kvittering-2026-12-02-910077473.csv");
        let lines = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&feedback), lines(&calm_feedback), "step {steps}");
    }
    assert!(steps > 40, "the night has {steps} steps");
}
