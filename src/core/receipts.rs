//! What the channels say happened to a letter, and what that amounts to.
//!
//! Receipts become events of the letter (`hendelser`), a set without order; the verdict is read from the events alone.
//! So it does not matter in which order, how often or in which file a receipt came, nor whether its file is still
//! there.

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SubsecRound, Utc};
use chrono_tz::Europe::Oslo;

use super::calendar::{Time, local, parse_time};
use super::route::{Channel, State};
use super::status::{Event, Stamp, Status};

/// One row of `registry/kvitteringer/*.csv`. Ordered by time, so that events of one night stand in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt {
    /// In whole seconds.
    pub at: DateTime<Utc>,
    pub word: Word,
    /// `kanal`, where it is given and known.
    channel: Option<Channel>,
}

/// The meaning of `status` in a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    Notified,
    /// It lies there to be read; whether anybody was told is not said.
    Available,
    Opened,
    /// `LEVERT`: available in Altinn, a delivery in a mailbox.
    Delivered,
    /// `LEVERT` in a channel that is not known here.
    DeliveredSomewhere,
    DeliveredToMailbox,
    /// eFormidling's `LEVERT`: available in Altinn, a delivery in a mailbox, with the printer, or no more than handed over
    /// to a receiving system.
    DeliveredByBroker,
    /// Read where the letter is, which for a receiving system means that it was collected.
    Read,
    Failed,
    /// Nobody knows whether it was delivered.
    GaveUp,
    NoticeFailed,
    /// It is no longer where it was, by its recipient's hand or somebody else's.
    Removed,
    Collected,
    SentToMailbox,
    Sent,
    SentToPrint,
    Printed,
    Returned,
}

impl FromStr for Word {
    type Err = ();

    /// In any case.
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text.to_ascii_uppercase().as_str() {
            "VARSLET" => Self::Notified,
            "PUBLISERT" | "PUBLISHED" => Self::Available,
            "LEST" | "READ" | "REPLIED" | "CONFIRMED" | "ARCHIVED" | "ATTACHMENTSDOWNLOADED" => Self::Opened,
            "LEVERT" => Self::Delivered,
            "LEVERT_SDP" => Self::DeliveredToMailbox,
            "FEIL" | "FAILED" | "RESERVED" => Self::Failed,
            "LEVETID_UTLOPT" => Self::GaveUp,
            "VARSEL_FEILET" => Self::NoticeFailed,
            "MOTTATT_SVARINN" => Self::Collected,
            "SENDT_SDP" => Self::SentToMailbox,
            "SENDT" => Self::Sent,
            "SENDT_PRINT" => Self::SentToPrint,
            "PRINTET" => Self::Printed,
            "RETUR" => Self::Returned,
            // `Fetched` is not opened: it says that a list was shown, not that a letter was read.
            "FETCHED" => Self::Sent,
            _ => return Err(()),
        })
    }
}

impl Word {
    /// What a print house says.
    pub fn is_of_paper(self) -> bool {
        matches!(self, Self::Printed | Self::Returned)
    }
}

impl Receipt {
    /// `channel` is the row's `kanal`, in any spelling; empty where it is not given.
    pub fn new(at: DateTime<Utc>, word: Word, channel: &str) -> Self {
        let known = Channel::named(&channel.replace(['-', ' '], ""));
        let unknown = known.is_none() && !channel.is_empty();
        let word = if word == Word::Delivered && unknown { Word::DeliveredSomewhere } else { word };
        Self { at: at.trunc_subsecs(0), word, channel: known }
    }

