//! Step 8: what the archive system and people are told, as files that are replaced whole.
//!
//! A list of events is one or more files, which are fetched each in its own time. A file holds every event, by the
//! ledger's numbers, since the file that was fetched before it. It is written first and the list recorded as written
//! afterwards: a crash between repeats rows and loses none.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

use super::standing;
use super::survey::{name, sealed_batches, subfolders};
use super::{Night, inside};
use crate::core::calendar::{Time, parse_time};
use crate::core::route::{Channel, State};
use crate::core::sheet::{self, Table};
use crate::core::silence::{self, Unnoticed};
use crate::core::status::{Stamp, Status};
use crate::shell::find::read_status;
use crate::shell::ledger::{ListedEvent, OUTBOX};
use crate::shell::pass::Pass;

/// A file of a list, on its way.
struct ListFile<const N: usize> {
    /// The event that it begins with.
    first: i64,
    table: Table<N>,
    /// It holds something that was not listed before.
    grows: bool,
}

/// A row of the list of what a person must look at.
pub type Matter = [String; 7];

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
        known.retain(|name, _| outbox.join(name).exists());
        let first = known.values().copied().fold(since, i64::min);
        let mut files: BTreeMap<String, ListFile<N>> = BTreeMap::new();
        ledger.events(first, last, |event| {
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
        ledger.begin_list_files(list, day, files.iter().map(|(name, file)| (name.as_str(), file.first)))?;
        for (name, file) in files {
            let published = desk.spool.publish(&outbox, &name, &file.table.into_text());
            published.with_context(|| cannot_write(&name))?;
        }
        ledger.set_listed(list, day, since, last)
    }

    /// What a person must look at: as it is tonight, not what has happened since yesterday.
    fn follow_up(&mut self, day: &str) -> anyhow::Result<()> {
        let root = self.pass.desk.root;
        let outbox = root.outbox();
        let mut rows = std::mem::take(&mut self.matters);
        // In one order, whichever step of the night came upon them.
        rows.sort();
        let refused = subfolders(&root.channel(Channel::Avvist)).context("kan ikke lese outbox/avvist")?;
        for (letter, status) in refused.iter().zip(standing::recorded(root, &self.pass.ledger, &refused)?) {
            let Some(status) = status else { continue };
            let what = if status.status == State::IkkeLevert { "ikke levert" } else { "avvist" };
            rows.push(matter(what, &status, &inside(root, letter)));
        }
        let (given_up, first, last) = self.undelivered(day)?;
        rows.extend(given_up);
        for batch in sealed_batches(root).context("kan ikke lese outbox/print")? {
            let sealed = self.sealed_at(&name(&batch))?;
            if let Some(sealed) =
                sealed.filter(|sealed| silence::is_batch_late(*sealed, self.now, &self.pass.desk.senders.calendar))
            {
                let (sender, since) = (sender_of(&batch), Stamp(sealed).to_string());
                rows.push(thing("bunken er ikke meldt skrevet ut", sender, inside(root, &batch), since));
            }
        }
        let held = self.pass.ledger.held()?;
        rows.extend(held.into_iter().map(|drop| thing("holdt av en registerrad", String::new(), drop, String::new())));
        self.report.to_look_at = rows.len();
        let header = ["sak", "forsendelsesId", "eksternReferanse", "avsender", "sted", "kode", "siden"];
        let file_name = format!("oppfolging-{day}.csv");
        let text = sheet::table(header, rows);
        let known = std::fs::read_to_string(outbox.join(&file_name)).ok();
        let is_needed = self.report.to_look_at > 0 || known.is_some();
        if is_needed && known.as_deref() != Some(text.as_str()) {
            let spool = &self.pass.desk.spool;
            spool.publish(&outbox, &file_name, &text).with_context(|| cannot_write(&file_name))?;
        }
        self.pass.ledger.set_listed("oppfolging", day, first, last)
    }

    /// Letters given up since yesterday's list; they lie in the archive, where nobody looks.
    fn undelivered(&self, day: &str) -> anyhow::Result<(Vec<Matter>, i64, i64)> {
        let (today, last_listed) = self.pass.ledger.listed("oppfolging", day)?;
        let first = today.map_or(last_listed + 1, |(first, _)| first);
        let last = self.pass.ledger.last_event()?.max(last_listed);
        let (mut given_up, mut rows) = (Vec::new(), Vec::new());
        self.pass.ledger.events(first, last, |event| {
            if event.state.as_deref() == Some(State::IkkeLevert.as_str())
                && event.channel.as_deref() != Some(Channel::Avvist.as_str())
            {
                given_up.push(event);
            }
        })?;
        for event in given_up {
            let history = self.pass.ledger.history(&event.letter)?;
            let placed = history.into_iter().rev().find_map(|event| event.place);
            let place = format!("{OUTBOX}{}", placed.as_deref().unwrap_or("arkiv"));
            let [reference, sender, code] = [event.reference, event.sender, event.code].map(Option::unwrap_or_default);
            rows.push(["ikke levert".to_owned(), event.letter, reference, sender, place, code, event.at]);
        }
        Ok((rows, first, last))
    }

    /// By the ledger, else by the day in the batch's name.
    fn sealed_at(&self, batch: &str) -> anyhow::Result<Option<Time>> {
        let (sealed, _) = self.pass.ledger.batch_times(batch)?;
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
    let is_silent = silence::is_mailbox_silent(status, now);
    is_silent.then(|| matter("ingen kvittering fra postkassen etter 48 timer", status, place))
}

/// A letter that the print house speaks of, and that it has not been given.
pub fn misreported(status: &Status, place: &str) -> Option<Matter> {
    let said = status.hendelser.iter().any(|event| matches!(event.status, State::Printet | State::Retur));
    // One that waits for print will be in a batch soon, and is asked about with it.
    (said && status.kanal != Channel::Print)
        .then(|| matter("meldt skrevet ut eller i retur, men ikke sendt til utskrift", status, place))
}

/// A letter of which its channel says that it may not have come to anybody's notice, and says nothing better since.
pub fn given_up(status: &Status, place: &str) -> Option<Matter> {
    let what = match silence::unnoticed(status)? {
        Unnoticed::GaveUp => "kanalen ga opp leveringen; brevet kan være levert",
        Unnoticed::NoticeFailed => "varselet kom ikke fram",
    };
    Some(matter(what, status, place))
}

/// A letter that an unreadable row names, which may say that it was opened.
pub fn doubted(status: &Status, place: &str, row: &str) -> Matter {
    matter(&format!("kvitteringsraden i {row} kan ikke leses, og nevner brevet"), status, place)
}

/// A sender of whose letters too little is heard.
pub fn braked(sender: &str, silent: usize, all: usize) -> Matter {
    let what = format!("{silent} av {all} brev i Altinn har ingen kvittering, og ingen skrives ut som ulest");
    thing(&what, sender.to_owned(), format!("{OUTBOX}{}", Channel::Altinn.as_str()), String::new())
}

/// A letter that an organisation's own system has not collected.
pub fn uncollected(status: &Status, place: &str, now: Time) -> Option<Matter> {
    let is_uncollected = silence::is_uncollected(status, now);
    is_uncollected.then(|| matter("ikke hentet av organisasjonens mottakssystem etter 24 timer", status, place))
}

/// A letter whose stop file came too late. Where it says nothing of itself, its place must do.
pub fn unstopped(status: Option<&Status>, place: &str) -> Matter {
    let what = "STOPP-filen kom for sent; se STOPP-SVAR.txt i mappen";
    match status {
        Some(status) => matter(what, status, place),
        None => thing(what, String::new(), place.to_owned(), String::new()),
    }
}

/// A stop file that lies in no letter.
pub fn stray_stop(place: String) -> Matter {
    thing("STOPP-filen ligger ikke i et brev", String::new(), place, String::new())
}

fn matter(what: &str, status: &Status, place: &str) -> Matter {
    let (reference, sender) = (some(&status.eksternReferanse), some(&status.avsender));
    let (id, code, since) = (status.forsendelsesId.clone(), status.kode.clone(), status.plassert.to_string());
    [what.to_owned(), id, reference, sender, place.to_owned(), code, since]
}

/// A row that concerns no one letter.
fn thing(what: &str, sender: String, place: String, since: String) -> Matter {
    let none = String::new;
    [what.to_owned(), none(), none(), sender, place, none(), since]
}

/// The sender of a batch, as its letters say.
fn sender_of(batch: &Path) -> String {
    let letters = subfolders(batch).unwrap_or_default();
    letters.iter().find_map(|letter| read_status(letter)?.avsender).unwrap_or_default()
}

fn some(text: &Option<String>) -> String {
    text.clone().unwrap_or_default()
}
