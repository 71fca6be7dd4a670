#!/usr/bin/env python3
"""Checks the sources of the project.

    tools/tidy/tidy.py [--warn] [--unused] [ROOT]

Prints path:line: rule: text, and fails when there is a finding. --warn also prints what only deserves a look (long
files and functions), --unused functions that nobody calls yet. The rules and their limits are in rules.py. A line, or
one of the two lines before it, that says `tidy: RULE because REASON` is exempt from that rule.
"""
import argparse
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checks  # noqa: E402
import rules  # noqa: E402
import structure  # noqa: E402
import tree  # noqa: E402


def findings(files, with_unused=False):
    """(file, line, rule, text) of everything found and not exempt."""
    for f in files:
        for check in checks.ALL:
            for line, rule, text in check(f):
                if not f.exempt(rule.lstrip('~'), line):
                    yield f, line, rule, text
    for check in structure.ALL + ((structure.unused,) if with_unused else ()):
        for f, line, rule, text in check(files):
            if not f.exempt(rule.lstrip('~'), line):
                yield f, line, rule, text


def layout(root, files):
    """Files that clang-format would change; None when there is no clang-format."""
    program = shutil.which('clang-format')
    if program is None:
        return None
    names = [os.path.join(root, f.path) for f in files if f.is_c]
    if not names:
        return []
    out = subprocess.run([program, '--dry-run', '--ferror-limit=1', '-style=file'] + names, capture_output=True,
                         text=True, check=False).stderr
    return sorted({os.path.relpath(line.split(':')[0], root) for line in out.splitlines()
                   if '[-Wclang-format-violations]' in line})


def main():
    args = argparse.ArgumentParser()
    args.add_argument('--warn', action='store_true')
    args.add_argument('--unused', action='store_true')
    args.add_argument('root', nargs='?', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
    args = args.parse_args()
    root = os.path.abspath(args.root)
    files = tree.load(root, rules.TEXT_SUFFIXES)
    bad = 0
    for f, line, rule, text in findings(files, args.unused):
        warning = rule.startswith('~')
        if not warning or args.warn or args.unused:
            print(f'{f.path}:{line}: {"warning: " if warning else ""}{rule.lstrip("~")}: {text}')
        bad += not warning
    unformatted = layout(root, files)
    for path in unformatted or []:
        print(f'{path}:1: layout: clang-format would change it')
        bad += 1
    print(f'{len(files)} files, {bad} findings' + ('; no clang-format here' if unformatted is None else ''))
    sys.exit(bad != 0)


if __name__ == '__main__':
    main()
