//! The night: receipts, stops, deadlines, reminders, print batches, retention and lists, in that order.
//!
//! Looks at `outbox/` and the receipts, never at `inbox/`. What happens to a letter is decided in `core::nightly`; here
//! it is read, recorded and carried out, a thousand letters at a time, so that they share their syncs. Every step can
//! be run again: what has happened already is seen in the letters themselves.

mod batch;
mod hold;
mod lists;
mod report;
mod retention;
pub mod seal;
mod survey;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use rayon::prelude::*;
use uuid::Uuid;

pub use hold::{Held, hold};
pub use report::NightReport;

use self::survey::{Kind, Letter, name};
use super::find::read_status;
use super::ledger::{Onward, Pending};
use super::moves::{self, Journey};
use super::pass::{Pass, PassError, Settings, enter};
use super::receipts::{self, Receipts};
use super::root::Root;
use crate::core::calendar::Time;
use crate::core::names::shown;
use crate::core::nightly::{self as rules, Go, Outcome, Step};
use crate::core::receipts::Receipt;
use crate::core::route::{Channel, State};
use crate::core::status::{Stamp, Status};

/// Letters that share their syncs.
const BATCH: usize = 1_000;
/// Bytes of a stop file that are read.
const STOP_BYTES_MAX: u64 = 4 << 10;

/// One night's work.
struct Night<'a> {
    pass: Pass<'a>,
    report: NightReport,
    now: Time,
    receipts: Receipts,
    receipts_alive: bool,
    /// Letters whose reminder was listed, or will be tonight.
    reminded: Vec<Letter>,
    /// Rows for letters in a mailbox that has said nothing.
    silent: Vec<lists::Matter>,
    /// Letters known to somebody: their receipts are no mystery.
    met: HashSet<u128>,
}

/// A letter with what the night does to it.
struct Decided<'s> {
    letter: &'s Letter,
    before: Status,
    step: Step,
}

/// Runs the night.
pub fn nightly(root: &Root, settings: &Settings) -> Result<NightReport, PassError> {
    let started = Instant::now();
    let (_lock, senders) = enter(root, settings)?;
    let pass = Pass::begin(root, settings, &senders, true)?;
    let receipts = receipts::read(&root.receipts()).context("kan ikke lese registry/kvitteringer")?;
    let age_max = Duration::from_secs(3600 * u64::from(senders.registers.receipts_age_hours_max));
    let now = settings.now;
    // A file from the future is as alive as one of today.
    let age = receipts.newest.map(|newest| std::time::SystemTime::from(now).duration_since(newest).unwrap_or_default());
    let mut night = Night {
        pass,
        report: NightReport::default(),
        now,
        receipts_alive: age.is_some_and(|age| age <= age_max),
        receipts,
        reminded: Vec::new(),
        silent: Vec::new(),
        met: HashSet::new(),
    };
    night.run()?;
    let Night { pass, mut report, .. } = night;
    report.run = pass.report;
    report.run.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// What a letter's step depends on, for any thread.
struct Desk<'a> {
    root: &'a Root,
    receipts: &'a Receipts,
    busy: &'a HashSet<String>,
    night: rules::Night<'a>,
}

impl Desk<'_> {
    /// What tonight's rules say of a letter; `None` for a folder that is no letter or is on its way already.
    fn decide<'s>(&self, letter: &'s Letter) -> Option<Result<Decided<'s>, String>> {
        let Some(before) = read_status(&letter.path) else {
            return letter.ready.then(|| {
                Err(format!(
                    "{}: status.yaml mangler eller kan ikke leses, og brevet er ikke rørt. Prøv: legg tilbake filen fra en sikkerhetskopi.",
                    shown(&inside(self.root, &letter.path))
                ))
            });
        };
        if self.busy.contains(&before.forsendelsesId) {
            return None;
        }
        let id = Uuid::try_parse(&before.forsendelsesId).map(|id| id.as_u128()).unwrap_or_default();
        let receipts: &[Receipt] = self.receipts.letters.get(&id).map_or(&[], |heard| &heard.receipts);
        let step = match letter.kind {
            Kind::Waiting => {
                let stop = letter.stop.as_ref().map(|path| stop_text(path));
                rules::waiting(&before, receipts, stop.as_deref(), &self.night)
            }
            Kind::Sealed => rules::sealed(&before, receipts),
            Kind::Refused | Kind::Archived => rules::finished(&before, receipts, &self.night),
        };
        Some(Ok(Decided { letter, before, step }))
    }
}

