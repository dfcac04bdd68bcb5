//! Reads a snapshot's file once, front to back: unpacks it, hashes it as it lies, and hands it on in blocks of whole
//! lines.
//!
//! SHA-256 cannot be split over threads, so it sets the pace: one thread reads, unpacks and hashes, the others look at
//! the blocks meanwhile, and they share a handful of buffers.

use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::iter;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta};
use chrono_tz::Europe::Oslo;
use flate2::bufread::MultiGzDecoder;
use memchr::memrchr;
use sha2::{Digest, Sha256};

use super::refusal::SnapshotRefusal;
use crate::core::calendar::Time;
use crate::core::snapshot::SnapshotName;
use crate::core::status::Stamp;

/// Bytes; small enough to stay in a core's cache between hashing and scanning. A line must be shorter.
const BLOCK_BYTES: usize = 512 * 1024;
/// Blocks that may wait to be looked at.
const BLOCKS_WAITING_MAX: usize = 3;
/// A `sha256sum` file beside a snapshot is a line or a few.
const SIDECAR_BYTES_MAX: u64 = 64 * 1024;

/// A snapshot's file, opened.
pub struct Source {
    pub file: File,
    pub path: PathBuf,
    /// The file's own name, for messages.
    pub name: String,
    gzip: bool,
    pub before: Metadata,
    /// When it was last modified, to the second.
    pub modified: Time,
    /// What each `.sha256` beside it says.
    expected: Vec<Sidecar>,
}

struct Sidecar {
    name: String,
    /// Lower-case hex; none where the file cannot be understood, and then nothing matches it.
    sha256: Option<String>,
}

impl Source {
    /// Opens `<name>.csv` or `<name>.csv.gz` in `dir`; none where neither is there.
    pub fn open(dir: &Path, name: SnapshotName) -> Result<Option<Self>, SnapshotRefusal> {
        let (plain, packed) = (format!("{name}.csv"), format!("{name}.csv.gz"));
        let register = name.as_str();
        let (name, gzip) = match (lies_in(dir, &plain)?, lies_in(dir, &packed)?) {
            (false, false) => return Ok(None),
            (true, true) => return Err(SnapshotRefusal::Ambiguous),
            (true, false) => (plain, false),
            (false, true) => (packed, true),
        };
        let path = dir.join(&name);
        let sidecars = [format!("{name}.sha256"), format!("{register}.sha256")];
        let expected = sidecars.into_iter().filter_map(|sidecar| Sidecar::read(dir, sidecar, &name).transpose());
        let expected = expected.collect::<Result<_, _>>()?;
        let file = open_file(&path)?;
        let before = file.metadata().map_err(SnapshotRefusal::Unreadable)?;
        let modified = before.modified().ok().and_then(time_of).ok_or(SnapshotRefusal::InFuture)?;
        Ok(Some(Self { file, path, name, gzip, before, modified, expected }))
    }

    pub fn check_age(&self, now: Time, hours_max: u32) -> Result<(), SnapshotRefusal> {
        check_age(self.modified, now, hours_max)
    }

