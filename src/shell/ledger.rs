//! The ledger: what has happened, never where a letter is.
//!
//! This is the port: what passes, nights and people ask of a ledger, in the field's words. [`sqlite`] stands behind it;
//! another database may, for several roots at once. What any of them must keep:
//!
//! - A ledger is opened for one root. Letters and their keys are known to every root that shares it; decisions on their
//!   way, accounts, batches, events, lists and notes are those of the root that recorded them.
//! - What a call records is recorded whole or not at all, and durable when the call returns.
//! - Events are added and never changed.
//!
//! Losing the ledger costs the memory of letters long gone; the rest is rebuilt from `outbox/`.

mod sqlite;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::core::duplicate;
use crate::core::letter::Digest256;
use crate::core::matter::Matter;
use crate::core::route::Channel;
use crate::core::status::Status;
use crate::core::tally::{Count, Group};

/// Opens or makes a root's ledger, and says what it has not taken up yet of what `outbox/` knows, see
/// [`Decisions::take_up`]. Whether the file was there says nothing: a pass may have been killed in between.
pub fn open(path: &Path) -> anyhow::Result<(Box<dyn Ledger>, Lack)> {
    let (ledger, lack) = sqlite::Sqlite::open(path)?;
    Ok((Box::new(ledger), lack))
}

/// Opens an existing ledger for looking only; `None` where there is none yet.
pub fn open_to_read(path: &Path) -> anyhow::Result<Option<Box<dyn Ledger>>> {
    Ok(sqlite::Sqlite::open_to_read(path)?.map(|ledger| Box::new(ledger) as Box<dyn Ledger>))
}

/// All that is asked of a ledger.
pub trait Ledger: Decisions + Accounts + Events + Notes {}

impl<L: Decisions + Accounts + Events + Notes> Ledger for L {}

/// What is decided of letters, and how far it is carried out.
pub trait Decisions {
    /// Earlier drops with these keys, whichever root they came to, by attempt. A key that is not there has none.
    fn earlier(&self, keys: &[Digest256]) -> anyhow::Result<HashMap<Digest256, Vec<Earlier>>>;

    /// Records a batch of decisions; durable when it returns.
    fn decide(&mut self, batch: &[(&Keyed, &Journey)]) -> anyhow::Result<()>;

    /// Records a night's decisions, and the events of letters that stay; durable when it returns. What is recorded
    /// already stays as it is. The letters of a print batch are recorded with it; it is open from here on.
    fn onward(&mut self, at: &str, letters: &[Onward], batch: Option<NewBatch>) -> anyhow::Result<()>;

    /// Decisions of this root that were recorded and whose letters are not known to have arrived.
    fn pending(&self) -> anyhow::Result<Vec<(String, Pending)>>;

    /// Records where letters stand, below `outbox/`, and what has happened to them, and that the batch they make up is
    /// sealed; durable when it returns.
    fn placed(&mut self, at: &str, letters: &[(&Status, String)], sealed: Option<&str>) -> anyhow::Result<()>;

    /// Forgets decisions that cannot be carried out: their letters are gone, or stay where they are after all.
    fn withdraw(&mut self, ids: &[String], batch: Option<&str>) -> anyhow::Result<()>;

    /// Takes up letters that `outbox/` knows and the ledger does not, and what folders say of letters that it knows, all
    /// or none; from then on the ledger lacks nothing.
    fn take_up(&mut self, at: &str, letters: &[Remembered], accounts: &[KnownAccount]) -> anyhow::Result<()>;

    /// Records letters whose folders are deleted; durable when it returns.
    fn purged(&mut self, at: &str, ids: &[String]) -> anyhow::Result<()>;

    /// Every print batch there has been in this root, by its name.
    fn batches(&self) -> anyhow::Result<BTreeMap<String, BatchRecord>>;

    fn archive_batch(&mut self, name: &str, at: &str) -> anyhow::Result<()>;
}

/// What each letter's folder says, as it was recorded: what decides, where a folder says something else.
pub trait Accounts {
    /// What is recorded of the letters that lie in these places, below `outbox/`, in their order.
    fn accounts(&self, places: &[&str]) -> anyhow::Result<Vec<Option<Account>>>;

    /// Every place that a letter is recorded to lie in; see [`account_place`].
    fn places(&self) -> anyhow::Result<HashSet<String>>;

    /// Where a letter is recorded to lie, below `outbox/`, or within its batch.
    fn recorded_place(&self, id: &str) -> anyhow::Result<Option<String>>;

