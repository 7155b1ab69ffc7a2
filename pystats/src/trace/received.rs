//! The events that a trace keeps: as many as there is room for, and the slowest calls.

use super::tree::{Event, Kind};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A call's duration and start, its node, and its thread and process; the duration comes first, by which calls are compared.
type SlowCall = (u64, u64, usize, u32, u32);

/// The events that have arrived.
#[derive(Default)]
pub struct Received {
    events: Vec<Event>,
    room: usize,
    /// Events for which there was no room.
    pub dropped: u64,
    /// The slowest calls, the fastest of them on top.
    slowest: BinaryHeap<Reverse<SlowCall>>,
    keep: usize,
    all_calls_from: u64,
    sample: u32,
    passed: u32,
}

impl Received {
    /// Room for so many events, for so many of the slowest calls, whether a call that takes so long is an event by itself, and of how many
    /// such calls one is taken.
    pub fn new(room: usize, keep: usize, all_calls_from: Option<u64>, sample: u32) -> Received {
        Received { room, keep, all_calls_from: all_calls_from.unwrap_or(u64::MAX), sample, ..Received::default() }
    }

    /// Keeps an event, if it is of interest and there is room.
    pub fn add(&mut self, event: Event) {
        if event.kind == Kind::Call {
            self.add_slow(&event);
            if event.duration < self.all_calls_from {
                return;
            }
            self.passed += 1;
            if self.passed < self.sample {
                return;
            }
            self.passed = 0;
        }
        if self.events.len() >= self.room {
            self.dropped += 1;
        } else {
            self.events.push(event);
        }
    }

    fn add_slow(&mut self, event: &Event) {
        if self.keep == 0 {
            return;
        }
        self.slowest.push(Reverse((event.duration, event.start, event.node, event.tid, event.pid)));
        if self.slowest.len() > self.keep {
            self.slowest.pop();
        }
    }

    /// How long a call has to take to be one of the slowest; None: any is.
    pub fn least(&self) -> Option<u64> {
        let full = self.keep != 0 && self.slowest.len() == self.keep;
        self.slowest.peek().filter(|_| full).map(|Reverse(fastest)| fastest.0)
    }

    /// All events, and the slowest calls, the slowest first.
    pub fn finish(self) -> (Vec<Event>, Vec<Event>) {
        let calls = self.slowest.into_sorted_vec().into_iter();
        let event = |Reverse((duration, start, node, tid, pid))| Event { start, duration, node, tid, pid, kind: Kind::Call };
        (self.events, calls.map(event).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_calls_are_kept() {
        let mut received = Received::new(1, 2, Some(50), 1);
        for duration in [10, 70, 30, 60, 20] {
            received.add(Event { start: 0, duration, node: 1, tid: 5, pid: 5, kind: Kind::Call });
        }
        assert_eq!((received.events.len(), received.dropped, received.least()), (1, 1, Some(60)));
        let mut sampled = Received::new(9, 0, Some(50), 3);
        for duration in [60, 10, 61, 62, 63, 64, 65, 66] {
            sampled.add(Event { start: 0, duration, node: 1, tid: 5, pid: 5, kind: Kind::Call });
        }
        let durations: Vec<u64> = sampled.finish().0.iter().map(|call| call.duration).collect();
        assert_eq!(durations, [62, 65]);
        let slowest: Vec<u64> = received.finish().1.iter().map(|call| call.duration).collect();
        assert_eq!(slowest, [70, 60]);
    }
}
