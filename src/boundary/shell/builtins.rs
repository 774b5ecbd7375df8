//! What the shell itself does: its builtins, of which some need a look and some are refused.

use super::{
    Refusal,
    arguments::{self, Argument},
    environment,
    judge::{Context, Flow, Judge},
    options::Options,
    places::{Ground, Place, Places},
    simple::Call,
    walk::Input,
    wrappers,
};

// Builtins that change nothing but the shell itself; each needs no grant.
const FREE: &[&str] = &[
    ":", "break", "continue", "dirs", "echo", "exit", "false", "pwd", "return", "shift", "times",
    "true",
];

// Builtins that are looked at.
const JUDGED: &[&str] = &[
    ".",
    "[",
    "alias",
    "bg",
    "bind",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "declare",
    "disown",
    "enable",
    "eval",
    "exec",
    "export",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "set",
    "shopt",
    "source",
    "suspend",
    "test",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Returns the names of all builtins.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FREE.iter().chain(JUDGED).copied()
}

/// Returns whether the arguments of the builtin are assignments.
pub(super) fn declares(name: &str) -> bool {
    matches!(
        name,
        "alias" | "declare" | "export" | "local" | "readonly" | "typeset"
    )
}

/// Returns whether `name` is a builtin after which the shell may not be as it was before.
pub(super) fn changes_the_shell(name: &str) -> bool {
    const CHANGE_NOTHING: &[&str] = &[
        ":", "[", "dirs", "echo", "false", "jobs", "printf", "pwd", "test", "times", "true", "type",
    ];
    let known = FREE.contains(&name) || JUDGED.contains(&name);
    known && !CHANGE_NOTHING.contains(&name)
}

/// Returns whether a name has a meaning here that a function would hide.
pub(super) fn is_special(name: &str) -> bool {
    FREE.contains(&name) || JUDGED.contains(&name) || wrappers::is_wrapper(name)
}

