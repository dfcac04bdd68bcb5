//! Time of the gate per file: `cargo run --release --example bench_gate -- FILE.pdf...`

use std::time::Instant;

use postgang::shell::pdf::inspect;

fn main() {
    const ROUNDS: u32 = 200;
    for path in std::env::args().skip(1) {
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("{path}: cannot be read");
            continue;
        };
        let start = Instant::now();
        for _ in 0..ROUNDS {
            std::hint::black_box(inspect(&bytes).is_ok());
        }
        let each = start.elapsed() / ROUNDS;
        println!("{each:>10.1?}  {:>8} bytes  {:?}  {path}", bytes.len(), inspect(&bytes).map(|pdf| pdf.pages()));
    }
}
