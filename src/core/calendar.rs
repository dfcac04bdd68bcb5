//! Norwegian working days and reading deadlines, in Europe/Oslo.
//!
//! Source: lov om helligdagar (1995) and lov om 1 og 17 mai (1947) for the holidays; SvarUt's practice for
//! Monday–Friday. 24 and 31 December are ordinary days unless a municipality closes them (`fridager`).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Weekday};
use chrono_tz::Europe::Oslo;
use chrono_tz::Tz;

/// A moment, always shown in Norwegian local time.
pub type Time = DateTime<Tz>;

/// An RFC 3339 moment, in Norwegian local time.
pub fn parse_time(text: &str) -> Option<Time> {
    DateTime::parse_from_rfc3339(text).ok().map(|t| t.with_timezone(&Oslo))
}

/// The first moment of a day. Clocks never change at midnight in Norway today; in history they have, and then the
/// day begins at its first moment that exists.
pub fn midnight(day: NaiveDate) -> Time {
    local(day.and_time(NaiveTime::MIN))
}

/// A wall-clock reading as a moment: the earlier of two where the clock was set back, the first after the gap where
/// it was set forward.
pub fn local(reading: NaiveDateTime) -> Time {
    let mut reading = reading;
    loop {
        if let Some(time) = Oslo.from_local_datetime(&reading).earliest() {
            return time;
        }
        reading += TimeDelta::minutes(30);
    }
}

const MONTHS: [&str; 12] = [
    "januar",
    "februar",
    "mars",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "desember",
];

/// A moment as people write it, in either form of Norwegian: `25. november 2026 kl. 03.34`.
pub fn in_words(time: Time) -> String {
    format!("{} kl. {}", day_in_words(time.date_naive()), time.format("%H.%M"))
}

/// `25. november 2026`.
pub fn day_in_words(day: NaiveDate) -> String {
    format!("{}. {} {}", day.day(), MONTHS[day.month0() as usize], day.year())
}

/// Closed days: public holidays computed, others given by `fridager`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    closed: BTreeSet<NaiveDate>,
}

impl Calendar {
    pub fn new(closed: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self { closed: closed.into_iter().collect() }
    }

    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !is_public_holiday(day) && !self.closed.contains(&day)
    }

    /// The moment from which a letter unopened since `start` is overdue: overdue = `now >= deadline`.
    pub fn deadline(&self, start: Time, limit: ReadingLimit) -> Time {
        match limit {
            ReadingLimit::WorkingDays(days) => {
                let mut day = start.date_naive();
                for _ in 0..days {
                    day = self.working_day_after(day);
                }
                midnight(next(day))
            }
            ReadingLimit::WorkingHours(hours) => self.after_working_hours(start, hours),
            ReadingLimit::Hours(hours) => start + TimeDelta::hours(i64::from(hours)),
        }
    }

    fn working_day_after(&self, day: NaiveDate) -> NaiveDate {
        let mut day = next(day);
        while !self.is_working_day(day) {
            day = next(day);
        }
        day
    }

    /// Spends elapsed time on working days only, midnight to midnight; a day of 23 or 25 hours counts as it is.
    fn after_working_hours(&self, start: Time, hours: u32) -> Time {
        let mut left = TimeDelta::hours(i64::from(hours));
        let mut at = start;
        loop {
            let day = at.date_naive();
            let end = midnight(next(day));
            if self.is_working_day(day) {
                if left <= end - at {
                    return at + left;
                }
                left -= end - at;
            }
            at = end;
        }
    }
}

/// `lesefrist` in `avsendere.yaml`: how long a letter may stay unopened in Altinn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingLimit {
    /// `N virkedager`: to the end of the Nth working day after the start's own date.
    WorkingDays(u32),
    /// `N timer på virkedager`: hours of working days only.
    WorkingHours(u32),
    /// `N timer`, and `N døgn` as 24 N hours: elapsed time.
    Hours(u32),
}

