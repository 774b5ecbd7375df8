//! The text of a first factory.kdl.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    project::Project,
    roles::{Judged, ShippedRole, Tier},
    stack::Stack,
};
use crate::boundary::{CommandPattern, Effect, Grant, effect, may_run_within};

/// Pinned, so that a new version is a decision.
const BROWSER: &str = "chrome-devtools-mcp@1.11.0";

/// The longest line, in characters.
const WIDTH: usize = 120;

const MODELS: [(Tier, &str, &str); 2] = [
    (
        Tier::Opus,
        "opus",
        r#"model "opus"   id="claude-opus-5-5"   { price input="5.00" output="25.00" cache-read="0.50" cache-write="6.25"; }"#,
    ),
    (
        Tier::Sonnet,
        "sonnet",
        r#"model "sonnet" id="claude-sonnet-5-5" { price input="3.00" output="15.00" cache-read="0.30" cache-write="3.75"; }"#,
    ),
];

/// Returns a spec for `project` with `roles`. What no role needs is left out.
pub(super) fn spec(
    project: &Project<'_>,
    stacks: &[Stack],
    roles: &[&'static ShippedRole],
) -> String {
    let sets = Sets::new(project, stacks);
    let roles_text = roles_text(&sets, project, stacks, roles);
    let proven = rules(&sets, roles);
    let judged = |judged: Judged| roles.iter().any(|role| role.judged == judged);
    let gates = if judged(Judged::Maker) {
        gates(project, stacks, true)
    } else if judged(Judged::Author) {
        gates(project, stacks, false)
    } else {
        String::new()
    };
    let profiles = profiles(stacks, judged(Judged::Maker), judged(Judged::Author));
    let body = [gates.as_str(), &profiles, &roles_text, &proven].concat();
    let parts = [
        head(project, stacks, roles),
        models(roles),
        sets.text(&body),
        boundary(project, stacks),
        servers(roles),
        workspace(stacks),
        gates,
        profiles,
        roles_text,
        proven,
        documents(project, stacks, judged(Judged::Maker)),
    ];
    let parts: Vec<_> = parts
        .iter()
        .map(|part| part.trim_end())
        .filter(|part| !part.is_empty())
        .collect();
    let text = parts.join("\n\n");
    let mut wrapped: String = text.lines().map(|line| wrapped(line) + "\n").collect();
    wrapped.truncate(wrapped.trim_end().len() + 1);
    wrapped
}

// A line that is too long for a review, continued on further ones.
fn wrapped(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut lines = Vec::new();
    let mut rest = line.to_owned();
    // A comment can't be continued, so it is left as it is.
    while rest.chars().count() > WIDTH && !rest.contains(" //") {
        let mut inside = false;
        let mut last = None;
        for (column, (at, letter)) in rest.char_indices().enumerate() {
            match letter {
                '"' if !rest.get(..at).is_some_and(|before| before.ends_with('\\')) => {
                    inside = !inside;
                }
                ' ' if !inside && column > indent + 4 && (column < WIDTH || last.is_none()) => {
                    last = Some(at);
                }
                _ => {}
            }
        }
        let Some((head, tail)) = last.and_then(|at| rest.split_at_checked(at)) else {
            break;
        };
        let (head, tail) = (head.to_owned(), tail.trim_start().to_owned());
        lines.push(format!("{head} \\"));
        rest = format!("{}{tail}", " ".repeat(indent + 4));
        if tail.is_empty() || lines.len() > 1_000 {
            break;
        }
    }
    lines.push(rest);
    lines.join("\n")
}

/// Returns `text` as a quoted string of the language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

// A node with arguments, such as `write "a" "b"`; nothing where there are none.
fn list(node: &str, texts: &[impl AsRef<str>]) -> Option<String> {
    let texts: Vec<_> = texts.iter().map(|text| quoted(text.as_ref())).collect();
    (!texts.is_empty()).then(|| format!("{node} {}", texts.join(" ")))
}

fn head(project: &Project<'_>, stacks: &[Stack], roles: &[&'static ShippedRole]) -> String {
    let names: Vec<_> = stacks.iter().map(|stack| stack.name).collect();
    let mut text = format!(
        "// Who the agents are, what each may and may never do, and which checks stand between their work\n\
         // and the branch. `factory check` reads it, `factory build` compiles it, `factory explain NODE`\n\
         // tells what can be written. This project was taken for: {}.\n\n\
         factory {} spec=1 requires=\"0.1\" {{\n    \
         preamble \"roles/_preamble.md\"      // compiled into every prompt\n",
        names.join(", "),
        quoted(project.name()),
    );
    let planner = roles.iter().any(|role| role.name == "ceo");
    if planner {
        text.push_str(
            "    planner \"ceo\"                      // who turns a sentence into a task\n",
        );
    }
    text.push_str(
        "    include \"tasks/*.kdl\"\n    target \"claude-code\"\n    \
         driver \"claude-code\" { env \"ANTHROPIC_API_KEY\"; }   // the client's own key, where it uses one\n    \
         land \"branch\"\n    \
         stop attempts=3 usd=\"15.00\" wall=\"45m\"   // each step, unless a role or step says otherwise\n",
    );
    if !planner {
        let _ = writeln!(
            text,
            "    lint {} level=\"off\" \\\n        because={}",
            quoted("factory::role::unreachable"),
            quoted("there is no planner: tasks are written by hand in tasks/"),
        );
    }
    let gated = roles.iter().any(|role| role.judged == Judged::Maker);
    if gated && stacks.iter().any(|stack| stack.smoke.indirect) {
        let _ = writeln!(
            text,
            "    lint {} level=\"off\" \\\n        because={}",
            quoted("factory::gate::decider-writable"),
            quoted(
                "package.json says what the tests are, and a new dependency is written there too; \
                 its changes are read in review"
            ),
        );
    }
    text.push_str("}\n");
    text
}

