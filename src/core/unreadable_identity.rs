//! Whom a damaged identity number in a register may mean. A spreadsheet rounds what it takes for a number
//! (`1.28371E+10`), and a row that nobody can read must not be taken for no row: the person whom it may mean waits.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::identity::PersonId;

/// Every number that a field may have been before it was damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspects(RangeInclusive<u64>);

/// An identity number is below this, and with a zero lost in front at least a hundredth of it.
const NUMBERS: RangeInclusive<u64> = 100_000_000..=99_999_999_999;
/// Zeros at the end of a whole number that make it look rounded.
const ROUNDED_ZEROS: u32 = 3;
/// Digits of an identity number, of which a spreadsheet may have dropped a zero in front.
const WHOLE_DIGITS_MIN: usize = 10;

impl Suspects {
    /// `None` where the field gives no clue: it is empty, a text, or a number of another size.
    pub fn of(field: &str) -> Option<Self> {
        let field: String = field.chars().filter(|c| !c.is_whitespace()).collect();
        // A letter E that no number follows is a letter of a text.
        let scientific = field
            .split_once(['e', 'E'])
            .and_then(|(mantissa, exponent)| Some((mantissa, exponent.trim_start_matches('+').parse::<u32>().ok()?)));
        let (mantissa, exponent) = scientific.unwrap_or((&field, 0));
        let only_digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let (mut digits, mut decimals) = (only_digits(whole), only_digits(decimals));
        if exponent > 0 {
            digits.push_str(&decimals);
        } else {
            // Of a number that is whole without them, decimals say nothing; else the sign parts groups of its digits.
            if digits.len() < WHOLE_DIGITS_MIN {
                digits.push_str(&decimals);
            }
            decimals.clear();
        }
        let number: u64 = digits.parse().ok().filter(|_| digits.len() <= 15)?;
        let decimals = u32::try_from(decimals.len()).ok()?;
        let (low, high) = if exponent > 0 {
            // Anything that rounds to what is shown.
            let unit = 10u64.checked_pow(exponent.checked_sub(decimals)?)?;
            let shown = number.checked_mul(unit)?;
            (shown.saturating_sub(unit / 2), shown.saturating_add(unit / 2))
        } else {
            let zeros = number.to_string().bytes().rev().take_while(|b| *b == b'0').count();
            let zeros = u32::try_from(zeros).ok().filter(|zeros| *zeros >= ROUNDED_ZEROS).unwrap_or(0);
            let half = 10u64.checked_pow(zeros)? / 2;
            (number.saturating_sub(half), number.saturating_add(half))
        };
        (high >= *NUMBERS.start() && low <= *NUMBERS.end()).then_some(Self(low..=high))
    }

    pub fn include(&self, person: PersonId) -> bool {
        person.lies_in(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn whom_a_damaged_number_may_mean() {
        let eline = PersonId::parse(b"12837110147").unwrap();
        let zero_first = PersonId::parse(b"04918520339").unwrap();
        for (field,              of_eline, of_zero_first) in [
            ("1.28371E+10",      true,  false),
            ("1,28371E+10",      true,  false),
            ("1.28E+10",         true,  false),
            ("1.2837110147E+10", true,  false),
            ("1.28372E+10",      false, false),
            ("4.91852E+09",      false, true),
            ("4,92E+09",         false, true),
            ("12837100000",      true,  false),
            ("12837110000",      true,  false),
            ("12837110147.0",    true,  false),
            ("128371-10147",     true,  false),
            ("#12837110147",     true,  false),
            ("4918520339,00",    false, true),
            ("12.837.110.147",   true,  false),
            ("12,837,110,147",   true,  false),
            ("128371.10147",     true,  false),
            ("128371,10147",     true,  false),
            ("12837110147 feil", true,  false),
            ("12837110147.00000",true,  false),
            ("12837110148",      false, false),
            ("ukjent",           false, false),
            ("",                 false, false),
            ("12",               false, false),
            ("1E+99",            false, false),
            ("9E+400000000000",  false, false),
        ] {
            let includes = |person| Suspects::of(field).is_some_and(|suspects| suspects.include(person));
            assert_eq!((includes(eline), includes(zero_first)), (of_eline, of_zero_first), "{field}");
        }
    }
}
