//! Variables that no line may set and no role is given: they change what later programs are or do.

use crate::boundary::{NamePattern, Pattern as _};

const NAMES: &[&str] = &[
    "AR",
    "AWKLIBPATH",
    "AWKPATH",
    "BASHOPTS",
    "BASH_ENV",
    "BAT_PAGER",
    "BROWSER",
    "BUNDLE_GEMFILE",
    "CC",
    "CDPATH",
    "CLASSPATH",
    "COMPILER_PATH",
    "CPP",
    "CXX",
    "DOTNET_STARTUP_HOOKS",
    "EDITOR",
    "ELIXIR_ERL_OPTIONS",
    "ENV",
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_ZFLAGS",
    "EXECIGNORE",
    "EXINIT",
    "FCEDIT",
    "FPATH",
    "FUNCNEST",
    "FZF_DEFAULT_COMMAND",
    "FZF_DEFAULT_OPTS",
    "GCC_EXEC_PREFIX",
    "GCONV_PATH",
    "GEM_HOME",
    "GEM_PATH",
    "GLOBIGNORE",
    "HISTFILE",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "INPUTRC",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LD",
    "LESS",
    "LESSCLOSE",
    "LESSOPEN",
    "LOCPATH",
    "LUA_CPATH",
    "LUA_INIT",
    "LUA_PATH",
    "MAKEFILES",
    "MAKEFLAGS",
    "MANOPT",
    "MANPAGER",
    "MYVIMRC",
    "NLSPATH",
    "NODE_OPTIONS",
    "NODE_PATH",
    "OLDPWD",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "PAGER",
    "PATH",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PSQLRC",
    "PSQL_EDITOR",
    "PSQL_PAGER",
    "PWD",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "RIPGREP_CONFIG_PATH",
    "RSYNC_RSH",
    "RUBYLIB",
    "RUBYOPT",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "R_PROFILE",
    "SHELL",
    "SHELLOPTS",
    "SSLKEYLOGFILE",
    "SUDO_ASKPASS",
    "TAR_OPTIONS",
    "TMPDIR",
    "VIMINIT",
    "VISUAL",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];

const STARTS: &[&str] = &[
    "BASH",
    "CARGO_",
    "COR_",
    "CORECLR_",
    "DYLD_",
    "GIT_",
    "LD_",
    "MALLOC_",
    "NPM_CONFIG_",
    "npm_config_",
    "PIP_",
    "PYTHON",
    "RUSTUP_",
    "SSH_",
    "UV_",
    "XDG_",
];

// In zsh these are PATH and its like under another name.
const TIED: &[&str] = &["cdpath", "fpath", "path"];

// Of the above, lists of directories that a language takes libraries from.
const SEARCH_PATHS: &[&str] = &["NODE_PATH", "PERL5LIB", "PYTHONPATH", "RUBYLIB"];

// Variables that a shell fills with text of its own, or with what it reads.
const TEXTS: &[&str] = &[
    "_", "COPROC", "DIRSTACK", "FUNCNAME", "HOME", "HOSTNAME", "HOSTTYPE", "MACHTYPE", "MAPFILE",
    "OLDPWD", "OPTARG", "OSTYPE", "PATH", "PWD", "REPLY", "SHELL",
];

// Variables that are lists from the start.
const LISTS: &[&str] = &[
    "COPROC",
    "DIRSTACK",
    "FUNCNAME",
    "GROUPS",
    "MAPFILE",
    "PIPESTATUS",
];

// Of variables in capital letters, those by which programs are told what to do.
const SETTINGS: &[&str] = &[
    "CI", "DEBUG", "DISPLAY", "HOSTNAME", "LANG", "LANGUAGE", "LOGNAME", "TERM", "TZ", "USER",
];
const SETTING_STARTS: &[&str] = &[
    "AWS_", "AZURE_", "BUNDLE_", "DJANGO_", "DOCKER_", "FLASK_", "GCP_", "GEM_", "GO", "GOOGLE_",
    "JAVA_", "KUBE", "LC_", "NODE_", "PG", "RACK_", "RAILS_", "RUBY_", "RUST_", "npm_",
];
const SETTING_ENDS: &[&str] = &[
    "_ARGS",
    "_CONFIG",
    "_ENV",
    "_FLAGS",
    "_HOME",
    "_HOST",
    "_KEY",
    "_OPTIONS",
    "_OPTS",
    "_PASSWORD",
    "_PATH",
    "_PORT",
    "_SECRET",
    "_TOKEN",
    "_URI",
    "_URL",
    "_proxy",
];

