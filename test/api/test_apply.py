"""kubectl apply: on the client's side and on the server's, with conflicts, diff and prune."""
import json

import harness

CM = '{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, labels: {{app: x}}}}, data: {data}}}'


def deployment(replicas='2', image='nginx:1', extra=''):
    return f'''
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - {{name: main, image: "{image}"{extra}}}
'''


class Apply(harness.ApiTest):
    def test_client_side(self):
        ns = self.namespace()
        self.assertIn('created', self.apply(CM.format(data='{x: "1", y: "2"}'), '-n', ns).out)
        self.assertIn('unchanged', self.apply(CM.format(data='{x: "1", y: "2"}'), '-n', ns).out)
        self.assertIn('configured', self.apply(CM.format(data='{x: "3"}'), '-n', ns).out)
        a = self.kubectl('-n', ns, 'get', 'cm', 'a', '-o', 'json').json()
        self.assertEqual(a['data'], {'x': '3'})
        self.assertIn('kubectl.kubernetes.io/last-applied-configuration', a['metadata']['annotations'])

    def test_client_side_keeps_what_others_set(self):
        ns = self.namespace()
        self.apply(deployment(), '-n', ns)
        self.kubectl('-n', ns, 'set', 'env', 'deployment/web', 'A=1')
        self.apply(deployment(image='nginx:2'), '-n', ns)
        c = self.kubectl('-n', ns, 'get', 'deployment', 'web', '-o', 'json').json()['spec']['template']['spec'][
            'containers'][0]
        self.assertEqual((c['image'], c['env']), ('nginx:2', [{'name': 'A', 'value': '1'}]))

    def test_server_side(self):
        ns = self.namespace()
        apply = lambda text, *a, **o: self.apply(text, '-n', ns, '--server-side', *a, **o)  # noqa: E731
        self.assertIn('serverside-applied', apply(deployment()).out)
        r = apply(deployment(replicas='3'), '--field-manager=other', ok=False)
        self.assertIn('conflict with "kubectl": .spec.replicas', r.err)
        apply(deployment(replicas='3'), '--field-manager=other', '--force-conflicts')
        d = self.kubectl('-n', ns, 'get', 'deployment', 'web', '-o', 'json', '--show-managed-fields').json()
        self.assertEqual(d['spec']['replicas'], 3)
        owners = {m['manager']: m for m in d['metadata']['managedFields']}
        self.assertEqual(owners['other']['operation'], 'Apply')
        self.assertIn('f:replicas', owners['other']['fieldsV1']['f:spec'])
        self.assertNotIn('f:replicas', owners['kubectl']['fieldsV1']['f:spec'])

    def test_from_client_side_to_server_side(self):
        ns = self.namespace()
        self.apply(CM.format(data='{x: "1", y: "2"}'), '-n', ns)
        self.apply(CM.format(data='{x: "1"}'), '-n', ns, '--server-side')
        self.assertEqual(self.kubectl('-n', ns, 'get', 'cm', 'a', '-o', 'json').json()['data'], {'x': '1'})

    def test_diff(self):
        ns = self.namespace()
        self.apply(CM.format(data='{x: "1"}'), '-n', ns)
        r = self.kubectl('-n', ns, 'diff', '-f', '-', stdin=CM.format(data='{x: "2"}'), ok=False)
        self.assertEqual(r.code, 1)
        self.assertRegex(r.out, r'(?s)-  x: "1"\n\+  x: "2"')
        self.assertEqual(self.kubectl('-n', ns, 'diff', '-f', '-', stdin=CM.format(data='{x: "1"}')).out, '')

    def test_prune(self):
        ns = self.namespace()
        self.apply(CM.format(data='{x: "1"}'), '-n', ns)
        other = '{apiVersion: v1, kind: ConfigMap, metadata: {name: b, labels: {app: x}}}'
        out = self.apply(other, '-n', ns, '--prune', '-l', 'app=x',
                         '--prune-allowlist=core/v1/ConfigMap').out
        self.assertIn('configmap/a pruned', out)

    def test_server_dry_run(self):
        ns = self.namespace()
        self.apply(CM.format(data='{x: "1"}'), '-n', ns)
        self.assertIn('server dry run', self.apply(CM.format(data='{x: "2"}'), '-n', ns, '--dry-run=server').out)
        self.assertEqual(self.kubectl('-n', ns, 'get', 'cm', 'a', '-o', 'json').json()['data'], {'x': '1'})

    def test_many_kinds_at_once(self):
        ns = self.namespace()
        docs = [{'apiVersion': v, 'kind': k, 'metadata': {'name': 'x'}, **rest} for v, k, rest in (
            ('v1', 'ServiceAccount', {}),
            ('v1', 'Secret', {'stringData': {'a': 'b'}}),
            ('rbac.authorization.k8s.io/v1', 'Role',
             {'rules': [{'apiGroups': [''], 'resources': ['pods'], 'verbs': ['get']}]}),
            ('rbac.authorization.k8s.io/v1', 'RoleBinding',
             {'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'Role', 'name': 'x'},
              'subjects': [{'kind': 'ServiceAccount', 'name': 'x'}]}),
            ('v1', 'Service', {'spec': {'selector': {'a': 'b'}, 'ports': [{'port': 80}]}}),
            ('batch/v1', 'Job', {'spec': {'template': {'spec': {'restartPolicy': 'Never', 'containers': [
                {'name': 'c', 'image': 'i'}]}}}}),
            ('batch/v1', 'CronJob', {'spec': {'schedule': '* * * * *', 'jobTemplate': {'spec': {'template': {'spec': {
                'restartPolicy': 'Never', 'containers': [{'name': 'c', 'image': 'i'}]}}}}}}),
            ('networking.k8s.io/v1', 'Ingress', {'spec': {'rules': [{'http': {'paths': [{
                'path': '/', 'pathType': 'Prefix',
                'backend': {'service': {'name': 'x', 'port': {'number': 80}}}}]}}]}}),
            ('networking.k8s.io/v1', 'NetworkPolicy', {'spec': {'podSelector': {}}}),
            ('policy/v1', 'PodDisruptionBudget',
             {'spec': {'minAvailable': 1, 'selector': {'matchLabels': {'a': 'b'}}}}),
            ('v1', 'PersistentVolumeClaim', {'spec': {'accessModes': ['ReadWriteOnce'],
                                                      'resources': {'requests': {'storage': '1Gi'}}}}),
        )]
        text = json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': docs})
        out = self.apply(text, '-n', ns).out
        self.assertEqual(out.count('created'), len(docs), out)
        out = self.apply(text, '-n', ns).out
        # kubectl always finds something to send: the selector of a disruption budget is replaced as a whole, and
        # stringData of a secret is never given back
        self.assertEqual(out.count('unchanged'), len(docs) - 2, out)
        for name in ('secret/x', 'poddisruptionbudget.policy/x'):
            self.assertIn(name + ' configured', out)
        for d in docs:
            self.kubectl('-n', ns, 'describe', d['kind'].lower(), 'x')
        self.kubectl('-n', ns, 'delete', '--wait=false', '-f', '-', stdin=text)


if __name__ == '__main__':
    harness.main()
