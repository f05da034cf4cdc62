//! A prompt's tokens, taken apart into names and their Korean endings.

use crate::domain::language::is_hangul;

/// Marks around a name that is to be taken word for word.
pub(super) const QUOTES: [char; 5] = ['`', '"', '\'', '“', '‘'];

/// Endings of Korean nouns.
#[rustfmt::skip]
const ENDINGS: [&str; 19] = [
    "에서", "부터", "을", "를", "에다가", "에다", "까지", "으로", "에", "로", "이랑", "랑", "하고", "과", "와",
    "의", "은", "는", "도",
];

/// A token as a name and its ending: `feature를` is `feature` and `를`, `` `기능`를 `` is `기능` and
/// `를`. Punctuation around it is left out.
pub(super) fn take_apart(token: &str) -> (&str, &str) {
    if let Some(quote) = token.chars().next().filter(|c| QUOTES.contains(c)) {
        let close = match quote {
            '“' => '”',
            '‘' => '’',
            same => same,
        };
        if let Some((name, tail)) = token[quote.len_utf8()..].split_once(close) {
            return (name, without_punctuation(tail));
        }
    }
    let token = without_punctuation(token);
    let stem = token.trim_end_matches(is_hangul);
    // "feature/로그인을": Hangul that is joined to the name is part of it, but for its ending.
    if !stem.is_empty() && !stem.ends_with(['/', '-', '_']) && !stem.contains(is_hangul) {
        return (stem, &token[stem.len()..]);
    }
    let endings = ENDINGS.iter().filter_map(|ending| {
        let name = token.strip_suffix(ending)?;
        (!name.is_empty()).then_some((name, *ending))
    });
    endings.max_by_key(|(_, ending)| ending.len()).unwrap_or((token, ""))
}

fn without_punctuation(token: &str) -> &str {
    let opening = |c: char| "([<\"'“‘".contains(c);
    let closing = |c: char| ",.;:!?)]>\"'”’~".contains(c);
    token.trim_start_matches(opening).trim_end_matches(closing)
}
