//! The events of exceptions. They belong to no instruction of their own, so they are wanted everywhere or not at all.

use crate::instrument::deliver::{exceptional, fire_everywhere};
use crate::instrument::events::Event;
use crate::interp::frame::Frame;
use crate::object::R;
use crate::thread::Thread;

/// The current exception has got to a frame whose code is at a word: raised there, raised again, caught, or about to leave. An error is
/// another exception in its place.
pub fn tell(t: &Thread, f: Frame, at: usize, event: Event) -> R<()> {
    if super::everywhere(t, event) == 0 {
        return Ok(());
    }
    exceptional(t, |e| fire_everywhere(t, f, at, event, e))
}
