//! A letter that came back from paper, told by hand.

use crate::world::{ALTINN, DROPPED, RESERVED, messages, world};

const AT: &str = "2026-11-25T10:00:00+01:00";

#[test]
fn a_return_by_hand_is_what_a_receipt_would_be() {
    let by_hand = world(&[("p", RESERVED), ("q", RESERVED)]);
    by_hand.nightly("2026-11-24T00:30:00+01:00");
    let by_receipt = by_hand.copy();
    by_receipt.receipts("a.csv", AT, &[&format!("p RETUR {AT}"), &format!("q PRINTET {AT}")]);
    by_hand.receipts("a.csv", AT, &[&format!("q PRINTET {AT}")]);
    // As it stands on the cover: eight digits.
    let start = by_hand.at("p").status.forsendelsesId[..8].to_owned();
    let (answer, code) = by_hand.postgang(AT, &["returned", &start]);
    assert!(code == 0 && answer["letters"][0]["returned"] == true, "{answer}");
    assert_eq!(by_hand.at("p").status.hendelser.last().unwrap().status.as_str(), "RETUR", "at once");
    let (answer, code) = by_hand.postgang("2026-11-25T11:00:00+01:00", &["returned", &start, &start]);
    let message = answer["letters"][1]["message"].as_str().unwrap();
    assert!(code == 0 && message.contains("fra før"), "{answer}");
    by_hand.nightly("2026-11-26T00:30:00+01:00");
    by_receipt.nightly("2026-11-26T00:30:00+01:00");
    assert!(by_hand.list("retur-2026-11-26.csv").contains("2026/p"));
    assert_eq!(by_hand.place("p"), "arkiv/2026-11/batch-2026-11-24-01");
    assert!(by_hand.tree() == by_receipt.tree());
    // The same letter may come again, and one that is archived may come back too.
    by_hand.drop("p", RESERVED, "");
    let answer = by_hand.run("2026-11-26T10:00:00+01:00");
    assert_eq!(answer["placed"]["print"].as_u64(), Some(1), "{answer}");
    let folder = by_hand.folder("q").display().to_string();
    let (answer, code) = by_hand.postgang("2026-11-27T10:00:00+01:00", &["returned", &folder]);
    assert_eq!((answer["letters"][0]["returned"].as_bool(), code), (Some(true), 0), "{answer}");
    by_hand.nightly("2026-11-28T00:30:00+01:00");
    assert!(by_hand.list("retur-2026-11-28.csv").contains("2026/q"));
}

#[test]
fn what_cannot_have_come_back_or_is_not_one_letter_is_said() {
    let world = world(&[("p1", RESERVED), ("p2", RESERVED), ("a", ALTINN)]);
    for (query, message) in [
        ("2026/a", "ikke sendt på papir"),
        ("2026/p1", "ikke sendt til trykkeriet"),
        ("2026/p", "2 brev passer"),
        ("2026/x", "Fant ikke noe brev"),
    ] {
        let (answer, code) = world.postgang(DROPPED, &["returned", query]);
        let letter = &answer["letters"][0];
        assert!(letter["message"].as_str().unwrap().contains(message), "{query}: {answer}");
        assert_eq!((letter["returned"].as_bool(), code), (Some(false), 1), "{query}");
    }
    let (answer, _) = world.nightly("2026-11-24T00:30:00+01:00");
    assert!(messages(&answer).is_empty(), "{answer}");
    let batch = "outbox/print/batch-2026-11-24-01";
    let (answer, code) = world.postgang(AT, &["returned", batch]);
    assert!(code == 1 && answer["letters"][0]["message"].as_str().unwrap().contains("2 brev passer"), "{answer}");
    // All that fit are shown, whatever they are asked for by.
    for (query, count) in
        [(batch, 2), ("batch-2026-11-24-01", 2), ("print", 2), ("2026/p", 2), ("p", 2), ("p1", 1), ("q", 0)]
    {
        let (answer, code) = world.postgang(AT, &["explain", query]);
        assert_eq!((answer["letters"].as_array().unwrap().len(), code), (count, i32::from(count == 0)), "{query}");
    }
}
