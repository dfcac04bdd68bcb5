//! What stands in the way, told once when it comes and once when it is over.

use std::collections::BTreeMap;

use crate::core::names::shown;
use crate::core::snapshot::SnapshotName;
use crate::shell::registers::About;
use crate::shell::spool::DropName;

/// Troubles of one kind that are told one by one; the rest are counted.
const TOLD_MAX: usize = 100;

/// What a trouble is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Nothing at all can be taken: the root, the inbox or `avsendere.yaml`.
    Inbox,
    Pass,
    Register(SnapshotName, About),
    Drop(DropName),
    Unmarked(String),
    Stray(String),
    Nightly,
    Metrics,
    /// A letter that waits for a register, which is a trouble of its own.
    Held(DropName),
    /// What is not told one by one.
    More(Kind),
}

/// Things of which there may be thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Drop,
    Unmarked,
    Stray,
    Held,
}

impl Topic {
    fn kind(&self) -> Option<Kind> {
        match self {
            Self::Drop(_) => Some(Kind::Drop),
            Self::Unmarked(_) => Some(Kind::Unmarked),
            Self::Stray(_) => Some(Kind::Stray),
            Self::Held(_) => Some(Kind::Held),
            Self::Inbox | Self::Pass | Self::Register(..) | Self::Nightly | Self::Metrics | Self::More(_) => None,
        }
    }
}

impl Kind {
    fn more(self, n: usize) -> String {
        match self {
            Self::Drop => format!(
                "inbox/: {n} brev til kan ikke behandles. De er ikke rørt. Prøv: rett det som er meldt for de andre; det prøves igjen av seg selv."
            ),
            Self::Unmarked => format!(
                "outbox/: {n} brev til kan ikke merkes med FERDIG. De ligger der de skal. Prøv: rett det som er meldt for de andre; det prøves igjen av seg selv."
            ),
            Self::Stray => format!(
                "inbox/: {n} filer eller mapper til hører ikke til noe brev. De er ikke rørt. Prøv: rydd i innboksen som meldt for de andre."
            ),
            Self::Held => format!(
                "inbox/: {n} brev til venter på registrene. De er ikke rørt. Prøv: rett det som er meldt for registrene; brevene går videre av seg selv."
            ),
        }
    }
}

/// The troubles that stand now, each with its line for the operator.
#[derive(Debug, Default)]
pub struct Troubles {
    told: BTreeMap<Topic, String>,
    /// How many more there were of a kind when that was last told.
    more: BTreeMap<Kind, usize>,
}

impl Troubles {
    /// Takes down everything that stands now, and tells what is new and what is over.
    pub fn update(&mut self, standing: BTreeMap<Topic, String>) {
        let standing = self.bounded(standing);
        for (topic, line) in &standing {
            if self.told.get(topic) != Some(line) {
                tracing::warn!(trouble = line_of(line), "trouble");
            }
        }
        for (topic, line) in &self.told {
            if !standing.contains_key(topic) {
                tracing::info!(trouble = line_of(line), "over");
            }
        }
        self.told = standing;
    }

    /// So much of it that a log can be read. What was told stays, whatever comes before it by name: it is not over.
    fn bounded(&mut self, standing: BTreeMap<Topic, String>) -> BTreeMap<Topic, String> {
        let (mut bounded, new): (BTreeMap<_, _>, BTreeMap<_, _>) =
            standing.into_iter().partition(|(topic, _)| topic.kind().is_none() || self.told.contains_key(topic));
        let mut told: BTreeMap<Kind, usize> = BTreeMap::new();
        for kind in bounded.keys().filter_map(Topic::kind) {
            *told.entry(kind).or_default() += 1;
        }
        let mut more: BTreeMap<Kind, usize> = BTreeMap::new();
        for (topic, line) in new {
            let Some(kind) = topic.kind() else { continue };
            let told = told.entry(kind).or_default();
            if *told < TOLD_MAX {
                *told += 1;
                bounded.insert(topic, line);
            } else {
                *more.entry(kind).or_default() += 1;
            }
        }
        // Their number is news when it has doubled or halved, not at every file.
        self.more.retain(|kind, _| more.contains_key(kind));
        for (kind, n) in more {
            let last = self.more.entry(kind).or_insert(n);
            if n > *last * 2 || n * 2 < *last {
                *last = n;
            }
            bounded.insert(Topic::More(kind), kind.more(*last));
        }
        bounded
    }

    pub fn first(&self) -> Option<String> {
        self.told.values().next().map(|line| line_of(line))
    }
}

/// An error may quote what a stranger wrote.
fn line_of(line: &str) -> String {
    shown(line)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are told when one after the other stands, without «trouble=».
    fn told(standing: impl IntoIterator<Item = BTreeMap<Topic, String>>) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let mut troubles = Troubles::default();
            standing.into_iter().for_each(|standing| troubles.update(standing));
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.split_once(": ").unwrap().1.replace("trouble=", "")).collect()
    }

    #[test]
    fn each_is_told_once_and_once_when_it_is_over() {
        let full = |line: &str| BTreeMap::from([(Topic::Pass, line.to_owned())]);
        assert_eq!(
            told([full("fullt"), full("fullt"), full("verre\n20914695016"), BTreeMap::new(), BTreeMap::new()]),
            ["trouble \"fullt\"", "trouble \"verre_XXXXXXXXXXX\"", "over \"verre_XXXXXXXXXXX\""]
        );
    }

    #[test]
    fn of_many_the_rest_are_counted_and_none_is_over_because_another_comes() {
        let strays = |names: std::ops::Range<usize>| -> BTreeMap<Topic, String> {
            names.map(|n| format!("s{n:04}")).map(|line| (Topic::Stray(line.clone()), line)).collect()
        };
        let lines = told([strays(500..650), strays(450..650), strays(500..650), strays(500..560), strays(500..560)]);
        let (first, later) = lines.split_at(101);
        assert_eq!(first.iter().filter(|line| line.starts_with("trouble \"s")).count(), 100);
        assert!(first.iter().any(|line| line.contains("50 filer eller mapper til")), "{first:?}");
        // What is left of those that were told; and those are all there are.
        assert_eq!(later.iter().filter(|line| line.starts_with("over \"s")).count(), 40, "{later:?}");
        assert_eq!(later.iter().filter(|line| line.starts_with("over \"inbox/: 50 ")).count(), 1, "{later:?}");
        assert_eq!(later.len(), 41, "{later:?}");
    }
}
