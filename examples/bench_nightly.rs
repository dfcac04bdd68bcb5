//! How long a night takes: `cargo run --release --example bench_nightly -- DIR [LETTERS] [ROWS]`.
//!
//! Makes a root in DIR (which must not exist) with LETTERS letters waiting in Altinn and ROWS receipt rows, and times
//! four nights: everybody is notified; nothing is new; half are opened; the rest are overdue and printed.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use indicatif::ProgressBar;
use postgang::core::calendar::parse_time;
use postgang::shell::find::letters;
use postgang::shell::intake::Patience;
use postgang::shell::nightly::nightly;
use postgang::shell::pass::{self, Settings};
use postgang::shell::root::Root;
use rayon::prelude::*;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().expect("a folder to make"));
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let (count, rows): (usize, usize) = (number(100_000), number(1_000_000));
    assert!(!dir.exists(), "the folder is made by this program");
    build(&dir, count);
    let root = Root::new(&dir, None);
    let report = pass::run(&root, &settings("2026-11-23T10:00:00+01:00")).unwrap();
    println!("placed {} letters in {:.1} s", report.placed.altinn, report.seconds);
    let ids: Vec<String> = letters(&root).map(|path| id_of(&path)).collect();
    write_receipts(&dir, &ids, rows);
    night(&root, "everybody is notified", "2026-11-24T00:30:00+01:00");
    night(&root, "nothing is new", "2026-11-24T00:40:00+01:00");
    let opened: String = ids.iter().step_by(2).fold(header(), |mut text, id| {
        let _ = writeln!(text, "{id},LEST,2026-11-24T12:00:00+01:00,");
        text
    });
    fs::write(dir.join("registry/kvitteringer/lest.csv"), opened).unwrap();
    night(&root, "half are opened", "2026-11-25T00:30:00+01:00");
    night(&root, "the rest are printed", "2026-11-27T00:30:00+01:00");
}

fn night(root: &Root, what: &str, now: &str) {
    for entry in fs::read_dir(root.receipts()).unwrap() {
        touch(&entry.unwrap().path(), now);
    }
    let report = nightly(root, &settings(now)).unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
    println!("{what}: {:.1} s, opened {}, printed {}, {peak}", report.run.seconds, report.opened, report.printed);
}

fn header() -> String {
    "forsendelsesId,status,tidspunkt,kanal\n".to_owned()
}

/// Ten files; each letter's first row is its notice.
fn write_receipts(dir: &Path, ids: &[String], rows: usize) {
    for file in 0..10 {
        let mut text = header();
        for row in (file..rows).step_by(10) {
            let (id, nth) = (&ids[row % ids.len()], row / ids.len());
            let word = if nth == 0 { "VARSLET" } else { "SENDT" };
            let _ = writeln!(text, "{id},{word},2026-11-23T12:{:02}:00+01:00,altinn", nth % 60);
        }
        fs::write(dir.join(format!("registry/kvitteringer/{file}.csv")), text).unwrap();
    }
}

fn id_of(letter: &Path) -> String {
    let text = fs::read_to_string(letter.join("status.yaml")).unwrap();
    text.lines().next().unwrap().trim_start_matches("forsendelsesId: ").to_owned()
}

fn build(dir: &Path, count: usize) {
    for folder in ["inbox", "outbox", "registry/kvitteringer"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    let registry = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry");
    let names = ["krr.csv", "enheter.csv", "underenheter.csv", "reservasjoner.csv", "svarinn.csv", "avsendere.yaml"];
    for name in names {
        fs::copy(registry.join(name), dir.join("registry").join(name)).unwrap();
        touch(&dir.join("registry").join(name), "2026-11-23T09:00:00+01:00");
    }
    let pdf = include_bytes!("bench/nightly.pdf");
    (0..count).into_par_iter().for_each(|number| {
        let folder = dir.join("inbox").join(format!("brev-{number}"));
        fs::create_dir(&folder).unwrap();
        let metadata = format!(
            "tittel: Vedtak\neksternReferanse: 2026/{number}\nmottaker:\n  navn: Ingrid Prøve\n  digitalId: '23866031088'\n  adresselinje1: Storgata {number}\n  postnummer: '4604'\n  poststed: KRISTIANSAND S\n"
        );
        fs::write(folder.join("forsendelse.yaml"), metadata).unwrap();
        fs::write(folder.join("vedtak.pdf"), pdf).unwrap();
        fs::write(folder.join("KLAR"), "").unwrap();
    });
}

fn touch(path: &Path, now: &str) {
    let time = SystemTime::from(parse_time(now).expect("a constant"));
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn settings(now: &str) -> Settings {
    Settings {
        now: parse_time(now).expect("a constant"),
        wall: SystemTime::now(),
        patience: Patience { settle: Duration::ZERO, give_up: Duration::ZERO },
        accept: Vec::new(),
        network_root: false,
        progress: ProgressBar::hidden(),
        probe: None,
    }
}
