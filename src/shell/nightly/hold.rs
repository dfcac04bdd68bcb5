//! `hold`: stops a letter that still waits, at once, and says plainly why another cannot be stopped.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use uuid::Uuid;

use super::Night;
use crate::core::nightly::{self as rules, Outcome};
use crate::core::status::Status;
use crate::core::stop;
use crate::shell::nightly::letters::Decided;
use crate::shell::nightly::standing;
use crate::shell::outbox::find::{KnownLetter, find};
use crate::shell::outbox::{LetterFolder, Stage};
use crate::shell::pass::{Pass, PassError, Settings, enter};
use crate::shell::receipts;
use crate::shell::root::Root;

/// What became of one letter; serialises as `hold --json` prints it.
#[derive(Debug, Serialize)]
pub struct HoldOutcome {
    #[serde(rename = "forsendelsesId")]
    pub id: String,
    /// Below the root, before it was stopped.
    pub place: Option<String>,
    pub stopped: bool,
    pub message: String,
}

/// Stops the letter that answers to `query`. Several that wait under one reference are not stopped: somebody has to
/// say which. Empty when there is none.
pub fn hold(root: &Root, settings: &Settings, query: &str, reason: &str) -> Result<Vec<HoldOutcome>, PassError> {
    let (_lock, senders) = enter(root, settings)?;
    let mut pass = Pass::begin(root, settings, &senders, true)?;
    pass.report.messages.clear();
    let mut night = Night::new(pass);
    let busy = night.busy()?;
    let found = find(root, query)?;
    let place = |path: &Path| path.strip_prefix(root.dir()).unwrap_or(path).to_string_lossy().into_owned();
    let waits = |found: &&KnownLetter| {
        found.placed.as_ref().is_some_and(|(path, _)| stop::remedy(&place(path)).is_empty())
            && !busy.contains(&found.id)
    };
    // Of several that a beginning fits, somebody has to say which, though only one may still be stopped.
    let unclear = found.len() > 1 && found.iter().any(|letter| letter.by_beginning);
    let waiting = if unclear { found.len() } else { found.iter().filter(waits).count() };
    let mut answers = Vec::new();
    for letter in &found {
        let at = letter.placed.as_ref().map(|(path, _)| place(path));
        let (stopped, message) = match (&letter.placed, &at) {
            (Some((path, status)), Some(at)) if waits(&letter) && waiting == 1 => {
                match night.stop(path, status, at, reason)? {
                    None => (true, "Brevet er stoppet, og ligger i outbox/arkiv.".to_owned()),
                    Some(why) => (false, format!("Brevet er ikke stoppet. {why}")),
                }
            }
            _ if waits(&letter) => {
                (false, "Flere brev passer. Prøv: oppgi forsendelsesId for det som skal stoppes.".to_owned())
            }
            (Some(_), Some(at)) if !stop::remedy(at).is_empty() => (false, stop::remedy(at).to_owned()),
            (Some(_), _) => {
                (false, "Brevet er på vei til et annet sted. Prøv: kjør postgang nightly, og prøv igjen.".to_owned())
            }
            (None, _) => (false, "Brevet er kjent, men mappen er ikke lenger i outbox/.".to_owned()),
        };
        answers.push(HoldOutcome { id: letter.id.clone(), place: at, stopped, message });
    }
    Ok(answers)
}

impl Night<'_> {
    /// Stops a letter, or says why it is too late. What receipts say happened first; tonight's `nightly` acts on that.
    fn stop(&mut self, path: &Path, status: &Status, at: &str, reason: &str) -> anyhow::Result<Option<&'static str>> {
        let recorded = standing::recorded(self.pass.desk.root, &*self.pass.ledger, [&path.to_owned()])?;
        if recorded != [Some(status.clone())] {
            return Ok(Some(
                "Mappen eller status.yaml er endret av andre enn postgang. Prøv: kjør postgang nightly, som sier hva som er galt.",
            ));
        }
        let receipts = receipts::read(&self.pass.desk.root.receipts()).context(receipts::UNREADABLE)?;
        let id = Uuid::try_parse(&status.forsendelsesId).map(|id| id.as_u128()).unwrap_or_default();
        let step = rules::waiting(status, receipts.of(id), Some(reason), &self.rules());
        if !step.has(Outcome::Stopped) {
            return Ok(Some(stop::too_late(&step, at)));
        }
        let letter =
            LetterFolder { path: path.to_owned(), stage: Stage::Waiting, stops: Vec::new(), doubt: None, ready: true };
        self.carry_out(vec![Decided { letter: &letter, before: status.clone(), step }])?;
        Ok(None)
    }
}

impl HoldOutcome {
    pub fn text(&self) -> String {
        let place = self.place.as_deref().map(|place| format!(" ({place}/)")).unwrap_or_default();
        format!("{}{place}: {}", self.id, self.message)
    }
}
