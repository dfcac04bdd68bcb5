//! Nights of one letter, one row each.

use chrono::{TimeDelta, Utc};

use super::*;
use crate::core::calendar::parse_time;
use crate::core::receipts::Word;
use crate::core::status::tests::letter_in;

/// Placed Monday 23 November 2026 at 09:00; two working days end Thursday at 00:00.
pub(in crate::core) fn placed(channel: Channel) -> Status {
    letter_in(channel, parse_time("2026-11-23T09:00:00+01:00").unwrap())
}

pub(in crate::core) fn receipts(lines: &[&str]) -> Vec<Receipt> {
    let parse = |line: &&str| {
        let (word, at) = line.split_once(' ').unwrap();
        let at = parse_time(&format!("2026-11-{at}:00:00+01:00")).unwrap().with_timezone(&Utc);
        Receipt::new(at, word.parse().unwrap(), "")
    };
    lines.iter().map(parse).collect()
}

pub(in crate::core) fn tonight(letter: &Status, lines: &[&str], stop: Option<&str>, now: &str) -> Step {
    let calendar = Calendar::default();
    let now = parse_time(&format!("2026-{now}:00:00+01:00")).unwrap();
    waiting(letter, &receipts(lines), stop, &Night { svarinn_hours: Some(24), ..at(now, &calendar) })
}

pub(in crate::core) fn at(now: Time, calendar: &Calendar) -> Night<'_> {
    Night { now, calendar, doubt: None, svarinn_hours: None }
}

#[test]
fn the_steps_in_their_order() {
    use Channel::*;
    let print = Some(Go::Print);
    let archive = Some(Go::Archive);
    for (channel, lines, stop, now, go, state, code) in [
        (Altinn, &[][..], None, "11-25T23", None, State::Akseptert, "no-digital-mailbox"),
        (Altinn, &[], None, "11-26T00", print, State::Akseptert, "never-notified"),
        (Altinn, &["SENDT 23T10"], None, "11-26T00", print, State::Akseptert, "unread-past-deadline"),
        (Altinn, &["VARSLET 24T10"], None, "11-26T00", None, State::Varslet, "no-digital-mailbox"),
        (Altinn, &["VARSLET 24T10"], None, "11-27T00", print, State::Akseptert, "unread-past-deadline"),
        (Altinn, &["VARSLET 24T10", "LEST 27T10"], None, "11-28T00", archive, State::Lest, "no-digital-mailbox"),
        (Altinn, &["LEST 24T10"], Some("stopp"), "11-26T00", archive, State::Lest, "no-digital-mailbox"),
        (Altinn, &["FEIL 24T10"], None, "11-25T00", print, State::Akseptert, "delivery-failed"),
        (Altinn, &["FEIL 24T10"], Some(""), "11-25T00", archive, State::ManueltHandtert, "stopped"),
        (Altinn, &[], Some("feil mottaker"), "11-26T00", archive, State::ManueltHandtert, "stopped"),
        (Svarinn, &[], None, "11-24T08", None, State::KlarForMottak, "no-digital-mailbox"),
        (Svarinn, &[], None, "11-24T09", Some(Go::Altinn), State::Akseptert, "svarinn-not-collected"),
        (Svarinn, &["SENDT 23T10"], None, "11-30T09", None, State::KlarForMottak, "no-digital-mailbox"),
        (Altinn, &["LEVETID_UTLOPT 24T10"], None, "11-25T00", None, State::Akseptert, "no-digital-mailbox"),
        (Altinn, &["VARSEL_FEILET 24T10"], None, "11-25T00", None, State::Akseptert, "no-digital-mailbox"),
        (Altinn, &["PUBLISERT 24T10"], None, "11-26T00", None, State::Akseptert, "no-digital-mailbox"),
        (Altinn, &["PUBLISERT 24T10"], None, "11-27T00", print, State::Akseptert, "unread-past-deadline"),
        (Altinn, &["PUBLISERT 23T10", "VARSLET 24T10"], None, "11-26T00", None, State::Varslet, "no-digital-mailbox"),
        (Digipost, &["LEVETID_UTLOPT 24T10"], None, "12-25T00", None, State::Akseptert, "no-digital-mailbox"),
        (Svarinn, &["MOTTATT_SVARINN 24T08"], None, "11-24T09", archive, State::Lest, "no-digital-mailbox"),
        (Digipost, &["LEVERT_SDP 24T10"], None, "11-25T00", archive, State::LevertSdp, "no-digital-mailbox"),
        (Digipost, &["FEIL 24T10"], None, "11-25T00", print, State::Akseptert, "delivery-failed"),
        (Digipost, &[], Some(""), "11-25T00", None, State::Akseptert, "no-digital-mailbox"),
        (Print, &[], Some(""), "11-25T00", archive, State::ManueltHandtert, "stopped"),
        (Print, &["LEST 24T10"], None, "11-25T00", archive, State::Lest, "no-digital-mailbox"),
    ] {
        let step = tonight(&placed(channel), lines, stop, now);
        let actual = (step.go, step.status.status, step.status.kode.as_str());
        assert_eq!(actual, (go, state, code), "{channel:?} {lines:?} {stop:?} {now}");
    }
}

