//! How long a night takes, and how much memory.
//!
//! ```sh
//! cargo build --release && cargo run --release --example bench_nightly -- DIR
//! ```
//!
//! Makes a root in DIR (which must not exist) with letters waiting in Altinn and receipts for them, and measures four
//! nights of the real program: everybody is notified; nothing is new; half are opened; the rest are overdue and printed.

#[allow(dead_code, reason = "nights are not timed by stage")]
#[path = "bench/measure.rs"]
mod measure;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use postgang::core::calendar::parse_time;
use postgang::shell::outbox::letters;
use postgang::shell::root::Root;
use rayon::prelude::*;
use serde_json::Value;

use measure::measure;

#[derive(Parser)]
#[command(about = "Measure four nights over letters that wait in Altinn")]
struct Args {
    /// The folder to make
    dir: PathBuf,
    #[arg(long, default_value_t = 100_000)]
    letters: usize,
    /// Receipt rows, spread over the letters
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// The program [default: the one that cargo built beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(!args.dir.exists(), "{} exists; it is made by this program", args.dir.display());
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.parent().and_then(Path::parent).context("no target folder")?.join("postgang"),
    };
    let bench = Bench { dir: args.dir, program };
    bench.build(args.letters)?;
    println!("{:<24} {:>8} {:>8} {:>8}", "", "wall s", "CPU s", "peak MB");
    let placed = bench.measure("routed", &["run", "--settle", "0"], "2026-11-23T10:00:00+01:00")?;
    ensure!(placed["placed"]["altinn"] == args.letters, "not every letter came to altinn: {placed}");
    let root = Root::new(&bench.dir, None);
    let ids = letters(&root).map(|path| id_of(&path)).collect::<Result<Vec<String>>>()?;
    bench.write_receipts(&ids, args.rows)?;
    bench.night("everybody is notified", "2026-11-24T00:30:00+01:00")?;
    bench.night("nothing is new", "2026-11-24T00:40:00+01:00")?;
    let opened: String = ids.iter().step_by(2).fold(header(), |mut text, id| {
        let _ = writeln!(text, "{id},LEST,2026-11-24T12:00:00+01:00,");
        text
    });
    fs::write(bench.receipts().join("lest.csv"), opened)?;
    let night = bench.night("half are opened", "2026-11-25T00:30:00+01:00")?;
    ensure!(night["opened"] == args.letters.div_ceil(2), "not every receipt counted: {night}");
    let night = bench.night("the rest are printed", "2026-11-27T00:30:00+01:00")?;
    ensure!(night["printed"] == args.letters / 2, "not every letter was printed: {night}");
    Ok(())
}

struct Bench {
    dir: PathBuf,
    program: PathBuf,
}

impl Bench {
    fn receipts(&self) -> PathBuf {
        self.dir.join("registry/kvitteringer")
    }

    /// Runs a command of the program and prints what it took; gives what it said.
    fn measure(&self, what: &str, arguments: &[&str], now: &str) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(["--root".as_ref(), self.dir.as_os_str()]).args(arguments).args(["--json", "--now", now]);
        let measured = measure(&mut command, &self.dir.join("bench"))?;
        println!(
            "{what:<24} {:>8.1} {:>8.1} {:>8.0}",
            measured.wall.as_secs_f64(),
            measured.cpu().as_secs_f64(),
            measured.peak_bytes as f64 / 1e6
        );
        serde_json::from_str(&measured.stdout).with_context(|| format!("{what} ended with {}", measured.status))
    }

    fn night(&self, what: &str, now: &str) -> Result<Value> {
        for entry in fs::read_dir(self.receipts())? {
            touch(&entry?.path(), now)?;
        }
        self.measure(what, &["nightly"], now)
    }

    /// Ten files; each letter's first row is its notice.
    fn write_receipts(&self, ids: &[String], rows: usize) -> Result<()> {
        for file in 0..10 {
            let mut text = header();
            for row in (file..rows).step_by(10) {
                let (id, nth) = (&ids[row % ids.len()], row / ids.len());
                let word = if nth == 0 { "VARSLET" } else { "SENDT" };
                writeln!(text, "{id},{word},2026-11-23T12:{:02}:00+01:00,altinn", nth % 60)?;
            }
            fs::write(self.receipts().join(format!("{file}.csv")), text)?;
        }
        Ok(())
    }

    fn build(&self, count: usize) -> Result<()> {
        for folder in ["inbox", "outbox", "registry/kvitteringer"] {
            fs::create_dir_all(self.dir.join(folder))?;
        }
        let registry = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry");
        for name in ["krr.csv", "enheter.csv", "underenheter.csv", "reservasjoner.csv", "svarinn.csv", "avsendere.yaml"]
        {
            let copy = self.dir.join("registry").join(name);
            fs::copy(registry.join(name), &copy)?;
            touch(&copy, "2026-11-23T09:00:00+01:00")?;
        }
        let pdf = include_bytes!("bench/nightly.pdf");
        (0..count).into_par_iter().try_for_each(|number| -> Result<()> {
            let folder = self.dir.join("inbox").join(format!("brev-{number}"));
            fs::create_dir(&folder)?;
            let metadata = format!(
                "tittel: Vedtak\neksternReferanse: 2026/{number}\nmottaker:\n  navn: Ingrid Prøve\n  digitalId: '23866031088'\n  adresselinje1: Storgata {number}\n  postnummer: '4604'\n  poststed: KRISTIANSAND S\n"
            );
            fs::write(folder.join("forsendelse.yaml"), metadata)?;
            fs::write(folder.join("vedtak.pdf"), pdf)?;
            Ok(fs::write(folder.join("KLAR"), "")?)
        })
    }
}

fn header() -> String {
    "forsendelsesId,status,tidspunkt,kanal\n".to_owned()
}

fn id_of(letter: &Path) -> Result<String> {
    let text = fs::read_to_string(letter.join("status.yaml"))?;
    Ok(text.lines().next().context("an empty status")?.trim_start_matches("forsendelsesId: ").to_owned())
}

fn touch(path: &Path, now: &str) -> Result<()> {
    let time = SystemTime::from(parse_time(now).context("not a time")?);
    Ok(fs::File::options().write(true).open(path)?.set_modified(time)?)
}
