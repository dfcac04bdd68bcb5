//! Which snapshots were accepted last: what a new one is measured against.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::core::snapshot::{SnapshotName, SnapshotUsed};
use crate::shell::dir::replace_file;

/// The file in `.postgang/`.
const FILE: &str = "snapshots.json";

/// The last accepted snapshot of each name. A snapshot that has shrunk since, or is gone, is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotMemory(BTreeMap<SnapshotName, SnapshotUsed>);

impl SnapshotMemory {
    /// From `snapshots.json` in `dir`. Without one that can be understood nothing is remembered, and whatever the
    /// registers hold is taken as the first; one that cannot be read is an error, or a register that has shrunk would be.
    pub fn load(dir: &Path) -> io::Result<Self> {
        let bytes = match fs::read(dir.join(FILE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let list: Vec<SnapshotUsed> = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Self(list.into_iter().map(|used| (used.navn, used)).collect()))
    }

    /// Replaces `snapshots.json` in `dir`, whole and durable.
    pub fn store(&self, dir: &Path) -> io::Result<()> {
        let list: Vec<&SnapshotUsed> = self.0.values().collect();
        replace_file(&dir.join(FILE), &serde_json::to_vec_pretty(&list)?)
    }

    pub fn get(&self, name: SnapshotName) -> Option<&SnapshotUsed> {
        self.0.get(&name)
    }

    pub(super) fn remember(&mut self, used: SnapshotUsed) {
        self.0.insert(used.navn, used);
    }

    pub(super) fn forget(&mut self, name: SnapshotName) {
        self.0.remove(&name);
    }
}
