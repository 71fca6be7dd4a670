#!/usr/bin/env python3
"""Rewrites schema/**/*.api and *.const from tables of facts (types.tsv and its like), keeping the words that are there.

    tools/schema/import_facts.py TABLES SCHEMA [DOCS.tsv …]

A new upstream release is taken over by running this on its tables; `git diff schema/` then shows what is new, and the
generator says which annotations name things that are gone. DOCS.tsv (group, message, field, text) fills in words
for fields that have none yet.
"""
import collections
import json
import os
import re
import sys

PREFIX = {
    'meta.k8s.io': 'meta', 'rbac.authorization.k8s.io': 'rbac', 'flowcontrol.apiserver.k8s.io': 'flowcontrol',
    'internal.apiserver.k8s.io': 'apiserverinternal', 'custom.metrics.k8s.io': 'custom_metrics',
    'external.metrics.k8s.io': 'external_metrics', 'resource.k8s.io': 'resource', 'resource': 'quantity',
    'runtime': 'runtime', 'intstr': 'intstr', 'version': 'version',
    'kubelet.config.k8s.io': 'kubelet_config', 'kubescheduler.config.k8s.io': 'scheduler_config',
    'kubeproxy.config.k8s.io': 'proxy_config', 'apiserver.config.k8s.io': 'apiserver_config',
    'apiserver.k8s.io': 'apiserver_flow', 'client.authentication.k8s.io': 'exec_credential',
    'cloudcontrollermanager.config.k8s.io': 'cloud_controller_config', 'componentbase': 'componentbase',
    'controllermanager.config.k8s.io': 'controller_config', 'credentialprovider.kubelet.k8s.io':
    'credentialprovider', 'kubecontrollermanager.config.k8s.io': 'kube_controller_config',
    'kubelet-stats-summary': 'stats', 'pod-security.admission.config.k8s.io': 'podsecurity_config',
}
HUB = {'autoscaling': 'v2', 'kubelet.config.k8s.io': 'v1beta1'}
# proto files whose messages serve the gRPC side; table cri.tsv and its like
PROTO = {'cri/v1': ('cri', 'v1'), 'csi/v1': ('csi', 'v1'), 'etcd/rpc': ('etcd', 'v3'), 'etcd/kv': ('mvcc', 'v3'),
         'etcd/auth': ('etcdauth', 'v3')}
PROTO_PACKAGE = {'mvccpb': 'mvcc.v3', 'authpb': 'etcdauth.v3'}
SCALAR = {'int32': 'i32', 'int64': 'i64', 'uint32': 'u32', 'uint64': 'u64', 'double': 'f64', 'float32': 'f32'}
LEAF = {'Quantity': 'Quantity', 'QuantityValue': 'Quantity', 'IntOrString': 'IntOrString', 'Time': 'Time',
        'MicroTime': 'MicroTime', 'Duration': 'Duration', 'RawExtension': 'RawExtension', 'FieldsV1': 'FieldsV1',
        'JSON': 'JSON', 'Timestamp': 'Timestamp', 'Unknown': 'RawExtension'}
# configuration types are named by their Go package in the tables
REFS = {'resource.QuantityValue': 'Quantity', 'api.v1.TracingConfiguration': 'tracing.v1.TracingConfiguration',
        'api.v1.LoggingConfiguration': 'logs.v1.LoggingConfiguration'}
# JSON leaves an absent time out here although the type is no pointer
OMITZERO = {('meta.k8s.io', 'ObjectMeta', 'creationTimestamp')}


def prefix(group):
    return PREFIX.get(group, group.split('.')[0].replace('-', '_'))


def rows(path):
    with open(path, encoding='utf-8') as fh:
        head = fh.readline().rstrip('\n').split('\t')
        for line in fh:
            yield dict(zip(head, line.rstrip('\n').split('\t')))


def q(s):
    return s if s and re.fullmatch(r'[\w./:+-]+', s) else '"' + s.replace('\\', '\\\\').replace('"', '\\"') + '"'


