use bytes::Bytes;

use super::*;

const OPENED: &str = r#"{"rec":"opened","meta":{"sessionId":"s","tenant":"t","user":"u","threadId":"h","prompt":"p","createdAtMs":1,"firstEvent":1},"context":{},"history":[]}"#;
const ANALYZED: &str = r#"{"rec":"analyzed"}"#;

/// A journal of these records, whose ids are 1, 2, 3, and so on.
fn journal(records: &[&str]) -> Vec<Entry> {
    let entry = |(record, id): (&&str, u64)| Entry {
        id: EventId::new(id),
        shown: None,
        record: Some(Bytes::copy_from_slice(record.as_bytes())),
    };
    records.iter().zip(1..).map(entry).collect()
}

fn error(records: &[&str]) -> FoldError {
    State::fold(&journal(records)).unwrap_err()
}

#[test]
fn a_journal_without_records_is_empty_and_not_damaged() {
    let shown = Entry { id: EventId::new(1), shown: Some(Shown::Done), record: None };
    for entries in [Vec::new(), vec![shown]] {
        let error = State::fold(&entries).unwrap_err();
        assert_eq!(error, FoldError::Empty);
        assert!(!error.is_damage());
    }
}

#[test]
fn a_start_that_was_given_up_has_no_run_and_no_damage() {
    let error = error(&[r#"{"rec":"withdrawn"}"#]);
    assert_eq!(error, FoldError::Withdrawn);
    assert!(!error.is_damage());
}

#[test]
fn a_journal_that_begins_in_the_middle_names_its_first_record() {
    let error = error(&[ANALYZED, OPENED]);
    let (entry, found) = (EventId::new(1), RecordKind::Analyzed);
    assert_eq!(error, FoldError::NotOpened { entry, found });
    assert!(error.is_damage());
    assert!(error.to_string().contains("entry 1 holds Analyzed"), "{error}");
}

#[test]
fn a_record_that_cannot_be_read_is_named_with_its_entry_and_the_cause() {
    for (spoilt, why) in [
        ("{\"rec\":\"asked\"}", "missing field `turn`"),
        ("{\"rec\":\"asked\",\"turn\":\"x\"}", "invalid type: string \"x\", expected u32"),
        ("{\"rec\":\"sneezed\"}", "unknown variant `sneezed`"),
        ("{\"rec\":\"analy", "EOF while parsing a string"),
        ("", "EOF while parsing a value"),
    ] {
        let error = error(&[OPENED, ANALYZED, spoilt, ANALYZED]);
        let FoldError::Unreadable { entry, cause } = &error else { panic!("{error:?}") };
        assert_eq!(*entry, EventId::new(3), "{spoilt}");
        assert!(cause.contains(why), "{cause}");
        assert!(error.is_damage());
        let told = error.to_string();
        assert!(told.contains("entry 3 of the journal") && told.ends_with(cause), "{told}");
    }
}

#[test]
fn what_is_told_of_a_spoilt_record_is_one_short_line_whatever_stands_there() {
    let long = format!(r#"{{"rec":"asked","turn":"{}"}}"#, "x".repeat(1_000_000));
    let lines = r#"{"rec":"asked","turn":"a\nb\u001b[31m\u202e"}"#;
    for spoilt in [long.as_str(), lines] {
        let told = error(&[OPENED, spoilt]).to_string();
        assert!(told.len() < 500, "{} bytes", told.len());
        assert!(crate::domain::text::is_plain_line(&told), "{told:?}");
    }
}

fn step(number: u32, title: &str, mark: &str) -> String {
    format!(
        r#"{{"rec":"step_added","step":{{"stepId":"step_{number}","title":"{title}","description":"d","status":"in_progress","confidence":0.5,"order":{number}}}{mark}}}"#
    )
}

#[test]
fn the_step_of_the_answer_is_found_by_its_mark_or_by_the_title_that_older_processes_gave_it() {
    const MARK: &str = r#","is_answer":true"#;
    for (title, mark, is_found) in [
        ("답변 작성", "", true),
        ("답변 작성", MARK, true),
        ("Writing the answer", MARK, true),
        ("Writing the answer", "", false),
    ] {
        let (call, answer) = (step(1, "git_status 실행", ""), step(2, title, mark));
        let state = State::fold(&journal(&[OPENED, ANALYZED, &call, &answer])).unwrap();
        let found = state.answer_step().map(|step| step.step_id.as_str());
        assert_eq!(found, is_found.then_some("step_2"), "{title}{mark}");
    }
}
