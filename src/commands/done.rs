//! `done`: closes matters of `outbox/oppfolging-*.csv` for good.

use clap::value_parser;

use super::{Answer, Call};
use crate::shell::nightly::{self, Closed};
use crate::shell::pass::PassError;

#[derive(clap::Args)]
#[command(after_long_help = "Example:
  postgang done 12 15")]
pub struct Args {
    /// Their numbers, from the column nr
    #[arg(required = true, value_name = "NUMBER", value_parser = value_parser!(i64).range(1..))]
    numbers: Vec<i64>,
}

pub fn done(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let matters = nightly::done(&call.root, &(call.settings)(), &args.numbers)?;
    let is_open = matters.iter().any(|matter| !matter.closed);
    Ok(Answer::of_each("matters", &matters, Closed::text)?.with_exit_code(u8::from(is_open)))
}
