//! One simple command: its assignments, its redirections, its words, and the grants they need.

use std::collections::BTreeSet;

use brush_parser::ast;

use super::{
    Obstacle, Refusal, SYSTEM_DIRECTORIES,
    arguments::{self, Argument, Piece},
    builtins,
    carried::{self, Reads},
    changes::Change,
    effects, environment,
    judge::{Beside, Context, Flow, Judge, Maker},
    parse,
    places::{Ground, Place, Places, absolute},
    walk::{Input, is_number},
    wrappers,
};
use crate::boundary::{Capability, Decision, automata, command::quote, programs};

/// How a command is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// By the shell, which looks for functions and builtins first.
    Shell,
    /// By the shell, past its functions.
    PastFunctions,
    /// By a program.
    Program,
}

/// Refuses what bash reads as one command with its output redirected, and other shells as one that runs in
/// the background and another behind it.
pub(super) fn two_readings() -> Refusal {
    Refusal::new(
        "&>",
        "means something else to another shell here; write `>file 2>&1`",
    )
}

impl Judge<'_> {
    /// Judges a simple command of the line.
    pub(super) fn simple(
        &mut self,
        command: &ast::SimpleCommand,
        mut input: Input,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        let mut plain = true;
        let mut assigned = Vec::new();
        for item in command.prefix.iter().flat_map(|prefix| &prefix.0) {
            plain = false;
            match item {
                ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                    input = later(input, self.redirect(redirect, context, places)?);
                }
                ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => {
                    let value = self.assignment(assignment, context, places)?;
                    assigned.push((name_of(assignment), value));
                }
                ast::CommandPrefixOrSuffixItem::Word(word) => {
                    return Err(Refusal::new(
                        &word.value,
                        "stands where no word is expected",
                    ));
                }
                ast::CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                    self.list(&subshell.list, &context.beside(Beside::All), places)?;
                    return Err(Refusal::new("<(", "stands where a command is expected"));
                }
            }
        }
        let mut both = false;
        let mut assignments = BTreeSet::new();
        let mut words = Vec::new();
        if let Some(program) = &command.word_or_name {
            words.extend(self.words(&program.value, context, places)?);
        }
        let declares = words
            .first()
            .is_some_and(|word| word.literal().is_some_and(|name| builtins::declares(&name)));
        let mut last = command
            .word_or_name
            .as_ref()
            .map(|word| word.value.as_str());
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            if both && !matches!(item, ast::CommandPrefixOrSuffixItem::IoRedirect(_)) {
                return Err(two_readings());
            }
            match item {
                ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                    plain = false;
                    if let Some(name) = last.and_then(descriptor) {
                        self.assigned(name, None, context)?;
                    }
                    both |= matches!(redirect, ast::IoRedirect::OutputAndError(..));
                    input = later(input, self.redirect(redirect, context, places)?);
                }
                ast::CommandPrefixOrSuffixItem::Word(word) => {
                    words.extend(self.words(&word.value, context, places)?);
                }
                ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, word) => {
                    if declares {
                        let value = self.assignment(assignment, context, places)?;
                        if context.posix && value.as_ref().is_some_and(Argument::splits) {
                            let reason =
                                "becomes several words in this shell; put it in double quotes";
                            return Err(Refusal::new(&word.value, reason));
                        }
                        let name = name_of(assignment);
                        self.assigned(&name, value.as_ref(), context)?;
                        let mut word_of_it = value
                            .unwrap_or_else(|| Argument::unknown("", false))
                            .behind(&format!("{name}="));
                        word_of_it.shown.clone_from(&word.value);
                        assignments.insert(word.value.clone());
                        words.push(word_of_it);
                    } else {
                        words.extend(self.words(&word.value, context, places)?);
                    }
                }
                ast::CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                    self.list(&subshell.list, &context.beside(Beside::All), places)?;
                    words.push(Argument::text("/dev/fd/63"));
                }
            }
            last = match item {
                ast::CommandPrefixOrSuffixItem::Word(word) => Some(&word.value),
                _ => None,
            };
        }
        if both && self.may_change_the_shell(&words) {
            return Err(two_readings());
        }
        if words.is_empty() {
            for (name, value) in assigned {
                self.assigned(&name, value.as_ref(), context)?;
            }
            return Ok(Flow::stay(places));
        }
        self.assignments = assignments;
        let flow = self.call(&words, Call::Shell, &input, context, places)?;
        let reads = words.first().is_some_and(|word| word.is("read"));
        for (name, value) in assigned {
            // `IFS= read` says how one line is split, and nothing else.
            if name != "IFS" || !reads {
                self.given(&name, value.as_ref(), &context.perhaps())?;
            }
        }
        // Only a plain `exit` ends the line for certain.
        if plain && Self::is_exit(&words) {
            return Ok(Flow::default());
        }
        Ok(flow)
    }

    fn may_change_the_shell(&self, words: &[Argument]) -> bool {
        let name = words.first().and_then(Argument::literal);
        name.is_none_or(|name| {
            self.functions.contains(&*name) || builtins::changes_the_shell(&name)
        })
    }

    fn is_exit(words: &[Argument]) -> bool {
        let status = match words {
            [_] => true,
            [_, status] => status.literal().is_some_and(|status| is_number(&status)),
            _ => false,
        };
        status && words.first().is_some_and(|word| word.is("exit"))
    }

    // Judges the value and returns it; nothing for a list of them.
    fn assignment(
        &mut self,
        assignment: &ast::Assignment,
        context: &Context,
        places: &Places,
    ) -> Result<Option<Argument>, Refusal> {
        if let ast::AssignmentName::ArrayElementName(_, index) = &assignment.name {
            self.found.arrays.insert(name_of(assignment));
            self.arithmetic(index, context, places)?;
        }
        match &assignment.value {
            ast::AssignmentValue::Scalar(word) => {
                let value = self.word(&word.value, context, places)?;
                // To add to a number may be to write behind it.
                let whole = matches!(assignment.name, ast::AssignmentName::VariableName(_));
                Ok(Some(value).filter(|value| whole && !(assignment.append && value.is_number())))
            }
            ast::AssignmentValue::Array(items) => {
                self.found.arrays.insert(name_of(assignment));
                for (key, value) in items {
                    if let Some(key) = key {
                        self.arithmetic(&key.value, context, places)?;
                    }
                    self.word(&value.value, context, places)?;
                }
                Ok(None)
            }
        }
    }

    /// Judges that a variable of the shell gets a value, or loses it: that is no value that is known.
    pub(super) fn assigned(
        &mut self,
        name: &str,
        value: Option<&Argument>,
        context: &Context,
    ) -> Result<(), Refusal> {
        self.settable(name, value, context)?;
        if self.scope.tree.exports(name) || environment::may_be_exported(name) {
            return self.exported(name).map_err(|refusal| Refusal {
                reason: "is set, and may be given to commands, which this role may not do; \
                         a name in small letters is the shell's alone"
                    .to_owned(),
                ..refusal
            });
        }
        Ok(())
    }

    /// Judges that a variable gets a value, or loses it, and is given to commands.
    pub(super) fn given(
        &mut self,
        name: &str,
        value: Option<&Argument>,
        context: &Context,
    ) -> Result<(), Refusal> {
        self.settable(name, value, context)?;
        self.exported(name)
    }

    // Judges that a variable may get that value at all.
    fn settable(
        &mut self,
        name: &str,
        value: Option<&Argument>,
        context: &Context,
    ) -> Result<(), Refusal> {
        self.set(name, value, context);
        if let Some(never) = self.scope.env.never.iter().find(|entry| entry.takes(name)) {
            let reason = format!(
                "is set, which `never env {:?}` forbids",
                never.pattern.as_str()
            );
            return Err(Refusal::new(name, reason).taken(Capability::Env, name));
        }
        if environment::is_search_path(name) {
            return self.search_path(name, value);
        }
        if environment::is_denied(name) {
            let reason =
                "is set, which changes what later commands are or do; no grant allows that";
            return Err(Refusal::new(name, reason));
        }
        Ok(())
    }

    // Programs take code from these directories: a role may name those that it can't write.
    fn search_path(&self, name: &str, value: Option<&Argument>) -> Result<(), Refusal> {
        let root = Places::from([Place::At(absolute("", self.scope.root))]);
        let out_of_reach = |directory: &str| {
            let mut named = Ground::absolutes(directory, &root).into_iter().flatten();
            !directory.is_empty() && named.all(|path| self.ground.is_out_of_reach(&path))
        };
        let text = value.and_then(Argument::literal);
        let plain = text.is_some_and(|text| text.split(':').all(out_of_reach));
        if plain {
            return self.exported(name);
        }
        let reason = "is set, and programs take code from where it leads; only directories of the project \
                      that this role may not write can be named in it";
        Err(Refusal::new(name, reason))
    }

    /// Judges that a variable is given to commands.
    pub(super) fn exported(&self, name: &str) -> Result<(), Refusal> {
        if self.scope.env.permits(name) {
            return Ok(());
        }
        Err(
            Refusal::new(name, "is set for a command, which this role may not do")
                .granted_by(Capability::Env, name),
        )
    }

    /// Judges a command by its words.
    pub(super) fn call(
        &mut self,
        words: &[Argument],
        call: Call,
        input: &Input,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        self.count(words.len())?;
        self.reach(context);
        let context = context.deeper(self.line)?;
        let Some((program, rest)) = words.split_first() else {
            return Ok(Flow::stay(places));
        };
        if context.arithmetic && is_no_program(program) {
            return Ok(Flow::stay(places));
        }
        let Some(name) = program.literal().filter(|name| !name.is_empty()) else {
            let reason = "names a command that is not known before it runs; write its name out";
            return Err(Refusal::new(&program.shown, reason));
        };
        if program.is_odd() {
            let reason = "names another command to another shell; write it in plain quotes";
            return Err(Refusal::new(&program.shown, reason));
        }
        let shown = arguments::shown(words);
        self.not_taken(words)?;
        let plain = Self::plain(&name, rest);
        if let Some(plain) = &plain {
            self.not_taken(plain)?;
        }
        if call == Call::Shell && self.functions.contains(&name) {
            return Ok(if self.movers.contains(&name) {
                let anywhere = places.iter().cloned().chain([Place::Unknown]);
                Flow::stay(&anywhere.collect())
            } else {
                Flow::stay(places)
            });
        }
        if call != Call::Program
            && let Some(flow) = self.builtin(&name, rest, words, input, &context, places)?
        {
            return Ok(flow);
        }
        if let Some(wrapped) = wrappers::unwrap(&name, rest)
            .map_err(|reason| Refusal::new(arguments::shown(words), reason))?
        {
            // One that lies in the project is a program of its own, whatever it is called.
            if !is_of_the_system(&name) && !context.granted {
                self.granted(words, places)?;
            }
            self.wrapped(&wrapped, words, input, &context, places)?;
            return Ok(Flow::stay(places));
        }
        for words in [Some(words), plain.as_deref()].into_iter().flatten() {
            let from_there = self.as_from_there(words, places);
            if let Some(from_there) = &from_there {
                self.not_taken(from_there)?;
            }
            if context.granted || self.granted(words, places).is_ok() {
                continue;
            }
            let words = from_there.as_deref().unwrap_or(words);
            self.granted(words, places).map_err(|refusal| Refusal {
                part: shown.clone(),
                ..refusal
            })?;
        }
        self.carried(&name, rest, input, &context, places)?;
        self.effects(&name, rest, words, &context, places)?;
        Ok(Flow::stay(places))
    }

    // The command as one would call it from where it goes first, if that is in the project.
    fn as_from_there(&self, words: &[Argument], places: &Places) -> Option<Vec<Argument>> {
        let (program, rest) = words.split_first()?;
        let (rest, directory) = effects::as_from_there(&program.literal()?, rest)?;
        let there = self.ground.moved(&directory, true, places);
        let within = there.iter().all(|place| self.ground.is_within(place));
        within.then(|| [vec![program.clone()], rest].concat())
    }

    // The command with its options in the one plain way, if they are known and not in it already.
    fn plain(name: &str, rest: &[Argument]) -> Option<Vec<Argument>> {
        let plain = effects::plain(programs::base_name(name), rest)?;
        let same = plain.len() == rest.len()
            && plain
                .iter()
                .zip(rest)
                .all(|(one, other)| one.pieces == other.pieces);
        (!same).then(|| [vec![Argument::text(name)], plain].concat())
    }

    /// Judges that no `never` takes the command away, whatever its words become.
    pub(super) fn not_taken(&self, words: &[Argument]) -> Result<(), Refusal> {
        let never = &self.scope.run.never;
        let taken = match literals(words) {
            Some(words) => never.taker(&words),
            None => automata::first_taken(&arguments::machine(words), never, self.ground.work())
                .map_err(|error| Refusal::new(arguments::shown(words), error.to_string()))?,
        };
        let Some(never) = taken.and_then(|index| never.get(index)) else {
            return Ok(());
        };
        let reason = format!(
            "is a command that `never run {:?}` forbids",
            never.pattern.as_str()
        );
        let shown = arguments::shown(words);
        Err(Refusal::new(&shown, reason).taken(Capability::Run, shown))
    }

    /// Judges that a grant gives the command, whatever its words become, wherever it runs.
    pub(super) fn granted(&self, words: &[Argument], places: &Places) -> Result<(), Refusal> {
        let name = words
            .first()
            .and_then(Argument::literal)
            .unwrap_or_default();
        if !name.contains('/') {
            return self.granted_as(words, words);
        }
        // A grant names a program of the project from the root, wherever the line goes.
        let root = absolute("", self.scope.root);
        let mut from_here = Vec::new();
        for path in Ground::absolutes(&name, places) {
            let Some(path) = path else {
                let reason = "is a program in a directory that is not known before it runs";
                return Err(Refusal::new(arguments::shown(words), reason));
            };
            let inside = path
                .strip_prefix(&root)
                .and_then(|rest| rest.strip_prefix('/'));
            let name = inside.map_or(path.clone(), ToOwned::to_owned);
            from_here.push((name, inside.is_none()));
        }
        for (path, outside) in from_here {
            let mut resolved = words.to_vec();
            if let Some(program) = resolved.first_mut() {
                *program = Argument::text(path);
            }
            let at_root = places.iter().all(|place| *place == Place::At(root.clone()));
            let as_written = (at_root || outside) && self.granted_as(words, words).is_ok();
            if !as_written {
                self.granted_as(&resolved, words)?;
            }
        }
        Ok(())
    }

    fn granted_as(&self, words: &[Argument], written: &[Argument]) -> Result<(), Refusal> {
        let run = self.scope.run;
        let shown = arguments::shown(written);
        let Some(literals) = literals(words) else {
            let given =
                automata::all_permitted(&arguments::machine(words), run, self.ground.work())
                    .map_err(|error| Refusal::new(&shown, error.to_string()))?;
            if given {
                return Ok(());
            }
            let known: Vec<String> = words.iter().map_while(Argument::literal).collect();
            let reason = "is a command that this role may not run with whatever its words become";
            let grant = suggestion(&known, false);
            return Err(Refusal::new(shown, reason).granted_by(Capability::Run, grant));
        };
        let refusal = match run.decide(&literals) {
            Decision::Permitted { .. } => return Ok(()),
            Decision::Taken { .. } => return self.not_taken(words),
            Decision::Narrowed => Refusal::new(
                shown,
                "is a command that this step leaves out, although the role may run it",
            )
            .by(Obstacle::Narrowed),
            Decision::NotGranted => Refusal::new(shown, "is a command that this role may not run")
                .granted_by(Capability::Run, suggestion(&literals, true)),
        };
        Err(refusal)
    }

    fn wrapped(
        &mut self,
        wrapped: &wrappers::Wrapped,
        words: &[Argument],
        input: &Input,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        // Some run their command many times.
        let mut inner = context.repeated();
        let whole = self.granted(words, places);
        inner.granted |= whole.is_ok();
        if wrapped.needs_grant && !context.granted {
            whole?;
        }
        for (argument, change) in &wrapped.changes {
            self.change(argument, *change, places)?;
        }
        for command in &wrapped.commands {
            let filled = Self::filled(command, wrapped, input);
            self.call(
                filled.as_deref().unwrap_or(command),
                Call::Program,
                input,
                &inner,
                places,
            )?;
        }
        for script in &wrapped.scripts {
            let Some(text) = script.literal().filter(|_| !script.is_odd()) else {
                let reason = "is a script that is not known before it runs; write it out";
                return Err(Refusal::new(&script.shown, reason));
            };
            self.new_shell(&text, wrapped.posix, &inner, places)?;
        }
        if wrapped.reads_script {
            self.piped_script(words, wrapped.posix, input, &inner, places)?;
        }
        for name in &wrapped.sets {
            self.given(&name.0, name.1.as_ref(), &context.perhaps())?;
        }
        Ok(())
    }

    // Judges what a program that is granted runs besides, as its words say: only a `never` counts.
    fn carried(
        &mut self,
        name: &str,
        rest: &[Argument],
        input: &Input,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let carried = carried::carried(programs::base_name(name), rest);
        let mut inner = context.repeated();
        inner.granted = true;
        for script in &carried.scripts {
            let Some(text) = script.literal().filter(|_| !script.is_odd()) else {
                let reason = "is a command that is not known before it runs; write it out";
                return Err(Refusal::new(&script.shown, reason));
            };
            self.new_shell(&text, true, &inner, places)?;
        }
        for command in &carried.commands {
            self.not_taken(command)?;
        }
        let line = Argument::text(self.line);
        let read = match (input, carried.reads) {
            (_, Reads::Nothing) => None,
            (Input::Text(text), _) => Some(text),
            // What is piped in may be what the line prints.
            (Input::Printed(_) | Input::Elsewhere, Reads::Code) => Some(&line),
            (Input::Printed(_) | Input::Elsewhere, Reads::Input) => None,
        };
        for code in carried.code.iter().chain(read) {
            if let Some(text) = code.literal() {
                self.code(&text, &code.shown, places)?;
            }
        }
        Ok(())
    }

    // Code of another language says what it runs in ways of its own: what it spells out must not be denied.
    fn code(&self, text: &str, shown: &str, places: &Places) -> Result<(), Refusal> {
        let work = self.ground.work().spend(text.len());
        work.map_err(|_| Refusal::new(parse::excerpt(shown), "is too long to be judged"))?;
        let words: Vec<&str> = carried::words(text).collect();
        let spells = |command: &[String]| {
            let same = |(word, own): (&&str, &String)| {
                programs::base_name(word).eq_ignore_ascii_case(programs::base_name(own))
            };
            !command.is_empty()
                && words
                    .windows(command.len())
                    .any(|window| window.iter().zip(command).all(same))
        };
        let never = self.scope.run.never.iter();
        let mut never = never.filter(|never| spells(never.pattern.literal_words()));
        if let Some(never) = never.next() {
            let pattern = never.pattern.as_str();
            let reason = format!("is code that spells out what `never run {pattern:?}` forbids");
            let shown = parse::excerpt(shown);
            return Err(Refusal::new(&shown, reason).taken(Capability::Run, pattern));
        }
        for word in words {
            self.ground.mention(word, &parse::excerpt(shown), places)?;
        }
        Ok(())
    }

    // The command with the paths in it that it gets from its input, where they are known.
    fn filled(
        command: &[Argument],
        wrapped: &wrappers::Wrapped,
        input: &Input,
    ) -> Option<Vec<Argument>> {
        let Input::Printed(output) = input else {
            return None;
        };
        let found = output.words(wrapped.zero?)?;
        // Each command gets one of them, or many.
        let (last, before) = command.split_last()?;
        let appended = last.pieces == [Piece::Unknown { splits: true }];
        appended.then(|| {
            let paths = Argument {
                shown: last.shown.clone(),
                pieces: vec![Piece::Found(found)],
            };
            before.iter().cloned().chain([paths]).collect()
        })
    }

    fn piped_script(
        &mut self,
        words: &[Argument],
        posix: bool,
        input: &Input,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let Input::Text(text) = input else {
            let reason = "reads a script that the line does not show; write it after `-c`";
            return Err(Refusal::new(arguments::shown(words), reason));
        };
        let Some(text) = text.literal().filter(|_| !text.is_odd()) else {
            let reason = "reads a script that is not known before it runs; quote the end mark of the \
                          here-document";
            return Err(Refusal::new(arguments::shown(words), reason));
        };
        self.new_shell(&text, posix, context, places)
    }

    fn effects(
        &mut self,
        name: &str,
        rest: &[Argument],
        words: &[Argument],
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let refuse = |reason: String| Refusal::new(arguments::shown(words), reason);
        let name = programs::base_name(name);
        let rest = self.ground.written_out(rest, places).map_err(refuse)?;
        self.ground.now = Some(self.commands());
        let effects = effects::effects(name, &rest, &self.ground, places).map_err(refuse)?;
        self.ground.now = None;
        let places = &match &effects.directory {
            Some(directory) => self.ground.moved(directory, true, places),
            None => places.clone(),
        };
        if effects.repository
            && let Some(other) = self.ground.other_repository(places)
        {
            let reason = format!(
                "would run git in {other}, which may hold a repository that is not the project's"
            );
            return Err(Refusal::new(arguments::shown(words), reason));
        }
        self.found.opaque |= effects.opaque;
        self.found.indexed = self.found.indexed.max(effects.indexes);
        for link in &effects.links {
            let named = link.literal().map(|path| Ground::absolutes(&path, places));
            // One that runs beside others comes when it comes, but once.
            let maker = if context.repeats || context.in_function {
                Maker::Several
            } else {
                Maker::One {
                    command: self.commands(),
                    pipeline: context.beside.pipeline(),
                }
            };
            match named {
                Some(paths) => {
                    for path in paths {
                        let path = path.unwrap_or_else(|| self.ground.root());
                        self.found.linked(path, maker);
                    }
                }
                None => self.found.linked(self.ground.root(), maker),
            }
        }
        self.ground.now = Some(self.commands());
        for (argument, change) in &effects.changes {
            self.change(argument, *change, places)?;
        }
        for (argument, look) in &effects.looks {
            self.ground.look(argument, look, places)?;
        }
        self.ground.now = None;
        for argument in &effects.mentions {
            if let Some(text) = argument.literal() {
                for path in carried::paths(&text) {
                    let work = self.ground.work().spend(path.len());
                    work.map_err(|_| refuse("has too much to be judged".to_owned()))?;
                    self.ground.mention(path, &argument.shown, places)?;
                }
            }
        }
        for argument in &effects.history {
            if let Some(text) = argument.literal() {
                self.ground.mention_in_history(&text, &argument.shown)?;
            }
        }
        let context = &context.repeated();
        for command in &effects.commands {
            self.call(command, Call::Program, &Input::Elsewhere, context, places)?;
        }
        let anywhere = Places::from([Place::Unknown]);
        for command in &effects.elsewhere {
            self.call(
                command,
                Call::Program,
                &Input::Elsewhere,
                context,
                &anywhere,
            )?;
        }
        Ok(())
    }

    /// Judges a change of the path that `argument` names, and takes it down.
    pub(super) fn change(
        &mut self,
        argument: &Argument,
        change: Change,
        places: &Places,
    ) -> Result<(), Refusal> {
        self.ground.change(argument, change, places)?;
        let named = argument
            .literal()
            .map(|path| Ground::absolutes(&path, places));
        for path in named.into_iter().flatten().flatten() {
            let written = self.found.written.entry(path).or_insert(change);
            *written = (*written).max(change);
        }
        Ok(())
    }
}

