"""C names for API names."""
import re

KEYWORDS = set('auto break case char const continue default do double else enum extern float for goto if inline int '
               'long register restrict return short signed sizeof static struct switch typedef union unsigned void '
               'volatile while linux unix bool true false'.split())
WORD = re.compile(r'[A-Z]{2,}s(?=[A-Z]|$)|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*|[0-9]+')


def snake(name):
    words = WORD.findall(re.sub(r'[^A-Za-z0-9]+', '_', name))
    return '_'.join(w.lower() for w in words)


def member(name):
    s = snake(name)
    return s + '_' if s in KEYWORDS else s


def type_name(t, hub_names):
    """struct name of a Type: prefix, version when the hub has a namesake, name."""
    gv = t.gv
    version = '' if gv.hub or (gv.served and t.name not in hub_names.get(gv.group, ())) else f'_{gv.version}'
    return f'{gv.prefix}{version}_{snake(t.name)}'
