//! A root to watch and a watcher to watch it: the real program, real files, real signals.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::make::pdf;
use crate::support::{CHANNELS, assert_no_panic, in_memory, postgang, program, repository, sorted, until};

/// A synthetic person with a mailbox at Digipost, in the sample registers.
pub const PERSON: &str = "12837110147";
/// The user that has no rights of its own.
const NOBODY: u32 = 65534;

pub struct Bench {
    pub dir: PathBuf,
    _temp: Option<TempDir>,
}

impl Bench {
    pub fn new() -> Self {
        let temp = in_memory();
        Self { dir: temp.path().join("root"), _temp: Some(temp) }.with_registers()
    }

    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), _temp: None }.with_registers()
    }

    fn with_registers(self) -> Self {
        for folder in ["inbox", "outbox", "registry", "staging"] {
            fs::create_dir_all(self.dir.join(folder)).unwrap();
        }
        for path in sorted(&repository().join("registry")).into_iter().filter(|path| path.is_file()) {
            // Written anew, for a register's age is that of its file.
            fs::write(self.registry(path.file_name().unwrap().to_str().unwrap()), fs::read(&path).unwrap()).unwrap();
        }
        self
    }

    pub fn inbox(&self) -> PathBuf {
        self.dir.join("inbox")
    }

    pub fn registry(&self, file: &str) -> PathBuf {
        self.dir.join("registry").join(file)
    }

    /// A whole letter beside the inbox, for paper.
    pub fn letter(&self, name: &str) -> PathBuf {
        self.letter_to(name, None)
    }

    pub fn letter_to(&self, name: &str, id: Option<&str>) -> PathBuf {
        let folder = self.dir.join("staging").join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("vedtak.pdf"), pdf(1)).unwrap();
        fs::write(folder.join("forsendelse.yaml"), metadata(name, id)).unwrap();
        folder
    }

    /// Moves what was made beside the inbox into it.
    pub fn drop(&self, letter: &Path) -> PathBuf {
        let target = self.inbox().join(letter.file_name().unwrap());
        fs::rename(letter, &target).unwrap();
        target
    }

    pub fn drop_letter(&self, name: &str) -> PathBuf {
        self.drop(&self.letter(name))
    }

    pub fn drop_declared(&self, name: &str) -> PathBuf {
        let letter = self.letter(name);
        fs::write(letter.join("KLAR"), "").unwrap();
        self.drop(&letter)
    }

    /// Where letters whose drop had this name lie now, by channel and folder.
    pub fn places(&self, name: &str) -> Vec<String> {
        let mut places = Vec::new();
        for channel in CHANNELS {
            for entry in fs::read_dir(self.dir.join("outbox").join(channel)).into_iter().flatten() {
                let folder = entry.unwrap().file_name().into_string().unwrap();
                if folder.starts_with(&format!("{name}.")) {
                    places.push(format!("{channel}/{folder}"));
                }
            }
        }
        places
    }

    pub fn placed(&self) -> usize {
        CHANNELS.iter().map(|channel| count(&self.dir.join("outbox").join(channel))).sum()
    }

    pub fn wait_for(&self, name: &str, channel: &str) -> PathBuf {
        let here = || self.places(name).into_iter().find(|place| place.starts_with(&format!("{channel}/")));
        assert!(
            until(10, || here().is_some()),
            "{name} is not in {channel}, but {:?}\n{:?}",
            self.places(name),
            fs::read_dir(self.inbox()).unwrap().collect::<Vec<_>>()
        );
        self.dir.join("outbox").join(here().unwrap())
    }

    pub fn status(&self, name: &str, channel: &str) -> String {
        fs::read_to_string(self.wait_for(name, channel).join("status.yaml")).unwrap()
    }

    pub fn watch(&self, options: &[&str]) -> Watcher {
        Watcher::start(self, options, |_| {})
    }

    /// Watches as a user without rights of its own, and gives it the root.
    pub fn watch_as_nobody(&self, options: &[&str]) -> Watcher {
        if !rustix::process::geteuid().is_root() {
            return self.watch(options);
        }
        let program = self.give_to_nobody();
        Watcher::start_program(self, &program, options, |command| {
            command.uid(NOBODY).gid(NOBODY);
        })
    }

    /// Runs a command as that user, where this one may.
    pub fn run_as_nobody(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program());
        if rustix::process::geteuid().is_root() {
            command = Command::new(self.dir.parent().unwrap().join("postgang"));
            command.uid(NOBODY).gid(NOBODY);
        }
        command.arg("--root").arg(&self.dir).args(arguments).output().unwrap()
    }

    /// Gives the root away, and a program that its new owner may run.
    pub fn give_to_nobody(&self) -> PathBuf {
        let parent = self.dir.parent().unwrap();
        fs::set_permissions(parent, fs::Permissions::from_mode(0o755)).unwrap();
        for entry in walkdir::WalkDir::new(&self.dir) {
            chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        // The program itself may lie where nobody may go.
        let program = parent.join("postgang");
        fs::copy(self::program(), &program).unwrap();
        program
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        postgang(&self.dir).args(arguments).output().unwrap()
    }
}

pub struct Watcher {
    child: Child,
    log: PathBuf,
}

impl Watcher {
    pub fn start(bench: &Bench, options: &[&str], adjust: impl FnOnce(&mut Command)) -> Self {
        Self::start_program(bench, &program(), options, adjust)
    }

    fn start_program(bench: &Bench, program: &Path, options: &[&str], adjust: impl FnOnce(&mut Command)) -> Self {
        let log = tempfile::Builder::new().prefix("watch-").suffix(".log").tempfile().unwrap();
        let (log, path) = log.keep().unwrap();
        let mut command = Command::new(program);
        command.arg("--root").arg(&bench.dir).arg("watch").args(options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).env("RUST_LOG", "info");
        adjust(&mut command);
        let watcher = Self { child: command.spawn().unwrap(), log: path };
        assert!(until(10, || watcher.log().contains("listening") || watcher.log().contains("polling")));
        watcher
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// How many lines of the log hold this.
    pub fn lines(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    pub fn wait_for_line(&self, text: &str) {
        assert!(until(10, || self.lines(text) > 0), "no line with «{text}» in:\n{}", self.log());
    }

    pub fn signal(&self, name: &str) {
        assert!(
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap().success()
        );
    }

    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn kill(&mut self) {
        self.signal("KILL");
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let log = self.log();
        let _ = fs::remove_file(&self.log);
        if std::thread::panicking() {
            eprintln!("{log}");
        } else {
            assert_no_panic(&log);
        }
    }
}

pub fn pause(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}

pub fn count(dir: &Path) -> usize {
    fs::read_dir(dir).map_or(0, Iterator::count)
}

pub fn metadata(reference: &str, id: Option<&str>) -> String {
    let reference: String = reference.chars().filter(char::is_ascii_alphanumeric).collect();
    let id = id.map(|id| format!("  digitalId: '{id}'\n")).unwrap_or_default();
    format!(
        "tittel: Vedtak\neksternReferanse: {reference}\ndokumenter:\n  - filnavn: vedtak.pdf\n    mimeType: application/pdf\nmottaker:\n  navn: Prøve\n{id}  adresselinje1: Storgata 1\n  postnummer: '4604'\n  poststed: KRISTIANSAND S\n"
    )
}

/// A file of this size that takes no room.
pub fn sparse(path: &Path, bytes: u64) {
    File::create(path).unwrap().set_len(bytes).unwrap();
}
