//! The `Link` header, which tells where a list goes on.

use http::HeaderMap;
use http::header::LINK;
use reqwest::Url;

/// Where a list goes on, and where it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pages {
    /// The next page.
    pub(super) next: Option<Url>,
    /// The number of the last page.
    pub(super) last: Option<u64>,
}

impl Pages {
    /// What the headers of a page say; what cannot be read counts as not said.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut pages = Self::default();
        let values = headers.get_all(LINK).into_iter().filter_map(|value| value.to_str().ok());
        for (url, about) in values.flat_map(links) {
            let Ok(url) = Url::parse(url) else {
                continue;
            };
            let is = |relation: &str| about.contains(&format!("rel=\"{relation}\""));
            if is("last") {
                let number = url.query_pairs().find(|(name, _)| name == "page");
                pages.last = number.and_then(|(_, number)| number.parse().ok());
            }
            if is("next") {
                pages.next = Some(url);
            }
        }
        pages
    }
}

/// Each `<url>` with the parameters behind it.
fn links(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value.split('<').skip(1).filter_map(|link| link.split_once('>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_and_the_last_page_are_found() {
        let mut headers = HeaderMap::new();
        let link = "<https://api.github.com/repositories/1/pulls?a=1,2&page=3>; rel=\"next\", \
                    <https://api.github.com/repositories/1/pulls?page=9>; rel=\"last\"";
        headers.insert(LINK, link.parse().unwrap());
        let pages = Pages::of(&headers);
        assert_eq!(pages.next.unwrap().query(), Some("a=1,2&page=3"));
        assert_eq!(pages.last, Some(9));
        headers.insert(LINK, "nonsense, <also>; rel=\"next\"".parse().unwrap());
        assert_eq!(Pages::of(&headers), Pages::default());
    }
}