#[test]
fn without_receipts_nothing_is_printed_as_unread() {
    let (calendar, now) = (Calendar::default(), parse_time("2027-06-01T00:00:00+02:00").unwrap());
    let night = Night { doubt: Some(Doubt::Silence), ..at(now, &calendar) };
    let step = waiting(&placed(Channel::Altinn), &[], None, &night);
    assert_eq!((step.go, step.outcomes.as_slice()), (None, [Outcome::Held(Doubt::Silence)].as_slice()));
    let step = waiting(&placed(Channel::Altinn), &receipts(&["FEIL 24T10"]), None, &night);
    assert_eq!(step.go, Some(Go::Print), "a failed delivery is known");
}

#[test]
fn opened_replaces_delivered_and_given_up() {
    let (calendar, now) = (Calendar::default(), parse_time("2026-12-01T00:00:00+01:00").unwrap());
    let night = at(now, &calendar);
    for (state, expected) in [
        (State::LevertSdp, State::Lest),
        (State::SendtDigitalt, State::Lest),
        (State::IkkeLevert, State::Lest),
        (State::ManueltHandtert, State::ManueltHandtert),
    ] {
        let letter = Status { status: state, ..placed(Channel::Altinn) };
        assert_eq!(finished(&letter, &receipts(&["LEST 24T10"]), &night).status.status, expected);
    }
}

#[test]
fn an_event_keeps_the_code_that_the_letter_had() {
    for (lines, stop, codes) in [
        (&["VARSLET 24T10"][..], None, &["no-digital-mailbox", "no-digital-mailbox", "unread-past-deadline"][..]),
        (&["VARSLET 24T10"], Some(""), &["no-digital-mailbox", "no-digital-mailbox", "stopped"]),
        (&["VARSLET 23T10", "FEIL 24T10"], None, &["no-digital-mailbox"; 3]),
    ] {
        let step = tonight(&placed(Channel::Altinn), lines, stop, "11-28T00").status;
        let actual: Vec<&str> = step.hendelser.iter().map(|event| step.code_at(event)).collect();
        assert_eq!(actual[..codes.len()], *codes, "{lines:?}");
    }
    // What is said late of the channel before is said of it there.
    let mut paper = tonight(&placed(Channel::Altinn), &[], None, "11-26T00").status;
    let later = paper.plassert.0.to_utc() + TimeDelta::hours(1);
    hear(&mut paper, &[Receipt::new(later, Word::Notified, "altinn")]);
    assert_eq!(paper.code_at(paper.hendelser.last().unwrap()), "no-digital-mailbox");
}
