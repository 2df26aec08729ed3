//! Any method, path and query are a request or a refusal that can be shown; one that is taken names what it may.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proclaunch::control::logs::Position;
use proclaunch::control::server::request::Request;

fuzz_target!(|data: &str| {
    let mut parts = data.splitn(3, ' ');
    let mut next = || parts.next().unwrap_or_default();
    let (method, path, query) = (next(), next(), next());
    match Request::parse(method, path, query) {
        Ok(request) => {
            assert_eq!(request.route.method.name(), method);
            assert_eq!(request.name.is_some(), request.route.path.contains("{name}"));
            assert_eq!(request.hook.is_some(), request.route.path.contains("{hook}"));
            if let Some(from) = request.position("from") {
                assert_eq!(Position::parse(&from.to_string()), Some(from));
            }
        }
        Err(refusal) => {
            assert!([400, 404, 405].contains(&refusal.status));
            assert!(!refusal.error.chars().any(char::is_control), "{:?}", refusal.error);
            assert!(refusal.error.len() < 4096);
        }
    }
});
