//! What the stages of a pass cost, for the benchmark.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Adds up wall time and the process's CPU time by stage, in the order in which the stages first came.
#[derive(Debug)]
pub struct Stopwatch {
    stages: Vec<(&'static str, Duration, Duration)>,
    wall: Instant,
    cpu: Duration,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self { stages: Vec::new(), wall: Instant::now(), cpu: cpu(ClockId::ProcessCPUTime) }
    }
}

impl Stopwatch {
    /// Charges the time since the last lap to `stage`.
    pub fn lap(&mut self, stage: &'static str) {
        let now = cpu(ClockId::ProcessCPUTime);
        self.charge(stage, self.wall.elapsed(), now.saturating_sub(self.cpu));
        (self.wall, self.cpu) = (Instant::now(), now);
    }

    /// Takes down what a part of the coming lap took of the processors; what goes on beside it has no wall time of its
    /// own.
    pub fn part(&mut self, part: &'static str, cpu: Duration) {
        self.charge(part, Duration::ZERO, cpu);
    }

    fn charge(&mut self, stage: &'static str, wall: Duration, cpu: Duration) {
        match self.stages.iter_mut().find(|(name, ..)| *name == stage) {
            Some((_, wall_sum, cpu_sum)) => {
                *wall_sum += wall;
                *cpu_sum += cpu;
            }
            None => self.stages.push((stage, wall, cpu)),
        }
    }

    /// Seconds by stage: `(name, wall, cpu)`.
    pub fn seconds(&self) -> impl Iterator<Item = (&'static str, f64, f64)> {
        self.stages.iter().map(|(name, wall, cpu)| (*name, wall.as_secs_f64(), cpu.as_secs_f64()))
    }
}

/// The CPU time of one kind of work, on whichever threads it is done.
#[derive(Default)]
pub struct Meter(AtomicU64);

impl Meter {
    /// `work` must stay on its thread.
    pub fn measure<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = cpu(ClockId::ThreadCPUTime);
        let outcome = work();
        let took = cpu(ClockId::ThreadCPUTime).saturating_sub(before);
        self.0.fetch_add(u64::try_from(took.as_nanos()).unwrap_or_default(), Ordering::Relaxed);
        outcome
    }

    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
