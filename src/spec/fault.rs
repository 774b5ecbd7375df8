//! What can be wrong with the text of a spec.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

/// What can be wrong with the nodes of a spec, each by itself.
#[derive(Debug, Error, Diagnostic)]
pub enum SpecError {
    /// The text is not KDL.
    #[error("{message}")]
    #[diagnostic(code("factory::spec::syntax"))]
    Syntax {
        /// What the parser says.
        message: String,
        /// What this place has to do with it.
        label: String,
        /// What to do.
        #[help]
        help: Option<String>,
        /// Where it stands.
        #[label("{label}")]
        span: SourceSpan,
    },
    /// Something is opened and never closed.
    #[error("{what} is never closed")]
    #[diagnostic(code("factory::spec::unclosed"), help("{help}"))]
    Unclosed {
        /// What was opened.
        what: &'static str,
        /// What to do.
        help: String,
        /// Where it was opened.
        #[label(primary, "opened here")]
        span: SourceSpan,
        /// Where the next node starts that was hardly meant to stand in it.
        #[label("{next_is}")]
        next: Option<SourceSpan>,
        /// What that place has to do with it.
        next_is: &'static str,
    },
    /// A `}` that closes nothing.
    #[error("this `}}` closes nothing")]
    #[diagnostic(
        code("factory::spec::unopened"),
        help("take it away, or look for a `{{` that is missing above")
    )]
    Unopened {
        /// Where it stands.
        #[label("nothing is open here")]
        span: SourceSpan,
    },
    /// More levels of nesting than any spec needs.
    #[error("nodes are nested more than {limit} levels deep")]
    #[diagnostic(
        code("factory::spec::too-deep"),
        help("a spec needs 5 levels; is a `}}` missing above?")
    )]
    TooDeep {
        /// The most levels.
        limit: usize,
        /// Where the limit is passed.
        #[label("one level too many")]
        span: SourceSpan,
    },
    /// A node the grammar does not have at this place.
    #[error("unknown node `{name}` {place}")]
    #[diagnostic(code("factory::spec::unknown-node"), help("{help}"))]
    UnknownNode {
        /// The name as written.
        name: String,
        /// Where it would have to be known.
        place: String,
        /// The nearest name, or what may stand here.
        help: String,
        /// Where it stands.
        #[label("no such node here")]
        span: SourceSpan,
    },
    /// A property the grammar does not have at this place.
    #[error("`{node}` has no property `{name}`")]
    #[diagnostic(code("factory::spec::unknown-property"), help("{help}"))]
    UnknownProperty {
        /// The node.
        node: &'static str,
        /// The name as written.
        name: String,
        /// The nearest name, or what there is.
        help: String,
        /// Where it stands.
        #[label("no such property")]
        span: SourceSpan,
    },
    /// A property given twice: KDL would keep the last in silence.
    #[error("property `{name}` is given twice")]
    #[diagnostic(code("factory::spec::repeated-property"), help("keep one of them"))]
    RepeatedProperty {
        /// Its name.
        name: String,
        /// The second one.
        #[label(primary, "given again")]
        span: SourceSpan,
        /// The first one.
        #[label("first given here")]
        first: SourceSpan,
    },
    /// A property that must be there.
    #[error("`{node}` needs the property `{name}`")]
    #[diagnostic(
        code("factory::spec::missing-property"),
        help("add `{name}={example}`, {doc}")
    )]
    MissingProperty {
        /// The node.
        node: &'static str,
        /// The property.
        name: &'static str,
        /// How it is written.
        example: &'static str,
        /// What it is for.
        doc: String,
        /// The node's name.
        #[label("`{name}` is missing")]
        span: SourceSpan,
    },
    /// An argument that must be there.
    #[error("`{node}` needs {what}")]
    #[diagnostic(code("factory::spec::missing-argument"), help("write `{usage}`"))]
    MissingArgument {
        /// The node.
        node: &'static str,
        /// What is missing.
        what: String,
        /// How the node is written.
        usage: String,
        /// The node's name.
        #[label("{what} is missing")]
        span: SourceSpan,
    },
    /// An argument too many.
    #[error("`{node}` takes {count}, and this is one too many")]
    #[diagnostic(code("factory::spec::surplus-argument"), help("{help}"))]
    SurplusArgument {
        /// The node.
        node: &'static str,
        /// How many it takes.
        count: &'static str,
        /// What to do.
        help: String,
        /// The first that is too many.
        #[label("not expected here")]
        span: SourceSpan,
    },
    /// A value of the wrong kind.
    #[error("`{what}` takes {expected}")]
    #[diagnostic(code("factory::spec::wrong-value"))]
    WrongValue {
        /// The node, or the node and its property.
        what: String,
        /// What it should be.
        expected: String,
        /// What to do.
        #[help]
        help: Option<String>,
        /// The value.
        #[label("this is {found}")]
        span: SourceSpan,
        /// What it is.
        found: &'static str,
    },
    /// A pattern, path, or text without quotes.
    #[error("{what} must be quoted")]
    #[diagnostic(
        code("factory::spec::bare-word"),
        help("write `{written}`; unquoted, KDL splits it at blanks and takes `/*` for a comment")
    )]
    BareWord {
        /// What it is.
        what: &'static str,
        /// The value in quotes.
        written: String,
        /// Where it stands.
        #[label("without quotes")]
        span: SourceSpan,
    },
    /// A comment in the middle of what was meant as one word.
    #[error("this word is cut by a comment")]
    #[diagnostic(code("factory::spec::cut-by-comment"), help("{help}"))]
    CutByComment {
        /// What to do.
        help: String,
        /// From the word to its other half.
        #[label("KDL reads `/*` as the start of a comment")]
        span: SourceSpan,
    },
    /// A type annotation.
    #[error("type annotations mean nothing here")]
    #[diagnostic(code("factory::spec::type-annotation"), help("take `({name})` away"))]
    TypeAnnotation {
        /// The annotation.
        name: String,
        /// Where it stands.
        #[label("a type annotation")]
        span: SourceSpan,
    },
    /// A control character, written as an escape.
    #[error("a control character in {what}")]
    #[diagnostic(
        code("factory::spec::control-character"),
        help("take it out; nobody can see it in a review")
    )]
    ControlCharacter {
        /// What holds it.
        what: &'static str,
        /// Where it stands.
        #[label("holds {shown}")]
        span: SourceSpan,
        /// The character as an escape.
        shown: String,
    },
    /// A text that changes how the text around it is shown.
    #[error("a hidden or bidirectional character in the spec")]
    #[diagnostic(
        code("factory::spec::hidden-character"),
        help("take it out: a reviewer does not see what the compiler reads")
    )]
    HiddenCharacter {
        /// The character as an escape.
        shown: String,
        /// What it is called.
        name: &'static str,
        /// Where it stands.
        #[label("{shown}, {name}")]
        span: SourceSpan,
    },
    /// A name that breaks the rule for names.
    #[error("`{name}` is no name")]
    #[diagnostic(
        code("factory::spec::bad-name"),
        help(
            "a name is lower-case letters, digits, and `-`, and starts with a letter{suggestion}"
        )
    )]
    BadName {
        /// The name.
        name: String,
        /// A near name that is one.
        suggestion: String,
        /// Where it stands.
        #[label("not a name")]
        span: SourceSpan,
    },
    /// A node that stands twice where it may stand once.
    #[error("`{node}` stands twice")]
    #[diagnostic(code("factory::spec::repeated-node"), help("keep one of them"))]
    RepeatedNode {
        /// The node.
        node: &'static str,
        /// The second one.
        #[label(primary, "again here")]
        span: SourceSpan,
        /// The first one.
        #[label("first here")]
        first: SourceSpan,
    },
    /// The spec has no `factory` node.
    #[error("no `factory` node")]
    #[diagnostic(
        code("factory::spec::no-factory"),
        help("start the file with `factory \"NAME\" spec=1 {{ … }}`")
    )]
    NoFactory {
        /// The start of the file.
        #[label("it should stand in this file")]
        span: SourceSpan,
    },
    /// `factory` in an included file.
    #[error("`factory` stands in an included file")]
    #[diagnostic(
        code("factory::spec::included-factory"),
        help("it stands once, in the file that is checked; take this one away")
    )]
    IncludedFactory {
        /// The second one.
        #[label("not here")]
        span: SourceSpan,
    },
    /// A version of the language that this compiler does not know.
    #[error("spec version {version} is not known to this compiler")]
    #[diagnostic(
        code("factory::spec::unknown-version"),
        help("this is factory {compiler}, which knows spec=1; a newer compiler may know more")
    )]
    UnknownVersion {
        /// The version asked for.
        version: i128,
        /// This compiler.
        compiler: &'static str,
        /// Where it stands.
        #[label("asked for here")]
        span: SourceSpan,
    },
    /// The spec asks for a newer compiler.
    #[error("the spec requires factory {required}, and this is {compiler}")]
    #[diagnostic(
        code("factory::spec::newer-required"),
        help("build a newer one, as its README says: `cargo install --path .` in a clone of it")
    )]
    NewerRequired {
        /// The version asked for.
        required: String,
        /// This compiler.
        compiler: &'static str,
        /// Where it stands.
        #[label("required here")]
        span: SourceSpan,
    },
    /// An `include` that finds nothing.
    #[error("no file called `{path}`")]
    #[diagnostic(code("factory::spec::missing-include"), help("{help}"))]
    MissingInclude {
        /// The path.
        path: String,
        /// What to do.
        help: String,
        /// Where it stands.
        #[label("included here")]
        span: SourceSpan,
    },
    /// Files that include each other.
    #[error("files include each other: {cycle}")]
    #[diagnostic(code("factory::spec::include-cycle"), help("take this `include` away"))]
    IncludeCycle {
        /// The files, `a → b → a`.
        cycle: String,
        /// The include that closes the circle.
        #[label("leads back to a file that is being read")]
        span: SourceSpan,
    },
    /// A file that is named and can't be read.
    #[error("{reason}")]
    #[diagnostic(code("factory::spec::unreadable-file"), help("{help}"))]
    UnreadableFile {
        /// What is wrong with the file.
        reason: String,
        /// What to do.
        help: String,
        /// Where it is named.
        #[label("named here")]
        span: SourceSpan,
    },
    /// What an `include` would take in if it were a file that can be read.
    #[error("`{path}` {reason}")]
    #[diagnostic(
        severity(Warning),
        code("factory::spec::passed-over"),
        help(
            "a pattern takes in files alone; include it by its own path, or put the file itself there"
        )
    )]
    PassedOver {
        /// The path.
        path: String,
        /// Why it is not taken in.
        reason: String,
        /// The pattern.
        #[label("this pattern passes it over")]
        span: SourceSpan,
    },
    /// A template that is not there.
    #[error("no template called `{name}`")]
    #[diagnostic(code("factory::spec::missing-template"), help("{help}"))]
    MissingTemplate {
        /// The name.
        name: String,
        /// What to do.
        help: String,
        /// Where it is named.
        #[label("named here")]
        span: SourceSpan,
    },
    /// A path that leaves the project.
    #[error("`{path}` is not a path inside the project")]
    #[diagnostic(
        code("factory::spec::outside-path"),
        help(
            "paths are relative to the project root, with `/` between their parts and without `..`"
        )
    )]
    OutsidePath {
        /// The path.
        path: String,
        /// Where it stands.
        #[label("leads outside")]
        span: SourceSpan,
    },
    /// A pattern that does not mean anything.
    #[error("{message}")]
    #[diagnostic(code("factory::spec::bad-pattern"))]
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
    /// Two things in one node of which only one may stand there, or none.
    #[error("{message}")]
    #[diagnostic(code("factory::spec::contradiction"), help("{help}"))]
    Contradiction {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
        /// Where it stands.
        #[label("{label}")]
        span: SourceSpan,
        /// What this place has to do with it.
        label: String,
    },
    /// A secret in the spec.
    #[error("this looks like a secret: {what}")]
    #[diagnostic(
        code("factory::spec::secret"),
        help(
            "take it out and revoke it; name the variable that holds it with `env \"NAME\"` instead; in an \
             example, write `<token>` in its place"
        )
    )]
    Secret {
        /// What kind of secret.
        what: &'static str,
        /// Where it stands.
        #[label("committed, everyone could read it")]
        span: SourceSpan,
    },
}
