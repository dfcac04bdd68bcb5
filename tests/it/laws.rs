//! What holds for any input.

use std::collections::BTreeMap;
use std::fs;

use postgang::core::format::{Format, parse};
use postgang::core::identity::redact;
use postgang::core::letter::Letter;
use postgang::core::names::{letter_name, shown};
use postgang::core::senders::Senders;
use postgang::core::snapshot::RegisterPolicies;
use postgang::shell::pdf;
use postgang::shell::registers::{Request, SnapshotMemory, Wanted, consult};
use proptest::prelude::*;

use super::make;
use super::support::{files, fixtures, panics};
use super::world::{IN_ALTINN, IN_DIGIPOST, RESERVED, World, identity_numbers};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// What metadata is made of, and what breaks it.
const TOKENS: [&str; 40] = [
    "tittel: ",
    "mottaker: ",
    "navn: ",
    "digitalId: ",
    "01817010055",
    "028271 10186",
    "\"03837210045\"",
    "dokumenter: ",
    "filnavn: ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\"",
    "'",
    ": ",
    "? ",
    "&a ",
    "*a ",
    "<<: ",
    "!!binary ",
    "!!int ",
    "| ",
    "> ",
    "# ",
    "---\n",
    "%YAML 1.1\n",
    "null",
    "true",
    "1e999",
    "\u{feff}",
    "\0",
    "æøå",
    "01817010055: x",
    "\t",
];

const WHOLE: &str = "tittel: Vedtak\nmottaker: {navn: Kari Nordmann, digitalId: '01817010055', postnummer: 4604}\n\
    dokumenter:\n  - {filnavn: a.pdf, giroarkSider: [1, 2]}\n";

fn metadata() -> impl Strategy<Value = Vec<u8>> {
    let tokens = prop::collection::vec(prop::sample::select(TOKENS.to_vec()), 0..40);
    let damage = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..4));
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        tokens.prop_map(|tokens| tokens.concat().into_bytes()),
        damage.prop_map(|(start, end, bytes)| {
            let mut whole = WHOLE.as_bytes().to_vec();
            let (start, end) = (start.index(whole.len()), end.index(whole.len()));
            whole.splice(start.min(end)..start.max(end).min(start.min(end) + 6), bytes);
            whole
        }),
    ]
}

/// A text with identity numbers, halves of them, and what may stand between.
fn with_numbers() -> impl Strategy<Value = String> {
    let pieces =
        [IN_ALTINN, RESERVED, "018170", "10055", " ", "_", ":", "\n", "\u{200b}", "\u{a0}", ".", "-", "å", "7"];
    prop::collection::vec(prop_oneof![prop::sample::select(pieces.to_vec()).prop_map(str::to_owned), ".{0,3}"], 0..12)
        .prop_map(|pieces| pieces.concat())
}

/// A valid number in one piece, or `ddmmåå nnnnn` with any one sign between.
fn shows_a_number(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let joined = chars.windows(12).map(|run| run[..6].iter().chain(&run[7..]).collect::<String>());
    let split = joined.zip(chars.windows(12)).filter(|(_, run)| !run[6].is_alphanumeric()).map(|(joined, _)| joined);
    !identity_numbers(text.as_bytes()).is_empty()
        || split.into_iter().any(|run| !identity_numbers(run.as_bytes()).is_empty())
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_metadata_is_a_letter_or_a_refusal_that_quotes_no_number(bytes in metadata(), json: bool) {
        let format = if json { Format::Json } else { Format::Yaml };
        let parsed = parse(&bytes, format);
        let unknown = parsed.as_ref().ok().and_then(|parsed| parsed.unknown.clone());
        let refused = parsed.and_then(|parsed| Letter::from_forsendelse(parsed.forsendelse)).err();
        for refusal in unknown.into_iter().chain(refused) {
            prop_assert!(refusal.code.is_refusal());
            prop_assert!(!shows_a_number(&refusal.sentence()), "{}", refusal.sentence());
        }
    }

    #[test]
    fn no_identity_number_survives(text in with_numbers()) {
        for hidden in [redact(&text), shown(&text), letter_name(&text, "abcdefab")] {
            prop_assert!(!shows_a_number(&hidden), "{hidden:?}");
        }
    }

    #[test]
    fn a_letters_name_is_a_name_on_windows(text in prop_oneof![".{0,300}", with_numbers()]) {
        let name = letter_name(&text, "abcdefab");
        prop_assert!(name.ends_with(".abcdefab") && name.chars().count() <= 109 && name.len() <= 209);
        prop_assert!(!name.contains(['<', '>', ':', '"', '/', '\\', '|', '?', '*']));
        prop_assert!(!name.contains(char::is_control));
        let before = name.strip_suffix(".abcdefab").unwrap();
        prop_assert!(!before.is_empty() && !before.ends_with(['.', ' ']));
        prop_assert_eq!(letter_name(before, "abcdefab"), name.clone(), "made twice it is the same");
    }

    #[test]
    fn any_senders_are_rules_or_a_place_in_the_file(cut: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 0..8)) {
        let mut text = fs::read(fixtures("registry/avsendere.yaml")).unwrap();
        let cut = cut.index(text.len());
        text.splice(cut..(cut + bytes.len() / 2).min(text.len()), bytes);
        if let Err(error) = Senders::parse(&text) {
            prop_assert!(error.line > 0 && error.column > 0);
        }
    }

    #[test]
    fn any_bytes_are_a_pdf_or_a_fault(cut: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut file = make::pdf(2);
        let cut = cut.index(file.len());
        file.splice(cut..(cut + bytes.len()).min(file.len()), bytes);
        let _ = panics::none(|| pdf::inspect(&file));
    }
}

