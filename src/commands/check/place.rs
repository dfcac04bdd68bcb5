//! What lies in `outbox/`: a letter, or a folder of them.

use std::path::Path;

use super::{Checked, real, shown_path};
use crate::commands::explain::about;
use crate::core::calendar::in_words;
use crate::core::names::shown;
use crate::shell::ledger::{self, Ledger, Pending};
use crate::shell::outbox::{letters, read_status, read_status_text};
use crate::shell::pass::PassError;
use crate::shell::root::Root;

/// A letter's folder: what is known of the letter, whether it lies where it was put, and where it is going.
pub(super) fn check_letter(checked: &mut Checked, root: &Root, path: &Path) -> Result<(), PassError> {
    let Some(status) = read_status(path) else {
        let text = "status.yaml kan ikke leses. Prøv: legg filen tilbake slik den var";
        checked.add(shown_path(path), "unreadable", text, 1);
        return Ok(());
    };
    for explanation in about(root, &path.to_string_lossy())? {
        checked.add(shown_path(path), status.kode.clone(), explanation.text(), 0);
    }
    let ledger = ledger::open_to_read(root.ledger())?;
    if !is_as_recorded(root, ledger.as_deref(), path)? {
        let text = "mappen ligger ikke der postgang la den, eller status.yaml er endret av andre. Brevet går ingen vei før det er rettet. Prøv: flytt mappen tilbake, eller slett kopien; postgang nightly sier hva som er galt";
        checked.add(shown_path(path), "not-as-recorded", text, 1);
    }
    for (id, pending) in ledger.map(|ledger| ledger.pending()).transpose()?.unwrap_or_default() {
        if id == status.forsendelsesId {
            tell_move(checked, shown_path(path), &pending);
        }
    }
    Ok(())
}

/// Whether the ledger vouches for the letter in this folder.
pub(super) fn is_as_recorded(root: &Root, ledger: Option<&dyn Ledger>, path: &Path) -> anyhow::Result<bool> {
    let (outbox, path) = (real(&root.outbox()), real(path));
    let Ok(place) = path.strip_prefix(&outbox) else { return Ok(false) };
    let accounts = ledger.map(|ledger| ledger.accounts(&[&*place.to_string_lossy()])).transpose()?;
    let account = accounts.and_then(|accounts| accounts.into_iter().next().flatten());
    Ok(account.is_some_and(|account| read_status_text(&path).is_some_and(|text| text == account.status.as_bytes())))
}

/// Moves of placed letters that were broken off: the next pass finishes them.
pub(super) fn check_moves(checked: &mut Checked, root: &Root) -> Result<(), PassError> {
    let ledger = ledger::open_to_read(root.ledger())?;
    for (_, pending) in ledger.map(|ledger| ledger.pending()).transpose()?.unwrap_or_default() {
        if pending.is_moved_on() {
            tell_move(checked, shown(&pending.source), &pending);
        }
    }
    Ok(())
}

fn tell_move(checked: &mut Checked, place: String, pending: &Pending) {
    match pending.understood() {
        Some(status) => {
            let text = format!(
                "er besluttet flyttet i en kjøring som ble avbrutt, og neste kjøring flytter det til outbox/{}: {}",
                pending.target, status.begrunnelse
            );
            checked.add(place, status.kode, text, 0);
        }
        None => {
            let text = "venter: det er besluttet hva som skal skje med brevet, men beslutningen kan ikke forstås av denne versjonen. Prøv: kjør versjonen som skrev den";
            checked.add(place, "decision-not-understood", text, 1);
        }
    }
}

/// A folder that holds letters: a channel, the archive, a month, or all of `outbox/`.
pub(super) fn check_place(checked: &mut Checked, root: &Root, path: &Path) -> Result<(), PassError> {
    let place = real(path);
    let mut count = 0;
    let mut oldest = None;
    for letter in letters(root).filter(|letter| real(letter).starts_with(&place)) {
        count += 1;
        let placed = read_status(&letter).map(|status| status.plassert);
        oldest = oldest.into_iter().chain(placed).min();
    }
    let since = oldest.map(|oldest| format!("; det eldste kom hit {}", in_words(oldest.0))).unwrap_or_default();
    let letters = match count {
        0 => "ingen brev".to_owned(),
        _ => format!("{count} brev{since}. Prøv: postgang explain med mappen sier hvorfor hvert av dem ligger der"),
    };
    checked.add(shown_path(path), super::ACCEPTED, letters, 0);
    Ok(())
}
