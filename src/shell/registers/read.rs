//! From a file in `registry/` to an answer: believed, absent or refused.

use std::collections::BTreeMap;

use super::file::Source;
use super::kept;
use super::memory::SnapshotMemory;
use super::refusal::Refusal;
use super::table::{Count, Reader, Register};
use super::{About, Answer, Note, Request};
use crate::core::snapshot::{SnapshotName, SnapshotUsed};

/// What reading one snapshot came to.
pub struct Reading<R: Register> {
    name: SnapshotName,
    /// The file as the operator knows it.
    file: String,
    notes: Vec<Note>,
    result: Result<Answer<R>, Refusal>,
}

/// Opens, reads and judges the snapshot `name`; where it is refused, the last one accepted stands in for it.
pub fn read<R: Register>(request: Request<'_>, name: SnapshotName) -> Reading<R> {
    let mut reading = read_new::<R>(request, name);
    match (&reading.result, request.kept) {
        (Ok(Answer::Read { used, .. }), Some(kept)) if may_stand_in(name) => {
            if let Err(error) = kept::keep(request.dir, kept, used) {
                let line = kept::not_kept(&reading.file, &error);
                reading.notes.push(Note { about: About::Copy, line });
            }
            reading
        }
        (Err(refusal), Some(kept)) if may_stand_in(name) => {
            let Some(last) = request.memory.get(name) else { return reading };
            let old = read_new::<R>(Request { dir: kept, ..request }, name);
            match &old.result {
                // Nothing but the very file that was accepted.
                Ok(Answer::Read { used, .. }) if used.sha256 == last.sha256 => {
                    let line = kept::stands_in(&reading.file, refusal, used);
                    Reading { notes: vec![Note { about: About::Snapshot, line }], file: reading.file, ..old }
                }
                _ => reading,
            }
        }
        _ => reading,
    }
}

/// Whether the last snapshot accepted may be used while a newer one is refused. Never one that tells of reservations:
/// the newer one may hold one, and a register of persons is not kept.
fn may_stand_in(name: SnapshotName) -> bool {
    matches!(name, SnapshotName::Enheter | SnapshotName::Underenheter | SnapshotName::Svarinn)
}

fn read_new<R: Register>(request: Request<'_>, name: SnapshotName) -> Reading<R> {
    let folder = request.dir.file_name().map_or("registry".into(), |name| name.to_string_lossy());
    let mut file = format!("{folder}/{name}.csv");
    let mut notes = Vec::new();
    let result = Source::open(request.dir, name).and_then(|source| match source {
        None => check_absence(request, name).map(|()| Answer::Absent),
        Some(source) => {
            file = format!("{folder}/{}", source.name);
            let mut reader = Reader::<R>::new(file.clone(), request.wanted, request.now);
            let result = read_source(request, name, source, &mut reader);
            let (table, row_notes) = reader.finish();
            notes = row_notes;
            result.map(|used| Answer::Read { table, used })
        }
    });
    Reading { name, file, notes, result }
}

fn check_absence(request: Request<'_>, name: SnapshotName) -> Result<(), Refusal> {
    if name.required() {
        Err(Refusal::Missing)
    } else if request.memory.get(name).is_some() && !request.accept.contains(&name) {
        Err(Refusal::Vanished)
    } else {
        Ok(())
    }
}

/// Reads the file through `reader` and judges it whole.
fn read_source<R: Register>(
    request: Request<'_>,
    name: SnapshotName,
    source: Source,
    reader: &mut Reader<'_, R>,
) -> Result<SnapshotUsed, Refusal> {
    let policy = request.policies.of(name);
    source.check_age(request.now, policy.age_hours_max)?;
    let modified = source.modified;
    let sha256 = source.read(|block, last| reader.feed(block, last))?;
    let Count { rows, unreadable, unreadable_first } = reader.count;
    if name == SnapshotName::Reservasjoner && unreadable > 0 {
        return Err(Refusal::IdentityUnreadable { rows: unreadable, line: unreadable_first });
    }
    if name.required() && rows == 0 {
        return Err(Refusal::Empty);
    }
    if rows < policy.rows_min {
        return Err(Refusal::TooFewRows { rows, rows_min: policy.rows_min });
    }
    if let Some(before) = request.memory.get(name).map(|last| last.rader)
        && fell(before, rows, policy.fall_percent_max)
        && !request.accept.contains(&name)
    {
        return Err(Refusal::RowsFell { rows, before, percent_max: policy.fall_percent_max });
    }
    Ok(SnapshotUsed { navn: name, sha256, tidspunkt: modified, rader: rows })
}

/// Whether more than `percent_max` per cent of the rows are gone.
pub fn fell(before: u64, rows: u64, percent_max: u32) -> bool {
    u128::from(before.saturating_sub(rows)) * 100 > u128::from(before) * u128::from(percent_max)
}

/// What the snapshots together have to say to the operator and to the next pass.
pub struct Report {
    pub notes: BTreeMap<SnapshotName, Vec<Note>>,
    pub refused: Vec<(SnapshotName, Refusal)>,
    pub accepted: SnapshotMemory,
    pub used: Vec<SnapshotUsed>,
}

impl Report {
    pub fn new(memory: &SnapshotMemory) -> Self {
        Self { notes: BTreeMap::new(), refused: Vec::new(), accepted: memory.clone(), used: Vec::new() }
    }

    /// Takes down what a reading came to. Readings must come in the order of [`SnapshotName`].
    pub fn settle<R: Register>(&mut self, reading: Option<Reading<R>>) -> Answer<R> {
        let Some(Reading { name, file, mut notes, result }) = reading else { return Answer::Unavailable };
        match &result {
            Ok(Answer::Read { used, .. }) => {
                self.accepted.remember(used.clone());
                self.used.push(used.clone());
            }
            Ok(_) => self.accepted.forget(name),
            Err(refusal) => {
                let line = format!(
                    "{file}: {refusal}. Registeret er ikke brukt, og ingen brev som trenger det, er flyttet. Prøv: {}.",
                    refusal.remedy()
                );
                notes.push(Note { about: About::Snapshot, line });
            }
        }
        self.notes.insert(name, notes);
        result.unwrap_or_else(|refusal| {
            self.refused.push((name, refusal));
            Answer::Unavailable
        })
    }
}
