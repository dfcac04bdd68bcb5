//! From judged to placed: what depends on earlier letters, and the batch's way through the ledger and the spool.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use anyhow::Context;
use chrono::TimeDelta;
use rayon::prelude::*;

use super::take::Examined;
use super::{Pass, PassError};
use crate::core::calendar::{Time, parse_time};
use crate::core::code::Code;
use crate::core::letter::Digest256;
use crate::core::names::{letter_name, shown};
use crate::core::route::Channel;
use crate::core::status::{Placing, Stamp, Status};
use crate::shell::ledger::{Decided, Earlier, Pending};
use crate::shell::registers::{Lookup, Registers};
use crate::shell::spool::DropName;

/// Without `eksternReferanse` the same content may be meant again after a while.
const BLOCKS_DAYS_WITHOUT_REFERENCE: i64 = 30;

const LEDGER_FAILED: &str = "protokollen kan ikke leses eller skrives. Brev som er hentet, ligger trygt i .postgang/work \
     og tas opp igjen i neste kjøring. Prøv: kontroller plass og rettigheter på disken";

/// A letter with a recorded decision, on its way from `work/` to its place.
pub(super) struct Admitted {
    name: DropName,
    id: String,
    code: String,
    pending: Pending,
}

impl Pass<'_> {
    /// Settles in name order what depends on earlier letters, and records the decisions.
    pub(super) fn admit(&mut self, examined: Vec<Examined>, registers: &Registers) -> Result<Vec<Admitted>, PassError> {
        let mut admitted = Vec::new();
        let mut decided = Vec::new();
        let mut resumed = HashSet::new();
        let mut known: HashMap<Digest256, Vec<Earlier>> = HashMap::new();
        for letter in examined {
            let digest = letter.key.digest();
            let earlier = match known.entry(digest) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(self.ledger.earlier(&digest).context(LEDGER_FAILED)?),
            };
            if let Some((id, pending)) = recorded(earlier, &letter.name, &resumed) {
                resumed.insert(id.clone());
                let code = code_of(&pending.status);
                admitted.push(Admitted { name: letter.name, id, code, pending });
                continue;
            }
            let (name, recipient) = (letter.name.clone(), letter.recipient);
            match self.decide(letter, earlier, registers) {
                Some((decision, pending)) => {
                    earlier.push(Earlier {
                        id: decision.id.clone(),
                        attempt: decision.attempt,
                        refused: decision.refused,
                        released: false,
                        has_reference: decision.reference.is_some(),
                        received: decision.received.clone(),
                        pending: None,
                    });
                    let (id, code) = (decision.id.clone(), decision.code.clone());
                    decided.push((decision, pending.clone()));
                    admitted.push(Admitted { name, id, code, pending });
                }
                // It was claimed before the registers fell silent: it waits in `inbox/` like the others.
                None => match self.desk.spool.put_back(&name) {
                    Ok(()) if matches!(self.desk.facts(recipient, registers), Lookup::Held) => {
                        self.report.waits_for_row(name);
                    }
                    Ok(()) => self.report.waits_for_snapshot(name),
                    Err(error) => self.report.failed(&name, &error.to_string()),
                },
            }
        }
        self.ledger.decide(&decided).context(LEDGER_FAILED)?;
        Ok(admitted)
    }

    fn decide(&self, letter: Examined, earlier: &[Earlier], registers: &Registers) -> Option<(Decided, Pending)> {
        let mut judgement = letter.judgement?;
        if let Some(first) = earlier.iter().find(|first| blocks(first, self.desk.settings.now)) {
            judgement.or_duplicate_of(&first.id);
        }
        let decision = &judgement.decision;
        let refused = decision.channel == Channel::Avvist;
        let attempt = earlier.last().map_or(1, |last| last.attempt + 1);
        let id = letter.key.id((refused || attempt > 1).then_some(attempt)).to_string();
        // A refusal before the recipient was looked up rests on no register.
        let looked_up = judgement.rule.is_some();
        let recipient = letter.recipient.filter(|_| looked_up);
        let status = Status::of(Placing {
            id: id.clone(),
            letter: letter.letter.as_ref(),
            reference: letter.reference.as_deref(),
            judgement: &judgement,
            facts: letter.facts.as_ref().filter(|_| looked_up),
            snapshots: recipient.map(|r| registers.used_for(&r).to_vec()).unwrap_or_default(),
            reads: &letter.reads,
            calendar: &self.desk.senders.calendar,
            now: self.desk.settings.now,
        });
        let pending = Pending {
            drop_name: letter.name.shown(),
            channel: decision.channel,
            folder: letter_name(&letter.name.text(), &id[..8]),
            status: status.to_yaml(),
            decision: refused.then(|| decision_text(&status, decision.code)),
        };
        let decided = Decided {
            id,
            key: letter.key.digest(),
            attempt,
            refused,
            reference: status.eksternReferanse,
            received: status.mottatt.to_string(),
            code: status.kode,
        };
        Some((decided, pending))
    }

    /// Writes, syncs, moves, syncs, records and marks a batch whose decisions are recorded.
    pub(super) fn place(&mut self, admitted: Vec<Admitted>) -> Result<(), PassError> {
        if admitted.is_empty() {
            return Ok(());
        }
        let spool = &self.desk.spool;
        let write =
            |letter: &Admitted| spool.write(&letter.name, &letter.pending.status, letter.pending.decision.as_deref());
        let written: Vec<_> = admitted.par_iter().map(write).collect();
        let mut ready = Vec::new();
        for (letter, outcome) in admitted.into_iter().zip(written) {
            match outcome {
                Ok(()) => ready.push(letter),
                Err(error) => self.report.stuck(&letter.name, &error.to_string()),
            }
        }
        self.report.stopwatch.lap("write-status");
        self.desk.spool.sync().context("kan ikke lagre brevene varig; de ligger i .postgang/work og tas opp igjen")?;
        self.report.stopwatch.lap("sync");
        let mut placed = Vec::new();
        for letter in ready {
            match self.desk.spool.place(&letter.name, letter.pending.channel, &letter.pending.folder) {
                Ok(folder) => placed.push((letter, folder)),
                Err(error) => self.report.stuck(&letter.name, &error.to_string()),
            }
        }
        self.report.stopwatch.lap("place");
        self.desk.spool.sync().context("kan ikke lagre flyttingene varig; brevene tas opp igjen")?;
        let place = |letter: &Admitted, folder: &str| format!("{}/{folder}", letter.pending.channel.as_str());
        self.report.stopwatch.lap("sync");
        let places: Vec<_> = placed.iter().map(|(letter, folder)| (letter.id.clone(), place(letter, folder))).collect();
        self.ledger.placed(&Stamp(self.desk.settings.now).to_string(), &places).context(LEDGER_FAILED)?;
        self.report.stopwatch.lap("record-places");
        let desk = &self.desk;
        let mark = |(letter, folder): &(Admitted, String)| {
            desk.spool.mark_ready(&desk.root.channel(letter.pending.channel).join(folder))
        };
        placed.par_iter().try_for_each(mark).context("kan ikke skrive FERDIG; det gjøres ved neste start")?;
        self.report.stopwatch.lap("mark");
        for (letter, folder) in &placed {
            tracing::info!(id = letter.id, code = letter.code, place = place(letter, folder), "placed");
            self.report.placed(letter.pending.channel, &letter.code, folder, &letter.pending.status);
        }
        Ok(())
    }
}

