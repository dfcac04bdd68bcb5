//! Sealing a print batch so that no letter is ever in two places, in none, or printed twice.
//!
//! | step | where the letters are | what a crash here leaves |
//! |---|---|---|
//! | make the PDFs in `.postgang/batch/<name>/` | `outbox/print/` | thrown away at start |
//! | record batch and decisions | `outbox/print/` | sealed at start |
//! | take away `FERDIG`, write `status.yaml`, sync | `outbox/print/` | the same |
//! | rename each letter into the batch, sync | either | the same |
//! | **rename the batch to `outbox/print/<name>/`** | in the batch | recorded at start |
//! | sync, record, mark `FERDIG` | in the batch | marked at start |
//!
//! The rename of the batch is its commit: before it no print house can see a page, after it every letter is inside.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;

use crate::core::calendar::Time;
use crate::core::names::{BATCH, STATUS};
use crate::core::route::Channel;
use crate::core::sealed;
use crate::core::status::{Stamp, Status};
use crate::shell::dir::is_folder;
use crate::shell::fault;
use crate::shell::ledger::{Ledger, NewBatch, OUTBOX, Onward, Pending};
use crate::shell::outbox::{name, subfolders};
use crate::shell::root::Root;
use crate::shell::spool::Spool;

/// How the target of a letter in a batch begins.
pub const TARGET: &str = "print/batch-";

/// A batch whose files lie in `.postgang/batch/<name>/`.
pub struct Batch<'a> {
    pub name: &'a str,
    pub sender: &'a str,
    /// Its letters' folders in `outbox/print/`.
    pub letters: Vec<(&'a Path, &'a Status)>,
}

/// Records the batch and carries it out; says why it could not be.
pub fn seal(
    root: &Root,
    spool: &Spool,
    ledger: &mut dyn Ledger,
    now: Time,
    batch: &Batch,
) -> anyhow::Result<Option<String>> {
    spool.sync().context("kan ikke lagre bunken varig")?;
    let statuses: Vec<Status> = batch.letters.iter().map(|(_, status)| sealed::seal(status, batch.name, now)).collect();
    let print = Channel::Print.as_str();
    let onward = batch.letters.iter().zip(&statuses).map(|((path, _), status)| {
        let (folder, target) = (name(path), format!("{print}/{}", batch.name));
        let pending = Pending::new(format!("{OUTBOX}{print}/{folder}"), target, folder, status, Vec::new());
        Onward { status, pending: Some(pending), reminded: false, released: None }
    });
    let onward: Vec<Onward> = onward.collect();
    let at = Stamp(now).to_string();
    ledger.onward(&at, &onward, Some(NewBatch { name: batch.name, sender: batch.sender }))?;
    let letters: Vec<Pending> = onward.into_iter().filter_map(|letter| letter.pending).collect();
    finish_one(root, spool, ledger, batch.name, &at, &letters)
}

/// Seals the batches that were recorded and not known to be sealed, and clears away what belongs to none.
pub fn finish(root: &Root, spool: &Spool, ledger: &mut dyn Ledger) -> anyhow::Result<Vec<String>> {
    let mut messages = Vec::new();
    let open = open_batches(ledger)?;
    if !open.is_empty() {
        let pending = ledger.pending()?;
        for (name, at) in &open {
            let target = format!("{}/{name}", Channel::Print.as_str());
            let letters = pending.iter().filter(|(_, pending)| pending.target == target);
            let letters: Vec<Pending> = letters.map(|(_, pending)| pending.clone()).collect();
            messages.extend(finish_one(root, spool, ledger, name, at, &letters)?);
        }
    }
    let open: Vec<String> = open_batches(ledger)?.into_iter().map(|(name, _)| name).collect();
    for stage in subfolders(&root.batches()).context("kan ikke lese .postgang/batch")? {
        if !open.contains(&name(&stage)) {
            put_back(root, spool, &stage).context("kan ikke rydde .postgang/batch")?;
        }
    }
    Ok(messages)
}

/// Batches that were to be sealed and are not known to be, with the sealing's moment.
fn open_batches(ledger: &dyn Ledger) -> anyhow::Result<Vec<(String, String)>> {
    let open = ledger.batches()?.into_iter().filter(|(_, batch)| batch.is_open);
    Ok(open.map(|(name, batch)| (name, batch.sealed)).collect())
}

