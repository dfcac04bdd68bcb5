//! Where text stands on a page: the content stream's text operators, followed as far as their positions go.
//!
//! A glyph stands where its origin (the left end of its baseline) stands, as in the printing service's own check. White
//! space does not count. Invisible text counts, as it does there: a scan's recognised text lies over its image.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use lopdf::{Dictionary, Object, ObjectId, Stream};

use super::Pdf;
use super::content::{Next, Operations, of_page, unpacked};
use super::font::Font;
use super::geometry::{Area, Matrix, Sheet, number};
use super::pages::Page;

/// What a glyph costs.
const GLYPH_WORK: usize = 20;
/// Forms within forms.
const FORM_DEPTH_MAX: usize = 24;
/// Graphics states saved within one content stream.
const SAVED_MAX: usize = 1_000;

/// What is known of a zone on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zoned {
    Clear,
    Text,
    /// No text was found, but not everything could be understood.
    Unknown,
    /// Not even that much: content cannot be unpacked, or is beyond every bound.
    Unreadable,
}

/// Why following a content stream ended early.
enum Halt {
    Found,
    /// Beyond a bound, or not to be unpacked.
    Unreadable,
}

/// A search through the pages of one document; fonts are read once.
pub(super) struct TextSearch<'a> {
    pdf: &'a Pdf,
    fonts: HashMap<ObjectId, Rc<Font<'a>>>,
    /// Forms that have shown no text once will not do so elsewhere.
    silent: HashSet<*const Stream>,
    /// The forms that are being followed, the outermost first.
    drawing: Vec<*const Stream>,
    /// Strings shown so far.
    shown: u64,
    /// Something on this page was passed over, because it could not be understood.
    unsure: bool,
}

/// The graphics state, as far as it moves text.
#[derive(Clone)]
struct State<'a> {
    ctm: Matrix,
    font: Option<Rc<Font<'a>>>,
    size: f64,
    character_space: f64,
    word_space: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

/// One content stream being followed.
struct Run<'r, 'a> {
    search: &'r mut TextSearch<'a>,
    resources: Option<&'a Dictionary>,
    area: Area,
    depth: usize,
    state: State<'a>,
    saved: Vec<State<'a>>,
    text: Matrix,
    line: Matrix,
}

impl<'a> TextSearch<'a> {
    pub(super) fn new(pdf: &'a Pdf) -> Self {
        Self { pdf, fonts: HashMap::new(), silent: HashSet::new(), drawing: Vec::new(), shown: 0, unsure: false }
    }

