//! The floor for the job: what any program must do that takes letters from one folder to another, reads them once
//! and loses none to a power cut. It decides nothing, reads no register and keeps no ledger.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;
use rustix::fs::syncfs;
use sha2::{Digest, Sha256};

/// Letters that share the cost of making their places durable.
const BATCH: usize = 1000;

/// Moves every letter in `root/inbox` to `root/outbox`; returns how many.
pub fn run(root: &Path) -> Result<usize> {
    let [inbox, work, outbox] = ["inbox", "work", "outbox"].map(|name| root.join(name));
    fs::create_dir_all(&work)?;
    fs::create_dir_all(&outbox)?;
    let disk = File::open(root)?;
    let names: Vec<_> = fs::read_dir(&inbox)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    for batch in names.chunks(BATCH) {
        batch.par_iter().try_for_each(|name| -> Result<()> {
            let claimed = work.join(name);
            fs::rename(inbox.join(name), &claimed)?;
            fs::write(claimed.join("status.yaml"), status(&claimed)?)?;
            Ok(())
        })?;
        syncfs(&disk)?;
        let places: Vec<PathBuf> = batch.iter().map(|name| outbox.join(name)).collect();
        batch.par_iter().zip(&places).try_for_each(|(name, place)| fs::rename(work.join(name), place))?;
        syncfs(&disk)?;
        places.par_iter().try_for_each(|place| fs::write(place.join("FERDIG"), ""))?;
    }
    Ok(names.len())
}

/// Reads and hashes every file of a letter.
fn status(letter: &Path) -> Result<String> {
    let mut status = String::from("status: AKSEPTERT\nkanal: altinn\ndokumenter:\n");
    for entry in fs::read_dir(letter)? {
        let entry = entry?;
        let content = fs::read(entry.path())?;
        write!(status, "  - {{filnavn: {}, sha256: \"", entry.file_name().display())?;
        for byte in Sha256::digest(&content) {
            write!(status, "{byte:02x}")?;
        }
        writeln!(status, "\", bytes: {}}}", content.len())?;
    }
    Ok(status)
}
