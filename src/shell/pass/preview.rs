//! What a pass would do with a drop, without doing it: the same reading and judging, and nothing moved or recorded.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;

use super::admit::{next_in_line, recorded};
use super::{Desk, PassError, Settings};
use crate::core::letter::Digest256;
use crate::core::route::{Channel, Decision};
use crate::core::senders::Senders;
use crate::core::status::Status;
use crate::shell::fault;
use crate::shell::intake;
use crate::shell::ledger::{self, Earlier, Ledger};
use crate::shell::registers::{Lookup, Registers, Request, Shelf, SnapshotMemory, Wanted, consult};
use crate::shell::root::Root;
use crate::shell::spool::{DropName, Spool};

/// What would become of one drop.
#[derive(Clone, Debug)]
pub struct Preview {
    pub name: DropName,
    pub outlook: Outlook,
}

#[derive(Clone, Debug)]
pub enum Outlook {
    /// Placed or refused.
    Decided(Decision),
    /// It was decided in a pass that was broken off: what its `status.yaml` will say, and where below `outbox/` it goes.
    Resumed(Box<Status>, String),
    /// That decision was recorded by a version that this one does not understand.
    NotUnderstood,
    /// Still being written, or incomplete: what it lacks, if anything.
    Settling(Option<String>),
    /// A register row for the recipient cannot be understood.
    WaitsForRow,
    /// A snapshot that is needed is refused.
    WaitsForSnapshot,
    Failed(String),
}

/// What is known of letters with the same key, as the drops before have left it.
struct Line {
    ledger: Option<Box<dyn Ledger>>,
    known: HashMap<Digest256, Vec<Earlier>>,
    resumed: HashSet<String>,
    /// The drops that are looked at, as they are shown.
    present: HashSet<String>,
}

/// Looks ahead for the drops at these paths; the second value is what the registers had to say.
pub fn preview(
    root: &Root,
    settings: &Settings,
    senders: &Senders,
    drops: &[(DropName, PathBuf)],
) -> Result<(Vec<Preview>, Vec<String>), PassError> {
    let desk = Desk { root, settings, senders, spool: Spool::new(root, None) };
    let today = settings.now.date_naive();
    let recipient = |(name, path): &(DropName, PathBuf)| {
        let drop = intake::open(path, name.sender, settings.wall).ok()?.drop;
        drop.address(senders, today).ok()?.recipient
    };
    let recipients: Vec<_> = drops.par_iter().filter_map(recipient).collect();
    let wanted: Wanted = recipients.into_iter().collect();
    let memory = SnapshotMemory::load(&root.state()).context("kan ikke lese .postgang/snapshots.json")?;
    let registers = consult(Request {
        dir: &root.registry(),
        policies: &senders.registers,
        memory: &memory,
        shelf: Some(Shelf { dir: &root.tables(), is_ours: false, wall: settings.wall }),
        accept: &settings.accept,
        wanted: &wanted,
        now: settings.now,
    });
    let ledger = ledger::open_to_read(root.ledger())?;
    let mut previews = Vec::new();
    // What a drop is depends on those that the same pass takes before it.
    let present = drops.iter().map(|(name, _)| name.shown()).collect();
    let mut line = Line { ledger, known: HashMap::new(), resumed: HashSet::new(), present };
    for (name, path) in drops {
        let outlook = desk.outlook(name, path, &registers, &mut line)?;
        previews.push(Preview { name: name.clone(), outlook });
    }
    Ok((previews, registers.messages()))
}

