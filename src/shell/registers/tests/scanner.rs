//! The scanner beside the `csv` crate and beside the one that goes line by line, and under any bytes at all.

use super::super::file::Block;
use super::super::gather::{Gathering, Says};
use super::super::scan::{Dialect, Fault, Truncated, scan};
use super::sequential;
use super::*;

/// Fields of each record, `None` for a broken one.
type Records = Vec<Option<Vec<Vec<u8>>>>;

fn records(text: &[u8], fields: usize) -> Result<Records, Truncated> {
    let mut records = Vec::new();
    scan(Dialect { delimiter: b',', fields }, text, 1, true, &mut |record| {
        let all = (0..fields).map(|field| record.field(field).into_owned()).collect();
        records.push(record.fault.is_none().then_some(all));
    })?;
    Ok(records)
}

/// Everything that is said of a record, and its fields.
type Said = (u64, u64, Vec<u8>, bool, Option<String>, Vec<Vec<u8>>);

fn by_stretches(text: &[u8], fields: usize) -> (Vec<Said>, Option<u64>) {
    let mut said = Vec::new();
    let scanned = scan(Dialect { delimiter: b',', fields }, text, 1, true, &mut |record| {
        let whole = record.fault.is_none();
        let all = (0..fields).filter(|_| whole).map(|field| record.field(field).into_owned()).collect();
        let fault = record.fault.map(|fault| format!("{fault:?}"));
        said.push((record.line, record.lines, record.bytes.to_vec(), record.terminated, fault, all));
    });
    (said, scanned.err().map(|truncated| truncated.line))
}

fn line_by_line(text: &[u8], fields: usize) -> (Vec<Said>, Option<u64>) {
    let mut said = Vec::new();
    let mut scanner = sequential::Scanner::new(sequential::Dialect { delimiter: b',', fields }, 1);
    let scanned = scanner.feed(text, true, &mut |record| {
        let whole = record.fault.is_none();
        let all = sequential::Fields::new(record.bytes, b',').filter(|_| whole).map(|field| field.into_owned());
        let (all, fault) = (all.collect(), record.fault.map(|fault| format!("{fault:?}")));
        said.push((record.line, record.lines, record.bytes.to_vec(), record.terminated, fault, all));
    });
    (said, scanned.err().map(|truncated| truncated.line))
}

/// Cuts `text` behind line endings into blocks of at least the next of `sizes` bytes.
fn blocks(text: &[u8], sizes: &[usize]) -> Vec<Block> {
    let (mut blocks, mut rest) = (Vec::new(), text);
    for size in sizes.iter().cycle() {
        let end = rest.get(*size..).and_then(|tail| memchr::memchr(b'\n', tail)).map(|at| size + at + 1);
        let Some(end) = end else { break };
        blocks.push(Block::of(&rest[..end], false));
        rest = &rest[end..];
    }
    blocks.push(Block::of(rest, true));
    blocks
}

/// What the rows say, what was found, and why the file is refused; fed `together` blocks at a time.
fn gathered(text: &[u8], sizes: &[usize], together: usize) -> impl PartialEq + std::fmt::Debug {
    let mut said = Vec::new();
    let mut gathering = Gathering::<Krr, _>::new(None, |id, line, says: Says<'_>| {
        said.push((id.number(), line, says.into_owned()));
    });
    let fed = blocks(text, sizes).chunks(together).try_for_each(|blocks| gathering.feed(blocks));
    let findings = gathering.findings;
    (said, findings, fed.err().map(|refusal| refusal.to_string()))
}

