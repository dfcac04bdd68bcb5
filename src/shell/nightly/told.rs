//! What an operator is told of receipts and stop files: each thing once. It counts as told when the night's report is
//! complete: whatever ends the night before that has it told again.

use std::path::{Path, PathBuf};

use anyhow::Context;
use uuid::Uuid;

use super::letters::Decided;
use super::{Night, inside, lists, report};
use crate::core::matter::{Kind, Matter};
use crate::core::names::{STOP_ANSWER, shown};
use crate::core::nightly::Go;
use crate::core::status::Status;
use crate::core::stop;
use crate::shell::fault;
use crate::shell::ledger::{Asked, OUTBOX};
use crate::shell::outbox::{is_batch, name, stray_stops};

/// A letter with a stop file that came too late.
pub(super) struct TooLate {
    /// Where it lies now.
    pub folder: PathBuf,
    /// Where it lies after tonight, below the root.
    pub place: String,
    pub why: &'static str,
    pub status: Option<Status>,
}

impl Night<'_> {
    /// Receipts that nobody can use, each told once; and that none have come, every night.
    pub(super) fn complain(&mut self) -> anyhow::Result<()> {
        let mut complaints = std::mem::take(&mut self.receipts.complaints);
        let mut unknown = Vec::new();
        for (id, file, line) in self.receipts.letters().filter(|(id, ..)| !self.met.contains(id)) {
            let id = Uuid::from_u128(id).to_string();
            if self.pass.ledger.letters(Asked::Id(&id))?.is_empty() {
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
        self.tell_doubts();
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

    /// A letter that could not be stopped tonight.
    pub(super) fn too_late(&self, decided: &Decided) -> TooLate {
        let place = match decided.step.go {
            Some(Go::Archive) => format!("{OUTBOX}{}/{}", self.archive(), name(&decided.letter.path)),
            _ => inside(self.pass.desk.root, &decided.letter.path),
        };
        let why = stop::too_late(&decided.step, &place);
        TooLate { folder: decided.letter.path.clone(), place, why, status: Some(decided.step.status.clone()) }
    }

    /// Letters with a stop file that could not be stopped: each is told once, answered beside the file once, and listed
    /// for as long as the file lies there.
    pub(super) fn answer_stops(&mut self, letters: &[TooLate]) -> anyhow::Result<()> {
        let tell = |letter: &TooLate| {
            let place = &letter.place;
            let folder = place.rsplit('/').next().unwrap_or_default();
            let why = letter.why;
            let text = format!("{}: brevet har en STOPP-fil, men kan ikke lenger stoppes her. {why}", shown(place));
            (format!("stopp:{folder}"), text)
        };
        let news = self.news(letters.iter().map(tell).collect())?;
        news.into_iter().for_each(|message| self.needs_person(message));
        for letter in letters {
            let text = format!("Brevet er ikke stoppet: STOPP-filen kom for sent.\n\n{}\n", letter.why);
            self.answer_stop(&letter.folder, &text);
            self.matters.push(lists::unstopped(letter.status.as_ref(), &shown(&letter.place)));
        }
        Ok(())
    }

    /// Writes the answer to a stop file beside it, where none lies there yet.
    fn answer_stop(&mut self, folder: &Path, text: &str) {
        if folder.join(STOP_ANSWER).symlink_metadata().is_ok() {
            return;
        }
        let text =
            format!("{text}\nFjern STOPP-filen når saken er ordnet; da er den ute av outbox/oppfolging-*.csv.\n");
        if let Err(error) = self.pass.desk.spool.leave(folder, STOP_ANSWER, &text) {
            let place = shown(&inside(self.pass.desk.root, folder));
            self.needs_person(format!(
                "{place}: {STOP_ANSWER} kunne ikke skrives ({}). Det prøves igjen neste natt. Prøv: {}.",
                fault::cause(&error),
                fault::remedy(&error)
            ));
        }
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
            let place = shown(&inside(root, &path));
            self.matters
                .push(Matter { message: Some(format!("{place}: {why}")), ..Matter::of(Kind::StrayStop, &place) });
            if let Some(folder) = path.parent() {
                self.answer_stop(folder, &format!("Ingen brev er stoppet: {why}\n"));
            }
        }
        Ok(())
    }

    /// Those of these messages that nobody has been given: what identifies each, and its text.
    pub(super) fn news(&mut self, messages: Vec<(String, String)>) -> anyhow::Result<Vec<String>> {
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