    /// The event that this receipt is in the life of `letter`.
    fn event(&self, letter: &Status) -> Event {
        let at = self.at.with_timezone(&Oslo);
        let channel = self.channel.unwrap_or_else(|| letter.channel_at(at));
        let (status, text) = match self.word {
            Word::Notified => (State::Varslet, "Varsel om brevet er gitt"),
            Word::Opened => (State::Lest, "Brevet er åpnet"),
            Word::Read if channel == Channel::Svarinn => {
                (State::MottattSvarinn, "Hentet av organisasjonens mottakssystem")
            }
            Word::Read => (State::Lest, "Brevet er åpnet"),
            Word::DeliveredByBroker if channel == Channel::Print => (State::SendtPrint, "Overlevert til utskrift"),
            Word::DeliveredByBroker if channel == Channel::Svarinn => (State::Sendt, "Overlevert til kanalen"),
            Word::Removed => (State::Slettet, "Brevet er fjernet fra kanalen"),
            Word::Available => (State::Publisert, "Brevet er tilgjengelig for mottakeren"),
            Word::Delivered | Word::DeliveredByBroker if channel == Channel::Altinn => {
                (State::Publisert, "Brevet er tilgjengelig i Altinn")
            }
            Word::Delivered | Word::DeliveredSomewhere | Word::DeliveredToMailbox | Word::DeliveredByBroker
                if letter.was_in_mailbox() =>
            {
                (State::LevertSdp, "Levert i digital postkasse")
            }
            // A mailbox letter is all that can be delivered there: of any other the word is recorded and no more.
            Word::Delivered | Word::DeliveredSomewhere | Word::DeliveredToMailbox | Word::DeliveredByBroker => {
                (State::Levert, "Meldt levert")
            }
            Word::Failed => (State::Feil, "Leveringen feilet"),
            Word::GaveUp => (State::LevetidUtlopt, "Kanalen ga opp leveringen; brevet kan være levert"),
            Word::NoticeFailed => (State::VarselFeilet, "Varselet om brevet kom ikke fram"),
            Word::Collected => (State::MottattSvarinn, "Hentet av organisasjonens mottakssystem"),
            Word::SentToMailbox => (State::SendtSdp, "Overlevert til digital postkasse"),
            Word::Sent => (State::Sendt, "Overlevert til kanalen"),
            Word::SentToPrint => (State::SendtPrint, "Overlevert til utskrift"),
            Word::Printed => (State::Printet, "Skrevet ut"),
            Word::Returned => (State::Retur, "Kommet i retur"),
        };
        Event { tidspunkt: Stamp(at), status, tekst: text.to_owned(), kanal: Some(channel), bunke: None }
    }
}

/// Adds the receipts to a letter's events. Says whether any of them was news.
pub fn hear(letter: &mut Status, receipts: &[Receipt]) -> bool {
    let mut receipts = receipts.to_vec();
    receipts.sort_unstable();
    let before = letter.hendelser.len();
    for receipt in receipts {
        let event = receipt.event(letter);
        let same = |known: &Event| {
            (known.tidspunkt, known.status, known.kanal) == (event.tidspunkt, event.status, event.kanal)
        };
        if !letter.hendelser.iter().any(same) {
            letter.hendelser.push(event);
        }
    }
    let news = letter.hendelser.len() > before;
    if news {
        letter.hendelser.sort_by_key(|event| event.tidspunkt);
    }
    news
}

/// `tidspunkt` as a system writes it (RFC 3339), or as people do, who mean the clock in Norway: `25.11.2026 10:00`,
/// `25.11.2026 kl. 10.00`, `2026-11-25 10:00`.
pub fn parse_moment(text: &str) -> Option<Time> {
    if let Some(time) = parse_time(text) {
        return Some(time);
    }
    let text = text.to_ascii_lowercase().replace("kl.", " ").replace("kl", " ").replace('t', " ");
    let mut parts = text.split_whitespace();
    let (day, clock) = (parts.next()?, parts.next()?.replace('.', ":"));
    let is_all = parts.next().is_none();
    let day = parse_day(day)?;
    let clock = ["%H:%M", "%H:%M:%S"].into_iter().find_map(|form| NaiveTime::parse_from_str(&clock, form).ok())?;
    is_all.then(|| local(day.and_time(clock)))
}

/// The same of paper, of which people write the day alone: then by that day's end, so that it lies after the sealing.
pub fn parse_paper_moment(text: &str) -> Option<Time> {
    let end = |day: NaiveDate| day.and_hms_opt(23, 59, 0).map(local);
    parse_moment(text).or_else(|| parse_day(text.trim()).and_then(end))
}

/// A year of two digits is not guessed at.
fn parse_day(text: &str) -> Option<NaiveDate> {
    let day = ["%d.%m.%Y", "%Y-%m-%d"].into_iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
    (day.year() >= 1900).then_some(day)
}

/// What a letter's events amount to, for the channel in which it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Opened by the recipient, or collected by its system.
    pub opened: bool,
    pub delivered: bool,
    /// Failed, and nothing later says that it came there, or that somebody was told, after all.
    pub failed: bool,
    /// The first notice since the letter came to its channel.
    pub notice: Option<Time>,
    /// When it was first available there.
    pub available: Option<Time>,
    /// Somebody else has printed a letter that was never ours to print: there are two routers.
    pub printed_elsewhere: bool,
    /// Some channel has said that it got the letter: by a notice, by having it there, or otherwise.
    pub handed_over: bool,
}

