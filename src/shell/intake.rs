//! Reading drops: what lies in `inbox/`, whether a drop is whole, and what it holds. Reads only; nothing moves here.
//!
//! Trusts nothing: names, kinds, sizes and bytes are a stranger's. Files are opened without following links, in the
//! folder that was listed, and only as far as the letter's limits.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::content;
use super::dir::{Dir, Entry, Fingerprint};
use super::fault;
use super::mounts::Mounts;
use super::pdf;
use super::root::Root;
use super::spool::DropName;
use super::takeover::FILES_MAX;
use crate::core::code::{Code, Refusal};
use crate::core::format::{self, Format, METADATA_BYTES_MAX};
use crate::core::identity::OrgNumber;
use crate::core::judge::{Content, DOCUMENTS_BYTES_MAX, Drop, Found, PdfFault, Read, key_documents};
use crate::core::letter::{Digest256, Document, Key, Letter};
use crate::core::names;
use crate::core::print::PrintLimits;
use crate::core::senders::Senders;
use crate::core::whole::{Marks, Patience, Wholeness, is_unfinished_folder};

/// How many of the files in a drop, and how many in the folders in it, are looked at to see whether somebody writes.
const LOOKED_AT_MAX: usize = 10_000;
/// How far down the folders in a drop are looked into. No letter has any.
const DEPTH_MAX: usize = 4;

/// A folder with its sender, not yet looked into.
#[derive(Debug, Default)]
pub struct Listing {
    pub drops: Vec<DropName>,
    /// Senders whose own inbox is there.
    pub own: Vec<OrgNumber>,
    /// Of them, those that could not be listed to the end.
    pub closed: Vec<OrgNumber>,
    pub strays: Vec<String>,
}

/// Lists `inbox/` and the senders' own inboxes in it.
pub fn list(root: &Root, senders: &Senders) -> io::Result<Listing> {
    let mut listing = Listing::default();
    // Before anything in a drop is opened: a file system of somebody's own may never answer.
    let mounts = Mounts::below(&root.inbox());
    for entry in fs::read_dir(root.inbox())? {
        let entry = entry?;
        let Some(name) = folder_name(&entry, "inbox", &mut listing.strays)? else { continue };
        let way = PathBuf::from(entry.file_name());
        // A number with a digit wrong is no sender either, and the letters in its folder are not one letter.
        let is_number = name.len() == 9 && name.bytes().all(|byte| byte.is_ascii_digit());
        match OrgNumber::parse(name.as_bytes()).filter(|_| is_number) {
            Some(number) if senders.get(number).is_some() && !mounts.are_at(&way) => {
                listing.own.push(number);
                // One sender's closed door must not stop the others.
                if let Err(error) = list_own(&entry.path(), number, &mounts, &mut listing) {
                    listing.closed.push(number);
                    listing.strays.push(format!(
                        "inbox/{number}/: mappen kan ikke leses ({}). Brevene i den er ikke rørt. Prøv: {}.",
                        fault::cause(&error),
                        fault::remedy(&error)
                    ));
                }
            }
            _ if mounts.touch(&way) => listing.strays.push(is_mounted(&format!("inbox/{}", names::shown(&name)))),
            _ if is_number && !is_letter(&entry.path()).unwrap_or(false) => listing.strays.push(format!(
                "inbox/{name}/: mappen heter som et organisasjonsnummer, men er ingen avsender i avsendere.yaml. Brevene i den er ikke rørt. Prøv: legg inn avsenderen, eller flytt brevene."
            )),
            _ => listing.drops.push(DropName { sender: None, name: entry.file_name() }),
        }
    }
    listing.drops.sort();
    listing.strays.sort();
    Ok(listing)
}

fn list_own(dir: &Path, number: OrgNumber, mounts: &Mounts, listing: &mut Listing) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Some(name) = folder_name(&entry, &format!("inbox/{number}"), &mut listing.strays)? else { continue };
        if mounts.touch(&Path::new(&number.to_string()).join(entry.file_name())) {
            listing.strays.push(is_mounted(&format!("inbox/{number}/{}", names::shown(&name))));
        } else {
            listing.drops.push(DropName { sender: Some(number), name: entry.file_name() });
        }
    }
    Ok(())
}

