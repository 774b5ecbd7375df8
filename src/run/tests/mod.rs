//! `exec` on real repositories, with gates that are shell commands and agents that are scripted.

mod bench;
mod interrupted;
mod judged;
mod landed;
