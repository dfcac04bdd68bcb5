//! Step 8: what the archive system and people are told, as files that are replaced whole.
//!
//! A list of events is one or more files, which are fetched each in its own time. A file holds every event, by the
//! ledger's numbers, since the file that was fetched before it. It is written first and the list recorded as written
//! afterwards: a crash between repeats rows and loses none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;

use super::standing;
use super::{Night, closing, inside};
use crate::core::calendar::{Time, parse_time};
use crate::core::matter::{self, Kind, Matter};
use crate::core::names::shown;
use crate::core::receipts::Verdict;
use crate::core::route::{Channel, State};
use crate::core::sealed;
use crate::core::sheet::Table;
use crate::core::silence::{self, Unnoticed};
use crate::core::status::{Stamp, Status};
use crate::shell::ledger::{Closing, ListedEvent, OUTBOX};
use crate::shell::outbox::{name, read_status, sealed_batches, subfolders};
use crate::shell::pass::Pass;

/// A file of a list, on its way.
struct ListFile<const N: usize> {
    /// The event that it begins with.
    first: i64,
    table: Table<N>,
    /// It holds something that was not listed before.
    grows: bool,
}

impl Night<'_> {
    pub(super) fn reminder_list(&mut self) -> anyhow::Result<()> {
        let day = self.now.date_naive().to_string();
        let header = ["forsendelsesId", "eksternReferanse", "avsender"];
        self.event_list("purring", &day, header, |event| {
            let row = [event.letter, event.reference.unwrap_or_default(), event.sender.unwrap_or_default()];
            (event.kind == "reminded").then(|| (format!("purring-{day}.csv"), row))
        })
    }

    pub(super) fn lists(&mut self) -> anyhow::Result<()> {
        let day = self.now.date_naive().to_string();
        self.feedback_lists(&day)?;
        let header = ["forsendelsesId", "eksternReferanse", "avsender", "tidspunkt"];
        self.event_list("retur", &day, header, |event| {
            let returned = event.state.as_deref() == Some(State::Retur.as_str());
            let row = [event.letter, event.reference.unwrap_or_default(), event.sender.unwrap_or_default(), event.at];
            returned.then(|| (format!("retur-{day}.csv"), row))
        })?;
        self.follow_up(&day)
    }

    /// One file for each sender, for import into its archive system.
    fn feedback_lists(&mut self, day: &str) -> anyhow::Result<()> {
        let header = ["eksternReferanse", "forsendelsesId", "tidspunkt", "status", "kanal", "kode", "underrettet"];
        self.event_list("kvittering", day, header, |event| {
            let sender = event.sender.filter(|_| event.kind == "status")?;
            let [reference, state, channel, code, notified] =
                [event.reference, event.state, event.channel, event.code, event.notified]
                    .map(Option::unwrap_or_default);
            let row = [reference, event.letter, event.at, state, channel, code, notified];
            Some((format!("kvittering-{day}-{sender}.csv"), row))
        })
    }

    /// Writes the day's files of one list, and records how far it has come. `row` says in which file an event stands,
    /// and how.
    fn event_list<const N: usize>(
        &mut self,
        list: &str,
        day: &str,
        header: [&str; N],
        row: impl Fn(ListedEvent) -> Option<(String, [String; N])>,
    ) -> anyhow::Result<()> {
        let Pass { desk, ledger, .. } = &mut self.pass;
        let since = ledger.listed(list, day)?.1 + 1;
        let last = ledger.last_event()?;
        if last < since {
            return Ok(());
        }
        // A file that has been fetched is not given twice; one that still lies there grows.
        let outbox = desk.root.outbox();
        let mut known = ledger.list_files(list, day)?;
        // What cannot be asked is taken to lie there: a row is given twice rather than never.
        known.retain(|name, _| outbox.join(name).try_exists().unwrap_or(true));
        let first = known.values().copied().fold(since, i64::min);
        let mut files: BTreeMap<String, ListFile<N>> = BTreeMap::new();
        ledger.events(first, last, &mut |event| {
            let number = event.number;
            let Some((name, row)) = row(event) else { return };
            let file = files.entry(name).or_insert_with_key(|name| ListFile {
                first: known.get(name).copied().unwrap_or(since),
                table: Table::new(header),
                grows: false,
            });
            if number >= file.first {
                file.table.add(row);
                file.grows |= number >= since;
            }
        })?;
        files.retain(|_, file| file.grows);
        // Before the files: one that lies there after a crash holds nothing that was fetched with the one before it.
        let beginnings: Vec<_> = files.iter().map(|(name, file)| (name.as_str(), file.first)).collect();
        ledger.begin_list_files(list, day, &beginnings)?;
        for (name, file) in files {
            let published = desk.spool.publish(&outbox, &name, &file.table.into_text());
            published.with_context(|| cannot_write(&name))?;
        }
        ledger.set_listed(list, day, since, last)
    }

    /// What a person must look at: as it is tonight, but for what somebody has closed.
    fn follow_up(&mut self, day: &str) -> anyhow::Result<()> {
        let outbox = self.pass.desk.root.outbox();
        let mut matters = std::mem::take(&mut self.matters);
        self.standing_matters(&mut matters)?;
        // In one order, whichever step of the night came upon them; one of a kind with a subject is one.
        matters.sort();
        matters.dedup_by_key(|matter| matter.key());
        let taken = self.close_listed()?;
        let numbered = self.pass.ledger.number_matters(&self.at(), day, &matters, &taken)?;
        let mut table = Table::new(matter::COLUMNS);
        for (mut matter, known) in matters.into_iter().zip(numbered).filter(|(_, known)| !known.closed) {
            self.report.matters += 1;
            if let Some(message) = matter.message.take() {
                self.needs_person(message);
            }
            table.add_for_people(matter.row(known.number, &known.since));
        }
        let file_name = format!("oppfolging-{day}.csv");
        let text = table.into_text();
        let known = std::fs::read_to_string(outbox.join(&file_name)).ok();
        let is_needed = self.report.matters > 0 || known.is_some();
        if is_needed && known.as_deref() != Some(text.as_str()) {
            let spool = &self.pass.desk.spool;
            spool.publish(&outbox, &file_name, &text).with_context(|| cannot_write(&file_name))?;
        }
        Ok(())
    }

    /// Matters that are seen in places, not met on the way through the letters that wait.
    fn standing_matters(&mut self, matters: &mut Vec<Matter>) -> anyhow::Result<()> {
        let root = self.pass.desk.root;
        let refused = subfolders(&root.channel(Channel::Avvist)).context("kan ikke lese outbox/avvist")?;
        for (letter, status) in refused.iter().zip(standing::recorded(root, &*self.pass.ledger, &refused)?) {
            let Some(status) = status else { continue };
            let kind = if status.status == State::IkkeLevert { Kind::Undelivered } else { Kind::Refused };
            matters.push(Matter::of_letter(kind, &status, &shown(&inside(root, letter))));
        }
        // Letters given up lie in the archive, where nobody looks.
        for (place, status) in self.pass.ledger.given_up()? {
            let status = Status::from_yaml(status.as_bytes()).ok();
            let status = status.filter(|status| status.status == State::IkkeLevert);
            let matter = |status| Matter::of_letter(Kind::Undelivered, &status, &shown(&format!("{OUTBOX}{place}")));
            matters.extend(status.map(matter));
        }
        for batch in sealed_batches(root).context("kan ikke lese outbox/print")? {
            let sealed = self.sealed_at(&name(&batch))?;
            let calendar = &self.pass.desk.senders.calendar;
            if let Some(sealed) = sealed.filter(|sealed| silence::is_batch_late(*sealed, self.now, calendar)) {
                let matter = Matter::of(Kind::BatchNotPrinted, &shown(&inside(root, &batch)));
                let subject = name(&batch);
                matters.push(Matter { subject, sender: sender_of(&batch), since: Some(Stamp(sealed)), ..matter });
            }
        }
        let held = self.pass.ledger.held()?;
        matters.extend(held.into_iter().map(|drop| Matter::of(Kind::HeldByRow, &drop)));
        Ok(())
    }

    /// Closes what the clerks' file names, and says which numbers may not be given: a matter is not closed by what was
    /// written before it was there.
    fn close_listed(&mut self) -> anyhow::Result<BTreeSet<i64>> {
        let outbox = self.pass.desk.root.outbox();
        let closed = closing::read(&outbox).with_context(|| format!("kan ikke lese {OUTBOX}{}", closing::FILE))?;
        let mut complaints = closed.complaints;
        let numbers: Vec<i64> = closed.numbers.iter().copied().collect();
        for (number, closing) in numbers.iter().zip(self.pass.ledger.close_matters(&self.at(), &numbers)?) {
            if closing == Closing::Unknown {
                let text = format!(
                    "{OUTBOX}{}: sak {number} finnes ikke. De andre er lukket. Prøv: se etter nummeret i outbox/oppfolging-*.csv.",
                    closing::FILE
                );
                complaints.push((format!("ferdig:{number}"), text));
            }
        }
        let news = self.news(complaints)?;
        news.into_iter().for_each(|message| self.needs_person(message));
        let mut taken = closed.numbers;
        if self.pass.ledger.knows_no_matter()? {
            // A ledger that was lost has forgotten the numbers that lists were given out with.
            taken.extend(1..=closing::last_given(&outbox)?);
        }
        Ok(taken)
    }

    /// By the ledger, else by the day in the batch's name.
    fn sealed_at(&self, batch: &str) -> anyhow::Result<Option<Time>> {
        let sealed = self.pass.ledger.batches()?.remove(batch).map(|batch| batch.sealed);
        Ok(sealed.as_deref().and_then(parse_time).or_else(|| super::retention::day_of(batch)))
    }
}

