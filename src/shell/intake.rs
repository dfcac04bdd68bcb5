//! Reading drops: what lies in `inbox/`, whether a drop is whole, and what it holds. Reads only; nothing moves here.
//!
//! Trusts nothing: names, kinds, sizes and bytes are a stranger's. Files are opened without following links, in the
//! folder that was listed, and only as far as the letter's limits.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::pdf;
use super::root::Root;
use super::spool::DropName;
use crate::core::code::{Code, Refusal};
use crate::core::forsendelse::{self, Format, METADATA_BYTES_MAX};
use crate::core::identity::{OrgNumber, RecipientId};
use crate::core::judge::{Content, DOCUMENTS_BYTES_MAX, Drop, Found, Read};
use crate::core::letter::{Digest256, Document, Letter};
use crate::core::names;
use crate::core::print::PrintLimits;
use crate::core::senders::Senders;

/// When a drop counts as whole.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Nothing in the drop may have changed for this long; zero turns it off.
    pub settle: Duration,
    /// An incomplete drop is refused after this long.
    pub give_up: Duration,
}

/// What a look at `inbox/` found, in name order.
#[derive(Debug, Default)]
pub struct Survey {
    pub whole: Vec<Surveyed>,
    /// Drops that are still being written.
    pub settling: usize,
    /// What lies in `inbox/` and is no letter, for the operator.
    pub strays: Vec<String>,
}

/// A drop that may be taken.
#[derive(Clone, Debug)]
pub struct Surveyed {
    pub name: DropName,
    /// Whom the registers will be asked about; `None` where the letter is refused before that, or goes to paper
    /// without a question.
    pub recipient: Option<RecipientId>,
}

/// A folder with its sender, not yet looked into.
#[derive(Debug, Default)]
pub struct Listing {
    pub drops: Vec<DropName>,
    pub strays: Vec<String>,
}

/// Lists `inbox/` and the senders' own inboxes in it.
pub fn list(root: &Root, senders: &Senders) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(root.inbox())? {
        let entry = entry?;
        let Some(name) = folder_name(&entry, "inbox", &mut listing.strays)? else { continue };
        match OrgNumber::parse(name.as_bytes()).filter(|_| name.len() == 9) {
            Some(number) if senders.get(number).is_some() => list_own(&entry.path(), number, &mut listing)?,
            Some(_) if has_folder(&entry.path())? => listing.strays.push(format!(
                "inbox/{name}/: mappen heter som et organisasjonsnummer, men er ingen avsender i avsendere.yaml. Brevene i den er ikke rørt. Prøv: legg inn avsenderen, eller flytt brevene."
            )),
            _ => listing.drops.push(DropName { sender: None, name: entry.file_name() }),
        }
    }
    listing.drops.sort();
    listing.strays.sort();
    Ok(listing)
}

fn list_own(dir: &Path, number: OrgNumber, listing: &mut Listing) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if folder_name(&entry, &format!("inbox/{number}"), &mut listing.strays)?.is_some() {
            listing.drops.push(DropName { sender: Some(number), name: entry.file_name() });
        }
    }
    Ok(())
}

/// The name of a folder that is meant for us; anything else that needs an eye becomes a stray.
fn folder_name(entry: &fs::DirEntry, parent: &str, strays: &mut Vec<String>) -> io::Result<Option<String>> {
    let name = entry.file_name().to_string_lossy().into_owned();
    if names::is_unfinished_folder(&name) {
        return Ok(None);
    }
    if entry.file_type()?.is_dir() {
        return Ok(Some(name));
    }
    if !names::is_furniture(&name) {
        strays.push(format!(
            "{parent}/{}: filen ligger løst og hører ikke til noe brev. Den er ikke rørt. Prøv: legg den i brevets mappe.",
            names::shown(&name)
        ));
    }
    Ok(None)
}

fn has_folder(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        if entry?.file_type()?.is_dir() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A drop as it lies there, and when it last changed.
pub struct Folder {
    pub drop: Drop,
    pub says_complete: bool,
    pub has_unfinished_file: bool,
    /// By the machine's clock.
    pub changed: SystemTime,
}

/// Whether the drop may be taken now.
pub fn is_whole(folder: &Folder, patience: Patience, wall: SystemTime) -> bool {
    if folder.says_complete {
        return true;
    }
    // A time ahead of the clock is no age at all.
    let age = wall.duration_since(folder.changed).unwrap_or_default();
    let no_metadata = matches!(&folder.drop.letter, Err(refusal) if refusal.code == Code::MetadataMissing);
    if no_metadata || folder.has_unfinished_file || !folder.drop.is_complete() {
        return age >= patience.give_up;
    }
    age >= patience.settle
}

/// Looks into a drop: names, kinds, sizes and the metadata, not the documents.
pub fn open(path: &Path, sender: Option<OrgNumber>, wall: SystemTime) -> io::Result<Folder> {
    let mut metadata = Vec::new();
    let mut files = Vec::new();
    let mut says_complete = false;
    let mut has_unfinished_file = false;
    let mut changed = last_change(&fs::symlink_metadata(path)?, wall);
    for entry in WalkDir::new(path).min_depth(1).max_depth(1).follow_links(false).sort_by_file_name() {
        let entry = entry?;
        let attributes = entry.metadata()?;
        changed = changed.max(last_change(&attributes, wall));
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = attributes.is_file().then_some(attributes.len());
        says_complete |= names::says_complete(&name) && bytes.is_some();
        has_unfinished_file |= names::is_unfinished_file(&name);
        if names::is_metadata(&name) {
            metadata.push((name, bytes));
        } else if !names::is_ignored(&name) && !names::OURS.contains(&name.as_str()) {
            files.push(Found { name, bytes });
        }
    }
    let mut drop = Drop {
        folder_sender: sender,
        named_sender: None,
        reference: None,
        letter: Err(Refusal::new(Code::MetadataMissing, "")),
        files,
    };
    match metadata.as_slice() {
        [] => {}
        [(name, Some(_))] => read_metadata(path, name, &mut drop)?,
        [(name, None)] => drop.letter = Err(not_a_file(name)),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            drop.letter = Err(Refusal::new(Code::MetadataAmbiguous, names.join(", ")));
        }
    }
    Ok(Folder { drop, says_complete, has_unfinished_file, changed })
}

