//! The ledger's part in a night: moves of placed letters, print batches, and what lists have told.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use rusqlite::{OptionalExtension, params};

use super::{Ledger, Pending, arrived, event, happened, insert_pending, once};
use crate::core::status::Status;

/// What a night has decided about one letter.
pub struct Onward<'a> {
    /// As it will be when the decision is carried out.
    pub status: &'a Status,
    /// `None`: it stays where it is.
    pub pending: Option<Pending>,
    pub reminded: bool,
    /// The same letter may come again.
    pub released: bool,
}

/// A row of a list: an event with what is known of its letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEvent {
    pub number: i64,
    pub kind: String,
    pub letter: String,
    pub reference: Option<String>,
    pub sender: Option<String>,
    /// RFC 3339.
    pub at: String,
    pub state: Option<String>,
    pub channel: Option<String>,
    pub code: Option<String>,
    pub notified: Option<String>,
}

/// A letter's stay in Altinn; times as RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AltinnStay {
    pub id: String,
    pub sender: Option<String>,
    pub placed: String,
    pub left: Option<String>,
    /// A receipt is recorded.
    pub heard: bool,
}

impl Ledger {
    /// Records a night's decisions, and the events of letters that stay; durable when it returns. What is recorded
    /// already stays as it is.
    pub fn onward(&mut self, at: &str, letters: &[Onward]) -> anyhow::Result<()> {
        self.onward_in_batch(at, letters, None)
    }

