//! The `registry/` folder: national registers, made once and used again by later runs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use crate::words::now;
use crate::{Size, people, units};

const ROWS_PER_CHUNK: u64 = 4096;
/// Chunks made at a time: enough for every thread, small enough to stay out of the way of the page cache.
const CHUNKS_PER_WRITE: u64 = 32;

/// The sender of every letter. Nothing is different for a second sender, so there is none.
const SENDERS: &str = r#"avsendere:
  - organisasjonsnummer: "910077473"
    navn: Storevik kommune
    returadresse: {navn: Storevik kommune, adresselinje1: Postboks 1, postnummer: "4604", poststed: KRISTIANSAND S}
    digital_postkasse: {fra: 2016-09-20}
    regler:
      - fra: 2016-09-20
        personer:       {lesefrist: 2 virkedager, deretter: print}
        organisasjoner: {lesefrist: 40 timer på virkedager, deretter: print}
      - fra: 2020-01-01
        organisasjoner: {lesefrist: 2 virkedager, deretter: kun-digital, purring: 7 dager}
"#;

pub fn write_all(registry: &Path, size: Size) -> Result<()> {
    ensure!(size.krr <= people::CAPACITY / 100 * 98, "at most {} rows in KRR", people::CAPACITY / 100 * 98);
    ensure!(size.units <= units::UNITS_MAX, "at most {} units", units::UNITS_MAX);
    fs::create_dir_all(registry).with_context(|| format!("cannot make {}", registry.display()))?;
    let seed = size.seed;
    write_table(registry, "krr.csv", people::HEADER, 0..size.krr, |index, out| people::write_row(seed, index, out))?;
    write_table(registry, "enheter.csv", units::HEADER, 0..size.units, |index, out| {
        units::write_row(seed, index, out)
    })?;
    write_table(registry, "underenheter.csv", units::SUB_UNIT_HEADER, size.sub_units(), |index, out| {
        units::write_sub_unit_row(seed, index, out);
    })?;
    write_table(registry, "reservasjoner.csv", "personidentifikator,reservert_fra", 0..size.krr, |index, out| {
        if people::in_reservations(index) {
            out.extend_from_slice(people::Person::nth(seed, index).number.as_bytes());
            out.extend_from_slice(if index.is_multiple_of(3) { b",\n" } else { b",2019-04-01\n" });
        }
    })?;
    write_table(registry, "svarinn.csv", "organisasjonsnummer", 0..size.units, |index, out| {
        if units::in_svarinn(index) {
            out.extend_from_slice(units::number(index).as_bytes());
            out.push(b'\n');
        }
    })?;
    fs::write(registry.join("avsendere.yaml"), SENDERS)?;
    Ok(())
}

fn write_table(
    registry: &Path,
    name: &str,
    header: &str,
    rows: Range<u64>,
    row: impl Fn(u64, &mut Vec<u8>) + Sync,
) -> Result<()> {
    try_write_table(&registry.join(name), header, rows, row).with_context(|| format!("cannot write {name}"))
}

fn try_write_table(
    path: &Path,
    header: &str,
    rows: Range<u64>,
    row: impl Fn(u64, &mut Vec<u8>) + Sync,
) -> io::Result<()> {
    let mut file = File::create(path)?;
    writeln!(file, "{header}")?;
    let chunks = (rows.end - rows.start).div_ceil(ROWS_PER_CHUNK);
    for first in (0..chunks).step_by(CHUNKS_PER_WRITE as usize) {
        let made: Vec<Vec<u8>> = (first..chunks.min(first + CHUNKS_PER_WRITE))
            .into_par_iter()
            .map(|chunk| {
                let start = rows.start + chunk * ROWS_PER_CHUNK;
                let mut out = Vec::new();
                (start..rows.end.min(start + ROWS_PER_CHUNK)).for_each(|index| row(index, &mut out));
                out
            })
            .collect();
        for chunk in made {
            file.write_all(&chunk)?;
        }
    }
    // An hour before the pass: a snapshot of today, as the pass's clock sees it.
    file.set_modified(SystemTime::from(now()) - Duration::from_secs(3600))
}
