//! A kind of register: which columns it has, what a row means, and what is kept of it.

use super::header::Row;
use crate::core::calendar::Time;
use crate::core::identity::RecipientId;
use crate::core::snapshot::SnapshotName;
use crate::core::unreadable_identity::Suspects;

pub trait Register {
    type Facts: PartialEq + Send;
    const NAME: SnapshotName;
    /// The identity first. Every one of them is used by a rule.
    const COLUMNS: &'static [&'static str];
    /// What may stand before a column's name.
    const PREFIXES: &'static [&'static str] = &[];

    fn identity(field: &[u8]) -> Option<RecipientId>;

    /// Whom a field may mean that is no identity; asked only where absence is an answer about somebody.
    fn suspects(_: &[u8]) -> Option<Suspects> {
        None
    }

    /// Appends what the rules use of the row, whatever the moment is, or says in bokmål why the row cannot be
    /// understood. The text must not quote the row. A change to what is appended wants another `table::LAYOUT`.
    fn pack(row: &Row<'_>, out: &mut Vec<u8>) -> Result<(), &'static str>;

    /// What a packed row says at `now`; `None` where the bytes are not what `pack` appended.
    fn facts(packed: &[u8], now: Time) -> Option<Self::Facts>;
}
