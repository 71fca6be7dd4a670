"""What was acknowledged is there after the process is killed, whenever that is.

Writers change objects as fast as they can; the server is killed at a random moment and started again on the same
data. Then every acknowledged write must be there (or a later one of the same object), no version may be given out
twice, and a watch from before the crash must see each change once, in order. ROUNDS says how often.
"""
import http.client
import json
import os
import random
import shutil
import tempfile
import threading
import time
import unittest

import harness

ROUNDS = int(os.environ.get('ROUNDS', '5'))
WRITERS = 4
PATH = '/api/v1/namespaces/default/configmaps'


class Writer(threading.Thread):
    """Owns one object; writes down what was acknowledged."""

    def __init__(self, server, name, start):
        super().__init__(daemon=True)
        self.server, self.name_, self.n = server, name, start
        self.acknowledged = []  # (value, version)
        self.sent = start

    def run(self):
        c = self.server.connect()
        try:
            while True:
                self.n += 1
                self.sent = self.n
                body = json.dumps({'metadata': {'name': self.name_}, 'data': {'n': str(self.n)}})
                c.request('PATCH', f'{PATH}/{self.name_}', body, {'Content-Type': 'application/merge-patch+json'})
                r = c.getresponse()
                o = json.loads(r.read())
                if r.status not in (200, 201):
                    raise AssertionError(o)
                self.acknowledged.append((self.n, int(o['metadata']['resourceVersion'])))
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            c.close()  # the server is gone


class Durability(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix='coxswain-api-')
        self.addCleanup(shutil.rmtree, self.data, True)

    def round(self, i, state, versions):
        s = harness.Server(data_dir=self.data)
        writers = []
        try:
            listed = self.check_state(s, state, versions)
            for k in range(WRITERS):
                name = f'w{k}'
                if not any(o['metadata']['name'] == name for o in listed['items']):
                    s.json('POST', PATH, {'metadata': {'name': name}, 'data': {'n': '0'}})
            writers = [Writer(s, f'w{k}', state.get(f'w{k}', (1, 0))[0]) for k in range(WRITERS)]
            for w in writers:
                w.start()
            time.sleep(random.uniform(0.02, 0.5))
        finally:
            s.stop(kill=True)
        for w in writers:
            w.join(30)
            for value, version in w.acknowledged:
                self.assertNotIn(version, versions, 'a version was given out twice')
                versions.add(version)
            if w.acknowledged:
                self.assertEqual(w.acknowledged, sorted(w.acknowledged))
            # the last write may be there without having been acknowledged
            state[w.name_] = (w.sent, w.acknowledged[-1][0] if w.acknowledged else state.get(w.name_, (1, 0))[1])

    def check_state(self, s, state, versions):
        listed = s.json('GET', PATH)[1]
        found = {o['metadata']['name']: o for o in listed['items']}
        for name, (sent, acknowledged) in state.items():
            value = int(found[name]['data']['n'])
            self.assertTrue(acknowledged <= value <= sent, f'{name}: {acknowledged} was acknowledged, {value} is there')
            state[name] = (value if value > 1 else 1, value)
        self.assertGreaterEqual(int(listed['metadata']['resourceVersion']), max(versions, default=0))
        return listed

    def test_acknowledged_writes_outlive_kills(self):
        state, versions = {}, set()
        for i in range(ROUNDS):
            self.round(i, state, versions)
        s = harness.Server(data_dir=self.data)
        self.check_state(s, state, versions)
        s.stop()
        self.assertGreater(len(versions), ROUNDS)

    def test_a_watch_goes_on_after_a_kill(self):
        s = harness.Server(data_dir=self.data)
        try:
            s.json('POST', PATH, {'metadata': {'name': 'w0'}, 'data': {'n': '1'}})
            version = s.json('GET', PATH)[1]['metadata']['resourceVersion']
            w = Writer(s, 'w0', 1)
            w.start()
            time.sleep(0.3)
        finally:
            s.stop(kill=True)
        w.join(30)
        s = harness.Server(data_dir=self.data)
        try:
            c = s.connect()
            c.request('GET', f'{PATH}?watch=1&resourceVersion={version}&timeoutSeconds=2')
            events = [json.loads(line) for line in c.getresponse().read().splitlines()]
            c.close()
        finally:
            s.stop()
        seen = [(int(e['object']['data']['n']), int(e['object']['metadata']['resourceVersion'])) for e in events]
        self.assertTrue(w.acknowledged)
        self.assertEqual(seen[:len(w.acknowledged)], w.acknowledged)
        self.assertLessEqual(len(seen), len(w.acknowledged) + 1)


if __name__ == '__main__':
    harness.main()
