//! The channels' own answers, dropped beside the receipts as their systems gave them.

use std::fs;

use serde_json::{Value, json};

use crate::world::{ALTINN, DIGIPOST, RESERVED, World, messages, world};

const NIGHT: &str = "2026-11-26T00:30:00+01:00";
const AT: &str = "2026-11-24T10:00:00+01:00";

fn id(world: &World, name: &str) -> String {
    world.at(name).status.forsendelsesId
}

fn answers(world: &World, name: &str, answers: &Value) {
    fs::write(world.dir.join("registry/kvitteringer").join(name), answers.to_string()).unwrap();
}

/// A record of eFormidling's status page.
fn efm(id: &str, status: &str, description: &str) -> Value {
    json!({"id": 4711, "lastUpdate": AT, "status": status, "description": description, "convId": null,
        "conversationId": id, "messageId": id, "rawReceipt": null})
}

fn states(world: &World, name: &str) -> Vec<String> {
    world.at(name).status.hendelser.iter().skip(1).map(|event| event.status.as_str().to_owned()).collect()
}

/// A failed notice is no failed delivery: the letter lies in the mailbox, and paper would be the second one.
#[test]
fn a_notice_that_failed_in_a_mailbox_prints_nothing() {
    let world = world(&[("d", DIGIPOST), ("f", DIGIPOST), ("a", ALTINN)]);
    let [d, f, a] = ["d", "f", "a"].map(|name| id(&world, name));
    let page = json!({"content": [
        efm(&d, "LEVERT", "Kvittering på at digital post er tilgjengeliggjort eller at fysisk post er klargjort for utskrift"),
        efm(&d, "FEIL", "Kvittering for at en spesifisert varsling ikke har blitt sendt"),
        efm(&f, "FEIL", "Generell melding om at det har skjedd en feil"),
        efm(&a, "LEVERT", "Levert"),
    ], "pageable": {"pageNumber": 0}, "last": true, "totalElements": 4});
    answers(&world, "side-1.efm.json", &page);
    let (answer, _) = world.nightly("2026-11-25T00:30:00+01:00");
    assert_eq!(
        (answer["delivered"].as_u64(), answer["failed"].as_u64(), answer["printed"].as_u64()),
        (Some(1), Some(1), Some(1)),
        "{answer}"
    );
    assert_eq!(states(&world, "d"), ["LEVERT_SDP", "VARSEL_FEILET"]);
    assert!(world.place("f").starts_with("print/batch-"));
    let a = world.at("a").status;
    assert_eq!(
        (states(&world, "a"), a.underrettet, a.tilgjengelig.is_some()),
        (vec!["PUBLISERT".to_owned()], None, true)
    );
}

/// What Altinn tells, in each of its forms: details with history and notices, and pushed events that know a foreign id.
#[test]
fn altinns_answers_start_the_clock_and_open_letters() {
    let world = world(&[("a", ALTINN), ("b", ALTINN), ("c", ALTINN), ("e", ALTINN)]);
    let [a, b, c, e] = ["a", "b", "c", "e"].map(|name| id(&world, name));
    let notice = |succeeded: bool, status: &str, at: &str| {
        json!([{"isReminder": false, "notificationStatusDetails": {"email": {"succeeded": succeeded,
            "recipient": {"emailAddress": "eline@example.com"}, "sendStatus": {"status": status, "lastUpdate": at}}, "sms": null}},
            {"isReminder": true, "notificationStatusDetails": {"email": {"succeeded": true,
            "sendStatus": {"status": "Email_Delivered", "lastUpdate": "2026-11-23T09:30:00+01:00"}}}}])
    };
    let details = |id: &str, read: bool, notifications: Value| {
        let mut history = vec![
            json!({"status": "Initialized", "statusChanged": "2026-11-23T09:10:00+01:00"}),
            json!({"status": "Published", "statusChanged": "2026-11-23T09:11:00+01:00"}),
            json!({"status": "Fetched", "statusChanged": "2026-11-24T08:00:00+01:00"}),
        ];
        history.extend(read.then(|| json!({"status": "Read", "statusChanged": AT})));
        json!({"sendersReference": id, "recipient": "urn:altinn:person:identifier-no:12837110147",
            "content": {"language": "nb", "messageTitle": "Brev"}, "status": "Published", "statusHistory": history,
            "notifications": notifications})
    };
    let lines = [
        details(&a, true, Value::Null),
        details(&b, false, notice(true, "Email_Delivered", "2026-11-24T10:05:00+01:00")),
        details(&c, false, notice(false, "Email_Failed_InvalidFormat", "2026-11-24T10:05:00+01:00")),
    ];
    let lines = lines.map(|line| format!("{line}\n")).concat();
    fs::write(world.dir.join("registry/kvitteringer/alt.altinn.jsonl"), lines).unwrap();
    let foreign = "0198408f-979c-75e0-b23e-aef6e907015f";
    fs::write(
        world.dir.join("registry/kvitteringer/alt.id.csv"),
        format!("forsendelsesId;system;eksternId\n{e};altinn;{foreign}\n"),
    )
    .unwrap();
    answers(
        &world,
        "push.altinn.json",
        &json!({"specversion": "1.0", "resourceinstance": foreign, "time": AT,
        "type": "no.altinn.correspondence.correspondencereceiverread", "alternativesubject": "/person/12837110147"}),
    );
    let (answer, _) = world.nightly("2026-11-25T00:30:00+01:00");
    assert_eq!(answer["opened"].as_u64(), Some(2), "{answer}");
    assert_eq!([world.place("a"), world.place("e")], ["arkiv/2026-11", "arkiv/2026-11"]);
    assert_eq!(world.at("b").status.underrettet.unwrap().to_string(), "2026-11-24T10:05:00+01:00");
    assert_eq!(
        (states(&world, "c").contains(&"VARSEL_FEILET".to_owned()), world.place("c").as_str()),
        (true, "altinn")
    );
    assert!(!answer.to_string().contains("12837110147"));
}

