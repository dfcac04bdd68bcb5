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
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::dir::{Dir, Entry, sweep};
use super::held::OpenElsewhere;
use super::ledger::Beside;
use super::root::Root;
use super::takeover::{Whose, take_over};
use crate::core::identity::OrgNumber;
use crate::core::names::{DECISION, OURS, READY, STATUS, shown};
use crate::core::snapshot::SnapshotName;
use crate::core::whole::says_complete;

/// Where a letter whose inbox is nobody's own is kept while it is worked on.
const COMMON: &str = "_";
/// In `.postgang/`, where `outbox/` itself cannot bear the note.
const GENERATION: &str = "generation";
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

/// Every write, removal, move and mark goes through the descriptors of the three folders that were opened when the pass
/// began: below them no link and no mount is passed, whatever becomes of the names meanwhile.
pub struct Spool<'a> {
    root: &'a Root,
    probe: Probe,
    inbox: Result<Dir, Errno>,
    outbox: Result<Dir, Errno>,
    state: Result<Dir, Errno>,
}

impl<'a> Spool<'a> {
    /// What is missing is told when it is needed.
    pub fn new(root: &'a Root, probe: Probe) -> Self {
        let open = |path: &Path| Dir::open(path).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
        let (inbox, outbox, state) = (open(&root.inbox()), open(&root.outbox()), open(&root.state()));
        Self { root, probe, inbox, outbox, state }
    }

    fn at(&self, step: &'static str) {
        if let Some(probe) = self.probe {
            probe(step);
        }
    }