    /// Reads the file to its end and gives its SHA-256 in hex. `look` gets a few blocks at a time; every block ends
    /// with a line ending, save perhaps the last.
    pub fn read(
        &self,
        mut look: impl FnMut(&[Block]) -> Result<(), SnapshotRefusal>,
    ) -> Result<String, SnapshotRefusal> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(SnapshotRefusal::Unreadable)?;
        let (blocks, waiting) = mpsc::sync_channel(BLOCKS_WAITING_MAX);
        let (spent, spare) = mpsc::channel();
        let (read, looked) = thread::scope(|scope| {
            let reader = scope.spawn(move || produce(file, self.gzip, blocks, spare));
            let looked = (|| {
                while let Ok(first) = waiting.recv() {
                    let group: Vec<Block> =
                        iter::once(first).chain(waiting.try_iter().take(BLOCKS_WAITING_MAX)).collect();
                    look(&group)?;
                    // The reader may be done and gone; then nobody needs the buffers.
                    group.into_iter().for_each(|block| drop(spent.send(block.buffer)));
                }
                Ok(())
            })();
            // A reader that waits for room is let go.
            drop(waiting);
            (reader.join().unwrap_or_else(|panic| resume_unwind(panic)), looked)
        });
        let (sha256, bytes) = self.unless_changed(looked.and(read))?;
        if bytes != self.before.len() {
            return Err(SnapshotRefusal::Changing);
        }
        self.check_sums(&sha256)?;
        Ok(sha256)
    }

    /// The SHA-256 in hex of the file as it lies, and nothing else.
    pub fn hash(&self) -> Result<String, SnapshotRefusal> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(SnapshotRefusal::Unreadable)?;
        let mut hashing = Hashing { file, hash: Sha256::new(), bytes: 0 };
        let mut buffer = vec![0; BLOCK_BYTES];
        let read = loop {
            match fill(&mut hashing, &mut buffer, 0) {
                Ok(0) => break Ok(hex(hashing.hash)),
                Ok(_) => {}
                Err(error) => break Err(SnapshotRefusal::Unreadable(error)),
            }
        };
        self.unless_changed(read)
    }

    /// Whether every `.sha256` beside the file says this.
    pub fn check_sums(&self, sha256: &str) -> Result<(), SnapshotRefusal> {
        match self.expected.iter().find(|sidecar| sidecar.sha256.as_deref() != Some(sha256)) {
            Some(sidecar) => Err(SnapshotRefusal::Checksum(sidecar.name.clone())),
            None => Ok(()),
        }
    }

    /// What was read, if it can be one state of the file.
    fn unless_changed<T>(&self, read: Result<T, SnapshotRefusal>) -> Result<T, SnapshotRefusal> {
        let changed = self.changed();
        if matches!(changed, Ok(true)) {
            return Err(SnapshotRefusal::Changing);
        }
        let read = read?;
        changed.map_err(SnapshotRefusal::Unreadable)?;
        Ok(read)
    }

    /// Whether somebody has written to the file since it was opened. A new file renamed over it is no harm: the old
    /// one was read whole.
    fn changed(&self) -> io::Result<bool> {
        let after = self.file.metadata()?;
        Ok(after.len() != self.before.len() || after.modified()? != self.before.modified()?)
    }
}

/// Whether a snapshot that was made then may be believed.
pub fn check_age(modified: Time, now: Time, hours_max: u32) -> Result<(), SnapshotRefusal> {
    let age = now - modified;
    if age < TimeDelta::hours(-1) {
        Err(SnapshotRefusal::InFuture)
    } else if age > TimeDelta::hours(i64::from(hours_max)) {
        Err(SnapshotRefusal::TooOld { modified: Stamp(modified), hours_max })
    } else {
        Ok(())
    }
}

fn lies_in(dir: &Path, name: &str) -> Result<bool, SnapshotRefusal> {
    // Not followed: a link that leads nowhere is a snapshot that cannot be read, not one that is absent.
    match fs::symlink_metadata(dir.join(name)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(SnapshotRefusal::Unreadable(error)),
    }
}

fn open_file(path: &Path) -> Result<File, SnapshotRefusal> {
    // Asked before opening: opening a FIFO would wait for its writer.
    if !fs::metadata(path).map_err(SnapshotRefusal::Unreadable)?.is_file() {
        return Err(SnapshotRefusal::NotAFile);
    }
    File::open(path).map_err(SnapshotRefusal::Unreadable)
}

fn time_of(time: SystemTime) -> Option<Time> {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).ok()?,
        Err(_) => 0,
    };
    Some(DateTime::from_timestamp(seconds, 0)?.with_timezone(&Oslo))
}

