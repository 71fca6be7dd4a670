#!/usr/bin/env python3
"""The whole control plane with simulated nodes, as `coxswain up --server-only` runs it, every write synced.

Prints a line for each figure of the table of goals. Upstream's figures are those of its four processes on two cores.
Names select parts:
    start idle rollout namespace rest
"""
import base64
import json
import os
import subprocess
import sys
import time

import bench_api
from bench_api import BUILD, Load, Server

COXSWAIN = os.path.join(BUILD, 'coxswain')
IDLE_SECONDS = 30


class Cluster(Server):
    """A control plane, and nodes that are none."""

    def __init__(self):
        super().__init__()
        self.nodes = None
        os.chmod(self.dir, 0o711)  # the control plane has a user of its own

    def launch(self):
        self.launched = time.monotonic()
        self.run(COXSWAIN, 'up', '--server-only', '--foreground', f'--data-dir={self.path("data")}',
                 '--bind-address=127.0.0.1', f'--secure-port={self.port}')
        admin = self.path('data/server/admin.conf')
        while not os.path.exists(admin):
            if time.monotonic() - self.launched > 30:
                raise RuntimeError('there is no ' + admin)
            time.sleep(0.001)
        self.take_certificate(admin)

    def take_certificate(self, admin):
        """The administrator's, until there is a token."""
        text = []
        while len(text) < 2:
            with open(admin) as f:
                text = [line.split(':', 1)[1].strip().strip('"') for line in f
                        if line.strip().startswith(('client-certificate-data', 'client-key-data'))]
        with open(self.path('admin.pem'), 'w') as f:
            f.write(''.join(base64.b64decode(t).decode() for t in text))
        self.context.load_cert_chain(self.path('admin.pem'))

    def ask(self, method, path, body=None, content='application/json'):
        if bench_api.TOKEN == 'bench-token':
            bench_api.TOKEN = ''
        return super().ask(method, path, body, content)

    def take_token(self):
        """For h2load, which knows no certificates."""
        ns = '/api/v1/namespaces/kube-system/serviceaccounts'
        self.must('POST', ns, {'metadata': {'name': 'bench'}})
        self.must('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
            'metadata': {'name': 'bench'},
            'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': 'cluster-admin'},
            'subjects': [{'kind': 'ServiceAccount', 'name': 'bench', 'namespace': 'kube-system'}]})
        bench_api.TOKEN = self.must('POST', ns + '/bench/token', {'spec': {}})['status']['token']

    def simulate(self, n):
        with open(self.path('nodes.log'), 'w') as log:
            self.nodes = subprocess.Popen(
                [COXSWAIN, 'simulate', f'--nodes={n}', '--cpu=64', '--memory=256Gi', '--zones=3',
                 f'--kubeconfig={self.path("data/server/admin.conf")}'], stdout=log, stderr=log)
        self.wait(lambda: self.count('/api/v1/nodes') >= n, 120)

    def count(self, path):
        status = self.must('GET', path + '?limit=1')
        return len(status['items']) + status['metadata'].get('remainingItemCount', 0)

    def wait(self, holds, seconds):
        begin = time.monotonic()
        while not holds():
            if time.monotonic() - begin > seconds:
                raise RuntimeError(f'not within {seconds} seconds')
            time.sleep(0.05)
        return time.monotonic() - begin

    def family(self):
        """Ids of the processes and of those that they started."""
        children, found = {}, [p.pid for p in self.processes]
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/stat') as f:
                    children.setdefault(int(f.read().rsplit(')', 1)[1].split()[1]), []).append(int(pid))
            except OSError:
                pass
        for pid in found:
            found += children.get(pid, [])
        return found

    def cpu(self):
        total = 0
        for pid in self.family():
            with open(f'/proc/{pid}/stat') as f:
                total += sum(int(n) for n in f.read().rsplit(')', 1)[1].split()[11:13])
        return total / os.sysconf('SC_CLK_TCK')

    def pss(self):
        total = 0
        for pid in self.family():
            with open(f'/proc/{pid}/smaps_rollup') as f:
                total += next(int(line.split()[1]) for line in f if line.startswith('Pss:'))
        return total / 1024

    def stop(self):
        if self.nodes:
            self.nodes.terminate()
            self.nodes.wait()
            self.nodes = None
        super().stop()


