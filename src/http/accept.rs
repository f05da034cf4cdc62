//! What a client says of the media types that it takes: `Accept`, as far as answers here differ by it.

use http::{HeaderMap, header};

/// The media types that a request asks for by their names. `*/*` asks for none by its name.
pub(super) struct Accept<'a>(Vec<Item<'a>>);

struct Item<'a> {
    media: &'a str,
    /// 0 to 1; 0 says that it is not wanted.
    weight: f32,
}

impl<'a> Accept<'a> {
    /// What these headers ask for. What cannot be read asks for nothing.
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        Self(values.flat_map(|value| value.split(',')).map(Item::read).collect())
    }

    /// Whether this media type is asked for.
    pub(super) fn names(&self, media: &str) -> bool {
        self.weight(media) > 0.0
    }

    /// How much this media type is wanted; 0 if it is not asked for by its name.
    pub(super) fn weight(&self, media: &str) -> f32 {
        let named = self.0.iter().filter(|item| item.media.eq_ignore_ascii_case(media));
        named.map(|item| item.weight).fold(0.0, f32::max)
    }
}

impl<'a> Item<'a> {
    fn read(item: &'a str) -> Self {
        let mut parts = item.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let weight = parts.find_map(|parameter| {
            let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
            value.parse::<f32>().ok()
        });
        Self { media, weight: weight.unwrap_or(1.0).clamp(0.0, 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn weight(accept: &[&str], media: &str) -> f32 {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, HeaderValue::from_str(value).unwrap());
        }
        Accept::of(&headers).weight(media)
    }

    #[test]
    fn a_media_type_is_wanted_as_much_as_its_name_says() {
        for (accept, expected) in [
            (&["text/event-stream"][..], 1.0),
            (&["text/html, Text/Event-Stream; q=0.5"], 0.5),
            (&["text/html", "text/event-stream;charset=utf-8;Q=0.25"], 0.25),
            (&["text/event-stream;q=0"], 0.0),
            (&["text/event-stream;q=7"], 1.0),
            (&["*/*, text/*"], 0.0),
            (&[], 0.0),
        ] {
            let weight = weight(accept, "text/event-stream");
            assert!((weight - expected).abs() < f32::EPSILON, "{accept:?}: {weight}");
        }
    }
}
