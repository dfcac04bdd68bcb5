//! Steps 1 to 5 for every letter: read, judged by `core::nightly`, recorded and carried out, a thousand at a time.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use anyhow::Context;
use encoding_rs::{Encoding, WINDOWS_1252};
use rayon::prelude::*;
use uuid::Uuid;

use super::doubts::Doubts;
use super::standing::{self, Disagreement, Known, Standing};
use super::told::TooLate;
use super::{BATCH, Night, inside, lists};
use crate::core::identity::OrgNumber;
use crate::core::names::shown;
use crate::core::nightly::{self as rules, Go, Outcome, Step};
use crate::core::route::{Channel, State};
use crate::core::senders::Senders;
use crate::core::status::Status;
use crate::core::stop::{self, is_plain_text_stop};
use crate::core::{duplicate, sealed};
use crate::shell::dir::read_regular;
use crate::shell::fault;
use crate::shell::ledger::{Account, Onward, Pending};
use crate::shell::moves::{self, Journey};
use crate::shell::outbox::{LetterFolder, Stage, name, read_status, survey};
use crate::shell::pass::Pass;
use crate::shell::receipts::Receipts;

/// Bytes of a stop file that are read.
const STOP_BYTES_MAX: u64 = 4 << 10;

/// A letter with what the night does to it.
pub(super) struct Decided<'s> {
    pub(super) letter: &'s LetterFolder,
    pub(super) before: Status,
    pub(super) step: Step,
}

/// A letter that waits for a person.
struct Waits<'s> {
    letter: &'s LetterFolder,
    what: Disagreement,
}

/// What a letter's step depends on, for any thread.
struct Desk<'a> {
    receipts: &'a Receipts,
    known: Known<'a>,
    night: rules::Night<'a>,
    senders: &'a Senders,
    doubts: &'a Doubts,
}

impl Desk<'_> {
    /// What tonight's rules say of a letter; `None` for a folder that is no letter or is on its way already.
    fn decide<'s>(
        &self,
        letter: &'s LetterFolder,
        account: Option<&Account>,
    ) -> Option<Result<Decided<'s>, Waits<'s>>> {
        let before = match self.known.standing(&letter.path, letter.ready, account) {
            Standing::Sure(before) => *before,
            Standing::PassedOver => return None,
            Standing::Unsure(what) => return Some(Err(Waits { letter, what })),
        };
        let id = Uuid::try_parse(&before.forsendelsesId).map(|id| id.as_u128()).unwrap_or_default();
        let receipts = self.receipts.of(id);
        let step = match letter.stage {
            Stage::Waiting => {
                if let Some(why) = &letter.doubt {
                    return Some(Err(Waits { letter, what: Disagreement::NotListed(why.clone()) }));
                }
                let stop = letter.stop(Some(&before)).map(|path| stop_text(path));
                rules::waiting(&before, receipts, stop.as_deref(), &self.night_of(id, &before))
            }
            Stage::Sealed => sealed::sealed(&before, receipts),
            Stage::Refused | Stage::Archived => rules::finished(&before, receipts, &self.night),
        };
        Some(Ok(Decided { letter, before, step }))
    }

    /// What holds for this letter tonight.
    fn night_of(&self, id: u128, letter: &Status) -> rules::Night<'_> {
        let number = letter.avsender.as_deref().and_then(|number| OrgNumber::parse(number.as_bytes()));
        let sender = number.and_then(|number| self.senders.get(number));
        let svarinn_hours = sender.and_then(|sender| sender.svarinn.as_ref()).map(|svarinn| svarinn.limit.0);
        let doubt = self.night.doubt.or_else(|| self.doubts.of(id, letter));
        rules::Night { svarinn_hours, doubt, ..self.night }
    }
}

