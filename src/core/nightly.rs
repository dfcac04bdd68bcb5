//! What a night does with one letter: the contract's steps in their order, over values.
//!
//! Opened wins over everything: a letter known to be opened is never printed. One bound, never two: a letter is
//! overdue from its deadline on, however long that is ago.

use chrono::TimeDelta;

use super::calendar::{Calendar, Time};
use super::code::Code;
use super::names::shown;
use super::receipts::{Receipt, Verdict, hear};
use super::route::{Channel, State};
use super::senders::Then;
use super::status::{Event, Stamp, Status, Stay};

/// Characters of a stop file that are kept as its reason.
const REASON_CHARS_MAX: usize = 500;

/// What holds for a letter tonight.
#[derive(Clone, Copy, Debug)]
pub struct Night<'a> {
    pub now: Time,
    pub calendar: &'a Calendar,
    /// Why nobody knows whether it was opened: then it is not printed as unread.
    pub doubt: Option<Doubt>,
    /// Hours that an organisation's own system has to collect it before it goes to Altinn; as long as it takes where
    /// none are set.
    pub svarinn_hours: Option<u32>,
}

/// Why what is said to be unread may have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// No receipts have come lately.
    Silence,
    /// A receipt file cannot be read.
    UnreadableFile,
    /// A row that cannot be read names the letter.
    UnreadableRow,
    /// Nothing has been heard of too many of the sender's letters.
    Brake,
}

/// Where a letter goes tonight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Go {
    Altinn,
    Print,
    Archive,
}

/// What a night counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Opened,
    Delivered,
    Failed,
    Stopped,
    /// A stop file where stopping is no longer possible.
    StopTooLate,
    NotCollected,
    Unread,
    NeverNotified,
    /// Overdue, and kept from print because it may have been read.
    Held(Doubt),
    DigitalOnly,
    Reminded,
    Returned,
}

/// A letter after tonight's rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub status: Status,
    /// `None`: it stays where it is.
    pub go: Option<Go>,
    pub outcomes: Vec<Outcome>,
    /// It ended without reaching anybody: the same letter may come again.
    pub released: bool,
}

/// The steps for a letter that waits in a channel. `stop`: the text of a stop file in its folder.
pub fn waiting(letter: &Status, receipts: &[Receipt], stop: Option<&str>, night: &Night) -> Step {
    let mut step = Step::of(letter);
    hear(&mut step.status, receipts);
    let verdict = Verdict::of(&step.status, night.now);
    step.start_clock(&verdict, night);
    if verdict.opened {
        step.count(Outcome::Opened);
        step.archive(State::Lest, night);
    } else if verdict.delivered {
        step.count(Outcome::Delivered);
        step.archive(State::LevertSdp, night);
    } else {
        if verdict.failed && step.status.kanal != Channel::Print {
            step.fail(night);
        }
        if let Some(reason) = stop.filter(|_| step.go != Some(Go::Archive)) {
            step.stop(reason, night);
        }
        if step.go.is_none() {
            step.let_time_pass(&verdict, night);
        }
    }
    if stop.is_some() && !step.has(Outcome::Stopped) {
        step.count(Outcome::StopTooLate);
    }
    step
}

/// A reminder that is listed was the last thing that a digital-only letter waited for.
pub fn reminded(letter: &Status, night: &Night) -> Option<Step> {
    let done = letter.kanal == Channel::Altinn && letter.status == State::SendtDigitalt && letter.purret.is_some();
    done.then(|| {
        let mut step = Step::of(letter);
        step.archive(State::SendtDigitalt, night);
        step
    })
}

/// A letter in a sealed batch: the print house's word sets its status, everything else is recorded.
pub fn sealed(letter: &Status, receipts: &[Receipt]) -> Step {
    let mut step = Step::of(letter);
    hear(&mut step.status, receipts);
    if has_news(&step.status, letter, State::Printet) {
        step.status.status = State::Printet;
    }
    step.hear_return(letter);
    step
}

/// A letter that is finished or refused. That it was opened after all is worth more than that it was delivered or
/// given up.
pub fn finished(letter: &Status, receipts: &[Receipt], night: &Night) -> Step {
    let mut step = Step::of(letter);
    hear(&mut step.status, receipts);
    let replaced = matches!(letter.status, State::LevertSdp | State::SendtDigitalt | State::IkkeLevert);
    if replaced && letter.kanal != Channel::Avvist && Verdict::of(&step.status, night.now).opened {
        step.count(Outcome::Opened);
        step.status.status = State::Lest;
    }
    if has_news(&step.status, letter, State::Printet) && letter.status == State::SendtPrint {
        step.status.status = State::Printet;
    }
    step.hear_return(letter);
    step
}

