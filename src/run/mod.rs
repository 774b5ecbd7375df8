//! `exec`: a plan in, an outcome out. The only async room.

pub mod agent;
pub mod gate;
pub mod git;
pub mod process;
