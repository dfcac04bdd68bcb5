//! Advances of the standard fonts, which a file need not carry.
//!
//! Source: Adobe's AFM files for the 14 standard fonts, printable ASCII; bold and italic differ by a few thousandths,
//! which no margin depends on.

/// Advances in thousandths of the font size.
pub(super) struct Widths {
    ascii: Option<&'static [u16; 95]>,
    /// For every other code.
    other: u16,
}

impl Widths {
    pub(super) fn of(&self, code: u32) -> f64 {
        let index = code.checked_sub(0x20).and_then(|index| usize::try_from(index).ok());
        let listed = self.ascii.zip(index).and_then(|(widths, index)| widths.get(index));
        f64::from(*listed.unwrap_or(&self.other))
    }
}

/// By the font's base name in capitals; a font that is not a standard one is taken for Helvetica, as readers do.
pub(super) fn of(name: &str) -> &'static Widths {
    const HELVETICA_WIDTHS: Widths = Widths { ascii: Some(&HELVETICA), other: 556 };
    const TIMES_WIDTHS: Widths = Widths { ascii: Some(&TIMES), other: 500 };
    const COURIER_WIDTHS: Widths = Widths { ascii: None, other: 600 };
    if name.contains("COURIER") {
        &COURIER_WIDTHS
    } else if name.contains("TIMES") {
        &TIMES_WIDTHS
    } else {
        &HELVETICA_WIDTHS
    }
}

#[rustfmt::skip]
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

#[rustfmt::skip]
const TIMES: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278,
    500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444,
    921, 722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889, 722, 722,
    556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469, 500,
    333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500,
    500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];
