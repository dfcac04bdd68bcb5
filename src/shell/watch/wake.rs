//! What wakes the watch: a change in the inbox, a signal, or time.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Instant, SystemTime};

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::shell::root::Root;

/// Folders listened to at once. Beyond it, the scan comes in its own time.
pub const LISTENED_MAX: usize = 1_024;

pub struct Waker {
    /// One place: any number of calls are one.
    calls: Receiver<()>,
    caller: SyncSender<()>,
    stop: Arc<AtomicBool>,
    watcher: Option<RecommendedWatcher>,
    listened: HashMap<PathBuf, Identity>,
}

/// Device, inode and time of making: a folder by the same name may be another.
type Identity = (u64, u64, Option<SystemTime>);

impl Waker {
    /// From here on SIGTERM and SIGINT ask for an orderly end; the second one does not ask.
    pub fn start() -> anyhow::Result<Self> {
        let (caller, calls) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let (flag, call) = (Arc::clone(&stop), caller.clone());
        thread::spawn(move || {
            for signal in signals.forever() {
                if flag.swap(true, Ordering::SeqCst) {
                    std::process::exit(128 + signal);
                }
                // A full channel means that the call was heard already.
                let _ = call.try_send(());
            }
        });
        Ok(Self { calls, caller, stop, watcher: None, listened: HashMap::new() })
    }

    pub fn listen(&mut self) -> notify::Result<()> {
        let caller = self.caller.clone();
        let heard = move |event: notify::Result<Event>| {
            // Our own reading is an access too: it must not wake us.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_)) && !event.need_rescan()) {
                let _ = caller.try_send(());
            }
        };
        self.watcher = Some(RecommendedWatcher::new(heard, Config::default().with_follow_symlinks(false))?);
        Ok(())
    }

    /// Listens to the inbox and to these folders in it, and to nothing else. A folder that cannot be listened to is
    /// left to the scan. One that was not listened to before may have changed since it was looked at: that is a call.
    pub fn attend(&mut self, root: &Root, folders: impl Iterator<Item = PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: HashSet<PathBuf> = std::iter::once(root.inbox()).chain(folders).take(LISTENED_MAX).collect();
        let is_other = |path: &PathBuf, listened: &mut Identity| identity(path) != Some(*listened);
        for (gone, _) in self.listened.extract_if(|path, was| !wanted.contains(path) || is_other(path, was)) {
            let _ = watcher.unwatch(&gone);
        }
        for path in wanted {
            // Taken before: a folder that comes in between is another, and is seen to be the next time.
            let Some(identity) = identity(&path) else { continue };
            if !self.listened.contains_key(&path) && listen_to(watcher, &path) {
                self.listened.insert(path, identity);
                let _ = self.caller.try_send(());
            }
        }
    }

    /// Forgets what was listened to: it may no longer be what stands there.
    pub fn deafen(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            for (path, _) in self.listened.drain() {
                let _ = watcher.unwatch(&path);
            }
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Sleeps until `latest`, or until something has happened and `earliest` has come; says whether something has.
    pub fn wait(&self, earliest: Instant, latest: Instant) -> bool {
        let called = match self.calls.recv_timeout(latest.saturating_duration_since(Instant::now())) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        };
        while !self.is_stopping() {
            let left = earliest.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // Further calls belong to the same burst; a signal is among them.
            let _ = self.calls.recv_timeout(left);
        }
        called
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let folder = fs::metadata(path).ok()?;
    Some((folder.dev(), folder.ino(), folder.created().ok()))
}

fn listen_to(watcher: &mut RecommendedWatcher, path: &Path) -> bool {
    watcher.watch(path, RecursiveMode::NonRecursive).is_ok()
}
