//! From a file in `registry/` to an answer: believed, absent or refused.

use std::collections::BTreeMap;
use std::io;

use super::answers::{Answers, Rows, add};
use super::file::{Source, check_age};
use super::findings::{Findings, RowNotes};
use super::gather::{Gathering, HELD, Says};
use super::memory::SnapshotMemory;
use super::refusal::SnapshotRefusal;
use super::register::Register;
use super::shelf::Shelf;
use super::table::{Damaged, Facts, Seen, Table, Writer};
use super::{About, Answer, Note, Request};
use crate::core::snapshot::{SnapshotName, SnapshotUsed};
use crate::core::status::Stamp;
use crate::shell::fault;

/// What reading one snapshot came to.
pub struct Reading<R: Register> {
    /// The file as the operator knows it.
    file: String,
    /// Of the file, where it was looked into.
    sha256: Option<String>,
    notes: Vec<Note>,
    result: Result<Answer<R>, SnapshotRefusal>,
}

/// Opens, reads and judges a snapshot; where it is refused, the last one accepted stands in for it.
pub fn read<R: Register>(request: Request<'_>) -> Reading<R> {
    let reading = read_new::<R>(request);
    let (shelf, last) = (request.shelf, request.memory.get(R::NAME));
    if let Some(shelf) = shelf.filter(|shelf| shelf.is_ours) {
        // Of what is not in `registry/` any more, only what may stand in.
        let last = last.filter(|_| may_stand_in(R::NAME) && reading.result.is_err()).map(|last| &last.sha256);
        let kept: Vec<&str> = reading.sha256.iter().chain(last).map(String::as_str).collect();
        shelf.keep_only(R::NAME, &kept);
    }
    match (&reading.result, shelf, last) {
        (Err(refusal), Some(shelf), Some(last)) if may_stand_in(R::NAME) => match stand_in::<R>(request, shelf, last) {
            Some(answer) => {
                let line = stands_in(&reading.file, refusal, last);
                let notes = vec![Note { about: About::Snapshot, line }];
                Reading { notes, result: Ok(answer), ..reading }
            }
            None => reading,
        },
        _ => reading,
    }
}

/// Whether the last snapshot accepted may be used while a newer one is refused. Never one that tells of reservations:
/// the newer one may hold one, and a register of persons is not kept.
fn may_stand_in(name: SnapshotName) -> bool {
    matches!(name, SnapshotName::Enheter | SnapshotName::Underenheter | SnapshotName::Svarinn)
}

/// What the table of the last snapshot accepted says, if there is one: nothing but what was made of that very file.
fn stand_in<R: Register>(request: Request<'_>, shelf: Shelf<'_>, last: &SnapshotUsed) -> Option<Answer<R>> {
    let table = shelf.table(R::NAME, &last.sha256)?;
    check_age(last.tidspunkt, request.now, request.policies.of(R::NAME).age_hours_max).ok()?;
    judge(request, R::NAME, &table.facts.findings).ok()?;
    let (answers, _) = look_up::<R>(request, &table).ok()?;
    Some(Answer::Read { answers, used: last.clone() })
}

fn stands_in(file: &str, refusal: &SnapshotRefusal, used: &SnapshotUsed) -> String {
    format!(
        "{file}: {refusal}. Forrige godtatte utgave, fra {}, brukes til den blir for gammel. Prøv: {}.",
        Stamp(used.tidspunkt),
        refusal.remedy()
    )
}

/// What the snapshot's own file says.
pub fn read_new<R: Register>(request: Request<'_>) -> Reading<R> {
    let name = R::NAME;
    let folder = request.dir.file_name().map_or("registry".into(), |name| name.to_string_lossy());
    let mut file = format!("{folder}/{name}.csv");
    let (mut notes, mut known) = (Vec::new(), None);
    let result = Source::open(request.dir, name).and_then(|source| match source {
        None => check_absence(request, name).map(|()| Answer::Absent),
        Some(source) => {
            file = format!("{folder}/{}", source.name);
            source.check_age(request.now, request.policies.of(name).age_hours_max)?;
            let (content, row_notes) = read_source::<R>(request, &source, &file, &mut notes);
            notes.extend(row_notes.into_notes(&file));
            let Content { answers, sha256, findings } = content?;
            notes.extend(findings.doubts.note(&file));
            known = Some(sha256.clone());
            judge(request, name, &findings)?;
            let used = SnapshotUsed { navn: name, sha256, tidspunkt: source.modified, rader: findings.rows };
            Ok(Answer::Read { answers, used })
        }
    });
    Reading { file, sha256: known, notes, result }
}

