//! What `report` counts: letters, each once, by what became of it.
//!
//! A letter's channel is the last one that it was placed in, so paper after Altinn counts as print, and one that was
//! refused, at once or because it could not be printed, as avvist. The archive is no channel: a letter counts there in the
//! channel that it was finished in. Its code is that of the last decision carried out. A letter that is decided and not
//! placed yet is not counted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::route::{Channel, State};

/// What is counted as one: letters received in one month, for one sender, that ended alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Group {
    /// `YYYY-MM` of the day the letter was received.
    #[serde(rename = "maned")]
    pub month: String,
    /// `None`: no sender could be made out.
    #[serde(rename = "avsender")]
    pub sender: Option<String>,
    #[serde(rename = "kanal")]
    pub channel: Channel,
    #[serde(rename = "kode")]
    pub code: String,
}

/// Letters in a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    #[serde(rename = "antall")]
    pub letters: usize,
    /// Of them, those known to be opened, or collected by a receiving system.
    #[serde(rename = "apnet")]
    pub opened: usize,
    /// Of them, those that came back from paper.
    #[serde(rename = "retur")]
    pub returned: usize,
}

/// What has become of one letter, event by event, the oldest first.
#[derive(Debug, Default)]
pub struct Course {
    channel: Option<Channel>,
    /// Where nothing says in which channel a letter in the archive was finished: the last that its events name, in the
    /// order in which a letter can go through them.
    named: Option<Channel>,
    is_placed: bool,
    decided: String,
    code: String,
    opened: bool,
    returned: bool,
}

impl Course {
    pub fn decided(&mut self, code: &str) {
        code.clone_into(&mut self.decided);
    }

    /// `place`: below `outbox/`.
    pub fn placed(&mut self, place: &str) {
        self.is_placed = true;
        self.code.clone_from(&self.decided);
        let folder = place.split('/').next().unwrap_or_default();
        self.channel = Channel::named(folder).or(self.channel);
    }

    /// An event of the letter's `hendelser`.
    pub fn happened(&mut self, state: &str, channel: Option<&str>) {
        let last = |channel: &Channel| match channel {
            Channel::Digipost | Channel::Eboks => 0,
            Channel::Svarinn => 1,
            Channel::Altinn => 2,
            Channel::Print => 3,
            Channel::Avvist => 4,
        };
        self.named = self.named.into_iter().chain(channel.and_then(Channel::named)).max_by_key(last);
        self.opened |= [State::Lest, State::MottattSvarinn].iter().any(|opened| opened.as_str() == state);
        self.returned |= state == State::Retur.as_str();
    }

    /// Adds the letter to its group.
    pub fn count(self, month: &str, sender: Option<String>, counts: &mut BTreeMap<Group, Count>) {
        let Some(channel) = self.channel.or(self.named).filter(|_| self.is_placed) else { return };
        let count = counts.entry(Group { month: month.to_owned(), sender, channel, code: self.code }).or_default();
        count.letters += 1;
        count.opened += usize::from(self.opened);
        count.returned += usize::from(self.returned && channel == Channel::Print);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events as words: a code decided, a place with a slash, a state with its channel.
    fn of(events: &[&str]) -> Option<(Channel, String, usize, usize)> {
        let mut course = Course::default();
        for event in events {
            match event.split_once(' ') {
                Some((state, channel)) => course.happened(state, Some(channel)),
                None if event.contains('/') => course.placed(event),
                None => course.decided(event),
            }
        }
        let mut counts = BTreeMap::new();
        course.count("2026-11", None, &mut counts);
        let (group, count) = counts.pop_first()?;
        assert!(counts.is_empty() && count.letters == 1);
        Some((group.channel, group.code, count.opened, count.returned))
    }

    #[test]
    #[rustfmt::skip]
    fn a_letter_counts_once_by_where_it_came_last() {
        use Channel::*;
        let altinn = ["no-digital-mailbox", "altinn/a", "AKSEPTERT altinn"];
        let after = |more: &[&'static str]| of(&[&altinn[..], more].concat());
        let is = |channel, code: &str, opened, returned| Some((channel, code.to_owned(), opened, returned));
        assert_eq!(of(&["reserved"]), None, "decided, and not there yet");
        assert_eq!(after(&[]), is(Altinn, "no-digital-mailbox", 0, 0));
        assert_eq!(after(&["no-digital-mailbox", "arkiv/2026-11/a", "LEST altinn"]), is(Altinn, "no-digital-mailbox", 1, 0));
        let paper = ["unread-past-deadline", "print/a", "unread-past-deadline", "print/batch-2026-11-26-01/a"];
        assert_eq!(after(&paper), is(Print, "unread-past-deadline", 0, 0));
        assert_eq!(after(&[&paper[..], &["LEST altinn"]].concat()), is(Print, "unread-past-deadline", 1, 0));
        assert_eq!(after(&[&paper[..], &["PRINTET print", "RETUR print"]].concat()), is(Print, "unread-past-deadline", 0, 1));
        assert_eq!(after(&["RETUR print"]), is(Altinn, "no-digital-mailbox", 0, 0), "what never was on paper");
        assert_eq!(after(&["unread-past-deadline"]), is(Altinn, "no-digital-mailbox", 0, 0), "on its way");
        assert_eq!(after(&["unread-past-deadline", "print/a", "print-rules", "avvist/a"]), is(Avvist, "print-rules", 0, 0));
        assert_eq!(of(&["duplicate", "avvist/a", "AVVIST avvist"]), is(Avvist, "duplicate", 0, 0));
        let found = ["unread-past-deadline", "arkiv/2026-11/a", "AKSEPTERT print", "SENDT_PRINT print", "LEST altinn"];
        assert_eq!(of(&found), is(Print, "unread-past-deadline", 1, 0), "as a lost ledger finds it again");
    }
}
