//! What the shell itself does: its builtins, of which some need a look and some are refused.

use super::{
    Refusal,
    arguments::{self, Argument},
    environment,
    judge::{Context, Flow, Judge},
    places::{Place, Places, absolute},
    simple::Call,
    walk::Input,
    wrappers,
};

// Builtins that change nothing but the shell itself; each needs no grant.
const FREE: &[&str] = &[
    ":", "break", "continue", "dirs", "echo", "exit", "false", "jobs", "pwd", "return", "shift",
    "times", "true", "wait",
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
            "cd" | "pushd" => Ok(Some(moved(rest, places))),
            "popd" => Ok(Some(unknown_place(places))),
            "test" | "[" => Self::test(rest, words).and(stay),
            "printf" => self.printf(rest, words).and(stay),
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                self.declare(name, rest, words).and(stay)
            }
            "unset" | "read" | "mapfile" | "readarray" | "getopts" => {
                self.variables(name, rest, words).and(stay)
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
                let functions = self.functions.clone();
                let flow = self.script(&text.join(" "), context, places);
                self.functions = functions;
                flow.map(Some)
            }
            "trap" => self.trap(rest, words, context, places).and(stay),
            "builtin" | "command" | "exec" => {
                self.prefixed(name, rest, words, input, context, places)
            }
            "type" | "hash" | "help" | "caller" | "disown" | "bg" | "fg" => {
                let plain = rest
                    .iter()
                    .all(|argument| !argument.prefix().starts_with("-p"));
                if plain {
                    stay
                } else {
                    Err(Refusal::new(shown(), "changes where a command is found"))
                }
            }
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
        context.granted |= self.granted(words).is_ok();
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
        if self.moves {
            from.insert(Place::Unknown);
        }
        self.subshell(&action, context, &from)
    }

    // Commands within the words of a test are run when it looks at a variable: `-v 'a[$(rm x)]'`.
    fn test(rest: &[Argument], words: &[Argument]) -> Result<(), Refusal> {
        let refuse = |reason: &str| Err(Refusal::new(arguments::shown(words), reason));
        if rest.iter().any(Argument::splits) {
            return refuse("has a word that may become several; put it in double quotes");
        }
        let open =
            |argument: &Argument| argument.prefix().is_empty() && argument.literal().is_none();
        if rest.windows(2).any(|pair| pair.iter().all(open)) {
            return refuse("has two words beside each other of which neither is known");
        }
        let looks = |pair: &[Argument]| match pair {
            [option, name] => {
                (option.is("-v") || option.is("-R"))
                    && !name
                        .literal()
                        .is_some_and(|name| environment::is_name(&name))
            }
            _ => false,
        };
        if rest.windows(2).any(looks) {
            return refuse("looks up a variable by a name that is not plain");
        }
        let hides = |argument: &Argument| {
            argument
                .literal()
                .is_some_and(|text| text.contains("$(") || text.contains('`'))
        };
        if rest.iter().any(hides) {
            return refuse("has a command in a quoted word, which a test may run");
        }
        Ok(())
    }

    fn printf(&mut self, rest: &[Argument], words: &[Argument]) -> Result<(), Refusal> {
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
        self.assigned(&name, false)
    }

    fn declare(
        &mut self,
        name: &str,
        rest: &[Argument],
        words: &[Argument],
    ) -> Result<(), Refusal> {
        let refuse = |reason: &str| Err(Refusal::new(arguments::shown(words), reason));
        let mut exports = name == "export";
        for argument in rest {
            let text = argument.prefix();
            if let Some(options) = text.strip_prefix(['-', '+']) {
                if argument.literal().is_none()
                    || !options.chars().all(|c| "aAgilprtux".contains(c))
                {
                    return refuse("has an option whose effect is not known here");
                }
                exports |= options.contains('x');
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
            // An assignment that the parser saw has been judged with its value.
            if value && argument.literal().is_some() {
                self.assigned(variable, false)?;
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
            self.assigned(&text, false)?;
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

fn unknown_place(places: &Places) -> Flow {
    Flow {
        success: Places::from([Place::Unknown]),
        failure: places.clone(),
    }
}

fn moved(rest: &[Argument], places: &Places) -> Flow {
    let target = match rest {
        [target] => target,
        [option, target] if option.is("--") || option.is("-L") => target,
        _ => return unknown_place(places),
    };
    let Some(target) = target
        .literal()
        .filter(|target| !target.is_empty() && !target.starts_with('-'))
    else {
        return unknown_place(places);
    };
    let go = |place: &Place| match place {
        Place::At(directory) => Place::At(absolute(directory, &target)),
        Place::Unknown if target.starts_with('/') => Place::At(absolute("", &target)),
        Place::Unknown => Place::Unknown,
    };
    Flow {
        success: places.iter().map(go).collect(),
        failure: places.clone(),
    }
}
