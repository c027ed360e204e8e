//! Whose turn it is.

use std::time::Duration;

use tokio::time::Instant;

/// How long a replica that failed is left out.
const LEFT_OUT_FOR: Duration = Duration::from_secs(1);

/// Replicas by name, in turn. It decides, and calls nobody.
pub(super) struct Set<C> {
    members: Vec<Member<C>>,
    next: usize,
}

struct Member<C> {
    name: String,
    channel: C,
    left_out_until: Option<Instant>,
}

impl<C: Clone> Set<C> {
    pub(super) fn new(members: impl IntoIterator<Item = (String, C)>) -> Self {
        let member = |(name, channel)| Member { name, channel, left_out_until: None };
        Self { members: members.into_iter().map(member).collect(), next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The next one that is not left out; where all are, the one that will be back first. `None` without any.
    pub(super) fn pick(&mut self, now: Instant) -> Option<(String, C)> {
        let count = self.members.len();
        let in_turn = (0..count).map(|step| (self.next + step) % count);
        let picked = in_turn.min_by_key(|place| self.members[*place].back_at(now))?;
        self.next = (picked + 1) % count;
        let member = &self.members[picked];
        Some((member.name.clone(), member.channel.clone()))
    }

    /// Leaves one out that failed just now.
    pub(super) fn leave_out(&mut self, name: &str, now: Instant) {
        let failed = self.members.iter_mut().find(|member| member.name == name);
        if let Some(member) = failed {
            member.left_out_until = Some(now + LEFT_OUT_FOR);
        }
    }

    /// Holds the members of these names from now on: those it has already, and new ones. Answers whether there are new ones.
    pub(super) fn become_these(
        &mut self,
        names: &[String],
        mut connect: impl FnMut(&str) -> Option<C>,
    ) -> bool {
        self.members.retain(|member| names.contains(&member.name));
        let before = self.members.len();
        for name in names {
            let is_known = self.members.iter().any(|member| member.name == *name);
            if let Some(channel) = (!is_known).then(|| connect(name)).flatten() {
                self.members.push(Member { name: name.clone(), channel, left_out_until: None });
            }
        }
        self.members.len() > before
    }
}

impl<C> Member<C> {
    /// When it may be called; `None`, which is before any time, for now.
    fn back_at(&self, now: Instant) -> Option<Instant> {
        self.left_out_until.filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Set<u8> {
        Set::new([("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 3)])
    }

    fn picks<const N: usize>(set: &mut Set<u8>, now: Instant) -> [u8; N] {
        std::array::from_fn(|_| set.pick(now).unwrap().1)
    }

    #[test]
    fn they_are_picked_in_turn() {
        assert_eq!(picks(&mut three(), Instant::now()), [1, 2, 3, 1]);
    }

    #[test]
    fn one_that_failed_is_left_out_for_a_while() {
        let (mut set, now) = (three(), Instant::now());
        set.leave_out("b", now);
        assert_eq!(picks(&mut set, now), [1, 3, 1, 3]);
        assert_eq!(picks(&mut set, now + LEFT_OUT_FOR), [1, 2, 3]);
    }

    #[test]
    fn where_all_failed_the_one_is_tried_that_failed_first() {
        let (mut set, now) = (three(), Instant::now());
        for (name, later) in [("a", 2), ("b", 1), ("c", 3)] {
            set.leave_out(name, now + Duration::from_millis(later));
        }
        assert_eq!(picks(&mut set, now + Duration::from_millis(5)), [2, 2]);
        assert!(Set::<u8>::new([]).pick(now).is_none());
    }

    #[test]
    fn other_members_take_the_place_of_those_that_are_gone() {
        let (mut set, now) = (three(), Instant::now());
        set.leave_out("c", now);
        let names = ["c", "d"].map(str::to_owned);
        assert!(set.become_these(&names, |_| Some(4)));
        assert_eq!(picks(&mut set, now), [4, 4], "who stays stays left out");
        assert!(!set.become_these(&names, |_| panic!("nobody is new")));
    }
}
