//! The source files of the product, found by their `mod` declarations, and where a path leads.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::scan::{Source, scan};

/// The files of the product by their module; the root's is empty.
pub(crate) struct Tree {
    files: BTreeMap<String, Source>,
}

/// The file that a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Home<'a> {
    pub(crate) module: &'a str,
    /// The path names the module itself, and nothing in it.
    pub(crate) is_module: bool,
}

impl Tree {
    /// Reads the library and the program in this directory.
    pub(crate) fn load(root: &Path) -> Self {
        let mut tree = Self { files: BTreeMap::new() };
        let read = |module: &str| {
            let path = root.join(file_of(module));
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        tree.add("", &read);
        tree.add("main", &read);
        tree
    }

    /// A tree of these files, whose modules are declared from the root on.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self { files: BTreeMap::new() };
        tree.add("", &|module| {
            let file = files.iter().find(|(name, _)| *name == module);
            file.map(|(_, source)| (*source).to_owned()).unwrap()
        });
        tree
    }

    fn add(&mut self, module: &str, read: &impl Fn(&str) -> String) {
        let source = scan(&read(module), module);
        let source = source.unwrap_or_else(|error| panic!("{}: {error}", file_of(module)));
        for child in source.children.clone() {
            self.add(&inside(module, &child), read);
        }
        self.files.insert(module.to_owned(), source);
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.files.iter().map(|(module, source)| (module.as_str(), source))
    }

    /// The file where what a path names is defined, whoever re-exports it. None for a library's.
    pub(crate) fn home(&self, path: &str) -> Option<Home<'_>> {
        let (mut module, mut source) = self.files.get_key_value("")?;
        let names: Vec<&str> = path.strip_prefix("crate::")?.split("::").collect();
        for (at, name) in names.iter().enumerate() {
            if let Some((child, its)) = self.files.get_key_value(&inside(module, name)) {
                (module, source) = (child, its);
                continue;
            }
            let is_module = *name == "*";
            if is_module || source.defined.contains(*name) {
                return Some(Home { module, is_module });
            }
            let rest = &names[at + 1..];
            return match source.names.get(*name) {
                Some(meaning) => self.home(&[&[meaning.as_str()], rest].concat().join("::")),
                None => {
                    let from_glob = self.home_in_globs(source, &names[at..]);
                    from_glob.or(Some(Home { module, is_module }))
                }
            };
        }
        Some(Home { module, is_module: true })
    }

    /// The file that a name comes from which a module has by a `*`.
    fn home_in_globs(&self, source: &Source, names: &[&str]) -> Option<Home<'_>> {
        let named = source.globs.iter().find(|glob| {
            let its = glob.strip_prefix("crate::").and_then(|module| self.files.get(module));
            its.is_some_and(|its| {
                its.defined.contains(names[0]) || its.names.contains_key(names[0])
            })
        });
        named.and_then(|glob| self.home(&[&[glob.as_str()], names].concat().join("::")))
    }
}

fn inside(module: &str, child: &str) -> String {
    if module.is_empty() { child.to_owned() } else { format!("{module}::{child}") }
}

/// `store::redis::hub` is `store/redis/hub.rs`.
pub(crate) fn file_of(module: &str) -> String {
    let module = if module.is_empty() { "lib" } else { module };
    format!("{}.rs", module.replace("::", "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_file_that_defines_what_it_names_whoever_re_exports_it() {
        let tree = Tree::of(&[
            ("", "pub mod domain;\npub mod agent;"),
            ("domain", "mod ids;\npub use ids::*;\npub use self::ids::Id as Name;\nstruct Own;"),
            ("domain::ids", "pub struct Id;\npub enum Kind { One }"),
            ("agent", "pub use crate::domain::{self, Id};\npub use serde::Serialize;"),
        ]);
        let home = |path| tree.home(path).map(|home| (home.module, home.is_module));
        assert_eq!(home("crate::domain::Own"), Some(("domain", false)));
        assert_eq!(home("crate::domain::Kind::One"), Some(("domain::ids", false)));
        assert_eq!(home("crate::domain::Name"), Some(("domain::ids", false)));
        assert_eq!(home("crate::agent::Id::new"), Some(("domain::ids", false)));
        assert_eq!(home("crate::agent::domain::Id"), Some(("domain::ids", false)));
        assert_eq!(home("crate::agent::domain"), Some(("domain", true)));
        assert_eq!(home("crate::agent::Serialize"), None);
        assert_eq!(home("serde::Serialize"), None);
    }
}
