//! Numbers and texts in the fewest bytes that are simple, for what is kept of millions of rows.

/// Seven bits a byte, the lowest first; the high bit says that more follow.
pub fn put_number(out: &mut Vec<u8>, number: usize) {
    let mut rest = number;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Takes what was put from the front of some bytes; `None` where they hold no such thing.
pub struct Taker<'a>(pub &'a [u8]);

impl<'a> Taker<'a> {
    pub fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.u8()?;
            number |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        str::from_utf8(self.bytes(length)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken() {
        for number in [0, 1, 127, 128, 16_383, 16_384, usize::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_text(&mut out, "Åse");
            let mut taker = Taker(&out);
            assert_eq!((taker.number(), taker.text(), taker.u8()), (Some(number), Some("Åse"), None));
        }
        for no_number in [&[0x80][..], &[0xff; 11], &[]] {
            assert_eq!(Taker(no_number).number(), None);
        }
        assert_eq!(Taker(&[2, b'x']).text(), None);
        assert_eq!(Taker(&[1, 0xff]).text(), None);
    }
}
