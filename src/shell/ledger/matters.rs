//! Matters that a person must look at: their numbers, since when they stand, and whether somebody has closed them.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::Ledger;
use crate::core::matter::Matter;

/// A matter as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    pub number: i64,
    /// `YYYY-MM-DD`.
    pub since: String,
    pub closed: bool,
}

/// What came of closing a matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// What it was: the list's word for it, and its place.
    Closed(String),
    /// Somebody has closed it before.
    Known(String),
    Unknown,
}

impl Ledger {
    /// Numbers tonight's matters, in their order: each has the number that it had last night, and a new one gets the next
    /// that is not `taken`. One that stood and is not among them is over. Durable when it returns.
    pub fn number_matters(
        &mut self,
        (at, today): (&str, &str),
        matters: &[Matter],
        taken: &BTreeSet<i64>,
    ) -> anyhow::Result<Vec<Numbered>> {
        let transaction = self.connection.transaction()?;
        let mut next = transaction.query_row("SELECT coalesce(max(number), 0) FROM matter", [], |row| row.get(0))?;
        let mut numbered = Vec::new();
        // Each night has a number of its own, by which it knows those that stand.
        let night: i64 =
            transaction.query_row("SELECT coalesce(max(seen), 0) + 1 FROM matter", [], |row| row.get(0))?;
        for matter in matters {
            let (key, text) = (matter.key(), format!("{}, {}", matter.what, matter.place));
            let known = "SELECT number, since, closed IS NOT NULL FROM matter WHERE what = ?1 AND over IS NULL";
            let known = transaction
                .prepare_cached(known)?
                .query_row([&key], |row| Ok(Numbered { number: row.get(0)?, since: row.get(1)?, closed: row.get(2)? }));
            let one = match known.optional()? {
                Some(known) => {
                    let seen = "UPDATE matter SET seen = ?2, text = ?3 WHERE number = ?1";
                    transaction.prepare_cached(seen)?.execute(params![known.number, night, text])?;
                    known
                }
                None => {
                    next = (next + 1..).find(|number| !taken.contains(number)).unwrap_or(i64::MAX);
                    let since = matter.since.map_or_else(|| today.to_owned(), |since| since.0.date_naive().to_string());
                    let insert = "INSERT INTO matter (number, what, text, since, seen) VALUES (?1, ?2, ?3, ?4, ?5)";
                    transaction.prepare_cached(insert)?.execute(params![next, key, text, since, night])?;
                    Numbered { number: next, since, closed: false }
                }
            };
            numbered.push(one);
        }
        transaction.execute("UPDATE matter SET over = ?1 WHERE over IS NULL AND seen <> ?2", params![at, night])?;
        transaction.commit()?;
        Ok(numbered)
    }

    /// Closes matters for good; durable when it returns. The outcome of each, in order.
    pub fn close_matters(&mut self, at: &str, numbers: &[i64]) -> anyhow::Result<Vec<Closing>> {
        let transaction = self.connection.transaction()?;
        let mut closings = Vec::new();
        for number in numbers {
            let text = transaction
                .prepare_cached("SELECT text, closed IS NOT NULL FROM matter WHERE number = ?1")?
                .query_row([number], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))
                .optional()?;
            closings.push(match text {
                None => Closing::Unknown,
                Some((text, true)) => Closing::Known(text),
                Some((text, false)) => {
                    let close = "UPDATE matter SET closed = ?2 WHERE number = ?1";
                    transaction.prepare_cached(close)?.execute(params![number, at])?;
                    Closing::Closed(text)
                }
            });
        }
        transaction.commit()?;
        Ok(closings)
    }

    /// Whether no matter has ever been numbered here.
    pub fn knows_no_matter(&self) -> anyhow::Result<bool> {
        Ok(!self.connection.prepare("SELECT 1 FROM matter")?.exists([])?)
    }

    /// Letters in the archive that were given up: place below `outbox/` and the text of their `status.yaml`, in order.
    pub fn given_up(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT a.place, a.status FROM event e JOIN account a ON a.letter = e.letter
             WHERE e.state = 'IKKE_LEVERT' AND a.place LIKE 'arkiv/%' ORDER BY a.place",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
