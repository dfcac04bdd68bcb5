//! Arguments, clock, printing, exit code: the only place that reads the environment. What a command does stands in
//! `commands/`, in the file of its name.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context;
use chrono::{SubsecRound, Utc};
use chrono_tz::Europe::Oslo;
use clap::{Args, CommandFactory, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use postgang::commands::watch::LogFormat;
use postgang::commands::{
    Answer, Call, PatienceArgs, check, completions, demo, done, explain, failure, hold, init, man, nightly, report,
    returned, run, status, watch,
};
use postgang::core::calendar::{Time, parse_time};
use postgang::shell::pass::{PassError, Settings};
use postgang::shell::root::{Root, RootError};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit};
use tracing::Level;
use tracing_subscriber::EnvFilter;

/// Route letter folders from archive systems to Digipost, e-Boks, Altinn, SvarInn or print.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_long_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0   all placed, nothing to do, or only letters that are still being written
  1   something was refused, left or listed and needs a person
  2   wrong usage
  3   a refused snapshot, missing receipts, the brake, avsendere.yaml or the root held letters
  75  another pass holds the lock";

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
    Run(run::Args),
    /// Route letters as they come, until told to stop
    Watch(watch::Args),
    /// Make the folders, and the marker that tells an inbox from a share that is not mounted
    Init,
    /// Do the night's work: receipts, deadlines, print batches, lists
    Nightly(nightly::Args),
    /// Stop a letter that still waits to be opened, collected or printed
    Hold(hold::Args),
    /// Record letters that came back from paper, as a receipt RETUR does
    Returned(returned::Args),
    /// Close matters of outbox/oppfolging-*.csv for good
    Done(done::Args),
    /// Count letters by month, sender, channel and code
    Report,
    /// Say what would happen to a drop, or what is wrong with a snapshot or avsendere.yaml; move nothing
    Check(check::Args),
    /// Say why a letter went where it went
    Explain(explain::Args),
    /// Count the letters in each place and show the oldest
    Status,
    /// Make a root with sample letters and registers and run a day and a night in it
    Demo(demo::Args),
    /// Print a shell's completion script
    Completions(completions::Args),
    /// Write manual pages
    Man(man::Args),
}

impl Command {
    fn carry_out(&self, call: &Call) -> Result<Answer, PassError> {
        match self {
            Self::Run(args) => run::run(call, args),
            Self::Watch(args) => watch::watch(call, args),
            Self::Init => init::init(call),
            Self::Nightly(args) => nightly::nightly(call, args),
            Self::Hold(args) => hold::hold(call, args),
            Self::Returned(args) => returned::returned(call, args),
            Self::Done(args) => done::done(call, args),
            Self::Report => report::report(call),
            Self::Check(args) => check::check(call, args),
            Self::Explain(args) => explain::explain(call, args),
            Self::Status => status::status(call),
            Self::Demo(args) => demo::demo(call, args),
            Self::Completions(args) => completions::completions(call, args),
            Self::Man(args) => man::man(call, args),
        }
    }

    /// What a machine reads of a command that did nothing: the command's own counts, and why.
    fn failure(&self, root: &Root, message: String) -> serde_json::Value {
        let json = match self {
            Self::Run(_) => serde_json::to_value(run::failure(root, message)),
            Self::Nightly(_) => serde_json::to_value(nightly::failure(message)),
            _ => Ok(failure(message)),
        };
        json.expect("the answer is plain data")
    }
}

fn main() -> ExitCode {
    keep_private();
    let Cli { common, command } = Cli::parse();
    match &command {
        Command::Watch(args) => start_logging(Level::INFO, args.log_format),
        _ => start_logging(Level::WARN, LogFormat::Text),
    }
    if let Some(threads) = common.threads {
        // Fails only when a pool exists already, and none does here.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    let call = Call {
        root: Root::new(&common.root, common.ledger.clone()),
        settings: &|| settings(&common),
        command: &Cli::command,
        network_root: common.network_root,
        timings: std::env::var_os("POSTGANG_TIMINGS").is_some(),
    };
    let answered = command.carry_out(&call).and_then(|answer| Ok(show(&answer, common.json)?));
    answered.map_err(|error| error.about(&call.root)).map_or_else(
        |error| {
            if common.json {
                println!("{}", command.failure(&call.root, error.to_string()));
            }
            eprintln!("{error}");
            ExitCode::from(exit_code(&error))
        },
        ExitCode::from,
    )
}

/// Letters are for their owner and group: no file that we make is for others, and no core dump holds one.
fn keep_private() {
    rustix::process::umask(Mode::from_raw_mode(0o007));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Where it cannot be forbidden, it is no reason to stand still.
    let _ = rustix::process::setrlimit(Resource::Core, none);
}

fn settings(common: &Common) -> Settings {
    Settings {
        now: common.now.unwrap_or_else(|| Utc::now().trunc_subsecs(0).with_timezone(&Oslo)),
        wall: SystemTime::now(),
        patience: PatienceArgs::USUAL.get(),
        accept: Vec::new(),
        network_root: common.network_root,
        progress: progress(common.json),
        probe: None,
    }
}

/// The one place that prints an answer; gives its exit code.
fn show(answer: &Answer, json: bool) -> anyhow::Result<u8> {
    let text = if json { &answer.json } else { answer.text.trim_end() };
    if !text.is_empty() {
        match writeln!(io::stdout(), "{text}") {
            // A reader that has gone away (`postgang status | head`) is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            other => other.context("stdout")?,
        }
    }
    for remark in &answer.remarks {
        eprintln!("{remark}");
    }
    Ok(answer.exit_code)
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
