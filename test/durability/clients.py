"""Clients that write and watch as fast as they can, and write down what they were told."""
import http.client
import json
import random
import threading

from history import Acknowledged, Event

MAPS = '/api/v1/namespaces/default/configmaps'
LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
NAMES = 3  # objects of each writer
GONE = (OSError, http.client.HTTPException, json.JSONDecodeError, ValueError)  # the server was killed


class Client(threading.Thread):
    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.failure, self.stopping = server, None, False

    def run(self):
        c = self.server.connect(timeout=20)
        try:
            while not self.stopping:
                self.step(c)
        except GONE:
            pass
        except Exception as e:  # told to the test
            self.failure = e
        finally:
            c.close()

    def step(self, c):
        raise NotImplementedError

    @staticmethod
    def ask(c, method, path, body=None, content='application/json'):
        c.request(method, path, json.dumps(body) if body else None, {'Content-Type': content})
        r = c.getresponse()
        return r.status, json.loads(r.read())


class Writer(Client):
    """Creates, replaces, patches and deletes objects of its own, and one that all share."""

    def __init__(self, server, number, life, faulty):
        super().__init__(server)
        self.names = [f'w{number}-{i}' for i in range(NAMES)] + ['shared']
        self.rng = random.Random(f'{number} {life}')
        self.prefix, self.count, self.faulty = f'{life}.{number}.', 0, faulty
        self.versions = {}  # name → version, as far as known
        self.acknowledged, self.refused = [], 0

    def step(self, c):
        name = self.rng.choice(self.names)
        if name not in self.versions:
            status, o = self.ask(c, 'GET', f'{MAPS}/{name}')
            self.expect(status, o, 200, 404)
            self.versions[name] = o['metadata']['resourceVersion'] if status == 200 else None
        self.count += 1
        value = self.prefix + str(self.count)
        self.write(c, name, value, self.versions.pop(name))

    def write(self, c, name, value, version):
        o = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}, 'data': {'v': value, 'x': 'y' * 300}}
        how = self.rng.random()
        if version is None:
            kind, (status, got) = 'ADDED', self.ask(c, 'POST', MAPS, o)
        elif how < 0.15 and name != 'shared':
            precondition = {'preconditions': {'resourceVersion': version}}
            kind, (status, got) = 'DELETED', self.ask(c, 'DELETE', f'{MAPS}/{name}', precondition)
        elif how < 0.5:
            o['metadata']['resourceVersion'] = version
            kind, (status, got) = 'MODIFIED', self.ask(c, 'PUT', f'{MAPS}/{name}', o)
        else:
            patch = {'data': {'v': value}}
            kind, (status, got) = 'MODIFIED', self.ask(c, 'PATCH', f'{MAPS}/{name}', patch,
                                                       'application/merge-patch+json')
        if not self.expect(status, got, 200, 201, 404, 409) or status in (404, 409):
            return
        if kind == 'DELETED':
            self.acknowledged.append(Acknowledged(int(version), kind, name, None))
            return
        self.versions[name] = got['metadata']['resourceVersion']
        self.acknowledged.append(Acknowledged(int(self.versions[name]), kind, name, value))

    def expect(self, status, o, *fine):
        """Whether it is one of these; a disk that fails also lets requests fail, with a Status that says so."""
        if status in fine:
            return True
        if not self.faulty or status < 500 or o.get('kind') != 'Status' or not o.get('message'):
            raise AssertionError(f'{status}: {o}')
        self.refused += 1
        return False


class Renewer(Client):
    """Renews a lease: writes that may be lost, but whose versions nothing else may ever get."""

    def __init__(self, server, life):
        super().__init__(server)
        self.name, self.count, self.versions = f'l{life % 3}', life * 100000, []

    def step(self, c):
        self.count += 1
        o = {'metadata': {'name': self.name}, 'spec': {'leaseDurationSeconds': self.count}}
        status, got = self.ask(c, 'PATCH', f'{LEASES}/{self.name}', o, 'application/merge-patch+json')
        if status == 404:
            status, got = self.ask(c, 'POST', LEASES, o)
        if status < 300:
            self.versions.append(int(got['metadata']['resourceVersion']))


class Watch(Client):
    """Goes on where a watcher of the history is."""

    def __init__(self, server, watcher):
        super().__init__(server)
        self.watcher = watcher

    def step(self, c):
        c.request('GET', f'{MAPS}?watch=1&resourceVersion={self.watcher.reached()}')
        r = c.getresponse()
        if r.status != 200:
            raise AssertionError(f'a watch from {self.watcher.reached()}: {r.status} {r.read()}')
        while line := r.readline():
            e = json.loads(line)
            o = e['object']
            if e['type'] == 'ERROR':
                raise AssertionError(f'a watch was told {o}')
            self.watcher.events.append(Event(int(o['metadata']['resourceVersion']), e['type'], o['metadata']['name'],
                                             o['data']['v']))
