//! Doubt: when a letter that is said to be unread may have been read, it is not printed for it. Paper cannot be taken
//! back.

use chrono::{Days, NaiveDate, TimeDelta};

/// Why what is said to be unread may have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// No receipts have come lately.
    Silence,
    /// A receipt file cannot be read.
    UnreadableFile,
    /// A row that cannot be read names the letter.
    UnreadableRow,
    /// Nothing has been heard of too many of the sender's letters.
    Brake,
    /// Another system has printed it.
    PrintedElsewhere,
}

/// Nights that an unreadable row keeps its letter from print, the first one included.
const ROW_NIGHTS: u64 = 2;

/// Whether an unreadable row still keeps its letter from print `today`. `first`: the night on which it was met first.
pub fn row_holds(first: NaiveDate, today: NaiveDate) -> bool {
    first.checked_add_days(Days::new(ROW_NIGHTS)).is_some_and(|end| today < end)
}

/// Hours that the clock of whoever writes receipts may be ahead of ours; of what is further ahead nobody knows when it
/// was written.
const AHEAD_HOURS_MAX: i64 = 1;

/// Whether a receipt file of this age shows that receipts come: it is younger than `hours_max` hours.
pub fn is_sign_of_life(age: TimeDelta, hours_max: u32) -> bool {
    (TimeDelta::hours(-AHEAD_HOURS_MAX)..TimeDelta::hours(hours_max.into())).contains(&age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_row_holds_its_letter_for_two_nights() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (today, holds) in [("2026-11-30", true), ("2026-12-01", true), ("2026-12-02", false), ("2027-12-01", false)]
        {
            assert_eq!(row_holds(day("2026-11-30"), day(today)), holds, "{today}");
        }
    }

    #[test]
    fn when_receipts_are_known_to_come() {
        for (minutes, alive) in [
            (0, true),
            (26 * 60 - 1, true),
            (26 * 60, false),
            (-60, true),
            (-61, false),
            (9_999, false),
            (-9_999, false),
        ] {
            assert_eq!(is_sign_of_life(TimeDelta::minutes(minutes), 26), alive, "{minutes}");
        }
    }
}
