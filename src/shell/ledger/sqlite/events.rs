//! What has happened, and to which letters.

use super::*;
use crate::core::tally::Course;

impl Events for Sqlite {
    fn letters(&self, asked: Asked) -> anyhow::Result<Vec<String>> {
        let (select, text, max) = match asked {
            Asked::Id(id) => ("SELECT id FROM letter WHERE id = ?1 LIMIT ?2", id, i64::MAX),
            Asked::Reference(reference) => {
                ("SELECT id FROM letter WHERE reference = ?1 ORDER BY received, attempt LIMIT ?2", reference, i64::MAX)
            }
            Asked::IdBeginning(start, max) => {
                ("SELECT id FROM letter WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT ?2", start, max.into())
            }
            Asked::ReferenceBeginning(start, max) => (
                "SELECT id FROM letter WHERE reference >= ?1 AND reference < ?1 || char(0x10ffff)
                 ORDER BY received, attempt LIMIT ?2",
                start,
                max.into(),
            ),
        };
        let mut statement = self.connection.prepare_cached(select)?;
        let rows = statement.query_map(params![text, max], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn history(&self, id: &str) -> anyhow::Result<Vec<LedgerEvent>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT at, kind, place, code, state FROM event WHERE letter = ?1 ORDER BY number")?;
        let rows = statement.query_map([id], |row| {
            Ok(LedgerEvent {
                at: row.get(0)?,
                kind: row.get(1)?,
                place: row.get(2)?,
                code: row.get(3)?,
                state: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn last_event(&self) -> anyhow::Result<i64> {
        let newest = "SELECT coalesce(max(number), 0) FROM event";
        self.connection.query_row(newest, [], |row| row.get(0)).context("protokollen kan ikke leses")
    }

    fn events(&self, first: i64, last: i64, each: &mut dyn FnMut(ListedEvent)) -> anyhow::Result<()> {
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

    fn altinn_stays(&self, since: &str, each: &mut dyn FnMut(AltinnStay)) -> anyhow::Result<()> {
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

    fn counts(&self) -> anyhow::Result<BTreeMap<Group, Count>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT l.id, substr(l.received, 1, 7), l.sender, e.kind, e.code, e.place, e.state, e.channel
             FROM letter l JOIN event e ON e.letter = l.id
             WHERE e.kind IN ('decided', 'placed', 'status') ORDER BY l.id, e.number",
        )?;
        let mut counts = BTreeMap::new();
        let mut letter = (String::new(), String::new(), None, Course::default());
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if row.get_ref(0)?.as_str()? != letter.0 {
                let next = (row.get(0)?, row.get(1)?, row.get(2)?, Course::default());
                let (_, month, sender, course) = std::mem::replace(&mut letter, next);
                course.count(&month, sender, &mut counts);
            }
            let text = |column| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
            let course = &mut letter.3;
            match row.get_ref(3)?.as_str()? {
                "decided" => course.decided(text(4)?.unwrap_or_default()),
                "placed" => course.placed(text(5)?.unwrap_or_default()),
                _ => course.happened(text(6)?.unwrap_or_default(), text(7)?),
            }
        }
        let (_, month, sender, course) = letter;
        course.count(&month, sender, &mut counts);
        Ok(counts)
    }
}
