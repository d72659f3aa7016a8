//! Programs that tests run, and that must end in time.

use std::env;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than any of them takes, and far shorter than a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Ended {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = read(child.stdout.take());
    let stderr = read(child.stderr.take());
    let status = wait(&mut child);
    Ended { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Runs a test of this program that is ignored, in a process of its own.
#[track_caller]
pub(crate) fn run_test(name: &str) -> Ended {
    let this = env::current_exe().expect("tests are run from a file");
    run(Command::new(this).args([name, "--exact", "--ignored", "--nocapture"]))
}

fn read(mut pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(pipe) = &mut pipe {
            pipe.read_to_end(&mut said).expect("a pipe can be read");
        }
        String::from_utf8_lossy(&said).into_owned()
    })
}

#[track_caller]
fn wait(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().expect("it is our child");
            panic!("it hangs");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
    }
}
