//! Contract, section 7: the git tools, on real repositories.

mod confinement;
mod hostile;
mod merging;
mod policy;
mod reading;
