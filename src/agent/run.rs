//! The machine of one run: its state, its journal, its steps. Nothing here knows of a process.

pub(crate) mod arguments;
pub(crate) mod ask;
pub(crate) mod audit;
pub(crate) mod budget;
pub(crate) mod call_state;
pub(crate) mod checkpoint;
pub(crate) mod confidence;
pub(crate) mod context;
pub(crate) mod context_window;
pub(crate) mod decisions;
pub(crate) mod ending;
pub(crate) mod errors;
pub(crate) mod finish;
pub(crate) mod fold;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub(crate) mod hands;
pub(crate) mod history;
pub(crate) mod inbox;
pub(crate) mod invalid_calls;
pub(crate) mod journal;
pub(crate) mod model_turn;
pub(crate) mod plan;
pub(crate) mod prepared;
pub(crate) mod reasoning;
pub(crate) mod recent_frames;
pub(crate) mod record;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod step;
pub(crate) mod stored_request;
pub(crate) mod superseded;
pub(crate) mod take_over;
pub(crate) mod tool_call;
pub(crate) mod uncounted;
