//! What holds of every night, whatever letter, receipts, stop and hour.

use chrono::{TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::tests::placed;
use super::*;
use crate::core::duplicate::releases;
use crate::core::receipts::Word;
use crate::core::senders::Then;

const CHANNELS: [Channel; 5] = [Channel::Digipost, Channel::Eboks, Channel::Altinn, Channel::Svarinn, Channel::Print];

const WORDS: [&str; 14] = [
    "VARSLET",
    "PUBLISERT",
    "LEST",
    "LEVERT",
    "LEVERT_SDP",
    "FEIL",
    "LEVETID_UTLOPT",
    "VARSEL_FEILET",
    "MOTTATT_SVARINN",
    "SENDT_SDP",
    "SENDT",
    "SENDT_PRINT",
    "PRINTET",
    "RETUR",
];

/// A letter that waits, as it was placed on Monday 23 November at 09:00.
fn letters() -> impl Strategy<Value = Status> {
    let then = prop_oneof![Just(Then::Print), Just(Then::DigitalOnly)];
    (select(&CHANNELS[..]), then, any::<bool>(), any::<bool>()).prop_map(|(channel, then, digital_only, reminds)| {
        let mut letter = placed(channel);
        letter.deretter = Some(then);
        letter.kunDigitalLevering = digital_only && channel != Channel::Print;
        letter.regel.as_mut().unwrap().purring = reminds.then(|| "7 dager".to_owned());
        letter
    })
}

/// From the day before the placing to two weeks after it.
fn receipts() -> impl Strategy<Value = Vec<Receipt>> {
    let channel = select(&["", "", "altinn", "digipost", "svarinn", "sms"][..]);
    let receipt = (select(&WORDS[..]), -24i64..14 * 24, channel).prop_map(|(word, hours, channel)| {
        let at = placed(Channel::Altinn).plassert.0.with_timezone(&Utc) + TimeDelta::hours(hours);
        Receipt::new(at, word.parse().unwrap(), channel)
    });
    prop::collection::vec(receipt, 0..6)
}

/// Hours after the placing, the sender's `svarinn.frist`, and what is in doubt.
fn nights() -> impl Strategy<Value = (i64, Option<u32>, Option<Doubt>)> {
    let doubt = select(&[Doubt::Silence, Doubt::UnreadableFile, Doubt::UnreadableRow, Doubt::Brake][..]);
    (0i64..20 * 24, prop::option::of(1u32..100), prop::option::of(doubt))
}

fn stops() -> impl Strategy<Value = Option<String>> {
    prop::option::of(select(&["", "feil mottaker"][..]).prop_map(str::to_owned))
}

fn night((hours, svarinn_hours, doubt): (i64, Option<u32>, Option<Doubt>), calendar: &Calendar) -> Night<'_> {
    Night { now: placed(Channel::Altinn).plassert.0 + TimeDelta::hours(hours), calendar, doubt, svarinn_hours }
}

fn is_unread(step: &Step) -> bool {
    step.has(Outcome::Unread) || step.has(Outcome::NeverNotified)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_letter_known_to_be_opened_is_never_printed(
        letter in letters(), receipts in receipts(), stop in stops(), when in nights()
    ) {
        let calendar = Calendar::default();
        let step = waiting(&letter, &receipts, stop.as_deref(), &night(when, &calendar));
        let is_opened = |receipt: &Receipt| matches!(receipt.word, Word::Opened | Word::Collected);
        if receipts.iter().any(is_opened) {
            prop_assert_eq!((step.go, step.status.status), (Some(Go::Archive), State::Lest));
        }
    }

    #[test]
    fn paper_comes_only_after_a_failure_or_a_deadline_and_never_where_it_is_ruled_out(
        letter in letters(), receipts in receipts(), stop in stops(), when in nights()
    ) {
        let calendar = Calendar::default();
        let night = night(when, &calendar);
        let step = waiting(&letter, &receipts, stop.as_deref(), &night);
        if step.go == Some(Go::Print) {
            prop_assert!(!letter.kunDigitalLevering && letter.deretter != Some(Then::DigitalOnly));
            prop_assert!(step.has(Outcome::Failed) || (is_unread(&step) && letter.kanal == Channel::Altinn));
            prop_assert!(!is_unread(&step) || (night.doubt.is_none() && step.status.tidligere.len() == 1));
            prop_assert!(stop.is_none(), "a stop that is not too late stops");
        }
        // A letter goes on to nobody, and the same may come again, exactly when it was stopped or given up.
        prop_assert_eq!(releases(&step.status), step.has(Outcome::Stopped) || step.status.status == State::IkkeLevert);
    }

    #[test]
    fn the_order_of_receipts_and_how_often_they_come_mean_nothing(
        letter in letters(), receipts in receipts(), more in subsequence((0..6usize).collect::<Vec<_>>(), 0..6), when in nights()
    ) {
        let calendar = Calendar::default();
        let night = night(when, &calendar);
        let mut turned: Vec<Receipt> = receipts.iter().rev().copied().collect();
        turned.extend(more.into_iter().filter_map(|at| receipts.get(at)).copied());
        prop_assert_eq!(waiting(&letter, &turned, None, &night), waiting(&letter, &receipts, None, &night));
    }

    #[test]
    fn a_second_night_at_the_same_hour_changes_nothing(letter in letters(), receipts in receipts(), when in nights()) {
        let calendar = Calendar::default();
        let night = night(when, &calendar);
        let first = waiting(&letter, &receipts, None, &night);
        if first.go.is_none() {
            let second = waiting(&first.status, &receipts, None, &night);
            prop_assert_eq!((second.status, second.go), (first.status, None));
            let is_held = |outcome: &Outcome| matches!(outcome, Outcome::Held(_));
            prop_assert!(second.outcomes.iter().all(is_held), "{:?}", second.outcomes);
        }
    }

    #[test]
    fn what_is_overdue_stays_overdue(letter in letters(), when in nights(), later in 0i64..2_000) {
        let calendar = Calendar::default();
        let step = waiting(&letter, &[], None, &night(when, &calendar));
        let (hours, svarinn, doubt) = when;
        let after = waiting(&letter, &[], None, &night((hours + later, svarinn, doubt), &calendar));
        prop_assert!(step.go.is_none() || after.go == step.go);
        prop_assert!(!is_unread(&step) || is_unread(&after));
    }

    #[test]
    fn only_a_notice_informs(letter in letters(), receipts in receipts(), when in nights()) {
        let calendar = Calendar::default();
        let step = waiting(&letter, &receipts, None, &night(when, &calendar));
        let is_notice = |at: Stamp| {
            receipts.iter().any(|receipt| receipt.word == Word::Notified && receipt.at == at.0)
        };
        prop_assert!(step.status.underrettet.is_none_or(is_notice));
        prop_assert!(step.status.varslet.is_none_or(is_notice));
    }
}