/// A letter in print that becomes part of a sealed batch.
pub fn seal(letter: &Status, batch: &str, now: Time) -> Status {
    let mut step = Step::of(letter);
    step.status.status = State::SendtPrint;
    let text = format!("{SEALED}{batch}");
    step.push(Event { bunke: Some(batch.to_owned()), ..step.new_event(State::SendtPrint, text, now) });
    // A notice that was given is what the time for appeal runs from; paper comes after it.
    step.status.underrettet.get_or_insert(Stamp(now));
    step.status
}

const SEALED: &str = "Sendt til utskrift i ";

/// The batch that a letter came into by this event. What was written before events bore it has it in the text alone.
fn sealed_in(event: &Event) -> Option<&str> {
    let event = Some(event).filter(|event| event.status == State::SendtPrint)?;
    event.bunke.as_deref().or_else(|| event.tekst.strip_prefix(SEALED))
}

/// A letter in print that cannot be printed: a person must see to it.
pub fn refuse(letter: &Status, code: Code, sentence: String, now: Time) -> Status {
    let mut step = Step::of(letter);
    step.leave(Channel::Avvist, now);
    step.status.status = State::Avvist;
    step.status.kode = code.as_str().to_owned();
    step.status.hjemmel = None;
    step.event(State::Avvist, "Kan ikke skrives ut; se begrunnelsen".to_owned(), now);
    step.status.begrunnelse = sentence;
    step.status
}

/// Whether everything that could be heard of a letter in a sealed batch has been heard.
pub fn is_settled(letter: &Status) -> bool {
    said_of_paper(letter, State::Printet) + said_of_paper(letter, State::Retur) > 0
}

/// How often the print house has said this of a letter. What it says of a time before the sealing cannot be meant for
/// it, and is recorded only.
fn said_of_paper(letter: &Status, state: State) -> usize {
    let events = || letter.hendelser.iter();
    let sealed = |event: &&Event| sealed_in(event).is_some();
    let Some(sealed) = events().filter(sealed).map(|event| event.tidspunkt).max() else { return 0 };
    events().filter(|event| event.status == state && event.tidspunkt >= sealed).count()
}

fn has_news(letter: &Status, before: &Status, state: State) -> bool {
    said_of_paper(letter, state) > said_of_paper(before, state)
}

impl Step {
    fn of(letter: &Status) -> Self {
        Self { status: letter.clone(), go: None, outcomes: Vec::new(), released: false }
    }

    pub fn has(&self, outcome: Outcome) -> bool {
        self.outcomes.contains(&outcome)
    }

