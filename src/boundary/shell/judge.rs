//! The judge itself: what it keeps in mind while it walks through a line.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    thread,
};

use super::{
    Refusal, Scope,
    arguments::{Argument, Piece},
    changes::Change,
    environment, parse,
    places::{Ground, Memory, Places},
};

// A line may hold loops in loops and shells in shells; these bound the work on it.
const MOST_COMMANDS: usize = 5_000;
const MOST_WORDS: usize = 10_000;
// How deep the parts of a line may lie in each other.
const DEEPEST: usize = 40;
// How often a line is read again because a later part says something of an earlier one.
const MOST_ROUNDS: usize = 12;

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
    if parse::is_flat(line) {
        return judge_here(line, scope, only_writes);
    }
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
    let memory = Memory::default();
    let mut facts = Facts::default();
    // What a function, a loop, or the background does may come before what stands before it. So a line is
    // read with nothing of the kind in mind, and once more with all that was found, until nothing is new.
    for _ in 0..MOST_ROUNDS {
        let found = one_round(line, scope, only_writes, &memory, &facts)?;
        if found == facts {
            return Ok(());
        }
        facts = found;
    }
    let reason = "is too entangled to be judged; write it as several lines";
    Err(Refusal::new(parse::excerpt(line), reason))
}

// Returns what was known before, and what is found out.
fn one_round(
    line: &str,
    scope: &Scope<'_>,
    only_writes: bool,
    memory: &Memory,
    facts: &Facts,
) -> Result<Facts, Refusal> {
    let mut judge = Judge {
        scope,
        ground: Ground::new(scope, memory, facts),
        line,
        only_writes,
        known: facts,
        found: facts.clone(),
        functions: BTreeSet::new(),
        movers: BTreeSet::new(),
        defined: BTreeSet::new(),
        looped: Vec::new(),
        set_for_certain: BTreeSet::new(),
        assignments: BTreeSet::new(),
        computed: BTreeMap::new(),
        commands: 0,
        words: 0,
    };
    judge.script(line, &Context::default(), &scope.start())?;
    judge.computed_names()?;
    Ok(judge.found)
}

/// What only the whole line says, and what may hold before the place where it says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether the directory changes.
    pub(super) moves: bool,
    /// Loop variables that something else may set while the loop runs.
    pub(super) doubted: BTreeSet<String>,
    /// What variables hold that are set.
    pub(super) classes: BTreeMap<String, Class>,
    /// Variables that hold lists.
    pub(super) arrays: BTreeSet<String>,
    /// Names that are unset.
    pub(super) unset: BTreeSet<String>,
    /// Absolute paths that are written, and how.
    pub(super) written: BTreeMap<String, Change>,
    /// Absolute paths at which a link may come to lie, and what puts it there.
    pub(super) links: BTreeMap<String, Maker>,
    /// Whether a command runs that may write whatever it likes.
    pub(super) opaque: bool,
    /// What git may come to track.
    pub(super) indexed: Indexed,
}

/// What git may come to track that it does not track yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Indexed {
    /// Nothing but what is judged for itself.
    #[default]
    Nothing,
    /// Whatever no ignore file names.
    Addable,
    /// Anything.
    Anything,
}

impl Facts {
    /// Takes down that a link may come to lie at an absolute path.
    pub(super) fn linked(&mut self, path: String, maker: Maker) {
        let known = self.links.entry(path).or_insert(maker);
        if *known != maker {
            *known = Maker::Several;
        }
    }
}

/// What puts a link where none was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// This command of the line, which runs once, in this pipeline.
    One {
        /// Its number.
        command: usize,
        /// The number of the pipeline.
        pipeline: Option<usize>,
    },
    /// Several commands, or one that may run several times.
    Several,
}

/// What a variable may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A decimal number.
    Number,
    /// A decimal number or nothing.
    Count,
    /// The name of a commit or nothing.
    Revision,
    /// Anything.
    Any,
}

