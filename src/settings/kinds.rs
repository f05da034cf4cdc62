//! The kinds of values that settings of one value have.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::check::Check;
use super::found::Value;
use super::key::Kind;
use super::secret::Visibility;

/// A whole number within bounds; in the environment it is written in decimal digits.
#[derive(Clone, Copy)]
pub(super) struct Whole<T> {
    least: T,
    most: T,
}

pub(super) const fn whole<T: Copy>(range: RangeInclusive<T>) -> Whole<T> {
    Whole { least: *range.start(), most: *range.end() }
}

impl<T: Copy + Display + PartialOrd + TryFrom<i128>> Kind for Whole<T> {
    type Value = T;

    fn read(&self, check: &mut Check, name: &str) -> T {
        let number = match check.value(name) {
            Some(Value::Whole(number)) => Ok(i128::from(*number)),
            Some(Value::Text(text)) => text.trim().parse::<i128>().map_err(|_| quoted(text)),
            Some(
                other @ (Value::Fraction(_)
                | Value::Flag(_)
                | Value::List(_)
                | Value::Empty
                | Value::Other(_)),
            ) => Err(other.kind().to_owned()),
            None => Err("not set".to_owned()),
        };
        let problem = match number {
            Ok(number) => match T::try_from(number) {
                Ok(number) if self.least <= number && number <= self.most => return number,
                _ => format!("must be {}, is {number}", self.values()),
            },
            Err(is) => format!("must be a whole number from {}, is {is}", self.values()),
        };
        check.fault(name, problem);
        self.least
    }

    fn values(&self) -> String {
        format!("{} to {}", self.least, self.most)
    }
}

/// A time that is written as a whole number, in the unit that the setting's name ends with.
#[derive(Clone, Copy)]
pub(super) struct Time {
    number: Whole<u64>,
    unit: fn(u64) -> Duration,
}

pub(super) const fn seconds(range: RangeInclusive<u64>) -> Time {
    Time { number: whole(range), unit: Duration::from_secs }
}

pub(super) const fn milliseconds(range: RangeInclusive<u64>) -> Time {
    Time { number: whole(range), unit: Duration::from_millis }
}

impl Kind for Time {
    type Value = Duration;

    fn read(&self, check: &mut Check, name: &str) -> Duration {
        (self.unit)(self.number.read(check, name))
    }

    fn values(&self) -> String {
        self.number.values()
    }
}

/// A whole number above which something ends; 0 in the settings means that there is no such limit.
#[derive(Clone, Copy)]
pub(super) struct Limit(Whole<u64>);

pub(super) const fn limit(most: u64) -> Limit {
    Limit(whole(0..=most))
}

impl Kind for Limit {
    type Value = Option<u64>;

    fn read(&self, check: &mut Check, name: &str) -> Option<u64> {
        Some(self.0.read(check, name)).filter(|limit| *limit > 0)
    }

    fn values(&self) -> String {
        self.0.values()
    }
}

/// A number within bounds that may have a fraction.
#[derive(Clone, Copy)]
pub(super) struct Fraction {
    least: f64,
    most: f64,
}

pub(super) const fn fraction(range: RangeInclusive<f64>) -> Fraction {
    Fraction { least: *range.start(), most: *range.end() }
}

impl Kind for Fraction {
    type Value = Option<f64>;

    fn read(&self, check: &mut Check, name: &str) -> Option<f64> {
        let number = match check.value(name)? {
            Value::Text(text) if text.trim().is_empty() => return None,
            Value::Text(text) => text.trim().parse::<f64>().map_err(|_| quoted(text)),
            Value::Fraction(text) => text.parse().map_err(|_| quoted(text)),
            Value::Whole(number) => number.to_string().parse().map_err(|_| number.to_string()),
            other @ (Value::Flag(_) | Value::List(_) | Value::Empty | Value::Other(_)) => {
                Err(other.kind().to_owned())
            }
        };
        let is = match number {
            Ok(number) if self.least <= number && number <= self.most => return Some(number),
            Ok(number) => number.to_string(),
            Err(is) => is,
        };
        check.fault(name, format!("must be a number from {}, is {is}", self.values()));
        None
    }