impl Sidecar {
    /// `sha256sum`'s form: hex, a space, a space or `*`, the name. With several lines, the one that names our file.
    fn read(dir: &Path, name: String, file: &str) -> Result<Option<Self>, SnapshotRefusal> {
        if !lies_in(dir, &name)? {
            return Ok(None);
        }
        let mut text = String::new();
        let read = open_file(&dir.join(&name))?.take(SIDECAR_BYTES_MAX).read_to_string(&mut text);
        if let Err(error) = read
            && error.kind() != ErrorKind::InvalidData
        {
            return Err(SnapshotRefusal::Unreadable(error));
        }
        let lines: Vec<(&str, &str)> = text
            .trim_start_matches('\u{feff}')
            .lines()
            .map(|line| line.trim_start_matches('\\').split_once([' ', '\t']).unwrap_or((line, "")))
            .filter(|(hash, _)| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
            .collect();
        let ours =
            |(_, named): &&(&str, &str)| named.trim_start_matches([' ', '*']).rsplit(['/', '\\']).next() == Some(file);
        let line = match lines.as_slice() {
            [only] => Some(only),
            several => several.iter().find(ours),
        };
        let sha256 = line.map(|(hash, _)| hash.to_ascii_lowercase());
        Ok(Some(Self { name, sha256 }))
    }
}

/// Some lines of a snapshot.
pub struct Block {
    buffer: Vec<u8>,
    length: usize,
    /// Of the file.
    pub last: bool,
}

impl Block {
    #[cfg(test)]
    pub fn of(text: &[u8], last: bool) -> Self {
        Self { buffer: text.to_vec(), length: text.len(), last }
    }

    pub fn text(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

/// Cuts the file into blocks behind a line ending. Ends early, without fault, when nobody wants more.
fn produce(
    file: &File,
    gzip: bool,
    blocks: SyncSender<Block>,
    spare: Receiver<Vec<u8>>,
) -> Result<(String, u64), SnapshotRefusal> {
    let mut hashing = Hashing { file, hash: Sha256::new(), bytes: 0 };
    if gzip {
        cut(&mut MultiGzDecoder::new(BufReader::with_capacity(BLOCK_BYTES, &mut hashing)), &blocks, &spare).map_err(
            |failure| match failure {
                SnapshotRefusal::Unreadable(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    SnapshotRefusal::TruncatedGzip
                }
                SnapshotRefusal::Unreadable(error)
                    if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) =>
                {
                    SnapshotRefusal::DamagedGzip
                }
                other => other,
            },
        )?;
    } else {
        cut(&mut hashing, &blocks, &spare)?;
    }
    Ok((hex(hashing.hash), hashing.bytes))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn cut(source: &mut impl Read, blocks: &SyncSender<Block>, spare: &Receiver<Vec<u8>>) -> Result<(), SnapshotRefusal> {
    let mut carried = Vec::new();
    loop {
        let mut buffer = spare.try_recv().unwrap_or_else(|_| vec![0; BLOCK_BYTES]);
        buffer[..carried.len()].copy_from_slice(&carried);
        let filled = fill(source, &mut buffer, carried.len()).map_err(SnapshotRefusal::Unreadable)?;
        let last = filled < buffer.len();
        let length = match memrchr(b'\n', &buffer[..filled]) {
            _ if last => filled,
            Some(end) => end + 1,
            None => return Err(SnapshotRefusal::LineTooLong),
        };
        carried.clear();
        carried.extend_from_slice(&buffer[length..filled]);

        if blocks.send(Block { buffer, length, last }).is_err() || last {
            return Ok(());
        }
    }
}

/// Reads until the buffer is full or the source has ended; gives the bytes then in it.
fn fill(source: &mut impl Read, buffer: &mut [u8], from: usize) -> io::Result<usize> {
    let mut filled = from;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The file, hashed as it is read.
struct Hashing<'a> {
    file: &'a File,
    hash: Sha256,
    bytes: u64,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.hash.update(&buffer[..bytes]);
        self.bytes += bytes as u64;
        Ok(bytes)
    }
}
