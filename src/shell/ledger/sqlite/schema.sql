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
    kind      TEXT NOT NULL,             -- decided, placed, status, reminded, released, blocking, purged
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
-- Every letter that lies in outbox/: where, and what its status.yaml says, byte for byte. What a folder says of itself
-- is an account for people; this one decides.
CREATE TABLE IF NOT EXISTS account (
    letter    TEXT PRIMARY KEY,
    place     TEXT NOT NULL UNIQUE,      -- below outbox/; in a batch, from the batch's name on
    status    TEXT NOT NULL,
    unwritten INTEGER NOT NULL           -- recorded, and perhaps not in the folder yet
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
-- What a person must look at, now or before; a number is given once.
CREATE TABLE IF NOT EXISTS matter (
    number    INTEGER PRIMARY KEY,
    what      TEXT NOT NULL,             -- its kind and whom it concerns
    text      TEXT NOT NULL,             -- for people
    since     TEXT NOT NULL,             -- YYYY-MM-DD
    seen      INTEGER NOT NULL,          -- the last night that found it, counted from 1
    closed    TEXT,                      -- RFC 3339: somebody has dealt with it
    over      TEXT                       -- RFC 3339: a night no longer found it
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS matter_standing ON matter (what) WHERE over IS NULL;
CREATE INDEX IF NOT EXISTS event_given_up ON event (letter) WHERE state = 'IKKE_LEVERT';
-- What an operator has been told once.
CREATE TABLE IF NOT EXISTS told (what TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
-- Drops that the last routing pass left because of a register row.
CREATE TABLE IF NOT EXISTS held (drop_name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS event_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are kept'); END;
CREATE TRIGGER IF NOT EXISTS event_fixed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are fixed'); END;
CREATE TRIGGER IF NOT EXISTS letter_kept BEFORE DELETE ON letter BEGIN SELECT RAISE(ABORT, 'letters are kept'); END;
CREATE TRIGGER IF NOT EXISTS letter_fixed BEFORE UPDATE ON letter BEGIN SELECT RAISE(ABORT, 'letters are fixed'); END;
