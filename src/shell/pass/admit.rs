//! From judged to placed: what depends on earlier letters, and the batch's way through the ledger and the spool.

use std::collections::HashSet;

use rayon::prelude::*;

use super::take::Examined;
use super::{Desk, Pass, PassError};
use crate::core::calendar::Time;
use crate::core::code::Code;
use crate::core::duplicate;
use crate::core::identity::{OrgNumber, RecipientId};
use crate::core::judge::Judgement;
use crate::core::letter::{Digest256, Key};
use crate::core::names::{DECISION, letter_name, shown};
use crate::core::route::Channel;
use crate::core::status::{Placing, Status};
use crate::shell::ledger::{Beside, Earlier, Keyed, Pending};
use crate::shell::moves::{self, Arrived, Journey};
use crate::shell::registers::{Lookup, Registers};
use crate::shell::spool::DropName;

/// A letter whose place among earlier ones is settled.
enum Settled {
    /// Its decision was recorded before a crash.
    Recorded(DropName, Box<Journey>),
    New(Box<New>),
}

struct New {
    letter: Examined,
    judgement: Judgement,
    id: String,
    attempt: u32,
}

impl Pass<'_> {
    /// Settles in name order what depends on earlier letters, and records the decisions.
    pub(super) fn admit(
        &mut self,
        examined: Vec<Examined>,
        registers: &Registers,
    ) -> Result<Vec<(DropName, Journey)>, PassError> {
        let settled = self.settle(examined, registers)?;
        let desk = &self.desk;
        let written_up: Vec<(Option<Keyed>, DropName, Journey)> = settled
            .into_par_iter()
            .map(|settled| match settled {
                Settled::Recorded(name, journey) => (None, name, *journey),
                Settled::New(new) => desk.write_up(*new, registers),
            })
            .collect();
        let new = written_up.iter().filter_map(|(keyed, _, journey)| Some((keyed.as_ref()?, journey)));
        self.ledger.decide(&new.collect::<Vec<_>>())?;
        Ok(written_up.into_iter().map(|(_, name, journey)| (name, journey)).collect())
    }

    fn settle(&mut self, examined: Vec<Examined>, registers: &Registers) -> Result<Vec<Settled>, PassError> {
        let now = self.desk.settings.now;
        let mut settled = Vec::new();
        let mut resumed = HashSet::new();
        let present: HashSet<String> = examined.iter().map(|letter| letter.name.shown()).collect();
        let keys: Vec<Digest256> = examined.iter().map(|letter| letter.key.digest()).collect();
        let mut known = self.ledger.earlier(&keys)?;
        for mut letter in examined {
            let earlier = known.entry(letter.key.digest()).or_default();
            if let Some((id, pending)) = recorded(earlier, &letter.name, &resumed, &present) {
                resumed.insert(id);
                let Some(status) = pending.understood() else {
                    self.report.not_understood(&letter.name);
                    continue;
                };
                let journey = Journey { from: letter.name.in_work(self.desk.root), pending, status };
                settled.push(Settled::Recorded(letter.name, Box::new(journey)));
                continue;
            }
            let Some(mut judgement) = letter.judgement.take() else {
                // It was claimed before the registers fell silent: it waits in `inbox/` like the others.
                self.put_back(letter.name, letter.recipient, registers);
                continue;
            };
            let (id, attempt) = next_in_line(earlier, &letter.key, letter.reference.is_some(), &mut judgement, now);
            settled.push(Settled::New(Box::new(New { letter, judgement, id, attempt })));
        }
        Ok(settled)
    }

    fn put_back(&mut self, name: DropName, recipient: Option<RecipientId>, registers: &Registers) {
        match self.desk.spool.put_back(&name) {
            Ok(()) if matches!(self.desk.facts(recipient, registers), Lookup::Held) => self.report.waits_for_row(name),
            Ok(()) => self.report.waits_for_snapshot(name),
            Err(error) => self.report.failed(&name, &error),
        }
    }

    /// Carries out a batch's recorded decisions.
    pub(super) fn place(&mut self, admitted: Vec<(DropName, Journey)>) -> Result<(), PassError> {
        let desk = &self.desk;
        let (names, journeys): (Vec<DropName>, Vec<Journey>) = admitted.into_iter().unzip();
        let outcomes = moves::carry_out(desk.root, &desk.spool, &mut *self.ledger, desk.settings.now, &journeys)?;
        for ((name, letter), outcome) in names.iter().zip(&journeys).zip(outcomes) {
            match (outcome, letter.pending.channel()) {
                (Ok(Arrived { folder, unmarked }), Some(channel)) => {
                    let Pending { target, status, .. } = &letter.pending;
                    tracing::info!(
                        id = letter.status.forsendelsesId,
                        code = letter.status.kode,
                        target,
                        folder,
                        "placed"
                    );
                    self.report.placed(channel, &letter.status.kode, &folder, status);
                    self.report.not_marked(unmarked);
                }
                (Ok(_), None) => {}
                (Err(error), _) => self.report.stuck(name, &error),
            }
        }
        Ok(())
    }
}