    /// Accounts that may not have reached their folders: id, place, text.
    fn unwritten(&self) -> anyhow::Result<Vec<(String, String, String)>>;

    /// Records that these letters' accounts stand in their folders; durable when it returns.
    fn written(&mut self, ids: &[&str]) -> anyhow::Result<()>;

    /// SHA-256 of the metadata that a letter was decided on; `None` where it was not recorded.
    fn metadata(&self, id: &str) -> anyhow::Result<Option<Digest256>>;

    /// Letters in the archive that were given up: place below `outbox/` and the text of their `status.yaml`, in order.
    fn given_up(&self) -> anyhow::Result<Vec<(String, String)>>;
}

/// What has happened, and to which letters.
pub trait Events {
    /// Ids of the letters that answer to this, the oldest first.
    fn letters(&self, asked: Asked) -> anyhow::Result<Vec<String>>;

    /// A letter's history, the oldest first; empty for an id that is not known.
    fn history(&self, id: &str) -> anyhow::Result<Vec<LedgerEvent>>;

    /// The number of the newest event that this root has recorded; 0 where there is none. A root numbers its own events,
    /// and has one writer at a time: where an event can be read, every one with a lower number can. So a list may
    /// remember the number that it has come to.
    fn last_event(&self) -> anyhow::Result<i64>;

    /// Hands the events of this root from `first` to `last` that a list can show to `each`, in order.
    fn events(&self, first: i64, last: i64, each: &mut dyn FnMut(ListedEvent)) -> anyhow::Result<()>;

    /// Hands each stay in Altinn that began at or after `since` to `each`. Our own events say nothing of what was heard,
    /// nor do those of paper.
    fn altinn_stays(&self, since: &str, each: &mut dyn FnMut(AltinnStay)) -> anyhow::Result<()>;

    /// Letters counted by what became of them. One letter at a time is kept in memory.
    fn counts(&self) -> anyhow::Result<BTreeMap<Group, Count>>;
}

/// What a root remembers of its lists, of what people have been told, and of what waits for them.
pub trait Notes {
    /// The first and last event of this day's list, if it has been written, and the last event of any day's.
    fn listed(&self, list: &str, day: &str) -> anyhow::Result<(Option<(i64, i64)>, i64)>;

    /// Records that this day's list holds the events `first` to `last`.
    fn set_listed(&mut self, list: &str, day: &str, first: i64, last: i64) -> anyhow::Result<()>;

    /// The day's files of one list, each with the event that it begins with.
    fn list_files(&self, list: &str, day: &str) -> anyhow::Result<BTreeMap<String, i64>>;

    /// Records with which event these files begin.
    fn begin_list_files(&mut self, list: &str, day: &str, files: &[(&str, i64)]) -> anyhow::Result<()>;

    /// Whether an operator has been told this.
    fn is_told(&self, what: &str) -> anyhow::Result<bool>;

    /// What an operator has been told that begins so.
    fn told_with(&self, start: &str) -> anyhow::Result<Option<String>>;

    /// Records that an operator has been told all this; durable when it returns.
    fn told(&mut self, all: &[String]) -> anyhow::Result<()>;

    /// Drops that wait for a register row, as the last routing pass left them.
    fn held(&self) -> anyhow::Result<Vec<String>>;

    /// `asked`: the drops that were looked at; all there are when absent.
    fn set_held(&mut self, asked: Option<&[String]>, held: &[String]) -> anyhow::Result<()>;

    /// Numbers tonight's matters, in their order: each has the number that it had last night, and a new one gets the next
    /// that is not `taken`. One that stood and is not among them is over. Durable when it returns.
    fn number_matters(
        &mut self,
        at: &str,
        today: &str,
        matters: &[Matter],
        taken: &BTreeSet<i64>,
    ) -> anyhow::Result<Vec<Numbered>>;

    /// Closes matters for good; durable when it returns. The outcome of each, in order.
    fn close_matters(&mut self, at: &str, numbers: &[i64]) -> anyhow::Result<Vec<Closing>>;

    /// Whether no matter has ever been numbered here.
    fn knows_no_matter(&self) -> anyhow::Result<bool>;
}

/// A drop that had a key before, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub letter: duplicate::Earlier,
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
    /// What is written into the folder beside it; other files of ours that are there go.
    pub beside: Vec<Beside>,
    /// The version of these texts.
    pub version: u32,
}

/// A file that is written into a letter's folder beside `status.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Beside {
    pub name: String,
    pub text: String,
}

