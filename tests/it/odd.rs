//! Odd drops, odd roots: what a golden tree cannot hold or should not.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use super::make::make;
use super::world::{IN_ALTINN, World};

fn letter(title: &str) -> String {
    format!(
        "{{tittel: {title}, mottaker: {{navn: Kari Nordmann, digitalId: '{IN_ALTINN}', adresselinje1: Fjellvegen 7,
          postnummer: '4604', poststed: KRISTIANSAND S}}}}"
    )
}

/// Our own names as links are removed like files, and what they point to stays.
#[test]
fn links_with_our_names_are_removed_and_not_followed() {
    let world = World::new();
    world.write("hemmelig.txt", "stays");
    world.drop("brev", &letter("A"));
    for name in ["FERDIG", "status.yaml", "BESLUTNING.txt"] {
        symlink(world.path("hemmelig.txt"), world.path("inbox/brev").join(name)).unwrap();
    }
    assert_eq!(world.pass(None).unwrap().placed.altinn, 1);
    world.check_places();
    assert_eq!(fs::read(world.path("hemmelig.txt")).unwrap(), b"stays");
    assert!(!world.placed_in("altinn")[0].join("status.yaml").is_symlink());
}

#[test]
fn metadata_that_is_no_plain_file_is_missing_and_nobody_waits_for_it() {
    for recipe in ["link to ../annet/forsendelse.yaml", "fifo", "folder"] {
        let world = World::new();
        world.write("inbox/annet/forsendelse.yaml", letter("B"));
        make(&world.path("inbox/annet/vedtak.pdf"), "1 page");
        world.write("inbox/brev/KLAR", "");
        make(&world.path("inbox/brev/forsendelse.yaml"), recipe);
        let outcome = world.run(&[]);
        assert_eq!(outcome.report["refused"]["metadata-missing"], 1, "{recipe}: {}", outcome.said);
        assert_eq!(outcome.report["placed"]["altinn"], 1);
    }
}

/// A crash left a claimed letter, and its archive system has dropped another by the same name.
#[test]
fn a_claimed_letter_and_a_new_one_by_its_name_are_two_letters() {
    let world = World::new();
    world.drop("brev", &letter("A"));
    world.root().prepare(false).unwrap();
    fs::create_dir(world.path(".postgang/work/_")).unwrap();
    fs::rename(world.path("inbox/brev"), world.path(".postgang/work/_/brev")).unwrap();
    world.drop("brev", &letter("B"));
    let outcome = world.run(&[]);
    assert_eq!((outcome.exit, &outcome.report["placed"]["altinn"]), (0, &2.into()), "{}", outcome.said);
}

#[test]
fn a_stray_file_in_work_stops_nobody() {
    let world = World::new();
    world.root().prepare(false).unwrap();
    world.write(".postgang/work/.DS_Store", "x");
    world.drop("brev", &letter("A"));
    let report = world.pass(None).unwrap();
    assert_eq!((report.placed.altinn, report.exit_code()), (1, 0), "{:?}", report.messages);
}

#[test]
fn names_that_are_not_text_are_letters_too() {
    let world = World::new();
    for (n, name) in [&b"brev \xe6\xf8\xe5"[..], b"brev \xff\xfe"].into_iter().enumerate() {
        world.drop("brev", &letter(&format!("Brev {n}")));
        fs::rename(world.path("inbox/brev"), world.path("inbox").join(OsStr::from_bytes(name))).unwrap();
    }
    let outcome = world.run(&[]);
    assert_eq!(outcome.report["placed"]["altinn"], 2, "{}", outcome.said);
}

#[test]
fn a_name_that_a_mac_has_taken_apart_is_the_same_document() {
    let world = World::new();
    world.drop(
        "brev",
        &format!("{}, dokumenter: [{{filnavn: På.pdf}}]}}", letter("A").trim_end_matches('}').to_owned() + "}"),
    );
    fs::rename(world.path("inbox/brev/vedtak.pdf"), world.path("inbox/brev/Pa\u{30a}.pdf")).unwrap();
    assert_eq!(world.run(&[]).report["placed"]["altinn"], 1);
}