/// For operators.
fn is_mounted(place: &str) -> String {
    format!(
        "{place}/: her er et annet filsystem eller en annen mappe montert, og det som ligger der, kan ikke flyttes udelt. Det er ikke åpnet og ikke rørt. Prøv: ta bort monteringen, og legg brevene rett i inbox/."
    )
}

/// The name of a folder that is meant for us; anything else that needs an eye becomes a stray.
fn folder_name(entry: &fs::DirEntry, parent: &str, strays: &mut Vec<String>) -> io::Result<Option<String>> {
    let name = entry.file_name().to_string_lossy().into_owned();
    if is_unfinished_folder(&name) {
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

/// Files and no folders: a letter whose name happens to be a number, not an inbox.
fn is_letter(dir: &Path) -> io::Result<bool> {
    let mut files = false;
    for entry in fs::read_dir(dir)? {
        if entry?.file_type()?.is_dir() {
            return Ok(false);
        }
        files = true;
    }
    Ok(files)
}

/// A drop as it lies there, and when it last changed.
pub struct Folder {
    pub drop: Drop,
    pub wholeness: Wholeness,
    /// By the machine's clock.
    pub changed: SystemTime,
    pub fingerprint: Fingerprint,
}

impl Folder {
    /// Whether the drop may be taken now, by its times alone.
    pub fn may_be_taken(&self, patience: Patience, wall: SystemTime) -> bool {
        // A time ahead of the clock is no age at all.
        let age = wall.duration_since(self.changed).unwrap_or_default();
        self.wholeness.may_be_taken(age, age, patience)
    }
}

/// What a folder holds, by name, kind, size and time alone.
pub struct Glance {
    dir: Dir,
    entries: Vec<Entry>,
    /// How many names were too many to be looked at.
    beyond: usize,
    /// What lies in its folders: while somebody writes there, the drop is not left alone.
    below: Vec<Entry>,
}

/// Looks into a drop: names, kinds, sizes and the metadata, not the documents.
pub fn open(path: &Path, sender: Option<OrgNumber>, wall: SystemTime) -> io::Result<Folder> {
    Glance::of(Dir::open_child(path)?)?.read(sender, wall)
}

/// The same in `inbox/`, where no name on the way is trusted.
pub fn open_drop(root: &Root, name: &DropName, wall: SystemTime) -> io::Result<Folder> {
    Glance::at(root, name)?.read(name.sender, wall)
}

impl Glance {
    pub fn at(root: &Root, name: &DropName) -> io::Result<Self> {
        Self::of(name.open_inbox(root)?.child(&name.name)?)
    }

    pub fn of(dir: Dir) -> io::Result<Self> {
        let (entries, beyond) = dir.entries(LOOKED_AT_MAX)?;
        let mut below = Vec::new();
        look_below(&dir, &entries, DEPTH_MAX, &mut below);
        Ok(Self { dir, entries, beyond, below })
    }

    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.entries.iter().chain(&self.below), self.beyond)
    }

    /// Reads the metadata.
    pub fn read(self, sender: Option<OrgNumber>, wall: SystemTime) -> io::Result<Folder> {
        let fingerprint = self.fingerprint();
        let folder_changed = last_change(&self.dir.itself()?, wall);
        let changes = self.entries.iter().chain(&self.below).map(|entry| last_change(entry, wall));
        let changed = changes.fold(folder_changed, SystemTime::max);
        let too_many = self.entries.len() > FILES_MAX;
        let mut metadata = Vec::new();
        let mut files = Vec::new();
        let mut marks = Marks::default();
        for Entry { name, bytes, .. } in self.entries {
            // A file whose name is not text could never be named by the metadata, nor read under it.
            let bytes = bytes.filter(|_| name.to_str().is_some());
            let name = name.to_string_lossy().into_owned();
            marks.see(&name, bytes.is_some());
            // Under a name that is passed over, only a plain file is.
            let passed_over = names::is_ours(&name) || (bytes.is_some() && names::is_ignored(&name));
            if names::is_metadata(&name) {
                metadata.push((name, bytes));
            } else if !passed_over {
                files.push(Found { name, bytes });
            }
        }
        if too_many {
            // Nothing is read of what will be refused, and the metadata may stand beyond what was looked at.
            files.clear();
            metadata = metadata_in(&self.dir)?.into_iter().map(|name| (name.to_owned(), None)).collect();
        }
        let why = files.iter().find_map(|file| {
            let right = names::nearly_metadata(&file.name)?;
            Some(format!("{} ligger i mappen, men må hete {right}", names::shown(&file.name)))
        });
        let mut drop = unread(sender, Refusal::new(Code::MetadataMissing, why.unwrap_or_default()), files);
        match metadata.as_slice() {
            [] => {}
            [_] if too_many => {
                let why = format!("mappen har mer enn {FILES_MAX} filer");
                drop.letter = Err(Refusal::new(Code::DocumentTooLarge, why));
            }
            [(name, Some(_))] => read_metadata(&self.dir, name, &mut drop)?,
            [(name, None)] => drop.letter = Err(not_a_file(name)),
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
                drop.letter = Err(Refusal::new(Code::MetadataAmbiguous, names.join(", ")));
            }
        }
        let no_metadata = matches!(&drop.letter, Err(refusal) if refusal.code == Code::MetadataMissing);
        let wholeness = Wholeness::of(marks, !no_metadata && drop.is_complete());
        Ok(Folder { drop, wholeness, changed, fingerprint })
    }
}

