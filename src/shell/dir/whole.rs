//! What is done with a folder as a whole: it takes over another's place, rights and files, and says where it is mounted and
//! what is noted on it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, RenameFlags, StatxFlags, XattrFlags, fchmod, fchown, fgetxattr, fsetxattr, fstat,
    openat, renameat_with, statx,
};
use rustix::io::Errno;

use super::{Dir, FILE_MODE, one_name, time};

/// The extended attribute that holds a folder's note.
const NOTE: &str = "user.postgang.generation";

impl Dir {
    /// Changes the places of two folders by one call.
    pub fn exchange(&self, name: &OsStr, other: &Dir, other_name: &OsStr) -> io::Result<()> {
        let exchanged = renameat_with(&self.0, one_name(name)?, &other.0, one_name(other_name)?, RenameFlags::EXCHANGE);
        Ok(exchanged?)
    }

    /// Takes the group and the rights of another folder, so that who could read in that can read in this; nobody gets
    /// more than owner and group.
    pub fn inherit(&self, from: &Dir) -> io::Result<()> {
        let about = fstat(&from.0)?;
        // Where we are not of that group, our own must do.
        let _ = fchown(&self.0, None, Some(Gid::from_raw(about.st_gid)));
        let mode = (about.st_mode & 0o770) | 0o700;
        // That what is put into it later has its group is not always ours to say.
        fchmod(&self.0, Mode::from_raw_mode(mode | (about.st_mode & 0o2000)))
            .or_else(|_| fchmod(&self.0, Mode::from_raw_mode(mode)))?;
        for list in ["system.posix_acl_access", "system.posix_acl_default"] {
            let mut rights = [0; 4096];
            if let Ok(length) = fgetxattr(&from.0, list, &mut rights[..]) {
                fsetxattr(&self.0, list, &rights[..length], XattrFlags::empty())?;
            }
        }
        Ok(())
    }

    /// Copies a regular file with its time, group and rights; where the file system can, the blocks are shared.
    pub fn copy_from(&self, from: &Dir, name: &OsStr) -> io::Result<()> {
        let Some(mut source) = from.open_file(name)? else { return Err(ErrorKind::ResourceBusy.into()) };
        let about = fstat(&source)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut copy = File::from(openat(&self.0, one_name(name)?, flags, FILE_MODE)?);
        let _ = fchown(&copy, None, Some(Gid::from_raw(about.st_gid)));
        fchmod(&copy, Mode::from_raw_mode((about.st_mode & 0o660) | 0o600))?;
        // Not a byte more than there was: a writer may be faster than we are.
        let copied = io::copy(&mut (&mut source).take(about.st_size.unsigned_abs()), &mut copy)?;
        if copied != about.st_size.unsigned_abs() {
            return Err(ErrorKind::ResourceBusy.into());
        }
        copy.set_modified(time(about.st_mtime, about.st_mtime_nsec))
    }

    /// The device and the mount that the folder lies in.
    pub fn mount(&self) -> io::Result<(u32, u32, u64)> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        let stat = statx(&self.0, "", flags, StatxFlags::MNT_ID)?;
        Ok((stat.stx_dev_major, stat.stx_dev_minor, stat.stx_mnt_id))
    }

    /// A number that is noted on the folder itself, where nobody sees it; `None` where there is none.
    pub fn note(&self) -> io::Result<Option<i64>> {
        let mut text = [0; 32];
        match fgetxattr(&self.0, NOTE, &mut text[..]) {
            Ok(length) => Ok(str::from_utf8(&text[..length]).ok().and_then(|text| text.parse().ok())),
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::RANGE) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub fn set_note(&self, number: i64) -> io::Result<()> {
        Ok(fsetxattr(&self.0, NOTE, number.to_string().as_bytes(), XattrFlags::empty())?)
    }
}