impl Desk<'_> {
    fn outlook(
        &self,
        name: &DropName,
        path: &Path,
        registers: &Registers,
        line: &mut Line,
    ) -> Result<Outlook, PassError> {
        let looked = intake::open(path, name.sender, self.settings.wall);
        let folder = match looked {
            Ok(folder) => folder,
            Err(error) => return Ok(Outlook::Failed(fault::cause(&error))),
        };
        // What was claimed was whole then, and goes on whatever the registers say now.
        let is_claimed = path.starts_with(self.root.work());
        if !is_claimed && !folder.may_be_taken(self.settings.patience, self.settings.wall) {
            return Ok(Outlook::Settling(folder.drop.wants()));
        }
        let examined = match self.examine(name, path, registers) {
            Ok(examined) => examined,
            Err(error) => return Ok(Outlook::Failed(fault::cause(&error))),
        };
        let waits = || match self.facts(examined.recipient, registers) {
            Lookup::Held => Outlook::WaitsForRow,
            _ => Outlook::WaitsForSnapshot,
        };
        if examined.judgement.is_none() && !is_claimed {
            return Ok(waits());
        }
        let digest = examined.key.digest();
        let earlier = match line.known.entry(digest) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let earlier = line.ledger.as_ref().map(|ledger| ledger.earlier(&[digest])).transpose()?;
                entry.insert(earlier.and_then(|mut earlier| earlier.remove(&digest)).unwrap_or_default())
            }
        };
        if let Some((id, pending)) = recorded(earlier, name, &line.resumed, &line.present) {
            line.resumed.insert(id);
            let resumed = |status| Outlook::Resumed(Box::new(status), pending.target.clone());
            return Ok(pending.understood().map_or(Outlook::NotUnderstood, resumed));
        }
        let Some(mut judgement) = examined.judgement else { return Ok(waits()) };
        let reference = examined.reference.is_some();
        next_in_line(earlier, &examined.key, reference, &mut judgement, self.settings.now);
        Ok(Outlook::Decided(judgement.decision))
    }
}

impl Outlook {
    /// The line an operator reads.
    pub fn sentence(&self) -> String {
        match self {
            Self::Decided(decision) if decision.channel == Channel::Avvist => {
                format!("avvises: {} Prøv: {}", decision.sentence, decision.code.entry().remedy)
            }
            Self::Decided(decision) => format!("går til {}: {}", decision.channel.as_str(), decision.sentence),
            Self::Resumed(status, target) => format!(
                "ble besluttet i en kjøring som ble avbrutt, og neste kjøring flytter det til outbox/{target}: {}",
                status.begrunnelse
            ),
            Self::NotUnderstood => "venter: det er besluttet hva som skal skje med brevet, men beslutningen kan ikke forstås av denne versjonen. Prøv: kjør versjonen som skrev den".to_owned(),
            Self::Settling(Some(wanting)) => format!("venter: {wanting}"),
            Self::Settling(None) => "venter: mappen er nylig endret, og kan være under skriving".to_owned(),
            Self::WaitsForRow => "venter: en registerrad for mottakeren kan ikke forstås".to_owned(),
            Self::WaitsForSnapshot => "venter: et register som trengs, er ikke godtatt".to_owned(),
            Self::Failed(why) => format!("kan ikke leses: {why}"),
        }
    }

    /// The letter's code, or a word for why it has none yet.
    pub fn code(&self) -> String {
        match self {
            Self::Decided(decision) => decision.code.as_str(),
            Self::Resumed(status, _) => &status.kode,
            Self::NotUnderstood => "decision-not-understood",
            Self::Settling(_) => "settling",
            Self::WaitsForRow => "held-by-row",
            Self::WaitsForSnapshot => "held-by-snapshot",
            Self::Failed(_) => "unreadable",
        }
        .to_owned()
    }

    /// As for a pass: 0 well, 1 a person is needed, 3 a snapshot is in the way.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Decided(decision) => u8::from(decision.channel == Channel::Avvist),
            Self::Resumed(status, _) => u8::from(status.kanal == Channel::Avvist),
            Self::Settling(_) => 0,
            Self::WaitsForRow | Self::Failed(_) | Self::NotUnderstood => 1,
            Self::WaitsForSnapshot => 3,
        }
    }
}
