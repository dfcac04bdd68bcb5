//! The night, with the real program on real folders.

mod crash;
mod rules;
mod weeks;
mod world;
