# pyexpat: events, places, entities, namespaces, encodings, errors, text in pieces.
from xml.parsers import expat

HANDLERS = [
    "StartElementHandler", "EndElementHandler", "ProcessingInstructionHandler", "CharacterDataHandler", "UnparsedEntityDeclHandler",
    "NotationDeclHandler", "StartNamespaceDeclHandler", "EndNamespaceDeclHandler", "CommentHandler", "StartCdataSectionHandler",
    "EndCdataSectionHandler", "StartDoctypeDeclHandler", "EndDoctypeDeclHandler", "EntityDeclHandler", "XmlDeclHandler",
    "ElementDeclHandler", "AttlistDeclHandler", "SkippedEntityHandler",
]


def parser(handlers=HANDLERS, places=False, **settings):
    create = {k: settings.pop(k) for k in ("encoding", "namespace_separator") if k in settings}
    p = expat.ParserCreate(**create)
    for name, value in settings.items():
        setattr(p, name, value)
    events = []

    def handler(name):
        def handle(*args):
            place = (p.CurrentLineNumber, p.CurrentColumnNumber, p.CurrentByteIndex) if places else ()
            events.append((name.removesuffix("Handler"), *args, *place))
            return 1

        return handle

    for name in handlers:
        setattr(p, name, handler(name))
    return p, events


def show(data, pieces=None, deferral=True, **settings):
    p, events = parser(**settings)
    p.SetReparseDeferralEnabled(deferral)
    try:
        if pieces:
            for i in range(0, len(data), pieces):
                p.Parse(data[i : i + pieces])
            data = data[:0]
        p.Parse(data, True)
    except expat.ExpatError as e:
        events.append((str(e), e.code, e.lineno, e.offset))
    for event in events:
        print(*map(repr, event))
    print("--", p.ErrorCode)


DOCUMENT = b"""<?xml version='1.0' encoding='utf-8' standalone='yes'?>
<!-- a comment -->
<!DOCTYPE r [
<!ELEMENT r (a|(b,c?)+)*>
<!ELEMENT a (#PCDATA|b)*>
<!ELEMENT b EMPTY>
<!ATTLIST a kind (x|y) 'x' id ID #IMPLIED text CDATA #REQUIRED fixed NMTOKENS #FIXED ' 1  2 '>
<!ENTITY who "W&#246;rld &amp; <b/>more">
<!ENTITY % part "ignored">
<!ENTITY pic SYSTEM 'pic.gif' NDATA gif>
<!NOTATION gif PUBLIC "-//GIF//">
]>
<?target some data?>
<r><a text="1&#65;&lt;
2" id = 'i'>Hello &who;!<![CDATA[ <&] ]]]></a>\r\n<b/></r>
<!-- behind -->
"""
show(DOCUMENT)
show(DOCUMENT, pieces=3, handlers=["StartElementHandler", "CharacterDataHandler"], buffer_text=True, ordered_attributes=True)
show(DOCUMENT, pieces=1, deferral=False, handlers=["AttlistDeclHandler", "ElementDeclHandler", "EntityDeclHandler"])
for wrong in ("<!ENTITY a:b ''>", "<!ELEMENT a: ANY>", "<!ELEMENT a (b:c:d)>", "<!NOTATION a:b SYSTEM ''>", "<!ELEMENT a:b ANY><?a:b?>",
              "<!ENTITYx a ''>", "<!ENTITY] a ''>", "<!ENTITY a ''b>", "<!ELEMENT a(b)>", "<!ELEMENT a (b", "<!ELEMENT", "<!-x->", "<![x", "%a", "&a;"):
    show(f"<!DOCTYPE a [{wrong}]><a/>", namespace_separator=" ", handlers=[])
show(DOCUMENT, handlers=["StartElementHandler"], specified_attributes=True)
show(DOCUMENT, handlers=["DefaultHandler"])
show(DOCUMENT, handlers=["DefaultHandlerExpand"], buffer_text=True)
show("<a>\n <b x='ü'>ü€𝄞<c/>\n\r\n </b></a>", places=True, handlers=["StartElementHandler", "EndElementHandler"])