    /// Whether text stands within `area` of `sheet`.
    pub(super) fn look(&mut self, page: &Page, sheet: &Sheet, area: Area) -> Zoned {
        let Some(content) = of_page(self.pdf, page) else {
            return Zoned::Unreadable;
        };
        let resources = page.inherited(&self.pdf.document, b"Resources").and_then(|object| object.as_dict().ok());
        let state = State {
            ctm: sheet.placing,
            font: None,
            size: 0.0,
            character_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        self.unsure = false;
        self.drawing.clear();
        match self.follow(&content, resources, state, area, 0) {
            Err(Halt::Found) => Zoned::Text,
            Err(Halt::Unreadable) => Zoned::Unreadable,
            Ok(()) if !self.unsure => Zoned::Clear,
            Ok(()) => Zoned::Unknown,
        }
    }

    fn follow(
        &mut self,
        content: &[u8],
        resources: Option<&'a Dictionary>,
        state: State<'a>,
        area: Area,
        depth: usize,
    ) -> Result<(), Halt> {
        let (text, line) = (Matrix::IDENTITY, Matrix::IDENTITY);
        let mut operations = Operations::of(content, &self.pdf.budget);
        let mut run = Run { search: self, resources, area, depth, state, saved: Vec::new(), text, line };
        loop {
            match operations.next() {
                Next::Operator(operator) => run.step(operator, &operations.operands)?,
                Next::End => return Ok(()),
                Next::Broken => {
                    run.search.unsure = true;
                    return Ok(());
                }
                Next::TooMuch => return Err(Halt::Unreadable),
            }
        }
    }

    fn font(&mut self, resources: Option<&'a Dictionary>, name: &[u8]) -> Option<Rc<Font<'a>>> {
        let fonts = resources?.get_deref(b"Font", &self.pdf.document).ok()?.as_dict().ok()?;
        self.font_of(fonts.get(name).ok()?)
    }

    fn font_of(&mut self, object: &'a Object) -> Option<Rc<Font<'a>>> {
        let (id, object) = self.pdf.document.dereference(object).ok()?;
        if let Some(font) = id.and_then(|id| self.fonts.get(&id)) {
            return Some(Rc::clone(font));
        }
        let font = Rc::new(Font::read(self.pdf, object.as_dict().ok()?));
        if let Some(id) = id {
            self.fonts.insert(id, Rc::clone(&font));
        }
        Some(font)
    }
}

impl Run<'_, '_> {
    fn step(&mut self, operator: &[u8], operands: &[Object]) -> Result<(), Halt> {
        let count = operands.len();
        // As readers do: an operator takes its last operands, and one with too few of them does nothing.
        let n = |from_end: usize| count.checked_sub(from_end).and_then(|index| number(&operands[index]));
        match operator {
            b"q" if self.saved.len() < SAVED_MAX => self.saved.push(self.state.clone()),
            b"q" => return Err(Halt::Unreadable),
            b"Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => self.state.ctm = matrix(n).map_or(self.state.ctm, |matrix| matrix.then(self.state.ctm)),
            b"BT" => (self.text, self.line) = (Matrix::IDENTITY, Matrix::IDENTITY),
            b"Tf" => {
                self.state.size = n(1).unwrap_or(self.state.size);
                let name = count.checked_sub(2).and_then(|index| operands[index].as_name().ok());
                self.state.font = name.and_then(|name| self.search.font(self.resources, name));
            }
            b"gs" => self.extended_state(operands),
            b"Tc" => self.state.character_space = n(1).unwrap_or(0.0),
            b"Tw" => self.state.word_space = n(1).unwrap_or(0.0),
            b"Tz" => self.state.stretch = n(1).map_or(1.0, |percent| percent / 100.0),
            b"TL" => self.state.leading = n(1).unwrap_or(0.0),
            b"Ts" => self.state.rise = n(1).unwrap_or(0.0),
            b"Td" => self.new_line(n(2).unwrap_or(0.0), n(1).unwrap_or(0.0)),
            b"TD" => {
                self.state.leading = -n(1).unwrap_or(0.0);
                self.new_line(n(2).unwrap_or(0.0), n(1).unwrap_or(0.0));
            }
            b"Tm" => {
                if let Some(matrix) = matrix(n) {
                    (self.text, self.line) = (matrix, matrix);
                }
            }
            b"T*" => self.new_line(0.0, -self.state.leading),
            b"Tj" | b"TJ" => return self.show(operands.last()),
            b"'" | b"\"" => {
                if operator == b"\"" {
                    self.state.word_space = n(3).unwrap_or(self.state.word_space);
                    self.state.character_space = n(2).unwrap_or(self.state.character_space);
                }
                self.new_line(0.0, -self.state.leading);
                return self.show(operands.last());
            }
            b"Do" => return self.draw(operands),
            _ => {}
        }
        Ok(())
    }

    fn new_line(&mut self, x: f64, y: f64) {
        self.line = self.line.translated(x, y);
        self.text = self.line;
    }

    /// A string, or an array of strings and adjustments in thousandths of the font size.
    fn show(&mut self, shown: Option<&Object>) -> Result<(), Halt> {
        match shown {
            Some(Object::String(bytes, _)) => self.string(bytes),
            Some(Object::Array(items)) => items.iter().try_for_each(|item| match (item, number(item)) {
                (Object::String(bytes, _), _) => self.string(bytes),
                (_, Some(adjustment)) => {
                    self.advance(-adjustment / 1000.0 * self.state.size);
                    Ok(())
                }
                _ => Ok(()),
            }),
            _ => Ok(()),
        }
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        // Without its font nobody knows how far the text reaches, nor which bytes are white space.
        let Some(font) = self.state.font.clone() else {
            self.search.shown += 1;
            self.search.unsure = true;
            return Ok(());
        };
        let glyphs = font.codes(bytes);
        self.search.shown += 1;
        self.search.pdf.budget.work(GLYPH_WORK * glyphs.len()).ok_or(Halt::Unreadable)?;
        // The string's glyphs stand on one line, from here on in this direction.
        let origin = self.text.translated(0.0, self.state.rise).then(self.state.ctm);
        let (x, y) = self.direction();
        let mut distance = 0.0;
        for code in glyphs {
            if self.area.contains(origin.apply(x * distance, y * distance)) && !font.is_blank(code) {
                return Err(Halt::Found);
            }
            let word_space = if code == [b' '] { self.state.word_space } else { 0.0 };
            distance += font.advance(code) * self.state.size + self.state.character_space + word_space;
        }
        self.advance(distance);
        Ok(())
    }

    fn advance(&mut self, distance: f64) {
        let (x, y) = self.direction();
        self.text = self.text.translated(x * distance, y * distance);
    }

    /// Where writing leads, in text space.
    fn direction(&self) -> (f64, f64) {
        let vertical = self.state.font.as_ref().is_some_and(|font| font.is_vertical());
        if vertical { (0.0, 1.0) } else { (self.state.stretch, 0.0) }
    }

    /// The one entry of an extended graphics state that concerns us sets the font.
    fn extended_state(&mut self, operands: &[Object]) {
        let document = &self.search.pdf.document;
        let setting = (|| {
            let states = self.resources?.get_deref(b"ExtGState", document).ok()?.as_dict().ok()?;
            let state = states.get_deref(operands.last()?.as_name().ok()?, document).ok()?.as_dict().ok()?;
            match state.get_deref(b"Font", document).ok()?.as_array().ok()?.as_slice() {
                [font, size] => Some((self.search.font_of(font)?, number(size)?)),
                _ => None,
            }
        })();
        if let Some((font, size)) = setting {
            (self.state.font, self.state.size) = (Some(font), size);
        }
    }

    /// A form is a content stream of its own, with its own matrix and, mostly, resources.
    fn draw(&mut self, operands: &[Object]) -> Result<(), Halt> {
        let document = &self.search.pdf.document;
        let form = (|| {
            let objects = self.resources?.get_deref(b"XObject", document).ok()?.as_dict().ok()?;
            let stream = objects.get_deref(operands.last()?.as_name().ok()?, document).ok()?.as_stream().ok()?;
            let kind = stream.dict.get_deref(b"Subtype", document).ok()?.as_name().ok()?;
            (kind == b"Form").then_some(stream)
        })();
        let Some(form) = form else { return Ok(()) };
        // Readers do not draw a form within itself.
        let this = std::ptr::from_ref(form);
        if self.search.silent.contains(&this) || self.search.drawing.contains(&this) {
            return Ok(());
        }
        if self.depth >= FORM_DEPTH_MAX {
            return Err(Halt::Unreadable);
        }
        let content = unpacked(self.search.pdf, form).ok_or(Halt::Unreadable)?;
        let own = form.dict.get_deref(b"Resources", document).ok().and_then(|object| object.as_dict().ok());
        let matrix = form.dict.get(b"Matrix").ok().and_then(|object| Matrix::read(document, object));
        let mut state = self.state.clone();
        state.ctm = matrix.unwrap_or(Matrix::IDENTITY).then(state.ctm);
        let shown = self.search.shown;
        self.search.drawing.push(this);
        self.search.follow(&content, own.or(self.resources), state, self.area, self.depth + 1)?;
        self.search.drawing.pop();
        // What it draws itself must not depend on where it is drawn.
        if own.is_some() && self.search.shown == shown && !self.search.unsure {
            self.search.silent.insert(this);
        }
        Ok(())
    }
}

/// The last six operands as a matrix.
fn matrix(n: impl Fn(usize) -> Option<f64>) -> Option<Matrix> {
    Some(Matrix::new([n(6)?, n(5)?, n(4)?, n(3)?, n(2)?, n(1)?]))
}
