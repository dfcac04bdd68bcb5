//! Content streams: unpacked, and taken apart into operators with their operands.

use lopdf::{Object, Stream};
use memchr::memmem;

use super::Pdf;
use super::budget::Budget;
use super::pages::Page;
use super::read::filter::{Filters, filters, unpacked as unpacked_by};
use super::read::syntax::{Parser, is_space};

/// What it costs to look at one of a page's content streams, or at a form each time that it is drawn.
const STREAM_WORK: usize = 200;
/// What an operator costs.
const OPERATOR_WORK: usize = 60;

/// The page's content streams as one, separated by white space; a page without content is empty, not unknown. `None`
/// where one of them cannot be unpacked, or not within the budget.
pub(super) fn of_page(pdf: &Pdf, page: &Page) -> Option<Vec<u8>> {
    let document = &pdf.document;
    let Ok(contents) = document.get_dictionary(page.id).ok()?.get_deref(b"Contents", document) else {
        return Some(Vec::new());
    };
    let single = std::slice::from_ref(contents);
    let mut content = Vec::new();
    for part in contents.as_array().map_or(single, Vec::as_slice) {
        pdf.budget.work(STREAM_WORK)?;
        match document.dereference(part) {
            Ok((_, Object::Stream(stream))) => content.extend(unpacked(pdf, stream)?),
            Ok((_, Object::Null)) | Err(_) => continue,
            _ => return None,
        }
        content.push(b'\n');
        if content.len() > pdf.budget.stream_max() {
            return None;
        }
    }
    Some(content)
}

/// A stream's bytes without its filters. `None` for what cannot be unpacked, or not within the budget.
pub(super) fn unpacked(pdf: &Pdf, stream: &Stream) -> Option<Vec<u8>> {
    pdf.budget.work(STREAM_WORK)?;
    unpacked_by(pdf.raw(stream), &filters_of(pdf, stream)?, pdf.budget.stream_max(), &pdf.budget)
}

/// The filters may stand behind references.
pub(super) fn filters_of(pdf: &Pdf, stream: &Stream) -> Option<Filters> {
    filters(&stream.dict, |value| {
        Some(pdf.document.dereference(value).map_or(Object::Null, |(_, value)| value.clone()))
    })
}

/// What comes next in a content stream.
pub(super) enum Next<'a> {
    Operator(&'a [u8]),
    End,
    /// From here on nothing can be made out.
    Broken,
    /// Beyond the budget.
    TooMuch,
}

/// The operators of a content stream, one by one.
pub(super) struct Operations<'a> {
    parser: Parser<'a>,
    budget: &'a Budget,
    /// Of the operator before.
    pub(super) operands: Vec<Object>,
}

impl<'a> Operations<'a> {
    pub(super) fn of(content: &'a [u8], budget: &'a Budget) -> Self {
        Self { parser: Parser::of_content(content, budget), budget, operands: Vec::new() }
    }

    /// The next operator; its operands stand in `operands`. What belongs to none, readers pass over.
    pub(super) fn next(&mut self) -> Next<'a> {
        self.operands.clear();
        let memory = self.budget.memory_left();
        let next = self.read();
        self.budget.reclaim(memory);
        next
    }

    fn read(&mut self) -> Next<'a> {
        loop {
            if self.parser.skip_space().is_none() {
                return Next::TooMuch;
            }
            match self.parser.peek() {
                None => return Next::End,
                Some(b'/' | b'(' | b'<' | b'[' | b'0'..=b'9' | b'+' | b'-' | b'.') => {
                    if self.budget.memory(2 * size_of::<Object>()).is_none() {
                        return Next::TooMuch;
                    }
                    match self.parser.value() {
                        Some(value) => self.operands.push(value),
                        None if self.budget.is_spent() => return Next::TooMuch,
                        None => return Next::Broken,
                    }
                }
                Some(b')' | b'>' | b']' | b'{' | b'}') => self.parser.at += 1,
                Some(_) => match self.parser.word() {
                    b"true" | b"false" | b"null" => self.operands.push(Object::Null),
                    b"ID" => return self.behind_image(),
                    operator => {
                        let paid = self.budget.work(OPERATOR_WORK);
                        return paid.map_or(Next::TooMuch, |()| Next::Operator(operator));
                    }
                },
            }
        }
    }

    /// Past the bytes of an image that stands in the content: up to an `EI` behind which text follows.
    fn behind_image(&mut self) -> Next<'a> {
        let start = self.parser.at;
        let rest = &self.parser.bytes[start..];
        for at in memmem::find_iter(rest, b"EI") {
            let after = &rest[at + 2..];
            let parted = at > 0 && is_space(rest[at - 1]) && after.first().is_none_or(|byte| is_space(*byte));
            if parted && after.iter().take(16).all(|byte| is_space(*byte) || byte.is_ascii_graphic()) {
                self.parser.at = start + at + 2;
                let paid = self.budget.work(OPERATOR_WORK + at / 8);
                return paid.map_or(Next::TooMuch, |()| Next::Operator(b"EI"));
            }
        }
        Next::Broken
    }
}
