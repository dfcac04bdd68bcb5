//! `demo`: a root of its own with sample letters and registers, and a day's work done in it with the real program
//! parts. Everybody in it is made up.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};

use super::explain::explain;
use super::find::letters;
use super::pass::{self, PassError, Report, Settings};
use super::root::Root;

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

/// What the demo did, as it is shown.
pub struct Demo {
    pub dir: PathBuf,
    pub report: Report,
    text: String,
}

/// Makes a root in `dir`, drops the sample letters and routes them.
pub fn demo(dir: &Path, settings: &Settings) -> Result<Demo, PassError> {
    let root = Root::new(dir, None);
    build(&root)?;
    let report = pass::run(&root, settings)?;
    let mut text =
        format!("{} brev lagt i {}/inbox\n\n{}\nI outbox/ ligger nå:\n", SAMPLES.len(), dir.display(), report.text());
    for letter in letters(&root) {
        let inside = letter.strip_prefix(dir).unwrap_or(&letter);
        text += &format!("  {}/\n", inside.display());
    }
    text += "\nHvorfor ligger 2026/103-1 der det ligger? (postgang explain 2026/103-1)\n";
    for explanation in explain(&root, "2026/103-1")? {
        for line in explanation.text().lines() {
            text += &format!("  {line}\n");
        }
    }
    Ok(Demo { dir: dir.to_owned(), report, text })
}

impl Demo {
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn build(root: &Root) -> anyhow::Result<()> {
    for dir in [root.inbox(), root.outbox(), root.registry()] {
        fs::create_dir_all(&dir).with_context(|| format!("kan ikke lage {}", dir.display()))?;
    }
    for (name, text) in REGISTRY {
        fs::write(root.registry().join(name), text).with_context(|| format!("kan ikke skrive registry/{name}"))?;
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
