//! A root folder of its own for each test, the two ways to run a pass in it, and the laws that hold after every pass
//! whatever the letters were.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use indicatif::ProgressBar;
use postgang::core::calendar::{Time, parse_time};
use postgang::core::identity::PersonId;
use postgang::core::names::{METADATA, OURS, READY, STATUS};
use postgang::core::status::Status;
use postgang::core::whole::{Patience, says_complete};
use postgang::shell::ledger::{self, Ledger};
use postgang::shell::pass::{self, PassError, Report, Settings};
use postgang::shell::root::Root;
use postgang::shell::spool::Probe;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use walkdir::WalkDir;

use super::make::pdf;
use super::{CHANNELS, assert_no_panic, copy_over, date, fixtures, folders, in_memory, on_disk, postgang, sorted};

/// A Monday morning.
pub const NOW: &str = "2026-11-23T09:00:00+01:00";

/// Synthetic persons (month + 80) of `tests/registry`, and organisations of the number series for tests.
pub const IN_ALTINN: &str = "01817010055";
pub const IN_DIGIPOST: &str = "02827110186";
pub const RESERVED: &str = "03837210045";

/// What a run of the binary said.
pub struct Outcome {
    pub exit: i32,
    pub report: Value,
    /// stdout and stderr.
    pub said: String,
}

/// One letter folder's files, ours left out: name and SHA-256, or what kind of thing it is instead of a file.
pub type Content = BTreeMap<String, String>;

/// A root folder that goes with the test.
pub struct World {
    dir: TempDir,
    pub now: String,
}

impl World {
    /// With the registers of `tests/registry` and an empty inbox.
    pub fn new() -> Self {
        Self::with_registers_in(in_memory())
    }

    pub fn empty() -> Self {
        Self::empty_in(in_memory())
    }

    /// On a disk, whose syncs take their time.
    pub fn on_disk() -> Self {
        Self::with_registers_in(on_disk())
    }

    pub fn with_registers_in(dir: TempDir) -> Self {
        let world = Self::empty_in(dir);
        world.copy(&fixtures("registry"), "registry");
        world.age_registers(&BTreeMap::new());
        world
    }