/// When a file was last modified; by the time its entry changed where the former lies in the future, since that
/// would never come of age.
fn last_change(attributes: &fs::Metadata, wall: SystemTime) -> SystemTime {
    let at = |seconds: i64, nanos: i64| {
        let seconds = Duration::from_secs(seconds.max(0).unsigned_abs());
        SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(nanos.max(0).unsigned_abs())
    };
    let modified = at(attributes.mtime(), attributes.mtime_nsec());
    if modified <= wall { modified } else { at(attributes.ctime(), attributes.ctime_nsec()) }
}

fn read_metadata(dir: &Path, name: &str, drop: &mut Drop) -> io::Result<()> {
    drop.letter = match read_regular(&dir.join(name), METADATA_BYTES_MAX as u64 + 1)? {
        None => Err(not_a_file(name)),
        Some(bytes) => forsendelse::parse(&bytes, Format::of_file(name)).and_then(|parsed| {
            drop.named_sender = parsed.forsendelse.avsender.clone();
            drop.reference = parsed.forsendelse.eksternReferanse.clone();
            parsed.unknown.map_or(Ok(parsed.forsendelse), Err).and_then(Letter::from_forsendelse)
        }),
    };
    Ok(())
}

fn not_a_file(name: &str) -> Refusal {
    Refusal::new(Code::MetadataMissing, format!("{name} er ikke en vanlig fil"))
}

/// The bytes of a regular file, at most `bytes_max`; `None` for anything else. A link is not followed, and opening
/// a FIFO does not wait.
pub fn read_regular(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = match File::options().read(true).custom_flags(flags as i32).open(path) {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => return Ok(None),
        other => other?,
    };
    let attributes = file.metadata()?;
    if !attributes.is_file() {
        return Ok(None);
    }
    let expected = attributes.len().min(bytes_max);
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Reads every document once, for its digest and, for a PDF, its verdict; against the print rules too where `limits`
/// are given. A letter that is too large as a whole is not read at all.
pub fn read_documents(dir: &Path, drop: &Drop, limits: Option<&PrintLimits>) -> io::Result<Vec<Read>> {
    let readable = drop.is_readable_size();
    let read = |document: Document| -> io::Result<Read> {
        let file = drop.file(&document).filter(|file| readable && file.bytes.is_some());
        let content = match file {
            Some(file) => read_content(&dir.join(&file.name), document.pdf, limits.filter(|_| document.printed))?,
            None => None,
        };
        Ok(Read { document, content })
    };
    drop.documents().into_iter().map(read).collect()
}

fn read_content(path: &Path, is_pdf: bool, limits: Option<&PrintLimits>) -> io::Result<Option<Content>> {
    let Some(bytes) = read_regular(path, DOCUMENTS_BYTES_MAX + 1)? else { return Ok(None) };
    let pdf = is_pdf.then(|| pdf::inspect(&bytes));
    let violations = match (&pdf, limits) {
        (Some(Ok(pdf)), Some(limits)) => pdf::preflight(pdf, limits),
        _ => Vec::new(),
    };
    Ok(Some(Content {
        digest: Sha256::digest(&bytes).into(),
        bytes: bytes.len() as u64,
        pdf: pdf.map(|outcome| outcome.map(|pdf| pdf.pages())),
        violations,
    }))
}

/// The digests of every file in a drop whose metadata says nothing, in name order.
pub fn digest_files(dir: &Path, drop: &Drop) -> io::Result<Vec<(String, Option<Digest256>)>> {
    let metadata = names::METADATA.iter().filter(|name| dir.join(name).symlink_metadata().is_ok());
    let mut files: Vec<&str> = drop.files.iter().map(|file| file.name.as_str()).chain(metadata.copied()).collect();
    files.sort_unstable();
    let digest = |name: &str| -> io::Result<(String, Option<Digest256>)> {
        let content = if drop.is_readable_size() { read_content(&dir.join(name), false, None)? } else { None };
        Ok((name.to_owned(), content.map(|content| content.digest)))
    };
    files.into_iter().map(digest).collect()
}
