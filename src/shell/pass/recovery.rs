//! What an earlier pass left behind: letters that arrived without being recorded, missing marks, a lost ledger.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;

use super::{Desk, Pass, PassError};
use crate::core::duplicate::releases;
use crate::core::names::{STATUS, shown};
use crate::core::status::{Stamp, Status};
use crate::shell::fault;
use crate::shell::intake;
use crate::shell::ledger::{Asked, Keyed, KnownAccount, OUTBOX, Pending, Remembered, account_place};
use crate::shell::moves::{self, seal};
use crate::shell::outbox::{letters, read_status_text, try_letters, try_read_status_text, unmarked};
use crate::shell::root::Root;

/// Drops with one key that are told apart when the ledger is rebuilt.
const ATTEMPTS_MAX: u32 = 1_000;

impl Pass<'_> {
    pub(super) fn generation(&self) -> anyhow::Result<i64> {
        self.desk.spool.generation().context("kan ikke lese hvor langt protokollen var kommet")
    }

    /// Says where something is mounted that letters would be lost in, or behind.
    pub(super) fn name_mounts(&mut self) {
        let root = self.desk.root;
        let line = |path: PathBuf| {
            let place = shown(&path.strip_prefix(root.dir()).unwrap_or(&path).to_string_lossy());
            format!(
                "{place}/: her er et annet filsystem eller en annen mappe montert. Det som ligger der, er ikke lest og ikke rørt. Prøv: ta bort monteringen."
            )
        };
        let messages: Vec<String> = root.mounted_inside().into_iter().map(line).collect();
        self.report.needs_person |= !messages.is_empty();
        self.report.messages.extend(messages);
    }

    /// Carries out what was decided before a crash: print batches first, since their letters wait for them.
    pub(super) fn finish_moves(&mut self) -> Result<(), PassError> {
        let Desk { root, spool, settings, .. } = &*self.desk;
        spool.sweep().context("kan ikke rydde midlertidige filer")?;
        let kept = spool.empty_trash().context("kan ikke slette det som ligger i .postgang/slettes")?;
        let kept = kept.into_iter().map(|(name, error)| {
            format!(
                ".postgang/slettes/{name}: mappen er eldre enn oppbevaringstiden og kunne ikke slettes ({}). Alt annet går videre. Prøv: slett den for hånd som root, eller gi postgang rettigheter til undermappene.",
                fault::cause(&error)
            )
        });
        let mut messages: Vec<String> = kept.collect();
        messages.extend(seal::finish(root, spool, &mut *self.ledger)?);
        messages.extend(moves::finish(root, spool, &mut *self.ledger, settings.now)?);
        self.report.needs_person |= !messages.is_empty();
        self.report.messages.extend(messages);
        Ok(())
    }

    /// Puts `FERDIG` back where a crash came between a letter's place and its mark.
    pub(super) fn restore_marks(&mut self) -> Result<(), PassError> {
        let mut to_mark = Vec::new();
        for folder in unmarked(self.desk.root).context("kan ikke lese outbox/")? {
            let place = folder.strip_prefix(self.desk.root.outbox()).unwrap_or(&folder).to_string_lossy();
            // A copy that somebody made is offered to nobody.
            if !folder.join(STATUS).is_file() || self.ledger.accounts(&[&place])? != [None] {
                to_mark.push(folder);
            }
        }
        if to_mark.is_empty() {
            return Ok(());
        }
        self.desk.spool.sync().context("kan ikke lagre flyttingene varig")?;
        let Desk { root, spool, .. } = &*self.desk;
        let failed: Vec<String> = to_mark.par_iter().filter_map(|letter| moves::mark(root, spool, letter)).collect();
        self.report.not_marked(failed);
        Ok(())
    }

    /// Writes the accounts that a crash kept from their folders.
    pub(super) fn write_accounts(&mut self) -> Result<(), PassError> {
        let unwritten = self.ledger.unwritten()?;
        if unwritten.is_empty() {
            return Ok(());
        }
        let Desk { root, spool, .. } = &*self.desk;
        let places: HashMap<String, PathBuf> = match unwritten.iter().any(|(_, place, _)| place.starts_with("batch-")) {
            true => letters(root)
                .filter_map(|path| Some((account_place(&below_outbox(root, &path)?).to_owned(), path)))
                .collect(),
            false => HashMap::new(),
        };
        let folder = |place: &String| places.get(place).cloned().unwrap_or_else(|| root.outbox().join(place));
        let write = |(_, place, text): &(String, String, String)| {
            let folder = folder(place);
            spool.prepare(&folder, text).map(|()| folder)
        };
        let prepared: Vec<_> = unwritten.par_iter().map(write).collect();
        spool.sync().context("kan ikke lagre status.yaml varig")?;
        let mut written = Vec::new();
        for ((id, place, _), prepared) in unwritten.iter().zip(prepared) {
            match prepared.and_then(|folder| spool.put_in_force(&folder)) {
                Ok(()) => written.push(id.as_str()),
                // Its sender has taken it away.
                Err(error) if error.kind() == ErrorKind::NotFound => written.push(id.as_str()),
                Err(error) => {
                    self.report.needs_person = true;
                    self.report.messages.push(format!(
                        "outbox/{place}: status.yaml kunne ikke skrives ({}). Det prøves igjen ved neste start. Prøv: {}.",
                        fault::cause(&error),
                        fault::remedy(&error)
                    ));
                }
            }
        }
        spool.sync().context("kan ikke lagre status.yaml varig")?;
        Ok(self.ledger.written(&written)?)
    }

    /// Takes up what the letters in `outbox/` say of themselves into a ledger that was written before accounts were
    /// kept. They are believed this once.
    pub(super) fn take_up_accounts(&mut self) -> Result<(), PassError> {
        let root = self.desk.root;
        let account = |path: PathBuf| {
            let text = String::from_utf8(read_status_text(&path)?).ok()?;
            let id = Status::from_yaml(text.as_bytes()).ok()?.forsendelsesId;
            let place = below_outbox(root, &path)?;
            (!self.ledger.letters(Asked::Id(&id)).ok()?.is_empty()).then_some(KnownAccount { id, place, text })
        };
        let accounts: Vec<_> = letters(root).filter_map(account).collect();
        Ok(self.ledger.take_up(&Stamp(self.desk.settings.now).to_string(), &[], &accounts)?)
    }

    /// The ledger knows less than what has been done here: an older copy was put back, or its newest part was lost. It
    /// takes up from `outbox/` what it does not know, before anything moves.
    pub(super) fn catch_up(&mut self) -> Result<(), PassError> {
        let found = self.desk.remember_all()?.1;
        let (mut unknown, mut accounts, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
        let pending: HashMap<String, Pending> = self.ledger.pending()?.into_iter().collect();
        for letter in found {
            let id = letter.status.forsendelsesId.clone();
            // A decision of the older ledger that has been carried out, or overtaken, since.
            if pending.get(&id).is_some_and(|pending| pending.source != format!("{OUTBOX}{}", letter.place)) {
                elsewhere.push(id.clone());
            }
            match self.ledger.letters(Asked::Id(&id))?.is_empty() {
                true => unknown.push(letter),
                false => accounts.push(KnownAccount { id, place: letter.place, text: letter.text }),
            }
        }
        let unknown = distinct(unknown);
        self.ledger.withdraw(&elsewhere, None)?;
        self.ledger.take_up(&Stamp(self.desk.settings.now).to_string(), &unknown, &accounts)?;
        moves::note_generation(&self.desk.spool, &*self.ledger)?;
        self.report.needs_person = true;
        self.report.messages.push(format!(
            ".postgang/ledger.sqlite er eldre enn det som er gjort her: en eldre kopi er lagt tilbake, eller noe av filen er gått tapt. {} brev i outbox/ er tatt inn igjen før noe ble flyttet; brev som er slettet derfra, er glemt. Prøv: finn ut hva som skjedde med filen.",
            unknown.len()
        ));
        Ok(())
    }

    /// Fills a new ledger from the letters in `outbox/`.
    pub(super) fn rebuild_ledger(&mut self) -> Result<(), PassError> {
        let (folders, letters) = self.desk.remember_all()?;
        let letters = distinct(letters);
        let forgotten = folders - letters.len();
        self.ledger.take_up(&Stamp(self.desk.settings.now).to_string(), &letters, &[])?;
        moves::note_generation(&self.desk.spool, &*self.ledger)?;
        if folders == 0 {
            return Ok(());
        }
        let mut message = format!(
            ".postgang/ledger.sqlite manglet og er bygd opp igjen fra {} brev i outbox/. Brev som er slettet derfra, er glemt.",
            letters.len()
        );
        if forgotten > 0 {
            message += &format!(" {forgotten} mapper kunne ikke leses, og kan ikke gjenkjennes om de kommer på nytt.");
        }
        self.report.messages.push(message);
        Ok(())
    }
}

