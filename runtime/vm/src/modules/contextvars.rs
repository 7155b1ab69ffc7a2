//! `_contextvars`: context variables for the module contextvars.

use crate::args::FnDef;
use crate::modules::ModuleDef;
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::context::{self, Context};
use crate::types::{Module, builtin};

/// The declaration of the module.
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Context Variables",
    functions: &[FnDef::def("copy_context", "", |t, _| Ok(Context::copy_current(t).value()))],
    init,
    ..ModuleDef::named("_contextvars")
};

fn init(t: &Thread, module: Ref<Module>) -> R<()> {
    context::complete_token(t)?;
    let dict = module.dict();
    dict.set_text(t, "Context", builtin::CONTEXT.value())?;
    dict.set_text(t, "ContextVar", builtin::CONTEXT_VAR.value())?;
    dict.set_text(t, "Token", builtin::CONTEXT_TOKEN.value())
}
