#!/usr/bin/env python3
"""Generates the C view of the schema: one header of structs per group prefix, ids.h, and the descriptor tables.

    tools/schema/gen_c.py SCHEMA OUTDIR
    tools/schema/gen_c.py --inputs|--outputs SCHEMA    lists files, for the build
"""
import os
import sys
import zlib

import annotations
import gen_constants
import gen_kinds
import model
import names

LEAFS = {  # scalar: (leaf, plain C type, optional C type, list C type, map C type)
    'string': ('STRING', 'struct str', 'struct str', 'str_array', 'str_map'),
    'bytes': ('BYTES', 'struct str', 'struct str', 'str_array', 'str_map'),
    'bool': ('BOOL', 'bool', 'struct opt_bool', 'bool_array', 'bool_map'),
    'i32': ('I32', 'int32_t', 'struct opt_i32', 'i32_array', 'i32_map'),
    'i64': ('I64', 'int64_t', 'struct opt_i64', 'i64_array', 'i64_map'),
    'u32': ('U32', 'uint32_t', 'struct opt_u32', 'u32_array', None),
    'u64': ('U64', 'uint64_t', 'struct opt_u64', 'u64_array', None),
    'f64': ('F64', 'double', 'struct opt_f64', 'f64_array', None),
    'enum': ('ENUM', 'int32_t', 'struct opt_i32', 'i32_array', None),
    'Quantity': ('QUANTITY', 'struct quantity', 'struct quantity', 'quantity_array', 'quantity_map'),
    'Time': ('TIME', 'struct timestamp', 'struct timestamp', 'timestamp_array', 'timestamp_map'),
    'MicroTime': ('MICRO_TIME', 'struct timestamp', 'struct timestamp', 'timestamp_array', None),
    'Duration': ('DURATION', 'struct duration', 'struct duration', None, None),
    'IntOrString': ('INT_OR_STRING', 'struct int_or_string', 'struct int_or_string', 'int_or_string_array', None),
    'RawExtension': ('RAW', 'struct str', 'struct str', 'str_array', 'str_map'),
    'FieldsV1': ('FIELDS_V1', 'struct str', 'struct str', 'str_array', 'str_map'),
    'JSON': ('JSON', 'struct str', 'struct str', 'str_array', 'str_map'),
    'any': ('ANY', 'struct str', 'struct str', 'str_array', 'str_map'),
    'Timestamp': ('TIMESTAMP', 'struct timestamp', 'struct timestamp', None, None),
    'Int64Value': ('INT64_VALUE', 'struct opt_i64', 'struct opt_i64', None, None),
    'BoolValue': ('BOOL_VALUE', 'struct opt_bool', 'struct opt_bool', None, None),
}


class Pool:
    """Strings, each once; index order is byte order."""

    def __init__(self, strings):
        self.strings = sorted({''} | set(strings), key=lambda s: s.encode())
        self.index = {s: i for i, s in enumerate(self.strings)}

    def __getitem__(self, s):
        return self.index[s]


def fnv1a(s):
    h = 0x811c9dc5
    for b in s.encode():
        h = (h ^ b) * 0x01000193 & 0xffffffff
    return h


def c_string(s):
    return '"' + s.replace('\\', '\\\\').replace('"', '\\"').replace('?', '\\?') + '"'


class Row:
    """One descriptor row: a field as seen from the type it is reached through."""

    def __init__(self, f, path, flat):
        self.f, self.path, self.flat = f, path, flat


