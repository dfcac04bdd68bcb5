//! A crash at every step. Whatever the moment: every letter is whole and in one place, nothing is delivered twice, and
//! a decision once recorded is the one carried out, though the registers have changed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postgang::commands::check;
use postgang::core::names::STATUS;
use postgang::shell::ledger::{self, Pending};

use super::support::{Mount, files, sorted};
use super::world::{IN_ALTINN, IN_DIGIPOST, NOW, RESERVED, World, status};

/// A probe is a plain function, so what it knows is shared by the process: these tests take turns.
static TURN: Mutex<()> = Mutex::new(());
static STEPS: AtomicUsize = AtomicUsize::new(0);
static CRASH_AT: AtomicUsize = AtomicUsize::new(usize::MAX);
static LOCK: Mutex<Option<PathBuf>> = Mutex::new(None);

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing that would come after the crash happens, on any thread.
fn crash(_: &'static str) {
    if STEPS.fetch_add(1, Ordering::SeqCst) >= CRASH_AT.load(Ordering::SeqCst) {
        resume_unwind(Box::new("a crash"));
    }
}

/// A pass that ends before its step number `at`; false when it has no such step.
fn crashes(world: &World, at: usize) -> bool {
    STEPS.store(0, Ordering::SeqCst);
    CRASH_AT.store(at, Ordering::SeqCst);
    match catch_unwind(AssertUnwindSafe(|| world.pass(Some(crash)))) {
        Err(_) => true,
        Ok(outcome) => {
            outcome.unwrap();
            false
        }
    }
}

fn letter(digital_id: &str, title: &str) -> String {
    format!(
        "{{tittel: {title}, mottaker: {{navn: Kari Nordmann, digitalId: '{digital_id}', adresselinje1: Fjellvegen 7,
          postnummer: '4604', poststed: KRISTIANSAND S}}}}"
    )
}

/// One letter for every way through, one twice, one without metadata.
fn mixed_post() -> World {
    let world = World::new();
    world.drop("altinn", &letter(IN_ALTINN, "A"));
    world.drop("altinn-igjen", &letter(IN_ALTINN, "A"));
    world.drop("digipost", &letter(IN_DIGIPOST, "B"));
    world.drop("910077473/reservert", &letter(RESERVED, "C"));
    world.drop("svarinn", &letter("310000043", "D"));
    world.drop("konkurs", &letter("310000027", "E"));
    world.write("inbox/uten-metadata/KLAR", "");
    world
}

/// The registers say the opposite of everybody.
fn turn_the_registers(world: &World) {
    let krr = fs::read_to_string(world.path("registry/krr.csv")).unwrap();
    let turned = krr.replace(",NEI,", ",?,").replace(",JA,", ",NEI,").replace(",?,", ",JA,");
    world.write("registry/krr.csv", turned);
    let units = fs::read_to_string(world.path("registry/enheter.csv")).unwrap();
    let turned = units.replace("\"true\"", "?").replace("\"false\"", "\"true\"").replace('?', "\"false\"");
    world.write("registry/enheter.csv", turned);
    world.age_registers(&BTreeMap::new());
}

/// What was decided and not yet recorded as placed.
fn decided(world: &World) -> Vec<(String, Pending)> {
    world.ledger().pending().unwrap()
}

fn check_carried_out(world: &World, decided: &[(String, Pending)]) {
    for (id, pending) in decided {
        let channel = world.placed_in(&pending.target);
        let placed: Vec<_> = channel.iter().filter(|letter| status(letter).forsendelsesId == *id).collect();
        assert_eq!(placed.len(), 1, "{id} is not in {}", pending.target);
        assert_eq!(fs::read_to_string(placed[0].join(STATUS)).unwrap(), pending.status);
    }
}

