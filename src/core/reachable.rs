//! Who can be notified digitally: contact data may be used while somebody has touched or confirmed it during the last
//! eighteen months.
//!
//! Source: eForvaltningsforskriften § 32; Digdir's description of KRR.

use chrono::Months;

use super::calendar::{Time, local};

/// Months after which contact data that nobody has touched or confirmed may no longer be used.
const CONTACT_MONTHS_MAX: u32 = 18;

/// The domain of the addresses that KRR gives where a real one was removed.
const PLACEHOLDER_DOMAIN: &str = "@default.digdir.no";

/// KRR's `varslingsstatus`: its own word on whether the person can be notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeStatus {
    May,
    MayNot,
    /// The field is empty: KRR says neither that the person can be notified nor that not.
    Unsaid,
}

/// An e-mail address or a mobile number, as far as the rule uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    pub given: bool,
    /// `_oppdatert`.
    pub updated: Option<Time>,
    /// `_sist_verifisert`.
    pub verified: Option<Time>,
}

/// How long a person can be notified; the latest is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notifiable {
    Never,
    /// Until this moment, which itself is too late.
    Until(Time),
    /// KRR gives no date to count from.
    Always,
}

impl Notifiable {
    pub fn at(self, now: Time) -> bool {
        match self {
            Self::Never => false,
            Self::Until(end) => now < end,
            Self::Always => true,
        }
    }
}

/// How long a person with these contacts can be notified; one contact is enough. `active`: neither absent from KRR
/// nor `SLETTET` or `IKKE_REGISTRERT` there.
///
/// The answer holds for any moment, so it can be kept for as long as the register's row is.
pub fn notifiable(active: bool, status: NoticeStatus, contacts: [Contact; 2]) -> Notifiable {
    if !active || status == NoticeStatus::MayNot {
        return Notifiable::Never;
    }
    let [email, mobile] = contacts.map(|contact| usable(contact, status));
    email.max(mobile)
}

/// Eighteen calendar months from the later date, the day clamped to the month's end. Where the register gives neither
/// date, its own word decides.
fn usable(contact: Contact, status: NoticeStatus) -> Notifiable {
    if !contact.given {
        return Notifiable::Never;
    }
    match contact.updated.max(contact.verified) {
        Some(touched) => {
            let end = touched.naive_local().checked_add_months(Months::new(CONTACT_MONTHS_MAX));
            end.map(local).map_or(Notifiable::Never, Notifiable::Until)
        }
        None if status == NoticeStatus::May => Notifiable::Always,
        None => Notifiable::Never,
    }
}

/// Whether a field holds an address or a number that a notice could reach.
pub fn is_contact(text: &str) -> bool {
    let domain = text.len().checked_sub(PLACEHOLDER_DOMAIN.len()).and_then(|at| text.get(at..));
    !text.is_empty() && !domain.is_some_and(|domain| domain.eq_ignore_ascii_case(PLACEHOLDER_DOMAIN))
}

#[cfg(test)]
mod tests {
    use NoticeStatus::{May, MayNot, Unsaid};
    use proptest::prelude::*;

    use super::*;
    use crate::core::calendar::{midnight, parse_time};

    fn time(text: &str) -> Option<Time> {
        match text {
            "" => None,
            text => Some(text.parse().map(midnight).unwrap_or_else(|_| parse_time(text).unwrap())),
        }
    }

    const NO_CONTACT: Contact = Contact { given: false, updated: None, verified: None };

