"""Judges a history: what clients were told, and what watchers saw, of one resource over many lives of a server.

The rules are those of a store that keeps its word:
- what was acknowledged was seen by whoever watches, with the version and the value that were acknowledged;
- no version is given out twice, whatever for;
- a watcher sees every change after the version it began at, once, in the order of versions;
- changes of an object follow one upon the other: created when it was not there, changed or deleted when it was;
- a list shows the state that the changes up to its version make.
"""


class Broken(AssertionError):
    """A rule was broken; the text says which and where."""


class Event:
    def __init__(self, version, kind, name, value):
        self.version, self.kind, self.name, self.value = version, kind, name, value

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __repr__(self):
        return f'{self.version}:{self.kind} {self.name}={self.value}'


class Acknowledged:
    """A write that the server said it had done. kind: ADDED, MODIFIED or DELETED; a deletion has the version that the
    object had before, as the answer says no other."""

    def __init__(self, version, kind, name, value):
        self.version, self.kind, self.name, self.value = version, kind, name, value

    def __repr__(self):
        return f'{self.version}:{self.kind} {self.name}={self.value}'


class Watcher:
    """What one watcher saw after a version; it may have begun again where it was, many times."""

    def __init__(self, after):
        self.after, self.events = after, []

    def reached(self):
        return self.events[-1].version if self.events else self.after


def check_order(watcher):
    last = watcher.after
    for e in watcher.events:
        if e.version <= last:
            raise Broken(f'a watcher saw {e} after version {last}')
        last = e.version


def check_same(watcher, whole):
    """whole: the events of the watcher that saw most. This one must have seen the same, as far as it came."""
    part = [e for e in whole.events if watcher.after < e.version <= watcher.reached()]
    for mine, theirs in zip(watcher.events, part):
        if mine != theirs:
            raise Broken(f'one watcher saw {mine}, another {theirs}')
    if len(watcher.events) != len(part):
        raise Broken(f'one watcher saw {len(watcher.events)} changes between {watcher.after} and '
                     f'{watcher.reached()}, another {len(part)}')


def check_objects(whole, at_first):
    """at_first: names that were there when the watcher began."""
    there = set(at_first)
    for e in whole.events:
        if (e.kind == 'ADDED') == (e.name in there):
            raise Broken(f'{e}, but the object was {"" if e.name in there else "not "}there')
        if e.kind == 'DELETED':
            there.discard(e.name)
        else:
            there.add(e.name)


def check_acknowledged(writes, whole, others):
    """others: versions given out for other resources, which nothing here may have."""
    seen = {e.version: e for e in whole.events}
    deleted, last = set(), {}
    for e in whole.events:
        if e.kind == 'DELETED' and e.name in last:
            deleted.add((e.name, last[e.name]))
        last[e.name] = e.version
    given = set()
    for w in writes:
        if w.kind == 'DELETED':
            if (w.name, w.version) not in deleted:
                raise Broken(f'the deletion of {w.name} at version {w.version} was acknowledged and never seen')
            continue
        if w.version in given or w.version in others:
            raise Broken(f'version {w.version} was given out twice: {w}')
        given.add(w.version)
        if w.version > whole.reached():
            raise Broken(f'{w} was acknowledged; the history ends at {whole.reached()}')
        e = seen.get(w.version)
        if e is None:
            raise Broken(f'{w} was acknowledged and never seen')
        if (e.kind, e.name, e.value) != (w.kind, w.name, w.value):
            raise Broken(f'{w} was acknowledged, {e} was seen')
    for version in others & set(seen):
        raise Broken(f'version {version} was given out twice: {seen[version]}, and for another resource')


def state_at(at_first, whole, version):
    """name → (version, value)"""
    state = dict(at_first)
    for e in whole.events:
        if e.version > version:
            break
        if e.kind == 'DELETED':
            state.pop(e.name, None)
        else:
            state[e.name] = (e.version, e.value)
    return state


def check_list(at_first, whole, version, listed):
    """listed: name → (version, value), of a list at that version."""
    if version < whole.reached():
        raise Broken(f'a list at {version} is older than what was seen: {whole.reached()}')
    want = state_at(at_first, whole, version)
    for name in sorted(set(want) | set(listed)):
        if want.get(name) != listed.get(name):
            raise Broken(f'{name} is {listed.get(name)} in the list, {want.get(name)} by the changes')


def check(at_first, watchers, writes, others=frozenset()):
    """All rules but that of lists. The watchers began at the same state, at_first."""
    whole = max(watchers, key=Watcher.reached)
    for w in watchers:
        check_order(w)
        check_same(w, whole)
    check_objects(whole, at_first)
    check_acknowledged(writes, whole, others)
    return whole