    fn count(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    fn event(&mut self, status: State, text: String, now: Time) {
        self.push(self.new_event(status, text, now));
    }

    fn new_event(&self, status: State, text: String, now: Time) -> Event {
        Event { tidspunkt: Stamp(now), status, tekst: text, kanal: Some(self.status.kanal), bunke: None }
    }

    fn push(&mut self, event: Event) {
        self.status.hendelser.push(event);
        self.status.hendelser.sort_by_key(|event| event.tidspunkt);
    }

    fn hear_return(&mut self, before: &Status) {
        if has_news(&self.status, before, State::Retur) {
            self.count(Outcome::Returned);
            self.released = true;
        }
    }

    /// The first notice starts the clock anew, also when an earlier one becomes known late; without one, that the letter
    /// could be read does. A clock that runs keeps its deadline, whatever is closed (`fridager`) since.
    fn start_clock(&mut self, verdict: &Verdict, night: &Night) {
        let letter = &mut self.status;
        // On paper there is no notice; whoever reports one means the channel before.
        if letter.kanal == Channel::Print {
            return;
        }
        let before = letter.varslet.or(letter.tilgjengelig);
        letter.tilgjengelig = verdict.available.map(Stamp).or(letter.tilgjengelig);
        if let Some(notice) = verdict.notice.map(Stamp).filter(|notice| letter.varslet != Some(*notice)) {
            letter.varslet = Some(notice);
            letter.underrettet = Some(notice);
            if matches!(letter.status, State::Akseptert | State::KlarForMottak) {
                letter.status = State::Varslet;
            }
        }
        let start = letter.varslet.or(letter.tilgjengelig);
        if let Some(start) = start.filter(|_| start != before && letter.kanal == Channel::Altinn) {
            letter.lesefrist = deadline(letter, start.0, night).or(letter.lesefrist);
        }
    }

    /// Leaves the channel for another, or for the archive where that is the same one.
    fn leave(&mut self, to: Channel, now: Time) {
        let letter = &mut self.status;
        let stay = Stay { kanal: letter.kanal, fra: letter.plassert, til: Stamp(now), kode: letter.kode.clone() };
        letter.tidligere.push(stay);
        letter.kanal = to;
        letter.plassert = Stamp(now);
    }

    fn archive(&mut self, state: State, night: &Night) {
        self.leave(self.status.kanal, night.now);
        self.status.status = state;
        self.go = Some(Go::Archive);
    }

    fn because(&mut self, code: Code) {
        let entry = code.entry();
        self.status.kode = entry.code.to_owned();
        self.status.begrunnelse = entry.sentence.to_owned();
        self.status.hjemmel = entry.paragraph.map(str::to_owned);
    }

    fn send_to_print(&mut self, code: Code, night: &Night) {
        self.leave(Channel::Print, night.now);
        self.because(code);
        self.status.status = State::Akseptert;
        self.event(State::Akseptert, "Overført til utskrift".to_owned(), night.now);
        self.go = Some(Go::Print);
    }

    fn fail(&mut self, night: &Night) {
        self.count(Outcome::Failed);
        // A notice of a letter that could not be delivered informed nobody.
        self.status.underrettet = None;
        if is_digital_only(&self.status) {
            self.released = true;
            self.archive(State::IkkeLevert, night);
            self.because(Code::DeliveryFailed);
            self.event(State::IkkeLevert, "Kunne ikke leveres digitalt, og sendes ikke på papir".to_owned(), night.now);
        } else {
            self.send_to_print(Code::DeliveryFailed, night);
        }
    }

    fn stop(&mut self, reason: &str, night: &Night) {
        if self.status.kanal.is_mailbox() {
            return;
        }
        self.count(Outcome::Stopped);
        self.released = true;
        // It may have been on its way to print tonight; it stops all the same.
        let reason: String = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let reason: String = shown(&reason).chars().take(REASON_CHARS_MAX).collect();
        let text = if reason.is_empty() { "Stoppet".to_owned() } else { format!("Stoppet: {reason}") };
        self.archive(State::ManueltHandtert, night);
        self.because(Code::Stopped);
        self.event(State::ManueltHandtert, text, night.now);
    }

    fn let_time_pass(&mut self, verdict: &Verdict, night: &Night) {
        let letter = &self.status;
        let collected_by = night.svarinn_hours.map(|hours| letter.plassert.0 + TimeDelta::hours(hours.into()));
        // One that was handed over lies in a queue, and is late at worst; moved, it would come twice.
        let may_move = letter.kanal == Channel::Svarinn && !verdict.handed_over;
        if may_move && collected_by.is_some_and(|limit| night.now >= limit) {
            return self.send_to_altinn(night);
        }
        if letter.kanal != Channel::Altinn {
            return;
        }
        if letter.lesefrist.is_some_and(|deadline| night.now >= deadline.0) {
            self.pass_deadline(verdict, night);
        }
        if self.go.is_none() && self.reminder_is_due(night) {
            self.count(Outcome::Reminded);
            self.status.purret = Some(Stamp(night.now));
        }
    }

    fn send_to_altinn(&mut self, night: &Night) {
        self.count(Outcome::NotCollected);
        self.leave(Channel::Altinn, night.now);
        self.because(Code::SvarinnNotCollected);
        self.status.status = State::Akseptert;
        self.status.lesefrist = deadline(&self.status, night.now, night);
        // What was said in the other channel started no clock here.
        self.status.varslet = None;
        self.status.tilgjengelig = None;
        self.event(State::Akseptert, "Overført til Altinn".to_owned(), night.now);
        self.go = Some(Go::Altinn);
    }

    fn pass_deadline(&mut self, verdict: &Verdict, night: &Night) {
        if is_digital_only(&self.status) {
            if self.status.status != State::SendtDigitalt {
                self.count(Outcome::DigitalOnly);
                self.status.status = State::SendtDigitalt;
                let text = "Ikke åpnet innen lesefristen; brevet sendes bare digitalt";
                self.event(State::SendtDigitalt, text.to_owned(), night.now);
            }
            if reminder_days(&self.status).is_none() {
                self.archive(State::SendtDigitalt, night);
            }
        } else if let Some(doubt) = night.doubt {
            self.count(Outcome::Held(doubt));
        } else if verdict.handed_over {
            self.count(Outcome::Unread);
            self.send_to_print(Code::UnreadPastDeadline, night);
        } else {
            self.count(Outcome::NeverNotified);
            self.send_to_print(Code::NeverNotified, night);
        }
    }

    fn reminder_is_due(&self, night: &Night) -> bool {
        let letter = &self.status;
        let start = letter.varslet.or(letter.tilgjengelig).unwrap_or(letter.plassert).0;
        let due = |days: i64| night.now >= start + TimeDelta::days(days);
        letter.purret.is_none() && reminder_days(letter).is_some_and(due)
    }
}

/// By the rule that the letter was placed by; later edits of the sender's rules do not touch it.
fn deadline(letter: &Status, start: Time, night: &Night) -> Option<Stamp> {
    let limit = &letter.regel.as_ref()?.lesefrist;
    Some(Stamp(night.calendar.deadline(start, limit.limit)))
}

fn reminder_days(letter: &Status) -> Option<i64> {
    letter.regel.as_ref()?.purring.as_ref()?.split_whitespace().next()?.parse().ok()
}

fn is_digital_only(letter: &Status) -> bool {
    letter.kunDigitalLevering || letter.deretter == Some(Then::DigitalOnly)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::super::calendar::parse_time;
    use super::super::receipts::Word;
    use super::super::status::tests::letter_in;
    use super::*;

    /// Placed Monday 23 November 2026 at 09:00; two working days end Thursday at 00:00.
    fn placed(channel: Channel) -> Status {
        letter_in(channel, parse_time("2026-11-23T09:00:00+01:00").unwrap())
    }

    fn receipts(lines: &[&str]) -> Vec<Receipt> {
        let parse = |line: &&str| {
            let (word, at) = line.split_once(' ').unwrap();
            let at = parse_time(&format!("2026-11-{at}:00:00+01:00")).unwrap().with_timezone(&Utc);
            Receipt::new(at, word.parse().unwrap(), "")
        };
        lines.iter().map(parse).collect()
    }

    fn tonight(letter: &Status, lines: &[&str], stop: Option<&str>, now: &str) -> Step {
        let calendar = Calendar::default();
        let now = parse_time(&format!("2026-{now}:00:00+01:00")).unwrap();
        waiting(letter, &receipts(lines), stop, &Night { svarinn_hours: Some(24), ..at(now, &calendar) })
    }

    fn at(now: Time, calendar: &Calendar) -> Night<'_> {
        Night { now, calendar, doubt: None, svarinn_hours: None }
    }

