//! The query of a URL.

use form_urlencoded::parse;

/// Decoded pairs; of a key that comes twice the first one counts.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes `a=1&b=2`.
    #[must_use]
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The value of a key.
    #[must_use]
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}
