//! Odd drops, odd roots: what a golden tree cannot hold or should not.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use postgang::core::format::{self, Format};
use postgang::core::letter::{Key, Letter};

use super::make::make;
use super::world::{IN_ALTINN, World};

fn letter(title: &str) -> String {
    format!(
        "{{tittel: {title}, mottaker: {{navn: Kari Nordmann, digitalId: '{IN_ALTINN}', adresselinje1: Fjellvegen 7,
          postnummer: '4604', poststed: KRISTIANSAND S}}}}"
    )
}

/// Names that are passed over belong to plain files. Anything else under such a name would reach a channel unseen.
#[test]
fn nothing_but_plain_files_is_passed_over() {
    for (name, recipe) in [
        ("FERDIG", "folder"),
        ("status.yaml", "folder"),
        ("BESLUTNING.txt", "folder"),
        ("KLAR", "folder"),
        ("Thumbs.db", "folder"),
        ("._vedtak.pdf", "link to vedtak.pdf"),
        (".DS_Store", "fifo"),
    ] {
        let world = World::new();
        world.drop("brev", &letter("A"));
        make(&world.path("inbox/brev").join(name), recipe);
        // Our own names are moved aside, so the census of `run` would not know the letter again.
        let report = world.pass(None).unwrap();
        assert_eq!(report.refused.get("document-not-regular"), Some(&1), "{name}: {:?}", report.messages);
        world.check_places();
    }
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

/// What `check` says of a drop is what `run` then does with it, also of the second of two equal ones.
#[test]
fn check_knows_the_second_of_two_equal_drops() {
    let world = World::new();
    for name in ["b", "a"] {
        world.drop(name, &letter("A"));
    }
    let check = |path: &str| {
        let mut command = world.postgang();
        command.args(["check", "--settle", "0"]);
        if !path.is_empty() {
            command.arg(world.path(path));
        }
        let output = command.output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let drops =
            answer["results"].as_array().unwrap().iter().filter(|r| r["path"].as_str().unwrap().starts_with("inbox/"));
        drops.map(|r| r["code"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(check(""), ["no-digital-mailbox", "duplicate"]);
    assert_eq!(
        (check("inbox/a"), check("inbox/b")),
        (vec!["no-digital-mailbox".to_owned()], vec!["duplicate".to_owned()])
    );
    let outcome = world.run(&["--settle", "0"]);
    assert_eq!(outcome.report["refused"]["duplicate"], 1, "{}", outcome.said);
}

/// `KLAR` spoke for the drop it lay in. A refused letter that is copied back file by file, its attachment last, is not
/// taken without it.
#[test]
fn what_was_whole_once_must_be_declared_whole_anew() {
    for word in ["KLAR", "klar", "Klar.txt", "KLAR.txt.txt"] {
        let world = World::new();
        world.drop("brev", "{tittel: A, mottaker: {navn: Kari Nordmann}}");
        world.write(Path::new("inbox/brev").join(word), "");
        assert_eq!(world.run(&["--settle", "3600"]).report["refused"]["address-incomplete"], 1, "{word}");
        let refused = world.placed_in("avvist").remove(0);
        let names = fs::read_dir(&refused).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names: Vec<String> = names.filter(|name| name != "vedtak.pdf").collect();
        assert!(names.iter().all(|name| !name.eq_ignore_ascii_case(word)), "{names:?}");
        for name in names {
            world.write(Path::new("inbox/igjen").join(&name), fs::read(refused.join(&name)).unwrap());
        }
        world.write("inbox/igjen/forsendelse.yaml", letter("A"));
        let outcome = world.run(&["--settle", "3600"]);
        assert_eq!((&outcome.report["received"], &outcome.report["left"]), (&0.into(), &1.into()), "{}", outcome.said);
    }
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
    world.drop("dokument", &letter("Dokument"));
    let odd = world.path("inbox/dokument").join(OsStr::from_bytes(b"kart \xe5.pdf"));
    fs::rename(world.path("inbox/dokument/vedtak.pdf"), odd).unwrap();
    let outcome = world.run(&[]);
    assert_eq!(outcome.report["placed"]["altinn"], 2, "{}", outcome.said);
    // Which document is meant cannot be said in a text, so it is refused, not lost.
    assert_eq!(outcome.report["placed"]["avvist"], 1, "{}", outcome.said);
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

#[test]
fn a_status_that_a_full_disk_cut_short_is_no_part_of_the_letter() {
    let world = World::new();
    world.drop("brev", &letter("Brev"));
    fs::remove_file(world.path("inbox/brev/KLAR")).ok();
    world.write("inbox/brev/.status.yaml.tmp", "forsend");
    world.write("inbox/brev/.BESLUTNING.txt.tmp", "");
    assert_eq!(world.run(&[]).exit, 0);
    let placed = world.placed_in("altinn");
    assert_eq!(placed.len(), 1);
    assert!(!placed[0].join(".status.yaml.tmp").exists() && !placed[0].join(".BESLUTNING.txt.tmp").exists());
}

/// Somebody made folders by the very names that letters are to have; none of them is replaced or entered.
#[test]
fn a_name_that_is_taken_is_left_and_the_next_is_used() {
    let named = || {
        let world = World::new();
        world.drop("brev", &letter("A"));
        world
    };
    let first = named();
    first.run(&[]);
    let name = first.placed_in("altinn")[0].file_name().unwrap().to_owned();
    let second = named();
    second.root().prepare(false).unwrap();
    let altinn = second.path("outbox/altinn");
    let numbered = |n: u32| altinn.join(format!("{}-{n}", name.display()));
    fs::create_dir(altinn.join(&name)).unwrap();
    fs::create_dir(numbered(2)).unwrap();
    fs::write(numbered(2).join("notat.txt"), "Hei.").unwrap();
    fs::write(numbered(3), "En fil.").unwrap();
    assert_eq!(second.pass(None).unwrap().placed.altinn, 1);
    assert!(numbered(4).join("FERDIG").is_file());
    assert_eq!(fs::read_dir(altinn.join(&name)).unwrap().count(), 0);
    assert_eq!(fs::read_dir(numbered(2)).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_dated_ahead_comes_of_age_all_the_same() {
    let world = World::new();
    world.drop("brev", &letter("A"));
    fs::remove_file(world.path("inbox/brev/KLAR")).ok();
    let ahead = SystemTime::now() + Duration::from_secs(30 * 24 * 3600);
    fs::File::open(world.path("inbox/brev")).unwrap().set_modified(ahead).unwrap();
    std::thread::sleep(Duration::from_millis(1_100));
    assert!(world.command(&["--settle", "1"]).status().unwrap().success());
    assert_eq!(world.placed_in("altinn").len(), 1);
}

#[test]
fn an_inbox_that_is_mounted_by_itself_is_refused_at_start() {
    let world = World::new();
    world.drop("brev", &letter("A"));
    let inbox = world.path("inbox");
    let mounted = Command::new("mount").arg("--bind").args([&inbox, &inbox]).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user may not mount");
        return;
    }
    let output = world.command(&[]).output().unwrap();
    assert!(Command::new("umount").arg("--lazy").arg(&inbox).status().unwrap().success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("monteringspunkt"), "{said}");
    assert!(world.run(&[]).exit == 0 && world.placed_in("altinn").len() == 1);
}

/// A letter that is refused for a field and dropped again without it is the same letter by its key.
#[test]
fn what_the_metadata_says_makes_the_key_though_it_is_refused() {
    for wrong in [", kunDigitalLevring: true}", ", konteringskode: 'a b'}"] {
        let world = World::new();
        let right = letter("A");
        let (start, _) = right.rsplit_once('}').unwrap();
        world.drop("feil", &format!("{start}{wrong}"));
        assert_eq!(world.run(&[]).exit, 1);
        world.drop("rett", &right);
        assert_eq!(world.run(&[]).exit, 0);
        let [refused, placed] = ["avvist", "altinn"].map(|channel| super::world::status(&world.placed_in(channel)[0]));
        let parsed = format::parse(right.as_bytes(), Format::Yaml).unwrap();
        let sender = placed.avsender.clone().unwrap();
        let documents = placed.dokumenter.iter().map(|document| (document.filnavn.clone(), document.sha256.clone()));
        let documents: Vec<_> = documents.map(|(name, hex)| (name, hex.map(|hex| digest(&hex)))).collect();
        let key = Key::of_letter(&sender, &Letter::from_forsendelse(parsed.forsendelse).unwrap(), &documents);
        assert_eq!(refused.forsendelsesId, key.id(Some(1)).to_string(), "{wrong}");
        assert_eq!(placed.forsendelsesId, key.id(Some(2)).to_string(), "{wrong}");
    }
}

fn digest(hex: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
}
