//! One drop at a time, on any thread: looked at, claimed, read and judged.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::Desk;
use crate::core::identity::RecipientId;
use crate::core::judge::{self, Drop, Judgement, Read};
use crate::core::letter::{Key, Letter};
use crate::core::route::Facts;
use crate::core::senders::Senders;
use crate::shell::intake;
use crate::shell::registers::{Lookup, Registers};
use crate::shell::spool::DropName;

/// A drop that this pass will try to place.
pub(super) struct Candidate {
    pub(super) name: DropName,
    /// It lies in `work/` since an earlier pass.
    pub(super) claimed: bool,
    pub(super) recipient: Option<RecipientId>,
}

/// A claimed drop that has been read and judged.
pub(super) struct Examined {
    pub(super) name: DropName,
    pub(super) key: Key,
    pub(super) letter: Option<Letter>,
    pub(super) reference: Option<String>,
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
    WaitsForSnapshot,
    WaitsForRow,
    /// Still in `inbox/`, or back in it; why.
    Failed(DropName, String),
    /// Its writer took it away before we could.
    Gone,
}

impl Desk<'_> {
    /// Whether a drop may be taken, and whom it is to; `None` while it is still being written.
    pub(super) fn look(&self, name: &DropName, claimed: bool) -> io::Result<Option<Candidate>> {
        let path = if claimed { name.in_work(self.root) } else { name.in_inbox(self.root) };
        let look = || {
            let folder = intake::open(&path, name.sender, self.settings.wall)?;
            if !claimed && !intake::is_whole(&folder, self.settings.patience, self.settings.wall) {
                return Ok(None);
            }
            let addressed = folder.drop.address(self.senders, self.settings.now.date_naive());
            let recipient = addressed.ok().and_then(|addressed| addressed.recipient);
            Ok(Some(Candidate { name: name.clone(), claimed, recipient }))
        };
        guarded(look).unwrap_or_else(|| Err(io::Error::other("lesingen stoppet uventet")))
    }

    /// Claims and examines one drop. Whatever goes wrong with it, panics included, stays with it.
    pub(super) fn take(&self, candidate: &Candidate, registers: &Registers) -> Taken {
        if !candidate.claimed {
            match self.facts(candidate.recipient, registers) {
                Lookup::Known(_) => {}
                Lookup::Held => return Taken::WaitsForRow,
                Lookup::Unavailable => return Taken::WaitsForSnapshot,
            }
            match self.spool.claim(&candidate.name) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Taken::Gone,
                Err(error) => return Taken::Failed(candidate.name.clone(), error.to_string()),
            }
        }
        let examine = || {
            self.spool.clean(&candidate.name)?;
            self.examine(&candidate.name, &candidate.name.in_work(self.root), registers)
        };
        let examined = guarded(examine).unwrap_or_else(|| Err(io::Error::other("behandlingen stoppet uventet")));
        examined.map(|examined| Taken::Examined(Box::new(examined))).unwrap_or_else(|error| {
            let returned = self.spool.put_back(&candidate.name);
            let what = returned
                .map_or_else(|e| format!("{error}; og brevet ble liggende i work/: {e}"), |()| error.to_string());
            Taken::Failed(candidate.name.clone(), what)
        })
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
        let limits = facts.as_ref().and_then(|facts| judge::print_limits(&drop, self.senders, facts, today));
        let reads = intake::read_documents(path, &drop, limits)?;
        let key = match &drop.letter {
            Ok(letter) => Key::of_letter(&sender_line(&drop, self.senders), letter, &judge::key_documents(&reads)),
            Err(_) => Key::of_files(&intake::digest_files(path, &drop)?),
        };
        let judgement = facts.as_ref().map(|facts| judge::judge(&drop, &reads, self.senders, facts, today));
        Ok(Examined {
            name: name.clone(),
            key,
            letter: drop.letter.ok(),
            reference: drop.reference,
            reads,
            recipient,
            facts,
            judgement,
        })
    }

    pub(super) fn facts(&self, recipient: Option<RecipientId>, registers: &Registers) -> Lookup<Facts> {
        match recipient {
            None => Lookup::Known(Facts::NoDigitalId),
            Some(RecipientId::Person(person)) => registers.person(person).map(Facts::Person),
            Some(RecipientId::Organisation(number)) => registers.organisation(number).map(Facts::Organisation),
        }
    }
}

/// The key's first line: the sender that was found, else the one that was claimed to be it.
fn sender_line(drop: &Drop, senders: &Senders) -> String {
    match drop.sender(senders) {
        Ok(sender) => sender.number.to_string(),
        Err(_) => drop.named_sender.clone().unwrap_or_default(),
    }
}

/// `None` when `work` panicked: one letter must not take the pass with it.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