/// What is wrong with a register's rows whoever is asked about: a row that nobody can read wants somebody, though
/// nobody's letter waits for it. Silent about a snapshot that is not there or cannot be believed, as long as nobody
/// needs it.
pub fn standing_notes<R: Register>(request: Request<'_>) -> Option<Vec<Note>> {
    let shelf = request.shelf.filter(|shelf| shelf.is_ours)?;
    let source = Source::open(request.dir, R::NAME).ok()??;
    source.check_age(request.now, request.policies.of(R::NAME).age_hours_max).ok()?;
    let findings = match shelf.table_like(R::NAME, &source) {
        Some(table) => Some(table.facts.findings).filter(|_| table.facts.sha256 != UNREAD),
        None => match compile::<R>(shelf, &source) {
            (Ok(_), findings) => Some(findings),
            (Err(_), _) => {
                // Remembered, or every pass would read it again for nobody. Without the mark it does.
                let facts = Facts { navn: R::NAME, sha256: UNREAD.to_owned(), findings: Findings::default() };
                // Never sure: a pass that asks about somebody looks for itself.
                let seen = Seen { sure: false, ..shelf.seen(&source) };
                let mark = Writer::new(shelf.dir).finish(&facts, seen);
                let _ = mark.and_then(|mark| shelf.put(mark, R::NAME, UNREAD, &source, false));
                None
            }
        },
    };
    let findings = findings.filter(|findings| judge(request, R::NAME, findings).is_ok())?;
    let folder = request.dir.file_name().map_or("registry".into(), |name| name.to_string_lossy());
    let file = format!("{folder}/{}", source.name);
    let everybody = findings.doubts.note(&file);
    Some(findings.notes.into_notes(&file).into_iter().chain(everybody).collect())
}

/// Stands for the SHA-256 of a file that could not be read whole.
const UNREAD: &str = "unread";

fn check_absence(request: Request<'_>, name: SnapshotName) -> Result<(), SnapshotRefusal> {
    if name.required() {
        Err(SnapshotRefusal::Missing)
    } else if request.memory.get(name).is_some() && !request.accept.contains(&name) {
        Err(SnapshotRefusal::Vanished)
    } else {
        Ok(())
    }
}

/// What was found in a file that could be read whole.
struct Content<F> {
    answers: Answers<F>,
    sha256: String,
    findings: Findings,
}

/// By the file's table where there is or can be one, else by reading it through. The notes on rows are those up to
/// where the reading ended.
fn read_source<R: Register>(
    request: Request<'_>,
    source: &Source,
    file: &str,
    notes: &mut Vec<Note>,
) -> (Result<Content<R::Facts>, SnapshotRefusal>, RowNotes) {
    if let Some(shelf) = request.shelf {
        match shelf.table_of(R::NAME, source) {
            Err(refusal) => return (Err(refusal), RowNotes::default()),
            Ok(Some(table)) => {
                if let Ok((answers, row_notes)) = look_up::<R>(request, &table) {
                    let Facts { sha256, findings, .. } = table.facts;
                    let sums = source.check_sums(&sha256);
                    return (sums.map(|()| Content { answers, sha256, findings }), row_notes);
                }
            }
            Ok(None) => {}
        }
        if shelf.is_ours {
            match compile::<R>(shelf, source) {
                (Err(refusal), findings) => return (Err(refusal), findings.notes),
                (Ok(made), findings) => match made.map(|table| (look_up::<R>(request, &table), table)) {
                    Ok((Ok((answers, row_notes)), table)) => {
                        let sha256 = table.facts.sha256;
                        return (Ok(Content { answers, sha256, findings }), row_notes);
                    }
                    Ok((Err(Damaged), _)) => notes.push(not_made::<R>(file, &io::ErrorKind::InvalidData.into())),
                    Err(error) => notes.push(not_made::<R>(file, &error)),
                },
            }
        }
    }
    let mut rows = Rows::new();
    let mut gathering = Gathering::<R, _>::new(Some(request.wanted), |id, line, says| add(&mut rows, id, line, says));
    let read = source.read(|blocks| gathering.feed(blocks));
    let findings = gathering.findings;
    let mut row_notes = findings.notes.clone();
    let content = read.and_then(|sha256| {
        let answers = Answers::new::<R>(&rows, findings.doubts.clone(), request.now, &mut row_notes);
        // What was packed a moment ago can be unpacked.
        let answers = answers.map_err(|Damaged| SnapshotRefusal::Unreadable(io::ErrorKind::InvalidData.into()))?;
        Ok(Content { answers, sha256, findings })
    });
    (content, row_notes)
}

