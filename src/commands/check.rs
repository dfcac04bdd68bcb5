//! `check`: what would happen to a drop, and what is wrong with a snapshot or `avsendere.yaml`. Moves nothing.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::explain::about;
use super::{Answer, Call, PatienceArgs};
use crate::core::identity::OrgNumber;
use crate::core::names::{STATUS, shown};
use crate::core::senders::Senders;
use crate::core::snapshot::SnapshotName;
use crate::shell::intake;
use crate::shell::pass::{PassError, Settings, parse_senders, preview, read_senders};
use crate::shell::registers::{Request, Shelf, SnapshotMemory, Wanted, inspect};
use crate::shell::root::Root;
use crate::shell::spool::DropName;

#[derive(clap::Args)]
pub struct Args {
    /// A drop, a placed letter, a snapshot or avsendere.yaml; the whole root when absent
    path: Option<PathBuf>,
    #[command(flatten)]
    patience: PatienceArgs,
}

pub fn check(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let settings = Settings { patience: args.patience.get(), ..(call.settings)() };
    let checked = look_at(&call.root, &settings, args.path.as_deref())?;
    Ok(Answer::new(&checked, checked.text())?.with_exit_code(checked.exit_code))
}

/// What was looked at and what was found.
#[derive(Debug, Default, Serialize)]
struct Checked {
    results: Vec<Finding>,
    /// Exit code of the whole: the gravest.
    #[serde(skip)]
    exit_code: u8,
}

#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at.
    path: String,
    code: Option<&'static str>,
    /// In bokmål.
    text: String,
}

impl Checked {
    fn add(&mut self, path: impl Into<String>, code: Option<&'static str>, text: impl Into<String>, exit_code: u8) {
        self.results.push(Finding { path: path.into(), code, text: text.into() });
        self.exit_code = self.exit_code.max(exit_code);
    }

    fn text(&self) -> String {
        self.results.iter().map(|finding| format!("{}: {}\n", finding.path, finding.text)).collect()
    }
}

/// Checks one path; with none, or with the inbox itself, the whole root: senders, snapshots and every drop.
fn look_at(root: &Root, settings: &Settings, path: Option<&Path>) -> Result<Checked, PassError> {
    let mut checked = Checked::default();
    // As messages name it, from the root, where it is not given from here.
    let path = path.map(|path| if path.exists() { path.to_owned() } else { root.dir().join(path) });
    match path.as_deref().filter(|path| real(path) != real(&root.inbox())) {
        None => {
            root.check_mounted()?;
            let senders = read_senders(root)?;
            check_senders(&mut checked, "registry/avsendere.yaml".to_owned(), &senders, settings);
            for name in SnapshotName::ALL {
                check_snapshot(&mut checked, &root.registry(), root, &senders, settings, name);
            }
            let listing = intake::list(root, &senders).context("kan ikke lese inbox/")?;
            for stray in listing.strays {
                checked.add("inbox", None, stray, 1);
            }
            let drops = listing.drops.into_iter().map(|name| (name.clone(), name.in_inbox(root))).collect();
            check_drops(&mut checked, root, settings, &senders, drops, 0)?;
        }
        Some(path) if path.is_dir() && path.join(STATUS).is_file() => {
            for explanation in about(root, &path.to_string_lossy())? {
                checked.add(shown_path(path), None, explanation.text(), 0);
            }
        }
        Some(path) if path.is_dir() => {
            let senders = read_senders(root)?;
            let asked = drop_name(root, path);
            // Those that the next pass takes before it decide whether it is a duplicate.
            let mut drops: Vec<(DropName, PathBuf)> = Vec::new();
            if real(path).starts_with(real(&root.inbox())) {
                let listed = intake::list(root, &senders).context("kan ikke lese inbox/")?.drops;
                let before = listed.into_iter().filter(|name| *name < asked);
                drops.extend(before.map(|name| (name.clone(), name.in_inbox(root))));
            }
            let others = drops.len();
            drops.push((asked, path.to_owned()));
            check_drops(&mut checked, root, settings, &senders, drops, others)?;
        }
        Some(path) => check_file(&mut checked, root, settings, path)?,
    }
    Ok(checked)
}

fn check_file(checked: &mut Checked, root: &Root, settings: &Settings, path: &Path) -> Result<(), PassError> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if file.ends_with(".yaml") || file.ends_with(".yml") {
        let bytes = std::fs::read(path).with_context(|| format!("{} kan ikke leses", shown_path(path)))?;
        match parse_senders(&bytes) {
            Ok(senders) => check_senders(checked, shown_path(path), &senders, settings),
            Err(error) => checked.add(shown_path(path), None, error.to_string(), 3),
        }
        return Ok(());
    }
    let stem = file.strip_suffix(".gz").unwrap_or(&file).strip_suffix(".csv").unwrap_or_default();
    match stem.parse() {
        Ok(name) => {
            let senders = read_senders(root)?;
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
            check_snapshot(checked, dir, root, &senders, settings, name);
        }
        Err(_) => {
            let what = "finnes ikke, eller er verken en brevmappe, et register eller avsendere.yaml";
            checked.add(shown_path(path), None, what, 1);
        }
    }
    Ok(())
}

fn check_senders(checked: &mut Checked, path: String, senders: &Senders, settings: &Settings) {
    checked.add(path.clone(), None, senders_text(senders), 0);
    for warning in senders.warnings(settings.now.date_naive()) {
        checked.add(path.clone(), None, warning.text, warning.refuses.into());
    }
}

fn check_snapshot(
    checked: &mut Checked,
    dir: &Path,
    root: &Root,
    senders: &Senders,
    settings: &Settings,
    name: SnapshotName,
) {
    let memory = SnapshotMemory::load(&root.state());
    let request = Request {
        dir,
        policies: &senders.registers,
        memory: &memory,
        shelf: Some(Shelf { dir: &root.tables(), is_ours: false, wall: settings.wall }),
        accept: &settings.accept,
        wanted: &Wanted::everything(),
        now: settings.now,
    };
    let (used, messages) = inspect(request, name);
    let accepted = used.is_some() || messages.is_empty();
    for message in &messages {
        checked.add(name.as_str(), None, message.clone(), if accepted { 1 } else { 3 });
    }
    if let Some(used) = used {
        checked.add(name.as_str(), None, format!("godtatt, {}, SHA-256 {}", used.rows_text(), used.sha256), 0);
    }
}

fn check_drops(
    checked: &mut Checked,
    root: &Root,
    settings: &Settings,
    senders: &Senders,
    drops: Vec<(DropName, PathBuf)>,
    not_asked: usize,
) -> Result<(), PassError> {
    let (previews, messages) = preview(root, settings, senders, &drops)?;
    for message in messages {
        checked.add("registry", None, message, 0);
    }
    for preview in previews.into_iter().skip(not_asked) {
        let outlook = &preview.outlook;
        let code = outlook.code().map(|code| code.as_str());
        checked.add(preview.name.shown(), code, outlook.sentence(), outlook.exit_code());
    }
    Ok(())
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

fn senders_text(senders: &Senders) -> String {
    let names: Vec<String> =
        senders.senders.iter().map(|sender| format!("{} {}", sender.number, shown(&sender.name))).collect();
    let senders = if names.len() == 1 { "avsender" } else { "avsendere" };
    format!("gyldig, {} {senders}: {}", names.len(), names.join(", "))
}
