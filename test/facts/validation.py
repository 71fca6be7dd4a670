#!/usr/bin/env python3
"""Every validation rule has a test: validation.tsv (the rules) against validation-covered.tsv (rule, tests).

    test/facts/validation.py ROOT

A rule is known by group, kind, path and error; rules that share all four stand in the same order in both files. The
last column names tests, separated by commas, or says after "-:" who checks the rule instead. All rules of a group
must be there as soon as one is. Prints what is missing; the exit status says whether there was anything.
"""
import collections
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = 4  # columns


def read(name):
    with open(os.path.join(HERE, name), encoding='utf-8') as fh:
        return [line.rstrip('\n').split('\t') for line in fh][1:]


def tests_in(root):
    found = set()
    for folder, _, files in os.walk(os.path.join(root, 'test', 'unit')):
        for name in files:
            if name.endswith('.c'):
                with open(os.path.join(folder, name), encoding='utf-8') as fh:
                    found.update(re.findall(r'^TEST\((\w+)\)', fh.read(), re.M))
    return found


def main():
    tests = tests_in(sys.argv[1])
    rules = read('validation.tsv')
    covered = read('validation-covered.tsv')
    groups = {row[0] for row in covered}
    wanted = collections.Counter(tuple(row[:KEY]) for row in rules if row[0] in groups)
    have = collections.Counter(tuple(row[:KEY]) for row in covered)
    wrong = [f'no test: {" ".join(key)}' for key in (wanted - have).elements()]
    wrong += [f'no such rule: {" ".join(key)}' for key in (have - wanted).elements()]
    for row in covered:
        if row[KEY].startswith('-: '):
            continue
        wrong += [f'no such test: {name} of {" ".join(row[:KEY])}' for name in row[KEY].split(',') if name not in tests]
    for line in wrong:
        print(line)
    later = sorted({row[0] for row in rules} - groups)
    print(f'{len(covered)} of {len(rules)} rules have tests, {len(wrong)} wrong')
    print(f'groups without: {", ".join(later) or "none"}')
    sys.exit(bool(wrong))


if __name__ == '__main__':
    main()
