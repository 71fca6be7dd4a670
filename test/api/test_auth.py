"""Who may do what: tokens, roles, impersonation."""
import json
import os
import tempfile

import harness


class Auth(harness.ApiTest):
    def bearer(self, token):
        return {'Authorization': 'Bearer ' + token}

    def whoami(self, token):
        path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
        return self.server.json('POST', path, {}, self.bearer(token), True)[1]['status']['userInfo']['username']

    def test_can_i(self):
        self.assertEqual(self.kubectl('auth', 'can-i', 'create', 'pods').out, 'yes\n')
        r = self.kubectl('auth', 'can-i', 'create', 'pods', '--as=nobody', ok=False)
        self.assertEqual(r.out, 'no\n')
        self.assertIn('selfsubjectaccessreviews', self.kubectl('auth', 'can-i', '--list', '--as=nobody').out)
        self.assertIn('kubernetes-admin', self.kubectl('auth', 'whoami').out)
        self.assertRegex(self.kubectl('auth', 'whoami', '--as=jane', '--as-group=dev').out, r'Username +jane')

    def test_impersonation(self):
        ns = self.namespace()
        r = self.kubectl('-n', ns, 'get', 'pods', '--as=jane', ok=False)
        self.assertIn('Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" '
                      f'in API group "" in the namespace "{ns}"', r.err)
        self.kubectl('-n', ns, 'create', 'role', 'r', '--verb=list', '--resource=pods')
        self.kubectl('-n', ns, 'create', 'rolebinding', 'r', '--role=r', '--user=jane')
        self.kubectl('-n', ns, 'get', 'pods', '--as=jane')
        headers = {'Impersonate-Group': 'x'}
        self.assertEqual(self.server.json('GET', '/api/v1/namespaces', headers=headers)[0], 500)
        headers = {'Impersonate-User': 'jane', 'Impersonate-Extra-Scopes': 'a'}
        self.assertEqual(self.server.json('GET', '/api/v1/namespaces', headers=headers)[0], 403)

    def test_service_account_tokens(self):
        ns = self.namespace()
        token = self.kubectl('-n', ns, 'create', 'token', 'default').out.strip()
        self.assertEqual(self.whoami(token), f'system:serviceaccount:{ns}:default')
        self.assertEqual(self.server.json('GET', '/api/v1/nodes', None, self.bearer(token), True)[0], 403)
        review = self.server.json('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {'spec': {'token': token}})
        self.assertTrue(review[1]['status']['authenticated'])
        self.assertEqual(self.server.json('GET', '/api/v1/nodes', None, self.bearer(token + 'x'), True)[0], 401)
        self.kubectl('-n', ns, 'delete', 'serviceaccount', 'default')
        self.assertEqual(self.server.json('GET', '/api/v1/nodes', None, self.bearer(token), True)[0], 401)

    def test_roles(self):
        ns = self.namespace()
        self.kubectl('-n', ns, 'create', 'role', 'reader', '--verb=get,list', '--resource=secrets')
        self.kubectl('-n', ns, 'create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=x:y')
        as_y = ('--as=system:serviceaccount:x:y', '-n', ns)
        self.kubectl('get', 'secrets', *as_y)
        self.kubectl('create', 'secret', 'generic', 'a', *as_y, ok=False)
        self.kubectl('auth', 'reconcile', '-f', '-', stdin=json.dumps({
            'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'ClusterRole', 'metadata': {'name': 'made'},
            'rules': [{'apiGroups': [''], 'resources': ['pods'], 'verbs': ['get']}]}))

    def test_certificates(self):
        with tempfile.TemporaryDirectory() as tmp:
            key, csr = os.path.join(tmp, 'key'), os.path.join(tmp, 'csr')
            import base64
            import subprocess
            subprocess.run(['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                            '-keyout', key, '-out', csr, '-subj', '/CN=jane/O=dev'], check=True, capture_output=True)
            with open(csr, 'rb') as f:
                request = base64.b64encode(f.read()).decode()
        self.kubectl('create', '-f', '-', stdin=json.dumps({
            'apiVersion': 'certificates.k8s.io/v1', 'kind': 'CertificateSigningRequest', 'metadata': {'name': 'jane'},
            'spec': {'request': request, 'signerName': 'kubernetes.io/kube-apiserver-client',
                     'usages': ['client auth']}}))
        self.assertIn('Pending', self.kubectl('get', 'csr', 'jane').out)
        self.kubectl('certificate', 'approve', 'jane')
        self.assertIn('Approved', self.kubectl('get', 'csr', 'jane').out)

    def test_bootstrap_tokens(self):
        self.kubectl('-n', 'kube-system', 'create', '-f', '-', stdin=json.dumps({
            'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': 'bootstrap-token-abcdef'},
            'type': 'bootstrap.kubernetes.io/token',
            'stringData': {'token-id': 'abcdef', 'token-secret': '0123456789abcdef',
                           'usage-bootstrap-authentication': 'true'}}))
        self.assertEqual(self.whoami('abcdef.0123456789abcdef'), 'system:bootstrap:abcdef')
        self.assertEqual(self.server.json('GET', '/api', None, self.bearer('abcdef.0123456789abcdeX'), True)[0], 401)


class TokenFile(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        cls.file = tempfile.NamedTemporaryFile('w', suffix='.csv')
        cls.file.write('sesame,ali,1,"system:masters"\n')
        cls.file.flush()
        cls.flags = (f'--token-auth-file={cls.file.name}',)
        super().setUpClass()

    def test_static_tokens(self):
        headers = {'Authorization': 'Bearer sesame'}
        self.assertEqual(self.server.json('GET', '/api/v1/namespaces', None, headers, True)[0], 200)


if __name__ == '__main__':
    harness.main()