/// The version of recorded texts that is written. Those before are read too: 1 had `BESLUTNING.txt` in a column.
const TEXTS: u32 = 2;

impl Pending {
    /// A decision as this version records it.
    pub fn new(source: String, target: String, folder: String, status: &Status, beside: Vec<Beside>) -> Self {
        Self { source, target, folder, status: status.to_yaml(), beside, version: TEXTS }
    }

    /// The channel that a letter of the intake goes to.
    pub fn channel(&self) -> Option<Channel> {
        Channel::named(&self.target)
    }

    /// What `status.yaml` will say; `None` where a later version has written it, or nobody knows what it means.
    pub fn understood(&self) -> Option<Status> {
        (self.version <= TEXTS).then(|| Status::from_yaml(self.status.as_bytes()).ok())?
    }

    /// It was placed before and is moved on, not taken in.
    pub fn is_moved_on(&self) -> bool {
        self.source.starts_with(OUTBOX)
    }
}

/// How the source of a letter that was placed before begins.
pub const OUTBOX: &str = "outbox/";

/// What a ledger lacks when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    Nothing,
    /// It was written before accounts were kept.
    Accounts,
    /// It is new.
    Everything,
}

/// What a letter is known by when it comes again.
#[derive(Clone, Debug)]
pub struct Keyed {
    pub key: Digest256,
    pub attempt: u32,
    /// SHA-256 of the metadata file; `None` where it was not read.
    pub metadata: Option<Digest256>,
}

/// A letter whose decision is recorded, and where it lies now.
#[derive(Clone, Debug)]
pub struct Journey {
    pub from: PathBuf,
    pub pending: Pending,
    /// What `pending.status` says.
    pub status: Status,
}

/// A letter that the ledger had forgotten and `outbox/` had not.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub keyed: Keyed,
    pub status: Status,
    /// The text that it was read from.
    pub text: String,
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

/// What a night has decided about one letter.
pub struct Onward<'a> {
    /// As it will be when the decision is carried out.
    pub status: &'a Status,
    /// `None`: it stays where it is.
    pub pending: Option<Pending>,
    pub reminded: bool,
    /// Whether the same letter may come again, where that has changed.
    pub released: Option<bool>,
}

/// A row of a list: an event with what is known of its letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEvent {
    pub number: i64,
    pub kind: String,
    pub letter: String,
    pub reference: Option<String>,
    pub sender: Option<String>,
    /// RFC 3339.
    pub at: String,
    pub state: Option<String>,
    pub channel: Option<String>,
    pub code: Option<String>,
    pub notified: Option<String>,
}

/// A letter's stay in Altinn; times as RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AltinnStay {
    pub id: String,
    pub sender: Option<String>,
    pub placed: String,
    pub left: Option<String>,
    /// A receipt is recorded.
    pub heard: bool,
}

/// A print batch that is to be sealed.
#[derive(Clone, Copy, Debug)]
pub struct NewBatch<'a> {
    pub name: &'a str,
    /// Organisation number.
    pub sender: &'a str,
}

/// A print batch as it is remembered; times as RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    pub sealed: String,
    /// It was to be sealed and is not known to be.
    pub is_open: bool,
    pub archived: Option<String>,
}

/// How a person, or a receipt, names letters; with the number of letters that are wanted at most.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    Id(&'a str),
    IdBeginning(&'a str, u32),
    /// `eksternReferanse`.
    Reference(&'a str),
    ReferenceBeginning(&'a str, u32),
}

/// What the folder of a letter that is known says.
#[derive(Clone, Debug)]
pub struct KnownAccount {
    pub id: String,
    /// Below `outbox/`.
    pub place: String,
    /// The text of its `status.yaml`.
    pub text: String,
}

/// What the ledger says of a letter that lies in `outbox/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    /// The text of its `status.yaml`.
    pub status: String,
}

/// A matter as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    pub number: i64,
    /// `YYYY-MM-DD`.
    pub since: String,
    pub closed: bool,
}

/// What came of closing a matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// What it was: the list's word for it, and its place.
    Closed(String),
    /// Somebody has closed it before.
    Known(String),
    Unknown,
}

/// A place below `outbox/` as accounts have it: a batch moves whole, so a letter's place in it is counted from the batch
/// on.
pub fn account_place(place: &str) -> &str {
    let at = place.find("/batch-").filter(|at| place[at + 1..].contains('/'));
    at.map_or(place, |at| &place[at + 1..])
}