/// Far beyond any rule in use; it bounds the walk over the calendar.
const LIMIT_DAYS_MAX: u32 = 366;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "«{0}» er ikke en lesefrist; skriv for eksempel «2 virkedager», «40 timer på virkedager», «48 timer» eller «2 døgn», høyst {LIMIT_DAYS_MAX} dager"
)]
pub struct ReadingLimitError(String);

impl FromStr for ReadingLimit {
    type Err = ReadingLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ReadingLimitError(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (count, unit) = words.split_first().ok_or_else(error)?;
        let count: u32 = count.parse().map_err(|_| error())?;
        let (limit, days) = match unit {
            ["virkedag" | "virkedager" | "yrkesdag" | "yrkesdager" | "arbeidsdag" | "arbeidsdager"] => {
                (Self::WorkingDays(count), count)
            }
            ["time" | "timer", "på", "virkedager" | "yrkesdager" | "arbeidsdager"] => {
                (Self::WorkingHours(count), count / 24)
            }
            ["time" | "timer"] => (Self::Hours(count), count / 24),
            ["døgn" | "dag" | "dager"] => (Self::Hours(count.saturating_mul(24)), count),
            _ => return Err(error()),
        };
        if count == 0 || days > LIMIT_DAYS_MAX { Err(error()) } else { Ok(limit) }
    }
}

impl fmt::Display for ReadingLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkingDays(n) => write!(f, "{n} virkedager"),
            Self::WorkingHours(n) => write!(f, "{n} timer på virkedager"),
            Self::Hours(n) => write!(f, "{n} timer"),
        }
    }
}

fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).expect("dates are far from the calendar's end")
}

fn is_public_holiday(day: NaiveDate) -> bool {
    const FIXED: [(u32, u32); 5] = [(1, 1), (5, 1), (5, 17), (12, 25), (12, 26)];
    // Maundy Thursday, Good Friday, Easter Sunday and Monday, Ascension Day, Whit Sunday and Monday.
    const FROM_EASTER: [i64; 7] = [-3, -2, 0, 1, 39, 49, 50];
    FIXED.contains(&(day.month(), day.day())) || FROM_EASTER.contains(&(day - easter_sunday(day.year())).num_days())
}