NAMESPACES = "<a xmlns='u:d' xmlns:p='u:p' p:x='1' x='2'><p:b xmlns=''><c xmlns:p='u:q'><p:d/></c></p:b><xml:e xml:lang='en'/></a>"
show(NAMESPACES, namespace_separator=" ")
show(NAMESPACES, namespace_separator="}", namespace_prefixes=True, handlers=["StartElementHandler", "EndElementHandler"])
show(NAMESPACES, handlers=["StartElementHandler"])
for wrong in ("<a p:x='1'/>", "<p:a/>", "<a xmlns:xmlns='u'/>", "<a xmlns:xml='u'/>", "<a xmlns:p=''/>",
              "<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>", "<a:b:c/>", "<a:/>", "<:a/>", "<a b:c:d=''/>", "<a xmlns='http://www.w3.org/2000/xmlns/'/>"):
    show(wrong, namespace_separator=" ", handlers=[])

for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "cp1252", "koi8-r", "utf-8-sig", "us-ascii"):
    declared = "utf-16" if encoding.startswith("utf-16") else "utf-8" if encoding.startswith("utf-8") else encoding
    text = "я" if encoding == "koi8-r" else "x" if encoding == "us-ascii" else "é"
    show(f"<?xml version='1.0' encoding='{declared}'?><{text}>{text}</{text}>".encode(encoding), handlers=["StartElementHandler", "CharacterDataHandler"])
show(b"<a>\xe9</a>", encoding="iso-8859-1", handlers=["CharacterDataHandler"])
show("<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>", handlers=["CharacterDataHandler"])
for bad in (b"<?xml version='1.0' encoding='no-such'?><a/>", b"<?xml version='1.0' encoding='utf-32'?><a/>"):
    try:
        expat.ParserCreate().Parse(bad, True)
    except Exception as e:
        print(type(e).__name__, e)

for wrong in (
    "", " ", "text", "<", "<a", "<a>", "<a></b>", "<a/><b/>", "<a/>text", "<a b='1' b='2'/>", "<a b=1/>", "<a b='<'/>", "<a b='1'c='2'/>", "<a>&b;</a>",
    "<a b='&b;'/>", "<a>&#0;</a>", "<a>&#xFFFFFF;</a>", "<a>]]></a>", "<a>&amp</a>", "<a>\1</a>", "<a>\ufffe</a>", "<1/>", "<a><!-- -- --></a>", "<a><![CDATA[x",
    "<a><![CDATA[x]]", " <?xml version='1.0'?><a/>", "<?xml encoding='utf-8'?><a/>", "<?xml version='1.0' standalone='maybe'?><a/>", "<?XML a?><a/>", "<a><?xml a?></a>",
    "<!DOCTYPE a [<!ENTITY b '&b;'>]><a>&b;</a>", "<!DOCTYPE a [<!ENTITY b '&c;'><!ENTITY c '&b;'>]><a x='&b;'/>",
    "<!DOCTYPE a [<!ENTITY b '<c>'>]><a>&b;</c></a>", "<!DOCTYPE a [<!ENTITY b '</a>'>]><a>&b;", "<!DOCTYPE a [<!ENTITY b SYSTEM 'x'>]><a b='&b;'/>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'x' NDATA n>]><a>&b;</a>", "<!DOCTYPE a [<!ENTITY b '%c;'>]><a/>", "<!DOCTYPE a [<!ELEMENT a (b|c,d)>]><a/>",
    "<!DOCTYPE a [<!ATTLIST a b NONSENSE #IMPLIED>]><a/>", "<!DOCTYPE a PUBLIC '\t{' 'x'><a/>", "<!DOCTYPE a [<!WHAT a>]><a/>", "<!DOCTYPE a [", "<!DOCTYPE a>",
    "<!DOCTYPE a><!DOCTYPE a><a/>", "<a>\n\n  <b>\n </a>", "<é></e>", "</a>", "<a></a", "foobar<", "foo bar", "ab(", "<a", "<a b", "<a b='c", "<!", "<!-", "<!--", "<?", "<?x", "&amp;", "\0<a/>", "a\0",
):
    show(wrong, handlers=[])