/// Of drops that are the same letter, one went out.
fn check_nothing_is_sent_twice(world: &World) {
    let mut sent = BTreeSet::new();
    for letter in world.placed().into_iter().filter(|letter| !letter.starts_with(world.path("outbox/avvist"))) {
        let metadata = fs::read(letter.join("forsendelse.yaml")).unwrap();
        assert!(sent.insert(metadata), "{} was sent before", letter.display());
    }
}

/// Crashes at every step in turn; `meddle` is what happens to the root before the restart, and `check` looks at the
/// root after it.
fn at_every_step(meddle: impl Fn(&World), check: impl Fn(&World)) {
    let _turn = turn();
    for step in 0.. {
        let mut world = mixed_post();
        let before = world.census();
        if !crashes(&world, step) {
            assert!(step > 40, "only {step} steps");
            return;
        }
        assert_eq!(before.letters(), world.census().letters(), "step {step}");
        world.now = "2026-11-23T10:00:00+01:00".to_owned();
        meddle(&world);
        world.pass(None).unwrap();
        assert_eq!(before.letters(), world.census().letters(), "step {step}");
        check(&world);
        world.pass(None).unwrap();
        assert_eq!(before.letters(), world.census().letters(), "step {step}");
        world.check_places();
        check_nothing_is_sent_twice(&world);
        let settled = files(&world.path("outbox"));
        world.pass(None).unwrap();
        assert_eq!(settled, files(&world.path("outbox")), "step {step}: a pass without letters changed something");
    }
}

#[test]
fn what_was_decided_is_done_though_the_registers_say_otherwise_now() {
    let was_decided = Mutex::new(Vec::new());
    at_every_step(
        |world| {
            *was_decided.lock().unwrap() = decided(world);
            turn_the_registers(world);
        },
        |world| {
            check_carried_out(world, &was_decided.lock().unwrap());
            assert!(world.census().inbox.is_empty());
        },
    );
}

#[test]
fn what_was_decided_is_done_though_the_registers_are_refused_now() {
    let was_decided = Mutex::new(Vec::new());
    at_every_step(
        |world| {
            *was_decided.lock().unwrap() = decided(world);
            world.age_registers(&BTreeMap::from([("krr.csv".to_owned(), 99.0), ("enheter.csv".to_owned(), 999.0)]));
        },
        |world| {
            check_carried_out(world, &was_decided.lock().unwrap());
            assert!(decided(world).is_empty());
            world.check_places();
            world.age_registers(&BTreeMap::new());
        },
    );
}

/// What `check` says of every drop, claimed or not, is what the next pass does with it, whatever the registers say now.
#[test]
fn check_knows_what_was_decided_before_the_crash() {
    let said = Mutex::new(Vec::new());
    let resumed = AtomicUsize::new(0);
    at_every_step(
        |world| {
            turn_the_registers(world);
            let checked = check::look_at(&world.root(), &world.settings(None), None).unwrap();
            let drops = checked.results.into_iter().filter(|found| found.path.starts_with("inbox/"));
            let drops: Vec<_> = drops.map(|found| (found.path, found.code, found.text)).collect();
            assert_eq!(drops.len(), world.census().inbox.len() + world.census().work.len(), "{drops:?}");
            *said.lock().unwrap() = drops;
        },
        |world| {
            for (path, code, text) in said.lock().unwrap().drain(..) {
                resumed.fetch_add(usize::from(text.contains("ble avbrutt")), Ordering::SeqCst);
                let name = path.split(" (i ").next().unwrap().rsplit('/').next().unwrap().to_owned();
                let is_it = |letter: &&PathBuf| {
                    let folder = letter.file_name().unwrap().to_string_lossy().into_owned();
                    folder.rsplit_once('.').unwrap().0 == name
                };
                let letter = world.placed().iter().find(is_it).map(|letter| status(letter)).unwrap();
                assert_eq!(letter.kode, code, "{path}: {text}");
            }
        },
    );
    assert!(resumed.load(Ordering::SeqCst) > 0);
}

