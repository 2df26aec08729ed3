//! Events as they come, across connections that break.

use std::io::{BufRead as _, BufReader, Read as _};

use super::request::Request;
use super::{Body, Client, Failure, Query, READING};
use crate::control::api;

/// The longest line of the stream.
const LINE_MAX: u64 = 1024 * 1024;

/// Events, oldest first. After an error there is nothing more.
#[derive(Debug)]
pub struct Events {
    client: Client,
    query: Query,
    follow: bool,
    /// The id of the last event that was handed out.
    last: Option<String>,
    connection: Connection,
}

#[derive(Debug)]
enum Connection {
    /// None was made yet.
    Fresh,
    /// One is there.
    Open(BufReader<Body>),
    /// It broke, and another one is to be made.
    Broken,
    /// Nothing comes any more.
    Ended,
}

impl Events {
    pub(super) fn new(client: Client, globs: &[String], follow: bool) -> Self {
        let mut query = globs.iter().fold(Query::default(), |query, glob| query.with("profile", glob));
        if follow {
            query = query.with("follow", "true");
        }
        Self { client, query, follow, last: None, connection: Connection::Fresh }
    }

    fn open(&self) -> Result<BufReader<Body>, Failure> {
        let request = match &self.last {
            Some(last) => Request::get_after("/v1/events", &self.query, last),
            None => Request::get("/v1/events", &self.query),
        };
        let mut body = self.client.exchange(&request, READING)?;
        body.wait_at_most(if self.follow { None } else { Some(READING) });
        Ok(BufReader::new(body))
    }

    /// The next event, or the failure that ends them.
    fn advance(&mut self) -> Option<Result<api::Event, Failure>> {
        loop {
            match &mut self.connection {
                Connection::Ended => return None,
                Connection::Fresh | Connection::Broken => {
                    let opened = match self.connection {
                        Connection::Broken => self.client.wait_for_the_next().and_then(|()| self.open()),
                        _ => self.open(),
                    };
                    match opened {
                        Ok(reader) => self.connection = Connection::Open(reader),
                        Err(failure) if failure.is_passing() => self.connection = Connection::Broken,
                        Err(failure) => return Some(Err(failure)),
                    }
                }
                Connection::Open(reader) => match next_of(reader) {
                    Ok(Some(event)) => return Some(Ok(event)),
                    // The supervisor ends a stream that is followed when it ends itself.
                    Ok(None) if self.follow => self.connection = Connection::Broken,
                    Ok(None) => return None,
                    Err(failure) if self.follow && failure.is_passing() => {
                        self.connection = Connection::Broken;
                    }
                    Err(failure) => return Some(Err(failure)),
                },
            }
        }
    }
}

impl Iterator for Events {
    type Item = Result<api::Event, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        match &next {
            Some(Ok(event)) => self.last = Some(event.id.clone()),
            Some(Err(_)) | None => self.connection = Connection::Ended,
        }
        next
    }
}

/// The next event of a stream as the HTML standard describes it (section 9.2.6), comments left aside.
fn next_of(reader: &mut BufReader<Body>) -> Result<Option<api::Event>, Failure> {
    let mut data = String::new();
    loop {
        let mut line = Vec::new();
        let got = reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line);
        match got {
            Ok(0) => return Ok(None),
            Ok(_) if line.last() != Some(&b'\n') => return Err(Failure::strange("an event has no end")),
            Ok(_) => {}
            Err(error) => return Err(reader.get_ref().failure(&error)),
        }
        let line = line.trim_ascii_end();
        if line.is_empty() {
            if data.is_empty() {
                continue;
            }
            return serde_json::from_str(&data).map(Some).map_err(Failure::strange);
        }
        if let Some(rest) = line.strip_prefix(b"data:") {
            data.push_str(&String::from_utf8_lossy(rest));
        }
    }
}
