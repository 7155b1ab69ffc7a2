//! `import`

use super::{attempt, slow_uops};
use crate::interp::regs::{Regs, Step};
use crate::modules::import;

slow_uops! {
    /// `import x`
    IMPORT_MODULE = import_name;
    /// `from x import y`
    IMPORT_MEMBER = import_from;
}

unsafe fn import_name(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    let f = r.frame().function();
    let name = f.code().name_at(o as usize);
    let space = r.frame().namespace();
    let v = attempt!(import::import_name(t, f.builtins.get(), f.globals.get(), space, name, r.peek(1), r.peek(2)));
    r.drop_n(1);
    r.poke(1, v);
    Step::Next
}

unsafe fn import_from(r: &mut Regs, o: u32) -> Step {
    let name = r.frame().code().name_at(o as usize);
    let v = attempt!(import::import_from(r.t(), r.peek(1), name));
    r.push(v);
    Step::Next
}
