"""The judge of histories must be able to say no."""
import unittest

from history import Acknowledged, Broken, Event, Watcher, check, check_list


def watcher(*events, after=0):
    w = Watcher(after)
    w.events = [Event(*e) for e in events]
    return w


GOOD = [(1, 'ADDED', 'a', '1'), (2, 'MODIFIED', 'a', '2'), (4, 'ADDED', 'b', '1'), (5, 'DELETED', 'a', '2')]


class History(unittest.TestCase):
    def broken(self, text, *args):
        with self.assertRaisesRegex(Broken, text):
            check(*args)

    def test_a_good_one(self):
        writes = [Acknowledged(*e) for e in GOOD[:3]]
        check({}, [watcher(*GOOD), watcher(*GOOD[1:3], after=1)], writes, {3})

    def test_a_lost_write(self):
        self.broken('acknowledged and never seen', {}, [watcher(*GOOD)], [Acknowledged(3, 'ADDED', 'c', '1')])
        self.broken('the history ends', {}, [watcher(*GOOD)], [Acknowledged(6, 'ADDED', 'c', '1')])

    def test_a_lost_deletion(self):
        check({}, [watcher(*GOOD)], [Acknowledged(2, 'DELETED', 'a', None)])
        self.broken('acknowledged and never seen', {}, [watcher(*GOOD)], [Acknowledged(4, 'DELETED', 'b', None)])

    def test_another_value(self):
        self.broken('was acknowledged, ', {}, [watcher(*GOOD)], [Acknowledged(2, 'MODIFIED', 'a', '3')])

    def test_a_version_twice(self):
        a = Acknowledged(*GOOD[0])
        self.broken('twice', {}, [watcher(*GOOD)], [a, a])
        self.broken('twice', {}, [watcher(*GOOD)], [], {4})
        self.broken('twice', {}, [watcher(*GOOD)], [a], {1})

    def test_an_event_twice(self):
        self.broken('after version', {}, [watcher(GOOD[0], GOOD[0])], [])

    def test_events_out_of_order(self):
        self.broken('after version', {}, [watcher(GOOD[1], GOOD[0])], [])

    def test_an_event_that_one_watcher_missed(self):
        self.broken('one watcher saw', {}, [watcher(*GOOD), watcher(GOOD[0], GOOD[2])], [])
        self.broken('one watcher saw', {}, [watcher(*GOOD), watcher(GOOD[1], after=0)], [])

    def test_an_object_that_comes_twice_or_goes_without_having_been(self):
        self.broken('object was there', {}, [watcher(GOOD[0], (2, 'ADDED', 'a', '1'))], [])
        self.broken('object was not there', {}, [watcher((1, 'DELETED', 'a', '1'))], [])
        self.broken('object was there', {'a': (1, '1')}, [watcher((2, 'ADDED', 'a', '1'), after=1)], [])

    def test_lists(self):
        w = watcher(*GOOD)
        check_list({}, w, 7, {'b': (4, '1')})
        with self.assertRaisesRegex(Broken, 'in the list'):
            check_list({}, w, 7, {'b': (4, '1'), 'a': (2, '2')})
        with self.assertRaisesRegex(Broken, 'in the list'):
            check_list({}, w, 7, {})
        with self.assertRaisesRegex(Broken, 'older'):
            check_list({}, w, 4, {'b': (4, '1'), 'a': (2, '2')})


if __name__ == '__main__':
    unittest.main(verbosity=2)
