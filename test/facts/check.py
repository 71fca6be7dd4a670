#!/usr/bin/env python3
"""Compares the schema with the tables of facts beside this file: every row, every column, both ways.

    test/facts/check.py ROOT

Order does not matter. Prints the rows that differ; the exit status says whether there were any.
"""
import collections
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = 20


def read(path):
    with open(path, encoding='utf-8') as fh:
        lines = [line.rstrip('\n').split('\t') for line in fh]
    return lines[0], lines[1:]


def compare(name, head, want, got):
    """Prints and counts the rows that are only in one of the two."""
    want, got = collections.Counter(map(tuple, want)), collections.Counter(map(tuple, got))
    wrong = [('-', r) for r in (want - got).elements()] + [('+', r) for r in (got - want).elements()]
    for sign, row in sorted(wrong, key=lambda w: (w[1], w[0]))[:SHOWN]:
        print(f'{name}: {sign} ' + ' '.join(f'{c}={v}' for c, v in zip(head, row) if v))
    print(f'{name}: {sum(want.values())} facts, {len(wrong)} differ')
    return len(wrong)


def main():
    root = sys.argv[1]
    sys.path.insert(0, os.path.join(root, 'tools', 'schema'))
    import annotations
    import model
    import print_facts
    schema = model.Schema(os.path.join(root, 'schema'))
    policy = annotations.Policy(schema, os.path.join(root, 'schema'))
    wrong = 0
    for name in print_facts.COLUMNS:
        head, want = read(os.path.join(HERE, name + '.tsv'))
        columns, got = print_facts.table(schema, policy, name)
        if head != columns:
            sys.exit(f'{name}: the columns are not those of the table')
        wrong += compare(name, head, want, got)
    sys.exit(wrong != 0)


if __name__ == '__main__':
    main()
