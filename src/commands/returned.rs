//! `returned`: records letters that came back from paper, as a receipt RETUR does.

use super::{Answer, Call};
use crate::shell::nightly::{self, Returned};
use crate::shell::pass::PassError;

#[derive(clap::Args)]
#[command(after_long_help = "Example:
  postgang returned 98e2dfbb ef7ce8cd                with the digits that stand on the covers")]
pub struct Args {
    /// forsendelsesId, eksternReferanse, the beginning of one, or a folder
    #[arg(required = true)]
    letters: Vec<String>,
}

pub fn returned(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let letters = nightly::returned(&call.root, &(call.settings)(), &args.letters)?;
    let is_missing = letters.iter().any(|letter| !letter.returned);
    Ok(Answer::of_each("letters", &letters, Returned::text)?.with_exit_code(u8::from(is_missing)))
}