/// Paper that no batch of ours was the way to.
fn is_foreign_paper(event: &Event) -> bool {
    let is_paper = matches!(event.status, State::SendtPrint | State::Printet);
    is_paper && event.kanal == Some(Channel::Print) && event.bunke.is_none()
}

impl Verdict {
    /// The verdict at `now`; what comes from the future has not happened yet.
    pub fn of(letter: &Status, now: Time) -> Self {
        let any = |state| letter.hendelser.iter().any(|event| event.status == state);
        let here = |state| {
            let events = letter.hendelser.iter().filter(move |event| event.status == state);
            events.filter(|event| event.kanal == Some(letter.kanal)).map(|event| event.tidspunkt.0)
        };
        let past = |state| here(state).filter(|at| *at <= now);
        let since_placed = |state| past(state).filter(|at| *at >= letter.plassert.0).min();
        let came_there = || past(State::Varslet).chain(past(State::Publisert));
        let last_failure = here(State::Feil).max();
        Self {
            opened: any(State::Lest) || any(State::MottattSvarinn),
            delivered: any(State::LevertSdp),
            failed: last_failure.is_some_and(|failed| !came_there().any(|later| later > failed)),
            notice: since_placed(State::Varslet),
            available: since_placed(State::Publisert),
            printed_elsewhere: letter.kanal != Channel::Print && letter.hendelser.iter().any(is_foreign_paper),
            handed_over: [State::Varslet, State::Publisert, State::Sendt, State::SendtSdp, State::SendtPrint]
                .into_iter()
                .any(any),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::status::tests::letter_in;
    use super::*;

    const PLACED: &str = "2026-11-23T09:00:00+01:00";

    fn receipt(line: &str) -> Receipt {
        let mut parts = line.split(' ');
        let (word, hour, channel) = (parts.next().unwrap(), parts.next().unwrap(), parts.next());
        let at = parse_time(&format!("2026-11-23T{hour}:00:00+01:00")).unwrap().with_timezone(&Utc);
        Receipt::new(at, word.parse().unwrap(), channel.unwrap_or_default())
    }

    fn verdict(channel: Channel, lines: &[&str]) -> Verdict {
        let mut letter = letter_in(channel, parse_time(PLACED).unwrap());
        let receipts: Vec<Receipt> = lines.iter().map(|line| receipt(line)).collect();
        hear(&mut letter, &receipts);
        assert!(!hear(&mut letter, &receipts), "the second time there is no news");
        Verdict::of(&letter, parse_time("2026-11-24T00:00:00+01:00").unwrap())
    }

    #[test]
    #[rustfmt::skip]
    fn what_receipts_amount_to() {
        use Channel::*;
        //  channel   receipts                            opened delivered failed handed available at, notice at
        for (channel, lines, opened, delivered, failed, handed, notice) in [
            (Altinn, &["VARSLET 10"][..], false, false, false, true, (None, Some(10))),
            (Altinn, &["varslet 10"], false, false, false, true, (None, Some(10))),
            (Altinn, &["VARSLET 08"], false, false, false, true, (None, None)),
            (Altinn, &["PUBLISERT 08"], false, false, false, true, (None, None)),
            (Altinn, &["VARSLET 12", "Published 10"], false, false, false, true, (Some(10), Some(12))),
            (Altinn, &["PUBLISERT 12", "published 11"], false, false, false, true, (Some(11), None)),
            (Altinn, &["LEVERT 10"], false, false, false, true, (Some(10), None)),
            (Altinn, &["LEVERT 10 altinn"], false, false, false, true, (Some(10), None)),
            (Altinn, &["Levert 10 ALTINN"], false, false, false, true, (Some(10), None)),
            (Altinn, &["LEVERT 10 digipost"], false, false, false, false, (None, None)),
            (Altinn, &["LEVERT 10 sms"], false, false, false, false, (None, None)),
            (Altinn, &["VARSLET 10 sms"], false, false, false, true, (None, Some(10))),
            (Altinn, &["LEVERT_SDP 10"], false, false, false, false, (None, None)),
            (Altinn, &["SENDT 10"], false, false, false, true, (None, None)),
            (Altinn, &["SENDT 10 svarinn"], false, false, false, true, (None, None)),
            (Altinn, &["SENDT_PRINT 10"], false, false, false, true, (None, None)),
            (Altinn, &["Fetched 10"], false, false, false, true, (None, None)),
            (Altinn, &["LEST 08"], true, false, false, false, (None, None)),
            (Altinn, &["LEST 10", "FEIL 12"], true, false, true, false, (None, None)),
            (Altinn, &["FEIL 10", "VARSLET 12"], false, false, false, true, (None, Some(12))),
            (Altinn, &["failed 10", "PUBLISERT 12"], false, false, false, true, (Some(12), None)),
            (Altinn, &["FEIL 12", "VARSLET 10"], false, false, true, true, (None, Some(10))),
            (Altinn, &["FEIL 10", "VARSLET 12 digipost"], false, false, true, true, (None, None)),
            (Altinn, &["FEIL 10 svarinn"], false, false, false, false, (None, None)),
            (Altinn, &["LEVETID_UTLOPT 10"], false, false, false, false, (None, None)),
            (Altinn, &["VARSEL_FEILET 10"], false, false, false, false, (None, None)),
            (Digipost, &["LEVERT 10"], false, true, false, false, (None, None)),
            (Digipost, &["LEVERT 10 e-Boks"], false, true, false, false, (None, None)),
            (Digipost, &["LEVERT 10 SDP"], false, true, false, false, (None, None)),
            (Digipost, &["LEVERT_SDP 10", "FEIL 12"], false, true, true, false, (None, None)),
            (Digipost, &["SENDT_SDP 10"], false, false, false, true, (None, None)),
            (Eboks, &["LEVETID_UTLOPT 10"], false, false, false, false, (None, None)),
            (Eboks, &["Reserved 10"], false, false, true, false, (None, None)),
            (Svarinn, &["MOTTATT_SVARINN 10"], true, false, false, false, (None, None)),
            (Svarinn, &["LEVERT 10"], false, false, false, false, (None, None)),
            (Altinn, &[], false, false, false, false, (None, None)),
        ] {
            let mut reversed = lines.to_vec();
            reversed.reverse();
            let twice = [lines, lines].concat();
            for lines in [lines, &reversed, &twice] {
                let v = verdict(channel, lines);
                let hour = |at: Option<Time>| at.map(|at| chrono::Timelike::hour(&at));
                let actual = (v.opened, v.delivered, v.failed, v.handed_over, (hour(v.available), hour(v.notice)));
                assert_eq!(actual, (opened, delivered, failed, handed, notice), "{channel:?} {lines:?}");
            }
        }
    }

    #[test]
    fn words_that_mean_nothing_here() {
        for word in ["", "ÅPNET", "LEVERT_", "LEST."] {
            assert!(word.parse::<Word>().is_err(), "{word}");
        }
    }

    #[test]
    fn times_as_systems_and_as_people_write_them() {
        let ten = Some("2026-11-25T10:00:00+01:00".to_owned());
        for text in [
            "2026-11-25T10:00:00+01:00",
            "2026-11-25T09:00:00Z",
            "25.11.2026 10:00",
            "25.11.2026 10.00.00",
            "25.11.2026 kl. 10.00",
            "25.11.2026 kl 10:00",
            "2026-11-25 10:00",
            "2026-11-25T10:00:00",
        ] {
            assert_eq!(parse_moment(text).map(|at| Stamp(at).to_string()), ten, "{text}");
        }
        assert_eq!(
            parse_moment("1.7.2026 8:05").map(|at| Stamp(at).to_string()),
            Some("2026-07-01T08:05:00+02:00".into())
        );
        for text in [
            "",
            "i går",
            "25.11.2026",
            "25.11.26 10:00",
            "11/25/2026 10:00",
            "32.11.2026 10:00",
            "25.11.2026 10:00 x",
            "25.11.2026 25:00",
        ] {
            assert!(parse_moment(text).is_none(), "{text}");
        }
        let paper = |text| parse_paper_moment(text).map(|at| Stamp(at).to_string());
        assert_eq!(
            [" 25.11.2026 ", "2026-11-25"].map(paper),
            [Some("2026-11-25T23:59:00+01:00".to_owned()), Some("2026-11-25T23:59:00+01:00".to_owned())]
        );
        assert_eq!(["25.11.2026 10:00", "25.11.26", "i går"].map(paper), [ten, None, None]);
    }
}