    /// The folder of the three that a path leads through, and the way from it.
    fn way<'p>(&self, path: &'p Path) -> io::Result<(&Dir, &'p Path)> {
        let bases =
            [(self.root.inbox(), &self.inbox), (self.root.outbox(), &self.outbox), (self.root.state(), &self.state)];
        for (base, dir) in bases {
            if let Ok(way) = path.strip_prefix(&base) {
                return Ok((dir.as_ref().map_err(|errno| *errno)?, way));
            }
        }
        Err(ErrorKind::InvalidInput.into())
    }

    fn open(&self, path: &Path) -> io::Result<Dir> {
        let (base, way) = self.way(path)?;
        base.below(way)
    }

    fn make(&self, path: &Path) -> io::Result<Dir> {
        let (base, way) = self.way(path)?;
        base.make_below(way)
    }

    /// The folder that something lies in, and its name there.
    fn lying_in<'p>(&self, path: &'p Path) -> io::Result<(Dir, &'p OsStr)> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok((self.open(parent)?, name)),
            _ => Err(ErrorKind::InvalidInput.into()),
        }
    }

    /// Where a drop lies in `inbox/` and where it is worked on: two folders, and its name in both.
    fn both_ends<'d>(&self, drop: &'d DropName) -> io::Result<(Dir, Dir, &'d OsStr)> {
        let (inbox, work) = (drop.in_inbox(self.root), drop.in_work(self.root));
        let (inbox, work) = (inbox.parent().expect("it is in inbox/"), work.parent().expect("it is in work/"));
        Ok((self.open(inbox)?, self.make(work)?, &drop.name))
    }

    /// Takes a drop out of `inbox/`. Nothing its writer does to the path afterwards can reach it.
    pub fn claim(&self, drop: &DropName) -> io::Result<()> {
        self.at("claim");
        let (inbox, work, name) = self.both_ends(drop)?;
        inbox.rename_without_replacing(name, &work, name)?;
        self.at("claimed");
        // It was a folder when it was listed, and its writer may have swapped it since.
        match work.child(name) {
            Ok(_) => Ok(()),
            Err(error) => {
                move_beside(&work, name, &inbox, name)?;
                Err(error)
            }
        }
    }

    /// Makes a claimed drop ours, see [`take_over`]. What was put into it too late goes back to `inbox/`, and is told there.
    pub fn take_over(&self, drop: &DropName, open: &OpenElsewhere) -> io::Result<Whose> {
        let (inbox, work, name) = self.both_ends(drop)?;
        let trash = self.make(&self.root.trash())?;
        let outcome = take_over(&work, name, &trash, open)?;
        if let Some(late) = outcome.late {
            move_beside(&trash, &late, &inbox, name)?;
        }
        Ok(outcome.whose)
    }

    /// Removes what an earlier round left in a letter that was put back into `inbox/`, and the word that it was whole:
    /// that was said of this drop, and must be said anew of a folder that is copied back file by file. A folder that
    /// bears a name of ours is no work of ours: it is moved aside, to be refused as what it is.
    pub fn clean(&self, drop: &DropName) -> io::Result<()> {
        let letter = self.open(&drop.in_work(self.root))?;
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
        let (inbox, work, name) = self.both_ends(drop)?;
        move_beside(&work, name, &inbox, name)?;
        Ok(())
    }

    /// What an earlier pass claimed and did not place, in name order.
    pub fn unfinished(&self) -> io::Result<Vec<DropName>> {
        let work = self.open(&self.root.work())?;
        let mut drops = Vec::new();
        for sender in work.names_where(|name| name == COMMON || OrgNumber::parse(name.as_bytes()).is_some())? {
            let names = match work.child(&sender).and_then(|sender| sender.names_where(|_| true)) {
                // Somebody's file, or a folder that another pass has just emptied.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
                other => other?,
            };
            let sender = OrgNumber::parse(sender.as_bytes());
            drops.extend(names.into_iter().map(|name| DropName { sender, name }));
        }
        drops.sort();
        Ok(drops)
    }

    /// How far the ledger had come when letters were last moved: the number of its newest event. 0 where nobody knows.
    pub fn generation(&self) -> io::Result<i64> {
        let outbox = self.open(&self.root.outbox())?.note()?;
        let file = match self.open(&self.root.state())?.read(OsStr::new(GENERATION), 32) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            other => other?,
        };
        let file = file.and_then(|text| String::from_utf8_lossy(&text).trim().parse().ok());
        Ok(outbox.max(file).unwrap_or_default())
    }

    /// Notes how far the ledger has come: on `outbox/` itself, which an older `.postgang/` put back does not bring back
    /// with it, and where the file system cannot, in a file.
    pub fn set_generation(&self, event: i64) -> io::Result<()> {
        let state = self.open(&self.root.state())?;
        match self.open(&self.root.outbox())?.set_note(event) {
            Ok(()) => state.remove_if_there(GENERATION),
            Err(_) => state.publish(GENERATION, format!("{event}\n").as_bytes(), 0o600),
        }
    }

    /// Leaves `work/` as empty as it is: a folder that still holds a letter stays.
    pub fn tidy(&self) -> io::Result<()> {
        let work = self.open(&self.root.work())?;
        work.names_where(|_| true)?.iter().try_for_each(|sender| work.remove_folder_if_empty(sender))
    }

    /// Writes what is said of a letter into its folder, in place of what stood there.
    pub fn write(&self, letter: &Path, status: &str, beside: &[Beside]) -> io::Result<()> {
        self.at("write");
        let letter = self.open(letter)?;
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
        stage(&self.open(letter)?, STATUS, status)
    }

    pub fn put_in_force(&self, letter: &Path) -> io::Result<()> {
        self.at("put in force");
        self.open(letter)?.replace(&staged(STATUS), STATUS)
    }

    /// Replaces a list that others read, whole; durable when it returns.
    pub fn publish(&self, folder: &Path, name: &str, text: &str) -> io::Result<()> {
        self.at("publish");
        self.open(folder)?.publish(name, text.as_bytes(), 0o640)
    }

    /// Writes a file into a folder where clerks look.
    pub fn leave(&self, folder: &Path, name: &str, text: &str) -> io::Result<()> {
        self.at("leave");
        let folder = self.open(folder)?;
        stage(&folder, name, text)?;
        folder.replace(&staged(name), name)
    }

    /// Makes everything before it durable: the letters' content, and every rename so far. All that is written lies on
    /// one file system, which is what the root is refused for otherwise.
    pub fn sync(&self) -> io::Result<()> {
        self.at("sync");
        self.open(&self.root.work())?.sync_file_system()?;
        self.at("synced");
        Ok(())
    }

    /// Moves a letter's folder, or a batch's, into the folder `target`; returns the name it got there.
    pub fn place(&self, letter: &Path, target: &Path, name: &str) -> io::Result<String> {
        self.at("place");
        let (target, (parent, from)) = (self.make(target)?, self.lying_in(letter)?);
        let name = move_beside(&parent, from, &target, OsStr::new(name))?;
        self.at("moved");
        Ok(name.to_string_lossy().into_owned())
    }

    /// Moves a folder to exactly this path, which nobody else has.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.at("place");
        let ((parent, name), (target, new_name)) = (self.lying_in(from)?, self.lying_in(to)?);
        parent.rename_without_replacing(name, &target, new_name)?;
        self.at("moved");
        Ok(())
    }

    /// Takes back the offer of a letter that is to be moved.
    pub fn unmark(&self, letter: &Path) -> io::Result<()> {
        self.at("unmark");
        self.open(letter)?.remove_if_there(READY)
    }

    /// An empty folder of ours to make something in, in place of what a crash left of one by that name.
    pub fn fresh(&self, path: &Path) -> io::Result<Dir> {
        self.discard(path)?;
        self.make(path)
    }

    /// Deletes a folder of ours in which there is no letter.
    pub fn discard(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = match self.lying_in(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        match parent.delete_tree(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Removes a folder in which nothing lies any more.
    pub fn remove_if_empty(&self, folder: &Path) -> io::Result<()> {
        let (parent, name) = self.lying_in(folder)?;
        parent.remove_folder_if_empty(name)
    }

    /// Deletes a letter or a batch whole: it leaves its place by one rename, and what a crash leaves behind is deleted
    /// at the next start.
    pub fn delete(&self, folder: &Path) -> io::Result<()> {
        self.at("delete");
        let (trash, (parent, name)) = (self.make(&self.root.trash())?, self.lying_in(folder)?);
        let gone = move_beside(&parent, name, &trash, name)?;
        self.at("deleted");
        trash.delete_tree(&gone)
    }

    /// Finishes the deletions that a crash broke off; names what cannot be deleted, and why.
    pub fn empty_trash(&self) -> io::Result<Vec<(String, io::Error)>> {
        let trash = match self.open(&self.root.trash()) {
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
        match self.open(&self.root.tables()) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            tables => {
                let tables = tables?;
                // Copies of snapshots, which are not kept any more.
                for name in SnapshotName::ALL {
                    tables.remove_if_there(&format!("{name}.csv"))?;
                    tables.remove_if_there(&format!("{name}.csv.gz"))?;
                }
                sweep(&tables)?;
            }
        }
        [self.root.outbox(), self.root.state()].iter().try_for_each(|folder| sweep(&self.open(folder)?))
    }

    /// Says that a letter may be taken. Only for a letter whose place is durable and recorded.
    pub fn mark_ready(&self, letter: &Path) -> io::Result<()> {
        self.at("mark");
        match self.open(letter).and_then(|letter| letter.create_new(READY)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Its sender has taken it already, or somebody put another thing in its place: nothing is left to mark.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
            other => other.map(drop),
        }
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
    use std::fs;

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
