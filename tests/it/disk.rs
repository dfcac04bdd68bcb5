//! What disks, mounts, other users and open descriptors can do. What wants to mount skips, and says so, where it may not.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postgang::core::names::OURS;
use sha2::{Digest, Sha256};

use super::support::{self, Mount};
use super::world::{IN_ALTINN, IN_DIGIPOST, RESERVED, World, status};

fn letter(digital_id: &str, title: &str) -> String {
    format!(
        "{{tittel: {title}, mottaker: {{navn: Kari Nordmann, digitalId: '{digital_id}', adresselinje1: Fjellvegen 7,
          postnummer: '4604', poststed: KRISTIANSAND S}}}}"
    )
}

/// Three letters, in a root that has been used.
fn used_root() -> World {
    let world = World::new();
    world.root().prepare(false).unwrap();
    for (name, id) in [("a", IN_ALTINN), ("b", IN_DIGIPOST), ("c", RESERVED)] {
        world.drop(name, &letter(id, name));
    }
    world
}

/// The pass's exit code and what it said; a program that hangs is a failure.
fn run_for(world: &World, seconds: u64, args: &[&str]) -> (Option<i32>, String) {
    let out = world.path("said");
    let mut command = world.postgang();
    let file = File::create(&out).unwrap();
    command.args(args).env("RUST_LOG", "warn").stdout(file.try_clone().unwrap()).stderr(file);
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if started.elapsed() > Duration::from_secs(seconds) {
            child.kill().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = fs::read_to_string(&out).unwrap();
    fs::remove_file(out).unwrap();
    let status = status.unwrap_or_else(|| panic!("it hangs: {said}"));
    assert_eq!(status.signal(), None, "{said}");
    (status.code(), said)
}

/// A rename does not leave a mount, and a sync not a file system: where a part of the root lies elsewhere, nothing begins.
#[test]
fn a_part_of_the_root_on_another_file_system_is_refused() {
    for part in ["outbox", ".postgang", "inbox", "outbox/print", "outbox/arkiv", "outbox/avvist", ".postgang/work"] {
        for bound in [false, true] {
            let world = used_root();
            fs::create_dir_all(world.path(part)).unwrap();
            let other = world.path("annet-sted");
            fs::create_dir(&other).unwrap();
            let over = world.path(part);
            let mounted = match bound {
                // The same device, and yet no rename leads there.
                true => Mount::over(&over, &["mount", "--bind", other.to_str().unwrap()]),
                false => Mount::over(&over, &["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs"]),
            };
            let Some(mounted) = mounted else { return };
            let before = world.census();
            for command in [&["run", "--settle", "0"][..], &["nightly"]] {
                let (code, said) = run_for(&world, 60, command);
                assert_eq!(code, Some(3), "{part}: {said}");
                assert!(said.contains("filsystem eller monteringspunkt") && said.contains("Prøv: "), "{part}: {said}");
            }
            assert_eq!(before, world.census(), "{part}");
            drop(mounted);
            // What is left of a folder of the test's own.
            let _ = fs::remove_dir(world.path(part));
            assert_eq!(world.run(&[]).exit, 0, "{part}");
            assert_eq!(world.placed().len(), 3, "{part}");
        }
        let world = used_root();
        fs::create_dir_all(world.path(part)).unwrap();
        if part.contains('/') {
            let other = world.path("annet-sted");
            fs::rename(world.path(part), &other).unwrap();
            symlink(&other, world.path(part)).unwrap();
            let (code, said) = run_for(&world, 60, &["run", "--settle", "0"]);
            assert!(code == Some(3) && said.contains("er en lenke"), "{part}: {said}");
            assert_eq!(fs::read_dir(&other).unwrap().count(), 0);
        }
    }
}

#[test]
fn a_root_whole_on_a_disk_of_its_own_works_and_an_inbox_mounted_in_it_is_left() {
    let Some(disk) = Mount::ext4(32 << 10) else { return };
    let world = World::with_registers_in(tempfile::tempdir_in(disk.path()).unwrap());
    world.drop("a", &letter(IN_ALTINN, "a"));
    assert_eq!(world.run(&[]).exit, 0);
    fs::create_dir_all(world.path("inbox/910077473")).unwrap();
    let Some(_own) = Mount::over(&world.path("inbox/910077473"), &["mount", "-t", "tmpfs", "tmpfs"]) else { return };
    world.drop("910077473/b", &letter(IN_DIGIPOST, "b"));
    world.drop("c", &letter(IN_DIGIPOST, "c"));
    let (code, said) = run_for(&world, 60, &["run", "--settle", "0"]);
    assert!(code == Some(1) && said.contains("inbox/910077473/: her er et annet filsystem"), "{said}");
    assert!(world.path("inbox/910077473/b").is_dir() && world.placed_in("digipost").len() == 1, "{said}");
}

/// Whoever may mount a file system of his own in his drop must not hold everybody's letters up by not answering.
#[test]
fn a_file_system_that_does_not_answer_holds_up_nobody_else() {
    let world = used_root();
    let source = tempfile::tempdir().unwrap();
    let mut mounts = Vec::new();
    for place in ["inbox/hengt", "inbox/910077473/hengt", "inbox/halvt/inni", "outbox/altinn/hengt"] {
        let folder = world.path(place);
        fs::create_dir_all(&folder).unwrap();
        let Some(mounted) = Mount::over(&folder, &["bindfs", source.path().to_str().unwrap()]) else { return };
        mounts.push(mounted);
    }
    let mine = format!("bindfs {}", source.path().display());
    let stopped: Vec<String> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.starts_with(&mine).then(|| process.file_name().into_string().unwrap())
        })
        .collect();
    assert_eq!(stopped.len(), 4);
    let signal = |name: &str| assert!(Command::new("kill").arg(name).args(&stopped).status().unwrap().success());
    signal("-STOP");
    let outcomes = std::panic::catch_unwind(|| {
        [&["run", "--settle", "0"][..], &["nightly"], &["status"]].map(|command| run_for(&world, 60, command))
    });
    signal("-CONT");
    let [(ran, said), (night, of_the_night), (status, _)] = outcomes.unwrap();
    assert_eq!((ran, night, status), (Some(1), Some(1), Some(0)), "{said}{of_the_night}");
    for place in ["inbox/hengt/", "inbox/910077473/hengt/", "inbox/halvt/", "outbox/altinn/hengt/"] {
        assert!(said.contains(&format!("{place}: her er et annet filsystem")), "{place}: {said}");
    }
    assert!(of_the_night.contains("outbox/altinn/hengt/: her er et annet"), "{of_the_night}");
    assert_eq!(["altinn", "digipost"].map(|channel| world.placed_in(channel).len()), [2, 1], "the mount and a letter");
}

