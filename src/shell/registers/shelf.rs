//! The tables in `.postgang/snapshots/`: which belongs to a snapshot's file, and when each has to go.
//!
//! A table is believed to be of a file that still looks as it did when it was read, to the nanosecond, if that look
//! proves anything: the file had rested for some seconds by then, and no other machine can write to it. Otherwise the
//! file is hashed, and the table is that of its SHA-256.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use super::file::Source;
use super::look::Look;
use super::refusal::SnapshotRefusal;
use super::table::{Seen, Table};
use crate::core::calendar::Time;
use crate::core::snapshot::{RegisterPolicies, SnapshotName};
use crate::shell::root::network_file_system;

const END: &str = ".table";

/// Where tables are kept.
#[derive(Clone, Copy)]
pub struct Shelf<'a> {
    pub dir: &'a Path,
    /// Whether tables may be made and removed. Only one process may at a time.
    pub is_ours: bool,
    /// The machine's clock, before any snapshot was looked at.
    pub wall: SystemTime,
}

impl Shelf<'_> {
    fn path(self, name: SnapshotName, sha256: &str) -> PathBuf {
        self.dir.join(format!("{name}-{sha256}{END}"))
    }

    /// The table of the snapshot with this SHA-256.
    pub fn table(self, name: SnapshotName, sha256: &str) -> Option<Table> {
        let table = Table::open(&self.path(name, sha256))?;
        (table.facts.navn == name && table.facts.sha256 == sha256).then_some(table)
    }

    /// The table that was made of a file which looked like this one, and of one that is as long.
    fn by_look(self, name: SnapshotName, look: Look) -> (Option<Table>, bool) {
        let tables = files(self.dir).into_iter().filter(|(of, _)| *of == Some(name));
        let tables: Vec<Table> = tables
            .filter_map(|(_, path)| Table::open(&path).filter(|table| self.path(name, &table.facts.sha256) == path))
            .filter(|table| table.facts.navn == name)
            .collect();
        let as_long = tables.iter().any(|table| table.seen().look.bytes == look.bytes);
        (tables.into_iter().find(|table| table.seen().look == look), as_long)
    }

    /// The table of an open file, where there is one. Hashes the file where its look proves nothing.
    pub fn table_of(self, name: SnapshotName, source: &Source) -> Result<Option<Table>, SnapshotRefusal> {
        let (table, as_long) = self.by_look(name, Look::of(&source.before));
        match table {
            Some(table) if table.seen().sure => return Ok(Some(table)),
            // A file of another length is another one, and is hashed when it is read.
            None if !as_long => return Ok(None),
            _ => {}
        }
        let Some(mut table) = self.table(name, &source.hash()?) else { return Ok(None) };
        if self.is_ours {
            let path = self.path(name, &table.facts.sha256);
            // Without the note the file is hashed again, no more.
            let _ = table.set_seen(&path, self.seen(source)).and_then(|()| date(&path, source));
        }
        Ok(Some(table))
    }

    /// A table of a file that looks like this one, whatever that proves: for what decides nothing.
    pub fn table_like(self, name: SnapshotName, source: &Source) -> Option<Table> {
        self.by_look(name, Look::of(&source.before)).0
    }

    /// How a file looks that has been read.
    pub fn seen(self, source: &Source) -> Seen {
        let look = Look::of(&source.before);
        let is_still = source.file.metadata().is_ok_and(|now| Look::of(&now) == look);
        Seen { look, sure: is_still && look.has_rested(self.wall) && network_file_system(&source.path).is_none() }
    }

    /// Makes the folder, for us alone.
    pub fn prepare(self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.dir)
    }

    /// Puts a finished table in its place. `lasting`: it must be there after a power cut too, since its snapshot may
    /// not.
    pub fn put(
        self,
        table: NamedTempFile,
        name: SnapshotName,
        sha256: &str,
        source: &Source,
        lasting: bool,
    ) -> io::Result<()> {
        let path = self.path(name, sha256);
        if lasting {
            table.as_file().sync_all()?;
        }
        table.persist(&path)?;
        date(&path, source)
    }

    /// Removes the tables of this name but those of these snapshots.
    pub fn keep_only(self, name: SnapshotName, sha256s: &[&str]) {
        let kept: Vec<PathBuf> = sha256s.iter().map(|sha256| self.path(name, sha256)).collect();
        for (of, path) in files(self.dir) {
            if of == Some(name) && !kept.contains(&path) {
                // It is tried again when the register is next read.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// A table is as old as its snapshot.
fn date(path: &Path, source: &Source) -> io::Result<()> {
    fs::File::open(path)?.set_modified(source.before.modified()?)
}

/// Every table, with the register it says it is of.
fn files(dir: &Path) -> Vec<(Option<SnapshotName>, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let tables = entries.filter(|path| path.to_string_lossy().ends_with(END));
    let name = |path: &Path| path.file_name()?.to_str()?.split_once('-')?.0.parse().ok();
    tables.map(|path| (name(&path), path)).collect()
}

/// Removes each table whose snapshot is too old to be believed.
pub fn expire(dir: &Path, policies: &RegisterPolicies, now: Time) {
    for (name, path) in files(dir) {
        let hours_max = name.map_or(0, |name| policies.of(name).age_hours_max);
        let modified = fs::metadata(&path).and_then(|file| file.modified());
        let age = modified.map(|modified| SystemTime::from(now).duration_since(modified).unwrap_or_default());
        if age.is_ok_and(|age| age > Duration::from_secs(u64::from(hours_max) * 3600)) {
            let _ = fs::remove_file(path);
        }
    }
}
