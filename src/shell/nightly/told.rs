//! What an operator is told of receipts and stop files: each thing once. It counts as told when the night's report is
//! complete: whatever ends the night before that has it told again.

use anyhow::Context;
use uuid::Uuid;

use super::letters::Decided;
use super::survey::{is_batch, name, stray_stops};
use super::{Night, hold, inside, report};
use crate::core::names::shown;
use crate::core::nightly::Go;
use crate::shell::ledger::OUTBOX;

impl Night<'_> {
    /// Receipts that nobody can use, each told once; and that none have come, every night.
    pub(super) fn complain(&mut self) -> anyhow::Result<()> {
        let mut complaints = std::mem::take(&mut self.receipts.complaints);
        let mut unknown = Vec::new();
        for (id, file, line) in self.receipts.letters().filter(|(id, ..)| !self.met.contains(id)) {
            let id = Uuid::from_u128(id).to_string();
            if !self.pass.ledger.knows(&id)? {
                unknown.push((file, line, id));
            }
        }
        unknown.sort();
        complaints.extend(unknown.into_iter().map(|(file, line, id)| {
            let text = format!(
                "registry/kvitteringer/{file}, linje {line}: forsendelsesId er ikke kjent her. Prøv: kontroller at kvitteringen gjelder denne installasjonen."
            );
            (format!("kvittering:{file}:{line}:{id}"), text)
        }));
        let news = self.news(complaints)?;
        for message in report::shortened(news) {
            self.needs_person(message);
        }
        if !self.receipts_alive && self.waiting_in_altinn > 0 {
            self.tell_silence();
        }
        Ok(())
    }

    /// No receipts have come lately, and letters wait to be opened.
    fn tell_silence(&mut self) {
        let hours = self.pass.desk.senders.registers.receipts_age_hours_max;
        let (held, waiting) = (self.report.held, self.waiting_in_altinn);
        let letters = match held {
            0 => format!("{waiting} brev venter i Altinn"),
            _ => format!("{held} av {waiting} brev som venter i Altinn, har passert lesefristen"),
        };
        self.needs_person(format!(
            "registry/kvitteringer/: ingen kvitteringsfil er nyere enn {hours} timer. {letters}, og ingen skrives ut som ulest før det kommer kvitteringer. Prøv: kontroller jobben som henter kvitteringer; en fil med bare overskriften er nok når ingenting har skjedd."
        ));
    }

    /// Where a letter lies after tonight that could not be stopped, and why not.
    pub(super) fn too_late(&self, decided: &Decided) -> (String, &'static str) {
        let place = match decided.step.go {
            Some(Go::Archive) => format!("{OUTBOX}{}/{}", self.archive(), name(&decided.letter.path)),
            _ => inside(self.pass.desk.root, &decided.letter.path),
        };
        let why = hold::too_late(&decided.step, &place);
        (place, why)
    }

    /// Letters with a stop file that could not be stopped, each told once.
    pub(super) fn tell_too_late(&mut self, letters: Vec<(String, &'static str)>) -> anyhow::Result<()> {
        let tell = |(place, why): (String, &str)| {
            let folder = place.rsplit('/').next().unwrap_or_default();
            let text = format!("{}: brevet har en STOPP-fil, men kan ikke lenger stoppes her. {why}", shown(&place));
            (format!("stopp:{folder}"), text)
        };
        let news = self.news(letters.into_iter().map(tell).collect())?;
        news.into_iter().for_each(|message| self.needs_person(message));
        Ok(())
    }

    /// Stop files that lie outside letters, told for as long as they lie there: somebody believes that they stop one.
    pub(super) fn tell_stray_stops(&mut self) -> anyhow::Result<()> {
        let root = self.pass.desk.root;
        for path in stray_stops(root).context("kan ikke lese outbox/")? {
            let why = match path.parent().is_some_and(is_batch) {
                true => "bunken er forseglet, og filen stopper ingen brev. Prøv: ring trykkeriet, og oppgi bunken.",
                false => {
                    "filen ligger ikke i et brev, og stopper ingen. Prøv: flytt den inn i mappen til brevet som skal stoppes."
                }
            };
            self.needs_person(format!("{}: {why}", inside(root, &path)));
        }
        Ok(())
    }

    /// Those of these messages that nobody has been given: what identifies each, and its text.
    fn news(&mut self, messages: Vec<(String, String)>) -> anyhow::Result<Vec<String>> {
        let mut news = Vec::new();
        for (what, message) in messages {
            if !self.pass.ledger.is_told(&what)? {
                self.told.push(what);
                news.push(message);
            }
        }
        Ok(news)
    }
}