class Generator:
    def __init__(self, root):
        self.schema = model.Schema(root)
        self.hub_names = {}
        for gv in self.schema.gvs:
            if gv.hub:
                self.hub_names.setdefault(gv.group, set()).update(gv.types)
        self.types = [t for gv in self.schema.gvs for t in gv.types.values() if 'leaf' not in t.attrs]
        for t in self.types:
            t.cname = names.type_name(t, self.hub_names)
        seen = {}
        for t in self.types:
            if t.cname in seen:
                raise model.SchemaError(f'{t.full} and {seen[t.cname].full} are both struct {t.cname}')
            seen[t.cname] = t
        self.members()
        self.policy = annotations.Policy(self.schema, root)

    def members(self):
        """C member names, unique within each struct."""
        for t in self.types:
            used = set()
            for f in t.fields:
                name = f.name or f.proto or names.snake(f.type.name if isinstance(f.type, model.Type) else f.type)
                f.member = names.member(name)
                while f.member in used:
                    f.member += '_'
                used.add(f.member)

    def ctype(self, f):
        if isinstance(f.type, model.Type):
            n = f.type.cname
            if f.shape == 'list':
                return f'struct {n}_array'
            if f.shape == 'map':
                return f'struct {n}_map'
            return f'struct {n} *' if f.pointer else f'struct {n}'
        leaf = LEAFS[f.type]
        c = {'list': leaf[3], 'map': leaf[4]}.get(f.shape)
        if f.shape in ('list', 'map'):
            if c is None:
                raise model.SchemaError(f'{f.where}: no C type for a {f.shape} of {f.type}')
            return 'struct ' + c
        return leaf[2] if f.pointer else leaf[1]

    def by_value(self, t):
        return [f.type for f in t.fields
                if isinstance(f.type, model.Type) and f.shape == 'one' and not f.pointer]

    def ordered(self):
        """Types so that what is embedded by value comes first."""
        done, out = set(), []

        def visit(t, trail):
            if t in done:
                return
            if t in trail:
                raise model.SchemaError(f'{t.full} embeds itself')
            for d in self.by_value(t):
                visit(d, trail | {t})
            done.add(t)
            out.append(t)
        for t in self.types:
            visit(t, frozenset())
        return out

    def headers(self, outdir):
        order = self.ordered()
        in_maps = {f.type for t in self.types for f in t.fields if f.shape == 'map'}
        prefixes = list(dict.fromkeys(t.gv.prefix for t in self.types))
        for p in prefixes:
            mine = [t for t in order if t.gv.prefix == p]
            needs = sorted({f.type.gv.prefix for t in mine for f in t.fields
                            if isinstance(f.type, model.Type) and (f.type in self.by_value(t) or f.shape != 'one')}
                           - {p})
            needs_ptr = sorted({f.type.cname for t in mine for f in t.fields
                                if isinstance(f.type, model.Type) and f.type.gv.prefix != p})
            out = ['/* Made from schema/ by tools/schema/gen_c.py. */', '#pragma once', '', '#include "api/value.h"']
            out += [f'#include "api/types/{n}.h"' for n in needs]
            out += ['']
            out += [f'struct {n};' for n in needs_ptr]
            for t in mine:
                n = t.cname
                out += [f'struct {n};', f'struct {n}_array {{', f'    struct {n} *v;', '    uint32_t n;', '};']
                if t in in_maps:
                    out += [f'struct {n}_map {{', f'    struct {n}_entry *v;', '    uint32_t n;', '};']
            for t in mine:
                out += ['', f'/* {t.full}' + (f': {t.doc}' if t.doc else '') + ' */', f'struct {t.cname} {{']
                for f in t.fields:
                    ct = self.ctype(f)
                    out.append(f'    {ct}{"" if ct.endswith("*") else " "}{f.member};')
                if not t.fields:
                    out.append('    char empty;')
                out.append('};')
                if t in in_maps:
                    out += [f'struct {t.cname}_entry {{', '    struct str key;', f'    struct {t.cname} value;', '};']
            for gv in self.schema.gvs:
                if gv.prefix == p:
                    for e in gv.enums.values():
                        if e.numbers is not None:
                            base = f'{p}_{names.snake(e.name)}'.upper()
                            out += ['', f'enum {base.lower()} {{']
                            out += [f'    {base}_{v.upper()} = {n},' for v, n in zip(e.values, e.numbers)]
                            out.append('};')
            save(outdir, f'{p}.h', out)
        return prefixes

    def rows_of(self, t):
        rows = []
        for f in t.fields:
            rows.append(Row(f, f.member, False))
            if f.inline:
                for r in self.rows_of(f.type):
                    if not r.f.inline:
                        rows.append(Row(r.f, f'{f.member}.{r.path}', True))
        return rows

    def ids(self, outdir):
        self.type_id = {t: i + 1 for i, t in enumerate(self.types)}
        out = ['/* Made from schema/ by tools/schema/gen_c.py. */', '#pragma once', '',
               '/* Indexes of types[] in the built-in set. */', 'enum {']
        out += [f'    TY_{t.cname.upper()} = {i},' for t, i in self.type_id.items()]
        out += ['};'] + gen_kinds.ids(self.policy)
        save(outdir, 'ids.h', out)

    def rule_of(self, f):
        keys = tuple(f.list_keys or ())
        list_type = {'set': 1, 'map': 2}.get(f.list_type, 0)
        patch = 0
        for p in (f.patch or '').split(','):
            patch |= {'merge': 1, 'replace': 2, 'retainKeys': 4}.get(p, 0)
        return (list_type, 1 if f.map_type == 'atomic' else 0, patch, keys, f.merge_key or '')

    def flags_of(self, r, gv):
        f, out = r.f, []
        for cond, name in ((f.omitempty, 'OMITEMPTY'), (f.required, 'REQUIRED'), (f.optional, 'OPTIONAL'),
                           (f.inline, 'INLINE'), (r.flat, 'FLAT'), (f.omitzero, 'OMITZERO'), (gv.proto3, 'PROTO3'),
                           (f.secret, 'SECRET'), (f.enum is not None and f.enum.closed, 'CLOSED')):
            if cond:
                out.append('FIELD_' + name)
        return ' | '.join(out) or '0'

    def type_flags(self, t):
        flags = []
        for attr, flag in (('root', 'ROOT'), ('list', 'LIST'), ('atomic', 'ATOMIC'), ('alias', 'ALIAS')):
            if attr in t.attrs:
                flags.append('TYPE_' + flag)
        kind = t.attrs.get('or')
        if kind:
            flags.append({'Array': 'TYPE_OR_ARRAY', 'Bool': 'TYPE_OR_BOOL', 'StringArray': 'TYPE_OR_STRINGS'}[kind])
        for f in t.fields:
            if f.name == 'metadata' and isinstance(f.type, model.Type):
                flags += {'ObjectMeta': ['TYPE_OBJECT_META'], 'ListMeta': ['TYPE_LIST_META']}.get(f.type.name, [])
        return ' | '.join(flags) or '0'

    def tables(self, outdir, prefixes):
        all_rows = {t: self.rows_of(t) for t in self.types}
        gvs = [gv for gv in self.schema.gvs if gv.types]
        enums = [e for gv in gvs for e in gv.enums.values()]
        enums = list({id(e): e for e in enums}.values())
        pool = Pool([r.f.name for rows in all_rows.values() for r in rows] + [t.name for t in self.types] +
                    [t.attrs.get('openapi', '') for t in self.types] +
                    [s for gv in gvs for s in (gv.group, gv.version, gv.prefix)] + ['-'] +
                    [k for rows in all_rows.values() for r in rows for k in list(r.f.list_keys or ()) +
                     [r.f.merge_key or '']] +
                    [e.name for e in enums] + [v for e in enums if e.numbers is None for v in e.values])
        out = ['/* Made from schema/ by tools/schema/gen_c.py. */', '#include "api/schema.h"',
               '#include "api/types/docs.h"', '']
        out += [f'#include "api/types/{p}.h"' for p in prefixes]
        # names
        out += ['', 'static const char pool[] ='] + [f'    {c_string(s)}' for s in pool.strings]
        out[-1] += ';'
        out += ['', 'static const struct ty_name names[] = {']
        off = 0
        for s in pool.strings:
            n = len(s.encode())
            out.append(f'    {{{off}, {n}, {fnv1a(s) & 0xffff}}},')
            off += n
        out += ['};', '', 'static const struct ty_gv gvs[] = {']
        for gv in gvs:
            group = '' if gv.group == 'core' else gv.group
            version = gv.version
            out.append(f'    {{{pool[group]}, {pool[version]}, {pool[gv.prefix]}, {int(gv.served)}}},')
        out += ['};']
        gv_id = {id(gv): i for i, gv in enumerate(gvs)}
        # enums
        out += ['', 'static const uint16_t enum_values[] = {']
        at, enum_id, enum_rows = 0, {}, ['    {0, 0, 0, 0},']
        for e in enums:
            vals = e.numbers if e.numbers is not None else [pool[v] for v in e.values]
            out.append('    ' + ', '.join(str(v & 0xffff) for v in vals) + ',')
            enum_id[id(e)] = len(enum_rows)
            enum_rows.append(f'    {{{at}, {len(vals)}, {pool[e.name]}, {int(e.closed)}}},')
            at += len(vals)
        out += ['};', '', 'static const struct ty_enum enums[] = {'] + enum_rows + ['};']
        # rules, defaults
        rules, defaults = {(0, 0, 0, (), ''): 0}, {None: 0}
        for rows in all_rows.values():
            for r in rows:
                rules.setdefault(self.rule_of(r.f), len(rules))
                defaults.setdefault(r.f.default, len(defaults))
        out += ['', 'static const struct ty_rule rules[] = {']
        for lt, ma, patch, keys, mk in rules:
            ks = ', '.join(str(pool[k]) for k in keys) or '0'
            out.append(f'    {{{lt}, {ma}, {patch}, {len(keys)}, {pool[mk]}, {{{ks}}}}},')
        out += ['};']
        # field rows and permutations
        fields, by_name, by_number, types = [], [], [], ['    {0},']
        for t in self.types:
            rows, gv = all_rows[t], t.gv
            first = len(fields)
            visible = [i for i, r in enumerate(rows) if not r.f.inline and r.f.name]
            visible.sort(key=lambda i: pool[rows[i].f.name])
            wire = [i for i, r in enumerate(rows) if not r.flat and r.f.number]
            wire.sort(key=lambda i: rows[i].f.number)
            for perm, idx in ((by_name, visible), (by_number, wire)):
                perm += idx + [0xffff] * (len(rows) - len(idx))
            for r in rows:
                f = r.f
                if isinstance(f.type, model.Type):
                    leaf, ty = 'MESSAGE', self.type_id[f.type]
                else:
                    leaf, ty = LEAFS[f.type][0], enum_id[id(f.enum)] if f.enum else 0
                shape = {'list': 'LIST', 'map': 'MAP'}.get(f.shape) or ('OPT' if f.pointer else 'ONE')
                fields.append(f'    {{{pool[f.name]}, {ty}, offsetof(struct {t.cname}, {r.path}), {f.number or 0}, '
                              f'LEAF_{leaf}, SHAPE_{shape}, {self.flags_of(r, gv)}, {rules[self.rule_of(f)]}, '
                              f'{defaults[f.default]}}},')
            types.append(f'    {{{pool[t.name]}, {gv_id[id(gv)]}, {first}, {len(rows)}, sizeof(struct {t.cname}), '
                         f'{self.type_flags(t)}, {pool[t.attrs.get("openapi", "")]}, 0}},')
        for name, ctype, rs in (('fields', 'struct ty_field', fields), ('types', 'struct ty_type', types)):
            out += ['', f'static const {ctype} {name}[] = {{'] + rs + ['};']
        for name, perm in (('by_name', by_name), ('by_number', by_number)):
            out += ['', f'static const uint16_t {name}[] = {{']
            out += ['    ' + ', '.join(map(str, perm[i:i + 24])) + ',' for i in range(0, len(perm), 24)] + ['};']
        out += ['', 'static const char default_text[] = ' + ' '.join(c_string(d) for d in defaults if d) + ';',
                'static const struct ty_name defaults[] = {', '    {0, 0, 0},']
        off = 0
        for d in defaults:
            if d is not None:
                out.append(f'    {{{off}, {len(d)}, 0}},')
                off += len(d)
        out += ['};']
        self.emit_docs(outdir, out, all_rows)
        out += ['', 'const char *const builtin_default_text = default_text;', '',
                'const struct ty_set builtin = {']
        for m in ('pool', 'names', 'types', 'fields', 'by_name', 'by_number', 'gvs', 'rules', 'defaults', 'enums',
                  'enum_values', 'field_docs', 'type_docs'):
            out.append(f'    .{m} = {m},')
        out += ['    .default_text = default_text,']
        for n, arr in (('names', 'names'), ('types', 'types'), ('fields', 'fields'), ('gvs', 'gvs'),
                       ('rules', 'rules'), ('defaults', 'defaults'), ('enums', 'enums')):
            out.append(f'    .n_{n} = sizeof {arr} / sizeof *{arr},')
        out += ['};']
        out.remove('const char *const builtin_default_text = default_text;')
        save(outdir, 'tables.c', out)
        if max(len(fields), len(types), len(pool.strings)) > 0xffff:
            raise model.SchemaError('an index does not fit in 16 bits')

    def emit_docs(self, outdir, out, all_rows):
        text, offs = bytearray(), {}

        def offset(doc):
            if not doc:
                return 0xffffffff
            if doc not in offs:
                offs[doc] = len(text)
                text.extend(doc.encode() + b'\0')
            return offs[doc]
        field_docs = [offset(r.f.doc) for t in self.types for r in all_rows[t]]
        type_docs = [0xffffffff] + [offset(t.doc) for t in self.types]
        for name, arr in (('field_docs', field_docs), ('type_docs', type_docs)):
            out += ['', f'static const uint32_t {name}[] = {{']
            out += ['    ' + ', '.join(map(str, arr[i:i + 16])) + ',' for i in range(0, len(arr), 16)] + ['};']
        packed = zlib.compress(bytes(text), 9)
        head = ['/* Made from schema/ by tools/schema/gen_c.py: all descriptions, zlib. */', '#pragma once',
                '#include <stdint.h>', '', f'#define DOCS_BYTES {len(text)}u', f'#define DOCS_PACKED_BYTES {len(packed)}u',
                'extern const uint8_t docs_packed[DOCS_PACKED_BYTES];']
        save(outdir, 'docs.h', head)
        out += ['', 'const uint8_t docs_packed[DOCS_PACKED_BYTES] = {']
        out += ['    ' + ','.join(map(str, packed[i:i + 32])) + ',' for i in range(0, len(packed), 32)] + ['};']


