//! `hold`: stops a letter that still waits to be opened, collected or printed.

use super::{Answer, Call};
use crate::shell::nightly;
use crate::shell::pass::PassError;

#[derive(clap::Args)]
#[command(after_long_help = "Examples:
  postgang hold 2026/417-3 --reason \"feil vedlegg\"
  postgang hold 98e2dfbb --reason \"sendt til feil person\"")]
pub struct Args {
    /// forsendelsesId, eksternReferanse, the beginning of one, or a folder
    letter: String,
    /// Why; kept with the letter
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub fn hold(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let letters = nightly::hold(&call.root, &(call.settings)(), &args.letter, &args.reason)?;
    let stopped = letters.iter().any(|letter| letter.stopped);
    Ok(Answer::of_letters(&letters, nightly::HoldOutcome::text)?.with_exit_code(u8::from(!stopped)))
}
