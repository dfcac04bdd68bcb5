//! What the stages of a pass cost, for the benchmark.

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
        Self { stages: Vec::new(), wall: Instant::now(), cpu: process_cpu() }
    }
}

impl Stopwatch {
    /// Charges the time since the last lap to `stage`.
    pub fn lap(&mut self, stage: &'static str) {
        let (wall, cpu) = (self.wall.elapsed(), process_cpu().saturating_sub(self.cpu));
        (self.wall, self.cpu) = (Instant::now(), process_cpu());
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

fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
