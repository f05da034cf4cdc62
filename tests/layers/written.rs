//! Paths as they are written, before anybody has asked what their first name means.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::UseTree;

/// A path as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) names: Vec<String>,
    /// It begins with `::`, so that its first name is that of a library.
    pub(crate) is_global: bool,
    pub(crate) line: usize,
}

impl Written {
    pub(crate) fn new(names: Vec<String>, is_global: bool, span: Span) -> Self {
        Self { names, is_global, line: span.start().line }
    }

    /// The first `length` names of a path, without their generic arguments.
    pub(crate) fn of(path: &syn::Path, length: usize) -> Option<Self> {
        let first = path.segments.first().filter(|_| length > 0)?;
        let names = path.segments.iter().take(length).map(|part| part.ident.to_string()).collect();
        Some(Self::new(names, path.leading_colon.is_some(), first.ident.span()))
    }
}

/// One path of a `use` declaration, and the name that it gives, unless it is a `*` or nameless.
pub(crate) struct Leaf {
    pub(crate) path: Written,
    pub(crate) name: Option<String>,
}

/// The paths of one `use` declaration.
pub(crate) fn leaves(declaration: &syn::ItemUse) -> Vec<Leaf> {
    let mut found = Vec::new();
    branch(&declaration.tree, &[], &mut found);
    for leaf in &mut found {
        leaf.path.is_global = declaration.leading_colon.is_some();
    }
    found
}

fn branch(tree: &UseTree, prefix: &[String], found: &mut Vec<Leaf>) {
    let mut leaf = |last: &Ident, name: Option<&Ident>| {
        let mut names = prefix.to_vec();
        if last != "self" || prefix.is_empty() {
            names.push(last.to_string());
        }
        let name = name.map_or_else(|| names.last().cloned(), |name| Some(name.to_string()));
        let name = name.filter(|name| name != "_");
        found.push(Leaf { path: Written::new(names, false, last.span()), name });
    };
    match tree {
        UseTree::Path(path) => {
            let longer = [prefix, &[path.ident.to_string()]].concat();
            branch(&path.tree, &longer, found);
        }
        UseTree::Name(last) => leaf(&last.ident, None),
        UseTree::Rename(last) => leaf(&last.ident, Some(&last.rename)),
        UseTree::Glob(glob) => {
            let names = [prefix, &["*".to_owned()]].concat();
            let path = Written::new(names, false, glob.star_token.spans[0]);
            found.push(Leaf { path, name: None });
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| branch(tree, prefix, found)),
    }
}

/// The paths in the tokens of a macro or an attribute, which are no syntax tree yet.
pub(crate) fn paths_in(tokens: TokenStream) -> Vec<Written> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let (paths, length) = match token {
            TokenTree::Group(group) => (paths_in(group.stream()), 1),
            TokenTree::Ident(first) if is_name(first) => path_at(&tokens, at, first),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => (Vec::new(), 1),
        };
        found.extend(paths);
        at += length;
    }
    found
}

/// The path that begins with this name, if one does, and how many tokens to go on by.
fn path_at(tokens: &[TokenTree], at: usize, first: &Ident) -> (Vec<Written>, usize) {
    let mut names = vec![first.to_string()];
    let mut length = 1;
    while let Some(TokenTree::Ident(next)) =
        tokens.get(at + length + 2).filter(|_| is_double_colon(tokens, at + length))
    {
        names.push(next.to_string());
        length += 3;
    }
    let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
    let is_global = at >= 2 && is_double_colon(tokens, at - 2);
    // `a.b` and `'a` begin no path, nor does the end of `Vec::<u8>::new` or a macro's `$name`.
    let is_member = is_punct(before(1), '.') && !is_punct(before(2), '.');
    let is_variable = is_punct(before(1), '$') && first != "crate";
    let is_end = is_global && is_punct(before(3), '>');
    if is_member || is_variable || is_end || is_punct(before(1), '\'') {
        return (Vec::new(), length);
    }
    (vec![Written::new(names, is_global, first.span())], length)
}

/// Whether a path can begin with it: no keyword besides those that name a module or a type.
fn is_name(ident: &Ident) -> bool {
    let starts = ["crate", "self", "super", "Self"];
    starts.iter().any(|name| ident == name)
        || syn::parse_str::<syn::Ident>(&ident.to_string()).is_ok()
}

fn is_double_colon(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}
