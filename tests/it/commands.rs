//! The commands that only look: they change nothing, and tell no secret.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use walkdir::WalkDir;

use super::world::{IN_ALTINN, RESERVED, World};

fn letter(digital_id: &str, rest: &str) -> String {
    format!(
        "{{tittel: Vedtak, eksternReferanse: 2026/1, mottaker: {{navn: Kari Nordmann, digitalId: '{digital_id}',
          adresselinje1: Fjellvegen 7, postnummer: '4604', poststed: KRISTIANSAND S}}{rest}}}"
    )
}

/// Every file outside the ledger with its bytes.
fn everything(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = WalkDir::new(world.path("")).into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file());
    let files = files.filter(|entry| !entry.file_name().to_string_lossy().starts_with("ledger.sqlite"));
    files.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn looking_changes_nothing_and_tells_no_secret() {
    let world = World::new();
    world.drop("plassert", &letter(IN_ALTINN, ""));
    world.drop("avvist", &letter(RESERVED, ", kryptert: true"));
    world.run(&[]);
    world.drop("igjen", &letter(IN_ALTINN, ""));
    world.drop(&format!("sak {RESERVED}"), &letter(RESERVED, ""));
    world.drop("uleselig", "tittel: [");
    let krr = fs::read_to_string(world.path("registry/krr.csv")).unwrap();
    world.write("registry/krr.csv", krr + "01817010055,TULL,AKTIV\n12345,NEI,AKTIV,,,,,,,,,,\n");
    world.age_registers(&BTreeMap::new());
    let (before, secrets) = (everything(&world), world.secrets());
    let placed = world.placed_in("altinn")[0].display().to_string();
    let inside = |path: &str| world.path(path).display().to_string();
    for args in [
        vec!["status".to_owned()],
        vec!["check".to_owned()],
        vec!["check".to_owned(), inside("inbox/igjen")],
        vec!["check".to_owned(), inside(&format!("inbox/sak {RESERVED}"))],
        vec!["check".to_owned(), inside("inbox/uleselig")],
        vec!["check".to_owned(), inside("registry/krr.csv")],
        vec!["check".to_owned(), inside("registry/avsendere.yaml")],
        vec!["explain".to_owned(), "2026/1".to_owned()],
        vec!["explain".to_owned(), placed],
        vec!["explain".to_owned(), RESERVED.to_owned()],
    ] {
        for json in [true, false] {
            let mut command = world.postgang();
            if !json {
                command = std::process::Command::new(env!("CARGO_BIN_EXE_postgang"));
                command.arg("--root").arg(world.path("")).args(["--now", &world.now]);
            }
            let output = command.args(&args).output().unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(matches!(output.status.code(), Some(0..=3)), "{args:?}: {said}");
            assert!(!said.contains("panic"), "{args:?}: {said}");
            // A path that was typed is the operator's own and may be repeated; nothing else may.
            let typed = args.iter().any(|arg| arg.contains(RESERVED));
            let secrets = secrets.iter().filter(|secret| !typed || *secret != RESERVED).cloned().collect();
            world.check_secrets(&secrets, &said);
            assert_eq!(before, everything(&world), "{args:?}");
            if json {
                serde_json::from_slice::<serde_json::Value>(&output.stdout)
                    .unwrap_or_else(|_| panic!("{args:?}: {said}"));
            }
        }
    }
}