    #[test]
    fn the_steps_in_their_order() {
        use Channel::*;
        let print = Some(Go::Print);
        let archive = Some(Go::Archive);
        for (channel, lines, stop, now, go, state, code) in [
            (Altinn, &[][..], None, "11-25T23", None, State::Akseptert, "no-digital-mailbox"),
            (Altinn, &[], None, "11-26T00", print, State::Akseptert, "never-notified"),
            (Altinn, &["SENDT 23T10"], None, "11-26T00", print, State::Akseptert, "unread-past-deadline"),
            (Altinn, &["VARSLET 24T10"], None, "11-26T00", None, State::Varslet, "no-digital-mailbox"),
            (Altinn, &["VARSLET 24T10"], None, "11-27T00", print, State::Akseptert, "unread-past-deadline"),
            (Altinn, &["VARSLET 24T10", "LEST 27T10"], None, "11-28T00", archive, State::Lest, "no-digital-mailbox"),
            (Altinn, &["LEST 24T10"], Some("stopp"), "11-26T00", archive, State::Lest, "no-digital-mailbox"),
            (Altinn, &["FEIL 24T10"], None, "11-25T00", print, State::Akseptert, "delivery-failed"),
            (Altinn, &["FEIL 24T10"], Some(""), "11-25T00", archive, State::ManueltHandtert, "stopped"),
            (Altinn, &[], Some("feil mottaker"), "11-26T00", archive, State::ManueltHandtert, "stopped"),
            (Svarinn, &[], None, "11-24T08", None, State::KlarForMottak, "no-digital-mailbox"),
            (Svarinn, &[], None, "11-24T09", Some(Go::Altinn), State::Akseptert, "svarinn-not-collected"),
            (Svarinn, &["SENDT 23T10"], None, "11-30T09", None, State::KlarForMottak, "no-digital-mailbox"),
            (Altinn, &["LEVETID_UTLOPT 24T10"], None, "11-25T00", None, State::Akseptert, "no-digital-mailbox"),
            (Altinn, &["VARSEL_FEILET 24T10"], None, "11-25T00", None, State::Akseptert, "no-digital-mailbox"),
            (Altinn, &["PUBLISERT 24T10"], None, "11-26T00", None, State::Akseptert, "no-digital-mailbox"),
            (Altinn, &["PUBLISERT 24T10"], None, "11-27T00", print, State::Akseptert, "unread-past-deadline"),
            (
                Altinn,
                &["PUBLISERT 23T10", "VARSLET 24T10"],
                None,
                "11-26T00",
                None,
                State::Varslet,
                "no-digital-mailbox",
            ),
            (Digipost, &["LEVETID_UTLOPT 24T10"], None, "12-25T00", None, State::Akseptert, "no-digital-mailbox"),
            (Svarinn, &["MOTTATT_SVARINN 24T08"], None, "11-24T09", archive, State::Lest, "no-digital-mailbox"),
            (Digipost, &["LEVERT_SDP 24T10"], None, "11-25T00", archive, State::LevertSdp, "no-digital-mailbox"),
            (Digipost, &["FEIL 24T10"], None, "11-25T00", print, State::Akseptert, "delivery-failed"),
            (Digipost, &[], Some(""), "11-25T00", None, State::Akseptert, "no-digital-mailbox"),
            (Print, &[], Some(""), "11-25T00", archive, State::ManueltHandtert, "stopped"),
            (Print, &["LEST 24T10"], None, "11-25T00", archive, State::Lest, "no-digital-mailbox"),
        ] {
            let step = tonight(&placed(channel), lines, stop, now);
            let actual = (step.go, step.status.status, step.status.kode.as_str());
            assert_eq!(actual, (go, state, code), "{channel:?} {lines:?} {stop:?} {now}");
        }
    }

