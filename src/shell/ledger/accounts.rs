//! What the ledger vouches for of each letter that lies in `outbox/`: its place, and what its `status.yaml` says.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};

use super::{FILLED, Ledger};
use crate::core::letter::Digest256;

/// What the ledger says of a letter that lies in `outbox/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    /// The text of its `status.yaml`.
    pub status: String,
}

impl Ledger {
    /// Takes up the accounts of letters that were placed before accounts were kept: id, place below `outbox/`, text.
    pub fn take_up_accounts(&mut self, letters: &[(String, String, String)]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for (id, place, text) in letters {
            account(&transaction, id, place, text)?;
        }
        transaction.pragma_update(None, "user_version", FILLED)?;
        Ok(transaction.commit()?)
    }

    /// What is recorded of the letter that lies in this place, below `outbox/`.
    pub fn account(&self, place: &str) -> anyhow::Result<Option<Account>> {
        let select = "SELECT letter, status FROM account WHERE place = ?1";
        let mut statement = self.connection.prepare_cached(select)?;
        let row =
            statement.query_row([account_place(place)], |row| Ok(Account { id: row.get(0)?, status: row.get(1)? }));
        Ok(row.optional()?)
    }

    /// Every place that a letter is recorded to lie in; see [`account_place`].
    pub fn places(&self) -> anyhow::Result<HashSet<String>> {
        let mut statement = self.connection.prepare_cached("SELECT place FROM account")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where a letter is recorded to lie, below `outbox/`, or within its batch.
    pub fn recorded_place(&self, id: &str) -> anyhow::Result<Option<String>> {
        let mut statement = self.connection.prepare_cached("SELECT place FROM account WHERE letter = ?1")?;
        Ok(statement.query_row([id], |row| row.get(0)).optional()?)
    }

    /// Accounts that may not have reached their folders: id, place, text.
    pub fn unwritten(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        let select = "SELECT letter, place, status FROM account WHERE unwritten ORDER BY letter";
        let mut statement = self.connection.prepare_cached(select)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records that these letters' accounts stand in their folders; durable when it returns.
    pub fn written<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for id in ids {
            transaction.prepare_cached("UPDATE account SET unwritten = 0 WHERE letter = ?1")?.execute([id])?;
        }
        Ok(transaction.commit()?)
    }

    /// SHA-256 of the metadata that a letter was decided on; `None` where it was not recorded.
    pub fn metadata(&self, id: &str) -> anyhow::Result<Option<Digest256>> {
        let mut statement = self.connection.prepare_cached("SELECT metadata FROM letter WHERE id = ?1")?;
        let digest: Option<Option<Digest256>> = statement.query_row([id], |row| row.get(0)).optional()?;
        Ok(digest.flatten())
    }
}

/// What is said of a letter from now on, in its folder too.
pub(super) fn account(connection: &Connection, id: &str, place: &str, text: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO account (letter, place, status, unwritten) VALUES (?1, ?2, ?3, 0)")?
        .execute([id, account_place(place), text])
        .map(drop)
}

/// A place below `outbox/` as accounts have it: a batch moves whole, so a letter's place in it is counted from the batch
/// on.
pub fn account_place(place: &str) -> &str {
    let at = place.find("/batch-").filter(|at| place[at + 1..].contains('/'));
    at.map_or(place, |at| &place[at + 1..])
}
