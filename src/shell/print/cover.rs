//! Cover sheets: the recipient in the envelope's window and the return address above it, on an otherwise empty A4 page.
//!
//! The typeface is Liberation Sans, which has every letter of Norwegian and the Sami languages; `font/LICENSE` lies
//! beside it. All covers of an output file are one document, because they share the embedded letters.

use krilla::geom::Point;
use krilla::page::PageSettings;
use krilla::text::{Font, GlyphId as KrillaGlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use unicode_normalization::UnicodeNormalization;

use crate::core::code::{Code, Refusal};
use crate::core::facts::Address;
use crate::core::letter::Recipient;
use crate::core::print::settings::Block;
use crate::core::print::{Country, CoverLayout, address_lines};
use crate::core::senders::Sender;

/// The last line of a return address that is read abroad.
const HOME: &str = "NORGE";

static TYPEFACE: &[u8] = include_bytes!("font/LiberationSans-Regular.ttf");

const A4_WIDTH_PT: f32 = 595.28;
const A4_HEIGHT_PT: f32 = 841.89;
/// Sizes tried in turn until the recipient fits the window; the postal services read 10 to 12 points.
const RECIPIENT_SIZES_PT: [f32; 3] = [12.0, 11.0, 10.0];
const SENDER_SIZES_PT: [f32; 2] = [8.0, 7.0];
/// Of the mark that tells which letter this is, and where it may stand, in millimetres from the left and the top: where
/// no window shows it, unless the sender's blocks are there.
const MARK_SIZE_PT: f32 = 7.0;
const MARK_PLACES_MM: [(f32, f32); 3] = [(20.0, 287.0), (150.0, 8.0), (150.0, 287.0)];
/// From baseline to baseline, in units of the font size.
const LINE_SPACING: f32 = 1.2;

/// The two addresses of a letter, a line each, without blank lines.
#[derive(Clone)]
pub struct Cover {
    pub recipient: Vec<String>,
    pub sender: Vec<String>,
}

/// Why a letter cannot have a cover; a person must see to it. Names no part of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoverFault {
    /// A character that the typeface does not have: the address would be printed with a hole in it.
    #[error("the address has a character that cannot be printed")]
    MissingGlyph,
    /// More than the window shows, even in the smallest size.
    #[error("the address does not fit the window")]
    TooLong,
    /// Nothing to show in the window.
    #[error("the address is empty")]
    Empty,
    /// The typeface or the PDF writer failed, for no reason that lies in the letter.
    #[error("the cover cannot be made")]
    Failed,
}

/// The cover of a letter from `sender`. `back`: where answers are to go, in place of the sender's own return address.
/// Of a letter that goes abroad the return address names its country too.
pub fn of(recipient: &Recipient, back: Option<&Recipient>, sender: &Sender) -> Cover {
    let country = Country::of(recipient.country.as_deref().unwrap_or_default());
    let mut from = back.map_or_else(|| sender.return_lines(), lines);
    let from_norway = back.is_none_or(|back| Country::of(back.country.as_deref().unwrap_or_default()).is_norway());
    if !country.is_norway() && from_norway {
        from.push(HOME.to_owned());
    }
    Cover { recipient: lines(recipient), sender: from }
}

fn lines(recipient: &Recipient) -> Vec<String> {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let address = Address {
        lines: recipient.lines.iter().map(some).collect(),
        postcode: some(&recipient.postcode),
        city: some(&recipient.city),
        country: some(&recipient.country),
    };
    address_lines(&some(&recipient.name), &address)
}

/// What a letter is refused for whose cover cannot be made.
pub fn refusal(fault: CoverFault) -> Refusal {
    let detail = match fault {
        CoverFault::MissingGlyph => "et tegn finnes ikke i skriften på forsiden",
        CoverFault::TooLong => "adressen får ikke plass i konvoluttvinduet",
        CoverFault::Empty => "adressen er tom",
        CoverFault::Failed => "forsiden kunne ikke lages",
    };
    Refusal::new(Code::AddressNotPrintable, detail)
}

