//! Every letter's course, for `report`.

use std::collections::BTreeMap;

use super::Ledger;
use crate::core::tally::{Count, Course, Group};

impl Ledger {
    /// Letters counted by what became of them. One letter at a time is kept in memory.
    pub fn counts(&self) -> anyhow::Result<BTreeMap<Group, Count>> {
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
