//! KDL text → typed nodes, every value with its span.
//!
//! [`load`] is the one reader of inputs: the spec with all its includes, the prompts, the templates.
//! One static [`grammar`] says which nodes there are; parser, messages, docs, and `explain` follow it.

mod ast;
mod fault;
mod format;
mod grant;
pub mod grammar;
mod load;
mod lower;
mod money;
mod nearest;
mod parse;
mod scan;
mod secret;
mod slips;
mod stack;
mod syntax;
mod write;

pub use ast::{
    Accept, AcceptProof, ActionItem, Agent, AgentField, Cannot, CannotBoth, Copy, Document, Driver,
    ExampleItem, Expect, External, Factory, Gate, Grants, Hold, LintLevel, Memory, Mention, Model,
    Notify, Price, Profile, Require, Role, Rule, Section, SectionFrom, Server, Set, SetKind, Spec,
    Step, StepWork, Stop, Task, Text, Trust, Variable, Workspace,
};
pub use fault::SpecError;
pub use format::{FormatError, format, not_kdl};
pub use grant::granted;
pub use load::{
    Files, Found, LoadError, Loaded, MissingFile, PASSED_OVER, ReadError, files_of, is_among, load,
    load_from, load_over, load_texts,
};
pub use money::{Usd, UsdError};
pub use nearest::{nearest, nearest_tool, slip};
pub use secret::{Secret, secrets};
pub use stack::on_parse_stack;
pub use syntax::name_near;
pub use write::{NewAccept, NewStep, NewTask, quoted};
