"""What the server says it serves."""
import gzip
import json

import harness

V2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'


class Discovery(harness.ApiTest):
    def test_documents(self):
        s = self.server
        self.assertEqual(s.json('GET', '/api')[1]['versions'], ['v1'])
        groups = s.json('GET', '/apis')[1]['groups']
        apps = next(g for g in groups if g['name'] == 'apps')
        self.assertEqual(apps['preferredVersion'], {'groupVersion': 'apps/v1', 'version': 'v1'})
        self.assertEqual(s.json('GET', '/apis/apps')[1]['kind'], 'APIGroup')
        autoscaling = next(g for g in groups if g['name'] == 'autoscaling')
        self.assertEqual([v['version'] for v in autoscaling['versions']], ['v2', 'v1'])
        core = {r['name']: r for r in s.json('GET', '/api/v1')[1]['resources']}
        self.assertEqual(core['pods']['shortNames'], ['po'])
        self.assertTrue(core['pods']['storageVersionHash'])
        self.assertEqual(core['pods/eviction']['group'], 'policy')
        self.assertIn('deployments/scale', [r['name'] for r in s.json('GET', '/apis/apps/v1')[1]['resources']])

    def test_aggregated(self):
        status, headers, body = self.server.request('GET', '/apis', headers={'Accept': V2 + ',application/json'})
        self.assertEqual((status, headers['content-type']), (200, V2))
        doc = json.loads(body)
        self.assertEqual(doc['kind'], 'APIGroupDiscoveryList')
        apps = next(g for g in doc['items'] if g['metadata']['name'] == 'apps')
        deployments = next(r for r in apps['versions'][0]['resources'] if r['resource'] == 'deployments')
        self.assertEqual(deployments['responseKind'], {'group': 'apps', 'version': 'v1', 'kind': 'Deployment'})
        self.assertEqual({x['subresource'] for x in deployments['subresources']}, {'scale', 'status'})
        status, again, body = self.server.request('GET', '/apis', headers={'Accept': V2,
                                                                           'If-None-Match': headers['etag']})
        self.assertEqual((status, body, again['etag']), (304, b'', headers['etag']))
        core = json.loads(self.server.request('GET', '/api', headers={'Accept': V2})[2])
        self.assertIn('pods', [r['resource'] for r in core['items'][0]['versions'][0]['resources']])

    def test_openapi_v2(self):
        status, headers, body = self.server.request('GET', '/openapi/v2', headers={'Accept': 'application/json',
                                                                                   'Accept-Encoding': 'gzip'})
        self.assertEqual((status, headers['content-encoding']), (200, 'gzip'))
        doc = json.loads(gzip.decompress(body))
        self.assertIn('io.k8s.api.core.v1.Pod', doc['definitions'])
        self.assertEqual(self.server.request('GET', '/openapi/v2', headers={'If-None-Match': headers['etag']})[0], 304)

    def test_openapi_v3(self):
        paths = self.server.json('GET', '/openapi/v3')[1]['paths']
        url = paths['apis/apps/v1']['serverRelativeURL']
        status, headers, body = self.server.request('GET', url)
        self.assertEqual((status, headers['cache-control']), (200, 'public, immutable'))
        self.assertIn('io.k8s.api.apps.v1.Deployment', json.loads(body)['components']['schemas'])
        status, headers, _ = self.server.request('GET', '/openapi/v3/apis/apps/v1?hash=0123')
        self.assertEqual((status, headers['location']), (301, url))
        self.assertEqual(self.server.request('GET', '/openapi/v3/apis/nothing/v1')[0], 404)

    def test_index(self):
        paths = self.server.json('GET', '/')[1]['paths']
        for p in ('/api/v1', '/apis/apps/v1', '/healthz', '/version', '/openapi/v2'):
            self.assertIn(p, paths)


class Forms(harness.ApiTest):
    """The same objects in every form."""

    def setUp(self):
        self.path = '/api/v1/namespaces/default/configmaps'
        self.server.request('DELETE', self.path)
        for name in ('a', 'b'):
            self.server.json('POST', self.path, {'metadata': {'name': name}, 'data': {'x': '<&>'}})

    def get(self, path, accept):
        return self.server.request('GET', path, headers={'Accept': accept})

    def test_lists(self):
        status, headers, body = self.get(self.path, 'application/json')
        doc = json.loads(body)
        self.assertEqual((doc['kind'], doc['apiVersion'], len(doc['items'])), ('ConfigMapList', 'v1', 2))
        self.assertNotIn('kind', doc['items'][0])
        self.assertTrue(body.endswith(b'}\n'))
        empty = json.loads(self.get('/api/v1/namespaces/default/pods', 'application/json')[2])
        self.assertEqual(empty['items'], [])

    def test_yaml_and_pretty(self):
        status, headers, body = self.get(self.path, 'application/yaml')
        self.assertEqual(headers['content-type'], 'application/yaml')
        self.assertIn(b'kind: ConfigMapList\n', body)
        self.assertIn(b'\n  "kind": "ConfigMap"', self.get(self.path + '/a?pretty=true', 'application/json')[2])

    def test_tables(self):
        table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
        for path, n in ((self.path, 2), (self.path + '/a', 1)):
            doc = json.loads(self.get(path, table)[2])
            self.assertEqual((doc['kind'], len(doc['rows'])), ('Table', n))
            self.assertEqual([c['name'] for c in doc['columnDefinitions']], ['Name', 'Data', 'Age'])
        whole = json.loads(self.get(self.path + '?includeObject=Object', table)[2])
        self.assertEqual(whole['rows'][0]['object']['data'], {'x': '<&>'})
        none = json.loads(self.get(self.path + '?includeObject=None', table)[2])
        self.assertIsNone(none['rows'][0]['object'])
        self.assertEqual(self.get(self.path + '?includeObject=All', table)[0], 400)

    def test_metadata_alone(self):
        partial = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
        doc = json.loads(self.get(self.path, partial)[2])
        self.assertEqual((doc['kind'], [i['metadata']['name'] for i in doc['items']]),
                         ('PartialObjectMetadataList', ['a', 'b']))
        self.assertNotIn('data', doc['items'][0])
        one = json.loads(self.get(self.path + '/a', 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io')[2])
        self.assertEqual((one['kind'], one['metadata']['name']), ('PartialObjectMetadata', 'a'))

    def test_protobuf(self):
        proto = 'application/vnd.kubernetes.protobuf'
        for path, kind in ((self.path, b'ConfigMapList'), (self.path + '/a', b'ConfigMap')):
            status, headers, body = self.get(path, proto)
            self.assertEqual(headers['content-type'], proto)
            self.assertTrue(body.startswith(b'k8s\0\x0a'))
            self.assertIn(kind, body)
        status, headers, body = self.get(self.path + '/a', proto)
        status, _, made = self.server.request('POST', self.path, body.replace(b'\x0a\x01a', b'\x0a\x01c'),
                                              {'Content-Type': proto, 'Accept': 'application/json'})
        self.assertIn(status, (400, 500))  # a body with a resource version must not be created
        status, _, body = self.get(self.path + '/nothing', proto)
        self.assertEqual(status, 404)
        self.assertTrue(body.startswith(b'k8s\0'))


if __name__ == '__main__':
    harness.main()
