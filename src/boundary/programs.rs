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

/// Returns the global options of a known program that are followed by a value of their own, or
/// nothing if the program is not known.
pub(super) fn options_with_value(program: &str) -> Option<&'static [&'static str]> {
    let name = base_name(program);
    let known = WITH_VALUE.iter().find(|(names, _)| names.contains(&name));
    known.map(|(_, options)| *options)
}
