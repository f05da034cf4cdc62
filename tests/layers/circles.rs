//! Finds the files that use each other in a circle, directly or through others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::scan::{How, Usage};
use super::tree::{Home, Tree, file_of};

/// One use of a file by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    from: String,
    to: String,
    line: usize,
}

/// Files each of which uses every other one, directly or through more of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Circle {
    /// All of them, by their modules.
    pub(crate) files: BTreeSet<String>,
    /// A shortest way round in it. Cut one of its arrows, and see what is left.
    pub(crate) shortest: Vec<Arrow>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files use each other in a circle; a shortest one:", self.files.len())?;
        for Arrow { from, to, line } in &self.shortest {
            write!(f, "\n  src/{}:{line} uses src/{}", file_of(from), file_of(to))?;
        }
        let files: Vec<_> = self.files.iter().map(String::as_str).collect();
        write!(f, "\n  all of them: {}", files.join(", "))
    }
}

/// Which files each file uses, and the line of the first use.
type Uses<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

/// The circles of a tree. No file is in two of them.
pub(crate) fn circles(tree: &Tree) -> Vec<Circle> {
    let uses = uses(tree);
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|file| (*file, reached_from(file, &uses))).collect();
    let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let mut found: Vec<Circle> = Vec::new();
    for file in uses.keys().filter(|file| reaches(file, file)) {
        if found.iter().any(|circle| circle.files.contains(*file)) {
            continue;
        }
        let files: BTreeSet<&str> =
            reached[file].iter().filter(|other| reaches(other, file)).copied().collect();
        let ways = files.iter().filter_map(|file| way_round(file, &uses));
        let shortest = ways.min_by_key(Vec::len).unwrap_or_default();
        found.push(Circle { files: files.into_iter().map(str::to_owned).collect(), shortest });
    }
    found
}

fn uses(tree: &Tree) -> Uses<'_> {
    let mut uses = Uses::new();
    for (module, source) in tree.files() {
        let used = uses.entry(module).or_default();
        for usage in &source.usages {
            if let Some(target) = target(tree, module, usage) {
                let line = used.entry(target).or_insert(usage.line);
                *line = usage.line.min(*line);
            }
        }
    }
    uses
}

/// The other file whose items this usage needs, if that counts.
///
/// A file may use the module that it lies in, which may use it in turn: they are one module in two
/// files, as a store and its tables are, or a router and its handlers. So a circle that is closed only
/// by a file's use of the module around it is none.
fn target<'a>(tree: &'a Tree, module: &str, usage: &Usage) -> Option<&'a str> {
    let Home { module: target, is_module } = tree.home(&usage.path)?;
    if is_inside(module, target) {
        return None;
    }
    let is_needed = match usage.how {
        How::Code => true,
        // Importing a module uses nothing of it yet: what the code then names in it does.
        How::Import => !is_module || usage.path.ends_with("::*"),
        // What a facade shows of the files below it, it does not use itself.
        How::ReExport => !is_module && !is_inside(target, module),
    };
    (is_needed && target != module).then_some(target)
}

/// Whether a module lies below another one.
fn is_inside(module: &str, parent: &str) -> bool {
    module.strip_prefix(parent).is_some_and(|rest| rest.starts_with("::"))
}

fn reached_from<'a>(file: &str, uses: &Uses<'a>) -> BTreeSet<&'a str> {
    let next = |file: &str| uses.get(file).into_iter().flatten().map(|(target, _)| *target);
    let mut waiting: Vec<&str> = next(file).collect();
    let mut reached = BTreeSet::new();
    while let Some(file) = waiting.pop() {
        if reached.insert(file) {
            waiting.extend(next(file));
        }
    }
    reached
}

/// A shortest way from a file back to itself.
fn way_round(file: &str, uses: &Uses<'_>) -> Option<Vec<Arrow>> {
    let mut waiting = VecDeque::from([(file, Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((from, way)) = waiting.pop_front() {
        for (to, line) in uses.get(from)? {
            let arrow = Arrow { from: from.to_owned(), to: (*to).to_owned(), line: *line };
            let way = [way.as_slice(), &[arrow]].concat();
            if *to == file {
                return Some(way);
            }
            if seen.insert(*to) {
                waiting.push_back((to, way));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        circles(&Tree::of(files)).iter().map(Circle::to_string).collect()
    }

    #[test]
    fn a_circle_is_told_arrow_by_arrow() {
        let told = found(&[
            ("", "mod run;\nmod tail;"),
            ("run", "mod state;\nmod step;\nmod turn;"),
            ("run::state", "use super::step;\n\nfn f() { step::go() }"),
            ("run::step", "use super::turn::Turn;"),
            ("run::turn", "fn f(_: &crate::run::state::State, _: &super::step::Step) {}"),
            ("tail", "use crate::run::step::Step;"),
        ]);
        let expected = "3 files use each other in a circle; a shortest one:\n  \
                        src/run/step.rs:1 uses src/run/turn.rs\n  \
                        src/run/turn.rs:1 uses src/run/step.rs\n  \
                        all of them: run::state, run::step, run::turn";
        assert_eq!(told, [expected]);
    }

    #[test]
    fn a_circle_is_found_through_facades_and_macros() {
        let told = found(&[
            ("", "mod domain;"),
            ("domain", "mod ids;\nmod event;\npub use ids::Id;\npub use event::Event;"),
            ("domain::ids", "fn f() { info!(\"{}\", crate::domain::Event::new()) }"),
            ("domain::event", "use super::Id;"),
        ]);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("src/domain/ids.rs:1 uses src/domain/event.rs"), "{}", told[0]);
    }

    #[test]
    fn a_file_may_use_the_module_that_it_lies_in_and_is_used_by() {
        let told = found(&[
            ("", "pub mod store;"),
            ("store", "mod memory;\nuse memory::Memory;\npub trait Store { fn f(_: Memory); }"),
            ("store::memory", "use super::Store;\npub struct Memory;"),
        ]);
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn a_circle_is_found_through_the_files_below_another() {
        let told = found(&[
            ("", "mod a;\nmod b;"),
            ("a", "use crate::b::B;"),
            ("b", "mod c;\nuse c::C;\npub struct B(C);"),
            ("b::c", "use crate::a::A;"),
        ]);
        assert_eq!(told.len(), 1);
        assert!(told[0].ends_with("all of them: a, b, b::c"), "{}", told[0]);
    }

    #[test]
    fn tests_are_in_no_circle() {
        let told = found(&[
            ("", "mod a;\nmod b;"),
            ("a", "use crate::b::B;"),
            ("b", "#[cfg(test)]\nmod tests { use crate::a::A; }\n#[cfg(test)]\nmod more;"),
        ]);
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn two_circles_are_two() {
        let told = found(&[
            ("", "mod a;\nmod b;\nmod c;\nmod d;"),
            ("a", "use crate::b::B;\nuse crate::c::C;"),
            ("b", "use crate::a::A;"),
            ("c", "use crate::d::D;"),
            ("d", "use crate::c::C;"),
        ]);
        assert_eq!(told.len(), 2);
    }
}
