//! Filters of streams (ISO 32000-1, 7.4), undone within the budget and without guessing: what is damaged is told.

use flate2::{Decompress, FlushDecompress, Status};
use lopdf::{Dictionary, Object, Stream};

use crate::shell::pdf::budget::Budget;

/// Filters on one stream; real ones have one or two.
const FILTERS_MAX: usize = 8;
/// Bytes that are unpacked before the budget is asked again.
const STEP: usize = 64 << 10;
/// What a byte costs to unpack.
const BYTE_WORK: usize = 3;

/// The names of the filters that hold pictures; with the others, all that a page may use.
const PICTURES: [&[u8]; 6] = [b"DCTDecode", b"DCT", b"JPXDecode", b"JBIG2Decode", b"CCITTFaxDecode", b"CCF"];

/// A stream's filters in the order in which they are undone, with their parameters.
pub(in crate::shell::pdf) type Filters = Vec<(Vec<u8>, Option<Dictionary>)>;

/// The filters that a stream's dictionary names; `resolve` follows references. `None` where they cannot be told.
pub(in crate::shell::pdf) fn filters(
    dictionary: &Dictionary,
    mut resolve: impl FnMut(&Object) -> Option<Object>,
) -> Option<Filters> {
    let mut list = |long: &[u8], short: &[u8]| -> Option<Vec<Object>> {
        let Ok(value) = dictionary.get(long).or_else(|_| dictionary.get(short)) else { return Some(Vec::new()) };
        match resolve(value)? {
            Object::Null => Some(Vec::new()),
            Object::Array(items) if items.len() > FILTERS_MAX => None,
            Object::Array(items) => items.iter().map(&mut resolve).collect(),
            single => Some(vec![single]),
        }
    };
    let names = list(b"Filter", b"F")?;
    let mut parameters = list(b"DecodeParms", b"DP").unwrap_or_default().into_iter();
    let mut filter = |name: Object| {
        let Object::Name(name) = name else { return None };
        let mut own = parameters.next().and_then(|object| match object {
            Object::Dictionary(own) => Some(own),
            _ => None,
        });
        for (_, value) in own.iter_mut().flat_map(Dictionary::iter_mut) {
            *value = resolve(value)?;
        }
        Some((name, own))
    };
    names.into_iter().map(&mut filter).collect()
}

/// Whether all of these are filters of ISO 32000-1. What another program makes of others is anybody's guess.
pub(in crate::shell::pdf) fn are_known(filters: &Filters) -> bool {
    filters.iter().all(|(name, _)| long(name).is_some() || PICTURES.contains(&name.as_slice()))
}

/// The full name of a filter whose bytes are text or values; streams in a page's content may use the short ones, and
/// readers take them everywhere.
fn long(name: &[u8]) -> Option<&'static str> {
    Some(match name {
        b"FlateDecode" | b"Fl" => "FlateDecode",
        b"LZWDecode" | b"LZW" => "LZWDecode",
        b"ASCII85Decode" | b"A85" => "ASCII85Decode",
        b"ASCIIHexDecode" | b"AHx" => "ASCIIHexDecode",
        b"RunLengthDecode" | b"RL" => "RunLengthDecode",
        _ => return None,
    })
}

/// The bytes without their filters, at most `max` of them at any stage; `None` for what is damaged, too large, unknown
/// or a picture.
pub(in crate::shell::pdf) fn unpacked(raw: &[u8], filters: &Filters, max: usize, budget: &Budget) -> Option<Vec<u8>> {
    let mut bytes: Option<Vec<u8>> = None;
    for (name, parameters) in filters {
        let input = bytes.as_deref().unwrap_or(raw);
        budget.work(input.len())?;
        let output = match long(name)? {
            "FlateDecode" => predicted(inflated(input, max, budget)?, parameters.as_ref(), budget)?,
            other => unpacked_by_library(input, other, parameters.as_ref(), max)?,
        };
        budget.work(BYTE_WORK * output.len())?;
        bytes = Some(output);
    }
    match bytes {
        Some(bytes) => Some(bytes),
        None => (raw.len() <= max).then(|| raw.to_vec()),
    }
}

