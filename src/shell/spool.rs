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
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::dir::{Dir, Entry, sweep, temporary_in};
use super::ledger::Beside;
use super::root::Root;
use crate::core::identity::OrgNumber;
use crate::core::names::{DECISION, OURS, READY, STATUS, shown};
use crate::core::snapshot::SnapshotName;
use crate::core::whole::says_complete;

/// Where a letter whose inbox is nobody's own is kept while it is worked on.
const COMMON: &str = "_";
/// Deletions that are taken up again at one start.
const TRASH_MAX: usize = 100_000;
/// Letters that may bear one name in one folder before something is wrong.
const SAME_NAME_MAX: u32 = 10_000;

/// A letter folder in `inbox/`, in a sender's own inbox or in the common one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// The folder that the drop was made in. A sender may write in its own inbox, so it is reached without links.
    pub fn open_inbox(&self, root: &Root) -> io::Result<Dir> {
        let inbox = Dir::open(&root.inbox())?;
        match self.sender {
            Some(number) => inbox.child(OsStr::new(&number.to_string())),
            None => Ok(inbox),
        }
    }

    fn open_work(&self, root: &Root) -> io::Result<Dir> {
        self.open_work_parent(root)?.child(&self.name)
    }

    fn open_work_parent(&self, root: &Root) -> io::Result<Dir> {
        let work = self.in_work(root);
        let parent = work.parent().expect("work has a parent");
        match Dir::open(parent) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(parent)?;
                Dir::open(parent)
            }
            other => other,
        }
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
        let (inbox, work) = (drop.open_inbox(self.root)?, drop.open_work_parent(self.root)?);
        inbox.rename_without_replacing(&drop.name, &work, &drop.name)?;
        self.at("claimed");
        // It was a folder when it was listed, and its writer may have swapped it since.
        match work.child(&drop.name) {
            Ok(_) => Ok(()),
            Err(error) => {
                move_beside(&work, &drop.name, &inbox, &drop.name)?;
                Err(error)
            }
        }
    }

    /// Removes what an earlier round left in a letter that was put back into `inbox/`, and the word that it was whole:
    /// that was said of this drop, and must be said anew of a folder that is copied back file by file. A folder that
    /// bears a name of ours is no work of ours: it is moved aside, to be refused as what it is.
    pub fn clean(&self, drop: &DropName) -> io::Result<()> {
        let letter = drop.open_work(self.root)?;
        for name in letter.names_where(says_complete)? {
            letter.remove_file_if_there(&name)?;
        }
        for name in OURS {
            if letter.child(OsStr::new(name)).is_ok() {
                move_beside(&letter, OsStr::new(name), &letter, OsStr::new(&format!("{name}_")))?;
            } else {
                letter.remove_if_there(name)?;
            }
        }
        Ok(())
    }

    /// Puts a letter back where it was dropped, under its own name or the next that is free.
    pub fn put_back(&self, drop: &DropName) -> io::Result<()> {
        let (inbox, work) = (drop.open_inbox(self.root)?, drop.open_work_parent(self.root)?);
        move_beside(&work, &drop.name, &inbox, &drop.name)?;
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
                // Nor is a file that somebody's file manager left there any reason to stop.
                Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Writes what is said of a letter into its folder, in place of what stood there.
    pub fn write(&self, letter: &Path, status: &str, beside: &[Beside]) -> io::Result<()> {
        self.at("write");
        let letter = Dir::open_child(letter)?;
        let texts = beside.iter().map(|file| (file.name.as_str(), file.text.as_str()));
        for (name, text) in texts.chain([(STATUS, status)]) {
            stage(&letter, name, text)?;
            letter.replace(&staged(name), name)?;
        }
        if beside.iter().all(|file| file.name != DECISION) {
            letter.remove_if_there(DECISION)?;
        }
        self.at("written");
        Ok(())
    }

    /// Prepares a new `status.yaml` for a letter that stays where it is and may be read at any time. It takes effect
    /// with [`Spool::put_in_force`], once it is durable.
    pub fn prepare(&self, letter: &Path, status: &str) -> io::Result<()> {
        self.at("prepare");
        stage(&Dir::open_child(letter)?, STATUS, status)
    }

    pub fn put_in_force(&self, letter: &Path) -> io::Result<()> {
        self.at("put in force");
        Dir::open_child(letter)?.replace(&staged(STATUS), STATUS)
    }

    /// Replaces a file that others read, whole; durable when it returns.
    pub fn publish(&self, folder: &Path, name: &str, text: &str) -> io::Result<()> {
        self.at("publish");
        let mut file = temporary_in(folder)?;
        file.write_all(text.as_bytes())?;
        // The rights of any file of ours, not those of a private temporary one.
        file.as_file().set_permissions(Permissions::from_mode(0o640))?;
        file.as_file().sync_all()?;
        file.persist(folder.join(name))?;
        File::open(folder)?.sync_all()
    }

    /// Makes everything before it durable: the letters' content, and every rename so far.
    pub fn sync(&self) -> io::Result<()> {
        self.at("sync");
        // Where the letters are: the root itself may lie on another file system than its folders.
        let folder = File::open(self.root.work())?;
        rustix::fs::syncfs(&folder)?;
        self.at("synced");
        Ok(())
    }

    /// Moves a letter's folder, or a batch's, into the folder `target`; returns the name it got there.
    pub fn place(&self, letter: &Path, target: &Path, name: &str) -> io::Result<String> {
        self.at("place");
        let target = match Dir::open(target) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(target)?;
                Dir::open(target)?
            }
            other => other?,
        };
        let (parent, from) = lying_in(letter)?;
        let name = move_beside(&parent, from, &target, OsStr::new(name))?;
        self.at("moved");
        Ok(name.to_string_lossy().into_owned())
    }

    /// Moves a folder to exactly this path, which nobody else has.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.at("place");
        let ((parent, name), (target, new_name)) = (lying_in(from)?, lying_in(to)?);
        parent.rename_without_replacing(name, &target, new_name)?;
        self.at("moved");
        Ok(())
    }

    /// Takes back the offer of a letter that is to be moved.
    pub fn unmark(&self, letter: &Path) -> io::Result<()> {
        self.at("unmark");
        Dir::open_child(letter)?.remove_if_there(READY)
    }

    /// Deletes a letter or a batch whole: it leaves its place by one rename, and what a crash leaves behind is deleted
    /// at the next start.
    pub fn delete(&self, folder: &Path) -> io::Result<()> {
        self.at("delete");
        let trash = self.root.trash();
        fs::create_dir_all(&trash)?;
        let (parent, name) = lying_in(folder)?;
        let gone = move_beside(&parent, name, &Dir::open(&trash)?, name)?;
        self.at("deleted");
        Dir::open(&trash)?.delete_tree(&gone)
    }

    /// Finishes the deletions that a crash broke off; names what cannot be deleted, and why.
    pub fn empty_trash(&self) -> io::Result<Vec<(String, io::Error)>> {
        let trash = match Dir::open(&self.root.trash()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let (entries, _) = trash.entries(TRASH_MAX)?;
        let delete = |entry: &Entry| match entry.is_folder {
            true => trash.delete_tree(&entry.name),
            false => trash.remove_file_if_there(&entry.name),
        };
        let kept =
            entries.iter().filter_map(|entry| Some((shown(&entry.name.to_string_lossy()), delete(entry).err()?)));
        Ok(kept.collect())
    }

    /// Removes what a crash left under a temporary name of ours.
    pub fn sweep(&self) -> io::Result<()> {
        let tables = self.root.tables();
        // Copies of snapshots, which are not kept any more.
        for name in SnapshotName::ALL.into_iter().flat_map(|name| [format!("{name}.csv"), format!("{name}.csv.gz")]) {
            match fs::remove_file(tables.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        [self.root.outbox(), self.root.state(), tables].iter().try_for_each(|folder| sweep(folder))
    }

    /// Says that a letter may be taken. Only for a letter whose place is durable and recorded.
    pub fn mark_ready(&self, letter: &Path) -> io::Result<()> {
        self.at("mark");
        match Dir::open_child(letter).and_then(|letter| letter.create_new(READY)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Its sender has taken it already, or somebody put another thing in its place: nothing is left to mark.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// The folder that something lies in, and its name there.
fn lying_in(path: &Path) -> io::Result<(Dir, &OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((Dir::open(parent)?, name)),
        _ => Err(ErrorKind::InvalidInput.into()),
    }
}

/// The name under which a file is written before it takes its own.
fn staged(name: &str) -> String {
    format!(".{name}.tmp")
}

/// Writes a file beside the one that it will replace. One that is there already is from before a crash and is not
/// trusted.
fn stage(folder: &Dir, name: &str, text: &str) -> io::Result<()> {
    folder.remove_if_there(&staged(name))?;
    folder.create_new(&staged(name))?.write_all(text.as_bytes())
}

/// Renames into `target` as `name`, else `name-2`, `name-3` …
fn move_beside(dir: &Dir, from: &OsStr, target: &Dir, name: &OsStr) -> io::Result<OsString> {
    for n in 1..=SAME_NAME_MAX {
        let candidate = numbered(name, n);
        match dir.rename_without_replacing(from, target, &candidate) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::names::{STAGED_DECISION, STAGED_STATUS};

    #[test]
    fn what_is_staged_in_a_letter_is_known_as_ours() {
        assert_eq!([staged(STATUS), staged(DECISION)], [STAGED_STATUS, STAGED_DECISION]);
    }

    #[test]
    fn a_taken_name_is_numbered() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["a", "b", "target"] {
            fs::create_dir(temp.path().join(name)).unwrap();
        }
        let dir = Dir::open(temp.path()).unwrap();
        let moved = |from: &str| move_beside(&dir, OsStr::new(from), &dir, OsStr::new("target")).unwrap();
        assert_eq!(moved("a"), "target-2");
        assert_eq!(moved("b"), "target-3");
    }
}
