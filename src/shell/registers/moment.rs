//! Dates and moments as the registers write them: ISO 8601, more or less of it.

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::bytes::Taker;
use crate::core::calendar::{local, midnight};

/// `2023-06-13`, all digits present.
pub fn read_date(text: &str) -> Option<NaiveDate> {
    date(text.as_bytes())
}

fn date(text: &[u8]) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    NaiveDate::from_ymd_opt(year as i32, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
}

/// A date (its local midnight), or a date and a time with or without seconds, a fraction and an offset:
/// `2023-06-13T13:42:34+02`. Without an offset the time is Norwegian local time. In seconds since 1970.
pub fn read_moment(text: &[u8]) -> Option<i64> {
    let (day, rest) = text.split_at_checked(10)?;
    let day = date(day)?;
    let Some(clock) = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" ")) else {
        return rest.is_empty().then(|| midnight(day).timestamp());
    };
    match clock.iter().position(|byte| matches!(byte, b'Z' | b'+' | b'-')) {
        Some(at) => {
            let (clock, offset) = (read_clock(&clock[..at])?, read_offset(&clock[at..])?);
            Some(i64::from(day.num_days_from_ce() - DAYS_TO_1970) * 86_400 + i64::from(clock) - i64::from(offset))
        }
        None => Some(local(day.and_hms_opt(0, 0, 0)? + TimeDelta::seconds(read_clock(clock)?.into())).timestamp()),
    }
}

/// From the first day of year 1, which is day 1, to 1970-01-01.
const DAYS_TO_1970: i32 = 719_163;

/// No calendar reaches so far back.
const NO_DAY: i32 = i32::MIN;

/// Appends a day, or that there is none.
pub fn put_day(out: &mut Vec<u8>, day: Option<NaiveDate>) {
    let number = day.map_or(NO_DAY, |day| day.num_days_from_ce());
    out.extend_from_slice(&number.to_le_bytes());
}

pub fn take_day(packed: &mut Taker<'_>) -> Option<Option<NaiveDate>> {
    match packed.u32()?.cast_signed() {
        NO_DAY => Some(None),
        number => NaiveDate::from_num_days_from_ce_opt(number).map(Some),
    }
}

/// `13:42`, `13:42:34` or `13:42:34.123`, in seconds; the fraction decides nothing and is dropped.
fn read_clock(text: &[u8]) -> Option<u32> {
    let point = text.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = point.map_or((text, &b"0"[..]), |at| (&text[..at], &text[at + 1..]));
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (hours, minutes, seconds) = match whole {
        [h1, h2, b':', m1, m2] if point.is_none() => (number(&[*h1, *h2])?, number(&[*m1, *m2])?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60 && seconds < 60).then_some((hours * 60 + minutes) * 60 + seconds)
}

/// `Z`, `+02`, `+0200` or `+02:00`, in seconds.
fn read_offset(text: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match text {
        [b'Z'] => (b'+', 0, 0),
        [sign, h1, h2] => (*sign, number(&[*h1, *h2])?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (*sign, number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        _ => return None,
    };
    let seconds = (hours * 60 + minutes) as i32 * 60;
    (hours < 24 && minutes < 60).then_some(if sign == b'-' { -seconds } else { seconds })
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
            ("1969-12-31T23:59:59Z", "1970-01-01T00:59:59+01:00"),
            // The hour that does not exist begins when the clocks have gone forward.
            ("2026-03-29T02:15:00", "2026-03-29T03:15:00+02:00"),
        ] {
            assert_eq!(read_moment(text.as_bytes()), parse_time(expected).map(|time| time.timestamp()), "{text}");
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
            "2023-06-13T24:00:00",
            "2023-06-13T13:60:00",
            "2023-06-13T13:42:60",
            "2023-06-13T13:42:34+",
            "2023-06-13T13:42:34+99",
            "2023-06-13T13:42:34+24",
            "2023-06-13T13:42:34+02:75",
            "2023-06-13T13:42:34.",
            "2023-06-13T13:42.5",
            "2023-06-13T13:42:34Zulu",
            "2023-06-1ø",
            "æøåæøåæøå",
        ] {
            assert_eq!(read_moment(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read_date("2026-11-2"), None);
        assert_eq!(read_date("2026-11-23T00:00:00"), None);
    }

    #[test]
    fn a_day_is_kept_as_it_is() {
        for day in ["0000-12-31", "0001-01-01", "1969-12-31", "2026-11-23", "9999-12-31"] {
            let (day, mut out) = (read_date(day), Vec::new());
            put_day(&mut out, day);
            assert_eq!((day.is_some(), take_day(&mut Taker(&out))), (true, Some(day)));
        }
        let mut out = Vec::new();
        put_day(&mut out, None);
        assert_eq!(take_day(&mut Taker(&out)), Some(None));
        assert_eq!(take_day(&mut Taker(&out[..3])), None);
    }
}
