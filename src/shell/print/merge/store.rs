//! A PDF file being written front to back: each object goes out at once, and identical ones only once.
//!
//! What stays in memory is an offset and a hash for each object, never an object.

use std::collections::HashMap;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

/// An object's number in the output. Its generation is always 0.
pub(super) type Number = u32;

type Hash = [u8; 32];

/// The objects written so far.
pub(super) struct Store<W> {
    out: W,
    position: u64,
    /// Where each object stands, by number less one; 0 while it is only reserved.
    offsets: Vec<u64>,
    known: HashMap<Hash, Number>,
    /// What everything in a layer belongs to: the layer that is never shown, or no layer.
    layers: [Option<Number>; 2],
    /// Over the hashes of all objects: the file's identity.
    identity: Sha256,
}

impl<W: Write> Store<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let (offsets, known) = Default::default();
        let mut store = Self { out, position: 0, offsets, known, layers: [None; 2], identity: Sha256::new() };
        // Four bytes above 127 tell transfer programs that the file is binary (ISO 32000-1, 7.5.2).
        store.put(b"%PDF-1.7\n%\xE5\xF8\xE6\xC5\n")?;
        Ok(store)
    }

    /// A number for an object that must be referred to before it is written.
    pub(super) fn reserve(&mut self) -> Number {
        self.offsets.push(0);
        // Each object takes more than a byte of disk, and a batch is far from 4 GB of objects.
        Number::try_from(self.offsets.len()).unwrap_or(Number::MAX)
    }

    /// What shown, or hidden, content of any layer belongs to in the output.
    pub(super) fn layer(&mut self, shown: bool) -> Number {
        let index = usize::from(shown);
        let number = self.layers[index].unwrap_or_else(|| self.reserve());
        self.layers[index] = Some(number);
        number
    }

    /// Writes them, where something belongs to them; gives the layer of everything hidden.
    pub(super) fn fill_layers(&mut self) -> io::Result<Option<Number>> {
        let [hidden, shown] = self.layers;
        if let Some(number) = hidden {
            self.fill(number, b"<</Type/OCG/Name(skjult)>>", None)?;
        }
        // A group without layers hides nothing (ISO 32000-1, table 99).
        if let Some(number) = shown {
            self.fill(number, b"<</Type/OCMD>>", None)?;
        }
        Ok(hidden)
    }

    /// Writes an object, unless the same one has been written before. `stream` follows `body`, its dictionary.
    pub(super) fn share(&mut self, body: &[u8], stream: Option<&[u8]>) -> io::Result<Number> {
        let hash = hash(body, stream);
        if let Some(number) = self.known.get(&hash) {
            return Ok(*number);
        }
        let number = self.reserve();
        self.known.insert(hash, number);
        self.write(number, &hash, body, stream)?;
        Ok(number)
    }

    /// Writes an object under its reserved number.
    pub(super) fn fill(&mut self, number: Number, body: &[u8], stream: Option<&[u8]>) -> io::Result<()> {
        let hash = hash(body, stream);
        self.write(number, &hash, body, stream)
    }

    fn write(&mut self, number: Number, hash: &Hash, body: &[u8], stream: Option<&[u8]>) -> io::Result<()> {
        self.identity.update(hash);
        self.offsets[number as usize - 1] = self.position;
        self.put(format!("{number} 0 obj\n").as_bytes())?;
        self.put(body)?;
        if let Some(content) = stream {
            self.put(b"\nstream\n")?;
            self.put(content)?;
            self.put(b"\nendstream")?;
        }
        self.put(b"\nendobj\n")
    }

    /// Ends the file: cross-reference table and trailer. Hands back the writer, not flushed.
    pub(super) fn finish(mut self, catalog: Number) -> io::Result<W> {
        let start = self.position;
        let size = self.offsets.len() + 1;
        let mut table = format!("xref\n0 {size}\n0000000000 65535 f \n").into_bytes();
        for offset in &self.offsets {
            writeln!(table, "{offset:010} 00000 n ")?;
        }
        let identity: String =
            self.identity.clone().finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(table, "trailer\n<</Size {size}/Root {catalog} 0 R/ID[<{identity}><{identity}>]>>")?;
        writeln!(table, "startxref\n{start}\n%%EOF")?;
        self.put(&table)?;
        Ok(self.out)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// SHA-256, because a collision would put one person's page into another's letter.
fn hash(body: &[u8], stream: Option<&[u8]>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update((body.len() as u64).to_le_bytes());
    hasher.update(body);
    if let Some(content) = stream {
        hasher.update(content);
    }
    hasher.finalize().into()
}
