"""What was acknowledged is there after kills, on a disk that fails, on a full disk, and when the power is lost.

Clients write and watch as fast as they can over many lives of a server on the same data; history.py judges what
they were told. ROUNDS: lives of each test. SEED repeats what is random here.
"""
import ctypes
import mmap
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'api'))
import harness  # noqa: E402
from clients import MAPS, Renewer, Watch, Writer  # noqa: E402
from history import Watcher, check, check_list  # noqa: E402
from powerloss import CONTROL, Disk  # noqa: E402

ROUNDS = int(os.environ.get('ROUNDS', '6'))
SEED = os.environ.get('SEED', 'coxswain')
FAULTS = os.environ.get('FAULTS', 'build/release/test/durability/faults.so')
WRITERS, WATCHERS = 5, 3
RECOVERY_SECONDS = 15


def wait(what, seconds=RECOVERY_SECONDS):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise AssertionError(f'not within {seconds} s')
        time.sleep(0.01)


class Lives(unittest.TestCase):
    """A server's data and its history over many lives."""
    faulty = False

    def setUp(self):
        self.rng = random.Random(f'{SEED} {self.id()}')
        self.data = tempfile.mkdtemp(prefix='coxswain-durability-')
        self.addCleanup(shutil.rmtree, self.data, True)
        self.env = {}
        self.life, self.writes, self.lease_versions, self.lists = 0, [], set(), []
        self.watchers = None
        self.refused = 0

    def start(self):
        return harness.Server(data_dir=self.data, env=self.env)

    def list(self, s):
        status, got = s.json('GET', MAPS)
        self.assertEqual(status, 200, got)
        state = {o['metadata']['name']: (int(o['metadata']['resourceVersion']), o['data']['v']) for o in got['items']}
        return int(got['metadata']['resourceVersion']), state

    def live(self, during, end):
        """One life: clients at work while during(server) runs; end(server) ends it."""
        s = self.start()
        clients = []
        try:
            version, state = self.list(s)
            self.lists.append((version, state))
            if self.watchers is None:
                self.at_first, self.watchers = state, [Watcher(version) for _ in range(WATCHERS)]
            self.life += 1
            writers = [Writer(s, k, self.life, self.faulty) for k in range(WRITERS)]
            renewer = Renewer(s, self.life)
            clients = writers + [renewer] + [Watch(s, w) for w in self.watchers]
            for c in clients:
                c.start()
            during(s)
        finally:
            for c in clients:
                c.stopping = True
            end(s)
        for c in clients:
            c.join(30)
            self.assertFalse(c.is_alive())
            if c.failure:
                raise c.failure
        for w in writers:
            self.writes += w.acknowledged
            self.refused += w.refused
        given = set(renewer.versions)
        self.assertFalse(given & self.lease_versions, 'a version was given out twice')
        self.lease_versions |= given

    def kill(self, s):
        s.stop(kill=True)

    def judge(self):
        """Lets all watchers see the end, then judges."""
        s = self.start()
        watches = []
        try:
            status, o = s.json('POST', MAPS, {'metadata': {'generateName': 'end-'}, 'data': {'v': 'end'}})
            self.assertEqual(status, 201, o)
            last = int(o['metadata']['resourceVersion'])
            watches = [Watch(s, w) for w in self.watchers]
            for w in watches:
                w.start()
            wait(lambda: all(w.reached() >= last or x.failure for w, x in zip(self.watchers, watches)))
            self.lists.append(self.list(s))
        finally:
            s.stop(check=False)
        for w in watches:
            w.join(30)
            if w.failure:
                raise w.failure
        whole = check(self.at_first, self.watchers, self.writes, self.lease_versions)
        for version, state in self.lists:
            if version >= whole.reached():
                check_list(self.at_first, whole, version, state)
            else:
                self.assertEqual(state, self.state_at(whole, version))
        print(f'{self.id()}: {self.life} lives, {len(self.writes)} writes and {len(self.lease_versions)} renewals '
              f'acknowledged, {self.refused} refused, {len(whole.events)} changes seen by {WATCHERS} watchers')
        self.assertGreater(len(self.writes), self.life)

    def state_at(self, whole, version):
        part = Watcher(whole.after)
        part.events = [e for e in whole.events if e.version <= version]
        from history import state_at
        return state_at(self.at_first, part, version)


class Kills(Lives):
    def test_acknowledged_writes_outlive_kills(self):
        for _ in range(ROUNDS):
            self.live(lambda s: time.sleep(self.rng.uniform(0.02, 0.5)), self.kill)
        self.judge()