impl Desk<'_> {
    /// Puts a decision into words: what the ledger and the letter's folder will say.
    fn write_up(&self, new: New, registers: &Registers) -> (Option<Keyed>, DropName, Journey) {
        let New { letter, judgement, id, attempt } = new;
        let decision = &judgement.decision;
        let refused = decision.channel == Channel::Avvist;
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
            calendar: &self.senders.calendar,
            now: self.settings.now,
        });
        let beside = refused.then(|| Beside {
            name: DECISION.to_owned(),
            text: decision_text(&status, decision.code, letter.name.sender),
        });
        let target = decision.channel.as_str().to_owned();
        let folder = letter_name(&letter.name.text(), &id[..8]);
        let pending = Pending::new(letter.name.shown(), target, folder, &status, beside.into_iter().collect());
        let keyed = Keyed { key: letter.key.digest(), attempt, metadata: letter.metadata };
        let from = letter.name.in_work(self.root);
        (Some(keyed), letter.name, Journey { from, pending, status })
    }
}

/// A decision that was recorded for this letter and not carried out: the one made for this very folder, else one whose
/// own folder is not `present`. A letter that was placed already and is on its way elsewhere is another one.
pub(super) fn recorded(
    earlier: &[Earlier],
    name: &DropName,
    resumed: &HashSet<String>,
    present: &HashSet<String>,
) -> Option<(String, Pending)> {
    let open = || {
        let unresumed = earlier.iter().filter(|earlier| !resumed.contains(&earlier.letter.id));
        let pending = unresumed.filter_map(|earlier| Some((earlier.letter.id.clone(), earlier.pending.clone()?)));
        pending.filter(|(_, pending)| !pending.is_moved_on())
    };
    let own = open().find(|(_, pending)| pending.source == name.shown());
    own.or_else(|| open().find(|(_, pending)| !present.contains(&pending.source)))
}

/// Judges a letter by those with its key that came before it, and takes its place behind them: its id and attempt.
pub(super) fn next_in_line(
    earlier: &mut Vec<Earlier>,
    key: &Key,
    has_reference: bool,
    judgement: &mut Judgement,
    now: Time,
) -> (String, u32) {
    let letters = || earlier.iter().map(|earlier| &earlier.letter);
    if let Some(first) = duplicate::blocking(letters(), now) {
        judgement.or_duplicate_of(&first.id);
    }
    let refused = judgement.decision.channel == Channel::Avvist;
    let attempt = duplicate::next_attempt(letters());
    let id = key.id(duplicate::numbered(attempt, refused)).to_string();
    let received = Some(now);
    let letter = duplicate::Earlier { id: id.clone(), attempt, refused, released: false, has_reference, received };
    earlier.push(Earlier { letter, pending: None });
    (id, attempt)
}

/// `BESLUTNING.txt`: what a clerk reads in a refused letter's folder.
fn decision_text(status: &Status, code: Code, inbox: Option<OrgNumber>) -> String {
    let reference = status.eksternReferanse.as_deref().map(shown).unwrap_or_else(|| "(ingen)".to_owned());
    let inbox = inbox.map(|sender| format!("{sender}/")).unwrap_or_default();
    let paragraph = status.hjemmel.as_deref().map(|h| format!("Hjemmel: {h}\r\n")).unwrap_or_default();
    format!(
        "Brevet er ikke sendt.\r\n\r\nGrunn: {}\r\nKode: {}\r\n{paragraph}Prøv: {} Flytt så mappen tilbake til inbox/{inbox}.\r\n\r\nforsendelsesId: {}\r\neksternReferanse: {reference}\r\nMottatt: {}\r\n",
        status.begrunnelse,
        status.kode,
        code.entry().remedy,
        status.forsendelsesId,
        status.mottatt,
    )
}
