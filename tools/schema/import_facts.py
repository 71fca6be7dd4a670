#!/usr/bin/env python3
"""Rewrites schema/**/*.api and *.const from tables of facts, keeping the words that are there.

    tools/schema/import_facts.py TABLES SCHEMA [DOCS.tsv …]

TABLES holds tables like those of test/facts/. A new upstream release is taken over by running this on its tables; `git
diff schema/` then shows what is new, and the generator says which annotations name things that are gone. DOCS.tsv
(group, message, field, text) fills in words for types and fields that have none yet. See docs/schema.md.
"""
import collections
import json
import os
import re
import sys

import import_proto
import model

# short names of groups: the folder, and the first word of C names; otherwise the group up to its first dot
PREFIX = {
    'apiserver.config.k8s.io': 'apiserver_config', 'apiserver.k8s.io': 'apiserver_flow',
    'client.authentication.k8s.io': 'exec_credential',
    'cloudcontrollermanager.config.k8s.io': 'cloud_controller_config',
    'controllermanager.config.k8s.io': 'controller_config', 'custom.metrics.k8s.io': 'custom_metrics',
    'external.metrics.k8s.io': 'external_metrics', 'internal.apiserver.k8s.io': 'apiserverinternal',
    'kubecontrollermanager.config.k8s.io': 'kube_controller_config', 'kubelet-stats-summary': 'stats',
    'kubelet.config.k8s.io': 'kubelet_config', 'kubeproxy.config.k8s.io': 'proxy_config',
    'kubescheduler.config.k8s.io': 'scheduler_config', 'pod-security.admission.config.k8s.io': 'podsecurity_config',
    'resource': 'quantity',
}
# the version that is worked on, where it is not v1
HUB = {'autoscaling': 'v2', 'kubelet.config.k8s.io': 'v1beta1'}
SCALAR = {'int32': 'i32', 'int64': 'i64', 'uint32': 'u32', 'uint64': 'u64', 'double': 'f64', 'float32': 'f32'}
# messages that are no structs here, and the groups they live in
LEAF = {'Quantity': 'Quantity', 'QuantityValue': 'Quantity', 'IntOrString': 'IntOrString', 'Time': 'Time',
        'MicroTime': 'MicroTime', 'Duration': 'Duration', 'RawExtension': 'RawExtension', 'FieldsV1': 'FieldsV1',
        'JSON': 'JSON', 'Timestamp': 'Timestamp', 'Unknown': 'RawExtension'}
LEAF_GROUPS = {'resource', 'intstr', 'runtime', 'meta.k8s.io', 'apiextensions.k8s.io'}
# configuration types are named by their Go package in the tables
REFS = {'resource.QuantityValue': 'Quantity', 'api.v1.TracingConfiguration': 'tracing.v1.TracingConfiguration',
        'api.v1.LoggingConfiguration': 'logs.v1.LoggingConfiguration'}
GO_PACKAGES = {'config.v1alpha1.': 'componentbase.v1alpha1.'}
# JSON leaves an absent time out here although the type is no pointer
OMITZERO = {('meta.k8s.io', 'ObjectMeta', 'creationTimestamp')}
FLAGS = (('omitempty', 'omitempty'), ('required', 'required'), ('optional_marker', 'opt'))


def prefix(group):
    return PREFIX.get(group, group.split('.')[0].replace('-', '_'))


def rows(path):
    with open(path, encoding='utf-8') as fh:
        head = fh.readline().rstrip('\n').split('\t')
        for line in fh:
            yield dict(zip(head, line.rstrip('\n').split('\t')))


def quote(s):
    return s if s and re.fullmatch(r'[\w./:+-]+', s) else '"' + s.replace('\\', '\\\\').replace('"', '\\"') + '"'


