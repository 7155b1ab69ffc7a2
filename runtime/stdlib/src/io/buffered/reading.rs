//! Reading: what the raw stream gives is kept until it is asked for.

use super::{Locked, RANDOM, READER, check_raw_open, lock};
use crate::io::base::{next_line, read_on};
use crate::io::size;
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{attr, call, number};
use limpid_vm::thread::Thread;
use limpid_vm::types::Bytes;
use limpid_vm::types::memory::get_writable_buffer;
use limpid_vm::{names, raise};

pub(super) fn read(t: &Thread, a: &[Value]) -> R {
    if let Some(n) = (!a[1].is_null() && !a[1].is_none()).then_some(a[1])
        && number::index_clamped(t, n)? < -1
    {
        raise!(t, ValueError, "read length must be non-negative or -1");
    }
    check_raw_open(t, a[0], "read of closed file")?;
    let wanted = size(t, a[1])?;
    let mut s = lock(t, a[0])?;
    s.flush_written()?;
    let Some(n) = wanted else { return read_all(t, &mut s) };
    let mut out = s.take(n);
    let mut blocked = false;
    while out.len() < n {
        // What is more than a buffer goes straight to the caller.
        let missing = n - out.len();
        if missing >= s.state.size {
            match s.raw_read(missing)? {
                Some(bytes) if bytes.is_empty() => break,
                Some(bytes) => out.extend_from_slice(&bytes),
                None => {
                    blocked = true;
                    break;
                }
            }
        } else if s.fill()? {
            let more = s.take(missing);
            out.extend_from_slice(&more);
        } else {
            break;
        }
    }
    if blocked && out.is_empty() {
        return Ok(Value::NONE);
    }
    Ok(Bytes::from_slice(t, &out)?.value())
}

fn read_all(t: &Thread, s: &mut Locked<'_>) -> R {
    let mut out = s.take(usize::MAX);
    s.state.forget_ahead();
    if let Some(readall) = attr::get_attr_opt(t, s.raw, names::readall)? {
        let rest = call::call(t, readall, &[])?;
        if rest.is_none() {
            return if out.is_empty() { Ok(rest) } else { Ok(Bytes::from_slice(t, &out)?.value()) };
        }
        let Some(rest) = rest.downcast::<Bytes>() else { raise!(t, TypeError, "readall() should return bytes") };
        if out.is_empty() {
            return Ok(rest.value());
        }
        out.extend_from_slice(rest.as_slice());
        return Ok(Bytes::from_slice(t, &out)?.value());
    }
    read_on(t, s.raw, &[], out)
}

pub(super) fn read1(t: &Thread, a: &[Value]) -> R {
    check_raw_open(t, a[0], "read of closed file")?;
    let wanted = size(t, a[1])?;
    let mut s = lock(t, a[0])?;
    s.flush_written()?;
    let n = wanted.unwrap_or(s.state.size);
    if n == 0 {
        return Ok(Bytes::from_slice(t, &[])?.value());
    }
    if s.state.ahead().is_empty() {
        let got = s.raw_read(n)?.unwrap_or_default();
        return Ok(Bytes::from_slice(t, &got)?.value());
    }
    let out = s.take(n);
    Ok(Bytes::from_slice(t, &out)?.value())
}

pub(super) fn readinto(t: &Thread, a: &[Value], once: bool) -> R {
    check_raw_open(t, a[0], "readinto of closed file")?;
    let mut into = get_writable_buffer(t, a[1], "readinto() argument")?;
    let out = into.as_mut_slice();
    let room = out.len();
    let mut s = lock(t, a[0])?;
    s.flush_written()?;
    let mut done = 0;
    let mut put = |part: &[u8]| {
        out[done..done + part.len()].copy_from_slice(part);
        done += part.len();
        (done, room - done)
    };
    let (mut count, mut missing) = put(&s.take(room));
    while missing > 0 {
        // What is more than a buffer goes straight to the caller.
        let part = if missing > s.state.size {
            s.raw_read(missing)?
        } else if once && count > 0 {
            break;
        } else {
            let n = s.state.size;
            s.raw_read(n)?.map(|bytes| {
                s.state.read = bytes;
                s.state.at = 0;
                s.take(missing)
            })
        };
        match part {
            None if count == 0 => return Ok(Value::NONE),
            Some(part) if !part.is_empty() => (count, missing) = put(&part),
            _ => break,
        }
        if once {
            break;
        }
    }
    Ok(Value::int(count as i64))
}

pub(super) fn peek(t: &Thread, a: &[Value]) -> R {
    check_raw_open(t, a[0], "peek of closed file")?;
    let mut s = lock(t, a[0])?;
    s.flush_written()?;
    s.fill()?;
    Ok(Bytes::from_slice(t, s.state.ahead())?.value())
}

fn readline_bytes(t: &Thread, v: Value, limit: Option<usize>) -> R<Vec<u8>> {
    let mut s = lock(t, v)?;
    s.flush_written()?;
    let mut line = Vec::new();
    loop {
        let room = limit.map_or(usize::MAX, |n| n - line.len());
        if room == 0 || !s.fill()? {
            break;
        }
        let ahead = s.state.ahead();
        let end = memchr::memchr(b'\n', &ahead[..ahead.len().min(room)]).map(|i| i + 1);
        let part = s.take(end.unwrap_or(room));
        line.extend_from_slice(&part);
        if end.is_some() {
            break;
        }
    }
    Ok(line)
}

pub(super) fn readline(t: &Thread, a: &[Value]) -> R {
    check_raw_open(t, a[0], "readline of closed file")?;
    let limit = size(t, a[1])?;
    Ok(Bytes::from_slice(t, &readline_bytes(t, a[0], limit)?)?.value())
}

pub(super) fn reader_next(t: &Thread, v: Value) -> R {
    if v.class() != READER.get() && v.class() != RANDOM.get() {
        return next_line(t, v);
    }
    check_raw_open(t, v, "readline of closed file")?;
    let line = readline_bytes(t, v, None)?;
    if line.is_empty() { Ok(Value::NULL) } else { Ok(Bytes::from_slice(t, &line)?.value()) }
}