proptest! {
    #![proptest_config(cases(200))]

    /// A damaged KRR is refused, or holds persons, or says what it said before; it never makes the reserved digital.
    #[test]
    fn a_damaged_register_reserves_nobody_less(cut: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 0..6)) {
        let world = World::new();
        let mut text = fs::read(world.path("registry/krr.csv")).unwrap();
        let cut = cut.index(text.len());
        let end = (cut + bytes.len() / 2).min(text.len());
        let reserved = memchr::memmem::find(&text, RESERVED.as_bytes()).unwrap();
        // Damage to the number itself makes it somebody else's row, and to the flag or the header another register.
        prop_assume!(end <= reserved && cut > text.iter().position(|b| *b == b'\n').unwrap());
        text.splice(cut..end, bytes);
        world.write("registry/krr.csv", text);
        world.age_registers(&BTreeMap::new());
        let recipient = postgang::core::identity::PersonId::parse(RESERVED.as_bytes()).unwrap();
        let wanted: Wanted = [postgang::core::identity::RecipientId::Person(recipient)].into_iter().collect();
        let registers = consult(Request {
            dir: &world.path("registry"),
            policies: &RegisterPolicies::default(),
            memory: &SnapshotMemory::default(),
            shelf: None,
            accept: &[],
            wanted: &wanted,
            now: world.moment(),
        });
        if let postgang::shell::registers::Lookup::Known(facts) = registers.person(recipient) {
            prop_assert!(facts.reserved || !facts.in_krr, "{facts:?}");
        }
    }
}

/// A drop of some kind; the number makes it another letter.
#[derive(Clone, Copy, Debug)]
enum Kind {
    To(&'static str),
    /// Like every other of its kind.
    Twin,
    Unreadable,
    Incomplete,
    Undeclared,
    BadPdf,
    Link,
    Loose,
    Unfinished,
}

const KINDS: [Kind; 15] = [
    Kind::To(IN_ALTINN),
    Kind::To(IN_DIGIPOST),
    Kind::To(RESERVED),
    Kind::To("12928110042"),
    Kind::To("310000019"),
    Kind::To("310000027"),
    Kind::To("310000043"),
    Kind::Twin,
    Kind::Unreadable,
    Kind::Incomplete,
    Kind::Undeclared,
    Kind::BadPdf,
    Kind::Link,
    Kind::Loose,
    Kind::Unfinished,
];

fn put(world: &World, number: usize, kind: Kind) {
    let name = format!("brev-{number}");
    let inside = |file: &str| world.path("inbox").join(&name).join(file);
    let to = |id: &str, title: &str| {
        format!(
            "{{tittel: {title}, mottaker: {{navn: Kari Nordmann, digitalId: '{id}', postnummer: 4604, poststed: K}}}}"
        )
    };
    let own = to(IN_ALTINN, &name);
    match kind {
        Kind::To(id) => world.drop(&name, &to(id, &name)),
        Kind::Twin => world.drop(&name, &to(IN_ALTINN, "Tvilling")),
        Kind::Unreadable => world.drop(&name, "tittel: ["),
        Kind::Incomplete => world.write(inside("vedtak.pdf"), make::pdf(1)),
        Kind::Undeclared => {
            world.drop(&name, &own);
            world.write(inside("notat.txt"), "Hei.");
        }
        Kind::BadPdf => {
            world.drop(&name, &own);
            world.write(inside("b.pdf"), &make::pdf(1)[..100]);
        }
        Kind::Link => {
            world.drop(&name, &own);
            make::make(&inside("lenke.pdf"), "link to vedtak.pdf");
        }
        Kind::Loose => world.write(format!("inbox/{name}.pdf"), make::pdf(1)),
        Kind::Unfinished => world.drop(&format!("{name}.tmp"), &own),
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// Whatever lies in the inbox: the laws of [`World::run`] hold, the order in which the drops came and the number
    /// of threads change nothing, and neither does a second pass.
    #[test]
    fn the_outbox_depends_on_the_letters_alone(
        (kinds, order) in prop::collection::vec(prop::sample::select(KINDS.to_vec()), 0..12)
            .prop_flat_map(|kinds| {
                let order: Vec<usize> = (0..kinds.len()).collect();
                (Just(kinds), Just(order).prop_shuffle())
            })
    ) {
        let (one, four) = (World::new(), World::new());
        for number in 0..kinds.len() {
            put(&one, number, kinds[number]);
            put(&four, order[number], kinds[order[number]]);
        }
        one.run(&["--threads", "1"]);
        four.run(&["--threads", "4"]);
        let first = files(&one.path("outbox"));
        prop_assert_eq!(&first, &files(&four.path("outbox")));
        one.run(&[]);
        prop_assert_eq!(&first, &files(&one.path("outbox")));
    }
}
