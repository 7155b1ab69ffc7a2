//! Ways through machine code for who walks the native stack.
//!
//! All code keeps frame pointers, so one entry says for the whole heap how to get from a frame to its caller. Native backtraces get it as
//! `.eh_frame`; gdb gets it in an ELF file in memory, by the interface that it has for just-in-time compilers: it stops at
//! `__jit_debug_register_code` and looks at `__jit_debug_descriptor`.

use object::elf::{self, FileHeader64, SectionHeader64, Sym64};
use object::endian::{LittleEndian, U16, U32, U64};
use object::pod::bytes_of;
use parking_lot::Mutex;
use std::mem::size_of;
use std::ptr;

type Le = LittleEndian;

/// How gdb calls all of it.
const NAME: &str = "python_machine_code";

unsafe extern "C" {
    /// Of the unwinder that Rust's standard library is linked to.
    fn __register_frame(eh_frame: *const u8);
}

/// An object file in memory, `jit_code_entry` of gdb.
#[repr(C)]
struct CodeEntry {
    next: *mut CodeEntry,
    previous: *mut CodeEntry,
    file: *const u8,
    size: u64,
}

/// `jit_descriptor` of gdb.
#[repr(C)]
pub struct Descriptor {
    version: u32,
    /// 1: a file was added.
    action: u32,
    relevant: *mut CodeEntry,
    first: *mut CodeEntry,
}

// SAFETY: it is changed behind the lock of `register`, and read by a debugger while the process is stopped.
unsafe impl Sync for Descriptor {}

/// Where gdb looks.
#[used]
#[unsafe(no_mangle)]
pub static mut __jit_debug_descriptor: Descriptor = Descriptor { version: 1, action: 0, relevant: ptr::null_mut(), first: ptr::null_mut() };

/// Where gdb stops when something was added.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn __jit_debug_register_code() {
    // SAFETY: does nothing; it keeps the function from being left out.
    unsafe { std::arch::asm!("", options(nomem, nostack)) };
}

/// Tells unwinders of a heap of code. What they are told is kept for ever, as heaps are.
pub fn register(start: *const u8, len: usize) {
    static LOCK: Mutex<()> = Mutex::new(());
    let _guard = LOCK.lock();
    let frames = eh_frame(start as u64, len as u64).leak();
    let file = object_file(start as u64, len as u64, frames).leak();
    let entry =
        Box::leak(Box::new(CodeEntry { next: ptr::null_mut(), previous: ptr::null_mut(), file: file.as_ptr(), size: file.len() as u64 }));
    // SAFETY: what is registered stays; the descriptor is changed by one thread at a time.
    unsafe {
        __register_frame(frames.as_ptr());
        let descriptor = &raw mut __jit_debug_descriptor;
        entry.next = (*descriptor).first;
        if let Some(next) = (*descriptor).first.as_mut() {
            next.previous = entry;
        }
        (*descriptor).first = entry;
        (*descriptor).relevant = entry;
        (*descriptor).action = 1;
    }
    __jit_debug_register_code();
}

/// `.eh_frame`: one common entry and one for the range, in which the caller's frame begins two words behind what `rbp` points at.
fn eh_frame(start: u64, len: u64) -> Vec<u8> {
    // Registers by DWARF's numbers: 6 is rbp, 16 the return address.
    const COMMON: [u8; 12] = [
        1,    // version
        0,    // no augmentation
        1,    // code alignment
        0x78, // data alignment, -8
        16,   // the return address
        0x0C, 6, 16, // the caller's frame is at rbp + 16
        0x86, 2, // its rbp is at -16 from there
        0x90, 1, // and its return address at -8
    ];
    let mut common = vec![0; 4];
    common.extend(COMMON);
    let mut frames = Vec::new();
    add_entry(&mut frames, common);
    let mut range = Vec::new();
    // How far the common entry is before this word.
    range.extend((frames.len() as u32 + 4).to_le_bytes());
    range.extend(start.to_le_bytes());
    range.extend(len.to_le_bytes());
    add_entry(&mut frames, range);
    frames.extend([0; 4]);
    frames
}

/// Adds an entry with its length, padded by instructions that do nothing.
fn add_entry(frames: &mut Vec<u8>, mut content: Vec<u8>) {
    content.resize((content.len() + 4).next_multiple_of(8) - 4, 0);
    frames.extend((content.len() as u32).to_le_bytes());
    frames.extend(content);
}

/// Sections of the object file; their names follow each other in this order.
const SECTIONS: [&str; 6] = ["", ".text", ".eh_frame", ".symtab", ".strtab", ".shstrtab"];

