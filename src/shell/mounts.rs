//! What is mounted below a folder. The kernel knows without asking the file systems, of which one may never answer: a
//! FUSE program that has stopped keeps every call into its mount waiting.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The mount points strictly below a folder, as ways from it.
#[derive(Clone, Debug, Default)]
pub struct Mounts(Vec<PathBuf>);

impl Mounts {
    /// Nothing where the system has no list of them; what is mounted is then found when it is opened.
    pub fn below(dir: &Path) -> Self {
        let Ok(dir) = dir.canonicalize() else { return Self::default() };
        let list = fs::read("/proc/self/mountinfo").unwrap_or_default();
        let points = list.split(|byte| *byte == b'\n').filter_map(mount_point);
        let below = points.filter_map(|point| Some(point.strip_prefix(&dir).ok()?.to_owned()));
        Self(below.filter(|way| !way.as_os_str().is_empty()).collect())
    }

    /// Whether something is mounted at this way, or below it.
    pub fn touch(&self, way: &Path) -> bool {
        self.0.iter().any(|point| point.starts_with(way))
    }

    /// Whether something is mounted at this way itself.
    pub fn are_at(&self, way: &Path) -> bool {
        self.0.iter().any(|point| point == way)
    }

    pub fn ways(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }
}

/// The fifth field of a line of `mountinfo`, where a blank is `\040`.
fn mount_point(line: &[u8]) -> Option<PathBuf> {
    let field = line.split(|byte| *byte == b' ').nth(4)?;
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|digits| byte == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        match digits {
            Some(digits) => {
                path.push(digits.iter().fold(0u8, |value, digit| value.wrapping_mul(8).wrapping_add(digit - b'0')));
                rest = &after[3..];
            }
            None => {
                path.push(byte);
                rest = after;
            }
        }
    }
    Some(PathBuf::from(OsString::from_vec(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_read_as_the_kernel_writes_it() {
        let line = br"36 35 98:0 /mnt1 /srv/post/inbox/min\040mappe rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(mount_point(line), Some(PathBuf::from("/srv/post/inbox/min mappe")));
        assert_eq!(mount_point(b"36 35"), None);
        let mounts = Mounts(vec![PathBuf::from("a/b")]);
        assert!(mounts.touch(Path::new("a")) && mounts.touch(Path::new("a/b")) && !mounts.touch(Path::new("a/b/c")));
        assert!(mounts.are_at(Path::new("a/b")) && !mounts.are_at(Path::new("a")));
    }

    #[test]
    fn the_systems_own_mounts_are_found() {
        assert!(Mounts::below(Path::new("/")).are_at(Path::new("proc")));
    }
}
