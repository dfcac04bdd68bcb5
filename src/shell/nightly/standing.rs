//! Whether a letter's place, what its folder says of itself and the ledger agree. Where they do not (a folder copied,
//! dragged or edited), the letter waits and is named: what decides is what the ledger recorded.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Night, inside};
use crate::core::matter::{Kind, Matter};
use crate::core::names::shown;
use crate::core::status::Status;
use crate::shell::ledger::{Account, Ledger, OUTBOX, account_place};
use crate::shell::outbox::{LetterFolder, read_status, read_status_text};
use crate::shell::root::Root;

/// What may be done with a folder.
pub(super) enum Standing {
    /// Place, folder and ledger agree: the letter as it was recorded.
    Sure(Box<Status>),
    /// No letter, or one that is on its way already.
    PassedOver,
    Unsure(Disagreement),
}

/// Why a letter waits for a person.
pub(super) enum Disagreement {
    /// The ledger knows no letter here; the folder says that it is this one.
    NotPlacedHere(Option<String>),
    /// Another folder says that it is the same letter.
    Doubled,
    /// `status.yaml` is gone or cannot be read.
    Unreadable,
    /// The folder could not be listed to its end, and why: nobody knows whether it holds a stop.
    NotListed(String),
    /// `status.yaml` says something else than what was recorded.
    Edited,
}

/// What standings are judged by, for any thread.
pub(super) struct Known<'a> {
    pub busy: &'a HashSet<String>,
    /// Letters that a folder which is none of ours claims to be.
    pub doubled: &'a HashSet<String>,
}

impl Known<'_> {
    pub fn standing(&self, path: &Path, ready: bool, account: Option<&Account>) -> Standing {
        let Some(account) = account else {
            let id = read_status(path).map(|status| status.forsendelsesId);
            return match id {
                Some(id) if self.busy.contains(&id) => Standing::PassedOver,
                None if !ready => Standing::PassedOver,
                id => Standing::Unsure(Disagreement::NotPlacedHere(id)),
            };
        };
        if self.busy.contains(&account.id) {
            return Standing::PassedOver;
        }
        if self.doubled.contains(&account.id) {
            return Standing::Unsure(Disagreement::Doubled);
        }
        match read_status_text(path) {
            None => Standing::Unsure(Disagreement::Unreadable),
            Some(text) if text != account.status.as_bytes() => Standing::Unsure(Disagreement::Edited),
            Some(_) => match Status::from_yaml(account.status.as_bytes()) {
                Ok(status) => Standing::Sure(Box::new(status)),
                Err(_) => Standing::Unsure(Disagreement::Unreadable),
            },
        }
    }
}

/// What is recorded of the letters in these folders, in their order.
pub(super) fn accounts<'p>(
    root: &Root,
    ledger: &dyn Ledger,
    paths: impl IntoIterator<Item = &'p PathBuf>,
) -> anyhow::Result<Vec<Option<Account>>> {
    let outbox = root.outbox();
    let place = |path: &'p PathBuf| path.strip_prefix(&outbox).unwrap_or(path).to_string_lossy();
    let places: Vec<_> = paths.into_iter().map(place).collect();
    ledger.accounts(&places.iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

/// The letters in these folders as they were recorded.
pub(super) fn recorded<'p>(
    root: &Root,
    ledger: &dyn Ledger,
    paths: impl IntoIterator<Item = &'p PathBuf>,
) -> anyhow::Result<Vec<Option<Status>>> {
    let status = |account: &Option<Account>| Status::from_yaml(account.as_ref()?.status.as_bytes()).ok();
    Ok(accounts(root, ledger, paths)?.par_iter().map(status).collect())
}

impl Night<'_> {
    /// The letters that folders claim to be which the ledger does not know in their place.
    pub(super) fn doubled(&self, letters: &[LetterFolder]) -> anyhow::Result<HashSet<String>> {
        let known = self.pass.ledger.places()?;
        let outbox = self.pass.desk.root.outbox();
        let is_known = |letter: &LetterFolder| {
            let place = letter.path.strip_prefix(&outbox).unwrap_or(&letter.path).to_string_lossy();
            known.contains(account_place(&place))
        };
        let strangers: Vec<&LetterFolder> = letters.iter().filter(|letter| !is_known(letter)).collect();
        let id = |letter: &&LetterFolder| read_status(&letter.path).map(|status| status.forsendelsesId);
        Ok(strangers.par_iter().filter_map(id).collect())
    }

    /// The matter, with the line for the operator.
    pub(super) fn disagreement(&self, path: &Path, what: &Disagreement) -> anyhow::Result<Matter> {
        let place = shown(&inside(self.pass.desk.root, path));
        let elsewhere = match what {
            Disagreement::NotPlacedHere(Some(id)) => self.pass.ledger.recorded_place(id)?,
            _ => None,
        };
        let text = match (what, elsewhere) {
            (Disagreement::NotPlacedHere(_), Some(own)) => format!(
                "mappen sier at den er brevet som ble lagt i {OUTBOX}{own}/; den er kopiert eller flyttet for hånd, og brevet er ikke rørt noe sted. Prøv: flytt mappen tilbake dit, eller slett kopien."
            ),
            (Disagreement::NotPlacedHere(_), None) => "mappen er ikke lagt her av postgang, og er ikke rørt. Prøv: finn ut hvor den kommer fra, og ta den ut av outbox/.".to_owned(),
            (Disagreement::Doubled, _) => "en annen mappe sier at den er det samme brevet, og ingen av dem er rørt. Prøv: slett kopien, eller flytt mappen tilbake.".to_owned(),
            (Disagreement::Unreadable, _) => "status.yaml mangler eller kan ikke leses, og brevet er ikke rørt. Prøv: gi postgang tilgang til mappen, eller legg filen tilbake fra en sikkerhetskopi.".to_owned(),
            (Disagreement::NotListed(why), _) => format!(
                "mappen kan ikke leses til ende ({why}), så det er ikke kjent om den har en STOPP-fil. Brevet er ikke rørt, og skrives ikke ut i natt. Prøv: kontroller rettigheter og disk, og kjør postgang nightly på nytt."
            ),
            (Disagreement::Edited, _) => "status.yaml er endret av andre enn postgang, og brevet er ikke rørt. Prøv: legg filen tilbake slik den var; postgang explain viser hva som er bestemt.".to_owned(),
        };
        let (what, remedy) = text.split_once(" Prøv: ").unwrap_or((&text, ""));
        let message = Some(format!("{place}: {text}"));
        let (what, remedy) = (what.to_owned(), capitalised(remedy));
        Ok(Matter { what, remedy, message, ..Matter::of(Kind::Unsure, &place) })
    }
}

/// What is tried, as a sentence of its own.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
