//! Every letter came out exactly once, whole, where its recipient's facts put it, and the program says the same.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::letters::Letter;
use crate::{Place, Size};

/// What `run --json` prints, as far as it is checked.
#[derive(Deserialize)]
pub struct Report {
    received: u64,
    placed: BTreeMap<String, u64>,
    left: u64,
}

/// Checks `root` after the passes over `sets` 0 to `set`, the last of which gave `report`.
pub fn check(root: &Path, size: Size, set: u64, letters: u64, report: &str) -> Result<BTreeMap<String, u64>> {
    let report: Report = serde_json::from_str(report).context("stdout is not the report of a pass")?;
    ensure!(report.received == letters, "{letters} letters were dropped, {} received", report.received);
    ensure!(report.left == 0, "{} letters left in inbox", report.left);
    for emptied in ["inbox", ".postgang/work"] {
        let folder = root.join(emptied);
        let rest = if folder.exists() { fs::read_dir(&folder)?.count() } else { 0 };
        ensure!(rest == 0, "{rest} entries left in {emptied}");
    }

    let mut missing: HashMap<String, (u64, Place)> = (0..=set)
        .flat_map(|set| (0..letters).map(move |index| (set, Letter::nth(size, set, index))))
        .map(|(set, letter)| (letter.drop, (set, letter.expected)))
        .collect();
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for place in Place::ALL {
        let folder = root.join("outbox").join(place.name());
        if !folder.exists() {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name().into_string().ok().context("a name is not UTF-8")?;
            let drop = name.split_once('.').map_or(&*name, |(drop, _)| drop);
            let Some((of_set, expected)) = missing.remove(drop) else {
                bail!("{}/{name} is no letter of ours, or its second copy", place.name());
            };
            ensure!(expected == place, "{name} is in {}, not in {}", place.name(), expected.name());
            for file in ["FERDIG", "status.yaml", "forsendelse.yaml", "vedtak.pdf", "vedlegg.pdf"] {
                ensure!(folder.join(&name).join(file).exists(), "{}/{name} has no {file}", place.name());
            }
            if of_set == set {
                *found.entry(place.name().to_owned()).or_default() += 1;
            }
        }
    }
    ensure!(missing.is_empty(), "{} letters are nowhere", missing.len());
    let said: BTreeMap<String, u64> = report.placed.into_iter().filter(|(_, count)| *count > 0).collect();
    ensure!(said == found, "the report says {said:?}, the folders {found:?}");
    Ok(found)
}

/// The bare program has one place.
pub fn check_bare(root: &Path, letters: u64) -> Result<()> {
    let mut whole = 0;
    for entry in fs::read_dir(root.join("outbox"))? {
        let letter = entry?.path();
        ensure!(letter.join("FERDIG").exists(), "{} is not finished", letter.display());
        whole += 1;
    }
    ensure!(whole == letters, "the bare program moved {whole} of {letters} letters");
    Ok(())
}
