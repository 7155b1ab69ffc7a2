//! The Python stacks of a running process, read from outside by its table of offsets (`offsets`).
//!
//! Invariants
//! - Nothing in the other process is changed. A thread that runs is stopped for as long as its stack is read, one that waits is not: what is
//!   in memory is where it is.
//! - What is read may be changing. A frame that does not look like one ends its stack; nothing here trusts a length or an address.

use super::lines::line_at;
use super::process::{Error, Process};
use super::registers::{Candidate, Stopped};
use super::{table, threads};
use crate::machine_code::NOWHERE;
use crate::offsets::Values;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

/// The most copies of the instructions that are looked at.
const MAX_COPIES: u64 = 4096;
/// The most frames of a thread.
const MAX_FRAMES: usize = 1 << 16;
/// The most bytes of a name or a line table.
const MAX_BYTES: usize = 1 << 20;
/// The most chunks of pieces of machine code, and pieces in one of them.
const MAX_CHUNKS: usize = 1 << 10;
/// See `MAX_CHUNKS`.
const MAX_PIECES: u64 = 1 << 10;
/// Names are read in pieces of this size.
const PIECE: usize = 64;

/// A frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The function.
    pub function: Rc<str>,
    /// Its file.
    pub file: Rc<str>,
    /// The line it is at, if that is known.
    pub line: Option<u32>,
}

/// A thread with its stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The thread's number.
    pub tid: u32,
    /// Its name for the system.
    pub name: String,
    /// R runs, S sleeps, D waits for a device.
    pub state: char,
    /// The innermost frame first.
    pub frames: Vec<Frame>,
}

/// What is known of a code object: as long as the addresses in it are the same, so is it.
struct Code {
    addresses: [u64; 3],
    function: Rc<str>,
    file: Rc<str>,
    first_line: u32,
    lines: Vec<u8>,
}

/// Reads the stacks of a process.
pub struct Reader {
    /// The process.
    pub process: Process,
    at: Values<u64>,
    codes: HashMap<u64, Rc<Code>>,
}

/// Where a frame stands, and the rest of what is needed to go to the one before.
struct Cursor {
    frame: u64,
    pc: u64,
    entry: u64,
}

impl Reader {
    /// Opens a process.
    pub fn open(pid: u32) -> Result<Reader, Error> {
        let (process, at) = table::open(pid)?;
        Ok(Reader { process, at, codes: HashMap::new() })
    }

    /// The stacks of all threads that run Python code, by their numbers. With `stop`, threads that run are stopped meanwhile, one at a time;
    /// without, and where that is not allowed, their stacks are those of when they last called native code.
    pub fn stacks(&mut self, stop: bool) -> Result<Vec<Stack>, Error> {
        let pid = self.process.pid;
        let known = threads::threads(pid);
        let mut stacks = Vec::new();
        for thread in table::threads(&self.process, &self.at)? {
            let Ok(tid) = self.word(thread, self.at.thread_id) else { break };
            if let Some(task) = known.iter().find(|task| u64::from(task.tid) == tid) {
                let stopped = if stop && task.state == 'R' { Stopped::new(task.tid).ok() } else { None };
                let frames = self.frames(thread, stopped.as_ref().and_then(Stopped::candidate));
                stacks.push(Stack { tid: task.tid, name: task.name.clone(), state: task.state, frames });
            }
        }
        stacks.sort_by_key(|stack| stack.tid);
        Ok(stacks)
    }

    /// The frames of a thread, from where its registers say, if that makes sense, or else where it has last called native code.
    fn frames(&mut self, thread: u64, candidate: Option<Candidate>) -> Vec<Frame> {
        let entry = self.word(thread, self.at.thread_entries).unwrap_or(0);
        let machine_code = candidate.and_then(|candidate| self.in_machine_code(thread, candidate.at).ok().flatten());
        let running = candidate.filter(|candidate| {
            let code = self.code_of(candidate.frame).ok().flatten();
            code.is_some_and(|(address, _)| self.word_of_code(address, candidate.pc).is_some())
        });
        let cursor = match running {
            Some(Candidate { pc, frame, .. }) => Ok(Cursor { frame, pc, entry }),
            None => self.saved(thread, entry),
        };
        let (mut frames, cursor) = match machine_code {
            Some((frame, pc, inlined)) => (inlined, Ok(Cursor { frame, pc, entry })),
            None => (Vec::new(), cursor),
        };
        if let Ok(mut cursor) = cursor {
            // Ends at the outermost frame, or at the first that is none.
            while cursor.frame != 0 && frames.len() < MAX_FRAMES && self.step(&mut cursor, &mut frames).is_ok() {}
        }
        frames
    }