    #[test]
    fn without_receipts_nothing_is_printed_as_unread() {
        let (calendar, now) = (Calendar::default(), parse_time("2027-06-01T00:00:00+02:00").unwrap());
        let night = Night { doubt: Some(Doubt::Silence), ..at(now, &calendar) };
        let step = waiting(&placed(Channel::Altinn), &[], None, &night);
        assert_eq!((step.go, step.outcomes.as_slice()), (None, [Outcome::Held(Doubt::Silence)].as_slice()));
        let step = waiting(&placed(Channel::Altinn), &receipts(&["FEIL 24T10"]), None, &night);
        assert_eq!(step.go, Some(Go::Print), "a failed delivery is known");
    }

    #[test]
    fn digital_only_waits_for_its_reminder_and_is_reminded_once() {
        let mut letter = placed(Channel::Altinn);
        letter.deretter = Some(Then::DigitalOnly);
        letter.regel.as_mut().unwrap().purring = Some("7 dager".to_owned());
        let overdue = tonight(&letter, &[], None, "11-26T00");
        assert_eq!((overdue.go, overdue.status.status), (None, State::SendtDigitalt));
        let again = tonight(&overdue.status, &[], None, "11-26T00");
        assert_eq!((again.status, again.outcomes.len()), (overdue.status.clone(), 0));
        let due = tonight(&overdue.status, &[], None, "11-30T09");
        assert!(due.has(Outcome::Reminded) && due.go.is_none());
        let calendar = Calendar::default();
        let night = at(due.status.purret.unwrap().0, &calendar);
        assert_eq!(reminded(&due.status, &night).unwrap().go, Some(Go::Archive));
        assert!(reminded(&overdue.status, &night).is_none());
        letter.regel.as_mut().unwrap().purring = None;
        assert_eq!(tonight(&letter, &[], None, "11-26T00").go, Some(Go::Archive));
    }

