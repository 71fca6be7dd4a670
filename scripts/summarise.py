#!/usr/bin/env python3
"""Adds up test results and prints the closing line "N passed, N failed" (", N skipped" when there are any).

    summarise.py BROKEN_STEPS LOG.json …

Logs are what `meson test` writes: a JSON object a line. A program that reports its own cases (cmocka) counts with
those; any other counts as one.
"""
import json
import re
import sys

PASSED = re.compile(r'^\[  PASSED  \] (\d+) test\(s\)', re.M)
FAILED = re.compile(r'^\[  FAILED  \] (?:.*?: )?(\d+) test\(s\)', re.M)


def count(entry):
    """(passed, failed, skipped) of one test program."""
    text = (entry.get('stdout') or '') + (entry.get('stderr') or '')
    result = entry['result']
    if result == 'SKIP':
        return 0, 0, 1
    passed = sum(map(int, PASSED.findall(text)))
    failed = sum(map(int, FAILED.findall(text)))
    if result in ('OK', 'EXPECTEDFAIL'):
        return max(passed, 1), 0, 0
    return passed, max(failed, 1), 0


def main():
    totals, bad = [0, int(sys.argv[1]), 0], []
    for path in sys.argv[2:]:
        with open(path, encoding='utf-8') as fh:
            for line in fh:
                entry = json.loads(line)
                result = count(entry)
                totals = [a + b for a, b in zip(totals, result)]
                if result[1]:
                    bad.append(f"{path}: {entry['name']}")
    for b in bad:
        print('failed:', b)
    passed, failed, skipped = totals
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    sys.exit(1 if failed or not passed else 0)


if __name__ == '__main__':
    main()