/// An object file whose `.text` is the range, which is not in it.
fn object_file(start: u64, len: u64, frames: &[u8]) -> Vec<u8> {
    let symbols = [Sym64::default(), function(1, 1, len)];
    let symbols: Vec<u8> = symbols.iter().flat_map(|s| bytes_of(s).to_vec()).collect();
    let names = format!("\0{NAME}\0");
    let section_names: String = SECTIONS.iter().flat_map(|name| [*name, "\0"]).collect();

    let mut file = vec![0; size_of::<FileHeader64<Le>>()];
    let mut add = |content: &[u8]| {
        file.resize(file.len().next_multiple_of(8), 0);
        file.extend(content);
        (file.len() - content.len()) as u64
    };
    let places = [0, 0, add(frames), add(&symbols), add(names.as_bytes()), add(section_names.as_bytes())];
    let sizes = [0, len, frames.len() as u64, symbols.len() as u64, names.len() as u64, section_names.len() as u64];
    let (none, code) = (elf::SectionFlags(0), elf::SHF_ALLOC | elf::SHF_EXECINSTR);
    let kinds = [
        (elf::SHT_NULL, none, 0),
        (elf::SHT_NOBITS, code, start),
        (elf::SHT_PROGBITS, elf::SHF_ALLOC, 0),
        (elf::SHT_SYMTAB, none, 0),
        (elf::SHT_STRTAB, none, 0),
        (elf::SHT_STRTAB, none, 0),
    ];
    let mut name = 0;
    let mut headers = Vec::new();
    for (i, (kind, flags, address)) in kinds.into_iter().enumerate() {
        let is_symbols = kind == elf::SHT_SYMTAB;
        let header = SectionHeader64::<Le> {
            sh_name: U32::new(Le {}, name),
            sh_type: U32::new(Le {}, kind),
            sh_flags: U64::new(Le {}, flags),
            sh_addr: U64::new(Le {}, address),
            sh_offset: U64::new(Le {}, places[i]),
            sh_size: U64::new(Le {}, sizes[i]),
            // Symbols have their names in the next section, and only the first of them is local.
            sh_link: U32::new(Le {}, if is_symbols { i as u32 + 1 } else { 0 }),
            sh_info: U32::new(Le {}, is_symbols.into()),
            sh_addralign: U64::new(Le {}, 8),
            sh_entsize: U64::new(Le {}, if is_symbols { size_of::<Sym64<Le>>() as u64 } else { 0 }),
        };
        headers.extend(bytes_of(&header));
        name += SECTIONS[i].len() as u32 + 1;
    }
    let headers_at = add(&headers);
    let header = file_header(headers_at);
    file[..size_of::<FileHeader64<Le>>()].copy_from_slice(bytes_of(&header));
    file
}

/// A symbol for a whole section, with its name at an offset.
fn function(name: u32, section: u16, size: u64) -> Sym64<Le> {
    Sym64 {
        st_name: U32::new(Le {}, name),
        st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, elf::STT_FUNC),
        st_shndx: U16::new(Le {}, elf::SymbolSection(section)),
        st_size: U64::new(Le {}, size),
        ..Sym64::default()
    }
}

fn file_header(sections_at: u64) -> FileHeader64<Le> {
    FileHeader64 {
        e_ident: elf::Ident {
            magic: elf::ELFMAG,
            class: elf::ELFCLASS64,
            data: elf::ELFDATA2LSB,
            version: elf::EV_CURRENT,
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: U16::new(Le {}, elf::ET_REL),
        e_machine: U16::new(Le {}, elf::EM_X86_64),
        e_version: U32::new(Le {}, elf::EV_CURRENT.0.into()),
        e_entry: U64::new(Le {}, 0),
        e_phoff: U64::new(Le {}, 0),
        e_shoff: U64::new(Le {}, sections_at),
        e_flags: U32::new(Le {}, elf::FileFlags(0)),
        e_ehsize: U16::new(Le {}, size_of::<FileHeader64<Le>>() as u16),
        e_phentsize: U16::new(Le {}, 0),
        e_phnum: U16::new(Le {}, 0),
        e_shentsize: U16::new(Le {}, size_of::<SectionHeader64<Le>>() as u16),
        e_shnum: U16::new(Le {}, SECTIONS.len() as u16),
        e_shstrndx: U16::new(Le {}, elf::SymbolSection(SECTIONS.len() as u16 - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::read::elf::ElfFile64;
    use object::{Object, ObjectSection, ObjectSymbol};

    #[test]
    fn the_object_file_can_be_read() {
        let (start, len) = (0x1000_0000, 0x10_0000);
        let frames = eh_frame(start, len);
        let data = object_file(start, len, &frames);
        let file = ElfFile64::<Le>::parse(&*data).unwrap();
        let text = file.section_by_name(".text").unwrap();
        assert_eq!((text.address(), text.size()), (start, len));
        assert_eq!(file.section_by_name(".eh_frame").unwrap().data().unwrap(), &*frames);
        let symbols: Vec<_> = file.symbols().map(|s| (s.name().unwrap().to_owned(), s.size())).collect();
        assert_eq!(symbols, [(NAME.to_owned(), len)]);
    }

    #[test]
    fn entries_end_at_multiples_of_eight() {
        let frames = eh_frame(1, 2);
        let length = |at: usize| u32::from_le_bytes(frames[at..at + 4].try_into().unwrap()) as usize;
        let second = length(0) + 4;
        let end = second + length(second) + 4;
        assert_eq!((second % 8, end % 8, length(end), frames.len()), (0, 0, 0, end + 4));
        // The second entry refers back to the first.
        assert_eq!(length(second + 4), second + 4);
    }
}
