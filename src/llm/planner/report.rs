//! What came of a tool call, in words.

use serde_json::Value;

use super::abilities;
use super::conversation::{Done, Trouble};
use super::fields::{flag, text};
use super::headlines::Outcome;
use super::parts::{cut, fenced};
use crate::domain::Language;

/// What all of these calls came to.
pub(super) fn of_all<'a>(
    done: impl IntoIterator<Item = &'a Done<'a>>,
    language: Language,
) -> String {
    done.into_iter().map(|done| of(done, language)).collect::<Vec<_>>().join("\n\n")
}

/// What a tool call came to.
pub(super) fn of(done: &Done<'_>, language: Language) -> String {
    match &done.result {
        Ok(result) if flag(result, "dryRun") == Some(true) => dry_run(done.tool, result, language),
        Ok(result) => {
            known(done, result, language).unwrap_or_else(|| raw(done.tool, result, language))
        }
        Err(Trouble::Failed(error)) => failure(done.tool, &cut(error), language),
        Err(Trouble::CutOff) => cut_off(done.tool, language),
    }
}

/// As the table has it; `None` if the tool is not in it, or the result is not what it should be.
fn known(done: &Done<'_>, result: &Value, language: Language) -> Option<String> {
    let ability = abilities::of_tool(done.tool)?;
    let outcome = Outcome { arguments: &done.arguments, result, language };
    let headline = (ability.headline)(&outcome)?;
    let parts = ability.parts.iter().map(|part| part.tell(result, language));
    Some(headline + &parts.collect::<String>())
}

fn failure(tool: &str, error: &str, language: Language) -> String {
    let reads_github = tool.starts_with("github_get_") || tool.starts_with("github_list_");
    let what = match reads_github {
        true => language.pick("GitHub를 읽지 못했습니다. ", "GitHub could not be read. "),
        false => "",
    };
    let failed = language.pick(
        format!("{tool} 도구가 실패했습니다: {error}"),
        format!("The tool {tool} failed: {error}"),
    );
    format!("{what}{failed}")
}

fn cut_off(tool: &str, language: Language) -> String {
    language.pick(
        format!("{tool} 도구의 결과가 너무 길어 끝까지 읽지 못했습니다."),
        format!("The result of {tool} was too long to be read to its end."),
    )
}

fn dry_run(tool: &str, result: &Value, language: Language) -> String {
    let would = result.get("wouldSend").unwrap_or(result);
    let intro = language.pick(
        format!("시험 실행(dry run)이라 {tool} 도구가 실제로 보내지는 않았습니다. 보냈을 내용:"),
        format!("This was a dry run: {tool} sent nothing. What it would have sent:"),
    );
    intro + &json(would)
}

/// A result of which nothing is known: its text, if it is one, and the rest as JSON.
fn raw(tool: &str, result: &Value, language: Language) -> String {
    let intro = language.pick(format!("{tool} 결과:"), format!("Result of {tool}:"));
    match (result.as_object().map(serde_json::Map::len), text(result, "text")) {
        (Some(1), Some(text)) => format!("{intro}\n\n{}", cut(text)),
        _ => intro + &json(result),
    }
}

fn json(value: &Value) -> String {
    fenced("json", &serde_json::to_string_pretty(value).unwrap_or_default())
}

#[cfg(test)]
mod tests;
