#!/usr/bin/env python3
"""Tests of tools/tidy: each rule finds what it should, and leaves the rest alone.

    test/tidy/test_tidy.py ROOT [unittest arguments]
"""
import os
import sys
import tempfile
import unittest

ROOT = sys.argv.pop(1)
sys.path.insert(0, os.path.join(ROOT, 'tools', 'tidy'))
import rules  # noqa: E402
import structure  # noqa: E402
import tidy  # noqa: E402
import tree  # noqa: E402

HEAD = '/* a thing */\n'


def found(*files):
    """[(path, line, rule)] for {path: text} given as pairs."""
    return [(f.path, line, rule) for f, line, rule, _ in tidy.findings([tree.File(p, t) for p, t in files])]


def in_c(body, path='src/base/a.c'):
    """Rules broken by a C file that is otherwise in order."""
    folder = os.path.dirname(path)
    return [(line, rule) for p, line, rule in found((path, HEAD + body), (folder + '/meson.build', "files('a.c')\n"))
            if p == path]


def function(n):
    return 'int f(void) {\n' + '    g();\n' * (n - 2) + '}\n'


class Text(unittest.TestCase):
    def test_good_file(self):
        self.assertEqual(in_c('int a;\n'), [])

    def test_space(self):
        self.assertEqual(in_c('int a; \n'), [(2, 'space')])
        self.assertEqual(in_c('\tint a;\n'), [(2, 'space')])
        self.assertEqual(in_c('int a;'), [(2, 'space')])
        self.assertEqual(in_c('int a;\n\n'), [(3, 'space')])

    def test_long_lines(self):
        self.assertEqual(in_c('/* ' + 'x' * 104 + ' */\n'), [])
        self.assertEqual(in_c('/* ' + 'x' * 105 + ' */\n'), [(2, 'line')])

    def test_words(self):
        self.assertEqual(in_c('/* TO' 'DO: more */\n'), [(2, 'word')])
        self.assertEqual(in_c('/* see /work' '/x */\n'), [(2, 'word')])
        self.assertEqual(in_c('/* network/xxx, todos */\n'), [])

    def test_hosts(self):
        self.assertEqual(in_c('/* quay.' 'io */\n'), [(2, 'host')])
        self.assertEqual(in_c('/* https://example.com/a.tar */\n'), [(2, 'host')])
        self.assertEqual(in_c('/* https://example.com/page */\n'), [])
        self.assertEqual(in_c('/* tidy: host because images without one come from there */\n/* quay.' 'io */\n'), [])

    def test_not_utf8(self):
        self.assertEqual(in_c('/* \udcff */\n'), [(2, 'text')])


class Files(unittest.TestCase):
    def test_headers(self):
        user = ('src/base/b.c', HEAD + '#include "base/a.h"\n')
        meson = ('src/base/meson.build', "files('b.c')\n")
        self.assertEqual(found(('src/base/a.h', HEAD + '#pragma once\n'), user, meson), [])
        self.assertEqual(found(('src/base/a.h', HEAD), user, meson), [('src/base/a.h', 1, 'header')])
        self.assertEqual(found(('src/base/a.h', '#pragma once\n'), user, meson), [('src/base/a.h', 1, 'header')])

    def test_length(self):
        self.assertEqual(in_c('int a;\n' * 700), [(701, '~file')])
        self.assertEqual(in_c('int a;\n' * 1500), [(1501, 'file')])

    def test_dead_files(self):
        self.assertEqual(found(('src/base/a.c', HEAD), ('src/base/meson.build', "files('b.c')\n")),
                         [('src/base/a.c', 1, 'dead')])
        self.assertEqual(found(('src/base/a.h', HEAD + '#pragma once\n')), [('src/base/a.h', 1, '~dead')])


