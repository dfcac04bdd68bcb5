//! The formats that letters come in: KS SvarUt's forsendelse, in YAML or JSON.

pub mod fields;
mod forsendelse;
mod json;
mod letter;
mod parse;
mod scalar;
#[cfg(test)]
mod tests;
mod unknown;

pub use parse::{Format, METADATA_BYTES_MAX, METADATA_DEPTH_MAX, Parsed, origin, parse};
