//! Print batches: what lies in `outbox/print/`, sender by sender, as the files that a print house takes.

mod files;
mod letter;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;

use files::Setback;
use letter::{Obstacle, Printable, Unprintable};

use super::Night;
use super::standing::{self, Known, Standing};
use crate::core::duplicate;
use crate::core::identity::OrgNumber;
use crate::core::names::DECISION;
use crate::core::route::Channel;
use crate::core::sealed::refuse;
use crate::core::senders::Sender;
use crate::core::status::Status;
use crate::shell::fault;
use crate::shell::ledger::{Beside, OUTBOX, Onward, Pending};
use crate::shell::moves::{Journey, seal};
use crate::shell::outbox::{batch_names, name, waiting_for_print};

/// What an operator reads of a letter that is not what was decided on.
fn changed(letter: &Path, file: &str) -> String {
    format!(
        "outbox/print/{}: {file} er endret etter at brevet ble mottatt, og brevet er ikke skrevet ut. Prøv: legg tilbake filen slik den var, eller stopp brevet og send det på nytt.",
        name(letter)
    )
}

impl Night<'_> {
    /// Step 6: seals a batch for every sender that has letters in `outbox/print/`.
    pub(super) fn print(&mut self) -> anyhow::Result<()> {
        let folders = waiting_for_print(self.pass.desk.root).context("kan ikke lese outbox/print")?;
        let busy = self.busy()?;
        let mut by_sender: BTreeMap<String, Vec<(PathBuf, Status)>> = BTreeMap::new();
        let accounts = standing::accounts(self.pass.desk.root, &*self.pass.ledger, &folders)?;
        let known = Known { busy: &busy, doubled: &self.doubled };
        let standings = folders.par_iter().zip(&accounts);
        let standings: Vec<Standing> =
            standings.map(|(path, account)| known.standing(path, false, account.as_ref())).collect();
        for (path, standing) in folders.into_iter().zip(standings) {
            // What is doubtful has been named already, in the same night.
            match standing {
                Standing::Sure(status) if !self.doubtful.contains(&path) => {
                    by_sender.entry(status.avsender.clone().unwrap_or_default()).or_default().push((path, *status));
                }
                _ => {}
            }
        }
        for (number, letters) in by_sender {
            let senders = self.pass.desk.senders;
            match OrgNumber::parse(number.as_bytes()).and_then(|number| senders.get(number)) {
                Some(sender) => self.print_for(sender, letters)?,
                None => self.needs_person(format!(
                    "outbox/print: {} brev har en avsender som ikke står i avsendere.yaml ({number}), og er ikke skrevet ut. Prøv: legg inn avsenderen.",
                    letters.len()
                )),
            }
        }
        Ok(())
    }

    /// Makes the sender's batch, without the letters that turn out not to be printable, and seals it.
    fn print_for(&mut self, sender: &Sender, letters: Vec<(PathBuf, Status)>) -> anyhow::Result<()> {
        let wall = self.pass.desk.settings.wall;
        let metadata = letters.iter().map(|(_, status)| self.pass.ledger.metadata(&status.forsendelsesId));
        let metadata = metadata.collect::<anyhow::Result<Vec<_>>>()?;
        let examine = |((path, status), metadata)| letter::examine(path, status, metadata, sender, wall);
        let examined: Vec<_> = letters.into_par_iter().zip(metadata).map(examine).collect();
        let (mut printable, mut refused) = (Vec::new(), Vec::new());
        for outcome in examined {
            match outcome {
                Ok(Ok(letter)) => printable.push(letter),
                Ok(Err(unprintable)) => refused.push(*unprintable),
                Err((path, Obstacle::Disk(error))) => self.needs_person(format!(
                    "outbox/print/{}: brevet kunne ikke leses ({}), og er ikke skrevet ut. Prøv: {}.",
                    name(&path),
                    fault::cause(&error),
                    fault::remedy(&error)
                )),
                Err((path, Obstacle::Changed(file))) => self.needs_person(changed(&path, &file)),
            }
        }
        let mut printable = self.open_to_us(printable);
        let root = self.pass.desk.root;
        let batch = loop {
            if printable.is_empty() {
                break None;
            }
            let batch = self.next_batch_name()?;
            let dir =
                self.pass.desk.spool.fresh(&root.batches().join(&batch)).context("kan ikke lage mappen til bunken");
            match dir.and_then(|dir| files::make(&dir, &batch, sender, &printable, self.now)) {
                Ok(None) => break Some(batch),
                // The other senders' letters do not wait for this one's.
                Err(error) => {
                    let text = format!(
                        "outbox/print: bunken for {} kunne ikke lages ({}). Brevene er ikke rørt. Prøv: {}.",
                        sender.number,
                        fault::chain(&error),
                        fault::chain_remedy(&error)
                    );
                    self.needs_person(text);
                    break None;
                }
                Ok(Some((index, Setback::Refused(refusal)))) => {
                    let letter = printable.remove(index);
                    refused.push(Unprintable { path: letter.path, status: letter.status, refusal });
                }
                Ok(Some((index, Setback::Changed(file)))) => {
                    let letter = printable.remove(index);
                    self.needs_person(changed(&letter.path, &file));
                }
            }
        };
        self.refuse(refused)?;
        let Some(batch) = batch else { return Ok(()) };
        let letters = printable.iter().map(|letter| (letter.path.as_path(), &letter.status)).collect();
        let sealed = seal::Batch { name: &batch, sender: &sender.number.to_string(), letters };
        let pass = &mut self.pass;
        match seal::seal(root, &pass.desk.spool, &mut *pass.ledger, self.now, &sealed)? {
            None => {
                self.report.printed += printable.len();
                self.report.batch.push(batch);
            }
            Some(message) => self.needs_person(message),
        }
        Ok(())
    }

    /// The letters whose folders we may write in. One that its owner has closed must not hold the batch.
    fn open_to_us(&mut self, letters: Vec<Printable>) -> Vec<Printable> {
        let spool = &self.pass.desk.spool;
        // Writing and taking away the mark is what the sealing begins with.
        let may_write = |letter: &Printable| spool.mark_ready(&letter.path).and_then(|()| spool.unmark(&letter.path));
        let tried: Vec<_> = letters.par_iter().map(may_write).collect();
        let mut open = Vec::new();
        for (letter, tried) in letters.into_iter().zip(tried) {
            match tried {
                Ok(()) => open.push(letter),
                Err(error) => self.needs_person(format!(
                    "outbox/print/{}: postgang kan ikke skrive i mappen ({}), og brevet er ikke skrevet ut. Prøv: {}; brevet skrives ut neste natt.",
                    name(&letter.path),
                    fault::cause(&error),
                    fault::remedy(&error)
                )),
            }
        }
        open
    }

    /// `batch-YYYY-MM-DD-NN`, with the first number that no batch has had.
    fn next_batch_name(&self) -> anyhow::Result<String> {
        let remembered = self.pass.ledger.batches()?;
        let lying = batch_names(self.pass.desk.root).context("kan ikke lese outbox/")?;
        let day = self.now.date_naive();
        let names = (1..).map(|number| format!("batch-{day}-{number:02}"));
        names
            .into_iter()
            .find(|name| !remembered.contains_key(name) && !lying.contains(name))
            .context("ingen ledige bunkenumre")
    }

    /// Letters that cannot be printed go to a person.
    fn refuse(&mut self, letters: Vec<Unprintable>) -> anyhow::Result<()> {
        let journey = |letter: Unprintable| {
            let code = letter.refusal.code;
            let status = refuse(&letter.status, code, letter.refusal.sentence(), self.now);
            let folder = name(&letter.path);
            let source = format!("{OUTBOX}{}/{folder}", Channel::Print.as_str());
            let decision = Beside { name: DECISION.to_owned(), text: letter::decision_text(&status, code) };
            let target = Channel::Avvist.as_str().to_owned();
            let pending = Pending::new(source, target, folder, &status, vec![decision]);
            Journey { from: letter.path, pending, status }
        };
        let journeys: Vec<Journey> = letters.into_iter().map(journey).collect();
        let mut onward = Vec::new();
        for Journey { pending, status, .. } in &journeys {
            onward.push(Onward {
                status,
                pending: Some(pending.clone()),
                reminded: false,
                released: duplicate::releases(status).then_some(true),
            });
        }
        self.pass.ledger.onward(&self.at(), &onward, None)?;
        self.move_on(journeys)
    }
}
