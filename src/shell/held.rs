//! What other processes hold open. A file that somebody has open can be written whatever becomes of its name, and into a
//! folder that somebody has open files can be put.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process;

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

/// A file system's device and a file's number on it.
pub type FileId = (u32, u32, u64);

/// Files and folders that were open in other processes a moment ago, of those processes that may be looked into: those
/// of the same user, or all where the user is root.
#[derive(Debug, Default)]
pub struct OpenElsewhere(HashSet<FileId>);

impl OpenElsewhere {
    pub fn now() -> Self {
        let own = process::id().to_string();
        let mut open = HashSet::new();
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = process.file_name();
            if name == *own || !name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let path = process.path();
            open.extend(["cwd", "root"].iter().filter_map(|name| file_id(&path.join(name))));
            // A process that is gone, or another user's, shows nothing.
            for file in fs::read_dir(path.join("fd")).into_iter().flatten().flatten() {
                open.extend(file_id(&file.path()));
            }
        }
        Self(open)
    }

    pub fn holds(&self, file: &FileId) -> bool {
        self.0.contains(file)
    }
}

/// What stands behind a link of `/proc`, as far as the kernel knows: no file system is asked, for it may not answer.
fn file_id(link: &Path) -> Option<FileId> {
    let stat = statx(CWD, link, AtFlags::STATX_DONT_SYNC, StatxFlags::INO).ok()?;
    Some((stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino))
}
