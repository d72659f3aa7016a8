//! Members in processes of their own: this program again, running one ignored test.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use breaker_fleet::{Fleet, Policy};
use breaker_runtime::{Config, EventKind, Registry};
use tokio::io::{AsyncReadExt as _, stdin};

use crate::dependency::call;
use crate::server::signal;

/// The test that is a member. Nothing else is in its name.
const MEMBER: &str = "process::member";
/// How long the circuits of these members stay open, and how long a probe may take.
pub(crate) const COOLDOWN: Duration = Duration::from_millis(400);
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_secs(25);

/// A change of the circuit in a process.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) member: &'static str,
    /// Since 1970. All processes of one machine share that clock.
    pub(crate) at: Duration,
    /// `closed -> open: cause`.
    pub(crate) what: String,
}

/// What a member is to do.
pub(crate) struct Job {
    pub(crate) url: String,
    pub(crate) namespace: &'static str,
    pub(crate) dependency: String,
}

pub(crate) struct Processes {
    members: Vec<(&'static str, Child)>,
    changes: Receiver<Change>,
    told: mpsc::Sender<Change>,
    job: Job,
}

impl Processes {
    pub(crate) fn new(job: Job) -> Self {
        let (told, changes) = mpsc::channel();
        Self { members: Vec::new(), changes, told, job }
    }

    /// Starts a member that calls the dependency this often, and waits until it has joined.
    pub(crate) fn start(&mut self, member: &'static str, pause: Duration) {
        let mut child = Command::new(env::current_exe().unwrap())
            // With one thread, the name of the test would be in the line of its first words.
            .args([MEMBER, "--exact", "--ignored", "--nocapture", "--test-threads=2"])
            .env("BREAKER_TEST_URL", &self.job.url)
            .env("BREAKER_TEST_NAMESPACE", self.job.namespace)
            .env("BREAKER_TEST_DEPENDENCY", &self.job.dependency)
            .env("BREAKER_TEST_MEMBER", member)
            .env("BREAKER_TEST_PAUSE", pause.as_micros().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let told = self.told.clone();
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                // The test harness says something too.
                let Some(change) = line.strip_prefix("@ ") else { continue };
                let Some((at, what)) = change.split_once(' ') else { continue };
                let at = Duration::from_micros(at.parse().unwrap());
                let _ = told.send(Change { member, at, what: what.to_owned() });
            }
        });
        self.members.push((member, child));
        self.wait_for("joined", |change| change.member == member && change.what == "joined");
    }

    /// What changed since this was last asked.
    pub(crate) fn heard(&self) -> Vec<Change> {
        self.changes.try_iter().collect()
    }

    /// Waits for a change, and returns all until then.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        mut is_it: impl FnMut(&Change) -> bool,
    ) -> Vec<Change> {
        let ends = Instant::now() + PATIENCE;
        let mut changes = Vec::new();
        loop {
            let left = ends.saturating_duration_since(Instant::now());
            let Ok(change) = self.changes.recv_timeout(left) else {
                panic!("not in {PATIENCE:?}: {what}; {changes:#?}");
            };
            changes.push(change.clone());
            if is_it(&change) {
                return changes;
            }
        }
    }

    /// Kills a member, as `kill -9` does.
    pub(crate) fn kill(&mut self, member: &str) {
        let at = self.members.iter().position(|(name, _)| *name == member).unwrap();
        let (_, mut child) = self.members.remove(at);
        signal(&child, "-KILL");
        child.wait().unwrap();
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, child) in &mut self.members {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Now, as changes say it.
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn say(what: &str) {
    println!("@ {} {what}", since_1970().as_micros());
}

#[tokio::test]
#[ignore = "other tests run it in processes of their own"]
async fn member() {
    let told = |name: &str| env::var(format!("BREAKER_TEST_{name}")).unwrap();
    let (member, dependency) = (told("MEMBER"), told("DEPENDENCY"));
    let pause = Duration::from_micros(told("PAUSE").parse().unwrap());
    let config = Config::new()
        .failure_threshold(3)
        .cooldown(COOLDOWN)
        .probe_timeout(PROBE_TIMEOUT)
        .success_threshold(1)
        .half_open_max_calls(1);
    let registry = Arc::new(Registry::new());
    let circuit = registry.circuit("payments", config).unwrap();
    let _listening = registry.subscribe_to_changes(|event| {
        if let EventKind::Transition(transition) = &event.kind {
            say(&transition.to_string());
        }
    });
    let fleet = Fleet::redis(told("URL"))
        .namespace(told("NAMESPACE"))
        .policy("payments", Policy::Quorum)
        .member(member.as_str())
        .registry(Arc::clone(&registry));
    let fleet = fleet.join().await.unwrap();
    while !fleet.status().connected {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    say("joined");
    let calls = async {
        loop {
            if let Ok(permit) = circuit.try_acquire() {
                if call(&dependency, &member).await { permit.success() } else { permit.failure() }
            }
            tokio::time::sleep(pause).await;
        }
    };
    // The pipe ends with the process that started this one.
    let ends = async { while stdin().read_u8().await.is_ok() {} };
    tokio::select! {
        () = calls => {}
        () = ends => {}
    }
}
