//! Paper: how a letter in `print` becomes part of a sealed batch, and what the print house says of it afterwards.

use super::calendar::Time;
use super::code::Code;
use super::nightly::{Outcome, Step};
use super::receipts::{Receipt, hear};
use super::route::{Channel, State};
use super::status::{Event, Stamp, Status};

/// A letter in print that becomes part of a sealed batch.
pub fn seal(letter: &Status, batch: &str, now: Time) -> Status {
    let mut step = Step::of(letter);
    step.status.status = State::SendtPrint;
    let text = format!("{SEALED}{batch}");
    step.push(Event { bunke: Some(batch.to_owned()), ..step.new_event(State::SendtPrint, text, now) });
    // A notice that was given is what the time for appeal runs from; paper comes after it.
    step.status.underrettet.get_or_insert(Stamp(now));
    step.status
}

const SEALED: &str = "Sendt til utskrift i ";

/// The batch that a letter came into by this event. What was written before events bore it has it in the text alone.
fn sealed_in(event: &Event) -> Option<&str> {
    let event = Some(event).filter(|event| event.status == State::SendtPrint)?;
    event.bunke.as_deref().or_else(|| event.tekst.strip_prefix(SEALED))
}

/// A letter in a sealed batch: the print house's word sets its status, everything else is recorded.
pub fn sealed(letter: &Status, receipts: &[Receipt]) -> Step {
    let mut step = Step::of(letter);
    hear(&mut step.status, receipts);
    if has_news(&step.status, letter, State::Printet) {
        step.status.status = State::Printet;
    }
    step.hear_return(letter);
    step
}

/// A letter in print that cannot be printed: a person must see to it.
pub fn refuse(letter: &Status, code: Code, sentence: String, now: Time) -> Status {
    let mut step = Step::of(letter);
    step.leave(Channel::Avvist, now);
    step.status.status = State::Avvist;
    step.status.kode = code.as_str().to_owned();
    step.status.hjemmel = None;
    step.event(State::Avvist, "Kan ikke skrives ut; se begrunnelsen".to_owned(), now);
    step.status.begrunnelse = sentence;
    step.status
}

/// Whether everything that could be heard of a letter in a sealed batch has been heard.
pub fn is_settled(letter: &Status) -> bool {
    said_of_paper(letter, State::Printet) > 0 || was_returned(letter)
}

/// Whether the print house has sent it back.
pub fn was_returned(letter: &Status) -> bool {
    said_of_paper(letter, State::Retur) > 0
}

/// Whether the print house speaks of a letter that it has not been given. One that waits for print will be in a batch
/// soon, and is asked about with it.
pub fn is_misreported(letter: &Status) -> bool {
    let is_of_paper = |event: &Event| matches!(event.status, State::Printet | State::Retur);
    letter.kanal != Channel::Print && letter.hendelser.iter().any(is_of_paper)
}

/// How often the print house has said this of a letter. What it says of a time before the sealing cannot be meant for
/// it, and is recorded only.
fn said_of_paper(letter: &Status, state: State) -> usize {
    let events = || letter.hendelser.iter();
    let sealed = |event: &&Event| sealed_in(event).is_some();
    let Some(sealed) = events().filter(sealed).map(|event| event.tidspunkt).max() else { return 0 };
    events().filter(|event| event.status == state && event.tidspunkt >= sealed).count()
}

pub(super) fn has_news(letter: &Status, before: &Status, state: State) -> bool {
    said_of_paper(letter, state) > said_of_paper(before, state)
}

