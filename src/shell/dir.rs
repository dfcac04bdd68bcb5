//! A folder held open. What lies in it is reached through its descriptor and no link is followed, so that swapping a
//! name for a link between two looks gains nothing, and nothing outside the folder is read or written.

mod whole;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path};
use std::time::{Duration, SystemTime};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat, fchmod, fstat, major, minor, mkdirat,
    openat, openat2, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::held::FileId;

/// Names in a folder that are counted though nobody looks at what they stand for.
const COUNTED_MAX: usize = 100_000;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Nothing on the way is a link or a mount, and the way stays below where it begins. A mount is told before the file
/// system behind it is asked anything: it may never answer.
const STRAIGHT: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_XDEV);
/// The rights of folders and files that we make; the mask takes what is nobody's business.
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);
const FILE_MODE: Mode = Mode::from_raw_mode(0o666);

#[derive(Debug)]
pub struct Dir(OwnedFd);

/// A name in a folder and what stands behind it; of a link, the link itself.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: OsString,
    /// `None`: not a regular file.
    pub bytes: Option<u64>,
    pub is_folder: bool,
    pub modified: SystemTime,
    /// When the entry itself last changed: its content, name, rights or times.
    pub changed: SystemTime,
    /// The user's number.
    pub owner: u32,
    /// How many names it has.
    pub links: u64,
    pub id: FileId,
}

