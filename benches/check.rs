//! `factory check`, `can`, and `build` as whole processes, against the `kdl` crate's own parse of the
//! same files, one after another, as a whole process: `cargo bench --bench check`.
//!
//! Prints medians, the ratios, and what one more role costs; then proofs over many patterns and over
//! hostile ones. All sides run in turn, so that a slow moment of the machine meets all.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const ROUNDS: usize = 21;

fn main() {
    let mut args = env::args().skip(1);
    if args.next().as_deref() == Some("--parse") {
        for path in args {
            let text = fs::read_to_string(path).expect("a spec");
            let document = kdl::KdlDocument::parse_v2(&text).expect("KDL");
            assert!(!document.nodes().is_empty());
        }
        return;
    }
    println!("whole processes, median of {ROUNDS}, in milliseconds; `!` is over its limit");
    println!(
        "limit of check and can: 1.5 x parse + 3; of build --check of 15 roles: 2 x parse + 5"
    );
    println!(
        "{:>6} {:>6} {:>8} {:>8} {:>7} {:>8} {:>7} {:>8} {:>7}",
        "roles", "files", "parse", "check", "ratio", "can", "ratio", "build", "ratio"
    );
    own();
    let mut last: Option<(usize, Duration)> = None;
    for (roles, files) in [(15, 1), (200, 1), (1000, 1), (200, 10), (1000, 50)] {
        let folder = tempfile::tempdir().expect("a folder");
        let specs = generate(folder.path(), roles, files);
        factory(folder.path(), &["build"]);
        let check = compare(folder.path(), &specs, "role-1", roles);
        if let Some((fewer, before)) = last.filter(|(fewer, _)| *fewer < roles && files == 1) {
            let each = check.saturating_sub(before) / u32::try_from(roles - fewer).expect("a few");
            println!("       one more role: {:.3} ms of check", millis(each));
        }
        last = Some((roles, check));
    }
    builds();
    proofs();
}

// This repository's own factory.
fn own() {
    let folder = tempfile::tempdir().expect("a folder");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["factory.kdl", "roles", "templates", "ARCHITECTURE.md"] {
        let mut copy = Command::new("cp");
        copy.arg("-R").arg(repository.join(part)).arg(folder.path());
        assert!(copy.status().expect("cp").success());
    }
    factory(folder.path(), &["build"]);
    compare(
        folder.path(),
        &[folder.path().join("factory.kdl")],
        "builder",
        15,
    );
    println!("       that was this repository's own");
}

// Measures one factory, prints a line, and returns how long check takes.
fn compare(folder: &Path, specs: &[PathBuf], role: &str, roles: usize) -> Duration {
    let parse = || {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.arg("--parse").args(specs);
        command
    };
    let check = || command(folder, &["check"]);
    let can = || command(folder, &["can", role, "run", "ls"]);
    let build = || command(folder, &["build", "--check"]);
    let [parse, check, can, build] = medians(ROUNDS, [&parse, &check, &can, &build]);
    let limit = parse.mul_f64(1.5) + Duration::from_millis(3);
    let of_build = match roles {
        15 => parse * 2 + Duration::from_millis(5),
        _ => Duration::MAX,
    };
    let of = |time: Duration, limit: Duration| {
        let mark = if time > limit { "!" } else { "" };
        format!("{:.2}{mark}", time.as_secs_f64() / parse.as_secs_f64())
    };
    println!(
        "{roles:>6} {:>6} {:>8.2} {:>8.2} {:>7} {:>8.2} {:>7} {:>8.2} {:>7}",
        specs.len(),
        millis(parse),
        millis(check),
        of(check, limit),
        millis(can),
        of(can, limit),
        millis(build),
        of(build, of_build),
    );
    check
}

// Check and build of 200 roles in one process.
fn builds() {
    let folder = tempfile::tempdir().expect("a folder");
    generate(folder.path(), 200, 1);
    factory(folder.path(), &["build"]);
    let unchanged = || command(folder.path(), &["build"]);
    let [unchanged] = medians(ROUNDS, [&unchanged]);
    let mut empty: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        for made in [".claude", "factory.lock"] {
            let made = folder.path().join(made);
            let _ = fs::remove_dir_all(&made);
            let _ = fs::remove_file(&made);
        }
        empty.push(time(&mut command(folder.path(), &["build"])));
    }
    empty.sort();
    println!(
        "check and build of 200 roles: {:.0} ms where nothing changed (aim: 120), {:.0} ms from empty (aim: 250)",
        millis(unchanged),
        millis(empty[ROUNDS / 2]),
    );
}

