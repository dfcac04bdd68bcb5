//! What a root remembers of its lists, of what people have been told, and of what waits for them.

use super::*;

impl Notes for Sqlite {
    fn listed(&self, list: &str, day: &str) -> anyhow::Result<(Option<(i64, i64)>, i64)> {
        let today = "SELECT first, last FROM listed WHERE list = ?1 AND day = ?2";
        let today = self.connection.query_row(today, [list, day], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let last = "SELECT coalesce(max(last), 0) FROM listed WHERE list = ?1";
        Ok((today, self.connection.query_row(last, [list], |row| row.get(0))?))
    }

    fn set_listed(&mut self, list: &str, day: &str, first: i64, last: i64) -> anyhow::Result<()> {
        self.connection.execute(
            "INSERT OR REPLACE INTO listed (list, day, first, last) VALUES (?1, ?2, ?3, ?4)",
            params![list, day, first, last],
        )?;
        Ok(())
    }

    fn list_files(&self, list: &str, day: &str) -> anyhow::Result<BTreeMap<String, i64>> {
        let select = "SELECT name, first FROM list_file WHERE list = ?1 AND day = ?2";
        let mut statement = self.connection.prepare_cached(select)?;
        let rows = statement.query_map([list, day], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn begin_list_files(&mut self, list: &str, day: &str, files: &[(&str, i64)]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for (name, first) in files {
            let insert = "INSERT OR REPLACE INTO list_file (name, list, day, first) VALUES (?1, ?2, ?3, ?4)";
            transaction.prepare_cached(insert)?.execute(params![name, list, day, first])?;
        }
        Ok(transaction.commit()?)
    }

    fn is_told(&self, what: &str) -> anyhow::Result<bool> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM told WHERE what = ?1")?;
        Ok(statement.exists([what])?)
    }

    fn told_with(&self, start: &str) -> anyhow::Result<Option<String>> {
        let next = "SELECT what FROM told WHERE what >= ?1 ORDER BY what LIMIT 1";
        let mut statement = self.connection.prepare_cached(next)?;
        let what: Option<String> = statement.query_row([start], |row| row.get(0)).optional()?;
        Ok(what.filter(|what| what.starts_with(start)))
    }

    fn told(&mut self, all: &[String]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for what in all {
            transaction.prepare_cached("INSERT OR IGNORE INTO told (what) VALUES (?1)")?.execute([what])?;
        }
        Ok(transaction.commit()?)
    }

    fn held(&self) -> anyhow::Result<Vec<String>> {
        let mut statement = self.connection.prepare_cached("SELECT drop_name FROM held ORDER BY drop_name")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn set_held(&mut self, asked: Option<&[String]>, held: &[String]) -> anyhow::Result<()> {
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

    fn number_matters(
        &mut self,
        at: &str,
        today: &str,
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

    fn close_matters(&mut self, at: &str, numbers: &[i64]) -> anyhow::Result<Vec<Closing>> {
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

    fn knows_no_matter(&self) -> anyhow::Result<bool> {
        Ok(!self.connection.prepare("SELECT 1 FROM matter")?.exists([])?)
    }
}
