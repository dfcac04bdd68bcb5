//! Arguments, clock, exit code. The only place that reads the environment.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use chrono::{NaiveTime, SubsecRound, Utc};
use chrono_tz::Europe::Oslo;
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use postgang::core::calendar::{Time, parse_time};
use postgang::core::identity::OrgNumber;
use postgang::core::senders::Senders;
use postgang::core::snapshot::SnapshotName;
use postgang::core::whole::Patience;
use postgang::shell::intake;
use postgang::shell::pass::{self, PassError, Settings};
use postgang::shell::root::{Root, RootError};
use postgang::shell::{check, demo, explain, nightly, overview, summary, watch};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit};
use tracing::Level;
use tracing_subscriber::EnvFilter;

/// Route letter folders from archive systems to Digipost, e-Boks, Altinn, SvarInn or print.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// Folder that holds inbox/, outbox/ and registry/
    #[arg(long, global = true, env = "POSTGANG_ROOT", default_value = ".", value_name = "DIR")]
    root: PathBuf,
    /// Ledger file, when it is not .postgang/ledger.sqlite in the root
    #[arg(long, global = true, value_name = "PATH")]
    ledger: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long, global = true)]
    json: bool,
    /// The moment to decide by, instead of the clock
    #[arg(long, global = true, value_name = "RFC3339", value_parser = moment)]
    now: Option<Time>,
    /// Accept a root on a network file system, with weaker promises
    #[arg(long, global = true)]
    network_root: bool,
    /// Threads to use; all processors when absent
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
}

#[derive(Subcommand)]
enum Command {
    /// Route every letter in inbox/ that is whole, once
    Run(RunArgs),
    /// Route letters as they come, until told to stop
    Watch(WatchArgs),
    /// Make the folders, and the marker that tells an inbox from a share that is not mounted
    Init,
    /// Do the night's work: receipts, deadlines, print batches, lists
    Nightly {
        /// Print this sender's unread letters though nothing has been heard of too many of them; may be repeated
        #[arg(long, value_name = "ORGNR", value_parser = organisation)]
        accept_unnotified: Vec<OrgNumber>,
    },
    /// Stop a letter that still waits to be opened, collected or printed
    Hold {
        /// forsendelsesId, eksternReferanse, the beginning of one, or a folder
        letter: String,
        /// Why; kept with the letter
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Record letters that came back from paper, as a receipt RETUR does
    Returned {
        /// forsendelsesId, eksternReferanse, the beginning of one, or a folder
        #[arg(required = true)]
        letters: Vec<String>,
    },
    /// Close matters of outbox/oppfolging-*.csv for good
    Done {
        /// Their numbers, from the column nr
        #[arg(required = true, value_name = "NUMBER", value_parser = value_parser!(i64).range(1..))]
        numbers: Vec<i64>,
    },
    /// Count letters by month, sender, channel and code
    Report,
    /// Say what would happen to a drop, or what is wrong with a snapshot or avsendere.yaml; move nothing
    Check {
        /// A drop, a placed letter, a snapshot or avsendere.yaml; the whole root when absent
        path: Option<PathBuf>,
        #[command(flatten)]
        patience: PatienceArgs,
    },
    /// Say why a letter went where it went
    Explain {
        /// forsendelsesId, eksternReferanse, the beginning of one, or a folder
        letter: String,
    },
    /// Count the letters in each place and show the oldest
    Status,
    /// Make a root with sample letters and registers and run a day and a night in it
    Demo {
        /// Folder to make the root in; a new temporary folder when absent
        dir: Option<PathBuf>,
    },
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    patience: PatienceArgs,
    /// Believe this snapshot once, though it has shrunk or is gone (krr, reservasjoner, enheter, underenheter, svarinn)
    #[arg(long, value_name = "NAME")]
    accept_snapshot: Vec<SnapshotName>,
}

#[derive(Args)]
struct WatchArgs {
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
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Args)]
struct PatienceArgs {
    /// Seconds a drop must have been left alone before it is taken; 0 turns it off
    #[arg(long, value_name = "SECONDS", default_value_t = Self::DEFAULT.settle, value_parser = value_parser!(u64).range(..=YEAR))]
    settle: u64,
    /// Seconds after which an incomplete drop is refused
    #[arg(long, value_name = "SECONDS", default_value_t = Self::DEFAULT.give_up, value_parser = value_parser!(u64).range(..=YEAR))]
    give_up: u64,
}

/// Seconds: longer than anything is waited for, and short enough to be added to any time.
const YEAR: u64 = 366 * 86_400;

