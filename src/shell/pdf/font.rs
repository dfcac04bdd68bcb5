//! Fonts: how far a glyph advances, whether it is white space, and whether the font can be printed elsewhere.

use std::cell::OnceCell;
use std::collections::HashMap;

use lopdf::{Dictionary, Document, Encoding, Object, ObjectId, Stream, dictionary};

use super::Pdf;
use super::content::unpacked;
use super::geometry::{Matrix, number, numbers};
use super::metrics;
use super::pages::Page;

/// Bytes that a `ToUnicode` map may unpack to.
const CMAP_BYTES_MAX: usize = 4 << 20;
/// What a byte of such a map costs to take apart.
const CMAP_BYTE_WORK: usize = 100;
/// Forms within forms whose fonts are looked at.
const FORM_DEPTH_MAX: usize = 12;
/// The widest range of characters that share one width; there are no more codes than these.
const CODES_MAX: u32 = 0xFFFF;

/// Base names, without `-` and spaces, of fonts that every printer has: the standard 14, and Arial.
const PRINTERS_OWN: [&str; 6] = ["TIMES", "COURIER", "HELVETICA", "SYMBOL", "ZAPFDINGBATS", "ARIAL"];

/// A font, as far as text has to be placed and told from white space.
pub(super) struct Font<'a> {
    pdf: &'a Pdf,
    dictionary: &'a Dictionary,
    widths: Widths,
    vertical: bool,
    unicode: OnceCell<Option<Encoding<'a>>>,
    encoding: OnceCell<Option<Encoding<'a>>>,
}

/// Advances in thousandths of the font size.
enum Widths {
    /// One byte a code.
    Simple { first: i64, widths: Vec<f64>, missing: f64, scale: f64 },
    /// One byte a code, widths known to the reader instead of the file.
    Standard(&'static metrics::Widths),
    /// Two bytes a code.
    Composite { widths: HashMap<u32, f64>, default: f64 },
}

impl<'a> Font<'a> {
    /// Reads what there is; what is missing or broken takes the value that readers assume.
    pub(super) fn read(pdf: &'a Pdf, dictionary: &'a Dictionary) -> Self {
        let document = &pdf.document;
        let name = |key| dictionary.get_deref(key, document).and_then(Object::as_name).unwrap_or_default();
        let composite = name(b"Subtype") == b"Type0";
        let widths =
            if composite { composite_widths(document, dictionary) } else { simple_widths(document, dictionary) };
        let vertical = composite && name(b"Encoding").ends_with(b"-V");
        let (unicode, encoding) = (OnceCell::new(), OnceCell::new());
        Self { pdf, dictionary, widths, vertical, unicode, encoding }
    }

    pub(super) fn is_vertical(&self) -> bool {
        self.vertical
    }

    /// The string's codes: two bytes each in a composite font, else one.
    pub(super) fn codes<'s>(&self, string: &'s [u8]) -> std::slice::Chunks<'s, u8> {
        string.chunks(if matches!(self.widths, Widths::Composite { .. }) { 2 } else { 1 })
    }

    /// How far the glyph moves the next one, in units of the font size.
    pub(super) fn advance(&self, code: &[u8]) -> f64 {
        let number = code.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let thousandths = match &self.widths {
            _ if self.vertical => -1000.0,
            Widths::Simple { first, widths, missing, scale } => {
                let index = usize::try_from(i64::from(number) - first).ok();
                index.and_then(|index| widths.get(index)).unwrap_or(missing) * scale
            }
            Widths::Standard(widths) => widths.of(number),
            Widths::Composite { widths, default } => *widths.get(&number).unwrap_or(default),
        };
        thousandths / 1000.0
    }

    /// Whether the code stands for white space: by the font's own map to Unicode, else by its encoding. A code that
    /// neither explains leaves ink, unless it is ASCII white space.
    pub(super) fn is_blank(&self, code: &[u8]) -> bool {
        let blank = |text: String| text.chars().all(|c| c.is_whitespace() || c.is_control());
        let unicode = self.unicode.get_or_init(|| self.to_unicode()).as_ref();
        if let Some(text) =
            unicode.and_then(|map| map.bytes_to_string(code).ok()).filter(|text| !text.contains('\u{FFFD}'))
        {
            return blank(text);
        }
        match code {
            [byte] => {
                let encoding = self.encoding.get_or_init(|| self.encoding()).as_ref();
                match encoding.and_then(|encoding| encoding.bytes_to_string(code).ok()).filter(|text| !text.is_empty())
                {
                    Some(text) => blank(text),
                    None => *byte <= b' ',
                }
            }
            _ => false,
        }
    }

    fn to_unicode(&self) -> Option<Encoding<'a>> {
        let stream = self.dictionary.get_deref(b"ToUnicode", &self.pdf.document).ok()?.as_stream().ok()?;
        // The library prefers the encoding; a font without one makes it read the map.
        let mut bare = Document::new();
        let id = bare.add_object(self.map(stream)?);
        let font = dictionary! { "Type" => "Font", "ToUnicode" => id };
        match font.get_font_encoding_with_limit(&bare, CMAP_BYTES_MAX).ok()? {
            Encoding::UnicodeMapEncoding(map) => Some(Encoding::UnicodeMapEncoding(map)),
            _ => None,
        }
    }

    fn map(&self, stream: &Stream) -> Option<Stream> {
        let content = unpacked(self.pdf, stream).filter(|map| map.len() <= CMAP_BYTES_MAX)?;
        self.pdf.budget.work(CMAP_BYTE_WORK * content.len())?;
        self.pdf.budget.memory(4 * content.len())?;
        Some(Stream::new(Dictionary::new(), content))
    }

    fn encoding(&self) -> Option<Encoding<'a>> {
        self.dictionary.get_font_encoding_with_limit(&self.pdf.document, CMAP_BYTES_MAX).ok()
    }
}

