"""Controllers and the scheduler as a user of kubectl sees them: a whole control plane, and simulated nodes."""
import json
import os
import signal
import subprocess
import time
import unittest

import harness

NODES = 4


def manifest(kind, name, spec, version='apps/v1', **metadata):
    return json.dumps({'apiVersion': version, 'kind': kind, 'metadata': dict(metadata, name=name), 'spec': spec})


def template(labels, annotations=None, **spec):
    return {'metadata': {'labels': labels, 'annotations': dict({'sim/ready-after': '200ms', 'sim/stops-after': '100ms'},
                                                               **(annotations or {}))},
            'spec': dict({'containers': [{'name': 'c', 'image': 'registry.local/app:1'}]}, **spec)}


class Simulated(harness.ApiTest):
    program = 'server'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.simulators = []
        cls.simulate('node-', NODES)
        job = {'template': template({'cron': 'c'}, {'sim/runs-for': '200ms'}, restartPolicy='Never')}
        cron = manifest('CronJob', 'c', {'schedule': '* * * * *', 'jobTemplate': {'spec': job}}, 'batch/v1')
        for args in (('create', 'namespace', 'cron'), ('-n', 'cron', 'apply', '-f', '-')):
            subprocess.run([cls.client('kubectl'), *args], check=True, capture_output=True, text=True, env=cls.env,
                           input=cron)

    @classmethod
    def simulate(cls, prefix, n):
        p = subprocess.Popen([harness.COXSWAIN, 'simulate', f'--kubeconfig={cls.server.kubeconfig}', f'--nodes={n}',
                              f'--name-prefix={prefix}', '--zones=2', '--remove-nodes'], stdout=subprocess.PIPE,
                             text=True)
        cls.simulators.append(p)
        line = p.stdout.readline()
        if 'are simulated' not in line:
            raise RuntimeError(line)
        return p

    @classmethod
    def tearDownClass(cls):
        for p in cls.simulators:
            p.send_signal(signal.SIGTERM)
            p.wait(20)
            p.stdout.close()
        super().tearDownClass()

    def setUp(self):
        self.ns = self.id().rsplit('.', 1)[1].replace('_', '-')[:50]
        self.kubectl('create', 'namespace', self.ns)

    def tearDown(self):
        self.kubectl('delete', 'namespace', self.ns, '--wait=false')

    def k(self, *args, **options):
        return self.kubectl('-n', self.ns, *args, **options)

    def items(self, what, *args):
        return self.k('get', what, '-o', 'json', *args).json()['items']

    def until(self, what, seconds=20):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, 'it did not come about')
            time.sleep(0.05)

    def deploy(self, name, replicas, annotations=None, strategy=None, **spec):
        s = {'replicas': replicas, 'selector': {'matchLabels': {'app': name}},
             'template': template({'app': name}, annotations, **spec)}
        if strategy:
            s['strategy'] = strategy
        self.k('apply', '-f', '-', stdin=manifest('Deployment', name, s))
        self.k('rollout', 'status', f'deployment/{name}', '--timeout=20s')

    def images(self):
        return sorted(p['spec']['containers'][0]['image'] for p in self.items('pods')
                      if 'deletionTimestamp' not in p['metadata'])

    def test_a_deployment_rolls_out_pauses_goes_back_and_scales(self):
        self.deploy('web', 4)
        self.k('set', 'image', 'deployment/web', 'c=registry.local/app:2')
        self.k('rollout', 'status', 'deployment/web', '--timeout=20s')
        self.until(lambda: self.images() == ['registry.local/app:2'] * 4)
        self.k('rollout', 'pause', 'deployment/web')
        self.k('set', 'image', 'deployment/web', 'c=registry.local/app:3')
        self.assertIn('revision #2', self.k('rollout', 'history', 'deployment/web', '--revision=2').out.lower())
        self.assertEqual(self.images(), ['registry.local/app:2'] * 4)
        self.k('rollout', 'resume', 'deployment/web')
        self.k('rollout', 'status', 'deployment/web', '--timeout=20s')
        self.k('rollout', 'undo', 'deployment/web', '--to-revision=1')
        self.k('rollout', 'status', 'deployment/web', '--timeout=20s')
        self.until(lambda: self.images() == ['registry.local/app:1'] * 4)
        self.k('scale', 'deployment/web', '--replicas=7')
        self.k('rollout', 'status', 'deployment/web', '--timeout=20s')
        self.assertEqual(len(self.items('pods')), 7)

    def test_a_drain_waits_for_the_disruption_budget(self):
        self.deploy('web', 3, {'sim/ready-after': '1s'})
        self.k('create', 'poddisruptionbudget', 'web', '--selector=app=web', '--min-available=2')
        self.k('wait', 'pdb/web', '--for=jsonpath={.status.disruptionsAllowed}=1', '--timeout=10s')
        node = self.items('pods')[0]['spec']['nodeName']
        watch = subprocess.Popen([self.client('kubectl'), '-n', self.ns, 'get', 'pdb', 'web', '-w', '-o',
                                  'jsonpath={.status.currentHealthy}{"\\n"}'], stdout=subprocess.PIPE, text=True,
                                 env=self.env)
        try:
            self.kubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=20s')
            self.assertNotIn(node, [p['spec'].get('nodeName') for p in self.items('pods')])
        finally:
            self.kubectl('uncordon', node)
            self.k('rollout', 'status', 'deployment/web', '--timeout=20s')
            watch.terminate()
            healthy = [int(n) for n in watch.communicate()[0].split()]
        self.assertGreaterEqual(min(healthy), 2, healthy)

    def test_jobs_complete_also_by_index(self):
        for name, mode in (('plain', 'NonIndexed'), ('indexed', 'Indexed')):
            spec = {'completions': 4, 'parallelism': 2, 'completionMode': mode,
                    'template': template({'job': name}, {'sim/runs-for': '300ms'}, restartPolicy='Never')}
            self.k('apply', '-f', '-', stdin=manifest('Job', name, spec, 'batch/v1'))
            self.k('wait', f'job/{name}', '--for=condition=complete', '--timeout=20s')
        self.assertEqual(self.k('get', 'job', 'indexed', '-o', 'jsonpath={.status.completedIndexes}').out, '0-3')
        spec = {'backoffLimit': 0, 'template': template({'job': 'bad'}, {'sim/runs-for': '200ms', 'sim/exit-code': '3'},
                                                        restartPolicy='Never')}
        self.k('apply', '-f', '-', stdin=manifest('Job', 'bad', spec, 'batch/v1'))
        self.k('wait', 'job/bad', '--for=condition=failed', '--timeout=20s')

    def test_zz_the_cronjob_of_the_beginning_has_fired(self):
        """Last, as a schedule knows no less than a minute."""
        self.ns = 'cron'
        self.k('create', 'job', '--from=cronjob/c', 'by-hand')
        self.k('wait', 'job/by-hand', '--for=condition=complete', '--timeout=20s')
        self.until(lambda: any(j['metadata']['name'].startswith('c-') for j in self.items('jobs')), 65)

    def test_a_statefulset_updates_from_its_partition_on(self):
        spec = {'replicas': 3, 'serviceName': 's', 'selector': {'matchLabels': {'app': 's'}},
                'updateStrategy': {'type': 'RollingUpdate', 'rollingUpdate': {'partition': 2}},
                'template': template({'app': 's'})}
        self.k('apply', '-f', '-', stdin=manifest('StatefulSet', 's', spec))
        self.k('rollout', 'status', 'statefulset/s', '--timeout=20s')
        self.k('set', 'image', 'statefulset/s', 'c=registry.local/app:2')
        self.k('rollout', 'status', 'statefulset/s', '--timeout=20s')
        image = {p['metadata']['name']: p['spec']['containers'][0]['image'][-1] for p in self.items('pods')}
        self.assertEqual(image, {'s-0': '1', 's-1': '1', 's-2': '2'})
        self.k('patch', 'statefulset', 's', '-p', '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}')
        self.k('rollout', 'status', 'statefulset/s', '--timeout=20s')
        self.assertEqual(self.images(), ['registry.local/app:2'] * 3)

    def test_a_daemonset_meets_a_new_node(self):
        self.k('apply', '-f', '-', stdin=manifest('DaemonSet', 'd', {
            'selector': {'matchLabels': {'app': 'd'}}, 'template': template({'app': 'd'})}))
        self.k('rollout', 'status', 'daemonset/d', '--timeout=20s')
        before = len(self.items('pods'))
        self.assertGreaterEqual(before, NODES)
        self.simulate('late-', 1)
        self.until(lambda: any(p['spec'].get('nodeName') == 'late-0' and p['status']['phase'] == 'Running'
                               for p in self.items('pods')))

    def test_claims_are_bound(self):
        self.kubectl('apply', '-f', '-', stdin=manifest('PersistentVolume', 'pv-' + self.ns, {
            'capacity': {'storage': '1Gi'}, 'accessModes': ['ReadWriteOnce'], 'storageClassName': self.ns,
            'hostPath': {'path': '/nowhere'}, 'persistentVolumeReclaimPolicy': 'Retain'}, 'v1'))
        try:
            self.k('apply', '-f', '-', stdin=manifest('PersistentVolumeClaim', 'c', {
                'resources': {'requests': {'storage': '1Gi'}}, 'accessModes': ['ReadWriteOnce'],
                'storageClassName': self.ns}, 'v1'))
            self.k('wait', 'pvc/c', '--for=jsonpath={.status.phase}=Bound', '--timeout=20s')
            self.deploy('user', 1, volumes=[{'name': 'v', 'persistentVolumeClaim': {'claimName': 'c'}}])
            self.k('delete', 'pvc', 'c', '--wait=false')
            self.assertEqual(self.k('get', 'pvc', 'c', '-o', 'jsonpath={.status.phase}').out, 'Bound')  # protected
        finally:
            self.kubectl('delete', 'pv', 'pv-' + self.ns, '--wait=false')

    def test_a_quota_refuses(self):
        self.k('create', 'quota', 'q', '--hard=pods=2')
        self.k('wait', 'quota/q', '--for=jsonpath={.status.hard.pods}=2', '--timeout=10s')
        self.k('create', 'deployment', 'd', '--image=registry.local/app:1', '--replicas=3')
        self.until(lambda: len(self.items('pods')) == 2)
        self.until(lambda: any('exceeded quota: q' in c.get('message', '') for c in
                               self.k('get', 'deployment', 'd', '-o', 'json').json()['status'].get('conditions', [])))
        r = self.k('run', 'p', '--image=registry.local/app:1', ok=False)
        self.assertIn('exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2', r.err)

    def test_deletes_cascade(self):
        self.deploy('a', 2)
        self.k('delete', 'deployment', 'a', '--cascade=foreground', '--timeout=20s')
        self.assertEqual(self.items('replicasets'), [])
        self.deploy('b', 2)
        self.k('delete', 'deployment', 'b', '--cascade=orphan')
        self.assertEqual(len(self.items('replicasets')), 1)
        self.assertEqual([r['metadata'].get('ownerReferences') for r in self.items('replicasets')], [None])
        self.k('delete', 'replicaset', '--all')
        self.until(lambda: self.items('pods') == [])

    def test_a_node_that_fails_and_its_pods_elsewhere(self):
        soon = [{'key': k, 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': 1}
                for k in ('node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable')]
        self.simulate('weak-', 1)
        affinity = {'nodeAffinity': {'preferredDuringSchedulingIgnoredDuringExecution': [
            {'weight': 100, 'preference': {'matchExpressions': [
                {'key': 'kubernetes.io/hostname', 'operator': 'In', 'values': ['weak-0']}]}}]}}
        self.deploy('web', 2, tolerations=soon, affinity=affinity)
        self.assertIn('weak-0', [p['spec']['nodeName'] for p in self.items('pods')])
        self.kubectl('annotate', 'node', 'weak-0', 'sim/silent=true')
        self.kubectl('wait', 'node/weak-0', '--for=condition=Ready=Unknown', '--timeout=70s')
        self.until(lambda: len([p for p in self.items('pods') if p['spec'].get('nodeName') != 'weak-0' and
                                p['status']['phase'] == 'Running']) == 2)
        self.kubectl('annotate', 'node', 'weak-0', 'sim/silent-')
        self.kubectl('wait', 'node/weak-0', '--for=condition=Ready', '--timeout=30s')
        self.until(lambda: all(p['spec'].get('nodeName') != 'weak-0' or 'deletionTimestamp' not in p['metadata']
                               for p in self.items('pods')))


if __name__ == '__main__':
    harness.main()
