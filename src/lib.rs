pub mod core;
pub mod shell;