fn simple_widths(document: &Document, font: &Dictionary) -> Widths {
    let own = font.get_deref(b"Widths", document).and_then(Object::as_array);
    let Ok(own) = own else {
        return Widths::Standard(metrics::of(&base_name(document, font)));
    };
    let value =
        |object: &Object| document.dereference(object).ok().and_then(|(_, object)| number(object)).unwrap_or(0.0);
    let descriptor = font.get_deref(b"FontDescriptor", document).and_then(Object::as_dict);
    // A Type 3 font measures in a space of its own.
    let matrix = font.get(b"FontMatrix").ok().and_then(|object| numbers::<6>(document, object)).map(Matrix::new);
    Widths::Simple {
        first: font.get_deref(b"FirstChar", document).and_then(Object::as_i64).unwrap_or(0),
        widths: own.iter().take(256).map(value).collect(),
        missing: descriptor.and_then(|descriptor| descriptor.get(b"MissingWidth")).map_or(0.0, value),
        scale: matrix.map_or(1.0, |matrix| (matrix.apply(1.0, 0.0).0 - matrix.apply(0.0, 0.0).0) * 1000.0),
    }
}

/// `W` holds `first [w w …]` and `first last w`, in any mixture (ISO 32000-1, 9.7.4.3).
fn composite_widths(document: &Document, font: &Dictionary) -> Widths {
    let mut widths = HashMap::new();
    let descendant = descendant(document, font);
    let entry = |key| descendant.and_then(|font| font.get_deref(key, document).ok());
    let default = entry(b"DW").and_then(number).unwrap_or(1000.0);
    let mut items = entry(b"W").and_then(|object| object.as_array().ok()).map_or([].as_slice(), Vec::as_slice);
    let code = |object: &Object| number(object).map(|code| code.clamp(0.0, f64::from(CODES_MAX)) as u32);
    // A file may repeat a range as often as it likes; a font has no more glyphs than codes.
    let mut listed = 0;
    while let [first, second, rest @ ..] = items
        && listed <= 2 * CODES_MAX as usize
    {
        let resolved = document.dereference(second).map_or(second, |(_, object)| object);
        items = match (code(first), resolved, rest) {
            (Some(first), Object::Array(list), _) => {
                listed += list.len();
                widths.extend((first..=CODES_MAX).zip(list.iter().filter_map(number)));
                rest
            }
            (Some(first), last, [width, rest @ ..]) => {
                let range = first..=code(last).unwrap_or(first);
                listed += range.clone().count();
                widths.extend(range.zip(std::iter::repeat(number(width).unwrap_or(default))));
                rest
            }
            _ => break,
        };
    }
    Widths::Composite { widths, default }
}

fn descendant<'a>(document: &'a Document, font: &'a Dictionary) -> Option<&'a Dictionary> {
    let fonts = font.get_deref(b"DescendantFonts", document).ok()?.as_array().ok()?;
    document.dereference(fonts.first()?).ok()?.1.as_dict().ok()
}

