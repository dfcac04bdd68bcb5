//! The rules of the preflight: stable codes, and a sentence for the operator beside each.

use std::fmt::Write;

/// Pages that a sentence names before it says "and more".
const PAGES_NAMED_MAX: usize = 8;

/// Why a document cannot be printed. The order is the order in which violations are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrintRule {
    Unreadable,
    Encrypted,
    NoPages,
    TooManyPages,
    UnsupportedPdfVersion,
    UnsupportedDimensions,
    InsufficientMargin,
    FontNotEmbedded,
    /// Ours: the printing service's own check does not look at forms.
    FormValueNotVisible,
    /// Ours: what its reader sees is not on its pages, but in an XFA form, which a program draws itself.
    Xfa,
    /// Ours, likewise: what its reader sees are the files in a portfolio.
    Portfolio,
    /// Ours: what cannot be unpacked, is packed as no printer knows, or is without measure.
    ContentUnreadable,
    /// Ours: programs show layers and annotations without appearance each in their own way.
    ShownDifferently,
}

impl PrintRule {
    /// The stable code, as it stands in lists and statistics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Encrypted => "encrypted",
            Self::NoPages => "no-pages",
            Self::TooManyPages => "too-many-pages",
            Self::UnsupportedPdfVersion => "unsupported-pdf-version",
            Self::UnsupportedDimensions => "unsupported-dimensions",
            Self::InsufficientMargin => "insufficient-margin",
            Self::FontNotEmbedded => "font-not-embedded",
            Self::FormValueNotVisible => "form-value-not-visible",
            Self::Xfa => "xfa",
            Self::Portfolio => "portfolio",
            Self::ContentUnreadable => "content-unreadable",
            Self::ShownDifferently => "shown-differently",
        }
    }

    /// Whether what is on the document's pages is not the document.
    pub fn is_placeholder(self) -> bool {
        matches!(self, Self::Xfa | Self::Portfolio)
    }

    /// What is wrong, in bokmål, for the one who has to make the document anew.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unreadable => "PDF-en kan ikke leses; den er skadet eller ufullstendig.",
            Self::Encrypted => "PDF-en er kryptert.",
            Self::NoPages => "PDF-en har ingen sider.",
            Self::TooManyPages => "PDF-en har flere sider enn avsenderen tillater på papir.",
            Self::UnsupportedPdfVersion => "PDF-versjonen støttes ikke; den må være 1.0 til 1.7.",
            Self::UnsupportedDimensions => "Siden er ikke A4.",
            Self::InsufficientMargin => "Det står tekst i strekkodefeltet i venstre marg.",
            Self::FontNotEmbedded => "En skrift er ikke innebygd i PDF-en.",
            Self::FormValueNotVisible => {
                "Et utfylt skjemafelt mangler utseende eller skal ikke skrives ut, og ville blitt tomt eller feil på papir; lagre PDF-en med flate felter."
            }
            Self::ShownDifferently => {
                "Lag eller merknader i PDF-en vises ulikt i ulike programmer; lagre PDF-en med flate lag og merknader."
            }
            Self::Xfa => {
                "PDF-en er et XFA-skjema, og på sidene står det noe annet enn leseren ser; skriv den ut til en ny PDF."
            }
            Self::Portfolio => {
                "PDF-en er en portefølje, og på sidene står bare omslaget; send dokumentene i den hver for seg."
            }
            Self::ContentUnreadable => {
                "Innholdet er skadet, pakket på en måte som skrivere ikke kjenner, eller for omfattende; lag PDF-en på nytt."
            }
        }
    }
}

/// One broken rule, and the pages that break it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub rule: PrintRule,
    /// Page numbers from 1, ascending; empty where the whole document breaks the rule.
    pub pages: Vec<u32>,
}

impl Violation {
    /// A violation by the document as a whole.
    pub fn whole(rule: PrintRule) -> Self {
        Self { rule, pages: Vec::new() }
    }

    /// The rule's sentence, with the pages it concerns.
    pub fn sentence(&self) -> String {
        let mut text = self.rule.sentence().to_owned();
        if let Some((first, others)) = self.pages.split_first() {
            let _ = write!(text, " Side {first}");
            for page in others.iter().take(PAGES_NAMED_MAX - 1) {
                let _ = write!(text, ", {page}");
            }
            text.push_str(if self.pages.len() > PAGES_NAMED_MAX { " med flere." } else { "." });
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_the_pages_but_not_all_of_many() {
        let violation = |pages| Violation { rule: PrintRule::UnsupportedDimensions, pages }.sentence();
        assert_eq!(violation(vec![]), "Siden er ikke A4.");
        assert_eq!(violation(vec![3]), "Siden er ikke A4. Side 3.");
        assert_eq!(violation((1..=8).collect()), "Siden er ikke A4. Side 1, 2, 3, 4, 5, 6, 7, 8.");
        assert_eq!(violation((1..=900).collect()), "Siden er ikke A4. Side 1, 2, 3, 4, 5, 6, 7, 8 med flere.");
    }
}
