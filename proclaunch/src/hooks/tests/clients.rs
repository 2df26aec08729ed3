//! `net`, `http` and `check`, against servers that the tests make.

use std::net::TcpListener as Port;
use std::path::Path;
use std::time::Duration;

use proclaunch_core::hook::{Answer, Hook, Outcome};
use proclaunch_core::log::Level;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::spawn_local;

use super::support::{Bench, LONG, failure, question, run, sources};
use crate::hooks::{Clock, Told, Vars};

pub(super) const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: a\r\nX-One: b\r\n\r\nhello";

pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: String) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let answer = if answer == "ECHO" {
        let text = String::from_utf8_lossy(&request).into_owned();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
    } else {
        answer
    };
    // The client may have had enough.
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// A server on a port of its own that gives every request this answer; the port.
pub(super) async fn server(answer: impl Into<String>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, answer) = (listener.local_addr().unwrap().port(), answer.into());
    spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            spawn_local(serve(stream, answer.clone()));
        }
    });
    port
}

fn nobody() -> u16 {
    Port::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What `log.info` said in a hook with this body.
async fn said(dir: &Path, body: &str) -> Vec<String> {
    let text = format!("return function(service)\n{body}\nend");
    let bench = Bench::with(&sources(dir, &[(Hook::OnTick, &text)]), Vars::default(), Clock::Real).await;
    assert_eq!(bench.ask(Hook::OnTick).await, Outcome::Answer(Answer::Nothing), "{body}");
    let lines = bench.told().into_iter().filter_map(|told| match told {
        Told::Said { level: Level::Info, text, .. } => Some(text),
        _ => None,
    });
    lines.collect()
}

async fn health(dir: &Path, text: &str) -> Outcome {
    let bench = Bench::with(&sources(dir, &[(Hook::Health, text)]), Vars::default(), Clock::Real).await;
    assert_eq!(bench.host.hooks().broken, [], "{text}");
    bench.ask(Hook::Health).await
}

fn healthy() -> Outcome {
    Outcome::Answer(Answer::Health(Ok(())))
}

#[track_caller]
fn assert_unhealthy(outcome: &Outcome, why: &str) {
    let Outcome::Answer(Answer::Health(Err(reason))) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains(why), "{reason}");
}

#[test]
fn a_port_answers_or_not() {
    run(async {
        let (port, closed) = (server(GOOD).await, nobody());
        let lines = said(
            Path::new("/nowhere/web"),
            &format!(
                "log.info(tostring(net.tcp('127.0.0.1', {port})))
                 local ok, why = net.tcp('127.0.0.1', {closed}, {{ timeout = 1 }})
                 log.info(tostring(ok) .. ' ' .. why)
                 log.info(tostring(net.tcp('127.0.0.1', {port}, {{ send = 'GET / HTTP/1.1\\r\\n\\r\\n', expect = 'hello' }})))
                 log.info(select(2, net.tcp('127.0.0.1', {port}, {{ send = 'x\\r\\n\\r\\n', expect = 'PONG' }})))
                 log.info(select(2, net.tcp('127.0.0.1', {port}, {{ expect = 'PONG', timeout = 0.1 }})))
                 log.info(table.concat(net.resolve('127.0.0.1'), ','))
                 log.info(tostring(net.resolve('no-such-host.invalid', {{ timeout = 3 }})))"
            ),
        )
        .await;
        assert_eq!(lines[0], "true");
        assert_eq!(lines[1], format!("false 127.0.0.1:{closed}: Connection refused"));
        assert_eq!(lines[2], "true");
        assert!(lines[3].contains("answered `HTTP/1.1 200 OK"), "{}", lines[3]);
        assert!(lines[4].ends_with("no answer within 0.1 s"), "{}", lines[4]);
        assert_eq!(lines[5..], ["127.0.0.1", "nil"]);
    });
}

