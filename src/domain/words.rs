//! Enums whose values are words on the wire, each said once: for what is written, for its schema, and for
//! whoever looks for one.

/// Declares such an enum. `$word` is the name of the function that gives a value's word.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident, $word_fn:ident {
            $($(#[$doc:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ::serde::Serialize, ::schemars::JsonSchema)]
        $(#[$meta])*
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it on the wire.
            pub const fn $word_fn(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

pub(super) use words;