// What no program is called: a number, a letter, or a name with an operator of arithmetic in it.
fn is_no_program(word: &Argument) -> bool {
    let Some(name) = word.literal() else {
        return word.is_number();
    };
    let letters = name.chars().count();
    let operator = |c: char| "+-*/%=!~^&|,?:".contains(c);
    letters == 1
        || is_number(&name)
        || name.contains(operator) && !name.contains('/') && !name.starts_with('-')
}

// Whether a program is one of the system's: looked up on the path, or from a directory of the system.
fn is_of_the_system(name: &str) -> bool {
    !name.contains('/')
        || SYSTEM_DIRECTORIES.iter().any(|system| {
            let inner = name
                .strip_prefix(system)
                .and_then(|rest| rest.strip_prefix('/'));
            inner.is_some_and(|inner| !inner.split('/').any(|part| part == ".."))
        })
}

// The variable that gets the number of a descriptor: `{name}>file`.
fn descriptor(word: &str) -> Option<&str> {
    let name = word.strip_prefix('{')?.strip_suffix('}')?;
    let name = name.split('[').next()?;
    environment::is_name(name).then_some(name)
}

fn later(before: Input, after: Input) -> Input {
    match after {
        Input::Elsewhere => before,
        Input::Text(_) | Input::Printed(_) => after,
    }
}

