//! Every sentence of every table, said once.

use super::*;

/// A sentence as it was said, and what has to be in it.
struct Said {
    name: &'static str,
    text: String,
    holds: Vec<&'static str>,
}

/// Says one sentence, by the name of its method.
macro_rules! said {
    ($table:ident, $name:ident($($argument:expr),*), $holds:expr) => {
        Said { name: stringify!($name), text: $table.$name($($argument),*).into(), holds: Vec::from($holds) }
    };
}

const MAIL: MailHead<'static> =
    MailHead { from: Some("me@a.b"), to: "you@a.b", cc: "she@a.b", subject: "\"hello\"" };

const ASKED: ApprovalMail<'static> = ApprovalMail {
    question: "sure?",
    asks: "7",
    until: "soon",
    preview: Some("all of it"),
    link: "https://c/#1",
};

fn of_the_run(table: &dyn Sentences) -> Vec<Said> {
    let request: &dyn Display = &"req_1";
    vec![
        said!(table, left_out(12), ["… (", "12"]),
        said!(table, and_more(13), ["… ", "13"]),
        said!(table, started(), []),
        said!(table, analyzing("the page"), ["the page"]),
        said!(table, page_untold(), []),
        said!(table, no_page(), []),
        said!(table, answer_title(), []),
        said!(table, answering(), []),
        said!(table, answering_from(0), []),
        said!(table, answering_from(3), ["3"]),
        said!(table, answer_cut(), []),
        said!(table, using_tools("git_log, git_merge"), ["git_log, git_merge"]),
        said!(table, call_title("git_merge"), ["git_merge"]),
        said!(table, call_description("git_merge", "{}"), ["git_merge", "{}"]),
        said!(table, looking_back(0, 0), []),
        said!(table, looking_back(4, 4), ["4"]),
        said!(table, looking_back(7, 4), ["7", "4", "3"]),
        said!(table, declined("not now"), ["not now"]),
        said!(table, held("git_merge", "audit day"), ["git_merge", "audit day"]),
        said!(table, held_vote("git_merge", "audit day"), ["git_merge", "audit day"]),
        said!(table, stopped(), []),
        said!(table, in_doubt(None), []),
        said!(table, in_doubt(Some(request)), ["req_1"]),
        said!(table, expiring("git_merge", 30), ["git_merge", "30"]),
        said!(table, run_budget_spent(1000), ["1000"]),
        said!(table, day_budget_spent(2000), ["2000", "UTC"]),
        said!(table, completed(), []),
        said!(table, failed(), []),
        said!(table, failed_because("why"), [": why"]),
        said!(table, note_of_failure("why"), ["[", ": why]"]),
        said!(table, rejected(), []),
        said!(table, rejected_by_person(), []),
        said!(table, rejected_call("git_merge", None), ["git_merge"]),
        said!(table, rejected_call("git_merge", Some("not now")), ["git_merge", ": not now)"]),
        said!(table, note_of_rejection("git_merge", "no"), ["[", "git_merge", ": no]"]),
        said!(table, timed_out(), []),
        said!(table, cancelled(), []),
        said!(table, cancelled_as_asked(), []),
        said!(table, request_cancelled(), []),
    ]
}

fn of_approvals(table: &dyn Sentences) -> Vec<Said> {
    let (kim, next): (&dyn Display, &dyn Display) = (&"kim", &"req_2");
    let mut said = vec![
        said!(table, approved(Approval::By(kim)), ["kim"]),
        said!(table, approved(Approval::WithEdits(kim, "to: 1 → 2")), ["kim", "(to: 1 → 2)"]),
        said!(table, approved(Approval::SignalOf(kim)), ["kim"]),
        said!(table, approved(Approval::Signal), []),
        said!(table, approved(Approval::Unknown), []),
        said!(table, nothing(), []),
        said!(table, asked_anew(None, "to: 1 → 2", next), ["(to: 1 → 2)", "(req_2)"]),
        said!(table, asked_anew(Some(kim), "to: 1 → 2", next), ["kim", "(to: 1 → 2)", "(req_2)"]),
        said!(table, superseded(kim, next), ["kim", "(req_2)"]),
    ];
    let role: &dyn Display = &"lead";
    for who in [Reviewer::OfTenant, Reviewer::Requester, Reviewer::NotRequester] {
        for count in [1, 2] {
            let reviewers = Reviewers { who, count, policy: &"2 of them" };
            let holds = ["git_merge", "(2 of them)", "POST /aura/hitl/approve/req_2"];
            said.push(said!(table, uncounted("git_merge", reviewers, next), holds));
        }
    }
    for count in [1, 2] {
        let reviewers = Reviewers { who: Reviewer::WithRole(role), count, policy: &"role:lead" };
        said.push(said!(table, uncounted("git_merge", reviewers, next), ["lead", "(role:lead)"]));
    }
    said
}