/// Checks that a cover can be made, without making it.
///
/// # Errors
/// As [`Covers::add`].
pub fn check(cover: &Cover, layout: &CoverLayout) -> Result<(), CoverFault> {
    let typeface = Typeface::new()?;
    typeface.fit(&cover.recipient, &layout.window, &RECIPIENT_SIZES_PT)?;
    typeface.fit(&cover.sender, &layout.sender, &SENDER_SIZES_PT)?;
    Ok(())
}

/// Checks that a sender's return address can stand on a cover, also with the country that it bears abroad.
///
/// # Errors
/// As [`Covers::add`].
pub fn check_return(lines: &[String], layout: &CoverLayout) -> Result<(), CoverFault> {
    let typeface = Typeface::new()?;
    typeface.fit(lines, &layout.sender, &SENDER_SIZES_PT)?;
    let abroad = [lines, &[HOME.to_owned()]].concat();
    typeface.fit(&abroad, &layout.sender, &SENDER_SIZES_PT).map(drop)
}

/// The covers of one output file, one page each, in the order in which they are added.
pub struct Covers {
    document: Document,
    font: Font,
    typeface: Typeface,
    layout: CoverLayout,
}

impl Covers {
    /// An empty file.
    ///
    /// # Errors
    /// [`CoverFault::Failed`] where the typeface cannot be read.
    pub fn new(layout: CoverLayout) -> Result<Self, CoverFault> {
        // Packing each page takes room for a packer of its own, which adds up to hundreds of megabytes and saves little.
        let settings = SerializeSettings {
            xmp_metadata: false,
            enable_tagging: false,
            compress_content_streams: false,
            ..SerializeSettings::default()
        };
        Ok(Self {
            document: Document::new_with(settings),
            font: Font::new(TYPEFACE.into(), 0).ok_or(CoverFault::Failed)?,
            typeface: Typeface::new()?,
            layout,
        })
    }

    /// Adds a page; `mark` tells, small and outside the window, which letter it is. After an error no page has been added.
    ///
    /// # Errors
    /// [`CoverFault::MissingGlyph`], [`CoverFault::TooLong`] and [`CoverFault::Empty`] lie in the letter.
    pub fn add(&mut self, cover: &Cover, mark: &str) -> Result<(), CoverFault> {
        let recipient = self.typeface.fit(&cover.recipient, &self.layout.window, &RECIPIENT_SIZES_PT)?;
        let sender = self.typeface.fit(&cover.sender, &self.layout.sender, &SENDER_SIZES_PT)?;
        let glyphs = self.typeface.glyphs(mark)?;
        let place = self.mark_place(glyphs.iter().map(|glyph| glyph.x_advance).sum());
        let settings = PageSettings::from_wh(A4_WIDTH_PT, A4_HEIGHT_PT).ok_or(CoverFault::Failed)?;
        let mut page = self.document.start_page_with(settings);
        let mut surface = page.surface();
        for (text, block) in [(recipient, self.layout.window), (sender, self.layout.sender)] {
            let (left, top) = (block.left.points() as f32, block.top.points() as f32);
            for (line, number) in text.lines.iter().zip(0_u8..) {
                let baseline = top + text.size * (self.typeface.ascent + LINE_SPACING * f32::from(number));
                let glyphs = self.typeface.glyphs(line)?;
                surface.draw_glyphs(Point::from_xy(left, baseline), &glyphs, self.font.clone(), line, text.size, false);
            }
        }
        surface.draw_glyphs(place, &glyphs, self.font.clone(), mark, MARK_SIZE_PT, false);
        surface.finish();
        page.finish();
        Ok(())
    }

