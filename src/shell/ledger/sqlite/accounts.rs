//! What each letter's folder says, as it was recorded.

use super::*;

impl Accounts for Sqlite {
    fn accounts(&self, places: &[&str]) -> anyhow::Result<Vec<Option<Account>>> {
        let select = "SELECT letter, status FROM account WHERE place = ?1";
        let mut statement = self.connection.prepare_cached(select)?;
        let row = |row: &rusqlite::Row| Ok(Account { id: row.get(0)?, status: row.get(1)? });
        let mut account = |place: &&str| statement.query_row([account_place(place)], row).optional();
        Ok(places.iter().map(&mut account).collect::<Result<_, _>>()?)
    }

    fn places(&self) -> anyhow::Result<HashSet<String>> {
        let mut statement = self.connection.prepare_cached("SELECT place FROM account")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn recorded_place(&self, id: &str) -> anyhow::Result<Option<String>> {
        let mut statement = self.connection.prepare_cached("SELECT place FROM account WHERE letter = ?1")?;
        Ok(statement.query_row([id], |row| row.get(0)).optional()?)
    }

    fn unwritten(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        let select = "SELECT letter, place, status FROM account WHERE unwritten ORDER BY letter";
        let mut statement = self.connection.prepare_cached(select)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn written(&mut self, ids: &[&str]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for id in ids {
            transaction.prepare_cached("UPDATE account SET unwritten = 0 WHERE letter = ?1")?.execute([id])?;
        }
        Ok(transaction.commit()?)
    }

    fn metadata(&self, id: &str) -> anyhow::Result<Option<Digest256>> {
        let mut statement = self.connection.prepare_cached("SELECT metadata FROM letter WHERE id = ?1")?;
        let digest: Option<Option<Digest256>> = statement.query_row([id], |row| row.get(0)).optional()?;
        Ok(digest.flatten())
    }

    fn given_up(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT a.place, a.status FROM event e JOIN account a ON a.letter = e.letter
             WHERE e.state = 'IKKE_LEVERT' AND a.place LIKE 'arkiv/%' ORDER BY a.place",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What is said of a letter from now on, in its folder too.
pub(super) fn account(connection: &Connection, id: &str, place: &str, text: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO account (letter, place, status, unwritten) VALUES (?1, ?2, ?3, 0)")?
        .execute([id, account_place(place), text])
        .map(drop)
}