    #[test]
    fn a_stop_keeps_its_reason_without_numbers() {
        for reason in ["gjelder 20914695016\n", "gjelder 209146\u{0}95016", "gjelder 209146\r\n95016"] {
            let step = tonight(&placed(Channel::Altinn), &[], Some(reason), "11-24T00");
            assert!(step.released);
            assert_eq!(step.status.hendelser.last().unwrap().tekst, "Stoppet: gjelder XXXXXXXXXXX");
        }
    }

    #[test]
    fn opened_replaces_delivered_and_given_up() {
        let (calendar, now) = (Calendar::default(), parse_time("2026-12-01T00:00:00+01:00").unwrap());
        let night = at(now, &calendar);
        for (state, expected) in [
            (State::LevertSdp, State::Lest),
            (State::SendtDigitalt, State::Lest),
            (State::IkkeLevert, State::Lest),
            (State::ManueltHandtert, State::ManueltHandtert),
        ] {
            let letter = Status { status: state, ..placed(Channel::Altinn) };
            assert_eq!(finished(&letter, &receipts(&["LEST 24T10"]), &night).status.status, expected);
        }
    }

    #[test]
    fn a_print_house_speaks_of_what_it_was_given() {
        let batch = seal(&placed(Channel::Print), "batch", parse_time("2026-11-24T00:30:00+01:00").unwrap());
        for (lines, state, settled, released) in [
            (&["PRINTET 24T10", "LEST 24T11"][..], State::Printet, true, false),
            (&["RETUR 24T10"], State::SendtPrint, true, true),
            (&["PRINTET 23T10", "RETUR 23T11"], State::SendtPrint, false, false),
        ] {
            let step = sealed(&batch, &receipts(lines));
            assert_eq!((step.status.status, is_settled(&step.status), step.released), (state, settled, released));
            let early = tonight(&placed(Channel::Print), lines, None, "11-24T00").status;
            assert!(!is_settled(&early), "not sealed yet: {lines:?}");
        }
        let (calendar, now) = (Calendar::default(), parse_time("2026-12-01T00:00:00+01:00").unwrap());
        let night = at(now, &calendar);
        let opened = Status { status: State::Lest, ..placed(Channel::Altinn) };
        assert!(!finished(&opened, &receipts(&["RETUR 24T10"]), &night).released, "it was never on paper");
    }

    #[test]
    fn a_running_clock_keeps_its_deadline_when_a_day_is_closed() {
        let notified = tonight(&placed(Channel::Altinn), &["VARSLET 24T10"], None, "11-25T00").status;
        let calendar = Calendar::new(["2026-11-26".parse().unwrap()]);
        let night = at(notified.lesefrist.unwrap().0, &calendar);
        let step = waiting(&notified, &receipts(&["VARSLET 24T10"]), None, &night);
        assert_eq!((step.status.lesefrist, step.go), (notified.lesefrist, Some(Go::Print)));
        // An earlier notice is another start, and takes the calendar of its night.
        let earlier = waiting(&notified, &receipts(&["VARSLET 23T10"]), None, &night);
        assert_eq!(earlier.status.lesefrist.unwrap().to_string(), "2026-11-26T00:00:00+01:00");
    }

    #[test]
    fn the_time_for_appeal_runs_from_the_notice_else_from_the_sealing() {
        let now = parse_time("2026-11-26T00:30:00+01:00").unwrap();
        let unread = tonight(&placed(Channel::Altinn), &["VARSLET 23T10"], None, "11-26T00").status;
        assert_eq!(seal(&unread, "batch", now).underrettet, unread.varslet);
        let failed = tonight(&placed(Channel::Altinn), &["VARSLET 23T10", "FEIL 23T11"], None, "11-26T00").status;
        assert_eq!(seal(&failed, "batch", now).underrettet, Some(Stamp(now)));
    }

    #[test]
    fn that_a_letter_could_be_read_starts_the_clock_and_informs_nobody() {
        let available = tonight(&placed(Channel::Altinn), &["PUBLISERT 24T10"], None, "11-25T00").status;
        let stamp = |text: &str| Some(Stamp(parse_time(text).unwrap()));
        assert_eq!(available.tilgjengelig, stamp("2026-11-24T10:00:00+01:00"));
        assert_eq!(available.lesefrist, stamp("2026-11-27T00:00:00+01:00"));
        assert_eq!((available.varslet, available.underrettet, available.status), (None, None, State::Akseptert));
        let notified = tonight(&available, &["VARSLET 25T10"], None, "11-26T00").status;
        assert_eq!(
            (notified.lesefrist, notified.tilgjengelig),
            (stamp("2026-11-28T00:00:00+01:00"), available.tilgjengelig)
        );
        assert_eq!(notified.underrettet, stamp("2026-11-25T10:00:00+01:00"));
        let written = notified.to_yaml();
        assert_eq!(Status::from_yaml(written.as_bytes()).unwrap(), notified);
        assert!(!placed(Channel::Altinn).to_yaml().contains("tilgjengelig"));
    }

