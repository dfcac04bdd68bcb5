//! The spool: the only module that moves letters. A letter is in exactly one place, and its place is its state.
//!
//! A batch of letters goes through the same steps together, so that they share two syncs:
//!
//! | step | where the letter is | what a crash here leaves |
//! |---|---|---|
//! | claim: rename | `.postgang/work/` | taken up again at start |
//! | decide: ledger | `.postgang/work/` | goes on by the recorded decision |
//! | write: `status.yaml` | `.postgang/work/` | written again |
//! | sync | `.postgang/work/` | the same |
//! | place: rename without replacing | `outbox/` | found there at start |
//! | sync, record | `outbox/` | the same |
//! | mark: `FERDIG` | `outbox/` | put back at start |
//!
//! A power cut may take back every step after the last sync, so nobody may act on a letter without `FERDIG`.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::root::Root;
use crate::core::identity::OrgNumber;
use crate::core::names::{BATCH, DECISION, OURS, READY, STATUS, shown};
use crate::core::route::Channel;

/// Where a letter whose inbox is nobody's own is kept while it is worked on.
const COMMON: &str = "_";
/// Letters that may bear one name in one folder before something is wrong.
const SAME_NAME_MAX: u32 = 10_000;

/// A letter folder in `inbox/`, in a sender's own inbox or in the common one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DropName {
    pub sender: Option<OrgNumber>,
    pub name: OsString,
}

impl DropName {
    pub fn in_inbox(&self, root: &Root) -> PathBuf {
        let mut path = root.inbox();
        path.extend(self.sender.map(|number| number.to_string()));
        path.join(&self.name)
    }

    pub fn in_work(&self, root: &Root) -> PathBuf {
        root.work().join(self.sender.map_or(COMMON.to_owned(), |number| number.to_string())).join(&self.name)
    }

    /// For messages, logs and the ledger.
    pub fn shown(&self) -> String {
        let name = shown(&self.text());
        self.sender.map_or_else(|| format!("inbox/{name}"), |number| format!("inbox/{number}/{name}"))
    }

    pub fn text(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }
}

/// A point in the protocol at which a crash is simulated in tests; nothing in service.
pub type Probe = Option<fn(&'static str)>;

pub struct Spool<'a> {
    root: &'a Root,
    probe: Probe,
}

impl<'a> Spool<'a> {
    pub fn new(root: &'a Root, probe: Probe) -> Self {
        Self { root, probe }
    }

    fn at(&self, step: &'static str) {
        if let Some(probe) = self.probe {
            probe(step);
        }
    }

    /// Takes a drop out of `inbox/`. Nothing its writer does to the path afterwards can reach it.
    pub fn claim(&self, drop: &DropName) -> io::Result<()> {
        self.at("claim");
        let work = drop.in_work(self.root);
        fs::create_dir_all(work.parent().expect("work has a parent"))?;
        rename_without_replacing(&drop.in_inbox(self.root), &work)?;
        self.at("claimed");
        Ok(())
    }

    /// Removes what an earlier round left in a letter that was put back into `inbox/`.
    pub fn clean(&self, drop: &DropName) -> io::Result<()> {
        let work = drop.in_work(self.root);
        for name in OURS {
            remove_if_there(&work.join(name))?;
        }
        Ok(())
    }

    /// Puts a letter back where it was dropped, under its own name or the next that is free.
    pub fn put_back(&self, drop: &DropName) -> io::Result<()> {
        let inbox = drop.in_inbox(self.root);
        let parent = inbox.parent().expect("an inbox has a parent");
        move_beside(&drop.in_work(self.root), parent, &drop.name)?;
        Ok(())
    }

    /// What an earlier pass claimed and did not place, in name order.
    pub fn unfinished(&self) -> io::Result<Vec<DropName>> {
        let mut drops = Vec::new();
        for sender in fs::read_dir(self.root.work())? {
            let sender = sender?;
            let number = OrgNumber::parse(sender.file_name().as_bytes());
            if !sender.file_type()?.is_dir() || (number.is_none() && sender.file_name() != COMMON) {
                continue;
            }
            for drop in fs::read_dir(sender.path())? {
                drops.push(DropName { sender: number, name: drop?.file_name() });
            }
        }
        drops.sort();
        Ok(drops)
    }

