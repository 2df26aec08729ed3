//! What each statement of a test does to the world.

use std::net::TcpListener;

use super::{passes, tested};

#[test]
fn a_process_ends_as_the_script_says() {
    passes(
        &[("web/restart", "always")],
        "expect.state('running') world.exits{ code = 3 } expect.log('exit 3')
        world.advance(5) world.exits{ signal = 'SEGV', core = true } expect.log('signal SEGV, core dumped')
        world.advance(5) world.runs_for(20, { code = 4 }) world.advance(14) expect.no_log('exit 4')
        world.advance(10) expect.log('exit 4', 1) world.runs_for(nil) world.advance(HOUR) expect.exits(3)",
    );
}

#[test]
fn what_ignores_the_stop_signal_is_killed() {
    passes(
        &[("web/stop_timeout", "5")],
        "world.ignores('TERM') world.advance(10) world.order('stop') expect.state('stopping')
        expect.signal('TERM', 1) world.advance(4.9) expect.no_signal('KILL') world.advance(0.2)
        expect.signal('KILL', 1) expect.state('stopped') expect.exits(1)",
    );
}

#[test]
fn a_start_that_fails_is_tried_again() {
    passes(
        &[("web/restart", "always"), ("web/backoff", "2 60")],
        "world.start_fails('EACCES') expect.log('failed to start (could not execute `run`: Permission denied')
        expect.starts(0) expect.next_try(2) world.start_fails(false) world.advance(3) expect.state('running')",
    );
}

#[test]
fn a_daemon_is_known_by_its_pid_file() {
    passes(
        &[("web/pid_file", "x.pid"), ("web/restart", "always")],
        "expect.state('starting') world.advance(2) expect.state('running') expect.starts(1) expect.exits(0)
        world.exits{ code = 1 } world.advance(5) expect.restarts(1) expect.state('running')
        world.order('stop') expect.state('stopped') expect.signal('TERM', 1)",
    );
}

#[test]
fn settings_and_hooks_change_and_directories_go() {
    passes(
        &[],
        "world.setting('restart', 'always') world.advance(10) world.setting('umask', '077') expect.restarts(1)
        world.setting('reload', 'HUP') world.advance(5) world.setting('umask', '027') expect.signal('HUP', 1)
        expect.restarts(1) world.setting('restart', nil) world.exits() world.advance(HOUR) expect.state('stopped')
        world.order('start') world.setting('on_tick.lua', 'return function() log.info(\"ticking\") end')
        world.advance(10) expect.log('on_tick: ticking') world.remove() expect.log('disappeared')
        expect.state('gone')",
    );
    passes(&[], "world.advance(1) world.drain() expect.log('all profiles stopped') expect.signal('TERM', 1)");
    passes(
        &[],
        "world.advance(1) world.order('restart') expect.restarts(1) world.order('stop') world.advance(9)
        expect.state('stopped')",
    );
}

#[test]
fn the_clock_is_that_of_a_monday_in_utc() {
    let body = "local d = clock.date() expect.equal({ 2026, 1, 5, 0, 2 }, { d.year, d.month, d.day, d.hour, d.wday })
        world.advance_to('02:30') d = clock.date() expect.equal({ 5, 2, 30 }, { d.day, d.hour, d.min })
        world.advance_to('02:30') d = clock.date() expect.equal({ 6, 2, 30 }, { d.day, d.hour, d.min })";
    passes(&[], body);
}

