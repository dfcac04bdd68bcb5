//! Annotations and form fields: what of them stands on paper (ISO 32000-1, 12.5 and 12.7).
//!
//! An annotation that is printed and has an appearance stands on paper as that appearance. What has none is drawn by
//! each reader in its own way or not at all, so nobody knows what was seen; a field whose value would be lost, or look
//! otherwise than the value says, is worse than either.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use super::Pdf;
use super::geometry::{Matrix, numbers, ordered};
use super::layers::{Layers, Visible};
use super::pages::Page;

/// Fields above a field; real forms have two or three.
const DEPTH_MAX: usize = 32;

/// What it costs to look at an annotation.
const ANNOTATION_WORK: usize = 2_000;

/// Annotation flags (ISO 32000-1, table 165).
const INVISIBLE: i64 = 1;
const HIDDEN: i64 = 1 << 1;
const PRINT: i64 = 1 << 2;
const NO_ROTATE: i64 = 1 << 4;
const NO_VIEW: i64 = 1 << 5;
/// Field flag: a button that only does something (table 226).
const PUSH_BUTTON: i64 = 1 << 16;

/// What becomes of an annotation on paper.
#[derive(Debug)]
pub(crate) enum Shown<'a> {
    Nothing,
    /// This appearance stands on the page; `placing` is the transformation before the form's own.
    Drawn {
        annotation: &'a Dictionary,
        form: ObjectId,
        placing: Matrix,
    },
    /// It is seen on a screen and not on paper, or is the frame of a link; by its appearance where it has one.
    Kept {
        annotation: &'a Dictionary,
        form: Option<ObjectId>,
    },
    /// A field's value is not on paper as the value says.
    ValueLost,
    /// It depends on the reader what is seen.
    Unsure,
}

impl Shown<'_> {
    /// Whether paper would not show what was seen.
    pub(crate) fn is_unclear(&self) -> bool {
        matches!(self, Self::ValueLost | Self::Unsure)
    }
}

/// The appearance that an annotation has for its state.
#[derive(Clone, Copy)]
enum Appearance<'a> {
    Form(ObjectId, &'a Stream),
    /// Nothing is to be seen in this state.
    Empty,
    Missing,
    /// Readers choose differently.
    Unsure,
}

/// Looks at the annotations of a document's pages.
pub(crate) struct Annotations<'a> {
    pdf: &'a Pdf,
    document: &'a Document,
    layers: Layers<'a>,
    /// Readers are asked to draw the fields anew, whatever appearance they have.
    redraws: bool,
}

impl<'a> Annotations<'a> {
    pub(crate) fn new(pdf: &'a Pdf) -> Self {
        let document = &pdf.document;
        let form = document.catalog().and_then(|catalog| catalog.get_deref(b"AcroForm", document)?.as_dict());
        let redraws = form.and_then(|form| form.get_deref(b"NeedAppearances", document)?.as_bool());
        Self { pdf, document, layers: Layers::read(document), redraws: redraws.unwrap_or(false) }
    }

