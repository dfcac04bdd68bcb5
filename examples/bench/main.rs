//! How fast a whole pass is: letters a second, CPU and peak memory of `postgang run` with registers of national
//! size, new and known, beside a bare program that only moves, reads and hashes the same letters.
//!
//! ```sh
//! cargo build --release && cargo run --release --example bench
//! ```
//!
//! No figure is printed unless every letter came out exactly once, where it should. Everything is made from
//! `--seed`; identity numbers are synthetic.

mod bare;
mod check;
mod letters;
mod lookups;
mod measure;
mod pdf;
mod people;
mod random;
mod registers;
mod table;
mod units;
mod words;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};

use measure::{Measured, measure};

#[derive(Parser)]
#[command(about = "Measure a whole pass over a folder of letters, beside a bare program that only moves them")]
struct Args {
    /// Letters to send
    #[arg(long, default_value_t = 5000)]
    letters: u64,
    #[command(flatten)]
    size: Size,
    /// Keep everything in this folder, and use its registers again [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Threads for everything [default: one for each processor]
    #[arg(long)]
    threads: Option<usize>,
    /// The program to measure [default: the one that cargo built]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What all generated data depends on.
#[derive(clap::Args, Clone, Copy)]
struct Size {
    /// Rows in krr.csv
    #[arg(long, default_value_t = 4_600_000, value_parser = clap::value_parser!(u64).range(1..))]
    krr: u64,
    /// Rows in enheter.csv
    #[arg(long, default_value_t = 1_150_000, value_parser = clap::value_parser!(u64).range(1..))]
    units: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Size {
    fn sub_units(self) -> Range<u64> {
        units::FIRST_SUB_UNIT..units::FIRST_SUB_UNIT + self.units.div_ceil(100).min(100_000)
    }
}

/// Parts that run as children, so that they can be measured, or so that their memory is not ours.
#[derive(Subcommand)]
#[command(subcommand_required = false)]
enum Part {
    #[command(hide = true)]
    Registers { registry: PathBuf },
    #[command(hide = true)]
    Letters { inbox: PathBuf, set: u64 },
    #[command(hide = true)]
    Bare { root: PathBuf },
    #[command(hide = true)]
    Read { file: PathBuf, how: String },
    #[command(hide = true)]
    Ask { registry: PathBuf, tables: PathBuf, file: String, many: u64 },
}

/// A folder of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Digipost,
    Eboks,
    Altinn,
    Svarinn,
    Print,
    Avvist,
}

impl Place {
    const ALL: [Self; 6] = [Self::Digipost, Self::Eboks, Self::Altinn, Self::Svarinn, Self::Print, Self::Avvist];

    fn name(self) -> &'static str {
        match self {
            Self::Digipost => "digipost",
            Self::Eboks => "eboks",
            Self::Altinn => "altinn",
            Self::Svarinn => "svarinn",
            Self::Print => "print",
            Self::Avvist => "avvist",
        }
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    match &args.part {
        Some(Part::Registers { registry }) => registers::write_all(registry, args.size),
        Some(Part::Letters { inbox, set }) => letters::write_set(inbox, args.size, *set, args.letters),
        Some(Part::Bare { root }) => {
            println!("{}", bare::run(root)?);
            Ok(())
        }
        Some(Part::Read { file, how }) => lookups::read(file, how),
        Some(Part::Ask { registry, tables, file, many }) => lookups::ask(registry, tables, args.size, file, *many),
        None => bench(&args),
    }
}

fn bench(args: &Args) -> Result<()> {
    let temporary;
    let folder = match &args.keep {
        Some(folder) => folder,
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path()
        }
    };
    let run = (1..).map(|run| folder.join(format!("run-{run}"))).find(|run| !run.exists()).expect("numbers do not end");
    let bench = Bench { args, folder, root: run.join("root"), bare_root: run.join("bare"), run };
    let program = bench.program()?;
    bench.prepare()?;
    let bare = bench.bare()?;
    let passes = [
        ("postgang, registers new", bench.pass(&program, 0)?),
        ("postgang, registers known", bench.pass(&program, 1)?),
    ];
    let costs = lookups::costs(&bench)?;
    table::print(&bench, &bare, &passes, &costs)
}

struct Bench<'a> {
    args: &'a Args,
    /// Holds the registers, and the runs.
    folder: &'a Path,
    /// This run's own folder. Nothing of an earlier run is deleted: for minutes after many files have been deleted,
    /// ext4 looks at each of their inodes again whenever it makes a file, and a pass takes up to eight times as long.
    run: PathBuf,
    root: PathBuf,
    bare_root: PathBuf,
}

/// One pass that passed every check.
struct Pass {
    measured: Measured,
    placed: BTreeMap<String, u64>,
}