    #[test]
    fn svarinn_letters_move_only_where_the_sender_says_so() {
        let (calendar, now) = (Calendar::default(), parse_time("2027-06-01T00:00:00+02:00").unwrap());
        let letter = placed(Channel::Svarinn);
        assert_eq!(waiting(&letter, &[], None, &at(now, &calendar)).go, None);
        let night = Night { svarinn_hours: Some(24), ..at(now, &calendar) };
        assert_eq!(waiting(&letter, &[], None, &night).go, Some(Go::Altinn));
        assert_eq!(waiting(&letter, &receipts(&["SENDT 23T10"]), None, &night).go, None);
    }

    #[test]
    fn a_batch_is_known_by_its_field_and_in_old_files_by_the_text() {
        let now = parse_time("2026-11-24T00:30:00+01:00").unwrap();
        let sealed_now = seal(&placed(Channel::Print), "batch-2026-11-24-01", now);
        assert_eq!(sealed_now.hendelser.last().unwrap().bunke.as_deref(), Some("batch-2026-11-24-01"));
        let mut old = sealed_now.clone();
        old.hendelser.last_mut().unwrap().bunke = None;
        let mut reworded = sealed_now.clone();
        reworded.hendelser.last_mut().unwrap().tekst = "I bunke".to_owned();
        for letter in [sealed_now, old, reworded] {
            let letter = Status::from_yaml(letter.to_yaml().as_bytes()).unwrap();
            assert!(is_settled(&sealed(&letter, &receipts(&["PRINTET 24T10"])).status));
        }
        // What a print house says is no sealing.
        let told = tonight(&placed(Channel::Print), &["SENDT_PRINT 24T10", "PRINTET 24T11"], None, "11-25T00").status;
        assert!(!is_settled(&told));
    }

    #[test]
    fn an_event_keeps_the_code_that_the_letter_had() {
        for (lines, stop, codes) in [
            (&["VARSLET 24T10"][..], None, &["no-digital-mailbox", "no-digital-mailbox", "unread-past-deadline"][..]),
            (&["VARSLET 24T10"], Some(""), &["no-digital-mailbox", "no-digital-mailbox", "stopped"]),
            (&["VARSLET 23T10", "FEIL 24T10"], None, &["no-digital-mailbox"; 3]),
        ] {
            let step = tonight(&placed(Channel::Altinn), lines, stop, "11-28T00").status;
            let actual: Vec<&str> = step.hendelser.iter().map(|event| step.code_at(event)).collect();
            assert_eq!(actual[..codes.len()], *codes, "{lines:?}");
        }
        // What is said late of the channel before is said of it there.
        let mut paper = tonight(&placed(Channel::Altinn), &[], None, "11-26T00").status;
        let later = paper.plassert.0.to_utc() + TimeDelta::hours(1);
        hear(&mut paper, &[Receipt::new(later, Word::Notified, "altinn")]);
        assert_eq!(paper.code_at(paper.hendelser.last().unwrap()), "no-digital-mailbox");
    }

    #[test]
    fn a_file_from_before_events_bore_their_batch_is_read_as_it_was_meant() {
        let text = include_str!("../../tests/nightly/old/status.yaml");
        let letter = Status::from_yaml(text.as_bytes()).unwrap();
        assert_eq!(letter.to_yaml(), text, "what is not known of it is not added");
        assert_eq!(letter.regel.as_ref().unwrap().lesefrist.limit, "2 virkedager".parse().unwrap());
        let at = |text: &str| parse_time(text).unwrap().to_utc();
        let early = Receipt::new(at("2026-11-27T10:00:00+01:00"), Word::Printed, "");
        assert!(!is_settled(&letter) && !is_settled(&sealed(&letter, &[early]).status));
        let printed = Receipt::new(at("2026-11-28T10:00:00+01:00"), Word::Printed, "");
        assert!(is_settled(&sealed(&letter, &[printed]).status));
    }
}