class Importer:
    def __init__(self, tables, schema, docs):
        self.tables, self.schema = tables, schema
        self.docs = {}
        self.read_existing_docs()
        for path in docs:
            with open(path, encoding='utf-8') as fh:
                for line in fh:
                    g, m, f, text = line.rstrip('\n').split('\t')
                    self.docs.setdefault((g, m, f), text)
        self.const_types = collections.defaultdict(list)
        for r in rows(os.path.join(tables, 'constants.tsv')):
            if r['type'] and r['type'] != 'string':
                v = r['value']
                self.const_types[r['group'], r['type']].append(json.loads(v) if v[:1] == '"' else v)

    def read_existing_docs(self):
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        import model
        if not os.path.isdir(self.schema):
            return
        for base, _, files in os.walk(self.schema):
            for name in files:
                if name.endswith('.api'):
                    gv = model.parse_file(os.path.join(base, name))
                    for t in gv.types.values():
                        if t.doc:
                            self.docs.setdefault((gv.group, t.name, ''), t.doc)
                        for f in t.fields:
                            if f.doc:
                                self.docs.setdefault((gv.group, t.name, f.name), f.doc)

    def enum_name(self, r, values, closed, enums):
        """A name for this set of values: the constant type that has them, else Message + Field."""
        for (g, tname), vals in self.const_types.items():
            if g in (r['group'], 'core') and set(vals) == set(values):
                name = tname
                break
        else:
            f = r['json_field']
            name = r['message'] + f[:1].upper() + f[1:]
        base, n = name, 1
        while name in enums and enums[name] != (closed, values):
            n += 1
            name = f'{base}{n}'
        enums[name] = (closed, values)
        return name

    def type_token(self, r, enums, taken):
        t = r['type']
        t = REFS.get(t, t)
        if t.startswith('config.v1alpha1.'):
            t = 'componentbase' + t[len('config'):]
        t = SCALAR.get(t, t)
        if r['enum'] or r['known_values']:
            vals = (r['enum'] or r['known_values']).split('|')
            t = self.enum_name(r, vals, bool(r['enum']), enums)
            while t in taken:
                enums[t + 'Value'] = enums.pop(t)
                t += 'Value'
        if t == 'core.v1.ResourceList':
            return 'map[Quantity]'
        t = {'list': f'[]{t}', 'map': f'map[{t}]'}.get(r['cardinality'], t)
        if r['pointer'] == '1':
            t = '?' + t
        return ('inline ' if r['inline'] == '1' else '') + t

    def field_line(self, r, enums, taken):
        a = [r['proto_number'] or '-', r['json_field'] or '-', self.type_token(r, enums, taken)]
        if r['proto_name'] and r['proto_name'] != r['json_field']:
            a.append(f'proto({r["proto_name"]})')
        for col, word in (('omitempty', 'omitempty'), ('required', 'required'), ('optional_marker', 'opt')):
            if r[col] == '1':
                a.append(word)
        if (r['group'], r['message'], r['json_field']) in OMITZERO:
            a.append('omitzero')
        if r['list_type'] == 'map':
            a.append(f'map({r["list_map_keys"]})')
        elif r['list_type']:
            a.append(r['list_type'])
        if r['map_type']:
            a.append(r['map_type'])
        if r['patch_strategy'] or r['patch_merge_key']:
            key = f':{r["patch_merge_key"]}' if r['patch_merge_key'] else ''
            a.append(f'patch({r["patch_strategy"]}{key})')
        if r['default']:
            a.append('=' + r['default'])
        if r['feature_gate']:
            a.append(f'gate({r["feature_gate"]})')
        if r['union_role']:
            a.append(f'union({r["union_role"]})')
        return ' '.join(a)

    def message_attrs(self, m):
        a = []
        if m['root_kind'] == '1':
            a.append('root')
        if m['list_kind'] == '1':
            a.append('list')
        if m['struct_map_type']:
            a.append(m['struct_map_type'])
        if m['union']:
            u = json.loads(m['union'])[0]
            fields = ','.join(f'{k}:{v}' for k, v in u['fields-to-discriminateBy'].items())
            a.append(f'oneof({u.get("discriminator", "")}/{fields})')
        if m['openapi_name']:
            pkg = m['openapi_name'][:-len(m['message']) - 1]
            a.append(f'openapi({pkg})')
        own = f'{"" if m["group"] == "core" else m["group"]}/{m["version"]}/{m["message"]}'
        if m['gvks']:
            a.append({own: 'gvk', f'/v1/{m["message"]}': 'gvk(core)'}.get(m['gvks'], 'gvk(everywhere)'))
        j = m['json_encoding']
        if m['message'] in LEAF and (m['group'] in ('resource', 'intstr', 'runtime', 'meta.k8s.io') or
                                     m['message'] == 'JSON'):
            a.append(f'leaf({LEAF[m["message"]]})')
        elif j == 'JSON array of strings':
            a.append('alias')
        elif m['message'].startswith('JSONSchemaPropsOr'):
            a.append('or(' + m['message'][len('JSONSchemaPropsOr'):] + ')')
        return a

    def emit_doc(self, out, key, indent):
        text = self.docs.get(key)
        if text:
            out.append(f'{indent}/// {text}')

    def write(self, group, version, fields, messages, served, path_dir=''):
        enums, body = {}, []
        names = list(dict.fromkeys(list(messages) + [r['message'] for r in fields]))
        by = collections.defaultdict(list)
        for r in fields:
            by[r['message']].append(r)
            if not messages and r['type'][0].isupper() and '.' not in r['type'] and r['type'] not in names:
                names += [] if r['type'] in LEAF or r['type'] == 'TypeMeta' else [r['type']]  # without fields
        for m in names:
            info = messages.get(m)
            body.append('')
            self.emit_doc(body, (group, m, ''), '')
            attrs = ' '.join(self.message_attrs(info)) if info else ''
            attrs = attrs + ' ' if attrs else ''
            if not by[m]:
                body.append(f'type {m} {attrs}{{}}')
                continue
            body.append(f'type {m} {attrs}{{')
            for r in by[m]:
                if r['json_field']:
                    self.emit_doc(body, (group, m, r['json_field']), '    ')
                body.append('    ' + self.field_line(r, enums, names))
            body.append('}')
        head = f'group {group} version {version} prefix {prefix(group)}'
        if served:
            head += ' served'
        if version == HUB.get(group, 'v1') or self.versions[group] == 1:
            head += ' hub'
        lines = [head]
        everywhere = {m['gvks'].replace(f'/{m["message"]}', '').replace(',', ' ')
                      for m in messages.values() if ',' in m['gvks']}
        lines += [f'everywhere {gvs}' for gvs in everywhere] + ['']
        for n, (closed, vals) in enums.items():
            lines.append(f'{"enum" if closed else "known"} {n} ' + ' '.join(q(v) for v in vals))
        self.save(os.path.join(path_dir, prefix(group), version.replace('-', 'types') + '.api'), lines + body)

    def save(self, rel, lines):
        path = os.path.join(self.schema, rel)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as fh:
            fh.write('\n'.join(lines) + '\n')

    def run_types(self):
        served = {(r['group'], r['version']) for t in ('groups', 'resources') for r in rows(f'{self.tables}/{t}.tsv')
                  if r['served_by_default'] == '1'}
        self.versions = collections.Counter()
        for suffix in ('', '-offdefault', '-config'):
            self.versions.update(g for g, _ in {(r['group'], r['version'])
                                                for r in rows(f'{self.tables}/types{suffix}.tsv')})
        for suffix in ('', '-offdefault', '-config'):
            fields, messages = collections.defaultdict(list), collections.defaultdict(dict)
            for r in rows(f'{self.tables}/types{suffix}.tsv'):
                fields[r['group'], r['version']].append(r)
            if suffix != '-config':
                for r in rows(f'{self.tables}/messages{suffix}.tsv'):
                    messages[r['group'], r['version']][r['message']] = r
            for gv in dict.fromkeys(list(fields) + list(messages)):
                self.write(*gv, fields[gv], messages[gv], gv in served, 'config' if suffix == '-config' else '')

    def run_constants(self):
        by = collections.defaultdict(list)
        for r in rows(f'{self.tables}/constants.tsv'):
            by[r['group'], r['version']].append(f'{r["name"]}{" " if r["type"] else ""}{r["type"]} = {r["value"]}')
        for (group, version), lines in by.items():
            self.save(f'{prefix(group)}/{version.replace("-", "types")}.const', lines)

    def run_proto(self):
        for table in ('cri', 'csi', 'etcd'):
            apis = collections.defaultdict(list)
            for r in rows(f'{self.tables}/{table}.tsv'):
                apis[r['api']].append(r)
            for api, rs in apis.items():
                self.write_proto(*PROTO[api], rs)

    def write_proto(self, pre, version, rs):
        enums, types = collections.OrderedDict(), collections.OrderedDict()
        for r in rs:
            if r['entry'] == 'enum':
                enums.setdefault(r['parent'], []).append((r['name'], r['number']))
            elif r['entry'] == 'message':
                types.setdefault(r['parent'], [])
            elif r['entry'] == 'field':
                types.setdefault(r['parent'], []).append(r)
        lines = [f'group {pre} version {version} prefix {pre} proto3 hub package {rs[0]["proto_package"]}', '']
        for r in rs:
            if r['entry'] == 'rpc':
                stream = r['cardinality_or_streaming']
                lines.append(f'rpc {r["parent"]} {r["name"]} {self.proto_ref(r["type_or_request"])} '
                             f'{self.proto_ref(r["response"])}' + (f' {stream}' if stream != 'unary' else ''))
        for n, vals in enums.items():
            lines.append(f'protoenum {n.replace(".", "")} ' + ' '.join(f'{a}={b}' for a, b in vals))
        for m, fs in types.items():
            lines.append('')
            self.emit_doc(lines, (pre, m.replace('.', ''), ''), '')
            lines.append(f'type {m.replace(".", "")} {{' + ('' if fs else '}'))
            for r in fs:
                self.emit_doc(lines, (pre, m.replace('.', ''), r['name']), '    ')
                lines.append('    ' + self.proto_field(r, enums, types, m))
            if fs:
                lines.append('}')
        self.save(f'{pre}/{version}.api', lines)

    @staticmethod
    def proto_ref(name):
        """A message of a proto file in our spelling: nested names without dots, other packages by prefix."""
        package, dot, rest = name.partition('.')
        if package in PROTO_PACKAGE:
            return f'{PROTO_PACKAGE[package]}.{rest.replace(".", "")}'
        return name.replace('.', '')

    def proto_field(self, r, enums, types, parent):
        t = r['type_or_request']
        m = re.fullmatch(r'map<string,\s*(.*)>', t)
        t = m.group(1) if m else t
        t = t.replace('google.protobuf.', '')
        nested = f'{parent}.{t}'
        known = types.keys() | enums.keys()
        if nested in known:
            t = nested
        is_message = t in types or '.' in t and t not in enums
        t = self.proto_ref(t)
        t = SCALAR.get(t, t)
        if m:
            t = f'map[{t}]'
        elif r['cardinality_or_streaming'] == 'list':
            t = f'[]{t}'
        elif is_message or r['oneof'] or t in ('Int64Value', 'BoolValue', 'Timestamp'):
            t = '?' + t
        a = [r['number'], r['name'], t, 'omitempty']
        if r['oneof']:
            a.append(f'oneof({r["oneof"]})')
        if 'secret' in r['flags']:
            a.append('secret')
        return ' '.join(a)


def main():
    imp = Importer(sys.argv[1], sys.argv[2], sys.argv[3:])
    imp.run_types()
    imp.run_constants()
    imp.run_proto()


if __name__ == '__main__':
    main()
