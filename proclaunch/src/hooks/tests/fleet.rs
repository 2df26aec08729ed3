//! `fleet`: what is published is what hooks see.

use std::collections::BTreeMap;
use std::path::Path;

use proclaunch_core::clock::Moment;
use proclaunch_core::hook::{Answer, Hook, Outcome};

use super::support::{Bench, name, run, sources};
use crate::hooks::{Clock, Fleet, Member, Vars};

const TEXT: &str = "return function()
    local db = fleet.get('db')
    if not db then return true end
    local parts = { db.name, db.state, db.health, tostring(db.pid), tostring(db.uptime) }
    return false, table.concat(fleet.names(), ',') .. ' ' .. table.concat(parts, ' ')
end";

#[test]
fn a_snapshot_replaces_the_one_before() {
    run(async {
        let files = [(Hook::Health, TEXT)];
        let bench =
            Bench::with(&sources(Path::new("/nowhere/web"), &files), Vars::default(), Clock::Real).await;
        let fleet = Fleet::default();
        bench.context.connect(fleet.clone());
        assert_eq!(bench.ask(Hook::Health).await, Outcome::Answer(Answer::Health(Ok(()))));
        let now = Clock::Real.monotonic();
        let started = u64::try_from(now.as_nanos()).unwrap() - 5_500_000_000;
        let db = Member {
            state: "running".to_owned(),
            health: "healthy".to_owned(),
            pid: Some(12),
            started: Some(Moment::from_nanos(started)),
        };
        fleet.publish(BTreeMap::from([(name("web"), Member::default()), (name("db"), db)]));
        let said = "db,web db running healthy 12 5".to_owned();
        assert_eq!(bench.ask(Hook::Health).await, Outcome::Answer(Answer::Health(Err(said))));
        fleet.publish(BTreeMap::new());
        assert_eq!(bench.ask(Hook::Health).await, Outcome::Answer(Answer::Health(Ok(()))));
    });
}
