"""Makes the headers of structs, one per group prefix, and ids.h."""
import gen_kinds
import names
from layout import ctype, embedded, is_message

BANNER = '/* Made from schema/ by tools/schema/gen_c.py. */'


def array_of(n, kind, item):
    return [f'struct {n}_{kind} {{', f'    struct {item} *v;', '    uint32_t n;', '};']


def struct_of(t):
    out = ['', f'/* {t.full}' + (f': {t.doc}' if t.doc else '') + ' */', f'struct {t.cname} {{']
    for f in t.fields:
        c = ctype(f)
        out.append(f'    {c}{"" if c.endswith("*") else " "}{f.member};')
    return out + ([] if t.fields else ['    char empty;']) + ['};']


def enums_of(gv):
    out = []
    for e in gv.enums.values():
        if e.numbers is not None:
            base = f'{gv.prefix}_{names.snake(e.name)}'
            out += ['', f'enum {base} {{']
            out += [f'    {base.upper()}_{v.upper()} = {n},' for v, n in zip(e.values, e.numbers)] + ['};']
    return out


def header(layout, prefix, order, in_maps):
    """Lines of the header of one prefix."""
    mine = [t for t in order if t.gv.prefix == prefix]
    foreign = [(t, f) for t in mine for f in t.fields if is_message(f) and f.type.gv.prefix != prefix]
    whole = sorted({f.type.gv.prefix for t, f in foreign if f.shape != 'one' or f.type in embedded(t)})
    out = [BANNER, '#pragma once', '', '#include "api/value.h"']
    out += [f'#include "api/types/{p}.h"' for p in whole] + ['']
    out += [f'struct {n};' for n in sorted({f.type.cname for _, f in foreign})]
    for t in mine:
        out += [f'struct {t.cname};'] + array_of(t.cname, 'array', t.cname)
        if t in in_maps:
            out += array_of(t.cname, 'map', t.cname + '_entry')
    for t in mine:
        out += struct_of(t)
        if t in in_maps:
            out += [f'struct {t.cname}_entry {{', '    struct str key;', f'    struct {t.cname} value;', '};']
    for gv in layout.schema.gvs:
        if gv.prefix == prefix:
            out += enums_of(gv)
    return out


def headers(layout):
    """{file name: lines} for all prefixes."""
    order = layout.ordered()
    in_maps = {f.type for t in layout.types for f in t.fields if f.shape == 'map'}
    return {f'{p}.h': header(layout, p, order, in_maps) for p in layout.prefixes}


def ids(layout, policy):
    """Lines of ids.h."""
    out = [BANNER, '#pragma once', '', '/* Indexes of types[] in the built-in set. */', 'enum {']
    out += [f'    TY_{t.cname.upper()} = {i},' for t, i in layout.type_id.items()] + ['};']
    return out + gen_kinds.ids(policy)