/// A power cut may take back what no sync has made durable: the claim, the place, the bytes of `status.yaml`.
#[test]
fn what_a_power_cut_takes_back_is_done_again_and_not_twice() {
    let was_decided = Mutex::new(Vec::new());
    at_every_step(
        |world| {
            let decided = decided(world);
            for (_, pending) in &decided {
                let place = world.placed_in(&pending.target);
                if let Some(letter) = place.iter().find(|path| path.ends_with(&pending.folder)) {
                    fs::rename(letter, world.path(&pending.source)).unwrap();
                }
            }
            for sender in ["_", "910077473"] {
                let inbox = if sender == "_" { world.path("inbox") } else { world.path("inbox").join(sender) };
                for letter in sorted(&world.path(".postgang/work").join(sender)) {
                    fs::rename(&letter, inbox.join(letter.file_name().unwrap())).unwrap();
                }
            }
            // The journal takes back in order: with the claim goes what was removed after it.
            if world.path("inbox/uten-metadata").is_dir() {
                world.write("inbox/uten-metadata/KLAR", "");
            }
            let drops = walkdir::WalkDir::new(world.path("inbox")).into_iter().map(Result::unwrap);
            for (n, file) in drops.filter(|entry| entry.file_name() == STATUS).enumerate() {
                match n % 3 {
                    0 => fs::remove_file(file.path()).unwrap(),
                    1 => File::options().write(true).open(file.path()).unwrap().set_len(40).unwrap(),
                    _ => {}
                }
            }
            *was_decided.lock().unwrap() = decided;
            turn_the_registers(world);
        },
        |world| check_carried_out(world, &was_decided.lock().unwrap()),
    );
}

#[test]
fn a_lost_ledger_forgets_no_placed_letter() {
    at_every_step(
        |world| {
            for end in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(world.path(format!(".postgang/ledger.sqlite{end}")));
            }
            turn_the_registers(world);
        },
        |_| {},
    );
}

/// The same letters come once more after the ledger was lost: each is known from `outbox/`.
#[test]
fn a_rebuilt_ledger_knows_a_letter_that_comes_again() {
    for opened in [false, true] {
        let world = World::new();
        world.drop("altinn", &letter(IN_ALTINN, "A"));
        world.drop("svarinn", &letter("310000043", "B"));
        world.drop("avvist", &letter("310000086", "C"));
        world.run(&[]);
        // Printed batches are archived whole, so a letter may lie one folder deeper than others.
        let batch = world.path("outbox/arkiv/2026-11/batch-2026-11-23-01");
        fs::create_dir_all(&batch).unwrap();
        let svarinn = &world.placed_in("svarinn")[0];
        fs::rename(svarinn, batch.join(svarinn.file_name().unwrap())).unwrap();
        fs::remove_file(world.path(".postgang/ledger.sqlite")).unwrap();
        if opened {
            // A pass that is killed before it has filled the new ledger leaves an empty one.
            drop(ledger::open(world.root().ledger()).unwrap());
        }
        for (name, id, title) in [("a", IN_ALTINN, "A"), ("b", "310000043", "B"), ("c", "310000086", "C")] {
            world.drop(name, &letter(id, title));
        }
        let report = world.pass(None).unwrap();
        assert_eq!(report.refused.get("duplicate"), Some(&2), "opened {opened}: {:?}", report.messages);
        assert_eq!(report.refused.get("organisation-unknown"), Some(&1));
    }
}

