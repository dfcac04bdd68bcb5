//! What lies in `outbox/`: every letter's folder, with a look at the names in it. The one place that walks through
//! channels, print batches and the archive.

pub mod find;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::dir::Dir;
use super::fault;
use super::mounts::Mounts;
use super::root::Root;
use crate::core::names::{BATCH, READY, STATUS, is_batch_name};
use crate::core::route::Channel;
use crate::core::status::Status;
use crate::core::stop::{self, is_stop};

/// A letter's folder below `outbox/` is at most this deep: `print/batch-…/letter/`, `arkiv/YYYY-MM/batch-…/letter/`.
const DEPTH_MAX: usize = 4;

/// Bytes of a `status.yaml` that are read. A letter of a thousand documents has half of it.
const STATUS_BYTES_MAX: u64 = 1 << 20;

/// Which rules a letter is under tonight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In a channel; not on paper yet.
    Waiting,
    /// In a sealed print batch.
    Sealed,
    Refused,
    Archived,
}

/// A letter's folder.
#[derive(Clone, Debug)]
pub struct LetterFolder {
    pub path: PathBuf,
    pub stage: Stage,
    /// What is called as a stop file is, in name order; a document of the letter may be.
    pub stops: Vec<PathBuf>,
    /// Why its folder could not be looked through: there may be a stop file that was not seen.
    pub doubt: Option<String>,
    /// `FERDIG` is there.
    pub ready: bool,
}

/// What lies in `outbox/`.
pub struct Survey {
    pub letters: Vec<LetterFolder>,
    /// Batches and months that could not be listed: their letters are left alone tonight.
    pub closed: Vec<(PathBuf, io::Error)>,
}

/// Every letter in `outbox/`, channel by channel, in name order.
pub fn survey(root: &Root) -> io::Result<Survey> {
    let (mut folders, mut closed) = (Vec::new(), Vec::new());
    let mut listed = |folder: &Path| match subfolders(folder) {
        Ok(folders) => folders,
        Err(error) => {
            closed.push((folder.to_owned(), error));
            Vec::new()
        }
    };
    for channel in Channel::ALL {
        let stage = if channel == Channel::Avvist { Stage::Refused } else { Stage::Waiting };
        for folder in subfolders(&root.channel(channel))? {
            if channel == Channel::Print && is_batch(&folder) {
                folders.extend(listed(&folder).into_iter().map(|letter| (letter, Stage::Sealed)));
            } else {
                folders.push((folder, stage));
            }
        }
    }
    for month in subfolders(&root.archive())? {
        for folder in listed(&month) {
            let letters = if is_batch(&folder) { listed(&folder) } else { vec![folder] };
            folders.extend(letters.into_iter().map(|letter| (letter, Stage::Archived)));
        }
    }
    let look = |(path, stage): (PathBuf, Stage)| look(path, stage);
    Ok(Survey { letters: folders.into_par_iter().filter_map(look).collect(), closed })
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

/// Every letter folder below `outbox/`, in path order; of what cannot be listed, nothing.
pub fn letters(root: &Root) -> impl Iterator<Item = PathBuf> {
    try_letters(root).into_iter().filter_map(Result::ok)
}

/// A folder, or one that could not be listed, and why.
pub type Listed = Result<PathBuf, (PathBuf, io::Error)>;

/// The same, where it matters that something could not be listed.
pub fn try_letters(root: &Root) -> Vec<Listed> {
    let outbox = root.outbox();
    let mounts = Mounts::below(&outbox);
    let mut found = Vec::new();
    walk(&outbox, Path::new(""), &mounts, &mut found);
    found
}

/// A folder is opened only when nothing is known to be mounted there: another's file system may never answer.
fn walk(outbox: &Path, way: &Path, mounts: &Mounts, found: &mut Vec<Listed>) {
    let folder = outbox.join(way);
    if fs::symlink_metadata(folder.join(STATUS)).is_ok_and(|about| about.is_file()) {
        found.push(Ok(folder.clone()));
    }
    if way.components().count() == DEPTH_MAX {
        return;
    }
    let names = || -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            // The type comes from the folder that was listed; what lies there is not asked.
            if entry.file_type()?.is_dir() && !mounts.are_at(&way.join(entry.file_name())) {
                names.push(entry.file_name());
            }
        }
        names.sort();
        Ok(names)
    };
    match names() {
        Ok(names) => names.iter().for_each(|name| walk(outbox, &way.join(name), mounts, found)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => found.push(Err((folder, error))),
    }
}

/// Letters and sealed batches that lack `FERDIG`, in every place that has the mark: the channels and each month of
/// the archive. What lies in a batch is marked by it.
pub fn unmarked(root: &Root) -> io::Result<Vec<PathBuf>> {
    let mut places = Channel::ALL.map(|channel| root.channel(channel)).to_vec();
    places.extend(subfolders(&root.archive())?);
    let mut unmarked = Vec::new();
    for place in places {
        for folder in subfolders(&place)? {
            if !folder.join(READY).exists() && (folder.join(STATUS).is_file() || is_batch(&folder)) {
                unmarked.push(folder);
            }
        }
    }
    Ok(unmarked)
}

/// A sealed print batch: `batch-YYYY-MM-DD-NN` with its `batch.yaml`. A letter's name ends in its id. One that cannot be
/// read is no letter either.
pub fn is_batch(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    is_batch_name(&name.to_string_lossy()) && folder.join(BATCH).try_exists().unwrap_or(true)
}

/// The folders directly in `dir`, in name order; none where it is missing. One in which something is mounted is left
/// alone: it is named at start, and nothing is asked of a file system that is not ours.
pub fn subfolders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mounts = Mounts::below(dir);
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() && !mounts.touch(Path::new(&entry.file_name())) {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

/// What a letter's folder says of itself. A stranger may have put anything in the file's place: no link is followed,
/// nothing is waited for, and no more is read than an account can have.
pub fn read_status(folder: &Path) -> Option<Status> {
    Status::from_yaml(&read_status_text(folder)?).ok()
}

pub fn read_status_text(folder: &Path) -> Option<Vec<u8>> {
    try_read_status_text(folder).ok()?
}

/// The same, where it matters whether it is not there or could not be read.
pub fn try_read_status_text(folder: &Path) -> io::Result<Option<Vec<u8>>> {
    let bytes = match Dir::open_child(folder).and_then(|folder| folder.read(OsStr::new(STATUS), STATUS_BYTES_MAX + 1)) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        other => other?,
    };
    Ok(bytes.filter(|bytes| bytes.len() as u64 <= STATUS_BYTES_MAX))
}

/// `None` for a folder that has gone away meanwhile. One that cannot be read may be a letter: it is taken for one, and
/// missed when its status is asked for.
fn look(path: PathBuf, stage: Stage) -> Option<LetterFolder> {
    let letter = LetterFolder { path, stage, stops: Vec::new(), doubt: None, ready: false };
    match fs::read_dir(&letter.path) {
        Ok(entries) => Some(letter.looked_through(entries.map(|entry| Ok(entry?.path())))),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(LetterFolder { ready: true, doubt: Some(fault::cause(&error)), ..letter }),
    }
}

impl LetterFolder {
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
                Err(error) => self.doubt = Some(fault::cause(&error)),
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

    fn letter(entries: Vec<io::Result<PathBuf>>) -> LetterFolder {
        let empty =
            LetterFolder { path: PathBuf::new(), stage: Stage::Waiting, stops: Vec::new(), doubt: None, ready: false };
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
