//! `watch`: routes letters as they come, until told to stop.

use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveTime;
use clap::ValueEnum;
use indicatif::ProgressBar;

use super::{Answer, Call, PatienceArgs, YEAR};
use crate::shell::pass::{PassError, Settings};
use crate::shell::{nightly, watch};

#[derive(clap::Args)]
#[command(after_long_help = "Example:
  postgang --root /srv/post watch --nightly 00:30 --metrics /var/lib/postgang/postgang.prom")]
pub struct Args {
    #[command(flatten)]
    patience: PatienceArgs,
    /// Seconds between two looks at inbox/, when nothing calls for one before
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    interval: Duration,
    /// Look every interval only; do not listen for changes
    #[arg(long)]
    poll: bool,
    /// Also do the night's work at this time in Norway, for those without a timer
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    nightly: Option<NaiveTime>,
    /// Write figures for Prometheus to this file
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// How the log is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

pub fn watch(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let moment = || Settings { progress: ProgressBar::hidden(), patience: args.patience.get(), ..(call.settings)() };
    let mut night = |now| {
        let night = nightly::nightly(&call.root, &Settings { now, ..moment() }, &[]);
        let report = night.map_err(|error| error.about(&call.root))?;
        watch::log_night(&report);
        Ok(())
    };
    let options = watch::Options {
        interval: args.interval,
        poll: args.poll,
        metrics: args.metrics.clone(),
        nightly: args.nightly.map(|at| watch::Daily::new(at, &mut night)),
    };
    let report = watch::watch(&call.root, options, &moment)?;
    // A table would stand among the log's objects, whose last one has said the same.
    let text = if matches!(args.log_format, LogFormat::Text) { report.text() } else { String::new() };
    Ok(Answer::new(&report, text)?)
}

fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "expected a time of day such as 00:30".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.replace(',', ".").parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let sensible = seconds.filter(|seconds| !seconds.is_zero() && *seconds <= Duration::from_secs(YEAR));
    sensible.ok_or_else(|| format!("expected a number of seconds above 0, at most {YEAR}"))
}