fn name_of(assignment: &ast::Assignment) -> String {
    match &assignment.name {
        ast::AssignmentName::VariableName(name)
        | ast::AssignmentName::ArrayElementName(name, _) => name.clone(),
    }
}

fn literals(words: &[Argument]) -> Option<Vec<String>> {
    words.iter().map(Argument::literal).collect()
}

// The pattern that one would grant to allow a command like this; `whole` if all its words are known.
fn suggestion(words: &[String], whole: bool) -> String {
    const WITH_SUBCOMMANDS: &[&str] = &[
        "bundle", "cargo", "docker", "gh", "git", "go", "kamal", "make", "mix", "npm", "npx",
        "pnpm", "rails", "rake", "uv", "yarn",
    ];
    // What these run is in the words behind them.
    const INTERPRETERS: &[&str] = &[
        "awk",
        "bun",
        "deno",
        "elixir",
        "gawk",
        "lua",
        "node",
        "osascript",
        "perl",
        "php",
        "python",
        "python3",
        "ruby",
        "tclsh",
    ];
    let program = words.first().map_or("", String::as_str);
    let name = programs::base_name(program);
    let options = words.get(1).is_some_and(|word| word.starts_with('-'));
    let with_subcommands = WITH_SUBCOMMANDS.contains(&name);
    let runs = wrappers::is_wrapper(name) || INTERPRETERS.contains(&name);
    if runs && !with_subcommands || with_subcommands && options {
        let exact = quote(words.iter().map(String::as_str));
        if whole { exact } else { format!("{exact} *") }
    } else {
        let shown = 1 + usize::from(with_subcommands && words.len() > 1);
        format!("{} *", quote(words.iter().map(String::as_str).take(shown)))
    }
}
