//! `nightly`: does the night's work.

use super::{Answer, Call};
use crate::core::identity::OrgNumber;
use crate::shell::nightly::{self, NightReport};
use crate::shell::pass::{PassError, Report};

#[derive(clap::Args)]
#[command(after_long_help = "Examples:
  5 0 * * *  postgang --root /srv/post nightly       in a crontab: deadlines fall at midnight
  postgang nightly --accept-unnotified 910077473     let a sender's letters go though the brake is on")]
pub struct Args {
    /// Print this sender's unread letters though nothing has been heard of too many of them; may be repeated
    #[arg(long, value_name = "ORGNR", value_parser = organisation)]
    accept_unnotified: Vec<OrgNumber>,
}

pub fn nightly(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let report = nightly::nightly(&call.root, &(call.settings)(), &args.accept_unnotified)?;
    Ok(Answer::new(&report, report.text())?.with_exit_code(report.exit_code()))
}

/// The counts of a night that did not begin.
pub fn failure(message: String) -> NightReport {
    let run = Report { messages: vec![message], ..Default::default() };
    NightReport { run, ..Default::default() }
}

fn organisation(text: &str) -> Result<OrgNumber, String> {
    OrgNumber::parse(text.as_bytes()).ok_or_else(|| "expected an organisation number of nine digits".to_owned())
}