#[test]
fn a_response_has_status_headers_and_body() {
    run(async {
        let (port, echo) = (server(GOOD).await, server("ECHO").await);
        let lines = said(
            Path::new("/nowhere/web"),
            &format!(
                "local r = http.get('http://127.0.0.1:{port}/x')
                 log.info(('%d %s %s'):format(r.status, r.headers['x-one'], r.body))
                 log.info(http.post('http://localhost:{echo}/a?b=c', {{ body = 'data', headers = {{ ['X-Two'] = 2 }} }}).body)
                 log.info(http.request('DELETE', 'http://127.0.0.1:{echo}/').body)"
            ),
        )
        .await;
        assert_eq!(lines[0], "200 a, b hello");
        assert!(lines[1].starts_with("POST /a?b=c HTTP/1.1\r\n"), "{}", lines[1]);
        assert!(
            lines[1].contains("x-two: 2\r\n") && lines[1].contains(&format!("host: localhost:{echo}\r\n"))
        );
        assert!(lines[2].starts_with("DELETE / HTTP/1.1\r\n"), "{}", lines[2]);
    });
}

#[test]
fn what_goes_wrong_with_a_request_is_an_answer() {
    run(async {
        let (closed, silent) = (nobody(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let silent_port = silent.local_addr().unwrap().port();
        let huge = server(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1024 * 1024 + 1))).await;
        let rubbish = server("hello\r\n\r\n").await;
        for (port, why) in [
            (closed, "Connection refused"),
            (silent_port, "no answer within 2 s"),
            (huge, "the body is longer than 1048576 bytes"),
            (rubbish, "invalid HTTP version parsed"),
        ] {
            let body =
                format!("log.info(select(2, http.get('http://127.0.0.1:{port}/', {{ timeout = 2 }})))");
            let lines = said(Path::new("/nowhere/web"), &body).await;
            assert!(lines[0].contains(why), "{lines:?} should say {why}");
        }
        drop(silent);
    });
}

#[test]
fn sockets_in_the_file_system_are_reached() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("x.sock")).unwrap();
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(serve(stream, GOOD.to_owned()));
            }
        });
        let encoded = dir.path().join("x.sock").display().to_string().replace('/', "%2F");
        let lines = said(
            dir.path(),
            &format!(
                "log.info(http.get('http://web/', {{ unix = 'x.sock' }}).body)
                 log.info(http.get('http+unix://{encoded}/').body)
                 log.info(tostring(net.unix('x.sock')))
                 log.info(select(2, net.unix('y.sock')))"
            ),
        )
        .await;
        assert_eq!(lines[..3], ["hello", "hello", "true"]);
        assert!(lines[3].contains("No such file or directory"), "{}", lines[3]);
        assert_eq!(health(dir.path(), "return check.unix{ 'x.sock' }").await, healthy());
        assert_unhealthy(&health(dir.path(), "return check.unix{ path = 'y.sock' }").await, "No such file");
    });
}

#[test]
fn a_cancelled_call_closes_its_connection() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = format!("return function() http.get('http://127.0.0.1:{port}/') end");
        let bench = Bench::new(&[(Hook::OnTick, &text)]).await;
        let asked = question(Hook::OnTick, Duration::from_millis(300));
        let (outcome, accepted) = tokio::join!(bench.host.call(&asked), listener.accept());
        assert_eq!(outcome, Outcome::TimedOut);
        let mut rest = Vec::new();
        let mut stream = accepted.unwrap().0;
        let read = stream.read_to_end(&mut rest);
        // The end of the stream: the other side is closed.
        assert!(tokio::time::timeout(LONG, read).await.unwrap().unwrap() > 0);
    });
}