/// Gathers what lies in the folders among the entries. One that cannot be read is passed over: the drop is refused for
/// having it, whatever lies in it.
fn look_below(dir: &Dir, entries: &[Entry], depth: usize, below: &mut Vec<Entry>) {
    for folder in entries.iter().filter(|entry| entry.is_folder) {
        let room = LOOKED_AT_MAX.saturating_sub(below.len());
        if depth == 0 || room == 0 {
            return;
        }
        let Ok(child) = dir.child(&folder.name) else { continue };
        let Ok((inner, _)) = child.entries(room) else { continue };
        below.extend_from_slice(&inner);
        look_below(&child, &inner, depth - 1, below);
    }
}

/// When a file, or the folder, was last modified; by the time its entry changed where the former lies in the future,
/// since that would never come of age.
fn last_change(entry: &Entry, wall: SystemTime) -> SystemTime {
    if entry.modified <= wall { entry.modified } else { entry.changed }
}

/// A drop of whose metadata nothing is known.
fn unread(sender: Option<OrgNumber>, refusal: Refusal, files: Vec<Found>) -> Drop {
    Drop {
        folder_sender: sender,
        named_sender: None,
        reference: None,
        letter: Err(refusal),
        stated: None,
        files,
        metadata: None,
    }
}

fn read_metadata(dir: &Dir, name: &str, drop: &mut Drop) -> io::Result<()> {
    let Some(bytes) = dir.read(OsStr::new(name), METADATA_BYTES_MAX as u64 + 1)? else {
        drop.letter = Err(not_a_file(name));
        return Ok(());
    };
    drop.metadata = Some(Sha256::digest(&bytes).into());
    let format = Format::of_file(name);
    drop.letter = match format::parse(&bytes, format) {
        Ok(parsed) => {
            drop.named_sender = parsed.forsendelse.avsender.clone();
            drop.reference = parsed.forsendelse.eksternReferanse.clone();
            drop.stated = Some(Letter::as_stated(&parsed.forsendelse));
            parsed.unknown.map_or(Ok(parsed.forsendelse), Err).and_then(Letter::from_forsendelse)
        }
        Err(refusal) => {
            (drop.named_sender, drop.reference) = format::origin(&bytes, format);
            Err(refusal)
        }
    };
    Ok(())
}

