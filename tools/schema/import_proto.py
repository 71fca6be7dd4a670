"""Makes .api files of the table of gRPC services (test/facts/rpc.tsv). Part of import_facts.py."""
import collections

# protobuf package: (prefix, version)
PACKAGES = {'runtime.v1': ('cri', 'v1'), 'csi.v1': ('csi', 'v1'), 'etcdserverpb': ('etcd', 'v3'),
            'mvccpb': ('mvcc', 'v3'), 'authpb': ('etcdauth', 'v3')}
SCALAR = {'int32': 'i32', 'int64': 'i64', 'uint32': 'u32', 'uint64': 'u64', 'double': 'f64'}
WRAPPERS = ('Int64Value', 'BoolValue', 'Timestamp')


def field_line(r, messages):
    t = SCALAR.get(r['type'], r['type'])
    if r['cardinality'] == 'list':
        t = f'[]{t}'
    elif r['cardinality'] == 'map':
        t = f'map[{t}]'
    elif t in messages or '.' in t or t in WRAPPERS or r['oneof']:
        t = '?' + t
    a = [r['number'], r['name'], t, 'omitempty']
    a += [f'oneof({r["oneof"]})'] if r['oneof'] else []
    a += ['secret'] if r['secret'] == '1' else []
    return ' '.join(a)


def rpc_line(r):
    request, _, response = r['type'].partition('>')
    stream = [] if r['cardinality'] == 'unary' else [r['cardinality']]
    return ' '.join(['rpc', r['parent'], r['name'], request, response] + stream)


def file_of(package, rows, docs):
    """Lines of the .api file of a package."""
    prefix, version = PACKAGES[package]
    enums, messages = collections.defaultdict(list), {}
    for r in rows:
        if r['entry'] == 'enum':
            enums[r['parent']].append(f'{r["name"]}={r["number"]}')
        elif r['entry'] == 'message':
            messages.setdefault(r['parent'], [])
        elif r['entry'] == 'field':
            messages.setdefault(r['parent'], []).append(r)
    out = [f'group {prefix} version {version} prefix {prefix} proto3 hub package {package}', '']
    out += [rpc_line(r) for r in rows if r['entry'] == 'rpc']
    out += [f'protoenum {name} ' + ' '.join(values) for name, values in enums.items()]
    for name, fields in messages.items():
        out += [''] + docs.lines(prefix, version, name, '', '') + [f'type {name} ' + ('{' if fields else '{}')]
        for r in fields:
            out += docs.lines(prefix, version, name, r['name'], '    ') + ['    ' + field_line(r, messages)]
        out += ['}'] if fields else []
    return out


def files(rows, docs):
    """(path in schema/, lines) for all packages."""
    by_package = collections.defaultdict(list)
    for r in rows:
        by_package[r['package']].append(r)
    for package, mine in by_package.items():
        prefix, version = PACKAGES[package]
        yield f'{prefix}/{version}.api', file_of(package, mine, docs)