/// What a table says of those who are asked about, and the notes on rows.
fn look_up<R: Register>(request: Request<'_>, table: &Table) -> Result<(Answers<R::Facts>, RowNotes), Damaged> {
    let (wanted, findings) = (request.wanted, &table.facts.findings);
    let (mut rows, mut notes) = (Rows::new(), findings.notes.clone());
    if wanted.everything {
        table.for_each(|line, says| {
            if let Says::Unclear(why) = says {
                notes.add(line, &why, HELD);
            }
        })?;
    } else {
        table.find(wanted.ids(), |id, line, says| add(&mut rows, id, line, says))?;
    }
    let answers = Answers::new::<R>(&rows, findings.doubts.clone(), request.now, &mut notes)?;
    Ok((answers, notes))
}

/// Reads the file into a table and puts it on the shelf; also what was found up to where the reading ended.
fn compile<R: Register>(shelf: Shelf<'_>, source: &Source) -> (Result<io::Result<Table>, SnapshotRefusal>, Findings) {
    let prepared = shelf.prepare();
    let mut writer = Writer::new(shelf.dir);
    let mut gathering = Gathering::<R, _>::new(None, |id, line, says| writer.push(id, line, &says));
    let read = source.read(|blocks| gathering.feed(blocks));
    let findings = gathering.findings;
    let made = read.map(|sha256| {
        prepared?;
        let facts = Facts { navn: R::NAME, sha256, findings: findings.clone() };
        let table = writer.finish(&facts, shelf.seen(source))?;
        shelf.put(table, R::NAME, &facts.sha256, source, may_stand_in(R::NAME))?;
        shelf.table(R::NAME, &facts.sha256).ok_or_else(|| io::ErrorKind::InvalidData.into())
    });
    (made, findings)
}

fn not_made<R: Register>(file: &str, error: &io::Error) -> Note {
    let else_lost = match may_stand_in(R::NAME) {
        true => "; den skal også brukes hvis neste utgave avvises",
        false => "",
    };
    let line = format!(
        "{file}: registeret er i bruk, men tabellen som sparer neste kjøring for å lese det, kunne ikke lages ({}){else_lost}. Prøv: {}; tabellene ligger i .postgang/snapshots.",
        fault::cause(error),
        fault::remedy(error)
    );
    Note { about: About::Table, line }
}

/// Whether what was found in a snapshot is enough to be believed.
fn judge(request: Request<'_>, name: SnapshotName, findings: &Findings) -> Result<(), SnapshotRefusal> {
    let policy = request.policies.of(name);
    let Findings { rows, unreadable, unreadable_first, .. } = *findings;
    if name == SnapshotName::Reservasjoner && unreadable > 0 {
        return Err(SnapshotRefusal::IdentityUnreadable { rows: unreadable, line: unreadable_first });
    }
    if name.required() && rows == 0 {
        return Err(SnapshotRefusal::Empty);
    }
    if rows < policy.rows_min {
        return Err(SnapshotRefusal::TooFewRows { rows, rows_min: policy.rows_min });
    }
    if let Some(before) = request.memory.get(name).map(|last| last.rader)
        && fell(before, rows, policy.fall_percent_max)
        && !request.accept.contains(&name)
    {
        return Err(SnapshotRefusal::RowsFell { rows, before, percent_max: policy.fall_percent_max });
    }
    Ok(())
}

/// Whether more than `percent_max` per cent of the rows are gone.
pub fn fell(before: u64, rows: u64, percent_max: u32) -> bool {
    u128::from(before.saturating_sub(rows)) * 100 > u128::from(before) * u128::from(percent_max)
}

/// What the snapshots together have to say to the operator and to the next pass.
pub struct Consulted {
    pub notes: BTreeMap<SnapshotName, Vec<Note>>,
    pub refused: Vec<(SnapshotName, SnapshotRefusal)>,
    pub accepted: SnapshotMemory,
    pub used: Vec<SnapshotUsed>,
}

impl Consulted {
    pub fn new(memory: &SnapshotMemory) -> Self {
        Self { notes: BTreeMap::new(), refused: Vec::new(), accepted: memory.clone(), used: Vec::new() }
    }

    /// Takes down what a reading came to. Readings must come in the order of [`SnapshotName`].
    pub fn settle<R: Register>(&mut self, reading: Option<Reading<R>>) -> Answer<R> {
        let name = R::NAME;
        let Some(Reading { file, mut notes, result, .. }) = reading else { return Answer::Unavailable };
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
