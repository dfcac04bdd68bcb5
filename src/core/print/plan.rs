//! Which letter goes into which PDF, and where in it.

use std::cmp::Ordering;

use super::country::Country;
use super::sheets::{Enclosure, Envelope, Extent, PrintClass};

/// Letters in one PDF: what a printer's queue takes in one piece.
pub const LETTERS_PER_FILE_MAX: usize = 2_000;

/// What the plan has to know of a letter.
#[derive(Clone)]
pub struct PrintLetter {
    pub country: Country,
    pub postcode: String,
    pub name: String,
    /// Tells letters to the same address apart, the same way every night: the letter's own id.
    pub id: String,
    pub colour: bool,
    pub duplex: bool,
    pub documents: Vec<Enclosure>,
}

impl PrintLetter {
    /// By postage (Norway, Europe, world), country, postcode and name: the order in which the mail is handed in.
    fn order(&self, other: &Self) -> Ordering {
        let key = |letter: &Self| (letter.name.to_lowercase(), letter.name.clone(), letter.id.clone());
        let place = self.country.cmp(&other.country).then_with(|| self.postcode.cmp(&other.postcode));
        place.then_with(|| key(self).cmp(&key(other)))
    }
}

/// One PDF of a batch, with its letters in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintFile {
    pub class: PrintClass,
    /// From 1, where a class needs more than one PDF.
    pub part: u32,
    pub letters: Vec<Placed>,
}

impl PrintFile {
    /// `C5-sort-tosidig.pdf`, then `C5-sort-tosidig-2.pdf` and so on.
    pub fn name(&self) -> String {
        match self.part {
            1 => format!("{}.pdf", self.class),
            part => format!("{}-{part}.pdf", self.class),
        }
    }

    /// Pages of the whole file.
    pub fn pages(&self) -> u32 {
        self.letters.iter().map(|letter| letter.extent.pages).sum()
    }
}

/// A letter in its PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Which of the planned letters this is.
    pub index: usize,
    /// Order number within the batch, from 1.
    pub number: u32,
    /// The cover's page number in the file, from 1.
    pub first_page: u32,
    pub extent: Extent,
}

/// Divides a batch into PDFs: by print class, at most [`LETTERS_PER_FILE_MAX`] each, sorted within the class. The same
/// letters give the same plan, in whatever order they come.
pub fn plan(letters: &[PrintLetter]) -> Vec<PrintFile> {
    let mut queue: Vec<(PrintClass, usize, Extent)> = letters
        .iter()
        .enumerate()
        .map(|(index, letter)| {
            let extent = Extent::of(&letter.documents, letter.duplex);
            let envelope = Envelope::of_sheets(extent.sheets);
            (PrintClass { envelope, colour: letter.colour, duplex: letter.duplex }, index, extent)
        })
        .collect();
    queue.sort_by(|(class, index, _), (other_class, other, _)| {
        class.cmp(other_class).then_with(|| letters[*index].order(&letters[*other]))
    });
    let mut files: Vec<PrintFile> = Vec::new();
    for ((class, index, extent), number) in queue.into_iter().zip(1..) {
        let part = match files.last() {
            Some(file) if file.class == class && file.letters.len() < LETTERS_PER_FILE_MAX => None,
            Some(file) if file.class == class => Some(file.part + 1),
            _ => Some(1),
        };
        files.extend(part.map(|part| PrintFile { class, part, letters: Vec::new() }));
        if let Some(file) = files.last_mut() {
            let first_page = file.letters.last().map_or(1, |last| last.first_page + last.extent.pages);
            file.letters.push(Placed { index, number, first_page, extent });
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(country: &str, postcode: &str, name: &str) -> PrintLetter {
        PrintLetter {
            country: Country::of(country),
            postcode: postcode.to_owned(),
            name: name.to_owned(),
            id: String::new(),
            colour: false,
            duplex: true,
            documents: vec![Enclosure { pages: 3, giro: vec![] }],
        }
    }

    #[test]
    fn sorted_by_country_postcode_and_name() {
        let expected = [
            letter("", "0150", "Berg"),
            letter("Norge", "0150", "Dal"),
            letter("NO", "4604", "Aas"),
            letter("Danmark", "2100", "Aas"),
            letter("Sweden", "11122", "Aas"),
            letter("Sverige", "11123", "Aas"),
            letter("Canada", "1", "Aas"),
            letter("USA", "1", "Aas"),
        ];
        for rotation in 0..expected.len() {
            let mut shuffled = expected.to_vec();
            shuffled.rotate_left(rotation);
            let files = plan(&shuffled);
            assert_eq!(files.len(), 1);
            let order: Vec<_> = files[0].letters.iter().map(|placed| &shuffled[placed.index]).collect();
            for (letter, expected) in order.iter().zip(&expected) {
                assert_eq!((&letter.postcode, &letter.name), (&expected.postcode, &expected.name));
            }
        }
    }

    #[test]
    fn every_letter_has_one_place_and_files_are_bounded() {
        let mut letters: Vec<_> =
            (0..4_500).map(|number| PrintLetter { id: number.to_string(), ..letter("", "0150", "Berg") }).collect();
        letters[7].colour = true;
        letters[8].documents[0].pages = 400;
        let files = plan(&letters);
        let shape: Vec<_> = files.iter().map(|file| (file.name(), file.letters.len())).collect();
        let expected = [
            ("C5-sort-tosidig.pdf", 2_000),
            ("C5-sort-tosidig-2.pdf", 2_000),
            ("C5-sort-tosidig-3.pdf", 498),
            ("C5-farge-tosidig.pdf", 1),
            ("pakke-sort-tosidig.pdf", 1),
        ];
        assert_eq!(shape, expected.map(|(name, count)| (name.to_owned(), count)));
        let mut placed: Vec<_> = files.iter().flat_map(|file| &file.letters).collect();
        assert!(placed.iter().zip(1..).all(|(placed, number)| placed.number == number));
        placed.sort_by_key(|placed| placed.index);
        assert!(placed.iter().zip(0..).all(|(placed, index)| placed.index == index));
    }

    #[test]
    fn pages_follow_each_other() {
        let file = plan(&[letter("", "1", "A"), letter("", "2", "B")]).remove(0);
        assert_eq!(file.letters.iter().map(|placed| placed.first_page).collect::<Vec<_>>(), [1, 7]);
        assert_eq!(file.pages(), 12);
    }
}
