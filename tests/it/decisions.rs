//! The channel table as data: every combination of the facts, one row each, in `tests/decisions.txt`.
//!
//! The rows come from `route`; beside it stands the contract's table written once more, independently, and the two
//! must agree on every row. `UPDATE_EXPECT=1` rewrites the file.

use std::fmt::Write;

use chrono::{Days, NaiveDate};
use postgang::core::facts::{Mailbox, OrganisationFacts, PersonFacts};
use postgang::core::route::{Channel, Decision, Facts, route};

use super::support::{expect, fixtures};

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
}

#[derive(Clone, Copy, PartialEq)]
enum Closed {
    No,
    Tomorrow,
    Today,
    Yesterday,
}

const YES_NO: [bool; 2] = [true, false];
const MAILBOXES: [Option<Mailbox>; 4] = [None, Some(Mailbox::Digipost), Some(Mailbox::Eboks), Some(Mailbox::Other)];

/// One row's facts, as the contract names them.
#[derive(Clone, Copy)]
enum Case {
    NoId { only: bool },
    Person { reserved: bool, in_krr: bool, notifiable: bool, mailbox: Option<Mailbox>, sender: bool, only: bool },
    Organisation { closed: Closed, bankrupt: bool, svarinn: bool, reserved: bool, only: bool },
    UnknownOrganisation { only: bool },
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::from(YES_NO.map(|only| Case::NoId { only }));
    for reserved in YES_NO {
        for in_krr in YES_NO {
            for notifiable in YES_NO {
                for mailbox in MAILBOXES {
                    for sender in YES_NO {
                        cases.extend(YES_NO.map(|only| Case::Person {
                            reserved,
                            in_krr,
                            notifiable,
                            mailbox,
                            sender,
                            only,
                        }));
                    }
                }
            }
        }
    }
    cases.extend(YES_NO.map(|only| Case::UnknownOrganisation { only }));
    for closed in [Closed::Yesterday, Closed::Today, Closed::Tomorrow, Closed::No] {
        for bankrupt in YES_NO {
            for svarinn in YES_NO {
                for reserved in YES_NO {
                    cases.extend(YES_NO.map(|only| Case::Organisation { closed, bankrupt, svarinn, reserved, only }));
                }
            }
        }
    }
    cases
}

fn decide(case: Case) -> Decision {
    let (facts, sender, only) = match case {
        Case::NoId { only } => (Facts::NoDigitalId, true, only),
        Case::Person { reserved, in_krr, notifiable, mailbox, sender, only } => {
            (Facts::Person(PersonFacts { in_krr, reserved, notifiable, mailbox }), sender, only)
        }
        Case::UnknownOrganisation { only } => (Facts::Organisation(None), true, only),
        Case::Organisation { closed, bankrupt, svarinn, reserved, only } => {
            let closed_from = match closed {
                Closed::No => None,
                Closed::Tomorrow => Some(today() + Days::new(1)),
                Closed::Today => Some(today()),
                Closed::Yesterday => Some(today() - Days::new(1)),
            };
            let facts =
                OrganisationFacts { bankrupt, closed_from, own_receiving_system: svarinn, reserved, address: None };
            (Facts::Organisation(Some(facts)), true, only)
        }
    };
    route(&facts, sender, only, today())
}

/// The contract's section 6 again, row by row: channel, code, state, and whether a warning is due.
fn oracle(case: Case) -> (&'static str, &'static str, &'static str, bool) {
    let (channel, code, only, warned) = match case {
        Case::NoId { only } => ("print", "no-digital-id", only, false), // 1
        Case::Person { reserved: true, only, .. } => ("print", "reserved", only, false), // 2
        Case::Person { in_krr: false, only, .. } => ("print", "not-in-krr", only, false), // 3
        Case::Person { notifiable: false, only, .. } => ("print", "not-notifiable", only, false), // 4
        Case::Person { mailbox: Some(Mailbox::Digipost), sender: true, .. } => {
            ("digipost", "digital-mailbox", false, false) // 5
        }
        Case::Person { mailbox: Some(Mailbox::Eboks), sender: true, .. } => ("eboks", "digital-mailbox", false, false),
        Case::Person { mailbox, sender, .. } => {
            ("altinn", "no-digital-mailbox", false, mailbox == Some(Mailbox::Other) && sender) // 6
        }
        Case::UnknownOrganisation { .. } => ("avvist", "organisation-unknown", false, false), // 7
        Case::Organisation { closed: Closed::Today | Closed::Yesterday, .. } => {
            ("avvist", "organisation-closed", false, false) // 8
        }
        Case::Organisation { bankrupt: true, only, reserved, .. } => ("print", "organisation-bankrupt", only, reserved), // 9
        Case::Organisation { svarinn: true, reserved, .. } => ("svarinn", "own-receiving-system", false, reserved), // 10
        Case::Organisation { reserved, .. } => ("altinn", "organisation", false, reserved), // 11
    };
    match channel {
        "print" if only => ("avvist", "digital-only-undeliverable", "IKKE_LEVERT", false),
        "avvist" => (channel, code, "AVVIST", warned),
        "svarinn" => (channel, code, "KLAR_FOR_MOTTAK", warned),
        _ => (channel, code, "AKSEPTERT", warned),
    }
}

