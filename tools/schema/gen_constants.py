"""Makes constants.h: the named constants of the API, the values of its enums, and the paths of gRPC methods.

A constant is PREFIX_NAME, an enum's value PREFIX_ENUM_VALUE, a path PREFIX_RPC_SERVICE_METHOD, in upper snake case; the
prefix is that of the struct names, with the version (RESOURCE_V1BETA1_) where the group's hub version is another.
"""
import model
import names


def literal(value):
    """C text of a value: S("…"), a number, or true and false."""
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, int):
        return f'({value})' if value < 0 else str(value)
    return 'S("' + value.replace('\\', '\\\\').replace('"', '\\"') + '")'


def word(value):
    """The part of a name that stands for an enum's value."""
    return names.snake(value).upper() or 'EMPTY'


def of_version(gv):
    """(name, value, where) for all constants and enum values of a group version."""
    prefix = gv.prefix if gv.hub else f'{gv.prefix}_{gv.version}'
    for c in gv.constants.values():
        yield f'{prefix}_{names.snake(c.name)}'.upper(), c.value, c.where
    for r in gv.rpcs:
        name = f'{prefix}_rpc_{names.snake(r.service)}_{names.snake(r.name)}'
        yield name.upper(), f'/{gv.package}.{r.service}/{r.name}', gv.path
    for e in gv.enums.values():
        if e.numbers is not None or e.name.rstrip('0123456789') in gv.enums.keys() - {e.name}:
            continue  # numbered protobuf enums have C enums; Name2 has the values of Name in another order
        taken = set()
        for v in e.values:
            w = word(v) if word(v) not in taken else word(v.replace('-', 'Dash').replace('*', 'Star'))
            taken.add(w)
            yield f'{prefix}_{names.snake(e.name)}_{w}'.upper(), v, gv.path


def constants(schema):
    """Lines of constants.h."""
    out = ['/* Made from schema/ by tools/schema/gen_constants.py: names of the API\'s values. */',
           '#pragma once', '', '#include <stdbool.h>', '', '#include "base/str.h"']
    seen = {}
    for gv in schema.gvs:
        if gv.types and all('leaf' in t.attrs for t in gv.types.values()):
            continue  # made by hand in api/value.h
        lines = []
        for name, value, where in of_version(gv):
            if name in seen:
                if seen[name] != value:
                    raise model.SchemaError(f'{where}: {name} would be both {seen[name]!r} and {value!r}')
                continue
            seen[name] = value
            lines.append(f'#define {name} {literal(value)}')
        if lines:
            out += ['', f'/* {gv.group}/{gv.version} */'] + lines
    return out