/// What an operator reads where a list cannot be written.
fn cannot_write(name: &str) -> String {
    format!(
        "outbox/{name} kan ikke skrives. Det som er gjort i natt, står ved lag, og listen kommer neste gang. Prøv: kontroller plass og rettigheter på disken, og kjør postgang nightly på nytt"
    )
}

/// A letter in a mailbox that has said nothing of it for too long.
pub fn silent(status: &Status, place: &str, now: Time) -> Option<Matter> {
    silence::is_mailbox_silent(status, now).then(|| Matter::of_letter(Kind::SilentMailbox, status, place))
}

/// A letter that the print house speaks of, and that it has not been given; or that another system has printed.
pub fn misreported(status: &Status, place: &str, now: Time) -> Option<Matter> {
    if Verdict::of(status, now).printed_elsewhere {
        return Some(Matter::of_letter(Kind::PrintedElsewhere, status, place));
    }
    sealed::is_misreported(status).then(|| Matter::of_letter(Kind::Misreported, status, place))
}

/// A letter of which its channel says that it may not have come to anybody's notice, and says nothing better since.
pub fn given_up(status: &Status, place: &str) -> Option<Matter> {
    let (what, said) = silence::unnoticed(status)?;
    let kind = match what {
        Unnoticed::GaveUp => Kind::GaveUp,
        Unnoticed::NoticeFailed => Kind::NoticeFailed,
    };
    // What is said again is another matter than the one that somebody has closed.
    let subject = format!("{}@{said}", status.forsendelsesId);
    Some(Matter { subject, since: Some(said), ..Matter::of_letter(kind, status, place) })
}