class Docs:
    """Words for types (field '') and fields: those in the schema, else those of DOCS tables."""

    def __init__(self, schema, tables):
        self.own, self.more = {}, {}
        for base, _, files in os.walk(schema):
            for name in files:
                if name.endswith('.api'):
                    self.read(model.parse_file(os.path.join(base, name)))
        for path in tables:
            with open(path, encoding='utf-8') as fh:
                for line in fh:
                    group, message, field, text = line.rstrip('\n').split('\t')
                    self.more[group, message, field] = text

    def read(self, gv):
        for t in gv.types.values():
            self.own[gv.group, gv.version, t.name, ''] = t.doc
            for f in t.fields:
                if f.name:
                    self.own[gv.group, gv.version, t.name, f.name] = f.doc

    def lines(self, group, version, message, field, indent):
        text = self.own.get((group, version, message, field)) or self.more.get((group, message, field))
        return [f'{indent}/// {text}'] if text else []


class Enums:
    """Enums of a group version, named after the constant type with these values (best in this order), else after the
    field."""

    def __init__(self, group, const_types, taken):
        self.group, self.const_types, self.taken, self.by_name = group, const_types, taken, {}

    def name(self, message, field, values, closed):
        same = [(list(vals) != values, i, name) for i, ((group, name), vals) in enumerate(self.const_types.items())
                if group in (self.group, 'core') and set(vals) == set(values)]
        base = min(same)[2] if same else message + field[:1].upper() + field[1:]
        name, n = base, 1
        while self.by_name.get(name, (closed, values)) != (closed, values):
            n += 1
            name = f'{base}{n}'
        while name in self.taken:
            name += 'Value'
        self.by_name[name] = closed, values
        return name

    def lines(self):
        return [f'{"enum" if closed else "known"} {name} ' + ' '.join(map(quote, values))
                for name, (closed, values) in self.by_name.items()]


def type_token(r, enums):
    t = REFS.get(r['type'], r['type'])
    for package, ours in GO_PACKAGES.items():
        t = ours + t[len(package):] if t.startswith(package) else t
    t = SCALAR.get(t, t)
    if r['enum'] or r['known_values']:
        values = (r['enum'] or r['known_values']).split('|')
        t = enums.name(r['message'], r['json_field'], values, bool(r['enum']))
    if t == 'core.v1.ResourceList':
        return 'map[Quantity]'
    t = {'list': f'[]{t}', 'map': f'map[{t}]'}.get(r['cardinality'], t)
    return ('inline ' if r['inline'] == '1' else '') + ('?' if r['pointer'] == '1' else '') + t


def field_line(r, enums):
    a = [r['proto_number'] or '-', r['json_field'] or '-', type_token(r, enums)]
    if r['proto_name'] and r['proto_name'] != r['json_field']:
        a.append(f'proto({r["proto_name"]})')
    a += [word for column, word in FLAGS if r[column] == '1']
    if (r['group'], r['message'], r['json_field']) in OMITZERO:
        a.append('omitzero')
    if r['list_type'] == 'map':
        a.append(f'map({r["list_map_keys"]})')
    else:
        a += [r['list_type']] if r['list_type'] else []
    a += [r['map_type']] if r['map_type'] else []
    if r['patch_strategy'] or r['patch_merge_key']:
        key = f':{r["patch_merge_key"]}' if r['patch_merge_key'] else ''
        a.append(f'patch({r["patch_strategy"]}{key})')
    for column, text in (('default', '={}'), ('feature_gate', 'gate({})'), ('union_role', 'union({})')):
        if r[column]:
            a.append(text.format(r[column]))
    return ' '.join(a)


def message_attrs(m):
    a = ['root'] if m['root_kind'] == '1' else []
    a += ['list'] if m['list_kind'] == '1' else []
    a += [m['struct_map_type']] if m['struct_map_type'] else []
    if m['union']:
        u = json.loads(m['union'])[0]
        fields = ','.join(f'{k}:{v}' for k, v in u['fields-to-discriminateBy'].items())
        a.append(f'oneof({u.get("discriminator", "")}/{fields})')
    if m['openapi_name']:
        a.append(f'openapi({m["openapi_name"][:-len(m["message"]) - 1]})')
    own = f'{"" if m["group"] == "core" else m["group"]}/{m["version"]}/{m["message"]}'
    if m['gvks']:
        a.append({own: 'gvk', f'/v1/{m["message"]}': 'gvk(core)'}.get(m['gvks'], 'gvk(everywhere)'))
    if m['message'] in LEAF and m['group'] in LEAF_GROUPS:
        a.append(f'leaf({LEAF[m["message"]]})')
    elif m['json_encoding'] == 'strings':
        a.append('alias')
    elif m['json_encoding']:
        a.append(f'or({m["json_encoding"]})')
    return a


