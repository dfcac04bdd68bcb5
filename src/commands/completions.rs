//! `completions`: a shell's script that completes commands and options.

use anyhow::Context;
use clap_complete::{Shell, generate};

use super::{Answer, Call};
use crate::shell::pass::PassError;

#[derive(clap::Args)]
#[command(after_long_help = "Example:
  postgang completions bash > /usr/share/bash-completion/completions/postgang")]
pub struct Args {
    /// The shell that reads it
    shell: Shell,
}

pub fn completions(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let mut script = Vec::new();
    generate(args.shell, &mut (call.command)(), "postgang", &mut script);
    let script = String::from_utf8(script).context("the script is text")?;
    Ok(Answer::new(&serde_json::json!({ "script": script }), script.as_str())?)
}
