//! Runs a program and harms it at one of its file-changing calls, counted over all its threads.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A program that hangs is stopped after this long, and that is told.
const PATIENCE: Duration = Duration::from_secs(60);

/// What happens to the program at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It is killed, and the call is not made.
    Kill,
    /// The call fails, and all others go through.
    Once(Errno),
    /// That call and all later ones fail.
    FromThenOn(Errno),
}

/// How a traced program ended.
pub struct Ended {
    /// The calls that it began, those that were harmed included.
    pub calls: usize,
    /// The call that was harmed first, and in words what it was about.
    pub harmed: Option<String>,
    /// `None` when a signal ended it.
    pub exit: Option<i32>,
    /// stdout and stderr.
    pub said: String,
    pub hung: bool,
}

/// Runs the command, and harms it at its call number `nth` (from 1). `done` is asked again and again; once it says so,
/// the program is told to stop.
pub fn run(mut command: Command, nth: usize, harm: Harm, done: Option<&(dyn Fn() -> bool + Sync)>) -> Result<Ended> {
    let (mut said, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    // SAFETY: `traceme` is one system call, which may be made between fork and exec.
    unsafe { command.pre_exec(|| Ok(ptrace::traceme()?)) };
    let child = command.spawn().context("the program cannot be started, or not be traced")?;
    drop(command);
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let listener = scope.spawn(move || {
            let mut text = Vec::new();
            said.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned())
        });
        let minder = scope.spawn(|| mind(pid, done, &over));
        let mut trace = Trace { pid, nth, harm, calls: 0, harmed: None, pending: HashMap::new() };
        let exit = trace.follow();
        over.store(true, Ordering::SeqCst);
        let hung = minder.join().expect("it does not panic");
        let said = listener.join().expect("it does not panic")?;
        Ok(Ended { calls: trace.calls, harmed: trace.harmed, exit: exit?, said, hung })
    })
}

/// Tells the program to stop when it is done, and ends it when it hangs; whether it did.
fn mind(pid: Pid, done: Option<&(dyn Fn() -> bool + Sync)>, over: &AtomicBool) -> bool {
    let started = Instant::now();
    let mut told = false;
    while !over.load(Ordering::SeqCst) {
        if !told && done.is_some_and(|done| done()) {
            told = kill(pid, Signal::SIGTERM).is_ok();
        }
        if started.elapsed() > PATIENCE {
            let _ = kill(pid, Signal::SIGKILL);
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

struct Trace {
    pid: Pid,
    nth: usize,
    harm: Harm,
    calls: usize,
    harmed: Option<String>,
    /// Threads in a call that is to fail, and how.
    pending: HashMap<Pid, Errno>,
}

impl Trace {
    /// Until the program has ended; its exit code.
    fn follow(&mut self) -> Result<Option<i32>> {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let WaitStatus::Stopped(_, Signal::SIGTRAP) = waitpid(self.pid, Some(flags))? else {
            bail!("the program did not stop at its start");
        };
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL;
        let children = Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK;
        ptrace::setoptions(self.pid, options | children)?;
        let mut threads = HashMap::from([(self.pid, ())]);
        go_on(self.pid, None);
        loop {
            match waitpid(None, Some(flags))? {
                WaitStatus::Exited(pid, code) if pid == self.pid => return Ok(Some(code)),
                WaitStatus::Signaled(pid, _, _) if pid == self.pid => return Ok(None),
                WaitStatus::PtraceSyscall(thread) => {
                    self.at_call(thread)?;
                    go_on(thread, None);
                }
                // A new thread begins with a stop of its own.
                WaitStatus::Stopped(thread, Signal::SIGSTOP) if threads.insert(thread, ()).is_none() => {
                    go_on(thread, None);
                }
                WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal)),
                WaitStatus::PtraceEvent(thread, ..) => go_on(thread, None),
                _ => {}
            }
        }
    }

    /// A thread is about to make a call, or has made it.
    fn at_call(&mut self, thread: Pid) -> Result<()> {
        let info = match ptrace::syscall_info(thread) {
            // It was killed meanwhile.
            Err(Errno::ESRCH) => return Ok(()),
            other => other?,
        };
        if info.op == libc::PTRACE_SYSCALL_INFO_EXIT {
            if let Some(errno) = self.pending.remove(&thread) {
                registers::answer(thread, errno)?;
            }
            return Ok(());
        }
        // SAFETY: the kernel says which of the union's parts it has filled in.
        let entry = unsafe { info.u.entry };
        let Some(call) = Call::of(thread, entry.nr as i64, &entry.args) else { return Ok(()) };
        let errno = match self.harm {
            Harm::Kill => None,
            Harm::Once(errno) | Harm::FromThenOn(errno) => Some(errno),
        };
        if errno == Some(Errno::ENOSPC) && !call.takes_room {
            return Ok(());
        }
        self.calls += 1;
        let lasting = matches!(self.harm, Harm::FromThenOn(_));
        if self.calls < self.nth || (self.calls > self.nth && !lasting) {
            return Ok(());
        }
        self.harmed.get_or_insert_with(|| call.to_string());
        match errno {
            None => kill(self.pid, Signal::SIGKILL)?,
            Some(errno) => {
                registers::skip_call(thread)?;
                self.pending.insert(thread, errno);
            }
        }
        Ok(())
    }
}

/// One that was killed meanwhile does not go on.
fn go_on(thread: Pid, signal: Option<Signal>) {
    let _ = ptrace::syscall(thread, signal);
}

/// A call that changes a file, a folder, or what is durable of them.
struct Call {
    name: &'static str,
    about: String,
    takes_room: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.about)
    }
}

