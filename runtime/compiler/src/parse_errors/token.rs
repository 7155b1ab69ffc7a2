//! What a program's text is made of, as CPython's tokenizer sees it.

/// The class of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TokenKind {
    /// An identifier that is no keyword; soft keywords are names.
    Name,
    /// A keyword.
    Keyword,
    /// A number.
    Number,
    /// A string or bytes literal, prefix and quotes included.
    String,
    /// The prefix and the opening quote of an f-string.
    FStringStart,
    /// Text of an f-string between replacement fields.
    FStringMiddle,
    /// The closing quote of an f-string.
    FStringEnd,
    /// The prefix and the opening quote of a t-string.
    TStringStart,
    /// Text of a t-string between replacement fields.
    TStringMiddle,
    /// The closing quote of a t-string.
    TStringEnd,
    /// An operator, a delimiter, or a character that is neither.
    Operator,
    /// The end of a logical line.
    Newline,
    /// A line is indented deeper than the one before.
    Indent,
    /// A block ends.
    Dedent,
    /// The end of the text.
    EndMarker,
    /// A comment; only when all tokens are asked for.
    Comment,
    /// The end of a line that ends no logical line; only when all tokens are asked for.
    BlankNewline,
    /// No token can be made: see [`super::tokenizer::Tokenizer::failure`].
    Error,
}

/// A token and where it is. Lines count from 1, columns from 0 in bytes; -1 is the column of what has no text of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The line it begins in.
    pub line: u32,
    /// The column it begins at.
    pub column: i32,
    /// The line it ends in.
    pub end_line: u32,
    /// The column after its end.
    pub end_column: i32,
    /// How many brackets are open after it.
    pub depth: u32,
}

/// The reserved words.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try",
    "while", "with", "yield",
];

/// Is this identifier reserved?
pub fn is_keyword(name: &[u8]) -> bool {
    KEYWORDS.binary_search_by(|keyword| keyword.as_bytes().cmp(name)).is_ok()
}

/// How many bytes the operator at the beginning of the text has; 1 if there is none.
pub fn operator_length(text: &[u8]) -> usize {
    const THREE: [&[u8]; 5] = [b"**=", b"...", b"//=", b"<<=", b">>="];
    const TWO: [&[u8]; 20] = [
        b"!=", b"%=", b"&=", b"**", b"*=", b"+=", b"-=", b"->", b"//", b"/=", b":=", b"<<", b"<=", b"<>", b"==", b">=", b">>", b"@=",
        b"^=", b"|=",
    ];
    if THREE.iter().any(|operator| text.starts_with(operator)) {
        3
    } else if TWO.iter().any(|operator| text.starts_with(operator)) {
        2
    } else {
        1
    }
}