    /// Leaves `work/` as empty as it is: a folder that still holds a letter stays.
    pub fn tidy(&self) -> io::Result<()> {
        for sender in fs::read_dir(self.root.work())? {
            match fs::remove_dir(sender?.path()) {
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Writes what is said of a letter into its folder, in place of what stood there.
    pub fn write(&self, letter: &Path, status: &str, decision: Option<&str>) -> io::Result<()> {
        self.at("write");
        for (name, text) in [(STATUS, Some(status)), (DECISION, decision)] {
            match text {
                Some(text) => {
                    stage(letter, name, text)?;
                    fs::rename(letter.join(staged(name)), letter.join(name))?;
                }
                None => remove_if_there(&letter.join(name))?,
            }
        }
        self.at("written");
        Ok(())
    }

    /// Prepares a new `status.yaml` for a letter that stays where it is and may be read at any time. It takes effect
    /// with [`Spool::put_in_force`], once it is durable.
    pub fn prepare(&self, letter: &Path, status: &str) -> io::Result<()> {
        self.at("prepare");
        stage(letter, STATUS, status)
    }

    pub fn put_in_force(&self, letter: &Path) -> io::Result<()> {
        self.at("put in force");
        fs::rename(letter.join(staged(STATUS)), letter.join(STATUS))
    }

    /// Replaces a file that others read, whole; durable when it returns.
    pub fn publish(&self, folder: &Path, name: &str, text: &str) -> io::Result<()> {
        self.at("publish");
        stage(folder, name, text)?;
        self.sync()?;
        fs::rename(folder.join(staged(name)), folder.join(name))?;
        self.sync()
    }

    /// Makes everything before it durable: the letters' content, and every rename so far.
    pub fn sync(&self) -> io::Result<()> {
        self.at("sync");
        let folder = File::open(self.root.dir())?;
        rustix::fs::syncfs(&folder)?;
        self.at("synced");
        Ok(())
    }

    /// Moves a letter's folder, or a batch's, into the folder `target`; returns the name it got there.
    pub fn place(&self, letter: &Path, target: &Path, name: &str) -> io::Result<String> {
        self.at("place");
        fs::create_dir_all(target)?;
        let name = move_beside(letter, target, OsStr::new(name))?;
        self.at("moved");
        Ok(name.to_string_lossy().into_owned())
    }

    /// Moves a folder to exactly this path, which nobody else has.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.at("place");
        rename_without_replacing(from, to)?;
        self.at("moved");
        Ok(())
    }

    /// Takes back the offer of a letter that is to be moved.
    pub fn unmark(&self, letter: &Path) -> io::Result<()> {
        self.at("unmark");
        remove_if_there(&letter.join(READY))
    }

    /// Deletes a letter or a batch whole: it leaves its place by one rename, and what a crash leaves behind is deleted
    /// at the next start.
    pub fn delete(&self, folder: &Path) -> io::Result<()> {
        self.at("delete");
        let trash = self.root.trash();
        fs::create_dir_all(&trash)?;
        let gone = move_beside(folder, &trash, folder.file_name().unwrap_or_default())?;
        self.at("deleted");
        fs::remove_dir_all(trash.join(gone))
    }

    /// Finishes the deletions that a crash broke off.
    pub fn empty_trash(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.root.trash()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Says that a letter may be taken. Only for a letter whose place is durable and recorded.
    pub fn mark_ready(&self, letter: &Path) -> io::Result<()> {
        self.at("mark");
        match File::create_new(letter.join(READY)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Its sender has taken it already, or an operator moved it: nothing is left to mark.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// Letters in a channel's outbox that lack `FERDIG`, in name order; print batches are not letters.
    pub fn unmarked(&self, channel: Channel) -> io::Result<Vec<PathBuf>> {
        let mut letters = Vec::new();
        for entry in fs::read_dir(self.root.channel(channel))? {
            let path = entry?.path();
            if path.join(STATUS).is_file() && !path.join(READY).exists() {
                letters.push(path);
            }
        }
        letters.sort();
        Ok(letters)
    }

    /// Sealed print batches that lack `FERDIG`, in name order.
    pub fn unmarked_batches(&self) -> io::Result<Vec<PathBuf>> {
        let mut batches = Vec::new();
        for entry in fs::read_dir(self.root.channel(Channel::Print))? {
            let path = entry?.path();
            if path.join(BATCH).is_file() && !path.join(READY).exists() {
                batches.push(path);
            }
        }
        batches.sort();
        Ok(batches)
    }
}

/// The name under which a file is written before it takes its own.
fn staged(name: &str) -> String {
    format!(".{name}.tmp")
}

/// Writes a file beside the one that it will replace. One that is there already is from before a crash and is not
/// trusted.
fn stage(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = folder.join(staged(name));
    remove_if_there(&path)?;
    File::create_new(&path)?.write_all(text.as_bytes())
}

/// Renames into `parent` as `name`, else `name-2`, `name-3` …
fn move_beside(from: &Path, parent: &Path, name: &OsStr) -> io::Result<OsString> {
    for n in 1..=SAME_NAME_MAX {
        let candidate = numbered(name, n);
        match rename_without_replacing(from, &parent.join(&candidate)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(candidate),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "every numbered name is taken"))
}

fn numbered(name: &OsStr, n: u32) -> OsString {
    let mut name = name.to_os_string();
    if n > 1 {
        name.push(format!("-{n}"));
    }
    name
}

/// `rename` alone would silently replace an empty folder. Where the file system cannot refuse that itself, the check
/// before it is the best there is: all writers of the target are ours, and the lock is held.
fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    let outcome = match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if to.symlink_metadata().is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        other => other.map_err(io::Error::from),
    };
    match outcome {
        // A network file system may report failure though it happened: old gone and new there is success.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let happened = from.symlink_metadata().is_err() && to.symlink_metadata().is_ok();
            if happened { Ok(()) } else { Err(error) }
        }
        other => other,
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a", "b", "target"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let error = rename_without_replacing(&dir.path().join("a"), &dir.path().join("target")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(move_beside(&dir.path().join("a"), dir.path(), OsStr::new("target")).unwrap(), "target-2");
        assert_eq!(move_beside(&dir.path().join("b"), dir.path(), OsStr::new("target")).unwrap(), "target-3");
    }
}
