//! What can be wrong with the names of a spec.

use miette::{Diagnostic, LabeledSpan, SourceSpan};
use thiserror::Error;

/// What can be wrong between the nodes of a spec.
#[derive(Debug, Error, Diagnostic)]
pub enum ModelError {
    /// A name that nothing declares.
    #[error("no {kind} called `{name}`")]
    #[diagnostic(code("factory::model::unknown-name"), help("{help}"))]
    UnknownName {
        /// What it should name.
        kind: &'static str,
        /// The name.
        name: String,
        /// The nearest name, or what there is.
        help: String,
        /// Where it stands.
        #[label("not declared anywhere")]
        span: SourceSpan,
    },
    /// A name that two nodes declare.
    #[error("{kind} `{name}` is declared twice")]
    #[diagnostic(
        code("factory::model::repeated-name"),
        help("rename one of them, or take it away")
    )]
    RepeatedName {
        /// What it names.
        kind: &'static str,
        /// The name.
        name: String,
        /// The second one.
        #[label(primary, "declared again here")]
        span: SourceSpan,
        /// The first one.
        #[label("first declared here")]
        first: SourceSpan,
    },
    /// A pattern that does not mean anything.
    #[error("{message}")]
    #[diagnostic(code("factory::model::bad-pattern"))]
    BadPattern {
        /// What is wrong with it.
        message: String,
        /// What to do.
        #[help]
        help: Option<String>,
        /// Where it stands.
        #[label("in this pattern")]
        span: SourceSpan,
    },
    /// A set of paths where commands are meant, or the other way round.
    #[error("`@{name}` is a set of {is}, and {wanted} are meant here")]
    #[diagnostic(
        code("factory::model::wrong-set"),
        help("name a set of {wanted}, or write the patterns")
    )]
    WrongSet {
        /// The set.
        name: String,
        /// What it holds.
        is: &'static str,
        /// What is meant.
        wanted: &'static str,
        /// Where it is named.
        #[label("{wanted} are meant")]
        span: SourceSpan,
        /// Where it is declared.
        #[label("declared here")]
        declared: Option<SourceSpan>,
    },
    /// Things that lead back to themselves.
    #[error("{what}: {cycle}")]
    #[diagnostic(
        code("factory::model::cycle"),
        help("take one of these references away")
    )]
    Cycle {
        /// What they do to each other.
        what: &'static str,
        /// The circle, `a → b → a`.
        cycle: String,
        /// The references on the circle.
        #[label(collection)]
        places: Vec<LabeledSpan>,
    },
    /// A gate in place of a `builtin` that is used as an input to itself, or the like.
    #[error("{message}")]
    #[diagnostic(code("factory::model::impossible"), help("{help}"))]
    Impossible {
        /// What can't be.
        message: String,
        /// What to do.
        help: String,
        /// Where it stands.
        #[label("{label}")]
        span: SourceSpan,
        /// What this place has to do with it.
        label: String,
    },
}
