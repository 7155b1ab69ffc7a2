//! The text form read back, for tests.

use super::{FrameState, Id, Op, Snapshot, Trace, Ty, Uop};

impl Trace {
    /// The trace that a text describes. Ids are those of the text.
    pub fn parse(text: &str) -> Trace {
        let mut trace = Trace::default();
        let mut in_body = false;
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if line == "entry:" || line == "body:" {
                in_body = line == "body:";
            } else if let Some(next) = line.strip_prefix("again ") {
                trace.next = Some(ids(next));
            } else if let Some(snapshot) = line.strip_prefix('!') {
                let (_, rest) = snapshot.split_once(": at ").expect("a snapshot");
                let (pc, values) = rest.split_once(' ').expect("a place and values");
                trace.snapshots.push(snapshot_of(pc.parse().expect("a number"), &ids(values)));
            } else {
                let id = trace.parse_uop(line);
                if in_body {
                    trace.body.push(id)
                } else {
                    trace.entry.push(id)
                }
                if matches!(trace.uop(id).op, Op::Input | Op::Carried) {
                    trace.inputs.push(id);
                }
            }
        }
        trace
    }

    fn parse_uop(&mut self, line: &str) -> Id {
        let (result, rest) = match line.split_once(" = ") {
            Some((result, rest)) => (Some(result), rest),
            None => (None, line),
        };
        let mut words = rest.split(' ');
        let op = words.next().and_then(Op::from_name).unwrap_or_else(|| panic!("no uop: {line}"));
        let ty = result.map_or(Ty::None, |r| ty(r.split_once(": ").expect("a type").1));
        let mut uop = Uop { op, ty, args: Vec::new(), imm: 0, exit: None };
        for word in words {
            match word.split_at(1) {
                ("v", n) => uop.args.push(Id(n.parse().expect("an id"))),
                ("#", n) if op == Op::Const => uop.imm = constant(n, ty),
                ("#", n) => uop.imm = n.parse().expect("a number"),
                ("!", n) => uop.exit = Some(n.parse().expect("a snapshot")),
                _ => panic!("{word} in {line}"),
            }
        }
        let id = result.map_or(self.uops.len() as u32, |r| ids(r.split_once(": ").expect("a type").0)[0].0);
        assert_eq!(id as usize, self.uops.len(), "ids count up, uops without a result included: {line}");
        self.add(uop)
    }
}

/// The bits of a constant, which is written as what it stands for.
fn constant(text: &str, ty: Ty) -> i64 {
    match ty {
        Ty::Int => text.parse::<i64>().expect("an int") << 15,
        Ty::Float => text.parse::<f64>().expect("a float").to_bits() as i64,
        _ => match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).expect("a hexadecimal number"),
            None => text.parse().expect("a number"),
        },
    }
}

fn ids(text: &str) -> Vec<Id> {
    let inner = text.trim_matches(['[', ']']);
    inner.split(", ").filter(|w| !w.is_empty()).map(|w| Id(w[1..].parse().expect("an id"))).collect()
}

fn ty(text: &str) -> Ty {
    match text {
        "value" => Ty::Value,
        "int" => Ty::Int,
        "float" => Ty::Float,
        "bool" => Ty::Bool,
        "word" => Ty::Word,
        _ => panic!("no type: {text}"),
    }
}

/// A snapshot that stores these values one after the other.
fn snapshot_of(pc: u64, values: &[Id]) -> Snapshot {
    let stores = values.iter().enumerate().map(|(i, v)| (i as u32, *v)).collect();
    let used = values.len() as u32;
    let frame = FrameState { base: None, place: 0, extent: 0, nlocals: 0, used, return_pc: 0, header: None, stores, code: 0 };
    Snapshot { pc, frames: vec![frame], depth: 0, objects: Vec::new() }
}
