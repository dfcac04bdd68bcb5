//! One drop at a time, on any thread: looked at, claimed, read and judged.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::Desk;
use crate::core::identity::RecipientId;
use crate::core::judge::{self, Judgement, Read};
use crate::core::letter::{Digest256, Key, Letter};
use crate::core::printable::{self, Paper, print_limits};
use crate::core::route::{Channel, Facts};
use crate::core::whole::Wholeness;
use crate::shell::dir::{Dir, Fingerprint};
use crate::shell::held::OpenElsewhere;
use crate::shell::intake::{self, Glance};
use crate::shell::print::cover;
use crate::shell::registers::{Lookup, Registers};
use crate::shell::spool::DropName;
use crate::shell::takeover::Whose;

/// A drop that this pass will try to place.
pub(super) struct Candidate {
    pub(super) name: DropName,
    /// It lies in `work/` since an earlier pass.
    pub(super) claimed: bool,
    /// What it looked like when it was found whole. Absent where its sender has said that it is whole, or it is claimed.
    pub(super) seen: Option<Fingerprint>,
    pub(super) recipient: Option<RecipientId>,
}

/// What makes a drop a candidate.
#[derive(Clone, Copy)]
pub(super) enum Ask {
    /// It lies in `work/` since an earlier pass.
    Claimed,
    /// It is whole by its times.
    IsWhole,
    /// It looks as it did when its whole state was settled.
    StillSo(Fingerprint),
}

/// A claimed drop that has been read and judged.
pub(super) struct Examined {
    pub(super) name: DropName,
    pub(super) key: Key,
    pub(super) letter: Option<Letter>,
    pub(super) reference: Option<String>,
    pub(super) metadata: Option<Digest256>,
    pub(super) reads: Vec<Read>,
    pub(super) recipient: Option<RecipientId>,
    pub(super) facts: Option<Facts>,
    /// `None` while the registers cannot say enough for a decision.
    pub(super) judgement: Option<Judgement>,
}

/// What became of a candidate before any decision was recorded.
pub(super) enum Taken {
    Examined(Box<Examined>),
    /// Still in `inbox/`: a register is silent on the recipient.
    WaitsForSnapshot(DropName),
    WaitsForRow(DropName),
    /// Back in `inbox/`: its writer was not done with it after all.
    Changed,
    /// Still in `inbox/`, or back in it; why.
    Failed(DropName, io::Error),
    /// Still in `work/`, and to be tried again; why it could not be put back.
    Left(DropName, io::Error),
    /// Its writer took it away before we could.
    Gone,
}

