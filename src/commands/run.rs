//! `run`: routes what is whole in `inbox/`, once.

use super::{Answer, Call, PatienceArgs};
use crate::core::senders::Senders;
use crate::core::snapshot::SnapshotName;
use crate::shell::intake;
use crate::shell::pass::{self, PassError, Report, Settings};
use crate::shell::root::Root;

#[derive(clap::Args)]
#[command(after_long_help = "Examples:
  postgang --root /srv/post run                      what is whole, once
  postgang run --accept-snapshot enheter             believe once that it has shrunk")]
pub struct Args {
    #[command(flatten)]
    patience: PatienceArgs,
    /// Believe this snapshot once, though it has shrunk or is gone (krr, reservasjoner, enheter, underenheter, svarinn)
    #[arg(long, value_name = "NAME")]
    accept_snapshot: Vec<SnapshotName>,
}

pub fn run(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let settings =
        Settings { patience: args.patience.get(), accept: args.accept_snapshot.clone(), ..(call.settings)() };
    let report = pass::run(&call.root, &settings)?;
    let mut answer = Answer::new(&report, report.text())?.with_exit_code(report.exit_code());
    if call.timings {
        let line = |(stage, wall, cpu)| format!("timing {stage} wall={wall:.4} cpu={cpu:.4}");
        answer.remarks.extend(report.stopwatch.seconds().map(line));
    }
    Ok(answer)
}

/// The counts of a pass that did not begin: everything is left where it lies.
pub fn failure(root: &Root, message: String) -> Report {
    let left = intake::list(root, &Senders::default()).map_or(0, |inbox| inbox.drops.len() + inbox.strays.len());
    Report { left, messages: vec![message], ..Default::default() }
}
