//! The dialects of chat events that a socket speaks and hears.

/// One way to chat in events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    /// `newMessage {"name","text"}`, answered by `messages`.
    NewMessage = 0b001,
    /// `message` and any value, answered by `response` and `my response`.
    Message = 0b010,
    /// `receive_msg {"user_name","message"}`, answered by `the_response`.
    ReceiveMsg = 0b100,
}

/// Some of the dialects, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialects(u8);

impl Dialects {
    /// All of them: what a socket hears that has not spoken yet.
    pub(super) const ALL: Self = Self(0b111);
    /// How many sets there are.
    pub(super) const SETS: usize = 7;

    /// All sets, in the order of [`index`](Self::index).
    pub(super) fn sets() -> impl Iterator<Item = Self> {
        (1..=0b111).map(Self)
    }

    /// Its place among the sets.
    pub(super) fn index(self) -> usize {
        usize::from(self.0) - 1
    }

    /// Whether it is one of them.
    pub(super) fn contains(self, spoken: Spoken) -> bool {
        self.0 & spoken as u8 != 0
    }
}

/// What a socket has spoken so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Voice(u8);

impl Voice {
    /// It speaks this one too from here on.
    pub(super) fn add(&mut self, spoken: Spoken) {
        self.0 |= spoken as u8;
    }

    /// Which dialects it hears.
    pub(super) fn hears(self) -> Dialects {
        if self.0 == 0 { Dialects::ALL } else { Dialects(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_hears_all_and_who_speaks_hears_what_it_speaks() {
        let mut voice = Voice::default();
        assert_eq!(voice.hears(), Dialects::ALL);
        voice.add(Spoken::Message);
        assert!(voice.hears().contains(Spoken::Message) && !voice.hears().contains(Spoken::NewMessage));
        voice.add(Spoken::NewMessage);
        voice.add(Spoken::ReceiveMsg);
        assert_eq!(voice.hears(), Dialects::ALL);
        assert!(Dialects::sets().map(Dialects::index).eq(0..Dialects::SETS));
    }
}