class Functions(unittest.TestCase):
    def test_length(self):
        self.assertEqual(in_c(function(50)), [])
        self.assertEqual(in_c(function(51)), [(2, '~long')])
        self.assertEqual(in_c(function(101)), [(2, 'long')])
        self.assertEqual(in_c('/* tidy: long because it is a table */\n' + function(101)), [])

    def test_signature_of_several_lines(self):
        self.assertEqual(in_c('int f(int a,\n      int b) {\n' + '    g();\n' * 99 + '}\n'), [(2, 'long')])

    def test_calls(self):
        self.assertEqual(in_c('void f(void) {\n    strcpy(a, b);\n}\n'), [(3, 'call')])
        self.assertEqual(in_c('void f(void) {\n    return time(NULL);\n}\n'), [(3, 'call')])
        self.assertEqual(in_c('void f(void) {\n    /* strcpy(a) */ puts("strcpy(a)");\n}\n'), [])
        self.assertEqual(in_c('void f(void) {\n    c->time(x); my_strcpy(a); ops.rand(b);\n}\n'), [])
        self.assertEqual(in_c('int random(void);\n'), [])
        self.assertEqual(in_c('void f(void) {\n    strcpy(a, b); /* tidy: call because why not */\n}\n'), [])

    def test_calls_of_some_folders(self):
        body = 'void f(void) {\n    clock_gettime(0, &t);\n}\n'
        self.assertEqual(in_c(body), [])
        self.assertEqual(in_c(body, 'src/net/a.c'), [(3, 'call')])
        self.assertEqual(in_c(body, 'test/unit/a.c'), [])

    def test_allocations(self):
        for line, bad in (('p = malloc(1);', True), ('p = malloc(1);\n    if (!p)\n        panic();', False),
                          ('malloc(1);', True), ('if (!(x->p = calloc(1, 2)))', False),
                          ('p = n ? malloc(n) : NULL;\n    if (n && !p)', False), ('free(p);', False),
                          ('a = calloc(1, 2);\n    b = calloc(1, 2);\n    check(a && b);', False),
                          ('p = realloc(p, 2);\n    p[0] = 1;', True), ('return strdup(x);', False)):
            rules_broken = in_c(f'void f(void) {{\n    {line}\n}}\n')
            self.assertEqual(bool(rules_broken), bad, line)


class Includes(unittest.TestCase):
    def test_layers(self):
        for folder, other, allowed in (('codec', 'base', True), ('base', 'codec', False), ('api', 'api', True),
                                       ('kubelet', 'runtime', True), ('runtime', 'kubelet', False),
                                       ('scheduler', 'controller', False), ('controller', 'apiserver', False),
                                       ('ctl', 'client', True), ('main', 'kubelet', True), ('api', 'zlib', False)):
            self.assertEqual(structure.may_include(folder, other), allowed, f'{folder} {other}')

    def test_directions(self):
        self.assertEqual(in_c('#include "api/kind.h"\n#include "base/str.h"\n#include <time.h>\n'), [(2, 'include')])
        self.assertEqual(in_c('#include "base/cow_priv.h"\n', 'src/codec/a.c'), [(2, 'include')])
        self.assertEqual(in_c('#include "base/str.h"\n', 'src/elsewhere/a.c'), [(1, 'include')])
        self.assertEqual(in_c('#include "api/kind.h"\n', 'test/unit/a.c'), [])

    def test_cycles(self):
        a = ('src/base/a.h', HEAD + '#pragma once\n#include "base/b.h"\n')
        b = ('src/base/b.h', HEAD + '#pragma once\n#include "base/a.h"\n')
        self.assertEqual(found(a, b), [('src/base/a.h', 1, 'include')])
        self.assertEqual(found(a, (b[0], HEAD + '#pragma once\n'), ('src/base/c.h', HEAD + '#pragma once\n'
                                                                    '#include "base/a.h"\n')),
                         [('src/base/c.h', 1, '~dead')])

    def test_unused(self):
        files = [tree.File('src/base/a.h', 'int used(void);\nint unused(void);\n'),
                 tree.File('src/base/a.c', 'int used(void) {}\nint unused(void) {}\n'),
                 tree.File('src/base/b.c', 'int b = used();\n')]
        self.assertEqual([(f.path, line) for f, line, _, _ in structure.unused(files)], [('src/base/a.h', 2)])


class Program(unittest.TestCase):
    def test_layout(self):
        with tempfile.TemporaryDirectory() as d:
            for name, text in (('.clang-format', 'BasedOnStyle: LLVM\n'), ('a.c', 'int a;\n'), ('b.c', 'int   b;\n')):
                with open(os.path.join(d, name), 'w', encoding='utf-8') as fh:
                    fh.write(text)
            unformatted = tidy.layout(d, tree.load(d, rules.TEXT_SUFFIXES))
            if unformatted is None:
                self.skipTest('no clang-format')
            self.assertEqual(unformatted, ['b.c'])


if __name__ == '__main__':
    unittest.main()