/// Takes all space but so much of it.
fn fill(path: &Path, left: u64) {
    let mut file = File::create(path).unwrap();
    while file.write_all(&[0; 1024]).is_ok() {}
    file.sync_all().ok();
    let size = file.metadata().unwrap().len();
    file.set_len(size.saturating_sub(left)).unwrap();
    file.sync_all().unwrap();
}

/// With blocks smaller than a page of memory, a mapped file may lack room that nobody was told of.
#[test]
fn a_disk_that_is_nearly_full_ends_no_command_without_a_word() {
    let Some(disk) = Mount::ext4(16 << 10) else { return };
    for left in [0, 4, 8, 12, 16, 24, 32, 40, 48, 64, 130, 200, 260, 300, 400] {
        let world = World::with_registers_in(tempfile::tempdir_in(disk.path()).unwrap());
        if left % 16 == 0 {
            // With a ledger that is there already.
            assert_eq!(world.run(&[]).exit, 0);
        }
        for n in 0..10 {
            world.drop(&format!("brev-{n}"), &letter(IN_ALTINN, &format!("Brev {n}")));
        }
        fill(&world.path("ballast"), left << 10);
        let before = world.census();
        // What it says goes elsewhere than to the full disk.
        for command in [&["run", "--settle", "0"][..], &["nightly"], &["status"]] {
            let output = world.postgang().env("RUST_LOG", "warn").args(command).output().unwrap();
            let said = support::said(&output);
            assert!(
                matches!(output.status.code(), Some(0 | 1 | 3)),
                "{left} KiB, {command:?}: {}: {said}",
                output.status
            );
            assert!(output.status.code() != Some(3) || said.contains("Prøv: "), "{left} KiB: {said}");
            assert!(!said.contains("os error") && !said.contains("Error code"), "{left} KiB: {said}");
        }
        assert_eq!(before.letters(), world.census().letters(), "{left} KiB");
        fs::remove_file(world.path("ballast")).unwrap();
        // The lists of the night are not what is asked about.
        let lists = fs::read_dir(world.path("outbox")).unwrap().map(|entry| entry.unwrap().path());
        lists.filter(|path| path.is_file()).for_each(|path| fs::remove_file(path).unwrap());
        assert_eq!(world.run(&[]).exit, 0, "{left} KiB");
        assert_eq!(world.placed_in("altinn").len(), 10, "{left} KiB");
    }
}

