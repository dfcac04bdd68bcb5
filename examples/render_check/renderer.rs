//! Pages as pictures, by each program that draws PDFs and is installed, and whether two pictures show the same.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Dots per inch: enough to tell a missing word, little enough for thousands of pages.
const RESOLUTION: u32 = 50;
/// PDFium smooths the text of form fields, and no other, in colours: it draws larger, and dots are put together.
const FINER: usize = 3;
/// Seconds that a program may take for a range of pages.
const SECONDS_MAX: &str = "300";
/// How far a colour may be off, of 255: smoothing differs where something is drawn a fraction of a dot away.
const COLOUR_TOLERANCE: u8 = 64;
/// Dots without a likeness that two equal pages may have.
const DOTS_TOLERATED: usize = 4;

/// A program that draws PDFs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Renderer {
    Poppler,
    MuPdf,
    Ghostscript,
    Pdfium,
}

/// A page as dots of red, green and blue.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    dots: Vec<u8>,
}

/// Draws pages with PDFium, form fields and annotations included, and writes them as the other programs do.
const PDFIUM: &str = "
import sys, pypdfium2
from pypdfium2 import raw
file, first, last, dpi = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
pdf = pypdfium2.PdfDocument(file)
pdf.init_forms()
if pdf.formenv:
    raw.FPDF_RemoveFormFieldHighlight(pdf.formenv)
out = sys.stdout.buffer
for index in range(first - 1, min(last, len(pdf))):
    bitmap = pdf[index].render(scale=dpi / 72, rev_byteorder=True, force_bitmap_format=raw.FPDFBitmap_BGR)
    stride, width, height = bitmap.stride, bitmap.width, bitmap.height
    rows = bytes(bitmap.buffer)
    out.write(b'P6\\n%d %d\\n255\\n' % (width, height))
    for row in range(height):
        out.write(rows[row * stride : row * stride + width * 3])
";

impl Renderer {
    pub const ALL: [Self; 4] = [Self::Poppler, Self::MuPdf, Self::Ghostscript, Self::Pdfium];

    pub fn name(self) -> &'static str {
        match self {
            Self::Poppler => "Poppler",
            Self::MuPdf => "MuPDF",
            Self::Ghostscript => "Ghostscript",
            Self::Pdfium => "PDFium",
        }
    }

    pub fn is_installed(self) -> bool {
        let mut command = match self {
            Self::Poppler => Command::new("pdftoppm"),
            Self::MuPdf => Command::new("mutool"),
            Self::Ghostscript => Command::new("gs"),
            Self::Pdfium => Command::new("python3"),
        };
        let command = match self {
            Self::Pdfium => command.args(["-c", "import pypdfium2"]),
            _ => command.arg("-v"),
        };
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| self != Self::Pdfium || status.success())
    }

    /// Those that are installed; says which are not.
    pub fn installed() -> Vec<Self> {
        let missing = |renderer: &Self| writeln!(std::io::stderr(), "skipped: {} is not installed", renderer.name());
        Self::ALL.into_iter().filter(|renderer| renderer.is_installed() || missing(renderer).is_err()).collect()
    }

    /// The pages from `first` to `last`, both counted from 1; fewer where the program cannot draw one.
    pub fn draw(self, file: &Path, first: u32, last: u32) -> Result<Vec<Picture>> {
        let mut command = Command::new("timeout");
        command.arg(SECONDS_MAX);
        let (from, to) = (first.to_string(), last.to_string());
        let finer = if self == Self::Pdfium { FINER } else { 1 };
        let resolution = (RESOLUTION * finer as u32).to_string();
        match self {
            Self::Poppler => {
                command.args(["pdftoppm", "-cropbox", "-r", &resolution, "-f", &from, "-l", &to]).arg(file)
            }
            Self::MuPdf => {
                command.args(["mutool", "draw", "-q", "-i", "-F", "ppm", "-r", &resolution, "-o", "-"]);
                command.arg(file).arg(format!("{from}-{to}"))
            }
            Self::Ghostscript => {
                command.args(["gs", "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-dUseCropBox", "-sDEVICE=ppmraw"]);
                command.args([
                    "-dTextAlphaBits=4",
                    "-dGraphicsAlphaBits=4",
                    "-sstdout=%stderr",
                    "-sOutputFile=%stdout",
                ]);
                command.args([format!("-r{resolution}"), format!("-dFirstPage={from}"), format!("-dLastPage={to}")]);
                command.arg(file)
            }
            Self::Pdfium => command.args(["python3", "-c", PDFIUM]).arg(file).args([&from, &to, &resolution]),
        };
        let output = command.stdin(Stdio::null()).output().context("the program timeout (of coreutils) is missing")?;
        ensure!(output.status.code() != Some(124), "{} took too long", self.name());
        Ok(pictures(&output.stdout)?.into_iter().map(|picture| picture.coarser(finer)).collect())
    }
}