// Proofs: 200 roles of 20 patterns under 30 rules, and patterns made to be slow.
fn proofs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = head();
    for role in 1..=200 {
        let _ = writeln!(
            text,
            "role \"role-{role}\" model=\"sonnet\" prompt=\"roles/role-0.md\" {{ description \"Works\"; gates \"smoke\"; may {{"
        );
        for at in 0..10 {
            let _ = writeln!(
                text,
                "write \"app/part{role}/{at}/**/*.rb\"; run \"git show part{role}-{at} *\";"
            );
        }
        text.push_str("}; }\n");
    }
    for rule in 0..30 {
        let _ = writeln!(
            text,
            "rule \"rule {rule}\" {{ because \"It is so\"; cannot {{ write \"config/{rule}/**\"; run \"deploy{rule} *\"; }}; }}"
        );
    }
    write(folder.path(), &text);
    let [took] = medians(5, [&|| command(folder.path(), &["check"])]);
    println!(
        "200 roles of 20 patterns under 30 rules: {:.0} ms (aim: 1000)",
        millis(took)
    );
    for pattern in [
        "**/a*b*c*d*e*f*g*h*i*j*",
        "**/*a????????????",
        "**/a*/**/b*/**/c*/**/d*",
    ] {
        let mut text = head();
        let _ = writeln!(
            text,
            "role \"a\" model=\"sonnet\" prompt=\"roles/role-0.md\" {{ description \"Works\"; gates \"smoke\"; may {{ write {pattern:?} \"*/{pattern}\"; }}; never {{ write \"x{pattern}\"; }}; }}\n\
             rule \"r\" {{ because \"It is so\"; cannot \"a\" {{ write \"y{pattern}\"; }}; }}"
        );
        write(folder.path(), &text);
        let started = Instant::now();
        let done = command(folder.path(), &["check", "--format", "short"])
            .output()
            .expect("the program");
        let said = String::from_utf8_lossy(&done.stdout);
        let codes: Vec<&str> = said
            .split(['[', ']'])
            .filter(|word| word.starts_with("factory::"))
            .collect();
        println!(
            "{pattern}: {:.0} ms, {}",
            millis(started.elapsed()),
            codes.join(" ")
        );
    }
}

fn write(folder: &Path, spec: &str) {
    fs::create_dir_all(folder.join("roles")).expect("a folder");
    fs::write(folder.join("roles/_preamble.md"), "Read this first.\n").expect("a file");
    fs::write(folder.join("roles/role-0.md"), "# Lead\n\nHands work on.\n").expect("a file");
    fs::write(folder.join("factory.kdl"), spec).expect("a file");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_factory"));
    command.args(args).current_dir(folder);
    command
}

fn factory(folder: &Path, args: &[&str]) {
    let output = command(folder, args).output().expect("the program");
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn time(command: &mut Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("the program");
    let took = start.elapsed();
    assert!(status.success(), "{command:?}");
    took
}

fn medians<const N: usize>(rounds: usize, commands: [&dyn Fn() -> Command; N]) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (make, times) in commands.iter().zip(&mut times) {
            times.push(time(&mut make()));
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

// What every generated factory begins with.
fn head() -> String {
    String::from(
        "factory \"bench\" spec=1 {\n    description \"A factory to measure\"\n    preamble \"roles/_preamble.md\"\n    \
         target \"claude-code\"\n    planner \"role-0\"\n    include \"roles/*.kdl\"\n}\n\
         model \"sonnet\" id=\"claude-sonnet-5-5\" { price input=\"3.00\" output=\"15.00\"; }\n\
         may { run \"@std/inspect\"; }\nnever { read \"**/.env*\"; }\n\
         gate \"smoke\" { title \"Smoke test\"; run \"true\"; sealed \"test/smoke.sh\"; }\n\
         role \"role-0\" model=\"sonnet\" prompt=\"roles/role-0.md\" {\n    title \"Lead\"\n    \
         description \"Hands work on\"\n    may { delegate \"*\"; }\n}\n",
    )
}

// A factory whose roles differ in names and paths, as those of one project do, over so many files.
// Returns the paths of its spec files.
fn generate(folder: &Path, roles: usize, files: usize) -> Vec<PathBuf> {
    let mut parts = vec![String::new(); files];
    parts[0] = head();
    parts[0].push_str(
        "commands \"deploy\" \"kamal *\" \"git push *\"\n\
         rule \"Nobody deploys\" { because \"It happened once\"; cannot { run \"@deploy\"; }; }\n",
    );
    write(folder, "");
    for role in 1..roles {
        let _ = write!(
            parts[role * files / roles],
            "role \"role-{role}\" model=\"sonnet\" prompt=\"roles/role-{role}.md\" {{\n    title \"Role {role}\"\n    \
             description \"Works on part {role} of the application and on its tests\"\n    gates \"smoke\"\n    \
             may {{ write \"app/part{role}/**\" \"test/part{role}/**\"; run \"git add *\" \"git commit -m *\"; }}\n    \
             never {{ write \"app/part{role}/generated/**\"; }}\n}}\n"
        );
        let text = format!("# Role {role}\n\nWorks on part {role} of the application.\n");
        fs::write(folder.join(format!("roles/role-{role}.md")), text).expect("a file");
    }
    let write = |(index, text): (usize, String)| {
        let path = match index {
            0 => folder.join("factory.kdl"),
            _ => folder.join(format!("roles/part-{index}.kdl")),
        };
        fs::write(&path, text).expect("a file");
        path
    };
    parts.into_iter().enumerate().map(write).collect()
}
