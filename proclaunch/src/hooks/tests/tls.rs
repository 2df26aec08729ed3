//! `https://`, against a server whose certificate the tests make.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proclaunch_core::hook::{Answer, Hook, Outcome};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio::task::spawn_local;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::clients::{GOOD, serve};
use super::support::{Bench, run, sources};
use crate::hooks::{Clock, Vars};

/// A server that has a certificate for this name, which it writes to `ca.pem` in the directory; its port.
async fn server(dir: &Path, name: &str) -> u16 {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    fs::write(dir.join("ca.pem"), cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            spawn_local(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, GOOD.to_owned()).await;
                }
            });
        }
    });
    port
}

/// What a check of the server at this address with these options comes to.
async fn check(dir: &Path, url: &str, options: &str) -> String {
    let text = format!("return check.http{{ url = '{url}', {options} }}");
    let bench = Bench::with(&sources(dir, &[(Hook::Health, &text)]), Vars::default(), Clock::Real).await;
    assert_eq!(bench.host.hooks().broken, [], "{text}");
    match bench.ask(Hook::Health).await {
        Outcome::Answer(Answer::Health(Ok(()))) => "healthy".to_owned(),
        Outcome::Answer(Answer::Health(Err(why))) => why,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_certificate_counts_if_the_named_authority_vouches_for_it_and_the_host() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let port = server(dir.path(), "localhost").await;
        let local = format!("https://localhost:{port}/healthz");
        let address = format!("https://127.0.0.1:{port}/healthz");
        assert_eq!(check(dir.path(), &local, "ca = 'ca.pem', contains = 'hello'").await, "healthy");
        assert_eq!(check(dir.path(), &local, "verify = false").await, "healthy");
        assert_eq!(check(dir.path(), &address, "verify = false").await, "healthy");
        let stranger = check(dir.path(), &local, "").await;
        assert!(stranger.contains("TLS: "), "nobody vouches for it: {stranger}");
        let other = check(dir.path(), &address, "ca = 'ca.pem'").await;
        assert!(other.contains("TLS: invalid peer certificate"), "it is another host's: {other}");
    });
}

#[test]
fn what_is_wrong_with_a_file_of_authorities_is_said() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let port = server(dir.path(), "localhost").await;
        let url = format!("https://localhost:{port}/");
        let missing = check(dir.path(), &url, "ca = 'none.pem'").await;
        assert!(missing.contains("none.pem") && missing.contains("No such file"), "{missing}");
        fs::write(dir.path().join("text.pem"), "no certificate").unwrap();
        let text = check(dir.path(), &url, "ca = 'text.pem'").await;
        assert!(text.contains("text.pem: there is no certificate in PEM form in it"), "{text}");
    });
}

#[test]
fn a_server_that_speaks_no_tls_is_told_from_one_that_does() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let plain = super::clients::server(GOOD).await;
        let url = format!("https://localhost:{plain}/");
        let why = check(dir.path(), &url, "verify = false, timeout = 2").await;
        assert!(why.contains("TLS: ") || why.contains("no answer within 2 s"), "{why}");
    });
}
