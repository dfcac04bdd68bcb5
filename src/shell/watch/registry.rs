//! `registry/` as the watch knows it: whether its files have changed, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant, SystemTime};

use super::troubles::Topic;
use crate::core::snapshot::SnapshotName;
use crate::shell::pass::Report;
use crate::shell::registers::{About, Look};
use crate::shell::root::Root;

/// What lies beside `registry/NAME` and is part of the snapshot.
const ENDS: [&str; 5] = [".csv", ".csv.gz", ".csv.sha256", ".csv.gz.sha256", ".sha256"];

/// Every file that decides what the registers say. What else lies there is not ours.
type Looks = Vec<Option<Look>>;

pub struct Registry {
    looks: Looks,
    /// Since when they have looked so.
    since: Instant,
    /// How they looked when [`Registry::has_changed`] last said so.
    told: Looks,
    notes: BTreeMap<(SnapshotName, About), String>,
    /// Snapshots that have not been read since the files last changed.
    unread: BTreeSet<SnapshotName>,
    /// When the snapshots that were last believed were made.
    believed: BTreeMap<SnapshotName, SystemTime>,
}

impl Registry {
    pub fn new(root: &Root, now: Instant) -> Self {
        let looks = look(root);
        Self {
            told: looks.clone(),
            looks,
            since: now,
            notes: BTreeMap::new(),
            unread: BTreeSet::new(),
            believed: BTreeMap::new(),
        }
    }

    /// Whether the files are others than when this last said so, and have been left alone for as long as a drop must
    /// be: one that is still being written is not worth a pass.
    pub fn has_changed(&mut self, root: &Root, now: Instant, settle: Duration) -> bool {
        let looks = look(root);
        if looks != self.looks {
            (self.looks, self.since) = (looks, now);
        }
        if self.looks == self.told || now - self.since < settle {
            return false;
        }
        self.told.clone_from(&self.looks);
        self.unread = SnapshotName::ALL.into();
        true
    }

    /// When a change that has been seen will have settled.
    pub fn next_settled(&self, settle: Duration) -> Option<Instant> {
        (self.looks != self.told).then(|| self.since + settle)
    }

    /// Takes down what a pass found in the snapshots that it read.
    pub fn heard(&mut self, report: &Report) {
        for (name, notes) in &report.register_notes {
            // A pass looks at the rows of the letters that it has: its silence about other rows means nothing.
            let is_new = self.unread.remove(name);
            let is_row = |about: &About| matches!(about, About::Row(_) | About::MoreRows);
            self.notes.retain(|(of, about), _| of != name || (is_row(about) && !is_new));
            self.notes.extend(notes.iter().map(|note| ((*name, note.about), note.line.clone())));
        }
        self.believed.extend(report.registers.iter().map(|used| (used.navn, used.tidspunkt.into())));
    }

    pub fn troubles(&self) -> impl Iterator<Item = (Topic, String)> {
        self.notes.iter().map(|((name, about), line)| (Topic::Register(*name, *about), line.clone()))
    }

    /// When the snapshot was made that letters are routed by. While a file is refused, that is not its time.
    pub fn made(&self, root: &Root, name: SnapshotName) -> Option<SystemTime> {
        if self.notes.contains_key(&(name, About::Snapshot)) {
            return self.believed.get(&name).copied();
        }
        let file = |end: &str| fs::metadata(root.registry().join(format!("{name}{end}")));
        file(".csv").or_else(|_| file(".csv.gz")).and_then(|attributes| attributes.modified()).ok()
    }
}

