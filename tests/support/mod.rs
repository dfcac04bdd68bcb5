//! What the suites share: a root folder of its own for each test, the real program in it, and what is put into it. Each
//! suite takes its part of it.
#![allow(dead_code)]

pub mod make;
pub mod nights;
pub mod panics;
pub mod world;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;
use walkdir::WalkDir;

/// The folders below `outbox/` that a pass puts letters into.
pub const CHANNELS: [&str; 6] = ["digipost", "eboks", "altinn", "svarinn", "print", "avvist"];

/// The top of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where fixtures lie.
pub fn fixtures(path: &str) -> PathBuf {
    repository().join("tests").join(path)
}

/// The real program: what cargo built for the tests, or beside an example.
pub fn program() -> PathBuf {
    match option_env!("CARGO_BIN_EXE_postgang") {
        Some(path) => path.into(),
        None => std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("postgang"),
    }
}

/// The real program, in this root.
pub fn postgang(root: &Path) -> Command {
    let mut command = Command::new(program());
    command.env_remove("POSTGANG_ROOT").arg("--root").arg(root);
    command
}

/// stdout and stderr of a program that met no panic.
pub fn said(output: &Output) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_no_panic(&said);
    said
}

/// What the program says must not tell of a panic: it outlives one, and its answer may look like any refusal.
pub fn assert_no_panic(said: &str) {
    let line = said.lines().find(|line| line.contains("panic") || line.contains("stoppet uventet"));
    assert_eq!(line, None, "the program met a panic");
}

/// A folder that goes with the test: in memory where the machine offers room there, since what is tested seldom depends
/// on the disk, and its syncs are slow. A test of the disk makes its folder with [`on_disk`].
pub fn in_memory() -> TempDir {
    const ROOM: u64 = 256 << 20;
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |disk| disk.f_bavail * disk.f_frsize);
    let made = (free > ROOM).then(|| temporary_folder().tempdir_in(memory).ok()).flatten();
    made.unwrap_or_else(on_disk)
}

/// A folder that goes with the test, on the disk that temporary files are on.
pub fn on_disk() -> TempDir {
    temporary_folder().tempdir().unwrap()
}

fn temporary_folder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("postgang-");
    builder
}

/// A file system of its own, where the user may mount one; gone with the test.
pub struct Mount(TempDir);

impl Mount {
    /// A disk that is soon full. `None`, and said, where it cannot be had.
    pub fn small_disk(size: &str) -> Option<Self> {
        Self::by(&["mount", "-t", "tmpfs", "-o", &format!("size={size},mode=755"), "tmpfs"])
    }

    /// A view of a folder that tells nobody of changes. `None`, and said, where it cannot be had.
    pub fn without_events(folder: &Path) -> Option<Self> {
        Self::by(&["bindfs", folder.to_str().unwrap()])
    }

    /// A disk with blocks of 1 KiB, of this many KiB. `None`, and said, where it cannot be had.
    pub fn ext4(kib: u64) -> Option<Self> {
        let image = tempfile::NamedTempFile::new().unwrap();
        image.as_file().set_len(kib << 10).unwrap();
        let path = image.path().to_str().unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-F", "-b", "1024", "-m", "0", path]).status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: mkfs.ext4 is missing");
            return None;
        }
        // The loop device keeps the image.
        Self::by(&["mount", "-o", "loop", path])
    }

    /// The same over a folder that is there. `None`, and said, where it cannot be had.
    pub fn over(folder: &Path, command: &[&str]) -> Option<Over> {
        let mounted = Command::new(command[0]).args(&command[1..]).arg(folder).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Over(folder.to_owned()));
        }
        eprintln!("skipped: {} is missing, or this user may not mount", command[0]);
        None
    }

    fn by(command: &[&str]) -> Option<Self> {
        let dir = on_disk();
        let mounted = Command::new(command[0]).args(&command[1..]).arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("skipped: {} is missing, or this user may not mount", command[0]);
        None
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// What is mounted over a folder of the test's; gone with it.
pub struct Over(PathBuf);

impl Drop for Over {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

/// Copies what lies in a folder over what lies in another; nothing where there is no such folder.
pub fn copy_over(from: &Path, to: &Path) {
    if !from.is_dir() {
        return;
    }
    for entry in WalkDir::new(from).min_depth(1).into_iter().map(Result::unwrap) {
        let to = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Says of a file that it was written then.
pub fn date(path: &Path, moment: SystemTime) {
    File::open(path).unwrap().set_modified(moment).unwrap();
}

/// The entries of a folder in name order; none where it is missing.
pub fn sorted(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The folders in a folder in name order.
pub fn folders(dir: &Path) -> Vec<PathBuf> {
    sorted(dir).into_iter().filter(|path| path.is_dir() && !path.is_symlink()).collect()
}

/// Every file below a folder with its bytes, by its path below it.
pub fn files(top: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = WalkDir::new(top).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files.map(|entry| (entry.path().strip_prefix(top).unwrap().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

/// Whether a condition comes true within so many seconds.
pub fn until(seconds: u64, mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(seconds) {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    condition()
}

/// Whether expectations are to be written instead of compared.
pub fn updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// Compares with the text in `path`, or writes it there.
pub fn expect(path: &Path, actual: &str) {
    if updating() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let (actual, expected): (Vec<_>, Vec<_>) = (actual.lines().collect(), expected.lines().collect());
    let equal = actual.iter().zip(&expected).take_while(|(a, e)| a == e).count();
    assert!(
        actual == expected,
        "{} line {}; UPDATE_EXPECT=1 rewrites it\n  actual: {:?}\nexpected: {:?}",
        path.display(),
        equal + 1,
        actual.get(equal),
        expected.get(equal)
    );
}
