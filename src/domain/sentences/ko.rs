//! The Korean table.

use std::fmt::Display;

use super::{
    Approval, ApprovalMail, Listed, MailHead, PageField, PullMerge, Reviewer, Reviewers, Sentences,
};
use crate::domain::error_code::ErrorCode;

pub(super) struct Korean;

impl Sentences for Korean {
    fn of_code(&self, code: ErrorCode) -> &'static str {
        match code {
            ErrorCode::Internal => "내부 서버 오류가 발생했습니다.",
            ErrorCode::MethodNotAllowed => "허용되지 않은 HTTP 메서드입니다.",
            ErrorCode::NotFound => "요청한 리소스를 찾을 수 없습니다.",
            ErrorCode::Unauthenticated => "인증이 필요합니다.",
            ErrorCode::Forbidden => "권한이 없습니다.",
            ErrorCode::TokenExpired => "토큰이 만료되었습니다.",
            ErrorCode::TokenInvalid => "유효하지 않은 토큰입니다.",
            ErrorCode::TenantMissing => "테넌트 정보가 필요합니다.",
            ErrorCode::TenantMismatch => "테넌트 정보가 일치하지 않습니다.",
            ErrorCode::AlreadyProcessed => "동일 요청이 이미 처리되었습니다.",
            ErrorCode::InvalidInput => "입력값 검증에 실패했습니다.",
            ErrorCode::MissingField => "필수 필드가 누락되었습니다.",
            ErrorCode::Malformed => "잘못된 형식입니다.",
            ErrorCode::LimitExceeded => "요청 한도를 초과했습니다.",
            ErrorCode::ExternalFailure => "외부 서비스 오류가 발생했습니다.",
            ErrorCode::ExternalTimeout => "외부 서비스 응답 시간이 초과되었습니다.",
        }
    }

    fn left_out(&self, chars: usize) -> String {
        format!("… (이하 {chars}자 생략)")
    }

    fn and_more(&self, rest: u64) -> String {
        format!("… 외 {rest}개")
    }

    fn started(&self) -> &'static str {
        "요청을 처리하기 시작했습니다."
    }

    fn analyzing(&self, page: &str) -> String {
        format!("요청을 분석합니다. {page}")
    }

    fn page(&self, field: PageField, value: &str) -> String {
        let name = match field {
            PageField::Screen => "현재 화면",
            PageField::Path => "경로",
            PageField::Url => "URL",
            PageField::Title => "페이지 제목",
            PageField::Item => "항목",
            PageField::Selected => "선택된 항목",
            PageField::More => "추가 정보",
        };
        format!("{name}: {value}")
    }

    fn page_untold(&self) -> &'static str {
        "요청 내용을 중심으로 판단합니다"
    }

    fn no_page(&self) -> &'static str {
        "화면 정보 없음: 요청 내용만으로 판단합니다"
    }

    fn answer_title(&self) -> &'static str {
        "답변 작성"
    }

    fn answering(&self) -> &'static str {
        "요청을 이해했습니다. 답변을 작성합니다."
    }

    fn answering_from(&self, calls: u32) -> String {
        match calls {
            0 => "요청에 바로 답변합니다.".to_owned(),
            n => format!("도구 {n}회 실행 결과를 바탕으로 답변합니다."),
        }
    }

    fn answer_cut(&self) -> &'static str {
        "답변이 모델의 길이 제한에서 잘렸습니다."
    }

    fn using_tools(&self, names: &str) -> String {
        format!("다음 도구를 사용합니다: {names}")
    }

    fn call_title(&self, tool: &str) -> String {
        format!("{tool} 실행")
    }

    fn call_description(&self, tool: &str, arguments: &str) -> String {
        format!("{tool} 도구를 실행합니다. {arguments}")
    }

    fn looking_back(&self, calls: u32, successes: u32) -> String {
        match calls {
            0 => "도구 없이 답변을 마쳤습니다.".to_owned(),
            n if n == successes => {
                format!("도구 {n}회 실행이 모두 성공했고, 결과를 답변에 반영했습니다.")
            }
            n => format!(
                "도구 {n}회 실행 중 {successes}회 성공하고 {}회 실패했습니다.",
                n.saturating_sub(successes)
            ),
        }
    }

    fn declined(&self, reason: &str) -> String {
        format!("사용자가 실행을 거절했습니다: {reason}")
    }

    fn held(&self, tool: &str, reason: &str) -> String {
        format!("운영자가 {tool} 도구를 멈춰 두었습니다: {reason}")
    }

    fn held_vote(&self, tool: &str, reason: &str) -> String {
        format!(
            "운영자가 {tool} 도구를 멈춰 두어서 승인을 반영하지 않았습니다. 요청은 다시 승인을 기다립니다. 사유: {reason}"
        )
    }

    fn stopped(&self) -> &'static str {
        "작업이 취소되어 중단했습니다"
    }

    fn in_doubt(&self, approved: Option<&dyn Display>) -> String {
        let attempt = match approved {
            Some(request) => format!("승인된 이전 실행({request})"),
            None => "이전 실행".to_owned(),
        };
        format!(
            "{attempt}이 시작된 뒤 서버가 중단되어 결과를 알 수 없습니다. 이미 실행되었을 수 있습니다."
        )
    }

    fn expiring(&self, tool: &str, seconds: u64) -> String {
        format!("{tool} 승인 요청이 {seconds}초 뒤에 만료됩니다.")
    }

    fn approved(&self, how: Approval<'_>) -> String {
        let approved = match how {
            Approval::By(user) => format!("{user} 님이 승인했습니다."),
            Approval::WithEdits(user, edits) => {
                format!("{user} 님이 인자를 수정하여 승인했습니다({edits}).")
            }
            Approval::SignalOf(user) => format!("{user} 이름으로 온 신호로 승인되었습니다."),
            Approval::Signal => "신호로 승인되었습니다.".to_owned(),
            Approval::Unknown => "승인되었습니다.".to_owned(),
        };
        format!("{approved} 작업을 실행합니다.")
    }

    fn nothing(&self) -> &'static str {
        "없음"
    }

    fn asked_anew(&self, who: Option<&dyn Display>, edits: &str, next: &dyn Display) -> String {
        let who = who.map(|user| format!("{user} 님이 ")).unwrap_or_default();
        format!(
            "{who}인자를 수정했습니다({edits}). 수정한 내용은 다른 사람의 승인이 필요하므로 새 승인 \
             요청({next})으로 다시 묻습니다."
        )
    }

    fn superseded(&self, who: &dyn Display, next: &dyn Display) -> String {
        format!("{who} 님이 인자를 수정하여 새 승인 요청({next})으로 대체되었습니다")
    }

    fn uncounted(&self, tool: &str, reviewers: Reviewers<'_>, request: &dyn Display) -> String {
        let Reviewers { who, count, policy } = reviewers;
        let who = match who {
            Reviewer::OfTenant => "같은 테넌트의 사용자".to_owned(),
            Reviewer::Requester => "요청한 본인".to_owned(),
            Reviewer::NotRequester => "요청한 본인이 아닌 사용자".to_owned(),
            Reviewer::WithRole(role) => format!("{role} 역할이 있는 사용자"),
        };
        let who = if count > 1 { format!("{who} {count}명") } else { who };
        format!(
            "{tool} 실행은 {who}({policy})만 승인할 수 있습니다. 보낸 사람을 확인할 수 없는 승인이어서 \
             반영하지 않았고, 요청은 다시 승인을 기다립니다. 승인은 POST /aura/hitl/approve/{request} 로만 \
             받습니다."
        )
    }

    fn completed(&self) -> &'static str {
        "작업이 완료되었습니다."
    }

    fn failed(&self) -> &'static str {
        "작업이 실패했습니다."
    }

    fn failed_because(&self, message: &str) -> String {
        format!("작업을 마치지 못했습니다: {message}")
    }

    fn note_of_failure(&self, error: &str) -> String {
        format!("[작업이 오류로 끝났습니다: {error}]")
    }

    fn rejected(&self) -> &'static str {
        "작업이 거절되었습니다."
    }

    fn rejected_by_person(&self) -> &'static str {
        "사용자가 작업을 거절했습니다."
    }

    fn rejected_call(&self, tool: &str, reason: Option<&str>) -> String {
        let reason = reason.map(|reason| format!(" (사유: {reason})")).unwrap_or_default();
        format!("승인이 거절되어 {tool} 작업을 실행하지 않았습니다{reason}.")
    }

    fn note_of_rejection(&self, tool: &str, reason: &str) -> String {
        format!("[사용자가 {tool} 실행을 거절했습니다: {reason}]")
    }

    fn timed_out(&self) -> &'static str {
        "사용자 응답 지연으로 작업이 취소되었습니다"
    }

    fn cancelled(&self) -> &'static str {
        "작업이 취소되었습니다."
    }

    fn cancelled_as_asked(&self) -> &'static str {
        "요청에 따라 작업을 취소했습니다."
    }

    fn request_cancelled(&self) -> &'static str {
        "작업이 취소되었습니다"
    }

    fn run_budget_spent(&self, limit: u64) -> String {
        format!("이 작업에 허용된 토큰 {limit}개를 모두 사용했습니다.")
    }

    fn day_budget_spent(&self, limit: u64) -> String {
        format!(
            "조직에 하루 동안 허용된 토큰 {limit}개를 모두 사용했습니다. 내일(UTC 기준) 다시 시도해 주세요."
        )
    }

    fn dry_run(&self, question: &str) -> String {
        format!("(모의 실행: 실제로 전송되지 않습니다) {question}")
    }

    fn request_to_send(&self) -> &'static str {
        "보낼 요청"
    }

    fn may_read_repository(&self, tool: &str, repository: &dyn Display) -> String {
        format!("{tool} 도구로 저장소를 읽을까요? 저장소: {repository}")
    }

    fn may_read_github(&self, tool: &str, subject: &dyn Display) -> String {
        format!("{tool} 도구로 GitHub을 읽을까요? 대상: {subject}")
    }

    fn may_call(&self, server: &str, tool: &str, arguments: &str) -> String {
        format!("MCP 서버 {server}의 {tool} 도구를 실행할까요? 인자: {arguments}")
    }

    fn may_send_mail(&self, mail: MailHead<'_>) -> String {
        let MailHead { to, cc, subject, .. } = mail;
        let cc = if cc.is_empty() { String::new() } else { format!(", 참조: {cc}") };
        format!("메일을 보낼까요? 받는 사람: {to}{cc}, 제목: {subject}")
    }

    fn mail_head(&self, mail: MailHead<'_>) -> String {
        let MailHead { from, to, cc, subject } = mail;
        let from = from.map(|from| format!("보내는 사람: {from}\n")).unwrap_or_default();
        let cc = if cc.is_empty() { String::new() } else { format!("참조: {cc}\n") };
        format!("{from}받는 사람: {to}\n{cc}제목: {subject}")
    }

    fn approval_mail_subject(&self, tool: &dyn Display) -> String {
        format!("[Aura] 승인 요청: {tool}")
    }

    fn approval_mail(&self, mail: ApprovalMail<'_>) -> String {
        let ApprovalMail { question, asks, until, preview, link } = mail;
        let preview = preview.map(|text| format!("\n미리 보기\n\n{text}\n")).unwrap_or_default();
        format!(
            "{question}\n\n요청한 사람: {asks}\n기한: {until}\n승인 또는 거절: {link}\n{preview}"
        )
    }

    fn may_merge(&self, [source, target]: [&dyn Display; 2], repository: &dyn Display) -> String {
        format!("{source} 브랜치를 {target} 브랜치에 병합할까요? 저장소: {repository}")
    }

    fn with_message(&self, message: &dyn Display) -> String {
        format!(", 메시지: {message}")
    }

    fn may_create_pull(
        &self,
        repository: &dyn Display,
        [head, base]: [&dyn Display; 2],
        title: &dyn Display,
    ) -> String {
        // A word between the two branches: with nothing but an arrow there, names in letters that are
        // written from right to left would change places on the screen.
        format!(
            "{repository} 저장소에 PR을 생성할까요? {head} 브랜치에서 {base} 브랜치로, 제목: {title}"
        )
    }

    fn may_merge_pull(&self, pull: PullMerge<'_>) -> String {
        let PullMerge { repository, number, method, base, commit } = pull;
        let into = base.map(|base| format!(", 대상 브랜치: {base}")).unwrap_or_default();
        let only = commit.map(|commit| format!(", 커밋: {commit}")).unwrap_or_default();
        format!("{repository} 저장소의 PR #{number}을(를) 병합할까요? 방식: {method}{into}{only}")
    }

    fn merges_cleanly(&self, with_work_tree: bool) -> String {
        let work_tree = if with_work_tree { " 작업 트리도 함께 바뀝니다." } else { "" };
        format!("충돌 없이 병합됩니다.{work_tree}")
    }

    fn listed(&self, what: Listed, count: &dyn Display) -> String {
        format!("{} {count}개", name_of(what))
    }

    fn not_listed(&self, what: Listed, error: &dyn Display) -> String {
        format!("{}: 확인하지 못했습니다 ({error})", name_of(what))
    }

    fn binary(&self, path: &str) -> String {
        format!("{path} (바이너리)")
    }

    fn at_commit(&self, commit: &str) -> String {
        format!("커밋: {commit}")
    }

    fn body_heading(&self) -> &'static str {
        "본문"
    }

    fn state_of_branch(&self, branch: &str) -> String {
        format!("{branch} 브랜치 상태")
    }

    fn clean_branch(&self) -> [&'static str; 3] {
        ["충돌 없음", "커밋되지 않은 변경 없음", "추적되지 않는 파일 없음"]
    }
}

fn name_of(what: Listed) -> &'static str {
    match what {
        Listed::Commits => "커밋",
        Listed::Files => "파일",
        Listed::Checks => "검사",
    }
}
