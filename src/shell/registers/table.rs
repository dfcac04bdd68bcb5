//! A snapshot made ready for look-ups: a file that is opened in far less than a millisecond and answers from one page.
//!
//! ```text
//! pages       entries in the order of their keys: key, what the row says; about 4 KiB each
//! directory   for each page its first key, its length and its CRC-32
//! facts       JSON: of which snapshot it was made, and what that says of itself
//! footer      layout, lengths, how the snapshot's file looked, CRC-32 of the directory and facts and of the footer
//! ```
//!
//! Every byte that is believed is under a checksum that was made for it: a table that was damaged, cut or put together
//! from others is none. That is against accidents; whoever may write in `.postgang/` needs no such art.
//!
//! It is read with `pread`, not mapped: a mapped file that somebody cuts kills the process that looks into it.
//!
//! Keys are identity numbers multiplied by an odd constant, which spreads them evenly. That hides nobody: there are so
//! few numbers that a hash with a known key is undone by trying them all. What protects them is that the file is as
//! private as the ledger, and gone when its snapshot is.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::bytes::{Taker, put_number};
use super::findings::Findings;
use super::gather::Says;
use super::look::Look;
use crate::core::identity::RecipientId;
use crate::core::snapshot::SnapshotName;
use crate::shell::dir::temporary_in;

/// Raised when anything in the file, or what [`super::register::Register::pack`] makes of a row, changes.
const LAYOUT: u32 = 1;
const MAGIC: [u8; 8] = *b"postgang";
const FOOTER_BYTES: usize = 8 + 4 + 4 + 4 + 4 + 7 * 8 + 1 + 4;
const PAGE_BYTES: usize = 4096;
/// Facts hold a thousand doubts and twenty notes at most.
const FACTS_BYTES_MAX: usize = 1024 * 1024;

/// Parts that a table is sorted in, one after the other, so that a nation needs no more memory than its thirtieth.
const PARTS: usize = 32;
/// Bytes of a part that are collected before they are put aside.
const PART_BYTES: usize = 64 * 1024;

/// How an entry's bytes are meant: a row's facts, the same where several rows disagree, why a row cannot be
/// understood, and a line that is no row.
const FACTS: usize = 0;
const FACTS_AT_LINE: usize = 1;
const UNCLEAR: usize = 2;
const BROKEN: usize = 3;

/// Of which snapshot the table was made.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub navn: SnapshotName,
    /// Hex, of the file as it lies.
    pub sha256: String,
    pub findings: Findings,
}

/// How the snapshot's file looked when the table was made or last found to be of it, and whether that proves anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub look: Look,
    pub sure: bool,
}

/// The bytes are not those of a table.
#[derive(Debug)]
pub struct Damaged;

fn key(id: RecipientId) -> u64 {
    // The golden ratio's bits, as Fibonacci hashing has them.
    id.number().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Takes rows in the order of their lines and makes a table of them.
pub struct Writer<'a> {
    dir: &'a Path,
    parts: Vec<Part>,
    /// Where parts are put aside that are too large to keep.
    aside: Option<File>,
    aside_bytes: u64,
    /// The first thing that went wrong.
    error: Option<io::Error>,
}

#[derive(Default)]
struct Part {
    bytes: Vec<u8>,
    /// Offset and length of what was put aside.
    aside: Vec<(u64, usize)>,
}

impl<'a> Writer<'a> {
    pub fn new(dir: &'a Path) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Self { dir, parts, aside: None, aside_bytes: 0, error: None }
    }

    pub fn push(&mut self, id: RecipientId, line: u64, says: &Says<'_>) {
        let key = key(id);
        let part = &mut self.parts[(key >> 59) as usize];
        let (kind, bytes): (usize, &[u8]) = match says {
            Says::Facts(packed) => (FACTS, packed),
            Says::Unclear(why) => (UNCLEAR, why.as_bytes()),
            Says::Broken => (BROKEN, &[]),
        };
        part.bytes.extend_from_slice(&key.to_le_bytes());
        // No file has so many lines; the number is for people.
        part.bytes.extend_from_slice(&u32::try_from(line).unwrap_or(u32::MAX).to_le_bytes());
        put_number(&mut part.bytes, bytes.len() << 2 | kind);
        part.bytes.extend_from_slice(bytes);
        if part.bytes.len() >= PART_BYTES
            && self.error.is_none()
            && let Err(error) = self.put_aside((key >> 59) as usize)
        {
            self.error = Some(error);
        }
    }

    fn put_aside(&mut self, part: usize) -> io::Result<()> {
        if self.aside.is_none() {
            self.aside = Some(tempfile::tempfile_in(self.dir)?);
        }
        let (Some(file), part) = (&self.aside, &mut self.parts[part]) else { return Ok(()) };
        file.write_all_at(&part.bytes, self.aside_bytes)?;
        part.aside.push((self.aside_bytes, part.bytes.len()));
        self.aside_bytes += part.bytes.len() as u64;
        part.bytes.clear();
        Ok(())
    }

