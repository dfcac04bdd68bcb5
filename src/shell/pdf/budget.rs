//! What one document may cost: work, memory and printed bytes, each in proportion to what it brings.
//!
//! Everything that a document can make us do spends from here, from the first byte that is looked at to the last glyph.
//! What is spent does not depend on the machine or its load, so a document that passes at intake passes at night.

use std::cell::Cell;

/// Work that any document may cost; a unit is about a nanosecond of a processor of today, and much more in the slow
/// build of the tests.
const WORK_BASE: u64 = if cfg!(test) { 100_000_000 } else { 2_000_000_000 };
/// Work for each byte that it brings besides.
const WORK_PER_BYTE: u64 = if cfg!(test) { 2 } else { 8 };
/// Bytes that what is read of a document may take in memory, besides the file itself; a parsed value takes up to fifty
/// times the memory of its spelling. A document of 10,000 pages takes 30 MB.
const MEMORY_MAX: u64 = 112 << 20;
/// Bytes that one stream of a small document may unpack to; the larger the file, the less room there is beside it.
const STREAM_MAX: usize = 64 << 20;

/// What is left for one document. Spending answers `None` once there is not enough, and from then on.
pub(crate) struct Budget {
    work: Cell<u64>,
    memory: Cell<u64>,
    stream_max: usize,
}

impl Budget {
    /// For a document of so many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self {
            work: Cell::new(WORK_BASE + WORK_PER_BYTE * bytes as u64),
            memory: Cell::new(MEMORY_MAX),
            stream_max: STREAM_MAX.saturating_sub(bytes / 8).max(STREAM_MAX / 4),
        }
    }

    pub(crate) fn work(&self, units: usize) -> Option<()> {
        spend(&self.work, units as u64)
    }

    #[cfg(test)]
    pub(crate) fn work_left(&self) -> u64 {
        self.work.get()
    }

    /// For what is kept for as long as the document is.
    pub(crate) fn memory(&self, bytes: usize) -> Option<()> {
        spend(&self.memory, bytes as u64)
    }

    /// Back to what was left, where what was read since is not kept; but what was denied stays denied.
    pub(crate) fn reclaim(&self, left: usize) {
        if self.memory.get() > 0 {
            self.memory.set(left as u64);
        }
    }

    /// Bytes that one stream of a page may unpack to, since they are in memory together with the file.
    pub(crate) fn stream_max(&self) -> usize {
        self.stream_max
    }

    pub(crate) fn memory_left(&self) -> usize {
        usize::try_from(self.memory.get()).unwrap_or(usize::MAX)
    }

    /// Whether something has been denied.
    pub(crate) fn is_spent(&self) -> bool {
        self.work.get() == 0 || self.memory.get() == 0
    }
}

/// What was denied once stays denied: a reader that goes on regardless must not find room again.
fn spend(left: &Cell<u64>, units: u64) -> Option<()> {
    let rest = left.get().checked_sub(units).filter(|rest| *rest > 0);
    left.set(rest.unwrap_or(0));
    rest.map(|_| ())
}
