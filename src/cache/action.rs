//! Everything that may change the verdict of a gate, and the key that is made of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Digest, Tree,
    proto::{BlobRef, Message, text},
};

/// Changes whenever what goes into a key, or how, does.
const FORMAT: u64 = 2;

/// What a gate does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// What kind of gate it is: `run`, or the name of a built-in.
    pub kind: String,
    /// The program and its arguments, the shell among them.
    pub arguments: Vec<String>,
    /// Where it runs, below the root; empty for the root.
    pub directory: String,
    /// What it makes, if that is kept with the result: patterns as they are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Where that is: a path where a pattern is one, else the folder that all that it means is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_paths: Vec<String>,
    /// Whatever else its kind depends on, such as the options of a built-in and its version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// What a gate sees of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// It is not there.
    Unset,
    /// It is there and empty.
    Empty,
    /// It has this value.
    Set(Vec<u8>),
    /// It has a secret value; this is a keyed hash of it.
    Secret(Digest),
}

impl EnvValue {
    /// Returns what a gate sees of this value.
    pub fn of(value: Option<&[u8]>) -> Self {
        match value {
            None => Self::Unset,
            Some([]) => Self::Empty,
            Some(value) => Self::Set(value.to_vec()),
        }
    }
}

/// What the verdict was reached on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system.
    pub os: String,
    /// The architecture.
    pub arch: String,
}

impl Platform {
    /// Returns the one this program was made for.
    pub fn current() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
        }
    }
}

/// Everything that may change the verdict of a gate.
///
/// What is not in here must not be visible to the gate. Nothing in it depends on the folder or the
/// machine it was scanned on, so the same work has the same key everywhere.
#[derive(Debug, Clone)]
pub struct Action {
    /// What the gate does.
    pub definition: Definition,
    /// Every variable that it sees or has declared.
    pub environment: BTreeMap<String, EnvValue>,
    /// Every tool: the digest of what its command prints, or of the executable.
    pub tools: BTreeMap<String, Digest>,
    /// What it runs on.
    pub platform: Platform,
    /// The files that it seals, as the base has them, by the root digest of their tree.
    pub sealed: Option<Digest>,
    /// The files that it may look at.
    pub inputs: Tree,
}

impl Action {
    /// Returns the key of the result: the digest of a Remote Execution `Action`.
    ///
    /// Its `Command` has the arguments, the variables that are set, the platform, the directory,
    /// and the paths of the outputs. What those messages have no place for is in the `salt` of the
    /// action, as a message of its own: the format (1), the kind (2), the options (3), every variable
    /// with its state and its true bytes (4), the tools (5), the digest of the sealed files (6), the
    /// patterns of the outputs (7).
    pub fn key(&self) -> Digest {
        let mut action = Message::default();
        action.blob(1, self.command());
        action.blob(2, self.inputs.root_blob());
        action.bytes(9, self.salt().as_bytes());
        action.message(10, &self.platform_message());
        action.blob_ref().digest
    }

    fn command(&self) -> BlobRef {
        let mut command = Message::default();
        for argument in &self.definition.arguments {
            command.item(1, argument.as_bytes());
        }
        for (name, value) in &self.environment {
            let value = match value {
                EnvValue::Unset => continue,
                EnvValue::Empty | EnvValue::Secret(_) => b"",
                EnvValue::Set(value) => &value[..],
            };
            command.message(2, &pair(name, text(value).0.as_bytes()));
        }
        command.message(5, &self.platform_message());
        command.bytes(6, self.definition.directory.as_bytes());
        for output in sorted(&self.definition.output_paths) {
            command.item(7, output.as_bytes());
        }
        command.blob_ref()
    }

    fn salt(&self) -> Message {
        let mut salt = Message::default();
        salt.integer(1, FORMAT);
        salt.bytes(2, self.definition.kind.as_bytes());
        for (name, value) in &self.definition.options {
            salt.message(3, &pair(name, value.as_bytes()));
        }
        for (name, value) in &self.environment {
            let (state, value) = match value {
                EnvValue::Unset => (0, &[][..]),
                EnvValue::Empty => (1, &[][..]),
                EnvValue::Set(value) => (2, &value[..]),
                EnvValue::Secret(digest) => (3, &digest.as_bytes()[..]),
            };
            let mut variable = pair(name, value);
            variable.integer(3, state);
            salt.message(4, &variable);
        }
        for (name, digest) in &self.tools {
            salt.message(5, &pair(name, digest.as_bytes()));
        }
        if let Some(sealed) = self.sealed {
            salt.bytes(6, sealed.as_bytes());
        }
        for output in sorted(&self.definition.outputs) {
            salt.item(7, output.as_bytes());
        }
        salt
    }

