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
mod registry;
mod scan;
mod service;
mod troubles;
mod wake;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::dir::Fingerprint;
use super::fault;
use super::intake;
use super::nightly::NightReport;
use super::pass::{self, Errand, Held, PassError, Report, Settings};
use super::root::{Root, RootError, network_file_system};
use super::spool::{DropName, Spool};
use crate::core::names::shown;
use backoff::Backoff;
use registry::Registry;
use scan::Scanner;
use service::tell;
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
    // A share that comes later is waited for; a folder that has nothing of a root is a slip of the pen.
    if ![root.inbox(), root.registry(), root.state()].iter().any(|folder| folder.is_dir()) {
        return Err(RootError::NoRoot(root.dir().to_owned()).into());
    }
    let mut waker = Waker::start()?;
    let options = Options { interval: options.interval.min(service::sleep_max()), ..options };
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
        strays: Vec::new(),
        registry: Registry::new(root, Instant::now()),
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
    let mut total = watch.metrics.total;
    // The last pass may have left letters that it did not come to, and others may have come since.
    let senders = pass::read_senders(root).unwrap_or_default();
    total.left = intake::list(root, &senders).map_or(0, |inbox| inbox.drops.len() + inbox.strays.len());
    tracing::info!(placed = total.received, left = total.left, "leaving; the letters in hand are placed");
    Ok(total)
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
    /// What lay in the inbox without being a letter, when it was last listed.
    strays: Vec<String>,
    registry: Registry,
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
                self.strays = found.strays;
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
        if !self.waker.is_stopping() {
            self.run_nightly(&settings, &mut standing);
        }
        standing.extend(self.failure.iter().map(|line| (Topic::Pass, line.clone())));
        standing.extend(self.unmarked.iter().map(|line| (Topic::Unmarked(line.clone()), line.clone())));
        standing.extend(self.strays.iter().map(|line| (Topic::Stray(line.clone()), line.clone())));
        standing.extend(self.registry.troubles());
        standing.extend(self.stuck.iter().map(|(name, line)| (Topic::Drop(name.clone()), line.clone())));
        for (name, why) in self.scanner.held() {
            let topic = if why.by_register() { Topic::Held } else { Topic::Drop };
            standing.insert(topic(name.clone()), why.line(name));
        }
        self.write_metrics(&settings, &mut standing);
        self.troubles.update(standing);
        self.report_status();
        more
    }

    fn scan(&mut self, settings: &Settings, hinted: bool, now: Instant) -> Result<scan::Findings, PassError> {
        self.root.check_mounted()?;
        let marked = self.root.has_marker();
        if self.had_marker && !marked {
            return Err(RootError::Unmounted(self.root.inbox()).into());
        }
        self.had_marker = marked;
        let senders = pass::read_senders(self.root)?;
        if self.registry.has_changed(self.root, now, settings.patience.settle) {
            self.scanner.retry_held_by_registers();
        }
        let found = self.scanner.scan(self.root, &senders, hinted, now, settings.wall);
        self.metrics.scanned(now.elapsed(), &self.scanner);
        Ok(found.map_err(|error| anyhow::Error::new(error).context("kan ikke lese inbox/"))?)
    }

    fn run_pass(&mut self, settings: &Settings, ready: &[(DropName, Fingerprint)]) {
        let waker = &self.waker;
        let go_on = || {
            tell(&[NotifyState::Watchdog]);
            !waker.is_stopping()
        };
        let recover = self.broken || !self.unmarked.is_empty();
        let errand = Errand { drops: Some(ready), recover, go_on: &go_on };
        let outcome = pass::run_errand(self.root, settings, &errand);
        let now = Instant::now();
        self.broken = outcome.is_err();
        let report = match outcome {
            Ok(report) => report,
            // No trouble: it was not worth waiting for any longer.
            Err(PassError::Root(RootError::Locked(_))) if self.waker.is_stopping() => return,
            Err(error) => {
                self.pass.fail(now);
                self.failure = Some(error.about(self.root).to_string());
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
        let mut held = Vec::new();
        for (name, why) in report.held.iter().cloned() {
            match why {
                Held::ByTrouble(line) if name.in_work(self.root).exists() => drop(self.stuck.insert(name, line)),
                why => held.push((name, why)),
            }
        }
        self.scanner.tried(ready, held, now);
        self.registry.heard(&report);
        self.metrics.passed(&report);
    }

    fn run_nightly(&mut self, settings: &Settings, standing: &mut BTreeMap<Topic, String>) {
        if let Some(Err(error)) = self.options.nightly.as_mut().map(|daily| daily.run(self.root, settings.now)) {
            standing.insert(Topic::Nightly, fault::chain(&error));
        }
    }

    fn write_metrics(&mut self, settings: &Settings, standing: &mut BTreeMap<Topic, String>) {
        let Some(path) = &self.options.metrics else { return };
        let troubles = standing.keys().filter(|topic| !matches!(topic, Topic::Held(_))).count();
        let text = self.metrics.text(self.root, settings.wall, &self.scanner, &self.registry, troubles);
        if let Err(error) = metrics::write(path, &text) {
            let line = format!(
                "{}: måltallene kunne ikke skrives ({}). Prøv: {}.",
                path.display(),
                fault::cause(&error),
                fault::remedy(&error)
            );
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
        let registry = self.registry.next_settled((self.moment)().patience.settle).filter(|due| *due > started);
        [self.scanner.next_settled(started), registry, pass].into_iter().flatten().fold(regular, Instant::min)
    }
}

/// What the night did, a line for each thing that somebody should look at.
pub fn log_night(report: &NightReport) {
    for message in &report.run.messages {
        tracing::warn!(line = shown(message), "night");
    }
    tracing::info!(printed = report.printed, expired = report.expired, opened = report.opened, "night done");
}