/// A letter that was deleted where it lay.
pub fn removed(status: &Status, place: &str) -> Option<Matter> {
    let said = status.hendelser.iter().any(|event| event.status == State::Slettet);
    said.then(|| Matter::of_letter(Kind::Removed, status, place))
}

/// A letter that an unreadable row names, which may say that it was opened.
pub fn doubted(status: &Status, place: &str, row: &str) -> Matter {
    let what = format!("kvitteringsraden i {row} kan ikke leses, og nevner brevet");
    Matter { what, since: None, ..Matter::of_letter(Kind::UnreadableReceipt, status, place) }
}

/// A sender of whose letters too little is heard.
pub fn braked(sender: &str, silent: usize, all: usize) -> Matter {
    let what = format!("{silent} av {all} brev i Altinn har ingen kvittering, og ingen skrives ut som ulest");
    let matter = Matter::of(Kind::Braked, &format!("{OUTBOX}{}", Channel::Altinn.as_str()));
    Matter { what, subject: sender.to_owned(), sender: sender.to_owned(), ..matter }
}

/// A letter that an organisation's own system has not collected.
pub fn uncollected(status: &Status, place: &str, now: Time) -> Option<Matter> {
    silence::is_uncollected(status, now).then(|| Matter::of_letter(Kind::Uncollected, status, place))
}

/// A letter whose stop file came too late. Where it says nothing of itself, its place must do.
pub fn unstopped(status: Option<&Status>, place: &str) -> Matter {
    let matter = |status| Matter::of_letter(Kind::StopTooLate, status, place);
    Matter { since: None, ..status.map_or_else(|| Matter::of(Kind::StopTooLate, place), matter) }
}

/// The sender of a batch, as its letters say.
fn sender_of(batch: &Path) -> String {
    let letters = subfolders(batch).unwrap_or_default();
    letters.iter().find_map(|letter| read_status(letter)?.avsender).unwrap_or_default()
}
