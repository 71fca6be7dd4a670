"""The files that tidy looks at, and their code without comments and literals."""
import os
import re
import subprocess

SPLIT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.S)
EXEMPT = re.compile(r'tidy: (\w+) because \w')


def blank(m):
    """Spaces instead of text, so that lines and columns stay; quotes and newlines stay."""
    s = m.group(0)
    keep = s[0] if s[0] in '"\'' else ' '
    return keep + re.sub(r'[^\n]', ' ', s[1:-1]) + keep if len(s) > 1 else ' '


class File:
    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.split('\n')
        if self.lines and self.lines[-1] == '':
            self.lines.pop()
        self.suffix = os.path.splitext(path)[1]
        self.is_c = self.suffix in ('.c', '.h')
        self.code = SPLIT.sub(blank, text).split('\n') if self.is_c else self.lines

    @property
    def folder(self):
        """Folder of src/ it belongs to, or ''."""
        parts = self.path.split('/')
        return parts[1] if parts[0] == 'src' and len(parts) > 2 else ''

    def exempt(self, rule, line):
        """Whether this line (from 1) or one of the two before it says `tidy: RULE because …`."""
        return any(m.group(1) == rule for i in range(max(0, line - 3), min(line, len(self.lines)))
                   for m in EXEMPT.finditer(self.lines[i]))


def paths(root):
    """Files of the repository: those git knows or would add; all of them where there is no git."""
    try:
        out = subprocess.run(['git', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                             check=True, capture_output=True).stdout
        return sorted({p for p in out.decode().split('\0') if p and os.path.isfile(os.path.join(root, p))})
    except (OSError, subprocess.CalledProcessError):
        found = []
        for base, dirs, names in os.walk(root):
            dirs[:] = [d for d in dirs if not d.startswith('.') and d not in ('build', '__pycache__')]
            found += [os.path.relpath(os.path.join(base, n), root) for n in names]
        return sorted(found)


def load(root, suffixes):
    """[File] with text; undecodable files come with text None."""
    out = []
    for p in paths(root):
        if os.path.splitext(p)[1] in suffixes or os.path.basename(p) in ('run', 'meson.build', 'meson_options.txt'):
            with open(os.path.join(root, p), 'rb') as fh:
                out.append(File(p, fh.read().decode('utf-8', 'surrogateescape')))
    return out
