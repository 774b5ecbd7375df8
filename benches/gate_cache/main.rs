//! `factory gate` as a whole process against what no cache can be faster than, in the same run:
//! `cargo bench --bench gate_cache [FILES…]`.
//!
//! A is a walk with two threads that looks at each file, B one that reads and hashes them all; both
//! are processes too. All take turns, so that a slow moment of the machine meets all.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod floors;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use floors::{Floor, walk};

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--floor", "stat", root] => return walk(Path::new(root), Floor::Stat),
        ["--floor", "hash", root] => return walk(Path::new(root), Floor::Hash),
        _ => {}
    }
    let mut sizes: Vec<usize> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000, 100_000];
    }
    println!("whole processes, medians in milliseconds");
    for size in sizes {
        measure(size);
    }
}

/// A tree of files in a repository with two branches, and a cache of its own.
struct Bench {
    home: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Bench {
    fn new(size: usize) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let root = home.path().join("project");
        let mut files = Vec::with_capacity(size);
        for at in 0..size {
            let path = root.join(format!("src/d{}/e{}/file{at}.txt", at / 2500, at / 50));
            if at % 50 == 0 {
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            }
            let line = format!("{at} {}\n", at.wrapping_mul(2_654_435_761));
            fs::write(&path, line.repeat(200 + at % 60)).expect("a file");
            files.push(path);
        }
        let bench = Self { home, files };
        bench.gates(1);
        fs::write(bench.root().join(".gitignore"), "/build/\n/factory.lock\n").expect("a file");
        bench.git(&["init", "-q", "-b", "main"]);
        bench.git(&["config", "gc.auto", "0"]);
        bench.commit();
        bench.git(&["switch", "-q", "-c", "other"]);
        for path in bench.files.iter().step_by(10) {
            fs::write(path, "other\n").expect("a file");
        }
        bench.commit();
        bench.git(&["switch", "-q", "main"]);
        bench
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("project")
    }

    fn cache(&self) -> PathBuf {
        self.home.path().join("cache")
    }

    /// Writes a spec with so many gates over all files.
    fn gates(&self, count: usize) {
        let mut text = "factory \"bench\" spec=1\n".to_owned();
        for at in 0..count {
            text.push_str(&format!(
                "gate \"g{at}\" {{ run \"exit 0 # {at}\"; inputs \"src/**\"; }}\n"
            ));
        }
        fs::write(self.root().join("factory.kdl"), text).expect("a file");
        let built = self.factory(&["build"]).output().expect("the program");
        assert!(built.status.success(), "{built:?}");
    }

    fn git(&self, args: &[&str]) {
        let author = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let mut git = Command::new("git");
        git.args(author).args(args).current_dir(self.root());
        assert!(git.output().expect("git").status.success(), "{args:?}");
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "x"]);
    }

    fn factory(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_factory"));
        command
            .args(args)
            .current_dir(self.root())
            .env("FACTORY_CACHE_DIR", self.cache());
        command
    }

    fn floor(&self, which: &str) -> Command {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command
            .args(["--floor", which])
            .arg(self.root().join("src"));
        command
    }

    /// Runs the gates until all that can be known is known.
    fn warm(&self) {
        for _ in 0..3 {
            time(&mut self.factory(&["gate"]));
            thread::sleep(Duration::from_millis(40));
        }
    }

    /// Gives every file another time.
    fn touch(&self) {
        let now = SystemTime::now() - Duration::from_millis(200);
        for path in &self.files {
            let file = fs::File::open(path).expect("a file");
            file.set_modified(now).expect("a time");
        }
        thread::sleep(Duration::from_millis(40));
    }
}

/// How long a process takes.
fn time(command: &mut Command) -> Duration {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().expect("a program");
    let took = started.elapsed();
    assert!(status.success(), "{command:?}");
    took
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// What of a process was in memory at most, in MiB, as far as one can see from outside.
fn peak(command: &mut Command) -> f64 {
    let mut child = command.stdout(Stdio::null()).spawn().expect("a program");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0.0_f64;
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        most = most.max(kib.unwrap_or_default() / 1024.0);
    }
    most
}

fn measure(size: usize) {
    let rounds = match size {
        0..5_000 => 21,
        5_000..50_000 => 11,
        _ => 5,
    };
    let bench = Bench::new(size);
    bench.warm();
    let names = [
        "A: stat",
        "B: sha256",
        "sh",
        "git status",
        "nothing changed",
        "one edited",
        "all touched",
        "cold",
        "branch and back",
        "ignored files",
        "one gate",
        "twenty gates",
    ];
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); names.len()];
    let mut memory = 0.0_f64;
    for round in 0..rounds {
        let mut note = |at: usize, took: Duration| times[at].push(took);
        note(0, time(&mut bench.floor("stat")));
        note(1, time(&mut bench.floor("hash")));
        note(2, time(Command::new("/bin/sh").args(["-c", "exit 0"])));
        note(
            3,
            time(Command::new("git").arg("status").current_dir(bench.root())),
        );
        note(4, time(&mut bench.factory(&["gate"])));
        memory = memory.max(peak(&mut bench.factory(&["gate"])));
        let edited = &bench.files[round * 7 % size];
        let before = fs::read(edited).expect("a file");
        fs::write(edited, format!("{round}\n")).expect("a file");
        note(5, time(&mut bench.factory(&["gate"])));
        fs::write(edited, before).expect("a file");
        bench.warm();
        bench.touch();
        note(6, time(&mut bench.factory(&["gate"])));
        bench.warm();
        fs::remove_dir_all(bench.cache()).expect("the cache");
        note(7, time(&mut bench.factory(&["gate"])));
        memory = memory.max(peak(&mut bench.factory(&["gate", "--force"])));
        bench.warm();
        bench.git(&["switch", "-q", "other"]);
        bench.git(&["switch", "-q", "main"]);
        note(8, time(&mut bench.factory(&["gate"])));
        bench.warm();
    }
    for at in 0..size {
        let path = bench.root().join(format!("build/{}/{at}", at / 1000));
        if at % 1000 == 0 {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        }
        fs::write(path, "").expect("a file");
    }
    bench.warm();
    for _ in 0..rounds {
        times[9].push(time(&mut bench.factory(&["gate"])));
    }
    for (at, count) in [(10, 1), (11, 20)] {
        bench.gates(count);
        bench.warm();
        for _ in 0..rounds {
            times[at].push(time(&mut bench.factory(&["gate"])));
        }
    }
    let all: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let (a, b, sh) = (all[0], all[1], all[2]);
    let limits = [
        None,
        None,
        None,
        None,
        Some(2.0 * a + 3.0),
        Some(2.5 * a + 5.0 + sh),
        Some(1.5 * b + 3.0),
        Some(1.5 * b + 8.0 + sh),
        Some(4.0 * a + 5.0),
        Some(2.0 * a + 3.0),
        None,
        Some(1.5 * all[10]),
    ];
    println!("\n{size} files, {rounds} rounds, at most {memory:.0} MiB of memory");
    println!("{:<16} {:>9} {:>9} {:>6}", "", "ms", "limit", "x A");
    for ((name, took), limit) in names.iter().zip(&all).zip(limits) {
        let limit_text = limit.map_or(String::new(), |limit| format!("{limit:.2}"));
        let mark = if limit.is_some_and(|limit| *took > limit) {
            " over"
        } else {
            ""
        };
        println!(
            "{name:<16} {took:>9.2} {limit_text:>9} {:>6.2}{mark}",
            took / a
        );
    }
}
