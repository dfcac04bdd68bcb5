//! Whether a document can be printed: digipost/printability-validator's rules, on pages as a reader sees them.
//!
//! The service looks at no annotations, forms or layers; what we print of them must be what was seen.

use lopdf::{Dictionary, Document, Object};

use super::content::filters_of;
use super::geometry::{Area, Sheet};
use super::pages::Page;
use super::read::filter::are_known;
use super::size::Printed;
use super::text::{TextSearch, Zoned};
use super::{Annotations, Pdf, PdfFault, Search, Shown, font, guarded};
use crate::core::print::limits::Uninterpretable;
use crate::core::print::{Millimetres, PrintLimits, PrintRule, Violation};

/// Pages, and annotations on each, among which a form's first field is looked for.
const FIELDS_LOOKED_AT: usize = 100;

const A4_WIDTH_MM: f64 = 210.0;
const A4_HEIGHT_MM: f64 = 297.0;

impl From<PdfFault> for Violation {
    fn from(fault: PdfFault) -> Self {
        Self::whole(match fault {
            PdfFault::Unreadable => PrintRule::Unreadable,
            PdfFault::Encrypted => PrintRule::Encrypted,
            PdfFault::NoPages => PrintRule::NoPages,
        })
    }
}

/// Every rule that the document breaks, each once with its pages, in the order of [`PrintRule`]; none means printable.
pub fn preflight(pdf: &Pdf, limits: &PrintLimits) -> Vec<Violation> {
    guarded(|| check(pdf, limits)).unwrap_or_else(|| vec![Violation::whole(PrintRule::Unreadable)])
}

fn check(pdf: &Pdf, limits: &PrintLimits) -> Vec<Violation> {
    let document = &pdf.document;
    let mut violations = Vec::new();
    if limits.pages_max.is_some_and(|max| pdf.pages() > max) {
        violations.push(Violation::whole(PrintRule::TooManyPages));
    }
    if !version_is_supported(document) {
        violations.push(Violation::whole(PrintRule::UnsupportedPdfVersion));
    }
    violations.extend(placeholder(pdf).map(Violation::whole));
    // What they hold is shown on some page, or the reader would not have needed it.
    let streams = document.objects.values().filter_map(|object| object.as_stream().ok());
    if !streams.into_iter().all(|stream| filters_of(pdf, stream).is_some_and(|filters| are_known(&filters))) {
        violations.push(Violation::whole(PrintRule::ContentUnreadable));
        return violations;
    }
    let mut search = TextSearch::new(pdf);
    let mut fonts = font::Inspection::new(pdf);
    let annotations = Annotations::new(pdf);
    let mut layered = Search::default();
    let mut of_pages = [
        PrintRule::UnsupportedDimensions,
        PrintRule::InsufficientMargin,
        PrintRule::FontNotEmbedded,
        PrintRule::FormValueNotVisible,
        PrintRule::ContentUnreadable,
        PrintRule::ShownDifferently,
    ]
    .map(|rule| Violation { rule, pages: Vec::new() });
    let mut size = Printed::of(pdf);
    for (page, number) in pdf.pages.iter().zip(1..) {
        if size.add(page).is_none() {
            violations.push(Violation::whole(PrintRule::ContentUnreadable));
            return violations;
        }
        let sheet = Sheet::of(document, page);
        let form = Form::of(&sheet, limits);
        let text = search.look(page, &sheet, barcode_area(&sheet, form, limits));
        let (mut value_lost, mut unsure) = (false, layered.finds_unsure(annotations.layers(), page));
        for annotation in annotations.of_page(page) {
            value_lost |= matches!(annotation, Shown::ValueLost);
            unsure |= matches!(annotation, Shown::Unsure);
        }
        let broken = [
            form == Form::Neither,
            text == Zoned::Text || (text == Zoned::Unknown && limits.uninterpretable == Uninterpretable::Refuse),
            !fonts.page_is_printable(page),
            value_lost,
            text == Zoned::Unreadable,
            unsure,
        ];
        for (violation, _) in of_pages.iter_mut().zip(broken).filter(|(_, broken)| *broken) {
            violation.pages.push(number);
        }
    }
    violations.extend(of_pages.into_iter().filter(|violation| !violation.pages.is_empty()));
    violations
}

