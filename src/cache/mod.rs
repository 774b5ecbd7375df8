//! Digests, keys, the stat index, and the store of gate results. A leaf.

mod action;
mod assemble;
mod content;
mod digest;
mod folder;
mod git;
mod gitignore;
mod lock;
mod look;
mod manifest;
mod merkle;
mod outputs;
mod own;
mod past;
mod programs;
mod proto;
mod scan;
mod seen;
mod selection;
mod stat_index;
mod state;
mod store;
mod sweep;
mod tree;
mod walk;
mod watch;

pub use action::{Action, Definition, EnvValue, Platform};
pub use digest::{Digest, DigestError};
pub use git::{state_of_git, tracked_paths};
pub use lock::Lock;
pub use outputs::{Makes, Output, holds};
pub use past::{Differences, Past};
pub use programs::digests_of_programs;
pub use scan::{Scan, ScanError, Scanner, Scans, Standing, Touched, WorkTree};
pub use selection::InputSelection;
pub use store::{Kept, Lookup, Outcome, Record, Store, StoreError, default_dir};
pub use sweep::{LimitError, Limits, Stats, Swept, Verified, age_of, bytes};
pub use tree::{Diff, Input, InputRef, Kind, Leads, ShownPath, Special, Tree};
pub use watch::{Happened, Watch};

#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod tests;
