//! A print batch: whether it is what was sealed, file by file and letter by letter.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::place::is_as_recorded;
use super::{ACCEPTED, Checked, shown_path};
use crate::core::calendar::in_words;
use crate::core::letter::hex;
use crate::core::names::{BATCH, READY, RETURN_FORM, STOP_ANSWER, shown};
use crate::core::status::Stamp;
use crate::core::stop::is_stop;
use crate::shell::dir::read_regular;
use crate::shell::ledger;
use crate::shell::outbox::subfolders;
use crate::shell::pass::PassError;
use crate::shell::root::Root;

/// Bytes of `batch.yaml` that are read.
const BATCH_BYTES_MAX: u64 = 4 << 20;

/// What is asked of `batch.yaml`.
#[derive(Deserialize)]
struct Sealed {
    avsender: String,
    navn: String,
    forseglet: Stamp,
    brev: usize,
    sider: u32,
    filer: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    fil: String,
    sha256: String,
}

pub(super) fn check(checked: &mut Checked, root: &Root, path: &Path) -> Result<(), PassError> {
    let name = shown_path(path);
    let bytes = read_regular(&path.join(BATCH), BATCH_BYTES_MAX).context("kan ikke lese batch.yaml")?;
    let sealed: Result<Sealed, _> = serde_yaml::from_slice(&bytes.unwrap_or_default());
    let Ok(sealed) = sealed else {
        let text = "batch.yaml kan ikke leses. Prøv: legg filen tilbake slik den var; trykkeriet skal ikke ta bunken slik den er";
        checked.add(name, "batch-unreadable", text, 1);
        return Ok(());
    };
    let before = checked.results.len();
    check_files(checked, path, &sealed)?;
    check_letters(checked, root, path, &sealed)?;
    if !path.join(READY).is_file() {
        let text = "FERDIG mangler, og trykkeriet skal ikke ta bunken ennå. Prøv: kjør postgang run, som skriver den når bunken er på plass";
        checked.add(&name, "not-ready", text, 1);
    }
    let whole = if checked.results.len() == before { "Alle filer og brev er som da den ble forseglet." } else { "" };
    let text = format!(
        "bunke for {} {}, forseglet {}: {} brev, {} sider, {} filer. {whole}",
        sealed.avsender,
        shown(&sealed.navn),
        in_words(sealed.forseglet.0),
        sealed.brev,
        sealed.sider,
        sealed.filer.len()
    );
    checked.add(name, if whole.is_empty() { "batch-changed" } else { ACCEPTED }, text, 0);
    Ok(())
}

/// Each file that `batch.yaml` names against its SHA-256, and files that it does not name.
fn check_files(checked: &mut Checked, path: &Path, sealed: &Sealed) -> Result<(), PassError> {
    let mut known: BTreeSet<&str> = [BATCH, READY, RETURN_FORM, STOP_ANSWER].into();
    for Named { fil, sha256 } in &sealed.filer {
        known.insert(fil);
        let place = format!("{}/{}", shown_path(path), shown(fil));
        // A name that leads elsewhere is none that we wrote.
        let is_plain = Path::new(fil).file_name().is_some_and(|name| name == fil.as_str());
        match digest(&path.join(fil)) {
            Ok(digest) if is_plain && digest == *sha256 => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                checked.add(place, "file-missing", "filen mangler. Prøv: legg den tilbake", 1);
            }
            Err(error) => checked.add(place, "file-unreadable", format!("filen kan ikke leses ({error})"), 1),
            Ok(_) => {
                let text = "filen er ikke den som ble forseglet (SHA-256 stemmer ikke). Prøv: legg den tilbake slik den var, og si fra til trykkeriet";
                checked.add(place, "file-changed", text, 1);
            }
        }
    }
    for entry in fs::read_dir(path).context("kan ikke lese bunken")? {
        let entry = entry.context("kan ikke lese bunken")?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = entry.file_type().is_ok_and(|kind| !kind.is_dir());
        if is_file && !known.contains(name.as_str()) && !is_stop(&name) {
            let text = "filen hører ikke til bunken. Prøv: ta den ut av mappen";
            checked.add(format!("{}/{}", shown_path(path), shown(&name)), "file-unknown", text, 1);
        }
    }
    Ok(())
}

/// Each letter's folder against what the ledger recorded, and how many there are.
fn check_letters(checked: &mut Checked, root: &Root, path: &Path, sealed: &Sealed) -> Result<(), PassError> {
    let ledger = ledger::open_to_read(root.ledger())?;
    let letters = subfolders(path).context("kan ikke lese bunken")?;
    for letter in &letters {
        if !is_as_recorded(root, ledger.as_deref(), letter)? {
            let text = "mappen er ikke slik postgang la den her. Prøv: legg den tilbake slik den var, eller ta den ut; postgang nightly sier hva som er galt";
            checked.add(shown_path(letter), "not-as-recorded", text, 1);
        }
    }
    if letters.len() != sealed.brev {
        let text = format!("bunken har {} brevmapper, og ble forseglet med {}", letters.len(), sealed.brev);
        checked.add(shown_path(path), "letters-missing", text, 1);
    }
    Ok(())
}

fn digest(path: &Path) -> io::Result<String> {
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::other("ikke en vanlig fil"));
    }
    let mut hash = Sha256::new();
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hex(hash.finalize()));
        }
        hash.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
}
