//! A conversation with the planner, and what it says in one turn.

use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::super::Planner;
use crate::domain::{Message, PageContext, ToolCall, ToolCallId};
use crate::llm::{ChatModel, ChatRequest, Delta, TurnEnd};
use crate::tools::{Effect, ToolSpec};

pub(super) const ALL_TOOLS: [&str; 13] = [
    "git_status",
    "git_diff",
    "git_log",
    "git_show_file",
    "git_branch_list",
    "git_merge",
    "github_get_file",
    "github_get_pr",
    "github_list_prs",
    "github_get_pr_diff",
    "github_create_pr",
    "github_merge_pr",
    "send_email",
];

/// One turn, collected.
pub(super) struct PlannerTurn {
    pub(super) text: String,
    pub(super) calls: Vec<(String, String, Value)>,
    pub(super) end: TurnEnd,
}

impl PlannerTurn {
    pub(super) fn tools(&self) -> Vec<(&str, &Value)> {
        self.calls.iter().map(|(_, tool, arguments)| (tool.as_str(), arguments)).collect()
    }
}

/// A conversation that the planner is one side of.
#[derive(Clone)]
pub(super) struct Talk {
    pub(super) messages: Vec<Message>,
    pub(super) offered: Vec<&'static str>,
    /// Tools that are offered besides, such as those of MCP servers.
    pub(super) others: Vec<ToolSpec>,
    /// Whether the tools only show what they would send.
    pub(super) runs_dry: bool,
    /// What of the next turn was shown already.
    pub(super) partial: String,
}

impl Talk {
    pub(super) fn new(prompt: &str) -> Self {
        let (messages, offered) = (vec![user(prompt)], ALL_TOOLS.to_vec());
        Self { messages, offered, others: Vec::new(), runs_dry: false, partial: String::new() }
    }

    pub(super) fn on_page(prompt: &str, context: &Value) -> Self {
        let content = PageContext::from_json(context).unwrap().system_prompt();
        let mut talk = Self::new(prompt);
        talk.messages.insert(0, Message::System { content });
        talk
    }

    pub(super) fn offering(mut self, offered: &[&'static str]) -> Self {
        self.offered = offered.to_vec();
        self
    }

    /// Offers a tool besides that needs these arguments, all of them texts.
    pub(super) fn offering_besides(mut self, name: &str, required: &[&str]) -> Self {
        let text = |name: &&str| ((*name).to_owned(), json!({"type": "string"}));
        let properties: Map<String, Value> = required.iter().map(text).collect();
        let mut spec = spec(name, false);
        spec.description = format!("What {name} does.");
        spec.parameters = json!({"type": "object", "properties": properties, "required": required});
        self.others.push(spec);
        self
    }

    pub(super) fn running_dry(mut self) -> Self {
        self.runs_dry = true;
        self
    }

    pub(super) fn after(mut self, partial: &str) -> Self {
        self.partial = partial.to_owned();
        self
    }

    pub(super) async fn turn(&mut self) -> PlannerTurn {
        let offered = self.offered.iter().map(|name| spec(name, self.runs_dry));
        let request = ChatRequest {
            messages: self.messages.clone(),
            tools: offered.chain(self.others.iter().cloned()).collect(),
            partial: self.partial.clone(),
        };
        let deltas: Vec<_> = Planner::new().chat(request).await.unwrap().collect().await;
        let said = collect(deltas.into_iter().map(Result::unwrap).collect());
        let tool_calls = said.calls.iter().map(|(id, name, arguments)| {
            ToolCall::new(ToolCallId::new(id), name.as_str(), arguments.to_string())
        });
        let tool_calls = tool_calls.collect();
        self.messages.push(Message::Assistant { content: said.text.clone(), tool_calls });
        said
    }

    pub(super) fn answer(&mut self, said: &PlannerTurn, results: &[Value]) {
        assert_eq!(said.calls.len(), results.len(), "{:?}", said.tools());
        for ((id, name, _), result) in said.calls.iter().zip(results) {
            self.messages.push(Message::Tool {
                call_id: ToolCallId::new(id),
                name: name.clone(),
                content: result.to_string(),
            });
        }
    }

    /// A turn that asks for these tools, and their results. Returns the ids of the calls.
    pub(super) async fn step(
        &mut self,
        expected: &[(&str, Value)],
        results: &[Value],
    ) -> Vec<String> {
        let said = self.turn().await;
        let expected: Vec<_> =
            expected.iter().map(|(tool, arguments)| (*tool, arguments)).collect();
        assert_eq!(said.tools(), expected);
        self.answer(&said, results);
        said.calls.into_iter().map(|(id, _, _)| id).collect()
    }

    /// What is said in a turn that asks for no tool.
    pub(super) async fn words(&mut self) -> String {
        let said = self.turn().await;
        assert!(said.calls.is_empty(), "{:?}", said.tools());
        said.text
    }

    pub(super) fn ask(&mut self, prompt: &str) {
        self.messages.push(user(prompt));
    }
}

fn spec(name: &str, dry_run: bool) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        parameters: json!({"type": "object"}),
        effect: Effect::ReadOnly,
        pins: &[],
        dry_run,
    }
}

pub(super) fn user(prompt: &str) -> Message {
    Message::User { content: prompt.to_owned() }
}

pub(super) fn collect(mut deltas: Vec<Delta>) -> PlannerTurn {
    let Some(Delta::End(end)) = deltas.pop() else { panic!("the last piece is not the end") };
    let mut said = PlannerTurn { text: String::new(), calls: Vec::new(), end };
    for delta in deltas {
        match delta {
            Delta::Text(text) => {
                assert!(!text.is_empty() && said.calls.is_empty());
                said.text.push_str(&text);
            }
            Delta::ToolCall(call) => said.calls.push((
                call.id.as_str().to_owned(),
                call.name,
                serde_json::from_str(&call.arguments).unwrap(),
            )),
            Delta::Restarted => panic!("the planner is not asked again"),
            Delta::Reasoning(text) => panic!("the planner does not think aloud: {text}"),
            Delta::End(_) => panic!("two ends"),
        }
    }
    said
}