impl Night<'_> {
    fn run(&mut self) -> anyhow::Result<()> {
        self.letters()?;
        self.complain()?;
        self.remind()?;
        self.print()?;
        self.archive_batches()?;
        self.purge()?;
        self.lists()
    }

    fn at(&self) -> String {
        Stamp(self.now).to_string()
    }

    fn needs_person(&mut self, message: String) {
        self.pass.report.needs_person = true;
        self.pass.report.messages.push(message);
    }

    /// Letters on their way somewhere already: a move that could not be finished at start.
    fn busy(&self) -> anyhow::Result<HashSet<String>> {
        Ok(self.pass.ledger.pending()?.into_iter().map(|(id, _)| id).collect())
    }

    /// `FERDIG` in the archive, where a crash came between a letter's place and its mark.
    fn restore_archive_marks(&self, letters: &[Letter]) -> anyhow::Result<()> {
        let desk = &self.pass.desk;
        let unmarked = |letter: &&Letter| {
            // In a batch it is the batch that is marked.
            let depth = letter.path.strip_prefix(desk.root.archive()).map_or(0, |inside| inside.components().count());
            letter.kind == Kind::Archived && !letter.ready && depth == 2
        };
        let mark = |letter: &Letter| desk.spool.mark_ready(&letter.path);
        letters.par_iter().filter(unmarked).try_for_each(mark).context("kan ikke skrive FERDIG")
    }

    /// Steps 1 to 5 for every letter.
    fn letters(&mut self) -> anyhow::Result<()> {
        let letters = survey::survey(self.pass.desk.root).context("kan ikke lese outbox/")?;
        self.restore_archive_marks(&letters)?;
        let busy = self.busy()?;
        // A letter that is finished is looked into only where a receipt may concern it.
        let hints: HashSet<u32> = self.receipts.letters.keys().map(|id| (id >> 96) as u32).collect();
        let concerned = |letter: &Letter| {
            matches!(letter.kind, Kind::Waiting | Kind::Sealed)
                || id_start(&letter.path).is_none_or(|start| hints.contains(&start))
        };
        let mut too_late = Vec::new();
        for letter in letters.iter().filter(|letter| letter.kind != Kind::Waiting && letter.stop.is_some()) {
            // One that it did stop keeps the file.
            let status = read_status(&letter.path);
            if status.is_none_or(|status| status.status != State::ManueltHandtert) {
                too_late.push(letter.path.clone());
            }
        }
        let letters: Vec<Letter> = letters.into_iter().filter(concerned).collect();
        for chunk in letters.chunks(BATCH) {
            let root = self.pass.desk.root;
            let desk = Desk { root, receipts: &self.receipts, busy: &busy, night: self.rules() };
            let decided: Vec<Result<Decided, String>> =
                chunk.par_iter().filter_map(|letter| desk.decide(letter)).collect();
            let mut changed = Vec::new();
            for outcome in decided {
                match outcome {
                    Ok(decided) => changed.push(decided),
                    Err(message) => self.needs_person(message),
                }
            }
            for decided in &changed {
                self.met.extend(Uuid::try_parse(&decided.before.forsendelsesId).map(|id| id.as_u128()));
                if decided.step.has(Outcome::StopTooLate) {
                    too_late.push(decided.letter.path.clone());
                }
                if decided.letter.kind == Kind::Waiting && decided.step.go.is_none() {
                    let after = &decided.step.status;
                    if after.status == State::SendtDigitalt && after.purret.is_some() {
                        self.reminded.push(decided.letter.clone());
                    }
                    self.silent.extend(lists::silent(after, &inside(root, &decided.letter.path), self.now));
                }
            }
            changed.retain(|decided| {
                decided.step.status != decided.before || decided.step.go.is_some() || !decided.step.outcomes.is_empty()
            });
            self.carry_out(changed)?;
        }
        self.tell_too_late(too_late)
    }

    fn rules(&self) -> rules::Night<'_> {
        rules::Night { now: self.now, calendar: &self.pass.desk.senders.calendar, receipts_alive: self.receipts_alive }
    }

    /// Records what was decided, changes the letters that stay, and moves the others.
    fn carry_out(&mut self, decided: Vec<Decided>) -> anyhow::Result<()> {
        let pending: Vec<Option<Pending>> = decided.iter().map(|decided| self.pending(decided)).collect();
        let onward = decided.iter().zip(&pending).map(|(decided, pending)| Onward {
            status: &decided.step.status,
            pending: pending.clone(),
            reminded: decided.step.has(Outcome::Reminded),
            released: decided.step.released,
        });
        self.pass.ledger.onward(&self.at(), &onward.collect::<Vec<_>>())?;
        let spool = &self.pass.desk.spool;
        let stays = |decided: &&Decided| decided.step.go.is_none() && decided.step.status != decided.before;
        let stay: Vec<&Decided> = decided.iter().filter(stays).collect();
        if !stay.is_empty() {
            let prepare = |decided: &&Decided| spool.prepare(&decided.letter.path, &decided.step.status.to_yaml());
            stay.par_iter().try_for_each(prepare).context("kan ikke skrive status.yaml")?;
            spool.sync().context("kan ikke lagre status.yaml varig")?;
            let put = |decided: &&Decided| spool.put_in_force(&decided.letter.path);
            stay.par_iter().try_for_each(put).context("kan ikke skrive status.yaml")?;
        }
        for decided in &decided {
            self.report.count(&decided.step.outcomes);
        }
        let journeys = decided.into_iter().zip(pending).filter_map(|(decided, pending)| {
            Some(Journey { from: decided.letter.path.clone(), pending: pending?, status: decided.step.status })
        });
        self.move_on(journeys.collect())
    }

    /// Carries out moves that are recorded.
    fn move_on(&mut self, journeys: Vec<Journey>) -> anyhow::Result<()> {
        let recorded = |journey: &Journey| (journey.pending.clone(), journey.status.kode.clone());
        let recorded: Vec<(Pending, String)> = journeys.iter().map(recorded).collect();
        let Pass { desk, ledger, report, .. } = &mut self.pass;
        let outcomes = moves::carry_out(desk.root, &desk.spool, ledger, self.now, journeys)?;
        for ((pending, code), outcome) in recorded.into_iter().zip(outcomes) {
            match (outcome, Channel::named(&pending.target)) {
                (Ok(folder), Some(Channel::Avvist)) => {
                    report.refused(&code, &folder, &pending.status);
                }
                (Ok(_), Some(channel)) => report.placed.count(channel),
                (Ok(_), None) => {}
                (Err(error), _) => {
                    report.needs_person = true;
                    report.messages.push(moves::stuck(&pending.source, &error));
                }
            }
        }
        Ok(())
    }

    fn pending(&self, decided: &Decided) -> Option<Pending> {
        let target = match decided.step.go? {
            Go::Altinn => Channel::Altinn.as_str().to_owned(),
            Go::Print => Channel::Print.as_str().to_owned(),
            Go::Archive => self.archive(),
        };
        Some(Pending {
            source: inside(self.pass.desk.root, &decided.letter.path),
            target,
            folder: name(&decided.letter.path),
            status: decided.step.status.to_yaml(),
            decision: None,
        })
    }

    /// This month's archive, below `outbox/`.
    fn archive(&self) -> String {
        format!("arkiv/{}", self.now.format("%Y-%m"))
    }

    /// Step 5: the reminders are listed, and then nothing keeps digital-only letters in Altinn.
    fn remind(&mut self) -> anyhow::Result<()> {
        self.reminder_list()?;
        let letters = std::mem::take(&mut self.reminded);
        for chunk in letters.chunks(BATCH) {
            let night = self.rules();
            let archive = |letter: &'_ Letter| -> Option<(Status, Step)> {
                let before = read_status(&letter.path)?;
                rules::reminded(&before, &night).map(|step| (before, step))
            };
            let decide = |letter| archive(letter).map(|(before, step)| Decided { letter, before, step });
            let decided: Vec<Decided> = chunk.iter().filter_map(decide).collect();
            self.carry_out(decided)?;
        }
        Ok(())
    }

    /// A batch is finished when each of its letters is printed or has come back.
    fn archive_batches(&mut self) -> anyhow::Result<()> {
        let batches = survey::sealed_batches(self.pass.desk.root).context("kan ikke lese outbox/print")?;
        let at = self.at();
        for batch in batches {
            let letters = survey::subfolders(&batch).context("kan ikke lese bunken")?;
            let settled = |letter: &PathBuf| read_status(letter).is_some_and(|status| rules::is_settled(&status));
            if letters.is_empty() || !letters.par_iter().all(settled) {
                continue;
            }
            let Pass { desk, ledger, .. } = &mut self.pass;
            ledger.archive_batch(&name(&batch), &at)?;
            let target = desk.root.archive().join(self.now.format("%Y-%m").to_string());
            let archive = || {
                desk.spool.unmark(&batch)?;
                let folder = desk.spool.place(&batch, &target, &name(&batch))?;
                desk.spool.sync()?;
                desk.spool.mark_ready(&target.join(folder))
            };
            if let Err(error) = archive() {
                self.needs_person(moves::stuck(&inside(self.pass.desk.root, &batch), &error));
            }
        }
        Ok(())
    }

    /// Receipts that nobody can use, each told once; and that none have come, every night.
    fn complain(&mut self) -> anyhow::Result<()> {
        let mut complaints = std::mem::take(&mut self.receipts.complaints);
        let mut unknown = Vec::new();
        for (id, heard) in self.receipts.letters.iter().filter(|(id, _)| !self.met.contains(id)) {
            if !self.pass.ledger.knows(&Uuid::from_u128(*id).to_string())? {
                unknown.push(heard.place.clone());
            }
        }
        unknown.sort();
        complaints.extend(unknown.into_iter().map(|(file, line)| {
            let text = format!(
                "registry/kvitteringer/{file}, linje {line}: forsendelsesId er ikke kjent her. Prøv: kontroller at kvitteringen gjelder denne installasjonen."
            );
            (format!("kvittering:{file}:{line}"), text)
        }));
        for message in report::shortened(self.pass.ledger.news(complaints)?) {
            self.needs_person(message);
        }
        if !self.receipts_alive && self.report.held > 0 {
            let hours = self.pass.desk.senders.registers.receipts_age_hours_max;
            let message = format!(
                "registry/kvitteringer/: ingen kvitteringsfil er nyere enn {hours} timer. {} brev har passert lesefristen, men ingen skrives ut som ulest før det kommer kvitteringer. Prøv: kontroller jobben som henter kvitteringer; en fil med bare overskriften er nok når ingenting har skjedd.",
                self.report.held
            );
            self.pass.report.messages.push(message);
        }
        Ok(())
    }

    fn tell_too_late(&mut self, letters: Vec<PathBuf>) -> anyhow::Result<()> {
        let root = self.pass.desk.root;
        let tell = |path: PathBuf| {
            let inside = inside(root, &path);
            let remedy = match hold::remedy(&inside) {
                "" => "Brevet var allerede åpnet eller levert.",
                remedy => remedy,
            };
            let text =
                format!("{}: brevet har en STOPP-fil, men kan ikke lenger stoppes her. {remedy}", shown(&inside));
            (format!("stopp:{}", name(&path)), text)
        };
        let told = letters.into_iter().map(tell).collect();
        for message in self.pass.ledger.news(told)? {
            self.needs_person(message);
        }
        Ok(())
    }
}

/// Where a folder lies below the root: `outbox/…`.
fn inside(root: &Root, path: &std::path::Path) -> String {
    path.strip_prefix(root.dir()).unwrap_or(path).to_string_lossy().into_owned()
}

/// The first eight hex digits of the letter's id, which its folder's name ends in.
fn id_start(path: &std::path::Path) -> Option<u32> {
    let name = name(path);
    u32::from_str_radix(name.rsplit('.').next()?.get(..8)?, 16).ok()
}

/// What a clerk wrote into a stop file; its being there is enough.
fn stop_text(path: &std::path::Path) -> String {
    let bytes = super::dir::read_regular(path, STOP_BYTES_MAX).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.trim_start_matches('\u{feff}').to_owned()
}