const NOT_FOUND: &str = "Fant ikke noe brev med denne forsendelsesId, eksternReferanse eller mappen. Prøv: postgang status viser hvor brev ligger; et brev som ennå ligger i inbox/, vises med postgang check.";

fn main() -> ExitCode {
    keep_private();
    let cli = Cli::parse();
    match &cli.command {
        Command::Watch(args) => start_logging(Level::INFO, args.log_format),
        _ => start_logging(Level::WARN, LogFormat::Text),
    }
    if let Some(threads) = cli.common.threads {
        // Fails only when a pool exists already, and none does here.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    match execute(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if cli.common.json {
                println!("{}", failure(&cli, error.to_string()));
            }
            eprintln!("{error}");
            ExitCode::from(exit_code(&error))
        }
    }
}

/// Letters are for their owner and group: no file that we make is for others, and no core dump holds one.
fn keep_private() {
    rustix::process::umask(Mode::from_raw_mode(0o007));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Where it cannot be forbidden, it is no reason to stand still.
    let _ = rustix::process::setrlimit(Resource::Core, none);
}

/// What a machine reads of a command that did nothing: the command's own counts, and why.
fn failure(cli: &Cli, message: String) -> serde_json::Value {
    let messages = vec![message];
    let json = match &cli.command {
        Command::Run(_) => {
            let root = Root::new(&cli.common.root, None);
            let left =
                intake::list(&root, &Senders::default()).map_or(0, |inbox| inbox.drops.len() + inbox.strays.len());
            serde_json::to_value(pass::Report { left, messages, ..Default::default() })
        }
        Command::Nightly { .. } => {
            let run = pass::Report { messages, ..Default::default() };
            serde_json::to_value(nightly::NightReport { run, ..Default::default() })
        }
        _ => Ok(serde_json::json!({ "messages": messages })),
    };
    json.expect("the answer is plain data")
}

fn execute(cli: &Cli) -> Result<u8, PassError> {
    let common = &cli.common;
    let root = Root::new(&common.root, common.ledger.clone());
    match &cli.command {
        Command::Run(args) => {
            let settings = settings(common, args.patience.get(), &args.accept_snapshot);
            let report = pass::run(&root, &settings)?;
            if std::env::var_os("POSTGANG_TIMINGS").is_some() {
                for (stage, wall, cpu) in report.stopwatch.seconds() {
                    eprintln!("timing {stage} wall={wall:.4} cpu={cpu:.4}");
                }
            }
            show(common, &report, &report.text())?;
            Ok(report.exit_code())
        }
        Command::Watch(args) => {
            let moment = || Settings { progress: ProgressBar::hidden(), ..settings(common, args.patience.get(), &[]) };
            let mut night = |now| {
                let report = nightly::nightly(&root, &Settings { now, ..moment() }, &[])?;
                watch::log_night(&report);
                Ok(())
            };
            let options = watch::Options {
                interval: args.interval,
                poll: args.poll,
                metrics: args.metrics.clone(),
                nightly: args.nightly.map(|at| watch::Daily::new(at, &mut night)),
            };
            let report = watch::watch(&root, options, &moment)?;
            // A table would stand among the log's objects, whose last one has said the same.
            if common.json || matches!(args.log_format, LogFormat::Text) {
                show(common, &report, &report.text())?;
            }
            Ok(0)
        }
        Command::Init => {
            root.init(common.network_root)?;
            let dir = root.dir().display();
            let text = format!("{dir} er gjort klar. Legg avsendere.yaml og registrene i {dir}/registry/.");
            show(common, &serde_json::json!({ "root": root.dir() }), &text)?;
            Ok(0)
        }
        Command::Nightly { accept_unnotified } => {
            let settings = settings(common, PatienceArgs::DEFAULT.get(), &[]);
            let report = nightly::nightly(&root, &settings, accept_unnotified)?;
            show(common, &report, &report.text())?;
            Ok(report.exit_code())
        }
        Command::Hold { letter, reason } => {
            let held = nightly::hold(&root, &settings(common, PatienceArgs::DEFAULT.get(), &[]), letter, reason)?;
            let texts: Vec<String> = held.iter().map(nightly::Held::text).collect();
            show(common, &serde_json::json!({ "letters": held }), &texts.join("\n"))?;
            if held.is_empty() {
                eprintln!("{NOT_FOUND}");
            }
            Ok(u8::from(!held.iter().any(|letter| letter.stopped)))
        }
        Command::Returned { letters } => {
            let returned = nightly::returned(&root, &settings(common, PatienceArgs::DEFAULT.get(), &[]), letters)?;
            let texts: Vec<String> = returned.iter().map(nightly::Returned::text).collect();
            show(common, &serde_json::json!({ "letters": returned }), &texts.join("\n"))?;
            Ok(u8::from(returned.iter().any(|letter| !letter.returned)))
        }
        Command::Done { numbers } => {
            let closed = nightly::done(&root, &settings(common, PatienceArgs::DEFAULT.get(), &[]), numbers)?;
            let texts: Vec<String> = closed.iter().map(nightly::Closed::text).collect();
            show(common, &serde_json::json!({ "matters": closed }), &texts.join("\n"))?;
            Ok(u8::from(closed.iter().any(|matter| !matter.closed)))
        }
        Command::Report => {
            root.check_mounted()?;
            let summary = summary::summary(&root)?;
            show(common, &summary, &summary.text())?;
            Ok(0)
        }
        Command::Check { path, patience } => {
            let settings = settings(common, patience.get(), &[]);
            let checked = check::check(&root, &settings, path.as_deref())?;
            show(common, &checked, &checked.text())?;
            Ok(checked.exit_code)
        }
        Command::Explain { letter } => {
            root.check_mounted()?;
            let letters = explain::explain(&root, letter)?;
            let texts: Vec<String> = letters.iter().map(explain::Explanation::text).collect();
            show(common, &serde_json::json!({ "letters": letters }), &texts.join("\n"))?;
            if letters.is_empty() {
                eprintln!("{NOT_FOUND}");
            }
            Ok(u8::from(letters.is_empty()))
        }
        Command::Status => {
            root.check_mounted()?;
            let overview = overview::overview(&root, &pass::read_senders(&root)?)?;
            show(common, &overview, &overview.text())?;
            Ok(0)
        }
        Command::Demo { dir } => {
            let dir = match dir {
                Some(dir) => dir.clone(),
                None => {
                    tempfile::Builder::new().prefix("postgang-demo-").tempdir().context("no temporary folder")?.keep()
                }
            };
            let demo = demo::demo(&dir, &settings(common, PatienceArgs::DEFAULT.get(), &[]))?;
            show(common, &demo, demo.text())?;
            Ok(0)
        }
    }
}

