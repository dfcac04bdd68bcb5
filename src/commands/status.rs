//! `status`: how many letters lie where, and which has waited longest.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Oslo;
use rayon::prelude::*;
use serde::Serialize;

use super::{Answer, Call};
use crate::core::senders::Senders;
use crate::core::status::Stamp;
use crate::shell::intake;
use crate::shell::ledger::{self, Ledger, account_place};
use crate::shell::outbox::{self, Stage, read_status};
use crate::shell::pass::{PassError, read_senders};
use crate::shell::root::Root;
use crate::shell::spool::Spool;

pub fn status(call: &Call) -> Result<Answer, PassError> {
    call.root.check_mounted()?;
    let overview = overview(&call.root, &read_senders(&call.root)?)?;
    Ok(Answer::new(&overview, overview.text())?)
}

/// One place with letters in it.
#[derive(Debug, Serialize)]
struct Place {
    place: String,
    letters: usize,
    /// When the one that has waited longest got there.
    oldest: Option<Stamp>,
}

#[derive(Debug, Serialize)]
struct Overview {
    places: Vec<Place>,
    /// Decisions recorded whose letters are not known to have arrived.
    pending: usize,
}

/// Counts every place. The lock is not taken: a pass may be under way, and the counts are a glance.
fn overview(root: &Root, senders: &Senders) -> anyhow::Result<Overview> {
    let inbox = intake::list(root, senders)?.drops.into_iter().map(|drop| drop.in_inbox(root));
    let mut places = vec![count("inbox", inbox.map(|path| (changed(&path), 1)))];
    let work = if root.work().is_dir() { Spool::new(root, None).unfinished()? } else { Vec::new() };
    places.push(count(".postgang/work", work.into_iter().map(|drop| (changed(&drop.in_work(root)), 1))));
    let ledger = ledger::open_to_read(root.ledger())?;
    let found = in_outbox(root, ledger.as_deref())?;
    for place in ["digipost", "eboks", "altinn", "svarinn", "print", "print (i bunke)", "avvist", "arkiv"] {
        let here = found.iter().filter(|(at, _)| at == place).map(|(_, placed)| (*placed, 1));
        places.push(count(&format!("outbox/{place}"), here));
    }
    let pending = ledger.map(|ledger| ledger.pending()).transpose()?;
    Ok(Overview { places, pending: pending.map_or(0, |list| list.len()) })
}

/// Which place each letter in `outbox/` counts in, and since when it lies there. What is a letter is seen by its folder's
/// name, which the ledger knows; only a folder that it does not know is looked into.
fn in_outbox(root: &Root, ledger: Option<&dyn Ledger>) -> anyhow::Result<Vec<(String, Option<Stamp>)>> {
    let outbox = root.outbox();
    let (mut folders, mut strangers) = (HashMap::new(), Vec::new());
    for folder in outbox::folders(root)? {
        let place = folder.0.strip_prefix(&outbox).unwrap_or(&folder.0).to_string_lossy();
        strangers.extend(folders.insert(account_place(&place).to_owned(), folder));
    }
    let mut found = Vec::new();
    if let Some(ledger) = ledger {
        ledger.stays(&mut |place, since| {
            let since = DateTime::from_timestamp(since, 0).map(|since| Stamp(since.with_timezone(&Oslo)));
            found.extend(folders.remove(place).map(|(path, stage)| (counted_in(root, &path, stage), since)));
        })?;
    }
    strangers.extend(folders.into_values());
    let read = |(path, stage): (PathBuf, Stage)| {
        let letter = outbox::look(path, stage)?;
        // A folder that cannot be read counts; one that never was a letter does not.
        let placed = read_status(&letter.path).map(|status| status.plassert);
        (letter.ready || placed.is_some()).then(|| (counted_in(root, &letter.path, stage), placed))
    };
    found.par_extend(strangers.into_par_iter().filter_map(read));
    Ok(found)
}

fn counted_in(root: &Root, path: &Path, stage: Stage) -> String {
    if stage == Stage::Sealed {
        return "print (i bunke)".to_owned();
    }
    let inside = path.strip_prefix(root.outbox()).unwrap_or(path);
    inside.components().next().map(|place| place.as_os_str().to_string_lossy().into_owned()).unwrap_or_default()
}

fn count(place: &str, letters: impl Iterator<Item = (Option<Stamp>, usize)>) -> Place {
    let (oldest, number) = letters.fold((None::<Stamp>, 0), |(oldest, n), (time, one)| {
        let oldest = match (oldest, time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        (oldest, n + one)
    });
    Place { place: place.to_owned(), letters: number, oldest }
}

fn changed(path: &Path) -> Option<Stamp> {
    let modified: SystemTime = fs::metadata(path).ok()?.modified().ok()?;
    Some(Stamp(DateTime::<Utc>::from(modified).with_timezone(&Oslo)))
}

impl Overview {
    fn text(&self) -> String {
        let mut text = format!("{:<24} {:>8}  {}\n", "Sted", "Brev", "Eldste");
        for place in &self.places {
            let oldest = place.oldest.map(|stamp| stamp.to_string()).unwrap_or_default();
            text += &format!("{:<24} {:>8}  {oldest}", place.place, place.letters);
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        if self.pending > 0 {
            text += &format!("{} avgjorte brev er ikke kommet på plass ennå.\n", self.pending);
        }
        text
    }
}
