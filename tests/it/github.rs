//! Contract, section 7: the GitHub tools, against a server that speaks as GitHub does.

mod limits;
mod reading;
mod served;
mod writing;