/// Names, kinds, sizes and times of everything in a folder. Two that are equal mean that nothing was written between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// `beyond`: how many names there are besides.
    pub fn of<'a>(entries: impl Iterator<Item = &'a Entry>, beyond: usize) -> Self {
        let mut hasher = DefaultHasher::new();
        beyond.hash(&mut hasher);
        for entry in entries {
            (&entry.name, entry.bytes, entry.modified).hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

impl Dir {
    /// Opens a folder of the operator's own, who may have made it a link.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(CWD, path, FOLDER, Mode::empty())?))
    }

    /// Opens a folder whose last name a stranger may have chosen.
    pub fn open_child(path: &Path) -> io::Result<Self> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) if parent.as_os_str().is_empty() => Self::open(Path::new("."))?.child(name),
            (Some(parent), Some(name)) => Self::open(parent)?.child(name),
            // The current folder, or the root of all.
            _ => Self::open(path),
        }
    }

    pub fn child(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self(self.open_name(name, FOLDER, Mode::empty())?))
    }

    /// The folder that this way leads to, which begins here.
    pub fn below(&self, way: &Path) -> io::Result<Self> {
        if !way.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(ErrorKind::InvalidInput.into());
        }
        let way = if way.as_os_str().is_empty() { Path::new(".") } else { way };
        match openat2(&self.0, way, FOLDER, Mode::empty(), STRAIGHT) {
            Err(Errno::NOSYS | Errno::PERM) => {
                let mut folder = Self(openat(&self.0, ".", FOLDER, Mode::empty())?);
                for part in way.iter().filter(|part| *part != ".") {
                    folder = folder.child(part)?;
                }
                Ok(folder)
            }
            other => Ok(Self(other.map_err(no_folder)?)),
        }
    }

    /// The same; what is missing on the way is made.
    pub fn make_below(&self, way: &Path) -> io::Result<Self> {
        match self.below(way) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => return other,
        }
        let mut folder = self.below(Path::new("."))?;
        for part in way {
            folder.make(part)?;
            folder = folder.child(part)?;
        }
        Ok(folder)
    }

    /// Makes a folder where none stands; says whether it did.
    pub fn make(&self, name: &OsStr) -> io::Result<bool> {
        match mkdirat(&self.0, one_name(name)?, FOLDER_MODE) {
            Err(Errno::EXIST) => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }

    /// Opens what bears this name here, and neither a link nor what is mounted over it.
    fn open_name(&self, name: &OsStr, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let name = one_name(name)?;
        let opened = match openat2(&self.0, name, flags, mode, STRAIGHT) {
            // An old kernel, or a filter that does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => openat(&self.0, name, flags | OFlags::NOFOLLOW, mode),
            other => other,
        };
        Ok(opened.map_err(|errno| if flags.contains(OFlags::DIRECTORY) { no_folder(errno) } else { errno })?)
    }

    /// The folder itself: when its list of names last changed.
    pub fn itself(&self) -> io::Result<Entry> {
        let stat = fstat(&self.0)?;
        Ok(entry(OsString::new(), &stat))
    }

    /// What is in the folder, in name order: at most `max` of it, and how many names there are beyond that.
    pub fn entries(&self, max: usize) -> io::Result<(Vec<Entry>, usize)> {
        let (mut names, mut beyond) = (Vec::new(), 0);
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            match names.len() {
                n if n < max => names.push(name),
                _ if beyond == COUNTED_MAX => break,
                _ => beyond += 1,
            }
        }
        names.sort_unstable();
        let entries = names.into_iter().map(|name| self.entry(name)).collect::<io::Result<_>>()?;
        Ok((entries, beyond))
    }

    /// The names in the folder that `is` holds for.
    pub fn names_where(&self, is: fn(&str) -> bool) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." && is(&name.to_string_lossy()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Removes a file or a link, and leaves a folder.
    pub fn remove_file_if_there(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Err(Errno::NOENT | Errno::ISDIR) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Removes a folder where it is there and empty.
    pub fn remove_folder_if_empty(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(&self.0, one_name(name)?, AtFlags::REMOVEDIR) {
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(()),
            other => Ok(other?),
        }
    }

    fn entry(&self, name: OsString) -> io::Result<Entry> {
        let stat = statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(entry(name, &stat))
    }

    /// The bytes of a regular file, at most `bytes_max`; `None` for anything else.
    pub fn read(&self, name: &OsStr, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.open_file(name)? else { return Ok(None) };
        let expected = file.metadata()?.len().min(bytes_max);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
        file.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// A regular file; `None` for anything else. Opening a FIFO does not wait.
    pub fn open_file(&self, name: &OsStr) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match self.open_name(name, flags, Mode::empty()) {
            Err(error) if is_link_or_socket(&error) => return Ok(None),
            other => File::from(other?),
        };
        Ok(file.metadata()?.is_file().then_some(file))
    }

    /// Deletes a folder in this one, whatever lies in it. It is taken apart from above, one level at a time, so that
    /// depth costs no descriptors and no stack.
    pub fn delete_tree(&self, name: &OsStr) -> io::Result<()> {
        let mut number = 0u64;
        loop {
            let folder = self.child(name)?;
            let (entries, _) = folder.entries(COUNTED_MAX)?;
            if entries.is_empty() {
                return Ok(unlinkat(&self.0, name, AtFlags::REMOVEDIR)?);
            }
            for entry in entries.iter().filter(|entry| entry.is_folder) {
                let inner = folder.child(&entry.name)?;
                // What lies deeper comes up beside it before it goes.
                for below in inner.entries(COUNTED_MAX)?.0 {
                    if below.is_folder {
                        loop {
                            number += 1;
                            let up = OsString::from(format!(".{number}.opp"));
                            match inner.rename_without_replacing(&below.name, &folder, &up) {
                                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                                other => break other?,
                            }
                        }
                    } else {
                        inner.remove_file_if_there(&below.name)?;
                    }
                }
                match unlinkat(&folder.0, &entry.name, AtFlags::REMOVEDIR) {
                    // More than one look holds: the rest goes in the next round.
                    Err(Errno::NOTEMPTY | Errno::EXIST) | Ok(()) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            for entry in entries.iter().filter(|entry| !entry.is_folder) {
                folder.remove_file_if_there(&entry.name)?;
            }
        }
    }

    /// Makes a file where nothing stands, not even a link.
    pub fn create_new(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.0, one_name(OsStr::new(name))?, flags, FILE_MODE)?))
    }

    pub fn remove_if_there(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Gives a file another's name, in its place.
    pub fn replace(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.0, from, &self.0, to)?)
    }

    /// Replaces a file whole: whoever reads it, after a crash too, finds the old content or the new.
    pub fn publish(&self, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        let temporary = format!("{TEMPORARY}{name}");
        self.remove_if_there(&temporary)?;
        let write = || {
            let mut file = self.create_new(&temporary)?;
            file.write_all(bytes)?;
            fchmod(&file, Mode::from_raw_mode(mode))?;
            file.sync_all()?;
            self.replace(&temporary, name)
        };
        if let Err(error) = write() {
            // Where even that fails, the next start sweeps it.
            let _ = self.remove_if_there(&temporary);
            return Err(error);
        }
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// Makes everything on this folder's file system durable.
    pub fn sync_file_system(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.0)?)
    }

    /// Whether something bears this name, a link too.
    pub fn holds(&self, name: &OsStr) -> io::Result<bool> {
        match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// `rename` alone would silently replace an empty folder. Where the file system cannot refuse that itself, the
    /// check before it is the best there is: all writers of the target are ours, and the lock is held.
    pub fn rename_without_replacing(&self, from: &OsStr, target: &Dir, to: &OsStr) -> io::Result<()> {
        let outcome = match renameat_with(&self.0, from, &target.0, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => {
                if target.holds(to)? {
                    return Err(ErrorKind::AlreadyExists.into());
                }
                renameat(&self.0, from, &target.0, to)
            }
            other => other,
        };
        match outcome.map_err(io::Error::from) {
            // A network file system may report failure though it happened: old gone and new there is success.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                // What cannot be asked is no success.
                let happened = matches!((self.holds(from), target.holds(to)), (Ok(false), Ok(true)));
                if happened { Ok(()) } else { Err(error) }
            }
            other => other,
        }
    }
}