/// One batch from its record to its mark, from wherever it stands. What goes wrong leaves it to the next start, but
/// for a letter that somebody has taken away: then the batch is given up, since its PDFs hold that letter's pages.
fn finish_one(
    root: &Root,
    spool: &Spool,
    ledger: &mut dyn Ledger,
    batch: &str,
    at: &str,
    letters: &[Pending],
) -> anyhow::Result<Option<String>> {
    let stage = root.batches().join(batch);
    let place = root.channel(Channel::Print).join(batch);
    let standing = match standing(root, &stage, &place, letters) {
        Ok(standing) => standing,
        // What cannot be read is not gone: a placed batch would be given up, and printed twice.
        Err(error) => {
            return Ok(Some(format!(
                "{batch}: det er ikke kjent hvor langt bunken er kommet, for mappen kan ikke leses ({}). Ingenting er endret, og det prøves igjen ved neste start. Prøv: {}.",
                fault::cause(&error),
                fault::remedy(&error)
            )));
        }
    };
    if !matches!(standing, Standing::InPlace) {
        if let Standing::Lacks(what) = standing {
            give_up(root, spool, ledger, batch, letters)?;
            return Ok(Some(format!(
                "{batch}: {what} er borte, og bunken er ikke forseglet. De andre brevene ligger i outbox/print og skrives ut i neste bunke. Prøv: kjør postgang nightly på nytt."
            )));
        }
        if let Err((letter, error)) = gather(root, spool, &stage, &place, letters) {
            if let Some(letter) = letter.filter(|_| error.kind() == ErrorKind::PermissionDenied) {
                give_up(root, spool, ledger, batch, letters)?;
                return Ok(Some(format!(
                    "{batch}: postgang kan ikke skrive i {} ({}), og bunken er ikke forseglet. Brevene ligger i outbox/print; de andre skrives ut i neste bunke. Prøv: gi postgang skrivetilgang til mappen.",
                    letter.source,
                    fault::cause(&error)
                )));
            }
            return Ok(Some(format!(
                "{batch}: bunken kunne ikke forsegles ({}). Brevene ligger trygt i outbox/print og .postgang/batch, og bunken forsegles ved neste start. Prøv: {}.",
                fault::cause(&error),
                fault::remedy(&error)
            )));
        }
    }
    spool.sync().context("kan ikke lagre bunken varig; den tas opp igjen ved neste start")?;
    let mut placed = Vec::new();
    for pending in letters {
        // Written by this program when the batch was recorded; one that another version wrote is named by the pass.
        let Some(status) = pending.understood() else {
            return Ok(Some(super::not_understood(&pending.source)));
        };
        placed.push((status, format!("{}/{}", pending.target, pending.folder)));
    }
    let letters: Vec<_> = placed.iter().map(|(status, place)| (status, place.clone())).collect();
    ledger.placed(at, &letters, Some(batch))?;
    super::note_generation(spool, ledger)?;
    Ok(super::mark(root, spool, &place))
}

/// How far a recorded batch has come.
enum Standing<'l> {
    InPlace,
    /// All that belongs to it is there.
    Whole,
    /// This is gone.
    Lacks(&'l str),
}

fn standing<'l>(root: &Root, stage: &Path, place: &Path, letters: &'l [Pending]) -> io::Result<Standing<'l>> {
    if is_folder(place)? {
        return Ok(Standing::InPlace);
    }
    for pending in letters {
        if !is_folder(&stage.join(&pending.folder))? && !is_folder(&root.dir().join(&pending.source))? {
            return Ok(Standing::Lacks(&pending.source));
        }
    }
    if stage.join(BATCH).try_exists()? { Ok(Standing::Whole) } else { Ok(Standing::Lacks("filene i bunken")) }
}

/// Moves the letters into the batch, and the batch to its place. An error may be that of one letter alone.
fn gather<'l>(
    root: &Root,
    spool: &Spool,
    stage: &Path,
    place: &Path,
    letters: &'l [Pending],
) -> Result<(), (Option<&'l Pending>, io::Error)> {
    let waiting: Vec<(PathBuf, &'l Pending)> = letters
        .iter()
        .filter_map(|pending| match is_folder(&stage.join(&pending.folder)) {
            Ok(true) => None,
            Ok(false) => Some(Ok((root.dir().join(&pending.source), pending))),
            Err(error) => Some(Err((None, error))),
        })
        .collect::<Result<_, _>>()?;
    waiting.par_iter().try_for_each(|(letter, pending)| {
        let written = spool.unmark(letter).and_then(|()| spool.write(letter, &pending.status, &pending.beside));
        written.map_err(|error| (Some(*pending), error))
    })?;
    let whole = |error| (None, error);
    spool.sync().map_err(whole)?;
    for (letter, pending) in &waiting {
        spool.rename(letter, &stage.join(&pending.folder)).map_err(|error| (Some(*pending), error))?;
    }
    spool.sync().map_err(whole)?;
    spool.rename(stage, place).map_err(whole)
}

fn give_up(
    root: &Root,
    spool: &Spool,
    ledger: &mut dyn Ledger,
    batch: &str,
    letters: &[Pending],
) -> anyhow::Result<()> {
    put_back(root, spool, &root.batches().join(batch)).context("kan ikke legge brevene tilbake i outbox/print")?;
    let mut ids = Vec::new();
    for pending in letters {
        let letter = root.dir().join(&pending.source);
        let account = ledger.accounts(&[pending.source.strip_prefix(OUTBOX).unwrap_or_default()])?.pop().flatten();
        if is_folder(&letter).context("kan ikke lese outbox/print")?
            && let Some(account) = account
        {
            spool.write(&letter, &account.status, &[]).context("kan ikke skrive status.yaml")?;
        }
        ids.extend(pending.understood().map(|status| status.forsendelsesId));
    }
    spool.sync().context("kan ikke lagre brevene varig")?;
    ledger.withdraw(&ids, Some(batch))
}

/// Takes the letters out of a batch that is not sealed, and deletes the rest of it.
fn put_back(root: &Root, spool: &Spool, stage: &Path) -> io::Result<()> {
    for letter in subfolders(stage)? {
        if letter.join(STATUS).try_exists()? {
            spool.place(&letter, &root.channel(Channel::Print), &name(&letter))?;
        }
    }
    spool.sync()?;
    spool.discard(stage)
}
