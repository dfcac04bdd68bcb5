//! A file: a register, the senders, receipts, a list, the clerks' numbers, or part of a letter.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{ACCEPTED, Checked, check_folder, check_snapshot, real, shown_path};
use crate::core::names::{BATCH, STATUS, is_metadata, shown};
use crate::core::senders::Senders;
use crate::core::snapshot::SnapshotName;
use crate::shell::dir::read_regular;
use crate::shell::ledger::{self, Asked};
use crate::shell::nightly;
use crate::shell::pass::{PassError, Settings, parse_senders, read_senders};
use crate::shell::receipts::{self, Receipts};
use crate::shell::root::Root;

/// How the names of lists begin that we write.
const LISTS: [&str; 5] = ["kvittering-", "oppfolging-", "purring-", "retur-", "oversikt"];
/// Bytes of a list or a settings file that are read.
const BYTES_MAX: u64 = 64 << 20;
/// Bytes of a file that say whether it is one of receipts.
const HEADER_BYTES: u64 = 4 << 10;

pub(super) fn check_file(
    checked: &mut Checked,
    root: &Root,
    settings: &Settings,
    path: &Path,
) -> Result<(), PassError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_in = |dir: &Path| real(folder) == real(dir);
    let is_list = LISTS.iter().any(|start| name.starts_with(start)) && name.ends_with(".csv");
    if let Some(snapshot) = snapshot(&name) {
        check_snapshot(checked, folder, root, &read_senders(root)?, settings, snapshot);
    } else if path.symlink_metadata().is_err() {
        let text = "finnes ikke. Prøv: skriv stien slik den er herfra eller fra rotmappen; et brev finnes også med postgang explain";
        checked.add(shown_path(path), "not-found", text, 1);
    } else if is_part(root, folder) || is_metadata(&name) {
        check_folder(checked, root, settings, folder)?;
    } else if is_in(&root.inbox()) {
        let text = "en fil rett i inbox/ er ikke et brev, og blir liggende. Prøv: legg den i en mappe sammen med forsendelse.yaml";
        checked.add(shown_path(path), "stray", text, 1);
    } else if name.ends_with(".yaml") || name.ends_with(".yml") {
        let bytes = read_regular(path, BYTES_MAX).with_context(|| format!("{} kan ikke leses", shown_path(path)))?;
        match parse_senders(&bytes.unwrap_or_default()) {
            Ok(senders) => check_senders(checked, shown_path(path), &senders, settings),
            Err(error) => checked.add(shown_path(path), "senders-invalid", error.to_string(), 3),
        }
    } else if name.starts_with("ferdigbehandlet") {
        check_closed(checked, path)?;
    } else if is_list && !is_in(&root.receipts()) {
        check_list(checked, path)?;
    } else if is_in(&root.receipts()) || has_receipts(path) {
        check_receipts(checked, root, path)?;
    } else {
        let text = "er ingenting som postgang leser: verken et brev, et register, avsendere.yaml, en kvitteringsfil eller en liste";
        checked.add(shown_path(path), "unknown", text, 1);
    }
    Ok(())
}

/// The register that a file is, or is the checksum of.
fn snapshot(name: &str) -> Option<SnapshotName> {
    let sum = name.strip_suffix(".sha256").map(|name| name.strip_suffix(".csv").unwrap_or(name));
    sum.or_else(|| name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".csv"))?.parse().ok()
}

/// What lies in this folder is part of a letter, or of a batch.
fn is_part(root: &Root, folder: &Path) -> bool {
    let is_ours = folder.join(STATUS).is_file() || folder.join(BATCH).is_file();
    let folder = real(folder);
    is_ours
        || [root.inbox(), root.work()].iter().map(|dir| real(dir)).any(|dir| folder.starts_with(&dir) && folder != dir)
}