/// The bytes of a regular file, at most `bytes_max`; `None` for anything else. The folder it lies in may be a
/// stranger's.
pub fn read_regular(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Dir::open_child(folder)?.read(name, bytes_max),
        _ => Ok(None),
    }
}

/// How the names of files begin that we have not finished; what a crash leaves under one is swept at the next start.
const TEMPORARY: &str = ".postgang-ny-";

/// Removes what a crash left in a folder of ours under a temporary name.
pub fn sweep(folder: &Dir) -> io::Result<()> {
    let left = folder.names_where(|name| name.starts_with(TEMPORARY))?;
    left.iter().try_for_each(|name| folder.remove_file_if_there(name))
}

/// Whether a folder stands at this path, which no link may. What cannot be asked is an error, not "no".
pub fn is_folder(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(about) => Ok(about.is_dir()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A file that gets its name when it is whole. It has another temporary name each time, so an error must not tell it:
/// the same trouble would be news at every try.
pub fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder).map_err(|error| {
        match error.to_string().split_once(" at path ") {
            Some((cause, _)) => io::Error::new(error.kind(), cause),
            None => error,
        }
    })
}

/// Replaces a file of our own, for nobody else, see [`Dir::publish`].
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    Dir::open(folder)?.publish(name, bytes, 0o600)
}

fn entry(name: OsString, stat: &Stat) -> Entry {
    let kind = FileType::from_raw_mode(stat.st_mode);
    Entry {
        name,
        bytes: (kind == FileType::RegularFile).then_some(stat.st_size.unsigned_abs()),
        is_folder: kind == FileType::Directory,
        modified: time(stat.st_mtime, stat.st_mtime_nsec),
        changed: time(stat.st_ctime, stat.st_ctime_nsec),
        owner: stat.st_uid,
        links: stat.st_nlink,
        id: (major(stat.st_dev), minor(stat.st_dev), stat.st_ino),
    }
}

