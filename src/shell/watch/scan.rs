//! Which drops are whole, by comparing each with how it looked before.
//!
//! What a drop looked like is remembered as a fingerprint, so that one that has not changed costs a listing and no
//! reading, however long it waits. A drop is looked at when it is new, when it has stood still long enough to be taken,
//! and else once an interval; of many that are due, so many in each scan that letters which are ready need not wait for
//! letters that are not.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use rayon::prelude::*;

use super::backoff::Backoff;
use super::wake::LISTENED_MAX;
use crate::core::identity::OrgNumber;
use crate::core::senders::Senders;
use crate::core::whole::{Patience, Wholeness};
use crate::shell::dir::Fingerprint;
use crate::shell::fault;
use crate::shell::intake::{self, Glance};
use crate::shell::pass::Held;
use crate::shell::root::Root;
use crate::shell::spool::DropName;

/// Drops looked at in one scan, and so letters in one pass.
const LOOKS_MAX: usize = 10_000;
/// How long a drop that stands still is listened to.
const FRESH: Duration = Duration::from_secs(60);

pub struct Scanner {
    interval: Duration,
    patience: Patience,
    waiting: HashMap<DropName, Waiting>,
    clocks: Clocks,
    /// The senders' own inboxes.
    own: Vec<OrgNumber>,
    /// Counts the scans, to know which drops are gone.
    round: u64,
}

/// When drops that are held are tried again. They share a clock, so that they go into one pass: each pass reads the
/// registers.
struct Clocks {
    /// The registers changing is what sets these free; this is for what comes with time alone, such as age.
    registers: Backoff,
    trouble: Backoff,
}

/// A drop in the inbox.
struct Waiting {
    /// `None` while it cannot be read.
    seen: Option<Seen>,
    /// Since when it has looked as it does, by the machine's own clock.
    since: Instant,
    looked: Instant,
    /// Why it could not be taken, or read.
    held: Option<Held>,
    round: u64,
}

#[derive(Clone, Copy)]
struct Seen {
    fingerprint: Fingerprint,
    wholeness: Wholeness,
    /// When its newest file was modified.
    changed: SystemTime,
}

/// What a scan came to.
pub struct Findings {
    pub ready: Vec<(DropName, Fingerprint)>,
    pub strays: Vec<String>,
    /// Some drops that were due have not been looked at yet.
    pub more: bool,
}

impl Scanner {
    pub fn new(interval: Duration, patience: Patience) -> Self {
        let registers = Backoff::between(Duration::from_secs(60), Duration::from_secs(300));
        let clocks = Clocks { registers, trouble: Backoff::default() };
        Self { interval, patience, waiting: HashMap::new(), clocks, own: Vec::new(), round: 0 }
    }