    /// The table, under a temporary name.
    pub fn finish(mut self, facts: &Facts, seen: Seen) -> io::Result<NamedTempFile> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut out = temporary_in(self.dir)?;
        let mut pages =
            Pages { out: BufWriter::with_capacity(PART_BYTES, &mut out), page: Vec::new(), directory: Vec::new() };
        for part in std::mem::take(&mut self.parts) {
            let mut bytes =
                Vec::with_capacity(part.aside.iter().map(|(_, length)| length).sum::<usize>() + part.bytes.len());
            for (offset, length) in part.aside {
                let at = bytes.len();
                bytes.resize(at + length, 0);
                self.aside.as_ref().ok_or(io::ErrorKind::NotFound)?.read_exact_at(&mut bytes[at..], offset)?;
            }
            bytes.extend_from_slice(&part.bytes);
            pages.add_part(&bytes)?;
        }
        pages.finish(facts, seen)?;
        Ok(out)
    }
}

/// A row in a part's bytes.
struct Row<'a> {
    key: u64,
    line: u32,
    kind: usize,
    bytes: &'a [u8],
}

impl<'a> Row<'a> {
    fn take(taker: &mut Taker<'a>) -> Option<Self> {
        let (key, line, tag) = (taker.u64()?, taker.u32()?, taker.number()?);
        Some(Self { key, line, kind: tag & 3, bytes: taker.bytes(tag >> 2)? })
    }
}

struct Pages<W: Write> {
    out: W,
    page: Vec<u8>,
    directory: Vec<u8>,
}

impl<W: Write> Pages<W> {
    fn add_part(&mut self, bytes: &[u8]) -> io::Result<()> {
        let at = |offset: u32| Row::take(&mut Taker(&bytes[offset as usize..]));
        let mut places = Vec::new();
        let mut taker = Taker(bytes);
        while !taker.0.is_empty() {
            let offset = (bytes.len() - taker.0.len()) as u32;
            places.push((Row::take(&mut taker).ok_or(io::ErrorKind::InvalidData)?.key, offset));
        }
        // Of one key, in the order of the lines.
        places.sort_unstable();
        for same in places.chunk_by(|(a, _), (b, _)| a == b) {
            let start = self.page.len();
            if let [(_, offset)] = same {
                self.entry(&at(*offset).ok_or(io::ErrorKind::InvalidData)?, false);
            } else {
                let rows = same.iter().filter_map(|(_, offset)| at(*offset));
                let mut said = HashSet::new();
                // What is said twice says no more, but each row that cannot be understood is told.
                let rows: Vec<Row<'_>> =
                    rows.filter(|row| row.kind == UNCLEAR || said.insert((row.kind, row.bytes))).collect();
                rows.iter().for_each(|row| self.entry(row, rows.len() > 1));
            }
            if start > 0 && self.page.len() > PAGE_BYTES {
                let next = self.page.split_off(start);
                self.end_page()?;
                self.page = next;
            }
        }
        Ok(())
    }

    /// `several`: other rows say other things of the same key.
    fn entry(&mut self, row: &Row<'_>, several: bool) {
        let kind = if row.kind == FACTS && several { FACTS_AT_LINE } else { row.kind };
        self.page.extend_from_slice(&row.key.to_le_bytes());
        put_number(&mut self.page, row.bytes.len() << 2 | kind);
        if matches!(kind, FACTS_AT_LINE | UNCLEAR) {
            self.page.extend_from_slice(&row.line.to_le_bytes());
        }
        self.page.extend_from_slice(row.bytes);
    }

    fn end_page(&mut self) -> io::Result<()> {
        let Some(first) = self.page.first_chunk::<8>() else { return Ok(()) };
        self.directory.extend_from_slice(first);
        self.directory.extend_from_slice(&(self.page.len() as u32).to_le_bytes());
        self.directory.extend_from_slice(&crc32fast::hash(&self.page).to_le_bytes());
        self.out.write_all(&self.page)?;
        self.page.clear();
        Ok(())
    }

    fn finish(mut self, facts: &Facts, seen: Seen) -> io::Result<()> {
        self.end_page()?;
        let facts = serde_json::to_vec(facts)?;
        self.out.write_all(&self.directory)?;
        self.out.write_all(&facts)?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.directory);
        crc.update(&facts);
        let pages = (self.directory.len() / DIRECTORY_BYTES) as u32;
        self.out.write_all(&Footer { pages, facts: facts.len() as u32, crc: crc.finalize(), seen }.bytes())?;
        self.out.flush()
    }
}

const DIRECTORY_BYTES: usize = 16;

struct Footer {
    pages: u32,
    facts: u32,
    /// Of the directory and the facts.
    crc: u32,
    seen: Seen,
}