/// A link is no folder, whatever stands behind it.
fn no_folder(errno: Errno) -> Errno {
    if errno == Errno::LOOP { Errno::NOTDIR } else { errno }
}

fn is_link_or_socket(error: &io::Error) -> bool {
    [Errno::LOOP, Errno::NXIO].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// A name, not a way: what leads elsewhere is not in the folder.
fn one_name(name: &OsStr) -> io::Result<&OsStr> {
    let leads_away = name.is_empty() || name == "." || name == ".." || name.as_bytes().contains(&b'/');
    if leads_away { Err(ErrorKind::InvalidInput.into()) } else { Ok(name) }
}

fn time(seconds: impl TryInto<i64>, nanos: impl TryInto<i64>) -> SystemTime {
    let whole = |n: i64| n.max(0).unsigned_abs();
    let (seconds, nanos) = (seconds.try_into().unwrap_or_default(), nanos.try_into().unwrap_or_default());
    SystemTime::UNIX_EPOCH + Duration::from_secs(whole(seconds)) + Duration::from_nanos(whole(nanos))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_empty_folder_is_not_replaced() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["a", "target"] {
            fs::create_dir(temp.path().join(name)).unwrap();
        }
        let dir = Dir::open(temp.path()).unwrap();
        let moved = |to: &str| dir.rename_without_replacing(OsStr::new("a"), &dir, OsStr::new(to));
        assert_eq!(moved("target").unwrap_err().kind(), ErrorKind::AlreadyExists);
        moved("b").unwrap();
        assert!(temp.path().join("b").is_dir());
    }

    #[test]
    fn a_trouble_sounds_the_same_at_every_try() {
        let temp = tempfile::tempdir().unwrap();
        let gone = temp.path().join("gone/file");
        let told = || replace_file(&gone, b"x").unwrap_err().to_string();
        assert_eq!(told(), told());
        assert!(!told().contains("gone"), "{}", told());
        for text in ["one", "two"] {
            replace_file(&temp.path().join("file"), text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(temp.path().join("file")).unwrap(), text);
        }
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_tree_of_any_depth_is_deleted() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open(temp.path()).unwrap();
        fs::create_dir(temp.path().join("deep")).unwrap();
        let mut at = dir.child(OsStr::new("deep")).unwrap();
        for level in 0..5_000 {
            at.create_new("file").unwrap();
            rustix::fs::mkdirat(&at.0, ".1.opp", Mode::from_raw_mode(0o755)).unwrap();
            if level % 1_000 == 0 {
                rustix::fs::mkdirat(&at.0, "beside", Mode::from_raw_mode(0o755)).unwrap();
            }
            at = at.child(OsStr::new(".1.opp")).unwrap();
        }
        drop(at);
        dir.delete_tree(OsStr::new("deep")).unwrap();
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
        assert_eq!(dir.delete_tree(OsStr::new("gone")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn no_link_is_followed_and_no_way_leads_out() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "x").unwrap();
        let inside = temp.path().join("inside");
        fs::create_dir(&inside).unwrap();
        symlink(&outside, inside.join("folder")).unwrap();
        symlink(outside.join("secret"), inside.join("file")).unwrap();
        let dir = Dir::open_child(&inside).unwrap();
        assert!(dir.child(OsStr::new("folder")).is_err());
        assert_eq!(dir.read(OsStr::new("file"), 10).unwrap(), None);
        assert!(dir.create_new("file").is_err());
        for way in ["..", "../outside", "folder/secret", ""] {
            assert!(dir.read(OsStr::new(way), 10).is_err(), "{way}");
        }
        let (entries, beyond) = dir.entries(2).unwrap();
        assert_eq!(entries.iter().map(|entry| (entry.bytes, entry.is_folder)).collect::<Vec<_>>(), [(None, false); 2]);
        assert_eq!((beyond, dir.entries(1).unwrap().1), (0, 1));
    }
}
