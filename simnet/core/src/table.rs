//! Storage by dense number: no hashing on the way of a packet.

use std::marker::PhantomData;

use crate::id::{HopId, ListenerId, NodeId, SocketId, TcpId};

/// A number that counts the items of a [`Table`].
pub(crate) trait Key: Copy {
    fn index(self) -> usize;
    fn from_index(index: usize) -> Self;
}

macro_rules! key {
    ($($id:ident)*) => {
        $(impl Key for $id {
            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }

            fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).expect("a world has fewer than 2^32 parts of a kind"))
            }
        })*
    };
}

key! { HopId NodeId SocketId TcpId ListenerId }

/// Items numbered from zero, never removed.
#[derive(Debug)]
pub(crate) struct Table<K, T> {
    items: Vec<T>,
    key: PhantomData<K>,
}

impl<K: Key, T> Table<K, T> {
    pub(crate) const fn new() -> Self {
        Self { items: Vec::new(), key: PhantomData }
    }

    pub(crate) fn push(&mut self, item: T) -> K {
        let key = K::from_index(self.items.len());
        self.items.push(item);
        key
    }

    pub(crate) const fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        self.items.iter().enumerate().map(|(index, item)| (K::from_index(index), item))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = K> + use<K, T> {
        (0..self.items.len()).map(K::from_index)
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "keys are made by `push` and items never leave")]
    pub(crate) fn at(&self, key: K) -> &T {
        &self.items[key.index()]
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "keys are made by `push` and items never leave")]
    pub(crate) fn at_mut(&mut self, key: K) -> &mut T {
        &mut self.items[key.index()]
    }
}