    fn empty_in(dir: TempDir) -> Self {
        for name in ["inbox", "registry"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir, now: NOW.to_owned() }
    }

    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(below)
    }

    pub fn root(&self) -> Root {
        Root::new(self.dir.path(), None)
    }

    pub fn write(&self, below: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Copies a fixture's folder, where there is one, over the one below the root.
    pub fn copy(&self, from: &Path, below: &str) {
        copy_over(from, &self.path(below));
    }

    /// A drop with one page; `metadata` is YAML.
    pub fn drop(&self, name: &str, metadata: &str) {
        self.write(format!("inbox/{name}/forsendelse.yaml"), metadata);
        self.write(format!("inbox/{name}/vedtak.pdf"), pdf(1));
    }

    /// Dates every file in `registry/` two hours before now, or as many hours as `ages` says.
    pub fn age_registers(&self, ages: &BTreeMap<String, f64>) {
        let now = SystemTime::from(parse_time(&self.now).unwrap());
        for entry in WalkDir::new(self.path("registry")).into_iter().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy();
            let hours = ages.get(&*name).copied().unwrap_or(2.0);
            let seconds = Duration::from_secs_f64(hours.abs() * 3600.0);
            let modified = if hours < 0.0 { now + seconds } else { now - seconds };
            date(entry.path(), modified);
        }
    }

    /// The real binary, in this root and at this moment.
    pub fn postgang(&self) -> Command {
        let mut command = postgang(self.dir.path());
        command.args(["--json", "--now", &self.now]).env("RUST_LOG", "debug");
        command
    }

    /// A routing pass by the real binary.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.postgang();
        let settle: &[&str] = if args.contains(&"--settle") { &[] } else { &["--settle", "0"] };
        command.arg("run").args(settle).args(args);
        command
    }

    /// One pass by the real binary, with the laws checked before and after.
    pub fn run(&self, args: &[&str]) -> Outcome {
        let before = self.census();
        let secrets = self.secrets();
        let output = self.command(args).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let said = format!("{stdout}{}", String::from_utf8(output.stderr).unwrap());
        let report = serde_json::from_str(&stdout).unwrap_or(Value::Null);
        assert_no_panic(&said);
        let outcome = Outcome { exit: output.status.code().expect("it was not killed"), report, said };
        let after = self.census();
        assert_eq!(before.letters(), after.letters(), "a letter was lost, doubled or changed\n{}", outcome.said);
        self.check_report(&outcome, &before, &after);
        self.check_places();
        self.check_secrets(&secrets, &outcome.said);
        outcome
    }

    /// One pass in this process.
    pub fn pass(&self, probe: Probe) -> Result<Report, PassError> {
        pass::run(&self.root(), &self.settings(probe))
    }

    pub fn settings(&self, probe: Probe) -> Settings {
        Settings {
            now: self.moment(),
            wall: SystemTime::now(),
            patience: Patience { settle: Duration::ZERO, give_up: Duration::from_secs(3600) },
            accept: Vec::new(),
            network_root: false,
            progress: ProgressBar::hidden(),
            probe,
        }
    }

    pub fn moment(&self) -> Time {
        parse_time(&self.now).unwrap()
    }

    pub fn ledger(&self) -> Box<dyn Ledger> {
        ledger::open(self.root().ledger()).unwrap().0
    }

    /// Every placed letter's folder, below the root.
    pub fn placed(&self) -> Vec<PathBuf> {
        CHANNELS.iter().flat_map(|channel| folders(&self.path("outbox").join(channel))).collect()
    }

    pub fn placed_in(&self, channel: &str) -> Vec<PathBuf> {
        folders(&self.path("outbox").join(channel))
    }

    pub fn statuses(&self) -> Vec<Status> {
        self.placed().iter().map(|letter| status(letter)).collect()
    }

    /// Where every letter is, by what it holds.
    pub fn census(&self) -> Census {
        let mut drops = Vec::new();
        for entry in sorted(&self.path("inbox")) {
            let name = entry.file_name().unwrap().as_bytes();
            let is_letter = || METADATA.iter().any(|name| entry.join(name).exists());
            let is_container = name.len() == 9 && name.iter().all(u8::is_ascii_digit) && !is_letter();
            if is_container { drops.extend(sorted(&entry)) } else { drops.push(entry) }
        }
        let claimed = folders(&self.path(".postgang/work")).iter().flat_map(|dir| sorted(dir)).collect();
        Census { inbox: contents(drops), work: contents(claimed), outbox: contents(self.placed()) }
    }

    /// Every placed letter is whole for whoever sends it, and nothing is left on the way.
    pub fn check_places(&self) {
        for letter in self.placed() {
            let ready = letter.join(READY);
            assert!(ready.is_file(), "{} lacks {READY}", letter.display());
            assert_eq!(ready.metadata().unwrap().len(), 0);
            let status = status(&letter);
            let channel = letter.parent().unwrap().file_name().unwrap().to_string_lossy();
            assert_eq!(status.kanal.as_str(), channel, "{} is not where it says", letter.display());
        }
        let ids: Vec<String> = self.statuses().into_iter().map(|status| status.forsendelsesId).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "an id names two folders");
        assert!(sorted(&self.path(".postgang/work")).is_empty(), "work/ is not empty");
        let strange = sorted(&self.path("outbox")).into_iter().find(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            !CHANNELS.contains(&&*name)
        });
        assert_eq!(strange, None);
    }

    fn check_report(&self, outcome: &Outcome, before: &Census, after: &Census) {
        let Value::Object(report) = &outcome.report else { return };
        let count = |value: &Value| value.as_u64().unwrap() as usize;
        let sum = |key: &str| report[key].as_object().unwrap().values().map(count).sum::<usize>();
        assert_eq!(count(&report["received"]), after.outbox.len() - before.outbox.len(), "{}", outcome.said);
        assert_eq!(sum("placed"), count(&report["received"]));
        assert_eq!(sum("refused"), count(&report["placed"]["avvist"]));
    }

    /// What no output may hold: the fixtures' identity numbers, and the names and streets of persons.
    pub fn secrets(&self) -> BTreeSet<String> {
        let mut secrets = BTreeSet::new();
        for entry in WalkDir::new(self.dir.path()).into_iter().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().starts_with(self.path("inbox")) {
                secrets.extend(identity_numbers(name.as_bytes()));
            }
            if METADATA.contains(&&*name) && entry.file_type().is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                secrets.extend(identity_numbers(&bytes));
                secrets.extend(person(&bytes));
            }
            if name.ends_with(".csv") {
                secrets.extend(identity_numbers(&fs::read(entry.path()).unwrap()));
            }
        }
        secrets
    }

    /// Everything that is ours to write is searched: files, the ledger's bytes, names of folders, what was said.
    pub fn check_secrets(&self, secrets: &BTreeSet<String>, said: &str) {
        let secrets: Vec<String> = secrets.iter().flat_map(|secret| spellings(secret)).collect();
        let check = |place: &str, bytes: &[u8]| {
            let found = secrets.iter().find(|secret| memchr::memmem::find(bytes, secret.as_bytes()).is_some());
            assert_eq!(found, None, "in {place}");
        };
        check("what was said", said.as_bytes());
        for top in ["outbox", ".postgang"] {
            for entry in WalkDir::new(self.path(top)).into_iter().map(Result::unwrap) {
                let name = entry.file_name().to_string_lossy();
                if entry.file_type().is_dir() {
                    check("a folder's name", name.as_bytes());
                } else if top == ".postgang" || OURS.contains(&&*name) {
                    check(&entry.path().display().to_string(), &fs::read(entry.path()).unwrap());
                }
            }
        }
    }
}

