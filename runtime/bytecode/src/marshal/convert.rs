//! From a module in memory to a [`CodeData`].

use super::Error;
use super::reader::{CodeView, ConstantList, ConstantView, Module, Strings};
use crate::code::{CodeData, Constant};

/// Reads a module that [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> Result<CodeData, Error> {
    let module = Module::new(bytes)?;
    to_code(module.strings(), &module.code()?)
}

pub(super) fn to_code(strings: Strings<'_>, view: &CodeView<'_>) -> Result<CodeData, Error> {
    let text = |number| strings.name(number).map(str::to_owned);
    let mut instructions = Vec::new();
    view.instructions.write_to(|word| instructions.push(word))?;
    Ok(CodeData {
        name: text(view.name)?,
        qualname: text(view.qualname)?,
        filename: text(view.filename)?,
        firstlineno: view.firstlineno,
        flags: view.flags,
        argcount: view.argcount,
        posonlyargcount: view.posonlyargcount,
        kwonlyargcount: view.kwonlyargcount,
        stacksize: view.stacksize,
        instructions,
        consts: to_constants(strings, view.consts)?,
        names: view.names.numbers().map(|number| text(number?)).collect::<Result<_, _>>()?,
        localsplusnames: view.localsplusnames.numbers().map(|number| text(number?)).collect::<Result<_, _>>()?,
        localspluskinds: view.localspluskinds.into(),
        linetable: view.linetable.into(),
        exceptiontable: view.exceptiontable.into(),
    })
}

fn to_constants(strings: Strings<'_>, constants: ConstantList<'_>) -> Result<Vec<Constant>, Error> {
    constants.iter().map(|constant| to_constant(strings, constant?)).collect()
}

fn to_constant(strings: Strings<'_>, view: ConstantView<'_>) -> Result<Constant, Error> {
    Ok(match view {
        ConstantView::None => Constant::None,
        ConstantView::Bool(bool) => Constant::Bool(bool),
        ConstantView::Ellipsis => Constant::Ellipsis,
        ConstantView::Int(int) => Constant::Int(int),
        ConstantView::BigInt { negative, digits } => {
            let digits = digits.chunks_exact(8).map(|digit| u64::from_le_bytes(digit.try_into().expect("eight bytes")));
            Constant::BigInt { negative, digits: digits.collect() }
        }
        ConstantView::Float(float) => Constant::Float(float),
        ConstantView::Complex(real, imaginary) => Constant::Complex(real, imaginary),
        ConstantView::Str(number) => Constant::Str(strings.get(number)?.into()),
        ConstantView::Bytes(bytes) => Constant::Bytes(bytes.into()),
        ConstantView::Tuple(items) => Constant::Tuple(to_constants(strings, items)?.into()),
        ConstantView::FrozenSet(items) => Constant::FrozenSet(to_constants(strings, items)?.into()),
        ConstantView::Slice(parts) => {
            let parts: Box<[Constant]> = to_constants(strings, parts)?.into();
            Constant::Slice(parts.try_into().expect("a slice has three parts"))
        }
        ConstantView::Code(code) => Constant::Code(Box::new(to_code(strings, &code.view()?)?)),
    })
}
