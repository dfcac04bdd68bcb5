//! What a night did, for people and for machines.

use serde::Serialize;

use crate::core::doubt::Doubt;
use crate::core::nightly::Outcome;
use crate::shell::pass::Report;

/// Messages of one kind that are given one by one.
const MESSAGES_MAX: usize = 100;

/// The counts of one night; serialises as `nightly --json` prints it.
#[derive(Debug, Default, Serialize)]
pub struct NightReport {
    #[serde(flatten)]
    pub run: Report,
    pub opened: usize,
    pub delivered: usize,
    pub failed: usize,
    pub stopped: usize,
    /// Overdue letters that go to print, those that nobody was told of included.
    pub expired: usize,
    /// Those of them for which neither a notice nor a hand-over was ever reported.
    pub never_notified: usize,
    pub digital_only: usize,
    pub reminded: usize,
    /// Letters in tonight's batches.
    pub printed: usize,
    pub purged: usize,
    pub batch: Vec<String>,
    /// Overdue letters that are kept from print because receipts do not come, or cannot be read.
    #[serde(skip)]
    pub held: usize,
    /// Matters that a person must look at, but for those that are closed: tonight's list.
    pub matters: usize,
}

impl NightReport {
    pub(super) fn count(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            match outcome {
                Outcome::Opened => self.opened += 1,
                Outcome::Delivered => self.delivered += 1,
                Outcome::Failed => self.failed += 1,
                Outcome::Stopped => self.stopped += 1,
                Outcome::Unread => self.expired += 1,
                Outcome::NeverNotified => {
                    self.expired += 1;
                    self.never_notified += 1;
                }
                // Listed for a person, letter by letter.
                Outcome::Held(Doubt::UnreadableRow | Doubt::PrintedElsewhere) => {}
                Outcome::Held(_) => self.held += 1,
                Outcome::DigitalOnly => self.digital_only += 1,
                Outcome::Reminded => self.reminded += 1,
                Outcome::StopTooLate | Outcome::NotCollected | Outcome::Returned => {}
            }
        }
    }

    /// The counts and messages as an operator reads them.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (what, count) in [
            ("Åpnet eller hentet", self.opened),
            ("Levert i postkasse", self.delivered),
            ("Levering feilet", self.failed),
            ("Stoppet", self.stopped),
            ("Ulest, til utskrift", self.expired),
            ("  herav aldri varslet", self.never_notified),
            ("Ulest ved fristen, sendes ikke på papir", self.digital_only),
            ("Purret", self.reminded),
            ("Fra eget mottakssystem til Altinn", self.run.placed.altinn),
            ("Kan ikke skrives ut", self.run.placed.avvist),
            ("Lagt i utskriftsbunke", self.printed),
            ("Slettet (oppbevaringstiden er ute)", self.purged),
        ] {
            text += &format!("{what:<40} {count:>8}\n");
        }
        for batch in &self.batch {
            text += &format!("Forseglet: outbox/print/{batch}/\n");
        }
        if self.matters > 0 {
            let matters = if self.matters == 1 { "sak" } else { "saker" };
            text += &format!("{} {matters} må følges opp: outbox/oppfolging-*.csv\n", self.matters);
        }
        for message in &self.run.messages {
            text += &format!("- {message}\n");
        }
        text
    }

    /// 0 all is well; 1 a person is needed; 3 letters were kept from print because no receipts have come.
    pub fn exit_code(&self) -> u8 {
        if self.held > 0 {
            3
        } else if self.never_notified > 0 || self.failed > 0 || self.matters > 0 {
            1
        } else {
            self.run.exit_code()
        }
    }
}

/// Many messages of one kind as some and a count.
pub fn shortened(mut messages: Vec<String>) -> Vec<String> {
    if messages.len() > MESSAGES_MAX {
        let more = messages.len() - MESSAGES_MAX;
        messages.truncate(MESSAGES_MAX);
        messages.push(format!("registry/kvitteringer/: {more} rader til kan ikke brukes."));
    }
    messages
}
