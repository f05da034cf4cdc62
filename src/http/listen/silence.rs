//! Ignores new connections for a moment before a port is closed.

use std::io;

use tokio::net::TcpListener;

/// Lets the system ignore whoever begins to connect from now on; connections that are being made come
/// to be, and are still accepted.
///
/// A port that is simply closed resets what has not been accepted, also where the client has sent its
/// request already: a proxy may not send that again. Whoever is ignored tries again after a second,
/// and is refused then.
#[cfg(target_os = "linux")]
pub(super) fn ignore_new_connections(listener: &TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    /// Load the byte at this offset.
    const LOAD: u16 = 0x30;
    /// Skip as many instructions as the first number says if a bit of this mask is set, otherwise as
    /// many as the second.
    const IF_SET: u16 = 0x45;
    /// Keep as many bytes of the packet as this says.
    const KEEP: u16 = 0x06;
    /// Where the flags stand in a TCP header.
    const FLAGS: u32 = 13;
    /// Sent by a client in the first packet of a connection, and in no other.
    const SYN: u32 = 0x02;
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD, 0, 0, FLAGS),
        SockFilter::new(IF_SET, 0, 1, SYN),
        SockFilter::new(KEEP, 0, 0, 0),
        SockFilter::new(KEEP, 0, 0, u32::MAX),
    ])
}

/// Elsewhere there is no such thing: what is being made when the port is closed may be lost.
#[cfg(not(target_os = "linux"))]
pub(super) fn ignore_new_connections(_listener: &TcpListener) -> io::Result<()> {
    Ok(())
}