/// Reads pictures that follow each other, as PPM.
fn pictures(mut bytes: &[u8]) -> Result<Vec<Picture>> {
    let mut pictures = Vec::new();
    while !bytes.is_empty() {
        let mut fields = Vec::new();
        while fields.len() < 4 {
            let end = bytes.iter().position(u8::is_ascii_whitespace).context("a picture is cut short")?;
            if bytes[0] == b'#' {
                let end = bytes.iter().position(|byte| *byte == b'\n').context("a picture is cut short")?;
                bytes = &bytes[end + 1..];
            } else {
                fields.push(std::str::from_utf8(&bytes[..end])?);
                bytes = &bytes[end + 1..];
            }
        }
        let [kind, width, height, _] = fields[..] else { continue };
        ensure!(kind == "P6", "not a picture");
        let (width, height): (usize, usize) = (width.parse()?, height.parse()?);
        let (dots, rest) = bytes.split_at_checked(width * height * 3).context("a picture is cut short")?;
        pictures.push(Picture { width, height, dots: dots.to_vec() });
        bytes = rest;
    }
    Ok(pictures)
}

impl Picture {
    /// Squares of this many dots each way put together.
    fn coarser(self, side: usize) -> Self {
        if side == 1 {
            return self;
        }
        let (width, height) = (self.width / side, self.height / side);
        let mut dots = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                for colour in 0..3 {
                    let square = (0..side * side).map(|n| self.dot(x * side + n % side, y * side + n / side)[colour]);
                    let sum: usize = square.map(usize::from).sum();
                    dots.push(u8::try_from(sum / (side * side)).unwrap_or(u8::MAX));
                }
            }
        }
        Self { width, height, dots }
    }

    /// Whether nothing is drawn.
    pub fn is_blank(&self) -> bool {
        self.dots.iter().all(|value| *value > 250)
    }

    /// Whether both show the same: each dot has its like in the other within one dot of its place.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height)
            && self.without_likeness(other) <= DOTS_TOLERATED
            && other.without_likeness(self) <= DOTS_TOLERATED
    }

    fn without_likeness(&self, other: &Self) -> usize {
        let mut count = 0;
        for y in 0..self.height {
            for x in 0..self.width {
                let own = self.dot(x, y);
                let alike = |(x, y): (usize, usize)| {
                    own.iter().zip(other.dot(x, y)).all(|(a, b)| a.abs_diff(*b) <= COLOUR_TOLERANCE)
                };
                if !alike((x, y)) {
                    let across = x.saturating_sub(1)..(x + 2).min(self.width);
                    let near =
                        across.flat_map(|x| (y.saturating_sub(1)..(y + 2).min(self.height)).map(move |y| (x, y)));
                    count += usize::from(!near.into_iter().any(alike));
                }
            }
        }
        count
    }

    fn dot(&self, x: usize, y: usize) -> &[u8] {
        let start = (y * self.width + x) * 3;
        &self.dots[start..start + 3]
    }
}
