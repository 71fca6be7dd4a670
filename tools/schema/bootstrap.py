"""Roles and bindings that every cluster starts with: reads schema/rbac/bootstrap.roles and makes bootstrap_tables.h.

    clusterrole NAME [for=ROLE] [collects=ROLE] {       for: its rules go to ROLE; collects: it is that ROLE
        allow VERBS on RESOURCES [in GROUPS] [named NAMES] [served]
        allow VERBS at PATHS
    }
    role NAME in NAMESPACE { … }
    bind ROLE [as NAME] [in NAMESPACE] to SUBJECTS      a ClusterRole, or a Role when there is a namespace

Lists are separated by commas; the group is core when there is none. SUBJECTS are user:NAME, group:NAME,
account:NAMESPACE/NAME, or - for nobody. `served` marks rules for resources that are off by default: they only apply
when one of the resources is served.
"""
import os
import re

import model

FILE = os.path.join('rbac', 'bootstrap.roles')
RULE = re.compile(r'allow (?P<verbs>\S+) (?:at (?P<urls>\S+)|on (?P<resources>\S+)(?: in (?P<groups>\S+))?'
                  r'(?: named (?P<names>\S+))?(?P<served> served)?)')
ROLE = re.compile(r'(?P<word>clusterrole|role) (?P<name>\S+)(?: in (?P<namespace>\S+))?(?: for=(?P<to>\S+))?'
                  r'(?: collects=(?P<collects>\S+))? (?P<open>\{\}?)')
BIND = re.compile(r'bind (?P<role>\S+)(?: as (?P<name>\S+))?(?: in (?P<namespace>\S+))? to (?P<subjects>\S+)')
SUBJECTS = {'user': 'User', 'group': 'Group', 'account': 'ServiceAccount'}


class Rule:
    def __init__(self, m):
        def words(key):
            return m[key].split(',') if m[key] else []
        self.verbs, self.resources, self.names, self.urls = map(words, ('verbs', 'resources', 'names', 'urls'))
        groups = words('groups') or (['core'] if self.resources else [])
        self.groups = ['' if g == 'core' else g for g in groups]
        self.served = bool(m['served'])


class Object:
    """A role (rules) or a binding (role, subjects)."""

    def __init__(self, kind, name, namespace):
        self.kind, self.name, self.namespace = kind, name, namespace or ''
        self.to = self.collects = self.role = ''
        self.rules, self.subjects = [], []


def subjects(text, where):
    """(kind, namespace, name) of each."""
    out = []
    for s in text.split(',') if text != '-' else []:
        kind, _, name = s.partition(':')
        if kind not in SUBJECTS:
            raise model.SchemaError(f'{where}: unknown subject {s}')
        namespace, _, account = name.partition('/') if kind == 'account' else ('', '', name)
        out.append((SUBJECTS[kind], namespace, account))
    return out


class Reader:
    def __init__(self):
        self.objects, self.cur = [], None

    def line(self, line, where):
        for pattern, take in ((RULE, self.rule), (ROLE, self.role), (BIND, self.bind)):
            m = pattern.fullmatch(line)
            if m and (self.cur is not None) == (pattern is RULE):
                return take(m, where)
        if line == '}' and self.cur is not None:
            self.cur = None
            return None
        raise model.SchemaError(f'{where}: cannot read this')

    def rule(self, m, _where):
        self.cur.rules.append(Rule(m))

    def role(self, m, where):
        if (m['word'] == 'role') != bool(m['namespace']):
            raise model.SchemaError(f'{where}: a role has a namespace, a clusterrole none')
        o = Object('Role' if m['namespace'] else 'ClusterRole', m['name'], m['namespace'])
        o.to, o.collects = m['to'] or '', m['collects'] or ''
        self.add(o, where)
        self.cur = o if m['open'] == '{' else None

    def bind(self, m, where):
        kind = 'RoleBinding' if m['namespace'] else 'ClusterRoleBinding'
        o = Object(kind, m['name'] or m['role'], m['namespace'])
        o.role, o.subjects = m['role'], subjects(m['subjects'], where)
        if not any((r.kind, r.name, r.namespace) == (kind[:-len('Binding')], o.role, o.namespace)
                   for r in self.objects):
            raise model.SchemaError(f'{where}: there is no role {o.role}')
        self.add(o, where)

    def add(self, o, where):
        if any((p.kind, p.name, p.namespace) == (o.kind, o.name, o.namespace) for p in self.objects):
            raise model.SchemaError(f'{where}: {o.name} is there twice')
        self.objects.append(o)


def read(root):
    """All objects, in the order of the file; none without the file."""
    path, r = os.path.join(root, FILE), Reader()
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8') as fh:
        for no, raw in enumerate(fh, 1):
            if raw.strip() and not raw.lstrip().startswith('#'):
                r.line(raw.strip(), f'{path}:{no}')
    if r.cur is not None:
        raise model.SchemaError(f'{path}: {r.cur.name} is not closed')
    return r.objects


class Words:
    """Word lists as indexes into one array, each list once; words in one pool."""

    def __init__(self):
        self.words, self.lists, self.at = {'': 0}, [], {(): 0}

    def word(self, w):
        return self.words.setdefault(w, len(self.words))

    def list(self, ws):
        key = tuple(ws)
        if key not in self.at:
            self.at[key] = len(self.lists)
            self.lists += [self.word(w) for w in key]
        return f'{{{self.at[key]}, {len(key)}}}'


def tables(objects):
    """Lines of bootstrap_tables.h, for api/bootstrap.c only."""
    w, rules, people, rows = Words(), [], [], []
    for o in objects:
        rows.append(f'    {{BOOTSTRAP_{model_word(o.kind)}, {w.word(o.name)}, {w.word(o.namespace)}, {w.word(o.to)}, '
                    f'{w.word(o.collects)}, {w.word(o.role)}, {len(rules)}, {len(o.rules)}, {len(people)}, '
                    f'{len(o.subjects)}}},')
        rules += [f'    {{{w.list(r.verbs)}, {w.list(r.groups)}, {w.list(r.resources)}, {w.list(r.names)}, '
                  f'{w.list(r.urls)}, {int(r.served)}}},' for r in o.rules]
        people += [f'    {{{w.word(k)}, {w.word(ns)}, {w.word(n)}}},' for k, ns, n in o.subjects]
    text, offsets = '', []
    for word in w.words:
        offsets.append(f'    {{{len(text)}, {len(word)}}},')
        text += word
    if len(text) > 0xffff or len(w.lists) > 0xffff:
        raise model.SchemaError('the bootstrap tables do not fit in 16 bits')
    out = ['/* Made from schema/rbac/bootstrap.roles by tools/schema/gen_c.py; for api/bootstrap.c. */', '#pragma once',
           '', 'static const char text[] =']
    out += [f'    "{text[i:i + 90]}"' for i in range(0, len(text), 90)] or ['    ""']
    out[-1] += ';'
    for ctype, name, lines in (
            ('struct word', 'words', offsets), ('struct row', 'rows', rows or ['    {0},']),
            ('struct rule', 'rules', rules or ['    {0},']), ('struct subject', 'subjects', people or ['    {0},'])):
        out += ['', f'static const {ctype} {name}[] = {{'] + lines + ['};']
    out += ['', 'static const uint16_t lists[] = {']
    out += ['    ' + ', '.join(map(str, w.lists[i:i + 24])) + ',' for i in range(0, len(w.lists), 24)] or ['    0']
    return out + ['};', '', f'enum {{ N_ROWS = {len(rows)} }};']


def model_word(kind):
    return re.sub(r'(?<!^)(?=[A-Z])', '_', kind).upper()