/// Readers do not look at the checksum, and some writers leave it out; but data that breaks off is damaged.
fn inflated(input: &[u8], max: usize, budget: &Budget) -> Option<Vec<u8>> {
    let [method, flags, data @ ..] = input else { return input.is_empty().then(Vec::new) };
    let checked = u16::from_be_bytes([*method, *flags]).is_multiple_of(31);
    if method & 0x0f != 8 || flags & 0x20 != 0 || !checked {
        return None;
    }
    let mut inflate = Decompress::new(false);
    let mut output = Vec::with_capacity((4 * input.len()).min(max).min(STEP));
    loop {
        let rest = &data[usize::try_from(inflate.total_in()).ok()?..];
        let before = output.len();
        if output.capacity() - before < STEP / 2 {
            output.reserve(before.max(STEP));
        }
        let status = inflate.decompress_vec(rest, &mut output, FlushDecompress::None).ok()?;
        budget.work(BYTE_WORK * (output.len() - before))?;
        if output.len() > max {
            return None;
        }
        match status {
            Status::StreamEnd => return Some(output),
            _ if rest.is_empty() && output.len() == before => return ends_with_a_block(inflate).then_some(output),
            _ => {}
        }
    }
}

/// Some writers flush instead of ending: then an empty last block ends what they wrote.
fn ends_with_a_block(mut inflate: Decompress) -> bool {
    let mut nothing = Vec::with_capacity(16);
    let ended = inflate.decompress_vec(&[3, 0], &mut nothing, FlushDecompress::Finish);
    nothing.is_empty() && matches!(ended, Ok(Status::StreamEnd))
}

/// Undoes a predictor (ISO 32000-1, 7.4.4.4).
fn predicted(data: Vec<u8>, parameters: Option<&Dictionary>, budget: &Budget) -> Option<Vec<u8>> {
    let number = |key: &[u8], default: usize| {
        let value = parameters.and_then(|parameters| parameters.get(key).and_then(Object::as_i64).ok());
        value.and_then(|value| usize::try_from(value).ok()).filter(|value| *value > 0).unwrap_or(default)
    };
    let predictor = number(b"Predictor", 1);
    let bits = number(b"Colors", 1).checked_mul(number(b"BitsPerComponent", 8))?;
    let row = bits.checked_mul(number(b"Columns", 1))?.div_ceil(8);
    let pixel = bits.div_ceil(8);
    budget.work(2 * data.len())?;
    match predictor {
        1 => Some(data),
        2 if number(b"BitsPerComponent", 8) == 8 => {
            let mut data = data;
            for row in data.chunks_mut(row) {
                for at in pixel..row.len() {
                    row[at] = row[at].wrapping_add(row[at - pixel]);
                }
            }
            Some(data)
        }
        10..=15 => undo_png(&data, row, pixel),
        _ => None,
    }
}

/// Each row begins with the number of its filter (PNG specification, chapter 9).
fn undo_png(data: &[u8], row: usize, pixel: usize) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(data.len());
    for line in data.chunks(row.checked_add(1)?) {
        let (kind, line) = line.split_first()?;
        let start = output.len();
        for (index, byte) in line.iter().enumerate() {
            let left = if index < pixel { 0 } else { output[start + index - pixel] };
            let above = |index: usize| if start < row { 0 } else { output[start - row + index] };
            let up = above(index);
            let corner = if index < pixel { 0 } else { above(index - pixel) };
            let expected = match kind {
                0 => 0,
                1 => left,
                2 => up,
                3 => u16::midpoint(left.into(), up.into()).to_le_bytes()[0],
                4 => paeth(left, up, corner),
                _ => return None,
            };
            output.push(byte.wrapping_add(expected));
        }
    }
    Some(output)
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |byte: u8| (estimate - i16::from(byte)).abs();
    [left, up, corner].into_iter().min_by_key(|byte| distance(*byte)).unwrap_or(left)
}

fn unpacked_by_library(raw: &[u8], filter: &str, parameters: Option<&Dictionary>, max: usize) -> Option<Vec<u8>> {
    let mut dictionary = Dictionary::new();
    dictionary.set("Filter", filter);
    if let Some(parameters) = parameters {
        dictionary.set("DecodeParms", parameters.clone());
    }
    Stream::new(dictionary, raw.to_vec()).get_plain_content_with_limit(max).ok()
}
