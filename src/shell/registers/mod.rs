//! What the registers say of the recipients of a pass.
//!
//! A snapshot that is new is read once, front to back, and kept as a table ([`table`]) that answers in microseconds for
//! as long as the file is the same. Who may not keep tables (`check`, where none lies there already) streams the
//! snapshot and keeps only the rows for those it asks about; both ways give the same answers.
//!
//! Nothing is guessed: a snapshot that cannot be believed is refused, and then everything that needs it answers
//! [`Lookup::Unavailable`]; a row that cannot be understood holds its own identity, and nobody else's.

mod answers;
mod bytes;
mod enheter;
mod file;
mod findings;
mod gather;
mod header;
mod krr;
mod look;
mod memory;
mod moment;
mod read;
mod refusal;
mod register;
mod scan;
mod shelf;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::core::calendar::Time;
use crate::core::facts::{OrganisationFacts, PersonFacts};
use crate::core::identity::{OrgNumber, PersonId, RecipientId};
use crate::core::snapshot::{RegisterPolicies, SnapshotName, SnapshotUsed};

use answers::Answers;
use enheter::{ReceivingSystems, SubUnits, Units};
use krr::{Krr, Reservations};
use read::{Consulted, read, read_new, standing_notes};
use register::Register;

pub use look::Look;
pub use memory::SnapshotMemory;
pub use refusal::SnapshotRefusal;
pub use shelf::{Shelf, expire};

/// Whom a pass asks about. A snapshot that none of them needs is not read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub persons: HashSet<PersonId>,
    pub organisations: HashSet<OrgNumber>,
    /// Look at every row of every snapshot, to report what is wrong with it; nothing can be looked up afterwards.
    pub everything: bool,
}

impl Wanted {
    /// Every row is of interest: for checking the snapshots themselves.
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    fn ids(&self) -> impl Iterator<Item = RecipientId> {
        let persons = self.persons.iter().copied().map(RecipientId::Person);
        persons.chain(self.organisations.iter().copied().map(RecipientId::Organisation))
    }

    fn contains(&self, id: &RecipientId) -> bool {
        self.everything
            || match id {
                RecipientId::Person(person) => self.persons.contains(person),
                RecipientId::Organisation(organisation) => self.organisations.contains(organisation),
            }
    }
}

impl FromIterator<RecipientId> for Wanted {
    fn from_iter<I: IntoIterator<Item = RecipientId>>(ids: I) -> Self {
        let mut wanted = Self::default();
        for id in ids {
            match id {
                RecipientId::Person(person) => wanted.persons.insert(person),
                RecipientId::Organisation(organisation) => wanted.organisations.insert(organisation),
            };
        }
        wanted
    }
}

/// What can be said of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    Known(T),
    /// A row for this identity could not be understood, or two disagree.
    Held,
    /// A snapshot that is needed was refused, or was not asked about this identity.
    Unavailable,
}

impl<T> Lookup<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Known(value) => Lookup::Known(f(value)),
            Self::Held => Lookup::Held,
            Self::Unavailable => Lookup::Unavailable,
        }
    }

    fn zip<U>(self, other: Lookup<U>) -> Lookup<(T, U)> {
        match (self, other) {
            (Self::Known(a), Lookup::Known(b)) => Lookup::Known((a, b)),
            (Self::Unavailable, _) | (_, Lookup::Unavailable) => Lookup::Unavailable,
            (Self::Held, _) | (_, Lookup::Held) => Lookup::Held,
        }
    }
}

#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `registry/`.
    pub dir: &'a Path,
    pub policies: &'a RegisterPolicies,
    pub memory: &'a SnapshotMemory,
    /// Where the tables of the snapshots are kept.
    pub shelf: Option<Shelf<'a>>,
    /// `--accept-snapshot`: believed though they have shrunk, or are gone where they may be.
    pub accept: &'a [SnapshotName],
    pub wanted: &'a Wanted,
    pub now: Time,
}

/// The answer to a [`Request`].
pub struct Registers {
    wanted: Wanted,
    krr: Answer<Krr>,
    reservations: Answer<Reservations>,
    units: Answer<Units>,
    sub_units: Answer<SubUnits>,
    receiving_systems: Answer<ReceivingSystems>,
    /// Those for persons before those for organisations.
    used: Vec<SnapshotUsed>,
    /// Of each snapshot that was asked, what is wrong with it.
    pub notes: BTreeMap<SnapshotName, Vec<Note>>,
    pub refused: Vec<(SnapshotName, SnapshotRefusal)>,
    /// What to remember of the snapshots for the next pass.
    pub accepted: SnapshotMemory,
}

/// Something that is wrong with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub about: About,
    /// In bokmål, self-sufficient: where, what is wrong, what was done, what to try.
    pub line: String,
}

/// What a note on a snapshot is about. A later note about the same replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Why it is not believed, and what is used instead.
    Snapshot,
    /// The table that is kept of it.
    Table,
    /// So many rows cannot be read that they may mean anybody.
    Everybody,
    /// The row that begins on this line.
    Row(u64),
    /// Rows beyond those that are told one by one.
    MoreRows,
}

/// What became of one snapshot.
enum Answer<R: Register> {
    Read {
        answers: Answers<R::Facts>,
        used: SnapshotUsed,
    },
    /// Not there, and it need not be.
    Absent,
    /// Refused, or nobody asked.
    Unavailable,
}

impl<R: Register> Answer<R> {
    fn find(&self, id: &RecipientId) -> Lookup<Option<&R::Facts>> {
        match self {
            Self::Read { answers, .. } => answers.find(id),
            Self::Absent => Lookup::Known(None),
            Self::Unavailable => Lookup::Unavailable,
        }
    }
}

