//! Looks at a project and makes the texts of a first factory.
//!
//! The looking and the making are pure: given the paths of the project's files and a way to read
//! them, they return texts; [`place`] puts those where nothing stands yet. The stack lives in `paths`,
//! `commands`, `workspace`, and `gate` nodes, so the same roles serve any.

mod factory;
mod place;
mod project;
mod roles;
mod spec;
mod stack;
mod stacks;

pub use factory::{FirstFactory, first_factory};
pub use place::{File, PlaceError, Placed, place};
pub use project::Project;
pub use roles::{PREAMBLE, ROLES, ShippedRole, Tier, role};
pub use stack::{Smoke, Stack};
