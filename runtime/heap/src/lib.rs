pub mod cell;
pub mod value;

pub use cell::{GRANULE, HEAP_BASE, HEAP_SIZE, Header, Kind, ShapeRef};
pub use value::Value;
