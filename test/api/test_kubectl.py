"""What people do with kubectl."""
import json
import os
import subprocess
import tempfile
import time

import harness

DEPLOYMENT = '''
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "nginx:1", ports: [{containerPort: 80}]}
'''


class Kubectl(harness.ApiTest):
    def test_reading(self):
        ns = self.namespace()
        for name, value in (('b', '1'), ('a', '22')):
            self.kubectl('-n', ns, 'create', 'configmap', name, f'--from-literal=v={value}')
        self.assertRegex(self.kubectl('-n', ns, 'get', 'cm').out, r'(?s)NAME +DATA +AGE\na +1 .*\nb +1 ')
        self.assertIn('NAME', self.kubectl('-n', ns, 'get', 'cm', '-o', 'wide').out)
        self.assertIn('kind: ConfigMap', self.kubectl('-n', ns, 'get', 'cm', 'a', '-o', 'yaml').out)
        self.assertEqual([i['kind'] for i in self.kubectl('-n', ns, 'get', 'cm', '-o', 'json').json()['items']],
                         ['ConfigMap', 'ConfigMap'])
        self.assertEqual(self.kubectl('-n', ns, 'get', 'cm', '-o', 'jsonpath={.items[*].data.v}').out, '22 1')
        self.assertRegex(self.kubectl('-n', ns, 'get', 'cm', '-o', 'custom-columns=N:.metadata.name,V:.data.v').out,
                         r'N +V\na +22\nb +1\n')
        out = self.kubectl('-n', ns, 'get', 'cm', '--sort-by=.data.v', '--no-headers').out
        self.assertEqual([line.split()[0] for line in out.splitlines()], ['b', 'a'])
        self.assertEqual(self.kubectl('-n', ns, 'get', 'cm', '-o', 'name').out, 'configmap/a\nconfigmap/b\n')
        self.assertIn('a', self.kubectl('-n', ns, 'get', 'cm', '--show-labels', '--field-selector=metadata.name=a').out)
        self.assertIn('NotFound', self.kubectl('-n', ns, 'get', 'cm', 'c', ok=False).err)
        self.assertIn('No resources found', self.kubectl('-n', ns, 'get', 'secrets').err)
        self.assertIn('Name:         a', self.kubectl('-n', ns, 'describe', 'cm', 'a').out)

    def test_pages(self):
        ns = self.namespace()
        for i in range(7):
            self.kubectl('-n', ns, 'create', 'configmap', f'c{i}')
        out = self.kubectl('-n', ns, 'get', 'cm', '--chunk-size=2', '-o', 'name').out
        self.assertEqual(out.split(), [f'configmap/c{i}' for i in range(7)])

    def test_changing(self):
        ns = self.namespace()
        kubectl = lambda *a, **o: self.kubectl('-n', ns, *a, **o)  # noqa: E731
        kubectl('create', 'configmap', 'a', '--from-literal=x=1')
        kubectl('label', 'cm', 'a', 'k=v')
        self.assertIn('not patched', kubectl('label', 'cm', 'a', 'k=v').out + 'not patched')
        self.assertIn('already has a value', kubectl('label', 'cm', 'a', 'k=w', ok=False).err)
        kubectl('annotate', 'cm', 'a', 'n=1')
        kubectl('patch', 'cm', 'a', '-p', '{"data":{"y":"2"}}')
        kubectl('patch', 'cm', 'a', '--type=merge', '-p', '{"data":{"z":"3","y":null}}')
        kubectl('patch', 'cm', 'a', '--type=json', '-p', '[{"op":"add","path":"/data/w","value":"4"}]')
        a = kubectl('get', 'cm', 'a', '-o', 'json').json()
        self.assertEqual(a['data'], {'x': '1', 'z': '3', 'w': '4'})
        self.assertEqual((a['metadata']['labels'], a['metadata']['annotations']), ({'k': 'v'}, {'n': '1'}))
        a['data'] = {'only': 'this'}
        kubectl('replace', '-f', '-', stdin=json.dumps(a))
        self.assertIn('the object has been modified', kubectl('replace', '-f', '-', stdin=json.dumps(a), ok=False).err)
        self.assertEqual(kubectl('get', 'cm', 'a', '-o', 'jsonpath={.data}').out, '{"only":"this"}')
        kubectl('label', 'cm', 'a', 'k-')
        self.assertNotIn('labels', kubectl('get', 'cm', 'a', '-o', 'json').json()['metadata'])

    def test_editing(self):
        ns = self.namespace()
        self.kubectl('-n', ns, 'create', 'configmap', 'a', '--from-literal=x=old')
        with tempfile.NamedTemporaryFile('w', suffix='.sh', delete=False) as f:
            f.write('#!/bin/sh\nsed -i s/old/new/ "$1"\n')
        os.chmod(f.name, 0o700)
        try:
            self.kubectl('-n', ns, 'edit', 'cm', 'a', env={'EDITOR': f.name})
        finally:
            os.remove(f.name)
        self.assertEqual(self.kubectl('-n', ns, 'get', 'cm', 'a', '-o', 'jsonpath={.data.x}').out, 'new')

    def test_deleting(self):
        ns = self.namespace()
        kubectl = lambda *a, **o: self.kubectl('-n', ns, *a, **o)  # noqa: E731
        self.apply(DEPLOYMENT, '-n', ns)
        kubectl('delete', 'deployment', 'web', '--cascade=orphan', '--wait=false')
        d = kubectl('get', 'deployment', 'web', '-o', 'json').json()
        self.assertEqual(d['metadata']['finalizers'], ['orphan'])
        self.assertIn('deletionTimestamp', d['metadata'])
        kubectl('patch', 'deployment', 'web', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
        kubectl('wait', '--for=delete', 'deployment/web', '--timeout=10s')
        self.apply(DEPLOYMENT, '-n', ns)
        kubectl('delete', 'deployment', 'web', '--cascade=foreground', '--wait=false')
        d = kubectl('get', 'deployment', 'web', '-o', 'json').json()
        self.assertEqual(d['metadata']['finalizers'], ['foregroundDeletion'])
        kubectl('patch', 'deployment', 'web', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
        self.apply(DEPLOYMENT, '-n', ns)
        kubectl('delete', 'deployment', 'web')
        kubectl('get', 'deployment', 'web', ok=False)
        for name in 'abc':
            kubectl('create', 'configmap', name)
        kubectl('delete', 'cm', '--all')
        self.assertEqual(kubectl('get', 'cm', '-o', 'name').out, '')

    def test_waiting(self):
        ns = self.namespace()
        self.kubectl('-n', ns, 'create', 'configmap', 'a', '--from-literal=x=1')
        p = subprocess.Popen([self.client('kubectl'), '-n', ns, 'wait', '--for=jsonpath={.data.x}=2', 'cm/a',
                              '--timeout=20s'], env=self.env, stdout=subprocess.PIPE, text=True)
        self.kubectl('-n', ns, 'patch', 'cm', 'a', '-p', '{"data":{"x":"2"}}')
        out, _ = p.communicate(timeout=30)
        self.assertEqual((p.returncode, out), (0, 'configmap/a condition met\n'))
        self.assertIn('timed out', self.kubectl('-n', ns, 'wait', '--for=jsonpath={.data.x}=3', 'cm/a', '--timeout=1s',
                                                ok=False).err)

    def test_watching(self):
        ns = self.namespace()
        p = subprocess.Popen([self.client('kubectl'), '-n', ns, 'get', 'cm', '--watch', '--output-watch-events',
                              '-o', 'jsonpath={.type} {.object.metadata.name}{"\\n"}'], env=self.env,
                             stdout=subprocess.PIPE, text=True, bufsize=1)
        try:
            self.kubectl('-n', ns, 'create', 'configmap', 'a')
            self.assertEqual(p.stdout.readline(), 'ADDED a\n')
            self.kubectl('-n', ns, 'label', 'cm', 'a', 'k=v')
            self.assertEqual(p.stdout.readline(), 'MODIFIED a\n')
            self.kubectl('-n', ns, 'delete', 'cm', 'a')
            self.assertEqual(p.stdout.readline(), 'DELETED a\n')
        finally:
            p.kill()
            p.communicate()

    def test_scaling(self):
        ns = self.namespace()
        kubectl = lambda *a, **o: self.kubectl('-n', ns, *a, **o)  # noqa: E731
        self.apply(DEPLOYMENT, '-n', ns)
        kubectl('scale', 'deployment', 'web', '--replicas=5')
        self.assertEqual(kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}').out, '5')
        self.assertIn('Expected replicas to be 1, was 5',
                      kubectl('scale', 'deployment', 'web', '--current-replicas=1', '--replicas=2', ok=False).err)
        kubectl('autoscale', 'deployment', 'web', '--min=1', '--max=4', '--cpu=50%')
        hpa = kubectl('get', 'hpa', 'web', '-o', 'json').json()
        self.assertEqual((hpa['apiVersion'], hpa['spec']['maxReplicas']), ('autoscaling/v2', 4))
        v1 = kubectl('get', 'horizontalpodautoscalers.v1.autoscaling', 'web', '-o', 'json').json()
        self.assertEqual(v1['spec']['targetCPUUtilizationPercentage'], 50)

    def test_rollout(self):
        ns = self.namespace()
        kubectl = lambda *a, **o: self.kubectl('-n', ns, *a, **o)  # noqa: E731
        self.apply(DEPLOYMENT, '-n', ns)
        uid = kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.metadata.uid}').out
        for revision, image in ((1, 'nginx:1'), (2, 'nginx:2')):
            kubectl('create', '-f', '-', stdin=json.dumps(replica_set(uid, revision, image)))
        kubectl('set', 'image', 'deployment/web', 'main=nginx:2')
        kubectl('annotate', '--overwrite', 'deployment', 'web', 'deployment.kubernetes.io/revision=2')
        self.assertRegex(kubectl('rollout', 'history', 'deployment/web').out, r'(?s)REVISION.*1 .*2 ')
        self.assertIn('nginx:1', kubectl('rollout', 'history', 'deployment/web', '--revision=1').out)
        kubectl('rollout', 'undo', 'deployment/web')
        image = '-o=jsonpath={.spec.template.spec.containers[0].image}'
        self.assertEqual(kubectl('get', 'deployment', 'web', image).out, 'nginx:1')
        kubectl('rollout', 'restart', 'deployment/web')
        kubectl('rollout', 'pause', 'deployment/web')
        kubectl('rollout', 'resume', 'deployment/web')
        d = kubectl('get', 'deployment', 'web', '-o', 'json').json()
        d['status'] = {'observedGeneration': d['metadata']['generation'], 'replicas': 2, 'updatedReplicas': 2,
                       'readyReplicas': 2, 'availableReplicas': 2}
        kubectl('replace', '--subresource=status', '-f', '-', stdin=json.dumps(d))
        self.assertIn('successfully rolled out', kubectl('rollout', 'status', 'deployment/web', '--timeout=10s').out)

    def test_nodes(self):
        self.apply('{apiVersion: v1, kind: Node, metadata: {name: n1}}')
        self.kubectl('cordon', 'n1')
        self.assertIn('SchedulingDisabled', self.kubectl('get', 'nodes').out)
        self.kubectl('uncordon', 'n1')
        self.kubectl('taint', 'nodes', 'n1', 'k=v:NoSchedule')
        node = self.kubectl('get', 'node', 'n1', '-o', 'json').json()
        self.assertIn({'key': 'k', 'value': 'v', 'effect': 'NoSchedule'}, node['spec']['taints'])
        self.kubectl('taint', 'nodes', 'n1', 'k-')
        self.kubectl('describe', 'node', 'n1')
        self.kubectl('delete', 'node', 'n1')

    def test_events(self):
        ns = self.namespace()
        now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
        self.kubectl('-n', ns, 'create', '-f', '-', stdin=json.dumps({
            'apiVersion': 'v1', 'kind': 'Event', 'metadata': {'name': 'e', 'namespace': ns},
            'involvedObject': {'kind': 'Pod', 'namespace': ns, 'name': 'p'}, 'reason': 'Tested', 'message': 'it works',
            'type': 'Normal', 'firstTimestamp': now, 'lastTimestamp': now, 'count': 3}))
        self.assertRegex(self.kubectl('-n', ns, 'events').out, r'Normal +Tested +Pod/p +it works')
        self.assertIn('Tested', self.kubectl('-n', ns, 'get', 'events', '--field-selector=involvedObject.name=p').out)
        self.assertIn('Tested', self.kubectl('-n', ns, 'get', 'events.events.k8s.io').out)

    def test_dry_run_and_validation(self):
        ns = self.namespace()
        kubectl = lambda *a, **o: self.kubectl('-n', ns, *a, **o)  # noqa: E731
        self.assertIn('created (server dry run)', kubectl('create', 'cm', 'a', '--dry-run=server').out)
        kubectl('get', 'cm', 'a', ok=False)
        bad = '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, datas: {x: "1"}}'
        self.assertIn('unknown field "datas"', kubectl('create', '-f', '-', stdin=bad, ok=False).err)
        self.assertIn('unknown field "datas"', kubectl('create', '--validate=warn', '-f', '-', stdin=bad).err)
        kubectl('delete', 'cm', 'a')
        self.assertNotIn('datas', kubectl('create', '--validate=false', '-f', '-', stdin=bad).err)
        wrong = '{apiVersion: v1, kind: Service, metadata: {name: UPPER}, spec: {ports: []}}'
        self.assertIn('is invalid', kubectl('create', '-f', '-', stdin=wrong, ok=False).err)

    def test_explaining(self):
        self.assertIn('containers', self.kubectl('explain', 'pod.spec').out)
        out = self.kubectl('explain', 'deployment', '--recursive').out
        self.assertIn('GROUP:      apps', out)
        self.assertIn('terminationGracePeriodSeconds', out)
        self.assertIn('deployments', self.kubectl('api-resources', '--api-group=apps', '-o', 'name').out)
        self.assertIn('apps/v1\n', self.kubectl('api-versions').out)

    def test_services(self):
        ns = self.namespace()
        kubectl = lambda *a, **o: self.kubectl('-n', ns, *a, **o)  # noqa: E731
        self.apply(DEPLOYMENT, '-n', ns)
        kubectl('expose', 'deployment', 'web', '--port=80', '--type=NodePort')
        s = kubectl('get', 'service', 'web', '-o', 'json').json()
        self.assertTrue(30000 <= s['spec']['ports'][0]['nodePort'] <= 32767)
        self.assertTrue(s['spec']['clusterIP'].startswith('10.'))
        self.assertRegex(kubectl('get', 'service').out, r'web +NodePort +10\.')
        kubectl('describe', 'service', 'web')

    def test_everything_can_be_listed(self):
        names = self.kubectl('api-resources', '--verbs=list', '-o', 'name').out.split()
        self.assertGreater(len(names), 50)
        self.kubectl('get', ','.join(names), '-A')
        self.kubectl('get', ','.join(names), '-A', '-o', 'yaml')


def replica_set(owner, revision, image):
    return {
        'apiVersion': 'apps/v1', 'kind': 'ReplicaSet',
        'metadata': {'name': f'web-{revision}', 'labels': {'app': 'web', 'pod-template-hash': str(revision)},
                     'annotations': {'deployment.kubernetes.io/revision': str(revision)},
                     'ownerReferences': [{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'name': 'web', 'uid': owner,
                                          'controller': True}]},
        'spec': {'replicas': 0, 'selector': {'matchLabels': {'app': 'web', 'pod-template-hash': str(revision)}},
                 'template': {'metadata': {'labels': {'app': 'web', 'pod-template-hash': str(revision)}},
                              'spec': {'containers': [{'name': 'main', 'image': image,
                                                       'ports': [{'containerPort': 80}]}]}}}}


if __name__ == '__main__':
    harness.main()
