#!/usr/bin/env python3
"""Prints the schema as a table of facts, in the columns of test/facts/<table>.tsv.

    tools/schema/print_facts.py SCHEMA TABLE

TABLE is types, messages, resources, fieldselectors, groups, columns, update-flags, constants or rpc. The facts test
compares the output with the tables of the release that the schema was made from; see docs/schema.md.
"""
import json
import sys

import annotations
import bootstrap
import model

GO_SCALAR = {'i32': 'int32', 'i64': 'int64', 'u32': 'uint32', 'u64': 'uint64', 'f32': 'float32', 'f64': 'double'}
# the configuration tables name foreign types by Go package
GO_TYPE = {
    'componentbase.v1alpha1.ClientConnectionConfiguration': 'config.v1alpha1.ClientConnectionConfiguration',
    'componentbase.v1alpha1.DebuggingConfiguration': 'config.v1alpha1.DebuggingConfiguration',
    'componentbase.v1alpha1.LeaderElectionConfiguration': 'config.v1alpha1.LeaderElectionConfiguration',
    'logs.v1.LoggingConfiguration': 'api.v1.LoggingConfiguration',
    'tracing.v1.TracingConfiguration': 'api.v1.TracingConfiguration',
}
# fields whose Go type is another name for ours
GO_FIELD = {
    ('kubelet.config.k8s.io', 'MemoryReservation', 'limits'): ('core.v1.ResourceList', 'one'),
    ('logs', 'OutputRoutingOptions', 'infoBufferSize'): ('resource.QuantityValue', 'one'),
}
COLUMNS = {
    'types': 'group version message json_field proto_name proto_number type cardinality pointer required omitempty '
             'inline patch_strategy patch_merge_key list_type list_map_keys map_type default enum known_values '
             'feature_gate optional_marker union_role',
    'messages': 'group version message proto root_kind list_kind openapi_name struct_map_type union gvks '
                'json_encoding',
    'resources': 'group version resource kind kind_group kind_version singular namespaced verbs short_names categories '
                 'subresources storage_version_hash is_subresource served_by_default',
    'fieldselectors': 'group version resource label internal_label',
    'groups': 'group version group_priority version_priority preferred_version position_in_apis_list '
              'served_by_default',
    'columns': 'group kind position column type format priority',
    'update-flags': 'group resource namespaced put_creates update_without_resource_version',
    'constants': 'group version name type value',
    'rbac-bootstrap': 'kind name namespace labels aggregation_match_labels rule_index api_groups resources '
                      'resource_names verbs non_resource_urls role_ref subjects condition',
    'rpc': 'package entry parent name number type cardinality oneof secret',
}


def flag(value):
    return '1' if value else '0'


def rest_gvs(schema):
    return [gv for gv in schema.gvs if not gv.proto3]


def wire(gv):
    """group/version; the core group is empty."""
    return f'{annotations.wire_group(gv)}/{gv.version}'


def type_text(gv, f):
    """The type as tables write it: scalars by their Go names, messages with group version when foreign."""
    if isinstance(f.declared, model.Type):
        t = f.declared
        return t.name if t.gv is gv else GO_TYPE.get(t.full, t.full)
    return 'string' if f.enum else GO_SCALAR.get(f.declared, f.declared)


def field_row(gv, t, f):
    text, cardinality = GO_FIELD.get((gv.group, t.name, f.name), (type_text(gv, f), f.shape))
    values = '|'.join(f.enum.values) if f.enum else ''
    closed = f.enum is not None and f.enum.closed
    return [gv.group, gv.version, t.name, f.name, f.proto or (f.name if f.number else ''), str(f.number or ''), text,
            cardinality, flag(f.pointer), flag(f.required), flag(f.omitempty), flag(f.inline), f.patch or '',
            f.merge_key or '', f.list_type or '', ','.join(f.list_keys or ()), f.map_type or '', f.default or '',
            values if closed else '', '' if closed else values, ','.join(f.gates or ()), flag(f.optional),
            f.union or '']


def types(schema, _policy):
    return [field_row(gv, t, f) for gv in rest_gvs(schema) for t in gv.types.values() for f in t.fields]


def union_text(t):
    """OpenAPI's x-kubernetes-unions of a type."""
    if 'oneof' not in t.attrs:
        return ''
    discriminator, _, fields = t.attrs['oneof'].partition('/')
    union = {'discriminator': discriminator} if discriminator else {}
    union['fields-to-discriminateBy'] = dict(f.split(':') for f in fields.split(','))
    return json.dumps([union], separators=(',', ':'))


def gvks(gv, t):
    where = t.attrs.get('gvk')
    return ','.join(f'{v}/{t.name}' for v in
                    {None: [], True: [wire(gv)], 'core': ['/v1'], 'everywhere': gv.everywhere}[where])


