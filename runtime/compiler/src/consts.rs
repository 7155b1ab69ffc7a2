//! The constants of one code object.

use limpid_bytecode::Constant;
use rustc_hash::FxHashMap;

/// Constants in the order of their first use, each once.
#[derive(Default)]
pub(crate) struct ConstantPool {
    constants: Vec<Constant>,
    indices: FxHashMap<Vec<u8>, u32>,
}

impl ConstantPool {
    /// The index of a constant, which is added if it is new.
    pub(crate) fn add(&mut self, constant: Constant) -> u32 {
        let next = self.constants.len() as u32;
        if let Some(key) = key(&constant) {
            let index = *self.indices.entry(key).or_insert(next);
            if index != next {
                return index;
            }
        }
        self.constants.push(constant);
        next
    }

    pub(crate) fn get(&self, index: u32) -> &Constant {
        &self.constants[index as usize]
    }

    pub(crate) fn into_vec(self) -> Vec<Constant> {
        self.constants
    }
}

/// Bytes that are the same for interchangeable constants only; `None` for code objects.
pub(crate) fn key(constant: &Constant) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    write_key(constant, &mut key).then_some(key)
}

/// Writes bytes that are the same for interchangeable constants only; `false` for code objects, which never are.
fn write_key(constant: &Constant, key: &mut Vec<u8>) -> bool {
    let bytes = |key: &mut Vec<u8>, tag: u8, bytes: &[u8]| {
        key.push(tag);
        key.extend((bytes.len() as u64).to_le_bytes());
        key.extend(bytes);
    };
    let many = |key: &mut Vec<u8>, tag: u8, items: &[Constant]| {
        key.push(tag);
        key.extend((items.len() as u64).to_le_bytes());
        items.iter().all(|item| write_key(item, key))
    };
    match constant {
        Constant::None => key.push(b'N'),
        Constant::Bool(value) => key.extend([b'B', u8::from(*value)]),
        Constant::Ellipsis => key.push(b'.'),
        Constant::Int(value) => {
            key.push(b'i');
            key.extend(value.to_le_bytes());
        }
        Constant::BigInt { negative, digits } => {
            key.extend([b'I', u8::from(*negative)]);
            key.extend((digits.len() as u64).to_le_bytes());
            digits.iter().for_each(|digit| key.extend(digit.to_le_bytes()));
        }
        Constant::Float(value) => {
            key.push(b'f');
            key.extend(value.to_bits().to_le_bytes());
        }
        Constant::Complex(real, imaginary) => {
            key.push(b'c');
            key.extend(real.to_bits().to_le_bytes());
            key.extend(imaginary.to_bits().to_le_bytes());
        }
        Constant::Str(value) => bytes(key, b's', value),
        Constant::Bytes(value) => bytes(key, b'b', value),
        Constant::Tuple(items) => return many(key, b'(', items),
        Constant::FrozenSet(items) => return many(key, b'{', items),
        Constant::Slice(items) => return many(key, b':', &items[..]),
        Constant::Code(_) => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_of_different_types_stay_apart() {
        let mut pool = ConstantPool::default();
        let constants = [
            Constant::Int(0),
            Constant::Bool(false),
            Constant::Float(0.0),
            Constant::Float(-0.0),
            Constant::Complex(0.0, -0.0),
            Constant::Str(b"a"[..].into()),
            Constant::Bytes(b"a"[..].into()),
            Constant::Tuple([Constant::Int(1)].into()),
            Constant::Tuple([Constant::Bool(true)].into()),
            Constant::FrozenSet([Constant::Int(1)].into()),
        ];
        for round in 0..2 {
            for (index, constant) in constants.iter().enumerate() {
                assert_eq!(pool.add(constant.clone()), index as u32, "round {round}");
            }
        }
    }
}