#[test]
fn a_watch_lives_through_a_full_disk() {
    let Some(disk) = Mount::ext4(16 << 10) else { return };
    let world = World::with_registers_in(tempfile::tempdir_in(disk.path()).unwrap());
    world.drop("a", &letter(IN_ALTINN, "a"));
    fill(&world.path("ballast"), 8 << 10);
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = world.postgang();
    command.args(["watch", "--settle", "0", "--interval", "0.2"]).env("RUST_LOG", "info");
    let mut watch = command.stdout(Stdio::null()).stderr(log.reopen().unwrap()).spawn().unwrap();
    let said = || fs::read_to_string(log.path()).unwrap();
    assert!(support::until(20, || said().contains("disken er full")), "{}", said());
    assert_eq!(watch.try_wait().unwrap(), None, "{}", said());
    fs::remove_file(world.path("ballast")).unwrap();
    let placed = support::until(60, || world.placed_in("altinn").first().is_some_and(|l| l.join("FERDIG").exists()));
    Command::new("kill").arg(watch.id().to_string()).status().unwrap();
    assert!(watch.wait().unwrap().success() && placed, "{}", said());
}

fn digest(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whatever its dropper kept, a placed letter is what was decided on: descriptors of its files and of its folder, and other
/// names of its files.
#[test]
fn what_a_dropper_keeps_open_reaches_no_placed_letter() {
    const NOBODY: u32 = 65534;
    for stranger in [false, true] {
        let world = World::new();
        let names = ["åpen", "lenket", "mappen", "lest"];
        for name in names {
            world.drop(name, &letter(IN_DIGIPOST, name));
        }
        let drop = |name: &str| world.path("inbox").join(name);
        if stranger {
            for name in names {
                for path in [drop(name), drop(name).join("vedtak.pdf"), drop(name).join("forsendelse.yaml")] {
                    if chown(path, Some(NOBODY), Some(NOBODY)).is_err() {
                        eprintln!("skipped: this user cannot make files another's");
                        return;
                    }
                }
            }
        }
        let mut written = File::options().append(true).open(drop("åpen").join("vedtak.pdf")).unwrap();
        fs::hard_link(drop("lenket").join("vedtak.pdf"), world.path("utenfor.pdf")).unwrap();
        let folder = File::open(drop("mappen")).unwrap();
        let read = File::open(drop("lest").join("vedtak.pdf")).unwrap();
        let before = world.census();
        let (code, said) = run_for(&world, 60, &["run", "--settle", "0"]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(before.letters(), world.census().letters());
        written.write_all(b"% nytt vedtak").unwrap();
        File::options().append(true).open(world.path("utenfor.pdf")).unwrap().write_all(b"% nytt").unwrap();
        let through = |file: &File| PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        File::options().append(true).open(through(&read)).unwrap().write_all(b"% nytt").unwrap();
        for name in ["status.yaml", "FERDIG", "vedtak.pdf", "ny.pdf"] {
            // The folder may be gone, and then nothing can be made in it.
            let _ = fs::write(through(&folder).join(name), "noe annet");
        }
        let placed = world.placed_in("digipost");
        assert_eq!(placed.len(), 4, "{said}");
        for letter in placed {
            let status = status(&letter);
            assert_eq!(
                status.dokumenter[0].sha256.as_ref(),
                Some(&digest(&letter.join("vedtak.pdf"))),
                "{}",
                letter.display()
            );
            assert!(letter.join("FERDIG").metadata().unwrap().len() == 0 && !letter.join("ny.pdf").exists());
            if stranger {
                let us = fs::metadata("/proc/self").unwrap().uid();
                assert!(
                    [letter.clone(), letter.join("vedtak.pdf")].iter().all(|path| path.metadata().unwrap().uid() == us)
                );
            }
        }
        assert_eq!(fs::read_dir(world.path(".postgang/slettes")).unwrap().count(), 0);
    }
}

/// Folders change places with links to outside while passes and nights run, over and over: nothing outside changes.
#[test]
fn swapping_folders_for_links_changes_nothing_outside() {
    let world = World::new();
    world.root().prepare(false).unwrap();
    let outside = tempfile::tempdir().unwrap();
    for name in ["altinn", "print", "avvist", "STOPP.txt"] {
        fs::create_dir(outside.path().join(name)).unwrap();
    }
    fs::write(outside.path().join("status.yaml"), "annens").unwrap();
    let listing = || -> Vec<(PathBuf, Vec<u8>)> {
        let all = walkdir::WalkDir::new(outside.path()).sort_by_file_name().into_iter().map(Result::unwrap);
        all.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap_or_default())).collect()
    };
    let before = listing();
    let done = AtomicBool::new(false);
    let letters: usize = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !done.load(Ordering::SeqCst) {
                round += 1;
                let channels = ["altinn", "print", "avvist"];
                let channel = world.path("outbox").join(channels[round % channels.len()]);
                let first = fs::read_dir(&channel).ok().and_then(|mut letters| letters.next()).and_then(Result::ok);
                // Every second time a letter's folder, where there is one.
                let victim = first.filter(|_| round % 2 == 0).map_or(channel, |letter| letter.path());
                let aside = world.path(format!("utenom-{round}"));
                if fs::rename(&victim, &aside).is_ok() {
                    let link = symlink(outside.path(), &victim).is_ok();
                    std::thread::sleep(Duration::from_millis(3));
                    if link {
                        fs::remove_file(&victim).unwrap();
                    }
                    if fs::rename(&aside, &victim).is_err() {
                        // The program has made a folder of its own meanwhile: the letters are put into it.
                        for letter in fs::read_dir(&aside).unwrap().flatten() {
                            let _ = fs::rename(letter.path(), victim.join(letter.file_name()));
                        }
                    }
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let mut letters = 0;
        for round in 0..15 {
            for (n, id) in [IN_ALTINN, RESERVED, "310000086"].iter().enumerate() {
                world.drop(&format!("{round}-{n}"), &letter(id, &format!("Brev {round} {n}")));
                letters += 1;
            }
            run_for(&world, 60, &["run", "--settle", "0"]);
            if round % 5 == 4 {
                run_for(&world, 60, &["nightly"]);
            }
            assert_eq!(before, listing(), "round {round}");
        }
        done.store(true, Ordering::SeqCst);
        letters
    });
    let whole = walkdir::WalkDir::new(world.path("")).into_iter().map(Result::unwrap);
    assert_eq!(whole.filter(|entry| entry.file_name() == "forsendelse.yaml").count(), letters);
}

