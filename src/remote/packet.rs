//! Git's pkt-lines: framing, and the side-band that carries a report and text for people in one stream.
//!
//! Deliberately not here: what the lines mean. Everything read is from a stranger, so every length is checked
//! before it is believed, and nothing grows without a bound.
//! Source: gitprotocol-common(5), gitprotocol-pack(5).

use crate::process::{Conversation, ProcessError};

/// Longest packet, its four length digits included (gitprotocol-common(5)).
pub const PACKET_MAX: usize = 65520;

/// Most bytes of text for people that are kept, the newest ones.
const TEXT_MAX: usize = 64 << 10;

/// Why a packet could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// The four bytes are not a length that a packet can have.
    #[error("a packet begins with {0:?}, which is no length")]
    Length(String),
    /// The stream ended inside a packet.
    #[error("the stream ended inside a packet")]
    Truncated,
    /// A side-band packet names a band that does not exist.
    #[error("a packet is on the unknown side-band {0}")]
    Band(u8),
    /// The server reported its own failure on the side-band.
    #[error("the remote failed: {0}")]
    Remote(String),
    /// The program at the other end could not be read.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Something that gives bytes; 0 bytes are its end.
pub trait Source {
    /// Reads some bytes.
    ///
    /// # Errors
    /// [`PacketError`] when there will be no more bytes although the stream has not ended.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, PacketError>;
}

impl Source for Conversation {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, PacketError> {
        Ok(Self::receive(self, buffer)?)
    }
}

impl Source for &[u8] {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, PacketError> {
        let count = self.len().min(buffer.len());
        let (head, tail) = self.split_at(count);
        buffer[..count].copy_from_slice(head);
        *self = tail;
        Ok(count)
    }
}

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// `0000`: the end of a part.
    Flush,
    /// A packet with content, at most 65,516 bytes.
    Data(Vec<u8>),
}

/// Reads packets from a source.
#[derive(Debug)]
pub struct Reader<S> {
    source: S,
    buffer: Vec<u8>,
    start: usize,
}

impl<S: Source> Reader<S> {
    /// A reader at the beginning of `source`.
    pub fn new(source: S) -> Self {
        Self { source, buffer: Vec::new(), start: 0 }
    }

    /// The other end, to write to it.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// The other end; what was read ahead is dropped.
    pub fn into_source(self) -> S {
        self.source
    }

    /// The next packet; `None` when the stream ended where a packet would begin.
    ///
    /// # Errors
    /// [`PacketError`]; nothing sensible can be read afterwards.
    pub fn read(&mut self) -> Result<Option<Packet>, PacketError> {
        if !self.fill(4)? {
            return if self.buffer.len() == self.start { Ok(None) } else { Err(PacketError::Truncated) };
        }
        let digits = &self.buffer[self.start..self.start + 4];
        let length =
            parse_length(digits).ok_or_else(|| PacketError::Length(String::from_utf8_lossy(digits).into_owned()))?;
        let Some(length) = length else {
            self.start += 4;
            return Ok(Some(Packet::Flush));
        };
        if !self.fill(length)? {
            return Err(PacketError::Truncated);
        }
        let content = self.buffer[self.start + 4..self.start + length].to_vec();
        self.start += length;
        Ok(Some(Packet::Data(content)))
    }

