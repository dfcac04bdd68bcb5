//! `man`: manual pages, one for the program and one for each command.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use super::{Answer, Call};
use crate::shell::pass::PassError;

#[derive(clap::Args)]
#[command(after_long_help = "Example:
  postgang man /usr/local/share/man/man1")]
pub struct Args {
    /// Folder to write them in; it is made where it does not exist
    dir: PathBuf,
}

pub fn man(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let cannot_write = || format!("kan ikke skrive i {}. Prøv: kontroller rettigheter og plass", args.dir.display());
    fs::create_dir_all(&args.dir).with_context(cannot_write)?;
    clap_mangen::generate_to((call.command)(), &args.dir).with_context(cannot_write)?;
    let text = format!("{} har håndbokssidene; les dem med man -l.", args.dir.display());
    Ok(Answer::new(&serde_json::json!({ "dir": args.dir }), text)?)
}
