//! Which letters a person means: by the whole of a reference, or the beginning of one or of an id.

use rusqlite::params;

use super::Ledger;

impl Ledger {
    /// Ids of letters with this `eksternReferanse`, the oldest first.
    pub fn with_reference(&self, reference: &str) -> anyhow::Result<Vec<String>> {
        let mut statement =
            self.connection.prepare_cached("SELECT id FROM letter WHERE reference = ?1 ORDER BY received, attempt")?;
        let rows = statement.query_map([reference], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ids of letters whose `eksternReferanse` begins so, the oldest first; at most `max`.
    pub fn with_reference_beginning(&self, start: &str, max: u32) -> anyhow::Result<Vec<String>> {
        let select = "SELECT id FROM letter WHERE reference >= ?1 AND reference < ?1 || char(0x10ffff)
                      ORDER BY received, attempt LIMIT ?2";
        let mut statement = self.connection.prepare_cached(select)?;
        let rows = statement.query_map(params![start, max], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ids that begin so; at most `max`.
    pub fn with_id_beginning(&self, start: &str, max: u32) -> anyhow::Result<Vec<String>> {
        let select = "SELECT id FROM letter WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(select)?;
        let rows = statement.query_map(params![start, max], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
