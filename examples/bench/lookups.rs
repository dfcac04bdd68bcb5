//! What the registers alone cost: new, known again, and beside what nobody can do without, reading and hashing them.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use postgang::core::calendar::parse_time;
use postgang::core::identity::RecipientId;
use postgang::core::snapshot::RegisterPolicies;
use postgang::shell::registers::{Lookup, Request, Shelf, SnapshotMemory, Wanted, consult};
use sha2::{Digest, Sha256};

use crate::measure::{Measured, measure};
use crate::words::NOW;
use crate::{Bench, Size, people, units};

/// Enough that opening a table counts for little.
const MANY: u64 = 5_000;

/// What one kind of recipient's registers cost.
pub struct Cost {
    pub file: &'static str,
    /// Reading and counting line endings; reading and hashing.
    pub counted: Measured,
    pub hashed: Measured,
    /// From the files to answers and tables.
    pub new: Measured,
    pub open_seconds: f64,
    pub look_up_seconds: f64,
}

pub fn costs(bench: &Bench<'_>) -> Result<Vec<Cost>> {
    ["krr.csv", "enheter.csv"].into_iter().map(|file| cost(bench, file)).collect()
}

fn cost(bench: &Bench<'_>, file: &'static str) -> Result<Cost> {
    let registry = bench.root.join("registry");
    let tables = bench.run.join(format!("tables-{file}"));
    let log = |what: &str| bench.run.join(format!("{what}-{file}"));
    let read = |how: &str| measure(bench.child("read").arg(registry.join(file)).arg(how), &log(how));
    let ask = |many: u64, what: &str| -> Result<(Measured, f64)> {
        let mut child = bench.child("ask");
        child.arg(&registry).arg(&tables).arg(file).arg(many.to_string());
        let measured = measure(&mut child, &log(what))?;
        ensure!(measured.status.success(), "asking {file} failed: see {}", bench.run.display());
        let seconds = measured.stdout.trim().parse().context("no time")?;
        Ok((measured, seconds))
    };
    let (counted, hashed) = (read("count")?, read("hash")?);
    let new = ask(MANY, "new")?.0;
    let middle = |many| -> Result<f64> {
        let mut seconds = (0..5).map(|_| Ok(ask(many, "known")?.1)).collect::<Result<Vec<_>>>()?;
        seconds.sort_by(f64::total_cmp);
        Ok(seconds[2])
    };
    let (one, many) = (middle(1)?, middle(MANY)?);
    fs::remove_dir_all(&tables)?;
    Ok(Cost { file, counted, hashed, new, open_seconds: one, look_up_seconds: (many - one) / (MANY - 1) as f64 })
}

/// Reads a file as the program does, a block at a time.
pub fn read(path: &Path, how: &str) -> Result<()> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; 512 * 1024]);
    let (mut hash, mut lines) = (Sha256::new(), 0);
    loop {
        let bytes = file.read(&mut buffer)?;
        match how {
            _ if bytes == 0 => break,
            "hash" => hash.update(&buffer[..bytes]),
            _ => lines += memchr::memchr_iter(b'\n', &buffer[..bytes]).count(),
        }
    }
    // Said, so that it is done.
    println!("{lines} {:?}", hash.finalize());
    Ok(())
}

/// Asks the registers about some who stand in them and says how many seconds it took.
pub fn ask(registry: &Path, tables: &Path, size: Size, file: &str, many: u64) -> Result<()> {
    let number = |index: u64| match file {
        "krr.csv" => people::Person::nth(size.seed, index * (size.krr / many)).number,
        _ => units::number(index * (size.units / many)),
    };
    let ids = (0..many).map(|index| RecipientId::parse(&number(index)).context("no number"));
    let ids: Vec<RecipientId> = ids.collect::<Result<_>>()?;
    let wanted: Wanted = ids.iter().copied().collect();
    let (policies, memory) = (RegisterPolicies::default(), SnapshotMemory::default());
    let shelf = Some(Shelf { dir: tables, is_ours: true, wall: SystemTime::now() });
    let now = parse_time(NOW).context("no time")?;
    let started = Instant::now();
    let request =
        Request { dir: registry, policies: &policies, memory: &memory, shelf, accept: &[], wanted: &wanted, now };
    let registers = consult(request);
    let seconds = started.elapsed().as_secs_f64();
    let known = |id: &RecipientId| match id {
        RecipientId::Person(person) => {
            matches!(registers.person(*person), Lookup::Known(facts) if facts != Default::default())
        }
        RecipientId::Organisation(number) => matches!(registers.organisation(*number), Lookup::Known(Some(_))),
    };
    ensure!(ids.iter().filter(|id| known(id)).count() as u64 > many * 9 / 10 || many == 1, "not everybody is known");
    println!("{seconds}");
    Ok(())
}
