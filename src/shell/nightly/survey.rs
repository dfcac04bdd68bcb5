//! What lies in `outbox/`: every letter's folder, with a look at the names in it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::core::names::{BATCH, READY, is_batch_name, is_stop};
use crate::core::route::Channel;
use crate::shell::root::Root;
pub use crate::shell::spool::subfolders;

/// Which rules a letter is under tonight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In a channel; not on paper yet.
    Waiting,
    /// In a sealed print batch.
    Sealed,
    Refused,
    Archived,
}

/// A letter's folder.
#[derive(Clone, Debug)]
pub struct Letter {
    pub path: PathBuf,
    pub kind: Kind,
    /// A stop file in it.
    pub stop: Option<PathBuf>,
    /// `FERDIG` is there.
    pub ready: bool,
}

/// Every letter in `outbox/`, channel by channel, in name order.
pub fn survey(root: &Root) -> io::Result<Vec<Letter>> {
    let mut folders = Vec::new();
    for channel in Channel::ALL {
        let kind = if channel == Channel::Avvist { Kind::Refused } else { Kind::Waiting };
        for folder in subfolders(&root.channel(channel))? {
            if channel == Channel::Print && is_batch(&folder) {
                folders.extend(subfolders(&folder)?.into_iter().map(|letter| (letter, Kind::Sealed)));
            } else {
                folders.push((folder, kind));
            }
        }
    }
    for month in subfolders(&root.archive())? {
        for folder in subfolders(&month)? {
            let letters = if is_batch(&folder) { subfolders(&folder)? } else { vec![folder] };
            folders.extend(letters.into_iter().map(|letter| (letter, Kind::Archived)));
        }
    }
    let look = |(path, kind): (PathBuf, Kind)| look(path, kind);
    Ok(folders.into_par_iter().filter_map(look).collect())
}

/// The letters that wait in `outbox/print/`.
pub fn waiting_for_print(root: &Root) -> io::Result<Vec<PathBuf>> {
    let folders = subfolders(&root.channel(Channel::Print))?;
    Ok(folders.into_iter().filter(|folder| !is_batch(folder)).collect())
}

/// The sealed batches in `outbox/print/`.
pub fn sealed_batches(root: &Root) -> io::Result<Vec<PathBuf>> {
    let folders = subfolders(&root.channel(Channel::Print))?;
    Ok(folders.into_iter().filter(|folder| is_batch(folder)).collect())
}

/// The names of every batch in `outbox/`.
pub fn batch_names(root: &Root) -> io::Result<Vec<String>> {
    let mut folders = subfolders(&root.channel(Channel::Print))?;
    for month in subfolders(&root.archive())? {
        folders.extend(subfolders(&month)?);
    }
    Ok(folders.iter().map(|folder| name(folder)).filter(|name| name.starts_with("batch-")).collect())
}

/// Stop files beside letters instead of in one: in `outbox/`, in a channel, in a sealed batch.
pub fn stray_stops(root: &Root) -> io::Result<Vec<PathBuf>> {
    let mut folders = vec![root.outbox()];
    folders.extend(Channel::ALL.map(|channel| root.channel(channel)));
    folders.extend(sealed_batches(root)?);
    let mut stops = Vec::new();
    // A folder that is missing holds none.
    for entry in folders.iter().flat_map(fs::read_dir).flatten() {
        let entry = entry?;
        if is_stop(&entry.file_name().to_string_lossy()) && !entry.file_type()?.is_dir() {
            stops.push(entry.path());
        }
    }
    Ok(stops)
}

/// `None` for a folder that has gone away meanwhile. One that cannot be read may be a letter: it is taken for one, and
/// missed when its status is asked for.
fn look(path: PathBuf, kind: Kind) -> Option<Letter> {
    let mut letter = Letter { path, kind, stop: None, ready: false };
    let entries = match fs::read_dir(&letter.path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(_) => return Some(Letter { ready: true, ..letter }),
    };
    for entry in entries {
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        let name = name.to_string_lossy();
        letter.ready |= name == READY;
        if is_stop(&name) {
            letter.stop = Some(entry.path());
        }
    }
    Some(letter)
}

/// A sealed print batch: `batch-YYYY-MM-DD-NN` with its `batch.yaml`. A letter's name ends in its id.
pub fn is_batch(folder: &Path) -> bool {
    is_batch_name(&name(folder)) && folder.join(BATCH).is_file()
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