/// More letters than share a sync; the twins stand in different batches.
#[test]
fn a_duplicate_is_found_across_batches() {
    let world = World::new();
    for n in 0..1_001 {
        world.drop(&format!("brev-{n:04}"), &letter(&format!("Brev {}", n % 1_000)));
    }
    let outcome = world.run(&[]);
    assert_eq!(outcome.report["placed"]["altinn"], 1_000);
    assert_eq!(outcome.report["refused"]["duplicate"], 1);
}

/// A file dated in the future would never come of age; then the time counts at which it arrived here.
#[test]
fn a_drop_from_the_future_settles_too() {
    let world = World::new();
    world.drop("brev", &letter("A"));
    let file = fs::File::options().write(true).open(world.path("inbox/brev/vedtak.pdf")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(86_400)).unwrap();
    let mut settings = world.settings(None);
    settings.patience.settle = Duration::from_secs(5);
    assert_eq!(postgang::shell::pass::run(&world.root(), &settings).unwrap().left, 1);
    settings.wall = SystemTime::now() + Duration::from_secs(6);
    assert_eq!(postgang::shell::pass::run(&world.root(), &settings).unwrap().placed.altinn, 1);
}

/// The pass does not begin, says why in one line with something to try, and touches nothing.
#[test]
fn a_root_that_is_not_fit_is_left_alone() {
    let refused = |world: &World, says: &str| {
        let before = world.census();
        let output = world.command(&[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(says) && said.contains("Prøv: "), "«{says}» in: {said}");
        assert_eq!(before, world.census());
    };
    let world = World::new();
    world.drop("brev", &letter("A"));
    let senders = fs::read_to_string(world.path("registry/avsendere.yaml")).unwrap();
    world.write("registry/avsendere.yaml", senders.replace("personer:", "personar:"));
    refused(&world, "registry/avsendere.yaml, linje 8, kolonne");
    fs::remove_file(world.path("registry/avsendere.yaml")).unwrap();
    refused(&world, "registry/avsendere.yaml");
    world.write("registry/avsendere.yaml", senders);
    fs::remove_dir_all(world.path("outbox")).unwrap();
    fs::create_dir(world.path("inbox/ut")).unwrap();
    symlink("inbox/ut", world.path("outbox")).unwrap();
    refused(&world, "ligger inne i");
    fs::remove_file(world.path("outbox")).unwrap();
    fs::rename(world.path("inbox"), world.path("borte")).unwrap();
    refused(&world, "mappen finnes ikke");
}

#[test]
fn wrong_usage_is_two() {
    let world = World::new();
    for args in [&["--accept-snapshot", "KRR"][..], &["--now", "i morgen"], &["--ukjent"]] {
        assert_eq!(world.command(args).output().unwrap().status.code(), Some(2), "{args:?}");
    }
}

/// A letter held by a row, claimed before the row went bad, waits for a person and not for a snapshot.
#[test]
fn a_claimed_letter_that_a_row_holds_goes_back_and_waits_for_a_person() {
    let world = World::new();
    world.drop("brev", &letter("A"));
    world.root().prepare(false).unwrap();
    fs::create_dir(world.path(".postgang/work/_")).unwrap();
    fs::rename(world.path("inbox/brev"), world.path(".postgang/work/_/brev")).unwrap();
    let krr = fs::read_to_string(world.path("registry/krr.csv")).unwrap();
    world.write("registry/krr.csv", krr.replace(&format!("{IN_ALTINN},NEI"), &format!("{IN_ALTINN},KANSKJE")));
    world.age_registers(&BTreeMap::new());
    let outcome = world.run(&[]);
    assert_eq!((outcome.exit, &outcome.report["left"]), (1, &1.into()), "{}", outcome.said);
    assert!(world.path("inbox/brev/vedtak.pdf").is_file());
}