impl Bench<'_> {
    /// Cargo puts examples in a folder below the programs.
    fn program(&self) -> Result<PathBuf> {
        let program = match &self.args.program {
            Some(program) => program.clone(),
            None => {
                let here = std::env::current_exe()?;
                here.ancestors().nth(2).context("no folder above the example's")?.join("postgang")
            }
        };
        ensure!(program.exists(), "{} is missing\ntry: cargo build --release", program.display());
        Ok(program)
    }

    /// Registers, unless they lie there from before.
    fn prepare(&self) -> Result<()> {
        let Size { krr, units, seed } = self.args.size;
        let wanted = format!("layout=1 krr={krr} units={units} seed={seed}\n");
        let registry = self.folder.join("registry");
        let marker = self.folder.join("bench.txt");
        let made = fs::read_to_string(&marker).unwrap_or_default();
        if made.is_empty() {
            fs::create_dir_all(self.folder)?;
            let empty = fs::read_dir(self.folder)?.next().is_none();
            ensure!(empty, "{} is neither empty nor a folder of this benchmark", self.folder.display());
        }
        if made != wanted {
            eprintln!("making registers in {}", self.folder.display());
            fs::write(&marker, "registers unfinished\n")?;
            // Earlier runs keep theirs: they hold links to the files.
            if registry.exists() {
                fs::remove_dir_all(&registry)?;
            }
            self.child("registers").arg(&registry).run()?;
            fs::write(&marker, wanted)?;
        }
        let linked = self.root.join("registry");
        fs::create_dir_all(&linked)?;
        for entry in fs::read_dir(&registry)? {
            let entry = entry?;
            fs::hard_link(entry.path(), linked.join(entry.file_name()))?;
        }
        Ok(())
    }

    fn bare(&self) -> Result<Measured> {
        self.letters(&self.bare_root, 0)?;
        let mut child = self.child("bare");
        let measured = measure(child.arg(&self.bare_root), &self.run.join("bare-program"))?;
        ensure!(measured.status.success(), "the bare program failed: see {}", self.run.display());
        check::check_bare(&self.bare_root, self.args.letters)?;
        Ok(measured)
    }

    fn pass(&self, program: &Path, set: u64) -> Result<Pass> {
        self.letters(&self.root, set)?;
        self.warm()?;
        let mut child = Command::new(program);
        child.arg("--root").arg(&self.root).args(["run", "--json", "--settle", "0", "--now", words::NOW]);
        child.env("POSTGANG_TIMINGS", "1");
        self.set_threads(&mut child);
        let measured = measure(&mut child, &self.run.join(format!("pass-{set}")))?;
        // 1 means that a letter was refused, and some are meant to be.
        if !matches!(measured.status.code(), Some(0 | 1)) {
            let stderr = fs::read_to_string(self.run.join(format!("pass-{set}.stderr")))?;
            bail!("postgang ended with {}:\n{stderr}", measured.status);
        }
        let placed = check::check(&self.root, self.args.size, set, self.args.letters, &measured.stdout)
            .context("no figures: not every letter came out right")?;
        Ok(Pass { measured, placed })
    }

    /// Fresh letters, on the disk before any clock starts.
    fn letters(&self, root: &Path, set: u64) -> Result<()> {
        eprintln!("making {} letters", self.args.letters);
        self.child("letters").arg(root.join("inbox")).arg(set.to_string()).run()?;
        rustix::fs::sync();
        Ok(())
    }

    /// Reads the registers once, so that a pass never pays for a cold disk in one run and not in the next.
    fn warm(&self) -> Result<()> {
        for entry in fs::read_dir(self.root.join("registry"))? {
            io::copy(&mut File::open(entry?.path())?, &mut io::sink())?;
        }
        Ok(())
    }

    /// A part of this program with the same options.
    fn child(&self, part: &str) -> Command {
        let Size { krr, units, seed } = self.args.size;
        let mut child = Command::new("/proc/self/exe");
        for (option, value) in [("--letters", self.args.letters), ("--krr", krr), ("--units", units), ("--seed", seed)]
        {
            child.arg(option).arg(value.to_string());
        }
        child.arg(part);
        self.set_threads(&mut child);
        child
    }

    fn set_threads(&self, child: &mut Command) {
        if let Some(threads) = self.args.threads {
            child.env("RAYON_NUM_THREADS", threads.to_string());
        }
    }
}

trait Run {
    fn run(&mut self) -> Result<()>;
}

impl Run for Command {
    fn run(&mut self) -> Result<()> {
        let status = self.status()?;
        ensure!(status.success(), "{:?} ended with {status}", self.get_args().collect::<Vec<_>>());
        Ok(())
    }
}
