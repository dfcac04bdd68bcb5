//! Dates and moments as the registers write them: ISO 8601, more or less of it.

use chrono::{FixedOffset, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Europe::Oslo;

use crate::core::calendar::{Time, local, midnight};

/// `2023-06-13`, all digits present.
pub fn read_date(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    NaiveDate::from_ymd_opt(year as i32, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
}

/// A date (its local midnight), or a date and a time with or without seconds, a fraction and an offset:
/// `2023-06-13T13:42:34+02`. Without an offset the time is Norwegian local time.
pub fn read_moment(text: &str) -> Option<Time> {
    let day = read_date(text.get(..10)?)?;
    let Some(clock) = text[10..].strip_prefix(['T', ' ']) else {
        return (text.len() == 10).then(|| midnight(day));
    };
    let (clock, offset) = match clock.find(['Z', '+', '-']) {
        Some(at) => (&clock[..at], Some(read_offset(&clock[at..])?)),
        None => (clock, None),
    };
    let reading = day.and_time(read_clock(clock)?);
    match offset {
        Some(offset) => Some(offset.from_local_datetime(&reading).single()?.with_timezone(&Oslo)),
        None => Some(local(reading)),
    }
}

/// `13:42`, `13:42:34` or `13:42:34.123`; the fraction decides nothing and is dropped.
fn read_clock(text: &str) -> Option<NaiveTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole.as_bytes() {
        [h1, h2, b':', m1, m2] if whole.len() == text.len() => {
            NaiveTime::from_hms_opt(number(&[*h1, *h2])?, number(&[*m1, *m2])?, 0)
        }
        [h1, h2, b':', m1, m2, b':', s1, s2] => {
            NaiveTime::from_hms_opt(number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?)
        }
        _ => None,
    }
}

/// `Z`, `+02`, `+0200` or `+02:00`.
fn read_offset(text: &str) -> Option<FixedOffset> {
    let (sign, hours, minutes) = match text.as_bytes() {
        [b'Z'] => (b'+', 0, 0),
        [sign, h1, h2] => (*sign, number(&[*h1, *h2])?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (*sign, number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        _ => return None,
    };
    let seconds = (hours * 60 + minutes) as i32 * 60;
    if minutes > 59 { None } else { FixedOffset::east_opt(if sign == b'-' { -seconds } else { seconds }) }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::parse_time;

    #[test]
    fn moments() {
        for (text, expected) in [
            ("2023-06-13T13:42:34+02", "2023-06-13T13:42:34+02:00"),
            ("2023-06-13T13:42:34+02:00", "2023-06-13T13:42:34+02:00"),
            ("2023-06-13T13:42:34+0200", "2023-06-13T13:42:34+02:00"),
            ("2023-06-13T11:42:34Z", "2023-06-13T13:42:34+02:00"),
            ("2023-06-13T06:42:34-05", "2023-06-13T13:42:34+02:00"),
            ("2023-06-13T13:42:34.123456+02", "2023-06-13T13:42:34+02:00"),
            ("2023-06-13 13:42:34", "2023-06-13T13:42:34+02:00"),
            ("2023-06-13T13:42", "2023-06-13T13:42:00+02:00"),
            ("2023-06-13", "2023-06-13T00:00:00+02:00"),
            ("2023-01-13", "2023-01-13T00:00:00+01:00"),
            // The hour that does not exist begins when the clocks have gone forward.
            ("2026-03-29T02:15:00", "2026-03-29T03:15:00+02:00"),
        ] {
            assert_eq!(read_moment(text), parse_time(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            "13.06.2023",
            "2023-6-13",
            "2023-02-30",
            "2023-06-13T",
            "2023-06-13X",
            "2023-06-13T25:00:00",
            "2023-06-13T13:42:34+",
            "2023-06-13T13:42:34+99",
            "2023-06-13T13:42:34+02:75",
            "2023-06-13T13:42:34.",
            "2023-06-13T13:42.5",
            "2023-06-13T13:42:34Zulu",
            "2023-06-1ø",
            "æøåæøåæøå",
        ] {
            assert_eq!(read_moment(text), None, "{text}");
        }
        assert_eq!(read_date("2026-11-2"), None);
        assert_eq!(read_date("2026-11-23T00:00:00"), None);
    }
}
