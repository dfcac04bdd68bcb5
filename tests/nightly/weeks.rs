//! A week of nights for each of five municipalities, over Easter and over Christmas: where every letter is, night by
//! night. `UPDATE_EXPECT=1` writes what is expected anew.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{Days, NaiveTime, TimeDelta};
use postgang::core::calendar::{Time, local};

use crate::support::{expect, fixtures};
use crate::world::{ALTINN, DIGIPOST, EBOKS, ORGANISATION, RESERVED, SVARINN, World, time};

const NIGHTS: u64 = 9;

fn week(municipality: &str, holiday: &str, dropped: &str) {
    let world = World::new(&format!("eksempler/{municipality}.yaml"));
    for (name, recipient) in [
        ("mappe feilet i postkasse", EBOKS),
        ("mappe feilet men varslet", ALTINN),
        ("mappe levert", DIGIPOST),
        ("mappe organisasjon", ORGANISATION),
        ("mappe reservert", RESERVED),
        ("mappe svarinn", SVARINN),
        ("mappe aldri varslet", ALTINN),
        ("mappe ulest", ALTINN),
        ("mappe åpnet sent meldt", ALTINN),
        ("mappe åpnet", ALTINN),
    ] {
        world.drop(&name.replace("mappe ", "").replace(' ', "-"), recipient, "");
    }
    world.run(dropped);
    let dropped = time(dropped);
    let hour = |hours: i64| (dropped + TimeDelta::hours(hours)).to_rfc3339();
    let rows: Vec<String> = [
        ("feilet-i-postkasse FEIL", 1),
        ("feilet-men-varslet FEIL", 1),
        ("feilet-men-varslet VARSLET", 2),
        ("levert SENDT_SDP", 1),
        ("levert LEVERT_SDP", 2),
        ("organisasjon VARSLET", 1),
        ("svarinn SENDT", 1),
        ("ulest VARSLET", 1),
        ("ulest VARSLET", -1),
        ("åpnet-sent-meldt VARSLET", 1),
        ("åpnet VARSLET", 1),
        ("åpnet LEST", 3),
    ]
    .iter()
    .map(|(row, hours)| format!("{row} {}", hour(*hours)))
    .collect();
    world.receipts("a.csv", &dropped.to_rfc3339(), &rows.iter().map(String::as_str).collect::<Vec<_>>());
    let late = format!("åpnet-sent-meldt LEST {}", hour(5));
    let mut journal = String::new();
    let mut before = BTreeMap::new();
    for night in 1..=NIGHTS {
        let now = at_night(dropped, night);
        if night == NIGHTS {
            world.receipts("b.csv", &now.to_rfc3339(), &[&late]);
        }
        let (answer, code) = world.nightly(&now.to_rfc3339());
        let tree = world.tree();
        let (again, _) = world.nightly(&now.to_rfc3339());
        assert!(world.tree() == tree, "the second nightly of the night changes nothing: {again}");
        let _ = writeln!(journal, "{} exit {code} {}", now.format("%a %Y-%m-%d %H:%M"), counts(&answer));
        let lines: BTreeMap<String, String> = world
            .letters()
            .into_iter()
            .map(|(name, at)| {
                let status = at.status.status.as_str();
                let told = at.status.underrettet.map(|stamp| stamp.to_string()).unwrap_or_default();
                (name, format!("{} {status} {} {told}", at.place, at.status.kode))
            })
            .collect();
        assert_eq!(lines.len(), 10, "no letter is lost, none is in two places");
        for (name, line) in &lines {
            if before.get(name) != Some(line) {
                let _ = writeln!(journal, "    {name:<20} {}", line.trim_end());
            }
        }
        before = lines;
    }
    expect(&fixtures("nightly/expected").join(format!("{municipality}-{holiday}.txt")), &journal);
}

fn at_night(dropped: Time, night: u64) -> Time {
    let day = dropped.date_naive().checked_add_days(Days::new(night)).unwrap();
    local(day.and_time(NaiveTime::from_hms_opt(0, 30, 0).unwrap()))
}

fn counts(answer: &serde_json::Value) -> String {
    let names = [
        "opened",
        "delivered",
        "failed",
        "expired",
        "never_notified",
        "digital_only",
        "reminded",
        "printed",
        "stopped",
    ];
    let counts = names.iter().filter(|name| answer[**name].as_u64() != Some(0));
    counts.map(|name| format!("{name} {}", answer[*name])).collect::<Vec<_>>().join(", ")
}

/// Wednesday before Maundy Thursday.
const EASTER: &str = "2026-04-01T10:00:00+02:00";
/// Wednesday before Christmas Eve, an ordinary Thursday.
const CHRISTMAS: &str = "2026-12-23T10:00:00+01:00";

macro_rules! weeks {
    ($($name:ident: $file:literal;)*) => {
        $(mod $name {
            #[test]
            fn easter() {
                super::week($file, "påske", super::EASTER);
            }

            #[test]
            fn christmas() {
                super::week($file, "jul", super::CHRISTMAS);
            }
        })*
    };
}

weeks! {
    kristiansand: "kristiansand";
    aas: "aas";
    romskog: "romskog";
    vestre_toten: "vestre-toten";
    roros: "roros";
}
