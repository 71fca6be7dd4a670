"""What is left of files when the power goes: a model of the page cache and the disk below it.

It follows the records that faults.c wrote. What was written is in the cache; a sync brings a file's changed pages to
the disk. A sync that failed leaves the pages clean and perhaps never written, as Linux does: a later sync does not
bring them to the disk unless they are written again. When the power goes, each changed page may have reached the
disk, or not, or in part: sector by sector.
"""
import os
import struct

PAGE, SECTOR = 4096, 512
WROTE, SYNCED, SYNC_FAILED, TRUNCATED, UNLINKED = 1, 2, 3, 4, 5
RECORD = struct.Struct('=IIQQ')
CONTROL = struct.Struct('=IIIIQQ')


def records(data):
    """(type, path, offset, bytes) of each whole record."""
    at = 0
    while at + RECORD.size <= len(data):
        kind, path_bytes, offset, n = RECORD.unpack_from(data, at)
        body = n if kind == WROTE else 0
        end = at + RECORD.size + path_bytes + body
        if end > len(data):
            return  # the process was killed while it wrote this one
        path = data[at + RECORD.size:at + RECORD.size + path_bytes].decode()
        yield kind, path, offset, data[end - body:end]
        at = end


class File:
    def __init__(self):
        self.cache, self.disk = bytearray(), bytearray()
        self.changed = set()  # pages

    def write(self, offset, data):
        end = offset + len(data)
        if len(self.cache) < end:
            self.cache.extend(bytes(end - len(self.cache)))
        self.cache[offset:end] = data
        if data:
            self.changed.update(range(offset // PAGE, (end - 1) // PAGE + 1))

    def truncate(self, size):
        if size <= len(self.cache):
            del self.cache[size:]
        else:
            self.cache.extend(bytes(size - len(self.cache)))
        self.changed = {p for p in self.changed if p * PAGE < size}
        # Sizes are in the file system's journal: they reach the disk in order, if late.
        if len(self.disk) > size:
            del self.disk[size:]

    def _to_disk(self, start, end):
        end = min(end, len(self.cache))
        if start >= end:
            return
        if len(self.disk) < end:
            self.disk.extend(bytes(end - len(self.disk)))
        self.disk[start:end] = self.cache[start:end]

    def sync(self):
        for p in self.changed:
            self._to_disk(p * PAGE, (p + 1) * PAGE)
        self.changed.clear()
        if len(self.disk) < len(self.cache):
            self.disk.extend(bytes(len(self.cache) - len(self.disk)))

    def sync_failed(self, rng):
        for p in sorted(self.changed):
            self._perhaps(p, rng)
        self.changed.clear()

    def _perhaps(self, page, rng):
        fate = rng.choice(('kept', 'lost', 'torn'))
        if fate == 'kept':
            self._to_disk(page * PAGE, (page + 1) * PAGE)
        elif fate == 'torn':
            for s in range(page * PAGE, (page + 1) * PAGE, SECTOR):
                if rng.random() < 0.5:
                    self._to_disk(s, s + SECTOR)

    def power_loss(self, rng):
        for p in sorted(self.changed):
            self._perhaps(p, rng)
        self.changed.clear()
        self.cache = bytearray(self.disk)


class Disk:
    """The files whose path begins with a prefix."""

    def __init__(self, prefix, rng):
        self.prefix, self.rng, self.files = prefix, rng, {}

    def follow(self, trace):
        for kind, path, offset, data in records(trace):
            if kind == UNLINKED:
                self.files.pop(path, None)
                continue
            f = self.files.setdefault(path, File())
            if kind == WROTE:
                f.write(offset, data)
            elif kind == SYNCED:
                f.sync()
            elif kind == SYNC_FAILED:
                f.sync_failed(self.rng)
            else:
                f.truncate(offset)

    def take_cache(self):
        """A process that was killed may have written something without a record: the files are the cache."""
        for path, f in self.files.items():
            with open(path, 'rb') as real:
                data = real.read()
            if len(data) < len(f.cache):
                f.truncate(len(data))
            for p in range(0, len(data), PAGE):
                if f.cache[p:p + PAGE] != data[p:p + PAGE]:
                    f.write(p, data[p:p + PAGE])

    def power_loss(self):
        """The files become what is left of them."""
        for path, f in self.files.items():
            f.power_loss(self.rng)
            with open(path, 'wb') as real:
                real.write(f.cache)
        # SQLite's index of its log is not kept on purpose; every opening makes it anew.
        shm = self.prefix + '-shm'
        if os.path.exists(shm):
            os.remove(shm)
