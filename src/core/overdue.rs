//! The reading deadline of a letter in Altinn (`lesefrist`): when its time begins, and what becomes of the letter when it
//! has passed unread.
//!
//! A letter is overdue from its deadline on, however long that is ago: with a second bound old letters would be forgotten.

use super::calendar::Time;
use super::code::Code;
use super::doubt::Doubt;
use super::nightly::{Night, Outcome, Step};
use super::receipts::Verdict;
use super::reminder;
use super::route::{Channel, State};
use super::senders::Then;
use super::status::{Stamp, Status};

impl Step {
    /// The first notice starts the clock anew, also when an earlier one becomes known late; without one, that the letter
    /// could be read does. A clock that runs keeps its deadline, whatever is closed (`fridager`) since.
    pub(super) fn start_clock(&mut self, verdict: &Verdict, night: &Night) {
        let letter = &mut self.status;
        // On paper there is no notice; whoever reports one means the channel before.
        if letter.kanal == Channel::Print {
            return;
        }
        let before = letter.varslet.or(letter.tilgjengelig);
        letter.tilgjengelig = verdict.available.map(Stamp).or(letter.tilgjengelig);
        if let Some(notice) = verdict.notice.map(Stamp).filter(|notice| letter.varslet != Some(*notice)) {
            letter.varslet = Some(notice);
            letter.underrettet = Some(notice);
            if matches!(letter.status, State::Akseptert | State::KlarForMottak) {
                letter.status = State::Varslet;
            }
        }
        let start = letter.varslet.or(letter.tilgjengelig);
        if let Some(start) = start.filter(|_| start != before && letter.kanal == Channel::Altinn) {
            letter.lesefrist = deadline(letter, start.0, night).or(letter.lesefrist);
        }
    }

    /// A letter known to be opened is never printed, and none is where it may have been.
    pub(super) fn pass_deadline(&mut self, verdict: &Verdict, night: &Night) {
        if is_digital_only(&self.status) {
            if self.status.status != State::SendtDigitalt {
                self.count(Outcome::DigitalOnly);
                self.status.status = State::SendtDigitalt;
                let text = "Ikke åpnet innen lesefristen; brevet sendes bare digitalt";
                self.event(State::SendtDigitalt, text.to_owned(), night.now);
            }
            if !reminder::is_wanted(&self.status) {
                self.archive(State::SendtDigitalt, night);
            }
        } else if verdict.printed_elsewhere {
            self.count(Outcome::Held(Doubt::PrintedElsewhere));
        } else if let Some(doubt) = night.doubt {
            self.count(Outcome::Held(doubt));
        } else if verdict.handed_over {
            self.count(Outcome::Unread);
            self.send_to_print(Code::UnreadPastDeadline, night);
        } else {
            self.count(Outcome::NeverNotified);
            self.send_to_print(Code::NeverNotified, night);
        }
    }
}

/// By the rule that the letter was placed by; later edits of the sender's rules do not touch it.
pub(super) fn deadline(letter: &Status, start: Time, night: &Night) -> Option<Stamp> {
    let limit = &letter.regel.as_ref()?.lesefrist;
    Some(Stamp(night.calendar.deadline(start, limit.limit)))
}

/// Whether paper is ruled out, by the letter or by its sender's rule.
pub(super) fn is_digital_only(letter: &Status) -> bool {
    letter.kunDigitalLevering || letter.deretter == Some(Then::DigitalOnly)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::{Calendar, parse_time};
    use crate::core::nightly::tests::{at, placed, receipts, tonight};
    use crate::core::nightly::{Go, waiting};

    #[test]
    fn a_running_clock_keeps_its_deadline_when_a_day_is_closed() {
        let notified = tonight(&placed(Channel::Altinn), &["VARSLET 24T10"], None, "11-25T00").status;
        let calendar = Calendar::new(["2026-11-26".parse().unwrap()]);
        let night = at(notified.lesefrist.unwrap().0, &calendar);
        let step = waiting(&notified, &receipts(&["VARSLET 24T10"]), None, &night);
        assert_eq!((step.status.lesefrist, step.go), (notified.lesefrist, Some(Go::Print)));
        // An earlier notice is another start, and takes the calendar of its night.
        let earlier = waiting(&notified, &receipts(&["VARSLET 23T10"]), None, &night);
        assert_eq!(earlier.status.lesefrist.unwrap().to_string(), "2026-11-26T00:00:00+01:00");
    }

    #[test]
    fn that_a_letter_could_be_read_starts_the_clock_and_informs_nobody() {
        let available = tonight(&placed(Channel::Altinn), &["PUBLISERT 24T10"], None, "11-25T00").status;
        let stamp = |text: &str| Some(Stamp(parse_time(text).unwrap()));
        assert_eq!(available.tilgjengelig, stamp("2026-11-24T10:00:00+01:00"));
        assert_eq!(available.lesefrist, stamp("2026-11-27T00:00:00+01:00"));
        assert_eq!((available.varslet, available.underrettet, available.status), (None, None, State::Akseptert));
        let notified = tonight(&available, &["VARSLET 25T10"], None, "11-26T00").status;
        assert_eq!(
            (notified.lesefrist, notified.tilgjengelig),
            (stamp("2026-11-28T00:00:00+01:00"), available.tilgjengelig)
        );
        assert_eq!(notified.underrettet, stamp("2026-11-25T10:00:00+01:00"));
        let written = notified.to_yaml();
        assert_eq!(Status::from_yaml(written.as_bytes()).unwrap(), notified);
        assert!(!placed(Channel::Altinn).to_yaml().contains("tilgjengelig"));
    }
}
