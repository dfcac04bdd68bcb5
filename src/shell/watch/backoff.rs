//! Waiting longer each time.

use std::time::{Duration, Instant};

/// Something that is tried again after a while, then after twice as long, up to a longest wait.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    waiting: Option<(Duration, Instant)>,
}

impl Default for Backoff {
    /// A second, two, four …: a disk that has room again is found within a minute.
    fn default() -> Self {
        Self::between(Duration::from_secs(1), Duration::from_secs(60))
    }
}

impl Backoff {
    pub fn between(first: Duration, longest: Duration) -> Self {
        Self { first, longest, waiting: None }
    }

    pub fn fail(&mut self, now: Instant) {
        let delay = self.waiting.map_or(self.first, |(delay, _)| (delay * 2).min(self.longest));
        self.waiting = Some((delay, now + delay));
    }

    pub fn succeed(&mut self) {
        self.waiting = None;
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.due().is_none_or(|due| now >= due)
    }

    /// `None` when nothing has failed.
    pub fn due(&self) -> Option<Instant> {
        self.waiting.map(|(_, due)| due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        assert!(backoff.is_due(start));
        let mut waits = Vec::new();
        for _ in 0..8 {
            backoff.fail(start);
            waits.push(backoff.due().unwrap().duration_since(start).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(!backoff.is_due(start) && backoff.is_due(start + Duration::from_secs(60)));
        backoff.succeed();
        assert!(backoff.is_due(start));
    }
}
