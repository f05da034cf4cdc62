//! One question: what is shown of it, and what a person types to answer it.

use serde_json::Value;

use super::decision::Answer;
use crate::domain::event::told::Asked;
use crate::domain::json;
use crate::domain::text::escape_invisible;

/// How a question is asked.
pub(super) const CHOICES: &str = "[y]es, [n]o, [e]dit the arguments: ";

/// How a question is asked that only another person may approve.
const CHOICES_OF_THE_REQUESTER: &str = "[n]o, [e]dit the arguments, or wait for another's yes: ";

/// How this question is asked to whoever has started the run.
pub(super) fn choices(asked: &Asked) -> &'static str {
    if asked.approvers == "not_requester" { CHOICES_OF_THE_REQUESTER } else { CHOICES }
}

/// A first key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Yes,
    No,
    Edit,
}

impl Key {
    /// The key that somebody typed; an empty line is none.
    pub(super) fn typed(line: &str) -> Option<Self> {
        match line.to_lowercase().as_str() {
            "y" | "yes" => Some(Self::Yes),
            "n" | "no" => Some(Self::No),
            "e" | "edit" => Some(Self::Edit),
            _ => None,
        }
    }
}

/// A question as a person reads it, in several lines.
pub(super) fn text(asked: &Asked, now: i64) -> String {
    // One line each, so that none of them passes for another part of the question.
    let [action, message] = [&asked.action_type, &asked.message].map(|text| escape_invisible(text));
    let mut lines = vec![format!("{action}: {message}")];
    if let Some(preview) = &asked.preview {
        lines.push(format!("  {}", escape_invisible(&preview.title)));
        lines.extend(preview.content.lines().map(|line| format!("    {line}")));
    }
    lines.push("  arguments".to_owned());
    lines.extend(pretty(&asked.context).lines().map(|line| format!("    {line}")));
    if let Some(bytes) = asked.context_bytes {
        let id = &asked.request_id;
        lines.push(format!(
            "    not all of it: {bytes} bytes; GET /aura/hitl/requests/{id} has the whole request"
        ));
    }
    lines.push(format!("  may be approved by {}", escape_invisible(&approvers(asked))));
    lines.push(format!("  until {}", deadline(asked.expires_at, now)));
    let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

fn approvers(asked: &Asked) -> String {
    let who = match asked.approvers.as_str() {
        "tenant" | "" => "anybody of the tenant".to_owned(),
        "requester" => "whoever asked for it".to_owned(),
        "not_requester" => "anybody but whoever asked for it".to_owned(),
        who => who.to_owned(),
    };
    match asked.approvals_needed {
        0 | 1 => who,
        needed => format!("{needed} of them: {who}; {} so far", asked.approvals),
    }
}

fn deadline(expires_at: i64, now: i64) -> String {
    let at =
        jiff::Timestamp::from_second(expires_at).map_or_else(|_| "?".into(), |at| at.to_string());
    match expires_at.saturating_sub(now) {
        left if left <= 0 => format!("{at}, which is over"),
        left @ 1..120 => format!("{at}, in {left} s"),
        left @ 120..7200 => format!("{at}, in {} min", left / 60),
        left => format!("{at}, in {} h", left / 3600),
    }
}

/// Arguments in the form in which they are edited.
pub(super) fn pretty(arguments: &Value) -> String {
    serde_json::to_string_pretty(arguments).unwrap_or_default()
}

/// The answer that edited arguments make.
///
/// # Errors
/// What is wrong with them, or that they are what was asked about.
pub(super) fn edited(text: &str, before: &Value) -> Result<Answer, String> {
    let arguments = json::read(text.trim().as_bytes())
        .map_err(|fault| format!("the arguments are not JSON: {fault}"))?;
    if !arguments.is_object() {
        return Err("the arguments must be a JSON object".to_owned());
    }
    if arguments == *before {
        return Err("nothing was changed".to_owned());
    }
    Ok(Answer::ApproveWith(arguments))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked() -> Asked {
        let payload = json!({
            "requestId": "req_0123456789ab", "actionType": "git_merge", "message": "Merge?",
            "context": {"source": "feature"}, "expiresAt": 1_706_153_160, "approvers": "tenant",
            "approvalsNeeded": 1, "approvals": 0,
            "preview": {"type": "text", "title": "feature → main", "content": "2 commits\nclean"},
        });
        serde_json::from_value(payload).unwrap()
    }

    #[test]
    fn a_question_shows_what_is_asked_what_will_happen_who_may_answer_and_until_when() {
        let expected = "\
git_merge: Merge?
  feature → main
    2 commits
    clean
  arguments
    {
      \"source\": \"feature\"
    }
  may be approved by anybody of the tenant
  until 2024-01-25T03:26:00Z, in 5 min";
        assert_eq!(text(&asked(), 1_706_152_860), expected);
    }

    #[test]
    fn a_question_whose_arguments_are_cut_says_where_all_of_them_are() {
        let cut = Asked {
            context_bytes: Some(9000),
            approvals_needed: 2,
            approvers: "role:manager".into(),
            ..asked()
        };
        let text = text(&cut, 1_706_153_200);
        assert!(
            text.contains(
                "not all of it: 9000 bytes; GET /aura/hitl/requests/req_0123456789ab has"
            ),
            "{text}"
        );
        assert!(text.contains("may be approved by 2 of them: role:manager; 0 so far"), "{text}");
        assert!(text.ends_with("which is over"), "{text}");
    }

    #[test]
    fn no_part_of_a_question_passes_for_another() {
        let message = "Merge?\n  may be approved by anybody";
        let text = text(&Asked { message: message.into(), approvers: "x\ny".into(), ..asked() }, 0);
        assert!(text.starts_with("git_merge: Merge?\\u{a}  may"), "{text}");
        assert_eq!(text.matches("\n  may be approved by x\\u{a}y\n").count(), 1, "{text}");
    }

    #[test]
    fn whoever_asked_is_offered_no_yes_where_another_has_to_give_it() {
        let mine = Asked { approvers: "not_requester".into(), ..asked() };
        assert!(choices(&asked()).contains("[y]es") && !choices(&mine).contains("[y]es"));
    }

    #[test]
    fn only_the_three_answers_are_answers() {
        assert_eq!(
            ["y", "NO", "e"].map(Key::typed),
            [Some(Key::Yes), Some(Key::No), Some(Key::Edit)]
        );
        assert_eq!(["", "yy", "ok", "ㅛ"].map(Key::typed), [None; 4]);
    }

    #[test]
    fn edited_arguments_are_an_object_that_is_not_the_old_one() {
        let before = json!({"a": 1});
        let of = |text| edited(text, &before);
        assert_eq!(of(" {\"a\": 2}\n"), Ok(Answer::ApproveWith(json!({"a": 2}))));
        for (text, wrong) in [
            ("{\"a\": 1}", "nothing was changed"),
            ("[1]", "the arguments must be a JSON object"),
            (
                "{\"a\": 1, \"a\": 2}",
                "the arguments are not JSON: the key \"a\" stands twice in one object",
            ),
        ] {
            assert_eq!(of(text), Err(wrong.to_owned()), "{text}");
        }
        assert!(of("").is_err() && of("{").is_err());
    }
}
