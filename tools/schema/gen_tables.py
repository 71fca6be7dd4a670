"""Makes tables.c, the descriptor tables of api/schema.h, and docs.h, the packed descriptions."""
import zlib

import model
from layout import LEAFS, is_message

BANNER = '/* Made from schema/ by tools/schema/gen_c.py. */'
NO_DOC = 0xffffffff
POOL_SLACK = 64  # TY_POOL_SLACK of schema.h
LIST_TYPE = {None: 0, 'atomic': 0, 'set': 1, 'map': 2}
PATCH = {'': 0, 'merge': 1, 'replace': 2, 'retainKeys': 4}
TYPE_FLAGS = {'root': 'ROOT', 'list': 'LIST', 'atomic': 'ATOMIC', 'alias': 'ALIAS'}
OR_FLAGS = {'Array': 'TYPE_OR_ARRAY', 'Bool': 'TYPE_OR_BOOL', 'StringArray': 'TYPE_OR_STRINGS'}
GVK_FLAGS = {True: 'TYPE_GVK', 'core': 'TYPE_GVK_CORE', 'everywhere': 'TYPE_GVK_EVERYWHERE'}
META_FLAGS = {'ObjectMeta': 'TYPE_OBJECT_META', 'ListMeta': 'TYPE_LIST_META'}


def c_string(s):
    return '"' + s.replace('\\', '\\\\').replace('"', '\\"').replace('?', '\\?') + '"'


def fnv1a(s):
    h = 0x811c9dc5
    for b in s.encode():
        h = (h ^ b) * 0x01000193 & 0xffffffff
    return h


def array(ctype, name, rows):
    return ['', f'static const {ctype} {name}[] = {{'] + rows + ['};']


def numbers(ctype, name, values, per_line):
    return array(ctype, name, ['    ' + ', '.join(map(str, values[i:i + per_line])) + ','
                               for i in range(0, len(values), per_line)])


def hash_slots(n):
    """As ty_hash_slots() of schema.h."""
    return 1 if n == 0 else 1 << (n - 1).bit_length() + 1


