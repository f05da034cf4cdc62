//! Prompts as long as a prompt may be, made of whatever has no end: marks without a partner, names
//! without a space. A reading that starts anew from each of them would take an hour for all of this,
//! so there is no clock here: it would not come to its end.

use super::*;

/// Bytes of a long text.
const LENGTH: usize = 64 * 1024;

/// What a prompt may begin with, to get to each of the readers.
const BEGINNINGS: [&str; 7] = [
    "PR을 분석해주세요 ",
    "send an e-mail to a@b.co saying \"",
    "feature 브랜치를 main에 병합해주세요 ",
    "create a PR in the repo a/b from x to y ",
    "kim@dwp.com에게 메일 보내줘 제목은 “",
    "show the last 5 commits of a.md ",
    "compare a and b ",
];

/// What it goes on with, for ever.
const UNITS: [&str; 28] = [
    "'s ", "“", "「", "‘", "\"", "' ", "\" ", "“” ", " '", ":'", "“'\"", "@", "a@b.", "a.b@c ",
    "a", " ", "가", "a/b#", "/pull/", "words=", "words=1x", "제목 ", "내용: ", " cc ", "지 마",
    "#1 ", "a..b ", "`",
];

#[tokio::test]
async fn no_prompt_is_long_enough_to_keep_anybody_busy() {
    for unit in UNITS {
        let long = unit.repeat(LENGTH / unit.len());
        for beginning in BEGINNINGS {
            let said = Talk::new(&format!("{beginning}{long}")).turn().await;
            assert!(!(said.text.is_empty() && said.calls.is_empty()), "{beginning}{unit}…");
        }
    }
}

#[tokio::test]
async fn no_answer_of_a_tool_is_long_enough_either() {
    for unit in ["a", " ", "a ", "\n", "+++ b/", "가"] {
        let long = unit.repeat(LENGTH / unit.len());
        let mut talk = Talk::new("feature 브랜치를 main에 병합해주세요");
        let asked = talk.turn().await;
        talk.answer(&asked, &[json!({"merged": true, "commit": long, "message": long})]);
        assert!(!talk.turn().await.text.is_empty());
    }
}
