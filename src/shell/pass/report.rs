//! What a pass did, for people and for machines.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use crate::core::code::Code;
use crate::core::route::Channel;
use crate::core::snapshot::{SnapshotName, SnapshotUsed};
use crate::core::status::Status;
use crate::shell::fault;
use crate::shell::moves::not_understood;
use crate::shell::registers::Note;
use crate::shell::spool::DropName;
use crate::shell::stopwatch::Stopwatch;

/// Refused letters that get a line of their own; the rest are in the counts and in `outbox/avvist/`.
const REFUSALS_SHOWN: usize = 100;
/// Letters held by a register's row that get a line of their own.
const HELD_SHOWN: usize = 20;

/// The counts of one pass; serialises as `run --json` prints it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Letters placed or refused.
    pub received: usize,
    pub placed: Placed,
    pub refused: BTreeMap<String, usize>,
    /// What stays in `inbox/`.
    pub left: usize,
    pub messages: Vec<String>,
    pub seconds: f64,
    /// Letters that wait for a snapshot that was refused.
    #[serde(skip)]
    pub held_by_snapshot: usize,
    /// About letters that lack `FERDIG`; also among the messages.
    #[serde(skip)]
    pub unmarked: Vec<String>,
    /// Letters that wait for a row to be mended.
    #[serde(skip)]
    pub held_by_row: usize,
    /// The drops behind `left` that will be tried again, and why.
    #[serde(skip)]
    pub held: Vec<(DropName, Held)>,
    /// Of each register that was asked, what is wrong with it; also among the messages.
    #[serde(skip)]
    pub register_notes: BTreeMap<SnapshotName, Vec<Note>>,
    #[serde(skip)]
    pub placed_by_code: BTreeMap<(Channel, String), u64>,
    /// The snapshots that were read and believed.
    #[serde(skip)]
    pub registers: Vec<SnapshotUsed>,
    /// Something was left that will not mend itself.
    #[serde(skip)]
    pub needs_person: bool,
    #[serde(skip)]
    pub stopwatch: Stopwatch,
}

/// Why a drop stays, though it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    BySnapshot,
    ByRow,
    /// The line for the operator.
    ByTrouble(String),
}

impl Held {
    pub fn by_register(&self) -> bool {
        matches!(self, Self::BySnapshot | Self::ByRow)
    }

    /// For the operator.
    pub fn line(&self, name: &DropName) -> String {
        let name = name.shown();
        match self {
            Self::BySnapshot => format!(
                "{name}: brevet venter på et register som mangler eller er avvist. Det er ikke rørt. Prøv: rett det som er meldt for registeret."
            ),
            Self::ByRow => format!(
                "{name}: brevet venter, for en rad om mottakeren i et register kan ikke forstås, eller to rader sier ulikt. Det er ikke rørt. Prøv: rett raden som er meldt for registeret, og hent registeret på nytt."
            ),
            Self::ByTrouble(line) => line.clone(),
        }
    }
}

#[derive(Debug, Default, Serialize)]
pub struct Placed {
    pub digipost: usize,
    pub eboks: usize,
    pub altinn: usize,
    pub svarinn: usize,
    pub print: usize,
    pub avvist: usize,
}

impl Placed {
    pub fn of(&self, channel: Channel) -> usize {
        match channel {
            Channel::Digipost => self.digipost,
            Channel::Eboks => self.eboks,
            Channel::Altinn => self.altinn,
            Channel::Svarinn => self.svarinn,
            Channel::Print => self.print,
            Channel::Avvist => self.avvist,
        }
    }

    pub(in crate::shell) fn count(&mut self, channel: Channel) {
        *self.of_mut(channel) += 1;
    }

    fn of_mut(&mut self, channel: Channel) -> &mut usize {
        match channel {
            Channel::Digipost => &mut self.digipost,
            Channel::Eboks => &mut self.eboks,
            Channel::Altinn => &mut self.altinn,
            Channel::Svarinn => &mut self.svarinn,
            Channel::Print => &mut self.print,
            Channel::Avvist => &mut self.avvist,
        }
    }
}

impl Report {
    pub(super) fn placed(&mut self, channel: Channel, code: &str, folder: &str, status: &str) {
        self.received += 1;
        *self.placed_by_code.entry((channel, code.to_owned())).or_default() += 1;
        match channel {
            Channel::Avvist => self.refused(code, folder, status),
            _ => self.placed.count(channel),
        }
    }

    /// A letter that went to `avvist/`.
    pub(in crate::shell) fn refused(&mut self, code: &str, folder: &str, status: &str) {
        self.placed.count(Channel::Avvist);
        *self.refused.entry(code.to_owned()).or_default() += 1;
        match self.placed.avvist {
            n if n <= REFUSALS_SHOWN => self.messages.push(refusal_line(folder, code, status)),
            n if n == REFUSALS_SHOWN + 1 => {
                self.messages.push("Flere brev er avvist; se mappene i outbox/avvist/.".to_owned());
            }
            _ => {}
        }
    }

