//! Python.

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
    if tests.is_empty() {
        // Compiles in memory: nothing is written beside the source.
        let compile = "import subprocess; [compile(open(f, 'rb').read(), f, 'exec') for f in \
                       subprocess.check_output(['git', 'ls-files', '*.py'], text=True).split('\\n') if f]";
        (
            format!("{prefix}python3 -c \"{compile}\""),
            "there are no tests yet, so every file must compile",
        )
    } else if pytest {
        (format!("{prefix}python3 -m pytest -q"), "all tests")
    } else {
        let folder = tests
            .iter()
            .find_map(|path| path.split_once('/'))
            .map_or(".", |(folder, _)| folder);
        (
            format!("{prefix}python3 -m unittest discover -s {folder} -t ."),
            "all tests",
        )
    }
}
