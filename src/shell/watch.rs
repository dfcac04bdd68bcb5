//! `watch`: passes for as long as it runs.
//!
//! The scan is the truth: every `--interval` the inbox is listed and each waiting drop is compared with how it looked
//! before. A notification only makes the next scan come early, so one that is lost costs at most an interval.
//!
//! Nothing that goes wrong ends the watch. What is wrong stands as a trouble, which is told once when it comes and once
//! when it is over, and what it stopped is tried again after a while that doubles.

mod backoff;
mod daily;
mod metrics;
mod scan;
mod troubles;
mod wake;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::dir::{Dir, Fingerprint};
use super::intake::Glance;
use super::nightly::NightReport;
use super::pass::{self, Errand, Held, PassError, Report, Settings};
use super::root::{Root, RootError, network_file_system};
use super::spool::{DropName, Spool};
use crate::core::names::shown;
use backoff::Backoff;
use scan::Scanner;
use troubles::{Topic, Troubles};
use wake::Waker;

pub use daily::Daily;
pub use metrics::Metrics;

/// The least time between two looks at the inbox, so that a burst of events is one event.
const GAP_MIN: Duration = Duration::from_millis(100);

pub struct Options<'a> {
    /// The longest that a drop goes unnoticed.
    pub interval: Duration,
    /// Do not listen for changes.
    pub poll: bool,
    /// Where Prometheus' text file is written.
    pub metrics: Option<PathBuf>,
    /// What is done once a day.
    pub nightly: Option<Daily<'a>>,
}

/// Routes letters until it is told to stop; returns what was done. `moment` gives each pass its settings, the time
/// among them.
pub fn watch<'a>(root: &'a Root, options: Options<'a>, moment: &'a dyn Fn() -> Settings) -> anyhow::Result<Report> {
    let mut waker = Waker::start()?;
    match network_file_system(root.dir()) {
        Some(kind) => tracing::info!(kind, interval = ?options.interval, "polling: no events come from other machines"),
        None if options.poll => tracing::info!(interval = ?options.interval, "polling, as told"),
        None => match waker.listen() {
            Ok(()) => tracing::info!(interval = ?options.interval, "listening for changes"),
            Err(error) => tracing::warn!(%error, interval = ?options.interval, "polling: cannot listen for changes"),
        },
    }
    let mut watch = Watch {
        scanner: Scanner::new(options.interval, moment().patience),
        root,
        moment,
        waker,
        troubles: Troubles::default(),
        had_marker: false,
        broken: true,
        pass: Backoff::default(),
        leftovers: None,
        failure: None,
        unmarked: Vec::new(),
        stuck: BTreeMap::new(),
        registry: None,
        registers: BTreeSet::new(),
        registers_since: false,
        metrics: Metrics::default(),
        options,
    };
    tell(&[NotifyState::Ready]);
    let mut hinted = false;
    loop {
        let started = Instant::now();
        let more = watch.cycle(hinted);
        if watch.waker.is_stopping() {
            break;
        }
        // Registers of national size take a second or two to read: between passes the machine belongs to others.
        let gap = started.elapsed().clamp(GAP_MIN, watch.options.interval.max(GAP_MIN));
        let earliest = Instant::now() + if more { Duration::ZERO } else { gap };
        let latest = watch.next_due(started).max(earliest);
        hinted = watch.waker.wait(earliest, if more { earliest } else { latest });
    }
    tell(&[NotifyState::Stopping]);
    tracing::info!("leaving; the letters in hand are placed");
    Ok(watch.metrics.total)
}

struct Watch<'a> {
    root: &'a Root,
    options: Options<'a>,
    moment: &'a dyn Fn() -> Settings,
    waker: Waker,
    scanner: Scanner,
    troubles: Troubles,
    /// The marker was there once, whether or not `.postgang/` says so.
    had_marker: bool,
    /// No pass has come to its end yet, or the last one did not: one is wanted though no drop is ready.
    broken: bool,
    pass: Backoff,
    /// Letters are left in `work/`, or without their mark: they are taken up again without waiting for another, nor it for them.
    leftovers: Option<Backoff>,
    failure: Option<String>,
    /// What stands of letters that lack `FERDIG`.
    unmarked: Vec<String>,
    /// Letters in `work/` that could not be moved on.
    stuck: BTreeMap<DropName, String>,
    /// What `registry/` looked like last.
    registry: Option<Fingerprint>,
    /// What the registers have had to say since they last changed.
    registers: BTreeSet<String>,
    /// Nothing was asked of the registers since they last changed.
    registers_since: bool,
    metrics: Metrics,
}

