//! The functional core: values in, values out. Nothing below here sees a disk, a clock, a thread or the environment;
//! `tests/it/tidy.rs` holds that true.

pub mod brake;
pub mod calendar;
pub mod code;
pub mod facts;
pub mod format;
pub mod identity;
pub mod judge;
pub mod letter;
pub mod names;
pub mod nightly;
pub mod place;
pub mod print;
pub mod reachable;
pub mod receipts;
pub mod route;
pub mod senders;
pub mod sheet;
pub mod snapshot;
pub mod status;
pub mod unreadable_identity;