    /// `hinted`: something has happened somewhere in the inbox.
    pub fn scan(
        &mut self,
        root: &Root,
        senders: &Senders,
        hinted: bool,
        now: Instant,
        wall: SystemTime,
    ) -> io::Result<Findings> {
        let listing = intake::list(root, senders)?;
        self.own = listing.own;
        self.round += 1;
        // The new ones first, then those that have not been looked at for longest.
        let mut due: Vec<(Option<Instant>, DropName)> = Vec::new();
        for name in listing.drops {
            match self.waiting.get_mut(&name) {
                None => due.push((None, name)),
                Some(waiting) => {
                    waiting.round = self.round;
                    if waiting.is_due(hinted, now, self.interval, self.patience, &self.clocks) {
                        due.push((Some(waiting.looked), name));
                    }
                }
            }
        }
        // What could not be listed is not gone.
        let closed = |name: &DropName| name.sender.is_some_and(|number| listing.closed.contains(&number));
        self.waiting.retain(|name, waiting| waiting.round == self.round || closed(name));
        due.sort();
        let more = due.len() > LOOKS_MAX;
        due.truncate(LOOKS_MAX);
        let looked: Vec<_> = due.into_par_iter().map(|(_, name)| self.look(root, name, wall)).collect();
        let mut ready = Vec::new();
        for (name, outcome) in looked {
            let seen = match outcome {
                Ok(seen) => Ok(seen),
                // Taken away again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => Err(trouble(&name, &error)),
            };
            if let Some(fingerprint) = self.record(&name, seen, now, wall) {
                ready.push((name, fingerprint));
            }
        }
        ready.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Findings { ready, strays: listing.strays, more })
    }

    fn look(&self, root: &Root, name: DropName, wall: SystemTime) -> (DropName, io::Result<Seen>) {
        let look = || {
            let glance = Glance::at(root, &name)?;
            let fingerprint = glance.fingerprint();
            let before = self.waiting.get(&name).and_then(|waiting| waiting.seen);
            if let Some(seen) = before.filter(|seen| seen.fingerprint == fingerprint) {
                return Ok(seen);
            }
            let folder = glance.read(name.sender, wall)?;
            Ok(Seen { fingerprint, wholeness: folder.wholeness, changed: folder.changed })
        };
        let stopped = || Err(io::Error::other("lesingen stoppet uventet"));
        let seen = catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| stopped());
        (name, seen)
    }

    /// Takes down how a drop looks; gives its fingerprint when it may be taken.
    fn record(
        &mut self,
        name: &DropName,
        seen: Result<Seen, String>,
        now: Instant,
        wall: SystemTime,
    ) -> Option<Fingerprint> {
        let fresh = Waiting { seen: None, since: now, looked: now, held: None, round: self.round };
        let (patience, waiting) = (self.patience, self.waiting.entry(name.clone()).or_insert(fresh));
        waiting.looked = now;
        let seen = match seen {
            Ok(seen) => seen,
            Err(line) => {
                waiting.seen = None;
                waiting.held = Some(Held::ByTrouble(line));
                return None;
            }
        };
        if waiting.seen.is_none_or(|before| before.fingerprint != seen.fingerprint) {
            // Its writer has been at it: what was wrong with it may be mended.
            (waiting.since, waiting.held) = (now, None);
        }
        waiting.seen = Some(seen);
        let still = now - waiting.since;
        let age = wall.duration_since(seen.changed).unwrap_or_default();
        let whole = seen.wholeness.may_be_taken(still, age, patience);
        let may = waiting.held.as_ref().is_none_or(|why| self.clocks.of(why).is_due(now));
        (whole && may).then_some(seen.fingerprint)
    }

    /// A pass has tried these drops, and could not take those that are held.
    pub fn tried(&mut self, tried: &[(DropName, Fingerprint)], held: Vec<(DropName, Held)>, now: Instant) {
        let mut before = [0, 0];
        for (name, _) in tried {
            if let Some(why) = self.waiting.get_mut(name).and_then(|waiting| waiting.held.take()) {
                before[usize::from(why.by_register())] += 1;
            }
        }
        let mut after = [0, 0];
        for (name, why) in held {
            after[usize::from(why.by_register())] += 1;
            if let Some(waiting) = self.waiting.get_mut(&name) {
                waiting.held = Some(why);
            }
        }
        for (by_register, clock) in [(false, &mut self.clocks.trouble), (true, &mut self.clocks.registers)] {
            let (before, after) = (before[usize::from(by_register)], after[usize::from(by_register)]);
            let held = |waiting: &Waiting| waiting.held.as_ref().is_some_and(|why| why.by_register() == by_register);
            if !self.waiting.values().any(held) {
                clock.succeed();
            } else if after >= before && after > 0 && clock.is_due(now) {
                // Where some were freed, those that were not among the tried ones need not wait.
                clock.fail(now);
            }
        }
    }

    /// The registers have changed: what waits for them is tried at once.
    pub fn retry_held_by_registers(&mut self) {
        self.clocks.registers.succeed();
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// When the drop was last changed that was changed longest ago.
    pub fn oldest(&self) -> Option<SystemTime> {
        self.waiting.values().filter_map(|waiting| waiting.seen.map(|seen| seen.changed)).min()
    }

    pub fn held(&self) -> impl Iterator<Item = (&DropName, &Held)> {
        self.waiting.iter().filter_map(|(name, waiting)| Some((name, waiting.held.as_ref()?)))
    }

    /// The senders' own inboxes, and drops that something may still be written into, as many as can be listened to.
    pub fn fresh(&self, root: &Root, now: Instant) -> impl Iterator<Item = PathBuf> {
        let own: Vec<PathBuf> = self.own.iter().map(|number| root.inbox().join(number.to_string())).collect();
        let drops = self.waiting.iter().filter(|(_, waiting)| now - waiting.since < FRESH).take(LISTENED_MAX);
        let drops: Vec<PathBuf> = drops.map(|(name, _)| name.in_inbox(root)).collect();
        own.into_iter().chain(drops)
    }

    /// When the next drop will have stood still long enough, or may be tried again.
    pub fn next_settled(&self, after: Instant) -> Option<Instant> {
        let settled = self.waiting.values().map(|waiting| waiting.since + self.patience.settle);
        let retried = [self.clocks.registers.due(), self.clocks.trouble.due()].into_iter().flatten();
        settled.chain(retried).filter(|moment| *moment > after).min()
    }
}

impl Clocks {
    fn of(&self, why: &Held) -> &Backoff {
        if why.by_register() { &self.registers } else { &self.trouble }
    }
}

impl Waiting {
    fn is_due(&self, hinted: bool, now: Instant, interval: Duration, patience: Patience, clocks: &Clocks) -> bool {
        let settled = self.since + patience.settle;
        // What cannot be read has nothing to be tried; it is looked at again with the others.
        let held = self.held.as_ref().filter(|_| self.seen.is_some());
        now - self.looked >= interval
            || (self.looked < settled && settled <= now)
            || held.is_some_and(|why| clocks.of(why).is_due(now))
            || (hinted && now - self.since < FRESH)
    }
}

fn trouble(name: &DropName, error: &io::Error) -> String {
    format!(
        "{}: mappen kan ikke leses ({}). Den er ikke rørt. Prøv: {}; det prøves igjen av seg selv.",
        name.shown(),
        fault::cause(error),
        fault::remedy(error)
    )
}
