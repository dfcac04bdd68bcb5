//! One routing pass: what is in `work/` is finished, `inbox/` is surveyed, the registers are asked once about
//! everybody, and the letters go batch by batch through the spool's steps.
//!
//! The result depends on letters, registers, rules and the given time alone: drops are taken in name order, and what
//! depends on order (duplicates, numbered names) is settled by one thread.

mod admit;
mod preview;
mod recovery;
mod report;
mod take;

use std::io;
use std::time::{Instant, SystemTime};

use anyhow::Context;
use indicatif::ProgressBar;
use rayon::prelude::*;

use super::intake::{self, Patience};
use super::ledger::Ledger;
use super::registers::{Registers, Request, SnapshotMemory, Wanted, consult};
use super::root::{Lock, Root, RootError};
use super::spool::{DropName, Probe, Spool};
use crate::core::calendar::Time;
use crate::core::names::shown;
use crate::core::senders::{Senders, SendersError};
use crate::core::snapshot::SnapshotName;

pub use preview::preview;
pub use report::Report;
use take::{Candidate, Taken};

/// Letters that share their syncs. More would save little and leave more in `work/` at a crash.
const BATCH: usize = 1_000;

/// How a pass is to be done.
pub struct Settings {
    /// The pass's moment: the only clock that decides anything.
    pub now: Time,
    /// The machine's clock, for whether a drop has settled.
    pub wall: SystemTime,
    pub patience: Patience,
    /// Snapshots believed this once though they have shrunk or are gone.
    pub accept: Vec<SnapshotName>,
    pub network_root: bool,
    pub progress: ProgressBar,
    pub probe: Probe,
}

/// Why a pass did not begin, or stopped between letters.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error(transparent)]
    Root(#[from] RootError),
    #[error(
        "registry/avsendere.yaml, {0}. Ingen brev er rørt. Prøv: rett filen, og kontroller den med postgang check registry/avsendere.yaml."
    )]
    Senders(#[from] SendersError),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// Reads `registry/avsendere.yaml`.
pub fn read_senders(root: &Root) -> Result<Senders, PassError> {
    let text = std::fs::read_to_string(root.senders()).with_context(|| {
        "registry/avsendere.yaml kan ikke leses. Ingen brev er rørt. Prøv: legg filen der, og gi postgang lov til å lese den".to_owned()
    })?;
    Ok(Senders::parse(&text)?)
}

/// Makes the root ready, takes the lock and reads the senders: how every command begins that moves letters.
pub(super) fn enter(root: &Root, settings: &Settings) -> Result<(Lock, Senders), PassError> {
    root.prepare(settings.network_root)?;
    let lock = root.lock()?;
    Ok((lock, read_senders(root)?))
}

/// Routes what is whole in `inbox/`.
pub fn run(root: &Root, settings: &Settings) -> Result<Report, PassError> {
    let started = Instant::now();
    let (_lock, senders) = enter(root, settings)?;
    let mut pass = Pass::begin(root, settings, &senders)?;
    let candidates = pass.survey()?;
    let registers = pass.consult(&candidates)?;
    settings.progress.set_length(candidates.len() as u64);
    for batch in candidates.chunks(BATCH) {
        pass.route(batch, &registers)?;
        settings.progress.inc(batch.len() as u64);
    }
    settings.progress.finish_and_clear();
    pass.desk.spool.tidy().context("kan ikke rydde .postgang/work")?;
    pass.ledger.set_held(&pass.held)?;
    pass.report.seconds = started.elapsed().as_secs_f64();
    Ok(pass.report)
}

pub(super) struct Pass<'a> {
    pub(super) desk: Desk<'a>,
    pub(super) ledger: Ledger,
    pub(super) report: Report,
    /// Drops that wait for a register row.
    held: Vec<String>,
}

/// What every thread of a pass may use at once.
pub(super) struct Desk<'a> {
    pub(super) root: &'a Root,
    pub(super) settings: &'a Settings,
    pub(super) senders: &'a Senders,
    pub(super) spool: Spool<'a>,
}

