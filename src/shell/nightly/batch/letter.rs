//! One letter in `outbox/print/`, read anew: whether it can be printed, and what the plan has to know of it.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::core::code::{Code, Refusal};
use crate::core::judge::{Content, Drop, Read};
use crate::core::letter::Digest256;
use crate::core::names::shown;
use crate::core::print::{Country, Enclosure, PrintLetter};
use crate::core::printable::{check_pdfs, check_print};
use crate::core::senders::Sender;
use crate::core::status::Status;
use crate::shell::intake;
use crate::shell::print::cover::{self, Cover};

/// A letter that can be printed.
pub struct Printable {
    pub path: PathBuf,
    pub status: Status,
    pub print: PrintLetter,
    pub cover: Cover,
    /// The documents that are printed, in order.
    pub documents: Vec<Sheaf>,
}

/// A document that is printed.
pub struct Sheaf {
    /// Of its file.
    pub name: String,
    /// Of the bytes that were decided on, where that was recorded.
    pub sha256: Option<String>,
}

/// Why a letter waits that might be printed.
pub enum Obstacle {
    Disk(io::Error),
    /// This file is not the one that was decided on.
    Changed(String),
}

/// A letter that cannot, and why.
pub struct Unprintable {
    pub path: PathBuf,
    pub status: Status,
    pub refusal: Refusal,
}

/// Reads a letter and judges whether it can be printed. An error is the disk's, not the letter's.
pub fn examine(
    path: PathBuf,
    status: Status,
    metadata: Option<Digest256>,
    sender: &Sender,
    wall: SystemTime,
) -> Result<Result<Printable, Box<Unprintable>>, (PathBuf, Obstacle)> {
    let outcome = (|| {
        let drop = intake::open(&path, None, wall).map_err(Obstacle::Disk)?.drop;
        if let Some(file) = changed(&drop, metadata, &status) {
            return Err(Obstacle::Changed(file));
        }
        let reads = documents(&path, &drop, &status, sender).map_err(Obstacle::Disk)?;
        Ok(judge(&drop, &reads, &status, sender))
    })();
    match outcome {
        Err(error) => Err((path, error)),
        Ok(Err(refusal)) => Ok(Err(Box::new(Unprintable { path, status, refusal }))),
        Ok(Ok((print, cover, documents))) => Ok(Ok(Printable { path, status, print, cover, documents })),
    }
}

/// The first file that tells that the letter is not what was decided on. Documents are compared when they are printed.
fn changed(drop: &Drop, metadata: Option<Digest256>, status: &Status) -> Option<String> {
    if metadata.is_some() && drop.metadata != metadata {
        return Some("metadatafilen".to_owned());
    }
    let recorded: HashSet<&str> = status.dokumenter.iter().map(|document| document.filnavn.as_str()).collect();
    let names = drop.documents().into_iter().map(|document| shown(&document.name));
    names.into_iter().find(|name| !recorded.contains(name.as_str()))
}

/// The documents with their pages. The intake has examined those that might end on paper; those that were for a
/// mailbox only are examined now.
fn documents(path: &Path, drop: &Drop, status: &Status, sender: &Sender) -> io::Result<Vec<Read>> {
    let documents = drop.documents();
    let recorded = &status.dokumenter;
    let is_known = |n: usize| !documents[n].pdf || recorded.get(n).is_some_and(|document| document.sider.is_some());
    if status.was_in_mailbox() || !(0..documents.len()).all(is_known) {
        return intake::read_documents(path, drop, Some(&sender.print.limits));
    }
    let read = |(document, recorded): (_, &crate::core::status::RecordedDocument)| Read {
        document,
        content: Some(Content {
            digest: [0; 32],
            bytes: recorded.bytes.unwrap_or_default(),
            pdf: recorded.sider.map(Ok),
            violations: Vec::new(),
        }),
    };
    Ok(documents.into_iter().zip(recorded).map(read).collect())
}

fn judge(
    drop: &Drop,
    reads: &[Read],
    status: &Status,
    sender: &Sender,
) -> Result<(PrintLetter, Cover, Vec<Sheaf>), Refusal> {
    let letter = drop.letter.as_ref().map_err(Clone::clone)?;
    let recipient = letter.recipient.addressed(status.adresse.as_ref());
    recipient.check_address().map_err(|wanting| Refusal::new(Code::AddressIncomplete, wanting))?;
    check_present(drop, status)?;
    if reads.is_empty() {
        return Err(Refusal::new(Code::NoDocuments, ""));
    }
    check_pdfs(reads)?;
    check_print(reads)?;
    let printed: Vec<&Read> = reads.iter().filter(|read| read.document.printed).collect();
    let decided = |name: &str| status.dokumenter.iter().find(|document| document.filnavn == shown(name));
    let sheaf = |read: &&Read| {
        let sha256 = decided(&read.document.name).and_then(|document| document.sha256.clone());
        Some(Sheaf { name: drop.file(&read.document)?.name.clone(), sha256 })
    };
    let names: Option<Vec<Sheaf>> = printed.iter().map(sheaf).collect();
    let names = names.ok_or_else(|| Refusal::new(Code::DocumentMissing, ""))?;
    let cover = cover::of(&recipient, letter.return_address.as_ref(), sender);
    cover::check(&cover, &sender.print.cover).map_err(cover::refusal)?;
    let enclosure = |read: &&Read| Enclosure {
        pages: read.content.as_ref().and_then(|content| content.pdf?.ok()).unwrap_or_default(),
        giro: read.document.giro_pages.clone(),
    };
    let print = PrintLetter {
        country: Country::of(recipient.country.as_deref().unwrap_or_default()),
        postcode: recipient.postcode.clone().unwrap_or_default(),
        name: recipient.name.clone().unwrap_or_default(),
        id: status.forsendelsesId.clone(),
        colour: letter.colour,
        duplex: letter.duplex,
        documents: printed.iter().map(enclosure).collect(),
    };
    Ok((print, cover, names))
}

/// Every document that the letter was placed with: one that is gone must not be missing on paper in silence, also where
/// the metadata names none.
fn check_present(drop: &Drop, status: &Status) -> Result<(), Refusal> {
    let present = drop.documents().into_iter().filter(|document| drop.file(document).is_some());
    let present: HashSet<String> = present.map(|document| shown(&document.name)).collect();
    match status.dokumenter.iter().find(|document| !present.contains(&document.filnavn)) {
        Some(gone) => Err(Refusal::new(Code::DocumentMissing, gone.filnavn.clone())),
        None => Ok(()),
    }
}

/// `BESLUTNING.txt` in a letter that could not be printed.
pub fn decision_text(status: &Status, code: Code) -> String {
    format!(
        "Brevet skulle på papir, og kunne ikke skrives ut.\r\n\r\nGrunn: {}\r\nKode: {}\r\nPrøv: {} Flytt så mappen tilbake til inbox/, eller send brevet for hånd.\r\n\r\nforsendelsesId: {}\r\neksternReferanse: {}\r\nMottatt: {}\r\n",
        status.begrunnelse,
        status.kode,
        code.entry().remedy,
        status.forsendelsesId,
        status.eksternReferanse.as_deref().unwrap_or("(ingen)"),
        status.mottatt,
    )
}
