//! What the supervisor and the logger say to each other: one message in each packet.
//!
//! A packet is one byte, [`VERSION`], and the message as JSON. Packets outlive both processes: one that an older
//! version has sent may be read by a newer one.
//!
//! **Invariant:** [`decode`] is total: any bytes give a message or a named error.

use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::LogSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version of the messages below. A change that the other side cannot read is another version.
pub const VERSION: u8 = 1;

/// The longest packet, in bytes; what [`encode`] makes is never longer.
pub const PACKET_MAX: usize = 4096;

/// The longest reason in a message, in bytes.
const WHY_MAX: usize = 512;

/// How the output of one profile is to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Whose output.
    pub name: ProfileName,
    /// The `log` setting.
    pub log: LogSettings,
    /// Something else reads the FIFO (`log_run`): leave it alone.
    pub paused: bool,
}

/// From the supervisor to the logger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Read this profile's FIFO, and keep its output so, from here on. Saying it again changes nothing.
    Configure(Configuration),
    /// The profile's process has ended: a last line without a newline is complete.
    Ended {
        /// Whose.
        name: ProfileName,
    },
    /// The profile is gone: keep what is in its FIFO and say [`Word::Forgotten`]. Its files stay.
    Forget {
        /// Whose.
        name: ProfileName,
    },
    /// Open the files anew: somebody may have renamed them.
    Reopen,
    /// All profiles that write were named to this logger by [`Order::Configure`].
    AllKnown {
        /// The logger's process: an earlier one may have left the packet unread.
        pid: i32,
    },
    /// Stay alone: when the supervisor and the keeper have gone, start no other, and end once nobody writes.
    Leave,
    /// Keep what is in the FIFOs, then end.
    Finish,
}

/// From the logger to the supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// A logger has started and knows nothing: configure it.
    Hello {
        /// Its process.
        pid: i32,
    },
    /// The output of this profile cannot be written. It waits in the FIFO, and is tried again each second.
    Trouble {
        /// Whose.
        name: ProfileName,
        /// The reason, as the end of a sentence.
        why: String,
    },
    /// It can be written again.
    Over {
        /// Whose.
        name: ProfileName,
    },
    /// Nothing is left in the FIFO of a profile that was to be forgotten: it may be removed.
    Forgotten {
        /// Whose.
        name: ProfileName,
    },
    /// Something else that is worth a line.
    Said {
        /// Whose output it is about, if it is about one profile's.
        name: Option<ProfileName>,
        /// The text: a sentence without its end.
        text: String,
    },
}

/// Why a packet is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It holds nothing.
    #[error("the packet is empty")]
    Empty,
    /// It has been cut, or comes from elsewhere.
    #[error("the packet has {0} bytes, more than a message can have")]
    TooLong(usize),
    /// It is of a version that is not known here.
    #[error("the packet is of version {0}")]
    Version(u8),
    /// Its content is no message.
    #[error("the packet holds no message: {0}")]
    Content(String),
}

/// The packet that carries a message.
pub fn encode(message: &impl Serialize) -> Vec<u8> {
    let mut packet = vec![VERSION];
    serde_json::to_writer(&mut packet, message).expect("plain data can be written as JSON");
    debug_assert!(packet.len() <= PACKET_MAX, "{} bytes", packet.len());
    packet
}

/// The message in a packet.
pub fn decode<M: DeserializeOwned>(packet: &[u8]) -> Result<M, DecodeError> {
    let (version, content) = packet.split_first().ok_or(DecodeError::Empty)?;
    if packet.len() > PACKET_MAX {
        return Err(DecodeError::TooLong(packet.len()));
    }
    if *version != VERSION {
        return Err(DecodeError::Version(*version));
    }
    serde_json::from_slice(content).map_err(|error| DecodeError::Content(error.to_string()))
}

/// As much of a reason as a message may carry.
pub fn shortened(text: &str) -> String {
    text.chars().flat_map(char::escape_debug).take(WHY_MAX / 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProfileName {
        ProfileName::parse(text).unwrap()
    }

    fn orders() -> Vec<Order> {
        let name = name(&"x".repeat(128));
        vec![
            Order::Configure(Configuration { name: name.clone(), log: LogSettings::default(), paused: true }),
            Order::Ended { name: name.clone() },
            Order::Forget { name },
            Order::Reopen,
            Order::AllKnown { pid: 7 },
            Order::Leave,
            Order::Finish,
        ]
    }

    fn words() -> Vec<Word> {
        let (name, text) = (name("web"), shortened(&"\u{10ffff}\n\"".repeat(5000)));
        vec![
            Word::Hello { pid: 4242 },
            Word::Trouble { name: name.clone(), why: text.clone() },
            Word::Over { name: name.clone() },
            Word::Said { name: Some(name), text },
        ]
    }

    #[test]
    fn what_is_encoded_is_decoded_and_fits_into_a_packet() {
        for order in orders() {
            let packet = encode(&order);
            assert!(packet.len() <= PACKET_MAX, "{}", packet.len());
            assert_eq!(decode(&packet), Ok(order));
        }
        for word in words() {
            let packet = encode(&word);
            assert!(packet.len() <= PACKET_MAX, "{}", packet.len());
            assert_eq!(decode(&packet), Ok(word));
        }
    }

    #[test]
    fn what_is_no_message_is_named() {
        assert_eq!(decode::<Order>(b""), Err(DecodeError::Empty));
        assert_eq!(decode::<Order>(b"\x02\"Leave\""), Err(DecodeError::Version(2)));
        assert_eq!(decode::<Order>(&[VERSION; 5000]), Err(DecodeError::TooLong(5000)));
        assert_eq!(decode::<Order>(b"\x01\"Leave\""), Ok(Order::Leave));
        let bad = decode::<Order>(b"\x01{\"Ended\":{\"name\":\"../x\"}}").unwrap_err().to_string();
        assert!(bad.starts_with("the packet holds no message: \"../x\" is not a profile name"), "{bad}");
    }

    /// `xorshift64*` by Vigna: a seed replays a run.
    fn random(state: &mut u64, below: usize) -> usize {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        let high = (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize;
        high % below
    }

    #[test]
    fn twenty_thousand_damaged_packets_give_a_message_or_a_named_error() {
        let good: Vec<Vec<u8>> = orders().iter().map(encode).chain(words().iter().map(encode)).collect();
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for round in 0..20_000 {
            let mut packet = good[random(&mut state, good.len())].clone();
            for _ in 0..random(&mut state, 4) {
                let at = random(&mut state, packet.len());
                packet[at] = random(&mut state, 256).to_le_bytes()[0];
            }
            packet.truncate(random(&mut state, packet.len() + 1).max(packet.len() / 2));
            let result = std::panic::catch_unwind(|| {
                let order =
                    decode::<Order>(&packet).map(|order| assert_eq!(decode(&encode(&order)), Ok(order)));
                let word = decode::<Word>(&packet).map(|word| assert_eq!(decode(&encode(&word)), Ok(word)));
                (order.is_ok(), word.is_ok())
            });
            assert!(result.is_ok(), "round {round}: {packet:?}");
        }
    }
}
