#!/usr/bin/env python3
"""The API server under load: HTTP/2 over TLS from h2load, on the same machine, every write synced.

Prints a line for each figure of the table of goals. When KUBE_APISERVER and ETCD name binaries, upstream is measured
in the same run; else its figures are those of a machine with two cores. Names select parts:
    start create get list watch memory busy
"""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(ROOT, 'build', 'release')))
TOKEN = 'bench-token'
NS = '/api/v1/namespaces/default'
# Upstream 1.36 with etcd 3.5 on two cores: value, and the goal as a factor of it (upper bounds: as a value).
PUBLISHED = {
    'create_map': 318, 'create_map_p99': 8.2, 'create_maps': 1290, 'create_maps_p99': 184, 'create_maps_cpu': 1.4,
    'create_pods': 593, 'create_pods_p99': 423, 'create_pods_cpu': 3.2, 'get_pod': 2049,
    'list_json': 1.83, 'list_table': 4.76, 'list_proto': 2.99, 'list_pages': 15,
    'watch_p50': 8.2, 'watch_p99': 16.3, 'watch_cpu': 12,
    'pss_empty': 311, 'pss_5000': 575, 'pss_30000': 1758, 'start': 3.0, 'restart': 2.3,
}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    """A server that is measured; start() again goes on with the same data."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='coxswain-bench-')
        self.port, self.processes = free_port(), []
        with open(self.path('tokens.csv'), 'w') as f:
            f.write(f'{TOKEN},bench,bench,system:masters\n')
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        with open(self.path('kubeconfig'), 'w') as f:
            json.dump({'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'c',
                       'clusters': [{'name': 'c', 'cluster': {'server': self.url(''),
                                                              'insecure-skip-tls-verify': True}}],
                       'users': [{'name': 'u', 'user': {'token': TOKEN}}],
                       'contexts': [{'name': 'c', 'context': {'cluster': 'c', 'user': 'u'}}]}, f)

    def path(self, name):
        return os.path.join(self.dir, name)

    def url(self, path):
        return f'https://127.0.0.1:{self.port}{path}'

    def run(self, *command):
        with open(self.path('log'), 'a') as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.dir))

    def start(self):
        """-> seconds until it is ready"""
        self.launch()
        begin = time.monotonic()
        while time.monotonic() - begin < 60:
            try:
                if self.ask('GET', '/readyz')[0] == 200:
                    return time.monotonic() - begin
            except OSError:
                pass
            time.sleep(0.002)
        with open(self.path('log')) as f:
            raise RuntimeError('not ready: ' + f.read()[-2000:])

    def ask(self, method, path, body=None, content='application/json'):
        r = urllib.request.Request(self.url(path), method=method, data=json.dumps(body).encode() if body else None,
                                   headers={'Authorization': 'Bearer ' + TOKEN, 'Content-Type': content})
        try:
            with urllib.request.urlopen(r, context=self.context, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def must(self, method, path, body=None, content='application/json'):
        status, text = self.ask(method, path, body, content)
        if status >= 300:
            raise RuntimeError(f'{method} {path}: {status} {text[:500]}')
        return json.loads(text)

    def cpu(self):
        """Seconds of all its processes."""
        total = 0
        for p in self.processes:
            with open(f'/proc/{p.pid}/stat') as f:
                fields = f.read().rsplit(')', 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
        return total

    def pss(self):
        """MiB of all its processes."""
        total = 0
        for p in self.processes:
            with open(f'/proc/{p.pid}/smaps_rollup') as f:
                total += next(int(line.split()[1]) for line in f if line.startswith('Pss:'))
        return total / 1024

    def stop(self):
        for p in reversed(self.processes):
            p.send_signal(signal.SIGTERM)
            try:
                p.wait(30)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.processes = []

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Ours(Server):
    def launch(self):
        self.run(os.path.join(BUILD, 'coxswain'), 'apiserver', f'--data-dir={self.path("data")}',
                 '--bind-address=127.0.0.1', f'--secure-port={self.port}',
                 f'--token-auth-file={self.path("tokens.csv")}')


class Upstream(Server):
    def launch(self):
        client, peer = free_port(), free_port()
        key = self.path('sa.key')
        if not os.path.exists(key):
            subprocess.run(['openssl', 'genrsa', '-out', key, '2048'], check=True, capture_output=True)
        etcd = f'http://127.0.0.1:{client}'
        self.run(os.environ['ETCD'], f'--data-dir={self.path("etcd")}', f'--listen-client-urls={etcd}',
                 f'--advertise-client-urls={etcd}', f'--listen-peer-urls=http://127.0.0.1:{peer}')
        self.run(os.environ['KUBE_APISERVER'], f'--etcd-servers={etcd}', '--bind-address=127.0.0.1',
                 f'--secure-port={self.port}', f'--cert-dir={self.path("certs")}', '--authorization-mode=Node,RBAC',
                 f'--token-auth-file={self.path("tokens.csv")}', '--service-cluster-ip-range=10.96.0.0/16',
                 f'--service-account-key-file={key}', f'--service-account-signing-key-file={key}',
                 '--service-account-issuer=https://kubernetes.default.svc')


def prepare(s):
    s.ask('POST', '/api/v1/namespaces', {'metadata': {'name': 'default'}})
    s.ask('POST', NS + '/serviceaccounts', {'metadata': {'name': 'default'}})


class Load:
    """What h2load did."""

    def __init__(self, s, path, n, clients, streams, body=None, accept=None):
        log = s.path('h2load.log')
        if os.path.exists(log):
            os.remove(log)
        command = ['h2load', '-n', str(n), '-c', str(clients), '-m', str(streams), f'--log-file={log}',
                   '-H', 'Authorization: Bearer ' + TOKEN]
        if accept:
            command += ['-H', 'Accept: ' + accept]
        if body is not None:
            with open(s.path('body'), 'w') as f:
                json.dump(body, f)
            command += ['-d', s.path('body'), '-H', 'Content-Type: application/json']
        cpu, begin = s.cpu(), time.monotonic()
        out = subprocess.run(command + [s.url(path)], capture_output=True, text=True, timeout=60)
        seconds = time.monotonic() - begin
        if out.returncode or f' {n} succeeded' not in out.stdout:
            raise RuntimeError(f'h2load {path}: {out.stdout[-1500:]}{out.stderr}')
        with open(log) as f:
            took = sorted(int(line.split('\t')[2]) for line in f)
        self.rate, self.p50, self.p99 = n / seconds, took[n // 2] / 1000, took[n * 99 // 100] / 1000  # ms
        self.cpu = (s.cpu() - cpu) * 1000 / n  # ms a request


def config_map():
    return {'metadata': {'generateName': 'bench-'}, 'data': {'text': 'x' * 240}}


def pod(size=0):
    """About 1 KB as it is sent; `size` more bytes in annotations."""
    env = [{'name': f'VARIABLE_{i}', 'value': f'value of number {i}'} for i in range(6)]
    return {'metadata': {'generateName': 'bench-', 'labels': {'app': 'bench', 'tier': 'front'},
                         'annotations': {'bench/text': 'y' * size}},
            'spec': {'containers': [{'name': 'main', 'image': 'registry.local/app:1.0', 'env': env,
                                     'ports': [{'containerPort': 8080}],
                                     'resources': {'requests': {'cpu': '100m', 'memory': '64Mi'}},
                                     'readinessProbe': {'httpGet': {'path': '/healthz', 'port': 8080}}}]}}


TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'
PROTO = 'application/vnd.kubernetes.protobuf'


# -- parts: each gives its figures; the order of the table --

def part_start(s, got):
    got['start'] = s.start()
    prepare(s)
    got['pss_empty'] = s.pss()
    s.stop()
    got['restart'] = s.start()


def part_create(s, got):
    one = Load(s, NS + '/configmaps', 1500, 1, 1, config_map())
    many = Load(s, NS + '/configmaps', 20000, 10, 10, config_map())
    pods = Load(s, NS + '/pods', 5000, 10, 10, pod())
    got.update(create_map=one.rate, create_map_p99=one.p99, create_maps=many.rate, create_maps_p99=many.p99,
               create_maps_cpu=many.cpu, create_pods=pods.rate, create_pods_p99=pods.p99, create_pods_cpu=pods.cpu)


def pods_there(s, n):
    """n pods of about 3.75 KB, and nothing else that is large."""
    status = s.must('GET', NS + '/pods?limit=1')
    there = len(status['items']) + status['metadata'].get('remainingItemCount', 0)
    if there < n:
        Load(s, NS + "/pods", max(10, n - there), 10, 10, pod(300))


def part_get(s, got):
    pods_there(s, 100)
    name = s.must('GET', NS + '/pods?limit=1')['items'][0]['metadata']['name']
    got['get_pod'] = Load(s, f'{NS}/pods/{name}', 50000, 10, 10).rate


def part_list(s, got):
    s.ask('DELETE', NS + '/pods')
    pods_there(s, 5000)
    got['list_json'] = Load(s, NS + '/pods', 100, 1, 1).rate
    got['list_table'] = Load(s, NS + '/pods', 60, 1, 1, accept=TABLE).rate
    got['list_proto'] = Load(s, NS + '/pods', 100, 1, 1, accept=PROTO).rate
    got['list_pages'] = Load(s, NS + '/pods?limit=500', 600, 1, 1).rate


def watch(s, watchers, rate, seconds):
    s.ask('DELETE', NS + '/configmaps')
    cpu = s.cpu()
    out = subprocess.run([os.path.join(BUILD, 'test', 'bench', 'watch_load'), s.path('kubeconfig'), str(watchers),
                          str(rate), str(seconds)], capture_output=True, text=True, timeout=200)
    if out.returncode:
        raise RuntimeError(out.stderr)
    p50, p99, _, heard, wanted = out.stdout.split()
    if heard != wanted:
        raise RuntimeError(f'{heard} of {wanted} events were heard')
    return float(p50), float(p99), s.cpu() - cpu


def part_watch(s, got):
    got['watch_p50'], got['watch_p99'], got['watch_cpu'] = watch(s, 200, 50, 20)
    got['watch_1000_p50'], got['watch_1000_p99'], got['watch_1000_cpu'] = watch(s, 1000, 20, 5)


def part_busy(s, got):
    """One writer beside 50 listers of 5,000 pods."""
    pods_there(s, 5000)
    listers = subprocess.Popen(['h2load', '-D', '12', '-c', '50', '-m', '1', '-H', 'Authorization: Bearer ' + TOKEN,
                                s.url(NS + '/pods')], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
    try:
        got['busy_write_p99'] = Load(s, NS + '/configmaps', 300, 1, 1, config_map()).p99
    finally:
        listers.terminate()
        listers.wait()


def part_memory(s, got):
    s.ask('DELETE', NS + '/configmaps')
    for n in 5000, 30000:
        pods_there(s, n)
        Load(s, NS + '/pods?limit=500', 20, 1, 1)
        time.sleep(25)  # at rest
        got[f'pss_{n}'] = s.pss()


PARTS = {'start': part_start, 'create': part_create, 'get': part_get, 'list': part_list, 'watch': part_watch,
         'busy': part_busy, 'memory': part_memory}
# name, unit, and the goal: ('x', factor of upstream's), ('<', bound)
GOALS = [
    ('start', 's', ('<', 0.15)), ('restart', 's', ('<', 0.15)),
    ('create_map', '1/s', ('x', 3)), ('create_map_p99', 'ms', None),
    ('create_maps', '1/s', ('x', 8)), ('create_maps_p99', 'ms', None), ('create_maps_cpu', 'ms', None),
    ('create_pods', '1/s', ('x', 10)), ('create_pods_p99', 'ms', None), ('create_pods_cpu', 'ms', None),
    ('get_pod', '1/s', ('x', 10)),
    ('list_json', '1/s', ('x', 15)), ('list_table', '1/s', ('x', 10)), ('list_proto', '1/s', ('x', 15)),
    ('list_pages', '1/s', ('x', 15)),
    ('watch_p50', 'ms', None), ('watch_p99', 'ms', ('<', 3)), ('watch_cpu', 's', ('<', 1.2)),
    ('watch_1000_p50', 'ms', None), ('watch_1000_p99', 'ms', None), ('watch_1000_cpu', 's', None),
    ('busy_write_p99', 'ms', ('<', 20)),
    ('pss_empty', 'MiB', ('<', 15)), ('pss_5000', 'MiB', ('<', 40)), ('pss_30000', 'MiB', ('<', 200)),
]


def measure(server, parts):
    got = {}
    try:
        if 'start' not in parts:
            server.start()
            prepare(server)
        for name in parts:
            PARTS[name](server, got)
    finally:
        server.remove()
    return got


def tell(ours, theirs):
    for name, unit, goal in GOALS:
        if name not in ours:
            continue
        value, peer = ours[name], theirs.get(name)
        text, ok = '-', True
        if goal and goal[0] == '<':
            text, ok = f'<{goal[1]:g}', value <= goal[1]
        elif goal:
            text, ok = f'{goal[1] * peer:g}', value >= goal[1] * peer
        print(f'api_{name} {value:.3g} {unit} peer={"-" if peer is None else f"{peer:.3g}"} goal={text} '
              f'{"ok" if ok else "short"}', flush=True)


def main():
    parts = [p for p in PARTS if p in sys.argv[1:]] or list(PARTS)
    theirs = PUBLISHED
    if os.environ.get('KUBE_APISERVER') and os.environ.get('ETCD'):
        theirs = measure(Upstream(), parts)
    tell(measure(Ours(), parts), theirs)


if __name__ == '__main__':
    main()
