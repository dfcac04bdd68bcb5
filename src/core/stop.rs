//! Stopping a letter: with which file a clerk does it, what becomes of the letter, and where it is too late.

use super::code::Code;
use super::names::{ends_with_ignoring_case, shown};
use super::nightly::{Night, Outcome, Step};
use super::route::{Channel, State};
use super::status::Status;

/// The names that a stop file is told to have; no document may bear one.
pub const NAMES: [&str; 4] = ["STOPP", "STOPP.txt", "STOP", "STOP.txt"];
/// Characters of a stop file that are kept as its reason.
const REASON_CHARS_MAX: usize = 500;

/// A file with which a clerk stops a letter that still waits: what is meant counts, with the endings and copies that
/// editors and file managers make of it. Our own answer is none, nor is a copy of it.
pub fn is_stop(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_answer = name.starts_with("stopp-svar");
    (name.starts_with("stopp") && !is_answer) || name.split('.').next() == Some("stop")
}

/// A stop file whose content is text: `.txt` or no ending.
pub fn is_plain_text_stop(name: &str) -> bool {
    is_stop(name) && (ends_with_ignoring_case(name, ".txt") || !name.contains('.'))
}

/// Which of these files, called as stop files are, stops the letter: one with a text of its own before any other. What
/// the letter names as its document is none.
pub fn among(names: &[String], letter: Option<&Status>) -> Option<usize> {
    let is_document = |name: &str| {
        let name = shown(name);
        letter.is_some_and(|letter| letter.dokumenter.iter().any(|document| document.filnavn == name))
    };
    let stops = || (0..names.len()).filter(|at| is_stop(&names[*at]) && !is_document(&names[*at]));
    stops().find(|at| is_plain_text_stop(&names[*at])).or_else(|| stops().next())
}

impl Step {
    /// A mailbox letter has left, and cannot be stopped.
    pub(super) fn stop(&mut self, reason: &str, night: &Night) {
        if self.status.kanal.is_mailbox() {
            return;
        }
        self.count(Outcome::Stopped);
        // It may have been on its way to print tonight; it stops all the same.
        let reason: String = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let reason: String = shown(&reason).chars().take(REASON_CHARS_MAX).collect();
        let text = if reason.is_empty() { "Stoppet".to_owned() } else { format!("Stoppet: {reason}") };
        self.archive(State::ManueltHandtert, night);
        self.because(Code::Stopped);
        self.event(State::ManueltHandtert, text, night.now);
    }
}

/// Why a stop came too late for a letter that lies at `place` after what receipts said.
pub fn too_late(step: &Step, place: &str) -> &'static str {
    if step.has(Outcome::Opened) {
        "Brevet er allerede åpnet eller hentet. Ta kontakt med mottakeren."
    } else if step.has(Outcome::Delivered) {
        "Brevet er allerede levert i mottakerens digitale postkasse. Ta kontakt med mottakeren."
    } else if step.has(Outcome::Failed) {
        "Leveringen feilet, og brevet skal ikke på papir, så det er ikke kommet fram til noen."
    } else {
        remedy(place)
    }
}

/// Whom to turn to when a letter at this place cannot be stopped; empty where it can.
pub fn remedy(place: &str) -> &'static str {
    let inside = place.strip_prefix("outbox/").unwrap_or(place);
    let mut parts = inside.split('/');
    let channel = parts.next().unwrap_or_default();
    match Channel::named(channel) {
        Some(Channel::Altinn | Channel::Svarinn) => "",
        Some(Channel::Print) if parts.count() < 2 => "",
        Some(Channel::Print) => {
            "Brevet er i en forseglet utskriftsbunke og ligger hos trykkeriet. Ring trykkeriet, og oppgi bunke og forsendelsesId."
        }
        Some(Channel::Digipost | Channel::Eboks) => {
            "Brevet er lagt klart for mottakerens digitale postkasse og kan være hentet, så det kan ikke stoppes herfra. Ta kontakt med den som sender til postkassene, eller med mottakeren."
        }
        Some(Channel::Avvist) => "Brevet er avvist og er ikke sendt til noen.",
        None => "Brevet er ferdig behandlet.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::nightly::tests::{placed, tonight};
    use crate::core::status::RecordedDocument;

    #[test]
    fn what_a_clerk_means_by_a_stop_file() {
        for (name, stop, text) in [
            ("STOPP", true, true),
            ("stop", true, true),
            ("Stop.txt", true, true),
            ("STOPP.txt.txt", true, true),
            ("STOPP - Kopi.txt", true, true),
            ("Stopp dette brevet", true, true),
            ("stopp.docx", true, false),
            ("Stopp.rtf", true, false),
            ("STOPP.lnk", true, false),
            ("STOPP-SVAR.txt", false, false),
            ("stopp-svar - Kopi.txt", false, false),
            ("stop - kopi.txt", false, false),
            ("stoff.txt", false, false),
            ("ikke stopp.txt", false, false),
            ("~$STOPP.docx", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_stop(name), is_plain_text_stop(name)), (stop, text), "{name}");
        }
    }

    #[test]
    fn a_stop_file_with_a_text_counts_before_others_and_a_document_not_at_all() {
        let document =
            |name: &str| RecordedDocument { filnavn: name.to_owned(), sha256: None, bytes: None, sider: None };
        let letter = Status { dokumenter: vec![document("stopp for hund.pdf")], ..placed(Channel::Altinn) };
        for (names, expected) in [
            (&["STOPP.lnk", "stopp.txt"][..], Some(1)),
            (&["STOPP.docx", "stopp for hund.pdf"], Some(0)),
            (&["stopp for hund.pdf"], None),
            (&["vedtak.pdf", "STOPP-SVAR.txt"], None),
            (&[], None),
        ] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(among(&names, Some(&letter)), expected, "{names:?}");
        }
        assert_eq!(among(&["stopp for hund.pdf".to_owned()], None), Some(0));
    }

    #[test]
    fn a_stop_keeps_its_reason_without_numbers() {
        for reason in ["gjelder 20914695016\n", "gjelder 209146\u{0}95016", "gjelder 209146\r\n95016"] {
            let step = tonight(&placed(Channel::Altinn), &[], Some(reason), "11-24T00");
            assert_eq!(step.status.hendelser.last().unwrap().tekst, "Stoppet: gjelder XXXXXXXXXXX");
        }
    }

    #[test]
    fn where_it_is_too_late() {
        for (place, possible) in [
            ("outbox/altinn/brev.01234567", true),
            ("outbox/svarinn/brev.01234567", true),
            ("outbox/print/brev.01234567", true),
            ("outbox/print/batch-2026-11-24-01/brev.01234567", false),
            ("outbox/digipost/brev.01234567", false),
            ("outbox/eboks/brev.01234567", false),
            ("outbox/avvist/brev.01234567", false),
            ("outbox/arkiv/2026-11/brev.01234567", false),
            ("outbox/arkiv/2026-11/batch-2026-11-24-01/brev.01234567", false),
        ] {
            assert_eq!(remedy(place).is_empty(), possible, "{place}");
        }
    }
}