fn of_tools(table: &dyn Sentences) -> Vec<Said> {
    let (a, b, c): (&dyn Display, &dyn Display, &dyn Display) = (&"\"a\"", &"\"b\"", &"\"c\"");
    let pull = |base, commit| PullMerge {
        repository: &"acme/shop",
        number: 12,
        method: "squash",
        base,
        commit,
    };
    vec![
        said!(table, dry_run("Shall I?"), ["(", ") Shall I?"]),
        said!(table, request_to_send(), []),
        said!(table, may_read_repository("git_log", a), ["git_log", ": \"a\""]),
        said!(table, may_read_github("github_get_pr", a), ["github_get_pr", ": \"a\""]),
        said!(table, may_call("files", "write", "{}"), ["files", "write", ": {}"]),
        said!(table, may_send_mail(MAIL), [": you@a.b, ", ": she@a.b, ", ": \"hello\""]),
        said!(table, may_send_mail(MailHead { cc: "", ..MAIL }), [": you@a.b, ", ": \"hello\""]),
        said!(table, mail_head(MAIL), [": me@a.b\n", ": you@a.b\n", ": she@a.b\n", ": \"hello\""]),
        said!(table, mail_head(MailHead { from: None, cc: "", ..MAIL }), [": you@a.b\n"]),
        said!(table, approval_mail_subject(a), [": \"a\""]),
        said!(
            table,
            approval_mail(ASKED),
            ["sure?\n", ": 7\n", ": soon\n", ": https://c/#1\n", "all of it\n"]
        ),
        said!(table, approval_mail(ApprovalMail { preview: None, ..ASKED }), ["sure?\n"]),
        said!(table, may_merge([a, b], c), ["\"a\"", "\"b\"", ": \"c\""]),
        said!(table, with_message(a), [", ", ": \"a\""]),
        said!(
            table,
            may_create_pull(&"acme/shop", [a, b], c),
            ["acme/shop", "\"a\"", "\"b\"", ": \"c\""]
        ),
        said!(table, may_merge_pull(pull(None, None)), ["acme/shop", "#12", ": squash"]),
        said!(
            table,
            may_merge_pull(pull(Some(a), Some(b))),
            [": squash, ", ": \"a\", ", ": \"b\""]
        ),
        said!(table, merges_cleanly(false), []),
        said!(table, merges_cleanly(true), []),
        said!(table, binary("a.png"), ["a.png ("]),
        said!(table, at_commit("abc"), [": abc"]),
        said!(table, body_heading(), []),
        said!(table, state_of_branch("main"), ["main"]),
        Said { name: "clean_branch", text: table.clean_branch().join(", "), holds: Vec::new() },
    ]
}

/// What has a line for each of several values.
fn of_lists(table: &dyn Sentences) -> Vec<Said> {
    use PageField::{Item, More, Path, Screen, Selected, Title, Url};
    let mut said = Vec::new();
    for field in [Screen, Path, Url, Title, Item, Selected, More] {
        said.push(said!(table, page(field, "mail"), [": mail"]));
    }
    for what in [Listed::Commits, Listed::Files, Listed::Checks] {
        said.push(said!(table, listed(what, &5), ["5"]));
        said.push(said!(table, not_listed(what, &"why"), [": ", "(why)"]));
    }
    for code in ErrorCode::ALL.iter().copied() {
        said.push(said!(table, of_code(code), ["."]));
    }
    said
}

fn all(table: &dyn Sentences) -> Vec<Said> {
    [of_the_run, of_approvals, of_tools, of_lists].iter().flat_map(|part| part(table)).collect()
}

fn has_hangul(text: &str) -> bool {
    Language::of_text(text) == Language::Korean
}

#[test]
fn every_sentence_is_in_its_language_and_tells_all_that_it_was_given() {
    for language in Language::ALL {
        for Said { name, text, holds } in all(language.sentences()) {
            let of_a_url = name == "page" && text.starts_with("URL");
            let is_right = match language {
                Language::Korean => has_hangul(&text) || of_a_url,
                Language::English => !has_hangul(&text),
            };
            assert!(is_right && !text.trim().is_empty(), "{name} in {language:?}: {text}");
            for part in holds {
                assert!(text.contains(part), "{name} in {language:?} lacks {part:?}: {text}");
            }
        }
    }
}

#[test]
fn no_sentence_is_left_out_of_these_tests() {
    let source = syn::parse_file(include_str!("../sentences.rs")).unwrap();
    let table = source.items.iter().find_map(|item| match item {
        syn::Item::Trait(table) if table.ident == "Sentences" => Some(table),
        _ => None,
    });
    let methods = table.unwrap().items.iter().filter_map(|item| match item {
        syn::TraitItem::Fn(method) => Some(method.sig.ident.to_string()),
        _ => None,
    });
    let said = all(Language::Korean.sentences());
    for method in methods {
        assert!(said.iter().any(|said| said.name == method), "{method} is never said");
    }
}

#[test]
fn one_is_not_said_as_many_are() {
    let table = Language::English.sentences();
    assert_eq!(table.left_out(1), "… (1 more character)");
    assert_eq!(table.answering_from(1), "Answering from the results of 1 tool call.");
    assert_eq!(table.answering_from(2), "Answering from the results of 2 tool calls.");
}
