"""The server starts, says who it is, refuses strangers, and ends."""
import harness


class Smoke(harness.ApiTest):
    def test_health(self):
        for path in ('/healthz', '/livez', '/readyz'):
            status, headers, body = self.server.request('GET', path, nobody=True)
            self.assertEqual((status, body), (200, b'ok'))
            self.assertEqual(headers['content-type'], 'text/plain; charset=utf-8')
        status, _, body = self.server.request('GET', '/readyz?verbose')
        self.assertIn(b'[+]etcd ok\n', body)
        self.assertTrue(body.endswith(b'readyz check passed\n'))
        self.assertIn(b'[+]ping excluded: ok', self.server.request('GET', '/readyz?verbose&exclude=ping')[2])
        self.assertEqual(self.server.request('GET', '/livez/ping')[::2], (200, b'ok'))
        self.assertEqual(self.server.request('GET', '/livez/nothing')[0], 404)

    def test_version(self):
        status, v = self.server.json('GET', '/version', nobody=True)
        self.assertEqual(status, 200)
        self.assertEqual((v['major'], v['minor'], v['gitVersion']), ('1', '36', 'v1.36.2'))

    def test_strangers_are_refused(self):
        for path in ('/api', '/apis', '/api/v1/namespaces', '/metrics', '/openapi/v2', '/livez/ping', '/nothing'):
            status, st = self.server.json('GET', path, nobody=True)
            self.assertEqual(status, 401, path)
            self.assertEqual((st['kind'], st['reason'], st['message']), ('Status', 'Unauthorized', 'Unauthorized'))
        status, st = self.server.json('GET', '/api/v1/namespaces', headers={'Authorization': 'Bearer nonsense'},
                                      nobody=True)
        self.assertEqual(status, 401)

    def test_what_is_not_there(self):
        for path in ('/nothing', '/api/v2', '/api/v1/nothings', '/apis/nothing/v1/things',
                     '/api/v1/namespaces/default/nodes'):
            self.assertEqual(self.server.request('GET', path)[0], 404, path)
        status, st = self.server.json('GET', '/api/v1/namespaces/default/configmaps/nothing')
        self.assertEqual(status, 404)
        self.assertEqual(st['message'], 'configmaps "nothing" not found')
        self.assertEqual(st['details'], {'name': 'nothing', 'kind': 'configmaps'})

    def test_what_does_not_fit(self):
        path = '/api/v1/namespaces/default/configmaps'
        self.assertEqual(self.server.json('PUT', path, {})[0], 405)
        self.assertEqual(self.server.json('GET', path, headers={'Accept': 'text/html'})[0], 406)
        self.assertEqual(self.server.json('POST', path, 'x', headers={'Content-Type': 'text/html'})[0], 415)
        status, st = self.server.json('PATCH', path + '/x', '{}', headers={'Content-Type': 'application/json'})
        self.assertEqual((status, st['reason']), (415, 'UnsupportedMediaType'))
        self.assertEqual(self.server.json('GET', path + '?limit=x')[0], 400)

    def test_headers(self):
        _, headers, _ = self.server.request('GET', '/api/v1/namespaces/default', headers={'Audit-ID': 'mine'})
        self.assertEqual(headers['audit-id'], 'mine')
        self.assertEqual(headers['cache-control'], 'no-cache, private')
        self.assertEqual(headers['content-type'], 'application/json')

    def test_first_objects(self):
        names = [n['metadata']['name'] for n in self.server.json('GET', '/api/v1/namespaces')[1]['items']]
        self.assertEqual(names, ['default', 'kube-node-lease', 'kube-public', 'kube-system'])
        service = self.server.json('GET', '/api/v1/namespaces/default/services/kubernetes')[1]
        self.assertEqual(service['spec']['clusterIP'], '10.96.0.1')
        endpoints = self.server.json('GET', '/api/v1/namespaces/default/endpoints/kubernetes')[1]
        self.assertEqual(endpoints['subsets'][0]['ports'][0]['port'], self.server.port)
        roles = self.server.json('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles')[1]['items']
        self.assertIn('cluster-admin', [r['metadata']['name'] for r in roles])

    def test_metrics(self):
        self.server.request('GET', '/api/v1/namespaces')
        text = self.server.request('GET', '/metrics')[2].decode()
        self.assertIn('apiserver_request_total{verb="LIST"', text)
        self.assertIn('apiserver_storage_objects{resource="namespaces"} 4', text)
        self.assertIn('apiserver_current_inflight_requests{request_kind="mutating"} 0', text)

    def test_issuer(self):
        _, config = self.server.json('GET', '/.well-known/openid-configuration')
        self.assertEqual(config['issuer'], 'https://kubernetes.default.svc.cluster.local')
        _, keys = self.server.json('GET', '/openid/v1/jwks')
        self.assertEqual(keys['keys'][0]['use'], 'sig')


class Restart(harness.unittest.TestCase):
    def test_objects_outlive_the_server(self):
        import shutil
        import tempfile
        data = tempfile.mkdtemp(prefix='coxswain-api-')
        try:
            s = harness.Server(data_dir=data)
            path = '/api/v1/namespaces/default/configmaps'
            status, made = s.json('POST', path, {'metadata': {'name': 'a'}, 'data': {'x': '1'}})
            self.assertEqual(status, 201)
            s.stop()
            s = harness.Server(data_dir=data)
            self.assertEqual(s.json('GET', path + '/a'), (200, made))
            s.stop()
        finally:
            shutil.rmtree(data, ignore_errors=True)


if __name__ == '__main__':
    harness.main()
