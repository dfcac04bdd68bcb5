//! When a drop is whole: its sender says so, or everything that it names is there and nothing in it has changed for a
//! while.

use std::time::Duration;

use super::names::{ends_with_ignoring_case, is_ours};

/// The sender's word that a drop is whole.
const COMPLETE: &str = "KLAR";

/// How long a drop is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Nothing in the drop may have changed for this long; zero turns it off.
    pub settle: Duration,
    /// An incomplete drop is refused after this long.
    pub give_up: Duration,
}

/// How much of a drop is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wholeness {
    /// Its sender says that it is whole, with a `KLAR` file.
    Declared,
    /// The metadata and everything that it names are there, and no file is being written.
    Complete,
    Incomplete,
}

/// What the names in a drop say of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    declared: bool,
    being_written: bool,
}

impl Marks {
    /// Takes down one more name. Only a plain file declares a drop whole, and our own temporary names do not count as
    /// being written.
    pub fn see(&mut self, name: &str, is_plain_file: bool) {
        self.declared |= is_plain_file && says_complete(name);
        self.being_written |= is_unfinished_file(name) && !is_ours(name);
    }
}

impl Wholeness {
    /// `has_all`: the metadata is there, and every document that it names.
    pub fn of(marks: Marks, has_all: bool) -> Self {
        match (marks.declared, has_all && !marks.being_written) {
            (true, _) => Self::Declared,
            (false, true) => Self::Complete,
            (false, false) => Self::Incomplete,
        }
    }

    /// Whether the drop may be taken; an incomplete one is refused for what it lacks. `still`: how long nothing in it has
    /// been seen to change. `age`: since its newest file was modified.
    pub fn may_be_taken(self, still: Duration, age: Duration, patience: Patience) -> bool {
        match self {
            Self::Declared => true,
            Self::Complete => still >= patience.settle,
            Self::Incomplete => still >= patience.settle.min(patience.give_up) && age >= patience.give_up,
        }
    }
}

/// A folder that its writer has not let go of yet, or that is not meant for us.
pub fn is_unfinished_folder(name: &str) -> bool {
    name.starts_with(['.', '~']) || is_unfinished_file(name)
}

/// A file still being written or downloaded.
pub fn is_unfinished_file(name: &str) -> bool {
    [".tmp", ".part", ".filepart", ".crdownload"].iter().any(|end| ends_with_ignoring_case(name, end))
}

/// The sender's word that the drop is whole: `KLAR`, in any case, with `.txt` as often as Windows has hidden it.
pub fn says_complete(name: &str) -> bool {
    without_text_endings(name).eq_ignore_ascii_case(COMPLETE)
}

fn without_text_endings(mut name: &str) -> &str {
    while ends_with_ignoring_case(name, ".txt") {
        name = &name[..name.len() - ".txt".len()];
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marks(names: &[&str]) -> Marks {
        let mut marks = Marks::default();
        names.iter().for_each(|name| marks.see(name, true));
        marks
    }

    #[test]
    fn what_says_that_a_drop_is_whole_and_what_that_it_is_being_written() {
        assert!(is_unfinished_folder(".skjult") && is_unfinished_folder("~kopi") && is_unfinished_folder("brev.TMP"));
        assert!(is_unfinished_folder("brev.filepart") && is_unfinished_folder("brev.crdownload"));
        assert!(!is_unfinished_folder("brev.part2") && !is_unfinished_folder("brev"));
        assert!(says_complete("KLAR") && says_complete("klar") && says_complete("Klar.TXT.txt"));
        let mut folder = Marks::default();
        folder.see("KLAR", false);
        assert_eq!(Wholeness::of(folder, true), Wholeness::Complete, "a folder is nobody's word");
        assert!(!says_complete("KLAR.pdf") && !says_complete("klart") && !says_complete(".txt"));
    }

    #[test]
    #[rustfmt::skip]
    fn when_a_drop_is_taken() {
        let patience = Patience { settle: Duration::from_secs(5), give_up: Duration::from_secs(3600) };
        for (names, has_all, still, age, taken) in [
            (&["forsendelse.yaml", "a.pdf"][..],       true,  5,    5,    true),
            (&["forsendelse.yaml", "a.pdf"],           true,  4,    9000, false),
            (&["forsendelse.yaml", "a.pdf", "b.part"], true,  5,    5,    false),
            (&["forsendelse.yaml", "b.PART"],          true,  3600, 3600, true),
            (&["forsendelse.yaml"],                    false, 3599, 3599, false),
            (&["forsendelse.yaml"],                    false, 3600, 3600, true),
            (&["forsendelse.yaml"],                    false, 4,    3600, false),
            (&["forsendelse.yaml", "klar.txt"],        false, 0,    0,    true),
            (&["b.part", "KLAR"],                      false, 0,    0,    true),
            (&[],                                      false, 60,   60,   false),
            (&["forsendelse.yaml", ".status.yaml.tmp"], true, 5,    5,    true),
        ] {
            let whole = Wholeness::of(marks(names), has_all);
            let (still, age) = (Duration::from_secs(still), Duration::from_secs(age));
            assert_eq!(whole.may_be_taken(still, age, patience), taken, "{names:?} {has_all} {still:?} {age:?}");
        }
    }

    proptest! {
        #[test]
        fn a_drop_that_may_be_taken_may_be_taken_later(
            declared: bool, being_written: bool, has_all: bool,
            times in [0u64..20, 0..20, 0..20, 0..20, 0..20],
        ) {
            let [settle, give_up, still, age, more] = times.map(Duration::from_secs);
            let (marks, patience) = (Marks { declared, being_written }, Patience { settle, give_up });
            let whole = Wholeness::of(marks, has_all);
            let taken = whole.may_be_taken(still, age, patience);
            prop_assert!(!taken || whole.may_be_taken(still + more, age + more, patience));
            // What is not declared is never taken while it changes.
            prop_assert!(!taken || declared || still >= settle.min(give_up));
        }
    }
}
