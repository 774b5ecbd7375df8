//! The walk through a parsed line: which commands run, where, and with what redirected.

use std::collections::BTreeMap;

use brush_parser::ast;

use super::{
    Refusal,
    arguments::{Argument, Piece},
    changes::Change,
    judge::{Beside, Context, Flow, Judge},
    looks::Look,
    output::Output,
    parse,
    places::{Place, Places},
    simple::two_readings,
};

/// What a command finds on its standard input, as far as it matters.
#[derive(Debug, Clone, Default)]
pub(super) enum Input {
    /// Nothing that the line says: the terminal, a pipe, or a file.
    #[default]
    Elsewhere,
    /// This text.
    Text(Argument),
    /// What the command before it prints.
    Printed(Output),
}

impl Judge<'_> {
    /// Judges a list of commands.
    pub(super) fn list(
        &mut self,
        list: &ast::CompoundList,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        let mut flow = Flow::stay(places);
        let mut places = places.clone();
        for ast::CompoundListItem(chain, separator) in &list.0 {
            match separator {
                ast::SeparatorOperator::Async => {
                    self.and_or(chain, &context.beside(Beside::All), &places)?;
                    flow = Flow::stay(&places);
                }
                ast::SeparatorOperator::Sequence => {
                    flow = self.and_or(chain, context, &places)?;
                    places = flow.clone().either();
                }
            }
        }
        Ok(flow)
    }

    fn and_or(
        &mut self,
        chain: &ast::AndOrList,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        let alone = chain.additional.is_empty();
        let perhaps = context.perhaps();
        let mut flow =
            self.pipeline(&chain.first, if alone { context } else { &perhaps }, places)?;
        for next in &chain.additional {
            flow = match next {
                ast::AndOr::And(pipeline) => {
                    let then = self.pipeline(pipeline, &perhaps, &flow.success)?;
                    let mut failure = flow.failure;
                    failure.extend(then.failure);
                    Flow {
                        success: then.success,
                        failure,
                    }
                }
                ast::AndOr::Or(pipeline) => {
                    let then = self.pipeline(pipeline, &perhaps, &flow.failure)?;
                    let mut success = flow.success;
                    success.extend(then.success);
                    Flow {
                        success,
                        failure: then.failure,
                    }
                }
            };
        }
        Ok(flow)
    }

    fn pipeline(
        &mut self,
        pipeline: &ast::Pipeline,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        if pipeline.bang && pipeline.seq.iter().any(is_test_of_two) {
            let reason =
                "behind `!` runs what follows `&&` in another shell; write `! [ … ] || ! [ … ]`";
            return Err(Refusal::new("[[", reason));
        }
        let flow = match pipeline.seq.as_slice() {
            [command] => self.command(command, Input::Elsewhere, context, places)?,
            commands => {
                // Some shells run the last command of a pipeline in the shell itself.
                let mut flow = Flow::stay(places);
                // In a pipeline of a pipeline, all of the outer one counts.
                let pipeline = context.beside.pipeline().unwrap_or(self.commands());
                let beside = context.beside(Beside::Pipeline(pipeline));
                for (at, command) in commands.iter().enumerate() {
                    let input = if passes_on_words(command) {
                        let before = commands.get(..at).unwrap_or_default();
                        Input::Printed(self.output_of(before, &beside, places)?)
                    } else {
                        Input::Elsewhere
                    };
                    flow = Flow::stay(places).or(self.command(command, input, &beside, places)?);
                }
                flow
            }
        };
        if pipeline.bang {
            return Ok(Flow {
                success: flow.failure,
                failure: flow.success,
            });
        }
        Ok(flow)
    }

    fn command(
        &mut self,
        command: &ast::Command,
        input: Input,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        match self.one_command(command, input, context, places) {
            Err(refusal) if self.only_writes && refusal.written().is_none() => {
                Ok(Flow::stay(places))
            }
            judged => judged,
        }
    }

    fn one_command(
        &mut self,
        command: &ast::Command,
        input: Input,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        self.count(0)?;
        self.reach(context);
        let deeper = context.deeper(self.line)?;
        match command {
            ast::Command::Simple(simple) => self.simple(simple, input, context, places),
            ast::Command::Compound(compound, redirects) => {
                let own = matches!(compound, ast::CompoundCommand::Subshell(_));
                let mut listed = redirects.iter().flat_map(|list| &list.0);
                if !own && listed.any(|one| matches!(one, ast::IoRedirect::OutputAndError(..))) {
                    return Err(two_readings());
                }
                self.redirects(redirects.as_ref(), &deeper, places)?;
                self.compound(compound, &deeper, places)
            }
            ast::Command::Function(function) => self.define(function, context, places),
            ast::Command::ExtendedTest(test, redirects) => {
                self.redirects(redirects.as_ref(), &deeper, places)?;
                self.extended_test(&test.expr, &deeper, places)?;
                Ok(Flow::stay(places))
            }
        }
    }

    fn compound(
        &mut self,
        compound: &ast::CompoundCommand,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        let again = &context.repeated();
        match compound {
            ast::CompoundCommand::Arithmetic(arithmetic) => {
                let expression = &arithmetic.expr.value;
                self.read_as_commands(expression, context, places)?;
                self.arithmetic(expression, context, places)?;
                Ok(Flow::stay(places))
            }
            ast::CompoundCommand::ArithmeticForClause(clause) => {
                for part in [&clause.initializer, &clause.condition, &clause.updater]
                    .into_iter()
                    .flatten()
                {
                    self.arithmetic(&part.value, context, places)?;
                }
                self.repeated(places, |judge, places| {
                    judge.list(&clause.body.list, again, places)
                })
            }
            ast::CompoundCommand::BraceGroup(group) => self.list(&group.list, context, places),
            ast::CompoundCommand::Subshell(subshell) => {
                if begins_with_subshell(&subshell.list) && self.line.contains("((") {
                    return Err(Refusal::new("((", "begins as arithmetic does; write `( (`"));
                }
                self.apart(|judge| judge.list(&subshell.list, context, places))?;
                Ok(Flow::stay(places))
            }
            ast::CompoundCommand::ForClause(clause) => self.for_each(clause, again, places),
            ast::CompoundCommand::CaseClause(clause) => {
                self.word(&clause.value.value, context, places)?;
                let mut flow = Flow::stay(places);
                for case in &clause.cases {
                    for pattern in &case.patterns {
                        self.word(&pattern.value, context, places)?;
                    }
                    if let Some(list) = &case.cmd {
                        // A case may go on into the next one.
                        let from = flow.clone().either();
                        flow = flow.or(self.list(list, context, &from)?);
                    }
                }
                Ok(flow)
            }
            ast::CompoundCommand::IfClause(clause) => {
                let condition = self.list(&clause.condition, context, places)?;
                let mut flow = self.list(&clause.then, context, &condition.success)?;
                let mut failure = condition.failure;
                for other in clause.elses.iter().flatten() {
                    let from = match &other.condition {
                        Some(condition) => {
                            let condition = self.list(condition, context, &failure)?;
                            failure = condition.failure;
                            condition.success
                        }
                        None => std::mem::take(&mut failure),
                    };
                    flow = flow.or(self.list(&other.body, context, &from)?);
                }
                flow.success.extend(failure);
                Ok(flow)
            }
            ast::CompoundCommand::WhileClause(ast::WhileOrUntilClauseCommand(
                condition,
                body,
                _,
            ))
            | ast::CompoundCommand::UntilClause(ast::WhileOrUntilClauseCommand(
                condition,
                body,
                _,
            )) => self.repeated(places, |judge, places| {
                let condition = judge.list(condition, again, places)?.either();
                let body = judge.list(&body.list, again, &condition)?;
                Ok(Flow::stay(&condition).or(body))
            }),
            ast::CompoundCommand::Coprocess(_) => Err(Refusal::new(
                "coproc",
                "is not judged; run the command on its own",
            )),
        }
    }

    // A body that moves is judged once more from nowhere in particular.
    fn repeated(
        &mut self,
        places: &Places,
        mut body: impl FnMut(&mut Self, &Places) -> Result<Flow, Refusal>,
    ) -> Result<Flow, Refusal> {
        let flow = body(self, places)?;
        if flow.clone().either().is_subset(places) {
            return Ok(Flow::stay(places).or(flow));
        }
        let mut anywhere = places.clone();
        anywhere.insert(Place::Unknown);
        body(self, &anywhere)?;
        Ok(Flow::stay(&anywhere))
    }

    fn for_each(
        &mut self,
        clause: &ast::ForClauseCommand,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        const MOST_VALUES: usize = 24;
        let name = &clause.variable_name;
        let mut values = Vec::new();
        for word in clause.values.iter().flatten() {
            values.extend(self.words(&word.value, context, places)?);
        }
        let plain = |value: &Argument| {
            let found = value
                .pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Found(_)));
            !value.is_unknown() || found
        };
        let known = clause.values.is_some()
            && values.len() <= MOST_VALUES
            && values.iter().all(plain)
            && !self.known.doubted.contains(name);
        let numbers = clause.values.is_some() && values.iter().all(Argument::is_number);
        self.assigned(name, numbers.then(Argument::number).as_ref(), context)?;
        if !known {
            let mut context = context.clone();
            context.values.remove(name);
            return self.repeated(places, |judge, places| {
                judge.list(&clause.body.list, &context, places)
            });
        }
        self.looped.push(name.clone());
        let mut flow = Ok(Flow::stay(places));
        for value in values {
            let mut context = context.clone();
            context.values.insert(name.clone(), value);
            let Ok(before) = flow else {
                break;
            };
            let from = before.clone().either();
            let body = self.repeated(&from, |judge, places| {
                judge.list(&clause.body.list, &context, places)
            });
            flow = body.map(|body| before.or(body));
        }
        self.looped.pop();
        flow
    }

    // What is arithmetic to one shell is a subshell in a subshell to another; both must be allowed.
    fn read_as_commands(
        &mut self,
        expression: &str,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let reason =
            "within `((…))` is a command to another shell; write `$((…))`, or compare with `[ … ]`";
        let refused = || Refusal::new(parse::excerpt(expression), reason);
        if context.posix {
            return Err(refused());
        }
        // What is no command at all is none to any shell.
        let Ok(program) = parse::program(expression) else {
            return Ok(());
        };
        let context = Context {
            arithmetic: true,
            script: expression.into(),
            ..context.deeper(expression)?
        };
        self.apart(|judge| {
            for list in &program.complete_commands {
                judge.list(list, &context, places).map_err(|_| refused())?;
            }
            Ok(())
        })
    }

    fn define(
        &mut self,
        function: &ast::FunctionDefinition,
        context: &Context,
        places: &Places,
    ) -> Result<Flow, Refusal> {
        let name = &function.fname.value;
        if !context.certain || context.in_function {
            let reason = "is a function that may or may not be defined; define it first, on a line of its own";
            return Err(Refusal::new(name, reason));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !name.chars().all(plain) || super::builtins::is_special(name) {
            return Err(Refusal::new(
                name,
                "is no name for a function here: it has a meaning of its own",
            ));
        }
        if self.functions.contains(name) || self.known.unset.contains(name) {
            let reason =
                "is a function that is defined twice, or taken back; give each a name of its own";
            return Err(Refusal::new(name, reason));
        }
        let inside = Context {
            in_function: true,
            values: BTreeMap::new(),
            ..context.deeper(name)?
        };
        // It runs where it is called.
        let mut from = places.clone();
        if self.known.moves {
            from.insert(Place::Unknown);
        }
        let ast::FunctionBody(body, redirects) = &function.body;
        // Within itself it is no function yet: one that calls itself may never end.
        self.defined.insert(name.clone());
        self.redirects(redirects.as_ref(), &inside, &from)?;
        let flow = self.compound(body, &inside, &from)?;
        let moves = !flow.clone().either().is_subset(&from);
        if moves {
            self.movers.insert(name.clone());
        }
        self.functions.insert(name.clone());
        // A shell that does not know the word `function` runs the body here and now.
        if context.script.contains("function") {
            return Ok(Flow::stay(places).or(flow));
        }
        Ok(Flow::stay(places))
    }

    fn extended_test(
        &mut self,
        test: &ast::ExtendedTestExpr,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        use ast::{BinaryPredicate as Binary, ExtendedTestExpr as Test, UnaryPredicate as Unary};
        match test {
            Test::Or(..) => Err(Refusal::new(
                "||",
                "within `[[ … ]]` starts a command in another shell; write `[ … ] || [ … ]`",
            )),
            Test::And(left, right) => {
                self.extended_test(left, context, places)?;
                self.extended_test(right, context, places)
            }
            Test::Not(inner) | Test::Parenthesized(inner) => {
                self.extended_test(inner, context, places)
            }
            Test::UnaryTest(predicate, word) => {
                let word = self.word(&word.value, context, places)?;
                let names = matches!(
                    predicate,
                    Unary::ShellVariableIsSetAndAssigned | Unary::ShellVariableIsSetAndNameRef
                );
                let plain = word
                    .literal()
                    .is_some_and(|name| super::environment::is_name(&name));
                if names && !plain {
                    let reason = "is looked up as a variable, and is not just the name of one";
                    return Err(Refusal::new(word.shown, reason));
                }
                Ok(())
            }
            Test::BinaryTest(predicate, left, right) => {
                let sorts = match predicate {
                    Binary::LeftSortsBeforeRight => Some("<"),
                    Binary::LeftSortsAfterRight => Some(">"),
                    _ => None,
                };
                if let Some(shown) = sorts {
                    let reason = "within `[[ … ]]` is a file to another shell; compare with `expr`";
                    return Err(Refusal::new(shown, reason));
                }
                if let Binary::StringMatchesRegex = predicate
                    && splits_elsewhere(&right.value)
                {
                    let reason = "is more than one command to another shell; use `grep -E`";
                    return Err(Refusal::new(&right.value, reason));
                }
                let compares = matches!(
                    predicate,
                    Binary::ArithmeticEqualTo
                        | Binary::ArithmeticNotEqualTo
                        | Binary::ArithmeticLessThan
                        | Binary::ArithmeticLessThanOrEqualTo
                        | Binary::ArithmeticGreaterThan
                        | Binary::ArithmeticGreaterThanOrEqualTo
                );
                for side in [left, right] {
                    let word = self.word(&side.value, context, places)?;
                    if compares && !word.is_number() {
                        self.arithmetic(side.value.trim_matches('"'), context, places)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn redirects(
        &mut self,
        redirects: Option<&ast::RedirectList>,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        for redirect in redirects.iter().flat_map(|list| &list.0) {
            self.redirect(redirect, context, places)?;
        }
        Ok(())
    }

    /// Judges a redirection; returns what it puts on standard input.
    pub(super) fn redirect(
        &mut self,
        redirect: &ast::IoRedirect,
        context: &Context,
        places: &Places,
    ) -> Result<Input, Refusal> {
        match redirect {
            ast::IoRedirect::File(_, kind, target) => {
                self.redirect_file(kind, target, context, places)?;
                Ok(Input::Elsewhere)
            }
            ast::IoRedirect::HereDocument(_, document) => {
                let text = if document.requires_expansion {
                    self.here_document(&document.doc.value, context, places)?
                } else {
                    Argument::text(document.doc.value.clone())
                };
                Ok(Input::Text(text))
            }
            ast::IoRedirect::HereString(_, word) => {
                Ok(Input::Text(self.word(&word.value, context, places)?))
            }
            ast::IoRedirect::OutputAndError(word, _) => {
                self.redirect_to(&word.value, Change::File, context, places)?;
                Ok(Input::Elsewhere)
            }
        }
    }

    fn redirect_file(
        &mut self,
        kind: &ast::IoFileRedirectKind,
        target: &ast::IoFileRedirectTarget,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        use ast::{IoFileRedirectKind as Redirect, IoFileRedirectTarget as Target};
        match target {
            Target::Fd(_) => Ok(()),
            Target::ProcessSubstitution(_, subshell) => self
                .list(&subshell.list, &context.beside(Beside::All), places)
                .map(|_| ()),
            Target::Filename(word) | Target::Duplicate(word) => {
                let duplicates =
                    matches!(kind, Redirect::DuplicateInput | Redirect::DuplicateOutput);
                let descriptor = word.value.trim_end_matches('-');
                if duplicates && descriptor.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Ok(());
                }
                match kind {
                    Redirect::Read => {
                        let word = self.word(&word.value, context, places)?;
                        self.ground.look(&word, &Look::File, places)
                    }
                    Redirect::Write
                    | Redirect::Append
                    | Redirect::ReadAndWrite
                    | Redirect::Clobber
                    | Redirect::DuplicateInput
                    | Redirect::DuplicateOutput => {
                        self.redirect_to(&word.value, Change::File, context, places)
                    }
                }
            }
        }
    }

    fn redirect_to(
        &mut self,
        word: &str,
        change: Change,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let argument = self.word(word, context, places)?;
        let globs = argument
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Glob(_)));
        if globs || word.contains('{') && argument.literal().is_none() {
            let reason =
                "is where output goes, and is not known before it runs; write the path out";
            return Err(Refusal::new(word, reason));
        }
        self.change(&argument, change, places)
    }
}

// Whether a test, read by a shell that does not know it, would run what follows `&&`.
fn is_test_of_two(command: &ast::Command) -> bool {
    fn is_of_two(test: &ast::ExtendedTestExpr) -> bool {
        match test {
            ast::ExtendedTestExpr::And(..) | ast::ExtendedTestExpr::Or(..) => true,
            ast::ExtendedTestExpr::Not(inner) | ast::ExtendedTestExpr::Parenthesized(inner) => {
                is_of_two(inner)
            }
            ast::ExtendedTestExpr::UnaryTest(..) | ast::ExtendedTestExpr::BinaryTest(..) => false,
        }
    }
    matches!(command, ast::Command::ExtendedTest(test, _) if is_of_two(&test.expr))
}

// Whether a command makes words of what it reads.
fn passes_on_words(command: &ast::Command) -> bool {
    let ast::Command::Simple(simple) = command else {
        return false;
    };
    let name = simple.word_or_name.as_ref().map(|word| word.value.as_str());
    name.is_some_and(|name| matches!(name.rsplit('/').next(), Some("xargs" | "gxargs")))
}

fn begins_with_subshell(list: &ast::CompoundList) -> bool {
    let first = list.0.first().and_then(|item| item.0.first.seq.first());
    matches!(
        first,
        Some(ast::Command::Compound(ast::CompoundCommand::Subshell(_), _))
    )
}

// Whether a shell without `[[ … ]]` would see the end of a command in a regular expression. One that begins
// a group before is no sentence to it at all, and nothing of the line runs.
fn splits_elsewhere(regex: &str) -> bool {
    let Some(end) = regex.find(['|', '&', ';', '<', '>']) else {
        return false;
    };
    let before = regex.get(..end).unwrap_or_default();
    !before.contains('(') || before.contains(['\\', '\'', '"'])
}

/// Returns whether the text is a decimal number.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
