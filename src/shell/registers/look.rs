//! A file as the file system describes it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock of a file system may stand still for so long: FAT counts in steps of two seconds.
const COARSEST: Duration = Duration::from_secs(3);

/// Device, inode and size, and when the content and the entry last changed, in seconds and nanoseconds. Whoever writes
/// in a file changes the last, which nobody can set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    pub device: u64,
    pub inode: u64,
    pub bytes: u64,
    pub modified: (i64, i64),
    pub changed: (i64, i64),
}

impl Look {
    pub fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// Whether a file that looks so at `wall`, and later looks the same, has not been written to since. A file that
    /// had just been changed may be changed again without looking otherwise.
    pub fn has_rested(&self, wall: SystemTime) -> bool {
        [self.modified, self.changed].into_iter().all(|(seconds, _)| {
            let at = UNIX_EPOCH + Duration::from_secs(seconds.max(0).unsigned_abs());
            wall.duration_since(at).is_ok_and(|rest| rest > COARSEST + Duration::from_secs(1))
        })
    }
}
