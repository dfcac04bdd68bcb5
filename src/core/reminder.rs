//! Reminders (`purring`): listed once, for a letter that still lies unopened in Altinn some days after its time began.

use chrono::TimeDelta;

use super::calendar::Time;
use super::nightly::{Night, Step};
use super::route::{Channel, State};
use super::status::Status;

/// Whether the letter's reminder is due. Days are of 24 hours, from the notice, else from when the letter could be read,
/// else from its placing.
pub(super) fn is_due(letter: &Status, now: Time) -> bool {
    let start = letter.varslet.or(letter.tilgjengelig).unwrap_or(letter.plassert).0;
    let due = |days: i64| now >= start + TimeDelta::days(days);
    letter.purret.is_none() && days(letter).is_some_and(due)
}

pub(super) fn is_wanted(letter: &Status) -> bool {
    days(letter).is_some()
}

fn days(letter: &Status) -> Option<i64> {
    letter.regel.as_ref()?.purring.as_ref()?.split_whitespace().next()?.parse().ok()
}

/// A reminder that is listed was the last thing that a digital-only letter waited for.
pub fn reminded(letter: &Status, night: &Night) -> Option<Step> {
    let done = letter.kanal == Channel::Altinn && letter.status == State::SendtDigitalt && letter.purret.is_some();
    done.then(|| {
        let mut step = Step::of(letter);
        step.archive(State::SendtDigitalt, night);
        step
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::{Calendar, parse_time};
    use crate::core::nightly::tests::{at, placed, tonight};
    use crate::core::nightly::{Go, Outcome};
    use crate::core::senders::Then;
    use crate::core::status::Stamp;

    /// Placed on Monday 23 November at 09:00.
    #[test]
    #[rustfmt::skip]
    fn when_a_reminder_is_due() {
        let time = |text: &str| parse_time(&format!("2026-{text}:00:00+01:00")).unwrap();
        let stamp = |text: &str| (!text.is_empty()).then(|| Stamp(time(text)));
        for (purring,        varslet,     tilgjengelig, purret,      now,         due) in [
            (Some("7 dager"), "",          "",           "",          "11-30T08", false),
            (Some("7 dager"), "",          "",           "",          "11-30T09", true),
            (Some("7 dager"), "",          "",           "",          "12-30T09", true),
            (Some("7 dager"), "",          "11-24T10",   "",          "12-01T09", false),
            (Some("7 dager"), "",          "11-24T10",   "",          "12-01T10", true),
            // The notice counts before all, also where the letter could be read earlier.
            (Some("7 dager"), "11-25T10",  "11-24T10",   "",          "12-02T09", false),
            (Some("7 dager"), "11-25T10",  "11-24T10",   "",          "12-02T10", true),
            (Some("7 dager"), "",          "",           "11-30T09",  "12-30T09", false),
            (None,            "",          "",           "",          "12-30T09", false),
        ] {
            let mut letter = placed(Channel::Altinn);
            letter.regel.as_mut().unwrap().purring = purring.map(str::to_owned);
            let letter = Status {
                varslet: stamp(varslet), tilgjengelig: stamp(tilgjengelig), purret: stamp(purret), ..letter
            };
            assert_eq!(is_due(&letter, time(now)), due, "{purring:?} {varslet} {tilgjengelig} {purret} {now}");
        }
    }

    #[test]
    fn digital_only_waits_for_its_reminder_and_is_reminded_once() {
        let mut letter = placed(Channel::Altinn);
        letter.deretter = Some(Then::DigitalOnly);
        letter.regel.as_mut().unwrap().purring = Some("7 dager".to_owned());
        let overdue = tonight(&letter, &[], None, "11-26T00");
        assert_eq!((overdue.go, overdue.status.status), (None, State::SendtDigitalt));
        let again = tonight(&overdue.status, &[], None, "11-26T00");
        assert_eq!((again.status, again.outcomes.len()), (overdue.status.clone(), 0));
        let due = tonight(&overdue.status, &[], None, "11-30T09");
        assert!(due.has(Outcome::Reminded) && due.go.is_none());
        let calendar = Calendar::default();
        let night = at(due.status.purret.unwrap().0, &calendar);
        assert_eq!(reminded(&due.status, &night).unwrap().go, Some(Go::Archive));
        assert!(reminded(&overdue.status, &night).is_none());
        letter.regel.as_mut().unwrap().purring = None;
        assert_eq!(tonight(&letter, &[], None, "11-26T00").go, Some(Go::Archive));
    }
}