    /// Where a mark of this width, in units of the font size, covers neither block.
    fn mark_place(&self, width: f32) -> Point {
        let free = |(left, base): &(f32, f32)| {
            let (right, top) = (left + width * MARK_SIZE_PT, base - MARK_SIZE_PT);
            [self.layout.window, self.layout.sender].iter().all(|block| {
                let (x, y) = (block.left.points() as f32, block.top.points() as f32);
                let (w, h) = (block.width.points() as f32, block.height.points() as f32);
                right < x || *left > x + w || *base < y || top > y + h
            })
        };
        let places = MARK_PLACES_MM.map(|(left, base)| (left * 72.0 / 25.4, base * 72.0 / 25.4));
        let (left, base) = places.into_iter().find(free).unwrap_or(places[0]);
        Point::from_xy(left, base)
    }

    /// The PDF. The same covers give the same bytes.
    ///
    /// # Errors
    /// [`CoverFault::Failed`] where the PDF writer fails.
    pub fn finish(self) -> Result<Vec<u8>, CoverFault> {
        self.document.finish().map_err(|_| CoverFault::Failed)
    }
}

/// Lines that fit a block, and the size in which they do.
struct Fitted {
    lines: Vec<String>,
    size: f32,
}

/// Characters to glyphs and advances.
struct Typeface {
    font: FontRef<'static>,
    units: f32,
    /// Height of the tallest letters above the baseline, in units of the font size.
    ascent: f32,
}

impl Typeface {
    fn new() -> Result<Self, CoverFault> {
        let font = FontRef::new(TYPEFACE).map_err(|_| CoverFault::Failed)?;
        let metrics = font.metrics(Size::unscaled(), LocationRef::default());
        let units = f32::from(metrics.units_per_em);
        Ok(Self { font, units, ascent: metrics.ascent / units })
    }

    /// The line's glyphs; advances in units of the font size.
    fn glyphs(&self, line: &str) -> Result<Vec<KrillaGlyph>, CoverFault> {
        let (charmap, metrics) =
            (self.font.charmap(), self.font.glyph_metrics(Size::unscaled(), LocationRef::default()));
        line.char_indices()
            .map(|(start, character)| {
                let glyph =
                    charmap.map(character).filter(|glyph| glyph.to_u32() != 0).ok_or(CoverFault::MissingGlyph)?;
                let advance = metrics.advance_width(glyph).unwrap_or(0.0) / self.units;
                let range = start..start + character.len_utf8();
                Ok(KrillaGlyph::new(KrillaGlyphId::new(glyph.to_u32()), advance, 0.0, 0.0, 0.0, range, None))
            })
            .collect()
    }

    /// The line's width in units of the font size.
    fn width(&self, line: &str) -> Result<f32, CoverFault> {
        Ok(self.glyphs(line)?.iter().map(|glyph| glyph.x_advance).sum())
    }

