//! All legs of one worker: a slab, found by id from commands and by key from packets.

use std::collections::HashMap;

use model::LegId;

use super::leg::Leg;

/// One place of the slab.
#[derive(Debug, Default)]
struct Slot {
    /// Counts its uses, so that an old key does not find a new leg.
    generation: u32,
    leg: Option<Leg>,
}

/// The legs.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_id: HashMap<LegId, u32>,
    /// Legs that are to hear one that is not open yet: (to be heard, who hears).
    awaited: Vec<(LegId, u32)>,
}

impl Legs {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The key that the next inserted leg will have.
    pub(crate) fn next_key(&self) -> u64 {
        let index = self.free.last().copied().unwrap_or(self.slots.len() as u32);
        self.key(index)
    }

    fn key(&self, index: u32) -> u64 {
        let generation = self.slots.get(index as usize).map_or(0, |slot| slot.generation);
        u64::from(generation) << 32 | u64::from(index)
    }

    /// Takes a leg in, at [`Legs::next_key`].
    pub(crate) fn insert(&mut self, mut leg: Leg) {
        let id = leg.id;
        leg.key = self.next_key();
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        self.slots[index as usize].leg = Some(leg);
        self.by_id.insert(id, index);
        if !self.awaited.is_empty() {
            let (found, awaited) = self.awaited.drain(..).partition(|(heard, _)| *heard == id);
            self.awaited = awaited;
            for (_, listener) in found {
                self.link(id, listener);
            }
        }
    }

    /// The leg of that key and its index, if it is still there.
    pub(crate) fn find(&mut self, key: u64) -> Option<(u32, &mut Leg)> {
        let (generation, index) = ((key >> 32) as u32, key as u32);
        let slot = self.slots.get_mut(index as usize)?;
        if slot.generation == generation { Some((index, slot.leg.as_mut()?)) } else { None }
    }

    /// The leg of that id and its index.
    pub(crate) fn find_id(&mut self, id: LegId) -> Option<(u32, &mut Leg)> {
        let index = *self.by_id.get(&id)?;
        Some((index, self.at(index)?))
    }

    /// The leg at an index.
    pub(crate) fn at(&mut self, index: u32) -> Option<&mut Leg> {
        self.slots.get_mut(index as usize)?.leg.as_mut()
    }

    /// The key of the leg at an index.
    pub(crate) fn key_at(&self, index: u32) -> u64 {
        self.key(index)
    }

    /// Every leg.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.slots.iter_mut().filter_map(|slot| slot.leg.as_mut())
    }

    /// Every leg's id.
    pub(crate) fn ids(&self) -> Vec<LegId> {
        self.by_id.keys().copied().collect()
    }

    /// The leg at `listener` hears the leg `heard` from now on, or as soon as it is open.
    pub(crate) fn link(&mut self, heard: LegId, listener: u32) {
        match self.find_id(heard) {
            Some((_, leg)) => {
                if !leg.listeners.contains(&listener) {
                    leg.listeners.push(listener);
                }
            }
            None => self.awaited.push((heard, listener)),
        }
    }

    /// The leg at `listener` does not hear the leg `heard` any more.
    pub(crate) fn unlink(&mut self, heard: LegId, listener: u32) {
        if let Some((_, leg)) = self.find_id(heard) {
            leg.listeners.retain(|other| *other != listener);
        }
        self.awaited.retain(|entry| *entry != (heard, listener));
    }

    /// Takes a leg out. Those that heard it hear nothing.
    pub(crate) fn remove(&mut self, id: LegId) -> Option<Leg> {
        let index = self.by_id.remove(&id)?;
        self.awaited.retain(|(_, listener)| *listener != index);
        let slot = self.slots.get_mut(index as usize)?;
        let leg = slot.leg.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        Some(leg)
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use model::{CallId, Id, Mono};
    use rtp::OutStream;

    use super::*;

    fn id(counter: u32) -> LegId {
        LegId(Id::new(0, 0, counter))
    }

    fn insert(legs: &mut Legs, counter: u32) -> u64 {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap().into();
        let key = legs.next_key();
        let call = CallId(Id::new(0, 0, 1));
        legs.insert(Leg::new(call, id(counter), socket, None, OutStream::new(1, 1, 1), Mono(0)));
        key
    }

    #[test]
    fn an_old_key_does_not_find_a_new_leg() {
        let mut legs = Legs::default();
        let old = insert(&mut legs, 1);
        assert_eq!(legs.find(old).map(|(_, leg)| leg.id), Some(id(1)));
        assert!(legs.remove(id(1)).is_some());
        let new = insert(&mut legs, 2);
        assert!(legs.find(old).is_none());
        assert_eq!(legs.find(new).map(|(index, leg)| (index, leg.id)), Some((0, id(2))));
        assert_eq!((legs.by_id.len(), legs.slots.len()), (1, 1));
    }

    #[test]
    fn a_leg_may_hear_one_that_opens_later() {
        let mut legs = Legs::default();
        insert(&mut legs, 1);
        legs.link(id(2), 0);
        legs.link(id(2), 0);
        insert(&mut legs, 2);
        assert_eq!(legs.at(1).map(|leg| leg.listeners.clone()), Some(vec![0]));
        legs.unlink(id(2), 0);
        assert_eq!(legs.at(1).map(|leg| leg.listeners.len()), Some(0));
    }

    #[test]
    fn who_waited_for_a_leg_and_left_is_forgotten() {
        let mut legs = Legs::default();
        insert(&mut legs, 1);
        legs.link(id(9), 0);
        legs.remove(id(1));
        insert(&mut legs, 3);
        insert(&mut legs, 9);
        assert_eq!(legs.find_id(id(9)).map(|(_, leg)| leg.listeners.len()), Some(0));
    }
}