impl Desk<'_> {
    /// Whether a drop may be taken, and whom it is to; `None` while it is still being written.
    pub(super) fn look(&self, name: &DropName, ask: Ask) -> io::Result<Option<Candidate>> {
        let wall = self.settings.wall;
        let look = || {
            let (folder, whole) = match ask {
                Ask::Claimed => (intake::open(&name.in_work(self.root), name.sender, wall)?, true),
                Ask::IsWhole => {
                    let folder = intake::open_drop(self.root, name, wall)?;
                    let whole = folder.may_be_taken(self.settings.patience, wall);
                    (folder, whole)
                }
                Ask::StillSo(seen) => {
                    let folder = intake::open_drop(self.root, name, wall)?;
                    let whole = folder.wholeness == Wholeness::Declared || folder.fingerprint == seen;
                    (folder, whole)
                }
            };
            let claimed = matches!(ask, Ask::Claimed);
            let seen = (!claimed && folder.wholeness != Wholeness::Declared).then_some(folder.fingerprint);
            let addressed = folder.drop.address(self.senders, self.settings.now.date_naive());
            let recipient = addressed.ok().and_then(|addressed| addressed.recipient);
            Ok(whole.then(|| Candidate { name: name.clone(), claimed, seen, recipient }))
        };
        guarded(look).unwrap_or_else(|| Err(io::Error::other("lesingen stoppet uventet")))
    }

    /// Claims one drop, or says why it stays.
    pub(super) fn claim(&self, candidate: &Candidate, registers: &Registers) -> Result<(), Taken> {
        if candidate.claimed {
            return Ok(());
        }
        match self.facts(candidate.recipient, registers) {
            Lookup::Known(_) => {}
            Lookup::Held => return Err(Taken::WaitsForRow(candidate.name.clone())),
            Lookup::Unavailable => return Err(Taken::WaitsForSnapshot(candidate.name.clone())),
        }
        self.spool.claim(&candidate.name).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Taken::Gone,
            _ => Taken::Failed(candidate.name.clone(), error),
        })
    }

    /// Examines one drop that is claimed. Whatever goes wrong with it, panics included, stays with it.
    pub(super) fn take(&self, candidate: &Candidate, open: &OpenElsewhere, registers: &Registers) -> Taken {
        // The registers take a while to read, and a claim is not made at the moment of the look.
        if candidate.seen.is_some_and(|seen| self.looks_different(&candidate.name, seen)) {
            return match self.spool.put_back(&candidate.name) {
                Ok(()) => Taken::Changed,
                Err(error) => Taken::Failed(candidate.name.clone(), error),
            };
        }
        let examine = || {
            let whose = self.spool.take_over(&candidate.name, open)?;
            self.spool.clean(&candidate.name)?;
            let examined = self.examine(&candidate.name, &candidate.name.in_work(self.root), registers)?;
            match &examined.judgement {
                // It held what it would have been refused for, and does not any more.
                Some(judgement) if whose == Whose::Refusable && judgement.decision.channel != Channel::Avvist => {
                    Err(io::ErrorKind::ResourceBusy.into())
                }
                _ => Ok(examined),
            }
        };
        let examined = guarded(examine).unwrap_or_else(|| Err(io::Error::other("behandlingen stoppet uventet")));
        examined.map(|examined| Taken::Examined(Box::new(examined))).unwrap_or_else(|error| {
            match self.spool.put_back(&candidate.name) {
                Ok(()) if error.kind() == io::ErrorKind::ResourceBusy => Taken::Changed,
                Ok(()) => Taken::Failed(candidate.name.clone(), error),
                Err(error) => Taken::Left(candidate.name.clone(), error),
            }
        })
    }

    fn looks_different(&self, name: &DropName, seen: Fingerprint) -> bool {
        let claimed = Dir::open_child(&name.in_work(self.root)).and_then(Glance::of);
        // What cannot be read now will say so when it is examined.
        claimed.is_ok_and(|glance| glance.fingerprint() != seen)
    }

    /// Reads and judges the drop that lies at `path`.
    pub(super) fn examine(&self, name: &DropName, path: &Path, registers: &Registers) -> io::Result<Examined> {
        let drop = intake::open(path, name.sender, self.settings.wall)?.drop;
        let today = self.settings.now.date_naive();
        let recipient = drop.address(self.senders, today).ok().and_then(|addressed| addressed.recipient);
        let facts = match self.facts(recipient, registers) {
            Lookup::Known(facts) => Some(facts),
            Lookup::Held | Lookup::Unavailable => None,
        };
        let limits = facts.as_ref().and_then(|facts| print_limits(&drop, self.senders, facts, today));
        let reads = intake::read_documents(path, &drop, limits)?;
        let key = intake::key(path, &drop, &reads, &drop.key_sender(self.senders))?;
        let mut judgement = facts.as_ref().map(|facts| judge::judge(&drop, &reads, self.senders, facts, today));
        if let (Some(judgement), Ok(letter)) = (&mut judgement, &drop.letter) {
            self.check_cover(letter, judgement);
        }
        Ok(Examined {
            name: name.clone(),
            key,
            letter: drop.letter.ok(),
            reference: drop.reference,
            metadata: drop.metadata,
            reads,
            recipient,
            facts,
            judgement,
        })
    }

    /// Whether the envelope can show who the letter is to: not a thing to find out at night.
    fn check_cover(&self, letter: &Letter, judgement: &mut Judgement) {
        let Some(rule) = &judgement.rule else { return };
        let paper = printable::paper(&judgement.decision, letter, rule);
        let sender = judgement.sender.and_then(|number| self.senders.get(number));
        let Some(sender) = sender.filter(|_| paper != Paper::Never) else { return };
        let recipient = letter.recipient.addressed(judgement.address.as_ref());
        if let Err(fault) =
            cover::check(&cover::of(&recipient, letter.return_address.as_ref(), sender), &sender.print.cover)
        {
            judgement.decision.not_printable(paper, &cover::refusal(fault));
        }
    }

    pub(super) fn facts(&self, recipient: Option<RecipientId>, registers: &Registers) -> Lookup<Facts> {
        match recipient {
            None => Lookup::Known(Facts::NoDigitalId),
            Some(RecipientId::Person(person)) => registers.person(person).map(Facts::Person),
            Some(RecipientId::Organisation(number)) => registers.organisation(number).map(Facts::Organisation),
        }
    }
}

/// `None` when `work` panicked: one letter must not take the pass with it.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
