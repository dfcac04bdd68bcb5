//! Waiting longer each time.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
/// A disk that has room again is found within this.
const LONGEST: Duration = Duration::from_secs(60);

/// Something that is tried again after a second, two, four …, never rarer than once a minute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff(Option<(Duration, Instant)>);

impl Backoff {
    pub fn fail(&mut self, now: Instant) {
        let delay = self.0.map_or(FIRST, |(delay, _)| (delay * 2).min(LONGEST));
        self.0 = Some((delay, now + delay));
    }

    pub fn succeed(&mut self) {
        self.0 = None;
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.due().is_none_or(|due| now >= due)
    }

    /// `None` when nothing has failed.
    pub fn due(&self) -> Option<Instant> {
        self.0.map(|(_, due)| due)
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
        assert!(!backoff.is_due(start) && backoff.is_due(start + LONGEST));
        backoff.succeed();
        assert!(backoff.is_due(start));
    }
}
