//! Finds the paths that a source file uses outside of its tests, and what their names mean.

use std::collections::{HashMap, HashSet};

use proc_macro2::TokenTree;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Visibility};

use super::product::{is_left_out, of_impl_item, of_item, of_trait_item};
use super::written::{Leaf, Written, leaves, paths_in};

/// A path that a file uses, from the crate (`crate::…`) or the library on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) how: How,
}

/// How a path is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// `use`, for the file itself.
    Import,
    /// `pub use`, also with a narrower `pub`.
    ReExport,
    /// In types, expressions, patterns, attributes and macros.
    Code,
}

/// What a file says, its tests left out.
#[derive(Default)]
pub(crate) struct Source {
    pub(crate) usages: Vec<Usage>,
    /// The modules that are files of their own.
    pub(crate) children: Vec<String>,
    /// What the file itself defines at its top.
    pub(crate) defined: HashSet<String>,
    /// What the names stand for that its top imports or re-exports.
    pub(crate) names: HashMap<String, String>,
    /// The modules of which its top imports or re-exports everything.
    pub(crate) globs: Vec<String>,
}

/// Reads a file. `module` is the file's own path, `store::redis`; that of the root is empty.
pub(crate) fn scan(source: &str, module: &str) -> syn::Result<Source> {
    let file = syn::parse_file(source)?;
    let module = module.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let mut scanner = Scanner { scopes: Vec::new(), found: Source::default() };
    scanner.enter(module, file.items.iter());
    scanner.describe_top(&file.items);
    scanner.visit_file(&file);
    Ok(scanner.found)
}

/// What a name stands for.
struct Meaning {
    path: Written,
    is_re_export: bool,
}

/// A module or a block.
struct Scope {
    module: Vec<String>,
    names: HashMap<String, Meaning>,
}

struct Scanner {
    /// The innermost last.
    scopes: Vec<Scope>,
    found: Source,
}

impl Scanner {
    fn enter<'ast>(&mut self, module: Vec<String>, items: impl Iterator<Item = &'ast Item>) {
        let names = items.filter(|item| !is_left_out(of_item(item))).flat_map(bound).collect();
        self.scopes.push(Scope { module, names });
    }

    fn module(&self) -> Vec<String> {
        self.scopes.last().map(|scope| scope.module.clone()).unwrap_or_default()
    }

    /// What a name stands for here. A module inside of the file does not see the names around it.
    fn meaning(&self, name: &str) -> Option<&Meaning> {
        let here = self.module();
        let visible = self.scopes.iter().rev().take_while(|scope| scope.module == here);
        visible.filter_map(|scope| scope.names.get(name)).next()
    }

    /// The path from the crate or a library on.
    fn absolute(&self, path: &Written) -> Vec<String> {
        let Some((first, rest)) = path.names.split_first().filter(|_| !path.is_global) else {
            return path.names.clone();
        };
        match first.as_str() {
            "crate" | "aura_platform" => [&["crate".to_owned()], rest].concat(),
            "self" | "super" => self.relative(&path.names),
            name => match self.meaning(name) {
                // `use redis;` says of a library what it is called anyway.
                Some(Meaning { path, .. }) if path.is_global || path.names[0] != name => {
                    [self.absolute(path).as_slice(), rest].concat()
                }
                Some(_) | None => path.names.clone(),
            },
        }
    }

    fn relative(&self, names: &[String]) -> Vec<String> {
        let mut path = [vec!["crate".to_owned()], self.module()].concat();
        for name in names {
            match name.as_str() {
                "self" => {}
                "super" => drop(path.pop()),
                name => path.push(name.to_owned()),
            }
        }
        path
    }

    fn push(&mut self, path: &Written, how: How) {
        let usage = Usage { path: self.absolute(path).join("::"), line: path.line, how };
        self.found.usages.push(usage);
    }

    /// A name alone is of the file, of the prelude or imported, and imports are found by themselves;
    /// all but a re-export, of which only this says whether the file uses it too.
    fn code(&mut self, path: &Written) {
        let is_re_export = || self.meaning(&path.names[0]).is_some_and(|name| name.is_re_export);
        if path.names.len() > 1 || path.is_global || is_re_export() {
            self.push(path, How::Code);
        }
    }

    fn describe_top(&mut self, items: &[Item]) {
        for item in items.iter().filter(|item| !is_left_out(of_item(item))) {
            match item {
                Item::Mod(child) if child.content.is_none() => {
                    self.found.children.push(child.ident.to_string());
                }
                Item::Use(declaration) => self.describe_use(declaration),
                item => self.found.defined.extend(defined(item)),
            }
        }
    }

    fn describe_use(&mut self, declaration: &syn::ItemUse) {
        for Leaf { path, name } in leaves(declaration) {
            let mut path = self.absolute(&path);
            match name {
                Some(name) => drop(self.found.names.insert(name, path.join("::"))),
                None if path.pop().is_some_and(|last| last == "*") => {
                    self.found.globs.push(path.join("::"));
                }
                None => {}
            }
        }
    }

    /// Paths in texts, as in `#[serde(with = "a::b")]`.
    fn texts(&mut self, tokens: proc_macro2::TokenStream) {
        for token in tokens {
            let TokenTree::Literal(text) = token else { continue };
            let parsed = syn::parse_str::<syn::LitStr>(&text.to_string());
            let path = parsed.and_then(|text| syn::parse_str::<syn::Path>(&text.value()));
            if let Some(mut path) = path.ok().and_then(|path| Written::of(&path, usize::MAX)) {
                path.line = text.span().start().line;
                self.code(&path);
            }
        }
    }

    fn qualified(&mut self, attributes: &[Attribute], own: &Option<syn::QSelf>, path: &syn::Path) {
        attributes.iter().for_each(|attribute| self.visit_attribute(attribute));
        let Some(own) = own else { return self.visit_path(path) };
        self.visit_type(&own.ty);
        // Of `<A as redis::B>::c`, the path is `redis::B`.
        if let Some(path) = Written::of(path, own.position) {
            self.code(&path);
        }
        visit::visit_path(self, path);
    }
}

