#!/usr/bin/env python3
"""Generates the C view of the schema: headers of structs, ids, constants, descriptor tables, kinds.

    tools/schema/gen_c.py SCHEMA OUTDIR
    tools/schema/gen_c.py --inputs|--outputs SCHEMA    lists files, for the build
"""
import os
import sys

import annotations
import bootstrap
import gen_constants
import gen_kinds
import gen_structs
import gen_tables
import layout
import model

FIXED_OUTPUTS = ['ids.h', 'docs.h', 'constants.h', 'bootstrap_tables.h', 'tables.c', 'kinds.c']


def save(outdir, name, lines):
    """Writes when the text changed, so that dependents are not built again for nothing."""
    path, text = os.path.join(outdir, name), '\n'.join(lines) + '\n'
    if os.path.exists(path):
        with open(path, encoding='utf-8') as fh:
            if fh.read() == text:
                return
    with open(path, 'w', encoding='utf-8') as fh:
        fh.write(text)


def generate(root, outdir):
    schema = model.Schema(root)
    lay = layout.Layout(schema)
    policy = annotations.Policy(schema, root)
    tables = gen_tables.Tables(lay)
    files = gen_structs.headers(lay)
    files['ids.h'] = gen_structs.ids(lay, policy)
    files['constants.h'] = gen_constants.constants(schema)
    files['tables.c'] = tables.lines()
    files['docs.h'] = tables.docs.header()
    files['bootstrap_tables.h'] = bootstrap.tables(bootstrap.read(root))
    files['kinds.c'] = gen_kinds.kinds(policy)
    os.makedirs(outdir, exist_ok=True)
    for name, lines in files.items():
        save(outdir, name, lines)


def inputs(root):
    return sorted(os.path.join(base, n) for base, _, files in os.walk(root) for n in files)


def outputs(root):
    return sorted(f'{p}.h' for p in layout.Layout(model.Schema(root)).prefixes) + FIXED_OUTPUTS


def main():
    try:
        if sys.argv[1] in ('--inputs', '--outputs'):
            print('\n'.join((inputs if sys.argv[1] == '--inputs' else outputs)(sys.argv[2])))
        else:
            generate(*sys.argv[1:3])
    except model.SchemaError as e:
        sys.exit(str(e))


if __name__ == '__main__':
    main()
