//! What waits for a person, and what an answer counts for. Pure: nothing here knows a store, a task or a
//! model.

pub(crate) mod known_holds;
pub(crate) mod pending;
pub(crate) mod policy;
pub(crate) mod request;
pub(crate) mod rules;
pub(crate) mod seals;
pub(crate) mod superseding;
pub(crate) mod uncounted;
