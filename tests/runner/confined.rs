//! What code that an agent wrote can reach, whoever runs it.

use std::fs;

use crate::project::{Project, TASK};

// Whether this kernel holds anything; a run says where it does not.
#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
fn holds(project: &Project) -> bool {
    let holds = !project.journal().contains("nothing keeps agents");
    if !holds {
        println!("skipped: this kernel has no Landlock");
    }
    holds
}

// Tries to get at what is its owner's, and says what it got: `$P` is the owner's checkout.
const PRIES: &str = r"
{
touch $P/written && echo WROTE-checkout
printf '#!/bin/sh\n' >$P/.git/hooks/post-commit && echo WROTE-hook
git -C $P update-ref refs/heads/evil HEAD && echo WROTE-ref
touch $H/written && echo WROTE-home
cat $H/.bashrc
cat $P/.env
cat $P/.git/config
ls $P
cat $P/factory.kdl
for p in /proc/[0-9]*; do tr '\0' '\n' <$p/environ; done
mknod app/disk b 254 0 && echo MADE-device
kill -0 $PPID && echo SIGNALLED
} 2>/dev/null
";

fn pries(project: &Project) -> String {
    PRIES
        .replace("$P", project.root().to_str().unwrap())
        .replace("$H", project.folder().join("home").to_str().unwrap())
}

fn furnish(project: &Project) {
    fs::write(project.folder().join("home/.bashrc"), "home-secret\n").unwrap();
    project.write(".env", "env-secret\n");
    project.write("listed.log", "");
    project.git(&["config", "extra.word", "config-secret"]);
}

fn assert_untouched(project: &Project, got: &str, who: &str) {
    for word in [
        "WROTE",
        "MADE",
        "SIGNALLED",
        "home-secret",
        "env-secret",
        "config-secret",
        "hunter2",
        "listed.log",
        "planner",
    ] {
        assert!(!got.contains(word), "{who}: {word} in\n{got}");
    }
    assert!(!project.root().join("written").exists(), "{who}");
    assert!(
        !project.root().join(".git/hooks/post-commit").exists(),
        "{who}"
    );
    assert!(!project.folder().join("home/written").exists(), "{who}");
    assert_eq!(
        project.git(&["for-each-ref", "refs/heads/evil"]),
        "",
        "{who}"
    );
}

#[test]
fn an_agent_reaches_nothing_of_its_owners() {
    let project = Project::raw("true", TASK, &[]);
    furnish(&project);
    let script = format!("cat >/dev/null\n{}", pries(&project));
    project.agent(&script.replace("} 2>/dev/null", "} >app/got.txt 2>/dev/null; true"));
    project.lock();
    project.passes(&["exec"]);
    if holds(&project) {
        assert_untouched(&project, &project.landed("app/got.txt"), "agent");
    }
}

#[test]
fn a_gate_that_runs_an_agents_code_reaches_nothing_of_its_owners() {
    let project = Project::raw("true", TASK, &[]);
    furnish(&project);
    project.write("test/check.sh", "test ! -f app/test.sh || sh app/test.sh\n");
    let script = format!(
        "cat >/dev/null\ncat >app/test.sh <<'END'\n{}\nexit 1\nEND\n",
        pries(&project)
    );
    project.agent(&script);
    project.lock();
    project.ends(&["exec"], 3);
    if holds(&project) {
        // What it printed went back to the agent.
        assert_untouched(&project, &project.journal(), "gate");
    }
}

#[test]
fn a_criterion_and_a_set_up_reach_nothing_of_their_owners() {
    let task = r#"task "t" {
        goal "Do it."
        accept "it runs" { run "sh app/accept.sh"; }
        step "build" role="builder" { item "Build"; }
        step "more" role="writer" { item "More"; after "build"; }
    }"#;
    let setup = r#"setup "test ! -f app/setup.sh || sh app/setup.sh""#;
    let project = Project::raw("true", task, &[("SETUP", setup)]);
    furnish(&project);
    let pries = pries(&project);
    let script = format!(
        "cat >/dev/null
if [ $FACTORY_STEP = more ]; then cp ignored/got docs/got.md; exit; fi
cat >app/accept.sh <<'END'\n{pries}\nexit 1\nEND
cat >app/setup.sh <<'END'\nmkdir -p ignored\n{}\ntrue\nEND\n",
        pries.replace("} 2>/dev/null", "} >ignored/got 2>/dev/null")
    );
    project.agent(&script);
    project.lock();
    project.ends(&["exec"], 3);
    if holds(&project) {
        let got = project.landed("docs/got.md");
        assert_untouched(&project, &got, "set-up");
        let journal = project.journal();
        assert!(journal.contains("\"refuted\""), "{journal}");
        assert_untouched(&project, &journal, "criterion");
    }
}

#[test]
fn a_driver_that_lies_in_the_project_opens_nothing_beside_it() {
    let project = Project::raw("true", TASK, &[("AGENT", "bin/agent")]);
    furnish(&project);
    let pries = pries(&project).replace("} 2>/dev/null", "} >app/got.txt 2>/dev/null; true");
    project.write("bin/agent", &format!("#!/bin/sh\ncat >/dev/null\n{pries}"));
    let path = project.root().join("bin/agent");
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    project.lock();
    project.passes(&["exec"]);
    if holds(&project) {
        assert_untouched(&project, &project.landed("app/got.txt"), "driver");
    }
}

#[test]
fn a_gate_reaches_what_it_declares() {
    let project = Project::raw("cat >/dev/null; echo two >app/b.txt", TASK, &[]);
    let spec = fs::read_to_string(project.root().join("factory.kdl")).unwrap();
    let declares = "env \"MY_FOLDER\" \"MY_FILE\" \"MY_HOME\"; sealed";
    project.write("factory.kdl", &spec.replacen("sealed", declares, 1));
    project.write(
        "test/check.sh",
        "echo x >\"$MY_FOLDER/made\" && cat \"$MY_FILE\" || exit 1
if touch \"$MY_HOME/made\" 2>/dev/null; then echo open >\"$MY_FOLDER/open\"; fi
echo x >$HOME/own && echo x >$TMPDIR/own && echo x >made.log && git log -1 >/dev/null\n",
    );
    project.lock();
    for name in ["shared", "home"] {
        fs::create_dir_all(project.folder().join(name)).unwrap();
    }
    fs::write(project.folder().join("file"), "x").unwrap();
    let at = |name: &str| project.folder().join(name);
    let output = project
        .command(env!("CARGO_BIN_EXE_factory"))
        .args(["exec"])
        .env("MY_FOLDER", at("shared"))
        .env("MY_FILE", at("file"))
        .env("MY_HOME", at("home"))
        .output()
        .unwrap();
    let said = crate::project::said(&output);
    assert!(output.status.success(), "{said}\n{}", project.journal());
    assert!(at("shared/made").exists());
    if holds(&project) {
        // A home as a whole is opened to nobody.
        assert!(!at("shared/open").exists() && !at("home/made").exists());
    }
}
