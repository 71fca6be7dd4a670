"""The policy side of the schema: reads schema/**/*.ann, which say what the REST API does with the types of the .api
file of the same name.

The language is described in docs/schema.md. Every name is looked up in the types; one that is gone is an error with
file and line.
"""
import os
import re

import model

VERBS = ('get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection')
COLUMN_TYPES = ('string', 'integer', 'number', 'boolean', 'date')
FALLBACK_SELECTORS = ('metadata.name', 'metadata.namespace')
TOKEN = re.compile(r'(?:[^\s"]|"[^"]*")+')


class Column:
    def __init__(self, name, kind_of_cell, fmt, priority, path, absent, doc):
        self.name, self.type, self.format, self.priority = name, kind_of_cell, fmt, priority
        self.path, self.absent, self.doc = path, absent, doc


class Selector:
    def __init__(self, label, path, internal):
        self.label, self.path, self.internal = label, path, internal


class Sub:
    def __init__(self, name, body, verbs):
        self.name, self.body, self.verbs = name, body, verbs


class Kind:
    """A resource, or (plural empty) a kind that only occurs as a body."""

    def __init__(self, t, where):
        self.type, self.where = t, where
        self.name, self.gv = t.name, t.gv
        self.plural = self.singular = self.hash = ''
        self.short, self.categories, self.verbs = [], [], []
        self.namespaced = self.put_creates = self.update_without_version = False
        self.subs, self.columns, self.selectors = [], [], []
        self.stored = None
        self.list_type = None
        self.hub = self


class Order:
    """Place of a group version among its like."""

    def __init__(self, gv, group, version, place):
        self.gv, self.group, self.version, self.place = gv, group, version, place


def fail(where, text):
    raise model.SchemaError(f'{where}: {text}')


def options(toks, where, known):
    """key=value and bare words, as a dict; bare words are True."""
    out = {}
    for t in toks:
        key, eq, value = t.partition('=')
        if key not in known:
            fail(where, f'unknown word {key}')
        if bool(eq) != known[key]:
            fail(where, f'{key} takes {"a" if known[key] else "no"} value')
        out[key] = value.strip('"') if eq else True
    return out


def parse_verbs(text, where):
    verbs = list(VERBS) if text == '*' else text.split(',')
    for v in verbs:
        if v not in VERBS:
            fail(where, f'unknown verb {v}')
    return verbs


class Reader:
    """Reads the .ann file of one group version."""

    def __init__(self, schema, gv, path):
        self.schema, self.gv, self.path = schema, gv, path
        self.kinds, self.order = [], None

    def find(self, name, where):
        t = self.gv.types.get(name) or self.schema.by_ref.get(name)
        if t is None:
            fail(where, f'there is no type {name}')
        return t

    def find_field(self, name, where):
        type_name, _, field = name.rpartition('.')
        found = [f for f in self.find(type_name, where).fields if f.name == field]
        if not found:
            fail(where, f'there is no field {name}')
        return found[0]

    def read(self):
        cur = None
        with open(self.path, encoding='utf-8') as fh:
            for no, raw in enumerate(fh, 1):
                where, toks = f'{self.path}:{no}', TOKEN.findall(raw)
                if not toks or toks[0].startswith('#'):
                    continue
                word = toks[0]
                if cur is not None and word == '}':
                    cur = None
                elif cur is not None:
                    self.inside(cur, word, toks[1:], where)
                elif word == 'order':
                    self.read_order(toks[1:], where)
                elif word == 'secret':
                    for name in toks[1:]:
                        self.find_field(name, where).confidential = True
                elif word in ('kind', 'body'):
                    cur = self.read_kind(word, toks[1:], where)
                    self.kinds.append(cur)
                    if toks[-1] == '{}':
                        cur = None
                else:
                    fail(where, f'unknown statement {word}')
        if cur is not None:
            fail(cur.where, 'the block is not closed')

    def read_order(self, toks, where):
        o = options(toks, where, {'group': True, 'version': True, 'place': True})
        self.order = Order(self.gv, *(int(o.get(k, 0)) for k in ('group', 'version', 'place')))

    def read_kind(self, word, toks, where):
        if len(toks) < 2 or toks[-1] not in ('{', '{}'):
            fail(where, f'{word} NAME … {{')
        k = Kind(self.find(toks[0], where), where)
        o = options(toks[1:-1], where, {
            'plural': True, 'singular': True, 'short': True, 'categories': True, 'verbs': True, 'hash': True,
            'stored': True, 'namespaced': False, 'cluster': False, 'put_creates': False,
            'update_without_version': False})
        if word == 'body':
            if o:
                fail(where, 'a body has no options')
            return k
        if 'plural' not in o or 'verbs' not in o or ('namespaced' in o) == ('cluster' in o):
            fail(where, 'a kind needs plural=, verbs= and either namespaced or cluster')
        k.plural, k.singular = o['plural'], o.get('singular', k.name.lower())
        k.short = o['short'].split(',') if 'short' in o else []
        k.categories = o['categories'].split(',') if 'categories' in o else []
        k.verbs, k.hash = parse_verbs(o['verbs'], where), o.get('hash', '')
        k.stored = self.find(o['stored'], where) if 'stored' in o else None
        for flag in ('namespaced', 'put_creates', 'update_without_version'):
            setattr(k, flag, flag in o)
        if 'list' in k.verbs:
            k.list_type = self.find(k.name + 'List', where)
        return k

    def inside(self, k, word, toks, where):
        if word == 'sub' and len(toks) == 3:
            k.subs.append(Sub(toks[0], self.find(toks[1], where), parse_verbs(toks[2], where)))
        elif word == 'column' and len(toks) >= 3 and toks[-1].startswith('"'):
            k.columns.append((self.read_column(toks, where), where))
        elif word == 'select' and toks:
            k.selectors.append((self.read_selector(toks, where), where))
        else:
            fail(where, f'cannot read {word}')

    def read_column(self, toks, where):
        name, cell, doc = toks[0].strip('"'), toks[1], toks[-1].strip('"')
        path = [t[1:] for t in toks[2:-1] if t.startswith('.')]
        o = options([t for t in toks[2:-1] if not t.startswith('.')], where,
                    {'format': True, 'wide': False, 'else': True})
        if cell not in COLUMN_TYPES:
            fail(where, f'unknown column type {cell}')
        return Column(name, cell, o.get('format', ''), int('wide' in o), path[0] if path else '',
                      o.get('else', ''), doc)

    def read_selector(self, toks, where):
        label, path, internal = toks[0], toks[0], None
        for t in toks[1:]:
            if t == 'code':
                path, internal = '', label
            elif t.startswith('.'):
                path = t[1:]
            elif t.startswith('as='):
                internal = t[3:]
            else:
                fail(where, f'unknown word {t}')
        return Selector(label, path, internal or path)


