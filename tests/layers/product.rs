//! What the product is compiled from, as opposed to its tests and to what only fuzzing calls.

use syn::punctuated::Punctuated;
use syn::{Attribute, ImplItem, Item, Meta, Token, TraitItem};

/// Whether a condition holds where the product is compiled; in the order of how often it does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Never,
    /// It depends on the machine, or on something that this test does not know.
    Sometimes,
    Always,
}

/// Whether what has these attributes is left out of the product.
pub(crate) fn is_left_out(attributes: &[Attribute]) -> bool {
    let mut conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.any(|condition| match condition.parse_args::<Meta>() {
        Ok(condition) => holds(&condition) == Holds::Never,
        Err(_) => false,
    })
}

fn holds(condition: &Meta) -> Holds {
    let parts = parts(condition).into_iter();
    let name = condition.path().get_ident().map(ToString::to_string);
    match name.as_deref() {
        Some("test" | "fuzzing") => Holds::Never,
        Some("not") => parts.map(opposite).next().unwrap_or(Holds::Sometimes),
        Some("all") => parts.min().unwrap_or(Holds::Always),
        Some("any") => parts.max().unwrap_or(Holds::Never),
        Some(_) | None => Holds::Sometimes,
    }
}

fn opposite(of: Holds) -> Holds {
    match of {
        Holds::Always => Holds::Never,
        Holds::Never => Holds::Always,
        Holds::Sometimes => Holds::Sometimes,
    }
}

/// What stands in the brackets of `any(…)`, `all(…)` and `not(…)`.
fn parts(condition: &Meta) -> Vec<Holds> {
    let Meta::List(list) = condition else { return Vec::new() };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    parts.map(|parts| parts.iter().map(holds).collect()).unwrap_or_default()
}

/// The attributes of an item.
pub(crate) fn of_item(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(syn::ItemConst { attrs, .. })
        | Item::Enum(syn::ItemEnum { attrs, .. })
        | Item::ExternCrate(syn::ItemExternCrate { attrs, .. })
        | Item::Fn(syn::ItemFn { attrs, .. })
        | Item::ForeignMod(syn::ItemForeignMod { attrs, .. })
        | Item::Impl(syn::ItemImpl { attrs, .. })
        | Item::Macro(syn::ItemMacro { attrs, .. })
        | Item::Mod(syn::ItemMod { attrs, .. })
        | Item::Static(syn::ItemStatic { attrs, .. })
        | Item::Struct(syn::ItemStruct { attrs, .. })
        | Item::Trait(syn::ItemTrait { attrs, .. })
        | Item::TraitAlias(syn::ItemTraitAlias { attrs, .. })
        | Item::Type(syn::ItemType { attrs, .. })
        | Item::Union(syn::ItemUnion { attrs, .. })
        | Item::Use(syn::ItemUse { attrs, .. }) => attrs,
        // What syn has no name for; it says itself that there may be more.
        _ => &[],
    }
}

/// The attributes of what stands in an `impl`.
pub(crate) fn of_impl_item(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(syn::ImplItemConst { attrs, .. })
        | ImplItem::Fn(syn::ImplItemFn { attrs, .. })
        | ImplItem::Type(syn::ImplItemType { attrs, .. })
        | ImplItem::Macro(syn::ImplItemMacro { attrs, .. }) => attrs,
        _ => &[],
    }
}

/// The attributes of what stands in a `trait`.
pub(crate) fn of_trait_item(item: &TraitItem) -> &[Attribute] {
    match item {
        TraitItem::Const(syn::TraitItemConst { attrs, .. })
        | TraitItem::Fn(syn::TraitItemFn { attrs, .. })
        | TraitItem::Type(syn::TraitItemType { attrs, .. })
        | TraitItem::Macro(syn::TraitItemMacro { attrs, .. }) => attrs,
        _ => &[],
    }
}
