//! `factory check` and `factory build --check` as whole processes, against the `kdl` crate's own parse
//! of the same files, one after another, as a whole process: `cargo bench --bench check`.
//!
//! Prints medians, the ratio, and what one more role costs. Both sides run in turn, so that a slow
//! moment of the machine meets both.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::{
    env, fs,
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
    println!("whole processes, median of {ROUNDS}, in milliseconds; limit: 2 x parse + 5 ms");
    println!(
        "{:>6} {:>6} {:>8} {:>8} {:>6} {:>8} {:>6} {:>8}",
        "roles", "files", "parse", "check", "ratio", "build", "ratio", "limit"
    );
    let mut last: Option<(usize, Duration)> = None;
    for (roles, files) in [(15, 1), (200, 1), (1000, 1), (200, 10), (1000, 50)] {
        let folder = tempfile::tempdir().expect("a folder");
        let specs = generate(folder.path(), roles, files);
        factory(folder.path(), &["build"]);
        let parse = || {
            let mut command = Command::new(env::current_exe().expect("this program"));
            command.arg("--parse").args(&specs);
            command
        };
        let check = || command(folder.path(), &["check"]);
        let build = || command(folder.path(), &["build", "--check"]);
        let [parse, check, build] = medians([&parse, &check, &build]);
        let limit = parse * 2 + Duration::from_millis(5);
        let ratio = |time: Duration| time.as_secs_f64() / parse.as_secs_f64();
        println!(
            "{roles:>6} {files:>6} {:>8.2} {:>8.2} {:>6.2} {:>8.2} {:>6.2} {:>8.2}",
            millis(parse),
            millis(check),
            ratio(check),
            millis(build),
            ratio(build),
            millis(limit)
        );
        if let Some((fewer, before)) = last.filter(|(fewer, _)| *fewer < roles && files == 1) {
            let each = check.saturating_sub(before) / u32::try_from(roles - fewer).expect("a few");
            println!("       one more role: {:.3} ms of check", millis(each));
        }
        last = Some((roles, check));
    }
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

fn medians<const N: usize>(commands: [&dyn Fn() -> Command; N]) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (make, times) in commands.iter().zip(&mut times) {
            let mut command = make();
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let start = Instant::now();
            let status = command.status().expect("the program");
            times.push(start.elapsed());
            assert!(status.success(), "{command:?}");
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

// A factory whose roles differ in names and paths, as those of one project do, over so many files.
// Returns the paths of its spec files.
fn generate(folder: &Path, roles: usize, files: usize) -> Vec<PathBuf> {
    use std::fmt::Write as _;
    let spec = String::from(
        "factory \"bench\" spec=1 {\n    description \"A factory to measure\"\n    preamble \"roles/_preamble.md\"\n    \
         target \"claude-code\"\n    planner \"role-0\"\n    include \"roles/*.kdl\"\n}\n\
         model \"sonnet\" id=\"claude-sonnet-5-5\" { price input=\"3.00\" output=\"15.00\"; }\n\
         may { run \"@std/inspect\"; }\nnever { read \"**/.env*\"; }\n\
         gate \"smoke\" { title \"Smoke test\"; run \"true\"; sealed \"test/smoke.sh\"; }\n\
         commands \"deploy\" \"kamal *\" \"git push *\"\n\
         role \"role-0\" model=\"sonnet\" prompt=\"roles/role-0.md\" {\n    title \"Lead\"\n    \
         description \"Hands work on\"\n    may { delegate \"*\"; }\n}\n\
         rule \"Nobody deploys\" { because \"It happened once\"; cannot { run \"@deploy\"; }; }\n",
    );
    fs::create_dir_all(folder.join("roles")).expect("a folder");
    fs::write(folder.join("roles/_preamble.md"), "Read this first.\n").expect("a file");
    fs::write(folder.join("roles/role-0.md"), "# Lead\n\nHands work on.\n").expect("a file");
    let mut parts = vec![String::new(); files];
    parts[0] = spec;
    for role in 1..roles {
        let _ = write!(
            parts[role * files / roles],
            "role \"role-{role}\" model=\"sonnet\" prompt=\"roles/role-{role}.md\" {{\n    title \"Role {role}\"\n    \
             description \"Works on part {role} of the application and on its tests\"\n    gates \"smoke\"\n    \
             may {{ write \"app/part{role}/**\" \"test/part{role}/**\"; run \"bin/test part{role} *\"; }}\n    \
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
