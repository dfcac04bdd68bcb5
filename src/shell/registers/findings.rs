//! What a snapshot says of itself, whoever asks: how many rows it has, and which lines are none.

use serde::{Deserialize, Serialize};

use super::{About, Note};
use crate::core::identity::PersonId;
use crate::core::unreadable_identity::Suspects;

/// Damaged numbers that are remembered. With more the file is not to be trusted about anybody.
const SUSPECTS_MAX: usize = 1_000;
/// Notes on rows that a file may give; the rest are counted.
const ROW_NOTES_MAX: usize = 20;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Rows that could be read: with the header's number of fields and an identity.
    pub rows: u64,
    /// Rows without a readable identity, and the first one's line.
    pub unreadable: u64,
    pub unreadable_first: u64,
    pub notes: RowNotes,
    pub doubts: Doubts,
}

impl Findings {
    pub fn unreadable(&mut self, line: u64) {
        if self.unreadable == 0 {
            self.unreadable_first = line;
        }
        self.unreadable += 1;
    }

    /// Takes up what was found in the lines from `first` on, which are counted from 0 there.
    pub fn extend(&mut self, later: Self, first: u64) {
        self.rows += later.rows;
        if later.unreadable > 0 && self.unreadable == 0 {
            self.unreadable_first = first + later.unreadable_first;
        }
        self.unreadable += later.unreadable;
        self.notes.extend(later.notes, first);
        self.doubts.extend(later.doubts);
    }
}

/// Whom rows without a readable identity may mean.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Doubts {
    suspects: Vec<Suspects>,
    /// There were more than are kept: of nobody is it known that no row was meant for them.
    everybody: bool,
}

impl Doubts {
    pub fn add(&mut self, suspects: Suspects) {
        match self.suspects.len() {
            n if n < SUSPECTS_MAX => self.suspects.push(suspects),
            _ => self.everybody = true,
        }
    }

    fn extend(&mut self, later: Self) {
        later.suspects.into_iter().for_each(|suspects| self.add(suspects));
        self.everybody |= later.everybody;
    }

    pub fn include(&self, person: PersonId) -> bool {
        self.everybody || self.suspects.iter().any(|suspects| suspects.include(person))
    }

    /// What is to be said when nobody is beyond doubt.
    pub fn note(&self, file: &str) -> Option<Note> {
        let line = format!(
            "{file}: mer enn {SUSPECTS_MAX} rader har et nummer som ikke kan leses, og hver av dem kan gjelde hvem som helst. Alle brev til personer som ikke har en egen rad, blir liggende i inbox/. Prøv: hent registeret på nytt, uten å åpne det i et regneark."
        );
        self.everybody.then_some(Note { about: About::Everybody, line })
    }
}

/// Notes on rows: the first few, and how many there are beyond.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowNotes {
    /// Line, and what is wrong with it and what was done. In the order of their lines.
    notes: Vec<(u64, String)>,
    beyond: u64,
}

impl RowNotes {
    pub fn add(&mut self, line: u64, what: &str, done: &str) {
        self.insert(line, || format!("{what}. {done}"));
    }

    fn insert(&mut self, line: u64, text: impl FnOnce() -> String) {
        let at = self.notes.partition_point(|(other, _)| *other <= line);
        if at < ROW_NOTES_MAX {
            self.notes.insert(at, (line, text()));
        }
        if at == ROW_NOTES_MAX || self.notes.len() > ROW_NOTES_MAX {
            self.notes.truncate(ROW_NOTES_MAX);
            self.beyond += 1;
        }
    }

    pub fn extend(&mut self, others: Self, first: u64) {
        others.notes.into_iter().for_each(|(line, text)| self.insert(first + line, || text));
        self.beyond += others.beyond;
    }

    /// As the operator reads them; `file` as the operator knows it.
    pub fn into_notes(self, file: &str) -> Vec<Note> {
        let row = |(line, text)| Note {
            about: About::Row(line),
            line: format!("{file}, linje {line}: {text} Prøv: rett raden hos kilden og hent registeret på nytt."),
        };
        let mut notes: Vec<Note> = self.notes.into_iter().map(row).collect();
        if self.beyond > 0 {
            let line = format!(
                "{file}: {} rader til har feil som ikke er listet her. Prøv: «postgang check» på filen.",
                self.beyond
            );
            notes.push(Note { about: About::MoreRows, line });
        }
        notes
    }
}