    /// The same for the letters of a print batch, which is open from here on.
    pub fn onward_in_batch(&mut self, at: &str, letters: &[Onward], batch: Option<(&str, &str)>) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        if let Some((name, sender)) = batch {
            transaction.execute(
                "INSERT INTO batch (name, sender, sealed_at, open) VALUES (?1, ?2, ?3, 1)",
                [name, sender, at],
            )?;
        }
        for letter in letters {
            let id = &letter.status.forsendelsesId;
            match &letter.pending {
                Some(pending) => {
                    event(&transaction, id, at, "decided", None, Some(&letter.status.kode))?;
                    insert_pending(&transaction, id, pending)?;
                }
                None => {
                    happened(&transaction, letter.status)?;
                    transaction
                        .prepare_cached(
                            "UPDATE account SET status = ?2, unwritten = 1 WHERE letter = ?1 AND status <> ?2",
                        )?
                        .execute([id, &letter.status.to_yaml()])?;
                }
            }
            if letter.reminded {
                once(&transaction, id, at, "reminded")?;
            }
            if letter.released {
                once(&transaction, id, at, "released")?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Forgets decisions that cannot be carried out: their letters are gone, or stay where they are after all.
    pub fn withdraw(&mut self, ids: &[String], batch: Option<&str>) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for id in ids {
            transaction.prepare_cached("DELETE FROM pending WHERE letter = ?1")?.execute([id])?;
        }
        if let Some(name) = batch {
            transaction.execute("DELETE FROM batch WHERE name = ?1 AND open", [name])?;
        }
        Ok(transaction.commit()?)
    }

    /// Batches that were to be sealed and are not known to be, with the sealing's moment.
    pub fn open_batches(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut statement =
            self.connection.prepare_cached("SELECT name, sealed_at FROM batch WHERE open ORDER BY name")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records that a batch and its letters lie in their place; durable when it returns.
    pub fn sealed<'a>(
        &mut self,
        name: &str,
        at: &str,
        letters: impl IntoIterator<Item = (&'a Status, String)>,
    ) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for (status, place) in letters {
            arrived(&transaction, at, status, &place)?;
        }
        transaction.execute("UPDATE batch SET open = 0 WHERE name = ?1", [name])?;
        Ok(transaction.commit()?)
    }

    /// The names of every batch there has been.
    pub fn batch_names(&self) -> anyhow::Result<BTreeSet<String>> {
        let mut statement = self.connection.prepare_cached("SELECT name FROM batch")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When a batch was sealed and when it was archived, as far as it is remembered.
    pub fn batch_times(&self, name: &str) -> anyhow::Result<(Option<String>, Option<String>)> {
        let mut statement = self.connection.prepare_cached("SELECT sealed_at, archived FROM batch WHERE name = ?1")?;
        let times = statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(times.unwrap_or_default())
    }

    pub fn archive_batch(&mut self, name: &str, at: &str) -> anyhow::Result<()> {
        // A ledger that was lost knows no batch: it is as old as this archiving, not as its name.
        let archive = "INSERT INTO batch (name, sender, sealed_at, open, archived) VALUES (?1, '', ?2, 0, ?2)
                       ON CONFLICT (name) DO UPDATE SET archived = ?2";
        self.connection.execute(archive, [name, at])?;
        Ok(())
    }

    /// Records letters whose folders are deleted; durable when it returns.
    pub fn purged(&mut self, at: &str, ids: &[String]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for id in ids {
            event(&transaction, id, at, "purged", None, None)?;
            transaction.prepare_cached("DELETE FROM account WHERE letter = ?1")?.execute([id])?;
        }
        Ok(transaction.commit()?)
    }

    /// Whether an operator has been told this.
    pub fn is_told(&self, what: &str) -> anyhow::Result<bool> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM told WHERE what = ?1")?;
        Ok(statement.exists([what])?)
    }

    /// What an operator has been told that begins so.
    pub fn told_with(&self, start: &str) -> anyhow::Result<Option<String>> {
        let next = "SELECT what FROM told WHERE what >= ?1 ORDER BY what LIMIT 1";
        let mut statement = self.connection.prepare_cached(next)?;
        let what: Option<String> = statement.query_row([start], |row| row.get(0)).optional()?;
        Ok(what.filter(|what| what.starts_with(start)))
    }

    /// Hands each stay in Altinn that began at or after `since` to `each`. Our own events say nothing of what was heard,
    /// nor do those of paper.
    pub fn altinn_stays(&self, since: &str, mut each: impl FnMut(AltinnStay)) -> anyhow::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT e.letter, l.sender, e.at,
                    (SELECT min(n.at) FROM event n WHERE n.letter = e.letter AND n.kind = 'placed' AND n.number > e.number),
                    EXISTS (SELECT 1 FROM event r WHERE r.letter = e.letter AND r.kind = 'status' AND r.channel <> 'print'
                            AND r.state NOT IN ('AKSEPTERT', 'KLAR_FOR_MOTTAK', 'AVVIST', 'IKKE_LEVERT',
                                                'SENDT_DIGITALT', 'MANUELT_HANDTERT'))
             FROM event e LEFT JOIN letter l ON l.id = e.letter
             WHERE e.kind = 'placed' AND e.place LIKE 'altinn/%' AND e.at >= ?1 ORDER BY e.number",
        )?;
        let mut rows = statement.query([since])?;
        while let Some(row) = rows.next()? {
            each(AltinnStay {
                id: row.get(0)?,
                sender: row.get(1)?,
                placed: row.get(2)?,
                left: row.get(3)?,
                heard: row.get(4)?,
            });
        }
        Ok(())
    }

    /// Records that an operator has been told all this; durable when it returns.
    pub fn told(&mut self, all: &[String]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for what in all {
            transaction.prepare_cached("INSERT OR IGNORE INTO told (what) VALUES (?1)")?.execute([what])?;
        }
        Ok(transaction.commit()?)
    }

    /// Drops that wait for a register row, as the last routing pass left them.
    pub fn held(&self) -> anyhow::Result<Vec<String>> {
        let mut statement = self.connection.prepare_cached("SELECT drop_name FROM held ORDER BY drop_name")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// `asked`: the drops that were looked at; all there are when absent.
    pub fn set_held(&mut self, asked: Option<&[String]>, held: &[String]) -> anyhow::Result<()> {
        if held.is_empty() && self.held()?.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        match asked {
            None => {
                transaction.execute("DELETE FROM held", [])?;
            }
            Some(drops) => {
                for drop in drops {
                    transaction.prepare_cached("DELETE FROM held WHERE drop_name = ?1")?.execute([drop])?;
                }
            }
        }
        for drop in held {
            transaction.prepare_cached("INSERT OR IGNORE INTO held (drop_name) VALUES (?1)")?.execute([drop])?;
        }
        Ok(transaction.commit()?)
    }

    /// The number of the newest event; 0 where there is none.
    pub fn last_event(&self) -> anyhow::Result<i64> {
        let newest = "SELECT coalesce(max(number), 0) FROM event";
        self.connection.query_row(newest, [], |row| row.get(0)).context("protokollen kan ikke leses")
    }

    /// The first and last event of this day's list, if it has been written, and the last event of any day's.
    pub fn listed(&self, list: &str, day: &str) -> anyhow::Result<(Option<(i64, i64)>, i64)> {
        let today = "SELECT first, last FROM listed WHERE list = ?1 AND day = ?2";
        let today = self.connection.query_row(today, [list, day], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let last = "SELECT coalesce(max(last), 0) FROM listed WHERE list = ?1";
        Ok((today, self.connection.query_row(last, [list], |row| row.get(0))?))
    }

    /// Records that this day's list holds the events `first` to `last`.
    pub fn set_listed(&mut self, list: &str, day: &str, first: i64, last: i64) -> anyhow::Result<()> {
        self.connection.execute(
            "INSERT OR REPLACE INTO listed (list, day, first, last) VALUES (?1, ?2, ?3, ?4)",
            params![list, day, first, last],
        )?;
        Ok(())
    }

    /// The day's files of one list, each with the event that it begins with.
    pub fn list_files(&self, list: &str, day: &str) -> anyhow::Result<BTreeMap<String, i64>> {
        let select = "SELECT name, first FROM list_file WHERE list = ?1 AND day = ?2";
        let mut statement = self.connection.prepare_cached(select)?;
        let rows = statement.query_map([list, day], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records with which event these files begin.
    pub fn begin_list_files<'a>(
        &mut self,
        list: &str,
        day: &str,
        files: impl IntoIterator<Item = (&'a str, i64)>,
    ) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for (name, first) in files {
            let insert = "INSERT OR REPLACE INTO list_file (name, list, day, first) VALUES (?1, ?2, ?3, ?4)";
            transaction.prepare_cached(insert)?.execute(params![name, list, day, first])?;
        }
        Ok(transaction.commit()?)
    }

    /// Hands the events from `first` to `last` that a list can show to `each`, in order.
    pub fn events(&self, first: i64, last: i64, mut each: impl FnMut(ListedEvent)) -> anyhow::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT e.number, e.kind, e.letter, l.reference, l.sender, e.at, e.state, e.channel, e.code, e.notified
             FROM event e LEFT JOIN letter l ON l.id = e.letter
             WHERE e.number BETWEEN ?1 AND ?2 AND e.kind IN ('status', 'reminded') ORDER BY e.number",
        )?;
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            each(ListedEvent {
                number: row.get(0)?,
                kind: row.get(1)?,
                letter: row.get(2)?,
                reference: row.get(3)?,
                sender: row.get(4)?,
                at: row.get(5)?,
                state: row.get(6)?,
                channel: row.get(7)?,
                code: row.get(8)?,
                notified: row.get(9)?,
            });
        }
        Ok(())
    }
}
