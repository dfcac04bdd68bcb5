//! A claimed letter becomes ours: a fresh folder takes its place, with fresh files in it.
//!
//! Who dropped it may hold its files or its folder open, and can write through such a descriptor wherever they have been
//! moved. What is decided on, printed and handed over must be out of their reach. A folder that nobody but our own user
//! can have open, and nobody has, is ours already: whoever runs as we do may write anywhere in the root.
//!
//! The fresh folder is made in `.postgang/slettes/`, and changes places with the dropped one by one call: at every moment
//! the letter is whole in its place, and what a crash leaves is deleted at the next start.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};

use rustix::process::geteuid;

use super::dir::{Dir, Entry, Fingerprint};
use super::held::OpenElsewhere;
use crate::core::judge::DOCUMENTS_BYTES_MAX;

/// Files in a drop that are copied; with more it is refused.
pub const FILES_MAX: usize = 1_000;

/// Whose a claimed letter is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Ours,
    /// It holds what makes it refused, and was left as it is: it may not be accepted.
    Refusable,
}

/// What came of it.
pub struct Outcome {
    pub whose: Whose,
    /// In the folder for what is to be deleted: what was put into the dropped folder too late to be copied.
    pub late: Option<OsString>,
}

/// Takes over the folder `name` in `work`; an error of [`ErrorKind::ResourceBusy`] says that somebody wrote in it
/// meanwhile.
pub fn take_over(work: &Dir, name: &OsStr, trash: &Dir, open: &OpenElsewhere) -> io::Result<Outcome> {
    let dropped = work.child(name)?;
    let (entries, beyond) = dropped.entries(FILES_MAX + 1)?;
    let as_it_is = |whose| Ok(Outcome { whose, late: None });
    if !is_doubtful(&dropped.itself()?, open) && !entries.iter().any(|entry| is_doubtful(entry, open)) {
        return as_it_is(Whose::Ours);
    }
    let bytes: Option<u64> = entries.iter().map(|entry| entry.bytes).sum();
    if beyond > 0 || entries.len() > FILES_MAX || bytes.is_none_or(|bytes| bytes > 2 * DOCUMENTS_BYTES_MAX) {
        return as_it_is(Whose::Refusable);
    }
    let (fresh_name, fresh) = fresh_folder(trash)?;
    let copy = || -> io::Result<()> {
        fresh.inherit(&dropped)?;
        entries.iter().try_for_each(|entry| fresh.copy_from(&dropped, &entry.name))?;
        let (now, beyond) = dropped.entries(FILES_MAX + 1)?;
        if Fingerprint::of(now.iter(), beyond) != Fingerprint::of(entries.iter(), 0) {
            return Err(ErrorKind::ResourceBusy.into());
        }
        trash.exchange(&fresh_name, work, name)
    };
    if let Err(error) = copy() {
        trash.delete_tree(&fresh_name)?;
        return match error.kind() {
            // A file system that cannot change two names at once: the documents are compared when they are used.
            ErrorKind::InvalidInput | ErrorKind::Unsupported => as_it_is(Whose::Ours),
            _ => Err(error),
        };
    }
    // The name is the dropped folder's now. Nothing but what was copied is deleted.
    entries.iter().try_for_each(|entry| dropped.remove_file_if_there(&entry.name))?;
    trash.remove_folder_if_empty(&fresh_name)?;
    let late = trash.holds(&fresh_name)?.then_some(fresh_name);
    Ok(Outcome { whose: Whose::Ours, late })
}

/// Whether somebody else may have it open, or reach it by another name.
fn is_doubtful(entry: &Entry, open: &OpenElsewhere) -> bool {
    let other_names = !entry.is_folder && entry.links > 1;
    entry.owner != geteuid().as_raw() || other_names || open.holds(&entry.id)
}

fn fresh_folder(trash: &Dir) -> io::Result<(OsString, Dir)> {
    for number in 0u64.. {
        let name = OsString::from(format!("overtas-{number}"));
        if trash.make(&name)? {
            let folder = trash.child(&name)?;
            return Ok((name, folder));
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}
