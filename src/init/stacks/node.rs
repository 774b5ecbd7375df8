//! Node: JavaScript and TypeScript, with whichever package manager the project uses.

use serde_json::Value;

use crate::init::{
    project::Project,
    stack::{Smoke, Stack, all},
};

const SOURCE: [&str; 10] = [
    "js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "svelte", "astro", "css",
];

/// What `npm init` writes in place of a test.
const NO_TEST: &str = "no test specified";

/// A gate also runs in copies that are no repository, so git is not asked which files there are. With no
/// file at all nothing is started, which would wait for one to be typed.
const EVERY_FILE_PARSES: &str = "find . -name '.?*' -prune -o -name node_modules -prune \
                                 -o -type f -name '*[.cm]js' -print0 | xargs -0rn1 node --check";

/// Words in the name of a script that sends something out.
const LEAVES: [&str; 4] = ["deploy", "publish", "release", "push"];

/// Recognises Node by its manifest.
pub(super) fn find(project: &Project<'_>) -> Option<Stack> {
    let manifest = project.text("package.json")?;
    let manifest: Value = serde_json::from_str(&manifest).unwrap_or_default();
    let manager = Manager::of(project, &manifest);
    let scripts = scripts(&manifest);
    let mut source = project.source(&SOURCE);
    if source.is_empty() {
        source.push("src/**".to_owned());
    }
    let key_files = source
        .iter()
        .map(|pattern| match pattern.strip_suffix("/**") {
            Some(folder) => format!("{folder}/**/*.{{js,jsx,ts,tsx,mjs,cjs,vue,svelte,astro}}"),
            None => pattern.clone(),
        })
        .collect();
    source.extend(project.present(&["public/**", "static/**"]));
    let mut manifests = all(&["package.json", manager.lock_file()]);
    manifests.extend(project.present(&["tsconfig.json"]));
    let call = |script: &str| match script {
        "test" => format!("{} test *", manager.name()),
        script => format!("{} run {script} *", manager.name()),
    };
    let leaves = |script: &str| LEAVES.iter().any(|word| script.contains(word));
    let (out, own): (Vec<&str>, Vec<&str>) = scripts
        .iter()
        .map(|(name, _)| name.as_str())
        .partition(|name| leaves(name));
    let tests = |name: &&&str| {
        name.starts_with("test") || name.starts_with("lint") || name.starts_with("check")
    };
    let mut checks: Vec<String> = own.iter().filter(tests).map(|name| call(name)).collect();
    checks.extend(all(&["node --test *", "node --check *"]));
    let mut toolchain: Vec<String> = own.iter().map(|name| call(name)).collect();
    toolchain.extend(all(&["node --test *", "node --check *"]));
    toolchain.extend(all(manager.packages()));
    let mut deploy: Vec<String> = out.iter().map(|name| call(name)).collect();
    deploy.push(format!("{} publish *", manager.name()));
    if project.has("vercel.json") {
        deploy.push("vercel *".to_owned());
    }
    if project.has("wrangler.toml") || project.has("wrangler.jsonc") {
        deploy.push("wrangler *".to_owned());
    }
    let built = [
        "dist",
        "build",
        "out",
        "coverage",
        ".next",
        ".astro",
        ".nuxt",
        ".svelte-kit",
    ];
    let mut scratch = all(&["node_modules/**"]);
    scratch.extend(
        built
            .iter()
            .filter(|name| project.ignores(name))
            .map(|name| format!("{name}/**")),
    );
    Some(Stack {
        name: "Node",
        slug: "node",
        source,
        manifests,
        tests: project.tests("test/**"),
        key_files,
        pages: project.present(&["src/pages/**", "pages/**", "public/**"]),
        toolchain,
        checks,
        audits: vec![format!("{} audit *", manager.name())],
        deploy,
        setup: manager
            .setup(project, &manifest)
            .map(str::to_owned)
            .into_iter()
            .collect(),
        scratch,
        smoke: smoke(project, &manifest, manager, &scripts),
        ..Stack::default()
    })
}

// The scripts that can be named in a pattern; those that run around others are not called.
fn scripts(manifest: &Value) -> Vec<(String, String)> {
    let plain = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.'))
    };
    let table = manifest.get("scripts").and_then(Value::as_object);
    let mut scripts: Vec<_> = table
        .into_iter()
        .flatten()
        .filter_map(|(name, script)| Some((name.clone(), script.as_str()?.to_owned())))
        .filter(|(name, _)| plain(name))
        .collect();
    let names: Vec<String> = scripts.iter().map(|(name, _)| name.clone()).collect();
    scripts.retain(|(name, _)| {
        let around = name
            .strip_prefix("pre")
            .or_else(|| name.strip_prefix("post"));
        !around.is_some_and(|of| names.iter().any(|known| known == of))
    });
    scripts
}

