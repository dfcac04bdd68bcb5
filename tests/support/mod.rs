//! What the suites share. Each suite takes its part of it.
#![allow(dead_code)]

pub mod panics;

/// What the program says must not tell of a panic: it outlives one, and its answer may look like any refusal.
pub fn assert_no_panic(said: &str) {
    let line = said.lines().find(|line| line.contains("panic") || line.contains("stoppet uventet"));
    assert_eq!(line, None, "the program met a panic");
}