#[test]
fn the_lock_is_held_at_every_step() {
    fn look(_: &'static str) {
        let path = LOCK.lock().unwrap().clone().unwrap();
        let file = File::options().write(true).open(path).unwrap();
        assert!(matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
        STEPS.fetch_add(1, Ordering::SeqCst);
    }
    let _turn = turn();
    let world = mixed_post();
    *LOCK.lock().unwrap() = Some(world.path(".postgang/lock"));
    STEPS.store(0, Ordering::SeqCst);
    world.pass(Some(look)).unwrap();
    assert!(STEPS.load(Ordering::SeqCst) > 40);
    let lock = world.root().lock().unwrap();
    drop(lock);
    world.root().lock().unwrap();
}

#[test]
#[ignore = "waits the thirty seconds that a second pass waits"]
fn a_second_pass_waits_and_gives_up() {
    let world = mixed_post();
    world.root().prepare(false).unwrap();
    let _lock = world.root().lock().unwrap();
    let before = world.census();
    assert_eq!(world.command(&[]).output().unwrap().status.code(), Some(75));
    assert_eq!(before, world.census());
}

/// The real program, killed by the kernel at whatever it is doing; on a real disk where there is one.
#[test]
fn a_killed_program_loses_and_doubles_nothing() {
    let mut world = World::on_disk();
    for n in 0..200 {
        let id = [IN_ALTINN, IN_DIGIPOST, RESERVED, "310000043", "310000086"][n % 5];
        world.drop(&format!("brev-{n}"), &letter(id, &format!("Brev {n}")));
    }
    let before = world.census();
    for round in 0..12 {
        let mut child = world.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round * 9 + 3));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(before.letters(), world.census().letters(), "round {round}");
    }
    world.now = NOW.replace("09:00", "10:00");
    world.run(&[]);
    assert!(world.census().inbox.is_empty());
    assert_eq!(world.placed().len(), 200);
    check_nothing_is_sent_twice(&world);
}

#[test]
fn a_full_disk_loses_nothing_and_is_tried_again() {
    let Some(disk) = Mount::small_disk("2m") else { return };
    for left in [0, 40, 120, 160, 200, 220, 240, 260, 280] {
        let world = World::with_registers_in(tempfile::tempdir_in(disk.path()).unwrap());
        for n in 0..10 {
            world.drop(&format!("brev-{n}"), &letter(IN_ALTINN, &format!("Brev {n}")));
        }
        fill(&world.path("ballast"), left * 1024);
        let before = world.census();
        let full = world.command(&[]).output().unwrap();
        let said = String::from_utf8_lossy(&full.stderr).into_owned();
        assert!(matches!(full.status.code(), Some(0 | 1 | 3)), "{left} KiB left: {said}");
        assert!(full.status.code() != Some(3) || said.contains("Prøv: "), "{left} KiB left: {said}");
        assert_eq!(before.letters(), world.census().letters(), "{left} KiB left");
        fs::remove_file(world.path("ballast")).unwrap();
        assert_eq!(world.run(&[]).exit, 0, "{left} KiB left");
        assert_eq!(world.placed_in("altinn").len(), 10);
    }
}

/// Takes all space but `left` bytes.
fn fill(path: &Path, left: u64) {
    use std::io::Write;
    let mut file = File::create(path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    let size = file.metadata().unwrap().len();
    file.set_len(size.saturating_sub(left)).unwrap();
}

/// One channel's folder that may not be written to keeps its own letters back, and nobody else's.
#[test]
fn a_folder_without_permission_holds_its_own_letters() {
    const NOBODY: u32 = 65534;
    let world = World::new();
    world.root().prepare(false).unwrap();
    world.drop("altinn", &letter(IN_ALTINN, "A"));
    world.drop("digipost", &letter(IN_DIGIPOST, "B"));
    // Root may write anywhere, so the program runs as somebody else.
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if root {
        for entry in walkdir::WalkDir::new(world.path("")) {
            chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let run = || {
        let mut command = world.command(&[]);
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output()
    };
    let before = world.census();
    let altinn = world.path("outbox/altinn");
    fs::set_permissions(&altinn, fs::Permissions::from_mode(0o555)).unwrap();
    let Ok(output) = run() else {
        eprintln!("skipped: the program cannot be run by another user here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(before.letters(), world.census().letters());
    assert_eq!((world.placed_in("altinn").len(), world.placed_in("digipost").len()), (0, 1), "{said}");
    fs::set_permissions(&altinn, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(run().unwrap().status.code(), Some(0));
    assert_eq!(world.placed_in("altinn").len(), 1);
    world.check_places();
}
