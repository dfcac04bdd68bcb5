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
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context;
use indicatif::ProgressBar;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::dir::Fingerprint;
use super::fault;
use super::held::OpenElsewhere;
use super::intake;
use super::ledger::{self, Lack, Ledger};
use super::print::cover::{CoverFault, check_return};
use super::registers::{self, Registers, Request, Shelf, SnapshotMemory, Wanted, consult};
use super::root::{Lock, Root, RootError};
use super::spool::{DropName, Probe, Spool};
use super::stopwatch::Meter;
use crate::core::calendar::Time;
use crate::core::senders::{Senders, SendersError};
use crate::core::snapshot::SnapshotName;
use crate::core::whole::Patience;

pub use preview::preview;
pub use report::{Held, Report};
use take::{Ask, Candidate, Taken};

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
    #[error("{}", with_remedy(.0))]
    Other(#[from] anyhow::Error),
}

impl PassError {
    /// The same; an error of the ledger's that was met in the middle of the work says which file, and what became of
    /// the letters.
    pub fn about(self, root: &Root) -> Self {
        let Self::Other(error) = &self else { return self };
        let Some(ledger) = error.chain().find_map(|cause| cause.downcast_ref::<rusqlite::Error>()) else { return self };
        Self::Other(anyhow::anyhow!(
            "{}: protokollen kan ikke leses eller skrives ({}). Brev som er hentet, ligger trygt i .postgang/work og tas opp igjen i neste kjøring. Prøv: {}.",
            root.ledger().display(),
            fault::ledger_cause(ledger),
            fault::ledger_remedy(ledger)
        ))
    }
}

/// Where nothing better is known, the disk is what to look at.
fn with_remedy(error: &anyhow::Error) -> String {
    let text = fault::chain(error);
    match text.contains("Prøv: ") {
        true => text,
        false => format!(
            "{text}. Det som ikke er ferdig, tas opp igjen ved neste start. Prøv: {}.",
            fault::chain_remedy(error)
        ),
    }
}

/// Reads `registry/avsendere.yaml`.
pub fn read_senders(root: &Root) -> Result<Senders, PassError> {
    let bytes = std::fs::read(root.senders()).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "filen finnes ikke".to_owned(),
            _ => format!("filen kan ikke leses ({})", fault::cause(&error)),
        };
        anyhow::anyhow!("registry/avsendere.yaml: {why}. Ingen brev er rørt. Prøv: legg filen i registry/, og gi postgang lov til å lese den.")
    })?;
    Ok(parse_senders(&bytes)?)
}

/// What `avsendere.yaml` says, and that its return addresses can be printed: no letter is to find that out.
pub fn parse_senders(bytes: &[u8]) -> Result<Senders, SendersError> {
    let senders = Senders::parse(bytes)?;
    for sender in &senders.senders {
        let problem = match check_return(&sender.return_lines(), &sender.print.cover) {
            Ok(()) => continue,
            Err(CoverFault::MissingGlyph) => "returadressen har et tegn som ikke finnes i skriften på forsiden",
            Err(_) => "returadressen får ikke plass på forsiden",
        };
        let near = if sender.return_address.is_some() { "returadresse" } else { "navn" };
        return Err(SendersError::of_sender(&String::from_utf8_lossy(bytes), sender.number, near, problem));
    }
    Ok(senders)
}

/// What a process that makes many passes asks of one.
pub struct Errand<'a> {
    /// The drops to take, as they were last seen; none of them is judged by its times. All that are whole when absent.
    pub drops: Option<&'a [(DropName, Fingerprint)]>,
    /// Look for what an earlier pass left unrecorded or unmarked.
    pub recover: bool,
    /// Asked between batches, and while another pass holds the lock; when it says no, the pass ends with the letters in
    /// hand placed.
    pub go_on: &'a dyn Fn() -> bool,
}

/// Makes the root ready, takes the lock and reads the senders: how every command begins that moves letters.
pub(super) fn enter(root: &Root, settings: &Settings) -> Result<(Lock, Senders), PassError> {
    enter_while(root, settings, &|| true)
}

fn enter_while(root: &Root, settings: &Settings, go_on: &dyn Fn() -> bool) -> Result<(Lock, Senders), PassError> {
    root.prepare(settings.network_root)?;
    let lock = root.lock_while(go_on)?;
    Ok((lock, read_senders(root)?))
}

