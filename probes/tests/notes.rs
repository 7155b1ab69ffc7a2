//! What a tracer finds in a linked program: every probe once, with an address that is code, a semaphore and arguments.

mod common;

use limpid_probes::{PROBES, PROVIDER};
use object::elf::{FileHeader64, NoteType, PF_W, PF_X, ProgramFlags};
use object::read::elf::{ElfFile, FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, FileKind};
use std::collections::BTreeMap;

/// One `stapsdt` note.
#[derive(Debug)]
struct Note {
    provider: String,
    site: u64,
    base: u64,
    semaphore: u64,
    arguments: String,
}

/// A program file as a tracer sees it.
struct Program {
    /// Addresses and flags of the segments that are loaded.
    segments: Vec<(std::ops::Range<u64>, ProgramFlags)>,
    /// Address of `.stapsdt.base`.
    base: u64,
    notes: BTreeMap<String, Vec<Note>>,
}

impl Program {
    fn read(path: &std::path::Path) -> Program {
        let data = std::fs::read(path).unwrap();
        assert_eq!(FileKind::parse(&*data).unwrap(), FileKind::Elf64);
        let file = ElfFile::<FileHeader64<Endianness>>::parse(&*data).unwrap();
        let endian = file.endian();
        let headers = file.elf_header().program_headers(endian, &*data).unwrap();
        let segments = headers
            .iter()
            .filter(|header| header.p_type(endian) == object::elf::PT_LOAD)
            .map(|header| {
                let start = header.p_vaddr(endian);
                (start..start + header.p_memsz(endian), header.p_flags(endian))
            })
            .collect();
        let sections = file.elf_header().sections(endian, &*data).unwrap();
        let (_, base) = sections.section_by_name(endian, b".stapsdt.base").expect("a base section");
        let mut notes = BTreeMap::<String, Vec<Note>>::new();
        for section in sections.iter() {
            if sections.section_name(endian, section) != Ok(b".note.stapsdt") {
                continue;
            }
            let mut all = section.notes(endian, &*data).unwrap().expect("a note section");
            while let Some(note) = all.next().unwrap() {
                assert_eq!((note.name(), note.n_type(endian)), (&b"stapsdt"[..], NoteType(3)));
                let words: Vec<u64> = note.desc()[..24].chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
                let mut texts = note.desc()[24..].split(|&byte| byte == 0).map(|text| str::from_utf8(text).unwrap());
                let mut text = || texts.next().unwrap().to_owned();
                let (provider, name, arguments) = (text(), text(), text());
                let [site, base, semaphore] = words[..] else { unreachable!("24 bytes are three words") };
                notes.entry(name).or_default().push(Note { provider, site, base, semaphore, arguments });
            }
        }
        Program { segments, base: base.sh_addr.get(endian), notes }
    }

    /// Does the address lie in a segment with these flags?
    fn is_loaded(&self, address: u64, flags: ProgramFlags) -> bool {
        self.segments.iter().any(|(range, has)| range.contains(&address) && has.contains(flags))
    }
}

#[test]
fn each_probe_is_noted_once_and_points_to_code() {
    let program = Program::read(&common::sequence());
    assert_eq!(program.notes.len(), PROBES.len(), "{:?}", program.notes.keys());
    for probe in PROBES {
        let notes = program.notes.get(probe.name).unwrap_or_else(|| panic!("no note for {}", probe.name));
        let [note] = &notes[..] else { panic!("{} has {} sites", probe.name, notes.len()) };
        assert_eq!(note.provider, PROVIDER);
        assert_ne!(note.site, 0, "{}", probe.name);
        assert!(program.is_loaded(note.site, PF_X), "{} is not in code: {note:x?}", probe.name);
        assert!(program.is_loaded(note.semaphore, PF_W), "{}: semaphore: {note:x?}", probe.name);
        assert_eq!(note.base, program.base, "{}", probe.name);
        assert_eq!(note.arguments.split(' ').count(), probe.arguments.len(), "{}", probe.name);
    }
}

#[test]
fn arguments_are_described_by_size_and_register() {
    let program = Program::read(&common::sequence());
    let described = |name: &str| program.notes[name][0].arguments.clone();
    let expected = if cfg!(target_arch = "x86_64") {
        ["8@%rdi 8@%rsi -4@%edx", "-4@%edi", "-8@%rdi", "8@%rdi -4@%esi", "8@%rdi 8@%rsi"]
    } else {
        ["8@x0 8@x1 -4@w2", "-4@w0", "-8@x0", "8@x0 -4@w1", "8@x0 8@x1"]
    };
    let names = ["function__entry", "gc__start", "gc__done", "import__find__load__done", "object__alloc"];
    assert_eq!(names.map(described), expected);
}

/// A new kernel makes a call of the five-byte nop after the first, which must lie within one aligned word.
#[test]
fn sites_are_aligned() {
    let program = Program::read(&common::sequence());
    for (name, notes) in &program.notes {
        if cfg!(target_arch = "x86_64") {
            assert_eq!(notes[0].site % 8, 0, "{name}");
        }
    }
}
