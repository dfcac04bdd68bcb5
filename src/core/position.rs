//! Lines and columns in texts of others' making, from 1; columns count characters.

/// The place right behind `before`.
pub fn of_end(before: &[u8]) -> (usize, usize) {
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

/// The `nth` line (from 0) that begins with the key `key`, in YAML or in JSON, in whatever case.
pub fn of_key(text: &str, key: &str, nth: usize) -> Option<(usize, usize)> {
    let place = |(number, line): (usize, &str)| {
        let start = line.len() - line.trim_start_matches([' ', '-', '{', '"', '\'']).len();
        let (head, rest) = line[start..].split_at_checked(key.len())?;
        let is_key = head.eq_ignore_ascii_case(key) && rest.trim_start_matches(['"', '\'', ' ']).starts_with(':');
        is_key.then_some((number + 1, start + 1))
    };
    text.lines().enumerate().filter_map(place).nth(nth)
}

/// The first place at or after line `from` where `needle` stands.
pub fn of_text(text: &str, needle: &str, from: usize) -> Option<(usize, usize)> {
    let lines = text.lines().enumerate().skip(from.saturating_sub(1));
    let mut found = lines.filter_map(|(number, line)| Some((number + 1, &line[..line.find(needle)?])));
    found.next().map(|(number, before)| (number, before.chars().count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_one() {
        assert_eq!((of_end(b""), of_end("æ\nøå".as_bytes())), ((1, 1), (2, 3)));
        let text = "a: 1\nb:\n  - A: 2\n  \"a\" : 3\nabc: 4";
        assert_eq!([0, 1, 2, 3].map(|nth| of_key(text, "a", nth)), [Some((1, 1)), Some((3, 5)), Some((4, 4)), None]);
        assert_eq!((of_text("å x\nå x", "x", 2), of_text("x", "x", 2)), (Some((2, 3)), None));
    }
}
