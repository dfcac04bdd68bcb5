//! Moving letters on: one way for the intake and for the night, and the same way again after a crash.
//!
//! A letter moves when its decision is recorded in the ledger (`pending`) and not before. From there on every step can
//! be repeated: `FERDIG` is taken away, `status.yaml` written, both made durable, the folder renamed, that made durable,
//! the place recorded, and `FERDIG` put back.

pub mod seal;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;

use super::dir::is_folder;
use super::fault;
pub use super::ledger::Journey;
use super::ledger::Ledger;
use super::outbox::{name, subfolders, try_read_status_text};
use super::root::Root;
use super::spool::Spool;
use crate::core::calendar::Time;
use crate::core::names::shown;
use crate::core::status::{Stamp, Status};

impl Journey {
    fn target(&self, root: &Root) -> PathBuf {
        root.outbox().join(&self.pending.target)
    }

    fn place(&self, folder: &str) -> String {
        format!("{}/{folder}", self.pending.target)
    }
}

/// A letter that has come to its place.
pub struct Arrived {
    /// The folder's name there.
    pub folder: String,
    /// For the operator, where `FERDIG` could not be written. It is tried again at the next start.
    pub unmarked: Option<String>,
}

/// Moves letters together, so that they share two syncs. The outcome of each, in order: where it came, or why it
/// stayed. A letter that stayed is tried again at the next start.
pub fn carry_out(
    root: &Root,
    spool: &Spool,
    ledger: &mut dyn Ledger,
    now: Time,
    journeys: &[Journey],
) -> anyhow::Result<Vec<io::Result<Arrived>>> {
    if journeys.is_empty() {
        return Ok(Vec::new());
    }
    let write = |journey: &Journey| {
        if journey.pending.is_moved_on() {
            spool.unmark(&journey.from)?;
        }
        spool.write(&journey.from, &journey.pending.status, &journey.pending.beside)
    };
    let written: Vec<io::Result<()>> = journeys.par_iter().map(write).collect();
    spool.sync().context("kan ikke lagre brevene varig; de tas opp igjen ved neste start")?;
    let mut outcomes = Vec::new();
    for (journey, written) in journeys.iter().zip(written) {
        let place = || spool.place(&journey.from, &journey.target(root), &journey.pending.folder);
        outcomes.push(written.and_then(|()| place()));
    }
    spool.sync().context("kan ikke lagre flyttingene varig; brevene tas opp igjen ved neste start")?;
    let moved = journeys.iter().zip(&outcomes).filter_map(|(j, outcome)| Some((j, outcome.as_ref().ok()?)));
    let moved: Vec<(&Journey, &String)> = moved.collect();
    let places: Vec<_> = moved.iter().map(|(journey, folder)| (&journey.status, journey.place(folder))).collect();
    ledger.placed(&Stamp(now).to_string(), &places, None)?;
    note_generation(spool, ledger)?;
    let arrive = |(journey, outcome): (&Journey, io::Result<String>)| {
        let folder = outcome?;
        let unmarked = mark(root, spool, &journey.target(root).join(&folder));
        Ok(Arrived { folder, unmarked })
    };
    Ok(journeys.par_iter().zip(outcomes).map(arrive).collect())
}

/// Notes how far the ledger has come, see [`Spool::set_generation`].
pub fn note_generation(spool: &Spool, ledger: &dyn Ledger) -> anyhow::Result<()> {
    spool.set_generation(ledger.last_event()?).context("kan ikke notere på outbox/ hvor langt protokollen er kommet")
}

/// Writes `FERDIG` into a letter's folder, or a batch's; says why it could not. One folder that its owner has closed
/// must not hold the others.
pub fn mark(root: &Root, spool: &Spool, folder: &Path) -> Option<String> {
    let error = spool.mark_ready(folder).err()?;
    let place = folder.strip_prefix(root.dir()).unwrap_or(folder).to_string_lossy();
    Some(format!(
        "{}/: FERDIG kunne ikke skrives ({}). Brevet er på plass, men hentes ikke av noen. Prøv: {}; det prøves igjen ved neste kjøring.",
        shown(&place),
        fault::cause(&error),
        fault::remedy(&error)
    ))
}