class FailingDisk(Lives):
    """With faults.c between the server and its files."""
    faulty = True
    mixes = ((1000, 0, 0, 0), (300, 0, 0, 0), (0, 300, 0, 0), (0, 0, 500, 0), (0, 0, 0, 1000), (100, 100, 100, 100))

    def setUp(self):
        super().setUp()
        self.assertTrue(os.path.exists(FAULTS), f'{FAULTS} is not built')
        self.trace = os.path.join(self.data, 'trace')
        path = os.path.join(self.data, 'control')
        with open(path, 'wb') as f:
            f.write(CONTROL.pack(0, 0, 0, 0, self.rng.getrandbits(60) | 1, 0))
        with open(path, 'r+b') as f:
            self.control = mmap.mmap(f.fileno(), CONTROL.size)
        self.addCleanup(self.control.close)
        self.prefix = os.path.join(self.data, 'state.db')
        self.env = dict(LD_PRELOAD=os.path.abspath(FAULTS), FAULTS_FILES=self.prefix, FAULTS_CONTROL=path,
                        FAULTS_TRACE=self.trace)
        self.disk = Disk(self.prefix, self.rng)

    def faults(self, *chances):
        for i, chance in enumerate(chances):
            self.control[4 * i:4 * i + 4] = chance.to_bytes(4, 'little')

    def injected(self):
        return CONTROL.unpack(self.control[:])[5]

    def writes_work(self, s):
        status, got = s.json('PATCH', f'{MAPS}/shared', {'data': {'w': str(time.monotonic())}},
                             {'Content-Type': 'application/merge-patch+json'})
        return status in (200, 404)

    def trouble(self, s):
        """The disk fails for a while; then it must work again by itself, and reads work all the time."""
        time.sleep(self.rng.uniform(0.02, 0.1))
        before = self.injected()
        self.faults(*self.rng.choice(self.mixes))
        end = time.monotonic() + self.rng.uniform(0.05, 0.4)
        while time.monotonic() < end:
            self.list(s)
        self.faults(0, 0, 0, 0)
        self.assertGreater(self.injected(), before, 'no fault was tried')
        wait(lambda: self.writes_work(s))
        time.sleep(self.rng.uniform(0.0, 0.1))

    def trouble_to_the_end(self, s):
        """Killed while the disk fails."""
        time.sleep(self.rng.uniform(0.02, 0.1))
        self.faults(*self.rng.choice(self.mixes))
        time.sleep(self.rng.uniform(0.02, 0.2))

    def end(self, s):
        s.stop(kill=self.rng.random() < 0.8, check=False)
        self.faults(0, 0, 0, 0)
        self.follow()

    def follow(self):
        with open(self.trace, 'rb') as f:
            self.disk.follow(f.read())
        os.remove(self.trace)
        self.disk.take_cache()

    def lose_power(self, s):
        self.end(s)
        self.disk.power_loss()

    def start(self):
        """Now and then the disk fails while it starts: then it says so and ends, or starts all the same."""
        if self.life and self.rng.random() < 0.2:
            self.faults(*self.rng.choice(self.mixes))
            try:
                harness.Server(data_dir=self.data, env=self.env).stop(kill=True)
            except RuntimeError as e:
                self.assertRegex(str(e), 'state.db')
            self.faults(0, 0, 0, 0)
        return super().start()

    def test_acknowledged_writes_outlive_failing_writes_and_syncs(self):
        for _ in range(ROUNDS):
            self.live(self.rng.choice((self.trouble, self.trouble_to_the_end)), self.end)
        self.judge()

    def test_acknowledged_writes_outlive_the_loss_of_power(self):
        for _ in range(ROUNDS):
            self.live(lambda s: time.sleep(self.rng.uniform(0.02, 0.4)), self.lose_power)
        self.judge()

    def test_acknowledged_writes_outlive_the_loss_of_power_on_a_failing_disk(self):
        for _ in range(ROUNDS):
            self.live(self.rng.choice((self.trouble, self.trouble_to_the_end)),
                      self.rng.choice((self.lose_power, self.end)))
        self.judge()


class FullDisk(Lives):
    """A file system of its own, that really has no room."""
    faulty = True

    def setUp(self):
        super().setUp()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x00020000) != 0:  # CLONE_NEWNS: the mount goes with this process
            self.skipTest('mounting needs root')
        subprocess.run(['mount', '--make-rprivate', '/'], check=True)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', self.data], check=True)
        self.addCleanup(subprocess.run, ['umount', '-l', self.data], check=True)

    def fill_up(self, s):
        ballast = os.path.join(self.data, 'ballast')
        time.sleep(self.rng.uniform(0.02, 0.1))
        try:
            with open(ballast, 'wb', buffering=0) as f:
                while f.write(b'x' * 65536):
                    pass
        except OSError:
            pass
        refusal = {}

        def refused():
            status, got = s.json('POST', MAPS, {'metadata': {'generateName': 'full-'}, 'data': {'v': 'z' * 100000}})
            refusal.update(got)
            return status >= 500
        wait(refused)
        self.assertEqual(refusal['kind'], 'Status')
        self.assertRegex(refusal['message'], 'full|no space|No space')
        self.list(s)  # reads go on
        os.remove(ballast)
        wait(lambda: s.json('PATCH', f'{MAPS}/shared', {'data': {'w': 'x'}},
                            {'Content-Type': 'application/merge-patch+json'})[0] in (200, 404))
        time.sleep(self.rng.uniform(0.0, 0.1))

    def test_a_full_disk_refuses_writes_and_recovers(self):
        for _ in range(max(2, ROUNDS // 3)):
            self.live(self.fill_up, self.kill)
        self.judge()


if __name__ == '__main__':
    harness.main()
