//! What names, addresses and purposes are made of, and the days that timestamps are drawn from.

use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate};

use crate::random::Random;

/// The clock of every pass, so that the same data gives the same decisions in any year.
pub const NOW: &str = "2026-11-23T09:00:00+01:00";

pub fn now() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(NOW).expect("a constant")
}

pub const FIRST_NAMES: &[&str] = &[
    "Kari",
    "Ola",
    "Ingrid",
    "Bjørn",
    "Anne-Lise",
    "Øyvind",
    "Åse",
    "Mohammed",
    "Synnøve",
    "Lars Petter",
    "Máret",
    "Nils",
    "Solveig",
    "Fatima",
    "Jan Erik",
    "Ragnhild",
    "Kåre",
    "Emma",
    "Jakub",
    "Turid",
    "Sander",
    "Ellen",
];
pub const LAST_NAMES: &[&str] = &[
    "Hansen",
    "Nordmann",
    "Johansen",
    "Bakke",
    "Sætre",
    "Østby",
    "Haugen",
    "Kowalski",
    "Ali",
    "Somby",
    "Lie",
    "Nguyen",
    "Myklebust",
    "Aas",
    "Ødegård",
    "Strand",
    "Fjeldstad",
    "Moen",
    "Gaup",
    "Vågen",
    "Iversen",
    "Dahl",
];
const STREETS: &[&str] = &[
    "Storgata",
    "Kirkeveien",
    "Øvre Solligården",
    "Tellevikvegen",
    "Ryllikvegen",
    "Rådhusgata",
    "Skolebakken",
    "Fjordgaten",
    "Nedre skogen",
    "Industriveien",
    "Havnegata",
    "Bjørkeallèen",
    "Åsveien",
    "Markus Thranes gate",
];
/// `postnummer`, `poststed`, `kommune`, `kommunenummer`
pub const PLACES: &[[&str; 4]] = &[
    ["0151", "OSLO", "OSLO", "0301"],
    ["0581", "OSLO", "OSLO", "0301"],
    ["3126", "TØNSBERG", "TØNSBERG", "3905"],
    ["5108", "HORDVIK", "BERGEN", "4601"],
    ["5221", "NESTTUN", "BERGEN", "4601"],
    ["7054", "RANHEIM", "TRONDHEIM", "5001"],
    ["9102", "KVALØYSLETTA", "TROMSØ", "5501"],
    ["9912", "HESSENG", "SØR-VARANGER", "5605"],
    ["4604", "KRISTIANSAND S", "KRISTIANSAND", "4204"],
    ["3630", "RØDBERG", "NORE OG UVDAL", "3338"],
    ["7374", "RØROS", "RØROS", "5025"],
    ["1430", "ÅS", "ÅS", "3218"],
    ["9730", "KARASJOK", "KÁRÁŠJOHKA - KARASJOK", "5610"],
];

pub fn street(random: &mut Random) -> String {
    let letter = if random.percent(15) { ["A", "B", "C"][random.below(3) as usize] } else { "" };
    format!("{} {}{letter}", random.pick(STREETS), 1 + random.below(180))
}

const DAYS_BACK_MAX: u64 = 3000;

static DAYS: LazyLock<Vec<(NaiveDate, String)>> = LazyLock::new(|| {
    let today = now().date_naive();
    (0..=DAYS_BACK_MAX).map(|back| today - Days::new(back)).map(|day| (day, day.to_string())).collect()
});

/// A day as `YYYY-MM-DD`, `from` to `to` days before the pass.
pub fn day(random: &mut Random, from: u64, to: u64) -> &'static str {
    &DAYS[(from + random.below(to - from)) as usize].1
}

/// A moment as KRR's extracts write it: `2023-06-13T13:42:34+02`.
pub fn write_moment(out: &mut Vec<u8>, random: &mut Random, from: u64, to: u64) {
    let (day, text) = &DAYS[(from + random.below(to - from)) as usize];
    let offset = if (4..=10).contains(&day.month()) { b"+02" } else { b"+01" };
    let second = random.below(86_400);
    out.extend_from_slice(text.as_bytes());
    for (mark, value) in [(b'T', second / 3600), (b':', second / 60 % 60), (b':', second % 60)] {
        out.extend_from_slice(&[mark, b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
    }
    out.extend_from_slice(offset);
}
