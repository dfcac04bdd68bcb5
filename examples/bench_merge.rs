//! The merge against qpdf and mutool, on the same letters: `cargo run --release --example bench_merge [LETTERS]`.
//!
//! Makes letters of three pages that share a font, in a temporary folder; merges them with each program in a process
//! of its own; prints pages per second of processor time, peak memory and size. Linux only, since the figures come
//! from GNU time (`apt install time qpdf mupdf-tools`).

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use postgang::core::print::{Country, CoverLayout, Enclosure, PrintLetter, PrintLimits, plan};
use postgang::shell::pdf::{inspect, preflight};
use postgang::shell::print::{cover::Cover, file};

const PAGES: u32 = 3;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [command, folder, count] if command == "merge" => merge(Path::new(folder), count.parse()?),
        [count] => compare(count.parse()?),
        [] => compare(2_000),
        _ => Err("usage: bench_merge [LETTERS]".into()),
    }
}

/// What one program took.
struct Figures {
    pages: f64,
    seconds: f64,
    kilobytes: f64,
    bytes: f64,
}

fn compare(count: usize) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let paths: Vec<PathBuf> = (0..count).map(|number| path(folder.path(), number)).collect();
    for (path, number) in paths.iter().zip(0..) {
        fs::write(path, letter(number)?)?;
    }
    println!("{count} letters of {PAGES} pages, {} bytes each", fs::metadata(&paths[0])?.len());
    let files = paths.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let pages: u32 = files.iter().filter_map(|file| inspect(file).ok()).map(|pdf| pdf.pages()).sum();
    println!("gate       {:.1?} a file, {pages} pages", start.elapsed() / u32::try_from(count)?);
    let start = Instant::now();
    let limits = PrintLimits::default();
    let broken = files.iter().filter_map(|file| inspect(file).ok()).filter(|pdf| !preflight(pdf, &limits).is_empty());
    println!(
        "preflight  {} broken, {:.1?} a file with the gate",
        broken.count(),
        start.elapsed() / u32::try_from(count)?
    );
    drop(files);
    let itself = std::env::current_exe()?;
    let mut ours = Command::new(itself);
    ours.arg("merge").arg(folder.path()).arg(count.to_string());
    let mut qpdf = Command::new("qpdf");
    qpdf.args(["--empty", "--pages"]).args(&paths).args(["--", "out.pdf"]);
    let mut mutool = Command::new("mutool");
    mutool.args(["merge", "-o", "out.pdf"]).args(&paths);
    let mut reference: Option<Figures> = None;
    for (name, command, pages) in [("postgang", ours, PAGES + 1), ("qpdf", qpdf, PAGES), ("mutool", mutool, PAGES)] {
        let Ok(figures) = measure(command, folder.path(), f64::from(pages) * count as f64) else {
            println!("{name:<10} not installed, or failed");
            continue;
        };
        let rate = |figures: &Figures| figures.pages / figures.seconds;
        print!(
            "{name:<10} {:>8.0} pages/s  {:>6.1} MB peak  {:>7.2} MB",
            rate(&figures),
            figures.kilobytes / 1e3,
            figures.bytes / 1e6
        );
        match &reference {
            None => println!(),
            Some(ours) => println!(
                "   ours is {:.1} times as fast, in {:.3} of the memory, {:.3} of the size",
                rate(ours) / rate(&figures),
                ours.kilobytes / figures.kilobytes,
                ours.bytes / figures.bytes,
            ),
        }
        reference.get_or_insert(figures);
    }
    Ok(())
}

/// Runs the command under GNU time, which writes user and system seconds and peak kilobytes.
fn measure(command: Command, folder: &Path, pages: f64) -> Outcome<Figures> {
    let report = folder.join("time.txt");
    let mut timed = Command::new("time");
    timed.args(["-f", "%U %S %M", "-o"]).arg(&report).arg(command.get_program()).args(command.get_args());
    if !timed.current_dir(folder).output()?.status.success() {
        return Err("the program failed".into());
    }
    let text = fs::read_to_string(report)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [user, system, kilobytes] = numbers[..] else { return Err("GNU time said something else".into()) };
    let mut bytes = 0.0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("out") {
            bytes += entry.metadata()?.len() as f64;
            fs::remove_file(entry.path())?;
        }
    }
    Ok(Figures { pages, seconds: user + system, kilobytes, bytes })
}

