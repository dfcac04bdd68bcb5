//! `demo`: a root of its own with sample letters and registers, and a day's work done in it with the real program
//! parts. Everybody in it is made up.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use chrono::TimeDelta;
use indicatif::ProgressBar;
use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};
use serde::Serialize;
use walkdir::WalkDir;

use super::explain::about;
use super::{Answer, Call};
use crate::core::calendar::{Time, in_words};
use crate::core::names::STATUS;
use crate::core::status::Stamp;
use crate::shell::nightly::{self, NightReport};
use crate::shell::pass::{self, PassError, Report, Settings};
use crate::shell::root::Root;

#[derive(clap::Args)]
#[command(after_long_help = "Example:
  postgang demo /tmp/post")]
pub struct Args {
    /// Folder to make the root in; a new temporary folder when absent
    dir: Option<PathBuf>,
}

pub fn demo(call: &Call, args: &Args) -> Result<Answer, PassError> {
    let temporary = || tempfile::Builder::new().prefix("postgang-demo-").tempdir().context("no temporary folder");
    let dir = args.dir.clone().map_or_else(|| temporary().map(tempfile::TempDir::keep), Ok)?;
    let demo = day_and_night(&dir, &(call.settings)())?;
    Ok(Answer::new(&demo, &*demo.text)?)
}

/// `registry/` as it stands in the repository.
const REGISTRY: [(&str, &str); 6] = [
    ("avsendere.yaml", include_str!("../../registry/avsendere.yaml")),
    ("krr.csv", include_str!("../../registry/krr.csv")),
    ("reservasjoner.csv", include_str!("../../registry/reservasjoner.csv")),
    ("enheter.csv", include_str!("../../registry/enheter.csv")),
    ("underenheter.csv", include_str!("../../registry/underenheter.csv")),
    ("svarinn.csv", include_str!("../../registry/svarinn.csv")),
];

/// A drop: its folder, its metadata, and its documents with their pages.
struct Sample {
    folder: &'static str,
    metadata: &'static str,
    documents: &'static [(&'static str, u32)],
}

/// References of the two sample letters that go to Altinn.
const OPENED: &str = "2026/109-5";
const UNOPENED: &str = "2026/103-1";

const ADDRESS: &str = "  adresselinje1: Storgata 1\n  postnummer: '4604'\n  poststed: KRISTIANSAND S\n";