fn smoke(
    project: &Project<'_>,
    manifest: &Value,
    manager: Manager,
    scripts: &[(String, String)],
) -> Smoke {
    let script = |name: &str| {
        let found = scripts.iter().find(|(known, _)| known == name);
        found.map(|(_, script)| script.as_str())
    };
    let is_test = |path: &str| {
        path.contains(".test.") || path.contains(".spec.") || path.starts_with("test/")
    };
    let own = script("test").filter(|script| !script.contains(NO_TEST));
    let (run, why, indirect) = if let Some(own) = own {
        match manager
            .directly(own)
            .filter(|_| stands_alone(manifest, "test"))
            // A test that is named is the exam itself, and nobody could write it then.
            .filter(|_| !own.split_whitespace().any(|word| project.has(word)))
        {
            Some(run) => (run, "the project's own tests, called directly", false),
            None => (
                format!("{} test", manager.name()),
                "the project's own tests",
                true,
            ),
        }
    } else if project.with(&["js", "mjs", "cjs"]).any(is_test) {
        ("node --test".to_owned(), "all tests", false)
    } else if project.has("tsconfig.json") && depends_on(manifest, "typescript") {
        let run = manager.directly("tsc --noEmit").unwrap_or_default();
        (
            run,
            "there are no tests yet, so all types must agree",
            false,
        )
    } else if script("build").is_some() {
        let run = format!("{} run build", manager.name());
        (run, "there are no tests yet, so it must build", true)
    } else {
        let why = "there are no tests yet, so every file must parse";
        (EVERY_FILE_PARSES.to_owned(), why, false)
    };
    Smoke {
        run,
        why,
        indirect,
        tools: vec!["node --version"],
        timeout: "10m",
        ..Smoke::default()
    }
}

// Whether the script called `name` is all that runs under that name.
fn stands_alone(manifest: &Value, name: &str) -> bool {
    let scripts = manifest.get("scripts");
    ["pre", "post"].iter().all(|around| {
        scripts
            .and_then(|scripts| scripts.get(format!("{around}{name}")))
            .is_none()
    })
}

fn depends_on(manifest: &Value, package: &str) -> bool {
    ["dependencies", "devDependencies"].iter().any(|list| {
        manifest
            .get(list)
            .and_then(|list| list.get(package))
            .is_some()
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Npm,
    Pnpm,
    Yarn,
    Bun,
}

impl Manager {
    fn of(project: &Project<'_>, manifest: &Value) -> Self {
        let declared = manifest
            .get("packageManager")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let is = |name: &str, locks: &[&str]| {
            declared.split('@').next() == Some(name) || locks.iter().any(|lock| project.has(lock))
        };
        if is("pnpm", &["pnpm-lock.yaml"]) {
            Self::Pnpm
        } else if is("yarn", &["yarn.lock"]) {
            Self::Yarn
        } else if is("bun", &["bun.lock", "bun.lockb"]) {
            Self::Bun
        } else {
            Self::Npm
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        }
    }

    // The command of a script as the package manager would run it, so that the manifest has no say in
    // it; nothing where only a shell with the manager's own settings could.
    fn directly(self, script: &str) -> Option<String> {
        let special = |letter: char| !letter.is_ascii() || "&|;<>$`()\"'\\*?#~={}".contains(letter);
        let program = script.split_whitespace().next()?;
        let calls_back = ["npm", "npx", "pnpm", "yarn", "bun", "bunx", "node_modules"];
        if script.contains(special) || calls_back.contains(&program) {
            return None;
        }
        if program == "node" {
            return Some(script.to_owned());
        }
        let start = match self {
            Self::Npm => "npx --no-install",
            Self::Pnpm => "pnpm exec",
            Self::Yarn => "yarn run",
            Self::Bun => "bunx --no-install",
        };
        Some(format!("{start} {script}"))
    }

    const fn lock_file(self) -> &'static str {
        match self {
            Self::Npm => "package-lock.json",
            Self::Pnpm => "pnpm-lock.yaml",
            Self::Yarn => "yarn.lock",
            Self::Bun => "bun.lock",
        }
    }

    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Npm => &["npm install *", "npm uninstall *", "npm ls *"],
            Self::Pnpm => &["pnpm install *", "pnpm add *", "pnpm remove *", "pnpm ls *"],
            Self::Yarn => &["yarn install *", "yarn add *", "yarn remove *"],
            Self::Bun => &["bun install *", "bun add *", "bun remove *"],
        }
    }

    // What a fresh checkout needs; nothing where the project has no dependencies.
    fn setup(self, project: &Project<'_>, manifest: &Value) -> Option<&'static str> {
        let any = [
            "dependencies",
            "devDependencies",
            "optionalDependencies",
            "workspaces",
        ];
        if !any.iter().any(|list| manifest.get(list).is_some()) {
            return None;
        }
        let locked = project.has(self.lock_file()) || project.has("bun.lockb");
        Some(match (self, locked) {
            (Self::Npm, true) => "npm ci",
            (Self::Npm, false) => "npm install --no-package-lock",
            (Self::Pnpm, true) => "pnpm install --frozen-lockfile",
            (Self::Pnpm, false) => "pnpm install --no-lockfile",
            (Self::Yarn, true) if project.has(".yarnrc.yml") => "yarn install --immutable",
            (Self::Yarn, true) => "yarn install --frozen-lockfile",
            (Self::Yarn, false) => "yarn install",
            (Self::Bun, true) => "bun install --frozen-lockfile",
            (Self::Bun, false) => "bun install --no-save",
        })
    }
}
