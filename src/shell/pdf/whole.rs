//! Whether a file is all there, by its two ends.

use memchr::memmem;

/// Readers look for the header in the first 1,024 bytes (ISO 32000-1, annex H.3).
const HEADER_WINDOW: usize = 1024;

/// Where the file's header is.
pub(super) fn header(bytes: &[u8]) -> Option<usize> {
    memmem::find(&bytes[..bytes.len().min(HEADER_WINDOW)], b"%PDF-")
}

/// Where the file's header is, if it has one near the start, and an end mark.
///
/// Objects after the last end mark are an update that was never finished: the file is being written, or was cut. What
/// else follows it, readers pass over.
pub(super) fn start(bytes: &[u8]) -> Option<usize> {
    let start = header(bytes)?;
    let after = &bytes[memmem::rfind(bytes, b"%%EOF").filter(|end| *end > start)? + 5..];
    memmem::find(after, b"obj").is_none().then_some(start)
}
