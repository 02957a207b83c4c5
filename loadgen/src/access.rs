//! How clients come in, from the arguments.

use std::net::{IpAddr, Ipv4Addr};

use crate::cli::{AccessArgs, OutputArgs};
use crate::client::gate::Access;
use crate::client::tls::TlsFiles;
use crate::plan::PlanError;

/// Source addresses, at most. Chosen: a whole network of 127.0.x.0/24.
const BINDS_MAX: usize = 256;

/// Checks the arguments.
///
/// # Errors
///
/// With the first that cannot be sent or used.
pub fn read(args: AccessArgs) -> Result<Access, PlanError> {
    let mut headers = args.headers.iter().map(|text| header(text)).collect::<Result<Vec<_>, _>>()?;
    if let Some(token) = &args.token {
        headers.push(("Authorization".to_owned(), value("--token", &format!("Bearer {token}"))?));
    }
    if !args.cookies.is_empty() {
        headers.push(("Cookie".to_owned(), value("--cookie", &args.cookies.join("; "))?));
    }
    for name in &args.subprotocols {
        check("--subprotocol", name, is_token(name), "a name of letters, digits and - . _")?;
    }
    Ok(Access {
        headers,
        subprotocols: args.subprotocols,
        binds: args.bind.as_deref().map(binds).transpose()?.unwrap_or_default(),
        tls: TlsFiles { ca: args.ca, identity: args.cert.zip(args.key), is_insecure: args.insecure },
    })
}

fn header(text: &str) -> Result<(String, String), PlanError> {
    let (name, of_it) = text.split_once(':').unwrap_or(("", ""));
    check("--header", text, is_token(name), "a field such as 'X-Team: blue'")?;
    Ok((name.to_owned(), value("--header", of_it.trim())?))
}

/// RFC 9110 §5.5: no line break may smuggle in another field.
fn value(flag: &'static str, text: &str) -> Result<String, PlanError> {
    check(flag, text, !text.chars().any(char::is_control), "no control characters")?;
    Ok(text.to_owned())
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

fn check(flag: &'static str, text: &str, holds: bool, expected: &'static str) -> Result<(), PlanError> {
    if holds { Ok(()) } else { Err(PlanError::Field { flag, text: text.to_owned(), expected }) }
}

fn binds(text: &str) -> Result<Vec<IpAddr>, PlanError> {
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim) {
        let range = match part.split_once('-') {
            Some((first, last)) => first.parse().ok().zip(last.parse().ok()),
            None => part.parse().ok().map(|one: Ipv4Addr| (one, one)),
        };
        match (range, part.parse::<IpAddr>()) {
            (Some((first, last)), _) => {
                all.extend((first.to_bits()..=last.to_bits()).take(BINDS_MAX + 1).map(|bits| IpAddr::V4(bits.into())));
            }
            (None, Ok(address)) => all.push(address),
            (None, Err(_)) => all.clear(),
        }
    }
    check("--bind", text, (1..=BINDS_MAX).contains(&all.len()), "1 to 256 addresses, such as 127.0.0.2-127.0.0.9")?;
    Ok(all)
}

impl OutputArgs {
    /// The files that were asked for, each with its flag.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &std::path::PathBuf)> {
        let files = [
            ("--json", &self.json),
            ("--html", &self.html),
            ("--csv", &self.csv),
            ("--junit", &self.junit),
            ("--hlog", &self.hlog),
            ("--hgrm", &self.hgrm),
        ];
        files.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_addresses_are_counted_out() {
        let texts = |text| binds(text).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts("127.0.0.2-127.0.0.4"), ["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
        assert_eq!(texts("127.0.0.9, ::1"), ["127.0.0.9", "::1"]);
        for bad in ["", "127.0.0.9-127.0.0.2", "x", "10.0.0.0-10.9.9.9"] {
            assert!(binds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_field_cannot_smuggle_in_another() {
        assert_eq!(header("X-Team:  blue").unwrap(), ("X-Team".to_owned(), "blue".to_owned()));
        for bad in ["", "X", ": x", "X Y: z", "X: y\r\nZ: w"] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }
}