def deployment(name, replicas):
    container = {'name': 'c', 'image': 'registry.local/app:1', 'resources': {'requests': {'cpu': '10m'}}}
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': name},
            'spec': {'replicas': replicas, 'selector': {'matchLabels': {'app': name}},
                     'template': {'metadata': {'labels': {'app': name}, 'annotations': {'sim/ready-after': '0s'}},
                                  'spec': {'terminationGracePeriodSeconds': 0, 'containers': [container]}}}}


def roll_out(s, name, replicas, seconds):
    path = '/apis/apps/v1/namespaces/default/deployments/' + name
    begin = time.monotonic()
    s.must('PATCH', path + '?fieldManager=bench', deployment(name, replicas), 'application/apply-patch+yaml')
    s.wait(lambda: s.must('GET', path).get('status', {}).get('readyReplicas') == replicas, seconds)
    return time.monotonic() - begin


# -- parts --

def part_start(s, got):
    s.launch()
    while True:
        try:
            if s.ask('GET', '/api/v1/namespaces/default/serviceaccounts/default')[0] == 200:
                break
        except OSError:
            pass
        if time.monotonic() - s.launched > 60:
            raise RuntimeError('there is no default service account')
        time.sleep(0.002)
    got['start'] = time.monotonic() - s.launched


def cpu_of(s, seconds):
    """Percent of a core."""
    before = s.cpu()
    time.sleep(seconds)
    return (s.cpu() - before) * 100 / seconds


def part_idle(s, got):
    time.sleep(25)
    got['idle_pss'] = s.pss()
    got['idle_cpu'] = cpu_of(s, IDLE_SECONDS)


def part_rollout(s, got):
    s.simulate(1000)
    got['rollout_10000'] = roll_out(s, 'web', 10000, 120)
    s.must('DELETE', '/apis/apps/v1/namespaces/default/deployments/web')
    s.wait(lambda: s.count('/api/v1/namespaces/default/pods') == 0, 120)


def part_namespace(s, got):
    s.must('POST', '/api/v1/namespaces', {'metadata': {'name': 'large'}})
    for kind in 'configmaps', 'secrets':
        Load(s, '/api/v1/namespaces/large/' + kind, 5000, 10, 10, {'metadata': {'generateName': 'bench-'}})
    begin = time.monotonic()
    s.must('DELETE', '/api/v1/namespaces/large')
    s.wait(lambda: s.ask('GET', '/api/v1/namespaces/large')[0] == 404, 120)
    got['namespace_10000'] = time.monotonic() - begin


def part_rest(s, got):
    if s.nodes:
        s.nodes.terminate()
        s.nodes.wait()
    s.simulate(5000)
    for i in range(15):
        roll_out(s, f'rest-{i}', 10000, 120)
    time.sleep(60)
    got['rest_cpu'] = cpu_of(s, IDLE_SECONDS) / 100
    got['rest_pss'] = s.pss()


PARTS = {'start': part_start, 'idle': part_idle, 'rollout': part_rollout, 'namespace': part_namespace,
         'rest': part_rest}
# name, unit, upstream's, at most
GOALS = [
    ('start', 's', '9', 0.5), ('idle_pss', 'MiB', '490', 24), ('idle_cpu', '%', '5.6', 0.3),
    ('rollout_10000', 's', '-', 15), ('namespace_10000', 's', '-', 5),
    ('rest_cpu', 'cores', '-', 0.3), ('rest_pss', 'MiB', '-', None),
]


def tell(got):
    for name, unit, peer, goal in GOALS:
        if name in got:
            text, ok = ('-', True) if goal is None else (f'<{goal:g}', got[name] <= goal)
            print(f'control_{name} {got[name]:.3g} {unit} peer={peer} goal={text} {"ok" if ok else "short"}',
                  flush=True)


def main():
    parts = [p for p in PARTS if p in sys.argv[1:]] or list(PARTS)
    if 'start' not in parts:
        parts.insert(0, 'start')
    s = Cluster()
    try:
        for name in parts:
            got = {}
            PARTS[name](s, got)
            tell(got)
            if name == 'idle' or (name == 'start' and 'idle' not in parts):
                s.take_token()
    finally:
        s.remove()


if __name__ == '__main__':
    main()