/// Asks the snapshots that the wanted identities need, all at once.
pub fn consult(request: Request<'_>) -> Registers {
    let wanted = request.wanted;
    let persons = wanted.everything || !wanted.persons.is_empty();
    let organisations = wanted.everything || !wanted.organisations.is_empty();
    let ((krr, reservations), (units, (sub_units, receiving_systems))) = rayon::join(
        || {
            rayon::join(
                || persons.then(|| read::<Krr>(request)),
                || (persons || organisations).then(|| read::<Reservations>(request)),
            )
        },
        || {
            rayon::join(
                || organisations.then(|| read::<Units>(request)),
                || {
                    rayon::join(
                        || organisations.then(|| read::<SubUnits>(request)),
                        || organisations.then(|| read::<ReceivingSystems>(request)),
                    )
                },
            )
        },
    );
    let mut report = Consulted::new(request.memory);
    if let Some(notes) = (!persons).then(|| standing_notes::<Krr>(request)).flatten() {
        report.notes.insert(SnapshotName::Krr, notes);
    }
    Registers {
        wanted: wanted.clone(),
        krr: report.settle(krr),
        reservations: report.settle(reservations),
        units: report.settle(units),
        sub_units: report.settle(sub_units),
        receiving_systems: report.settle(receiving_systems),
        used: report.used,
        notes: report.notes,
        refused: report.refused,
        accepted: report.accepted,
    }
}

impl Registers {
    /// From KRR and the reservations. Who stands in neither is not in KRR and not reserved.
    pub fn person(&self, person: PersonId) -> Lookup<PersonFacts> {
        if !self.wanted.persons.contains(&person) {
            return Lookup::Unavailable;
        }
        let id = RecipientId::Person(person);
        self.krr.find(&id).zip(self.reservations.find(&id)).map(|(facts, reserved)| {
            let facts = facts.cloned().unwrap_or_default();
            PersonFacts { reserved: facts.reserved || reserved == Some(&true), ..facts }
        })
    }

    /// From Enhetsregisteret and the receiving systems; `None` when it is neither a unit nor a sub-unit.
    pub fn organisation(&self, organisation: OrgNumber) -> Lookup<Option<OrganisationFacts>> {
        if !self.wanted.organisations.contains(&organisation) {
            return Lookup::Unavailable;
        }
        let id = RecipientId::Organisation(organisation);
        let registered = self.units.find(&id).zip(self.sub_units.find(&id)).zip(self.receiving_systems.find(&id));
        registered.map(|((unit, sub_unit), receiving_system)| {
            if unit.is_none() && sub_unit.is_none() {
                return None;
            }
            let address = unit.and_then(|u| u.address.as_ref()).or(sub_unit.and_then(|s| s.address.as_ref()));
            Some(OrganisationFacts {
                bankrupt: unit.is_some_and(|u| u.bankrupt),
                closed_from: sub_unit.and_then(|s| s.closed_from),
                own_receiving_system: receiving_system.is_some(),
                // It has no effect, so a list that is refused or unclear must not hold an organisation's letter.
                reserved: matches!(self.reservations.find(&id), Lookup::Known(Some(true))),
                address: address.cloned(),
            })
        })
    }

    /// Rows of KRR that nobody can read: whom they are about is not known, so a person has to see to them.
    pub fn has_unreadable_persons(&self) -> bool {
        let notes = self.notes.get(&SnapshotName::Krr).into_iter().flatten();
        notes.into_iter().any(|note| matches!(note.about, About::Row(_) | About::MoreRows | About::Everybody))
    }

    /// The lines of all notes, in the order of [`SnapshotName`].
    pub fn messages(&self) -> Vec<String> {
        self.notes.values().flatten().map(|note| note.line.clone()).collect()
    }

    /// Every snapshot that was read and believed, in the order of [`SnapshotName`].
    pub fn used(&self) -> &[SnapshotUsed] {
        &self.used
    }

    /// The snapshots behind a lookup of this recipient, in the order of [`SnapshotName`].
    pub fn used_for(&self, recipient: &RecipientId) -> &[SnapshotUsed] {
        let (persons, organisations) =
            self.used.split_at(self.used.partition_point(|used| speaks_of_persons(used.navn)));
        match recipient {
            RecipientId::Person(_) => persons,
            RecipientId::Organisation(_) => organisations,
        }
    }
}

/// What is wrong in one snapshot, looking at every row; moves and remembers nothing.
pub fn inspect(request: Request<'_>, name: SnapshotName) -> Inspected {
    let mut report = Consulted::new(request.memory);
    match name {
        SnapshotName::Krr => drop(report.settle(Some(read_new::<Krr>(request)))),
        SnapshotName::Reservasjoner => drop(report.settle(Some(read_new::<Reservations>(request)))),
        SnapshotName::Enheter => drop(report.settle(Some(read_new::<Units>(request)))),
        SnapshotName::Underenheter => drop(report.settle(Some(read_new::<SubUnits>(request)))),
        SnapshotName::Svarinn => drop(report.settle(Some(read_new::<ReceivingSystems>(request)))),
    }
    let refused = report.refused.pop().map(|(_, refusal)| refusal.code());
    Inspected { used: report.used.pop(), refused, notes: report.notes.into_values().flatten().collect() }
}

/// A snapshot looked at by itself. Neither used nor refused: it is absent, and may be.
pub struct Inspected {
    pub used: Option<SnapshotUsed>,
    /// The code of its refusal.
    pub refused: Option<&'static str>,
    pub notes: Vec<Note>,
}

fn speaks_of_persons(name: SnapshotName) -> bool {
    matches!(name, SnapshotName::Krr | SnapshotName::Reservasjoner)
}
