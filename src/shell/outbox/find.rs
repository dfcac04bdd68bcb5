//! Finding placed letters: by id, by the sender's reference, or by folder.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::{letters, name, read_status};
use crate::core::names::shown;
use crate::core::status::Status;
use crate::shell::ledger::{self, Asked, Ledger, LedgerEvent};
use crate::shell::root::Root;

/// Letters that are shown of those that answer to a beginning.
const SHOWN_MAX: u32 = 100;
/// Digits of an id that say which letter is meant.
const ID_DIGITS_MIN: usize = 8;

fn is_beginning_of_id(text: &str) -> bool {
    text.len() >= ID_DIGITS_MIN && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// What is known of one letter.
#[derive(Clone, Debug)]
pub struct KnownLetter {
    pub id: String,
    /// Its folder and what that says of itself; `None` when the folder is gone.
    pub placed: Option<(PathBuf, Status)>,
    /// From the ledger, the oldest first.
    pub history: Vec<LedgerEvent>,
    /// The query is the beginning of its id or reference, and not the whole of it.
    pub by_beginning: bool,
}

/// Letters that answer to `query`, the oldest first. Empty when there are none.
pub fn find(root: &Root, query: &str) -> anyhow::Result<Vec<KnownLetter>> {
    let ledger = ledger::open_to_read(root.ledger())?;
    if let Some(folder) = folder(root, query) {
        let status = read_status(&folder).expect("that it has one is how it was found");
        return Ok(vec![with_history(ledger.as_deref(), status.forsendelsesId.clone(), Some((folder, status)))?]);
    }
    // As it is kept: an id in small letters, a reference without identity numbers, composed or not.
    let id = query.to_ascii_lowercase();
    let query = shown(query);
    let references = [query.clone(), query.nfc().collect(), query.nfd().collect()];
    let mut ids = Vec::new();
    let mut by_beginning = false;
    if let Some(ledger) = &ledger {
        ids = ledger.letters(Asked::Id(&id))?;
        if ids.is_empty() {
            for reference in &references {
                ids.extend(ledger.letters(Asked::Reference(reference))?);
            }
            // Nobody's whole word: its beginning may be somebody's.
            let is_whole = !ids.is_empty();
            if ids.is_empty() && is_beginning_of_id(&id) {
                ids.extend(ledger.letters(Asked::IdBeginning(&id, SHOWN_MAX))?);
            }
            if ids.is_empty() && !query.trim().is_empty() {
                for reference in &references {
                    ids.extend(ledger.letters(Asked::ReferenceBeginning(reference, SHOWN_MAX))?);
                }
            }
            by_beginning = !is_whole && !ids.is_empty();
        }
    }
    let answers = |status: &Status| {
        status.forsendelsesId == id || status.eksternReferanse.as_ref().is_some_and(|own| references.contains(own))
    };
    let mut placed = match ids.as_slice() {
        // Nothing remembered: the folders themselves are asked, first by their names.
        [] => folders(root, &query, &mut by_beginning, answers),
        _ => {
            let may_be = |name: &str| ids.iter().any(|id| name.contains(&id[..8.min(id.len())]));
            in_outbox(root, may_be, |status| ids.contains(&status.forsendelsesId))
        }
    };
    ids.extend(placed.iter().map(|(_, status)| status.forsendelsesId.clone()));
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    let take = |id: String| {
        let at = placed.iter().position(|(_, status)| status.forsendelsesId == id);
        let place = at.map(|at| placed.swap_remove(at));
        let found = with_history(ledger.as_deref(), id, place)?;
        Ok(KnownLetter { by_beginning, ..found })
    };
    ids.into_iter().map(take).collect()
}

fn with_history(
    ledger: Option<&dyn Ledger>,
    id: String,
    placed: Option<(PathBuf, Status)>,
) -> anyhow::Result<KnownLetter> {
    let history = ledger.map(|ledger| ledger.history(&id)).transpose()?.unwrap_or_default();
    Ok(KnownLetter { id, placed, history, by_beginning: false })
}

/// A letter's folder, given from here, from the root or from `outbox/`.
fn folder(root: &Root, query: &str) -> Option<PathBuf> {
    let places = [root.dir().join(query), root.outbox().join(query), PathBuf::from(query)];
    places.into_iter().find(|path| path.is_dir() && read_status(path).is_some())
}

/// Letters whose folders answer to `query`: by name, by their reference, by lying in the folder that it names, or by the
/// beginning of their names, which is what the letter was dropped under.
fn folders(
    root: &Root,
    query: &str,
    by_beginning: &mut bool,
    answers: impl Fn(&Status) -> bool + Sync,
) -> Vec<(PathBuf, Status)> {
    let named = in_outbox(root, |name| name == query, |_| true);
    let whole = if named.is_empty() { in_outbox(root, |_| true, answers) } else { named };
    if !whole.is_empty() || query.trim().is_empty() {
        return whole;
    }
    *by_beginning = true;
    let inside = [root.outbox().join(query), root.dir().join(query), PathBuf::from(query)];
    let inside = inside.iter().filter_map(|path| path.canonicalize().ok()).find(|path| is_in_outbox(root, path));
    let paths: Vec<PathBuf> = match &inside {
        Some(folder) => {
            letters(root).filter(|path| path.canonicalize().is_ok_and(|path| path.starts_with(folder))).collect()
        }
        None => {
            // A batch, or a month of the archive, by its own name.
            let lies_in = |path: &PathBuf| path.ancestors().skip(1).any(|folder| name(folder) == query);
            letters(root).filter(|path| name(path).starts_with(query) || lies_in(path)).collect()
        }
    };
    let read = |path: PathBuf| read_status(&path).map(|status| (path, status));
    paths.into_iter().filter_map(read).take(SHOWN_MAX as usize).collect()
}

fn is_in_outbox(root: &Root, path: &Path) -> bool {
    root.outbox().canonicalize().is_ok_and(|outbox| path.starts_with(&outbox) && *path != outbox)
}

/// Letters below `outbox/` whose folder may be and whose status is the right one, in path order.
fn in_outbox(
    root: &Root,
    may_be: impl Fn(&str) -> bool,
    is: impl Fn(&Status) -> bool + Sync,
) -> Vec<(PathBuf, Status)> {
    let folders: Vec<PathBuf> = letters(root).filter(|path| may_be(&name(path))).collect();
    let read = |path: PathBuf| read_status(&path).filter(&is).map(|status| (path, status));
    folders.into_par_iter().filter_map(read).collect()
}
