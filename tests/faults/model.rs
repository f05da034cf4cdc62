//! A model whose turns depend on the conversation alone, never on how often it was asked: whoever
//! asks again gets the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::{Plan, Task};
use crate::support::model::{FakeModel, Reply};

/// What is said before the tools are used.
const FIRST: [&str; 6] = ["먼저 ", "저장소를 ", "살펴보고 ", "나서 ", "진행", "하겠습니다."];
/// What is said between the two tools.
const BETWEEN: [&str; 3] = ["이제 ", "실행", "합니다."];

/// Starts the model; it takes so long between two words.
pub async fn start(pace: Duration) -> FakeModel {
    FakeModel::answering(move |body| answer(body, pace)).await
}

/// The whole answer to a plan whose run comes to its good end.
pub fn whole_answer(plan: &Plan) -> String {
    let last = words(plan.words).concat();
    match plan.task {
        Task::Merge | Task::Mail => [&FIRST.concat(), &BETWEEN.concat(), &last].map(String::as_str).join("\n\n"),
        Task::Talk => last,
    }
}

fn words(count: usize) -> Vec<String> {
    (1..=count).map(|n| if n == count { format!("끝{n}.") } else { format!("낱말{n} ") }).collect()
}

fn answer(body: &Value, pace: Duration) -> Reply {
    let messages = body["messages"].as_array().unwrap();
    let asked = messages.iter().rposition(|message| message["role"] == "user").unwrap();
    let results = messages[asked..].iter().filter(|message| message["role"] == "tool").count();
    let prompt: Vec<&str> = messages[asked]["content"].as_str().unwrap().split(' ').collect();
    let [task, repository, count] = prompt[..] else { panic!("no prompt of ours: {prompt:?}") };
    let say = |words: &[&str]| {
        words.iter().fold(Reply::stream(), |reply, word| reply.pause(pace).piece(word))
    };
    match (task, results) {
        ("merge" | "mail", 0) => {
            let look = json!({ "repository": repository }).to_string();
            say(&FIRST).call("call_look", "git_status", [&*look]).ends("tool_calls")
        }
        ("merge", 1) => {
            let merge = json!({ "repository": repository, "source": "feature", "target": "main" });
            say(&BETWEEN).call("call_act", "git_merge", [&*merge.to_string()]).ends("tool_calls")
        }
        ("mail", 1) => {
            let to = format!("{repository}@example.com");
            let mail = json!({ "to": [to], "subject": "보고", "body": "끝" });
            say(&BETWEEN).call("call_act", "send_email", [&*mail.to_string()]).ends("tool_calls")
        }
        _ => {
            let words = words(count.parse().unwrap());
            say(&words.iter().map(String::as_str).collect::<Vec<_>>()).ends("stop")
        }
    }
}
