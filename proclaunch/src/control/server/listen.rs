//! Where clients come in: the socket in the state directory, and TCP if it is wished for.
//!
//! **Invariant:** what cannot be listened to is said once, and tried again; supervision goes on without it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::log::{Control, Entry};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::sleep;

use super::Server;
use super::connection;
use super::rights::{Groups, Peer, group};
use super::socket::{self, SocketFile};
use super::token;

/// How long until it is tried again to listen.
const AGAIN: Duration = Duration::from_secs(5);

/// How long no connection is taken after one could not be: most often for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// How often it is looked whether the socket is still there, at most.
const LOOK: Duration = Duration::from_secs(1);

/// The file of the socket, once there is one.
pub(super) type Bound = Rc<RefCell<Option<SocketFile>>>;

/// Begins to listen.
pub(super) fn begin(server: &Rc<Server>) -> Bound {
    let bound = Bound::default();
    let (own, place) = (Rc::clone(server), Rc::clone(&bound));
    // Before the first wait: whoever sees the supervisor at work finds its socket.
    let groups = own.groups();
    let mut made = own.make_socket(&groups, &bound);
    server.spawn(async move {
        loop {
            let listener = own.unix(&groups, made, &place).await;
            tokio::select! {
                () = own.accept_unix(&listener, &groups) => return,
                () = own.removed.notified() => made = own.make_socket(&groups, &place),
            }
        }
    });
    if let Some(address) = server.config.listen {
        server.read_token();
        let own = Rc::clone(server);
        server.spawn(async move {
            let listener = own.tcp(address).await;
            own.accept_tcp(&listener).await;
        });
    }
    bound
}

impl Server {
    /// The groups that are wished for, those that do not exist left out.
    fn groups(&self) -> Groups {
        let find = |name: &Option<String>| match name.as_deref().map(group) {
            Some(Ok(gid)) => Some(gid),
            Some(Err(why)) => {
                self.log.say(&Entry::Own(Control::Limited { why }.into()));
                None
            }
            None => None,
        };
        Groups { control: find(&self.config.control_group), status: find(&self.config.status_group) }
    }

    fn read_token(&self) {
        let Some(path) = &self.config.token_file else { return };
        match token::read(path) {
            Ok(token) => *self.token.borrow_mut() = Some(token),
            Err(error) => self.log.say(&Entry::Own(Control::Limited { why: error.to_string() }.into())),
        }
    }

    fn make_socket(&self, groups: &Groups, place: &Bound) -> Result<UnixListener, String> {
        let (listener, file) =
            socket::make(&self.config.state_dir, groups).map_err(|error| error.to_string())?;
        let listener = UnixListener::from_std(listener).map_err(|error| format!("wait for it: {error}"))?;
        // At once: whoever ends this in the next moment is to remove it.
        *place.borrow_mut() = Some(file);
        Ok(listener)
    }

    async fn unix(
        &self,
        groups: &Groups,
        mut made: Result<UnixListener, String>,
        place: &Bound,
    ) -> UnixListener {
        let mut is_said = false;
        loop {
            match made {
                Ok(listener) => {
                    self.say_back(is_said);
                    return listener;
                }
                Err(why) => self.say_lost(&mut is_said, why),
            }
            sleep(AGAIN).await;
            made = self.make_socket(groups, place);
        }
    }

    /// Has the socket made anew if somebody has removed it. That is looked for when something happens, as nobody can
    /// tell of it any more, and nobody is woken for it while nothing happens.
    pub(super) fn look_at_socket(&self, bound: &Bound, now: Moment, at_once: bool) {
        if !at_once && now.since(self.looked.get()) < LOOK {
            return;
        }
        self.looked.set(now);
        let is_gone = bound.borrow().as_ref().is_some_and(|file| !file.is_there());
        if is_gone {
            // So that it is said and made once.
            *bound.borrow_mut() = None;
            self.log.say(&Entry::Own(Control::SocketRemoved.into()));
            self.removed.notify_one();
        }
    }

    async fn tcp(&self, address: std::net::SocketAddr) -> TcpListener {
        let mut is_said = false;
        loop {
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    self.say_back(is_said);
                    return listener;
                }
                Err(error) => self.say_lost(&mut is_said, format!("listen on {address}: {error}")),
            }
            sleep(AGAIN).await;
        }
    }

    fn say_lost(&self, is_said: &mut bool, why: String) {
        if !std::mem::replace(is_said, true) {
            self.log.say(&Entry::Own(Control::Lost { why }.into()));
        }
    }

    fn say_back(&self, is_said: bool) {
        if is_said {
            self.log.say(&Entry::Own(Control::Back.into()));
        }
    }

    async fn accept_unix(self: &Rc<Self>, listener: &UnixListener, groups: &Groups) {
        loop {
            match listener.accept().await {
                // One that has gone already is nobody.
                Ok((stream, _)) => {
                    if let Ok(peer) = Peer::of_unix(&stream, groups) {
                        self.serve(stream, peer);
                    }
                }
                Err(_) => self.pause().await,
            }
        }
    }

    async fn accept_tcp(self: &Rc<Self>, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    // An answer is one piece: it is not to wait for another.
                    let _ = stream.set_nodelay(true);
                    self.serve(stream, Peer::of_network(address));
                }
                Err(_) => self.pause().await,
            }
        }
    }

    async fn pause(&self) {
        self.clients.make_room();
        sleep(PAUSE).await;
    }

    fn serve<S>(self: &Rc<Self>, stream: S, peer: Peer)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
    {
        // Without a place it is closed at once: there is nobody to be heard.
        let Some(place) = self.clients.admit(peer.owner, peer.is_trusted) else { return };
        let server = Rc::clone(self);
        server.connections.set(server.connections.get() + 1);
        self.spawn(async move {
            connection::serve(Rc::clone(&server), stream, peer, place).await;
            server.connections.set(server.connections.get() - 1);
            // The last one may be waited for.
            if *server.ends.borrow() {
                server.ends.send_replace(true);
            }
        });
    }
}