impl Call {
    fn of(thread: Pid, number: i64, args: &[u64; 6]) -> Option<Self> {
        let (name, what, takes_room) =
            CALLS.iter().find(|(n, ..)| *n == number).map(|(_, name, w, r)| (*name, *w, *r))?;
        let about = match what {
            // A pipe or a terminal is no file; those of this program's files lie below `/`.
            What::Descriptor => {
                let path = descriptor(thread, args[0])?;
                path.starts_with('/').then_some(path)?
            }
            What::Path(at) => text(thread, args[at]),
            What::Open { path, flags } => {
                const CREATES: u64 = (libc::O_CREAT | libc::O_TRUNC) as u64;
                const UNNAMED: u64 = libc::O_TMPFILE as u64;
                let flags = args[flags];
                if flags & CREATES == 0 && flags & UNNAMED != UNNAMED {
                    return None;
                }
                text(thread, args[path])
            }
            What::Nothing => String::new(),
        };
        Some(Self { name, about, takes_room })
    }
}

/// What a call is about, for messages and to tell files from pipes.
#[derive(Clone, Copy)]
enum What {
    /// Its first argument is a descriptor.
    Descriptor,
    /// This argument is a path.
    Path(usize),
    /// It changes something only with some flags.
    Open {
        path: usize,
        flags: usize,
    },
    Nothing,
}

/// Number, name, what it is about, and whether a full disk may make it fail.
const CALLS: &[(i64, &str, What, bool)] = &[
    (libc::SYS_openat, "openat", What::Open { path: 1, flags: 2 }, true),
    (libc::SYS_write, "write", What::Descriptor, true),
    (libc::SYS_pwrite64, "pwrite64", What::Descriptor, true),
    (libc::SYS_writev, "writev", What::Descriptor, true),
    (libc::SYS_pwritev, "pwritev", What::Descriptor, true),
    (libc::SYS_pwritev2, "pwritev2", What::Descriptor, true),
    (libc::SYS_ftruncate, "ftruncate", What::Descriptor, false),
    (libc::SYS_truncate, "truncate", What::Path(0), false),
    (libc::SYS_fallocate, "fallocate", What::Descriptor, true),
    (libc::SYS_fsync, "fsync", What::Descriptor, true),
    (libc::SYS_fdatasync, "fdatasync", What::Descriptor, true),
    (libc::SYS_syncfs, "syncfs", What::Descriptor, true),
    (libc::SYS_sync_file_range, "sync_file_range", What::Descriptor, true),
    (libc::SYS_sync, "sync", What::Nothing, false),
    (libc::SYS_msync, "msync", What::Nothing, false),
    (libc::SYS_renameat, "renameat", What::Path(1), true),
    (libc::SYS_renameat2, "renameat2", What::Path(1), true),
    (libc::SYS_linkat, "linkat", What::Path(1), true),
    (libc::SYS_symlinkat, "symlinkat", What::Path(2), true),
    (libc::SYS_unlinkat, "unlinkat", What::Path(1), false),
    (libc::SYS_mkdirat, "mkdirat", What::Path(1), true),
    (libc::SYS_mknodat, "mknodat", What::Path(1), true),
    (libc::SYS_fchmod, "fchmod", What::Descriptor, false),
    (libc::SYS_fchmodat, "fchmodat", What::Path(1), false),
    (libc::SYS_fchown, "fchown", What::Descriptor, false),
    (libc::SYS_fchownat, "fchownat", What::Path(1), false),
    (libc::SYS_utimensat, "utimensat", What::Path(1), false),
    (libc::SYS_ioctl, "ioctl", What::Descriptor, false),
    (libc::SYS_copy_file_range, "copy_file_range", What::Nothing, true),
    (libc::SYS_sendfile, "sendfile", What::Descriptor, true),
    (libc::SYS_splice, "splice", What::Nothing, true),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, "open", What::Open { path: 0, flags: 1 }, true),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, "creat", What::Path(0), true),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rename, "rename", What::Path(1), true),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_link, "link", What::Path(1), true),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_symlink, "symlink", What::Path(1), true),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_unlink, "unlink", What::Path(0), false),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rmdir, "rmdir", What::Path(0), false),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, "mkdir", What::Path(0), true),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, "chmod", What::Path(0), false),
];

fn descriptor(thread: Pid, fd: u64) -> Option<String> {
    let link = std::fs::read_link(format!("/proc/{thread}/fd/{}", fd as i32)).ok()?;
    Some(link.to_string_lossy().into_owned())
}

/// The text at an address of the program's memory, as far as it can be read.
fn text(thread: Pid, address: u64) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < 512 {
        let at = address + bytes.len() as u64;
        let Ok(word) = ptrace::read(thread, at as ptrace::AddressType) else { break };
        bytes.extend(word.to_ne_bytes());
        if word.to_ne_bytes().contains(&0) {
            break;
        }
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Making a call fail means writing to the thread's registers, which every processor has in its own way.
mod registers {
    use super::*;

    /// The call is not made.
    #[cfg(target_arch = "x86_64")]
    pub fn skip_call(thread: Pid) -> Result<()> {
        let mut registers = ptrace::getregs(thread)?;
        registers.orig_rax = u64::MAX;
        Ok(ptrace::setregs(thread, registers)?)
    }

    /// What the call seems to have answered.
    #[cfg(target_arch = "x86_64")]
    pub fn answer(thread: Pid, errno: Errno) -> Result<()> {
        let mut registers = ptrace::getregs(thread)?;
        registers.rax = (-(errno as i64)) as u64;
        Ok(ptrace::setregs(thread, registers)?)
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub fn skip_call(_: Pid) -> Result<()> {
        bail!("calls can be made to fail on x86-64 only; --kind kill works here")
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub fn answer(_: Pid, _: Errno) -> Result<()> {
        Ok(())
    }
}
