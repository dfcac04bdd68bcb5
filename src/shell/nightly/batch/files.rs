//! The files of a batch: the PDFs, and what is said of them.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::Context;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::letter::Printable;
use crate::core::calendar::Time;
use crate::core::code::{Code, Refusal};
use crate::core::judge::DOCUMENTS_BYTES_MAX;
use crate::core::letter::hex;
use crate::core::names::{BATCH, RETURN_FORM, shown};
use crate::core::print::{PrintFile, PrintLetter, PrintRule, plan};
use crate::core::senders::Sender;
use crate::core::sheet;
use crate::core::status::Stamp;
use crate::shell::dir::{Dir, read_regular};
use crate::shell::outbox::name;
use crate::shell::print::cover;
use crate::shell::print::file::{self, FileError};

const MANIFEST: &str = "manifest.csv";
const README: &str = "LESMEG.txt";

/// `batch.yaml`.
#[derive(Serialize)]
struct BatchFile<'a> {
    bunke: &'a str,
    avsender: String,
    navn: &'a str,
    forseglet: Stamp,
    brev: usize,
    sider: u32,
    ark: u32,
    filer: Vec<FileEntry>,
}

#[derive(Serialize)]
struct FileEntry {
    fil: String,
    sha256: String,
    bytes: u64,
    #[serde(flatten)]
    pdf: Option<PdfEntry>,
}

#[derive(Serialize)]
struct PdfEntry {
    brev: usize,
    sider: u32,
    ark: u32,
    konvolutt: String,
    farge: bool,
    tosidig: bool,
}

/// Why the batch has to be made without a letter.
pub enum Setback {
    Refused(Refusal),
    /// This document is not the one that was decided on.
    Changed(String),
}

/// Writes every file of the batch into `dir`, which is empty. `Some`: the letter of that index cannot be printed, and
/// the batch has to be made without it.
pub fn make(
    dir: &Dir,
    batch: &str,
    sender: &Sender,
    letters: &[Printable],
    now: Time,
) -> anyhow::Result<Option<(usize, Setback)>> {
    let prints: Vec<PrintLetter> = letters.iter().map(|letter| letter.print.clone()).collect();
    let files = plan(&prints);
    let write_one = |file: &PrintFile| write_pdf(dir, file, &prints, sender, letters);
    let written: Vec<Result<FileEntry, FileError>> = files.par_iter().map(write_one).collect();
    let mut entries = Vec::new();
    for outcome in written {
        match outcome {
            Ok(entry) => entries.push(entry),
            Err(error) => return setback(error, letters).map(Some),
        }
    }
    for (name, text) in [(MANIFEST, manifest(&files, letters)), (README, readme(batch, sender, &files, now))] {
        write(dir, name, &text)?;
        entries.push(FileEntry {
            fil: name.to_owned(),
            sha256: hex(Sha256::digest(&text)),
            bytes: text.len() as u64,
            pdf: None,
        });
    }
    // The print house fills it in, so its digest would not hold.
    write(dir, RETURN_FORM, &return_form(&files, letters))?;
    let placed = || files.iter().flat_map(|file| &file.letters);
    let about = BatchFile {
        bunke: batch,
        avsender: sender.number.to_string(),
        navn: &sender.name,
        forseglet: Stamp(now),
        brev: letters.len(),
        sider: placed().map(|letter| letter.extent.pages).sum(),
        ark: placed().map(|letter| letter.extent.sheets).sum(),
        filer: entries,
    };
    let text = serde_yaml::to_string(&about).context("bunken lar seg alltid beskrive")?;
    write(dir, BATCH, &text)?;
    Ok(None)
}

fn write(dir: &Dir, name: &str, text: &str) -> anyhow::Result<()> {
    let written = dir.create_new(name).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("kan ikke skrive {name}"))
}

fn write_pdf(
    dir: &Dir,
    file: &PrintFile,
    prints: &[PrintLetter],
    sender: &Sender,
    letters: &[Printable],
) -> Result<FileEntry, FileError> {
    let name = file.name();
    let out = BufWriter::new(Hashing { out: dir.create_new(&name)?, hash: Sha256::new(), bytes: 0 });
    let document = |letter: usize, document: usize| {
        let letter = &letters[letter];
        let bytes = read_regular(&letter.path.join(&letter.documents[document].name), DOCUMENTS_BYTES_MAX + 1)?;
        let bytes = bytes.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        // The bytes that are printed are the bytes that are looked at, not those that lay there a moment ago.
        let digest = hex(Sha256::digest(&bytes));
        Ok((letter.documents[document].sha256.as_ref().is_none_or(|decided| *decided == digest)).then_some(bytes))
    };
    let cover = |letter: usize| Ok(letters[letter].cover.clone());
    let out = file::write(out, file, prints, sender.print.cover, cover, document)?;
    let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(FileEntry {
        fil: name,
        sha256: hex(out.hash.finalize()),
        bytes: out.bytes,
        pdf: Some(PdfEntry {
            brev: file.letters.len(),
            sider: file.pages(),
            ark: file.letters.iter().map(|letter| letter.extent.sheets).sum(),
            konvolutt: file.class.envelope.to_string(),
            farge: file.class.colour,
            tosidig: file.class.duplex,
        }),
    })
}

