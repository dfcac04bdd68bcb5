//! The ledger in a file of SQLite's, for one root.
//!
//! WAL with `synchronous=FULL`: an acknowledged commit survives a power cut. Nothing of SQLite shows outside this module.

mod accounts;
mod decisions;
mod events;
mod notes;
mod room;

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use accounts::account;

use super::*;
use crate::core::names::DECISION;
use crate::shell::fault;

const SCHEMA: &str = include_str!("sqlite/schema.sql");

/// `user_version` of a ledger that has taken up what `outbox/` knows; the versions before knew no accounts, and nothing.
const FILLED: u32 = 2;
const WITHOUT_ACCOUNTS: u32 = 1;

/// How long a commit waits for another process that reads.
const BUSY_WAIT: Duration = Duration::from_secs(10);

pub struct Sqlite {
    connection: Connection,
    /// Goes after the connection, see [`room::take`].
    _index: Option<File>,
}

impl Sqlite {
    pub fn open(path: &Path) -> anyhow::Result<(Self, Lack)> {
        room::to_write(path).map_err(|error| not_opened(path, &error.into()))?;
        let open = || -> anyhow::Result<(Connection, File)> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY_WAIT)?;
            // Else some statements are planned anew for every value that is looked up.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // What is removed is written over: a deleted letter's name must not stand in a free page.
            connection.pragma_update(None, "secure_delete", "ON")?;
            // The first that is read maps the index.
            connection.pragma_query_value(None, "user_version", |_| Ok(()))?;
            let index = room::take(path)?;
            connection.execute_batch(SCHEMA)?;
            add_column(&connection, "letter", "metadata", "BLOB")?;
            add_column(&connection, "pending", "beside", "TEXT")?;
            add_column(&connection, "pending", "version", "INTEGER NOT NULL DEFAULT 1")?;
            Ok((connection, index))
        };
        let (connection, index) = open().map_err(|error| not_opened(path, &error))?;
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let lack = match version {
            FILLED.. => Lack::Nothing,
            WITHOUT_ACCOUNTS => Lack::Accounts,
            _ => Lack::Everything,
        };
        Ok((Self { connection, _index: Some(index) }, lack))
    }

    pub fn open_to_read(path: &Path) -> anyhow::Result<Option<Self>> {
        let is_there = path.try_exists();
        if !is_there.with_context(|| format!("{}: protokollen kan ikke leses", path.display()))? {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> anyhow::Result<(Connection, u32)> {
            let connection = match room::to_read(path) {
                Ok(()) => Connection::open_with_flags(path, flags)?,
                // Nobody writes it, and so it can be read as it is.
                Err(_) if !room::journal(path).try_exists()? => {
                    Connection::open_with_flags(room::as_settled(path), flags | OpenFlags::SQLITE_OPEN_URI)?
                }
                Err(error) => return Err(error.into()),
            };
            connection.busy_timeout(BUSY_WAIT)?;
            let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok((connection, version))
        };
        let (connection, version) = open().map_err(|error| not_opened(path, &error))?;
        if version < FILLED {
            // One of an earlier version lacks tables and columns that are asked for.
            drop(connection);
            return Ok(Some(Self::open(path)?.0));
        }
        Ok(Some(Self { connection, _index: None }))
    }
}

/// For operators.
fn not_opened(path: &Path, error: &anyhow::Error) -> anyhow::Error {
    let (path, cause, remedy) = (path.display(), fault::chain(error), fault::chain_remedy(error));
    anyhow::anyhow!("{path}: protokollen kan ikke åpnes ({cause}). Ingen brev er rørt. Prøv: {remedy}.")
}

/// Adds a column that ledgers written before do not have.
fn add_column(connection: &Connection, table: &str, column: &str, kind: &str) -> rusqlite::Result<()> {
    let known = "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2";
    if connection.prepare(known)?.exists([table, column])? {
        return Ok(());
    }
    connection.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {column} {kind}"))
}

