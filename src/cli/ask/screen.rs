//! What is written: the answer to stdout, everything else to stderr, and nothing of it drives the
//! terminal. Whatever comes in is foreign; only what this module adds has colours.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use crate::domain::text::{escape_invisible_lines, is_unseen};
use crate::settings::Environment;

/// How a line looks where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Dim,
    Bold,
    Good,
    Bad,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "\x1b[2m",
            Self::Bold => "\x1b[1m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
        }
    }
}

/// A line that has no end yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfinished {
    /// Of the answer.
    Answer,
    /// Of what the model thinks aloud.
    Thought,
    /// A question, behind which somebody types.
    Prompt,
}

/// Where things are written.
pub(super) struct Screen<O: Write = io::Stdout, E: Write = io::Stderr> {
    out: O,
    err: E,
    out_is_terminal: bool,
    has_colours: bool,
    has_json: bool,
    unfinished: Option<Unfinished>,
}

impl Screen {
    /// The screen of this process; with `json`, events go to stdout in place of the answer.
    pub(super) fn of_process(json: bool, environment: &Environment) -> Self {
        let is_plain = environment.variable("NO_COLOR").is_some()
            || environment.variable("TERM").is_some_and(|terminal| terminal == "dumb");
        Self {
            out: io::stdout(),
            err: io::stderr(),
            out_is_terminal: io::stdout().is_terminal(),
            has_colours: io::stderr().is_terminal() && !is_plain,
            has_json: json,
            unfinished: None,
        }
    }
}

impl<O: Write, E: Write> Screen<O, E> {
    /// Lines for the person.
    pub(super) fn line(&mut self, style: Style, text: &str) -> io::Result<()> {
        self.finish()?;
        self.styled(style, &escape_invisible_lines(text))?;
        self.err.write_all(b"\n")?;
        self.err.flush()
    }

    /// A line about what this program does.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        self.line(Style::Dim, &format!("({text})"))
    }

    /// A piece of what the model thinks aloud.
    pub(super) fn thought(&mut self, piece: &str) -> io::Result<()> {
        if self.unfinished != Some(Unfinished::Thought) {
            self.finish()?;
        }
        self.styled(Style::Dim, &escape_invisible_lines(piece))?;
        self.unfinished = ends_open(piece, Unfinished::Thought);
        self.err.flush()
    }

    /// A piece of the answer.
    pub(super) fn answer(&mut self, piece: &str) -> io::Result<()> {
        if self.has_json {
            return Ok(());
        }
        if self.unfinished != Some(Unfinished::Answer) {
            self.finish()?;
        }
        let shown =
            if self.out_is_terminal { escape_invisible_lines(piece) } else { no_controls(piece) };
        self.out.write_all(shown.as_bytes())?;
        self.unfinished = ends_open(piece, Unfinished::Answer);
        self.out.flush()
    }

    /// An event, for scripts.
    pub(super) fn event(&mut self, payload: &str) -> io::Result<()> {
        if !self.has_json {
            return Ok(());
        }
        writeln!(self.out, "{}", plain_json(payload))?;
        self.out.flush()
    }

    /// A question, behind which somebody types.
    pub(super) fn prompt(&mut self, text: &str) -> io::Result<()> {
        self.finish()?;
        self.styled(Style::Bold, text)?;
        self.unfinished = Some(Unfinished::Prompt);
        self.err.flush()
    }

    /// Whether somebody sees the [prompt](Screen::prompt) at the end of the screen.
    pub(super) fn has_prompt(&self) -> bool {
        self.unfinished == Some(Unfinished::Prompt)
    }

    /// Somebody has ended the line of the prompt.
    pub(super) fn was_answered(&mut self) {
        self.unfinished = None;
    }

    /// Ends a line that has no end yet. One of the answer is ended where the answer goes only at its
    /// own end ([`Screen::end`]), or where both go to the same terminal.
    fn finish(&mut self) -> io::Result<()> {
        match self.unfinished {
            Some(Unfinished::Answer) if !self.out_is_terminal => return Ok(()),
            Some(Unfinished::Answer) => self.out.write_all(b"\n")?,
            Some(Unfinished::Thought | Unfinished::Prompt) => self.err.write_all(b"\n")?,
            None => {}
        }
        self.unfinished = None;
        self.out.flush()
    }

    /// Nothing more will be written to stdout.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if self.unfinished == Some(Unfinished::Answer) {
            self.out.write_all(b"\n")?;
            self.unfinished = None;
        }
        self.out.flush()
    }

    fn styled(&mut self, style: Style, harmless: &str) -> io::Result<()> {
        let code = if self.has_colours { style.code() } else { "" };
        let reset = if code.is_empty() { "" } else { "\x1b[0m" };
        write!(self.err, "{code}{harmless}{reset}")
    }
}