    pub(super) fn waits_for_snapshot(&mut self, name: DropName) {
        self.left += 1;
        self.held_by_snapshot += 1;
        self.held.push((name, Held::BySnapshot));
    }

    pub(super) fn waits_for_row(&mut self, name: DropName) {
        self.left += 1;
        self.needs_person = true;
        self.held_by_row += 1;
        match self.held_by_row {
            n if n <= HELD_SHOWN => self.messages.push(Held::ByRow.line(&name)),
            n if n == HELD_SHOWN + 1 => self.messages.push("Flere brev venter på rader i registrene.".to_owned()),
            _ => {}
        }
        self.held.push((name, Held::ByRow));
    }

    pub(super) fn failed(&mut self, name: &DropName, why: &io::Error) {
        self.left += 1;
        self.trouble(name, format!(
            "{}: brevet kunne ikke behandles ({}). Det ligger urørt der det lå. Prøv: {}; det prøves igjen i neste kjøring.",
            name.shown(),
            fault::cause(why),
            fault::remedy(why)
        ));
    }

    /// A letter that is claimed and could neither be examined nor put back.
    pub(super) fn not_put_back(&mut self, name: &DropName, why: &io::Error) {
        self.trouble(name, format!(
            "{}: brevet kunne ikke behandles, og heller ikke legges tilbake i inbox/ ({}). Det ligger trygt i .postgang/work og tas opp igjen i neste kjøring. Prøv: {}.",
            name.shown(),
            fault::cause(why),
            fault::remedy(why)
        ));
    }

    /// A letter whose decision is recorded and that could not be moved on.
    pub(super) fn stuck(&mut self, name: &DropName, why: &io::Error) {
        self.trouble(name, format!(
            "{}: brevet er avgjort, men kunne ikke flyttes ({}). Det ligger trygt i .postgang/work og går videre i neste kjøring. Prøv: {}.",
            name.shown(),
            fault::cause(why),
            fault::remedy(why)
        ));
    }

    /// A letter whose recorded decision this version cannot read.
    pub(super) fn not_understood(&mut self, name: &DropName) {
        self.left += 1;
        // It is told where the moves are finished, too.
        let line = not_understood(&name.shown());
        self.messages.retain(|message| *message != line);
        self.trouble(name, line);
    }

    /// Drops that a register row holds, for the night's list.
    pub(super) fn drops_held_by_row(&self) -> Vec<String> {
        let by_row = self.held.iter().filter(|(_, why)| *why == Held::ByRow);
        by_row.map(|(name, _)| name.shown()).collect()
    }

    /// Letters that are in their place and could not be marked.
    pub(in crate::shell) fn not_marked(&mut self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.needs_person = true;
            self.messages.push(line.clone());
            self.unmarked.push(line);
        }
    }

    fn trouble(&mut self, name: &DropName, line: String) {
        self.needs_person = true;
        self.messages.push(line.clone());
        self.held.push((name.clone(), Held::ByTrouble(line)));
    }

    /// Adds the counts of another pass.
    pub fn add(&mut self, other: &Report) {
        self.received += other.received;
        for channel in Channel::ALL {
            *self.placed.of_mut(channel) += other.placed.of(channel);
        }
        for (code, n) in &other.refused {
            *self.refused.entry(code.clone()).or_default() += n;
        }
        for (key, n) in &other.placed_by_code {
            *self.placed_by_code.entry(key.clone()).or_default() += n;
        }
        self.seconds += other.seconds;
    }

    /// The counts and messages as an operator reads them.
    pub fn text(&self) -> String {
        let mut text = format!("{:<22} {:>8}\n", "Behandlet", self.received);
        for channel in Channel::ALL {
            text += &format!("  {:<20} {:>8}", channel.as_str(), self.placed.of(channel));
            if channel == Channel::Avvist && !self.refused.is_empty() {
                let codes: Vec<String> = self.refused.iter().map(|(code, n)| format!("{code} {n}")).collect();
                text += &format!("  ({})", codes.join(", "));
            }
            text.push('\n');
        }
        text += &format!("{:<22} {:>8}\n", "Ligger igjen i inbox/", self.left);
        for message in &self.messages {
            text += &format!("- {message}\n");
        }
        text
    }

    /// 0 all placed, or only settling; 1 a person is needed; 3 a snapshot held letters.
    pub fn exit_code(&self) -> u8 {
        if self.held_by_snapshot > 0 {
            3
        } else if self.needs_person || self.placed.avvist > 0 {
            1
        } else {
            0
        }
    }
}

fn refusal_line(folder: &str, code: &str, status: &str) -> String {
    let reason = Status::from_yaml(status.as_bytes()).map(|status| status.begrunnelse).unwrap_or_default();
    let remedy = code.parse::<Code>().map(|code| code.entry().remedy).unwrap_or_default();
    format!("outbox/avvist/{folder}/: {reason} Brevet er ikke sendt. Prøv: {remedy}")
}
