//! The brake: when no receipt has come for too many of a sender's letters in Altinn, letters or receipts do not get
//! through, and nobody knows whether the letters are unread. None of them is printed for it.

use chrono::TimeDelta;

use super::calendar::Time;
use super::receipts::Word;
use super::senders::Percent;

/// A channel that works is heard of within a day.
const HOURS_MIN: i64 = 24;
/// Older letters do not tell whether receipts come today.
const DAYS_MAX: i64 = 14;
/// Fewer may be silent by chance.
const SILENT_MIN: usize = 10;

/// One letter's stay in Altinn.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    pub placed: Time,
    pub left: Option<Time>,
    /// A receipt of any kind has come.
    pub heard: bool,
}

/// Whether such a receipt tells of a letter's stay in Altinn. What a print house says of paper does not.
pub fn is_of_altinn(word: Word) -> bool {
    !matches!(word, Word::Printed | Word::Returned)
}

/// A sender's letters that have been in Altinn for long enough, lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub silent: usize,
    pub all: usize,
}

impl Count {
    pub fn add(&mut self, stay: Stay, now: Time) {
        let long = stay.left.unwrap_or(now) - stay.placed >= TimeDelta::hours(HOURS_MIN);
        let due = now - stay.placed >= TimeDelta::hours(HOURS_MIN);
        let lately = now - stay.placed <= TimeDelta::days(DAYS_MAX);
        // One that was stopped within the day could not be heard of; one that was opened within it has been.
        if lately && due && (long || stay.heard) {
            self.all += 1;
            self.silent += usize::from(!stay.heard);
        }
    }

    /// Whether so many are silent that none of the sender's letters may be taken for unread.
    pub fn is_broken(self, max: Percent) -> bool {
        self.silent >= SILENT_MIN && self.silent * 100 > self.all * max.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::calendar::parse_time;

    #[test]
    fn when_the_brake_is_on() {
        for (silent, heard, max, broken) in [
            (0, 0, 20, false),
            (9, 0, 20, false),
            (10, 0, 20, true),
            (10, 39, 20, true),
            (10, 40, 20, false),
            (11, 40, 20, true),
            (200, 799, 20, true),
            (200, 800, 20, false),
            (10, 1_000, 0, true),
            (50, 0, 100, false),
        ] {
            let count = Count { silent, all: silent + heard };
            assert_eq!(count.is_broken(Percent(max)), broken, "{silent} of {} at {max}", count.all);
        }
    }

    #[test]
    fn which_letters_count() {
        let now = parse_time("2026-11-30T00:30:00+01:00").unwrap();
        let ago = |hours: i64| now - TimeDelta::hours(hours);
        for (placed, left, heard, count) in [
            (24, None, false, (1, 1)),
            (24, None, true, (0, 1)),
            (23, None, false, (0, 0)),
            (23, None, true, (0, 0)),
            (14 * 24, None, false, (1, 1)),
            (14 * 24 + 1, None, false, (0, 0)),
            (72, Some(10), false, (1, 1)),
            (72, Some(60), false, (0, 0)),
            (72, Some(60), true, (0, 1)),
        ] {
            let mut counted = Count::default();
            counted.add(Stay { placed: ago(placed), left: left.map(ago), heard }, now);
            assert_eq!((counted.silent, counted.all), count, "{placed} {left:?} {heard}");
        }
    }

    #[test]
    fn what_a_print_house_says_tells_nothing_of_altinn() {
        for word in ["VARSLET", "PUBLISERT", "LEST", "LEVERT", "FEIL", "SENDT", "SENDT_PRINT", "LEVETID_UTLOPT"] {
            assert!(is_of_altinn(word.parse().unwrap()), "{word}");
        }
        for word in ["PRINTET", "RETUR"] {
            assert!(!is_of_altinn(word.parse().unwrap()), "{word}");
        }
    }

    proptest! {
        #[test]
        fn to_hear_of_a_letter_never_sets_the_brake(silent in 1usize..500, heard in 0usize..500, max in 0u32..=100) {
            let count = |silent| Count { silent, all: silent + heard };
            let all = count(silent).all;
            let after = Count { silent: silent - 1, all };
            prop_assert!(count(silent).is_broken(Percent(max)) || !after.is_broken(Percent(max)));
            // Nor does a higher limit.
            prop_assert!(count(silent).is_broken(Percent(max)) || !count(silent).is_broken(Percent(max.saturating_add(1))));
        }
    }
}
