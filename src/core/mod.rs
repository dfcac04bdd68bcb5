//! The functional core: values in, values out. Nothing below here sees a disk, a clock, a thread or the environment;
//! `tests/it/tidy.rs` holds that true.

pub mod calendar;
pub mod facts;
pub mod identity;
pub mod print;
