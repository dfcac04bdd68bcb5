//! Why a snapshot is not believed.

use std::io;

use crate::core::status::Stamp;
use crate::shell::fault;

/// The reason a snapshot is refused. Each says in bokmål what is wrong; nothing that stands in the file is quoted but
/// names of columns that the program itself asked for.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefusal {
    #[error("filen mangler")]
    Missing,
    #[error("filen var der sist, men mangler nå")]
    Vanished,
    #[error("filen ligger der både pakket (.csv.gz) og upakket (.csv)")]
    Ambiguous,
    #[error("filen kan ikke leses ({})", fault::cause(.0))]
    Unreadable(io::Error),
    #[error("filen er ikke en vanlig fil")]
    NotAFile,
    #[error("den pakkede filen er skadet")]
    DamagedGzip,
    #[error("filen har en linje som er lengre enn en rad kan være")]
    LineTooLong,
    #[error("filen ble endret mens den ble lest; den er trolig i ferd med å bli byttet ut")]
    Changing,
    #[error("filen er fra {modified}; den kan ikke være mer enn {hours_max} timer gammel")]
    TooOld { modified: Stamp, hours_max: u32 },
    #[error("filen er datert mer enn en time fram i tid")]
    InFuture,
    #[error("kolonnen «{0}» mangler")]
    ColumnMissing(&'static str),
    #[error("kolonnen «{0}» finnes to ganger")]
    ColumnTwice(&'static str),
    #[error("filen slutter midt i raden som begynner på linje {line}")]
    Truncated { line: u64 },
    #[error("den pakkede filen slutter før innholdet er slutt")]
    TruncatedGzip,
    #[error("kontrollsummen stemmer ikke med {0}")]
    Checksum(String),
    #[error("filen har ingen rader som kan leses")]
    Empty,
    #[error("filen har {rows} rader; det skal være minst {rows_min}")]
    TooFewRows { rows: u64, rows_min: u64 },
    #[error("filen har {rows} rader mot {before} sist; den kan ikke ha mistet mer enn {percent_max} %")]
    RowsFell { rows: u64, before: u64, percent_max: u32 },
    #[error("rader der nummeret ikke kan leses: {rows}, den første på linje {line}; ingens reservasjon må gå tapt")]
    IdentityUnreadable { rows: u64, line: u64 },
}

impl SnapshotRefusal {
    /// Stable, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::Vanished => "missing",
            Self::Ambiguous => "ambiguous",
            Self::Unreadable(_) | Self::NotAFile => "unreadable",
            Self::DamagedGzip => "damaged",
            Self::LineTooLong => "line-too-long",
            Self::Changing => "changing",
            Self::TooOld { .. } => "too-old",
            Self::InFuture => "in-future",
            Self::ColumnMissing(_) => "column-missing",
            Self::ColumnTwice(_) => "column-twice",
            Self::Truncated { .. } | Self::TruncatedGzip => "truncated",
            Self::Checksum(_) => "checksum-mismatch",
            Self::Empty => "empty",
            Self::TooFewRows { .. } => "too-few-rows",
            Self::RowsFell { .. } => "rows-fell",
            Self::IdentityUnreadable { .. } => "identity-unreadable",
        }
    }

    /// What to try, in bokmål.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Vanished | Self::RowsFell { .. } => {
                "hent registeret på nytt; stemmer det likevel, kjør postgang run én gang med --accept-snapshot og registerets navn"
            }
            Self::Ambiguous => "fjern den av de to som er eldst",
            Self::Unreadable(_) | Self::NotAFile => "se etter hva som ligger der, og om brukeren har lesetilgang",
            Self::Changing => {
                "ingenting, neste kjøring leser den igjen; skriv helst til et annet navn og bytt navn til slutt"
            }
            Self::InFuture => "rett klokken, eller hent registeret på nytt",
            Self::ColumnMissing(_) | Self::ColumnTwice(_) => {
                "se på første linje: den skal ha kolonnenavn, skilt med komma eller semikolon"
            }
            Self::TooFewRows { .. } => "hent registeret på nytt, eller rett minst_rader i avsendere.yaml",
            Self::IdentityUnreadable { .. } => "rett radene eller hent listen på nytt",
            Self::Missing
            | Self::DamagedGzip
            | Self::LineTooLong
            | Self::TooOld { .. }
            | Self::Truncated { .. }
            | Self::TruncatedGzip
            | Self::Checksum(_)
            | Self::Empty => "hent registeret på nytt",
        }
    }
}