impl Night<'_> {
    /// Steps 1 to 5 for every letter.
    pub(super) fn letters(&mut self) -> anyhow::Result<()> {
        let survey = survey(self.pass.desk.root).context("kan ikke lese outbox/")?;
        survey.closed.iter().for_each(|(folder, error)| self.cannot_list(folder, error));
        let letters = survey.letters;
        let busy = self.busy()?;
        let doubled = self.doubled(&letters)?;
        self.doubled.clone_from(&doubled);
        // A letter that is finished is looked into only where a receipt may concern it.
        let hints: HashSet<u32> = self.receipts.letters().map(|(id, ..)| (id >> 96) as u32).collect();
        let concerned = |letter: &LetterFolder| {
            matches!(letter.stage, Stage::Waiting | Stage::Sealed)
                || id_start(&letter.path).is_none_or(|start| hints.contains(&start))
        };
        let doubtful = letters.iter().filter(|letter| letter.stage == Stage::Waiting && letter.doubt.is_some());
        self.doubtful = doubtful.map(|letter| letter.path.clone()).collect();
        let mut too_late = Vec::new();
        for letter in letters.iter().filter(|letter| letter.stage != Stage::Waiting && !letter.stops.is_empty()) {
            let status = read_status(&letter.path);
            // One that it did stop keeps the file.
            let was_stopped = status.as_ref().is_some_and(|status| status.status == State::ManueltHandtert);
            if letter.stop(status.as_ref()).is_some() && !was_stopped {
                let place = inside(self.pass.desk.root, &letter.path);
                let why = stop::remedy(&place);
                too_late.push(TooLate { folder: letter.path.clone(), place, why, status });
            }
        }
        self.answer_stops(&std::mem::take(&mut too_late))?;
        let letters: Vec<LetterFolder> = letters.into_iter().filter(concerned).collect();
        for chunk in letters.chunks(BATCH) {
            let root = self.pass.desk.root;
            let known = Known { busy: &busy, doubled: &doubled };
            let senders = self.pass.desk.senders;
            let (receipts, doubts) = (&self.receipts, &self.doubts);
            let desk = Desk { receipts, known, night: self.rules(), senders, doubts };
            let accounts = standing::accounts(root, &*self.pass.ledger, chunk.iter().map(|letter| &letter.path))?;
            let decided: Vec<Result<Decided, Waits>> = chunk
                .par_iter()
                .zip(&accounts)
                .filter_map(|(letter, account)| desk.decide(letter, account.as_ref()))
                .collect();
            let mut changed = Vec::new();
            for outcome in decided {
                match outcome {
                    Ok(decided) => changed.push(decided),
                    Err(waits) => {
                        let matter = self.disagreement(&waits.letter.path, &waits.what)?;
                        self.matters.push(matter);
                    }
                }
            }
            for decided in &changed {
                let id = Uuid::try_parse(&decided.before.forsendelsesId).map(|id| id.as_u128());
                self.met.extend(id.as_ref().ok());
                if decided.step.has(Outcome::StopTooLate) {
                    // Before the letter moves: the answer goes with it.
                    too_late.push(self.too_late(decided));
                }
                let waits = decided.letter.stage == Stage::Waiting && decided.step.go != Some(Go::Archive);
                if waits && decided.step.status.kanal == Channel::Altinn {
                    self.waiting_in_altinn += 1;
                    self.doubts.waits_in_altinn(&decided.step.status);
                }
                if decided.letter.stage == Stage::Waiting && decided.step.go.is_none() {
                    let after = &decided.step.status;
                    if after.status == State::SendtDigitalt && after.purret.is_some() {
                        self.reminded.push(decided.letter.clone());
                    }
                    let place = inside(root, &decided.letter.path);
                    self.matters.extend(lists::silent(after, &place, self.now));
                    self.matters.extend(lists::misreported(after, &place, self.now));
                    self.list_doubt(id.unwrap_or_default(), after, &place);
                    self.matters.extend(lists::given_up(after, &place));
                    self.matters.extend(lists::removed(after, &place));
                    self.matters.extend(lists::uncollected(after, &place, self.now));
                }
            }
            self.answer_stops(&std::mem::take(&mut too_late))?;
            changed.retain(|decided| {
                decided.step.status != decided.before || decided.step.go.is_some() || !decided.step.outcomes.is_empty()
            });
            self.carry_out(changed)?;
        }
        self.tell_stray_stops()
    }

    /// Records what was decided, changes the letters that stay, and moves the others.
    pub(super) fn carry_out(&mut self, decided: Vec<Decided>) -> anyhow::Result<()> {
        let pending: Vec<Option<Pending>> = decided.iter().map(|decided| self.pending(decided)).collect();
        let onward = decided.iter().zip(&pending).map(|(decided, pending)| {
            let status = &decided.step.status;
            // One that was given up and turns out to be opened blocks again.
            let released = duplicate::releases(status);
            let released = (released != duplicate::releases(&decided.before)).then_some(released);
            Onward { status, pending: pending.clone(), reminded: decided.step.has(Outcome::Reminded), released }
        });
        self.pass.ledger.onward(&self.at(), &onward.collect::<Vec<_>>(), None)?;
        let stays = |decided: &&Decided| decided.step.go.is_none() && decided.step.status != decided.before;
        let stay: Vec<&Decided> = decided.iter().filter(stays).collect();
        let failed = if stay.is_empty() { Vec::new() } else { self.change(&stay)? };
        for decided in &decided {
            self.report.count(&decided.step.outcomes);
        }
        let journeys = decided.into_iter().zip(pending).filter_map(|(decided, pending)| {
            Some(Journey { from: decided.letter.path.clone(), pending: pending?, status: decided.step.status })
        });
        let journeys = journeys.collect();
        failed.into_iter().for_each(|message| self.needs_person(message));
        self.move_on(journeys)
    }

    /// New `status.yaml`s for letters that stay, together; says which could not be written.
    fn change(&mut self, stay: &[&Decided]) -> anyhow::Result<Vec<String>> {
        let desk = &*self.pass.desk;
        let spool = &desk.spool;
        let prepare = |decided: &&Decided| spool.prepare(&decided.letter.path, &decided.step.status.to_yaml());
        let prepared: Vec<io::Result<()>> = stay.par_iter().map(prepare).collect();
        spool.sync().context("kan ikke lagre status.yaml varig")?;
        let put = |(decided, prepared): (&&Decided, io::Result<()>)| {
            prepared.and_then(|()| spool.put_in_force(&decided.letter.path))
        };
        let put: Vec<io::Result<()>> = stay.par_iter().zip(prepared).map(put).collect();
        let written = stay.iter().zip(&put).filter(|(_, outcome)| outcome.is_ok());
        let written: Vec<&str> = written.map(|(decided, _)| decided.step.status.forsendelsesId.as_str()).collect();
        let failed = stay.iter().zip(&put).filter_map(|(decided, outcome)| {
            let error = outcome.as_ref().err()?;
            let place = inside(desk.root, &decided.letter.path);
            Some(format!(
                "{}: status.yaml kunne ikke skrives ({}). Det prøves igjen neste natt. Prøv: {}.",
                shown(&place),
                fault::cause(error),
                fault::remedy(error)
            ))
        });
        let failed = failed.collect();
        self.pass.ledger.written(&written)?;
        Ok(failed)
    }

    /// Carries out moves that are recorded.
    pub(super) fn move_on(&mut self, journeys: Vec<Journey>) -> anyhow::Result<()> {
        let recorded = |journey: &Journey| (journey.pending.clone(), journey.status.kode.clone());
        let recorded: Vec<(Pending, String)> = journeys.iter().map(recorded).collect();
        let Pass { desk, ledger, report, .. } = &mut self.pass;
        let outcomes = moves::carry_out(desk.root, &desk.spool, &mut **ledger, self.now, &journeys)?;
        for ((pending, code), outcome) in recorded.into_iter().zip(outcomes) {
            let outcome = outcome.map(|arrived| {
                report.not_marked(arrived.unmarked);
                arrived.folder
            });
            match (outcome, Channel::named(&pending.target)) {
                (Ok(folder), Some(Channel::Avvist)) => {
                    report.refused(&code, &folder, &pending.status);
                }
                (Ok(_), Some(channel)) => report.placed.count(channel),
                (Ok(_), None) => {}
                (Err(error), _) => {
                    report.needs_person = true;
                    report.messages.push(moves::stuck(&pending.source, &error));
                }
            }
        }
        Ok(())
    }

    fn pending(&self, decided: &Decided) -> Option<Pending> {
        let target = match decided.step.go? {
            Go::Altinn => Channel::Altinn.as_str().to_owned(),
            Go::Print => Channel::Print.as_str().to_owned(),
            Go::Archive => self.archive(),
        };
        let path = &decided.letter.path;
        let source = inside(self.pass.desk.root, path);
        Some(Pending::new(source, target, name(path), &decided.step.status, Vec::new()))
    }
}