/// The names of metadata that stand in a folder.
fn metadata_in(dir: &Dir) -> io::Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for name in names::METADATA {
        if dir.holds(OsStr::new(name))? {
            found.push(name);
        }
    }
    Ok(found)
}

fn not_a_file(name: &str) -> Refusal {
    Refusal::new(Code::MetadataMissing, format!("{name} er ikke en vanlig fil"))
}

/// Reads every document once, for its digest and, for a PDF, its verdict; against the print rules too where `limits`
/// are given. A letter that is too large as a whole is not read at all.
pub fn read_documents(path: &Path, drop: &Drop, limits: Option<&PrintLimits>) -> io::Result<Vec<Read>> {
    let dir = Dir::open_child(path)?;
    let readable = drop.is_readable_size();
    let read = |document: Document| -> io::Result<Read> {
        let file = drop.file(&document).filter(|file| readable && file.bytes.is_some());
        let content = match file {
            Some(file) => read_content(&dir, &file.name, document.pdf, limits.filter(|_| document.printed))?,
            None => None,
        };
        Ok(Read { document, content })
    };
    drop.documents().into_iter().map(read).collect()
}

fn read_content(dir: &Dir, name: &str, is_pdf: bool, limits: Option<&PrintLimits>) -> io::Result<Option<Content>> {
    let Some(file) = dir.open_file(OsStr::new(name))? else { return Ok(None) };
    let mut bytes = content::read(file, DOCUMENTS_BYTES_MAX + 1, is_pdf)?;
    // What does not even begin as a PDF does was not held.
    let pdf = is_pdf.then(|| bytes.held.take().map_or(Err(PdfFault::Unreadable), pdf::open));
    let violations = match (&pdf, limits) {
        (Some(Ok(pdf)), Some(limits)) => pdf::preflight(pdf, limits),
        _ => Vec::new(),
    };
    let pdf = pdf.map(|outcome| outcome.map(|pdf| pdf.pages()));
    Ok(Some(Content { digest: bytes.digest, bytes: bytes.length, pdf, violations }))
}

/// The key of a drop: by what its metadata says, accepted or not; by its files where that cannot be read. `reads` are
/// the documents of an accepted letter.
pub fn key(path: &Path, drop: &Drop, reads: &[Read], sender: &str) -> io::Result<Key> {
    match (&drop.letter, &drop.stated) {
        (Ok(letter), _) => Ok(Key::of_letter(sender, letter, &key_documents(reads))),
        (Err(_), Some(stated)) => {
            let as_stated = Drop { letter: Ok(stated.clone()), ..drop.clone() };
            let reads = read_documents(path, &as_stated, None)?;
            Ok(Key::of_letter(sender, stated, &key_documents(&reads)))
        }
        (Err(_), None) => Ok(Key::of_files(&digest_files(path, drop)?)),
    }
}

/// The digests of every file in a drop whose metadata says nothing, in name order.
pub fn digest_files(path: &Path, drop: &Drop) -> io::Result<Vec<(String, Option<Digest256>)>> {
    let dir = Dir::open_child(path)?;
    let found = drop.files.iter().map(|file| (file.name.as_str(), file.bytes.is_some()));
    let metadata = metadata_in(&dir)?.into_iter().map(|name| (name, true));
    let mut files: Vec<(&str, bool)> = found.chain(metadata).collect();
    files.sort_unstable();
    let readable = drop.is_readable_size();
    let digest = |(name, regular): (&str, bool)| -> io::Result<(String, Option<Digest256>)> {
        let digest = if names::is_metadata(name) {
            let bytes = dir.read(OsStr::new(name), METADATA_BYTES_MAX as u64 + 1)?;
            // Larger than metadata can be: it is not read to its end.
            bytes.filter(|bytes| bytes.len() <= METADATA_BYTES_MAX).map(|bytes| Sha256::digest(&bytes).into())
        } else if readable && regular {
            read_content(&dir, name, false, None)?.map(|content| content.digest)
        } else {
            None
        };
        Ok((name.to_owned(), digest))
    };
    files.into_iter().map(digest).collect()
}