fn models(roles: &[&ShippedRole]) -> String {
    let used = |tier: Tier| roles.iter().any(|role| role.tier == tier);
    let lines: Vec<_> = MODELS
        .iter()
        .filter(|(tier, ..)| used(*tier))
        .map(|(.., line)| *line)
        .collect();
    lines.join("\n")
}

fn model(tier: Tier) -> &'static str {
    MODELS
        .iter()
        .find(|(known, ..)| *known == tier)
        .map_or("sonnet", |(_, name, _)| name)
}

// Files that hold secrets in some folder, and endings of those that only show what would stand there.
const SECRETS: &str = "**/.env*";
const SHOWN: &[&str] = &[".example", ".sample", ".template", ".dist"];

fn boundary(project: &Project<'_>, stacks: &[Stack]) -> String {
    let shown = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.starts_with(".env")
            .then(|| SHOWN.iter().find(|ending| name.ends_with(**ending)))
            .flatten()
            .map(|_| format!("**/{name}"))
    };
    let shown: BTreeSet<String> = project.files().filter_map(shown).collect();
    let shown: Vec<String> = shown.into_iter().collect();
    // What git tracks and nobody may read would keep everyone from a plain `git diff`.
    let (set, secrets) = match list("except", &shown) {
        Some(except) => (
            format!("paths \"secrets\" {} {{ {except}; }}\n", quoted(SECRETS)),
            "@secrets",
        ),
        None => (String::new(), SECRETS),
    };
    let mut secrets = vec![secrets.to_owned()];
    secrets.extend(
        stacks
            .iter()
            .flat_map(|stack| stack.secrets.iter().cloned()),
    );
    let never = list("read", &secrets).unwrap_or_default();
    format!(
        "{set}may   {{ run \"@std/inspect\"; }}   // every role: ls, cat, rg, git status, git diff, git log, …\nnever {{ {never}; }}\n"
    )
}