/// Where a folder lies below `outbox/`.
fn below_outbox(root: &Root, folder: &Path) -> Option<String> {
    Some(folder.strip_prefix(root.outbox()).ok()?.to_string_lossy().into_owned())
}

/// The letters in the order of their keys, each once: copies that somebody made are the same letter.
fn distinct(mut letters: Vec<Remembered>) -> Vec<Remembered> {
    let identity = |letter: &Remembered| (letter.keyed.key, letter.keyed.attempt);
    letters.sort_by_key(identity);
    letters.dedup_by_key(|letter| identity(letter));
    letters
}

impl Desk<'_> {
    /// How many letters there are in `outbox/`, and those of them that can be known again. A folder that its owner has
    /// closed is none of them; a disk that fails is no reason to forget a letter, which could then be sent twice.
    fn remember_all(&self) -> anyhow::Result<(usize, Vec<Remembered>)> {
        let mut folders = Vec::new();
        for folder in try_letters(self.root) {
            match folder {
                Ok(folder) => folders.push(folder),
                Err((place, error)) => self.passes_over(&place, error)?,
            }
        }
        let remembered = folders
            .par_iter()
            .map(|folder| self.remember(folder).or_else(|error| self.passes_over(folder, error).map(|()| None)));
        let remembered: Vec<Option<Remembered>> = remembered.collect::<anyhow::Result<_>>()?;
        Ok((folders.len(), remembered.into_iter().flatten().collect()))
    }

    /// Whether a folder that cannot be read may be left out of what the ledger takes up.
    fn passes_over(&self, folder: &Path, error: io::Error) -> anyhow::Result<()> {
        if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound) {
            return Ok(());
        }
        let place = folder.strip_prefix(self.root.dir()).unwrap_or(folder).to_string_lossy();
        Err(anyhow::anyhow!(
            "{}: mappen kan ikke leses ({}). Protokollen må ta inn igjen det som ligger i outbox/, og uten denne mappen kunne brev bli sendt to ganger. Ingen brev er rørt. Prøv: {}.",
            shown(&place),
            fault::cause(&error),
            fault::remedy(&error)
        ))
    }

    /// A placed letter as the ledger would have it; `None` where what lies there cannot be understood.
    fn remember(&self, folder: &Path) -> io::Result<Option<Remembered>> {
        let text = try_read_status_text(folder)?.and_then(|text| String::from_utf8(text).ok());
        let status = text.as_ref().and_then(|text| Status::from_yaml(text.as_bytes()).ok());
        let Some((text, status)) = text.zip(status) else { return Ok(None) };
        let drop = intake::open(folder, None, self.settings.wall)?.drop;
        let reads = match &drop.letter {
            Ok(_) => intake::read_documents(folder, &drop, None)?,
            Err(_) => Vec::new(),
        };
        let sender = status.avsender.clone().or_else(|| drop.named_sender.clone()).unwrap_or_default();
        let key = intake::key(folder, &drop, &reads, &sender)?;
        let is = |attempt| key.id(attempt).to_string() == status.forsendelsesId;
        let attempt = if is(None) { Some(1) } else { (1..=ATTEMPTS_MAX).find(|n| is(Some(*n))) };
        let (Some(attempt), Some(place)) = (attempt, below_outbox(self.root, folder)) else { return Ok(None) };
        let released = releases(&status);
        let keyed = Keyed { key: key.digest(), attempt, metadata: drop.metadata };
        Ok(Some(Remembered { keyed, status, text, place, released }))
    }
}