/// The first eight hex digits of the letter's id, which its folder's name ends in.
fn id_start(path: &Path) -> Option<u32> {
    let name = name(path);
    u32::from_str_radix(name.rsplit('.').next()?.get(..8)?, 16).ok()
}

/// What a clerk wrote into a stop file; its being there is enough, and of anything but plain text no more is asked.
fn stop_text(path: &Path) -> String {
    if !is_plain_text_stop(&name(path)) {
        return String::new();
    }
    decoded(&read_regular(path, STOP_BYTES_MAX).ok().flatten().unwrap_or_default())
}

/// Text as editors on Windows and elsewhere leave it: with a byte order mark in what that says, else UTF-8, else
/// windows-1252, which every byte is valid in.
pub(super) fn decoded(bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    match str::from_utf8(bytes) {
        Err(error) if error.error_len().is_some() => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        // Cut off in the middle of a character it is UTF-8 all the same.
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_texts_in_the_encodings_of_windows() {
        let utf16: Vec<u8> = "\u{feff}på vent".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let cut = "på vent på".as_bytes();
        for (bytes, text) in [
            (&utf16[..], "på vent"),
            ("\u{feff}på vent".as_bytes(), "på vent"),
            ("på vent".as_bytes(), "på vent"),
            (b"p\xe5 vent", "på vent"),
            (&cut[..cut.len() - 1], "på vent p\u{fffd}"),
            (b"", ""),
        ] {
            assert_eq!(decoded(bytes), text);
        }
    }
}
