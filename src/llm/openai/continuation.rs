//! A continuation joined to the text that it goes on from.
//!
//! Models that are asked to go on where a text stops often say its last words once more, or start
//! over. What they repeat is left out, so the text reads as if it had never been interrupted.

/// Fewest characters of a repetition that starts with a word. Fewer are likely to be chance, as in
/// "ha " and "ha ha".
const MIN_WORDS: usize = 4;
/// Fewest characters of a repetition that starts within a word, as it does in languages without
/// spaces. Letters repeat by chance much more often than words: "hel" and "lo".
const MIN_LETTERS: usize = 16;

/// Leaves out what a continuation repeats of the text before it.
///
/// Text is held back only as long as all of it may be such a repetition, so never more than the
/// text before it is long. Without a text before it, everything passes at once.
#[derive(Debug, Default)]
pub(super) struct Continuation {
    begun: String,
    /// Where the repetitions start, in `begun`, that `held` is the beginning of.
    possible: Vec<usize>,
    held: String,
    /// How many bytes of `held` are a whole repetition; the longest one.
    repeated: usize,
}

impl Continuation {
    /// Of a text that has been shown already, possibly empty.
    pub(super) fn of(begun: &str) -> Self {
        let possible = starts(begun);
        Self { begun: begun.to_owned(), possible, held: String::new(), repeated: 0 }
    }

    /// Takes the next piece; returns what can be shown now, possibly nothing.
    pub(super) fn push(&mut self, piece: String) -> String {
        if self.possible.is_empty() {
            return piece;
        }
        let (begun, held) = (self.begun.as_bytes(), self.held.len());
        let repeated = &mut self.repeated;
        self.possible.retain(|start| {
            let ahead = &begun[start + held..];
            if piece.as_bytes().starts_with(ahead) {
                *repeated = (*repeated).max(held + ahead.len());
                return false;
            }
            ahead.starts_with(piece.as_bytes())
        });
        self.held.push_str(&piece);
        if self.possible.is_empty() { self.finish() } else { String::new() }
    }

    /// What is still held back and is no repetition: there will be no more text.
    pub(super) fn finish(&mut self) -> String {
        self.possible.clear();
        let rest = self.held.split_off(std::mem::take(&mut self.repeated));
        self.held.clear();
        rest
    }
}

/// Where in a text a repetition of its end may start: at its beginning, or where enough follows.
fn starts(text: &str) -> Vec<usize> {
    let mut left = text.chars().count();
    let mut before = None;
    let mut starts = Vec::new();
    for (at, c) in text.char_indices() {
        let starts_a_word = !c.is_whitespace() && before.is_some_and(char::is_whitespace);
        if at == 0 || left >= MIN_LETTERS || starts_a_word && left >= MIN_WORDS {
            starts.push(at);
        }
        before = Some(c);
        left -= 1;
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of a continuation that comes in pieces of so many characters.
    fn shown(begun: &str, said: &str, piece: usize) -> String {
        let mut continuation = Continuation::of(begun);
        let said: Vec<char> = said.chars().collect();
        let pieces = said.chunks(piece).map(|piece| piece.iter().collect::<String>());
        let mut shown: String = pieces.map(|piece| continuation.push(piece)).collect();
        shown.push_str(&continuation.finish());
        shown
    }

    #[test]
    fn what_is_repeated_is_left_out_however_it_arrives() {
        for (begun, said, rest) in [
            ("The repository is clean", ", and on main.", ", and on main."),
            ("The repository is cl", "The repository is clean.", "ean."),
            ("The repository is cl", "repository is clean.", "ean."),
            ("The repository is cl", "repo is clean.", "repo is clean."),
            ("The reposi", "repository is clean.", "tory is clean."),
            ("현재 브랜치: ma", "브랜치: main", "in"),
            ("네", "네, 알겠습니다", ", 알겠습니다"),
            ("一二三四五六七八九十一二三四五六七八九", "四五六七八九十一二三四五六七八九!", "!"),
            ("a done a done", "a done", ""),
            ("done", "done", ""),
        ] {
            for piece in 1..=said.chars().count() {
                assert_eq!(shown(begun, said, piece), rest, "{begun:?} {said:?} {piece}");
            }
        }
    }

    #[test]
    fn a_chance_likeness_is_no_repetition() {
        for (begun, said) in [("He said hel", "lo"), ("ha ha ", "ha ha"), ("1, 10, 1", "100")] {
            assert_eq!(shown(begun, said, 1), said, "{begun:?}");
        }
    }

    #[test]
    fn text_is_held_back_only_while_all_of_it_may_be_a_repetition() {
        let mut continuation = Continuation::of("The repository is cl");
        assert_eq!(continuation.push("repo".into()), "");
        assert_eq!(continuation.push(" man".into()), "repo man");
        assert_eq!(continuation.push("The repository".into()), "The repository");
        assert_eq!(Continuation::of("").push("The".into()), "The");
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_left_out_but_a_repetition(begun in "[ab ]{0,24}", said in "[ab ]{0,24}") {
            let rest = shown(&begun, &said, 1);
            proptest::prop_assert!(said.ends_with(&rest));
            proptest::prop_assert!(begun.ends_with(&said[..said.len() - rest.len()]));
        }
    }
}
