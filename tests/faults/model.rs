//! A model whose turns depend on the conversation alone, never on how often it was asked: whoever
//! asks again gets the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::{Plan, Task};
use aura_testing::model::{FakeModel, Reply};

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
        Task::Merge | Task::Mail => {
            [&FIRST.concat(), &BETWEEN.concat(), &last].map(String::as_str).join("\n\n")
        }
        Task::Talk => last,
    }
}

fn words(count: usize) -> Vec<String> {
    (1..=count).map(|n| if n == count { format!("끝{n}.") } else { format!("낱말{n} ") }).collect()
}

/// A request, as far as it matters.
struct Asked<'a> {
    task: &'a str,
    repository: &'a str,
    words: usize,
    /// How many tools have answered.
    results: usize,
    /// What of the turn was said already, where it was interrupted and is to be gone on with.
    begun: &'a str,
}

impl<'a> Asked<'a> {
    fn read(body: &'a Value) -> Self {
        let messages = body["messages"].as_array().unwrap();
        let text = |message: &'a Value| message["content"].as_str().unwrap_or_default();
        let is = |message: &Value, role: &str| message["role"] == role;
        // The first user message is the prompt: each session has a thread of its own.
        let prompt = messages.iter().find(|message| is(message, "user")).unwrap();
        let [task, repository, words] = text(prompt).split(' ').collect::<Vec<_>>()[..] else {
            panic!("no prompt of ours: {prompt}");
        };
        let results = messages.iter().filter(|message| is(message, "tool")).count();
        let begun = match messages.as_slice() {
            [.., begun, again] if is(begun, "assistant") && is(again, "user") => text(begun),
            _ => "",
        };
        Self { task, repository, words: words.parse().unwrap(), results, begun }
    }

    /// The words that are left to say. Some models go on, some start over.
    fn left<'b>(&self, words: &'b [String]) -> Vec<&'b str> {
        let starts_over = self.words % 2 == 1;
        let mut said = 0;
        let mut left = Vec::new();
        for word in words {
            let from = self.begun.len().saturating_sub(said).min(word.len());
            left.push(if starts_over { word.as_str() } else { &word[from..] });
            said += word.len();
        }
        left.retain(|word| !word.is_empty());
        left
    }
}

fn answer(body: &Value, pace: Duration) -> Reply {
    let asked = Asked::read(body);
    let Asked { repository, .. } = asked;
    let say = |words: &[String]| {
        let left = asked.left(words);
        left.into_iter().fold(Reply::stream(), |reply, word| reply.pause(pace).piece(word))
    };
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    match (asked.task, asked.results) {
        ("merge" | "mail", 0) => {
            let look = json!({ "repository": repository }).to_string();
            say(&owned(&FIRST)).call("call_look", "git_status", [&*look]).ends("tool_calls")
        }
        ("merge", 1) => {
            let merge = json!({ "repository": repository, "source": "feature", "target": "main" });
            let merge = merge.to_string();
            say(&owned(&BETWEEN)).call("call_act", "git_merge", [&*merge]).ends("tool_calls")
        }
        ("mail", 1) => {
            let to = format!("{repository}@example.com");
            let mail = json!({ "to": [to], "subject": "보고", "body": "끝" }).to_string();
            say(&owned(&BETWEEN)).call("call_act", "send_email", [&*mail]).ends("tool_calls")
        }
        _ => say(&words(asked.words)).ends("stop"),
    }
}