fn ends_open(piece: &str, kind: Unfinished) -> Option<Unfinished> {
    (!piece.ends_with('\n')).then_some(kind)
}

/// A text for a file or a program: as it is, but for what would drive a terminal that shows it later.
fn no_controls(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match is_control(c) {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    };
    Cow::Owned(text.replace("\r\n", "\n").chars().map(shown).collect())
}

/// JSON on one line that says the same, and in which everything is seen. What is not seen can only stand
/// within a text of it.
fn plain_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_unseen) {
        return Cow::Borrowed(json);
    }
    let mut plain = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => plain.push(' '),
            c if is_unseen(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    plain.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(out_is_terminal: bool, has_colours: bool) -> Screen<Vec<u8>, Vec<u8>> {
        let (out, err) = (Vec::new(), Vec::new());
        Screen { out, err, out_is_terminal, has_colours, has_json: false, unfinished: None }
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn nothing_that_comes_in_drives_the_terminal() {
        let evil = "a\x1b]0;title\x07\x1b[2J\u{9b}31m\u{202e}b\rc";
        for colours in [true, false] {
            let mut screen = screen(true, colours);
            screen.line(Style::Bad, evil).unwrap();
            screen.thought(evil).unwrap();
            screen.answer(evil).unwrap();
            screen.note(evil).unwrap();
            let own = text(&screen.err)
                .replace("\x1b[31m", "")
                .replace("\x1b[2m", "")
                .replace("\x1b[0m", "");
            for written in [own.as_str(), text(&screen.out)] {
                assert!(!written.contains(|c: char| is_unseen(c) && c != '\n'), "{written:?}");
            }
        }
        assert_eq!(
            plain_json("{\"a\":\"x\u{202e}\u{e0041}\u{9b}\"}"),
            r#"{"a":"x\u202e\udb40\udc41\u009b"}"#
        );
        assert_eq!(
            no_controls("\x1b[1m안녕\u{200f}\r\n\t\u{7f}"),
            "\\u{1b}[1m안녕\u{200f}\n\t\\u{7f}"
        );
    }

    #[test]
    fn the_answer_is_whole_on_stdout_whatever_is_told_between_its_pieces() {
        let mut screen = screen(false, false);
        screen.answer("one ").unwrap();
        screen.line(Style::Plain, "step").unwrap();
        screen.answer("two").unwrap();
        screen.end().unwrap();
        assert_eq!((text(&screen.out), text(&screen.err)), ("one two\n", "step\n"));
    }

    #[test]
    fn on_one_terminal_a_line_begins_at_its_beginning() {
        let mut screen = screen(true, false);
        screen.answer("one").unwrap();
        screen.line(Style::Plain, "step").unwrap();
        assert_eq!((text(&screen.out), text(&screen.err)), ("one\n", "step\n"));
        screen.prompt("? ").unwrap();
        screen.line(Style::Plain, "news").unwrap();
        assert!(!screen.has_prompt());
        assert_eq!(text(&screen.err), "step\n? \nnews\n");
    }
}
