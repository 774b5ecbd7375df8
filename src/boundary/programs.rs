//! What is known of programs: their global options, and how they are called.

/// Returns the last segment of a program's path.
pub(super) fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

// Programs with subcommands, and their global options that are followed by a value of their own.
static WITH_VALUE: &[(&[&str], &[&str])] = &[
    (
        &["git"],
        &[
            "-C",
            "-c",
            "--git-dir",
            "--work-tree",
            "--namespace",
            "--super-prefix",
            "--config-env",
            "--exec-path",
            "--attr-source",
        ],
    ),
    (&["cargo"], &["-C", "-Z", "--color", "--config"]),
    (
        &["npm", "npx"],
        &[
            "-w",
            "--workspace",
            "--prefix",
            "--registry",
            "--userconfig",
            "--cache",
            "--loglevel",
        ],
    ),
    (
        &["pnpm"],
        &[
            "-C",
            "--dir",
            "-F",
            "--filter",
            "--prefix",
            "--registry",
            "--config",
        ],
    ),
    (
        &["yarn"],
        &["--cwd", "--registry", "--modules-folder", "--cache-folder"],
    ),
    (
        &["docker", "podman"],
        &[
            "-H",
            "--host",
            "--context",
            "-c",
            "--config",
            "-l",
            "--log-level",
            "--url",
        ],
    ),
    (
        &["kubectl"],
        &[
            "-n",
            "--namespace",
            "--context",
            "--cluster",
            "--user",
            "--kubeconfig",
            "-s",
            "--server",
            "--token",
            "--as",
            "--request-timeout",
            "-v",
        ],
    ),
    (
        &["helm"],
        &["-n", "--namespace", "--kube-context", "--kubeconfig"],
    ),
    (
        &["kamal"],
        &[
            "-d",
            "--destination",
            "-c",
            "--config-file",
            "-h",
            "--hosts",
            "-r",
            "--roles",
            "--version",
        ],
    ),
    (&["gh", "glab"], &["-R", "--repo"]),
    (
        &["make"],
        &[
            "-C",
            "--directory",
            "-f",
            "--file",
            "-I",
            "-j",
            "-l",
            "-o",
            "-W",
        ],
    ),
    (
        &["systemctl"],
        &[
            "-H",
            "--host",
            "-M",
            "--machine",
            "-t",
            "--type",
            "-p",
            "-n",
            "-o",
        ],
    ),
    (
        &["aws"],
        &[
            "--profile",
            "--region",
            "--endpoint-url",
            "--output",
            "--query",
        ],
    ),
    (
        &["gcloud"],
        &[
            "--project",
            "--account",
            "--configuration",
            "--format",
            "--region",
            "--zone",
        ],
    ),
    (&["heroku"], &["-a", "--app", "-r", "--remote"]),
    (
        &["fly", "flyctl"],
        &["-a", "--app", "-c", "--config", "-t", "--access-token"],
    ),
    (
        &["uv"],
        &[
            "--directory",
            "--project",
            "--config-file",
            "--color",
            "-p",
            "--python",
        ],
    ),
    (&["mix", "bundle", "terraform"], &[]),
];

// Commands that build, check, and test the project, or fetch what it depends on: they run code of the
// project and of its dependencies, and no word of theirs names a program or is code.
struct Task {
    programs: &'static [&'static str],
    // What stands behind the program, its words split at blanks.
    words: &'static [&'static str],
    // Whether anything may stand behind that too.
    open: bool,
}

const fn task(programs: &'static [&'static str], words: &'static [&'static str]) -> Task {
    Task {
        programs,
        words,
        open: false,
    }
}

static TASKS: &[Task] = &[
    Task {
        open: true,
        ..task(
            &["rails", "bin/rails"],
            &["test", "test:all", "test:system"],
        )
    },
    task(
        &["rails", "bin/rails"],
        &[
            "assets:precompile",
            "db:migrate",
            "db:migrate:status",
            "db:prepare",
            "db:rollback",
            "db:schema:load",
            "db:seed",
            "db:setup",
            "db:test:prepare",
            "routes",
            "zeitwerk:check",
        ],
    ),
    task(&["bundle"], &["check", "install"]),
    task(
        &["bun", "npm", "pnpm", "yarn"],
        &[
            "build",
            "ci",
            "format",
            "install",
            "lint",
            "run build",
            "run check",
            "run format",
            "run lint",
            "run test",
            "run typecheck",
            "test",
            "typecheck",
        ],
    ),
    task(
        &["cargo"],
        &[
            "bench",
            "build",
            "check",
            "clippy",
            "doc",
            "fetch",
            "fmt",
            "fmt --check",
            "test",
        ],
    ),
    task(
        &["go"],
        &["build ./...", "mod download", "test ./...", "vet ./..."],
    ),
    task(
        &["gmake", "just", "make", "rake", "task"],
        &["build", "check", "format", "lint", "spec", "test"],
    ),
    task(
        &[
            "ctest", "jest", "mypy", "phpunit", "pytest", "rspec", "rubocop", "tox", "tsc",
            "vitest",
        ],
        &[""],
    ),
    task(&["ruff"], &["check", "format"]),
    task(&["uv"], &["lock", "sync"]),
    task(&["composer", "poetry"], &["check", "install"]),
    task(&["mix"], &["compile", "deps.get", "format", "test"]),
    task(&["dotnet", "swift"], &["build", "restore", "test"]),
    task(
        &["gradle", "./gradlew", "mvn", "./mvnw"],
        &["build", "check", "compile", "package", "test", "verify"],
    ),
];

/// Returns whether a command runs the project's own code and nothing that its words name; `words` are
/// those that it begins with, and `whole` tells whether they are all.
pub(super) fn is_task(words: &[String], whole: bool) -> bool {
    let Some((program, rest)) = words.split_first() else {
        return false;
    };
    let known = TASKS
        .iter()
        .filter(|task| task.programs.contains(&program.as_str()));
    known.into_iter().any(|task| {
        task.words.iter().any(|words| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let begins = rest.len() >= words.len() && rest.iter().zip(&words).all(|(a, b)| a == b);
            begins && (task.open || whole && rest.len() == words.len())
        })
    })
}

/// Returns the global options of a known program that are followed by a value of their own, or
/// nothing if the program is not known.
pub(super) fn options_with_value(program: &str) -> Option<&'static [&'static str]> {
    let name = base_name(program);
    let known = WITH_VALUE.iter().find(|(names, _)| names.contains(&name));
    known.map(|(_, options)| *options)
}
