//! What lies in `outbox/`: every letter's folder, with a look at the names in it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::core::names::READY;
use crate::core::route::Channel;
use crate::core::status::Status;
use crate::core::stop::{self, is_stop};
use crate::shell::root::Root;
pub use crate::shell::spool::{is_batch, subfolders};

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
    /// What is called as a stop file is, in name order; a document of the letter may be.
    pub stops: Vec<PathBuf>,
    /// Why its folder could not be looked through: there may be a stop file that was not seen.
    pub doubt: Option<String>,
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
    let letter = Letter { path, kind, stops: Vec::new(), doubt: None, ready: false };
    match fs::read_dir(&letter.path) {
        Ok(entries) => Some(letter.looked_through(entries.map(|entry| Ok(entry?.path())))),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(Letter { ready: true, doubt: Some(error.to_string()), ..letter }),
    }
}

impl Letter {
    /// With what its folder holds. One entry that cannot be read may be any.
    fn looked_through(mut self, entries: impl Iterator<Item = io::Result<PathBuf>>) -> Self {
        for entry in entries {
            match entry {
                Ok(path) => {
                    let name = name(&path);
                    self.ready |= name == READY;
                    if is_stop(&name) {
                        self.stops.push(path);
                    }
                }
                Err(error) => self.doubt = Some(error.to_string()),
            }
        }
        self.stops.sort();
        self
    }

    /// The file that stops the letter, if one does.
    pub fn stop(&self, status: Option<&Status>) -> Option<&PathBuf> {
        let names: Vec<String> = self.stops.iter().map(|path| name(path)).collect();
        stop::among(&names, status).map(|at| &self.stops[at])
    }
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
#[cfg(test)]
mod tests {
    use super::*;

    fn letter(entries: Vec<io::Result<PathBuf>>) -> Letter {
        let empty = Letter { path: PathBuf::new(), kind: Kind::Waiting, stops: Vec::new(), doubt: None, ready: false };
        empty.looked_through(entries.into_iter())
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_a_doubt_and_hides_no_other() {
        let file = |name: &str| Ok(PathBuf::from(name));
        for error in [ErrorKind::Interrupted, ErrorKind::PermissionDenied, ErrorKind::Other] {
            let letter = letter(vec![file("FERDIG"), Err(error.into()), file("STOPP.lnk"), file("stopp.txt")]);
            assert!(letter.doubt.is_some() && letter.ready, "{error}");
            assert_eq!(letter.stop(None), Some(&PathBuf::from("stopp.txt")), "one with a text comes first");
        }
        let letter = letter(vec![file("FERDIG"), file("vedtak.pdf"), file("STOPP-SVAR.txt")]);
        assert!(letter.doubt.is_none() && letter.stop(None).is_none());
    }
}