impl<'a> Pass<'a> {
    /// Opens the ledger and finishes what a crash broke off. The lock is held.
    pub(super) fn begin(root: &'a Root, settings: &'a Settings, senders: &'a Senders) -> Result<Self, PassError> {
        let (ledger, is_new) = Ledger::open(root.ledger())?;
        let spool = Spool::new(root, settings.probe);
        let desk = Desk { root, settings, senders, spool };
        let mut pass = Self { desk, ledger, report: Report::default(), held: Vec::new() };
        if is_new {
            pass.rebuild_ledger()?;
        }
        pass.finish_moves()?;
        pass.restore_marks()?;
        Ok(pass)
    }
}

impl Pass<'_> {
    /// Claimed letters of an earlier pass first, then what is whole in `inbox/`.
    fn survey(&mut self) -> Result<Vec<Candidate>, PassError> {
        let unfinished = self.desk.spool.unfinished().context("kan ikke lese .postgang/work")?;
        let listing = intake::list(self.desk.root, self.desk.senders).context("kan ikke lese inbox/")?;
        self.report.left += listing.strays.len();
        self.report.needs_person |= !listing.strays.is_empty();
        self.report.messages.extend(listing.strays);
        let drops = unfinished.into_iter().map(|name| (name, true));
        let drops: Vec<_> = drops.chain(listing.drops.into_iter().map(|name| (name, false))).collect();
        let looked: Vec<_> = drops
            .into_par_iter()
            .map(|(name, claimed)| {
                let looked = self.desk.look(&name, claimed);
                (name, looked)
            })
            .collect();
        let mut candidates = Vec::new();
        for (name, outcome) in looked {
            match outcome {
                Ok(Some(candidate)) => candidates.push(candidate),
                Ok(None) => self.report.left += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.report.failed(&name, &error.to_string()),
            }
        }
        Ok(candidates)
    }

    /// Asks the registers about every recipient of the pass at once.
    fn consult(&mut self, candidates: &[Candidate]) -> Result<Registers, PassError> {
        let wanted: Wanted = candidates.iter().filter_map(|candidate| candidate.recipient).collect();
        let memory = SnapshotMemory::load(&self.desk.root.state());
        let mut registers = consult(Request {
            dir: &self.desk.root.registry(),
            policies: &self.desk.senders.registers,
            memory: &memory,
            accept: &self.desk.settings.accept,
            wanted: &wanted,
            now: self.desk.settings.now,
        });
        if registers.accepted != memory {
            let store = registers.accepted.store(&self.desk.root.state());
            store.context("kan ikke skrive .postgang/snapshots.json")?;
        }
        self.report.messages.append(&mut registers.messages);
        Ok(registers)
    }

    /// Takes one batch through every step of the spool.
    fn route(&mut self, batch: &[Candidate], registers: &Registers) -> Result<(), PassError> {
        let taken: Vec<Taken> = batch.par_iter().map(|candidate| self.desk.take(candidate, registers)).collect();
        let mut examined = Vec::new();
        for (candidate, outcome) in batch.iter().zip(taken) {
            match outcome {
                Taken::Examined(letter) => examined.push(*letter),
                Taken::WaitsForSnapshot => self.report.waits_for_snapshot(),
                Taken::WaitsForRow => {
                    self.held.push(candidate.name.shown());
                    self.report.waits_for_row();
                }
                Taken::Failed(name, why) => self.report.failed(&name, &why),
                Taken::Gone => {}
            }
        }
        let admitted = self.admit(examined, registers)?;
        self.place(admitted)
    }
}

impl Report {
    fn waits_for_snapshot(&mut self) {
        self.left += 1;
        self.held_by_snapshot += 1;
    }

    fn waits_for_row(&mut self) {
        self.left += 1;
        self.needs_person = true;
    }

    fn failed(&mut self, name: &DropName, why: &str) {
        self.left += 1;
        self.needs_person = true;
        self.messages.push(format!(
            "{}: brevet kunne ikke behandles ({}). Det ligger urørt der det lå. Prøv: kontroller rettigheter og disk; det prøves igjen i neste kjøring.",
            name.shown(),
            shown(why)
        ));
    }
}
