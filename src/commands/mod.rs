//! What a person or a timer can ask for: a file for each command, named as the command is. Each takes its arguments and
//! gives an [`Answer`], which `main` prints.

pub mod check;
pub mod completions;
pub mod demo;
pub mod done;
pub mod explain;
pub mod hold;
pub mod init;
pub mod man;
pub mod nightly;
pub mod report;
pub mod returned;
pub mod run;
pub mod status;
pub mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use clap::value_parser;
use serde::Serialize;

use crate::core::whole::Patience;
use crate::shell::pass::Settings;
use crate::shell::root::Root;

/// What every command is given beside its own arguments.
pub struct Call<'a> {
    pub root: Root,
    /// Reads the clock: how to work at this moment, with the usual patience.
    pub settings: &'a dyn Fn() -> Settings,
    /// The command line as a whole, for what describes it.
    pub command: &'a dyn Fn() -> clap::Command,
    pub network_root: bool,
    /// Say how long the stages of a pass took.
    pub timings: bool,
}

/// What a command has to say, for machines and for people, and its exit code.
pub struct Answer {
    pub json: String,
    /// For stdout; nothing is printed where it is empty.
    pub text: String,
    /// For stderr, whichever of the two is printed.
    pub remarks: Vec<String>,
    pub exit_code: u8,
}

impl Answer {
    fn new(json: &impl Serialize, text: impl Into<String>) -> anyhow::Result<Self> {
        let json = serde_json::to_string(json).context("the answer is plain data")?;
        Ok(Self { json, text: text.into(), remarks: Vec::new(), exit_code: 0 })
    }

    /// One line or more about each of the things that a person asked for.
    fn of_each<T: Serialize>(name: &str, things: &[T], text: impl Fn(&T) -> String) -> anyhow::Result<Self> {
        let texts: Vec<String> = things.iter().map(text).collect();
        Self::new(&BTreeMap::from([(name, things)]), texts.join("\n"))
    }

    /// The same of the letters that answer to a query; where there is none, how to find one.
    fn of_letters<T: Serialize>(letters: &[T], text: impl Fn(&T) -> String) -> anyhow::Result<Self> {
        let answer = Self::of_each("letters", letters, text)?;
        let remarks = if letters.is_empty() { vec![NOT_FOUND.to_owned()] } else { Vec::new() };
        Ok(Self { remarks, ..answer })
    }

    fn with_exit_code(self, exit_code: u8) -> Self {
        Self { exit_code, ..self }
    }
}

const NOT_FOUND: &str = "Fant ikke noe brev med denne forsendelsesId, eksternReferanse eller mappen. Prøv: postgang status viser hvor brev ligger; et brev som ennå ligger i inbox/, vises med postgang check.";

/// Seconds: longer than anything is waited for, and short enough to be added to any time.
const YEAR: u64 = 366 * 86_400;

/// How long a drop is waited for.
#[derive(clap::Args)]
pub struct PatienceArgs {
    /// Seconds a drop must have been left alone before it is taken; 0 turns it off
    #[arg(long, value_name = "SECONDS", default_value_t = Self::USUAL.settle, value_parser = value_parser!(u64).range(..=YEAR))]
    settle: u64,
    /// Seconds after which an incomplete drop is refused
    #[arg(long, value_name = "SECONDS", default_value_t = Self::USUAL.give_up, value_parser = value_parser!(u64).range(..=YEAR))]
    give_up: u64,
}

impl PatienceArgs {
    pub const USUAL: Self = Self { settle: 5, give_up: 3600 };

    pub fn get(&self) -> Patience {
        Patience { settle: Duration::from_secs(self.settle), give_up: Duration::from_secs(self.give_up) }
    }
}

/// What a machine reads of a command that did nothing.
pub fn failure(message: String) -> serde_json::Value {
    serde_json::json!({ "messages": [message] })
}
