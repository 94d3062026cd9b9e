//! Agents that gather ahead of need: the W3C's `iceCandidatePoolSize`.

use std::collections::VecDeque;

/// Transports that gather before a description asks for them, so that their candidates are there at
/// once.
///
/// `T` is whatever gathers: an agent with its sockets. The owner makes as many as are
/// [missing](Pool::missing), drives them with the others, and [takes](Pool::take) one when a
/// description needs a transport; what a pooled one has found waits in it as events.
///
/// ```
/// let mut pool = ice::Pool::new();
/// pool.resize(2);
/// for n in 0..pool.missing() {
///     pool.put(n);
/// }
/// assert_eq!((pool.take(), pool.missing()), (Some(0), 0));
/// assert_eq!(pool.resize(0), [1]);
/// ```
#[derive(Debug)]
pub struct Pool<T> {
    size: usize,
    taken: usize,
    waiting: VecDeque<T>,
}

/// The largest pool. The W3C's number has 8 bits, and each of the pool costs sockets and bindings.
pub const MAX_POOL: usize = 255;

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Pool<T> {
    /// An empty pool that is to stay empty.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, taken: 0, waiting: VecDeque::new() }
    }

    /// Sets how many transports there are to be in all, those taken already included (RFC 9429
    /// §3.5.4), at most [`MAX_POOL`]. Returns those that are too many, to be closed: the youngest.
    pub fn resize(&mut self, size: usize) -> Vec<T> {
        self.size = size.min(MAX_POOL);
        let keep = self.size.saturating_sub(self.taken).min(self.waiting.len());
        self.waiting.split_off(keep).into()
    }

    /// How many the owner should make and [put](Pool::put) in.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.size.saturating_sub(self.taken + self.waiting.len())
    }

    /// Puts one in that was missing; gives it back if none is.
    pub fn put(&mut self, transport: T) -> Option<T> {
        if self.missing() == 0 {
            return Some(transport);
        }
        self.waiting.push_back(transport);
        None
    }

    /// Takes the oldest out, which has gathered longest.
    pub fn take(&mut self) -> Option<T> {
        let transport = self.waiting.pop_front()?;
        self.taken += 1;
        Some(transport)
    }

    /// Those that wait, to be driven.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.waiting.iter_mut()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_taken_count_towards_the_size() {
        let mut pool = Pool::new();
        assert_eq!(pool.put('x'), Some('x'));
        pool.resize(3);
        "abc".chars().for_each(|one| assert_eq!(pool.put(one), None));
        assert_eq!((pool.take(), pool.missing(), pool.len()), (Some('a'), 0, 2));
        assert_eq!(pool.resize(2), ['c']);
        assert_eq!(pool.resize(4), []);
        assert_eq!(pool.missing(), 2);
        assert_eq!(pool.resize(1_000_000), []);
        assert_eq!(pool.missing(), MAX_POOL - 2);
    }
}
