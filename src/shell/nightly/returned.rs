//! `returned`: a letter came back from paper, and somebody says so by hand. What follows is what a receipt `RETUR` does.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde::Serialize;

use super::letters::Decided;
use super::{Night, inside, standing};
use crate::core::names::shown;
use crate::core::nightly::{self as rules, Outcome, Step};
use crate::core::receipts::{Receipt, Word};
use crate::core::route::Channel;
use crate::core::sealed;
use crate::core::status::Status;
use crate::shell::outbox::find::{KnownLetter, find};
use crate::shell::outbox::{LetterFolder, Stage, is_batch};
use crate::shell::pass::{Pass, PassError, Settings, enter};
use crate::shell::root::Root;

/// Ids that are named of the letters that one query fits.
const NAMED_MAX: usize = 10;

/// What became of one query; serialises as `returned --json` prints it.
#[derive(Debug, Serialize)]
pub struct Returned {
    /// As it was asked for, without identity numbers.
    pub query: String,
    #[serde(rename = "forsendelsesId")]
    pub id: Option<String>,
    /// Below the root.
    pub place: Option<String>,
    /// It is recorded as returned now, whether it was before or not.
    pub returned: bool,
    pub message: String,
}

/// A letter that is to be recorded as returned.
struct Back {
    letter: LetterFolder,
    before: Status,
    step: Step,
}

/// Records the letters that answer to `queries` as returned. What answers to several letters is not guessed at.
pub fn returned(root: &Root, settings: &Settings, queries: &[String]) -> Result<Vec<Returned>, PassError> {
    let (_lock, senders) = enter(root, settings)?;
    let mut pass = Pass::begin(root, settings, &senders, true)?;
    pass.report.messages.clear();
    let mut night = Night::new(pass);
    let busy = night.busy()?;
    let (mut answers, mut back, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for query in queries {
        let found = find(root, query)?;
        let mut answer =
            Returned { query: shown(query), id: None, place: None, returned: false, message: String::new() };
        if let [letter] = found.as_slice() {
            answer.id = Some(letter.id.clone());
            answer.place = letter.placed.as_ref().map(|(path, _)| inside(root, path));
            match night.comes_back(letter, &busy)? {
                Ok(None) => (answer.returned, answer.message) = (true, "Brevet var meldt i retur fra før.".to_owned()),
                Ok(Some(letter)) => {
                    (answer.returned, answer.message) = (true, RECORDED.to_owned());
                    back.extend(seen.insert(letter.before.forsendelsesId.clone()).then_some(letter));
                }
                Err(why) => answer.message = why.to_owned(),
            }
        } else {
            answer.message = unclear(&found);
        }
        answers.push(answer);
    }
    let decided =
        back.iter().map(|Back { letter, before, step }| Decided { letter, before: before.clone(), step: step.clone() });
    night.carry_out(decided.collect())?;
    // What could not be written into a folder is told on the letter's own line.
    for answer in answers.iter_mut().filter(|answer| answer.returned) {
        let place = answer.place.as_deref().map(shown).unwrap_or_default();
        let trouble = night.pass.report.messages.iter().find(|message| message.starts_with(&place));
        answer.message.extend(trouble.map(|message| format!(" {message}")));
    }
    Ok(answers)
}

const RECORDED: &str = "Brevet er meldt i retur. Det står i outbox/retur-*.csv etter neste postgang nightly, og det samme brevet kan sendes på nytt.";

impl Night<'_> {
    /// What a return does to this letter; `None` where it is known already, or why it cannot have come back.
    fn comes_back(
        &self,
        found: &KnownLetter,
        busy: &HashSet<String>,
    ) -> anyhow::Result<Result<Option<Back>, &'static str>> {
        let Some((path, status)) = &found.placed else {
            return Ok(Err("Brevet er kjent, men mappen er ikke lenger i outbox/."));
        };
        if busy.contains(&found.id) {
            return Ok(Err("Brevet er på vei til et annet sted. Prøv: kjør postgang nightly, og prøv igjen."));
        }
        let root = self.pass.desk.root;
        if standing::recorded(root, &*self.pass.ledger, [path])? != [Some(status.clone())] {
            return Ok(Err(
                "Mappen eller status.yaml er endret av andre enn postgang. Prøv: kjør postgang nightly, som sier hva som er galt.",
            ));
        }
        if !path.parent().is_some_and(is_batch) {
            return Ok(Err(not_on_paper(status.kanal)));
        }
        if sealed::was_returned(status) {
            return Ok(Ok(None));
        }
        let receipt = [Receipt::new(self.now.with_timezone(&Utc), Word::Returned, Channel::Print.as_str())];
        let is_archived = path.starts_with(root.archive());
        let (stage, step) = match is_archived {
            true => (Stage::Archived, rules::finished(status, &receipt, &self.rules())),
            false => (Stage::Sealed, sealed::sealed(status, &receipt)),
        };
        if !step.has(Outcome::Returned) {
            return Ok(Err("Bunken er forseglet senere enn det tidspunktet som er oppgitt."));
        }
        Ok(Ok(Some(Back { letter: folder(path, stage), before: status.clone(), step })))
    }
}

fn folder(path: &Path, stage: Stage) -> LetterFolder {
    LetterFolder { path: PathBuf::from(path), stage, stops: Vec::new(), doubt: None, ready: true }
}

fn not_on_paper(channel: Channel) -> &'static str {
    match channel {
        Channel::Print => {
            "Brevet er ikke sendt til trykkeriet, så det kan ikke være i retur. Prøv: postgang hold stopper det."
        }
        _ => "Brevet er ikke sendt på papir, så det kan ikke være i retur.",
    }
}

/// None, or several: somebody has to say which.
fn unclear(found: &[KnownLetter]) -> String {
    if found.is_empty() {
        return "Fant ikke noe brev. Prøv: oppgi forsendelsesId, begynnelsen av den (minst 8 tegn; den står på forsiden) eller eksternReferanse.".to_owned();
    }
    let ids: Vec<&str> = found.iter().take(NAMED_MAX).map(|letter| letter.id.as_str()).collect();
    let more = if found.len() > NAMED_MAX { " …" } else { "" };
    format!("{} brev passer. Prøv: oppgi forsendelsesId for det som er i retur: {}{more}", found.len(), ids.join(", "))
}

impl Returned {
    pub fn text(&self) -> String {
        let place = self.place.as_deref().map(|place| format!(" ({}/)", shown(place))).unwrap_or_default();
        format!("{}{place}: {}", self.id.as_deref().unwrap_or(&self.query), self.message)
    }
}
