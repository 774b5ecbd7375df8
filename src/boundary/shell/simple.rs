//! One simple command: its assignments, its redirections, its words, and the grants they need.

use brush_parser::ast;

use super::{
    Obstacle, Refusal,
    arguments::{self, Argument, Piece},
    builtins, effects, environment,
    judge::{Context, Flow, Judge},
    places::Places,
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
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        let mut input = Input::Elsewhere;
        let mut plain = true;
        let mut assigned = Vec::new();
        for item in command.prefix.iter().flat_map(|prefix| &prefix.0) {
            plain = false;
            match item {
                ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                    input = later(input, self.redirect(redirect, context, places)?);
                }
                ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => {
                    let number = self.assignment(assignment, context, places)?;
                    assigned.push((name_of(assignment), number));
                }
                ast::CommandPrefixOrSuffixItem::Word(word) => {
                    return Err(Refusal::new(
                        &word.value,
                        "stands where no word is expected",
                    ));
                }
                ast::CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                    self.list(&subshell.list, &context.perhaps(), places)?;
                    return Err(Refusal::new("<(", "stands where a command is expected"));
                }
            }
        }
        let mut both = false;
        let mut words = Vec::new();
        if let Some(program) = &command.word_or_name {
            words.extend(self.words(&program.value, context, places)?);
        }
        let declares = words
            .first()
            .is_some_and(|word| word.literal().is_some_and(|name| builtins::declares(&name)));
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            if both && !matches!(item, ast::CommandPrefixOrSuffixItem::IoRedirect(_)) {
                return Err(two_readings());
            }
            match item {
                ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                    plain = false;
                    both |= matches!(redirect, ast::IoRedirect::OutputAndError(..));
                    input = later(input, self.redirect(redirect, context, places)?);
                }
                ast::CommandPrefixOrSuffixItem::Word(word) => {
                    words.extend(self.words(&word.value, context, places)?);
                }
                ast::CommandPrefixOrSuffixItem::AssignmentWord(assignment, word) => {
                    if declares {
                        let number = self.assignment(assignment, context, places)?;
                        self.assigned(&name_of(assignment), number)?;
                        words.push(Argument {
                            shown: word.value.clone(),
                            pieces: vec![
                                Piece::Text(format!("{}=", name_of(assignment))),
                                Piece::Unknown { splits: false },
                            ],
                        });
                    } else {
                        words.extend(self.words(&word.value, context, places)?);
                    }
                }
                ast::CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                    self.list(&subshell.list, &context.perhaps(), places)?;
                    words.push(Argument::text("/dev/fd/63"));
                }
            }
        }
        if both && self.may_change_the_shell(&words) {
            return Err(two_readings());
        }
        if words.is_empty() {
            for (name, number) in assigned {
                self.assigned(&name, number)?;
            }
            return Ok(Flow::stay(places));
        }
        let flow = self.call(&words, Call::Shell, &input, context, places)?;
        let reads = words.first().is_some_and(|word| word.is("read"));
        for (name, number) in assigned {
            // `IFS= read` says how one line is split, and nothing else.
            if name != "IFS" || !reads {
                self.assigned(&name, number)?;
                self.exported(&name)?;
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

    // Judges the value; returns whether it is a number.
    fn assignment(
        &mut self,
        assignment: &ast::Assignment,
        context: &Context,
        places: &Places,
    ) -> Result<bool, Refusal> {
        if let ast::AssignmentName::ArrayElementName(_, index) = &assignment.name {
            self.arithmetic(index, context, places)?;
        }
        match &assignment.value {
            ast::AssignmentValue::Scalar(word) => {
                let value = self.word(&word.value, context, places)?;
                let computed = word.value.starts_with("$((")
                    && word.value.ends_with("))")
                    && word.value.matches("$(").count() == 1;
                let counted = matches!(word.value.as_str(), "$#" | "$?" | "${#}" | "${?}");
                Ok(computed || counted || value.literal().is_some_and(|value| is_number(&value)))
            }
            ast::AssignmentValue::Array(items) => {
                for (key, value) in items {
                    if let Some(key) = key {
                        self.arithmetic(&key.value, context, places)?;
                    }
                    self.word(&value.value, context, places)?;
                }
                Ok(false)
            }
        }
    }

    /// Judges that a variable of the shell gets a value.
    pub(super) fn assigned(&mut self, name: &str, number: bool) -> Result<(), Refusal> {
        if !number {
            self.tainted.insert(name.to_owned());
        }
        if environment::is_denied(name) {
            let reason =
                "is set, which changes what later commands are or do; no grant allows that";
            return Err(Refusal::new(name, reason));
        }
        if let Some(never) = self.scope.env.never.iter().find(|entry| entry.takes(name)) {
            let reason = format!(
                "is set, which `never env {:?}` forbids",
                never.pattern.as_str()
            );
            return Err(Refusal::new(name, reason).taken(Capability::Env, name));
        }
        Ok(())
    }

    /// Judges that a variable is given to commands.
    pub(super) fn exported(&mut self, name: &str) -> Result<(), Refusal> {
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
        let context = context.deeper(self.line)?;
        let Some((program, rest)) = words.split_first() else {
            return Ok(Flow::stay(places));
        };
        let Some(name) = program.literal().filter(|name| !name.is_empty()) else {
            let reason = "names a command that is not known before it runs; write its name out";
            return Err(Refusal::new(&program.shown, reason));
        };
        self.not_taken(words)?;
        if call == Call::Shell && self.functions.contains(&name) {
            return Ok(Flow::stay(places));
        }
        if call != Call::Program
            && let Some(flow) = self.builtin(&name, rest, words, input, &context, places)?
        {
            return Ok(flow);
        }
        if let Some(wrapped) = wrappers::unwrap(&name, rest)
            .map_err(|reason| Refusal::new(arguments::shown(words), reason))?
        {
            self.wrapped(&wrapped, words, input, &context, places)?;
            return Ok(Flow::stay(places));
        }
        if !context.granted {
            self.granted(words)?;
        }
        self.effects(&name, rest, words, &context, places)?;
        Ok(Flow::stay(places))
    }

    /// Judges that no `never` takes the command away, whatever its words become.
    pub(super) fn not_taken(&self, words: &[Argument]) -> Result<(), Refusal> {
        let never = &self.scope.run.never;
        let taken = match literals(words) {
            Some(words) => never.taker(&words),
            None => automata::first_taken(&arguments::machine(words), never)
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

    /// Judges that a grant gives the command, whatever its words become.
    pub(super) fn granted(&self, words: &[Argument]) -> Result<(), Refusal> {
        let run = self.scope.run;
        let shown = arguments::shown(words);
        let Some(literals) = literals(words) else {
            let given = automata::all_permitted(&arguments::machine(words), run)
                .map_err(|error| Refusal::new(&shown, error.to_string()))?;
            if given {
                return Ok(());
            }
            let known: Vec<String> = words.iter().map_while(Argument::literal).collect();
            let reason = "is a command that this role may not run with whatever its words become";
            return Err(Refusal::new(shown, reason).granted_by(Capability::Run, suggestion(&known)));
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
                .granted_by(Capability::Run, suggestion(&literals)),
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
        let mut inner = context.clone();
        let whole = self.granted(words);
        inner.granted |= whole.is_ok();
        if wrapped.needs_grant && !context.granted {
            whole?;
        }
        for (argument, change) in &wrapped.changes {
            self.scope.change(argument, *change, places)?;
        }
        for command in &wrapped.commands {
            self.call(command, Call::Program, input, &inner, places)?;
        }
        for script in &wrapped.scripts {
            let Some(text) = script.literal() else {
                let reason = "is a script that is not known before it runs; write it out";
                return Err(Refusal::new(&script.shown, reason));
            };
            self.new_shell(&text, &inner, places)?;
        }
        if wrapped.reads_script {
            self.piped_script(words, input, &inner, places)?;
        }
        for name in &wrapped.sets {
            self.assigned(name, false)?;
            self.exported(name)?;
        }
        Ok(())
    }

    fn piped_script(
        &mut self,
        words: &[Argument],
        input: &Input,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let Input::Text(text) = input else {
            let reason = "reads a script that the line does not show; write it after `-c`";
            return Err(Refusal::new(arguments::shown(words), reason));
        };
        let Some(text) = text.literal() else {
            let reason = "reads a script that is not known before it runs; quote the end mark of the \
                          here-document";
            return Err(Refusal::new(arguments::shown(words), reason));
        };
        self.new_shell(&text, context, places)
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
        let effects = effects::effects(programs::base_name(name), rest, self.scope, places)
            .map_err(refuse)?;
        for (argument, change) in &effects.changes {
            self.scope.change(argument, *change, places)?;
        }
        for (argument, look) in &effects.looks {
            self.scope.look(argument, *look, places)?;
        }
        for argument in &effects.mentions {
            if let Some(text) = argument.literal() {
                self.scope.mention(&text, &argument.shown, places)?;
                if let Some((_, value)) = text.split_once('=') {
                    self.scope.mention(value, &argument.shown, places)?;
                }
            }
        }
        for command in &effects.commands {
            self.call(command, Call::Program, &Input::Elsewhere, context, places)?;
        }
        Ok(())
    }
}

fn later(before: Input, after: Input) -> Input {
    match after {
        Input::Elsewhere => before,
        Input::Text(_) => after,
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

// The pattern that one would grant to allow a command like this.
fn suggestion(words: &[String]) -> String {
    const WITH_SUBCOMMANDS: &[&str] = &[
        "bundle", "cargo", "docker", "gh", "git", "go", "kamal", "make", "mix", "npm", "npx",
        "pnpm", "rails", "rake", "uv", "yarn",
    ];
    let mut shown: Vec<&str> = words.iter().map(String::as_str).take(1).collect();
    let program = shown.first().copied().unwrap_or("");
    if WITH_SUBCOMMANDS.contains(&programs::base_name(program))
        && let Some(subcommand) = words.get(1).filter(|word| !word.starts_with('-'))
    {
        shown.push(subcommand);
    }
    format!("{} *", quote(shown))
}
