//! What systemd is told. Nobody listens where the program was not started by it.

use std::time::Duration;

use sd_notify::NotifyState;

/// The longest that a night may take, as `postgang-nightly.service` has it.
const NIGHT_MAX: Duration = Duration::from_secs(4 * 3600);

pub fn tell(states: &[NotifyState]) {
    let _ = sd_notify::notify(states);
}

/// The longest that the watch may sleep: half of what the watchdog waits.
pub fn sleep_max() -> Duration {
    sd_notify::watchdog_enabled().map_or(Duration::MAX, |patience| patience / 2)
}

/// Does the night's work, which says nothing until it is done. Meanwhile the watchdog has a night's patience and no
/// more: a thread that spoke for the work would speak for one that hangs, too.
pub fn unhurried<T>(work: impl FnOnce() -> T) -> T {
    let Some(usual) = sd_notify::watchdog_enabled() else { return work() };
    let patience = |time: Duration| format!("WATCHDOG_USEC={}", time.as_micros());
    tell(&[NotifyState::Custom(&patience(NIGHT_MAX.max(usual)))]);
    let outcome = work();
    tell(&[NotifyState::Custom(&patience(usual)), NotifyState::Watchdog]);
    outcome
}
