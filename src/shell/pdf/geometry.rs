//! A page as its reader sees it: boxes, rotation and unit, down to points from the top left corner.

use lopdf::{Document, Object};

use super::pages::Page;

/// PDF's six-number affine transformation: `x' = a x + c y + e`, `y' = b x + d y + f`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Matrix(pub(crate) [f64; 6]);

impl Matrix {
    pub(super) const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub(super) fn new(numbers: [f64; 6]) -> Self {
        Self(numbers)
    }

    /// First this transformation, then `next`.
    pub(super) fn then(self, next: Self) -> Self {
        let ([a, b, c, d, e, f], [na, nb, nc, nd, ne, nf]) = (self.0, next.0);
        Self([
            a * na + b * nc,
            a * nb + b * nd,
            c * na + d * nc,
            c * nb + d * nd,
            e * na + f * nc + ne,
            e * nb + f * nd + nf,
        ])
    }

    pub(super) fn apply(self, x: f64, y: f64) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    /// First a translation, then this transformation.
    pub(super) fn translated(self, x: f64, y: f64) -> Self {
        let [a, b, c, d, ..] = self.0;
        let (e, f) = self.apply(x, y);
        Self([a, b, c, d, e, f])
    }

    /// From an array of six numbers.
    pub(super) fn read(document: &Document, object: &Object) -> Option<Self> {
        numbers(document, object).map(Self)
    }
}

/// An array of exactly `N` numbers, each of which may stand behind a reference.
pub(super) fn numbers<const N: usize>(document: &Document, object: &Object) -> Option<[f64; N]> {
    let (_, object) = document.dereference(object).ok()?;
    let items = object.as_array().ok()?;
    let values: Vec<f64> = items.iter().map_while(|item| number(document.dereference(item).ok()?.1)).collect();
    values.try_into().ok()
}

/// An integer or real, never NaN or infinite.
pub(super) fn number(object: &Object) -> Option<f64> {
    match object {
        Object::Integer(value) => Some(*value as f64),
        Object::Real(value) if value.is_finite() => Some(f64::from(*value)),
        _ => None,
    }
}

/// What the reader sees of a page, and how page space maps onto it.
pub(super) struct Sheet {
    /// Width and height in points, after rotation and unit.
    pub(super) width: f64,
    pub(super) height: f64,
    /// From page space to points right of and below the top left corner.
    pub(super) placing: Matrix,
}

/// A page without a usable `MediaBox` is shown as US Letter.
const LETTER: [f64; 4] = [0.0, 0.0, 612.0, 792.0];

impl Sheet {
    /// The crop box cut to the media box, turned by `Rotate`, scaled by `UserUnit` (ISO 32000-1, 14.11.2 and table 30).
    pub(super) fn of(document: &Document, page: &Page) -> Self {
        let rectangle = |key| page.inherited(document, key).and_then(|object| numbers(document, object)).map(ordered);
        let media = rectangle(b"MediaBox").unwrap_or(LETTER);
        let [left, bottom, right, top] = rectangle(b"CropBox")
            .map(|crop| common(crop, media))
            .filter(|[l, b, r, t]| l < r && b < t)
            .unwrap_or(media);
        let (width, height) = (right - left, top - bottom);
        // Anything but a multiple of 90 degrees is ignored by readers.
        let quarters = page.inherited(document, b"Rotate").and_then(number).map_or(0.0, |degrees| degrees / 90.0);
        let quarters = if quarters.fract() == 0.0 { (quarters as i64).rem_euclid(4) } else { 0 };
        let (placing, width, height) = match quarters {
            1 => (Matrix([0.0, 1.0, 1.0, 0.0, -bottom, -left]), height, width),
            2 => (Matrix([-1.0, 0.0, 0.0, 1.0, right, -bottom]), width, height),
            3 => (Matrix([0.0, -1.0, -1.0, 0.0, top, right]), height, width),
            _ => (Matrix([1.0, 0.0, 0.0, -1.0, -left, top]), width, height),
        };
        let unit = document
            .get_dictionary(page.id)
            .and_then(|page| page.get_deref(b"UserUnit", document))
            .ok()
            .and_then(number)
            .filter(|unit| *unit > 0.0)
            .unwrap_or(1.0);
        let scale = Matrix([unit, 0.0, 0.0, unit, 0.0, 0.0]);
        Self { width: width * unit, height: height * unit, placing: placing.then(scale) }
    }
}

/// Corners may be given in any order.
pub(super) fn ordered([x1, y1, x2, y2]: [f64; 4]) -> [f64; 4] {
    [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)]
}

fn common(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]
}

/// A rectangle in points from the top left corner; its right and lower edges do not belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn contains(self, (x, y): (f64, f64)) -> bool {
        x >= self.x && y >= self.y && x < self.x + self.width && y < self.y + self.height
    }
}