impl Judge<'_> {
    /// Judges a builtin of the shell; returns nothing if `name` is none.
    pub(super) fn builtin(
        &mut self,
        name: &str,
        rest: &[Argument],
        words: &[Argument],
        input: &Input,
        context: &Context,
        places: &Places,
    ) -> Result<Option<Flow>, Refusal> {
        let shown = || arguments::shown(words);
        let stay = Ok(Some(Flow::stay(places)));
        if FREE.contains(&name) {
            return stay;
        }
        match name {
            "cd" | "pushd" => {
                self.found.moves = true;
                Ok(Some(moved(rest, &self.ground, places)))
            }
            "popd" => {
                self.found.moves = true;
                Ok(Some(unknown_place(places)))
            }
            "jobs" => jobs(rest, words).and(stay),
            "wait" => self.wait(rest, words, context).and(stay),
            "test" | "[" => Self::test(rest, words).and(stay),
            "printf" => self.printf(rest, words, context).and(stay),
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                self.declare(name, rest, words, context).and(stay)
            }
            "unset" | "read" | "mapfile" | "readarray" | "getopts" => {
                self.variables(name, rest, words, context).and(stay)
            }
            "let" => {
                for argument in rest {
                    let Some(text) = argument.literal() else {
                        let reason = "does arithmetic that is not known before it runs";
                        return Err(Refusal::new(shown(), reason));
                    };
                    self.arithmetic(&text, context, places)?;
                }
                stay
            }
            "set" => set(rest, words).and(stay),
            "umask" => {
                let known = rest.iter().all(|mask| mask.literal().is_some());
                if known {
                    stay
                } else {
                    Err(Refusal::new(shown(), "sets a mask that is not known"))
                }
            }
            "eval" => {
                let text: Option<Vec<String>> = rest.iter().map(Argument::literal).collect();
                let Some(text) = text else {
                    let reason = "runs what is not known before it runs; write the command out";
                    return Err(Refusal::new(shown(), reason));
                };
                // What it defines may be defined or not.
                let flow = self.subshell(&text.join(" "), context, places);
                flow.map(Some)
            }
            "trap" => self.trap(rest, words, context, places).and(stay),
            "builtin" | "command" | "exec" => {
                self.prefixed(name, rest, words, input, context, places)
            }
            "type" | "help" | "caller" | "disown" | "bg" | "fg" => stay,
            // `-p` says where a command is.
            "hash" => match Options::of_reader("d l r t").parse(rest) {
                Ok(_) => stay,
                Err(_) => Err(Refusal::new(shown(), "changes where a command is found")),
            },
            "." | "source" => Err(Refusal::new(
                shown(),
                "runs a file as part of the line, which can't be judged",
            )),
            "alias" | "unalias" | "bind" | "compgen" | "complete" | "compopt" | "enable" | "fc"
            | "history" | "logout" | "shopt" | "suspend" | "ulimit" => Err(Refusal::new(
                shown(),
                "changes how the shell reads or runs what follows",
            )),
            _ => Ok(None),
        }
    }

    fn prefixed(
        &mut self,
        name: &str,
        rest: &[Argument],
        words: &[Argument],
        input: &Input,
        context: &Context,
        places: &Places,
    ) -> Result<Option<Flow>, Refusal> {
        let mut inner = rest;
        while let Some((first, after)) = inner.split_first() {
            let Some(option) = first.literal().filter(|first| first.starts_with('-')) else {
                break;
            };
            inner = after;
            match (name, option.as_str()) {
                (_, "--") => break,
                ("command", "-v" | "-V") => return Ok(Some(Flow::stay(places))),
                ("command", "-p") | ("exec", "-c" | "-l" | "-cl" | "-lc") => {}
                ("exec", "-a") => inner = inner.split_first().map_or(inner, |(_, after)| after),
                (_, _) => {
                    let reason =
                        format!("has the option `{option}`, whose effect is not known here");
                    return Err(Refusal::new(arguments::shown(words), reason));
                }
            }
        }
        if inner.is_empty() {
            return Ok(Some(Flow::stay(places)));
        }
        let mut context = context.clone();
        context.granted |= self.granted(words, places).is_ok();
        let call = if name == "exec" {
            Call::Program
        } else {
            Call::PastFunctions
        };
        let flow = self.call(inner, call, input, &context, places)?;
        Ok(Some(if name == "exec" {
            Flow::stay(places)
        } else {
            flow
        }))
    }

    fn trap(
        &mut self,
        rest: &[Argument],
        words: &[Argument],
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        let action = match rest {
            [] => return Ok(()),
            [first, action, ..] if first.is("--") => action,
            [first, ..] => first,
        };
        let Some(action) = action.literal() else {
            return Err(Refusal::new(
                arguments::shown(words),
                "runs what is not known before it runs",
            ));
        };
        if action.is_empty() || action == "-" || action == "-p" || action == "-l" {
            return Ok(());
        }
        // It runs at a later time, wherever the line is by then.
        let mut from = places.clone();
        if self.known.moves {
            from.insert(Place::Unknown);
        }
        let context = Context {
            in_function: true,
            ..context.clone()
        };
        let flow = self.subshell(&action, &context, &from)?;
        let signals = rest.iter().skip_while(|word| !word.is(&action)).skip(1);
        let mut signals = signals.peekable();
        let at_end =
            signals.peek().is_some() && signals.all(|signal| signal.is("EXIT") || signal.is("0"));
        if !at_end && !flow.either().is_subset(&from) {
            let reason = "changes the directory at a time that is not known";
            return Err(Refusal::new(arguments::shown(words), reason));
        }
        Ok(())
    }

    // Commands within the words of a test are run when it looks at a variable: `-v 'a[$(rm x)]'`.
    fn test(rest: &[Argument], words: &[Argument]) -> Result<(), Refusal> {
        let refuse = |reason: &str| Err(Refusal::new(arguments::shown(words), reason));
        // A number that may be missing is one word or none.
        if rest.iter().any(|word| word.splits() && !word.is_number()) {
            return refuse("has a word that may become several; put it in double quotes");
        }
        let hides = |argument: &Argument| {
            argument
                .literal()
                .is_some_and(|text| text.contains("$(") || text.contains('`'))
        };
        // `-v` and `-R` look a variable up, whose index is arithmetic.
        let looks = |word: &Argument| match word.literal() {
            Some(text) => text == "-v" || text == "-R",
            None => "-v".starts_with(&word.prefix()) && !word.is_number(),
        };
        let plain = |word: &Argument| match word.literal() {
            Some(text) => environment::is_name(&text) || !text.contains('['),
            None => word.is_number(),
        };
        let sure: Vec<Argument> = rest.iter().filter(|word| !word.splits()).cloned().collect();
        let pairs = rest.windows(2).chain(sure.windows(2));
        for pair in pairs {
            if let [option, name] = pair
                && looks(option)
                && !plain(name)
            {
                return refuse(if option.literal().is_some() {
                    "looks up a variable by a name that is not plain"
                } else {
                    "has two words beside each other of which neither is known"
                });
            }
        }
        if rest.iter().any(hides) {
            return refuse("has a command in a quoted word, which a test may run");
        }
        Ok(())
    }

    // It may wait for a job, and put its number into a variable.
    fn wait(
        &mut self,
        rest: &[Argument],
        words: &[Argument],
        context: &Context,
    ) -> Result<(), Refusal> {
        let refuse = |reason: String| Refusal::new(arguments::shown(words), reason);
        let numbers = |word: &&Argument| !word.is_number();
        let rest: Vec<Argument> = rest.iter().filter(numbers).cloned().collect();
        let parsed = Options::new("f n p=").parse(&rest).map_err(refuse)?;
        for name in parsed.values(&["p"]) {
            let name = name.literal().filter(|name| environment::is_name(name));
            let name =
                name.ok_or_else(|| refuse("sets a variable whose name is not plain".to_owned()))?;
            self.assigned(&name, None, context)?;
        }
        Ok(())
    }

    fn printf(
        &mut self,
        rest: &[Argument],
        words: &[Argument],
        context: &Context,
    ) -> Result<(), Refusal> {
        let Some(first) = rest.first() else {
            return Ok(());
        };
        if first.literal().is_none() && first.prefix().chars().next().is_none_or(|c| c == '-') {
            let reason = "has a format that might turn out to be an option; write `printf '%s' …`";
            return Err(Refusal::new(arguments::shown(words), reason));
        }
        let Some(option) = first.literal().filter(|first| first.starts_with("-v")) else {
            return Ok(());
        };
        let name = match option.strip_prefix("-v").filter(|name| !name.is_empty()) {
            Some(name) => Some(name.to_owned()),
            None => rest.get(1).and_then(Argument::literal),
        };
        let Some(name) = name.filter(|name| environment::is_name(name)) else {
            let reason = "sets a variable whose name is not plain";
            return Err(Refusal::new(arguments::shown(words), reason));
        };
        self.assigned(&name, None, context)
    }

    fn declare(
        &mut self,
        name: &str,
        rest: &[Argument],
        words: &[Argument],
        context: &Context,
    ) -> Result<(), Refusal> {
        let refuse = |reason: &str| Err(Refusal::new(arguments::shown(words), reason));
        let judged = std::mem::take(&mut self.assignments);
        let mut exports = name == "export";
        let mut lists = false;
        for argument in rest {
            let text = argument.prefix();
            if let Some(options) = text.strip_prefix(['-', '+']) {
                if argument.literal().is_none()
                    || !options.chars().all(|c| "aAgilprtux".contains(c))
                {
                    return refuse("has an option whose effect is not known here");
                }
                exports |= options.contains('x');
                lists |= options.contains(['a', 'A']);
                // Values are then computed, and arithmetic can run commands.
                if options.contains('i') {
                    return refuse("declares a number; assign it with `$((…))`");
                }
                continue;
            }
            let (variable, value) = match text.split_once('=') {
                Some((variable, _)) => (variable.trim_end_matches('+'), true),
                None => (text.as_str(), false),
            };
            if !environment::is_name(variable) || (argument.literal().is_none() && !value) {
                return refuse("declares a variable whose name is not plain");
            }
            if lists {
                self.found.arrays.insert(variable.to_owned());
            }
            let seen = judged.contains(&argument.shown);
            let given = argument.after(text.find('=').map_or(text.len(), |at| at + 1));
            // The value of a list is a script of its own, also where it comes from a variable.
            let list =
                lists || self.known.arrays.contains(variable) || environment::is_list(variable);
            let whole = seen
                && given
                    .as_ref()
                    .is_some_and(|given| given.shown.starts_with('('));
            let may_be_list = given.as_ref().is_some_and(|given| {
                let start = given.prefix();
                start.starts_with('(')
                    || start.is_empty() && given.literal().is_none() && !given.is_revision()
            });
            if value && list && may_be_list && !whole {
                return refuse("gives a list a value that may hold commands; write `name=(…)`");
            }
            // An assignment that the parser saw has been judged with its value.
            if value && !seen {
                self.assigned(variable, None, context)?;
            } else if !value {
                // It may be empty now.
                self.set(variable, None, context);
            }
            if exports {
                self.exported(variable)?;
            }
        }
        Ok(())
    }

    fn variables(
        &mut self,
        name: &str,
        rest: &[Argument],
        words: &[Argument],
        context: &Context,
    ) -> Result<(), Refusal> {
        let refuse = |reason: &str| Err(Refusal::new(arguments::shown(words), reason));
        let valued = match name {
            "read" => "dinNptu",
            "mapfile" | "readarray" => "dnOsu",
            _ => "",
        };
        let flags = match name {
            "read" => "ersa",
            "mapfile" | "readarray" => "t",
            "unset" => "v",
            _ => "",
        };
        // What is set where no name is given, or besides.
        let own = match name {
            "read" => "REPLY",
            "mapfile" | "readarray" => "MAPFILE",
            "getopts" => "OPTARG",
            _ => "",
        };
        if !own.is_empty() {
            self.set(own, None, context);
        }
        let mut rest = rest.iter();
        let mut skip = usize::from(name == "getopts");
        while let Some(argument) = rest.next() {
            let Some(text) = argument.literal() else {
                return refuse("sets a variable whose name is not known");
            };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if let Some(options) = text.strip_prefix('-').filter(|options| !options.is_empty()) {
                let mut options = options.chars();
                while let Some(option) = options.next() {
                    if valued.contains(option) {
                        if options.as_str().is_empty() {
                            rest.next();
                        }
                        break;
                    }
                    if !flags.contains(option) {
                        return refuse("has an option whose effect is not known here");
                    }
                }
                continue;
            }
            if !environment::is_name(&text) {
                return refuse("sets a variable whose name is not plain");
            }
            if name == "unset" {
                // Without an option it may be a function that is taken back.
                if self.functions.contains(&text) || self.defined.contains(&text) {
                    return refuse("takes a function back");
                }
                self.found.unset.insert(text.clone());
            } else {
                self.found.arrays.insert(text.clone());
            }
            self.assigned(&text, None, context)?;
            if name == "getopts" {
                break;
            }
        }
        Ok(())
    }
}

