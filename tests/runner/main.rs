//! The runner for real: the binary, its signals, the processes that it starts, and what they can reach.

mod confined;
mod project;
mod signals;
mod told;
