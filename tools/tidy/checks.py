"""Checks of single files. Each yields (line, rule, text); a rule that begins with '~' only warns."""
import re

import rules

CALL = re.compile(r'(?<![\w.>])([a-z_]\w*)\s*\(')
FUNCTION = re.compile(r'^[A-Za-z_][^;=]*\)\s*\{$')
# an allocating call, and what its result is assigned to on the same line
ALLOCATION = re.compile(r'(?:([\w.>*\[\]-]+)\s*=[^=;]*?)?\b(?:' + '|'.join(rules.ALLOCATING_CALLS) + r')\s*\(')


def text(f):
    """White space, encoding, line length."""
    limit = rules.LINE_MAX.get(f.suffix)
    for i, line in enumerate(f.lines, 1):
        if line != line.rstrip():
            yield i, 'space', 'white space at the end of the line'
        if '\t' in line and f.suffix in ('.c', '.h', '.py'):
            yield i, 'space', 'a tab'
        if limit and len(line) > limit:
            yield i, 'line', f'{len(line)} characters, at most {limit}'
        if any('\ud800' <= c <= '\udfff' for c in line):
            yield i, 'text', 'not UTF-8'
    if f.text and not f.text.endswith('\n'):
        yield len(f.lines), 'space', 'no newline at the end of the file'
    if f.text.endswith('\n\n'):
        yield len(f.lines), 'space', 'empty lines at the end of the file'


def words(f):
    for i, line in enumerate(f.lines, 1):
        m = rules.WORDS.search(line)
        if m:
            yield i, 'word', f'"{m.group(0)}" has no place here'
        m = None if rules.HOSTS_FREE.search(f.path) else rules.HOSTS.search(line)
        if m:
            yield i, 'host', f'names a registry or a download: {m.group(0)}'


def header(f):
    """The opening comment, and #pragma once."""
    if not f.is_c:
        return
    if not f.text.startswith('/*'):
        yield 1, 'header', 'the file does not begin with a comment that says what it is for'
    if f.suffix == '.h' and not any(line == '#pragma once' for line in f.lines):
        yield 1, 'header', 'no #pragma once'


def size(f):
    if f.suffix not in ('.c', '.h', '.py'):
        return
    n = len(f.lines)
    if n > rules.FILE_MAX:
        yield n, 'file', f'{n} lines, at most {rules.FILE_MAX}'
    elif n > rules.FILE_WARN:
        yield n, '~file', f'{n} lines; look for a seam beyond {rules.FILE_WARN}'


def functions(f):
    """(first line, last line) of every function: from its signature to the brace in column one."""
    start = None
    for i, line in enumerate(f.code, 1):
        if start is None and FUNCTION.match(line.rstrip()):
            start = i
        elif start is None and line and line[0] in ' ' and line.rstrip().endswith(') {'):
            j = i - 1  # a signature of several lines
            while j > 0 and f.code[j - 1][:1] == ' ':
                j -= 1
            head = f.code[j - 1] if j > 0 else ''
            if re.match(r'^[A-Za-z_][^;={]*\($|^[A-Za-z_][^;={]*\([^;{]*$', head):
                start = j
        elif start is not None and line.startswith('}'):
            yield start, i
            start = None


def function_size(f):
    if f.suffix != '.c':
        return
    for first, last in functions(f):
        n = last - first + 1
        if n > rules.FUNCTION_MAX:
            if not any('tidy: long because' in line for line in f.lines[max(0, first - 4):last]):
                yield first, 'long', f'a function of {n} lines, at most {rules.FUNCTION_MAX}'
        elif n > rules.FUNCTION_WARN:
            yield first, '~long', f'a function of {n} lines'


def calls(f):
    if not f.is_c:
        return
    for i, line in enumerate(f.code, 1):
        for m in CALL.finditer(line):
            name = m.group(1)
            before = line[:m.start()].rstrip()
            if before.endswith('struct') or re.search(r'\b(?!return\b|else\b|case\b)\w+[ *]*$', before):
                continue  # a declaration of that name
            if name in rules.BANNED_CALLS:
                yield i, 'call', f'{name}: use {rules.BANNED_CALLS[name]}'
            only = rules.RESTRICTED_CALLS.get(name)
            if only and f.folder and f.folder not in only:
                yield i, 'call', f'{name} belongs into {", ".join(sorted(only))}/'


def allocations(f):
    """What malloc and its like return is looked at within the next lines."""
    if not f.is_c:
        return
    for i, line in enumerate(f.code, 1):
        m = ALLOCATION.search(line)
        if not m or line.lstrip().startswith('#'):
            continue
        if m.group(1) is None:
            if not re.search(r'\b(?:if|return|check)\b', line[:m.start()]) and '(*' not in line:
                yield i, 'alloc', 'the result is not kept'
            continue
        name = re.escape(m.group(1).lstrip('*'))
        after = '\n'.join(f.code[i - 1:i + 6])
        if not re.search(rf'!\s*\(?\*?{name}\b|{name}\s*[!=]=\s*NULL|\b(?:check|assert\w*)\([^;]*{name}\b|'
                         rf'if \({name}\)|return {name};', after):
            yield i, 'alloc', f'{m.group(1)} may be NULL'


ALL = (text, words, header, size, function_size, calls, allocations)
