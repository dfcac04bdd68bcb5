//! From judged to placed: what depends on earlier letters, and the batch's way through the ledger and the spool.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use anyhow::Context;
use chrono::TimeDelta;

use super::take::Examined;
use super::{Pass, PassError};
use crate::core::calendar::{Time, parse_time};
use crate::core::code::Code;
use crate::core::letter::Digest256;
use crate::core::names::{letter_name, shown};
use crate::core::route::Channel;
use crate::core::status::{Placing, Status};
use crate::shell::ledger::{Decided, Earlier, FAILED as LEDGER_FAILED, Pending};
use crate::shell::moves::{self, Journey};
use crate::shell::registers::{Lookup, Registers};
use crate::shell::spool::DropName;

/// Without `eksternReferanse` the same content may be meant again after a while.
const BLOCKS_DAYS_WITHOUT_REFERENCE: i64 = 30;

/// A letter with a recorded decision, on its way from `work/` to its place.
pub(super) struct Admitted {
    name: DropName,
    code: String,
    status: Status,
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
                resumed.insert(id);
                let status =
                    Status::from_yaml(pending.status.as_bytes()).context("protokollen har en ukjent status")?;
                admitted.push(Admitted { name: letter.name, code: status.kode.clone(), status, pending });
                continue;
            }
            let (name, recipient) = (letter.name.clone(), letter.recipient);
            match self.decide(letter, earlier, registers) {
                Some((decision, status, pending)) => {
                    earlier.push(Earlier {
                        id: decision.id.clone(),
                        attempt: decision.attempt,
                        refused: decision.refused,
                        released: false,
                        has_reference: decision.reference.is_some(),
                        received: decision.received.clone(),
                        pending: None,
                    });
                    let code = decision.code.clone();
                    decided.push((decision, pending.clone()));
                    admitted.push(Admitted { name, code, status, pending });
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

    fn decide(
        &self,
        letter: Examined,
        earlier: &[Earlier],
        registers: &Registers,
    ) -> Option<(Decided, Status, Pending)> {
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
            source: letter.name.shown(),
            target: decision.channel.as_str().to_owned(),
            folder: letter_name(&letter.name.text(), &id[..8]),
            status: status.to_yaml(),
            decision: refused.then(|| decision_text(&status, decision.code)),
        };
        let decided = Decided {
            id,
            key: letter.key.digest(),
            attempt,
            refused,
            reference: status.eksternReferanse.clone(),
            sender: status.avsender.clone(),
            received: status.mottatt.to_string(),
            code: status.kode.clone(),
        };
        Some((decided, status, pending))
    }

    /// Carries out a batch's recorded decisions.
    pub(super) fn place(&mut self, admitted: Vec<Admitted>) -> Result<(), PassError> {
        if admitted.is_empty() {
            return Ok(());
        }
        let desk = &self.desk;
        let journey = |letter: &Admitted| Journey {
            from: letter.name.in_work(desk.root),
            pending: letter.pending.clone(),
            status: letter.status.clone(),
        };
        let journeys: Vec<Journey> = admitted.iter().map(journey).collect();
        let outcomes = moves::carry_out(desk.root, &desk.spool, &mut self.ledger, desk.settings.now, journeys)?;
        for (letter, outcome) in admitted.into_iter().zip(outcomes) {
            match (outcome, letter.pending.channel()) {
                (Ok(folder), Some(channel)) => {
                    let Pending { target, status, .. } = &letter.pending;
                    tracing::info!(id = letter.status.forsendelsesId, code = letter.code, target, folder, "placed");
                    self.report.placed(channel, &letter.code, &folder, status);
                }
                (Ok(_), None) => {}
                (Err(error), _) => self.report.stuck(&letter.name, &error.to_string()),
            }
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
    open().find(|(_, pending)| pending.source == name.shown()).or_else(|| open().next())
}

/// Whether an earlier letter forbids another like it.
pub(super) fn blocks(first: &Earlier, now: Time) -> bool {
    let window = TimeDelta::days(BLOCKS_DAYS_WITHOUT_REFERENCE);
    let recent = || parse_time(&first.received).is_none_or(|received| now - received < window);
    !first.refused && !first.released && (first.has_reference || recent())
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