    /// Active, at noon on 2026-11-23. The second contact in each row is the mobile number.
    #[test]
    #[rustfmt::skip]
    fn who_can_be_notified() {
        let now = time("2026-11-23T12:00:00+01:00").unwrap();
        let (fresh, old) = ("2026-06-13", "2025-05-22");
        for (status, given,       updated,      verified,     given2, updated2, verified2, expected) in [
            (May,    true,        fresh,        "",           false,  "",       "",        true),
            (May,    true,        "",           fresh,        false,  "",       "",        true),
            (May,    true,        old,          fresh,        false,  "",       "",        true),
            (May,    true,        fresh,        old,          false,  "",       "",        true),
            (May,    true,        old,          old,          false,  "",       "",        false),
            (May,    true,        old,          "",           false,  "",       "",        false),
            // Dates without a contact reach nobody, nor does the fresh date of the other contact.
            (May,    false,       fresh,        fresh,        false,  "",       "",        false),
            (May,    true,        old,          "",           false,  fresh,    fresh,     false),
            (May,    true,        old,          "",           true,   fresh,    "",        true),
            (May,    false,       "",           "",           true,   "",       fresh,     true),
            (May,    true,        old,          old,          true,   "",       "",        true),
            (May,    false,       "",           "",           false,  "",       "",        false),
            // Eighteen months to the second.
            (May,    true,        "2025-05-23T12:00:01+02:00", "", false, "",   "",        true),
            (May,    true,        "2025-05-23T12:00:00+02:00", "", false, "",   "",        false),
            (May,    true,        "2025-05-23", "",           false,  "",       "",        false),
            (May,    true,        "2025-05-24", "",           false,  "",       "",        true),
            // Not a day has passed: the future counts as fresh.
            (May,    true,        "2026-11-24", "",           false,  "",       "",        true),
            // Without dates the register's word decides; with dates its silence is no hindrance.
            (May,    true,        "",           "",           false,  "",       "",        true),
            (Unsaid, true,        "",           "",           false,  "",       "",        false),
            (Unsaid, true,        fresh,        "",           false,  "",       "",        true),
            (Unsaid, true,        "",           "",           true,   "",       fresh,     true),
            (MayNot, true,        fresh,        fresh,        true,   fresh,    fresh,     false),
            (MayNot, true,        "",           "",           true,   "",       "",        false),
        ] {
            let email = Contact { given, updated: time(updated), verified: time(verified) };
            let mobile = Contact { given: given2, updated: time(updated2), verified: time(verified2) };
            let case = format!("{status:?} {email:?} {mobile:?}");
            assert_eq!(notifiable(true, status, [email, mobile]).at(now), expected, "{case}");
            assert_eq!(notifiable(true, status, [mobile, email]).at(now), expected, "turned: {case}");
            assert!(!notifiable(false, status, [email, mobile]).at(now), "not active: {case}");
        }
    }

    #[test]
    fn eighteen_months_end_on_the_same_day_or_the_months_last() {
        for (touched, end) in [
            ("2025-05-23T09:00:00+02:00", "2026-11-23T09:00:00+01:00"),
            ("2024-08-28", "2026-02-28"),
            ("2024-08-29", "2026-02-28"),
            ("2024-08-31", "2026-02-28"),
            ("2024-09-01", "2026-03-01"),
            ("2022-08-29", "2024-02-29"),
            ("2022-08-31", "2024-02-29"),
            ("2025-03-31", "2026-09-30"),
            // The clock shows that hour not at all, or twice.
            ("2024-09-29T02:30:00+02:00", "2026-03-29T03:00:00+02:00"),
            ("2025-04-25T02:30:00+02:00", "2026-10-25T02:30:00+02:00"),
        ] {
            let contact = Contact { given: true, updated: time(touched), verified: None };
            let answer = notifiable(true, May, [contact, NO_CONTACT]);
            let expected = time(end).map(Notifiable::Until).unwrap();
            assert_eq!(answer, expected, "{touched}");
        }
    }

    #[test]
    fn what_is_a_contact() {
        for (text, expected) in [
            ("a@eksempel.test", true),
            ("+4790000000", true),
            ("", false),
            ("NULLstillt@default.digdir.no", false),
            ("nullstillt@DEFAULT.digdir.no", false),
            ("a@ikke-default.digdir.no", true),
            ("ø@default.digdir.no.eksempel.test", true),
        ] {
            assert_eq!(is_contact(text), expected, "{text}");
        }
    }

    fn any_contact() -> impl Strategy<Value = Contact> {
        let moment = || {
            proptest::option::of((0i64..4_000_000_000).prop_map(|seconds| {
                chrono::DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&chrono_tz::Europe::Oslo)
            }))
        };
        (any::<bool>(), moment(), moment()).prop_map(|(given, updated, verified)| Contact { given, updated, verified })
    }

    proptest! {
        #[test]
        fn time_alone_never_makes_anybody_reachable(
            contacts in [any_contact(), any_contact()],
            status in prop_oneof![Just(May), Just(MayNot), Just(Unsaid)],
            at in 0i64..4_000_000_000,
            later in 0i64..1_000_000_000,
        ) {
            let moment = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&chrono_tz::Europe::Oslo);
            let answer = notifiable(true, status, contacts);
            prop_assert!(answer.at(moment(at)) || !answer.at(moment(at + later)));
            // A contact more never makes anybody less reachable.
            prop_assert!(notifiable(true, status, [contacts[0], NO_CONTACT]) <= answer);
        }
    }
}