/// Where letters are. A pass moves them between the three; together they stay the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Census {
    pub inbox: Vec<Content>,
    pub work: Vec<Content>,
    pub outbox: Vec<Content>,
}

impl Census {
    pub fn letters(&self) -> Vec<&Content> {
        let mut all: Vec<_> = self.inbox.iter().chain(&self.work).chain(&self.outbox).collect();
        all.sort();
        all
    }
}

fn contents(paths: Vec<PathBuf>) -> Vec<Content> {
    let content = |path: &PathBuf| {
        let files = WalkDir::new(path).into_iter().map(Result::unwrap);
        files
            .filter(|entry| !is_removed_at_the_claim(path, entry))
            .map(|entry| {
                let name = entry.path().strip_prefix(path).unwrap().to_string_lossy().into_owned();
                let size = entry.metadata().unwrap().len();
                let what = if !entry.file_type().is_file() {
                    format!("{:?}", entry.file_type())
                } else if size > 1 << 20 {
                    format!("{size} bytes")
                } else {
                    format!("{:x?}", Sha256::digest(fs::read(entry.path()).unwrap()))
                };
                (name, what)
            })
            .collect()
    };
    paths.iter().map(content).collect()
}

pub fn status(letter: &Path) -> Status {
    let bytes = fs::read(letter.join(STATUS)).unwrap();
    Status::from_yaml(&bytes).unwrap_or_else(|error| panic!("{}: {error}", letter.display()))
}

/// Every valid 11-digit number in a text.
pub fn identity_numbers(bytes: &[u8]) -> Vec<String> {
    let runs = bytes.windows(11).filter(|run| run.iter().all(u8::is_ascii_digit));
    runs.filter(|run| PersonId::parse(run).is_some()).map(|run| String::from_utf8_lossy(run).into_owned()).collect()
}

/// A secret and, for an identity number, `ddmmåå nnnnn` with anything between that a name may hold.
fn spellings(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned()];
    if secret.len() == 11 && secret.bytes().all(|byte| byte.is_ascii_digit()) {
        let (date, rest) = secret.split_at(6);
        all.extend([" ", "-", ".", "_", "\u{a0}"].map(|between| format!("{date}{between}{rest}")));
    }
    all
}

/// Name and street of a recipient that is not an organisation; an organisation's are public.
fn person(metadata: &[u8]) -> Vec<String> {
    let Ok(Value::Object(letter)) = serde_yaml::from_slice(metadata) else { return Vec::new() };
    let recipient = &letter.get("mottaker").cloned().unwrap_or_default();
    let text = |field: &Value| field.as_str().map(str::to_owned);
    if text(&recipient["digitalId"]).is_some_and(|id| id.len() == 9) {
        return Vec::new();
    }
    [&recipient["navn"], &recipient["adresselinje1"]].into_iter().filter_map(text).filter(|t| t.len() > 4).collect()
}

/// A path below the root as text that shows every odd character.
pub fn shown(path: &Path) -> String {
    let plain = |part: &OsStr| part.to_string_lossy().escape_debug().to_string();
    path.iter().map(plain).collect::<Vec<_>>().join("/")
}

/// What is no part of a letter: what we write, and its sender's word that it is whole.
fn is_removed_at_the_claim(letter: &Path, entry: &walkdir::DirEntry) -> bool {
    let ours = OURS.iter().any(|name| entry.path() == letter.join(name));
    let word = entry.depth() == 1 && entry.file_type().is_file() && says_complete(&entry.file_name().to_string_lossy());
    ours || word
}
