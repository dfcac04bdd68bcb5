//! `check`: what would happen to a drop, and what is right or wrong with anything else that an operator may name. Moves
//! nothing.

mod batch;
mod file;
mod place;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use self::file::check_file;
use super::{Answer, Call, PatienceArgs};
use crate::core::identity::OrgNumber;
use crate::core::names::{BATCH, STATUS, shown};
use crate::core::senders::Senders;
use crate::core::snapshot::SnapshotName;
use crate::shell::intake;
use crate::shell::outbox::is_batch;
use crate::shell::pass::{PassError, Settings, preview, read_senders};
use crate::shell::registers::{About, Request, Shelf, SnapshotMemory, Wanted, inspect};
use crate::shell::root::Root;
use crate::shell::spool::{DropName, Spool};

#[derive(clap::Args)]
#[command(after_long_help = "Examples:
  postgang check                                     everything in inbox/ and registry/
  postgang check inbox/2026-417                      what the next run would do with it
  postgang check registry/krr.csv                    every row of a register")]
pub struct Args {
    /// Whatever lies below the root: a drop, a letter, a batch, a register, receipts …; the whole root when absent
    path: Option<PathBuf>,
    #[command(flatten)]
    patience: PatienceArgs,
}

pub fn check(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let settings = Settings { patience: args.patience.get(), ..(call.settings)() };
    let checked = look_at(&call.root, &settings, args.path.as_deref())?;
    Ok(Answer::new(&checked, checked.text())?.with_exit_code(checked.exit_code))
}

/// Nothing is wrong with it.
const ACCEPTED: &str = "accepted";

/// What was looked at and what was found.
#[derive(Debug, Default, Serialize)]
pub struct Checked {
    pub results: Vec<Finding>,
    /// Exit code of the whole: the gravest.
    #[serde(skip)]
    pub exit_code: u8,
}

#[derive(Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub path: String,
    /// Stable, for machines.
    pub code: String,
    /// In bokmål.
    pub text: String,
}

impl Checked {
    fn add(&mut self, path: impl Into<String>, code: impl Into<String>, text: impl Into<String>, exit_code: u8) {
        self.results.push(Finding { path: path.into(), code: code.into(), text: text.into() });
        self.exit_code = self.exit_code.max(exit_code);
    }

    /// Each finding, with its code on a line of its own.
    pub fn text(&self) -> String {
        let line =
            |finding: &Finding| format!("{}: {}\n    Kode: {}\n", finding.path, finding.text.trim_end(), finding.code);
        self.results.iter().map(line).collect()
    }
}

/// Checks one path; with none, or with the root or the inbox itself, the whole root: senders, snapshots and every drop.
pub fn look_at(root: &Root, settings: &Settings, path: Option<&Path>) -> Result<Checked, PassError> {
    let mut checked = Checked::default();
    // As messages name it, from the root, where it is not given from here.
    let path = path.map(|path| if path.symlink_metadata().is_ok() { path.to_owned() } else { root.dir().join(path) });
    let whole = [root.dir().to_owned(), root.inbox()].map(|dir| real(&dir));
    match path.as_deref().filter(|path| !whole.contains(&real(path))) {
        None => {
            root.check_mounted()?;
            let senders = check_registry(&mut checked, root, settings)?;
            let listing = intake::list(root, &senders).context("kan ikke lese inbox/")?;
            for stray in listing.strays {
                checked.add("inbox", "stray", stray, 1);
            }
            let drops = claimed(root)?.into_iter().chain(in_inbox(root, listing.drops)).collect();
            check_drops(&mut checked, root, settings, &senders, drops, |_| true)?;
            place::check_moves(&mut checked, root)?;
        }
        Some(path) if path.is_dir() => check_folder(&mut checked, root, settings, path)?,
        Some(path) => check_file(&mut checked, root, settings, path)?,
    }
    Ok(checked)
}

fn check_folder(checked: &mut Checked, root: &Root, settings: &Settings, path: &Path) -> Result<(), PassError> {
    let real_path = real(path);
    let is_below = |dir: &Path| real_path.starts_with(real(dir));
    if real_path == real(&root.registry()) {
        check_registry(checked, root, settings)?;
    } else if real_path == real(&root.receipts()) {
        file::check_receipts(checked, root, path)?;
    } else if is_batch(path) && path.join(BATCH).exists() {
        batch::check(checked, root, path)?;
    } else if path.join(STATUS).is_file() {
        place::check_letter(checked, root, path)?;
    } else if is_below(&root.outbox()) {
        place::check_place(checked, root, path)?;
    } else if is_below(&root.state()) && (!is_below(&root.work()) || real_path == real(&root.work())) {
        let text = "mappen er postgangs egen. Det er ingenting å gjøre i den; den må bare ikke endres eller slettes";
        checked.add(shown_path(path), "own", text, 0);
    } else {
        check_drop(checked, root, settings, path)?;
    }
    Ok(())
}

