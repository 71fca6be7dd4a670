"""The model of the disk: what is certain is certain, the rest is not."""
import random
import struct
import unittest

from powerloss import PAGE, RECORD, SECTOR, SYNCED, SYNC_FAILED, TRUNCATED, UNLINKED, WROTE, Disk, File, records


def record(kind, path, offset=0, data=b''):
    return RECORD.pack(kind, len(path), offset, len(data)) + path.encode() + data


class PowerLoss(unittest.TestCase):
    def left(self, change):
        """What may be left of a file of a page of As, synced, that `change` then changes."""
        found = set()
        for seed in range(200):
            rng, f = random.Random(seed), File()
            f.write(0, b'A' * PAGE)
            f.sync()
            change(f, rng)
            f.power_loss(rng)
            found.add(bytes(f.cache))
        return found

    def test_what_was_synced_stays(self):
        self.assertEqual(self.left(lambda f, rng: (f.write(0, b'B' * PAGE), f.sync())), {b'B' * PAGE})

    def test_what_was_not_may_stay_go_or_be_torn(self):
        found = self.left(lambda f, rng: f.write(0, b'B' * PAGE))
        self.assertLessEqual({b'A' * PAGE, b'B' * PAGE}, found)
        self.assertGreater(len(found), 10)
        for one in found:
            for s in range(0, PAGE, SECTOR):
                self.assertIn(one[s:s + SECTOR], (b'A' * SECTOR, b'B' * SECTOR))

    def test_a_later_sync_does_not_make_good_for_one_that_failed(self):
        found = self.left(lambda f, rng: (f.write(0, b'B' * PAGE), f.sync_failed(rng), f.sync()))
        self.assertIn(b'A' * PAGE, found)

    def test_writing_it_again_does(self):
        found = self.left(lambda f, rng: (f.write(0, b'B' * PAGE), f.sync_failed(rng), f.write(0, b'B'), f.sync()))
        self.assertEqual(found, {b'B' * PAGE})

    def test_records(self):
        rng = random.Random(1)
        d = Disk('/x', rng)
        whole = (record(WROTE, '/x', 2, b'abc') + record(SYNCED, '/x') + record(WROTE, '/y', 0, b'1') +
                 record(SYNC_FAILED, '/y') + record(TRUNCATED, '/x', 4) + record(UNLINKED, '/y'))
        d.follow(whole + record(WROTE, '/x', 0, b'torn')[:-1])
        self.assertEqual(list(d.files), ['/x'])
        self.assertEqual(d.files['/x'].cache, b'\0\0ab')
        self.assertEqual(d.files['/x'].disk, b'\0\0ab')
        self.assertEqual(len(list(records(whole))), 6)


if __name__ == '__main__':
    unittest.main(verbosity=2)
