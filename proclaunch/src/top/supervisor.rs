//! The running supervisor as a source.

use std::net::Shutdown;

use super::source::{Following, Order, Source, Trouble};
use crate::control::api::{History, Profiles};
use crate::control::client::{self, Client, Failure, ORDER_TIMEOUT, Output, Wait};

impl Source for Client {
    fn profiles(&self) -> Result<Profiles, Trouble> {
        Self::profiles(self, &[]).map_err(|failure| trouble(&failure))
    }

    fn history(&self, name: &str) -> Result<History, Trouble> {
        Self::history(self, name).map_err(|failure| trouble(&failure))
    }

    fn order(&self, name: &str, order: Order) -> Result<(), Trouble> {
        let order = match order {
            Order::Start => client::Order::Start { force: false },
            Order::Stop => client::Order::Stop,
            Order::Restart => client::Order::Restart,
        };
        Self::order(self, name, &order, Wait::For(ORDER_TIMEOUT))
            .map(drop)
            .map_err(|failure| trouble(&failure))
    }

    fn follow(&self, name: &str, lines: usize) -> Result<Following, Trouble> {
        let wanted = Output { lines: u64::try_from(lines).ok(), since: None, follow: true };
        let body = self.output(name, &wanted).map_err(|failure| trouble(&failure))?;
        let connection = body.connection().map_err(|error| Trouble::Away(error.to_string()))?;
        // One that is closed already needs no closing.
        let close = move || drop(connection.shutdown(Shutdown::Both));
        Ok(Following { output: Box::new(body), close: Box::new(close) })
    }
}

fn trouble(failure: &Failure) -> Trouble {
    let text = failure.to_string();
    match failure {
        Failure::Refused { .. } | Failure::Denied { .. } | Failure::Strange { .. } => Trouble::Refused(text),
        Failure::NoSupervisor { .. }
        | Failure::Deaf { .. }
        | Failure::Connect { .. }
        | Failure::Broken { .. }
        | Failure::Silent { .. } => Trouble::Away(text),
    }
}
