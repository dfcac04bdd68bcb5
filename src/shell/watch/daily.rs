//! Something done once a day, for those without a timer.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use chrono::{Days, NaiveDate, NaiveTime};

use super::backoff::Backoff;
use super::service::unhurried;
use crate::core::calendar::{Time, local};
use crate::shell::dir::replace_file;
use crate::shell::fault;
use crate::shell::root::Root;

/// The file in `.postgang/` that says for which day it was last done.
const FILE: &str = "nightly";

/// Work to be done at a time of day in Europe/Oslo; where that time was missed, as soon as may be.
pub struct Daily<'a> {
    pub at: NaiveTime,
    pub work: &'a mut dyn FnMut(Time) -> anyhow::Result<()>,
    retry: Backoff,
    failure: Option<String>,
}

impl<'a> Daily<'a> {
    pub fn new(at: NaiveTime, work: &'a mut dyn FnMut(Time) -> anyhow::Result<()>) -> Self {
        Self { at, work, retry: Backoff::default(), failure: None }
    }

    /// Does the work if its time has come. The first time that it is seen counts as done: nobody asked for it before.
    pub fn run(&mut self, root: &Root, now: Time) -> anyhow::Result<()> {
        let file = root.state().join(FILE);
        let day = self.last_due(now);
        match read(&file)? {
            Some(done) if done >= day => return Ok(()),
            None => return write(&file, day),
            Some(_) => {}
        }
        if let Some(failure) = self.failure.clone().filter(|_| !self.retry.is_due(Instant::now())) {
            return Err(anyhow::Error::msg(failure));
        }
        match unhurried(|| (self.work)(now)) {
            Ok(()) => {
                self.retry.succeed();
                self.failure = None;
                write(&file, day)
            }
            Err(error) => {
                self.retry.fail(Instant::now());
                self.failure = Some(fault::chain(&error));
                Err(error)
            }
        }
    }

    /// The latest day whose time has come.
    fn last_due(&self, now: Time) -> NaiveDate {
        let today = now.date_naive();
        if now >= local(today.and_time(self.at)) { today } else { today - Days::new(1) }
    }
}

fn read(file: &Path) -> anyhow::Result<Option<NaiveDate>> {
    match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        bytes => {
            let bytes = bytes.with_context(|| format!("kan ikke lese {}", file.display()))?;
            let day = String::from_utf8_lossy(&bytes).trim().parse();
            // Somebody asked for the work before; when it was last done is lost, and it can be done twice.
            Ok(Some(day.unwrap_or(NaiveDate::MIN)))
        }
    }
}

fn write(file: &Path, day: NaiveDate) -> anyhow::Result<()> {
    replace_file(file, format!("{day}\n").as_bytes()).with_context(|| format!("kan ikke skrive {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::parse_time;

    #[test]
    fn it_is_done_once_a_day_and_caught_up() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join(".postgang")).unwrap();
        let root = Root::new(temp.path(), None);
        let mut done = Vec::new();
        let mut work = |now: Time| {
            done.push(now.to_rfc3339());
            Ok(())
        };
        let at = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        let mut daily = Daily::new(at, &mut work);
        for now in [
            // Installed after the day's time: nothing was missed.
            "2026-03-27T12:00:00+01:00",
            "2026-03-28T02:29:59+01:00",
            "2026-03-28T02:30:00+01:00",
            "2026-03-28T02:30:05+01:00",
            // Half past two does not exist this night; the work is done when the clocks have gone forward.
            "2026-03-29T01:59:59+01:00",
            "2026-03-29T03:30:00+02:00",
            "2026-03-29T23:00:00+02:00",
            // Two nights without power: once, not twice.
            "2026-04-01T09:00:00+02:00",
            "2026-04-01T10:00:00+02:00",
        ] {
            daily.run(&root, parse_time(now).unwrap()).unwrap();
        }
        assert_eq!(done, ["2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-04-01T09:00:00+02:00"]);
    }

    #[test]
    fn a_day_that_cannot_be_read_is_owed() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join(".postgang")).unwrap();
        let file = temp.path().join(".postgang/nightly");
        let root = Root::new(temp.path(), None);
        let now = parse_time("2026-03-28T02:30:00+01:00").unwrap();
        for content in [&b""[..], b"\xff\n"] {
            fs::write(&file, content).unwrap();
            let mut done = 0;
            let mut work = |_: Time| {
                done += 1;
                Ok(())
            };
            let mut daily = Daily::new(NaiveTime::MIN, &mut work);
            daily.run(&root, now).unwrap();
            daily.run(&root, now).unwrap();
            assert_eq!((done, fs::read_to_string(&file).unwrap().as_str()), (1, "2026-03-28\n"));
        }
    }

    #[test]
    fn work_that_fails_is_owed() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join(".postgang")).unwrap();
        fs::write(temp.path().join(".postgang/nightly"), "2026-03-27\n").unwrap();
        let root = Root::new(temp.path(), None);
        let mut work = |_: Time| anyhow::bail!("fullt");
        let mut daily = Daily::new(NaiveTime::MIN, &mut work);
        let now = parse_time("2026-03-28T02:30:00+01:00").unwrap();
        assert!(daily.run(&root, now).is_err() && daily.run(&root, now).is_err());
        let mut work = |_: Time| Ok(());
        Daily::new(NaiveTime::MIN, &mut work).run(&root, now).unwrap();
        assert_eq!(fs::read_to_string(temp.path().join(".postgang/nightly")).unwrap(), "2026-03-28\n");
    }
}