impl Step {
    pub(super) fn hear_return(&mut self, before: &Status) {
        if has_news(&self.status, before, State::Retur) {
            self.count(Outcome::Returned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::{Calendar, parse_time};
    use crate::core::duplicate::releases;
    use crate::core::nightly::finished;
    use crate::core::nightly::tests::{at, placed, receipts, tonight};
    use crate::core::receipts::Word;

    #[test]
    fn a_print_house_speaks_of_what_it_was_given() {
        let batch = seal(&placed(Channel::Print), "batch", parse_time("2026-11-24T00:30:00+01:00").unwrap());
        for (lines, state, settled, released) in [
            (&["PRINTET 24T10", "LEST 24T11"][..], State::Printet, true, false),
            (&["RETUR 24T10"], State::SendtPrint, true, true),
            (&["PRINTET 23T10", "RETUR 23T11"], State::SendtPrint, false, false),
        ] {
            let step = sealed(&batch, &receipts(lines));
            assert_eq!(
                (step.status.status, is_settled(&step.status), releases(&step.status)),
                (state, settled, released)
            );
            let early = tonight(&placed(Channel::Print), lines, None, "11-24T00").status;
            assert!(!is_settled(&early), "not sealed yet: {lines:?}");
        }
        let (calendar, now) = (Calendar::default(), parse_time("2026-12-01T00:00:00+01:00").unwrap());
        let night = at(now, &calendar);
        let opened = Status { status: State::Lest, ..placed(Channel::Altinn) };
        assert!(!releases(&finished(&opened, &receipts(&["RETUR 24T10"]), &night).status), "it was never on paper");
    }

    #[test]
    fn who_is_spoken_of_by_mistake() {
        for (channel, lines, expected) in [
            (Channel::Altinn, &["PRINTET 24T10"][..], true),
            (Channel::Digipost, &["RETUR 24T10"], true),
            (Channel::Altinn, &["SENDT_PRINT 24T10"], false),
            (Channel::Print, &["PRINTET 24T10"], false),
        ] {
            let letter = tonight(&placed(channel), lines, None, "11-25T00").status;
            assert_eq!(is_misreported(&letter), expected, "{channel:?} {lines:?}");
        }
    }

    #[test]
    fn the_time_for_appeal_runs_from_the_notice_else_from_the_sealing() {
        let now = parse_time("2026-11-26T00:30:00+01:00").unwrap();
        let unread = tonight(&placed(Channel::Altinn), &["VARSLET 23T10"], None, "11-26T00").status;
        assert_eq!(seal(&unread, "batch", now).underrettet, unread.varslet);
        let failed = tonight(&placed(Channel::Altinn), &["VARSLET 23T10", "FEIL 23T11"], None, "11-26T00").status;
        assert_eq!(seal(&failed, "batch", now).underrettet, Some(Stamp(now)));
    }

    #[test]
    fn a_batch_is_known_by_its_field_and_in_old_files_by_the_text() {
        let now = parse_time("2026-11-24T00:30:00+01:00").unwrap();
        let sealed_now = seal(&placed(Channel::Print), "batch-2026-11-24-01", now);
        assert_eq!(sealed_now.hendelser.last().unwrap().bunke.as_deref(), Some("batch-2026-11-24-01"));
        let mut old = sealed_now.clone();
        old.hendelser.last_mut().unwrap().bunke = None;
        let mut reworded = sealed_now.clone();
        reworded.hendelser.last_mut().unwrap().tekst = "I bunke".to_owned();
        for letter in [sealed_now, old, reworded] {
            let letter = Status::from_yaml(letter.to_yaml().as_bytes()).unwrap();
            assert!(is_settled(&sealed(&letter, &receipts(&["PRINTET 24T10"])).status));
        }
        // What a print house says is no sealing.
        let told = tonight(&placed(Channel::Print), &["SENDT_PRINT 24T10", "PRINTET 24T11"], None, "11-25T00").status;
        assert!(!is_settled(&told));
    }

    #[test]
    fn a_file_from_before_events_bore_their_batch_is_read_as_it_was_meant() {
        let text = include_str!("../../tests/nightly/old/status.yaml");
        let letter = Status::from_yaml(text.as_bytes()).unwrap();
        assert_eq!(letter.to_yaml(), text, "what is not known of it is not added");
        assert_eq!(letter.regel.as_ref().unwrap().lesefrist.limit, "2 virkedager".parse().unwrap());
        let at = |text: &str| parse_time(text).unwrap().to_utc();
        let early = Receipt::new(at("2026-11-27T10:00:00+01:00"), Word::Printed, "");
        assert!(!is_settled(&letter) && !is_settled(&sealed(&letter, &[early]).status));
        let printed = Receipt::new(at("2026-11-28T10:00:00+01:00"), Word::Printed, "");
        assert!(is_settled(&sealed(&letter, &[printed]).status));
    }
}
