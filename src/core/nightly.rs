//! What a night does with one letter: its rules in their order, over values. Each rule stands in a file of its own:
//! [`super::receipts`], [`super::stop`], [`super::silence`], [`super::overdue`], [`super::reminder`], [`super::sealed`].
//!
//! Opened wins over everything: a letter known to be opened is never printed.

use super::calendar::{Calendar, Time};
use super::code::Code;
use super::doubt::Doubt;
use super::receipts::{Receipt, Verdict, hear};
use super::route::{Channel, State};
use super::sealed::has_news;
use super::status::{Event, Stamp, Status, Stay};
use super::{overdue, reminder, silence};

/// What holds for a letter tonight.
#[derive(Clone, Copy, Debug)]
pub struct Night<'a> {
    pub now: Time,
    pub calendar: &'a Calendar,
    /// Why nobody knows whether it was opened: then it is not printed as unread.
    pub doubt: Option<Doubt>,
    /// Hours that an organisation's own system has to collect it before it goes to Altinn; as long as it takes where
    /// none are set.
    pub svarinn_hours: Option<u32>,
}

/// Where a letter goes tonight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Go {
    Altinn,
    Print,
    Archive,
}

/// What a night counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Opened,
    Delivered,
    Failed,
    Stopped,
    /// A stop file where stopping is no longer possible.
    StopTooLate,
    NotCollected,
    Unread,
    NeverNotified,
    /// Overdue, and kept from print because it may have been read.
    Held(Doubt),
    DigitalOnly,
    Reminded,
    Returned,
}

/// A letter after tonight's rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub status: Status,
    /// `None`: it stays where it is.
    pub go: Option<Go>,
    pub outcomes: Vec<Outcome>,
}

/// The steps for a letter that waits in a channel. `stop`: the text of a stop file in its folder.
pub fn waiting(letter: &Status, receipts: &[Receipt], stop: Option<&str>, night: &Night) -> Step {
    let mut step = Step::of(letter);
    hear(&mut step.status, receipts);
    let verdict = Verdict::of(&step.status, night.now);
    step.start_clock(&verdict, night);
    if verdict.opened {
        step.count(Outcome::Opened);
        step.archive(State::Lest, night);
    } else if verdict.delivered {
        step.count(Outcome::Delivered);
        step.archive(State::LevertSdp, night);
    } else {
        if verdict.failed && step.status.kanal != Channel::Print {
            step.fail(night);
        }
        if let Some(reason) = stop.filter(|_| step.go != Some(Go::Archive)) {
            step.stop(reason, night);
        }
        if step.go.is_none() {
            step.let_time_pass(&verdict, night);
        }
    }
    if stop.is_some() && !step.has(Outcome::Stopped) {
        step.count(Outcome::StopTooLate);
    }
    step
}

/// A letter that is finished or refused. That it was opened replaces that it was delivered or given up.
pub fn finished(letter: &Status, receipts: &[Receipt], night: &Night) -> Step {
    let mut step = Step::of(letter);
    hear(&mut step.status, receipts);
    let replaced = matches!(letter.status, State::LevertSdp | State::SendtDigitalt | State::IkkeLevert);
    if replaced && letter.kanal != Channel::Avvist && Verdict::of(&step.status, night.now).opened {
        step.count(Outcome::Opened);
        step.status.status = State::Lest;
    }
    if has_news(&step.status, letter, State::Printet) && letter.status == State::SendtPrint {
        step.status.status = State::Printet;
    }
    step.hear_return(letter);
    step
}

impl Step {
    pub(super) fn of(letter: &Status) -> Self {
        Self { status: letter.clone(), go: None, outcomes: Vec::new() }
    }

    pub fn has(&self, outcome: Outcome) -> bool {
        self.outcomes.contains(&outcome)
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    pub(super) fn event(&mut self, status: State, text: String, now: Time) {
        self.push(self.new_event(status, text, now));
    }

    pub(super) fn new_event(&self, status: State, text: String, now: Time) -> Event {
        Event { tidspunkt: Stamp(now), status, tekst: text, kanal: Some(self.status.kanal), bunke: None }
    }

    pub(super) fn push(&mut self, event: Event) {
        self.status.hendelser.push(event);
        self.status.hendelser.sort_by_key(|event| event.tidspunkt);
    }

    /// Leaves the channel for another, or for the archive where that is the same one.
    pub(super) fn leave(&mut self, to: Channel, now: Time) {
        let letter = &mut self.status;
        let stay = Stay { kanal: letter.kanal, fra: letter.plassert, til: Stamp(now), kode: letter.kode.clone() };
        letter.tidligere.push(stay);
        letter.kanal = to;
        letter.plassert = Stamp(now);
    }

    pub(super) fn archive(&mut self, state: State, night: &Night) {
        self.leave(self.status.kanal, night.now);
        self.status.status = state;
        self.go = Some(Go::Archive);
    }

    pub(super) fn because(&mut self, code: Code) {
        let entry = code.entry();
        self.status.kode = entry.code.to_owned();
        self.status.begrunnelse = entry.sentence.to_owned();
        self.status.hjemmel = entry.paragraph.map(str::to_owned);
    }

    pub(super) fn send_to_print(&mut self, code: Code, night: &Night) {
        self.leave(Channel::Print, night.now);
        self.because(code);
        self.status.status = State::Akseptert;
        self.event(State::Akseptert, "Overført til utskrift".to_owned(), night.now);
        self.go = Some(Go::Print);
    }

    fn fail(&mut self, night: &Night) {
        self.count(Outcome::Failed);
        // A notice of a letter that could not be delivered informed nobody.
        self.status.underrettet = None;
        if overdue::is_digital_only(&self.status) {
            self.archive(State::IkkeLevert, night);
            self.because(Code::DeliveryFailed);
            self.event(State::IkkeLevert, "Kunne ikke leveres digitalt, og sendes ikke på papir".to_owned(), night.now);
        } else {
            self.send_to_print(Code::DeliveryFailed, night);
        }
    }

    fn let_time_pass(&mut self, verdict: &Verdict, night: &Night) {
        let letter = &self.status;
        if silence::ends_svarinn(letter, verdict, night) {
            return self.send_to_altinn(night);
        }
        if letter.kanal != Channel::Altinn {
            return;
        }
        if letter.lesefrist.is_some_and(|deadline| night.now >= deadline.0) {
            self.pass_deadline(verdict, night);
        }
        if self.go.is_none() && reminder::is_due(&self.status, night.now) {
            self.count(Outcome::Reminded);
            self.status.purret = Some(Stamp(night.now));
        }
    }

    fn send_to_altinn(&mut self, night: &Night) {
        self.count(Outcome::NotCollected);
        self.leave(Channel::Altinn, night.now);
        self.because(Code::SvarinnNotCollected);
        self.status.status = State::Akseptert;
        self.status.lesefrist = overdue::deadline(&self.status, night.now, night);
        // What was said in the other channel started no clock here.
        self.status.varslet = None;
        self.status.tilgjengelig = None;
        self.event(State::Akseptert, "Overført til Altinn".to_owned(), night.now);
        self.go = Some(Go::Altinn);
    }
}

#[cfg(test)]
mod law_tests;
#[cfg(test)]
pub(super) mod tests;
