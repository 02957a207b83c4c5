//! Which server of a cluster keeps what, as the cluster says it.
//!
//! Redis Cluster specification, "Key distribution model" and "Hash tags".

use redis::{ConnectionAddr, Value};

use super::append::{number, text};

/// Slots of a cluster.
pub(super) const SLOTS: u16 = 16_384;

/// Slots one behind the other that one server keeps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) address: ConnectionAddr,
}

/// The slot of all keys with this hash tag.
pub(super) fn slot_of(tag: &str) -> u16 {
    crc16(tag.as_bytes()) % SLOTS
}

/// CRC16 as XMODEM has it: a polynomial of 0x1021, and 0 to begin with.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8)
            .fold(crc ^ (u16::from(*byte) << 8), |crc, _| if crc & 0x8000 > 0 { (crc << 1) ^ 0x1021 } else { crc << 1 })
    })
}

/// Reads the answer to `CLUSTER SLOTS`: of each range its ends and its
/// servers, the master first, each as host, port, and more. `asked` is the
/// address of who said so: a server that does not know its own name leaves it
/// out, and whether TLS is used is not said.
pub(super) fn read(answer: &Value, asked: &ConnectionAddr) -> Option<Vec<Range>> {
    let Value::Array(ranges) = answer else { return None };
    let range = |range: &Value| {
        let Value::Array(range) = range else { return None };
        let [first, last, Value::Array(master), ..] = &range[..] else { return None };
        let [host, port, ..] = &master[..] else { return None };
        let host = if *host == Value::Nil { "" } else { text(host)? };
        let number = |value| u16::try_from(number(value)?).ok();
        Some(Range { first: number(first)?, last: number(last)?, address: at(asked, host, number(port)?) })
    };
    ranges.iter().map(range).collect()
}

fn at(asked: &ConnectionAddr, told: &str, port: u16) -> ConnectionAddr {
    let host = |own: &String| if told.is_empty() { own.clone() } else { told.to_owned() };
    match asked {
        ConnectionAddr::TcpTls { host: own, insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host: host(own), port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        ConnectionAddr::Tcp(own, _) => ConnectionAddr::Tcp(host(own), port),
        _ => ConnectionAddr::Tcp(told.to_owned(), port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_what_redis_says_it_is() {
        // Appendix A of the specification.
        assert_eq!(crc16(b"123456789"), 0x31C3);
        // CLUSTER KEYSLOT {lobby}
        assert_eq!([slot_of("lobby"), slot_of("")], [10_294, 0]);
    }

    #[test]
    fn a_server_that_does_not_know_its_name_is_where_it_was_asked() {
        let server = |host: Value, port| Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec())]);
        let range =
            |first, last, servers: &[Value]| Value::Array([&[Value::Int(first), Value::Int(last)], servers].concat());
        let named = server(Value::BulkString(b"b.example".to_vec()), 2);
        let answer = Value::Array(vec![
            range(0, 99, &[server(Value::Nil, 1), named.clone()]),
            range(100, 16_383, std::slice::from_ref(&named)),
        ]);
        let asked = ConnectionAddr::Tcp("a.example".to_owned(), 9);
        let range =
            |first, last, host: &str, port| Range { first, last, address: ConnectionAddr::Tcp(host.to_owned(), port) };
        assert_eq!(read(&answer, &asked), Some(vec![range(0, 99, "a.example", 1), range(100, 16_383, "b.example", 2)]));
        for nonsense in [Value::Nil, Value::Array(vec![named]), Value::Array(vec![Value::Array(vec![])])] {
            assert_eq!(read(&nonsense, &asked), None, "{nonsense:?}");
        }
    }
}