#[test]
fn checks_of_http_and_ports() {
    run(async {
        let (good, bad) = (server(GOOD).await, server("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n").await);
        let (here, closed) = (Path::new("/nowhere/web"), nobody());
        for text in [
            format!(
                "return check.http{{ url = 'http://127.0.0.1:{good}/', every = 10, times = {{ 2, 3 }}, grace = 1 }}"
            ),
            format!(
                "return check.http{{ url = 'http://127.0.0.1:{good}/', expect = {{ 200, 204 }}, contains = 'ell' }}"
            ),
            format!("return check.http{{ url = 'http://127.0.0.1:{bad}/', expect = 500 }}"),
            format!("return check.tcp{{ '127.0.0.1', {good} }}"),
            format!("return check.tcp{{ port = {good} }}"),
            format!("return check.any{{ check.tcp{{ port = {closed} }}, check.tcp{{ port = {good} }} }}"),
            format!("return check.all{{ function() return true end, check.tcp{{ port = {good} }} }}"),
            format!("return {{ check.tcp{{ port = {good} }}, check.tcp{{ port = {closed} }} }}"),
        ] {
            assert_eq!(health(here, &text).await, healthy(), "{text}");
        }
        for (text, why) in [
            (format!("return check.http{{ url = 'http://127.0.0.1:{bad}/' }}"), "status 500"),
            (
                format!("return check.http{{ url = 'http://127.0.0.1:{good}/', contains = 'x' }}"),
                "not contain `x`",
            ),
            (format!("return check.tcp{{ port = {closed} }}"), "Connection refused"),
            (format!("return check.any{{ check.tcp{{ port = {closed} }} }}"), "Connection refused"),
            (
                format!("return check.all{{ check.tcp{{ port = {good} }}, check.tcp{{ port = {closed} }} }}"),
                "refused",
            ),
        ] {
            assert_unhealthy(&health(here, &text).await, why);
        }
        let unknown = "return check.all{ function() return true end, function() return nil end }";
        assert_eq!(health(here, unknown).await, Outcome::Answer(Answer::Nothing));
    });
}

#[test]
fn a_check_of_a_file_looks_at_its_age() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("beat");
        assert_unhealthy(&health(dir.path(), "return check.file{ 'beat' }").await, "beat: No such file");
        let file = std::fs::File::create(&path).unwrap();
        assert_eq!(health(dir.path(), "return check.file{ 'beat', max_age = 60 }").await, healthy());
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_unhealthy(
            &health(dir.path(), "return check.file{ path = 'beat', max_age = 60 }").await,
            "s ago",
        );
        assert_eq!(health(dir.path(), "return check.file{ path = 'beat' }").await, healthy());
    });
}

#[test]
fn a_check_hands_its_schedule_on() {
    run(async {
        let text = "return { check.tcp{ port = 1, every = 7, timeout = 2, times = {2, 3}, grace = 4 },
            check.any{ check.tcp{ port = 1, timeout = 2 }, check.tcp{ port = 2 } } }";
        let bench = Bench::new(&[(Hook::Health, text)]).await;
        let checks = &bench.host.hooks().checks;
        let seconds = |check: usize| (checks[check].every.as_secs(), checks[check].timeout.as_secs());
        assert_eq!(seconds(0), (7, 2));
        assert_eq!((checks[0].bad, checks[0].of, checks[0].grace.as_secs()), (2, 3, 4));
        assert_eq!(seconds(1).1, 7, "the sum of both");
    });
}

