//! The bytes of documents, read once, in pieces, and held in memory only where they have to be: not more of them at
//! once than there is room for, however many are read.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::pdf;
use crate::core::letter::Digest256;

/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;
/// Files of up to so many bytes are held without asking: a letter is seldom larger, and a pass reads few at once.
const SMALL: u64 = 4 << 20;
/// Bytes of larger files that are held at once, by all that is being read. The largest document fits.
static ROOM: Room = Room::new(400 << 20);

/// What a file holds.
pub(super) struct Bytes {
    pub(super) digest: Digest256,
    pub(super) length: u64,
    /// Of what may be a PDF.
    pub(super) held: Option<Vec<u8>>,
    /// For as long as they, or what was made of them, are in memory.
    pub(super) _room: Option<Taken<'static>>,
}

/// Reads at most `bytes_max` of a file. They are held if `hold` asks for it and they begin as a PDF does.
pub(super) fn read(mut file: File, bytes_max: u64, hold: bool) -> io::Result<Bytes> {
    let expected = file.metadata()?.len().min(bytes_max);
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE.min(usize::try_from(expected).unwrap_or(PIECE).max(1 << 10))];
    let (mut length, mut held, mut room) = (0, None, None);
    loop {
        let wanted = piece.len().min(usize::try_from(bytes_max - length).unwrap_or(PIECE));
        let count = match file.read(&mut piece[..wanted]) {
            Ok(0) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let piece = &piece[..count];
        if length == 0 && hold && pdf::may_be(piece) {
            room = (expected > SMALL).then(|| ROOM.take(expected));
            held = Some(Vec::with_capacity(usize::try_from(expected).unwrap_or_default()));
        }
        digest.update(piece);
        length += count as u64;
        if let Some(held) = &mut held {
            held.extend_from_slice(piece);
        }
    }
    Ok(Bytes { digest: digest.finalize().into(), length, held, _room: room })
}

/// Bytes that may be taken, and are waited for.
struct Room {
    free: Mutex<u64>,
    freed: Condvar,
    whole: u64,
}

/// Given back when it is dropped.
pub(super) struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Room {
    const fn new(bytes: u64) -> Self {
        Self { free: Mutex::new(bytes), freed: Condvar::new(), whole: bytes }
    }

    /// Waits until there is so much room, or all of it.
    fn take(&self, bytes: u64) -> Taken<'_> {
        let bytes = bytes.min(self.whole);
        let mut free = self.free();
        while *free < bytes {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Taken { room: self, bytes }
    }

    /// A number has no state that a panic could leave half-made.
    fn free(&self) -> MutexGuard<'_, u64> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.room.free() += self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_is_held_than_there_is_room_for() {
        static SMALL_ROOM: Room = Room::new(100);
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (held, most) = (&held, &most);
                scope.spawn(move || {
                    for round in 0..50 {
                        // More than everything is everything.
                        let bytes = [30, 60, 100, 400][(thread + round) % 4];
                        let taken = SMALL_ROOM.take(bytes);
                        let now = held.fetch_add(bytes.min(100), Ordering::SeqCst) + bytes.min(100);
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        held.fetch_sub(bytes.min(100), Ordering::SeqCst);
                        drop(taken);
                    }
                });
            }
        });
        assert!((60..=100).contains(&most.load(Ordering::SeqCst)), "{most:?}");
        assert_eq!(*SMALL_ROOM.free(), 100);
    }

    #[test]
    fn only_what_may_be_a_pdf_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let read = |bytes: &[u8], max, hold| {
            std::fs::write(folder.path().join("x"), bytes).unwrap();
            read(File::open(folder.path().join("x")).unwrap(), max, hold).unwrap()
        };
        let mut large = vec![b'x'; 3 * PIECE + 17];
        large[500..505].copy_from_slice(b"%PDF-");
        for (bytes, hold, held) in [
            (&b""[..], true, false),
            (b"no", true, false),
            (b"%PDF-", true, true),
            (&large, true, true),
            (&large, false, false),
        ] {
            let found = read(bytes, 1 << 30, hold);
            assert_eq!(found.digest, <[u8; 32]>::from(Sha256::digest(bytes)));
            assert_eq!(found.length, bytes.len() as u64);
            assert_eq!(found.held.as_deref(), held.then_some(bytes));
        }
        assert_eq!(read(&large, 1000, true).held.unwrap().len(), 1000);
    }
}
