//! The night: receipts, stops, deadlines, reminders, print batches, retention and lists, in that order.
//!
//! Looks at `outbox/` and the receipts, never at `inbox/`. What happens to a letter is decided in `core::nightly`; here
//! it is read, recorded and carried out, a thousand letters at a time, so that they share their syncs. Every step can
//! be run again: what has happened already is seen in the letters themselves.

mod batch;
mod closing;
mod doubts;
mod hold;
mod letters;
mod lists;
mod report;
mod retention;
mod returned;
mod standing;
mod told;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use anyhow::Context;
use chrono::TimeDelta;
pub use closing::{Closed, done, read_closed_file};
pub use hold::{HoldOutcome, hold};
pub use report::NightReport;
pub use returned::{Returned, returned};

use self::doubts::Doubts;
use self::letters::Decided;
use super::fault;
use super::moves;
use super::outbox::{self, LetterFolder, name};
use super::pass::{Pass, PassError, Settings, enter};
use super::receipts::{self, Receipts};
use super::root::Root;
use crate::core::calendar::Time;
use crate::core::doubt::{Doubt, is_sign_of_life};
use crate::core::identity::OrgNumber;
use crate::core::matter::Matter;
use crate::core::names::shown;
use crate::core::nightly as rules;
use crate::core::status::{Stamp, Status};
use crate::core::{reminder, sealed};

/// Letters that share their syncs.
const BATCH: usize = 1_000;

/// One night's work.
struct Night<'a> {
    pass: Pass<'a>,
    report: NightReport,
    now: Time,
    receipts: Receipts,
    receipts_alive: bool,
    /// Letters that are in Altinn after tonight's rules.
    waiting_in_altinn: usize,
    /// Letters whose reminder was listed, or will be tonight.
    reminded: Vec<LetterFolder>,
    /// What a person must look at, as far as tonight has come upon it.
    matters: Vec<Matter>,
    /// Letters known to somebody: their receipts are no mystery.
    met: HashSet<u128>,
    /// Letters that a folder claims to be which is none of ours.
    doubled: HashSet<String>,
    /// What tonight's messages tell for the first time.
    told: Vec<String>,
    /// Letters that may hold a stop file that was not seen: they are left alone tonight.
    doubtful: HashSet<PathBuf>,
    doubts: Doubts,
}

/// Runs the night. `unnotified`: senders whose letters go to print though nothing is heard of too many of them.
pub fn nightly(root: &Root, settings: &Settings, unnotified: &[OrgNumber]) -> Result<NightReport, PassError> {
    let started = Instant::now();
    let (_lock, senders) = enter(root, settings)?;
    let pass = Pass::begin(root, settings, &senders, true)?;
    let receipts = receipts::read(&root.receipts()).context(receipts::UNREADABLE)?;
    let mut night = Night::new(pass);
    let hours_max = senders.registers.receipts_age_hours_max;
    night.receipts_alive = receipts.written.iter().any(|at| is_sign_of_life(age(*at, settings.now), hours_max));
    night.receipts = receipts;
    night.run(unnotified)?;
    let Night { pass, mut report, .. } = night;
    report.run = pass.report;
    report.run.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

impl<'a> Night<'a> {
    /// Before any receipt is read.
    fn new(pass: Pass<'a>) -> Self {
        Self {
            now: pass.desk.settings.now,
            pass,
            report: NightReport::default(),
            receipts: Receipts::default(),
            receipts_alive: false,
            waiting_in_altinn: 0,
            reminded: Vec::new(),
            matters: Vec::new(),
            met: HashSet::new(),
            doubled: HashSet::new(),
            told: Vec::new(),
            doubtful: HashSet::new(),
            doubts: Doubts::default(),
        }
    }
}

impl Night<'_> {
    fn run(&mut self, unnotified: &[OrgNumber]) -> anyhow::Result<()> {
        self.doubts(unnotified)?;
        self.letters()?;
        self.complain()?;
        self.remind()?;
        self.print()?;
        self.archive_batches()?;
        self.purge()?;
        self.lists()?;
        // Last: a message is given twice rather than never.
        self.pass.ledger.told(&self.told)
    }

    fn at(&self) -> String {
        Stamp(self.now).to_string()
    }

    fn needs_person(&mut self, message: String) {
        self.pass.report.needs_person = true;
        self.pass.report.messages.push(message);
    }

    /// A batch or a month of the archive that cannot be listed stops nothing else.
    fn cannot_list(&mut self, folder: &std::path::Path, error: &std::io::Error) {
        let place = shown(&inside(self.pass.desk.root, folder));
        self.needs_person(format!(
            "{place}/: mappen kan ikke leses ({}). Det som ligger i den, er ikke rørt i natt. Prøv: {}.",
            fault::cause(error),
            fault::remedy(error)
        ));
    }

    /// Letters on their way somewhere already: a move that could not be finished at start.
    fn busy(&self) -> anyhow::Result<HashSet<String>> {
        Ok(self.pass.ledger.pending()?.into_iter().map(|(id, _)| id).collect())
    }

    fn rules(&self) -> rules::Night<'_> {
        rules::Night {
            now: self.now,
            calendar: &self.pass.desk.senders.calendar,
            doubt: match self.receipts_alive {
                false => Some(Doubt::Silence),
                true => (!self.receipts.unreadable.is_empty()).then_some(Doubt::UnreadableFile),
            },
            svarinn_hours: None,
        }
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
            let paths = chunk.iter().map(|letter| &letter.path);
            let recorded = standing::recorded(self.pass.desk.root, &*self.pass.ledger, paths)?;
            let decide = |(letter, before): (_, Option<_>)| {
                let before = before?;
                let step = reminder::reminded(&before, &night)?;
                Some(Decided { letter, before, step })
            };
            let decided = chunk.iter().zip(recorded).filter_map(decide).collect();
            self.carry_out(decided)?;
        }
        Ok(())
    }

    /// A batch is finished when each of its letters has been printed or has come back since it was sealed.
    fn archive_batches(&mut self) -> anyhow::Result<()> {
        let batches = outbox::sealed_batches(self.pass.desk.root).context("kan ikke lese outbox/print")?;
        let at = self.at();
        for batch in batches {
            // One that cannot be listed has been named already, in the same night.
            let Ok(letters) = outbox::subfolders(&batch) else { continue };
            let recorded = standing::recorded(self.pass.desk.root, &*self.pass.ledger, &letters)?;
            let is_settled = |letter: &Option<Status>| letter.as_ref().is_some_and(sealed::is_settled);
            if letters.is_empty() || !recorded.iter().all(is_settled) {
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
}

/// Of a file, negative where its time is ahead of `now`.
fn age(written: SystemTime, now: Time) -> TimeDelta {
    let delta = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
    match SystemTime::from(now).duration_since(written) {
        Ok(age) => delta(age),
        Err(ahead) => -delta(ahead.duration()),
    }
}

/// Where a folder lies below the root: `outbox/…`.
fn inside(root: &Root, path: &std::path::Path) -> String {
    path.strip_prefix(root.dir()).unwrap_or(path).to_string_lossy().into_owned()
}