#[test]
fn an_exec_that_nobody_obeys_is_called_off() {
    run(async {
        let bench = Bench::new(&[(Hook::OnTick, "return function() exec{ 'x', timeout = 0.05 } end")]).await;
        assert_eq!(bench.ask(Hook::OnTick).await, Outcome::Answer(Answer::Nothing));
        let told = bench.told();
        let [Told::Exec(exec), Told::ExecKill(id)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((exec.argv.as_slice(), exec.id), (&[b"x".to_vec()][..], *id));
        assert!(!exec.is_wanted());
    });
}

#[test]
fn wrong_arguments_are_named() {
    for (body, why) in [
        ("net.tcp(1, 2)", "net.tcp: `host` must be a string; got 1"),
        ("net.tcp('x', 'y')", "net.tcp: `port` must be a number from 1 to 65535; got the string `y`"),
        ("net.tcp('x', 80.5)", "net.tcp: `port` must be a number from 1 to 65535; got 80.5"),
        ("net.tcp('x', 80, 5)", "net.tcp: `options` must be a table; got 5"),
        ("net.tcp('x', 80, { timout = 5 })", "net.tcp: unknown option `timout`, did you mean `timeout`?"),
        ("net.unix()", "net.unix: `path` must be a string; got nil"),
        ("net.resolve({})", "net.resolve: `host` must be a string; got a table"),
        ("http.get()", "http.get: `url` must be a string; got nil"),
        ("http.get('https://x/', { verify = 1 })", "http.get: `verify` must be true or false; got 1"),
        ("http.get('https://x/', { ca = {} })", "http.get: `ca` must be a string; got a table"),
        ("http.get('x')", "http.get: `url` must be like"),
        ("http.get('http://x/', { body = 5 })", "http.get: `body` must be a string; got 5"),
        ("http.get('http://x/', { headers = 5 })", "http.get: `headers` must be a table; got 5"),
        ("http.get('http://x/', { headers = { ['a b'] = 'c' } })", "http.get: `headers` has the name"),
        ("http.get('http://x/', { headers = { a = {} } })", "http.get: `headers[\"a\"]` must be a string"),
        ("http.post('http://x/', { timeout = 'x' })", "http.post: `timeout` must be a number of seconds"),
        ("http.request('A B', 'http://x/')", "http.request: `method` must be a method"),
        ("exec('true')", "exec: `command` must be a table; got the string `true`"),
        ("exec{}", "exec: the command must be a list of 1 to 1024 strings"),
        ("exec{ 'x', {} }", "exec: `item 2 of the command` must be a string; got a table"),
        ("exec{ 'x\\0y' }", "exec: item 1 of the command has a zero byte in it"),
        ("exec{ 'x', timout = 5 }", "exec: unknown option `timout`, did you mean `timeout`?"),
        ("exec{ 'x', timeout = 'y' }", "exec: `timeout` must be a number of seconds; got the string `y`"),
    ] {
        let why_not = failure(Hook::OnTick, &format!("return function()\n{body}\nend"));
        assert!(why_not.starts_with("web/on_tick.lua:2: ") && why_not.contains(why), "{body}: {why_not}");
    }
    for (text, why) in [
        ("check.http{}", "check.http: `url` must be a string; got nil"),
        (
            "check.http{ url = 'http://x/', expect = 'x' }",
            "check.http: `expect` must be a status such as 200",
        ),
        ("check.http{ url = 'http://x/', expect = {} }", "check.http: `expect` must be a status such as 200"),
        ("check.http('x')", "check.http: `options` must be a table; got the string `x`"),
        (
            "check.http{ url = 'http://x/', evry = 5 }",
            "check.http: unknown option `evry`, did you mean `every`?",
        ),
        ("check.tcp{}", "check.tcp: `port` must be a number from 1 to 65535; got nil"),
        ("check.tcp{ 5432 }", "check.tcp: `host` must be a string; got 5432"),
        ("check.unix{}", "check.unix: `path` must be a string; got nil"),
        ("check.exec{}", "check.exec: the command must be a list"),
        ("check.file{ max_age = 5 }", "check.file: `path` must be a string; got nil"),
        ("check.file{ 'x', max_age = 'y' }", "check.file: `max_age` must be a number of seconds"),
        ("check.any{}", "check.any: the list of checks is empty"),
        ("check.any{ 5 }", "check.any: item 1 must be a check or a function; got 5"),
        (
            "check.all{ check.tcp{ port = 1, every = 5 } }",
            "check.all: item 1 has `every`, which belongs to the whole",
        ),
        ("check.tcp{ port = 1, times = 'x' }", "health: `times` must be N or {N, M}"),
    ] {
        let why_not = failure(Hook::Health, &format!("return {text}"));
        assert!(why_not.contains(why) && why_not.starts_with("web/health.lua:"), "{text}: {why_not}");
    }
}

#[test]
fn what_decides_or_is_being_loaded_may_not_wait() {
    for body in
        ["net.tcp('x', 1)", "net.unix('x')", "net.resolve('x')", "http.get('http://x/')", "exec{ 'x' }"]
    {
        let why = failure(Hook::ShouldRestart, &format!("return function() {body} end"));
        assert!(why.contains("should_restart decides and may not wait"), "{why}");
        let why = failure(Hook::OnTick, &format!("{body} return function() end"));
        assert!(why.contains("nothing may wait while the files are loaded"), "{why}");
    }
}
