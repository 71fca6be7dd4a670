"""The schema in memory: reads the facts, schema/**/*.api and *.const, into plain objects.

The language is described in docs/schema.md. One file per group version; every name in a file is unique within its
group version. Types of another group version are written in full (meta.v1.ObjectMeta).
"""
import json
import math
import os
import re

# values named in .const files that are defined outside of the API
FOREIGN_CONSTANTS = {'iota': 0, 'validation.DNS1123SubdomainMaxLength': 253}
SCALARS = {
    'string', 'bool', 'i32', 'i64', 'u32', 'u64', 'f64', 'bytes',
    'Quantity', 'Time', 'MicroTime', 'Duration', 'IntOrString', 'RawExtension', 'FieldsV1', 'JSON', 'any',
    'Timestamp', 'Int64Value', 'BoolValue',
}
# another width upstream, the same here
ALIASES = {'f32': 'f64'}


class SchemaError(Exception):
    pass


class Field:
    __slots__ = ('number', 'name', 'type', 'shape', 'pointer', 'inline', 'omitempty', 'omitzero', 'required',
                 'optional', 'proto', 'patch', 'merge_key', 'list_type', 'list_keys', 'map_type', 'default', 'enum',
                 'gates', 'union', 'oneof', 'doc', 'message', 'where', 'secret', 'member', 'declared',
                 'confidential')

    def __init__(self):
        for s in self.__slots__:
            setattr(self, s, None)
        self.pointer = self.inline = self.omitempty = self.omitzero = self.required = self.optional = False
        self.secret = self.confidential = False  # upstream says so; our annotations say so
        self.shape = 'one'
        self.doc = ''


class Type:
    def __init__(self, name, gv):
        self.name, self.gv = name, gv
        self.attrs, self.fields, self.doc = {}, [], ''

    def all_fields(self):
        """Fields as JSON sees them: those of embedded types too."""
        for f in self.fields:
            if f.inline:
                yield from f.type.all_fields()
            else:
                yield f

    @property
    def full(self):
        version = '' if self.gv.version == '-' else self.gv.version + '.'
        return f'{self.gv.prefix}.{version}{self.name}'


class Enum:
    def __init__(self, name, closed, values, numbers=None):
        self.name, self.closed, self.values, self.numbers = name, closed, values, numbers


class Rpc:
    """A gRPC method; stream is unary, server, client or bidi."""

    def __init__(self, service, name, request, response, stream='unary'):
        self.service, self.name, self.request, self.response, self.stream = service, name, request, response, stream


class Constant:
    """A named value. text is as written: a JSON string, a number, a product of numbers, or the name of another."""

    def __init__(self, name, type_name, text, where):
        self.name, self.type, self.text, self.where = name, type_name, text, where
        self.value = None  # str, int or bool, set by Schema


class GroupVersion:
    def __init__(self):
        self.group = self.version = self.prefix = self.package = self.path = ''
        self.served = self.hub = self.proto3 = False
        self.types, self.enums, self.constants = {}, {}, {}
        self.rpcs = []
        self.everywhere = []  # group versions that also have the types marked gvk(everywhere)


TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"(]+\((?:[^()"]|"(?:[^"\\]|\\.)*")*\)|=(?:"(?:[^"\\]|\\.)*"|\S+)|\S+')


def unquote(s):
    if s.startswith('"') and s.endswith('"'):
        return s[1:-1].replace('\\"', '"').replace('\\\\', '\\')
    return s


def parse_type(tok, field):
    """Splits ?T, []T, map[T] into shape and type name."""
    if tok.startswith('?'):
        field.pointer, tok = True, tok[1:]
    if tok.startswith('[]'):
        field.shape, tok = 'list', tok[2:]
    elif tok.startswith('map['):
        field.shape, tok = 'map', tok[4:-1]
    field.type = tok


FLAG_ATTRS = {'omitempty': 'omitempty', 'omitzero': 'omitzero', 'required': 'required', 'opt': 'optional',
              'secret': 'secret'}
VALUE_ATTRS = {'proto', 'union', 'oneof'}


def parse_attr(tok, field, where):
    m = re.fullmatch(r'(\w+)\((.*)\)', tok)
    key, arg = m.groups() if m else (tok, None)
    if key in FLAG_ATTRS:
        setattr(field, FLAG_ATTRS[key], True)
    elif key in ('atomic', 'granular'):
        setattr(field, 'map_type' if field.shape == 'map' or tok == 'granular' else 'list_type', tok)
    elif key == 'set':
        field.list_type = 'set'
    elif key.startswith('='):
        field.default = tok[1:]
    elif key == 'map' and m:
        field.list_type, field.list_keys = 'map', arg.split(',')
    elif key == 'patch' and m:
        strategy, _, merge_key = arg.partition(':')
        field.patch, field.merge_key = strategy, merge_key or None
    elif key == 'gate' and m:
        field.gates = arg.split(',')
    elif key in VALUE_ATTRS and m:
        setattr(field, key, arg)
    else:
        raise SchemaError(f'{where}: unknown attribute {tok}')


def parse_field(line, where):
    toks = TOKEN.findall(line)
    if len(toks) < 3:
        raise SchemaError(f'{where}: a field is `number name type …`')
    f = Field()
    f.where = where
    f.number = None if toks[0] == '-' else int(toks[0])
    f.name = '' if toks[1] == '-' else toks[1]
    rest = toks[2:]
    if rest[0] == 'inline':
        f.inline, rest = True, rest[1:]
    parse_type(rest[0], f)
    for tok in rest[1:]:
        parse_attr(tok, f, where)
    return f


def parse_constants(path, gv):
    """Adds the constants of a .const file: lines of `NAME [TYPE] = VALUE`."""
    with open(path, encoding='utf-8') as fh:
        for no, raw in enumerate(fh, 1):
            where, line = f'{path}:{no}', raw.strip()
            if not line or line.startswith('#'):
                continue
            m = re.fullmatch(r'(\w+)(?: ([\w.]+))? = (.+)', line)
            if not m:
                raise SchemaError(f'{where}: a constant is `NAME [TYPE] = VALUE`')
            if m[1] in gv.constants:
                raise SchemaError(f'{where}: {m[1]} is there twice')
            gv.constants[m[1]] = Constant(m[1], m[2] or '', m[3], where)


class FileReader:
    """Reads one .api file into a GroupVersion."""

    def __init__(self, path):
        self.gv = GroupVersion()
        self.gv.path = path
        self.doc = []     # of the next type or field
        self.cur = None   # the type whose block is open

    def read(self):
        where = self.gv.path
        with open(self.gv.path, encoding='utf-8') as fh:
            for no, raw in enumerate(fh, 1):
                where, line = f'{self.gv.path}:{no}', raw.strip()
                if not line or line.startswith('#'):
                    continue
                if line.startswith('///'):
                    self.doc.append(line[3:].strip())
                elif self.cur is not None:
                    self.inside(line, where)
                else:
                    self.statement(TOKEN.findall(line), where)
        if self.cur is not None:
            raise SchemaError(f'{where}: {self.cur.name} is not closed')
        return self.gv

    def take_doc(self):
        text, self.doc = ' '.join(self.doc), []
        return text

    def inside(self, line, where):
        text = self.take_doc()
        if line == '}':
            self.cur = None
            return
        f = parse_field(line, where)
        f.doc, f.message = text, self.cur
        for other in self.cur.fields:
            if f.name and f.name == other.name:
                raise SchemaError(f'{where}: {f.name} is there twice')
            if f.number and f.number == other.number:
                raise SchemaError(f'{where}: number {f.number} is taken by {other.name}')
        self.cur.fields.append(f)

    def statement(self, toks, where):
        gv, text = self.gv, self.take_doc()
        word, args = toks[0], toks[1:]
        if word == 'group':
            self.head(args)
        elif word == 'rpc':
            gv.rpcs.append(Rpc(*args))
        elif word == 'everywhere':
            gv.everywhere = args
        elif word in ('enum', 'known'):
            gv.enums[args[0]] = Enum(args[0], word == 'enum', [unquote(t) for t in args[1:]])
        elif word == 'protoenum':
            pairs = [t.rsplit('=', 1) for t in args[1:]]
            gv.enums[args[0]] = Enum(args[0], True, [p[0] for p in pairs], [int(p[1]) for p in pairs])
        elif word == 'type':
            self.open_type(args, text, where)
        else:
            raise SchemaError(f'{where}: unknown statement {word}')

    def head(self, args):
        gv = self.gv
        gv.group, args = args[0], args[1:]
        while args:
            key = args.pop(0)
            setattr(gv, key, True if key in ('served', 'hub', 'proto3') else args.pop(0))
        gv.prefix = gv.prefix or gv.group

    def open_type(self, args, text, where):
        t = Type(args[0], self.gv)
        t.doc = text
        for attr in args[1:-1]:
            m = re.fullmatch(r'(\w+)\((.*)\)', attr)
            t.attrs[m.group(1) if m else attr] = m.group(2) if m else True
        if args[-1] not in ('{', '{}'):
            raise SchemaError(f'{where}: type NAME … {{')
        if t.name in self.gv.types:
            raise SchemaError(f'{where}: {t.name} is there twice')
        self.gv.types[t.name] = t
        self.cur = t if args[-1] == '{' else None


def parse_file(path):
    return FileReader(path).read()


STANDARD_DOCS = {
    'ObjectMeta': 'Name, namespace, labels, owners and whatever else every object has.',
    'ListMeta': 'The version of the list, and where to go on when there is more.',
}
DEFAULT_TYPES = {'string': str, 'bool': bool, 'i32': int, 'i64': int, 'f64': (int, float)}


def check_default(f):
    """A default is JSON of the field's type."""
    if f.default is None:
        return
    try:
        value = json.loads(f.default)
    except ValueError:
        raise SchemaError(f'{f.where}: the default is no JSON')
    if f.shape == 'one' and not isinstance(value, DEFAULT_TYPES.get(f.type, object)):
        raise SchemaError(f'{f.where}: the default is no {f.type}')


def check_keys(f):
    """Keys of lists of messages are fields of the message; configuration files (no numbers) are never merged."""
    if not f.number:
        return
    for key in list(f.list_keys or ()) + ([f.merge_key] if f.merge_key else []):
        if not isinstance(f.type, Type) or not any(key == g.name for g in f.type.all_fields()):
            raise SchemaError(f'{f.where}: the items have no field {key}')


class Schema:
    """All group versions, with type references resolved."""

    def __init__(self, root):
        self.gvs = []
        self.by_ref = {}
        for base, dirs, files in sorted(os.walk(root)):
            dirs.sort()
            for name in sorted(files):
                if name.endswith('.api'):
                    gv = parse_file(os.path.join(base, name))
                    if os.path.exists(gv.path[:-4] + '.const'):
                        parse_constants(gv.path[:-4] + '.const', gv)
                    self.gvs.append(gv)
                    for t in gv.types.values():
                        self.by_ref[t.full] = t
        for gv in self.gvs:
            for t in gv.types.values():
                for f in t.fields:
                    self.resolve(gv, f)
        for f in (f for gv in self.gvs for t in gv.types.values() for f in t.fields):
            check_default(f)
            check_keys(f)
        for gv in self.gvs:
            for r in gv.rpcs:
                for name in (r.request, r.response):
                    if name not in gv.types and name not in self.by_ref:
                        raise SchemaError(f'{gv.path}: rpc {r.name} names {name}, which is no type')
            for c in gv.constants.values():
                c.value = self.constant(gv, c, 0)
        self.inherit_docs()

    def constant(self, gv, c, depth):
        """The value of c, following names; other versions of the group are named as in v1.Name."""
        if c.text.startswith('"'):
            return json.loads(c.text)
        if c.text in ('true', 'false'):
            return c.text == 'true'
        if c.text in FOREIGN_CONSTANTS:
            return FOREIGN_CONSTANTS[c.text]
        if re.fullmatch(r'-?\d+( \* \d+)*', c.text):
            return math.prod(int(n, 8 if re.fullmatch(r'0\d+', n) else 10) for n in c.text.split(' * '))
        version, _, name = c.text.rpartition('.')
        peer = next((g for g in self.gvs if g.group == gv.group and g.version == (version or gv.version)), None)
        if peer is None or name not in peer.constants or depth > 8:
            raise SchemaError(f'{c.where}: there is no constant {c.text}')
        return self.constant(peer, peer.constants[name], depth + 1)

    def resolve(self, gv, f):
        """f.type becomes a scalar name or a Type; f.declared keeps types that are leaves; enums set f.enum."""
        name = f.declared = f.type
        if name in gv.enums:
            f.enum = gv.enums[name]
            f.type = 'enum' if f.enum.numbers is not None else 'string'
            return
        t = gv.types.get(name) or self.by_ref.get(name)
        f.declared = t or name
        if t is not None and 'leaf' in t.attrs:
            f.type = t.attrs['leaf']
            return
        if t is not None:
            f.type = t
            return
        f.type = ALIASES.get(name, name)
        if f.type not in SCALARS:
            raise SchemaError(f'{f.where}: unknown type {name}')

    def inherit_docs(self):
        """A type or field without words takes those of its namesake in the group's hub version."""
        hub = {}
        for gv in self.gvs:
            for t in gv.types.values():
                if t.doc and (gv.hub or (gv.group, t.name) not in hub):
                    hub[gv.group, t.name] = t.doc
                for f in t.fields:
                    if f.doc and (gv.hub or (gv.group, t.name, f.name) not in hub):
                        hub[gv.group, t.name, f.name] = f.doc
            for r in gv.rpcs:
                for name, words in ((r.request, 'Asked of'), (r.response, 'Answer of')):
                    t = gv.types.get(name)
                    if t is not None:
                        t.doc = t.doc or f'{words} {r.service}.{r.name}.'
        for gv in self.gvs:
            for t in gv.types.values():
                t.doc = t.doc or hub.get((gv.group, t.name), '')
                for f in t.fields:
                    f.doc = f.doc or hub.get((gv.group, t.name, f.name), '')
                self.standard_docs(t)

    @staticmethod
    def standard_docs(t):
        """Words for what is the same in every kind, and for lists."""
        for f in t.fields:
            if isinstance(f.type, Type) and f.name == 'metadata':
                f.doc = f.doc or STANDARD_DOCS.get(f.type.name, '')
            if f.name == 'items' and 'list' in t.attrs and isinstance(f.type, Type):
                f.doc = f.doc or f'The {f.type.name} objects.'
                t.doc = t.doc or f'A list of {f.type.name} objects.'
