#!/usr/bin/env python3
"""A second and a third machine join with one line each; pods reach each other over machines, by address and through a
service; logs and exec work on every node; what ran on a machine that fails runs elsewhere soon.

    private.sh test_join.py COXSWAIN
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from machines import Machines, find_kubectl, run, wait_for  # pylint: disable=wrong-import-position

SILENCE = 10  # seconds until a node that says nothing is not ready
FETCH = ('wget', '-q', '-O', '-')
IMAGE = 'coxswain.local/busybox:1'
APP = {
    'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'web'},
    'spec': {
        'replicas': 3, 'selector': {'matchLabels': {'app': 'web'}},
        'template': {
            'metadata': {'labels': {'app': 'web'}},
            'spec': {
                'terminationGracePeriodSeconds': 1,
                'topologySpreadConstraints': [{
                    'maxSkew': 1, 'topologyKey': 'kubernetes.io/hostname', 'whenUnsatisfiable': 'DoNotSchedule',
                    'nodeTaintsPolicy': 'Honor', 'labelSelector': {'matchLabels': {'app': 'web'}}}],
                'tolerations': [{'key': f'node.kubernetes.io/{what}', 'operator': 'Exists', 'effect': 'NoExecute',
                                 'tolerationSeconds': 1} for what in ('not-ready', 'unreachable')],
                'containers': [{
                    'name': 'web', 'image': IMAGE, 'imagePullPolicy': 'Never',
                    'command': ['sh', '-c', 'mkdir /www; hostname >/www/index.html; echo serving; '
                                            'trap exit TERM; httpd -f -p 80 -h /www & wait'],
                    'readinessProbe': {'httpGet': {'path': '/', 'port': 80}, 'periodSeconds': 1}}]}}}}
SERVICE = {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'web'},
           'spec': {'selector': {'app': 'web'}, 'ports': [{'port': 80}]}}


class Cluster:
    def __init__(self, machines, kubectl):
        self.kubectl_path, self.started = kubectl, time.monotonic()
        self.first, self.second, self.third = (machines.start(name) for name in ('one', 'two', 'three'))
        self.all = machines.all

    def say(self, text):
        print(f'{time.monotonic() - self.started:6.1f} s  {text}', flush=True)

    def kubectl(self, *args, text=None, check=True):
        config = self.first.outside('/var/lib/coxswain/server/admin.conf')
        return run(self.kubectl_path, '--kubeconfig', config, '--server', f'https://{self.first.address}:6443', *args,
                   text=text, check=check).stdout

    def get(self, *args):
        return json.loads(self.kubectl('get', *args, '-o', 'json'))

    def up(self):
        for m in self.all:
            m.add_image(os.environ['E2E_BUSYBOX'])
        out = self.first.run('coxswain', 'up', '--node-monitor-grace-period', f'{SILENCE}s').stdout
        assert 'The cluster runs' in out, out
        self.say('the first machine is a cluster')

    def join(self):
        token = self.first.run('coxswain', 'token', 'create', '--ttl', '1h').stdout.strip()
        for m in self.all[1:]:
            m.spawn('coxswain', 'agent', '--server', f'https://{self.first.address}:6443', '--token', token,
                    '--data-dir', '/var/lib/coxswain/agent', log='agent.log')
        wait_for('three ready nodes', lambda: self.ready_nodes() == ['one', 'three', 'two'])
        addresses = {n['metadata']['name']: a['address'] for n in self.get('nodes')['items']
                     for a in n['status']['addresses'] if a['type'] == 'InternalIP'}
        assert addresses == {m.name: m.address for m in self.all}, addresses
        self.say('the other two are its nodes')

    def ready_nodes(self):
        return sorted(n['metadata']['name'] for n in self.get('nodes')['items']
                      for c in n['status']['conditions'] if c['type'] == 'Ready' and c['status'] == 'True')

    def pods(self):
        """Of the application, those that are ready and stay: by node."""
        found = {}
        for p in self.get('pods', '-l', 'app=web')['items']:
            ready = any(c['type'] == 'Ready' and c['status'] == 'True' for c in p['status'].get('conditions', []))
            if ready and not p['metadata'].get('deletionTimestamp'):
                found.setdefault(p['spec']['nodeName'], []).append(p)
        return found

    def apply(self):
        self.kubectl('apply', '-f', '-', text=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': [APP, SERVICE]}))
        wait_for('one pod on each node', lambda: sorted(self.pods()) == ['one', 'three', 'two'])
        self.say('a pod is ready on each node')

    def talk(self):
        pods = {node: p[0] for node, p in self.pods().items()}
        service = self.get('service', 'web')['spec']['clusterIP']
        names = {p['metadata']['name'] for p in pods.values()}
        for node, p in pods.items():
            for other in pods.values():
                page = self.fetch(p, other['status']['podIP'])
                assert page == other['metadata']['name'], (node, page)
            seen = set()
            wait_for(f'all pods through the service on {node}',
                     lambda: seen.add(self.fetch(p, service)) or seen >= names)
            assert self.fetch(p, 'web.default.svc.cluster.local') in names
            assert 'serving' in self.kubectl('logs', p['metadata']['name'])
        self.say('pods, service, names, logs and exec work on every node')

    def fetch(self, pod, host):
        """What a pod gets from there. The limit is timeout's: busybox's own crashes."""
        return self.kubectl('exec', pod['metadata']['name'], '--', 'timeout', '5', *FETCH, f'{host}/').strip()

    def fail(self):
        """What ran on the third machine runs on the others."""
        begin = time.monotonic()
        self.third.off()
        wait_for('node that is not ready', lambda: self.ready_nodes() == ['one', 'two'])
        self.say('the third machine is gone, and the cluster knows')
        wait_for('three pods elsewhere', lambda: sum(len(p) for n, p in self.pods().items() if n != 'three') == 3
                 and 'three' not in self.pods())
        took = time.monotonic() - begin
        assert took < SILENCE + 25, f'that took {took:.1f} s'
        self.say(f'its pod runs elsewhere, {took:.1f} s after')

    def back(self):
        """The machine comes back: without a token, as the node it was."""
        self.third.on()
        self.third.spawn('coxswain', 'agent', '--server', f'https://{self.first.address}:6443', '--data-dir',
                         '/var/lib/coxswain/agent', log='agent.log')
        wait_for('three ready nodes', lambda: self.ready_nodes() == ['one', 'three', 'two'])
        self.say('the third machine is back')

    def down(self):
        out = self.first.run('coxswain', 'down', '--purge').stdout
        assert 'is stopped' in out, out
        self.say('the cluster is stopped')


def main():
    kubectl = find_kubectl()
    if not kubectl:
        print('skipped: there is no kubectl; scripts/install-clients.sh gets one')
        return 77
    with Machines(os.path.realpath(sys.argv[1])) as machines:
        c = Cluster(machines, kubectl)
        c.up()
        c.join()
        c.apply()
        c.talk()
        c.fail()
        c.back()
        c.down()
    return 0


if __name__ == '__main__':
    sys.exit(main())