fn by_csv(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    reader.byte_records().map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect()).collect()
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn well_formed_text_reads_as_the_csv_crate_reads_it(
        rows in prop::collection::vec(prop::collection::vec(("[a-cæ,\"\n\r]{0,90}", any::<bool>()), 3), 1..12),
        crlf in any::<bool>(),
        ended in any::<bool>(),
    ) {
        let ending = if crlf { "\r\n" } else { "\n" };
        let lines: Vec<String> = rows.iter().map(|row| {
            let fields: Vec<String> = row.iter().map(|(field, quote)| {
                if *quote || field.contains([',', '"', '\n', '\r']) { quoted(field) } else { field.clone() }
            }).collect();
            fields.join(",")
        }).collect();
        let text = lines.join(ending) + if ended { ending } else { "" };
        let records = records(text.as_bytes(), 3).unwrap();
        let expected: Records = by_csv(text.as_bytes()).into_iter().map(Some).collect();
        prop_assert_eq!(records, expected);
    }

    #[test]
    fn any_bytes_give_what_they_gave_line_by_line(
        text in prop::collection::vec(prop::sample::select(b"a1,\"\n\r\xff".to_vec()), 0..600),
        fields in 1_usize..4,
    ) {
        prop_assert_eq!(by_stretches(&text, fields), line_by_line(&text, fields));
    }

    #[test]
    fn rows_with_a_mistake_here_and_there_give_what_they_gave_line_by_line(
        rows in prop::collection::vec(prop::collection::vec(0_usize..7, 3), 1..60),
        mistakes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\",\n\rx".to_vec())), 0..3),
        ending in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let text = with_mistakes(&rows, &mistakes, ending);
        prop_assert_eq!(by_stretches(&text, 3), line_by_line(&text, 3));
    }

    /// However a file is cut, and however many pieces are looked at together, the same comes out of it.
    #[test]
    fn where_a_file_is_cut_does_not_matter(
        rows in prop::collection::vec((0_usize..5, 0_usize..9), 1..60),
        mistakes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\",\n\rx".to_vec())), 0..4),
        sizes in prop::collection::vec(0_usize..400, 1..8),
        together in 1_usize..5,
    ) {
        let numbers = [ANNE, BERIT, CARL, DINA, "1.28371E+10"];
        let filler = ["a@b.test", "\"a\nb\"", "\"a,b\"", "\"\"\"\"", "x\"y", "\"a\r\nb\r\nc\"", "", "\"open", "z"];
        let rows = rows.iter().map(|(number, with)| {
            format!("{}{}", numbers[*number], PLAIN.replace("a@eksempel.test", filler[*with]))
        });
        let mut text = rows.collect::<String>().into_bytes();
        for (place, byte) in &mistakes {
            let place = place.index(text.len());
            text[place] = *byte;
        }
        let text = [KRR.as_bytes(), &text].concat();
        prop_assert_eq!(gathered(&text, &sizes, together), gathered(&text, &[usize::MAX], 1));
    }
}

/// Rows of some fields, with some bytes written over.
fn with_mistakes(rows: &[Vec<usize>], mistakes: &[(prop::sample::Index, u8)], ending: &str) -> Vec<u8> {
    let fields =
        ["", "a", "\"\"", "\"a,b\"", "\"a\n\"\"b\"", "\"c\"\"\"", "a text that is somewhat longer than others"];
    let lines = rows.iter().map(|row| row.iter().map(|field| fields[*field]).collect::<Vec<_>>().join(",") + ending);
    let mut text = lines.collect::<String>().into_bytes();
    for (place, byte) in mistakes {
        let place = place.index(text.len());
        text[place] = *byte;
    }
    text
}

proptest! {
    // Each case is a file.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..2000), packed in any::<bool>()) {
        let registry = Registry::with(&[("krr.csv", &krr(&[ANNE]))]);
        let bytes = [KRR.as_bytes(), &bytes].concat();
        fs::remove_file(registry.path().join("krr.csv")).unwrap();
        if packed { registry.write("krr.csv.gz", &gzip(&bytes)) } else { registry.write("krr.csv", &bytes) }
        registry.consult(&ids(&PEOPLE));
    }
}

#[test]
fn quotes_where_none_may_stand() {
    for (line, fault) in [
        ("a,b", None),
        ("\"a\",\"b\"", None),
        ("\"\",\"\"\"\"", None),
        ("\"a,b\",c", None),
        ("a\"b\",c", Some(Fault::Quotes)),
        ("\"a\"b,c", Some(Fault::Quotes)),
        ("a,b\"", Some(Fault::Quotes)),
        (" \"a\",b", Some(Fault::Quotes)),
        ("a", Some(Fault::Fields { found: 1 })),
        ("a,b,c", Some(Fault::Fields { found: 3 })),
        ("\"a,b\"", Some(Fault::Fields { found: 1 })),
    ] {
        // Moved along, so that what is wrong falls on either side of a border between chunks.
        for shift in 0..70 {
            let text = format!("{},{line}\n", "x".repeat(shift));
            let mut faults = Vec::new();
            let dialect = Dialect { delimiter: b',', fields: 3 };
            // What is open at the end of the text is truncated there, which is another matter.
            let _ =
                scan(dialect, (text + "y\",z\nx,y,z\n").as_bytes(), 1, true, &mut |record| faults.push(record.fault));
            let fault = fault.map(|fault| match fault {
                Fault::Fields { found } => Fault::Fields { found: found + 1 },
                Fault::Quotes => Fault::Quotes,
            });
            assert_eq!(faults[0], fault, "{line} after {shift}");
        }
    }
}