const SAMPLES: [Sample; 13] = [
    Sample {
        folder: "2026-101 barnehageplass",
        metadata: "tittel: Tilbud om barnehageplass\neksternReferanse: 2026/101-2\nmottaker:\n  navn: Eline Eksempel\n  digitalId: 12837110147\n",
        documents: &[("vedtak.pdf", 2)],
    },
    Sample {
        folder: "2026-102 byggeløyve",
        metadata: "tittel: Byggeløyve\neksternReferanse: 2026/102-4\nmottaker:\n  navn: Torfinn Døme\n  digitalId: 04918520339\n",
        documents: &[("vedtak.pdf", 3), ("situasjonskart.pdf", 1)],
    },
    Sample {
        folder: "2026-103 parkering",
        metadata: "tittel: Parkeringstillatelse\neksternReferanse: 2026/103-1\nmottaker:\n  navn: Ingrid Prøve\n  digitalId: 23866031088\n",
        documents: &[("tillatelse.pdf", 1)],
    },
    Sample {
        folder: "2026-104 hjemmetjeneste",
        metadata: "tittel: Vedtak om hjemmetjeneste\neksternReferanse: 2026/104-7\nmottaker:\n  navn: Reidar Reservert\n  digitalId: 30819241151\n",
        documents: &[("vedtak.pdf", 2)],
    },
    Sample {
        folder: "2026-105 eiendomsskatt",
        metadata: "tittel: Eiendomsskatt\neksternReferanse: 2026/105-1\nmottaker:\n  navn: Gamle Kontaktdata\n  digitalId: 17894951222\n",
        documents: &[("skatteseddel.pdf", 1)],
    },
    Sample {
        folder: "2026-106 skolebytte",
        metadata: "tittel: Svar om skolebytte\neksternReferanse: 2026/106-3\nmottaker:\n  navn: Máret Ovdamearka\n  digitalId: 08889961385\n",
        documents: &[("svar.pdf", 1)],
    },
    Sample {
        folder: "2026-107 ny innbygger",
        metadata: "tittel: Velkommen\neksternReferanse: 2026/107-1\nmottaker:\n  navn: Ny Innbygger\n  digitalId: 01927871587\n",
        documents: &[("brev.pdf", 1)],
    },
    Sample {
        folder: "2026-108 uten nummer",
        metadata: "tittel: Nabovarsel\neksternReferanse: 2026/108-1\nmottaker:\n  navn: Ukjent Nabo\n",
        documents: &[("varsel.pdf", 1)],
    },
    Sample {
        folder: "2026-109 skjenkebevilling",
        metadata: "tittel: Skjenkebevilling\neksternReferanse: 2026/109-5\nmottaker:\n  navn: Fjorden Bygg og Anlegg AS\n  digitalId: '310000019'\n",
        documents: &[("vedtak.pdf", 2)],
    },
    Sample {
        folder: "2026-110 høring",
        metadata: "tittel: Høring\neksternReferanse: 2026/110-1\nmottaker:\n  navn: Nabovik kommune\n  digitalId: '310000205'\n",
        documents: &[("høringsbrev.pdf", 1)],
    },
    Sample {
        folder: "2026-111 til konkursbo",
        metadata: "tittel: Pålegg\neksternReferanse: 2026/111-1\nmottaker:\n  navn: Konkursramte Tjenester AS\n  digitalId: '310000418'\n",
        documents: &[("pålegg.pdf", 1)],
    },
    Sample {
        folder: "2026-112 glemt vedlegg",
        metadata: "tittel: Med vedlegg\neksternReferanse: 2026/112-1\ndokumenter:\n  - {filnavn: brev.pdf, mimeType: application/pdf}\nmottaker:\n  navn: Eline Eksempel\n  digitalId: 12837110147\n",
        documents: &[("brev.pdf", 1), ("vedlegg.pdf", 1)],
    },
    Sample {
        folder: "2026-113 feilskrevet",
        metadata: "tittel: Bare digitalt\neksternReferanse: 2026/113-1\nkunDigitalLevring: true\nmottaker:\n  navn: Reidar Reservert\n  digitalId: 30819241151\n",
        documents: &[("brev.pdf", 1)],
    },
];

/// What the demo did.
#[derive(Serialize)]
struct Demo {
    root: PathBuf,
    run: Report,
    nightly: NightReport,
    #[serde(skip)]
    text: String,
}

/// Makes a root in `dir`, drops the sample letters, routes them, and does the night's work when the first deadline has
/// passed: one letter was opened in Altinn by then, the other was not.
/// The folder must be empty or missing: a root that is in use keeps its registers and settings.
fn day_and_night(dir: &Path, settings: &Settings) -> Result<Demo, PassError> {
    let is_empty = fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty {
        let dir = dir.display();
        return Err(anyhow::anyhow!(
            "{dir}: mappen er ikke tom. Ingenting i den er rørt. Prøv: oppgi en ny mappe, eller utelat den."
        )
        .into());
    }
    let root = Root::new(dir, None);
    build(&root, settings.now)?;
    let run = pass::run(&root, settings)?;
    let mut text = format!("{} brev lagt i {}/inbox\n\n{}\n", SAMPLES.len(), dir.display(), run.text());
    text += &format!("I outbox/ ligger nå:\n{}\n", listing(&root));
    let question = UNOPENED;
    text += &format!("Hvorfor ligger {question} der det ligger? (postgang explain {question})\n");
    let mut night = settings.now;
    for explanation in about(&root, question)? {
        text += &indented(&explanation.text());
        night = explanation.status.and_then(|status| status.lesefrist).map_or(night, |deadline| deadline.0);
    }
    let night = night + TimeDelta::minutes(5);
    write_receipts(&root, settings.now, night)?;
    let nightly = nightly::nightly(
        &root,
        &Settings { now: night, accept: Vec::new(), progress: ProgressBar::hidden(), ..*settings },
        &[],
    )?;
    text += &format!(
        "\nSå er lesefristen ute; {OPENED} er åpnet i Altinn, {UNOPENED} er det ikke. Natten til {}:\n\n{}\nI outbox/ ligger nå:\n{}",
        in_words(night),
        nightly.text(),
        listing(&root)
    );
    Ok(Demo { root: dir.to_owned(), run, nightly, text })
}