impl Watch<'_> {
    /// Looks once and does what there is to do; says whether more is waiting that was not looked at.
    fn cycle(&mut self, hinted: bool) -> bool {
        let settings = (self.moment)();
        let now = Instant::now();
        let mut standing = BTreeMap::new();
        let mut more = false;
        match self.scan(&settings, hinted, now) {
            Ok(found) => {
                more = found.more;
                standing.extend(found.strays.into_iter().map(|line| (Topic::Stray(line.clone()), line)));
                let owed = self.broken || self.leftovers.is_some_and(|retry| retry.is_due(now));
                if (owed || !found.ready.is_empty()) && self.pass.is_due(now) {
                    self.run_pass(&settings, &found.ready);
                }
                let attended = self.scanner.fresh(self.root, Instant::now());
                self.waker.attend(self.root, attended);
            }
            Err(error) => {
                standing.insert(Topic::Inbox, error.to_string());
                self.waker.deafen();
            }
        }
        self.run_nightly(&settings, &mut standing);
        standing.extend(self.failure.iter().map(|line| (Topic::Pass, line.clone())));
        standing.extend(self.unmarked.iter().map(|line| (Topic::Unmarked(line.clone()), line.clone())));
        standing.extend(self.registers.iter().map(|line| (Topic::Register(line.clone()), line.clone())));
        let stuck = self.stuck.iter().map(|(name, line)| (name, line.as_str()));
        for (name, line) in stuck.chain(self.scanner.troubles()) {
            standing.insert(Topic::Drop(name.clone()), line.to_owned());
        }
        self.write_metrics(&settings, &mut standing);
        self.troubles.update(standing);
        self.report_status();
        more
    }

    fn scan(&mut self, settings: &Settings, hinted: bool, now: Instant) -> Result<scan::Found, PassError> {
        self.root.check_mounted()?;
        let marked = self.root.has_marker();
        if self.had_marker && !marked {
            return Err(RootError::Unmounted(self.root.inbox()).into());
        }
        self.had_marker = marked;
        let senders = pass::read_senders(self.root)?;
        let registry = Dir::open(&self.root.registry()).and_then(Glance::of).map(|glance| glance.fingerprint()).ok();
        if registry != self.registry {
            self.registry = registry;
            self.registers_since = true;
            self.scanner.forget_holds();
        }
        let found = self.scanner.scan(self.root, &senders, hinted, now, settings.wall);
        self.metrics.scanned(now.elapsed(), &self.scanner);
        Ok(found.map_err(|error| anyhow::Error::new(error).context("kan ikke lese inbox/"))?)
    }

    fn run_pass(&mut self, settings: &Settings, ready: &[(DropName, Fingerprint)]) {
        let kept = self.root.state().join("snapshots");
        let waker = &self.waker;
        let go_on = || {
            tell(&[NotifyState::Watchdog]);
            !waker.is_stopping()
        };
        let recover = self.broken || !self.unmarked.is_empty();
        let errand = Errand { drops: Some(ready), recover, keep_snapshots: Some(&kept), go_on: &go_on };
        let outcome = pass::run_errand(self.root, settings, &errand);
        let now = Instant::now();
        self.broken = outcome.is_err();
        let report = match outcome {
            Ok(report) => report,
            Err(error) => {
                self.pass.fail(now);
                self.failure = Some(error.to_string());
                return;
            }
        };
        self.pass.succeed();
        self.unmarked.clone_from(&report.unmarked);
        let finished = Spool::new(self.root, None).unfinished().is_ok_and(|left| left.is_empty());
        if finished && self.unmarked.is_empty() {
            self.leftovers = None;
        } else {
            self.leftovers.get_or_insert_default().fail(now);
        }
        self.failure = None;
        self.stuck.clear();
        for (name, held) in &report.held {
            let line = match held {
                Held::ByTrouble(line) => Some(line.clone()),
                Held::BySnapshot | Held::ByRow => None,
            };
            match line {
                Some(line) if name.in_work(self.root).exists() => drop(self.stuck.insert(name.clone(), line)),
                line => self.scanner.hold(name, line, now),
            }
        }
        // A pass asks only the registers that its letters need: its silence about another means nothing.
        if self.registers_since && !(report.registers.is_empty() && report.register_messages.is_empty()) {
            self.registers.clear();
            self.registers_since = false;
        }
        self.registers.extend(report.register_messages.iter().cloned());
        self.metrics.passed(&report);
    }

    fn run_nightly(&mut self, settings: &Settings, standing: &mut BTreeMap<Topic, String>) {
        if let Some(Err(error)) = self.options.nightly.as_mut().map(|daily| daily.run(self.root, settings.now)) {
            standing.insert(Topic::Nightly, format!("{error:#}"));
        }
    }

    fn write_metrics(&mut self, settings: &Settings, standing: &mut BTreeMap<Topic, String>) {
        let Some(path) = &self.options.metrics else { return };
        let oldest = self.scanner.oldest().and_then(|oldest| settings.wall.duration_since(oldest).ok());
        let text = self.metrics.text(self.root, settings.wall, self.scanner.waiting(), oldest, standing.len());
        if let Err(error) = metrics::write(path, &text) {
            let line = format!("{}: måltallene kunne ikke skrives ({error}).", path.display());
            standing.insert(Topic::Metrics, line);
        }
    }

    fn report_status(&self) {
        let (placed, waiting) = (self.metrics.total.received, self.scanner.waiting());
        let status = match self.troubles.first() {
            Some(trouble) => format!("{placed} letters placed, {waiting} waiting; {trouble}"),
            None => format!("{placed} letters placed, {waiting} waiting"),
        };
        tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
    }

    /// When something is to be done though nobody calls.
    fn next_due(&self, started: Instant) -> Instant {
        let regular = started + self.options.interval;
        let retries = [self.pass.due(), self.leftovers.and_then(|retry| retry.due())].into_iter().flatten();
        let pass = retries.filter(|due| *due > started).min();
        [self.scanner.next_settled(started), pass].into_iter().flatten().fold(regular, Instant::min)
    }
}

/// What the night did, a line for each thing that somebody should look at.
pub fn log_night(report: &NightReport) {
    for message in &report.run.messages {
        tracing::warn!(line = shown(message), "night");
    }
    tracing::info!(printed = report.printed, expired = report.expired, opened = report.opened, "night done");
}

/// Nobody listens where the program was not started by systemd.
fn tell(states: &[NotifyState]) {
    let _ = sd_notify::notify(states);
}
