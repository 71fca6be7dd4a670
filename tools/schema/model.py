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


class SchemaError(Exception):
    pass


class Field:
    __slots__ = ('number', 'name', 'type', 'shape', 'pointer', 'inline', 'omitempty', 'omitzero', 'required',
                 'optional', 'proto', 'patch', 'merge_key', 'list_type', 'list_keys', 'map_type', 'default', 'enum',
                 'gates', 'union', 'oneof', 'doc', 'message', 'where', 'secret', 'member')

    def __init__(self):
        for s in self.__slots__:
            setattr(self, s, None)
        self.pointer = self.inline = self.omitempty = self.omitzero = self.required = self.optional = False
        self.secret = False
        self.shape = 'one'
        self.doc = ''


class Type:
    def __init__(self, name, gv):
        self.name, self.gv = name, gv
        self.attrs, self.fields, self.doc = {}, [], ''

    @property
    def full(self):
        version = '' if self.gv.version == '-' else self.gv.version + '.'
        return f'{self.gv.prefix}.{version}{self.name}'


class Enum:
    def __init__(self, name, closed, values, numbers=None):
        self.name, self.closed, self.values, self.numbers = name, closed, values, numbers


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


TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"(]+\((?:[^()"]|"(?:[^"\\]|\\.)*")*\)|=\S+|\S+')


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


def parse_attr(tok, field, where):
    flag = {'omitempty': 'omitempty', 'omitzero': 'omitzero', 'required': 'required', 'opt': 'optional',
            'secret': 'secret'}.get(tok)
    if flag:
        setattr(field, flag, True)
        return
    if tok in ('atomic', 'granular'):
        setattr(field, 'list_type' if field.shape == 'list' else 'map_type', tok)
        return
    if tok == 'set':
        field.list_type = 'set'
        return
    if tok.startswith('='):
        field.default = tok[1:]
        return
    m = re.fullmatch(r'(\w+)\((.*)\)', tok)
    if not m:
        raise SchemaError(f'{where}: unknown attribute {tok}')
    key, arg = m.groups()
    if key == 'map':
        field.list_type, field.list_keys = 'map', arg.split(',')
    elif key == 'patch':
        strategy, _, merge_key = arg.partition(':')
        field.patch, field.merge_key = strategy, merge_key or None
    elif key == 'proto':
        field.proto = arg
    elif key == 'gate':
        field.gates = arg.split(',')
    elif key == 'union':
        field.union = arg
    elif key == 'oneof':
        field.oneof = arg
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


def parse_file(path):
    gv = GroupVersion()
    gv.path = path
    doc, cur = [], None
    with open(path, encoding='utf-8') as fh:
        for no, raw in enumerate(fh, 1):
            where, line = f'{path}:{no}', raw.strip()
            if not line or (line.startswith('#')):
                continue
            if line.startswith('///'):
                doc.append(line[3:].strip())
                continue
            text = ' '.join(doc)
            doc = []
            if cur is not None:
                if line == '}':
                    cur = None
                    continue
                f = parse_field(line, where)
                f.doc, f.message = text, cur
                cur.fields.append(f)
                continue
            toks = TOKEN.findall(line)
            if toks[0] == 'group':
                gv.group, args = toks[1], toks[2:]
                while args:
                    key = args.pop(0)
                    if key in ('served', 'hub', 'proto3'):
                        setattr(gv, key, True)
                    else:
                        setattr(gv, key, args.pop(0))
                gv.prefix = gv.prefix or gv.group
            elif toks[0] in ('enum', 'known'):
                gv.enums[toks[1]] = Enum(toks[1], toks[0] == 'enum', [unquote(t) for t in toks[2:]])
            elif toks[0] == 'protoenum':
                pairs = [t.rsplit('=', 1) for t in toks[2:]]
                gv.enums[toks[1]] = Enum(toks[1], True, [p[0] for p in pairs], [int(p[1]) for p in pairs])
            elif toks[0] == 'type':
                cur = Type(toks[1], gv)
                cur.doc = text
                for t in toks[2:-1]:
                    m = re.fullmatch(r'(\w+)\((.*)\)', t)
                    cur.attrs[m.group(1) if m else t] = m.group(2) if m else True
                if toks[-1] != '{' and toks[-1] != '{}':
                    raise SchemaError(f'{where}: type NAME … {{')
                if cur.name in gv.types:
                    raise SchemaError(f'{where}: {cur.name} is there twice')
                gv.types[cur.name] = cur
                if toks[-1] == '{}':
                    cur = None
            else:
                raise SchemaError(f'{where}: unknown statement {toks[0]}')
    return gv


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
        """f.type becomes a scalar name, or the Type it names; enums set f.enum."""
        name = f.type
        if name in gv.enums:
            f.enum = gv.enums[name]
            f.type = 'enum' if f.enum.numbers is not None else 'string'
            return
        t = gv.types.get(name) or self.by_ref.get(name)
        if t is not None and 'leaf' in t.attrs:
            f.type = t.attrs['leaf']
            return
        if t is not None:
            f.type = t
            return
        if name in SCALARS:
            return
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
        for gv in self.gvs:
            for t in gv.types.values():
                t.doc = t.doc or hub.get((gv.group, t.name), '')
                for f in t.fields:
                    f.doc = f.doc or hub.get((gv.group, t.name, f.name), '')