class Importer:
    def __init__(self, tables, schema, docs):
        self.tables, self.schema, self.docs = tables, schema, Docs(schema, docs)
        self.const_types = collections.defaultdict(list)
        for r in self.rows('constants'):
            if r['type'] and r['type'] != 'string':
                v = r['value']
                self.const_types[r['group'], r['type']].append(json.loads(v) if v[:1] == '"' else v)

    def rows(self, table):
        return rows(os.path.join(self.tables, table + '.tsv'))

    def save(self, rel, lines):
        path = os.path.join(self.schema, rel)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as fh:
            fh.write('\n'.join(lines) + '\n')

    def head(self, group, version, messages):
        served = (group, version) in self.served
        hub = version == HUB.get(group, 'v1') or self.versions[group] == 1
        out = [f'group {group} version {version} prefix {prefix(group)}' + ' served' * served + ' hub' * hub]
        everywhere = {m['gvks'].replace(f'/{m["message"]}', '').replace(',', ' ')
                      for m in messages.values() if ',' in m['gvks']}
        return out + [f'everywhere {gvs}' for gvs in sorted(everywhere)] + ['']

    @staticmethod
    def message_names(fields, messages):
        """All messages; configuration has no table of them, so those without fields are known by their mention."""
        names = list(dict.fromkeys(list(messages) + [r['message'] for r in fields]))
        for r in fields if not messages else ():
            t = r['type']
            if t[0].isupper() and '.' not in t and t not in names and t not in LEAF and t != 'TypeMeta':
                names.append(t)
        return names

    def group_version(self, group, version, fields, messages):
        names = self.message_names(fields, messages)
        enums, body = Enums(group, self.const_types, names), []
        by_message = collections.defaultdict(list)
        for r in fields:
            by_message[r['message']].append(r)
        for m in names:
            attrs = message_attrs(messages[m]) if m in messages else []
            body += [''] + self.docs.lines(group, version, m, '', '')
            body.append(' '.join(['type', m] + attrs + ['{' if by_message[m] else '{}']))
            for r in by_message[m]:
                if r['json_field']:
                    body += self.docs.lines(group, version, m, r['json_field'], '    ')
                body.append('    ' + field_line(r, enums))
            body += ['}'] if by_message[m] else []
        folder = '' if messages else 'config'
        self.save(os.path.join(folder, prefix(group), version.replace('-', 'types') + '.api'),
                  self.head(group, version, messages) + enums.lines() + body)

    def types(self):
        fields, messages = collections.defaultdict(list), collections.defaultdict(dict)
        for r in self.rows('types'):
            fields[r['group'], r['version']].append(r)
        for r in self.rows('messages'):
            messages[r['group'], r['version']][r['message']] = r
        gvs = list(dict.fromkeys(list(fields) + list(messages)))
        self.versions = collections.Counter(group for group, _ in gvs)
        self.served = {(r['group'], r['version']) for table in ('groups', 'resources') for r in self.rows(table)
                       if r['served_by_default'] == '1'}
        for gv in gvs:
            self.group_version(*gv, fields[gv], messages[gv])

    def constants(self):
        by_gv = collections.defaultdict(list)
        for r in self.rows('constants'):
            by_gv[r['group'], r['version']].append(' '.join(filter(None, (r['name'], r['type'], '=', r['value']))))
        for (group, version), lines in by_gv.items():
            self.save(f'{prefix(group)}/{version.replace("-", "types")}.const', lines)

    def rpc(self):
        for rel, lines in import_proto.files(self.rows('rpc'), self.docs):
            self.save(rel, lines)


def main():
    importer = Importer(sys.argv[1], sys.argv[2], sys.argv[3:])
    importer.types()
    importer.constants()
    importer.rpc()


if __name__ == '__main__':
    main()
