//! Negative controls: one safeguard of the actors is switched off, and the rules must notice.

/// A safeguard that is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Nothing carries a message id.
    MessageId,
    /// Nothing is fenced, and who was stopped does not read on: each covers for the other.
    Fence,
    /// It speaks before it has caught up.
    CatchUp,
    /// What was acked is forgotten before it is seen.
    TrustAck,
    /// A deadline is said at once after a time without connection.
    Grace,
    /// What was not stored is not said again.
    Resend,
    /// Who was stopped speaks before it has read on.
    Attention,
    /// A reader that was cut off goes on one message too far.
    Gap,
}

impl Break {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::MessageId,
        Self::Fence,
        Self::CatchUp,
        Self::TrustAck,
        Self::Grace,
        Self::Resend,
        Self::Attention,
        Self::Gap,
    ];

    /// Returns its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageId => "message-id",
            Self::Fence => "fence",
            Self::CatchUp => "catch-up",
            Self::TrustAck => "trust-ack",
            Self::Grace => "grace",
            Self::Resend => "resend",
            Self::Attention => "attention",
            Self::Gap => "gap",
        }
    }
}

impl std::str::FromStr for Break {
    type Err = String;

    /// Reads a name.
    ///
    /// # Errors
    /// A sentence that lists the names.
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|one| one.as_str() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|one| one.as_str()).collect();
            format!("`{name}` is no safeguard; there is {}", names.join(", "))
        })
    }
}