impl Class {
    fn of(value: Option<&Argument>) -> Self {
        let Some(value) = value else {
            return Self::Any;
        };
        match value.pieces.as_slice() {
            _ if value.literal().is_some() && value.is_number() => Self::Number,
            [Piece::Number { splits: false }] => Self::Number,
            [Piece::Number { .. }] => Self::Count,
            [Piece::Revision { .. }] => Self::Revision,
            [Piece::Text(text), Piece::Number { .. }] if text.is_empty() => Self::Count,
            [Piece::Text(text), Piece::Revision { .. }] if text.is_empty() => Self::Revision,
            _ => Self::Any,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, two) if one == two => one,
            (Self::Number, Self::Count) | (Self::Count, Self::Number) => Self::Count,
            (_, _) => Self::Any,
        }
    }
}

/// What the judge keeps in mind over a whole line.
pub(super) struct Judge<'a> {
    pub(super) scope: &'a Scope<'a>,
    /// Where paths lead.
    pub(super) ground: Ground<'a>,
    /// The whole line.
    pub(super) line: &'a str,
    /// Whether a command is passed over that is refused for something else than what it writes.
    pub(super) only_writes: bool,
    /// What was found in the line when it was read before.
    pub(super) known: &'a Facts,
    /// What is found in it now.
    pub(super) found: Facts,
    /// Functions that are defined for certain by now.
    pub(super) functions: BTreeSet<String>,
    /// Of these, those that leave the shell in another directory.
    pub(super) movers: BTreeSet<String>,
    /// All functions that are defined somewhere.
    pub(super) defined: BTreeSet<String>,
    /// Variables of the loops around.
    pub(super) looped: Vec<String>,
    /// Variables that are set for certain by now.
    pub(super) set_for_certain: BTreeSet<String>,
    /// Arguments of the builtin that is called, which the parser has told to be assignments.
    pub(super) assignments: BTreeSet<String>,
    /// Variables that arithmetic reads, with the place where it does.
    pub(super) computed: BTreeMap<String, String>,
    commands: usize,
    words: usize,
}

/// What of a line may run while a part of it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Beside {
    /// Nothing.
    #[default]
    Nothing,
    /// The commands of the pipeline with this number, for which the shell waits.
    Pipeline(usize),
    /// All that stands behind it.
    All,
}

impl Beside {
    /// Returns the number of the pipeline around.
    pub(super) const fn pipeline(self) -> Option<usize> {
        match self {
            Self::Pipeline(pipeline) => Some(pipeline),
            Self::Nothing | Self::All => None,
        }
    }
}