impl Footer {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER_BYTES);
        out.extend_from_slice(&MAGIC);
        for number in [LAYOUT, self.pages, self.facts, self.crc] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let Look { device, inode, bytes, modified, changed } = self.seen.look;
        let times = [modified.0, modified.1, changed.0, changed.1].map(i64::cast_unsigned);
        for number in [device, inode, bytes].into_iter().chain(times) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.push(u8::from(self.seen.sure));
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk()?;
        let mut body_taker = Taker(body);
        let taker = &mut body_taker;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) || taker.array()? != MAGIC || taker.u32()? != LAYOUT {
            return None;
        }
        let (pages, facts, crc) = (taker.u32()?, taker.u32()?, taker.u32()?);
        let (device, inode, bytes) = (taker.u64()?, taker.u64()?, taker.u64()?);
        let mut time = || Some((taker.u64()?.cast_signed(), taker.u64()?.cast_signed()));
        let (modified, changed) = (time()?, time()?);
        let seen = Seen { look: Look { device, inode, bytes, modified, changed }, sure: taker.u8()? == 1 };
        Some(Self { pages, facts, crc, seen })
    }
}

/// A table, opened.
pub struct Table {
    file: File,
    pages: Vec<Page>,
    footer: Footer,
    pub facts: Facts,
    /// Where the footer begins.
    end: u64,
}

struct Page {
    first: u64,
    offset: u64,
    length: u32,
    crc: u32,
}

impl Table {
    /// `None` where there is no table, or not one that can be believed.
    pub fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let end = file.metadata().ok()?.len().checked_sub(FOOTER_BYTES as u64)?;
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact_at(&mut footer, end).ok()?;
        let footer = Footer::read(&footer)?;
        let (directory, facts) = (footer.pages as usize * DIRECTORY_BYTES, footer.facts as usize);
        let start = end.checked_sub((directory + facts) as u64).filter(|_| facts <= FACTS_BYTES_MAX)?;
        let mut bytes = vec![0; directory + facts];
        file.read_exact_at(&mut bytes, start).ok()?;
        if crc32fast::hash(&bytes) != footer.crc {
            return None;
        }
        let mut offset = 0;
        let mut taker = Taker(&bytes);
        let mut pages = Vec::with_capacity(footer.pages as usize);
        for _ in 0..footer.pages {
            let (first, length, crc) = (taker.u64()?, taker.u32()?, taker.u32()?);
            pages.push(Page { first, offset, length, crc });
            offset += u64::from(length);
        }
        let facts = serde_json::from_slice(taker.0).ok()?;
        (offset == start).then_some(Self { file, pages, footer, facts, end })
    }

    pub fn seen(&self) -> Seen {
        self.footer.seen
    }

    /// Notes how the snapshot's file looks now. A note that a crash cuts short unmakes the table.
    pub fn set_seen(&mut self, path: &Path, seen: Seen) -> io::Result<()> {
        self.footer.seen = seen;
        File::options().write(true).open(path)?.write_all_at(&self.footer.bytes(), self.end)
    }

    /// Hands on what the rows say of each of these.
    pub fn find(
        &self,
        ids: impl Iterator<Item = RecipientId>,
        mut each: impl FnMut(RecipientId, u64, Says<'_>),
    ) -> Result<(), Damaged> {
        let mut wanted: Vec<(u64, RecipientId)> = ids.map(|id| (key(id), id)).collect();
        wanted.sort_unstable();
        let (mut bytes, mut held) = (Vec::new(), None);
        for (key, id) in wanted {
            let Some(page) = self.pages.partition_point(|page| page.first <= key).checked_sub(1) else { continue };
            if held != Some(page) {
                self.read(&self.pages[page], &mut bytes)?;
                held = Some(page);
            }
            for_each_entry(&bytes, |other, line, says| {
                if other == key {
                    each(id, line, says);
                }
            })?;
        }
        Ok(())
    }

    /// Hands on what every row says, in no order.
    pub fn for_each(&self, mut each: impl FnMut(u64, Says<'_>)) -> Result<(), Damaged> {
        let mut bytes = Vec::new();
        for page in &self.pages {
            self.read(page, &mut bytes)?;
            for_each_entry(&bytes, |_, line, says| each(line, says))?;
        }
        Ok(())
    }

    fn read(&self, page: &Page, bytes: &mut Vec<u8>) -> Result<(), Damaged> {
        bytes.resize(page.length as usize, 0);
        self.file.read_exact_at(bytes, page.offset).map_err(|_| Damaged)?;
        if crc32fast::hash(bytes) == page.crc { Ok(()) } else { Err(Damaged) }
    }
}

/// The line is 0 where it was not kept: no other row says anything else of that key.
fn for_each_entry(page: &[u8], mut each: impl FnMut(u64, u64, Says<'_>)) -> Result<(), Damaged> {
    let mut taker = Taker(page);
    while !taker.0.is_empty() {
        let mut next = || {
            let (key, tag) = (taker.u64()?, taker.number()?);
            let kind = tag & 3;
            let line = if matches!(kind, FACTS_AT_LINE | UNCLEAR) { taker.u32()? } else { 0 };
            Some((key, u64::from(line), kind, taker.bytes(tag >> 2)?))
        };
        let (key, line, kind, bytes) = next().ok_or(Damaged)?;
        let says = match kind {
            FACTS | FACTS_AT_LINE => Says::Facts(bytes.into()),
            UNCLEAR => Says::Unclear(str::from_utf8(bytes).map_err(|_| Damaged)?.into()),
            _ => Says::Broken,
        };
        each(key, line, says);
    }
    Ok(())
}