def rank(version):
    """Order of versions: stable over beta over alpha, then by number."""
    m = re.fullmatch(r'v(\d+)(?:(alpha|beta)(\d+))?', version)
    return {None: 2, 'beta': 1, 'alpha': 0}[m[2]], int(m[1]), int(m[3] or 0)


def check_path(t, path, where):
    """The path must lead through single messages of t to a field."""
    for i, part in enumerate(path.split('.')):
        if not isinstance(t, model.Type):
            fail(where, f'{path} leads through something that is no message')
        found = [f for f in t.all_fields() if f.name == part]
        if not found:
            fail(where, f'{t.full} has no field {part}')
        if found[0].shape != 'one':
            fail(where, f'{path} leads through a {found[0].shape}')
        t = found[0].type
    if isinstance(t, model.Type):
        fail(where, f'{path} ends at a message')


class Policy:
    """All annotations: kinds in order of group, version and name (resources first), and group versions."""

    def __init__(self, schema, root):
        self.schema, self.root, self.kinds, self.orders = schema, root, [], []
        by_path = {gv.path: gv for gv in schema.gvs}
        for base, _, files in sorted(os.walk(root)):
            for name in sorted(files):
                if name.endswith('.ann'):
                    path = os.path.join(base, name)
                    gv = by_path.get(path[:-4] + '.api')
                    if gv is None:
                        fail(path, 'there is no .api file of that name')
                    r = Reader(schema, gv, path)
                    r.read()
                    self.kinds += r.kinds
                    if r.order:
                        self.orders.append(r.order)
        self.kinds.sort(key=lambda k: (not k.plural, wire_group(k.gv), k.gv.version, k.name))
        self.resources = [k for k in self.kinds if k.plural]
        self.link()

    def link(self):
        """Hubs, and what the other versions have from them."""
        by_type = {}
        for k in self.kinds:
            if k.type in by_type:
                fail(k.where, f'{k.name} is there twice')
            by_type[k.type] = k
        for k in self.resources:
            if k.stored:
                if k.stored not in by_type:
                    fail(k.where, f'{k.stored.full} is no kind')
                k.hub = by_type[k.stored]
            else:
                peers = [o for o in self.resources if (o.gv.group, o.plural) == (k.gv.group, k.plural)]
                k.hub = next((o for o in peers if o.gv.hub), None) or max(peers, key=lambda o: rank(o.gv.version))
        for k in self.kinds:
            h = k.hub
            if h is not k:
                if k.hash or k.columns or k.put_creates or k.update_without_version:
                    fail(k.where, f'{h.type.full} is the stored version and says this for all')
                k.hash, k.put_creates, k.update_without_version = h.hash, h.put_creates, h.update_without_version
            for c, where in h.columns:
                if c.path:
                    check_path(h.type, c.path, where)
            for s, where in k.selectors or h.selectors:
                if s.path:
                    check_path(h.type, s.path, where)
            for s in k.subs:
                if s.body not in by_type:
                    fail(k.where, f'the body of {s.name}, {s.body.full}, is neither a kind nor a body')

    def columns_of(self, k):
        return [c for c, _ in k.hub.columns]

    def preferred(self, group):
        """The group version that clients without a wish of their own should use."""
        return max((o for o in self.orders if o.gv.group == group), key=lambda o: o.version).gv

    def own_selectors_of(self, k):
        return [s for s, _ in k.selectors or k.hub.selectors]

    def selectors_of(self, k):
        return self.own_selectors_of(k) or [Selector(s, s, s) for s in FALLBACK_SELECTORS]


def wire_group(gv):
    return '' if gv.group == 'core' else gv.group
