//! Measuring real processes.

use std::process::{Child, Command, Stdio};

use proclaunch_core::ids::ProcId;

use super::super::convert::tests::{name, status};
use super::*;
use crate::keeper::identify;

const TICKET: Ticket = Ticket { instance: 0x00c0_ffee, serial: 1 };

/// A shell that is ended with its children when the test is over.
struct Tree(Child);

impl Tree {
    #[expect(clippy::disallowed_methods, reason = "a test has no keeper")]
    fn begin(script: &str) -> Self {
        // It is no leader of a group yet: then `setsid` makes no other process, and this one is the shell.
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", script]).env("PROCLAUNCH_TICKET", TICKET.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn id(&self) -> ProcId {
        identify(i32::try_from(self.0.id()).unwrap()).unwrap()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // Its children wait for the end of its input, which is a pipe from here.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn view(process: Option<ProcId>) -> View {
    let status = Status { process, ticket: Some(TICKET), since: Some(clock::now()), ..status() };
    View { profiles: BTreeMap::from([(name("web"), Arc::new(status))]), ..View::default() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Measures until it is as expected: a tree takes its time to grow.
async fn until(meter: &Meter, view: &View, is_so: impl Fn(&Usage) -> bool) -> Usage {
    let limit = Duration::from_secs(30);
    let measured = tokio::time::timeout(limit, async {
        loop {
            let usages = meter.measure(view).await;
            if let Some(usage) = usages.now.get(&name("web")).filter(|usage| is_so(usage)) {
                return *usage;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    measured.await.expect("the tree was not measured as expected")
}

#[test]
fn the_whole_tree_is_measured_also_what_has_left_the_session() {
    let tree = Tree::begin("(setsid sh -c 'cat <&3; :' &) 3<&0; cat <&0; :");
    runtime().block_on(async {
        let meter = Meter::default();
        let usage = until(&meter, &view(Some(tree.id())), |usage| usage.processes >= 4).await;
        assert!(usage.memory_bytes > 0);
    });
}

#[test]
fn what_is_left_of_a_start_is_found_by_its_ticket() {
    let tree = Tree::begin("cat; :");
    runtime().block_on(async {
        let usage = until(&Meter::default(), &view(None), |usage| usage.processes >= 2).await;
        assert!(usage.memory_bytes > 0);
    });
    drop(tree);
}

#[test]
fn cpu_counts_also_of_children_that_have_ended() {
    let tree = Tree::begin("sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; cat; :");
    runtime().block_on(async {
        let meter = Meter::default();
        let id = tree.id();
        until(&meter, &view(Some(id)), |usage| usage.processes == 2 && usage.cpu > Duration::ZERO).await;
        let usages = meter.measure(&view(Some(id))).await;
        assert!(usages.cpu_total[&name("web")] > Duration::ZERO);
    });
}

#[test]
fn one_pass_serves_all_who_ask_within_a_second() {
    runtime().block_on(async {
        let meter = Meter::default();
        let view = View::default();
        let first = meter.measure(&view).await;
        let again = meter.measure(&view).await;
        assert!(Arc::ptr_eq(&first, &again));
    });
}