/// Our own merge, covers included, in files of 2,000 letters as in a batch.
fn merge(folder: &Path, count: usize) -> Outcome<()> {
    let letters: Vec<PrintLetter> = (0..count)
        .map(|number| PrintLetter {
            country: Country::of(""),
            postcode: format!("{:04}", number % 10_000),
            name: format!("Mottaker {number}"),
            id: format!("{number:08}"),
            colour: false,
            duplex: false,
            documents: vec![Enclosure { pages: PAGES, giro: Vec::new() }],
        })
        .collect();
    let cover = |number: usize| {
        let recipient = vec![format!("Mottaker {number}"), "Storgata 1".to_owned(), "0150 OSLO".to_owned()];
        Ok(Cover { recipient, sender: vec!["Storevik kommune".to_owned(), "Postboks 1".to_owned()] })
    };
    let document = |number: usize, _: usize| fs::read(path(folder, number)).map(Some);
    for (file, number) in plan(&letters).iter().zip(1..) {
        let out = BufWriter::new(File::create(folder.join(format!("out-{number}.pdf")))?);
        file::write(out, file, &letters, CoverLayout::default(), cover, document)?.flush()?;
    }
    Ok(())
}

fn path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:06}.pdf"))
}

/// A letter as word processors make it: text in an embedded font, a logo of some size on each page.
fn letter(number: usize) -> Outcome<Vec<u8>> {
    use lopdf::{Document, Object, Stream, dictionary};
    let mut document = Document::with_version("1.5");
    let noise = |seed: u64, bytes: usize| -> Vec<u8> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..bytes).map(next).collect()
    };
    let program = document.add_object(Stream::new(dictionary! { "Length1" => 40_000 }, noise(1, 40_000)));
    let descriptor = document.add_object(dictionary! {
        "Type" => "FontDescriptor", "FontName" => "ABCDEF+Calibri", "Flags" => 32, "FontFile2" => program,
        "FontBBox" => vec![0.into(), 0.into(), 1000.into(), 1000.into()], "ItalicAngle" => 0, "Ascent" => 800,
        "Descent" => -200, "CapHeight" => 700, "StemV" => 80,
    });
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "TrueType", "BaseFont" => "ABCDEF+Calibri", "Encoding" => "WinAnsiEncoding",
        "FirstChar" => 32, "LastChar" => 126, "Widths" => vec![Object::Integer(500); 95], "FontDescriptor" => descriptor,
    });
    let logo = document.add_object(Stream::new(
        dictionary! { "Type" => "XObject", "Subtype" => "Image", "Width" => 64, "Height" => 64, "BitsPerComponent" => 8, "ColorSpace" => "DeviceGray" },
        noise(2, 4_096),
    ));
    let tree = document.new_object_id();
    let resources = document.add_object(dictionary! {
        "Font" => dictionary! { "F1" => font }, "XObject" => dictionary! { "Logo" => logo },
    });
    let pages: Vec<Object> = (0..PAGES)
        .map(|page| {
            let mut content = "q 50 0 0 50 60 760 cm /Logo Do Q BT /F1 11 Tf 14 TL 80 700 Td\n".to_owned();
            for line in 0..40 {
                content += &format!(
                    "(Sak {number}, side {page}, linje {line}: vedtaket kan paklages innen tre uker.) Tj T*\n"
                );
            }
            let mut stream = Stream::new(dictionary! {}, (content + "ET").into_bytes());
            // Where it cannot be compressed it stays as it is.
            let _ = stream.compress();
            let content = document.add_object(stream);
            let page = dictionary! {
                "Type" => "Page", "Parent" => tree, "Contents" => content, "Resources" => resources,
                "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
            };
            document.add_object(page).into()
        })
        .collect();
    document
        .objects
        .insert(tree, dictionary! { "Type" => "Pages", "Kids" => pages, "Count" => i64::from(PAGES) }.into());
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes)?;
    Ok(bytes)
}