/// The base name in capitals without `-` and spaces.
fn base_name(document: &Document, font: &Dictionary) -> String {
    normal_name(font.get_deref(b"BaseFont", document).and_then(Object::as_name).unwrap_or_default())
}

fn normal_name(name: &[u8]) -> String {
    let kept = name.iter().filter(|byte| **byte != b'-' && !byte.is_ascii_whitespace());
    kept.map(|byte| char::from(byte.to_ascii_uppercase())).collect()
}

/// Looks at the fonts of a document's pages, each once.
pub(super) struct Inspection<'a> {
    pdf: &'a Pdf,
    /// By font: whether it can be printed.
    fonts: HashMap<ObjectId, bool>,
    /// By resource dictionary: whether all fonts in it, and in what it holds, can be printed.
    resources: HashMap<*const Dictionary, bool>,
}

impl<'a> Inspection<'a> {
    pub(super) fn new(pdf: &'a Pdf) -> Self {
        Self { pdf, fonts: HashMap::new(), resources: HashMap::new() }
    }

    /// Whether every font in the page's resources, and in those of its forms and patterns, is embedded or the
    /// printer's own.
    pub(super) fn page_is_printable(&mut self, page: &Page) -> bool {
        let resources = page.inherited(&self.pdf.document, b"Resources").and_then(|object| object.as_dict().ok());
        resources.is_none_or(|resources| self.resources_are_printable(resources, 0))
    }

    /// The same of a form by itself.
    pub(super) fn form_is_printable(&mut self, form: &'a Stream, depth: usize) -> bool {
        let own = form.dict.get_deref(b"Resources", &self.pdf.document).and_then(Object::as_dict).ok();
        own.is_none_or(|own| self.resources_are_printable(own, depth))
    }

    fn resources_are_printable(&mut self, resources: &'a Dictionary, depth: usize) -> bool {
        let this = std::ptr::from_ref(resources);
        if let Some(known) = self.resources.get(&this) {
            return *known;
        }
        if depth >= FORM_DEPTH_MAX {
            return true;
        }
        // What is still being looked at holds nothing more within itself.
        self.resources.insert(this, true);
        let document = &self.pdf.document;
        let entries = move |key: &[u8]| {
            let dictionary = resources.get_deref(key, document).and_then(Object::as_dict).ok();
            dictionary.into_iter().flat_map(Dictionary::iter).map(|(_, object)| object)
        };
        let fonts = entries(b"Font").all(|object| match document.dereference(object) {
            Ok((Some(id), font)) => *self.fonts.entry(id).or_insert_with(|| is_printable(document, font)),
            Ok((None, font)) => is_printable(document, font),
            // A reference to nothing is no font.
            Err(_) => true,
        });
        let printable = fonts
            && entries(b"XObject").chain(entries(b"Pattern")).all(|object| match document.dereference(object) {
                Ok((_, Object::Stream(form))) => self.form_is_printable(form, depth + 1),
                _ => true,
            });
        self.resources.insert(this, printable);
        printable
    }
}

fn is_printable(document: &Document, font: &Object) -> bool {
    let Ok(font) = font.as_dict() else { return true };
    match font.get_deref(b"Subtype", document).and_then(Object::as_name) {
        // Its glyphs are content streams in the file itself.
        Ok(b"Type3") => true,
        Ok(b"Type0") => descendant(document, font).is_some_and(|font| is_embedded_or_own(document, font)),
        _ => is_embedded_or_own(document, font),
    }
}

fn is_embedded_or_own(document: &Document, font: &Dictionary) -> bool {
    let descriptor = font.get_deref(b"FontDescriptor", document).and_then(Object::as_dict).ok();
    let embedded = descriptor.is_some_and(|descriptor| {
        let program = |key: &&[u8]| descriptor.get_deref(key, document).and_then(Object::as_stream).is_ok();
        [&b"FontFile"[..], b"FontFile2", b"FontFile3"].iter().any(program)
    });
    let described = descriptor.and_then(|it| it.get_deref(b"FontName", document).and_then(Object::as_name).ok());
    let name = described.map_or_else(|| base_name(document, font), normal_name);
    embedded || PRINTERS_OWN.iter().any(|own| name.contains(own))
}