    /// The first size in which every line fits as it is; in the last size, long lines are broken between words.
    fn fit(&self, lines: &[String], block: &Block, sizes: &[f32]) -> Result<Fitted, CoverFault> {
        let lines: Vec<String> = lines
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect())
            .filter(|line: &String| !line.is_empty())
            .collect();
        let (width, height) = (block.width.points() as f32, block.height.points() as f32);
        let fits_below = |count: usize, size: f32| (count as f32) * size * LINE_SPACING <= height;
        let widest = lines.iter().try_fold(0.0_f32, |widest, line| Ok(widest.max(self.width(line)?)))?;
        if lines.is_empty() {
            return Err(CoverFault::Empty);
        }
        if let Some(size) = sizes.iter().copied().find(|size| widest * size <= width && fits_below(lines.len(), *size))
        {
            return Ok(Fitted { lines, size });
        }
        let size = sizes.last().copied().unwrap_or(10.0);
        let mut broken = Vec::new();
        for line in &lines {
            self.break_line(line, width / size, &mut broken)?;
        }
        if fits_below(broken.len(), size) { Ok(Fitted { lines: broken, size }) } else { Err(CoverFault::TooLong) }
    }

    /// Breaks a line between words; a word wider than `width` (in units of the font size) does not fit at all.
    fn break_line(&self, line: &str, width: f32, broken: &mut Vec<String>) -> Result<(), CoverFault> {
        let mut current = String::new();
        for word in line.split(' ') {
            if self.width(word)? > width {
                return Err(CoverFault::TooLong);
            }
            let longer = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
            if self.width(&longer)? <= width {
                current = longer;
            } else {
                broken.push(std::mem::replace(&mut current, word.to_owned()));
            }
        }
        broken.push(current);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::print::PrintLimits;
    use crate::shell::pdf::samples::{inspect, preflight};

    fn cover(recipient: &[&str]) -> Cover {
        let lines = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect();
        Cover { recipient: lines(recipient), sender: lines(&["Storevik kommune", "Postboks 1", "4604 KRISTIANSAND S"]) }
    }

    fn pdf(covers: &[Cover]) -> Vec<u8> {
        let mut file = Covers::new(CoverLayout::default()).unwrap();
        for cover in covers {
            file.add(cover, "17 / 6e1d0f4c").unwrap();
        }
        file.finish().unwrap()
    }

    #[test]
    fn norwegian_and_sami_letters_have_glyphs() {
        let letters = "ÆØÅæøå ÀÁÂÃÄÇÈÉÊËÌÍÎÏÐÑÒ ÓÔÕÖÙÚÛÜÝÞßàáâãäç èéêëìíîïðñòóôõöùúûüýþÿ ČčĐđŊŋŠšŦŧŽž ǤǥǦǧǨǩƷʒǮǯ";
        let cover = Cover { recipient: letters.split(' ').map(str::to_owned).collect(), ..cover(&[]) };
        assert_eq!(check(&cover, &CoverLayout::default()), Ok(()));
        // Written with combining accents, they are the same letters.
        let decomposed = cover.recipient.iter().map(|line| line.nfd().collect()).collect();
        assert_eq!(check(&Cover { recipient: decomposed, ..cover }, &CoverLayout::default()), Ok(()));
    }

    #[test]
    fn what_cannot_be_shown_is_an_error() {
        let check = |recipient: &[&str]| check(&cover(recipient), &CoverLayout::default());
        assert_eq!(check(&["山田太郎"]), Err(CoverFault::MissingGlyph));
        assert_eq!(check(&["A\u{7}B"]), Err(CoverFault::MissingGlyph));
        assert_eq!(check(&["", "  "]), Err(CoverFault::Empty));
        assert_eq!(check(&["x"; 40]), Err(CoverFault::TooLong));
        assert_eq!(check(&["x".repeat(200).as_str()]), Err(CoverFault::TooLong));
        assert_eq!(check(&["x ".repeat(100).as_str()]), Ok(()), "broken between words");
    }

    #[test]
    fn covers_are_printable_and_leave_the_barcode_zone_free() {
        let bytes = pdf(&vec![cover(&["Šárá Ŋ. Đahl", "Storgata 1", "9730 KÁRÁŠJOHKA"]); 3]);
        let pdf = inspect(&bytes).unwrap();
        assert_eq!(pdf.pages(), 3);
        assert_eq!(preflight(&pdf, &PrintLimits::default()), []);
    }

    #[test]
    fn the_same_covers_give_the_same_bytes_and_share_their_letters() {
        let some: Vec<Cover> = (0..200).map(|number| cover(&["Berg", &format!("Storgata {number}")])).collect();
        let bytes = pdf(&some);
        assert_eq!(bytes, pdf(&some));
        assert!(bytes.len() < 200 * 2_500 + 20_000, "{}", bytes.len());
    }

    #[test]
    fn a_return_address_must_have_room_for_its_country() {
        let layout = CoverLayout::default();
        let lines = |count: usize| vec!["Postboks 1".to_owned(); count];
        // 22 mm are 62.4 points: seven lines of 7 points, and no eighth.
        assert_eq!(check_return(&lines(6), &layout), Ok(()));
        assert_eq!(check_return(&lines(7), &layout), Err(CoverFault::TooLong));
        assert_eq!(check_return(&[], &layout), Err(CoverFault::Empty));
    }
}
