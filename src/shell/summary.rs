//! `report`: what has happened, counted by sender, month, channel, status and code.

use serde::Serialize;

use super::ledger::{Ledger, Tally};
use super::root::Root;

/// What `report --json` prints.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub rows: Vec<Tally>,
}

/// Counts the ledger's events. Reads only; a pass may be under way.
pub fn summary(root: &Root) -> anyhow::Result<Summary> {
    let ledger = Ledger::open_to_read(root.ledger())?;
    Ok(Summary { rows: ledger.map(|ledger| ledger.tallies()).transpose()?.unwrap_or_default() })
}

impl Summary {
    pub fn text(&self) -> String {
        let line = |sender: &str, month: &str, channel: &str, status: &str, code: &str, count: &str| {
            format!("{sender:<10} {month:<8} {channel:<9} {status:<17} {code:<26} {count:>8}\n")
        };
        let mut text = line("Avsender", "Måned", "Kanal", "Status", "Kode", "Antall");
        for row in &self.rows {
            let sender = row.sender.as_deref().unwrap_or("(ukjent)");
            text += &line(sender, &row.month, &row.channel, &row.status, &row.code, &row.count.to_string());
        }
        text
    }
}
