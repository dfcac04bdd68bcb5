//! The formats that letters come in.

pub mod fields;
mod forsendelse;
