"""Makes kinds.c (rows of api/kind.h) from the annotations."""
from annotations import VERBS, wire_group

def c_string(s):
    return '"' + s.replace('\\', '\\\\').replace('"', '\\"') + '"'


def string(s):
    return f'STR_INIT({c_string(s)})' if s else 'STR_INIT("")'


def kind_id(k):
    return 'KIND_' + k.type.cname.upper()


def verb_bits(verbs):
    return ' | '.join('VERB_' + v.upper() for v in VERBS if v in verbs) or '0'


class Arrays:
    """Static arrays, each content once."""

    def __init__(self, ctype, name):
        self.ctype, self.name, self.seen, self.out = ctype, name, {}, []

    def ref(self, rows):
        """C expression for an array with these rows; NULL when empty."""
        key = tuple(rows)
        if not key:
            return 'NULL'
        if key not in self.seen:
            self.seen[key] = f'{self.name}_{len(self.seen)}'
            self.out += ['', f'static const {self.ctype} {self.seen[key]}[] = {{']
            self.out += [f'    {r},' for r in rows] + ['};']
        return self.seen[key]


def ids(policy):
    """Lines for ids.h."""
    out = ['', '/* Indexes of kinds[]: resources, then kinds that are only bodies. */', 'enum {']
    out += [f'    {kind_id(k)} = {i},' for i, k in enumerate(policy.kinds)]
    out += [f'    KIND_RESOURCES = {len(policy.resources)},', f'    KIND_COUNT = {len(policy.kinds)},', '};']
    return out


def kinds(policy):
    """Lines of kinds.c."""
    strs, subs = Arrays('struct str', 'words'), Arrays('struct kind_subresource', 'subresources')
    cols, sels = Arrays('struct kind_column', 'columns'), Arrays('struct kind_selector', 'selectors')
    rows = []
    for k in policy.kinds:
        short, cats = [string(s) for s in k.short], [string(s) for s in k.categories]
        sub_rows = [f'{{{string(s.name)}, {string(s.body.name)}, {string(wire_group(s.body.gv))}, '
                    f'{string(s.body.gv.version)}, TY_{s.body.cname.upper()}, {verb_bits(s.verbs)}}}' for s in k.subs]
        col_rows = [f'{{{string(c.name)}, {string(c.type)}, {string(c.format)}, {string(c.doc)}, {string(c.path)}, '
                    f'{string(c.absent)}, {c.priority}}}' for c in policy.columns_of(k)]
        sel_rows = [f'{{{string(s.label)}, {string(s.path)}}}' for s in policy.selectors_of(k)] if k.plural else []
        flags = [f'.{flag} = true' for flag, on in (
            ('namespaced', k.namespaced), ('served', k.gv.served), ('put_creates', k.put_creates),
            ('update_without_version', k.update_without_version), ('virtual_', not k.hub.hash)) if on]
        rows += [f'    [{kind_id(k)}] = {{',
                 f'        .group = {string(wire_group(k.gv))}, .version = {string(k.gv.version)},',
                 f'        .api_version = {string("/".join(filter(None, (wire_group(k.gv), k.gv.version))))},',
                 f'        .name = {string(k.name)}, .plural = {string(k.plural)}, .singular = {string(k.singular)},',
                 f'        .short_names = {strs.ref(short)}, .n_short_names = {len(short)},',
                 f'        .categories = {strs.ref(cats)}, .n_categories = {len(cats)},',
                 f'        .subresources = {subs.ref(sub_rows)}, .n_subresources = {len(sub_rows)},',
                 f'        .columns = {cols.ref(col_rows)}, .n_columns = {len(col_rows)},',
                 f'        .selectors = {sels.ref(sel_rows)}, .n_selectors = {len(sel_rows)},',
                 f'        .type = TY_{k.type.cname.upper()}, '
                 f'.list_type = {"TY_" + k.list_type.cname.upper() if k.list_type else 0},',
                 f'        .verbs = {verb_bits(k.verbs)}, .index = {kind_id(k)},',
                 f'        .hub = &kinds[{kind_id(k.hub)}], .storage_version_hash = {string(k.hash)}, .set = &builtin,']
        rows += ['        ' + ', '.join(flags) + ','] if flags else []
        rows += ['    },']
    by_plural = sorted(policy.resources, key=lambda k: (wire_group(k.gv), k.gv.version, k.plural))
    out = ['/* Made from schema/ by tools/schema/gen_kinds.py. */', '#include "api/kind.h"',
           '#include "api/types/ids.h"']
    for a in (strs, subs, cols, sels):
        out += a.out
    out += ['', 'const struct kind kinds[] = {'] + rows + ['};']
    out += ['const uint32_t n_kinds = KIND_RESOURCES;', 'const uint32_t n_kinds_all = KIND_COUNT;']
    out += ['', 'const uint16_t kinds_by_plural[] = {'] + [f'    {kind_id(k)},' for k in by_plural] + ['};']
    everywhere = [v for gv in policy.schema.gvs for v in gv.everywhere]
    out += ['', 'const struct str gvk_everywhere[] = {'] + [f'    {string(v)},' for v in everywhere]
    out += ['};', f'const uint32_t n_gvk_everywhere = {len(everywhere)};']
    return out + groups(policy)


def groups(policy):
    out = ['', 'const struct api_group_row api_groups[] = {']
    rows = sorted(policy.orders, key=lambda o: (o.place, -o.version))
    for o in rows:
        flags = ''.join(f', .{n} = true' for n, on in (('preferred', policy.preferred(o.gv.group) is o.gv),
                                                       ('served', o.gv.served)) if on)
        out.append(f'    {{.group = {string(wire_group(o.gv))}, .version = {string(o.gv.version)}, '
                   f'.group_priority = {o.group}, .version_priority = {o.version}, .place = {o.place}{flags}}},')
    return out + ['};', f'const uint32_t n_api_groups = {len(rows)};']