    fn values(&self) -> String {
        format!("{} to {}", self.least, self.most)
    }
}

/// True or false; in the environment as a text.
#[derive(Clone, Copy)]
pub(super) struct Flag;

impl Kind for Flag {
    type Value = bool;

    fn read(&self, check: &mut Check, name: &str) -> bool {
        let flag = match check.value(name) {
            Some(Value::Flag(flag)) => Some(*flag),
            Some(Value::Text(text)) => text.trim().parse().ok(),
            Some(
                Value::Whole(_)
                | Value::Fraction(_)
                | Value::List(_)
                | Value::Empty
                | Value::Other(_),
            )
            | None => None,
        };
        flag.unwrap_or_else(|| {
            check.fault(name, "must be true or false");
            false
        })
    }

    fn values(&self) -> String {
        "true, false".to_owned()
    }
}

/// One of a few words, each with what it means.
#[derive(Clone, Copy)]
pub(super) struct Choice<T: 'static> {
    first: (&'static str, T),
    others: &'static [(&'static str, T)],
}

pub(super) const fn one_of<T: Copy>(
    first: (&'static str, T),
    others: &'static [(&'static str, T)],
) -> Choice<T> {
    Choice { first, others }
}

impl<T: Copy> Choice<T> {
    fn words(&self) -> impl Iterator<Item = &(&'static str, T)> {
        std::iter::once(&self.first).chain(self.others)
    }

    fn meaning(&self, text: &str) -> Option<T> {
        self.words().find(|(word, _)| *word == text.trim()).map(|(_, meaning)| *meaning)
    }

    fn listed(&self, between: &str) -> String {
        let words: Vec<_> = self.words().map(|(word, _)| quoted(word)).collect();
        words.join(between)
    }
}

impl<T: Copy> Kind for Choice<T> {
    type Value = T;

    fn read(&self, check: &mut Check, name: &str) -> T {
        let problem = match check.value(name) {
            Some(Value::Text(text)) => match self.meaning(text) {
                Some(meaning) => return meaning,
                None => format!("must be {}, is {}", self.listed(" or "), quoted(text)),
            },
            Some(
                Value::Whole(_)
                | Value::Fraction(_)
                | Value::Flag(_)
                | Value::List(_)
                | Value::Empty
                | Value::Other(_),
            )
            | None => check.wrong_kind(name, "a text"),
        };
        check.fault(name, problem);
        self.first.1
    }

    fn values(&self) -> String {
        self.listed(", ")
    }
}

/// Any text; `None` if it is not set.
#[derive(Clone, Copy)]
pub(super) struct Text;

impl Kind for Text {
    type Value = Option<String>;

    fn read(&self, check: &mut Check, name: &str) -> Option<String> {
        check.text(name)
    }

    fn values(&self) -> String {
        "a text".to_owned()
    }
}

/// A text that a function understands; `None` if it is not set, or after a fault. The fault quotes the
/// text, and says what the function said.
pub(super) struct Parsed<T, E = &'static str> {
    parse: fn(&str) -> Result<T, E>,
    /// Whether it is a fault that it says nothing where it stands.
    must_say: bool,
}

pub(super) const fn parsed<T, E>(parse: fn(&str) -> Result<T, E>) -> Parsed<T, E> {
    Parsed { parse, must_say: false }
}

/// A text that says who may do what. Unlike other texts it must say something where it stands: a rule that
/// was left empty is no rule that everybody may.
pub(super) const fn rule<T, E>(parse: fn(&str) -> Result<T, E>) -> Parsed<T, E> {
    Parsed { parse, must_say: true }
}

impl<T, E> Clone for Parsed<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for Parsed<T, E> {}

impl<T, E: Display> Kind for Parsed<T, E> {
    type Value = Option<T>;

    fn read(&self, check: &mut Check, name: &str) -> Option<T> {
        let text = match self.must_say {
            true => check.text_as_it_stands(name),
            false => check.text(name),
        }?;
        let problem = match (self.parse)(text.trim()) {
            Ok(value) => return Some(value),
            Err(error) => format!("{error}, is {}", quoted(&text)),
        };
        check.fault(name, problem);
        None
    }

    fn values(&self) -> String {
        Text.values()
    }
}