fn servers(roles: &[&ShippedRole]) -> String {
    if roles.iter().any(|role| role.name == "qa") {
        format!(
            "server \"chrome-devtools\" {{ command \"npx\" \"-y\" {}; }}\n",
            quoted(BROWSER)
        )
    } else {
        String::new()
    }
}

fn workspace(stacks: &[Stack]) -> String {
    let mut text = String::new();
    for setup in unique(stacks.iter().flat_map(|stack| &stack.setup)) {
        let _ = writeln!(text, "    setup {}", quoted(setup));
    }
    let scratch: Vec<_> = unique(stacks.iter().flat_map(|stack| &stack.scratch));
    if let Some(scratch) = list("scratch", &scratch) {
        let _ = writeln!(
            text,
            "    {scratch}   // git-ignored: never lands, is no gate input"
        );
    }
    for (name, value) in stacks.iter().flat_map(|stack| &stack.env) {
        let _ = writeln!(text, "    env {} value={}", quoted(name), quoted(value));
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "workspace {{   // what a fresh checkout needs before anyone can work in it\n{text}}}\n"
    )
}

// The names of the gates that run something, one a stack.
fn smoke_gates(stacks: &[Stack]) -> Vec<String> {
    let name = |(index, stack): (usize, &Stack)| match index {
        0 => "smoke".to_owned(),
        _ => format!("smoke-{}", stack.slug),
    };
    stacks.iter().enumerate().map(name).collect()
}

fn gates(project: &Project<'_>, stacks: &[Stack], makers: bool) -> String {
    let mut text = String::new();
    let names = smoke_gates(stacks);
    if makers {
        for (stack, name) in stacks.iter().zip(&names) {
            let smoke = &stack.smoke;
            let title = if names.len() == 1 {
                "Smoke test".to_owned()
            } else {
                format!("Smoke test ({})", stack.name)
            };
            let _ = writeln!(
                text,
                "gate {} {{\n    title {}",
                quoted(name),
                quoted(&title)
            );
            let _ = writeln!(text, "    // {}\n    run {}", smoke.why, quoted(&smoke.run));
            for node in [list("env", &smoke.env), list("tool", &smoke.tools)]
                .into_iter()
                .flatten()
            {
                let _ = writeln!(text, "    {node}");
            }
            if let Some(sealed) = list("sealed", &smoke.sealed) {
                let _ = writeln!(
                    text,
                    "    {sealed}   // comes from the base: nobody edits the exam"
                );
            }
            if let Some(external) = smoke.external {
                let _ = writeln!(
                    text,
                    "    external {}   // more than files decides: no result is kept",
                    quoted(external)
                );
            }
            let _ = writeln!(text, "    timeout {}\n}}", quoted(smoke.timeout));
        }
    }
    let mut links: Vec<String> = Vec::new();
    if project.files().any(|path| {
        path.strip_suffix(".md")
            .is_some_and(|name| !name.contains('/'))
    }) {
        links.push("*.md".to_owned());
    }
    links.push("docs/**/*.md".to_owned());
    let links = list("links", &links).unwrap_or_default();
    let _ = writeln!(
        text,
        "gate \"consistency\" builtin=\"consistency\" {{ {links}; }}"
    );
    if makers {
        // A dependency that is only newer needs no word.
        let code = unique(stacks.iter().flat_map(|stack| &stack.source));
        let covers = list("covers", &code).unwrap_or_default();
        let _ = writeln!(
            text,
            "gate \"docs\"        builtin=\"docs\"        {{ {covers}; by \"@docs\"; }}"
        );
        let passes = list("passes", &names).unwrap_or_default();
        let _ = writeln!(
            text,
            "gate \"rollback\"    builtin=\"rollback\"    {{ {passes}; }}"
        );
    }
    text
}

fn all_gates(stacks: &[Stack]) -> Vec<String> {
    let mut gates = smoke_gates(stacks);
    gates.extend(["consistency", "docs", "rollback"].map(str::to_owned));
    gates
}

