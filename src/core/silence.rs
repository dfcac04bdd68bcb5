//! Silence: how long each channel may take before a person must look at a letter, or the letter goes on without it.

use chrono::{Days, TimeDelta};

use super::calendar::{Calendar, Time};
use super::nightly::Night;
use super::receipts::Verdict;
use super::route::{Channel, State};
use super::status::{Stamp, Status};

/// A mailbox answers within minutes; after two days something is wrong.
const MAILBOX_SILENT_HOURS: i64 = 48;
/// A receiving system fetches every few minutes; after a day nobody is there.
const UNCOLLECTED_HOURS: i64 = 24;
/// Working days within which a print house has printed.
const PRINT_WORKING_DAYS: usize = 5;

fn has_lain(letter: &Status, hours: i64, now: Time) -> bool {
    now >= letter.plassert.0 + TimeDelta::hours(hours)
}

/// Whether a letter lies in a mailbox that should have said something of it by now.
pub fn is_mailbox_silent(letter: &Status, now: Time) -> bool {
    let has_receipt = letter.hendelser.iter().any(|event| event.kanal.is_some());
    letter.kanal.is_mailbox() && !has_receipt && has_lain(letter, MAILBOX_SILENT_HOURS, now)
}

/// Whether an organisation's own system should have collected the letter by now.
pub fn is_uncollected(letter: &Status, now: Time) -> bool {
    letter.kanal == Channel::Svarinn && has_lain(letter, UNCOLLECTED_HOURS, now)
}

/// Whether an uncollected letter goes to Altinn, by its sender's `svarinn.frist`. One that was handed over lies in a
/// queue, and is late at worst; moved, it would come twice.
pub(super) fn ends_svarinn(letter: &Status, verdict: &Verdict, night: &Night) -> bool {
    let is_over = |hours: u32| has_lain(letter, hours.into(), night.now);
    letter.kanal == Channel::Svarinn && !verdict.handed_over && night.svarinn_hours.is_some_and(is_over)
}

/// Whether a batch sealed at `sealed` should have been reported as printed by now: whole working days between its day
/// and today count.
pub fn is_batch_late(sealed: Time, now: Time, calendar: &Calendar) -> bool {
    let days = std::iter::successors(sealed.date_naive().checked_add_days(Days::new(1)), |day| day.succ_opt());
    let passed = days.take_while(|day| *day < now.date_naive()).filter(|day| calendar.is_working_day(*day));
    passed.take(PRINT_WORKING_DAYS).count() == PRINT_WORKING_DAYS
}

/// What a channel says of a letter that may not have come to anybody's notice, and has not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnoticed {
    /// The channel gave the delivery up; the letter may have been delivered.
    GaveUp,
    /// The notice did not arrive, and none has since.
    NoticeFailed,
}

/// What was said so, and when.
pub fn unnoticed(letter: &Status) -> Option<(Unnoticed, Stamp)> {
    let last = |state| {
        let here = letter.hendelser.iter().filter(|event| event.status == state && event.kanal == Some(letter.kanal));
        here.map(|event| event.tidspunkt).max()
    };
    if let Some(said) = last(State::LevetidUtlopt) {
        return Some((Unnoticed::GaveUp, said));
    }
    let failed = last(State::VarselFeilet)?;
    (last(State::Varslet) < Some(failed)).then_some((Unnoticed::NoticeFailed, failed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::parse_time;
    use crate::core::nightly::tests::{at, placed, receipts, tonight};
    use crate::core::nightly::{Go, waiting};
    use crate::core::receipts::hear;
    use crate::core::status::tests::letter_in;

    fn time(text: &str) -> Time {
        parse_time(&format!("{text}:00+01:00")).unwrap()
    }

    /// Placed on Monday 23 November at 09:00.
    #[test]
    #[rustfmt::skip]
    fn how_long_a_channel_may_be_silent() {
        use Channel::{Altinn, Digipost, Eboks, Print, Svarinn};
        for (channel,  lines,                 now,                silent, uncollected) in [
            (Digipost, &[][..],               "2026-11-25T08:59", false,  false),
            (Digipost, &[],                   "2026-11-25T09:00", true,   false),
            (Eboks,    &[],                   "2027-11-25T09:00", true,   false),
            (Digipost, &["SENDT_SDP 23T10"],  "2026-11-25T09:00", false,  false),
            (Altinn,   &[],                   "2027-11-25T09:00", false,  false),
            (Print,    &[],                   "2027-11-25T09:00", false,  false),
            (Svarinn,  &[],                   "2026-11-24T08:59", false,  false),
            (Svarinn,  &[],                   "2026-11-24T09:00", false,  true),
            (Svarinn,  &["SENDT 23T10"],      "2026-11-24T09:00", false,  true),
        ] {
            let mut letter = letter_in(channel, time("2026-11-23T09:00"));
            hear(&mut letter, &receipts(lines));
            let actual = (is_mailbox_silent(&letter, time(now)), is_uncollected(&letter, time(now)));
            assert_eq!(actual, (silent, uncollected), "{channel:?} {lines:?} {now}");
        }
    }

    #[test]
    fn a_print_house_has_five_whole_working_days() {
        let calendar = Calendar::new(["2026-12-24".parse().unwrap()]);
        for (sealed, now, late) in [
            // Monday: Tuesday to Friday and the next Monday are its five days.
            ("2026-11-23T00:30", "2026-11-30T23:59", false),
            ("2026-11-23T00:30", "2026-12-01T00:00", true),
            ("2026-11-23T23:59", "2026-12-01T00:00", true),
            // Over Christmas: 22, 23, 28, 29 and 30 December.
            ("2026-12-21T00:30", "2026-12-30T23:59", false),
            ("2026-12-21T00:30", "2026-12-31T00:00", true),
            ("2026-12-21T00:30", "2026-11-01T00:00", false),
        ] {
            assert_eq!(is_batch_late(time(sealed), time(now), &calendar), late, "{sealed} {now}");
        }
    }

    #[test]
    fn what_a_channel_takes_back() {
        for (lines, expected) in [
            (&[][..], None),
            (&["VARSEL_FEILET 24T10"], Some(Unnoticed::NoticeFailed)),
            (&["VARSEL_FEILET 24T10", "VARSLET 24T09"], Some(Unnoticed::NoticeFailed)),
            (&["VARSEL_FEILET 24T10", "VARSLET 24T11"], None),
            (&["LEVETID_UTLOPT 24T10", "VARSLET 24T11"], Some(Unnoticed::GaveUp)),
        ] {
            let letter = tonight(&placed(Channel::Altinn), lines, None, "11-25T00").status;
            assert_eq!(unnoticed(&letter).map(|(what, _)| what), expected, "{lines:?}");
        }
    }

    #[test]
    fn svarinn_letters_move_only_where_the_sender_says_so() {
        let (calendar, now) = (Calendar::default(), parse_time("2027-06-01T00:00:00+02:00").unwrap());
        let letter = placed(Channel::Svarinn);
        assert_eq!(waiting(&letter, &[], None, &at(now, &calendar)).go, None);
        let night = Night { svarinn_hours: Some(24), ..at(now, &calendar) };
        assert_eq!(waiting(&letter, &[], None, &night).go, Some(Go::Altinn));
        assert_eq!(waiting(&letter, &receipts(&["SENDT 23T10"]), None, &night).go, None);
    }
}