fn look(root: &Root) -> Looks {
    let snapshots = SnapshotName::ALL.into_iter().flat_map(|name| ENDS.map(|end| format!("{name}{end}")));
    let paths = snapshots.map(|file| root.registry().join(file)).chain([root.senders()]);
    paths.map(|path| fs::metadata(path).ok().as_ref().map(Look::of)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::calendar::parse_time;
    use crate::core::snapshot::SnapshotUsed;
    use crate::shell::registers::Note;

    fn report(name: SnapshotName, notes: &[(About, &str)]) -> Report {
        let note = |(about, line): &(About, &str)| Note { about: *about, line: (*line).to_owned() };
        let notes = notes.iter().map(note).collect();
        Report { register_notes: BTreeMap::from([(name, notes)]), ..Report::default() }
    }

    fn lines(registry: &Registry) -> Vec<String> {
        registry.troubles().map(|(_, line)| line).collect()
    }

    #[test]
    fn what_is_said_of_a_snapshot_replaces_what_was_said_before() {
        use SnapshotName::{Enheter, Krr};
        let temp = tempfile::tempdir().unwrap();
        let root = Root::new(temp.path(), None);
        let start = Instant::now();
        let mut registry = Registry::new(&root, start);
        registry.heard(&report(Krr, &[(About::Snapshot, "en annen brukes"), (About::Row(2), "rad 2")]));
        registry.heard(&report(Krr, &[(About::Snapshot, "for gammel"), (About::Row(3), "rad 3")]));
        registry.heard(&report(Enheter, &[(About::Snapshot, "mangler")]));
        assert_eq!(lines(&registry), ["for gammel", "rad 2", "rad 3", "mangler"]);
        registry.heard(&report(Krr, &[]));
        assert_eq!(lines(&registry), ["rad 2", "rad 3", "mangler"]);
        // Rows of a file that is gone mean nothing, once the new one has been read.
        fs::create_dir(root.registry()).unwrap();
        fs::write(root.registry().join("krr.csv"), "x").unwrap();
        assert!(registry.has_changed(&root, start, Duration::ZERO));
        assert_eq!(lines(&registry).len(), 3);
        registry.heard(&report(Krr, &[]));
        assert_eq!(lines(&registry), ["mangler"]);
    }

    #[test]
    fn a_snapshot_that_has_been_left_alone_has_changed_and_nothing_else_counts() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::new(temp.path(), None);
        fs::create_dir(root.registry()).unwrap();
        let at = |seconds| Duration::from_secs(seconds);
        let (start, settle) = (Instant::now(), at(5));
        let mut registry = Registry::new(&root, start);
        let mut write = |file: &str, text: &str, seconds: u64| {
            fs::write(root.registry().join(file), text).unwrap();
            registry.has_changed(&root, start + at(seconds), settle)
        };
        for file in ["krr.csv.ny", "liste.csv"] {
            assert!(!write(file, "x", 1) && !write(file, "x", 9));
        }
        assert!(!write("krr.csv", "x", 10) && !write("krr.csv", "xx", 14));
        assert!(!registry.has_changed(&root, start + at(18), settle));
        assert_eq!(registry.next_settled(settle), Some(start + at(19)));
        assert!(registry.has_changed(&root, start + at(19), settle));
        assert!(!registry.has_changed(&root, start + at(30), settle));
        assert_eq!(registry.next_settled(settle), None);
    }

    #[test]
    fn while_a_file_is_refused_its_time_is_not_the_registers() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::new(temp.path(), None);
        fs::create_dir(root.registry()).unwrap();
        fs::write(root.registry().join("krr.csv"), "x").unwrap();
        let file = fs::metadata(root.registry().join("krr.csv")).unwrap().modified().unwrap();
        let mut registry = Registry::new(&root, Instant::now());
        assert_eq!(registry.made(&root, SnapshotName::Krr), Some(file));
        let mut refused = report(SnapshotName::Krr, &[(About::Snapshot, "avvist")]);
        registry.heard(&refused);
        assert_eq!(registry.made(&root, SnapshotName::Krr), None);
        let made = parse_time("2026-03-28T02:30:00+01:00").unwrap();
        refused.registers =
            vec![SnapshotUsed { navn: SnapshotName::Krr, sha256: String::new(), tidspunkt: made, rader: 1 }];
        registry.heard(&refused);
        assert_eq!(registry.made(&root, SnapshotName::Krr), Some(made.into()));
    }
}