fn set(rest: &[Argument], words: &[Argument]) -> Result<(), Refusal> {
    const OPTIONS: &[&str] = &[
        "errexit",
        "nounset",
        "pipefail",
        "xtrace",
        "verbose",
        "noglob",
        "noclobber",
    ];
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        let text = argument.prefix();
        if text == "--" {
            return Ok(());
        }
        let known = match (text.strip_prefix(['-', '+']), argument.literal()) {
            (Some(flags), Some(_)) if flags.ends_with('o') => {
                let option = rest.next().and_then(Argument::literal);
                flags.chars().all(|c| "euxvfCo".contains(c))
                    && option.is_some_and(|option| OPTIONS.contains(&option.as_str()))
            }
            (Some(flags), Some(_)) => flags.chars().all(|c| "euxvfC".contains(c)),
            (Some(_), None) => false,
            (None, _) => !text.is_empty(),
        };
        if !known {
            let reason = "changes how the shell reads or runs what follows";
            return Err(Refusal::new(arguments::shown(words), reason));
        }
    }
    Ok(())
}

// `-x` runs a command.
fn jobs(rest: &[Argument], words: &[Argument]) -> Result<(), Refusal> {
    match Options::new("l n p r s").parse(rest) {
        Ok(_) => Ok(()),
        Err(reason) => Err(Refusal::new(arguments::shown(words), reason)),
    }
}

fn unknown_place(places: &Places) -> Flow {
    Flow {
        success: Places::from([Place::Unknown]),
        failure: places.clone(),
    }
}

fn moved(rest: &[Argument], ground: &Ground<'_>, places: &Places) -> Flow {
    let Ok(parsed) = Options::new("L P").parse(rest) else {
        return unknown_place(places);
    };
    let [target] = parsed.operands.as_slice() else {
        return unknown_place(places);
    };
    // The last of them counts.
    let follows = parsed
        .options
        .last()
        .is_some_and(|option| option.name == "P");
    // `-` is where one was before, `+1` what lies on a stack.
    let target = target.literal().filter(|_| !target.is_odd());
    let Some(target) =
        target.filter(|target| !target.is_empty() && !target.starts_with(['-', '+']))
    else {
        return unknown_place(places);
    };
    Flow {
        success: ground.moved(&target, follows, places),
        failure: places.clone(),
    }
}
