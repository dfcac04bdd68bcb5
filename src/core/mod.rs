//! The functional core: values in, values out. Nothing below here sees a disk, a clock, a thread or the environment;
//! `tests/it/tidy.rs` holds that true.
//!
//! Where each rule stands; the tests beside it are its table, and `nightly/law_tests.rs` holds what is true of any night.
//!
//! | rule | file | source |
//! |---|---|---|
//! | which channel a letter goes to | [`route`] | eForvaltningsforskriften §§ 8 and 9, forvaltningsloven § 15 a |
//! | who can be notified: eighteen months | [`reachable`] | eForvaltningsforskriften § 32 |
//! | what is refused, and in which order | [`judge`], [`code`] | SvarUt's rules for a forsendelse |
//! | what may end on paper, and what a document must be for it | [`printable`], [`print`] | the printing services' demands |
//! | which letters are the same letter | [`duplicate`], [`letter`] | |
//! | when a drop is whole | [`whole`] | |
//! | working days and deadlines | [`calendar`] | lov om helligdagar, lov om 1 og 17 mai |
//! | what receipts amount to; what informs the recipient | [`receipts`] | |
//! | what becomes of a letter that is not opened in time | [`overdue`] | eForvaltningsforskriften § 8, the sender's own rules |
//! | when its recipient is reminded | [`reminder`] | eForvaltningsforskriften § 8 |
//! | when a letter said to be unread is not printed for it | [`doubt`], [`brake`] | |
//! | how long a channel may be silent | [`silence`] | |
//! | stopping a letter | [`stop`] | |
//! | print batches, and what comes back | [`sealed`] | |
//! | in which order a night applies these | [`nightly`] | |

pub mod answers;
pub mod brake;
pub mod calendar;
pub mod code;
pub mod doubt;
pub mod duplicate;
pub mod facts;
pub mod format;
pub mod identity;
pub mod judge;
pub mod letter;
pub mod matter;
pub mod names;
pub mod nightly;
pub mod overdue;
pub mod position;
pub mod print;
pub mod printable;
pub mod reachable;
pub mod receipts;
pub mod reminder;
pub mod route;
pub mod sealed;
pub mod senders;
pub mod sheet;
pub mod silence;
pub mod snapshot;
pub mod status;
pub mod stop;
pub mod tally;
pub mod unreadable_identity;
pub mod whole;
