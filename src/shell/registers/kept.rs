//! Copies of the snapshots that were accepted last, for a program that runs on while new ones come.
//!
//! A copy, not a hard link: a snapshot is often replaced by writing over it, which a link would follow. Where the file
//! system can share blocks it costs nothing. A copy keeps its original's time, so its age is judged as before, and it is
//! used only while its SHA-256 is that of the last snapshot accepted: whatever happened to it, no other content can
//! stand in.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::refusal::Refusal;
use crate::core::snapshot::{SnapshotName, SnapshotUsed};
use crate::core::status::Stamp;
use crate::shell::dir::temporary_in;

/// Copies the snapshot just read from `dir`, unless the copy is there already.
pub fn keep(dir: &Path, kept: &Path, used: &SnapshotUsed) -> io::Result<()> {
    let [plain, packed] = names(used.navn);
    let (name, other) = if dir.join(&plain).exists() { (plain, packed) } else { (packed, plain) };
    let source = fs::metadata(dir.join(&name))?;
    let copy = kept.join(&name);
    let is_source =
        |other: fs::Metadata| other.len() == source.len() && other.modified().ok() == source.modified().ok();
    if fs::metadata(&copy).is_ok_and(is_source) {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(kept)?;
    let temporary = temporary_in(kept)?;
    fs::copy(dir.join(&name), temporary.path())?;
    temporary.as_file().set_modified(source.modified()?)?;
    if !is_source(fs::metadata(dir.join(&name))?) {
        // It is being replaced; the next pass copies what it then reads.
        return Ok(());
    }
    temporary.as_file().sync_all()?;
    temporary.persist(&copy)?;
    match fs::remove_file(kept.join(other)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn names(name: SnapshotName) -> [String; 2] {
    [format!("{name}.csv"), format!("{name}.csv.gz")]
}

pub fn not_kept(file: &str, error: &io::Error) -> String {
    format!(
        "{file}: registeret er i bruk, men kopien som skal brukes hvis neste utgave avvises, kunne ikke lages ({error}). Prøv: kontroller plass og rettigheter i .postgang/snapshots."
    )
}

pub fn stands_in(file: &str, refusal: &Refusal, used: &SnapshotUsed) -> String {
    format!(
        "{file}: {refusal}. Forrige godtatte utgave, fra {}, brukes til den blir for gammel. Prøv: {}.",
        Stamp(used.tidspunkt),
        refusal.remedy()
    )
}