/// A decision that was recorded for this letter and not carried out. Of several, the one made for this very folder.
fn recorded(earlier: &[Earlier], name: &DropName, resumed: &HashSet<String>) -> Option<(String, Pending)> {
    let open = || {
        let unresumed = earlier.iter().filter(|e| !resumed.contains(&e.id));
        unresumed.filter_map(|e| Some((e.id.clone(), e.pending.clone()?)))
    };
    open().find(|(_, pending)| pending.drop_name == name.shown()).or_else(|| open().next())
}

/// Whether an earlier letter forbids another like it.
pub(super) fn blocks(first: &Earlier, now: Time) -> bool {
    let window = TimeDelta::days(BLOCKS_DAYS_WITHOUT_REFERENCE);
    let recent = || parse_time(&first.received).is_none_or(|received| now - received < window);
    !first.refused && !first.released && (first.has_reference || recent())
}

fn code_of(status: &str) -> String {
    Status::from_yaml(status.as_bytes()).map(|status| status.kode).unwrap_or_default()
}

/// `BESLUTNING.txt`: what a clerk reads in a refused letter's folder.
fn decision_text(status: &Status, code: Code) -> String {
    let reference = status.eksternReferanse.as_deref().map(shown).unwrap_or_else(|| "(ingen)".to_owned());
    let paragraph = status.hjemmel.as_deref().map(|h| format!("Hjemmel: {h}\r\n")).unwrap_or_default();
    format!(
        "Brevet er ikke sendt.\r\n\r\nGrunn: {}\r\nKode: {}\r\n{paragraph}Prøv: {} Flytt så mappen tilbake til inbox/.\r\n\r\nforsendelsesId: {}\r\neksternReferanse: {reference}\r\nMottatt: {}\r\n",
        status.begrunnelse,
        status.kode,
        code.entry().remedy,
        status.forsendelsesId,
        status.mottatt,
    )
}
