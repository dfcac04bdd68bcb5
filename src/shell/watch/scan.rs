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
use crate::core::names::shown;
use crate::core::senders::Senders;
use crate::shell::dir::Fingerprint;
use crate::shell::intake::{self, Glance, Patience, Wholeness};
use crate::shell::root::Root;
use crate::shell::spool::DropName;

/// Drops looked at in one scan, and so letters in one pass.
const LOOKS_MAX: usize = 10_000;
/// Strays that are told of one by one.
const STRAYS_MAX: usize = 1_000;
/// How long a drop that stands still is listened to.
const FRESH: Duration = Duration::from_secs(60);

pub struct Scanner {
    interval: Duration,
    patience: Patience,
    waiting: HashMap<DropName, Waiting>,
    /// Counts the scans, to know which drops are gone.
    round: u64,
}

/// A drop in the inbox.
struct Waiting {
    /// `None` while it cannot be read.
    seen: Option<Seen>,
    /// Since when it has looked as it does, by the machine's own clock.
    since: Instant,
    looked: Instant,
    retry: Backoff,
    /// The line for the operator.
    trouble: Option<String>,
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
pub struct Found {
    pub ready: Vec<(DropName, Fingerprint)>,
    pub strays: Vec<String>,
    /// Some drops that were due have not been looked at yet.
    pub more: bool,
}

impl Scanner {
    pub fn new(interval: Duration, patience: Patience) -> Self {
        Self { interval, patience, waiting: HashMap::new(), round: 0 }
    }

    /// `hinted`: something has happened somewhere in the inbox.
    pub fn scan(
        &mut self,
        root: &Root,
        senders: &Senders,
        hinted: bool,
        now: Instant,
        wall: SystemTime,
    ) -> io::Result<Found> {
        let mut listing = intake::list(root, senders)?;
        listing.strays.truncate(STRAYS_MAX);
        self.round += 1;
        // The new ones first, then those that have not been looked at for longest.
        let mut due: Vec<(Option<Instant>, DropName)> = Vec::new();
        for name in listing.drops {
            match self.waiting.get_mut(&name) {
                None => due.push((None, name)),
                Some(waiting) => {
                    waiting.round = self.round;
                    if waiting.is_due(hinted, now, self.interval, self.patience) {
                        due.push((Some(waiting.looked), name));
                    }
                }
            }
        }
        self.waiting.retain(|_, waiting| waiting.round == self.round);
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
        Ok(Found { ready, strays: listing.strays, more })
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
        let fresh = Waiting {
            seen: None,
            since: now,
            looked: now,
            retry: Backoff::default(),
            trouble: None,
            round: self.round,
        };
        let (patience, waiting) = (self.patience, self.waiting.entry(name.clone()).or_insert(fresh));
        waiting.looked = now;
        let seen = match seen {
            Ok(seen) => seen,
            Err(line) => {
                waiting.seen = None;
                waiting.trouble = Some(line);
                return None;
            }
        };
        if waiting.seen.is_none_or(|before| before.fingerprint != seen.fingerprint) {
            // Its writer has been at it: what was wrong with it may be mended.
            (waiting.since, waiting.retry, waiting.trouble) = (now, Backoff::default(), None);
        }
        waiting.seen = Some(seen);
        let still = now - waiting.since;
        let age = wall.duration_since(seen.changed).unwrap_or_default();
        let whole = match seen.wholeness {
            Wholeness::Declared => true,
            Wholeness::Complete => still >= patience.settle,
            Wholeness::Incomplete => still >= patience.settle && age >= patience.give_up,
        };
        (whole && waiting.retry.is_due(now)).then_some(seen.fingerprint)
    }

    /// A pass could not take this drop: it waits a while. `line` is for the operator.
    pub fn hold(&mut self, name: &DropName, line: Option<String>, now: Instant) {
        if let Some(waiting) = self.waiting.get_mut(name) {
            waiting.retry.fail(now);
            waiting.trouble = line;
        }
    }

    /// The registers have changed: what waited for them is tried at once.
    pub fn forget_holds(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.retry.succeed();
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// When the drop was last changed that was changed longest ago.
    pub fn oldest(&self) -> Option<SystemTime> {
        self.waiting.values().filter_map(|waiting| waiting.seen.map(|seen| seen.changed)).min()
    }

    pub fn troubles(&self) -> impl Iterator<Item = (&DropName, &str)> {
        self.waiting.iter().filter_map(|(name, waiting)| Some((name, waiting.trouble.as_deref()?)))
    }

    /// Drops that something may still be written into, as many as can be listened to.
    pub fn fresh(&self, root: &Root, now: Instant) -> impl Iterator<Item = PathBuf> {
        let mut senders: Vec<PathBuf> = self
            .waiting
            .keys()
            .filter(|name| name.sender.is_some())
            .filter_map(|name| Some(name.in_inbox(root).parent()?.to_owned()))
            .collect();
        senders.sort();
        senders.dedup();
        let drops = self.waiting.iter().filter(|(_, waiting)| now - waiting.since < FRESH).take(LISTENED_MAX);
        let drops: Vec<PathBuf> = drops.map(|(name, _)| name.in_inbox(root)).collect();
        senders.into_iter().chain(drops)
    }

    /// When the next drop will have stood still long enough, or may be tried again.
    pub fn next_settled(&self, after: Instant) -> Option<Instant> {
        let moments = |waiting: &Waiting| {
            let settled = waiting.since + self.patience.settle;
            [Some(settled), waiting.retry.due()].into_iter().flatten().filter(|moment| *moment > after).min()
        };
        self.waiting.values().filter_map(moments).min()
    }
}

impl Waiting {
    fn is_due(&self, hinted: bool, now: Instant, interval: Duration, patience: Patience) -> bool {
        let passed = |moment: Instant| self.looked < moment && moment <= now;
        now - self.looked >= interval
            || passed(self.since + patience.settle)
            || self.retry.due().is_some_and(passed)
            || (hinted && now - self.since < FRESH)
    }
}

fn trouble(name: &DropName, error: &io::Error) -> String {
    format!(
        "{}: mappen kan ikke leses ({}). Den er ikke rørt. Prøv: gi postgang lese- og skrivetilgang; det prøves igjen av seg selv.",
        name.shown(),
        shown(&error.to_string())
    )
}
