//! The night, with the real program on real folders.

mod answers;
mod check;
mod crash;
mod doubts;
mod matters;
mod receipts;
mod returned;
mod rules;
mod stops;
mod weeks;

#[path = "../support/mod.rs"]
mod support;

use support::nights as world;
