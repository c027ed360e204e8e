//! A wake-up as text: who says it, what happened, to which grant, at which generation.

use broker_core::ports::{News, Wakeup};
use broker_core::{Generation, GrantId};
use broker_crypto::Entropy;

/// Tells this replica's own messages from those of others: its subscribers have heard them already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    pub(crate) fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }
}

pub(crate) fn encode(origin: &Origin, wakeup: &Wakeup) -> String {
    let news = match wakeup.news {
        News::Sent => "sent",
        News::Consenting => "consenting",
        News::Adopted => "adopted",
        News::Revoked => "revoked",
        News::Wanted => "wanted",
        News::Answered => "answered",
    };
    format!("{} {news} {} {}", origin.0, wakeup.grant, wakeup.generation.get())
}

/// `None` for what is no message of ours, a later version's perhaps.
pub(crate) fn decode(text: &str) -> Option<(Origin, Wakeup)> {
    let mut words = text.split(' ');
    let origin = Origin(words.next()?.to_owned());
    let news = match words.next()? {
        "sent" => News::Sent,
        "consenting" => News::Consenting,
        "adopted" => News::Adopted,
        "revoked" => News::Revoked,
        "wanted" => News::Wanted,
        "answered" => News::Answered,
        _ => return None,
    };
    let grant = GrantId::parse(words.next()?)?;
    let generation = Generation::new(words.next()?.parse().ok()?);
    Some((origin, Wakeup { grant, generation, news }))
}

#[cfg(test)]
mod tests {
    use broker_crypto::SeededEntropy;

    use super::*;

    #[test]
    fn a_message_survives_its_journey() {
        let origin = Origin::draw(&SeededEntropy::new(1));
        for news in [News::Sent, News::Consenting, News::Adopted, News::Revoked, News::Wanted, News::Answered]
        {
            let grant = GrantId::from_bytes([7; 16]);
            let wakeup = Wakeup { grant, generation: Generation::new(u64::MAX), news };
            assert_eq!(decode(&encode(&origin, &wakeup)), Some((origin.clone(), wakeup)));
        }
    }

    #[test]
    fn what_is_no_message_is_not_heard() {
        let grant = GrantId::from_bytes([7; 16]);
        for text in
            ["", "x", "x sent", "x sent y 1", &format!("x eaten {grant} 1"), &format!("x sent {grant} -1")]
        {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