def hash_slot(s, slots):
    """As ty_hash() of schema.h."""
    b = s.encode()
    n = len(b)
    head = b[:4] if n >= 4 else bytes((b[0], b[n // 2], b[-1])) if n else b''
    tail = b[-4:] if n >= 4 else b''
    mixed = (int.from_bytes(tail, 'little') << 32 | int.from_bytes(head, 'little')) + n
    return mixed * 0x9e3779b97f4a7c15 >> 40 & 0xffffff & slots - 1


class Pool:
    """Strings, each once; index order is byte order. Each stands as JSON writes a member name."""

    def __init__(self, strings):
        self.strings = sorted({''} | set(strings), key=lambda s: s.encode())
        self.index = {s: i for i, s in enumerate(self.strings)}

    def __getitem__(self, s):
        return self.index[s]

    def lines(self):
        quoted = [f'"{s}":' for s in self.strings] + [' ' * POOL_SLACK]
        out = ['', 'static const char pool[] ='] + [f'    {c_string(q)}' for q in quoted]
        out[-1] += ';'
        rows, offset = [], 1
        for s in self.strings:
            n = len(s.encode())
            rows.append(f'    {{{offset}, {n}, {fnv1a(s) & 0xffff}}},')
            offset += n + len('"":')
        return out + array('struct ty_name', 'names', rows)


class Docs:
    """Descriptions, each once, and their offsets."""

    def __init__(self):
        self.text, self.offsets = bytearray(), {'': NO_DOC}

    def add(self, doc):
        if doc not in self.offsets:
            self.offsets[doc] = len(self.text)
            self.text += doc.encode() + b'\0'
        return self.offsets[doc]

    def packed(self):
        return zlib.compress(bytes(self.text), 9)

    def header(self):
        return ['/* Made from schema/ by tools/schema/gen_c.py: all descriptions, zlib. */', '#pragma once',
                '#include <stdint.h>', '', f'#define DOCS_BYTES {len(self.text)}u',
                f'#define DOCS_PACKED_BYTES {len(self.packed())}u',
                'extern const uint8_t docs_packed[DOCS_PACKED_BYTES];']


def rule_of(f):
    """(list type, whether it is said, map atomic, patch strategy, keys, merge key): the row of ty_rule."""
    patch = sum(PATCH[p] for p in (f.patch or '').split(','))
    return (LIST_TYPE[f.list_type], int(bool(f.list_type)), int(f.map_type == 'atomic'), patch,
            tuple(f.list_keys or ()), f.merge_key or '')


def field_flags(row, gv):
    f = row.f
    flags = (('OMITEMPTY', f.omitempty), ('REQUIRED', f.required), ('OPTIONAL', f.optional), ('INLINE', f.inline),
             ('FLAT', row.flat), ('OMITZERO', f.omitzero), ('PROTO3', gv.proto3),
             ('SECRET', f.secret or f.confidential), ('CLOSED', f.enum is not None and f.enum.closed))
    return ' | '.join('FIELD_' + name for name, on in flags if on) or '0'


def item_size(f):
    """C text for ty_item_size() or ty_entry_size() of schema.h; 0 for single values."""
    if f.shape not in ('list', 'map'):
        return '0'
    size = f'sizeof({f"struct {f.type.cname}" if is_message(f) else LEAFS[f.type][1]})'
    return size if f.shape == 'list' else f'sizeof(struct str) + (({size} + 7) & ~7u)'


def type_flags(t):
    flags = ['TYPE_' + flag for attr, flag in TYPE_FLAGS.items() if attr in t.attrs]
    for attr, table in (('gvk', GVK_FLAGS), ('or', OR_FLAGS)):
        if attr in t.attrs:
            flags.append(table[t.attrs[attr]])
    flags += [META_FLAGS[f.type.name] for f in t.fields
              if f.name == 'metadata' and is_message(f) and f.type.name in META_FLAGS]
    return ' | '.join(flags) or '0'


class Tables:
    """All tables of the built-in set."""

    def __init__(self, layout):
        self.layout = layout
        self.rows = {t: layout.rows_of(t) for t in layout.types}
        self.gvs = [gv for gv in layout.schema.gvs if gv.types]
        self.enums = [e for gv in self.gvs for e in gv.enums.values()]
        self.pool = Pool(self.strings())
        self.docs = Docs()
        self.rules, self.defaults = {(0, 0, 0, 0, (), ''): 0}, {None: 0}
        for r in self.all_rows():
            self.rules.setdefault(rule_of(r.f), len(self.rules))
            self.defaults.setdefault(r.f.default, len(self.defaults))

    def all_rows(self):
        return [r for rows in self.rows.values() for r in rows]

    def strings(self):
        """Every name that goes into the pool."""
        for r in self.all_rows():
            yield from (r.f.name, r.f.merge_key or '', *(r.f.list_keys or ()))
        for t in self.layout.types:
            yield from (t.name, t.attrs.get('openapi', ''))
        for gv in self.gvs:
            yield from (wire_name(gv), gv.version, gv.prefix)
        for e in self.enums:
            yield from (e.name, *(e.values if e.numbers is None else ()))

    def enum_tables(self):
        """Lines, and {enum: index}."""
        values, ids, rows = [], {}, ['    {0, 0, 0, 0},']
        for e in self.enums:
            ids[e] = len(rows)
            mine = e.numbers if e.numbers is not None else [self.pool[v] for v in e.values]
            rows.append(f'    {{{len(values)}, {len(mine)}, {self.pool[e.name]}, {int(e.closed)}}},')
            values += mine
        check_16_bit('an enum value', values)
        return numbers('uint16_t', 'enum_values', values, 24) + array('struct ty_enum', 'enums', rows), ids

    def rule_lines(self):
        rows = []
        for list_type, said, map_atomic, patch, keys, merge_key in self.rules:
            ks = ', '.join(str(self.pool[k]) for k in keys) or '0'
            rows.append(f'    {{{list_type}, {said}, {map_atomic}, {patch}, {len(keys)}, {self.pool[merge_key]}, '
                        f'{{{ks}}}}},')
        return array('struct ty_rule', 'rules', rows)

    def default_lines(self):
        rows, offset, texts = ['    {0, 0, 0},'], 0, [d for d in self.defaults if d is not None]
        for d in texts:
            rows.append(f'    {{{offset}, {len(d.encode())}, 0}},')
            offset += len(d.encode())
        text = ' '.join(map(c_string, texts)) or '""'
        return ['', f'static const char default_text[] = {text};'] + array('struct ty_name', 'defaults', rows)

    def permutations(self, t):
        """Row numbers in name order, filled up with 0xffff, and as a hash table."""
        rows = self.rows[t]
        visible = [i for i, r in enumerate(rows) if not r.f.inline and r.f.name]
        visible.sort(key=lambda i: self.pool[rows[i].f.name])
        table = [0xffff] * hash_slots(len(rows))
        for i in visible:
            at = hash_slot(rows[i].f.name, len(table))
            while table[at] != 0xffff:
                at = (at + 1) % len(table)
            table[at] = i
        return visible + [0xffff] * (len(rows) - len(visible)), table

    def form(self, f, enum_ids):
        """(leaf, shape, type) of a row."""
        if is_message(f):
            leaf, ty = 'LEAF_MESSAGE', self.layout.type_id[f.type]
        else:
            leaf, ty = 'LEAF_' + LEAFS[f.type][0], enum_ids[f.enum] if f.enum else 0
        shape = {'list': 'LIST', 'map': 'MAP'}.get(f.shape) or ('OPT' if f.pointer else 'ONE')
        return leaf, 'SHAPE_' + shape, ty

    def field_line(self, t, r, enum_ids):
        f = r.f
        leaf, shape, ty = self.form(f, enum_ids)
        return (f'    {{{self.pool[f.name]}, {ty}, offsetof(struct {t.cname}, {r.path}), {f.number or 0}, '
                f'{leaf}, {shape}, {field_flags(r, t.gv)}, {self.rules[rule_of(f)]}, {self.defaults[f.default]}}},')

    def wire_lines(self, t, enum_ids):
        """The rows of a type that protobuf sees, in number order."""
        rows = [(r.f.number, i, r) for i, r in enumerate(self.rows[t]) if not r.flat and r.f.number]
        for number, i, r in sorted(rows, key=lambda row: row[0]):
            leaf, shape, ty = self.form(r.f, enum_ids)
            yield (f'    {{{number}, offsetof(struct {t.cname}, {r.path}), {ty}, {i}, {item_size(r.f)}, '
                   f'TY_FORM({shape}, {leaf}), {int(bool(t.gv.proto3))}}},')

    def type_line(self, t, first, first_slot):
        return (f'    {{{self.pool[t.name]}, {self.gvs.index(t.gv)}, {first}, {len(self.rows[t])}, '
                f'sizeof(struct {t.cname}), {type_flags(t)}, {self.pool[t.attrs.get("openapi", "")]}, {first_slot}}},')

    def type_tables(self, enum_ids):
        fields, types, by_name, by_hash, wire, wire_first = [], ['    {0},'], [], [], [], [0]
        for t in self.layout.types:
            types.append(self.type_line(t, len(fields), len(by_hash)))
            fields += [self.field_line(t, r, enum_ids) for r in self.rows[t]]
            for out, part in zip((by_name, by_hash), self.permutations(t)):
                out += part
            wire_first.append(len(wire))
            wire += self.wire_lines(t, enum_ids)
        wire_first.append(len(wire))
        check_16_bit('an index', [len(fields), len(types), len(self.pool.strings), len(by_hash), len(wire)])
        return (array('struct ty_field', 'fields', fields) + array('struct ty_type', 'types', types) +
                array('struct ty_wire', 'wire', wire) + numbers('uint16_t', 'wire_first', wire_first, 24) +
                numbers('uint16_t', 'by_name', by_name, 24) + numbers('uint16_t', 'by_hash', by_hash, 24))

    def doc_lines(self):
        fields = [self.docs.add(r.f.doc) for r in self.all_rows()]
        types = [NO_DOC] + [self.docs.add(t.doc) for t in self.layout.types]
        packed = self.docs.packed()
        return (numbers('uint32_t', 'field_docs', fields, 16) + numbers('uint32_t', 'type_docs', types, 16) +
                ['', 'const uint8_t docs_packed[DOCS_PACKED_BYTES] = {'] +
                ['    ' + ','.join(map(str, packed[i:i + 32])) + ',' for i in range(0, len(packed), 32)] + ['};'])

    def gv_lines(self):
        return array('struct ty_gv', 'gvs', [
            f'    {{{self.pool[wire_name(gv)]}, {self.pool[gv.version]}, {self.pool[gv.prefix]}, {int(gv.served)}}},'
            for gv in self.gvs])

    def lines(self):
        """Lines of tables.c."""
        enum_lines, enum_ids = self.enum_tables()
        out = [BANNER, '#include "api/schema.h"', '#include "api/types/docs.h"', '']
        out += [f'#include "api/types/{p}.h"' for p in self.layout.prefixes]
        out += self.pool.lines() + self.gv_lines() + enum_lines + self.rule_lines() + self.default_lines()
        out += self.type_tables(enum_ids) + self.doc_lines()
        out += ['', 'const struct ty_set builtin = {']
        out += [f'    .{m} = {m},' for m in (
            'pool', 'names', 'types', 'fields', 'by_name', 'by_hash', 'wire', 'wire_first', 'gvs', 'rules', 'defaults',
            'default_text', 'enums', 'enum_values', 'field_docs', 'type_docs')]
        out += [f'    .n_{m} = sizeof {m} / sizeof *{m},' for m in (
            'names', 'types', 'fields', 'gvs', 'rules', 'defaults', 'enums')]
        return out + ['};']


def wire_name(gv):
    """The group as it is on the wire."""
    return '' if gv.group == 'core' else gv.group


def check_16_bit(what, values):
    if not all(0 <= v < 0xffff for v in values):
        raise model.SchemaError(f'{what} does not fit in 16 bits')
