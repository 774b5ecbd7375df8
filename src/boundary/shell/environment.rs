//! Variables that no line may set: they change what later programs are or do.

const NAMES: &[&str] = &[
    "AR",
    "BASHOPTS",
    "BASH_ENV",
    "BROWSER",
    "BUNDLE_GEMFILE",
    "CC",
    "CDPATH",
    "CLASSPATH",
    "CXX",
    "DOTNET_STARTUP_HOOKS",
    "EDITOR",
    "ELIXIR_ERL_OPTIONS",
    "ENV",
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_ZFLAGS",
    "EXECIGNORE",
    "FPATH",
    "FUNCNEST",
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
    "MANPAGER",
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
    "PWD",
    "RIPGREP_CONFIG_PATH",
    "RUBYLIB",
    "RUBYOPT",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "SHELL",
    "SHELLOPTS",
    "SSLKEYLOGFILE",
    "SUDO_ASKPASS",
    "TAR_OPTIONS",
    "TMPDIR",
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

// Of the above, those that only change what is printed.
const HARMLESS: &[&str] = &[
    "CARGO_TERM_COLOR",
    "CARGO_INCREMENTAL",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONUNBUFFERED",
];

/// Returns whether setting the variable is denied whatever the grants say.
pub(super) fn is_denied(name: &str) -> bool {
    !HARMLESS.contains(&name)
        && (NAMES.contains(&name)
            || TIED.contains(&name)
            || STARTS.iter().any(|start| name.starts_with(start)))
}

/// Returns whether `name` is the name of a variable and nothing else.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
