//! Where the bytes of a stream begin and end (ISO 32000-1, 7.3.8), also where it does not say so itself.

use std::ops::Range;

use memchr::memmem;

use super::syntax::{Parser, is_space};

const END: &[u8] = b"endstream";

/// The bytes of the stream whose dictionary has just been read: as many as it says where they end there, else up to the
/// next `endstream`, as readers do. `None` where nothing ends it. The parser stands behind the end.
pub(super) fn data(parser: &mut Parser<'_>, length: Option<usize>) -> Option<Range<usize>> {
    parser.skip_space()?;
    let bytes = parser.bytes;
    let start = start(bytes, parser.at)?;
    let said = length.and_then(|length| start.checked_add(length)).filter(|end| *end <= bytes.len());
    if let Some(end) = said {
        let spaces = bytes[end..].iter().take_while(|byte| is_space(**byte)).count();
        if [END, b"endobj"].iter().any(|word| bytes[end + spaces..].starts_with(word)) {
            parser.at = end + spaces + if bytes[end + spaces..].starts_with(END) { END.len() } else { 0 };
            return Some(start..end);
        }
    }
    let found = memmem::find(&bytes[start..], END);
    parser.work(found.unwrap_or(bytes.len() - start) / 4)?;
    let end = start + found?;
    parser.at = end + END.len();
    // The end of line before it is not part of the data.
    let line = match &bytes[start..end] {
        [.., b'\r', b'\n'] => 2,
        [.., b'\r' | b'\n'] => 1,
        _ => 0,
    };
    Some(start..end - line)
}

/// Where the data begins: behind the word and the end of its line.
fn start(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?.strip_prefix(b"stream")?;
    let start = bytes.len() - rest.len();
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    Some(match &rest[blanks..] {
        [b'\r', b'\n', ..] => start + blanks + 2,
        [b'\r' | b'\n', ..] => start + blanks + 1,
        // Readers take what follows on the line for part of the word, or for the data, each in its own way.
        _ => return None,
    })
}
