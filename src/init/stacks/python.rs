//! Python.

use std::collections::BTreeSet;

use crate::init::{
    project::Project,
    stack::{Smoke, Stack, all},
};

/// Recognises Python by its project file, or by a list of requirements.
pub(super) fn find(project: &Project<'_>) -> Option<Stack> {
    let manifests = [
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "requirements.txt",
    ];
    if !manifests.iter().any(|path| project.has(path)) {
        return None;
    }
    let manager = Manager::of(project);
    let mut source = project.source(&["py"]);
    if source.is_empty() {
        source.push("src/**".to_owned());
    }
    let mut manifests = project.present(&manifests);
    manifests.extend(project.present(&["uv.lock", "poetry.lock"]));
    let key_files = source
        .iter()
        .map(|pattern| match pattern.strip_suffix("/**") {
            Some(folder) => format!("{folder}/**/*.py"),
            None => pattern.clone(),
        })
        .collect();
    let (run, why) = smoke(project, manager);
    let run_any = |command: &str| format!("{}{command}", manager.prefix());
    let checks = vec![
        run_any("python3 -m pytest *"),
        run_any("python3 -m unittest *"),
    ];
    let mut toolchain = checks.clone();
    toolchain.extend(["ruff", "mypy", "black"].map(|tool| run_any(&format!("{tool} *"))));
    toolchain.extend(all(match manager {
        Manager::Uv => &["uv sync *", "uv add *", "uv remove *", "uv lock *"],
        Manager::Poetry => &[
            "poetry install *",
            "poetry add *",
            "poetry remove *",
            "poetry lock *",
        ],
        Manager::None => &["python3 -m pip install *"],
    }));
    Some(Stack {
        name: "Python",
        slug: "python",
        source,
        manifests,
        tests: project.tests("tests/**"),
        key_files,
        toolchain,
        checks,
        audits: vec![run_any("pip-audit *")],
        deploy: all(&["twine upload *", "uv publish *", "poetry publish *"]),
        setup: all(match manager {
            Manager::Uv => &["uv sync --frozen"],
            Manager::Poetry => &["poetry install --no-interaction"],
            Manager::None => &[],
        }),
        scratch: all(&["**/__pycache__/**", ".venv/**", ".pytest_cache/**"]),
        // No interpreter leaves compiled files where gates would see them.
        env: vec![("PYTHONDONTWRITEBYTECODE", "1")],
        smoke: Smoke {
            run,
            why,
            tools: vec![match manager {
                Manager::Uv => "uv run python --version",
                Manager::Poetry => "poetry run python --version",
                Manager::None => "python3 --version",
            }],
            env: Vec::new(),
            timeout: "10m",
            ..Smoke::default()
        },
        ..Stack::default()
    })
}

#[derive(Clone, Copy)]
enum Manager {
    Uv,
    Poetry,
    None,
}

impl Manager {
    fn of(project: &Project<'_>) -> Self {
        if project.has("uv.lock") {
            Self::Uv
        } else if project.has("poetry.lock") {
            Self::Poetry
        } else {
            Self::None
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Uv => "uv run ",
            Self::Poetry => "poetry run ",
            Self::None => "",
        }
    }
}

fn smoke(project: &Project<'_>, manager: Manager) -> (String, &'static str) {
    let prefix = manager.prefix();
    let is_test = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.starts_with("test_") || name.ends_with("_test.py")
    };
    let tests: Vec<_> = project.with(&["py"]).filter(|path| is_test(path)).collect();
    let pytest = [
        "pyproject.toml",
        "requirements.txt",
        "requirements-dev.txt",
        "setup.cfg",
        "tox.ini",
    ]
    .iter()
    .any(|path| project.says(path, "pytest"))
        || tests.iter().any(|path| project.says(path, "import pytest"));
    if !tests.is_empty() && pytest {
        return (format!("{prefix}python3 -m pytest -q"), "all tests");
    }
    let known = tests
        .into_iter()
        .filter(|path| project.says(path, "unittest"));
    let runs: Vec<_> = unittests(project, known)
        .into_iter()
        .map(|arguments| format!("{prefix}python3 -m unittest discover {arguments}"))
        .collect();
    if runs.is_empty() {
        // Compiles in memory: nothing is written beside the source. A gate also runs in copies that are
        // no repository, so git is not asked which files there are.
        let compile = "import pathlib as p; [compile(f.read_bytes(), f, 'exec') for f in \
                       p.Path().rglob('*.py') if 'site-packages' not in f.parts]";
        (
            format!("{prefix}python3 -c \"{compile}\""),
            "there are no tests that are known, so every file must compile",
        )
    } else {
        (runs.join(" && "), "all tests")
    }
}

// What `unittest discover` is told to find `tests`: it goes into packages alone, so each folder that
// is none is a start of its own, and a package starts at its top, below which its names begin.
fn unittests<'a>(project: &Project<'_>, tests: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let parent = |folder: &'a str| folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    let is_package =
        |folder: &str| !folder.is_empty() && project.has(&format!("{folder}/__init__.py"));
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '/' | '_' | '-' | '.');
    let from = |folder: &str| match folder {
        "" => ".".to_owned(),
        folder if folder.chars().all(plain) => folder.to_owned(),
        folder => format!("'{}'", folder.replace('\'', "'\\''")),
    };
    let start = |path: &'a str| {
        let folder = parent(path);
        let pattern = if path.ends_with("_test.py") {
            " -p '*_test.py'"
        } else {
            ""
        };
        if !is_package(folder) {
            return format!("-s {}{pattern}", from(folder));
        }
        let mut top = folder;
        while is_package(parent(top)) {
            top = parent(top);
        }
        format!("-s {} -t {}{pattern}", from(top), from(parent(top)))
    };
    tests.map(start).collect()
}
