//! Closing matters: `done NUMBER…` at once, or `outbox/ferdigbehandlet.csv` in the next night.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde::Serialize;

use super::letters::decoded;
use crate::core::matter::read_closed;
use crate::core::names::shown;
use crate::core::status::Stamp;
use crate::shell::dir::read_regular;
use crate::shell::fault;
use crate::shell::ledger::{self, Closing, OUTBOX};
use crate::shell::pass::{PassError, Settings};
use crate::shell::root::Root;

/// Where clerks write the numbers of matters that they have dealt with; it is never changed by us.
pub const FILE: &str = "ferdigbehandlet.csv";
/// How its name begins, whatever a hand or a program has made of the rest.
const FILE_START: &str = "ferdigbehandlet";

/// Bytes that are read of it: a hundred thousand numbers.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Bytes that are read of a list of ours.
const LIST_BYTES_MAX: u64 = 64 << 20;

/// What the clerks' files say.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub numbers: BTreeSet<i64>,
    /// What identifies each, so that it is told once, and its text.
    pub complaints: Vec<(String, String)>,
}

/// Reads `ferdigbehandlet.csv` in `outbox/`, and what is called so by mistake.
pub(super) fn read(outbox: &Path) -> io::Result<Listed> {
    let mut listed = Listed::default();
    for name in names(outbox, FILE_START)? {
        match read_closed_file(&outbox.join(&name)) {
            Ok((numbers, complaints)) => {
                listed.numbers.extend(numbers);
                let what = |text: String| (format!("ferdigfil:{name}:{text}"), text);
                listed.complaints.extend(complaints.into_iter().map(what));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let place = shown(&name);
                let text = format!(
                    "{OUTBOX}{place}: filen kan ikke leses ({}). Ingen saker er lukket etter den. Prøv: {}.",
                    fault::cause(&error),
                    fault::remedy(&error)
                );
                listed.complaints.push((format!("ferdigfil:{name}"), text));
            }
        }
    }
    Ok(listed)
}

/// The numbers in one such file, and what is wrong in it.
pub fn read_closed_file(path: &Path) -> io::Result<(BTreeSet<i64>, Vec<String>)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let place = format!("{OUTBOX}{}", shown(&name));
    let is_text = [".csv", ".txt"].iter().any(|ending| name.to_lowercase().ends_with(ending));
    let bytes = read_regular(path, FILE_BYTES_MAX + 1)?;
    let Some(bytes) = bytes.filter(|bytes| is_text && bytes.len() as u64 <= FILE_BYTES_MAX) else {
        let text = format!(
            "{place}: filen kan ikke leses som en liste med saksnumre. Ingen saker er lukket etter den. Prøv: lagre den som {FILE} (CSV), med ett saksnummer på hver linje."
        );
        return Ok((BTreeSet::new(), vec![text]));
    };
    let closed = read_closed(&decoded(&bytes));
    let complaint = |(line, text): (usize, String)| {
        format!(
            "{place}, linje {line}: «{text}» er ikke et saksnummer. De andre linjene gjelder. Prøv: skriv nummeret fra kolonnen nr i outbox/oppfolging-*.csv."
        )
    };
    Ok((closed.numbers, closed.unreadable.into_iter().map(complaint).collect()))
}

/// The greatest number that a list which lies in `outbox/` was given out with; 0 where none was.
pub(super) fn last_given(outbox: &Path) -> io::Result<i64> {
    let mut last = 0;
    for name in names(outbox, "oppfolging-")? {
        // What cannot be read tells nothing; the next one may.
        if let Ok(Some(bytes)) = read_regular(&outbox.join(name), LIST_BYTES_MAX) {
            last = last.max(read_closed(&decoded(&bytes)).numbers.last().copied().unwrap_or_default());
        }
    }
    Ok(last)
}

/// The names in `outbox/` that begin so, in any case, in order.
fn names(outbox: &Path, start: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(outbox)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.to_lowercase().starts_with(start) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// What became of one number; serialises as `done --json` prints it.
#[derive(Debug, Serialize)]
pub struct Closed {
    #[serde(rename = "nr")]
    pub number: i64,
    /// It is closed now, whether it was before or not.
    pub closed: bool,
    pub message: String,
}

/// Closes matters for good.
pub fn done(root: &Root, settings: &Settings, numbers: &[i64]) -> Result<Vec<Closed>, PassError> {
    root.prepare(settings.network_root)?;
    let _lock = root.lock()?;
    let (mut ledger, _) = ledger::open(root.ledger())?;
    let at = Stamp(settings.now).to_string();
    let closings = ledger.close_matters(&at, numbers)?;
    let answer = |(number, closing): (&i64, Closing)| {
        let (closed, message) = match closing {
            Closing::Closed(text) => (true, format!("lukket: {text}")),
            Closing::Known(text) => (true, format!("var lukket fra før: {text}")),
            Closing::Unknown => (
                false,
                "finnes ikke, og ingenting er endret. Prøv: se etter nummeret i outbox/oppfolging-*.csv.".to_owned(),
            ),
        };
        Closed { number: *number, closed, message }
    };
    Ok(numbers.iter().zip(closings).map(answer).collect())
}

impl Closed {
    pub fn text(&self) -> String {
        format!("Sak {} {}", self.number, self.message)
    }
}