def save(outdir, name, lines):
    """Writes when the text changed, so that dependents are not built again for nothing."""
    path, text = os.path.join(outdir, name), '\n'.join(lines) + '\n'
    if os.path.exists(path):
        with open(path, encoding='utf-8') as fh:
            if fh.read() == text:
                return
    with open(path, 'w', encoding='utf-8') as fh:
        fh.write(text)


def inputs(root):
    return sorted(os.path.join(base, n) for base, _, files in os.walk(root) for n in files)


def outputs(root):
    g = Generator(root)
    return sorted({f'{t.gv.prefix}.h' for t in g.types}) + ['ids.h', 'docs.h', 'tables.c', 'kinds.c', 'constants.h']


def main():
    if sys.argv[1] in ('--inputs', '--outputs'):
        print('\n'.join((inputs if sys.argv[1] == '--inputs' else outputs)(sys.argv[2])))
        return
    root, outdir = sys.argv[1:3]
    os.makedirs(outdir, exist_ok=True)
    g = Generator(root)
    prefixes = g.headers(outdir)
    g.ids(outdir)
    g.tables(outdir, prefixes)
    save(outdir, 'kinds.c', gen_kinds.kinds(g.policy))
    save(outdir, 'constants.h', gen_constants.constants(g.schema))


if __name__ == '__main__':
    main()
