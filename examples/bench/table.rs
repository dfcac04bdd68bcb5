//! The figures, as text.

use std::fs;
use std::thread::available_parallelism;

use anyhow::Result;

use crate::lookups::Cost;
use crate::measure::Measured;
use crate::{Bench, Pass};

pub fn print(bench: &Bench, bare: &Measured, passes: &[(&str, Pass)], costs: &[Cost]) -> Result<()> {
    let args = bench.args;
    let threads = args.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    let megabytes =
        |name: &str| -> Result<u64> { Ok(fs::metadata(bench.root.join("registry").join(name))?.len() / 1_000_000) };
    println!("{} letters of two PDFs, {threads} threads, seed {}", grouped(args.letters), args.size.seed);
    println!("krr.csv      {:>9} rows {:>5} MB", grouped(args.size.krr), megabytes("krr.csv")?);
    println!("enheter.csv  {:>9} rows {:>5} MB", grouped(args.size.units), megabytes("enheter.csv")?);
    println!("Disk synced and page cache warm before each part.\n");

    println!(
        "{:<26} {:>9} {:>10} {:>7} {:>7} {:>7} {:>8}",
        "", "letters/s", "wall s", "CPU s", "user", "system", "peak MB"
    );
    row("bare program", args.letters, bare);
    for (name, pass) in passes {
        row(name, args.letters, &pass.measured);
    }
    println!("\nRegisters alone, CPU s:      count     hash      new  new - hash  peak MB    open ms  look-up ns");
    for cost in costs {
        let [counted, hashed, new] = [&cost.counted, &cost.hashed, &cost.new].map(|part| part.cpu().as_secs_f64());
        println!(
            "{:<26} {counted:>7.3}  {hashed:>7.3}  {new:>7.3}  {:>10.3}  {:>7.1}  {:>9.3}  {:>10.0}",
            cost.file,
            new - hashed,
            cost.new.peak_bytes as f64 / 1e6,
            cost.open_seconds * 1e3,
            cost.look_up_seconds * 1e9,
        );
    }
    for (name, pass) in passes {
        let wall = pass.measured.wall.div_duration_f64(bare.wall);
        let cpu = pass.measured.cpu().div_duration_f64(bare.cpu());
        println!("\n{name}: {wall:.2} times the bare program's wall time, {cpu:.2} times its CPU");
        let placed: Vec<String> = pass.placed.iter().map(|(place, count)| format!("{place} {count}")).collect();
        println!("every letter came out once: {}", placed.join(", "));
        if !pass.measured.stages.is_empty() {
            println!("\n  {:<24} {:>9} {:>9}", "stage", "wall s", "CPU s");
        }
        for stage in &pass.measured.stages {
            // A part of the stage below it, done beside the rest of it.
            let wall = if stage.wall == 0.0 { String::new() } else { format!("{:.3}", stage.wall) };
            println!("  {:<24} {wall:>9} {:>9.3}", stage.name, stage.cpu);
        }
    }
    if args.keep.is_some() {
        println!("\nKept in {}", bench.run.display());
    } else {
        println!("\nThe letters are deleted now: on ext4 wait five minutes before the next run, or use --keep.");
    }
    Ok(())
}

fn row(name: &str, letters: u64, measured: &Measured) {
    println!(
        "{name:<26} {:>9} {:>10.3} {:>7.3} {:>7.3} {:>7.3} {:>8.1}",
        grouped((letters as f64 / measured.wall.as_secs_f64()) as u64),
        measured.wall.as_secs_f64(),
        measured.cpu().as_secs_f64(),
        measured.user.as_secs_f64(),
        measured.system.as_secs_f64(),
        measured.peak_bytes as f64 / 1e6,
    );
}

/// 4600000 as 4,600,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
