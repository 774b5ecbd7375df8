//! `exec` on real repositories, with gates that are shell commands and agents that are scripted.

mod again;
mod bench;
mod hostile;
mod interrupted;
mod judged;
mod landed;
mod troubled;