/// Everything in `outbox/`, two levels deep and sealed batches one more; what lies in a letter's folder is left out.
fn listing(root: &Root) -> String {
    let entries = WalkDir::new(root.outbox()).min_depth(1).max_depth(3).sort_by_file_name();
    let mut text = String::new();
    for entry in entries.into_iter().filter_map(Result::ok) {
        let inside = entry.path().strip_prefix(root.dir()).unwrap_or(entry.path());
        let is_folder = entry.file_type().is_dir();
        let in_letter = inside.parent().is_some_and(|folder| root.dir().join(folder).join(STATUS).exists());
        let is_channel = is_folder && entry.depth() == 1;
        if !in_letter && !is_channel {
            text += &format!("  {}{}\n", inside.display(), if is_folder { "/" } else { "" });
        }
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// What Altinn would have said between the day and the night: both letters there were noticed, one was opened.
fn write_receipts(root: &Root, day: Time, night: Time) -> anyhow::Result<()> {
    let mut rows = "forsendelsesId;status;tidspunkt;kanal\r\n".to_owned();
    for (reference, states) in [(OPENED, &["VARSLET", "LEST"][..]), (UNOPENED, &["VARSLET"])] {
        for explanation in about(root, reference)? {
            for (hours, state) in (1..).zip(states) {
                let at = Stamp(day + TimeDelta::minutes(hours));
                rows += &format!("{};{state};{at};altinn\r\n", explanation.id);
            }
        }
    }
    let dir = root.registry().join("kvitteringer");
    fs::create_dir_all(&dir).with_context(|| format!("kan ikke lage {}", dir.display()))?;
    write_dated(&dir.join("altinn.csv"), &rows, night)
}

/// A file that came at the demo's own time: old receipts are no sign of life, and old registers are not believed.
fn write_dated(path: &Path, text: &str, at: Time) -> anyhow::Result<()> {
    let write = || {
        fs::write(path, text)?;
        File::options().write(true).open(path)?.set_modified(SystemTime::from(at))
    };
    write().with_context(|| format!("kan ikke skrive {}", path.display()))
}

fn build(root: &Root, now: Time) -> anyhow::Result<()> {
    for dir in [root.inbox(), root.outbox(), root.registry()] {
        fs::create_dir_all(&dir).with_context(|| format!("kan ikke lage {}", dir.display()))?;
    }
    for (name, text) in REGISTRY {
        write_dated(&root.registry().join(name), text, now)?;
    }
    for sample in &SAMPLES {
        let folder = root.inbox().join(sample.folder);
        fs::create_dir(&folder).with_context(|| format!("kan ikke lage {}", folder.display()))?;
        for (name, pages) in sample.documents {
            fs::write(folder.join(name), sample_pdf(sample.folder, *pages)?)?;
        }
        fs::write(folder.join("forsendelse.yaml"), format!("{}{ADDRESS}", sample.metadata))?;
        fs::write(folder.join("KLAR"), "")?;
    }
    Ok(())
}

/// An A4 PDF with a heading on each page.
fn sample_pdf(heading: &str, pages: u32) -> anyhow::Result<Vec<u8>> {
    let mut document = Document::with_version("1.5");
    let tree = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let mut kids = Vec::new();
    for page in 1..=pages {
        let line = format!("{heading}, side {page} av {pages}");
        // The standard fonts know Latin-1 alone.
        let latin: Vec<u8> = line.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
        let operations = vec![
            Operation::new("BT", vec![]),
            Operation::new("Tf", vec!["F1".into(), 14.into()]),
            Operation::new("Td", vec![85.into(), 700.into()]),
            Operation::new("Tj", vec![Object::string_literal(latin)]),
            Operation::new("ET", vec![]),
        ];
        let content = document.add_object(Stream::new(dictionary! {}, Content { operations }.encode()?));
        kids.push(
            document.add_object(dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => content }).into(),
        );
    }
    document.objects.insert(
        tree,
        Object::Dictionary(dictionary! {
            "Type" => "Pages", "Kids" => kids, "Count" => pages, "Resources" => resources,
            "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        }),
    );
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes)?;
    Ok(bytes)
}
