//! Tool calls put together from their fragments.
//!
//! The protocol says that a call's fragments share an `index` and that the first of them brings its
//! id and name. Servers leave each of these out, give all calls the same, or repeat them in every
//! fragment. What decides is what cannot be otherwise: two ids with names, two names, or arguments
//! behind arguments that are complete, are two calls.

use std::collections::HashSet;

use super::fault::Fault;
use super::wire::CallFragment;
use crate::domain::call::{ARGUMENTS_MAX, Beginning, NAME_MAX};
use crate::domain::json::{HalfJoiner, whole};

/// Most tool calls in one turn.
const CALLS_MAX: usize = 128;
/// Longest id that is kept, in bytes; a longer one only tells fragments apart.
const ID_MAX: usize = 256;
/// Most bytes of the arguments of all the tool calls of one turn.
const CALL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The calls of one turn, so far.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<PartialCall>,
    /// The call that the last fragment belonged to.
    current: usize,
    bytes: usize,
}

/// A call, so far.
#[derive(Debug, Default)]
pub(super) struct PartialCall {
    index: Option<u64>,
    /// Its id; empty until one came.
    pub(super) id: Beginning<ID_MAX>,
    /// Its name; empty until one came.
    pub(super) name: Beginning<NAME_MAX>,
    /// Its arguments as far as they have come.
    pub(super) arguments: Beginning<ARGUMENTS_MAX>,
    shape: Shape,
    joiner: HalfJoiner,
    /// Its name came once more, without arguments, when it was complete: what follows may be for
    /// another call of that tool.
    is_named_again: bool,
}

/// How a fragment relates to a call that it may belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// It goes on with the call.
    Continues,
    /// It says the whole call once more.
    Repeats,
    /// It brings the arguments of a call that began with `{}` in their place.
    Replaces,
    /// It belongs to another call of the same tool, whose name has come already.
    AnotherOfSameName,
    /// It belongs to another call.
    Another,
}

impl Calls {
    /// Takes the fragments of one chunk in.
    ///
    /// # Errors
    /// The calls grow beyond all measure.
    pub(super) fn take(
        &mut self,
        fragments: Vec<CallFragment>,
        has_halves: bool,
    ) -> Result<(), Fault> {
        let of = fragments.len();
        // Calls that a fragment of this chunk has belonged to.
        let mut touched = HashSet::new();
        for (position, fragment) in fragments.into_iter().enumerate() {
            // Without anything to go by, the fragments of one chunk stand in the order of the calls.
            let candidate = if of > 1 { position } else { self.current };
            self.add(fragment, candidate, &touched, has_halves)?;
            touched.insert(self.current);
        }
        Ok(())
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Those that came to anything.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = PartialCall> + use<> {
        let calls = std::mem::take(&mut self.calls).into_iter();
        calls.map(PartialCall::finished).filter(|call| !call.is_empty())
    }

    fn add(
        &mut self,
        mut fragment: CallFragment,
        candidate: usize,
        touched: &HashSet<usize>,
        has_halves: bool,
    ) -> Result<(), Fault> {
        let arguments = fragment.arguments();
        self.bytes = self.bytes.saturating_add(arguments.len());
        if self.bytes > CALL_BYTES_MAX {
            return Err(Fault::boundless("the arguments of its tool calls are too large"));
        }
        let found = self.find(&fragment, candidate);
        let relation = found.map_or(Relation::Another, |at| {
            self.calls[at].relation(&fragment, &arguments, touched.contains(&at))
        });
        self.current = match (relation, found) {
            (Relation::Continues | Relation::Repeats | Relation::Replaces, Some(at)) => at,
            (Relation::AnotherOfSameName, Some(at)) => {
                let name = self.calls[at].name.clone();
                self.start(fragment.index, name)?
            }
            (Relation::Another, _) | (_, None) => {
                self.start(fragment.index, Beginning::default())?
            }
        };
        let call = &mut self.calls[self.current];
        if relation == Relation::Replaces {
            call.clear();
        }
        if relation != Relation::Repeats {
            call.go_on(&fragment, arguments, has_halves);
        }
        Ok(())
    }

    fn start(&mut self, index: Option<u64>, name: Beginning<NAME_MAX>) -> Result<usize, Fault> {
        if self.calls.len() == CALLS_MAX {
            return Err(Fault::boundless("it asks for too many tools at once"));
        }
        self.calls.push(PartialCall { index, name, ..PartialCall::default() });
        Ok(self.calls.len() - 1)
    }

    /// The call that a fragment may belong to: by its index, by its id, or by where it stands.
    fn find(&self, fragment: &CallFragment, candidate: usize) -> Option<usize> {
        let by_id = || {
            let id = fragment.id()?;
            self.calls.iter().rposition(|call| call.id.is(id))
        };
        let unnamed = fragment.name().is_none();
        if let Some(index) = fragment.index {
            let same_index = |call: &PartialCall| call.index == Some(index);
            // Servers that give all calls one index may still mix their fragments: then the id tells.
            let by_both = fragment.id().and_then(|id| {
                self.calls.iter().rposition(|call| same_index(call) && call.id.is(id))
            });
            let by_index = || self.calls.iter().rposition(same_index);
            let without_index = || {
                let found = by_id().or(unnamed.then_some(self.current))?;
                self.calls.get(found)?.index.is_none().then_some(found)
            };
            return by_both.or_else(by_index).or_else(without_index);
        }
        let by_place = || Some(candidate).filter(|at| *at < self.calls.len());
        match fragment.id() {
            Some(_) if unnamed => by_id().or_else(by_place),
            Some(_) => by_id(),
            None => by_place(),
        }
    }
}

impl PartialCall {
    /// How a fragment relates to this call. `is_same_chunk`: another fragment of its chunk belongs
    /// to this call.
    fn relation(&self, fragment: &CallFragment, arguments: &str, is_same_chunk: bool) -> Relation {
        let has_arguments = !arguments.trim().is_empty();
        let has_more = self.shape.is_complete() && has_arguments;
        let same_id = fragment.id().is_some_and(|id| self.id.is(id));
        let is_repeated = has_more && same_id && self.says_again(arguments);
        let other_id = fragment.id().is_some_and(|id| !self.id.is_empty() && !self.id.is(id));
        match fragment.name().filter(|_| !self.name.is_empty()) {
            _ if is_repeated => Relation::Repeats,
            None if has_more && self.is_placeholder() && !self.is_named_again => Relation::Replaces,
            None if has_more && self.is_named_again => Relation::AnotherOfSameName,
            None => Relation::Continues,
            Some(name) if !self.name.is(name) || other_id || has_more => Relation::Another,
            // Nobody says one call's head twice in one breath.
            Some(_) if is_same_chunk && !same_id && !self.shape.is_open() => Relation::Another,
            Some(_) => Relation::Continues,
        }
    }