/// A text that nobody may see; `None` if it is not set.
#[derive(Clone, Copy)]
pub(super) struct Secret;

impl Kind for Secret {
    type Value = Option<SecretString>;
    const VISIBILITY: Visibility = Visibility::Secret;

    fn read(&self, check: &mut Check, name: &str) -> Option<SecretString> {
        check.text(name).map(SecretString::from)
    }

    fn values(&self) -> String {
        "a secret".to_owned()
    }
}

/// A URL with one of a few schemes and a host; `None` if it is not set. Never quoted in a fault, because
/// of the password that may be in it.
#[derive(Clone, Copy)]
pub(super) struct AnyUrl(pub(super) &'static [&'static str]);

impl AnyUrl {
    fn schemes(&self, between: &str) -> String {
        let schemes: Vec<_> = self.0.iter().map(|scheme| format!("{scheme}://")).collect();
        schemes.join(between)
    }
}

impl Kind for AnyUrl {
    type Value = Option<Url>;
    const VISIBILITY: Visibility = Visibility::Url;

    fn read(&self, check: &mut Check, name: &str) -> Option<Url> {
        let text = check.text(name)?;
        let url = Url::parse(text.trim()).ok();
        let url = url.filter(|url| url.has_host() && self.0.contains(&url.scheme()));
        if url.is_none() {
            check.fault(name, format!("must be a URL that starts with {}", self.schemes(" or ")));
        }
        url
    }

    fn values(&self) -> String {
        self.schemes(", ")
    }
}

/// The address of a service that is spoken to over HTTP; `None` if it is not set.
#[derive(Clone, Copy)]
pub(super) struct HttpUrl;

impl HttpUrl {
    const ANY: AnyUrl = AnyUrl(&["http", "https"]);
}

impl Kind for HttpUrl {
    type Value = Option<Url>;
    const VISIBILITY: Visibility = Visibility::Url;

    fn read(&self, check: &mut Check, name: &str) -> Option<Url> {
        let url = Self::ANY.read(check, name)?;
        if url.username().is_empty() && url.password().is_none() {
            return Some(url);
        }
        check.fault(name, "must not carry a user or a password: they have settings of their own");
        None
    }

    fn values(&self) -> String {
        Self::ANY.values()
    }
}

/// Texts; in the environment words between spaces, or a JSON list. `None` if it is not set.
#[derive(Clone, Copy)]
pub(super) struct Texts;

impl Kind for Texts {
    type Value = Option<Vec<String>>;

    fn read(&self, check: &mut Check, name: &str) -> Option<Vec<String>> {
        check.texts(name)
    }

    fn values(&self) -> String {
        "a list".to_owned()
    }
}

/// A program and its arguments, which may be keys.
#[derive(Clone, Copy)]
pub(super) struct Command;

impl Kind for Command {
    type Value = Option<Vec<String>>;
    const VISIBILITY: Visibility = Visibility::Command;

    fn read(&self, check: &mut Check, name: &str) -> Option<Vec<String>> {
        check.texts(name)
    }

    fn values(&self) -> String {
        Texts.values()
    }
}

/// A list each of whose entries means something. In the environment they stand between blanks or commas.
/// A fault quotes the entry.
pub(super) struct Each<T>(PhantomData<fn() -> T>);

impl<T> Clone for Each<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Each<T> {}

pub(super) const fn each<T>() -> Each<T> {
    Each(PhantomData)
}

impl<T: FromStr<Err: Display>> Kind for Each<T> {
    type Value = Vec<T>;

    fn read(&self, check: &mut Check, name: &str) -> Vec<T> {
        let texts = check.texts(name).unwrap_or_default();
        let entries = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
        let mut read = Vec::new();
        for entry in entries.filter(|entry| !entry.is_empty()) {
            match entry.parse() {
                Ok(value) => read.push(value),
                Err(error) => check.fault(name, format!("{error}, is {}", quoted(entry))),
            }
        }
        read
    }

    fn values(&self) -> String {
        Texts.values()
    }
}

/// A text as one line between quotes.
fn quoted(text: &(impl Debug + ?Sized)) -> String {
    format!("{text:?}")
}
