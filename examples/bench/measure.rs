//! Runs a program to its end and says what it took.
//!
//! The kernel starts a child's peak memory at its parent's, so this process must stay small: registers and letters
//! are made by children too.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use wait4::Wait4;

pub struct Measured {
    pub status: ExitStatus,
    pub wall: Duration,
    pub user: Duration,
    pub system: Duration,
    pub peak_bytes: u64,
    pub stdout: String,
    pub stages: Vec<Stage>,
}

/// One `timing <stage> wall=<s> cpu=<s>` line.
pub struct Stage {
    pub name: String,
    pub wall: f64,
    pub cpu: f64,
}

/// What the child says goes to `<log>.stdout` and `<log>.stderr`: a pipe that nobody empties would stop it.
pub fn measure(command: &mut Command, log: &Path) -> Result<Measured> {
    let [stdout, stderr] = ["stdout", "stderr"].map(|extension| log.with_extension(extension));
    command.stdout(File::create(&stdout)?).stderr(File::create(&stderr)?);
    let start = Instant::now();
    let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let used = child.wait4()?;
    let wall = start.elapsed();
    let stages = fs::read_to_string(&stderr)?.lines().filter_map(Stage::parse).collect();
    Ok(Measured {
        status: used.status,
        wall,
        user: used.rusage.utime,
        system: used.rusage.stime,
        peak_bytes: used.rusage.maxrss,
        stdout: fs::read_to_string(&stdout)?,
        stages,
    })
}

impl Measured {
    pub fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

impl Stage {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("timing ")?.split_whitespace();
        let name = words.next()?.to_owned();
        let mut seconds = |key| words.next()?.strip_prefix(key)?.parse().ok();
        Some(Self { name, wall: seconds("wall=")?, cpu: seconds("cpu=")? })
    }
}
