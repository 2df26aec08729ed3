//! Any bytes on one of ProcLaunch's own sockets give messages or a named error: to the keeper, to the supervisor, to
//! the logger and from it; and so does an image of what a keeper knows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proclaunch::keeper::load_image;
use proclaunch::keeper::protocol::{ToKeeper, ToSupervisor};
use proclaunch::keeper::wire::Incoming;
use proclaunch::logger::protocol::{Order, Word, decode};

fuzz_target!(|data: &[u8]| {
    let mut incoming = Incoming::of(data.to_owned());
    while let Ok(Some(_)) = incoming.next::<ToKeeper>() {}
    let mut incoming = Incoming::of(data.to_owned());
    while let Ok(Some(_)) = incoming.next::<ToSupervisor>() {}
    let _ = decode::<Order>(data);
    let _ = decode::<Word>(data);
    let _ = load_image(data);
});