/// A drop, or a sender's own inbox. Those that the next pass takes before it decide whether it is a duplicate.
fn check_drop(checked: &mut Checked, root: &Root, settings: &Settings, path: &Path) -> Result<(), PassError> {
    let senders = read_senders(root)?;
    let place = real(path);
    if !place.starts_with(real(&root.inbox())) && !place.starts_with(real(&root.work())) {
        let drops = vec![(drop_name(root, path), path.to_owned())];
        return check_drops(checked, root, settings, &senders, drops, |_| true);
    }
    let listed = intake::list(root, &senders).context("kan ikke lese inbox/")?.drops;
    let mut drops: Vec<(DropName, PathBuf)> = claimed(root)?.into_iter().chain(in_inbox(root, listed)).collect();
    let is_asked = |dir: &Path| real(dir).starts_with(&place);
    if !drops.iter().any(|(_, dir)| is_asked(dir)) {
        let own = place.parent() == Some(&real(&root.inbox()));
        let own = own.then(|| place.file_name().and_then(|name| OrgNumber::parse(name.as_encoded_bytes()))).flatten();
        if own.is_some_and(|number| senders.get(number).is_some()) {
            checked.add(shown_path(path), ACCEPTED, "innboksen er tom", 0);
            return Ok(());
        }
        // One that no pass looks at, such as a folder that is still being written, or one inside a drop.
        drops.push((drop_name(root, path), path.to_owned()));
    }
    check_drops(checked, root, settings, &senders, drops, is_asked)
}

/// The senders and every snapshot.
fn check_registry(checked: &mut Checked, root: &Root, settings: &Settings) -> Result<Senders, PassError> {
    let senders = read_senders(root)?;
    file::check_senders(checked, "registry/avsendere.yaml".to_owned(), &senders, settings);
    for name in SnapshotName::ALL {
        check_snapshot(checked, &root.registry(), root, &senders, settings, name);
    }
    Ok(senders)
}

fn check_snapshot(
    checked: &mut Checked,
    dir: &Path,
    root: &Root,
    senders: &Senders,
    settings: &Settings,
    name: SnapshotName,
) {
    // Only looking: what cannot be read is nothing to measure against.
    let memory = SnapshotMemory::load(&root.state()).unwrap_or_default();
    let request = Request {
        dir,
        policies: &senders.registers,
        memory: &memory,
        shelf: Some(Shelf { dir: &root.tables(), is_ours: false, wall: settings.wall }),
        accept: &settings.accept,
        wanted: &Wanted::everything(),
        now: settings.now,
    };
    let found = inspect(request, name);
    let exit_code = if found.refused.is_some() { 3 } else { 1 };
    for note in &found.notes {
        let code = match note.about {
            About::Snapshot => found.refused.unwrap_or(ACCEPTED),
            About::Row(_) | About::MoreRows => "row-not-understood",
            About::Everybody => "rows-hold-everybody",
            About::Table => "table-not-kept",
        };
        checked.add(name.as_str(), code, note.line.clone(), exit_code);
    }
    if let Some(used) = found.used {
        checked.add(name.as_str(), ACCEPTED, format!("godtatt, {}, SHA-256 {}", used.rows_text(), used.sha256), 0);
    } else if found.refused.is_none() {
        checked.add(name.as_str(), "absent", "finnes ikke, og trenges ikke", 0);
    }
}

/// What would become of these drops; those that are asked about are told.
fn check_drops(
    checked: &mut Checked,
    root: &Root,
    settings: &Settings,
    senders: &Senders,
    drops: Vec<(DropName, PathBuf)>,
    is_asked: impl Fn(&Path) -> bool,
) -> Result<(), PassError> {
    // What comes after the last of them changes nothing for it.
    let last = drops.iter().rposition(|(_, path)| is_asked(path)).map_or(0, |at| at + 1);
    let drops = &drops[..last];
    let (previews, messages) = preview(root, settings, senders, drops)?;
    for message in messages {
        checked.add("registry", "register", message, 0);
    }
    for (preview, (_, path)) in previews.into_iter().zip(drops).filter(|(_, (_, path))| is_asked(path)) {
        let outlook = &preview.outlook;
        let name = preview.name.shown();
        let place = if path.starts_with(root.work()) { format!("{name} (i .postgang/work)") } else { name };
        checked.add(place, outlook.code(), outlook.sentence(), outlook.exit_code());
    }
    Ok(())
}

/// Drops that an earlier pass has claimed and not placed: the next one takes them first.
fn claimed(root: &Root) -> Result<Vec<(DropName, PathBuf)>, PassError> {
    if !root.work().is_dir() {
        return Ok(Vec::new());
    }
    let drops = Spool::new(root, None).unfinished().context("kan ikke lese .postgang/work")?;
    Ok(drops.into_iter().map(|name| (name.clone(), name.in_work(root))).collect())
}

fn in_inbox(root: &Root, drops: Vec<DropName>) -> impl Iterator<Item = (DropName, PathBuf)> {
    drops.into_iter().map(|name| (name.clone(), name.in_inbox(root)))
}

/// Two ways to one place become the same.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The drop at a path: in a sender's own inbox when it lies in one.
fn drop_name(root: &Root, path: &Path) -> DropName {
    let path = real(path);
    let parent = path.parent().filter(|dir| dir.parent() == Some(&real(&root.inbox())));
    let sender = parent.and_then(|dir| OrgNumber::parse(dir.file_name()?.as_encoded_bytes()));
    DropName { sender, name: path.file_name().unwrap_or_default().to_owned() }
}

/// What a stranger named may stand in a path.
fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy())
}
