//! The judge itself: what it keeps in mind while it walks through a line.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use super::{Refusal, Scope, arguments::Argument, parse, places::Places};

// A line may hold loops in loops and shells in shells; these bound the work on it.
const MOST_COMMANDS: usize = 5_000;
const MOST_WORDS: usize = 10_000;
// How deep the parts of a line may lie in each other.
const DEEPEST: usize = 40;

/// Judges a shell line: returns the first reason why it may not run, or nothing if it may.
///
/// Whatever is not understood is refused. The answer does not depend on the time it takes: work is
/// bounded, and what is over the bounds is refused too.
pub fn judge(line: &str, scope: &Scope<'_>) -> Result<(), Refusal> {
    judge_aside(line, scope, false)
}

/// Returns the first write in a shell line that `scope` does not permit, as far as the line can be read:
/// whatever else would be refused plays no part.
pub fn write_against(line: &str, scope: &Scope<'_>) -> Option<Refusal> {
    let judged = judge_aside(line, scope, true);
    judged.err().filter(|refusal| refusal.written().is_some())
}

fn judge_aside(line: &str, scope: &Scope<'_>, only_writes: bool) -> Result<(), Refusal> {
    // The parser is recursive; a stack of known size keeps a hostile line from ending the process.
    let judged = thread::scope(|threads| {
        thread::Builder::new()
            .name("judge".to_owned())
            .stack_size(parse::STACK)
            .spawn_scoped(threads, || judge_here(line, scope, only_writes))
            .map(thread::ScopedJoinHandle::join)
    });
    match judged {
        Ok(Ok(judged)) => judged,
        Ok(Err(_)) | Err(_) => Err(Refusal::new(parse::excerpt(line), "could not be judged")),
    }
}

fn judge_here(line: &str, scope: &Scope<'_>, only_writes: bool) -> Result<(), Refusal> {
    let mut judge = Judge {
        scope,
        line,
        only_writes,
        moves: ["cd", "pushd", "popd"]
            .iter()
            .any(|mover| line.contains(mover)),
        functions: BTreeSet::new(),
        computed: BTreeMap::new(),
        tainted: BTreeSet::new(),
        commands: 0,
        words: 0,
    };
    judge.script(line, &Context::default(), &scope.start())?;
    judge.computed_names()
}

/// What the judge keeps in mind over a whole line.
pub(super) struct Judge<'a> {
    pub(super) scope: &'a Scope<'a>,
    /// The whole line.
    pub(super) line: &'a str,
    /// Whether a command is passed over that is refused for something else than what it writes.
    pub(super) only_writes: bool,
    /// Whether anything in the line may change the directory.
    pub(super) moves: bool,
    /// Functions that are defined for certain by now.
    pub(super) functions: BTreeSet<String>,
    /// Variables that arithmetic reads, with the place where it does.
    pub(super) computed: BTreeMap<String, String>,
    /// Variables that may hold something else than a number.
    pub(super) tainted: BTreeSet<String>,
    commands: usize,
    words: usize,
}

/// What holds for a part of a line.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    /// How deep it lies in the line.
    pub(super) depth: usize,
    /// Whether what stands here runs for certain, before all that follows.
    pub(super) certain: bool,
    /// Whether a grant of the whole covers it, so that only a `never` counts.
    pub(super) granted: bool,
    /// Whether it is the body of a function.
    pub(super) in_function: bool,
    /// Loop variables whose value is known.
    pub(super) values: BTreeMap<String, Argument>,
}

impl Context {
    /// Returns the context of what lies in `text`, a part of this.
    pub(super) fn deeper(&self, text: &str) -> Result<Self, Refusal> {
        if self.depth >= DEEPEST {
            return Err(Refusal::new(
                parse::excerpt(text),
                "is nested too deeply to be judged",
            ));
        }
        Ok(Self {
            depth: self.depth + 1,
            certain: false,
            ..self.clone()
        })
    }

    /// Returns the context of a part that may run or not.
    pub(super) fn perhaps(&self) -> Self {
        Self {
            certain: false,
            ..self.clone()
        }
    }
}

/// Where one may be after a command has succeeded, and after it has failed.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    pub(super) success: Places,
    pub(super) failure: Places,
}

impl Flow {
    /// Returns the flow of what leaves the directory as it is.
    pub(super) fn stay(places: &Places) -> Self {
        Self {
            success: places.clone(),
            failure: places.clone(),
        }
    }

    /// Returns all places where one may be.
    pub(super) fn either(self) -> Places {
        self.success.into_iter().chain(self.failure).collect()
    }

    /// Returns this flow or the other.
    pub(super) fn or(mut self, other: Self) -> Self {
        self.success.extend(other.success);
        self.failure.extend(other.failure);
        self
    }
}

impl Judge<'_> {
    /// Judges the text of a script that runs in a shell of its own.
    pub(super) fn script(
        &mut self,
        text: &str,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        let context = Context {
            certain: true,
            ..context.deeper(text)?
        };
        let program = parse::program(text)?;
        let mut flow = Flow::stay(places);
        let mut places = places.clone();
        for list in &program.complete_commands {
            flow = self.list(list, &context, &places)?;
            places = flow.clone().either();
        }
        Ok(flow)
    }

    /// Judges a script that starts with the functions known here and defines none for what follows.
    pub(super) fn subshell(
        &mut self,
        text: &str,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let functions = self.functions.clone();
        let judged = self.script(text, context, places);
        self.functions = functions;
        judged.map(|_| ())
    }

    /// Judges a script for a new shell, which knows no functions and no variables of this one.
    pub(super) fn new_shell(
        &mut self,
        text: &str,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let functions = std::mem::take(&mut self.functions);
        let context = Context {
            values: BTreeMap::new(),
            in_function: false,
            ..context.clone()
        };
        let judged = self.script(text, &context, places);
        self.functions = functions;
        judged.map(|_| ())
    }

    /// Counts a command of so many words, so that no line takes for ever.
    pub(super) fn count(&mut self, words: usize) -> Result<(), Refusal> {
        self.commands += 1;
        self.words += words;
        if self.commands > MOST_COMMANDS || self.words > MOST_WORDS {
            return Err(Refusal::new(
                parse::excerpt(self.line),
                "has too many commands to be judged",
            ));
        }
        Ok(())
    }

    // Arithmetic runs the commands in what a variable holds: `a[$(rm x)]`.
    fn computed_names(&self) -> Result<(), Refusal> {
        match self
            .computed
            .iter()
            .find(|(name, _)| self.tainted.contains(*name))
        {
            Some((name, shown)) => {
                let reason = format!(
                    "does arithmetic with `{name}`, which might not be a number; \
                     compare numbers with `[ \"${name}\" -gt 0 ]`"
                );
                Err(Refusal::new(shown, reason))
            }
            None => Ok(()),
        }
    }
}
