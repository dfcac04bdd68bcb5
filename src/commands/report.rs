//! `report`: letters, each counted once, by month, sender, channel and code; see [`crate::core::tally`].

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Answer, Call};
use crate::core::tally::{Count, Group};
use crate::shell::ledger;
use crate::shell::pass::PassError;

/// Counts the ledger's letters. Reads only; a pass may be under way.
pub fn report(call: &Call) -> Result<Answer, PassError> {
    call.root.check_mounted()?;
    let ledger = ledger::open_to_read(call.root.ledger())?;
    let counts: BTreeMap<Group, Count> = ledger.map(|ledger| ledger.counts()).transpose()?.unwrap_or_default();
    let rows: Vec<Row> = counts.into_iter().map(|(group, count)| Row { group, count }).collect();
    let summary = Summary { letters: rows.iter().map(|row| row.count.letters).sum(), rows };
    Ok(Answer::new(&summary, summary.text())?)
}

/// What `report --json` prints.
#[derive(Debug, Serialize)]
struct Summary {
    /// The sum of the rows.
    letters: usize,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    group: Group,
    #[serde(flatten)]
    count: Count,
}

impl Summary {
    fn text(&self) -> String {
        let line = |cells: [&str; 4], counts: [String; 3]| {
            let ([month, sender, channel, code], [letters, opened, returned]) = (cells, counts);
            format!("{month:<8} {sender:<10} {channel:<9} {code:<26} {letters:>8} {opened:>8} {returned:>8}\n")
        };
        let mut text = line(["Måned", "Avsender", "Kanal", "Kode"], ["Brev", "Åpnet", "Retur"].map(str::to_owned));
        let counts = |count: &Count| [count.letters, count.opened, count.returned].map(|n| n.to_string());
        let mut sum = Count::default();
        for Row { group, count } in &self.rows {
            let sender = group.sender.as_deref().unwrap_or("(ukjent)");
            text += &line([&group.month, sender, group.channel.as_str(), &group.code], counts(count));
            sum.letters += count.letters;
            sum.opened += count.opened;
            sum.returned += count.returned;
        }
        text + &line(["Sum", "", "", ""], counts(&sum))
    }
}
