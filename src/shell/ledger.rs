//! The ledger: what has happened, never where a letter is.
//!
//! SQLite, WAL with `synchronous=FULL`: an acknowledged commit survives a power cut. Nothing of SQLite shows outside
//! this module, because another database will stand behind the same functions. Losing the file costs the memory of
//! letters long gone; the rest is rebuilt from `outbox/`.

mod night;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use crate::core::letter::Digest256;
use crate::core::route::Channel;
use crate::core::status::Status;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS letter (
    id        TEXT PRIMARY KEY,          -- forsendelsesId
    key       BLOB NOT NULL,             -- SHA-256 of the key's lines
    attempt   INTEGER NOT NULL,          -- 1 for the first drop with this key
    refused   INTEGER NOT NULL,
    reference TEXT,                      -- eksternReferanse
    sender    TEXT,                      -- organisation number
    received  TEXT NOT NULL,             -- RFC 3339
    UNIQUE (key, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS letter_reference ON letter (reference) WHERE reference IS NOT NULL;
CREATE TABLE IF NOT EXISTS event (
    number    INTEGER PRIMARY KEY,
    letter    TEXT NOT NULL,
    at        TEXT NOT NULL,             -- RFC 3339
    kind      TEXT NOT NULL,             -- decided, placed, status, reminded, released, purged
    place     TEXT,                      -- below outbox/
    code      TEXT,
    state     TEXT,                      -- status: SvarUt's word, as in hendelser
    channel   TEXT,                      -- status: where the letter was then
    notified  TEXT                       -- status: underrettet
) STRICT;
CREATE INDEX IF NOT EXISTS event_letter ON event (letter);
-- Decided and not yet placed: the decision as it was made, so that a restart goes on with it.
CREATE TABLE IF NOT EXISTS pending (
    letter    TEXT PRIMARY KEY,
    source    TEXT NOT NULL,             -- inbox/drop as shown, or where it lies below outbox/
    target    TEXT NOT NULL,             -- below outbox/
    folder    TEXT NOT NULL,
    status    TEXT NOT NULL,
    decision  TEXT
) STRICT, WITHOUT ROWID;
-- A print batch: open from the decision to seal it until it lies in outbox/print/.
CREATE TABLE IF NOT EXISTS batch (
    name      TEXT PRIMARY KEY,
    sender    TEXT NOT NULL,
    sealed_at TEXT NOT NULL,             -- RFC 3339
    open      INTEGER NOT NULL,
    archived  TEXT                       -- RFC 3339
) STRICT, WITHOUT ROWID;
-- Which events each day's list holds.
CREATE TABLE IF NOT EXISTS listed (
    list      TEXT NOT NULL,
    day       TEXT NOT NULL,
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (list, day)
) STRICT, WITHOUT ROWID;
-- Which event each file of a list begins with.
CREATE TABLE IF NOT EXISTS list_file (
    name      TEXT PRIMARY KEY,
    list      TEXT NOT NULL,
    day       TEXT NOT NULL,
    first     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- What an operator has been told once.
CREATE TABLE IF NOT EXISTS told (what TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
-- Drops that the last routing pass left because of a register row.
CREATE TABLE IF NOT EXISTS held (drop_name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS event_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are kept'); END;
CREATE TRIGGER IF NOT EXISTS event_fixed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are fixed'); END;
CREATE TRIGGER IF NOT EXISTS letter_kept BEFORE DELETE ON letter BEGIN SELECT RAISE(ABORT, 'letters are kept'); END;
CREATE TRIGGER IF NOT EXISTS letter_fixed BEFORE UPDATE ON letter BEGIN SELECT RAISE(ABORT, 'letters are fixed'); END;
";

/// `user_version` of a ledger that has taken up what `outbox/` knows.
const FILLED: u32 = 1;

/// How long a commit waits for another process that reads.
const BUSY_WAIT: Duration = Duration::from_secs(10);

pub use night::{AltinnStay, ListedEvent, Onward, Tally};

/// For operators, where a reading or writing of the ledger fails in the middle of a pass.
pub const FAILED: &str = "protokollen kan ikke leses eller skrives. Brev som er hentet, ligger trygt i .postgang/work \
     og tas opp igjen i neste kjøring. Prøv: kontroller plass og rettigheter på disken";

pub struct Ledger {
    connection: Connection,
}

/// A drop that had this key before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub id: String,
    pub attempt: u32,
    pub refused: bool,
    /// It ended without reaching anybody: the same letter may come again.
    pub released: bool,
    pub has_reference: bool,
    /// RFC 3339.
    pub received: String,
    /// Decided and not yet placed.
    pub pending: Option<Pending>,
}

/// A decision on its way to its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Where the letter comes from: its drop as it is shown, or its folder below the root, `outbox/…`.
    pub source: String,
    /// The folder below `outbox/` that it goes to.
    pub target: String,
    /// The folder's name there, before any `-2`.
    pub folder: String,
    /// The text of `status.yaml`.
    pub status: String,
    /// The text of `BESLUTNING.txt`.
    pub decision: Option<String>,
}

impl Pending {
    /// The channel that a letter of the intake goes to.
    pub fn channel(&self) -> Option<Channel> {
        Channel::named(&self.target)
    }

    /// It was placed before and is moved on, not taken in.
    pub fn is_moved_on(&self) -> bool {
        self.source.starts_with(OUTBOX)
    }
}

/// How the source of a letter that was placed before begins.
pub const OUTBOX: &str = "outbox/";

/// A letter that is decided now.
#[derive(Clone, Debug)]
pub struct Decided {
    pub id: String,
    pub key: Digest256,
    pub attempt: u32,
    pub refused: bool,
    pub reference: Option<String>,
    pub sender: Option<String>,
    /// RFC 3339.
    pub received: String,
    pub code: String,
}

/// A letter that the ledger had forgotten and `outbox/` had not.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub decided: Decided,
    pub status: Status,
    /// Below `outbox/`.
    pub place: String,
    pub released: bool,
}

/// One line of a letter's history.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LedgerEvent {
    pub at: String,
    pub kind: String,
    pub place: Option<String>,
    pub code: Option<String>,
    /// SvarUt's word, for an event of `status.yaml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl Ledger {
    /// Opens or makes the ledger; the flag says that it has not taken up yet what `outbox/` still knows, see
    /// [`Ledger::remember`]. Whether the file was there says nothing: a pass may have been killed in between.
    pub fn open(path: &Path) -> anyhow::Result<(Self, bool)> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY_WAIT)?;
            // Else some statements are planned anew for every value that is looked up.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| {
            let damaged = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
            let remedy = match error.sqlite_error_code() {
                Some(code) if damaged.contains(&code) => {
                    "filen er ødelagt; flytt den unna, så bygges den opp igjen fra outbox/"
                }
                _ => "kontroller at disken har plass og ikke er skrivebeskyttet, og at postgang har skrivetilgang",
            };
            let path = path.display();
            anyhow::anyhow!("{path}: protokollen kan ikke åpnes ({error}). Ingen brev er rørt. Prøv: {remedy}.")
        })?;
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((Self { connection }, version < FILLED))
    }

    /// Opens an existing ledger for looking only; `None` where there is none yet.
    pub fn open_to_read(path: &Path) -> anyhow::Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .with_context(|| format!("{}: protokollen kan ikke åpnes", path.display()))?;
        connection.busy_timeout(BUSY_WAIT)?;
        Ok(Some(Self { connection }))
    }

    /// Every earlier drop with this key, by attempt.
    pub fn earlier(&self, key: &Digest256) -> anyhow::Result<Vec<Earlier>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT l.id, l.attempt, l.refused, l.reference IS NOT NULL, l.received,
                    EXISTS (SELECT 1 FROM event e WHERE e.letter = l.id AND e.kind = 'released'),
                    p.source, p.target, p.folder, p.status, p.decision
             FROM letter l LEFT JOIN pending p ON p.letter = l.id WHERE l.key = ?1 ORDER BY l.attempt",
        )?;
        let rows = statement.query_map([key.as_slice()], |row| {
            Ok(Earlier {
                id: row.get(0)?,
                attempt: row.get(1)?,
                refused: row.get(2)?,
                has_reference: row.get(3)?,
                received: row.get(4)?,
                released: row.get(5)?,
                pending: pending(row, 6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records a batch of decisions; durable when it returns.
    pub fn decide(&mut self, batch: &[(&Decided, &Pending)]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for (decided, pending) in batch {
            insert(&transaction, decided)?;
            insert_pending(&transaction, &decided.id, pending)?;
        }
        Ok(transaction.commit()?)
    }

    /// Takes up letters that an earlier ledger knew, all or none; from then on the ledger is not new.
    pub fn remember(&mut self, at: &str, letters: &[Remembered]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for letter in letters {
            insert(&transaction, &letter.decided)?;
            // It came there when it says, not when it was found again.
            arrived(&transaction, &letter.status.plassert.to_string(), &letter.status, &letter.place)?;
            if letter.released {
                event(&transaction, &letter.decided.id, at, "released", None, None)?;
            }
        }
        transaction.pragma_update(None, "user_version", FILLED)?;
        Ok(transaction.commit()?)
    }

    /// Records where letters stand, below `outbox/`, and what has happened to them; durable when it returns.
    pub fn placed<'a>(
        &mut self,
        at: &str,
        batch: impl IntoIterator<Item = (&'a Status, String)>,
    ) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        for (status, place) in batch {
            arrived(&transaction, at, status, &place)?;
        }
        Ok(transaction.commit()?)
    }

    /// Decisions that were recorded and whose letters are not known to have arrived.
    pub fn pending(&self) -> anyhow::Result<Vec<(String, Pending)>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT letter, source, target, folder, status, decision FROM pending ORDER BY letter")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, pending(row, 1)?)))?;
        let rows: Vec<(String, Option<Pending>)> = rows.collect::<Result<_, _>>()?;
        Ok(rows.into_iter().filter_map(|(id, pending)| Some((id, pending?))).collect())
    }

    /// Ids of letters with this `eksternReferanse`, the oldest first.
    pub fn with_reference(&self, reference: &str) -> anyhow::Result<Vec<String>> {
        let mut statement =
            self.connection.prepare_cached("SELECT id FROM letter WHERE reference = ?1 ORDER BY received, attempt")?;
        let rows = statement.query_map([reference], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A letter's history, the oldest first; empty for an id that is not known.
    pub fn history(&self, id: &str) -> anyhow::Result<Vec<LedgerEvent>> {
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

    /// Whether this id is known.
    pub fn knows(&self, id: &str) -> anyhow::Result<bool> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM letter WHERE id = ?1")?;
        Ok(statement.query_row([id], |_| Ok(())).optional()?.is_some())
    }
}

fn insert(connection: &Connection, d: &Decided) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO letter (id, key, attempt, refused, reference, sender, received)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![d.id, d.key.as_slice(), d.attempt, d.refused, d.reference, d.sender, d.received])?;
    event(connection, &d.id, &d.received, "decided", None, Some(&d.code))
}

fn insert_pending(connection: &Connection, id: &str, pending: &Pending) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO pending (letter, source, target, folder, status, decision) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![id, pending.source, pending.target, pending.folder, pending.status, pending.decision])
        .map(drop)
}

