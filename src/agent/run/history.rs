//! How much of its conversation a run starts with.

use crate::domain::Message;

/// How much of a thread a run starts with, in bytes; what is older stays in the thread.
const HISTORY_MAX: usize = 64 * 1024;

/// The newest messages of a thread, as many as a run starts with, from a question on.
pub(crate) fn recent(history: Vec<Message>) -> Vec<Message> {
    let mut left = HISTORY_MAX;
    let fits = |message: &&Message| {
        let size = message.text().len();
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    };
    let kept = history.iter().rev().take_while(fits).count();
    let newest = history.into_iter().rev().take(kept).collect::<Vec<_>>().into_iter().rev();
    newest.skip_while(|message| !matches!(message, Message::User { .. })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_starts_with_as_much_of_its_thread_as_fits_from_a_question_on() {
        let user = |content: String| Message::User { content };
        let said = |content: String| Message::Assistant { content, tool_calls: Vec::new() };
        let long = "가".repeat(HISTORY_MAX / 6);
        let history = vec![
            user("first".into()),
            said(long.clone()),
            user("second".into()),
            said(long.clone()),
            user("third".into()),
            said("short".into()),
        ];
        assert_eq!(recent(history.clone()), history[2..], "the first answer does not fit");
        assert_eq!(recent(history[..2].to_vec()), history[..2]);
        assert_eq!(recent(vec![user("x".repeat(HISTORY_MAX + 1))]), []);
    }
}