def messages(schema, _policy):
    for gv in rest_gvs(schema):
        if gv.path.split('/')[-3] == 'config':
            continue
        for t in gv.types.values():
            package = t.attrs.get('openapi')
            yield [gv.group, gv.version, t.name, flag(all(f.number or f.inline for f in t.fields)),
                   flag('root' in t.attrs), flag('list' in t.attrs), f'{package}.{t.name}' if package else '',
                   'atomic' if 'atomic' in t.attrs else '', union_text(t), gvks(gv, t),
                   'strings' if 'alias' in t.attrs else t.attrs.get('or', '')]


def resources(_schema, policy):
    for k in policy.resources:
        subs = ';'.join(f'{s.name}={wire(s.body.gv)}/{s.body.name}[{",".join(sorted(s.verbs))}]' for s in k.subs)
        served = flag(k.gv.served)
        yield [k.gv.group, k.gv.version, k.plural, k.name, k.gv.group, k.gv.version, k.singular, flag(k.namespaced),
               ','.join(sorted(k.verbs)), ','.join(k.short), ','.join(k.categories), subs, k.hash, '0', served]
        for s in k.subs:
            yield [k.gv.group, k.gv.version, f'{k.plural}/{s.name}', s.body.name, s.body.gv.group, s.body.gv.version,
                   '', flag(k.namespaced), ','.join(sorted(s.verbs)), '', '', '', '', '1', served]


def fieldselectors(_schema, policy):
    for k in policy.resources:
        for s in policy.own_selectors_of(k):
            yield [k.gv.group, k.gv.version, k.plural, s.label, s.internal]
    for label in annotations.FALLBACK_SELECTORS:
        yield ['*', '*', '*', label, label]


def groups(_schema, policy):
    for o in policy.orders:
        if o.version:  # the others have no priority and so no row
            yield [o.gv.group, o.gv.version, str(o.group), str(o.version), policy.preferred(o.gv.group).version,
                   str(o.place), flag(o.gv.served)]


def columns(_schema, policy):
    for k in policy.kinds:
        if k.hub is k:
            for i, c in enumerate(policy.columns_of(k)):
                yield [k.gv.group, k.name, str(i), c.name, c.type, c.format, str(c.priority)]


def update_flags(_schema, policy):
    for k in policy.resources:
        if k.hub is k and k.hash:
            yield [k.gv.group, k.plural, flag(k.namespaced), flag(k.put_creates), flag(k.update_without_version)]


def constants(schema, _policy):
    return [[gv.group, gv.version, c.name, c.type, c.text] for gv in schema.gvs for c in gv.constants.values()]


def rpc(schema, _policy):
    for gv in schema.gvs:
        if not gv.proto3:
            continue
        for r in gv.rpcs:
            yield [gv.package, 'rpc', r.service, r.name, '', f'{r.request}>{r.response}', r.stream, '', '0']
        for e in gv.enums.values():
            for v, n in zip(e.values, e.numbers):
                yield [gv.package, 'enum', e.name, v, str(n), '', '', '', '0']
        for t in gv.types.values():
            yield [gv.package, 'message', t.name, '', '', '', '', '', '0']
            for f in t.fields:
                text = f.enum.name if f.enum else type_text(gv, f)
                yield [gv.package, 'field', t.name, f.name, str(f.number), text, f.shape, f.oneof or '',
                       flag(f.secret)]


AGGREGATE = 'rbac.authorization.k8s.io/aggregate-to-'


def rbac_bootstrap(_schema, policy):
    for o in bootstrap.read(policy.root):
        if o.name.startswith('coxswain:'):
            continue  # a facility of ours
        labels = ['kubernetes.io/bootstrapping=rbac-defaults'] + ([f'{AGGREGATE}{o.to}=true'] if o.to else [])
        head = [o.kind, o.name, o.namespace, ','.join(labels), f'{AGGREGATE}{o.collects}=true' if o.collects else '']
        if o.role:
            people = ','.join(f'{k}:{ns + "/" if ns else ""}{n}' for k, ns, n in o.subjects)
            yield head + [''] * 6 + [f'{o.kind[:-len("Binding")]}/{o.role}', people, 'always']
        elif not o.rules:
            yield head + [''] * 8 + ['always']
        index = {False: 0, True: 0}
        for r in o.rules:
            groups = ','.join(g or '""' for g in r.groups)
            # a role that only has such rules is only there with them
            adds = 'all-feature-gates-on-adds' if not o.rules[0].served else 'all-feature-gates-on'
            yield head + [str(index[r.served]), groups, ','.join(r.resources), ','.join(r.names), ','.join(r.verbs),
                          ','.join(r.urls), '', '', adds if r.served else 'always']
            index[r.served] += 1


def table(schema, policy, name):
    """(column names, rows) of a table."""
    return COLUMNS[name].split(), globals()[name.replace('-', '_')](schema, policy)


def main():
    schema = model.Schema(sys.argv[1])
    head, rows = table(schema, annotations.Policy(schema, sys.argv[1]), sys.argv[2])
    print('\t'.join(head))
    for r in rows:
        print('\t'.join(r))


if __name__ == '__main__':
    main()