fn insert(connection: &Connection, keyed: &Keyed, status: &Status) -> rusqlite::Result<()> {
    let id = &status.forsendelsesId;
    let received = status.mottatt.to_string();
    connection
        .prepare_cached(
            "INSERT INTO letter (id, key, attempt, refused, reference, sender, received, metadata)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            id,
            keyed.key.as_slice(),
            keyed.attempt,
            status.kanal == Channel::Avvist,
            status.eksternReferanse,
            status.avsender,
            received,
            keyed.metadata.as_ref().map(|digest| digest.as_slice())
        ])?;
    event(connection, id, &received, "decided", None, Some(&status.kode))
}

fn insert_pending(connection: &Connection, id: &str, pending: &Pending) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO pending (letter, source, target, folder, status, beside, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            pending.source,
            pending.target,
            pending.folder,
            pending.status,
            serde_json::to_string(&pending.beside).expect("texts always serialise"),
            pending.version
        ])
        .map(drop)
}

/// A letter's place and what its `status.yaml` says has happened to it; the decision is carried out.
fn arrived(connection: &Connection, at: &str, status: &Status, place: &str) -> rusqlite::Result<()> {
    event(connection, &status.forsendelsesId, at, "placed", Some(place), None)?;
    happened(connection, status)?;
    let text = "SELECT status FROM pending WHERE letter = ?1";
    let text = connection.prepare_cached(text)?.query_row([&status.forsendelsesId], |row| row.get::<_, String>(0));
    if let Some(text) = text.optional()? {
        account(connection, &status.forsendelsesId, place, &text)?;
    }
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

/// Records that a letter's key is released, or blocks again; not what is so already, when a crash repeats it.
fn release(connection: &Connection, letter: &str, at: &str, released: bool) -> rusqlite::Result<()> {
    let kind = if released { "released" } else { "blocking" };
    connection
        .prepare_cached(
            "INSERT INTO event (letter, at, kind) SELECT ?1, ?2, ?3 WHERE ?3 IS NOT
                 (SELECT kind FROM event WHERE letter = ?1 AND kind IN ('released', 'blocking') ORDER BY number DESC LIMIT 1)",
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
    let (decision, beside): (Option<String>, Option<String>) = (row.get(first + 4)?, row.get(first + 5)?);
    let old = decision.map(|text| Beside { name: DECISION.to_owned(), text });
    let list = beside.as_deref().map(serde_json::from_str::<Vec<Beside>>).transpose();
    let version: u32 = row.get(first + 6)?;
    Ok(Some(Pending {
        source,
        target: row.get(first + 1)?,
        folder: row.get(first + 2)?,
        status: row.get(first + 3)?,
        // What is no list was not written by this version: the letter is named, not moved without its files.
        version: if list.is_ok() { version } else { u32::MAX },
        beside: list.ok().flatten().unwrap_or_else(|| old.into_iter().collect()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-23T09:00:00+01:00";

    fn decided(id: &str, attempt: u32) -> (Keyed, Journey) {
        let pending = Pending {
            source: "inbox/a".to_owned(),
            target: "print".to_owned(),
            folder: "a.01234567".to_owned(),
            status: "status: AKSEPTERT\n".to_owned(),
            beside: vec![Beside { name: DECISION.to_owned(), text: "x".to_owned() }],
            version: TEXTS,
        };
        let keyed = Keyed { key: [1; 32], attempt, metadata: None };
        (keyed, Journey { from: PathBuf::new(), pending, status: status(id) })
    }

    fn status(id: &str) -> Status {
        let yaml = format!(
            "{{forsendelsesId: {id}, status: AKSEPTERT, kanal: print, kode: reserved, begrunnelse: x, hjemmel: null,
               avsender: '910077473', eksternReferanse: 2026/1, mottatt: {AT}, plassert: {AT}, varslet: null,
               underrettet: null, lesefrist: null, deretter: print, purret: null, kunDigitalLevering: false,
               taushetsbelagtPost: false, krevNiva4Innlogging: false, konteringskode: null, forsendelsestype: null,
               korrelasjonsid: null, fakta: null, adresse: null, registre: [], regel: null, dokumenter: [],
               advarsler: [], hendelser: [{{tidspunkt: {AT}, status: AKSEPTERT, tekst: x}}]}}"
        );
        Status::from_yaml(yaml.as_bytes()).unwrap()
    }

    /// A decision that an earlier version recorded is read, and one of a later version is not guessed at.
    #[test]
    fn decisions_of_every_age_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.sqlite");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(
            "CREATE TABLE pending (letter TEXT PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL,
                 folder TEXT NOT NULL, status TEXT NOT NULL, decision TEXT) STRICT, WITHOUT ROWID;
             INSERT INTO pending VALUES ('id-1', 'inbox/a', 'avvist', 'a.01234567', 'x: 1', 'Brevet er ikke sendt.');",
        )
        .unwrap();
        drop(old);
        let (ledger, _) = Sqlite::open(&path).unwrap();
        let pending = ledger.pending().unwrap().remove(0).1;
        let text = "Brevet er ikke sendt.".to_owned();
        assert_eq!((pending.version, pending.beside), (1, vec![Beside { name: DECISION.to_owned(), text }]));
        let (_, journey) = decided("id-2", 1);
        let status = journey.status.to_yaml();
        let known = Pending { status, ..journey.pending };
        assert_eq!(known.understood(), Some(journey.status));
        assert_eq!(Pending { version: TEXTS + 1, ..known }.understood(), None);
    }

    #[test]
    fn a_letter_is_decided_then_placed_and_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.sqlite");
        let (ledger, new) = Sqlite::open(&path).unwrap();
        assert_eq!(new, Lack::Everything);
        drop(ledger);
        let (mut ledger, new) = Sqlite::open(&path).unwrap();
        assert_eq!(new, Lack::Everything, "it was opened and never filled");
        ledger.take_up("2026-11-23T09:00:00+01:00", &[], &[]).unwrap();
        let (first, journey) = decided("id-1", 1);
        ledger.decide(&[(&first, &journey)]).unwrap();
        assert_eq!(ledger.pending().unwrap(), [("id-1".to_owned(), journey.pending)]);
        let status = status("id-1");
        ledger.placed("2026-11-23T09:00:00+01:00", &[(&status, "print/a.01234567".to_owned())], None).unwrap();
        drop(ledger);
        let (ledger, new) = Sqlite::open(&path).unwrap();
        assert!(new == Lack::Nothing && ledger.pending().unwrap().is_empty());
        let account = ledger.accounts(&["print/a.01234567"]).unwrap().remove(0).unwrap();
        assert_eq!((account.id.as_str(), account.status.as_str()), ("id-1", "status: AKSEPTERT\n"));
        let earlier = ledger.earlier(&[[1; 32], [2; 32]]).unwrap();
        assert_eq!(earlier.len(), 1, "a key that is not there has none");
        let earlier = &earlier[&[1; 32]];
        assert_eq!((earlier.len(), earlier[0].pending.clone(), earlier[0].letter.released), (1, None, false));
        assert_eq!(ledger.letters(Asked::Reference("2026/1")).unwrap(), ["id-1"]);
        let kinds: Vec<String> = ledger.history("id-1").unwrap().into_iter().map(|event| event.kind).collect();
        assert_eq!(kinds, ["decided", "placed", "status"]);
    }

    #[test]
    fn a_key_and_attempt_is_taken_once_and_history_cannot_be_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Sqlite::open(&dir.path().join("ledger.sqlite")).unwrap();
        let ((first, one), (second, two)) = (decided("id-1", 1), decided("id-2", 1));
        ledger.decide(&[(&first, &one)]).unwrap();
        assert!(ledger.decide(&[(&second, &two)]).is_err());
        assert!(ledger.letters(Asked::Id("id-2")).unwrap().is_empty());
        for change in ["DELETE FROM event", "UPDATE event SET at = 'x'", "DELETE FROM letter"] {
            assert!(ledger.connection.execute(change, []).is_err(), "{change}");
        }
    }
}
