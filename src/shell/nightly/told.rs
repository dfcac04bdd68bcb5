//! What an operator is told of receipts and stop files: each thing once. It counts as told when the night's report is
//! complete: whatever ends the night before that has it told again.

use std::path::PathBuf;

use uuid::Uuid;

use super::survey::name;
use super::{Night, hold, inside, report};
use crate::core::names::shown;

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
        if !self.receipts_alive && self.report.held > 0 {
            let hours = self.pass.desk.senders.registers.receipts_age_hours_max;
            let message = format!(
                "registry/kvitteringer/: ingen kvitteringsfil er nyere enn {hours} timer. {} brev har passert lesefristen, men ingen skrives ut som ulest før det kommer kvitteringer. Prøv: kontroller jobben som henter kvitteringer; en fil med bare overskriften er nok når ingenting har skjedd.",
                self.report.held
            );
            self.pass.report.messages.push(message);
        }
        Ok(())
    }

    pub(super) fn tell_too_late(&mut self, letters: Vec<PathBuf>) -> anyhow::Result<()> {
        let root = self.pass.desk.root;
        let tell = |path: PathBuf| {
            let inside = inside(root, &path);
            let remedy = match hold::remedy(&inside) {
                "" => "Brevet var allerede åpnet eller levert.",
                remedy => remedy,
            };
            let text =
                format!("{}: brevet har en STOPP-fil, men kan ikke lenger stoppes her. {remedy}", shown(&inside));
            (format!("stopp:{}", name(&path)), text)
        };
        let told = letters.into_iter().map(tell).collect();
        for message in self.news(told)? {
            self.needs_person(message);
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
