//! Step 7: what is older than the sender's retention is deleted; the ledger keeps ids and events.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{Days, Months, NaiveDate};
use rayon::prelude::*;

use super::standing;
use super::{Night, inside};
use crate::core::calendar::{Time, midnight, parse_time};
use crate::core::names::shown;
use crate::core::route::Channel;
use crate::core::status::Status;
use crate::shell::fault;
use crate::shell::outbox::{is_batch, name, read_status, subfolders};

/// The day in a batch's name.
pub fn day_of(batch: &str) -> Option<Time> {
    batch.strip_prefix("batch-")?.get(..10)?.parse().ok().map(midnight)
}

impl Night<'_> {
    pub(super) fn purge(&mut self) -> anyhow::Result<()> {
        let days = self.pass.desk.senders.retention_days;
        let Some(limit) = self.now.checked_sub_days(Days::new(u64::from(days))) else { return Ok(()) };
        let root = self.pass.desk.root;
        let refused = subfolders(&root.channel(Channel::Avvist)).context("kan ikke lese outbox/avvist")?;
        self.purge_letters(refused, limit)?;
        for month in subfolders(&root.archive()).context("kan ikke lese outbox/arkiv")? {
            // Nothing in a month is older than its first day.
            if first_day(&month).is_none_or(|day| midnight(day) > limit) {
                continue;
            }
            // A month or a batch that cannot be listed has been named already, in the same night.
            let Ok(folders) = subfolders(&month) else { continue };
            let (batches, letters): (Vec<PathBuf>, Vec<PathBuf>) = folders.into_iter().partition(|path| is_batch(path));
            self.purge_letters(letters, limit)?;
            for batch in batches {
                self.purge_batch(&batch, limit)?;
            }
            // It stays where something still lies in it.
            let _ = self.pass.desk.spool.remove_if_empty(&month);
        }
        Ok(())
    }

    fn purge_letters(&mut self, folders: Vec<PathBuf>, limit: Time) -> anyhow::Result<()> {
        let recorded = standing::recorded(self.pass.desk.root, &*self.pass.ledger, &folders)?;
        let old = |(path, recorded): (PathBuf, Option<Status>)| {
            // A copy that somebody made is as old as it says, and no letter of the ledger's.
            let id = recorded.as_ref().map(|status| status.forsendelsesId.clone());
            let status = recorded.or_else(|| read_status(&path))?;
            (status.plassert.0 < limit).then_some((path, id))
        };
        self.delete(folders.into_par_iter().zip(recorded).filter_map(old).collect())
    }

    /// A batch is as old as its archiving.
    fn purge_batch(&mut self, batch: &Path, limit: Time) -> anyhow::Result<()> {
        let recorded = self.pass.ledger.batches()?.remove(&name(batch));
        let time = recorded.map(|batch| batch.archived.unwrap_or(batch.sealed));
        let time = time.as_deref().and_then(parse_time).or_else(|| day_of(&name(batch)));
        if time.is_none_or(|time| time >= limit) {
            return Ok(());
        }
        let Ok(letters) = subfolders(batch) else { return Ok(()) };
        let accounts = standing::accounts(self.pass.desk.root, &*self.pass.ledger, &letters)?;
        let ids: Vec<String> = accounts.into_iter().flatten().map(|account| account.id).collect();
        self.pass.ledger.purged(&self.at(), &ids)?;
        self.report.purged += ids.len();
        self.remove(batch);
        Ok(())
    }

    /// What cannot be deleted tonight is tried again tomorrow; the lists do not wait for it.
    fn remove(&mut self, folder: &Path) {
        if let Err(error) = self.pass.desk.spool.delete(folder) {
            let place = inside(self.pass.desk.root, folder);
            self.needs_person(format!(
                "{}: mappen er eldre enn oppbevaringstiden og kunne ikke slettes ({}). Prøv: {}.",
                shown(&place),
                fault::cause(&error),
                fault::remedy(&error)
            ));
        }
    }

    fn delete(&mut self, letters: Vec<(PathBuf, Option<String>)>) -> anyhow::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = letters.iter().filter_map(|(_, id)| id.clone()).collect();
        self.pass.ledger.purged(&self.at(), &ids)?;
        self.report.purged += ids.len();
        for (path, _) in letters {
            self.remove(&path);
        }
        Ok(())
    }
}

/// The first day of the month that a folder in the archive is named for.
fn first_day(month: &Path) -> Option<NaiveDate> {
    let day: NaiveDate = format!("{}-01", name(month)).parse().ok()?;
    // A name that is no month of the calendar is not ours.
    day.checked_add_months(Months::new(1)).map(|_| day)
}
