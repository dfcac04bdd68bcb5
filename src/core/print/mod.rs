//! Paper as a value: what a document must satisfy to be printed, and how letters become sheets, envelopes and files.
//!
//! Source: digipost/printability-validator (thresholds and codes), the printing services' envelope classes.

pub mod limits;
pub mod rule;

pub use limits::{Millimetres, PrintLimits, Zone};
pub use rule::{PrintRule, Violation};