/// Which letter an error lies in; an error that lies in none stops the batch.
fn setback(error: FileError, letters: &[Printable]) -> anyhow::Result<(usize, Setback)> {
    let document = |letter: usize, document: usize| shown(&letters[letter].documents[document].name);
    let (letter, refusal) = match error {
        FileError::Changed { letter, document: number } => {
            return Ok((letter, Setback::Changed(document(letter, number))));
        }
        FileError::Cover { letter, fault } => (letter, cover::refusal(fault)),
        FileError::Document { letter, document: number, fault } => {
            (letter, Refusal::new(fault.code(), document(letter, number)))
        }
        FileError::PageCount { letter, document: number, .. } => {
            let detail = format!("{}: antall sider er endret", document(letter, number));
            (letter, Refusal::new(Code::PdfUnreadable, detail))
        }
        FileError::ShownDifferently { letter, document: number } => {
            let detail = format!("{}: {}", document(letter, number), PrintRule::ShownDifferently.sentence());
            (letter, Refusal::new(Code::PrintRules, detail))
        }
        FileError::Extent { .. } => return Err(anyhow::Error::new(error).context("utskriftsfilen kunne ikke lages")),
        FileError::Io(error) => return Err(anyhow::Error::new(error).context("utskriftsfilen kunne ikke lages")),
    };
    Ok((letter, Setback::Refused(refusal)))
}

fn yes(flag: bool) -> String {
    if flag { "ja" } else { "nei" }.to_owned()
}

fn manifest(files: &[PrintFile], letters: &[Printable]) -> String {
    const HEADER: [&str; 16] = [
        "nr",
        "forsendelsesId",
        "mappe",
        "fil",
        "forste_side",
        "sider",
        "ark",
        "konvolutt",
        "farge",
        "tosidig",
        "giroark",
        "land",
        "postnummer",
        "konteringskode",
        "eksternReferanse",
        "kode",
    ];
    let rows = files.iter().flat_map(|file| file.letters.iter().map(move |placed| (file, placed)));
    let row = |(file, placed): (&PrintFile, &crate::core::print::Placed)| {
        let letter = &letters[placed.index];
        let giro: Vec<String> = placed.extent.giro_sheets.iter().map(u32::to_string).collect();
        [
            placed.number.to_string(),
            letter.status.forsendelsesId.clone(),
            name(&letter.path),
            file.name(),
            placed.first_page.to_string(),
            placed.extent.pages.to_string(),
            placed.extent.sheets.to_string(),
            file.class.envelope.to_string(),
            yes(file.class.colour),
            yes(file.class.duplex),
            giro.join(" "),
            letter.print.country.name().to_owned(),
            letter.print.postcode.clone(),
            letter.status.carried.konteringskode.clone().unwrap_or_default(),
            letter.status.eksternReferanse.clone().unwrap_or_default(),
            letter.status.kode.clone(),
        ]
    };
    sheet::table(HEADER, rows.map(row))
}

/// The form for the print house's answer: a row for each letter, to be filled in and laid among the receipts.
fn return_form(files: &[PrintFile], letters: &[Printable]) -> String {
    let row = |placed: &crate::core::print::Placed| {
        let status = &letters[placed.index].status;
        let reference = status.eksternReferanse.clone().unwrap_or_default();
        let answer = || String::new();
        [placed.number.to_string(), status.forsendelsesId.clone(), reference, answer(), answer(), answer()]
    };
    let header = ["nr", "forsendelsesId", "eksternReferanse", "status", "tidspunkt", "detalj"];
    sheet::table(header, files.iter().flat_map(|file| &file.letters).map(row))
}

/// What the print house reads first.
fn readme(batch: &str, sender: &Sender, files: &[PrintFile], now: Time) -> String {
    let letters: usize = files.iter().map(|file| file.letters.len()).sum();
    let mut text = format!(
        "Utskriftsbunke {batch}\nAvsender: {} ({})\nForseglet: {}\nBrev: {letters}\n\n",
        sender.name,
        sender.number,
        Stamp(now)
    );
    for file in files {
        text += &format!("{}: {} brev, {} sider\n", file.name(), file.letters.len(), file.pages());
    }
    text += "
Hver PDF inneholder brev som skal skrives ut og kuverteres likt; klassen står i filnavnet:
  C5, C4 eller pakke: konvolutten
  farge eller sort: fargeutskrift eller sort/hvitt
  tosidig eller enkeltsidig: med tosidig begynner hvert dokument på et nytt ark, og blanke baksider ligger i filen

Hvert brev begynner med en forside med mottakerens adresse i vindusfeltet. manifest.csv har en linje for hvert brev:
hvilken fil, første side, antall sider og ark. Ark som er nevnt i kolonnen giroark (talt fra 1 i brevet, forsiden
medregnet), skal skrives ut på gult giropapir. Mappene inneholder brevene som de ble levert, og skal ikke skrives ut.

Ta bunken først når den inneholder filen FERDIG, og kontroller filene mot SHA-256 i batch.yaml.
Meld tilbake for hvert brev i skjemaet retur.csv: fyll ut status (PRINTET når det er sendt, RETUR når det kommer i retur)
og tidspunkt, slett linjene uten svar, og send skjemaet til avsenderen. Skjemaet skal endres og står derfor ikke i
batch.yaml. Nederst på forsiden står brevets nr og begynnelsen av forsendelsesId.
Skal et brev stoppes, ta kontakt med avsenderen.
";
    text.replace('\n', "\r\n")
}

/// A file that knows its digest.
struct Hashing {
    out: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