    /// Whether these are the arguments that have come, all of them.
    fn says_again(&self, arguments: &str) -> bool {
        self.arguments.is_whole() && self.arguments.as_str().trim() == arguments.trim()
    }

    /// Some servers begin every call with `{}` and send the arguments after that.
    fn is_placeholder(&self) -> bool {
        let text = self.arguments.as_str().trim();
        let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        self.arguments.is_whole() && inner.is_some_and(|inner| inner.trim().is_empty())
    }

    fn clear(&mut self) {
        self.arguments = Beginning::default();
        self.shape = Shape::default();
    }

    fn go_on(&mut self, fragment: &CallFragment, arguments: String, has_halves: bool) {
        self.is_named_again = self.shape.is_complete()
            && arguments.trim().is_empty()
            && (self.is_named_again || fragment.name().is_some());
        let arguments = self.joiner.push(arguments, has_halves);
        self.shape.read(&arguments);
        self.arguments.push(&arguments);
        // Both come whole; servers that repeat them in every fragment mean nothing by it.
        if self.id.is_empty() {
            self.id = whole(fragment.id().unwrap_or_default(), has_halves).into();
        }
        if self.name.is_empty() {
            self.name = whole(fragment.name().unwrap_or_default(), has_halves).into();
        }
        self.index = self.index.or(fragment.index);
    }

    fn finished(mut self) -> Self {
        if let Some(last) = self.joiner.finish() {
            self.arguments.push(last.encode_utf8(&mut [0; 4]));
        }
        self
    }

    fn is_empty(&self) -> bool {
        self.name.is_empty() && self.arguments.is_empty()
    }
}

/// How far a JSON object or list has come, told as it comes; each byte is looked at once.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    has_begun: bool,
    depth: u32,
    in_string: bool,
    is_escaped: bool,
}

impl Shape {
    fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            self.byte(byte);
        }
    }

    /// Whether something was opened and is not closed yet.
    fn is_open(self) -> bool {
        self.has_begun && !self.is_complete()
    }

    /// Whether what was opened is closed again.
    fn is_complete(self) -> bool {
        self.has_begun && self.depth == 0 && !self.in_string
    }

    fn byte(&mut self, byte: u8) {
        if std::mem::take(&mut self.is_escaped) {
            return;
        }
        match byte {
            b'\\' if self.in_string => self.is_escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => {
                self.has_begun = true;
                self.depth = self.depth.saturating_add(1);
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
