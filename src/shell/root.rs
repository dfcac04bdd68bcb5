//! The root folder: where everything lies, whether it is fit to work in, and the lock that lets one pass work at a
//! time.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::dir::Dir;
use super::fault;
use super::mounts::Mounts;
use crate::core::route::Channel;

/// Stands in `inbox/` where `init` was run: an inbox without it is not the one that was made.
const MARKER: &str = ".postgang";
const MARKER_TEXT: &str =
    "Denne filen viser at innboksen er på plass. Blir den borte, regner postgang med at området ikke er montert.\r\n";
/// In `.postgang/`: `init` was run here.
const INITIALISED: &str = "initialised";

/// How long a second process waits for the first.
const LOCK_WAIT: Duration = Duration::from_secs(30);
const LOCK_POLL: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub struct Root {
    dir: PathBuf,
    ledger: PathBuf,
}

/// Why nothing can be done in this root. The texts are for operators.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error(
        "{0}: mappen finnes ikke, eller er ikke tilgjengelig. Ingen brev er rørt. Prøv: kontroller --root, og at området er montert."
    )]
    Missing(PathBuf),
    #[error(
        "{0}: her er verken inbox/, registry/ eller .postgang/. Ingenting er startet. Prøv: kontroller --root, eller gjør mappen klar med postgang init."
    )]
    NoRoot(PathBuf),
    #[error(
        "{0}: innboksen mangler merket som postgang init laget. Området er trolig ikke montert. Ingen brev er rørt. Prøv: monter området; er innboksen virkelig ny, kjør postgang init."
    )]
    Unmounted(PathBuf),
    #[error(
        "{0}: mappen kan ikke leses ({cause}). Ingen brev er rørt. Prøv: {remedy}.",
        cause = fault::cause(.1),
        remedy = fault::remedy(.1)
    )]
    Closed(PathBuf, std::io::Error),
    #[error("{0} ligger inne i {1}. Ingen brev er rørt. Prøv: legg inbox/ og outbox/ ved siden av hverandre.")]
    Nested(PathBuf, PathBuf),
    #[error(
        "{0} ligger på et annet filsystem eller monteringspunkt enn {1}, og da kan ikke brev flyttes udelt. Ingen brev er rørt. Prøv: legg begge på samme filsystem, og monter hele roten, ikke mappene hver for seg."
    )]
    OtherFileSystem(PathBuf, PathBuf),
    #[error(
        "{0} er en lenke eller noe annet enn en mappe. Ingen brev er rørt. Prøv: legg mappen selv der, på samme filsystem som inbox/."
    )]
    NotAFolder(PathBuf),
    #[error(
        "{0} ligger på et nettverksområde ({1}), der løftene om varig lagring er svakere. Ingen brev er rørt. Prøv: kjør på maskinen som har disken, eller godta svakere løfter med --network-root."
    )]
    Network(PathBuf, &'static str),
    #[error("en annen postgang-kjøring holder låsen {0}. Ingen brev er rørt. Prøv: vent til den er ferdig.")]
    Locked(PathBuf),
    #[error("{}. Prøv: {}.", fault::chain(.0), fault::chain_remedy(.0))]
    Io(#[from] anyhow::Error),
}

/// Held for as long as a pass lasts; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "holding it is its use")] File);

impl Root {
    pub fn new(dir: impl Into<PathBuf>, ledger: Option<PathBuf>) -> Self {
        let dir = dir.into();
        let ledger = ledger.unwrap_or_else(|| dir.join(".postgang/ledger.sqlite"));
        Self { dir, ledger }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn inbox(&self) -> PathBuf {
        self.dir.join("inbox")
    }

    pub fn outbox(&self) -> PathBuf {
        self.dir.join("outbox")
    }

    pub fn channel(&self, channel: Channel) -> PathBuf {
        self.outbox().join(channel.as_str())
    }

    pub fn registry(&self) -> PathBuf {
        self.dir.join("registry")
    }

    pub fn senders(&self) -> PathBuf {
        self.registry().join("avsendere.yaml")
    }

    pub fn work(&self) -> PathBuf {
        self.state().join("work")
    }

    /// `outbox/arkiv/`: letters that are finished.
    pub fn archive(&self) -> PathBuf {
        self.outbox().join("arkiv")
    }

    pub fn receipts(&self) -> PathBuf {
        self.registry().join("kvitteringer")
    }

    /// Print batches that are being made.
    pub fn batches(&self) -> PathBuf {
        self.state().join("batch")
    }

    /// What is being deleted.
    pub fn trash(&self) -> PathBuf {
        self.state().join("slettes")
    }

    /// What snapshots say, ready for look-ups.
    pub fn tables(&self) -> PathBuf {
        self.state().join("snapshots")
    }

    pub fn ledger(&self) -> &Path {
        &self.ledger
    }

    /// `.postgang/`: what is ours alone.
    pub fn state(&self) -> PathBuf {
        self.dir.join(".postgang")
    }

    /// Makes what is ours where it is missing and checks that letters can be moved whole.
    ///
    /// `inbox/` is not made: where it is missing, a share is not mounted, and that must not look like a day without
    /// mail.
    pub fn prepare(&self, network_root: bool) -> Result<(), RootError> {
        self.check_mounted()?;
        if let Some(kind) = network_file_system(&self.dir).filter(|_| !network_root) {
            return Err(RootError::Network(self.dir.clone(), kind));
        }
        // Claimed letters are nobody else's business.
        let private = |dir: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        private(&self.state()).with_context(|| format!("kan ikke lage {}", self.state().display()))?;
        let outbox = self.outbox();
        fs::create_dir_all(&outbox).with_context(|| format!("kan ikke lage {}", outbox.display()))?;
        self.check_nesting()?;
        self.check_file_system()
    }

    /// Whether this is the inbox it was, and not the empty folder behind a share that is not mounted.
    pub fn check_mounted(&self) -> Result<(), RootError> {
        for dir in [&self.dir, &self.inbox()] {
            if !dir.is_dir() {
                return Err(RootError::Missing(dir.clone()));
            }
        }
        let marker = self.inbox().join(MARKER).try_exists();
        let marker = marker.map_err(|error| RootError::Closed(self.inbox(), error))?;
        let initialised = self.state().join(INITIALISED).try_exists();
        if initialised.map_err(|error| RootError::Closed(self.state(), error))? && !marker {
            return Err(RootError::Unmounted(self.inbox()));
        }
        Ok(())
    }

    pub fn has_marker(&self) -> bool {
        self.inbox().join(MARKER).exists()
    }

    /// Makes the folders and the inbox's marker. What is there already stays as it is.
    pub fn init(&self, network_root: bool) -> Result<(), RootError> {
        let make = |dir: &Path| fs::create_dir_all(dir).with_context(|| format!("kan ikke lage {}", dir.display()));
        make(&self.inbox())?;
        make(&self.registry().join("kvitteringer"))?;
        let write = |path: PathBuf, text: &str| {
            if path.exists() {
                return Ok(());
            }
            fs::write(&path, text).with_context(|| format!("kan ikke skrive {}", path.display()))
        };
        write(self.inbox().join(MARKER), MARKER_TEXT)?;
        self.prepare(network_root)?;
        Ok(write(self.state().join(INITIALISED), "")?)
    }

    fn check_nesting(&self) -> Result<(), RootError> {
        let real = |dir: PathBuf| dir.canonicalize().with_context(|| format!("kan ikke lese {}", dir.display()));
        let (inbox, outbox) = (real(self.inbox())?, real(self.outbox())?);
        if outbox.starts_with(&inbox) || inbox.starts_with(&outbox) {
            return Err(RootError::Nested(outbox, inbox));
        }
        Ok(())
    }

    /// Letters move by renames between these folders, and one sync makes all of it durable. Both hold within one mount
    /// of one file system, and not through links.
    fn check_file_system(&self) -> Result<(), RootError> {
        let open = |path: PathBuf| Dir::open(&path).map_err(|error| RootError::Closed(path, error));
        let (inbox, outbox, state) = (open(self.inbox())?, open(self.outbox())?, open(self.state())?);
        let home = mount(&inbox, &self.inbox())?;
        for (dir, path) in [(&outbox, self.outbox()), (&state, self.state())] {
            if mount(dir, &path)? != home {
                return Err(RootError::OtherFileSystem(path, self.inbox()));
            }
        }
        let made = Channel::ALL.map(|channel| (&outbox, self.channel(channel), true));
        let ours = [(self.work(), true), (self.batches(), false), (self.trash(), false)];
        let ours = ours.map(|(path, made)| (&state, path, made));
        for (base, path, made) in made.into_iter().chain(ours).chain([(&outbox, self.archive(), false)]) {
            let name = path.file_name().expect("each has a name");
            if made {
                base.make(name).with_context(|| format!("kan ikke lage {}", path.display()))?;
            }
            match base.child(name) {
                Ok(dir) if mount(&dir, &path)? == home => {}
                Err(error) if error.kind() == ErrorKind::NotFound && !made => {}
                Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(RootError::NotAFolder(path)),
                Ok(_) => return Err(RootError::OtherFileSystem(path, self.inbox())),
                Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                    return Err(RootError::OtherFileSystem(path, self.inbox()));
                }
                Err(error) => return Err(RootError::Closed(path, error)),
            }
        }
        Ok(())
    }

    /// Folders below `outbox/` and `.postgang/` in which something is mounted: letters in them are left alone.
    pub fn mounted_inside(&self) -> Vec<PathBuf> {
        let below = |dir: PathBuf| {
            let mounts = Mounts::below(&dir);
            mounts.ways().map(|way| dir.join(way)).collect::<Vec<_>>()
        };
        [self.outbox(), self.state()].into_iter().flat_map(below).collect()
    }

    /// Takes the lock, waiting a while for another pass to end.
    pub fn lock(&self) -> Result<Lock, RootError> {
        self.lock_while(&|| true)
    }

    /// Waits no longer than `go_on` says yes.
    pub fn lock_while(&self, go_on: &dyn Fn() -> bool) -> Result<Lock, RootError> {
        let path = self.state().join("lock");
        let open = || File::options().create(true).truncate(false).write(true).open(&path);
        let file = open().with_context(|| format!("kan ikke åpne {}", path.display()))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_WAIT && go_on() => {
                    std::thread::sleep(LOCK_POLL)
                }
                Err(TryLockError::WouldBlock) => return Err(RootError::Locked(path)),
                Err(TryLockError::Error(error)) => {
                    return Err(anyhow::Error::new(error).context(format!("kan ikke låse {}", path.display())).into());
                }
            }
        }
    }
}

/// What a rename cannot leave: the device, and the mount, since one folder of a disk may be mounted in another place.
fn mount(dir: &Dir, path: &Path) -> Result<(u32, u32, u64), RootError> {
    dir.mount().map_err(|error| RootError::Closed(path.to_owned(), error))
}

/// The file systems whose changes other machines make, by the magic number that `statfs` gives.
pub fn network_file_system(dir: &Path) -> Option<&'static str> {
    match rustix::fs::statfs(dir).ok()?.f_type as u32 {
        0x6969 => Some("NFS"),
        0x517b => Some("SMB"),
        0xff53_4d42 => Some("CIFS"),
        0xfe53_4d42 => Some("SMB2"),
        0x6573_5546 => Some("FUSE"),
        0x0102_1997 => Some("9p"),
        0x00c3_6400 => Some("Ceph"),
        0x5346_414f => Some("AFS"),
        _ => None,
    }
}