fn profiles(stacks: &[Stack], makers: bool, authors: bool) -> String {
    let mut text = String::new();
    if makers {
        let gates = list("gates", &all_gates(stacks)).unwrap_or_default();
        let _ = writeln!(
            text,
            "profile \"maker\"  {{ {gates}; }}   // whoever writes what runs"
        );
    }
    if authors {
        let _ = writeln!(
            text,
            "profile \"author\" {{ gates \"consistency\"; }}   // whoever writes texts"
        );
    }
    text
}

fn roles_text(
    sets: &Sets,
    project: &Project<'_>,
    stacks: &[Stack],
    roles: &[&'static ShippedRole],
) -> String {
    let mut texts = Vec::new();
    let known: Vec<_> = stacks
        .iter()
        .filter(|stack| stack.slug != "plain")
        .map(|stack| stack.name)
        .collect();
    for role in roles {
        let mut description = role.description.to_owned();
        if role.name == "builder" && !known.is_empty() {
            let _ = write!(description, " ({})", known.join(", "));
        }
        let mut text = format!(
            "role {} model={} prompt={} {{\n    title {}\n    description {}\n",
            quoted(role.name),
            quoted(model(role.tier)),
            quoted(&format!("roles/{}.md", role.name)),
            quoted(role.title),
            quoted(&description),
        );
        match role.judged {
            Judged::Maker => text.push_str("    profile \"maker\"\n"),
            Judged::Author => text.push_str("    profile \"author\"\n"),
            Judged::No => {}
        }
        let known = |names: &[&'static str]| -> Vec<&'static str> {
            names
                .iter()
                .copied()
                .filter(|name| sets.has(name))
                .collect()
        };
        let mut may: Vec<String> = [
            list("write", &known(role.write)),
            list("run", &known(role.run)),
            list("reach", role.reach),
        ]
        .into_iter()
        .flatten()
        .collect();
        if role.name == "qa" {
            may.insert(0, "use \"mcp:chrome-devtools\"".to_owned());
        }
        if role.name == "ceo" && roles.len() > 1 {
            may.push("delegate \"*\"".to_owned());
        }
        if !may.is_empty() {
            let _ = writeln!(text, "    may {{ {}; }}", may.join("; "));
        }
        if role.reach == ["*"] {
            let _ = writeln!(
                text,
                "    lint {} level=\"off\" \\\n        because={}",
                quoted("factory::role::boundless-grant"),
                quoted(
                    "an answer can stand anywhere on the web; it runs nothing and writes to one folder"
                ),
            );
        }
        if role.name == "builder" {
            if roles.iter().any(|role| role.name == "devops") || sets.may_deploy(role.run) {
                text.push_str("    never { run \"@deploy\"; }\n");
            }
            text.push_str("    expect {\n");
            if let Some(path) = sets.example(project) {
                let _ = writeln!(text, "        can {{ write {}; }}", quoted(&path));
            }
            text.push_str(
                "        cannot { run \"git push origin main\"; write \"factory.kdl\" \".github/workflows/ci.yml\"; }\n    }\n",
            );
        }
        text.push_str("}\n");
        texts.push(text);
    }
    texts.concat()
}

fn rules(sets: &Sets, roles: &[&'static ShippedRole]) -> String {
    let has = |name: &str| roles.iter().any(|role| role.name == name);
    let mut text = String::from(
        "// A rule changes nothing: it is proven of what `may` and `never` decide, and printed in the prompts it binds.\n",
    );
    if has("ceo") {
        text.push_str(
            "rule \"The CEO never writes code\" {\n    \
             because \"A small edit to save time broke the front end for two hours\"\n    \
             cannot \"ceo\" direct-only=#true { write \"**\"; }\n}\n",
        );
    }
    text.push_str(
        "rule \"Rules first, and again after compaction\" {\n    \
         because \"A compacted context keeps a summary of the rules, and a summary drops the exceptions\"\n    \
         cannot \"*\" { write \"CLAUDE.md\" \"factory.kdl\" \"roles/**\" \"tasks/**\"; }   // nobody edits the rules that they are read\n}\n",
    );
    let mut strict = String::new();
    if has("builder") {
        strict.push_str("    cannot \"builder\" { run \"@deploy\"; write \"@operations\"; }\n");
    }
    if has("devops") {
        strict.push_str("    cannot \"devops\" { write \"@source\"; }\n");
    }
    let authors: Vec<_> = roles
        .iter()
        .filter(|role| role.judged == Judged::Author)
        .map(|role| role.name)
        .collect();
    if let Some(authors) = list("cannot", &authors) {
        let _ = writeln!(
            strict,
            "    {authors} {{ write \"@source\" \"@operations\"; run \"@deploy\"; }}"
        );
    }
    let makers = roles.iter().any(|role| role.write.contains(&"@source"));
    if makers || has("devops") {
        strict.push_str("    cannot-both { write \"@source\"; run \"@deploy\"; }\n");
    }
    if !strict.is_empty() {
        if let Some(trust) = list("trust", &unseen(sets, roles)) {
            let _ = writeln!(
                strict,
                "    {trust} \\\n        because={}",
                quoted(
                    "they run reviewed code and tools of the project, and are not given what a deployment asks for"
                ),
            );
        }
        let _ = write!(
            text,
            "rule \"Strict boundaries\" {{\n    \
             because \"Whoever may do everything does the nearest thing, not their own\"\n{strict}}}\n"
        );
    }
    if makers {
        let gates = list("require", &all_gates(&sets.stacks)).unwrap_or_default();
        let _ = write!(
            text,
            "rule \"Gates before commit\" {{\n    \
             because \"What is committed unchecked is found by whoever comes next, and costs them the day\"\n    \
             {gates} {{ when {{ write \"@source\"; }}; }}\n}}\n"
        );
    }
    text
}

fn pattern(command: &str) -> Option<CommandPattern> {
    command.parse().ok()
}

// What the roles that may not deploy run, and whose words do not say all that it does.
fn unseen(sets: &Sets, roles: &[&'static ShippedRole]) -> Vec<&'static str> {
    let mut unseen: Vec<&'static str> = Vec::new();
    let bound = roles.iter().filter(|role| role.judged != Judged::No);
    for name in bound.flat_map(|role| role.run) {
        let anything = |command: &str| {
            pattern(command).is_some_and(|pattern| effect(&pattern) == Effect::Unknown)
        };
        if *name != "@deploy" && !unseen.contains(name) && sets.commands(name).any(anything) {
            unseen.push(name);
        }
    }
    unseen
}

fn documents(project: &Project<'_>, stacks: &[Stack], gated: bool) -> String {
    let small = |path: &str| {
        project
            .text(path)
            .is_some_and(|text| (1..8 << 10).contains(&text.len()))
    };
    let from = |title: &str, paths: &[&str]| {
        let path = paths.iter().find(|path| small(path))?;
        Some(format!(
            "    section {} {{ from {}; }}\n",
            quoted(title),
            quoted(path)
        ))
    };
    let files = |title: &str, patterns: Vec<String>, max: u32| {
        let files = list("files", &patterns)?;
        Some(format!(
            "    section {} {{ {files}; max {max}; }}\n",
            quoted(title)
        ))
    };
    let gather = |part: fn(&Stack) -> &Vec<String>| -> Vec<String> {
        unique(stacks.iter().flat_map(part))
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let template = |title: &str, name: &str| {
        Some(format!(
            "    section {} {{ template {}; }}\n",
            quoted(title),
            quoted(name)
        ))
    };
    let sections = [
        from(
            "Architecture",
            &[
                "ARCHITECTURE.md",
                "docs/architecture.md",
                "docs/ARCHITECTURE.md",
            ],
        ),
        from(
            "Data model",
            &["docs/data-model.md", "docs/data_model.md", "docs/schema.md"],
        )
        .or_else(|| files("Data model", gather(|stack| &stack.data_model), 40)),
        from(
            "API endpoints",
            &["docs/api.md", "docs/API.md", "docs/endpoints.md"],
        ),
        from("Service map", &["docs/service-map.md", "docs/services.md"])
            .or_else(|| template("Service map", "sections/service-map.md.hbs")),
        from("Pipelines", &["docs/pipelines.md", "docs/ci.md"])
            .or_else(|| template("Pipelines", "sections/pipelines.md.hbs")),
        files("Key files", gather(|stack| &stack.key_files), 40),
        template("Dev commands", "sections/dev-commands.md.hbs"),
        template("Roles", "sections/roles.md.hbs"),
        template("Release gate", "sections/release-gate.md.hbs").filter(|_| gated),
    ];
    let sections: String = sections.into_iter().flatten().collect();
    format!(
        "document \"CLAUDE.md\" {{   // only these sections are kept up to date; the rest of the file is yours\n{sections}}}\n"
    )
}

fn unique<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    texts
        .map(String::as_str)
        .filter(|text| seen.insert(*text))
        .collect()
}

// The named sets of the spec, those without members left out.
struct Sets {
    stacks: Vec<Stack>,
    paths: Vec<Set>,
    commands: Vec<Set>,
}

struct Set {
    name: &'static str,
    members: Vec<String>,
    except: Vec<String>,
    expect: Option<String>,
}

impl Sets {
    fn new(project: &Project<'_>, stacks: &[Stack]) -> Self {
        let gather = |part: fn(&Stack) -> &Vec<String>| -> Vec<String> {
            unique(stacks.iter().flat_map(part))
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        let with = |mut members: Vec<String>, more: &[String]| {
            members.extend(
                more.iter()
                    .filter(|one| !members.contains(one))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            members
        };
        let owned = |texts: &[&str]| -> Vec<String> {
            texts.iter().map(|text| (*text).to_owned()).collect()
        };
        let set = |name, members| Set {
            name,
            members,
            except: Vec::new(),
            expect: None,
        };
        let operations = with(
            owned(&[".github/**", "Dockerfile", "deploy/**"]),
            &project.present(&[
                ".gitlab-ci.yml",
                ".circleci/**",
                ".dockerignore",
                "docker-compose.yml",
                "docker-compose.yaml",
                "compose.yml",
                "compose.yaml",
                "Procfile",
                "fly.toml",
                "render.yaml",
                "vercel.json",
                "wrangler.toml",
                "wrangler.jsonc",
                "config/deploy.yml",
                ".kamal/**",
                "infra/**",
                "k8s/**",
                "terraform/**",
                "ansible/**",
            ]),
        );
        let mut deploy = owned(&["git push *"]);
        for (path, command) in [
            ("Dockerfile", "docker push *"),
            ("fly.toml", "fly *"),
            ("Procfile", "heroku *"),
            ("k8s/**", "kubectl *"),
            ("terraform/**", "terraform apply *"),
            ("config/deploy.yml", "kamal *"),
        ] {
            if !project.present(&[path]).is_empty() {
                deploy.push(command.to_owned());
            }
        }
        let deploy = with(deploy, &gather(|stack| &stack.deploy));
        let docs = with(
            owned(&["@handbook"]),
            &project.present(&["README.md", "CHANGELOG.md", "content/**"]),
        );
        let architecture = project.present(&["ARCHITECTURE.md"]);
        let pages = gather(|stack| &stack.pages);
        let pages = if pages.is_empty() {
            owned(&["site/**"])
        } else {
            pages
        };
        let mut sets = Self {
            stacks: stacks.to_vec(),
            paths: vec![
                set(
                    "source",
                    with(
                        gather(|stack| &stack.source),
                        &gather(|stack| &stack.manifests),
                    ),
                ),
                Set {
                    except: gather(|stack| &stack.smoke.sealed),
                    ..set("tests", gather(|stack| &stack.tests))
                },
                set("pages", pages),
                Set {
                    // What other roles hand over there is theirs.
                    except: owned(&[
                        "docs/research/**",
                        "docs/decisions/**",
                        "docs/design/**",
                        "docs/seo/**",
                    ]),
                    ..set("handbook", owned(&["docs/**"]))
                },
                set("docs", docs),
                set("architecture", architecture),
                set("operations", operations),
            ],
            commands: vec![
                set("toolchain", gather(|stack| &stack.toolchain)),
                set("checks", gather(|stack| &stack.checks)),
                set("audits", gather(|stack| &stack.audits)),
                set("benchmarks", gather(|stack| &stack.benchmarks)),
                set("deploy", deploy),
            ],
        };
        let example = sets.example(project);
        if let Some(source) = sets.paths.first_mut() {
            source.expect = example.map(|path| {
                format!(
                    "expect {{ has {}; lacks \".github/workflows/ci.yml\"; }}",
                    quoted(&path)
                )
            });
        }
        sets
    }

    // Whether `name` is a pattern, or a set that has members.
    fn has(&self, name: &str) -> bool {
        let Some(set) = name.strip_prefix('@') else {
            return true;
        };
        self.paths
            .iter()
            .chain(&self.commands)
            .any(|known| known.name == set && !known.members.is_empty())
    }

    // The commands of a set, or `name` itself where it is one.
    fn commands<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let set = name.strip_prefix('@');
        let members = self
            .commands
            .iter()
            .filter(move |known| set == Some(known.name))
            .flat_map(|known| known.members.iter().map(String::as_str));
        members.chain(set.is_none().then_some(name))
    }

    // Whether what `names` gives may run something that deploys.
    fn may_deploy(&self, names: &[&str]) -> bool {
        let deploy: Vec<_> = self.commands("@deploy").filter_map(pattern).collect();
        let given = names.iter().flat_map(|name| self.commands(name));
        given.filter_map(pattern).any(|given| {
            let grant = Grant {
                may: vec![given.clone().into()],
                ..Grant::default()
            };
            deploy.iter().any(|taken| {
                may_run_within(&given, taken) || grant.loses(&taken.clone().into()) != Ok(None)
            })
        })
    }

    // A file of the project that its source set has.
    fn example(&self, project: &Project<'_>) -> Option<String> {
        let source = self.paths.first()?;
        let folders: Vec<_> = source
            .members
            .iter()
            .filter_map(|member| member.strip_suffix("**"))
            .collect();
        let inside = |path: &&str| folders.iter().any(|folder| path.starts_with(folder));
        let exact = |path: &&str| source.members.iter().any(|member| member == path);
        project
            .files()
            .find(inside)
            .or_else(|| project.files().find(exact))
            .map(str::to_owned)
    }

    // The sets that `body` names.
    fn text(&self, body: &str) -> String {
        let mut text = String::new();
        let named = |text: &str, name: &str| text.contains(&format!("\"@{name}\""));
        for (node, sets) in [("paths", &self.paths), ("commands", &self.commands)] {
            for set in sets {
                let within = sets.iter().any(|other| {
                    named(body, other.name) && other.members.contains(&format!("@{}", set.name))
                });
                if set.members.is_empty() || !(within || named(body, set.name)) {
                    continue;
                }
                let members: Vec<_> = set.members.iter().map(|member| quoted(member)).collect();
                let _ = write!(text, "{node} {} {}", quoted(set.name), members.join(" "));
                let children: Vec<_> = list("except", &set.except)
                    .into_iter()
                    .chain(set.expect.clone())
                    .collect();
                match children.as_slice() {
                    [] => text.push('\n'),
                    children => {
                        let _ = writeln!(text, " {{ {}; }}", children.join("; "));
                    }
                }
            }
        }
        text
    }
}