    /// If the processor is in machine code: the first frame of that, which is in memory, the instruction it is at, and the frames that are
    /// inlined, the innermost first.
    fn in_machine_code(&mut self, thread: u64, at: u64) -> io::Result<Option<(u64, u64, Vec<Frame>)>> {
        let Some(words) = self.machine_code(at)? else { return Ok(None) };
        let (mut first, mut inlined) = (None, Vec::new());
        for (i, frame) in words.chunks_exact(3).enumerate() {
            let &[code, place, pc] = frame else { break };
            if i == 0 {
                if place == NOWHERE {
                    break;
                }
                let base = self.word(thread, self.at.thread_trace)?;
                first = Some((base.wrapping_add(place.wrapping_mul(8)), pc));
            } else if code != 0 {
                let known = self.code_at(code)?;
                let line = self.word_of_code(code, pc).and_then(|at| line_at(&known.lines, known.first_line, at));
                inlined.push(Frame { function: known.function.clone(), file: known.file.clone(), line });
            }
        }
        inlined.reverse();
        Ok(first.map(|(frame, pc)| (frame, pc, inlined)))
    }

    /// The frames, three words each, of the place in machine code that an address belongs to.
    fn machine_code(&self, at: u64) -> io::Result<Option<Vec<u64>>> {
        let mut chunk = self.word(self.at.machine_code, 0)?;
        for _ in 0..MAX_CHUNKS {
            if chunk == 0 {
                break;
            }
            let pieces = self.words(chunk, 1 + self.at.machine_code_chunk.min(MAX_PIECES) * 4)?;
            let piece = pieces[1..].chunks_exact(4).find(|piece| piece[0] != 0 && (piece[0]..piece[1]).contains(&at));
            let Some(&[start, _, words, count]) = piece else {
                chunk = pieces[0];
                continue;
            };
            let words = self.words(words, count.min(MAX_BYTES as u64 / 8))?;
            let (mut rest, mut found) = (&words[..], None);
            while let &[offset, length, ref frames @ ..] = rest {
                let Some((these, others)) = (length as usize).checked_mul(3).and_then(|length| frames.split_at_checked(length)) else {
                    break;
                };
                if start + offset > at {
                    break;
                }
                (rest, found) = (others, Some(these.to_vec()));
            }
            return Ok(found);
        }
        Ok(None)
    }

    fn saved(&self, thread: u64, entry: u64) -> io::Result<Cursor> {
        Ok(Cursor { frame: self.word(thread, self.at.thread_frame)?, pc: self.word(thread, self.at.thread_pc)?, entry })
    }

    /// Notes the frame of the cursor, if it is one of the program's, and goes to the one before.
    fn step(&mut self, cursor: &mut Cursor, frames: &mut Vec<Frame>) -> io::Result<()> {
        if let Some((address, code)) = self.code_of(cursor.frame)? {
            let line = self.word_of_code(address, cursor.pc).and_then(|at| line_at(&code.lines, code.first_line, at));
            frames.push(Frame { function: code.function.clone(), file: code.file.clone(), line });
        }
        let goes_on = self.below(cursor.frame, self.at.frame_return)?;
        if goes_on == self.at.native_return && cursor.entry != 0 {
            cursor.pc = self.word(cursor.entry, self.at.entry_pc)?;
            cursor.entry = self.word(cursor.entry, self.at.entry_previous)?;
        } else {
            cursor.pc = goes_on.wrapping_sub(2);
        }
        let previous = self.below(cursor.frame, self.at.frame_previous)?;
        if previous == cursor.frame {
            return Err(io::ErrorKind::InvalidData.into());
        }
        cursor.frame = previous;
        Ok(())
    }

