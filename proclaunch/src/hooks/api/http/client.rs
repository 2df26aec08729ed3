//! A request made on a connection of its own.
//!
//! **Invariant:** the connection lives in the future of the call: dropped, it is closed.

use std::collections::BTreeMap;
use std::future::pending;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use mlua::{Lua, Table};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::Request;
use crate::hooks::api::net::{Place, connect_tcp, connect_unix, late};

/// The longest body.
const BODY_MAX: usize = 1024 * 1024;

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    /// Its status: 200 is good.
    pub(crate) status: u16,
    /// Its headers, by names in lower case.
    pub(crate) headers: BTreeMap<String, Vec<u8>>,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(super) fn into_lua(self, lua: &Lua) -> mlua::Result<Table> {
        let headers = lua.create_table()?;
        for (name, value) in self.headers {
            headers.raw_set(name, lua.create_string(value)?)?;
        }
        let table = lua.create_table()?;
        table.raw_set("status", self.status)?;
        table.raw_set("headers", headers)?;
        table.raw_set("body", lua.create_string(self.body)?)?;
        Ok(table)
    }
}

/// Makes a request.
pub(in crate::hooks) async fn ask(request: &Request) -> Result<Response, String> {
    let answered = timeout(request.timeout, async {
        match &request.url.place {
            Place::Tcp(host, port) => secure(request, connect_tcp(host, *port).await?).await,
            Place::Unix(path) => secure(request, connect_unix(path).await?).await,
        }
    });
    answered.await.unwrap_or_else(|_| Err(late(request.timeout)))
}

/// The exchange, within TLS if the address says so.
async fn secure<S>(request: &Request, stream: S) -> Result<Response, String>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    #[cfg(feature = "tls")]
    if request.url.tls {
        let stream = super::tls::begin(&request.url.host, &request.trust, stream).await?;
        return exchange(request, stream).await;
    }
    exchange(request, stream).await
}

async fn exchange<S>(request: &Request, stream: S) -> Result<Response, String>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(said)?;
    // What is wrong with the connection, the exchange is told.
    let connection = async {
        let _ = connection.await;
        pending::<()>().await;
    };
    let exchange = async {
        let response = sender.send_request(prepared(request)?).await.map_err(said)?;
        read(response).await
    };
    tokio::select! {
        response = exchange => response,
        () = connection => Err("the connection was closed".to_owned()),
    }
}

fn prepared(request: &Request) -> Result<hyper::Request<Full<Bytes>>, String> {
    let mut prepared = hyper::Request::new(Full::new(request.body.clone()));
    *prepared.method_mut() = request.method.clone();
    *prepared.uri_mut() = request.url.path.clone();
    let host = HeaderValue::from_str(&request.url.host).map_err(|error| error.to_string())?;
    let headers = prepared.headers_mut();
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("ProcLaunch/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.extend(request.headers.clone());
    Ok(prepared)
}

async fn read(response: hyper::Response<hyper::body::Incoming>) -> Result<Response, String> {
    let status = response.status().as_u16();
    let mut headers: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, value) in response.headers() {
        let all = headers.entry(name.as_str().to_owned()).or_default();
        if !all.is_empty() {
            all.extend(b", ");
        }
        all.extend(value.as_bytes());
    }
    let (mut incoming, mut body) = (response.into_body(), Vec::new());
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame.map_err(said)?.into_data() {
            if body.len() + data.len() > BODY_MAX {
                return Err(format!("the body is longer than {BODY_MAX} bytes"));
            }
            body.extend_from_slice(&data);
        }
    }
    Ok(Response { status, headers, body })
}

/// The cause, where there is one: the error itself says little.
#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
fn said(error: hyper::Error) -> String {
    match std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<std::io::Error>()) {
        Some(cause) => crate::hooks::api::net::plain(cause),
        None => error.to_string(),
    }
}
