"""Checks across files: who includes whom, dead files, functions that nobody calls."""
import collections
import os
import re

import rules

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
MESON_FILE = re.compile(r"'([^'\n]+\.(?:c|py))'")
PROTOTYPE = re.compile(r'^(?!static|typedef|struct \w+ \{|#|\s)[\w\s*]*?\b(\w+)\([^;{}]*\)[^;{}]*;', re.M)
WORD = re.compile(r'[A-Za-z_]\w*')


def may_include(folder, other):
    """Whether a file of src/folder may include a header of src/other."""
    if folder == other:
        return True
    if folder not in rules.LAYERS or other not in rules.LAYERS:
        return False
    if folder in rules.ROLES and other in rules.ROLES:
        return False
    return rules.LAYERS.index(other) < rules.LAYERS.index(folder)


def includes_of(f):
    for i, line in enumerate(f.lines, 1):
        m = INCLUDE.match(line)
        if m:
            yield i, m.group(1)


def directions(files):
    for f in files:
        if not f.is_c or not f.folder:
            continue
        if f.folder not in rules.LAYERS:
            yield f, 1, 'include', f'src/{f.folder} is not in the list of layers'
            continue
        for i, name in includes_of(f):
            other = name.split('/')[0] if '/' in name else f.folder
            if not may_include(f.folder, other):
                yield f, i, 'include', f'{f.folder}/ may not include from {other}/'
            elif name.endswith('_priv.h') and other != f.folder:
                yield f, i, 'include', f'{name} is private to {other}/'


def cycles(files):
    """Headers that include each other in a circle."""
    graph = {f.path[4:]: (f, [n for _, n in includes_of(f)]) for f in files
             if f.suffix == '.h' and f.path.startswith('src/')}
    done = set()

    def visit(name, trail):
        if name in trail:
            yield trail[trail.index(name):] + [name]
        elif name in graph and name not in done:
            for n in graph[name][1]:
                yield from visit(n, trail + [name])
            done.add(name)
    for name in sorted(graph):
        for circle in visit(name, []):
            yield graph[circle[0]][0], 1, 'include', 'in a circle: ' + ' → '.join(circle)


def dead_files(files):
    """Sources that no meson.build names, headers that nobody includes."""
    built = {os.path.normpath(os.path.join(os.path.dirname(f.path), n))
             for f in files if f.path.endswith('meson.build') for n in MESON_FILE.findall(f.text)}
    included = {n for f in files for _, n in includes_of(f)} if files else set()
    for f in files:
        top = f.path.split('/')[0]
        if top not in ('src', 'test'):
            continue
        if f.suffix == '.c' and f.path not in built:
            yield f, 1, 'dead', 'no meson.build names it'
        if f.suffix == '.h':
            inside = f.path.split('/', 1)[1]
            if inside not in included and os.path.basename(f.path) not in included:
                yield f, 1, '~dead', 'nobody includes it yet'


def unused(files):
    """Functions that headers of src/ declare and only their own file mentions. Warns: interfaces may come first."""
    seen = collections.defaultdict(set)
    for f in files:
        if f.is_c:
            for line in f.code:
                for w in WORD.findall(line):
                    seen[w].add(os.path.splitext(f.path)[0])
    for f in files:
        if f.suffix == '.h' and f.path.startswith('src/'):
            for name in PROTOTYPE.findall('\n'.join(f.code)):
                users = seen[name] - {os.path.splitext(f.path)[0]}
                if not any(u.startswith('src/') for u in users) and len(users) < 2:
                    line = next((i for i, code in enumerate(f.code, 1) if re.search(rf'\b{name}\(', code)), 1)
                    yield f, line, '~unused', f'{name} has no user in src/'


ALL = (directions, cycles, dead_files)