/// Finishes the moves that were decided and not recorded as done; says what could not be. Letters of the intake that
/// still lie in `work/` are left to it: it finds their decisions by their keys.
pub fn finish(root: &Root, spool: &Spool, ledger: &mut dyn Ledger, now: Time) -> anyhow::Result<Vec<String>> {
    let pending = ledger.pending()?;
    let mut folders = BTreeMap::new();
    let (mut arrived, mut journeys, mut gone, mut messages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, pending) in pending {
        // The letters of a print batch move together, or not at all.
        if pending.target.starts_with(seal::TARGET) {
            continue;
        }
        let Some(status) = pending.understood() else {
            messages.push(not_understood(&pending.source));
            continue;
        };
        let target = root.outbox().join(&pending.target);
        let there = match folders.entry(target) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let there = subfolders(entry.key());
                let there = there.with_context(|| format!("kan ikke lese {}", entry.key().display()))?;
                entry.insert(there)
            }
        };
        let from = root.dir().join(&pending.source);
        let candidates = there.iter().filter(|path| name(path).starts_with(&pending.folder) && **path != from);
        let candidates: Vec<PathBuf> = candidates.cloned().collect();
        let found = find_by_id(&candidates, &id).and_then(|found| Ok((found, is_folder(&from)?)));
        let (found, still_there) = match found {
            Ok(found) => found,
            // It may be the letter: what cannot be read is not gone.
            Err(error) => {
                messages.push(stuck(&pending.source, &error));
                continue;
            }
        };
        if let Some(path) = found {
            arrived.push((path, status, pending.target));
        } else if pending.is_moved_on() && still_there {
            journeys.push(Journey { from, pending, status });
        } else if pending.is_moved_on() {
            messages.push(format!(
                "{}: brevet skulle flyttes til outbox/{}, men mappen er borte. Prøv: finn ut hvem som har flyttet den, og legg den tilbake.",
                shown(&pending.source),
                pending.target
            ));
            gone.push(id);
        }
    }
    messages.extend(record_arrived(root, spool, ledger, now, &arrived)?);
    ledger.withdraw(&gone, None)?;
    let names: Vec<String> = journeys.iter().map(|journey| journey.pending.source.clone()).collect();
    for (name, outcome) in names.iter().zip(carry_out(root, spool, ledger, now, &journeys)?) {
        messages.extend(outcome.map_or_else(|error| Some(stuck(name, &error)), |arrived| arrived.unmarked));
    }
    Ok(messages)
}

/// The folder that says that it is this letter. One that cannot be read might be it.
fn find_by_id(candidates: &[PathBuf], id: &str) -> io::Result<Option<PathBuf>> {
    for path in candidates {
        let status = try_read_status_text(path)?.and_then(|text| Status::from_yaml(&text).ok());
        if status.is_some_and(|status| status.forsendelsesId == id) {
            return Ok(Some(path.clone()));
        }
    }
    Ok(None)
}

fn record_arrived(
    root: &Root,
    spool: &Spool,
    ledger: &mut dyn Ledger,
    now: Time,
    arrived: &[(PathBuf, Status, String)],
) -> anyhow::Result<Vec<String>> {
    if arrived.is_empty() {
        return Ok(Vec::new());
    }
    spool.sync().context("kan ikke lagre flyttingene varig")?;
    let places = arrived.iter().map(|(path, status, target)| (status, format!("{target}/{}", name(path))));
    ledger.placed(&Stamp(now).to_string(), &places.collect::<Vec<_>>(), None)?;
    Ok(arrived.par_iter().filter_map(|(path, ..)| mark(root, spool, path)).collect())
}

/// What an operator reads of a recorded decision that this version cannot read. Its letter stays where it is.
pub fn not_understood(source: &str) -> String {
    format!(
        "{}: avgjørelsen for brevet står i .postgang/ledger.sqlite, men kan ikke forstås av denne versjonen. Brevet er ikke flyttet, og de andre går videre. Prøv: kjør versjonen som skrev den, eller legg tilbake protokollen fra en sikkerhetskopi.",
        shown(source)
    )
}

/// What an operator reads of a letter that is decided and could not be moved.
pub fn stuck(source: &str, why: &io::Error) -> String {
    format!(
        "{}: brevet er avgjort, men kunne ikke flyttes ({}). Det ligger trygt der det er, og går videre ved neste start. Prøv: {}.",
        shown(source),
        fault::cause(why),
        fault::remedy(why)
    )
}
