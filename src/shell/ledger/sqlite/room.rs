//! Room for the ledger on a disk that is nearly full.
//!
//! SQLite maps the index of its journal (`-shm`) into memory. Where a block of that file is missing when it is touched and
//! the disk has none left, the kernel does not report an error: it ends the process. So the room is looked for before the
//! file is mapped, and taken at once afterwards.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

/// Bytes of the index that are taken at once: enough for a journal of 64 MiB.
const INDEX_BYTES: u64 = 128 << 10;
/// Bytes besides the index without which nothing is begun: a decision or two must fit in the journal.
const BESIDE_BYTES: u64 = 128 << 10;

pub fn index(ledger: &Path) -> PathBuf {
    beside(ledger, "-shm")
}

pub fn journal(ledger: &Path) -> PathBuf {
    beside(ledger, "-wal")
}

fn beside(ledger: &Path, ending: &str) -> PathBuf {
    let mut path = OsString::from(ledger);
    path.push(ending);
    PathBuf::from(path)
}

/// Whether there is room to work; an error where there is not.
pub fn to_write(ledger: &Path) -> io::Result<()> {
    enough(ledger, INDEX_BYTES + BESIDE_BYTES)
}

/// Whether there is room to look, which takes the index alone.
pub fn to_read(ledger: &Path) -> io::Result<()> {
    enough(ledger, INDEX_BYTES)
}

fn enough(ledger: &Path, bytes: u64) -> io::Result<()> {
    let folder = ledger.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = statvfs(folder)?;
    // What the index holds already is its own.
    let held = index(ledger).metadata().map_or(0, |index| index.blocks() * 512);
    // A file system that does not know its size has no end.
    let is_enough = disk.f_blocks == 0 || disk.f_bavail * disk.f_frsize + held >= bytes;
    if is_enough { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
}

/// Gives the index all its blocks. The file must stay open for as long as SQLite has it: closing it lets go of every lock
/// that this process has on it.
pub fn take(ledger: &Path) -> io::Result<File> {
    let file = File::options().read(true).write(true).open(index(ledger))?;
    match fallocate(&file, FallocateFlags::empty(), 0, INDEX_BYTES) {
        // Where it cannot be asked for, SQLite's own way is all there is.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) | Ok(()) => Ok(file),
        Err(error) => Err(error.into()),
    }
}

/// How SQLite is told of a file that nobody writes, so that it needs no index.
pub fn as_settled(ledger: &Path) -> String {
    let mut name = "file:".to_owned();
    for byte in ledger.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => name.push(char::from(*byte)),
            _ => name += &format!("%{byte:02x}"),
        }
    }
    name + "?immutable=1"
}
