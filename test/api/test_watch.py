"""Watches as they are on the wire."""
import json
import struct
import time

import harness

PATH = '/api/v1/namespaces/default/configmaps'


class Stream:
    """A watch, event by event."""

    def __init__(self, server, query, headers=None, path=PATH):
        self.connection = server.connect(timeout=20)
        self.connection.request('GET', f'{path}?watch=1&{query}', headers=headers or {})
        self.response = self.connection.getresponse()

    def event(self):
        line = self.response.readline()
        return json.loads(line) if line else None

    def next(self):
        e = self.event()
        return (e['type'], e['object']['metadata'].get('name'))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class Watch(harness.ApiTest):
    def setUp(self):
        self.server.request('DELETE', PATH)

    def create(self, name, labels=None, data=None):
        status, o = self.server.json('POST', PATH, {'metadata': {'name': name, 'labels': labels or {}},
                                                    'data': data or {}})
        self.assertEqual(status, 201, o)
        return o

    def patch(self, name, patch):
        return self.server.json('PATCH', f'{PATH}/{name}', json.dumps(patch),
                                {'Content-Type': 'application/merge-patch+json'})[1]

    def version(self):
        return self.server.json('GET', PATH)[1]['metadata']['resourceVersion']

    def test_first_states_then_events(self):
        self.create('a')
        for query in ('', 'resourceVersion=0'):
            with Stream(self.server, query) as w:
                self.assertEqual(w.response.headers['content-type'], 'application/json')
                self.assertEqual(w.next(), ('ADDED', 'a'))
                self.create('b' + query[-1:])
                self.assertEqual(w.next()[0], 'ADDED')
                if not query:
                    self.server.request('DELETE', PATH + '/b')
                    self.assertEqual(w.next(), ('DELETED', 'b'))

    def test_from_a_version(self):
        version = self.version()
        a = self.create('a')
        self.create('b')
        with Stream(self.server, f'resourceVersion={version}') as w:
            self.assertEqual([w.next(), w.next()], [('ADDED', 'a'), ('ADDED', 'b')])
        with Stream(self.server, f'resourceVersion={a["metadata"]["resourceVersion"]}') as w:
            self.assertEqual(w.next(), ('ADDED', 'b'))

    def test_selectors(self):
        self.create('a', {'app': 'x'})
        with Stream(self.server, f'labelSelector=app%3Dx&resourceVersion={self.version()}') as w:
            self.create('other', {'app': 'y'})
            self.patch('a', {'data': {'k': 'v'}})
            self.assertEqual(w.next(), ('MODIFIED', 'a'))
            changed = self.patch('a', {'metadata': {'labels': {'app': 'y'}}})
            gone = w.event()
            self.assertEqual((gone['type'], gone['object']['metadata']['labels']), ('DELETED', {'app': 'x'}))
            self.assertEqual(gone['object']['metadata']['resourceVersion'], changed['metadata']['resourceVersion'])
            self.patch('other', {'metadata': {'labels': {'app': 'x'}}})
            self.assertEqual(w.next(), ('ADDED', 'other'))
        with Stream(self.server, 'fieldSelector=metadata.name%3Da') as w:
            self.assertEqual(w.next(), ('ADDED', 'a'))
            self.patch('other', {'data': {'k': 'v'}})
            self.patch('a', {'data': {'k': 'w'}})
            self.assertEqual(w.next(), ('MODIFIED', 'a'))

    def test_initial_events_end_with_a_bookmark(self):
        self.create('a')
        query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
        with Stream(self.server, query) as w:
            self.assertEqual(w.next(), ('ADDED', 'a'))
            mark = w.event()
            self.assertEqual(mark['type'], 'BOOKMARK')
            self.assertEqual(mark['object']['kind'], 'ConfigMap')
            self.assertEqual(mark['object']['metadata']['annotations'], {'k8s.io/initial-events-end': 'true'})
            self.assertEqual(mark['object']['metadata']['resourceVersion'], self.version())
        status, st = self.server.json('GET', PATH + '?watch=1&sendInitialEvents=true')
        self.assertEqual((status, st['reason']), (400, 'BadRequest') if status == 400 else (422, 'Invalid'))

    def test_time_out_and_last_bookmark(self):
        with Stream(self.server, f'timeoutSeconds=3&allowWatchBookmarks=true&resourceVersion={self.version()}') as w:
            self.create('a')
            self.assertEqual(w.next(), ('ADDED', 'a'))
            mark = w.event()
            self.assertEqual(mark['type'], 'BOOKMARK')
            self.assertEqual(mark['object']['metadata']['resourceVersion'], self.version())
            self.assertIsNone(w.event())

    def test_too_old(self):
        # the ring keeps what a restart replays: version 1 is from before the first objects were made
        for i in range(300):
            self.server.request('PUT', PATH + '/a', {'metadata': {'name': 'a'}, 'data': {'n': str(i)}})
        self.create('z')
        for i in range(2000):
            self.patch('z', {'data': {'n': str(i) * 5000}}) if i < 40 else None
        with Stream(self.server, 'resourceVersion=1') as w:
            e = w.event()
            if e['type'] == 'ERROR':
                self.assertEqual((e['object']['code'], e['object']['reason']), (410, 'Expired'))
                self.assertIn('too old resource version: 1', e['object']['message'])
                self.assertIsNone(w.event())

    def test_tables(self):
        accept = {'Accept': 'application/json;as=Table;v=v1;g=meta.k8s.io'}
        with Stream(self.server, 'resourceVersion=' + self.version(), accept) as w:
            self.create('a')
            first = w.event()['object']
            self.assertEqual((first['kind'], first['rows'][0]['cells'][0]), ('Table', 'a'))
            self.assertEqual(first['columnDefinitions'][0]['name'], 'Name')
            self.assertEqual(first['rows'][0]['object']['kind'], 'PartialObjectMetadata')
            self.create('b')
            self.assertIsNone(w.event()['object']['columnDefinitions'])

    def test_metadata_alone(self):
        accept = {'Accept': 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'}
        self.create('a', data={'x': 'y'})
        with Stream(self.server, '', accept) as w:
            o = w.event()['object']
            self.assertEqual((o['kind'], o['metadata']['name'], 'data' in o), ('PartialObjectMetadata', 'a', False))

    def test_protobuf(self):
        self.create('a')
        with Stream(self.server, '', {'Accept': 'application/vnd.kubernetes.protobuf;stream=watch'}) as w:
            self.assertEqual(w.response.headers['content-type'], 'application/vnd.kubernetes.protobuf;stream=watch')
            n, = struct.unpack('>I', w.response.read(4))
            frame = w.response.read(n)
            self.assertTrue(frame.startswith(b'\x0a\x05ADDED\x12'))
            self.assertIn(b'k8s\0', frame)

    def test_other_versions(self):
        path = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers'
        with Stream(self.server, '', path=path) as w:
            self.server.json('POST', path.replace('v1', 'v2'), {
                'metadata': {'name': 'h'}, 'spec': {'maxReplicas': 3, 'scaleTargetRef': {'kind': 'X', 'name': 'y'}}})
            self.server.json('POST', path, {
                'metadata': {'name': 'g'}, 'spec': {'maxReplicas': 3, 'scaleTargetRef': {'kind': 'X', 'name': 'y'}}})
            seen = [w.event()['object'] for _ in range(2)]
            self.assertEqual({o['apiVersion'] for o in seen}, {'autoscaling/v1'})

    def test_time_out_of_a_reader_that_does_not_read(self):
        for i in range(24):
            self.create(f'big{i}', data={'x': 'x' * 900000})
        with Stream(self.server, 'timeoutSeconds=1') as w:
            time.sleep(2)
            seen = 0
            while w.event():  # what was sent before the end
                seen += 1
            self.assertLess(seen, 24)
        self.assertEqual(self.server.request('GET', '/readyz')[0], 200)

    def test_ends_when_the_server_does(self):
        s = harness.Server()
        with Stream(s, '') as w:
            s.stop()
            self.assertIsNone(w.event())

    def test_many_watchers_see_the_same(self):
        version = self.version()
        watches = [Stream(self.server, f'resourceVersion={version}') for _ in range(50)]
        for i in range(20):
            self.create(f'c{i}')
        for w in watches:
            with w:
                self.assertEqual([w.next()[1] for _ in range(20)], [f'c{i}' for i in range(20)])


if __name__ == '__main__':
    harness.main()