fn settings(common: &Common, patience: Patience, accept: &[SnapshotName]) -> Settings {
    Settings {
        now: common.now.unwrap_or_else(|| Utc::now().trunc_subsecs(0).with_timezone(&Oslo)),
        wall: SystemTime::now(),
        patience,
        accept: accept.to_vec(),
        network_root: common.network_root,
        progress: progress(common.json),
        probe: None,
    }
}

/// The one place that prints an answer: JSON for machines, text for people.
fn show(common: &Common, json: &impl serde::Serialize, text: &str) -> Result<(), PassError> {
    let line = if common.json {
        serde_json::to_string(json).context("the answer is plain data")?
    } else {
        text.trim_end().to_owned()
    };
    match writeln!(io::stdout(), "{line}") {
        // A reader that has gone away (`postgang status | head`) is no error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other.context("stdout")?),
    }
}

impl PatienceArgs {
    const DEFAULT: Self = Self { settle: 5, give_up: 3600 };

    fn get(&self) -> Patience {
        Patience { settle: Duration::from_secs(self.settle), give_up: Duration::from_secs(self.give_up) }
    }
}

fn exit_code(error: &PassError) -> u8 {
    match error {
        PassError::Root(RootError::Locked(_)) => 75,
        PassError::Root(_) | PassError::Senders(_) | PassError::Other(_) => 3,
    }
}

fn moment(text: &str) -> Result<Time, String> {
    parse_time(text).ok_or_else(|| "expected an RFC 3339 time such as 2026-11-23T09:00:00+01:00".to_owned())
}

fn organisation(text: &str) -> Result<OrgNumber, String> {
    OrgNumber::parse(text.as_bytes()).ok_or_else(|| "expected an organisation number of nine digits".to_owned())
}

fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "expected a time of day such as 00:30".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.replace(',', ".").parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let sensible = seconds.filter(|seconds| !seconds.is_zero() && *seconds <= Duration::from_secs(YEAR));
    sensible.ok_or_else(|| format!("expected a number of seconds above 0, at most {YEAR}"))
}

fn progress(json: bool) -> ProgressBar {
    if json || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}").expect("the template is a constant");
    ProgressBar::no_length().with_style(style)
}

/// Logs go to stderr; `RUST_LOG` chooses how much. A panic is logged by its place alone: its message may quote a
/// letter.
fn start_logging(level: Level, format: LogFormat) {
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => subscriber.with_target(false).with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => subscriber.json().flatten_event(true).with_target(false).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