/// What stands for the document on its pages, where it is not the document itself.
fn placeholder(pdf: &Pdf) -> Option<PrintRule> {
    let document = &pdf.document;
    let catalog = document.catalog().ok()?;
    let is_there =
        |dictionary: &Dictionary, key| dictionary.get_deref(key, document).is_ok_and(|value| !value.is_null());
    if is_there(catalog, b"Collection") {
        return Some(PrintRule::Portfolio);
    }
    let form = catalog.get_deref(b"AcroForm", document).and_then(Object::as_dict).ok()?;
    let drawn_anew = catalog.get_deref(b"NeedsRendering", document).and_then(Object::as_bool).unwrap_or(false);
    // One that has its fields on the pages too shows the same there.
    let on_pages = |page: &Page| {
        let own = document.get_dictionary(page.id);
        let listed = own.and_then(|page| page.get_deref(b"Annots", document)?.as_array());
        listed.is_ok_and(|list| list.iter().take(FIELDS_LOOKED_AT).any(|item| is_field(document, item)))
    };
    let xfa = form.has(b"XFA") && form.get(b"XFA").is_ok_and(|xfa| !xfa.is_null());
    (xfa && (drawn_anew || !pdf.pages.iter().take(FIELDS_LOOKED_AT).any(on_pages))).then_some(PrintRule::Xfa)
}

fn is_field(document: &Document, annotation: &Object) -> bool {
    let annotation = document.dereference(annotation).and_then(|(_, annotation)| annotation.as_dict());
    annotation.is_ok_and(|annotation| {
        let name = |key| annotation.get_deref(key, document).and_then(Object::as_name).ok();
        name(b"Subtype") == Some(b"Widget") && name(b"FT") != Some(b"Sig")
    })
}

/// 1.0 to 1.7 in the header, and in the catalog where it raises the version.
fn version_is_supported(document: &Document) -> bool {
    let supported = |version: &[u8]| matches!(version, [b'1', b'.', b'0'..=b'7']);
    let raised = document.catalog().and_then(|catalog| catalog.get_deref(b"Version", document)?.as_name()).ok();
    supported(document.version.trim().as_bytes()) && raised.is_none_or(supported)
}

/// How a page lies, if it is A4 at all.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Portrait,
    Landscape,
    Neither,
}

impl Form {
    /// Rounded to whole millimetres, since producers round A4 to whole points in every direction.
    fn of(sheet: &Sheet, limits: &PrintLimits) -> Self {
        let (width, height) = (whole_mm(sheet.width), whole_mm(sheet.height));
        let fits = |length: f64, nominal: f64| {
            (nominal - limits.below_a4.get()..=nominal + limits.above_a4.get()).contains(&length)
        };
        if fits(width, A4_WIDTH_MM) && fits(height, A4_HEIGHT_MM) {
            Self::Portrait
        } else if fits(width, A4_HEIGHT_MM) && fits(height, A4_WIDTH_MM) {
            Self::Landscape
        } else {
            Self::Neither
        }
    }
}

/// The zone on this sheet. A landscape page is turned clockwise when it is printed: its lower edge becomes the left one.
fn barcode_area(sheet: &Sheet, form: Form, limits: &PrintLimits) -> Area {
    let zone = limits.barcode_zone;
    let [left, top, width, height] =
        [zone.left, zone.top, zone.width, zone.height].map(Millimetres::points).map(tenths);
    if form == Form::Landscape {
        let above = whole_mm(sheet.height) - zone.left.get() - zone.width.get();
        Area { x: top, y: tenths(above * 72.0 / 25.4), width: height, height: width }
    } else {
        Area { x: left, y: top, width, height }
    }
}

/// The printing service cuts its thresholds to tenths of a point; text within the difference must pass here too.
fn tenths(points: f64) -> f64 {
    (points * 10.0).floor() / 10.0
}

fn whole_mm(points: f64) -> f64 {
    (points * 25.4 / 72.0).round()
}
