//! Paper as a value: what a document must satisfy to be printed, and how letters become sheets, envelopes and files.
//!
//! Source: digipost/printability-validator (thresholds and codes), the printing services' envelope classes.

pub mod country;
pub mod limits;
pub mod plan;
pub mod rule;
pub mod settings;
pub mod sheets;

pub use country::{Country, Postage, address_lines};
pub use limits::{Millimetres, PrintLimits, Zone};
pub use plan::{Placed, PrintFile, PrintLetter, plan};
pub use rule::{PrintRule, Violation};
pub use settings::{CoverLayout, PrintSettings};
pub use sheets::{Enclosure, Envelope, Extent, PrintClass, Side};