    /// The code of a frame and its address; none for a frame that is none of the program's. An error if it is no frame at all.
    fn code_of(&mut self, frame: u64) -> io::Result<Option<(u64, Rc<Code>)>> {
        let function = self.below(frame, self.at.frame_function)?;
        if function == 0 {
            return Ok(None);
        }
        let code = self.word(function, self.at.function_code)?;
        Ok(Some((code, self.code_at(code)?)))
    }

    /// The code at an address.
    fn code_at(&mut self, code: u64) -> io::Result<Rc<Code>> {
        let addresses =
            [self.word(code, self.at.code_name)?, self.word(code, self.at.code_file)?, self.word(code, self.at.code_line_table)?];
        if let Some(known) = self.codes.get(&code).filter(|known| known.addresses == addresses) {
            return Ok(known.clone());
        }
        let [name, file, lines] = addresses;
        let length = self.word(lines, self.at.bytes_length)? as usize;
        if length > MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut table = vec![0; length];
        self.process.memory(lines.wrapping_add(self.at.bytes_data), &mut table)?;
        let mut first_line = [0; 4];
        self.process.memory(code.wrapping_add(self.at.code_first_line), &mut first_line)?;
        let first_line = u32::from_ne_bytes(first_line);
        let known = Rc::new(Code { addresses, function: self.text(name)?, file: self.text(file)?, first_line, lines: table });
        self.codes.insert(code, known.clone());
        Ok(known)
    }

    /// How many words an instruction is from the beginning of its code, in whichever copy it is.
    fn word_of_code(&self, code: u64, pc: u64) -> Option<u64> {
        let within = |bytecode: u64| {
            let length = self.word(bytecode, self.at.bytecode_length).ok()?;
            let at = pc.checked_sub(bytecode.wrapping_add(self.at.bytecode_words))? / 2;
            (at < length).then_some(at)
        };
        let main = self.word(code, self.at.code_bytecode).ok()?;
        within(main).or_else(|| {
            let list = self.word(code, self.at.code_copies).ok().filter(|list| *list != 0)?;
            let length = self.word(list, self.at.list_length).ok()?.min(MAX_COPIES);
            let item = |index| self.word(list, self.at.list_items + index * 8).ok().filter(|item| *item != 0);
            (0..length).filter_map(item).find_map(within)
        })
    }

    /// The word at an offset from an address.
    fn word(&self, address: u64, offset: u64) -> io::Result<u64> {
        table::word(&self.process, address, offset)
    }

    /// So many words from an address on.
    fn words(&self, address: u64, count: u64) -> io::Result<Vec<u64>> {
        let mut bytes = vec![0; count as usize * 8];
        self.process.memory(address, &mut bytes)?;
        Ok(bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("eight bytes"))).collect())
    }

    /// A word of a frame's header.
    fn below(&self, frame: u64, bytes: u64) -> io::Result<u64> {
        self.word(frame.wrapping_sub(bytes), 0)
    }

    /// The NUL-terminated text at an address.
    fn text(&self, address: u64) -> io::Result<Rc<str>> {
        let mut bytes = Vec::new();
        while bytes.len() < MAX_BYTES {
            let at = address.wrapping_add(bytes.len() as u64);
            // Not beyond a page's end: the next need not be there.
            let mut piece = [0; PIECE];
            let piece = &mut piece[..PIECE - (at % PIECE as u64) as usize];
            self.process.memory(at, piece)?;
            if let Some(end) = piece.iter().position(|&byte| byte == 0) {
                bytes.extend_from_slice(&piece[..end]);
                return Ok(String::from_utf8_lossy(&bytes).into());
            }
            bytes.extend_from_slice(piece);
        }
        Err(io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_stopped_thread_goes_on() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        drop(Stopped::new(child.id()).unwrap());
        assert!(threads::threads(child.id()).iter().all(|task| task.state != 't'));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(Stopped::new(999_999_999).is_err());
    }
}
