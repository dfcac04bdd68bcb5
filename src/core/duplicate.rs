//! Duplicates: which earlier letter forbids another with the same key, for how long, and the number of the next attempt.

use chrono::TimeDelta;

use super::calendar::Time;
use super::route::State;
use super::sealed::was_returned;
use super::status::Status;

/// Without `eksternReferanse` the same content may be meant again after a while.
const BLOCKS_DAYS_WITHOUT_REFERENCE: i64 = 30;

/// A drop that had this key before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its `forsendelsesId`.
    pub id: String,
    /// From 1, each once.
    pub attempt: u32,
    pub refused: bool,
    /// It ended without reaching anybody, see [`releases`].
    pub released: bool,
    pub has_reference: bool,
    /// `None` where the record cannot be read: then it counts as new.
    pub received: Option<Time>,
}

/// Of the earlier letters, the first that forbids another like it at `now`.
pub fn blocking<'a>(earlier: impl IntoIterator<Item = &'a Earlier>, now: Time) -> Option<&'a Earlier> {
    let window = TimeDelta::days(BLOCKS_DAYS_WITHOUT_REFERENCE);
    let is_recent = |letter: &Earlier| letter.received.is_none_or(|received| now - received < window);
    let blocks = |letter: &&Earlier| !letter.refused && !letter.released && (letter.has_reference || is_recent(letter));
    earlier.into_iter().find(blocks)
}

/// The number of the attempt that follows these.
pub fn next_attempt<'a>(earlier: impl IntoIterator<Item = &'a Earlier>) -> u32 {
    earlier.into_iter().map(|letter| letter.attempt).max().unwrap_or(0) + 1
}

/// The number that a letter's id is made with. An id names one folder: only the first attempt, and only if it is
/// accepted, has the id of the key alone.
pub fn numbered(attempt: u32, refused: bool) -> Option<u32> {
    (refused || attempt > 1).then_some(attempt)
}

/// Whether a placed letter no longer forbids another like it: it was refused, stopped, given up, or has come back from
/// its recipient.
pub fn releases(letter: &Status) -> bool {
    matches!(letter.status, State::Avvist | State::ManueltHandtert | State::IkkeLevert) || was_returned(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::calendar::parse_time;

    fn now() -> Time {
        parse_time("2026-11-23T09:00:00+01:00").unwrap()
    }

    fn letter(refused: bool, released: bool, has_reference: bool, age: TimeDelta) -> Earlier {
        Earlier { id: "id".to_owned(), attempt: 1, refused, released, has_reference, received: Some(now() - age) }
    }

    #[test]
    #[rustfmt::skip]
    fn what_forbids_another_like_it() {
        let month = TimeDelta::days(30);
        let second = TimeDelta::seconds(1);
        for (refused, released, reference, age,                  blocks) in [
            (false,  false,    true,      TimeDelta::zero(),    true),
            (false,  false,    true,      TimeDelta::days(900), true),
            (false,  false,    false,     TimeDelta::zero(),    true),
            (false,  false,    false,     month - second,       true),
            (false,  false,    false,     month,                false),
            (true,   false,    true,      TimeDelta::zero(),    false),
            (false,  true,     true,      TimeDelta::zero(),    false),
            (true,   true,     false,     TimeDelta::zero(),    false),
        ] {
            let earlier = [letter(refused, released, reference, age)];
            assert_eq!(blocking(&earlier, now()).is_some(), blocks, "{refused} {released} {reference} {age}");
        }
        let unknown = Earlier { received: None, ..letter(false, false, false, month) };
        assert!(blocking(&[unknown], now()).is_some());
    }

    fn any_earlier() -> impl Strategy<Value = Vec<Earlier>> {
        let one = (1u32..9, any::<[bool; 3]>(), proptest::option::of(0i64..100));
        let one = one.prop_map(|(attempt, [refused, released, has_reference], days)| Earlier {
            id: attempt.to_string(),
            attempt,
            refused,
            released,
            has_reference,
            received: days.map(|days| now() - TimeDelta::days(days)),
        });
        proptest::collection::vec(one, 0..6)
    }

    proptest! {
        #[test]
        fn a_letter_that_forbids_keeps_forbidding_whatever_comes_after_it(
            earlier in any_earlier(), later in any_earlier(), days in 0i64..100
        ) {
            let all = [earlier.clone(), later].concat();
            let first = blocking(&earlier, now());
            prop_assert!(first.is_none_or(|first| blocking(&all, now()) == Some(first)));
            // Time alone forbids nothing.
            prop_assert!(first.is_some() || blocking(&earlier, now() + TimeDelta::days(days)).is_none());
            // Nobody is kept waiting by letters that reached nobody.
            let ended: Vec<Earlier> = all.into_iter().map(|letter| Earlier { released: true, ..letter }).collect();
            prop_assert!(blocking(&ended, now()).is_none());
        }

        #[test]
        fn no_two_attempts_have_one_number(earlier in any_earlier(), refused: bool) {
            let next = next_attempt(&earlier);
            prop_assert!(earlier.iter().all(|letter| letter.attempt < next));
            // Nor one id, which is made of the number unless it is the first letter of all.
            prop_assert!(numbered(next, refused).is_some() || earlier.is_empty());
        }
    }
}
