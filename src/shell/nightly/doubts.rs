//! Why a letter that is said to be unread may have been read, and is not printed for it tonight: an unreadable row that
//! names it, an unreadable file, or a sender of whose letters too little is heard.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::{Night, lists};
use crate::core::brake::{Count, Stay, is_of_altinn};
use crate::core::calendar::parse_time;
use crate::core::doubt::{Doubt, row_holds};
use crate::core::identity::OrgNumber;
use crate::core::status::{Stamp, Status};
use crate::shell::receipts::{name_of_id, name_of_reference};

/// Days back that the brake asks the ledger about; it looks at the moment itself afterwards.
const BRAKE_DAYS: u64 = 15;

/// What is in doubt tonight.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// By the name that it may name a letter by.
    rows: HashMap<String, Row>,
    /// Senders of whose letters too little is heard.
    braked: BTreeMap<String, Count>,
    /// Senders with letters that wait in Altinn.
    waiting: BTreeSet<String>,
}

/// An unreadable row that may name a letter.
#[derive(Debug)]
struct Row {
    /// File and line.
    place: String,
    /// What is remembered of it from its first night on.
    mark: String,
}

impl Doubts {
    /// What there is against printing this letter as unread.
    pub fn of(&self, id: u128, letter: &Status) -> Option<Doubt> {
        let is_braked = letter.avsender.as_ref().is_some_and(|sender| self.braked.contains_key(sender));
        let row = self.row(id, letter).map(|_| Doubt::UnreadableRow);
        row.or(is_braked.then_some(Doubt::Brake))
    }

    /// The unreadable row that may name this letter.
    fn row(&self, id: u128, letter: &Status) -> Option<&Row> {
        if self.rows.is_empty() {
            return None;
        }
        let by_reference = || self.rows.get(&name_of_reference(letter.eksternReferanse.as_deref()?));
        self.rows.get(&name_of_id(id)).or_else(by_reference)
    }

    pub fn waits_in_altinn(&mut self, letter: &Status) {
        self.waiting.extend(letter.avsender.clone());
    }
}

impl Night<'_> {
    /// Finds out what is in doubt. `accepted`: senders whose letters go though little is heard of them.
    pub(super) fn doubts(&mut self, accepted: &[OrgNumber]) -> anyhow::Result<()> {
        let today = self.now.date_naive();
        for row in std::mem::take(&mut self.receipts.doubts) {
            // Known by what it says: the same row in another place is no other doubt.
            let what = format!("tvil:{}:{}@", row.name, row.digest);
            let known = self.pass.ledger.told_with(&what)?;
            let first: Option<NaiveDate> = known.as_ref().and_then(|mark| mark[what.len()..].parse().ok());
            if row_holds(first.unwrap_or(today), today) {
                let mark = known.unwrap_or_else(|| format!("{what}{today}"));
                self.doubts.rows.entry(row.name).or_insert(Row { place: row.place, mark });
            }
        }
        if self.receipts_alive {
            self.brake(accepted)?;
        }
        for number in accepted {
            if self.pass.desk.senders.get(*number).is_none() {
                self.needs_person(format!(
                    "--accept-unnotified {number}: registry/avsendere.yaml har ingen avsender med dette nummeret. Prøv: kontroller nummeret."
                ));
            }
        }
        Ok(())
    }

    /// Counts what has been heard of each sender's letters.
    fn brake(&mut self, accepted: &[OrgNumber]) -> anyhow::Result<()> {
        let since = self.now.checked_sub_days(Days::new(BRAKE_DAYS)).unwrap_or(self.now);
        let mut counts: BTreeMap<String, Count> = BTreeMap::new();
        let (receipts, now) = (&self.receipts, self.now);
        self.pass.ledger.altinn_stays(&Stamp(since).to_string(), &mut |letter| {
            let id = Uuid::try_parse(&letter.id).map(|id| id.as_u128()).unwrap_or_default();
            let heard = letter.heard || receipts.of(id).iter().any(|receipt| is_of_altinn(receipt.word));
            if let (Some(sender), Some(placed)) = (letter.sender, parse_time(&letter.placed)) {
                let left = letter.left.as_deref().and_then(parse_time);
                counts.entry(sender).or_default().add(Stay { placed, left, heard }, now);
            }
        })?;
        let senders = self.pass.desk.senders;
        let is_braked = |number: &String, count: &Count| {
            let number = OrgNumber::parse(number.as_bytes());
            let sender = number.filter(|number| !accepted.contains(number)).and_then(|number| senders.get(number));
            sender.is_some_and(|sender| count.is_broken(sender.silent_percent_max))
        };
        counts.retain(|number, count| is_braked(number, count));
        self.doubts.braked = counts;
        Ok(())
    }

    /// Lists a waiting letter that an unreadable row names, and remembers the row's first night.
    pub(super) fn list_doubt(&mut self, id: u128, letter: &Status, place: &str) {
        if let Some(row) = self.doubts.row(id, letter) {
            self.told.push(row.mark.clone());
            self.matters.push(lists::doubted(letter, place, &row.place));
        }
    }

    /// That the brake is on, and that files cannot be read: every night, for as long as letters wait for it.
    pub(super) fn tell_doubts(&mut self) {
        let files = self.receipts.unreadable.join(", ");
        if !files.is_empty() && self.receipts_alive && self.waiting_in_altinn > 0 {
            let waiting = self.waiting_in_altinn;
            self.needs_person(format!(
                "registry/kvitteringer/: {files} kan ikke leses, og hva som står der, er ikke kjent. {waiting} brev venter i Altinn, og ingen skrives ut som ulest i natt. Prøv: kontroller rettigheter og disk, og kjør postgang nightly på nytt."
            ));
        }
        let braked = std::mem::take(&mut self.doubts.braked);
        for (sender, Count { silent, all }) in &braked {
            if self.doubts.waiting.contains(sender) {
                self.needs_person(format!(
                    "Avsender {sender}: {silent} av {all} brev som har ligget minst et døgn i Altinn de siste 14 dagene, har ingen kvittering. Ingen av avsenderens brev skrives ut som ulest i natt. Prøv: kontroller at brevene kommer fram til Altinn, og jobben som henter kvitteringer; er alt i orden, kjør postgang nightly --accept-unnotified {sender}."
                ));
                self.matters.push(lists::braked(sender, *silent, *all));
            }
        }
    }
}