for wrong in (b"<a>\xff</a>", b"<a>\xc3", b"<a>\xc3</a>", b"<a>\xed\xa0\x80</a>", b"\xff\xfe<\0a", b"\0\r\n", b"\xef\xbb\xbf<a/>", b"<a\xe9/>", b"\xef\xbb\xbf<a",
              b"\xef\xbb\xbf<a>\n<b", "\ufeff<a>\n<".encode("utf-16-le"), "\ufeff<".encode("utf-16-be"), b"<a b='&x;&#0;'/>", b"<a b='&#0;'/>"):
    show(wrong, handlers=[])

# Too much text from too little.
laughs = ["<!ENTITY l0 'lol'>"] + [f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 10)]
for use in ("<a>&l9;</a>", "<a b='&l9;'/>"):
    show(f"<!DOCTYPE a [{''.join(laughs)}]>{use}", handlers=[])

# External entities.
p, events = parser(["StartElementHandler", "EndElementHandler", "CharacterDataHandler"])


def external(context, base, system, public):
    events.append((context, base, system, public))
    inner = p.ExternalEntityParserCreate(context)
    inner.Parse(b"<?xml encoding='utf-8'?>", False)
    inner.Parse(b"text<inner/>&i;", True)
    return 1


p.ExternalEntityRefHandler = external
p.SetBase("base")
p.Parse("<!DOCTYPE a [<!ENTITY i 'I'><!ENTITY e PUBLIC 'pub' 'sys'>]><a>&e;</a>", True)
print(events, p.GetBase())

p, events = parser(["StartElementHandler", "EntityDeclHandler", "SkippedEntityHandler"])
parts = {"dtd": "<!ENTITY % more SYSTEM 'more'>%more;<![INCLUDE[<!ENTITY x 'X%inside;'>]]><![IGNORE[<!ENTITY y 'Y'>]]><!ATTLIST a v CDATA '&x;'>",
         "more": "<!ENTITY % inside '!'><!ENTITY % kind 'CDATA'><!ATTLIST a w %kind; '2'>"}


def load(context, base, system, public):
    of[-1].ExternalEntityRefHandler = load
    inner = of[-1].ExternalEntityParserCreate(context)
    of.append(inner)
    inner.Parse(parts[system], True)
    of.pop()
    return 1


of = [p]
p.ExternalEntityRefHandler = load
print(p.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS))
p.Parse("<!DOCTYPE a SYSTEM 'dtd'><a/>", True)
print(events)
p.ExternalEntityRefHandler = lambda *args: 0
try:
    p = expat.ParserCreate()
    p.ExternalEntityRefHandler = lambda *args: 0
    p.Parse("<!DOCTYPE a [<!ENTITY e SYSTEM 'x'>]><a>&e;</a>", True)
except expat.ExpatError as e:
    print(e)

# What a handler raises, and what it changes.
p = expat.ParserCreate()
p.StartElementHandler = lambda name, attrs: 1 / 0
try:
    p.Parse("<a/>", True)
except ZeroDivisionError as e:
    print(e)
p, events = parser(["CharacterDataHandler"], buffer_text=True)
p.StartElementHandler = lambda name, attrs: setattr(p, "CharacterDataHandler", lambda text: events.append(text)) if name == "b" else None
p.Parse("<a>one<b/>two</a>", True)
print(events)
p = expat.ParserCreate()
p.StartElementHandler = lambda name, attrs: print(p.GetInputContext(), sorted(p.intern))
p.Parse(b"<a><b x='1'/></a>", True)
print(p.GetInputContext())
try:
    p.Parse(b"<a/>", True)
except expat.ExpatError as e:
    print(e)
print(expat.ErrorString(4), expat.errors.XML_ERROR_SYNTAX, expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS], expat.model.XML_CTYPE_SEQ)