/// Routes what is whole in `inbox/`.
pub fn run(root: &Root, settings: &Settings) -> Result<Report, PassError> {
    run_errand(root, settings, &Errand { drops: None, recover: true, go_on: &|| true })
}

pub fn run_errand(root: &Root, settings: &Settings, errand: &Errand) -> Result<Report, PassError> {
    let started = Instant::now();
    let (_lock, senders) = enter_while(root, settings, errand.go_on)?;
    let mut pass = Pass::begin(root, settings, &senders, errand.recover)?;
    pass.report.stopwatch.lap("start");
    let candidates = pass.survey(errand.drops)?;
    pass.report.stopwatch.lap("survey");
    let registers = pass.consult(&candidates)?;
    pass.report.stopwatch.lap("registers");
    settings.progress.set_length(candidates.len() as u64);
    // What was claimed goes first, out of the way of a new drop by the same name.
    let (claimed, dropped) = candidates.split_at(candidates.partition_point(|candidate| candidate.claimed));
    for candidates in [claimed, dropped] {
        pass.route(candidates, &registers, errand.go_on)?;
    }
    pass.report.stopwatch.lap("letters");
    settings.progress.finish_and_clear();
    pass.desk.spool.tidy().context("kan ikke rydde .postgang/work")?;
    // The night lists the drops that a register row holds. A pass over chosen drops does not see them all.
    let asked = errand.drops.map(|drops| drops.iter().map(|(name, _)| name.shown()).collect::<Vec<_>>());
    pass.ledger.set_held(asked.as_deref(), &pass.report.drops_held_by_row())?;
    pass.report.seconds = started.elapsed().as_secs_f64();
    Ok(pass.report)
}

pub(super) struct Pass<'a> {
    pub(super) desk: Arc<Desk<'a>>,
    pub(super) ledger: Box<dyn Ledger>,
    pub(super) report: Report,
}

/// What every thread of a pass may use at once.
pub(super) struct Desk<'a> {
    pub(super) root: &'a Root,
    pub(super) settings: &'a Settings,
    pub(super) senders: &'a Senders,
    pub(super) spool: Spool<'a>,
}

impl<'a> Pass<'a> {
    /// Opens the ledger and, where asked, finishes what an earlier process left undone. The lock is held.
    pub(super) fn begin(
        root: &'a Root,
        settings: &'a Settings,
        senders: &'a Senders,
        recover: bool,
    ) -> Result<Self, PassError> {
        let (ledger, lack) = ledger::open(root.ledger())?;
        let spool = Spool::new(root, settings.probe);
        let desk = Desk { root, settings, senders, spool };
        let mut pass = Self { desk: Arc::new(desk), ledger, report: Report::default() };
        registers::expire(&root.tables(), &senders.registers, settings.now);
        match lack {
            Lack::Nothing if pass.ledger.last_event()? < pass.generation()? => pass.catch_up()?,
            Lack::Nothing => {}
            Lack::Accounts => pass.take_up_accounts()?,
            Lack::Everything => pass.rebuild_ledger()?,
        }
        if recover {
            pass.name_mounts();
            pass.finish_moves()?;
            pass.write_accounts()?;
            pass.restore_marks()?;
            // A crash may have come between a record and the note of it, which an older ledger is known by.
            let newest = pass.ledger.last_event()?;
            if pass.generation()? < newest {
                super::moves::note_generation(&pass.desk.spool, &*pass.ledger)?;
            }
        }
        Ok(pass)
    }
}

