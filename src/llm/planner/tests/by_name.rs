//! Tools that are in no table of the planner's: it lists them, and they are asked for by name.

use serde_json::json;

use super::talk::Talk;

fn talk(prompt: &str) -> Talk {
    let talk = Talk::new(prompt).offering_besides("time.now", &[]);
    let talk = talk.offering_besides("web.search", &["query"]);
    talk.offering_besides("time.convert", &["from", "to"])
}

#[tokio::test]
async fn a_tool_that_is_named_first_is_called_with_what_follows() {
    for (prompt, tool, arguments) in [
        ("time.now", "time.now", json!({})),
        ("run `time.now` please", "time.now", json!({})),
        ("time.now을 실행해줘", "time.now", json!({})),
        ("web.search rust sse 알려줘", "web.search", json!({"query": "rust sse"})),
        ("web.search \"rust sse\"", "web.search", json!({"query": "rust sse"})),
        ("time.convert {\"from\": \"UTC\"}", "time.convert", json!({"from": "UTC"})),
        ("메일 말고 time.convert{\"to\": {}} 해줘", "time.convert", json!({"to": {}})),
        ("time.convert {\"to\": \"하지 마\"}", "time.convert", json!({"to": "하지 마"})),
    ] {
        let mut talk = talk(prompt);
        let asked = talk.turn().await;
        assert_eq!(asked.tools(), [(tool, &arguments)], "{prompt}");
        talk.answer(&asked, &[json!({"text": "09:00"})]);
        for mut talk in [talk.clone(), talk.offering(&[])] {
            let said = talk.turn().await;
            assert!(said.calls.is_empty() && said.text.contains("09:00"), "{}", said.text);
        }
    }
}

#[tokio::test]
async fn a_tool_of_which_a_prompt_only_speaks_is_explained_and_not_called() {
    for (prompt, example) in [
        ("what is time.now?", "`time.now`"),
        ("time.convert", "`time.convert {\"from\": …, \"to\": …}`"),
        ("time.convert {broken", "`time.convert {\"from\": …, \"to\": …}`"),
        ("web.search", "`web.search {\"query\": …}`"),
        ("git_merge가 뭐야?", "`git_merge`"),
        ("do not call time.convert {\"from\": \"UTC\"}", "`time.convert"),
        ("Please don’t run git_merge {\"source\": \"a\"}", "`git_merge`"),
        ("git_merge {\"source\": \"a\"} 하지 마", "`git_merge`"),
    ] {
        let said = talk(prompt).turn().await;
        assert!(said.calls.is_empty() && said.text.contains(example), "{prompt}: {}", said.text);
    }
    let said = talk("kim@dwp.com에게 time.now 메일 보내줘").turn().await;
    assert_eq!(said.tools()[0].0, "send_email", "what is asked for is something else");
    assert!(talk("xtime.now").turn().await.text.contains("did not understand"));
}

#[tokio::test]
async fn what_the_planner_says_it_can_do_is_exactly_what_is_offered() {
    let said = talk("hello").offering(&["git_status", "send_email"]).turn().await.text;
    let expected = "Hello! I am the assistant of DWP. This is what I can do:\n\n\
        - tell how the repository stands\n- send mails (asks for approval)\n- `time.now`\n\
        - `web.search {\"query\": …}`\n- `time.convert {\"from\": …, \"to\": …}`";
    assert_eq!(said, expected);
}
