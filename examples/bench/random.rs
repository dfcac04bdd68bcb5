//! Repeatable randomness: splitmix64, seeded anew for every row and letter, so that the data is the same for any
//! number of threads and any row can be made again without making those before it.

pub struct Random(u64);

/// Keeps the draws for one kind of thing apart from those for another with the same index.
#[derive(Clone, Copy)]
pub enum Purpose {
    Person = 1,
    PersonRow,
    Unit,
    UnitRow,
    Letter,
    Pdf,
}

impl Random {
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut outer = Self(seed ^ (purpose as u64) << 56);
        Self(outer.next().wrapping_add(index.wrapping_mul(0xD1B5_4A32_D192_ED03)))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 up to, not including, `end`. The bias of a multiply-shift is far below what a benchmark can see.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}
