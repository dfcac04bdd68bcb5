//! From pages to sheets: what stands on which side of which sheet, and what envelope the letter needs.

use std::fmt;

/// Sheets, cover included, that a C5 envelope takes.
const C5_SHEETS_MAX: u32 = 6;
/// Sheets, cover included, that a C4 envelope takes; more is a parcel.
const C4_SHEETS_MAX: u32 = 99;

/// What a letter is posted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Envelope {
    C5,
    C4,
    Parcel,
}

impl Envelope {
    /// The envelope for this many sheets, the cover included.
    pub fn of_sheets(sheets: u32) -> Self {
        match sheets {
            sheets if sheets <= C5_SHEETS_MAX => Self::C5,
            sheets if sheets <= C4_SHEETS_MAX => Self::C4,
            _ => Self::Parcel,
        }
    }
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::C5 => "C5",
            Self::C4 => "C4",
            Self::Parcel => "pakke",
        })
    }
}

/// How letters are printed: one PDF holds letters of one class. Shown as in the PDF's name: `C5-sort-tosidig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrintClass {
    pub envelope: Envelope,
    pub colour: bool,
    pub duplex: bool,
}

impl fmt::Display for PrintClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colour = if self.colour { "farge" } else { "sort" };
        let sides = if self.duplex { "tosidig" } else { "enkeltsidig" };
        write!(f, "{}-{colour}-{sides}", self.envelope)
    }
}

/// A document of a letter, as the printer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enclosure {
    pub pages: u32,
    /// Pages, from 1, that go on giro paper: each on a sheet of its own, whose back stays empty. Numbers beyond
    /// `pages` have no effect; the intake has refused them.
    pub giro: Vec<u32>,
}

/// One side of a sheet. A document of `n` pages gives each page, in order, exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A page of the document, from 1.
    Page(u32),
    /// An empty back, so that what follows starts on a new sheet.
    Blank,
}

impl Enclosure {
    /// Whether the document has all the pages that are to go on giro paper.
    pub fn giro_is_in_range(&self) -> bool {
        self.giro.iter().all(|page| (1..=self.pages).contains(page))
    }

    /// The sides in printing order. With `duplex` their number is even, and each pair is a sheet; without, each side
    /// is a sheet and none is blank.
    pub fn sides(&self, duplex: bool) -> Vec<Side> {
        let mut sides = Vec::new();
        let to_new_sheet = |sides: &mut Vec<Side>| {
            if duplex && sides.len() % 2 == 1 {
                sides.push(Side::Blank);
            }
        };
        for page in 1..=self.pages {
            let giro = self.giro.contains(&page);
            if giro {
                to_new_sheet(&mut sides);
            }
            sides.push(Side::Page(page));
            if giro {
                to_new_sheet(&mut sides);
            }
        }
        to_new_sheet(&mut sides);
        sides
    }
}

/// What a letter takes when printed, its cover sheet included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Pages in the output file: the cover, the documents' pages, and blank backs.
    pub pages: u32,
    pub sheets: u32,
    /// Sheets of the letter, from 1, that must be giro paper.
    pub giro_sheets: Vec<u32>,
}

impl Extent {
    /// Counts a letter with these documents and one cover sheet.
    pub fn of(documents: &[Enclosure], duplex: bool) -> Self {
        let per_sheet = if duplex { 2 } else { 1 };
        let mut extent = Self { pages: per_sheet, sheets: 1, giro_sheets: Vec::new() };
        for document in documents {
            for side in document.sides(duplex) {
                let sheet = extent.pages / per_sheet + 1;
                extent.pages += 1;
                if matches!(side, Side::Page(page) if document.giro.contains(&page)) {
                    extent.giro_sheets.push(sheet);
                }
            }
        }
        extent.sheets = extent.pages / per_sheet;
        extent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(pages: u32, giro: &[u32]) -> Enclosure {
        Enclosure { pages, giro: giro.to_vec() }
    }

    /// Sides as text: page numbers, `-` for a blank.
    fn shown(document: &Enclosure, duplex: bool) -> String {
        let side = |side| match side {
            Side::Page(page) => page.to_string(),
            Side::Blank => "-".to_owned(),
        };
        document.sides(duplex).into_iter().map(side).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sides() {
        for (pages, giro, simplex, duplex) in [
            (1, &[][..], "1", "1 -"),
            (2, &[], "1 2", "1 2"),
            (3, &[], "1 2 3", "1 2 3 -"),
            (3, &[3], "1 2 3", "1 2 3 -"),
            (2, &[2], "1 2", "1 - 2 -"),
            (4, &[2], "1 2 3 4", "1 - 2 - 3 4"),
            (3, &[1, 2], "1 2 3", "1 - 2 - 3 -"),
            (2, &[9], "1 2", "1 2"),
        ] {
            let document = document(pages, giro);
            assert_eq!(shown(&document, false), simplex, "{pages} {giro:?}");
            assert_eq!(shown(&document, true), duplex, "{pages} {giro:?}");
        }
    }

    #[test]
    fn giro_pages_out_of_range() {
        assert!(document(3, &[1, 3]).giro_is_in_range());
        assert!(!document(3, &[4]).giro_is_in_range());
        assert!(!document(3, &[0]).giro_is_in_range());
    }

    #[test]
    fn extents() {
        let extent = |documents: &[Enclosure], duplex| {
            let Extent { pages, sheets, giro_sheets } = Extent::of(documents, duplex);
            (pages, sheets, giro_sheets)
        };
        assert_eq!(extent(&[document(3, &[])], false), (4, 4, vec![]));
        assert_eq!(extent(&[document(3, &[])], true), (6, 3, vec![]));
        assert_eq!(extent(&[document(1, &[]), document(1, &[])], true), (6, 3, vec![]), "each on its own sheet");
        assert_eq!(extent(&[document(3, &[2]), document(1, &[1])], false), (5, 5, vec![3, 5]));
        assert_eq!(extent(&[document(3, &[2]), document(1, &[1])], true), (10, 5, vec![3, 5]));
    }

    #[test]
    fn envelopes_by_sheets_with_the_cover() {
        for (pages, duplex, envelope) in [
            (5, false, Envelope::C5),
            (6, false, Envelope::C4),
            (10, true, Envelope::C5),
            (11, true, Envelope::C4),
            (98, false, Envelope::C4),
            (99, false, Envelope::Parcel),
        ] {
            let extent = Extent::of(&[document(pages, &[])], duplex);
            assert_eq!(Envelope::of_sheets(extent.sheets), envelope, "{pages} {duplex}");
        }
    }
}
