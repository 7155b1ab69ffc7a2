//! The methods of complex.

use super::{Complex, new, value};
use crate::args::{FnDef, GetSet};
use crate::object::ValueExt;
use crate::thread::Thread;
use crate::types::Tuple;
use crate::types::str::format_spec;
use limpid_heap::Value;

pub(super) static METHODS: &[FnDef] = &[
    FnDef::class_def("from_number", "cls, number, /", super::new::from_number).doc("Convert number to a complex floating-point number."),
    FnDef::def("conjugate", "self, /", |t, a| {
        let (re, im) = value(a[0]);
        Ok(new(t, re, -im))
    })
    .doc("Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j."),
    FnDef::def("__complex__", "self, /", |t, a| Ok(exact(t, a[0]))).doc("Convert this value to exact type complex."),
    FnDef::def("__getnewargs__", "self, /", |t, a| {
        let (re, im) = value(a[0]);
        Ok(Tuple::from_slice(t, &[Value::float(re), Value::float(im)]).value())
    }),
    FnDef::def("__format__", "self, format_spec, /", |t, a| {
        let spec = format_spec::argument(t, a[1])?;
        Ok(format_spec::format_complex(t, a[0], value(a[0]), spec)?.value())
    })
    .doc("Convert to a string according to format_spec."),
];

pub(super) static GETSET: &[GetSet] = &[
    GetSet::getter("real", |_, v| Ok(Value::float(value(v).0))).doc("the real part of a complex number"),
    GetSet::getter("imag", |_, v| Ok(Value::float(value(v).1))).doc("the imaginary part of a complex number"),
];

fn exact(t: &Thread, v: Value) -> Value {
    if v.exact::<Complex>().is_some() {
        return v;
    }
    let (re, im) = value(v);
    new(t, re, im)
}