fn has_receipts(path: &Path) -> bool {
    let start = read_regular(path, HEADER_BYTES).ok().flatten().unwrap_or_default();
    let start = String::from_utf8_lossy(&start).to_lowercase();
    let header = start.lines().next().unwrap_or_default();
    ["forsendelsesid", "status", "tidspunkt"].iter().all(|column| header.contains(column))
}

pub(super) fn check_senders(checked: &mut Checked, path: String, senders: &Senders, settings: &Settings) {
    checked.add(path.clone(), ACCEPTED, senders_text(senders), 0);
    for warning in senders.warnings(settings.now.date_naive()) {
        checked.add(path.clone(), "senders-warning", warning.text, warning.refuses.into());
    }
}

fn senders_text(senders: &Senders) -> String {
    let names: Vec<String> =
        senders.senders.iter().map(|sender| format!("{} {}", sender.number, shown(&sender.name))).collect();
    let senders = if names.len() == 1 { "avsender" } else { "avsendere" };
    format!("gyldig, {} {senders}: {}", names.len(), names.join(", "))
}

/// A receipt file, or the folder of them: what the next night will read.
pub(super) fn check_receipts(checked: &mut Checked, root: &Root, path: &Path) -> Result<(), PassError> {
    let read = match path.is_dir() {
        true => receipts::read(path).context(receipts::UNREADABLE)?,
        false => receipts::read_files(vec![PathBuf::from(path)]),
    };
    let Receipts { complaints, written, .. } = &read;
    for (_, complaint) in complaints {
        checked.add(shown_path(path), "receipt-not-understood", complaint.clone(), 1);
    }
    let ledger = ledger::open_to_read(root.ledger())?;
    let (mut letters, mut unknown) = (0, 0);
    for (id, ..) in read.letters() {
        letters += 1;
        let id = uuid::Uuid::from_u128(id).to_string();
        let known = ledger.as_ref().map(|ledger| ledger.letters(Asked::Id(&id))).transpose()?;
        unknown += usize::from(known.is_none_or(|known| known.is_empty()));
    }
    let files = if path.is_dir() { format!("{} kvitteringsfiler, ", written.len()) } else { String::new() };
    let unknown = if unknown > 0 { format!("; {unknown} av dem er ikke kjent her") } else { String::new() };
    if path.is_dir() || !written.is_empty() {
        let code = if complaints.is_empty() { ACCEPTED } else { "receipts-read" };
        checked.add(shown_path(path), code, format!("{files}kvitteringer om {letters} brev{unknown}"), 0);
    } else if complaints.is_empty() {
        let text = "filen er tom. Prøv: en kvitteringsfil har kolonnene forsendelsesId, status og tidspunkt";
        checked.add(shown_path(path), "empty", text, 1);
    }
    Ok(())
}

/// The clerks' numbers, as the next night will read them.
fn check_closed(checked: &mut Checked, path: &Path) -> Result<(), PassError> {
    let (numbers, complaints) = nightly::read_closed_file(path).context("kan ikke lese filen")?;
    for complaint in complaints {
        checked.add(shown_path(path), "matter-not-understood", complaint, 1);
    }
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    let text = match numbers.len() {
        0 => "ingen saksnumre".to_owned(),
        _ => format!("saker som er ferdig behandlet: {}", numbers.join(", ")),
    };
    checked.add(shown_path(path), ACCEPTED, text, 0);
    Ok(())
}

/// A list that we have written.
fn check_list(checked: &mut Checked, path: &Path) -> Result<(), PassError> {
    let bytes = read_regular(path, BYTES_MAX).context("kan ikke lese listen")?.unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').flexible(true).from_reader(bytes.as_slice());
    let rows = reader.byte_records().filter(Result::is_ok).count();
    let rows = if rows == 1 { "1 rad".to_owned() } else { format!("{rows} rader") };
    checked.add(shown_path(path), ACCEPTED, format!("en liste som postgang har skrevet, med {rows}"), 0);
    Ok(())
}