/// Two routers: what SvarUt has printed is not printed here as well, and a person is told.
#[test]
fn what_another_system_has_printed_is_not_printed_again() {
    let world = world(&[("a", ALTINN), ("b", ALTINN), ("p", RESERVED)]);
    let foreign = ["d6b23522-ddf3-462a-8140-16e59e1f476d", "D6B23522-DDF3-462A-8140-16E59E1F476E"];
    let rows = ["a", "b"].iter().zip(foreign).map(|(name, foreign)| format!("{foreign},svarut,{}\n", id(&world, name)));
    let ids = format!("eksternId,system,forsendelsesId\n{}", rows.collect::<String>());
    fs::write(world.dir.join("registry/kvitteringer/svarut.id.csv"), ids).unwrap();
    answers(
        &world,
        "svar.svarut.json",
        &json!({"statuser": [
        {"id": foreign[0], "sisteStatusEndring": 1_795_600_000_000_u64, "status": "SENDT_PRINT"},
        {"id": foreign[1].to_lowercase(), "sisteStatusEndring": AT, "status": "LEST"}]}),
    );
    let (answer, code) = world.nightly(NIGHT);
    assert_eq!((code, answer["expired"].as_u64(), answer["opened"].as_u64()), (1, Some(0), Some(1)), "{answer}");
    assert_eq!(world.place("a"), "altinn");
    assert!(world.place("p").starts_with("print/batch-"));
    assert!(world.list("oppfolging-2026-11-26.csv").contains("to systemer sender det samme brevet"));
}

/// Whatever is no whole answer is named, and nothing is printed on its account.
#[test]
fn what_is_no_answer_is_named_and_prints_nothing() {
    let letter = id(&world(&[("a", ALTINN)]), "a");
    let whole = efm(&letter, "LEST", "").to_string();
    let nulls = json!([{"id": null, "status": null, "lastUpdate": null, "messageId": null}]).to_string();
    for (what, held, says) in [
        ("<!DOCTYPE html><html>502 Bad Gateway</html>".to_owned(), true, "ikke et helt svar"),
        (whole[..whole.len() / 2].to_owned(), true, "ikke et helt svar"),
        ("[".repeat(100_000), true, "ikke et helt svar"),
        (format!("[{}1]", "1,".repeat(9 << 20)), true, "større enn 16 MB"),
        (nulls, false, "statusen er ukjent"),
        (efm(&letter, "LESTE", "").to_string(), true, "statusen er ukjent"),
        (efm("ikke en id", "LEST", "").to_string(), false, "nevner ingen forsendelsesId"),
        (whole.replace(AT, "i går"), true, "tidspunktet kan ikke leses"),
        (whole.replace(AT, "2026-11-24T10:00:00"), true, "tidspunktet kan ikke leses"),
    ] {
        let world = world(&[("a", ALTINN)]);
        fs::write(world.dir.join("registry/kvitteringer/x.efm.json"), &what).unwrap();
        // Its deadline has passed: who is not held goes on paper.
        let (answer, code) = world.nightly(NIGHT);
        assert!(code != 0 && messages(&answer).iter().any(|text| text.contains(says)), "{says}: {answer}");
        assert!(!answer.to_string().contains("html"), "{answer}");
        assert_eq!(answer["expired"].as_u64(), Some(u64::from(!held)), "{says}: {answer}");
    }
}