/// Nothing that we make is for others, whatever the mask.
#[test]
fn nothing_of_ours_is_for_others_whatever_the_mask() {
    for mask in ["022", "000", "077"] {
        // The program makes the root, under its own mask.
        let world = World::new();
        for (name, id) in [("a", IN_ALTINN), ("b", IN_DIGIPOST), ("c", RESERVED)] {
            world.drop(name, &letter(id, name));
        }
        world.drop("d", &letter("310000086", "d"));
        let program = support::program();
        for (command, now) in
            [("run --settle 0", "2026-11-23T09:00:00+01:00"), ("nightly", "2026-11-24T00:30:00+01:00")]
        {
            let line = format!("umask {mask}; exec \"$0\" --root \"$1\" --now {now} {command}");
            let output = Command::new("sh").args(["-c", &line]).arg(&program).arg(world.path("")).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{}", support::said(&output));
        }
        let mut seen = BTreeMap::new();
        for top in ["outbox", ".postgang"] {
            for entry in walkdir::WalkDir::new(world.path(top)) {
                let entry = entry.unwrap();
                let name = entry.file_name().to_string_lossy().into_owned();
                let in_letter = entry.path().parent().is_some_and(|folder| folder.join("forsendelse.yaml").exists());
                let is_letter = entry.path().join("forsendelse.yaml").exists();
                if is_letter || (in_letter && !OURS.contains(&&*name)) {
                    continue;
                }
                let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
                assert_eq!(mode & 0o007, 0, "umask {mask}: {mode:o} {}", entry.path().display());
                seen.insert(name, mode);
            }
        }
        assert_eq!(world.path(".postgang").metadata().unwrap().permissions().mode() & 0o077, 0);
        for name in ["status.yaml", "BESLUTNING.txt", "manifest.csv", "batch.yaml", "ledger.sqlite"] {
            assert!(seen.contains_key(name), "{name}: {seen:?}");
        }
        assert!(
            seen.keys().any(|name| name.ends_with(".pdf")) && seen.keys().any(|name| name.starts_with("oppfolging-"))
        );
    }
}