/// The names that an item gives to paths.
fn bound(item: &Item) -> Vec<(String, Meaning)> {
    match item {
        Item::Mod(child) => {
            let names = vec!["self".to_owned(), child.ident.to_string()];
            let path = Written::new(names, false, child.ident.span());
            vec![(child.ident.to_string(), Meaning { path, is_re_export: false })]
        }
        Item::Use(declaration) => {
            let is_re_export = is_re_export(declaration);
            let named = leaves(declaration).into_iter();
            named
                .filter_map(|Leaf { path, name }| Some((name?, Meaning { path, is_re_export })))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn is_re_export(declaration: &syn::ItemUse) -> bool {
    !matches!(declaration.vis, Visibility::Inherited)
}

/// The name that an item defines.
fn defined(item: &Item) -> Option<String> {
    match item {
        Item::Const(syn::ItemConst { ident, .. })
        | Item::Enum(syn::ItemEnum { ident, .. })
        | Item::Fn(syn::ItemFn { sig: syn::Signature { ident, .. }, .. })
        | Item::Macro(syn::ItemMacro { ident: Some(ident), .. })
        | Item::Mod(syn::ItemMod { ident, .. })
        | Item::Static(syn::ItemStatic { ident, .. })
        | Item::Struct(syn::ItemStruct { ident, .. })
        | Item::Trait(syn::ItemTrait { ident, .. })
        | Item::Type(syn::ItemType { ident, .. })
        | Item::Union(syn::ItemUnion { ident, .. }) => Some(ident.to_string()),
        _ => None,
    }
}

/// Visitors of what can be compiled for tests only.
macro_rules! unless_left_out {
    ($($visitor:ident($node:ty) by $attributes:expr;)+) => {$(
        fn $visitor(&mut self, node: &'ast $node) {
            if !is_left_out($attributes(node)) {
                visit::$visitor(self, node);
            }
        }
    )+};
}

impl<'ast> Visit<'ast> for Scanner {
    unless_left_out! {
        visit_item(Item) by of_item;
        visit_impl_item(syn::ImplItem) by of_impl_item;
        visit_trait_item(syn::TraitItem) by of_trait_item;
        visit_field(syn::Field) by |node: &'ast syn::Field| &node.attrs;
        visit_variant(syn::Variant) by |node: &'ast syn::Variant| &node.attrs;
        visit_arm(syn::Arm) by |node: &'ast syn::Arm| &node.attrs;
        visit_local(syn::Local) by |node: &'ast syn::Local| &node.attrs;
    }

    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        let Some((_, items)) = &node.content else { return };
        let inside = [self.module(), vec![node.ident.to_string()]].concat();
        self.enter(inside, items.iter());
        visit::visit_item_mod(self, node);
        self.scopes.pop();
    }

    fn visit_block(&mut self, node: &'ast syn::Block) {
        let items = node.stmts.iter().filter_map(|statement| match statement {
            syn::Stmt::Item(item) => Some(item),
            syn::Stmt::Local(_) | syn::Stmt::Expr(..) | syn::Stmt::Macro(_) => None,
        });
        self.enter(self.module(), items);
        visit::visit_block(self, node);
        self.scopes.pop();
    }

    fn visit_item_use(&mut self, node: &'ast syn::ItemUse) {
        let how = if is_re_export(node) { How::ReExport } else { How::Import };
        leaves(node).iter().for_each(|leaf| self.push(&leaf.path, how));
    }

    fn visit_path(&mut self, node: &'ast syn::Path) {
        if let Some(path) = Written::of(node, usize::MAX) {
            self.code(&path);
        }
        visit::visit_path(self, node);
    }

    fn visit_type_path(&mut self, node: &'ast syn::TypePath) {
        self.qualified(&node.attrs, &node.qself, &node.path);
    }

    fn visit_expr_path(&mut self, node: &'ast syn::ExprPath) {
        self.qualified(&node.attrs, &node.qself, &node.path);
    }

    /// `pub(in crate::agent)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        self.visit_path(&node.path);
        paths_in(node.tokens.clone()).iter().for_each(|path| self.code(path));
    }

    fn visit_meta_list(&mut self, node: &'ast syn::MetaList) {
        self.visit_path(&node.path);
        paths_in(node.tokens.clone()).iter().for_each(|path| self.code(path));
        if node.path.is_ident("serde") || node.path.is_ident("schemars") {
            self.texts(node.tokens.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(source: &str) -> Vec<String> {
        let found = scan(source, "http::stream").unwrap();
        found.usages.into_iter().map(|usage| usage.path).collect()
    }

    #[test]
    fn imports_are_found_however_they_are_written() {
        let source = "use crate::{agent::{self, Run as R}, store::Store};\npub use ::axum;\n\
                      use super::error::*;\nuse std::{env, fs};";
        let expected = [
            "crate::agent",
            "crate::agent::Run",
            "crate::store::Store",
            "axum",
            "crate::http::error::*",
            "std::env",
            "std::fs",
        ];
        assert_eq!(used(source), expected);
    }

    #[test]
    fn paths_in_code_are_found_with_their_lines() {
        let source = "fn f() {\n    crate::app::go();\n    <A as ::redis::B>::c()\n}";
        let found = scan(source, "http").unwrap().usages;
        let found: Vec<_> = found.iter().map(|usage| (usage.path.as_str(), usage.line)).collect();
        assert_eq!(found, [("crate::app::go", 2), ("redis::B", 3)]);
    }

    #[test]
    fn paths_are_found_in_types_patterns_attributes_and_macros() {
        let source = "#[derive(a::A)]\nstruct S {\n    #[serde(with = \"super::b\")]\n    \
                      f: Vec<::c::C>,\n}\nfn f() { if let d::D(_) = x {} }\n\
                      fn g() {\n    select! {\n        _ = e::wait(&mut self.rest) => {\n            \
                      format!(\"{}\", x.y::<super::E>());\n        }\n    }\n}\n\
                      macro_rules! m { ($n:ident) => { $crate::f::F($n::G) }; }";
        let found = scan(source, "http::stream").unwrap().usages;
        let found: Vec<_> = found.iter().map(|usage| (usage.path.as_str(), usage.line)).collect();
        let expected = [
            ("a::A", 1),
            ("crate::http::b", 3),
            ("c::C", 4),
            ("d::D", 6),
            ("e::wait", 9),
            ("crate::http::E", 10),
            ("crate::f::F", 14),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_means_what_was_imported_or_declared() {
        assert_eq!(
            used("use std::env;\nfn f() { env::var(\"A\"); }"),
            ["std::env", "std::env::var"]
        );
        let found = scan("pub mod redis;\nuse redis::Store;\nfn f() -> redis::Keys {}", "store");
        let found: Vec<_> = found.unwrap().usages.into_iter().map(|usage| usage.path).collect();
        assert_eq!(found, ["crate::store::redis::Store", "crate::store::redis::Keys"]);
    }

    #[test]
    fn a_name_means_something_only_where_it_was_imported() {
        let source = "fn f() { use crate::a::b; b::c(); }\nfn g() { b::d(); }\n\
                      mod inner { use super::e; fn h() { e::i(); self::j() } }";
        let expected = [
            "crate::a::b",
            "crate::a::b::c",
            "b::d",
            "crate::http::stream::e",
            "crate::http::stream::e::i",
            "crate::http::stream::inner::j",
        ];
        assert_eq!(used(source), expected);
    }

    #[test]
    fn a_re_export_is_used_only_where_its_name_stands() {
        let found = scan("pub use inner::A;\npub use inner::B;\nfn f(_: A) {}", "http").unwrap();
        let code = found.usages.iter().filter(|usage| usage.how == How::Code);
        let code: Vec<_> = code.map(|usage| (usage.path.as_str(), usage.line)).collect();
        assert_eq!(code, [("inner::A", 3)]);
    }

    #[test]
    fn neither_text_nor_tests_are_code() {
        let source = "// crate::a::b\n/* crate::c /* nested */ ::d */\nconst A: &str = \"crate::e::f\";\n\
                      const B: &str = r#\"crate::g\"::h\"#; const C: char = '\"'; fn f<'a>() {}\n\
                      #[cfg(test)]\nmod tests { use crate::i::j; fn f() { crate::k::l() } }\n\
                      #[cfg(test)]\nmod more;\n#[cfg(test)]\nuse crate::m::{n};\nuse crate::o::p;\n\
                      #[cfg(any(test, fuzzing))]\nmod fuzz;\n#[cfg(all(unix, test))]\nuse crate::q::r;\n\
                      #[cfg(not(test))]\nuse crate::s::t;\n#[cfg(any(test, unix))]\nuse crate::u::v;\n\
                      impl S { #[cfg(test)] fn g() { crate::w::x() } }";
        assert_eq!(used(source), ["crate::o::p", "crate::s::t", "crate::u::v"]);
        assert!(scan(source, "http").unwrap().children.is_empty());
    }
}