/// A letter's place and what its `status.yaml` says has happened to it; the decision is carried out.
fn arrived(connection: &Connection, at: &str, status: &Status, place: &str) -> rusqlite::Result<()> {
    event(connection, &status.forsendelsesId, at, "placed", Some(place), None)?;
    happened(connection, status)?;
    let delete = "DELETE FROM pending WHERE letter = ?1";
    connection.prepare_cached(delete)?.execute([&status.forsendelsesId]).map(drop)
}

/// Records those of a letter's `hendelser` that are not recorded yet. An event of the intake bears no channel; it is
/// the only one of its kind and moment.
fn happened(connection: &Connection, status: &Status) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO event (letter, at, kind, code, state, channel, notified)
         SELECT ?1, ?2, 'status', ?3, ?4, ?5, ?6 WHERE NOT EXISTS
             (SELECT 1 FROM event WHERE letter = ?1 AND kind = 'status' AND at = ?2 AND state = ?4
              AND (?7 OR channel = ?5))",
    )?;
    let notified = status.underrettet.map(|stamp| stamp.to_string());
    for event in &status.hendelser {
        let channel = event.kanal.unwrap_or(status.kanal).as_str();
        insert.execute(params![
            status.forsendelsesId,
            event.tidspunkt.to_string(),
            status.code_at(event),
            event.status.as_str(),
            channel,
            notified,
            event.kanal.is_none()
        ])?;
    }
    Ok(())
}

