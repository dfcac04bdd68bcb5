//! PDFs of about 50 KB: A4 text in Helvetica and a picture that cannot be compressed, as a scanned attachment is.
//!
//! A few are made in full; each letter's copy differs in the file identifier only, whose length is fixed, so that
//! the cross-reference table stays right.

use anyhow::{Context, Result};
use lopdf::content::{Content, Operation};
use lopdf::xref::XrefType;
use lopdf::{Dictionary, Document, Object, ObjectId, Stream, StringFormat, dictionary};
use memchr::memmem;

use crate::random::{Purpose, Random};

/// Stands where a copy's own identifier goes, in hexadecimal.
const PLACEHOLDER: [u8; 16] = *b"identifier here!";
/// Grey picture, bytes = pixels.
const PICTURE_SIDE: i64 = 215;

pub struct Template {
    bytes: Vec<u8>,
    identifiers_at: Vec<usize>,
}

impl Template {
    /// `pages` of text, the picture on the last.
    pub fn new(seed: u64, index: u64, pages: usize) -> Result<Self> {
        let mut random = Random::new(seed, Purpose::Pdf, index);
        let mut document = Document::with_version("1.6");
        // Both ways of writing the table are common in archives.
        if index.is_multiple_of(2) {
            document.reference_table.cross_reference_type = XrefType::CrossReferenceTable;
        }
        let mut bytes = Vec::new();
        build(&mut document, &mut random, pages)?;
        document.save_to(&mut bytes).context("cannot write a PDF")?;
        let placeholder: String = PLACEHOLDER.iter().map(|byte| format!("{byte:02X}")).collect();
        let identifiers_at: Vec<usize> = memmem::find_iter(&bytes, placeholder.as_bytes()).collect();
        anyhow::ensure!(identifiers_at.len() == 2, "a PDF has two identifiers, not {}", identifiers_at.len());
        Ok(Self { bytes, identifiers_at })
    }

    /// The PDF with an identifier of its own.
    pub fn with_identifier(&self, identifier: u128) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let text = format!("{identifier:032X}");
        for at in &self.identifiers_at {
            bytes[*at..*at + text.len()].copy_from_slice(text.as_bytes());
        }
        bytes
    }
}

fn build(document: &mut Document, random: &mut Random, pages: usize) -> Result<()> {
    let tree = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let mut pixels = vec![0; (PICTURE_SIDE * PICTURE_SIDE) as usize];
    random.fill(&mut pixels);
    let picture = document.add_object(Stream::new(
        dictionary! {
            "Type" => "XObject", "Subtype" => "Image", "Width" => PICTURE_SIDE, "Height" => PICTURE_SIDE,
            "ColorSpace" => "DeviceGray", "BitsPerComponent" => 8,
        },
        pixels,
    ));
    let kids = (1..=pages)
        .map(|number| add_page(document, random, tree, font, (number == pages).then_some(picture)))
        .collect::<Result<Vec<Object>>>()?;
    document.objects.insert(
        tree,
        Object::Dictionary(dictionary! {
            "Type" => "Pages", "Count" => pages as i64, "Kids" => kids,
            "MediaBox" => vec![0.into(), 0.into(), Object::Real(595.28), Object::Real(841.89)],
        }),
    );
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    let info = document.add_object(dictionary! { "Producer" => Object::string_literal("Storevik sakarkiv") });
    document.trailer.set("Root", catalog);
    document.trailer.set("Info", info);
    let identifier = || Object::String(PLACEHOLDER.to_vec(), StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![identifier(), identifier()]);
    Ok(())
}

/// Forty-odd lines from 25 mm, clear of the zone that the printer's barcode needs.
fn add_page(
    document: &mut Document,
    random: &mut Random,
    tree: ObjectId,
    font: ObjectId,
    picture: Option<ObjectId>,
) -> Result<Object> {
    let mut operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 11.into()]),
        Operation::new("TL", vec![14.into()]),
        Operation::new("Td", vec![71.into(), 770.into()]),
    ];
    let words = ["vedtak", "kommunen", "klage", "frist", "søknaden", "etter", "loven", "er", "innvilget", "og", "på"];
    for _ in 0..if picture.is_some() { 20 } else { 45 } {
        let line: Vec<&str> = (0..11).map(|_| random.pick(&words)).collect();
        // WinAnsi is Latin-1 where these letters stand.
        let latin: Vec<u8> = line.join(" ").chars().map(|letter| letter as u8).collect();
        operations.push(Operation::new("Tj", vec![Object::String(latin, StringFormat::Literal)]));
        operations.push(Operation::new("T*", vec![]));
    }
    operations.push(Operation::new("ET", vec![]));
    let mut pictures = Dictionary::new();
    if let Some(picture) = picture {
        let placed = [360, 0, 0, 360, 71, 80].into_iter().map(Object::from).collect();
        operations.push(Operation::new("q", vec![]));
        operations.push(Operation::new("cm", placed));
        operations.push(Operation::new("Do", vec!["Im1".into()]));
        operations.push(Operation::new("Q", vec![]));
        pictures.set("Im1", picture);
    }
    let mut content = Stream::new(dictionary! {}, Content { operations }.encode()?);
    content.compress()?;
    let content = document.add_object(content);
    let page = document.add_object(dictionary! {
        "Type" => "Page", "Parent" => tree, "Contents" => content,
        "Resources" => dictionary! { "Font" => dictionary! { "F1" => font }, "XObject" => pictures },
    });
    Ok(page.into())
}
