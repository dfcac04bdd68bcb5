//! What stands in the way, told once when it comes and once when it is over.

use std::collections::BTreeMap;

use crate::core::names::shown;
use crate::shell::spool::DropName;

/// What a trouble is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Nothing at all can be taken: the root, the inbox or `avsendere.yaml`.
    Inbox,
    Pass,
    Register(String),
    Drop(DropName),
    Unmarked(String),
    Stray(String),
    Nightly,
    Metrics,
}

/// The troubles that stand now, each with its line for the operator.
#[derive(Debug, Default)]
pub struct Troubles(BTreeMap<Topic, String>);

impl Troubles {
    /// Takes down everything that stands now, and tells what is new and what is over.
    pub fn update(&mut self, standing: BTreeMap<Topic, String>) {
        for (topic, line) in &standing {
            if self.0.get(topic) != Some(line) {
                tracing::warn!(trouble = line_of(line), "trouble");
            }
        }
        for (topic, line) in &self.0 {
            if !standing.contains_key(topic) {
                tracing::info!(trouble = line_of(line), "over");
            }
        }
        self.0 = standing;
    }

    pub fn first(&self) -> Option<String> {
        self.0.values().next().map(|line| line_of(line))
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

    #[test]
    fn each_is_told_once_and_once_when_it_is_over() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let full = |line: &str| BTreeMap::from([(Topic::Pass, line.to_owned())]);
            let mut troubles = Troubles::default();
            for standing in [full("fullt"), full("fullt"), full("verre\n20914695016"), BTreeMap::new(), BTreeMap::new()]
            {
                troubles.update(standing);
            }
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let told: Vec<&str> = text.lines().map(|line| line.split_once(": ").unwrap().1).collect();
        assert_eq!(
            told,
            [
                "trouble trouble=\"fullt\"",
                "trouble trouble=\"verre_XXXXXXXXXXX\"",
                "over trouble=\"verre_XXXXXXXXXXX\""
            ]
        );
    }
}