    // What Remote Execution calls the architecture.
    fn isa(&self) -> &str {
        match self.platform.arch.as_str() {
            "x86" => "x86-32",
            "x86_64" => "x86-64",
            "arm" => "arm-a32",
            "aarch64" => "arm-a64",
            other => other,
        }
    }

    fn platform_message(&self) -> Message {
        let mut platform = Message::default();
        platform.message(1, &pair("ISA", self.isa().as_bytes()));
        platform.message(1, &pair("OSFamily", self.platform.os.as_bytes()));
        platform
    }
}

fn sorted(texts: &[String]) -> Vec<&str> {
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn pair(name: &str, value: &[u8]) -> Message {
    let mut pair = Message::default();
    pair.bytes(1, name.as_bytes());
    pair.bytes(2, value);
    pair
}

#[cfg(test)]
mod tests {
    use super::{Action, BTreeMap, Definition, Digest, EnvValue, Platform, Tree};
    use crate::cache::{Input, Kind};

    fn action() -> Action {
        Action {
            definition: Definition {
                kind: "run".to_owned(),
                arguments: vec!["sh".to_owned(), "-c".to_owned(), "true".to_owned()],
                ..Definition::default()
            },
            environment: BTreeMap::from([("A".to_owned(), EnvValue::Unset)]),
            tools: BTreeMap::from([("ruby".to_owned(), Digest::of("3.4"))]),
            platform: Platform {
                os: "linux".to_owned(),
                arch: "x86_64".to_owned(),
            },
            sealed: None,
            inputs: Tree::default(),
        }
    }

    fn tree(path: &str, executable: bool) -> Tree {
        let kind = Kind::File {
            digest: Digest::of("x"),
            size: 1,
            executable,
        };
        [Input {
            path: path.as_bytes().into(),
            kind,
        }]
        .into_iter()
        .collect()
    }

    fn env(action: &mut Action, name: &str, value: EnvValue) {
        action.environment.insert(name.to_owned(), value);
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn everything_that_an_action_holds_is_in_its_key() {
        type Change = fn(&mut Action);
        let cases: [(&str, Change); 22] = [
            ("nothing", |_| {}),
            ("kind", |a| a.definition.kind.push('s')),
            ("arguments", |a| {
                a.definition.arguments = texts(&["sh -c true"]);
            }),
            ("directory", |a| a.definition.directory.push('a')),
            ("outputs", |a| a.definition.outputs = texts(&["app"])),
            ("output paths", |a| {
                a.definition.output_paths = texts(&["app"]);
            }),
            ("options", |a| {
                a.definition.options = texts(&["a"]).into_iter().zip(texts(&["b"])).collect();
            }),
            ("undeclared", |a| a.environment.clear()),
            ("empty", |a| env(a, "A", EnvValue::Empty)),
            ("set", |a| env(a, "A", EnvValue::Set(b"1".into()))),
            ("set to other bytes", |a| {
                env(a, "A", EnvValue::Set(vec![0xff]));
            }),
            ("set to what those are shown as", |a| {
                env(a, "A", EnvValue::Set(b"\\xff".into()));
            }),
            ("secret", |a| env(a, "A", EnvValue::Secret(Digest::of("1")))),
            ("another variable", |a| env(a, "B", EnvValue::Unset)),
            ("tool", |a| {
                a.tools
                    .values_mut()
                    .for_each(|tool| *tool = Digest::of("3.5"));
            }),
            ("no tool", |a| a.tools.clear()),
            ("os", |a| a.platform.os.push('s')),
            ("arch", |a| a.platform.arch.push('s')),
            ("sealed", |a| a.sealed = Some(Digest::of(""))),
            ("input", |a| a.inputs = tree("a", false)),
            ("executable", |a| a.inputs = tree("a", true)),
            ("elsewhere", |a| a.inputs = tree("a/a", false)),
        ];
        let mut seen: BTreeMap<Digest, &str> = BTreeMap::new();
        for (name, change) in cases {
            let mut action = action();
            change(&mut action);
            if let Some(other) = seen.insert(action.key(), name) {
                panic!("`{name}` has the key of `{other}`");
            }
        }
    }
}
