//! What people already have → the texts of a factory that says the same.
//!
//! Pure but for [`place`]: given the texts of a client's agent files and settings, it returns texts, findings, and a
//! fate for each file. What the client loads is adopted with the same result; what it drops without a
//! word is reported. Nothing is thrown away: the body of a file becomes the role's prompt byte for
//! byte, and its front matter nodes from which `build` makes the same bytes again.

mod agent;
mod collection;
mod doubt;
mod names;
mod place;
mod servers;
mod settings;
mod spec;

pub use collection::{Adoption, AgentFile, Existing, Fate, Kept, Own, Report, adopt};
pub use place::{PlaceError, place, take_back};
pub use servers::ServerReport;
pub use settings::{RuleReport, Settings, SettingsFile};
