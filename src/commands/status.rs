//! `status`: how many letters lie where, and which has waited longest.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Oslo;
use rayon::prelude::*;
use serde::Serialize;

use super::{Answer, Call};
use crate::core::senders::Senders;
use crate::core::status::Stamp;
use crate::shell::intake;
use crate::shell::ledger;
use crate::shell::outbox::{LetterFolder, Stage, read_status, survey};
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
    let read = |letter: &LetterFolder| {
        let inside = letter.path.strip_prefix(root.outbox()).ok()?;
        let place = inside.components().next()?.as_os_str().to_string_lossy().into_owned();
        let batched = letter.stage == Stage::Sealed;
        let place = if batched { "print (i bunke)".to_owned() } else { place };
        // A folder that cannot be read counts; one that never was a letter does not.
        let placed = read_status(&letter.path).map(|status| status.plassert);
        (letter.ready || placed.is_some()).then_some((place, placed))
    };
    let found: Vec<_> = survey(root)?.letters.par_iter().filter_map(read).collect();
    for place in ["digipost", "eboks", "altinn", "svarinn", "print", "print (i bunke)", "avvist", "arkiv"] {
        let here = found.iter().filter(|(at, _)| at == place).map(|(_, placed)| (*placed, 1));
        places.push(count(&format!("outbox/{place}"), here));
    }
    let pending = ledger::open_to_read(root.ledger())?.map(|ledger| ledger.pending()).transpose()?;
    Ok(Overview { places, pending: pending.map_or(0, |list| list.len()) })
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