// Of the above, those that only change what is printed, and those that hold a credential or lead to
// one.
const HARMLESS: &[&str] = &[
    "CARGO_TERM_COLOR",
    "CARGO_INCREMENTAL",
    "CARGO_REGISTRY_TOKEN",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONUNBUFFERED",
    "SSH_AUTH_SOCK",
];

/// Returns whether setting the variable is denied whatever the grants say.
pub(super) fn is_denied(name: &str) -> bool {
    !HARMLESS.contains(&name)
        && (NAMES.contains(&name)
            || TIED.contains(&name)
            || STARTS.iter().any(|start| name.starts_with(start)))
}

/// Returns whether a role that is granted the variable may still set it only to directories that it can't
/// write.
pub(super) fn is_search_path(name: &str) -> bool {
    SEARCH_PATHS.contains(&name)
}

/// Returns whether the shell itself may have put text into a variable that is no number.
pub(super) fn holds_text(name: &str) -> bool {
    TEXTS.contains(&name)
        || name.starts_with("BASH") && !matches!(name, "BASHPID" | "BASH_SUBSHELL")
}

/// Returns whether a variable is a list before anything sets it.
pub(super) fn is_list(name: &str) -> bool {
    LISTS.contains(&name) || name.starts_with("BASH_")
}

/// Returns whether a variable of this name may well be in the environment already, so that commands are
/// given what is put into it.
pub(super) fn may_be_exported(name: &str) -> bool {
    SETTINGS.contains(&name)
        || SETTING_STARTS
            .iter()
            .any(|start| name.starts_with(start) && name.len() > start.len())
        || SETTING_ENDS.iter().any(|end| name.ends_with(end))
}

/// Returns what of all that `pattern` gives no role is given, whatever grants it: a variable, or where
/// the pattern is the start of many, that and `*`. Nothing where all of it may be granted.
pub fn denied_variable(pattern: &NamePattern) -> Option<String> {
    let text = pattern.as_str();
    let Some((head, rest)) = text.split_once('*') else {
        // A role may set a search path to where it can't write, if it is granted by its name.
        let denied = is_denied(text) && !is_search_path(text);
        return denied.then(|| text.to_owned());
    };
    let mut names = NAMES.iter().chain(TIED);
    let name = names.find(|name| pattern.gives(name));
    let mut starts = STARTS.iter();
    let start = starts.find(|start| head.starts_with(**start) || start.starts_with(head));
    let name = name.map(|name| (*name).to_owned());
    name.or_else(|| {
        let start = start?;
        Some(match rest {
            "" => format!("{start}*"),
            // The stars as what is left of the start, and as nothing.
            _ if head.len() > start.len() => text.replace('*', ""),
            _ => format!("{start}{}", rest.replace('*', "")),
        })
    })
}

/// Returns whether `name` is the name of a variable and nothing else.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_role_is_given_is_found_in_patterns_too() {
        for (pattern, then) in [
            ("LD_PRELOAD", Some("LD_PRELOAD")),
            ("PATH", Some("PATH")),
            ("GIT_SSH_COMMAND", Some("GIT_SSH_COMMAND")),
            ("BASH_ENV", Some("BASH_ENV")),
            ("path", Some("path")),
            ("LD_*", Some("LD_*")),
            ("LD_PRE*", Some("LD_*")),
            ("*", Some("AR")),
            ("NODE_*", Some("NODE_OPTIONS")),
            ("*_OPTIONS", Some("ELIXIR_ERL_OPTIONS")),
            ("G*_COMMAND", Some("GIT__COMMAND")),
            ("*_URL", Some("BASH_URL")),
            ("LD_P*D*", Some("LD_PD")),
            ("PYTHON*", Some("PYTHON*")),
            ("PYTHONPATH", None),
            ("RAILS_ENV", None),
            ("GITHUB_TOKEN", None),
            ("GITHUB_*", None),
            ("AWS_*", None),
            ("CARGO_TERM_COLOR", None),
            ("CARGO_REGISTRY_TOKEN", None),
            ("SSH_AUTH_SOCK", None),
        ] {
            let parsed = pattern.parse().unwrap();
            assert_eq!(denied_variable(&parsed).as_deref(), then, "{pattern}");
        }
        // Whatever a line may not set, a role is not given.
        let names = NAMES.iter().chain(TIED);
        for name in names.filter(|name| !is_search_path(name)) {
            assert_eq!(
                denied_variable(&name.parse().unwrap()).as_deref(),
                Some(*name)
            );
        }
    }
}
