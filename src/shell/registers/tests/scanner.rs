//! The scanner beside the `csv` crate, and under any bytes at all.

use super::super::scan::{Dialect, Fault, Fields, Scanner, Truncated};
use super::*;

/// Fields of each record, `None` for a broken one.
type Records = Vec<Option<Vec<Vec<u8>>>>;

/// Feeds `text` in blocks of whole lines, each of at least the next of `sizes` bytes.
fn scan(text: &[u8], fields: usize, sizes: &[usize]) -> Result<Records, Truncated> {
    let mut scanner = Scanner::new(Dialect { delimiter: b',', fields }, 1);
    let mut records = Vec::new();
    let mut each = |record: super::super::scan::Record<'_>| {
        let fields = Fields::new(record.bytes, b',').map(|field| field.into_owned()).collect();
        records.push(record.fault.is_none().then_some(fields));
    };
    let mut rest = text;
    let mut sizes = sizes.iter().cycle();
    loop {
        let size = *sizes.next().unwrap();
        let end = rest.get(size..).and_then(|tail| memchr::memchr(b'\n', tail)).map(|at| size + at + 1);
        let Some(end) = end else { break };
        scanner.feed(&rest[..end], false, &mut each)?;
        rest = &rest[end..];
    }
    scanner.feed(rest, true, &mut each)?;
    Ok(records)
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
        sizes in prop::collection::vec(0_usize..300, 1..8),
    ) {
        let ending = if crlf { "\r\n" } else { "\n" };
        let lines: Vec<String> = rows.iter().map(|row| {
            let fields: Vec<String> = row.iter().map(|(field, quote)| {
                if *quote || field.contains([',', '"', '\n', '\r']) { quoted(field) } else { field.clone() }
            }).collect();
            fields.join(",")
        }).collect();
        let text = lines.join(ending) + if ended { ending } else { "" };
        let records = scan(text.as_bytes(), 3, &sizes).unwrap();
        let expected: Records = by_csv(text.as_bytes()).into_iter().map(Some).collect();
        prop_assert_eq!(records, expected);
    }

    #[test]
    fn any_bytes_scan_to_records_or_an_error(
        text in prop::collection::vec(prop::sample::select(b"a1,\"\n\r\xff".to_vec()), 0..400),
        fields in 1_usize..4,
        sizes in prop::collection::vec(0_usize..60, 1..8),
    ) {
        // However the text is cut, the same comes out of it; and every record without fault has its fields.
        let whole = scan(&text, fields, &[usize::MAX]);
        prop_assert_eq!(&scan(&text, fields, &sizes), &whole);
        for record in whole.into_iter().flatten().flatten() {
            prop_assert_eq!(record.len(), fields);
        }
    }
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
            let mut scanner = Scanner::new(Dialect { delimiter: b',', fields: 3 }, 1);
            // What is open at the end of the text is truncated there, which is another matter.
            let _ = scanner.feed((text + "y\",z\nx,y,z\n").as_bytes(), true, &mut |record| faults.push(record.fault));
            let fault = fault.map(|fault| match fault {
                Fault::Fields { found } => Fault::Fields { found: found + 1 },
                Fault::Quotes => Fault::Quotes,
            });
            assert_eq!(faults[0], fault, "{line} after {shift}");
        }
    }
}