/// Gauss's computus in the form of Meeus, Jones and Butcher, for the Gregorian calendar.
fn easter_sunday(year: i32) -> NaiveDate {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, (n / 31) as u32, (n % 31 + 1) as u32).expect("computus yields a date")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_as_people_write_them() {
        let said = |text: &str| in_words(parse_time(text).unwrap());
        assert_eq!(said("2026-11-25T03:34:12+01:00"), "25. november 2026 kl. 03.34");
        assert_eq!(said("2026-06-30T22:00:00Z"), "1. juli 2026 kl. 00.00");
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        for (year, day) in [
            (2000, "2000-04-23"),
            (2016, "2016-03-27"),
            (2024, "2024-03-31"),
            (2025, "2025-04-20"),
            (2026, "2026-04-05"),
            (2027, "2027-03-28"),
            (2038, "2038-04-25"),
        ] {
            assert_eq!(easter_sunday(year), date(day));
        }
    }

    #[test]
    fn closed_days() {
        let calendar = Calendar::new([date("2026-12-24")]);
        for (day, works) in [
            ("2026-04-01", true),  // Wednesday before Easter
            ("2026-04-02", false), // Maundy Thursday
            ("2026-04-03", false), // Good Friday
            ("2026-04-06", false), // Easter Monday
            ("2026-05-01", false), // Friday, Labour Day
            ("2026-05-14", false), // Ascension Day
            ("2026-05-25", false), // Whit Monday
            ("2027-05-17", false), // Constitution Day and Whit Monday at once
            ("2026-12-24", false), // closed by `fridager`
            ("2025-12-24", true),  // an ordinary Wednesday
            ("2026-12-25", false), // Friday
            ("2026-12-31", true),  // Thursday
            ("2026-11-21", false), // Saturday
            ("2026-11-23", true),  // Monday
        ] {
            assert_eq!(calendar.is_working_day(date(day)), works, "{day}");
        }
    }

    #[test]
    fn deadlines() {
        let calendar = Calendar::default();
        for (start, limit, expected) in [
            // Monday 10:00, two working days: end of Wednesday.
            ("2026-11-23T10:00:00+01:00", "2 virkedager", "2026-11-26T00:00:00+01:00"),
            // Saturday counts for nothing: Monday and Tuesday.
            ("2026-11-21T10:00:00+01:00", "2 yrkesdager", "2026-11-25T00:00:00+01:00"),
            // The eve of Maundy Thursday: Tuesday and Wednesday after Easter.
            ("2026-04-01T10:00:00+02:00", "2 virkedager", "2026-04-09T00:00:00+02:00"),
            // Friday 12:00 and 40 hours of working days: 12 on Friday, 24 on Monday, 4 on Tuesday.
            ("2026-11-20T12:00:00+01:00", "40 timer på virkedager", "2026-11-24T04:00:00+01:00"),
            ("2026-11-21T12:00:00+01:00", "24 timer på virkedager", "2026-11-24T00:00:00+01:00"),
            ("2026-11-20T12:00:00+01:00", "40 timer", "2026-11-22T04:00:00+01:00"),
            ("2026-11-20T12:00:00+01:00", "2 døgn", "2026-11-22T12:00:00+01:00"),
            ("2026-11-20T12:00:00+01:00", "3 dager", "2026-11-23T12:00:00+01:00"),
            // Over the change to summer time, 29 March 2026: elapsed time is elapsed time.
            ("2026-03-28T12:00:00+01:00", "2 døgn", "2026-03-30T13:00:00+02:00"),
            ("2026-03-27T12:00:00+01:00", "1 virkedag", "2026-03-31T00:00:00+02:00"),
        ] {
            let actual = calendar.deadline(parse_time(start).unwrap(), limit.parse().unwrap());
            assert_eq!(actual, parse_time(expected).unwrap(), "{start} + {limit}");
        }
    }

    #[test]
    fn limits_that_are_none() {
        for text in [
            "",
            "2",
            "to virkedager",
            "0 virkedager",
            "-1 timer",
            "2 uker",
            "40 timer på virkedager cirka",
            "400 døgn",
            "99999999999 timer",
            "4294967295 dager",
        ] {
            assert!(text.parse::<ReadingLimit>().is_err(), "{text}");
        }
        for text in ["2 virkedager", "40 timer på virkedager", "48 timer"] {
            assert_eq!(text.parse::<ReadingLimit>().unwrap().to_string(), text);
        }
    }

    fn limits() -> impl Strategy<Value = ReadingLimit> {
        prop_oneof![
            (1u32..20).prop_map(ReadingLimit::WorkingDays),
            (1u32..200).prop_map(ReadingLimit::WorkingHours),
            (1u32..500).prop_map(ReadingLimit::Hours),
        ]
    }

    proptest! {
        #[test]
        fn a_deadline_comes_after_its_start_and_no_earlier_for_a_later_one_or_more_closed_days(
            start in 1_700_000_000i64..1_900_000_000, later in 0i64..2_000_000, limit in limits(), closed in 0u64..40
        ) {
            let moment = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&Oslo);
            let calendar = Calendar::default();
            let deadline = calendar.deadline(moment(start), limit);
            prop_assert!(deadline > moment(start));
            prop_assert!(calendar.deadline(moment(start + later), limit) >= deadline);
            let closed = moment(start).date_naive().checked_add_days(Days::new(closed));
            prop_assert!(Calendar::new(closed).deadline(moment(start), limit) >= deadline);
            if let ReadingLimit::WorkingDays(_) = limit {
                // The end of a working day.
                prop_assert_eq!(deadline, midnight(deadline.date_naive()));
                prop_assert!(calendar.is_working_day(deadline.date_naive().pred_opt().unwrap()));
            }
        }
    }
}