    /// The document's layers.
    pub(crate) fn layers(&self) -> &Layers<'a> {
        &self.layers
    }

    /// The page's annotations in the order in which they are drawn.
    pub(crate) fn of_page(&self, page: &Page) -> impl Iterator<Item = Shown<'a>> + '_ {
        let document = self.document;
        let listed = document.get_dictionary(page.id).and_then(|page| page.get_deref(b"Annots", document)?.as_array());
        let dictionaries =
            listed.into_iter().flatten().filter_map(|item| document.dereference(item).ok()?.1.as_dict().ok());
        let turned = page.inherited(document, b"Rotate").and_then(|turn| turn.as_i64().ok()).unwrap_or(0) % 360 != 0;
        // The first that is too much is unsure, and ends it.
        let affordable = dictionaries.take_while(|_| !self.pdf.budget.is_spent());
        affordable.map(move |annotation| match self.pdf.budget.work(ANNOTATION_WORK) {
            Some(()) => self.shown(annotation, turned),
            None => Shown::Unsure,
        })
    }

    fn shown(&self, annotation: &'a Dictionary, turned: bool) -> Shown<'a> {
        let flags = self.own(annotation, b"F").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let (printed, on_screen) = (flags & PRINT != 0, flags & NO_VIEW == 0);
        let kind = self.own(annotation, b"Subtype").and_then(|kind| kind.as_name().ok()).unwrap_or_default();
        let area = annotation.get(b"Rect").ok().and_then(|area| numbers::<4>(self.document, area)).map(ordered);
        let Some(area) = area.filter(|[left, bottom, right, top]| left < right && bottom < top) else {
            return Shown::Nothing;
        };
        if kind == b"Popup"
            && printed
            && self.own(annotation, b"Open").is_some_and(|open| open.as_bool().unwrap_or(false))
        {
            return Shown::Unsure;
        }
        if kind == b"Popup" || flags & HIDDEN != 0 || !(printed || on_screen) {
            return Shown::Nothing;
        }
        // Some readers do not ask whether the layer of an annotation is hidden.
        if !self.is_in_view(annotation) {
            return Shown::Unsure;
        }
        let appearance = self.appearance(annotation);
        if kind == b"Widget" && self.loses_value(annotation, appearance, printed) {
            return Shown::ValueLost;
        }
        match appearance {
            Appearance::Empty => Shown::Nothing,
            Appearance::Form(form, _) if !printed => Shown::Kept { annotation, form: Some(form) },
            Appearance::Form(..) if flags & INVISIBLE != 0 || turned && flags & NO_ROTATE != 0 => Shown::Unsure,
            Appearance::Form(_, stream) if !self.is_in_view(&stream.dict) => Shown::Unsure,
            Appearance::Form(form, stream) => self.placed(annotation, form, stream, area),
            Appearance::Missing if kind == b"Widget" && !self.has_frame(annotation) => Shown::Nothing,
            Appearance::Missing if kind == b"Link" || !printed && kind != b"Widget" => {
                Shown::Kept { annotation, form: None }
            }
            Appearance::Missing | Appearance::Unsure if !printed => Shown::Nothing,
            Appearance::Missing | Appearance::Unsure => Shown::Unsure,
        }
    }

    /// The appearance by the algorithm of 12.5.5: its box, transformed by its matrix, fills the annotation's area.
    fn placed(&self, annotation: &'a Dictionary, form: ObjectId, stream: &Stream, area: [f64; 4]) -> Shown<'a> {
        let matrix = match stream.dict.get(b"Matrix") {
            Ok(matrix) => Matrix::read(self.document, matrix),
            Err(_) => Some(Matrix::IDENTITY),
        };
        let inner = stream.dict.get(b"BBox").ok().and_then(|inner| numbers::<4>(self.document, inner)).map(ordered);
        let (Some(matrix), Some([left, bottom, right, top])) = (matrix, inner) else { return Shown::Unsure };
        let corners = [(left, bottom), (left, top), (right, bottom), (right, top)].map(|(x, y)| matrix.apply(x, y));
        let span = |of: fn(&(f64, f64)) -> f64| {
            let values = corners.iter().map(of);
            (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max))
        };
        let ((x0, x1), (y0, y1)) = (span(|corner| corner.0), span(|corner| corner.1));
        let (across, up) = ((area[2] - area[0]) / (x1 - x0), (area[3] - area[1]) / (y1 - y0));
        if left >= right || bottom >= top || !(across * up).is_finite() {
            return Shown::Nothing;
        }
        let placing = Matrix::new([across, 0.0, 0.0, up, area[0] - x0 * across, area[1] - y0 * up]);
        Shown::Drawn { annotation, form, placing }
    }

    fn appearance(&self, annotation: &'a Dictionary) -> Appearance<'a> {
        let document = self.document;
        let looks = self.own(annotation, b"AP").and_then(|looks| looks.as_dict().ok());
        let normal = looks.and_then(|looks| document.dereference(looks.get(b"N").ok()?).ok());
        let form = |normal: Option<(Option<ObjectId>, &'a Object)>| match normal {
            Some((Some(id), Object::Stream(stream))) => Some(Appearance::Form(id, stream)),
            _ => None,
        };
        match normal {
            None | Some((_, Object::Null)) => Appearance::Missing,
            Some((_, Object::Dictionary(states))) => {
                let of = |state: &[u8]| form(states.get(state).ok().and_then(|item| document.dereference(item).ok()));
                match self.own(annotation, b"AS").map(Object::as_name) {
                    Some(Ok(state)) => of(state).unwrap_or(Appearance::Empty),
                    // Some choose by the field's value, some draw the state «Off», some nothing.
                    _ => match inherited(document, annotation, b"V").map(Object::as_name) {
                        Some(Ok(state)) if of(state).is_some() => Appearance::Unsure,
                        _ => of(b"Off").map_or(Appearance::Empty, |_| Appearance::Unsure),
                    },
                }
            }
            normal => form(normal).unwrap_or(Appearance::Missing),
        }
    }

    /// Whether the field has a value that is seen on a screen, or would be if the reader drew it, and not on paper.
    fn loses_value(&self, field: &Dictionary, appearance: Appearance, printed: bool) -> bool {
        let value = inherited(self.document, field, b"V");
        let flags = inherited(self.document, field, b"Ff").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let drawn = matches!(appearance, Appearance::Form(_, stream) if !self.pdf.raw(stream).is_empty());
        match inherited(self.document, field, b"FT").and_then(|kind| kind.as_name().ok()) {
            Some(b"Tx" | b"Ch") => {
                value.is_some_and(|value| self.has_text(value)) && (!printed || !drawn || self.redraws)
            }
            Some(b"Btn") if flags & PUSH_BUTTON == 0 => {
                let state = self.own(field, b"AS").or(value).and_then(|state| state.as_name().ok());
                state.is_some_and(|state| state != b"Off") && (!printed || !drawn || self.redraws)
            }
            // A signature without looks is not meant to be seen.
            Some(b"Sig") => value.is_some() && drawn && !printed,
            _ => false,
        }
    }

    /// Whether a field without appearance has something to show all the same: a frame, a ground, a caption, or the place
    /// where to sign.
    fn has_frame(&self, field: &Dictionary) -> bool {
        let frame = self.own(field, b"MK").and_then(|frame| frame.as_dict().ok());
        let framed = frame.is_some_and(|frame| [&b"BC"[..], b"BG", b"CA", b"I"].iter().any(|key| frame.has(key)));
        framed || inherited(self.document, field, b"FT").is_some_and(|kind| matches!(kind.as_name(), Ok(b"Sig")))
    }

    fn has_text(&self, value: &Object) -> bool {
        match value {
            Object::String(text, _) => !text.is_empty() && text != b"\xfe\xff",
            Object::Array(items) => !items.is_empty(),
            Object::Stream(stream) => !self.pdf.raw(stream).is_empty(),
            _ => false,
        }
    }

    fn is_in_view(&self, dictionary: &Dictionary) -> bool {
        dictionary.get(b"OC").map_or(Visible::Yes, |layer| self.layers.visible(layer)) == Visible::Yes
    }

    fn own(&self, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        dictionary.get_deref(key, self.document).ok()
    }
}

/// A field takes what it does not say itself from the field above it.
fn inherited<'a>(document: &'a Document, field: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let parent = |field: &&'a Dictionary| field.get_deref(b"Parent", document).ok()?.as_dict().ok();
    let lineage = std::iter::successors(Some(field), parent).take(DEPTH_MAX);
    lineage.into_iter().find_map(|field| field.get_deref(key, document).ok())
}