/// An event that a letter has once in its life.
fn once(connection: &Connection, letter: &str, at: &str, kind: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO event (letter, at, kind) SELECT ?1, ?2, ?3 WHERE NOT EXISTS
                 (SELECT 1 FROM event WHERE letter = ?1 AND kind = ?3)",
        )?
        .execute([letter, at, kind])
        .map(drop)
}

fn event(
    connection: &Connection,
    letter: &str,
    at: &str,
    kind: &str,
    place: Option<&str>,
    code: Option<&str>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO event (letter, at, kind, place, code) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![letter, at, kind, place, code])
        .map(drop)
}

fn pending(row: &rusqlite::Row, first: usize) -> rusqlite::Result<Option<Pending>> {
    let Some(source) = row.get(first)? else { return Ok(None) };
    Ok(Some(Pending {
        source,
        target: row.get(first + 1)?,
        folder: row.get(first + 2)?,
        status: row.get(first + 3)?,
        decision: row.get(first + 4)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-23T09:00:00+01:00";

    fn decided(id: &str, attempt: u32) -> (Decided, Pending) {
        let decided = Decided {
            id: id.to_owned(),
            key: [1; 32],
            attempt,
            refused: false,
            reference: Some("2026/1".to_owned()),
            sender: Some("910077473".to_owned()),
            received: "2026-11-23T09:00:00+01:00".to_owned(),
            code: "reserved".to_owned(),
        };
        let pending = Pending {
            source: "inbox/a".to_owned(),
            target: "print".to_owned(),
            folder: "a.01234567".to_owned(),
            status: "status: AKSEPTERT\n".to_owned(),
            decision: None,
        };
        (decided, pending)
    }

    fn status(id: &str) -> Status {
        let yaml = format!(
            "{{forsendelsesId: {id}, status: AKSEPTERT, kanal: print, kode: reserved, begrunnelse: x, hjemmel: null,
               avsender: '910077473', eksternReferanse: null, mottatt: {AT}, plassert: {AT}, varslet: null,
               underrettet: null, lesefrist: null, deretter: print, purret: null, kunDigitalLevering: false,
               taushetsbelagtPost: false, krevNiva4Innlogging: false, konteringskode: null, forsendelsestype: null,
               korrelasjonsid: null, fakta: null, adresse: null, registre: [], regel: null, dokumenter: [],
               advarsler: [], hendelser: [{{tidspunkt: {AT}, status: AKSEPTERT, tekst: x}}]}}"
        );
        Status::from_yaml(yaml.as_bytes()).unwrap()
    }

    #[test]
    fn a_letter_is_decided_then_placed_and_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.sqlite");
        let (ledger, new) = Ledger::open(&path).unwrap();
        assert!(new);
        drop(ledger);
        let (mut ledger, new) = Ledger::open(&path).unwrap();
        assert!(new, "it was opened and never filled");
        ledger.remember("2026-11-23T09:00:00+01:00", &[]).unwrap();
        let (first, pending) = decided("id-1", 1);
        ledger.decide(&[(&first, &pending)]).unwrap();
        assert_eq!(ledger.pending().unwrap(), [("id-1".to_owned(), pending)]);
        let status = status("id-1");
        ledger.placed("2026-11-23T09:00:00+01:00", [(&status, "print/a.01234567".to_owned())]).unwrap();
        drop(ledger);
        let (ledger, new) = Ledger::open(&path).unwrap();
        assert!(!new && ledger.pending().unwrap().is_empty());
        let earlier = ledger.earlier(&[1; 32]).unwrap();
        assert_eq!((earlier.len(), earlier[0].pending.clone(), earlier[0].released), (1, None, false));
        assert_eq!(ledger.with_reference("2026/1").unwrap(), ["id-1"]);
        let kinds: Vec<String> = ledger.history("id-1").unwrap().into_iter().map(|event| event.kind).collect();
        assert_eq!(kinds, ["decided", "placed", "status"]);
    }

    #[test]
    fn a_key_and_attempt_is_taken_once_and_history_cannot_be_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(&dir.path().join("ledger.sqlite")).unwrap();
        let ((first, pending), (second, _)) = (decided("id-1", 1), decided("id-2", 1));
        ledger.decide(&[(&first, &pending)]).unwrap();
        assert!(ledger.decide(&[(&second, &pending)]).is_err());
        assert!(!ledger.knows("id-2").unwrap());
        for change in ["DELETE FROM event", "UPDATE event SET at = 'x'", "DELETE FROM letter"] {
            assert!(ledger.connection.execute(change, []).is_err(), "{change}");
        }
    }
}
