//! What is decided of letters, and how far it is carried out.

use super::*;
use crate::core::calendar::parse_time;

impl Decisions for Sqlite {
    fn earlier(&self, keys: &[Digest256]) -> anyhow::Result<HashMap<Digest256, Vec<Earlier>>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT l.id, l.attempt, l.refused, l.reference IS NOT NULL, l.received,
                    COALESCE((SELECT e.kind = 'released' FROM event e WHERE e.letter = l.id AND
                              e.kind IN ('released', 'blocking') ORDER BY e.number DESC LIMIT 1), 0),
                    p.source, p.target, p.folder, p.status, p.decision, p.beside, p.version
             FROM letter l LEFT JOIN pending p ON p.letter = l.id WHERE l.key = ?1 ORDER BY l.attempt",
        )?;
        let row = |row: &rusqlite::Row| {
            let letter = duplicate::Earlier {
                id: row.get(0)?,
                attempt: row.get(1)?,
                refused: row.get(2)?,
                has_reference: row.get(3)?,
                received: parse_time(&row.get::<_, String>(4)?),
                released: row.get(5)?,
            };
            Ok(Earlier { letter, pending: pending(row, 6)? })
        };
        let mut earlier = HashMap::new();
        for key in keys {
            let letters: Vec<Earlier> = statement.query_map([key.as_slice()], row)?.collect::<Result<_, _>>()?;
            if !letters.is_empty() {
                earlier.insert(*key, letters);
            }
        }
        Ok(earlier)
    }

    fn decide(&mut self, batch: &[(&Keyed, &Journey)]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for (keyed, letter) in batch {
            insert(&transaction, keyed, &letter.status)?;
            insert_pending(&transaction, &letter.status.forsendelsesId, &letter.pending)?;
        }
        Ok(transaction.commit()?)
    }

    fn onward(&mut self, at: &str, letters: &[Onward], batch: Option<NewBatch>) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        if let Some(NewBatch { name, sender }) = batch {
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
            if let Some(released) = letter.released {
                release(&transaction, id, at, released)?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn pending(&self) -> anyhow::Result<Vec<(String, Pending)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT letter, source, target, folder, status, decision, beside, version FROM pending ORDER BY letter",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, pending(row, 1)?)))?;
        let rows: Vec<(String, Option<Pending>)> = rows.collect::<Result<_, _>>()?;
        Ok(rows.into_iter().filter_map(|(id, pending)| Some((id, pending?))).collect())
    }

    fn placed(&mut self, at: &str, letters: &[(&Status, String)], sealed: Option<&str>) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for (status, place) in letters {
            arrived(&transaction, at, status, place)?;
        }
        if let Some(batch) = sealed {
            transaction.execute("UPDATE batch SET open = 0 WHERE name = ?1", [batch])?;
        }
        Ok(transaction.commit()?)
    }

    fn withdraw(&mut self, ids: &[String], batch: Option<&str>) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for id in ids {
            transaction.prepare_cached("DELETE FROM pending WHERE letter = ?1")?.execute([id])?;
        }
        if let Some(name) = batch {
            transaction.execute("DELETE FROM batch WHERE name = ?1 AND open", [name])?;
        }
        Ok(transaction.commit()?)
    }

    fn take_up(&mut self, at: &str, letters: &[Remembered], accounts: &[KnownAccount]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for letter in letters {
            let id = &letter.status.forsendelsesId;
            insert(&transaction, &letter.keyed, &letter.status)?;
            // It came there when it says, not when it was found again.
            arrived(&transaction, &letter.status.plassert.to_string(), &letter.status, &letter.place)?;
            account(&transaction, id, &letter.place, &letter.text)?;
            if letter.released {
                event(&transaction, id, at, "released", None, None)?;
            }
        }
        for known in accounts {
            account(&transaction, &known.id, &known.place, &known.text)?;
        }
        transaction.pragma_update(None, "user_version", FILLED)?;
        Ok(transaction.commit()?)
    }

    fn purged(&mut self, at: &str, ids: &[String]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for id in ids {
            event(&transaction, id, at, "purged", None, None)?;
            transaction.prepare_cached("DELETE FROM account WHERE letter = ?1")?.execute([id])?;
        }
        Ok(transaction.commit()?)
    }

    fn batches(&self) -> anyhow::Result<BTreeMap<String, BatchRecord>> {
        let mut statement = self.connection.prepare_cached("SELECT name, sealed_at, open, archived FROM batch")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, BatchRecord { sealed: row.get(1)?, is_open: row.get(2)?, archived: row.get(3)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn archive_batch(&mut self, name: &str, at: &str) -> anyhow::Result<()> {
        // A ledger that was lost knows no batch: it is as old as this archiving, not as its name.
        let archive = "INSERT INTO batch (name, sender, sealed_at, open, archived) VALUES (?1, '', ?2, 0, ?2)
                       ON CONFLICT (name) DO UPDATE SET archived = ?2";
        self.connection.execute(archive, [name, at])?;
        Ok(())
    }
}