#[test]
fn what_is_scripted_can_be_reached() {
    let on_ready = "return function(s)
        local r = http.post('http://h:80/up?x=1', { body = 'b', headers = { A = 'c' } })
        s.vars.http = r.status .. r.body .. r.headers['x-y']
        s.vars.tcp = tostring(net.tcp('10.0.0.1', 6379, { send = 'PING', expect = 'PONG' })) ..
          tostring(net.tcp('10.0.0.2', 6379))
        s.vars.unix = net.unix('a.sock')
        s.vars.names = table.concat(net.resolve('db'), ',')
        local e = exec{ 'tool', 'a b', 7 }
        s.vars.exec = { e.code, e.out, e.err, e.timed_out }
        s.vars.killed = exec{ 'slow', timeout = 2 }.timed_out
        s.vars.file = file.read('/etc/x') .. file.age('/etc/x') .. file.stat('own.txt').size
        s.vars.use = { s:rss(), s:fds(), s:threads(), #s:children() }
        s.vars.other = fleet.get('db').state .. fleet.get('db').uptime .. fleet.get('web').state
        s.vars.deep = require('deep') .. require('shared')
      end";
    let files = [
        ("web/on_ready.lua", on_ready),
        ("web/own.txt", "four"),
        ("web/deep.lua", "return require('deeper')"),
        ("web/deeper.lua", "return 'deep'"),
        (".hooks/shared.lua", "return 'shared'"),
    ];
    let body = "
        world.http('/up', function(q)
          return { status = 201, body = q.method .. q.path .. q.body .. q.headers.a, headers = { ['X-Y'] = 'z' } }
        end)
        world.tcp(6379, '+PONG') world.tcp('10.0.0.2:6379', false) world.unix('a.sock', true)
        world.resolve('db', { '10.0.0.7', '::1' })
        world.exec('tool', 1) world.exec({ 'tool', 'a b' }, { code = 3, out = 'o', err = 'e', takes = 1 })
        world.exec('slow', { takes = 60 })
        world.file('/etc/x', { text = 'x', age = 90 })
        world.rss(5) world.fds(6) world.threads(7) world.children{ {}, {} }
        world.profile('db', { uptime = 30 })
        expect.equal('deep', require('deep'))
        world.advance(10)
        expect.vars{
          http = '201POST/up?x=1bcz', tcp = 'truefalse', unix = true, names = '10.0.0.7,::1',
          exec = { 3, 'o', 'e', false }, killed = true, file = 'x934', use = { 5, 6, 7, 2 },
          other = 'running33running', deep = 'deepshared',
        }
        expect.exec('tool a b 7', 1)";
    passes(&files, body);
}

#[test]
fn nothing_real_is_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let on_ready = format!(
        "return function(s)
          s.vars.tcp = select(2, net.tcp('127.0.0.1', {port}))
          s.vars.http = select(2, http.get('http://127.0.0.1:{port}/'))
          s.vars.exec = exec{{ 'true' }}.err
          s.vars.passwd = tostring(file.read('/etc/passwd')) .. tostring(file.exists('../../../etc/passwd'))
          s.vars.name = select(2, net.resolve('localhost'))
        end"
    );
    let body = format!(
        "world.advance(1)
        expect.vars{{
          tcp = '127.0.0.1:{port}: Connection refused', exec = 'true: no such command', passwd = 'nilfalse',
          http = 'http://127.0.0.1:{port}/: Connection refused',
          name = 'localhost: failed to lookup address information: Name or service not known',
        }}
        expect.state('gone')"
    );
    let tested = tested(&[("web/on_ready.lua", &on_ready)], &body);
    let why = tested.failure.unwrap().what;
    assert!(why.ends_with("expected state gone, was running"), "{why}");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    let timeline = tested.timeline.join("\n");
    assert_eq!(timeline.matches("(not scripted)").count(), 6, "{timeline}");
}

#[test]
fn the_defaults_of_the_profiles_directory_apply() {
    let files = [
        (".defaults/restart", "always"),
        (".defaults/on_event.lua", "return function(_, e) log.info('default ' .. e.to) end"),
        ("web/on_event.lua", "return function(_, e) log.info('own ' .. e.to) end"),
    ];
    let body = "world.advance(20) world.exits() expect.restarts(1) expect.log('own running', 2)
        expect.log('default running', 2) expect.event('starting -> running')";
    passes(&files, body);
}

#[test]
fn of_instances_the_first_is_tested() {
    let files = [
        ("web/instances", "3"),
        (
            "web/on_ready.lua",
            "return function(s) log.info(s.name .. ' ' .. env.INSTANCE .. ' ' .. s.env.INSTANCE) end",
        ),
    ];
    passes(&files, "world.advance(1) expect.log('web@1 1 1')");
}

#[test]
fn what_hooks_count_and_measure_can_be_expected() {
    let on_tick = "return function(s)
        metrics.counter('ticks_total') metrics.gauge('rss', s:rss(), { of = 'main' }) end";
    let body = "world.rss(7) world.advance(11) expect.metric('ticks_total', 2) expect.metric('rss', 7)";
    passes(&[("web/on_tick.lua", on_tick)], body);
}

#[test]
fn what_a_test_prints_stands_in_its_time_line() {
    let timeline = tested(&[], "print('here', 1) log.warn('there') expect.state('gone')").timeline.join("\n");
    assert!(timeline.contains("test    here 1") && timeline.contains("test    WARN there"), "{timeline}");
}