/// What the ledger keeps of a deleted letter is ids and events: no name stands in a page that is free now.
#[test]
fn a_deleted_letters_names_are_gone_from_the_ledger() {
    const MARKED: &str = "kjennetegn-47114711";
    let mut world = World::new();
    for n in 0..20 {
        world.write(format!("inbox/{n}/forsendelse.yaml"), letter(IN_ALTINN, &n.to_string()));
        world.write(format!("inbox/{n}/{MARKED}.pdf"), super::make::pdf(1));
    }
    world.run(&[]);
    let holds = || {
        let files = walkdir::WalkDir::new(world.path(".postgang")).into_iter().map(Result::unwrap);
        files
            .filter(|entry| entry.file_type().is_file())
            .any(|entry| memchr::memmem::find(&fs::read(entry.path()).unwrap(), MARKED.as_bytes()).is_some())
    };
    assert!(holds());
    for status in world.statuses() {
        let output = world.postgang().args(["hold", &status.forsendelsesId, "--reason", "feil"]).output().unwrap();
        assert!(output.status.success(), "{}", support::said(&output));
    }
    let after = "2027-06-01T00:30:00+02:00".to_owned();
    world.now = after;
    let output = world.postgang().arg("nightly").output().unwrap();
    assert!(support::said(&output).contains("\"purged\":20"), "{}", support::said(&output));
    let files = walkdir::WalkDir::new(world.path(".postgang")).into_iter().map(Result::unwrap);
    let left: Vec<PathBuf> = files
        .filter(|entry| entry.file_type().is_file())
        .filter(|entry| memchr::memmem::find(&fs::read(entry.path()).unwrap(), MARKED.as_bytes()).is_some())
        .map(|entry| entry.path().to_owned())
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}