impl Pass<'_> {
    /// Claimed letters of an earlier pass first, then the given drops, or what is whole in `inbox/`.
    fn survey(&mut self, given: Option<&[(DropName, Fingerprint)]>) -> Result<Vec<Candidate>, PassError> {
        let unfinished = self.desk.spool.unfinished().context("kan ikke lese .postgang/work")?;
        let unfinished = unfinished.into_iter().map(|name| (name, Ask::Claimed));
        let drops: Vec<(DropName, Ask)> = match given {
            Some(given) => {
                let seen = given.iter().map(|(name, fingerprint)| (name.clone(), Ask::StillSo(*fingerprint)));
                unfinished.chain(seen).collect()
            }
            None => {
                let listing = intake::list(self.desk.root, self.desk.senders).context("kan ikke lese inbox/")?;
                self.report.left += listing.strays.len();
                self.report.needs_person |= !listing.strays.is_empty();
                self.report.messages.extend(listing.strays);
                unfinished.chain(listing.drops.into_iter().map(|name| (name, Ask::IsWhole))).collect()
            }
        };
        let looked: Vec<_> = drops
            .into_par_iter()
            .map(|(name, ask)| {
                let looked = self.desk.look(&name, ask);
                (name, looked)
            })
            .collect();
        let mut candidates = Vec::new();
        for (name, outcome) in looked {
            match outcome {
                Ok(Some(candidate)) => candidates.push(candidate),
                Ok(None) => self.report.left += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.report.failed(&name, &error),
            }
        }
        Ok(candidates)
    }

    /// Asks the registers about every recipient of the pass at once.
    fn consult(&mut self, candidates: &[Candidate]) -> Result<Registers, PassError> {
        let wanted: Wanted = candidates.iter().filter_map(|candidate| candidate.recipient).collect();
        let memory = SnapshotMemory::load(&self.desk.root.state()).context("kan ikke lese .postgang/snapshots.json")?;
        let registers = consult(Request {
            dir: &self.desk.root.registry(),
            policies: &self.desk.senders.registers,
            memory: &memory,
            shelf: Some(Shelf { dir: &self.desk.root.tables(), is_ours: true, wall: self.desk.settings.wall }),
            accept: &self.desk.settings.accept,
            wanted: &wanted,
            now: self.desk.settings.now,
        });
        if registers.accepted != memory {
            let store = registers.accepted.store(&self.desk.root.state());
            store.context("kan ikke skrive .postgang/snapshots.json")?;
        }
        self.report.messages.extend(registers.messages());
        self.report.needs_person |= registers.has_unreadable_persons();
        self.report.register_notes = registers.notes.clone();
        self.report.registers = registers.used().to_vec();
        Ok(registers)
    }

    /// Takes letters through every step of the spool, a batch at a time. While one batch is recorded and placed, which
    /// is much waiting for the disk, the next is read; should the one fail, the other waits in `work/` like any letter
    /// that is claimed and not decided.
    fn route(
        &mut self,
        candidates: &[Candidate],
        registers: &Registers,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), PassError> {
        if candidates.is_empty() {
            return Ok(());
        }
        let desk = Arc::clone(&self.desk);
        let reading = Meter::default();
        let claim = |candidate: &Candidate| reading.measure(|| desk.claim(candidate, registers));
        let take = |batch: &[Candidate]| {
            let claimed: Vec<Result<(), Taken>> = batch.par_iter().map(claim).collect();
            // After the claims: whoever has nothing of them open by now cannot reach it by a name any more.
            let open = OpenElsewhere::now();
            let take = |candidate: &Candidate| reading.measure(|| desk.take(candidate, &open, registers));
            let taken = batch.par_iter().zip(claimed);
            taken.map(|(candidate, claimed)| claimed.map_or_else(|taken| taken, |()| take(candidate))).collect()
        };
        // Threads of their own: those that place letters must not wait for those that read.
        let threads = rayon::current_num_threads().min(candidates.len());
        let readers = ThreadPoolBuilder::new().num_threads(threads).build().context("kan ikke starte tråder")?;
        let mut batches = candidates.chunks(BATCH);
        let mut in_hand = Vec::new();
        loop {
            let next = batches.next().filter(|_| go_on());
            let mut taken: Option<Vec<Taken>> = None;
            readers.in_place_scope(|scope| {
                if let Some(batch) = next {
                    scope.spawn(|_| taken = Some(take(batch)));
                }
                self.finish(std::mem::take(&mut in_hand), registers)
            })?;
            match taken {
                Some(taken) => in_hand = taken,
                None => break,
            }
        }
        self.report.stopwatch.part("read-and-judge", reading.cpu());
        Ok(())
    }

    /// Records what became of a batch, and places its letters.
    fn finish(&mut self, taken: Vec<Taken>, registers: &Registers) -> Result<(), PassError> {
        self.desk.settings.progress.inc(taken.len() as u64);
        let mut examined = Vec::new();
        for outcome in taken {
            match outcome {
                Taken::Examined(letter) => examined.push(*letter),
                Taken::WaitsForSnapshot(name) => self.report.waits_for_snapshot(name),
                Taken::WaitsForRow(name) => self.report.waits_for_row(name),
                Taken::Changed => self.report.left += 1,
                Taken::Failed(name, why) => self.report.failed(&name, &why),
                Taken::Left(name, why) => self.report.not_put_back(&name, &why),
                Taken::Gone => {}
            }
        }
        let admitted = self.admit(examined, registers)?;
        self.place(admitted)
    }
}
