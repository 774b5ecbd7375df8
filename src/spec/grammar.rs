//! The whole language in one static table.
//!
//! A [`NodeDef`] says where a node may stand (among the children of another), which arguments and
//! properties it has, and what it is for. The parser, "did you mean", docs/language.md, and
//! `factory explain NODE` all read this table, so that none of them can say something else.

mod docs;
mod table;

pub use docs::{language, node};
pub use table::ROOT;

/// One node of the language.
#[derive(Debug)]
pub struct NodeDef {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub doc: &'static str,
    /// The spec version that brought it.
    pub since: u32,
    /// The arguments that stand first, in order.
    pub args: &'static [ArgDef],
    /// What any further arguments are; without it there are none.
    pub rest: Option<ArgDef>,
    /// Its properties.
    pub props: &'static [PropDef],
    /// The nodes that may stand in it.
    pub children: &'static [&'static NodeDef],
    /// Whether it may stand more than once at its place.
    pub many: bool,
}

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct ArgDef {
    /// What messages and docs call it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether it must be there; for a rest: whether there must be at least one.
    pub required: bool,
}

/// One property.
#[derive(Debug, Clone, Copy)]
pub struct PropDef {
    /// Its key.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it is for, in one sentence.
    pub doc: &'static str,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name that this node declares: `[a-z][a-z0-9-]*`.
    Name,
    /// A name that another node declares, or `*` for all of them.
    Reference,
    /// Words for people.
    Prose,
    /// A pattern for paths, or `@set`.
    PathPattern,
    /// A pattern for commands, or `@set`.
    CommandPattern,
    /// A pattern for hosts, tools, variables, or roles.
    Thing,
    /// The path of one file, relative to the project root.
    File,
    /// A command line for the POSIX shell.
    Command,
    /// A program or one of its arguments.
    Word,
    /// A text that is kept byte for byte, whatever it holds.
    Verbatim,
    /// A whole number.
    Integer,
    /// `#true` or `#false`.
    Bool,
    /// Dollars, as a decimal in a string.
    Money,
    /// A time, as in "90s", "5m", "2h".
    Duration,
    /// A number of bytes, as in "8KiB".
    Size,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// Returns what a message calls a value of this kind.
    pub const fn article(self) -> &'static str {
        match self {
            Self::Name => "a name",
            Self::Reference => "the name of something declared",
            Self::Prose => "a quoted text",
            Self::PathPattern => "a quoted path pattern",
            Self::CommandPattern => "a quoted command pattern",
            Self::Thing => "a quoted pattern",
            Self::File => "a quoted path",
            Self::Command => "a quoted command line",
            Self::Word => "a quoted word",
            Self::Verbatim => "a quoted text",
            Self::Integer => "a whole number",
            Self::Bool => "`#true` or `#false`",
            Self::Money => "an amount of dollars such as \"15.00\"",
            Self::Duration => "a time such as \"90s\", \"5m\", or \"2h\"",
            Self::Size => "a size such as \"8KiB\"",
            Self::Choice(_) => "one of the known words",
        }
    }

    /// Returns whether such a value must be quoted: a bare word may be cut or commented out by KDL
    /// in ways that its writer does not see.
    pub const fn quoted(self) -> bool {
        match self {
            Self::Name | Self::Reference | Self::Integer | Self::Bool | Self::Choice(_) => false,
            Self::Prose
            | Self::PathPattern
            | Self::CommandPattern
            | Self::Thing
            | Self::File
            | Self::Command
            | Self::Word
            | Self::Verbatim
            | Self::Money
            | Self::Duration
            | Self::Size => true,
        }
    }
}

impl NodeDef {
    /// Returns the definition of the child called `name`.
    pub fn child(&self, name: &str) -> Option<&'static Self> {
        self.children
            .iter()
            .copied()
            .find(|child| child.name == name)
    }

    /// Returns the definition of the property called `name`.
    pub fn prop(&self, name: &str) -> Option<&'static PropDef> {
        self.props.iter().find(|prop| prop.name == name)
    }

    /// Calls `visit` with every node below this one and the names of the nodes it stands in.
    pub fn walk(&self, visit: &mut dyn FnMut(&[&'static str], &'static Self)) {
        fn below(
            node: &NodeDef,
            within: &mut Vec<&'static str>,
            visit: &mut dyn FnMut(&[&'static str], &'static NodeDef),
        ) {
            for child in node.children.iter().copied() {
                visit(within, child);
                within.push(child.name);
                below(child, within, visit);
                within.pop();
            }
        }
        below(self, &mut Vec::new(), visit);
    }
}
