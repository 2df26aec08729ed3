//! The table of routes.

use super::*;

#[test]
fn every_route_leads_to_itself_and_every_endpoint_once() {
    let mut seen = std::collections::BTreeSet::new();
    for route in ROUTES {
        assert!(seen.insert(route.to), "{route:?}");
        let path = route.path.replace("{name}", "web@1").replace("{hook}", "health");
        let found = find(route.method.name(), &path).unwrap();
        assert_eq!(found.route, route);
        assert_eq!(found.name, route.path.contains("{name}").then_some("web@1"));
        assert_eq!(found.hook, route.path.contains("{hook}").then_some("health"));
    }
}

#[test]
fn other_paths_and_methods_lead_nowhere() {
    for path in ["", "/", "/v1", "/v1/profiles/", "/v1/profiles//log", "/v1/profiles/web/", "/v2/profiles"] {
        assert_eq!(find("GET", path), Err(NoRoute::Path), "{path}");
    }
    assert_eq!(find("DELETE", "/v1/profiles/web"), Err(NoRoute::Method("GET, HEAD".to_owned())));
    assert_eq!(find("HEAD", "/v1/profiles/web/start"), Err(NoRoute::Method("POST".to_owned())));
    assert_eq!(find("HEAD", "/livez").unwrap().route.to, Endpoint::Live);
    assert_eq!(find("GET", "/v1/profiles/web/start"), Err(NoRoute::Method("POST".to_owned())));
}