/// What holds for a part of a line.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each holds for a part of a line, whatever the others say"
)]
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    /// How deep it lies in the line.
    pub(super) depth: usize,
    /// Whether what stands here runs for certain, before all that follows.
    pub(super) certain: bool,
    /// Whether a grant of the whole covers it, so that only a `never` counts.
    pub(super) granted: bool,
    /// Whether it is the body of a function, or runs when nobody knows.
    pub(super) in_function: bool,
    /// Whether it may run several times.
    pub(super) repeats: bool,
    /// What else of the line may run while it does.
    pub(super) beside: Beside,
    /// Whether it is read by a shell that knows no more than POSIX says.
    pub(super) posix: bool,
    /// Whether it is arithmetic to one shell, and commands to another.
    pub(super) arithmetic: bool,
    /// The script that it is part of.
    pub(super) script: Rc<str>,
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

    /// Returns the context of a part that may run several times.
    pub(super) fn repeated(&self) -> Self {
        Self {
            repeats: true,
            ..self.clone()
        }
    }

    /// Returns the context of a part that runs while others do.
    pub(super) fn beside(&self, others: Beside) -> Self {
        Self {
            certain: false,
            beside: self.beside.max(others),
            ..self.clone()
        }
    }

    /// Returns whether it runs once, behind what stands before it and before what stands behind it, but for
    /// the commands of its pipeline.
    fn is_in_order(&self) -> bool {
        !(self.repeats || self.in_function || self.beside == Beside::All)
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
        self.count_text(text)?;
        let context = Context {
            certain: true,
            script: text.into(),
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

    /// Judges what runs in a shell that starts as this one is, and leaves it as it was.
    pub(super) fn apart<T>(&mut self, judged: impl FnOnce(&mut Self) -> T) -> T {
        let functions = self.functions.clone();
        let movers = self.movers.clone();
        let set = self.set_for_certain.clone();
        let judged = judged(self);
        self.functions = functions;
        self.movers = movers;
        self.set_for_certain = set;
        judged
    }

    /// Judges a script that starts with the functions known here and defines none for what follows;
    /// returns where it may end.
    pub(super) fn subshell(
        &mut self,
        text: &str,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        self.apart(|judge| judge.script(text, context, places))
    }

    /// Judges a script for a new shell, which knows no functions and no variables of this one.
    pub(super) fn new_shell(
        &mut self,
        text: &str,
        posix: bool,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let context = Context {
            values: BTreeMap::new(),
            in_function: false,
            repeats: context.repeats || context.in_function,
            posix: posix || context.posix,
            ..context.clone()
        };
        let defined = std::mem::take(&mut self.defined);
        let looped = std::mem::take(&mut self.looped);
        let judged = self.apart(|judge| {
            judge.functions.clear();
            judge.movers.clear();
            judge.set_for_certain.clear();
            judge.script(text, &context, places)
        });
        self.defined = defined;
        self.looped = looped;
        judged.map(|_| ())
    }

    /// Counts a command of so many words, so that no line takes for ever.
    pub(super) fn count(&mut self, words: usize) -> Result<(), Refusal> {
        self.commands += 1;
        self.words += words;
        if self.commands > MOST_COMMANDS || self.words > MOST_WORDS {
            return Err(self.too_much());
        }
        Ok(())
    }

    /// Takes down which commands may have run when a part of the line does.
    pub(super) fn reach(&mut self, context: &Context) {
        self.ground.behind = context.is_in_order().then_some(self.commands);
        self.ground.pipeline = context.beside.pipeline();
    }

    /// Returns the number of the command that is judged.
    pub(super) const fn commands(&self) -> usize {
        self.commands
    }

    /// Counts text that is read once more.
    pub(super) fn count_text(&mut self, text: &str) -> Result<(), Refusal> {
        let work = self.ground.work();
        work.spend(text.len() * 4).map_err(|_| self.too_much())
    }

    fn too_much(&self) -> Refusal {
        Refusal::new(
            parse::excerpt(self.line),
            "has too many commands to be judged",
        )
    }

    /// Returns what a variable holds for certain at this place.
    pub(super) fn class(&self, name: &str) -> Class {
        if !self.set_for_certain.contains(name) {
            return Class::Any;
        }
        let of = |facts: &Facts| facts.classes.get(name).copied();
        of(&self.found)
            .or_else(|| of(self.known))
            .unwrap_or(Class::Any)
    }

    /// Takes down that a variable gets a value, or loses it.
    pub(super) fn set(&mut self, name: &str, value: Option<&Argument>, context: &Context) {
        let class = Class::of(value);
        let before = self.found.classes.get(name).copied();
        let class = before.map_or(class, |before| before.or(class));
        self.found.classes.insert(name.to_owned(), class);
        if context.certain && !context.in_function {
            self.set_for_certain.insert(name.to_owned());
        }
        if context.in_function || self.looped.iter().any(|looped| looped == name) {
            self.found.doubted.insert(name.to_owned());
        }
    }

    // Arithmetic runs the commands in what a variable holds: `a[$(rm x)]`.
    fn computed_names(&self) -> Result<(), Refusal> {
        let text = |name: &str| match self.found.classes.get(name) {
            Some(Class::Number | Class::Count) => false,
            Some(Class::Revision | Class::Any) => true,
            None => environment::holds_text(name),
        };
        match self.computed.iter().find(|(name, _)| text(name)) {
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