    /// Reads until `wanted` bytes are buffered; false when the stream ended before.
    fn fill(&mut self, wanted: usize) -> Result<bool, PacketError> {
        while self.buffer.len() - self.start < wanted {
            self.buffer.drain(..self.start);
            self.start = 0;
            let held = self.buffer.len();
            // At most one packet and one read are ever held.
            self.buffer.resize(held + PACKET_MAX, 0);
            let count = self.source.receive(&mut self.buffer[held..]).inspect_err(|_| self.buffer.truncate(held))?;
            self.buffer.truncate(held + count);
            if count == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The length of a packet with content, `Some(None)` for a flush, `None` for what cannot be a length here: lengths 1
/// to 3 are special packets of protocol v2, which is never asked for.
fn parse_length(digits: &[u8]) -> Option<Option<usize>> {
    // `from_str_radix` alone would take a sign.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let length = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    match length {
        0 => Some(None),
        4..=PACKET_MAX => Some(Some(length)),
        _ => None,
    }
}

/// The part of a side-band stream that is for the program; what is for people is kept aside.
#[derive(Debug)]
pub struct SideBand<'r, S> {
    packets: &'r mut Reader<S>,
    text: &'r mut Vec<u8>,
    left: Vec<u8>,
    ended: bool,
}

impl<'r, S: Source> SideBand<'r, S> {
    /// Takes `packets` apart until their flush; text for people is appended to `text`.
    pub fn new(packets: &'r mut Reader<S>, text: &'r mut Vec<u8>) -> Self {
        Self { packets, text, left: Vec::new(), ended: false }
    }
}

impl<S: Source> Source for SideBand<'_, S> {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, PacketError> {
        while self.left.is_empty() && !self.ended {
            let content = match self.packets.read()? {
                None | Some(Packet::Flush) => {
                    self.ended = true;
                    break;
                }
                Some(Packet::Data(content)) => content,
            };
            match content.split_first() {
                // An empty packet on the data band keeps a slow connection alive.
                None => {}
                Some((1, data)) => self.left = data.to_vec(),
                Some((2, text)) => keep(self.text, text),
                Some((3, text)) => {
                    keep(self.text, text);
                    return Err(PacketError::Remote(String::from_utf8_lossy(text).trim().to_owned()));
                }
                Some((band, _)) => return Err(PacketError::Band(*band)),
            }
        }
        let count = self.left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.left[..count]);
        self.left.drain(..count);
        Ok(count)
    }
}

fn keep(kept: &mut Vec<u8>, text: &[u8]) {
    kept.extend_from_slice(text);
    let over = kept.len().saturating_sub(TEXT_MAX);
    kept.drain(..over);
}

/// Appends `content` as one packet.
///
/// # Panics
/// When the content is longer than a packet can be: ours are one ref name and some words long.
pub fn write_packet(to: &mut Vec<u8>, content: &[u8]) {
    let length = content.len() + 4;
    assert!(length <= PACKET_MAX, "a packet of {length} bytes is too long");
    to.extend_from_slice(format!("{length:04x}").as_bytes());
    to.extend_from_slice(content);
}

/// Appends a flush.
pub fn write_flush(to: &mut Vec<u8>) {
    to.extend_from_slice(b"0000");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(stream: &[u8]) -> Result<Vec<Packet>, PacketError> {
        let mut reader = Reader::new(stream);
        let mut packets = Vec::new();
        while let Some(packet) = reader.read()? {
            packets.push(packet);
        }
        Ok(packets)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut stream = Vec::new();
        write_packet(&mut stream, b"hello\n");
        write_packet(&mut stream, &vec![7; PACKET_MAX - 4]);
        write_flush(&mut stream);
        let read = packets(&stream).unwrap();
        assert_eq!(read, [Packet::Data(b"hello\n".to_vec()), Packet::Data(vec![7; PACKET_MAX - 4]), Packet::Flush]);
    }

    #[test]
    fn lengths_that_no_packet_has_are_errors() {
        for stream in ["0001", "0002", "0003", "fff1", "ffff", "+005a", "-001", "00 5", "zzzz", "0x05"] {
            assert!(matches!(packets(stream.as_bytes()), Err(PacketError::Length(_))), "{stream}");
        }
    }

    #[test]
    fn a_stream_that_ends_inside_a_packet_is_an_error() {
        for stream in ["0", "000", "0005", "0009abc"] {
            assert!(matches!(packets(stream.as_bytes()), Err(PacketError::Truncated)), "{stream}");
        }
    }
}