fn outcome(decision: &Decision) -> (&'static str, &'static str, String, bool) {
    let state = serde_json::to_value(decision.state).unwrap().as_str().unwrap().to_owned();
    (decision.channel.as_str(), decision.code.as_str(), state, !decision.warnings.is_empty())
}

#[test]
fn the_table_agrees_with_the_contract_on_every_row() {
    for case in cases() {
        let (channel, code, state, warned) = oracle(case);
        assert_eq!(outcome(&decide(case)), (channel, code, state.to_owned(), warned), "{}", facts(case));
    }
}

#[test]
fn nobody_who_is_reserved_is_sent_anything_digitally() {
    for case in cases() {
        if let Case::Person { reserved: true, .. } = case {
            assert!(matches!(decide(case).channel, Channel::Print | Channel::Avvist), "{}", facts(case));
        }
    }
}

#[test]
fn digital_only_is_never_printed() {
    for case in cases() {
        let only = match case {
            Case::NoId { only }
            | Case::Person { only, .. }
            | Case::Organisation { only, .. }
            | Case::UnknownOrganisation { only } => only,
        };
        assert!(!only || decide(case).channel != Channel::Print, "{}", facts(case));
    }
}

#[test]
fn the_table_is_written_down() {
    let mut text = String::from(
        "recipient     reserved in-krr notifiable mailbox  sender-uses only | channel  code                        state\n",
    );
    let organisations = "recipient     closed    bankrupt svarinn reserved            only | channel  code                        state\n";
    for case in cases() {
        if matches!(case, Case::UnknownOrganisation { only: true }) {
            text += "\n";
            text += organisations;
        }
        let (channel, code, state, warned) = outcome(&decide(case));
        let warning = if warned { " (warning)" } else { "" };
        writeln!(text, "{} | {channel:<8} {code:<27} {state}{warning}", facts(case)).unwrap();
    }
    expect(&fixtures("decisions.txt"), &text);
}

fn facts(case: Case) -> String {
    let word = |yes: bool| if yes { "yes" } else { "-" };
    match case {
        Case::NoId { only } => format!("{:<62} {:<4}", "none", word(only)),
        Case::Person { reserved, in_krr, notifiable, mailbox, sender, only } => {
            let mailbox = match mailbox {
                None => "-",
                Some(Mailbox::Digipost) => "digipost",
                Some(Mailbox::Eboks) => "eboks",
                Some(Mailbox::Other) => "other",
            };
            format!(
                "{:<13} {:<8} {:<6} {:<10} {mailbox:<8} {:<11} {:<4}",
                "person",
                word(reserved),
                word(in_krr),
                word(notifiable),
                word(sender),
                word(only)
            )
        }
        Case::UnknownOrganisation { only } => format!("{:<62} {:<4}", "unknown org", word(only)),
        Case::Organisation { closed, bankrupt, svarinn, reserved, only } => {
            let closed = match closed {
                Closed::No => "-",
                Closed::Tomorrow => "tomorrow",
                Closed::Today => "today",
                Closed::Yesterday => "yesterday",
            };
            format!(
                "{:<13} {closed:<9} {:<8} {:<7} {:<21} {:<4}",
                "organisation",
                word(bankrupt),
                word(svarinn),
                word(reserved),
                word(only)
            )
        }
    }
}
