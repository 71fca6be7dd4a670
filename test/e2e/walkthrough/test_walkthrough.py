#!/usr/bin/env python3
"""The life of examples/hello on a cluster of its own: up, apply, the page, logs, exec, scale, delete, down.

Runs inside private.sh: network, processes and mounts are the test's own. kubectl is that of scripts/install-clients.sh
(CLIENTS), else the one in PATH; without any the test is skipped. The machine is compared before and after: processes,
mounts, links, tables of nftables, cgroups, files.

    private.sh test_walkthrough.py COXSWAIN
"""
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

SECONDS = 180  # for every wait: machines that run all tests at once are slow
PORT = '6443'
ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '../../..'))
EXAMPLE = os.path.join(ROOT, 'examples/hello')


def find_kubectl():
    own = os.path.join(os.environ.get('CLIENTS', os.path.join(ROOT, 'build/clients')), 'v35/kubectl/kubectl')
    return own if os.access(own, os.X_OK) else shutil.which('kubectl')


def run(*command, check=True, text=None, env=None):
    done = subprocess.run(list(command), input=text, capture_output=True, text=True, timeout=SECONDS, env=env)
    if check and done.returncode:
        raise AssertionError(f'{" ".join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}')
    return done


def wait_for(what, condition):
    """Waits until condition() is true; what it raises meanwhile is part of the message when it never is."""
    end, last = time.monotonic() + SECONDS, None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as e:
            last = e
        if time.monotonic() > end:
            raise AssertionError(f'in {SECONDS} s there was no {what}: {last}')
        time.sleep(0.2)


def make_network():
    """An address and a default route, so that there is something to be reached at."""
    run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0-peer')
    run('ip', 'link', 'set', 'eth0-peer', 'up')
    run('ip', 'address', 'add', '192.0.2.10/24', 'dev', 'eth0')
    run('ip', 'link', 'set', 'eth0', 'up')
    run('ip', 'route', 'add', 'default', 'via', '192.0.2.1')


# -- what a machine has --

def processes():
    found = set()
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                line = f.read().replace(b'\0', b' ').decode(errors='replace').strip()
        except OSError:
            continue
        if int(pid) != os.getpid() and line:
            found.add(f'{pid} {line}')
    return found


def mounts():
    with open('/proc/self/mountinfo', encoding='utf-8') as f:
        return {line.split()[4] for line in f}


def links():
    return {x['ifname'] for x in json.loads(run('ip', '-json', 'link').stdout)}


def tables():
    return set(run('nft', 'list', 'tables').stdout.splitlines()) if shutil.which('nft') else set()


def cgroups_of(uids):
    """The cgroups of these pods."""
    return {path for path, _, _ in os.walk('/sys/fs/cgroup') for uid in uids if uid in path}


class Walk:
    def __init__(self, coxswain, kubectl, folder):
        self.coxswain, self.kubectl_path = coxswain, kubectl
        self.data = os.path.join(folder, 'cx')
        self.env = dict(os.environ, KUBECONFIG=os.path.join(self.data, 'server/admin.conf'), HOME=folder)
        self.started = time.monotonic()
        self.uids = set()
        self.manifest = os.path.join(EXAMPLE, 'hello.yaml')

    def say(self, text):
        print(f'{time.monotonic() - self.started:6.1f} s  {text}', flush=True)

    def kubectl(self, *args, text=None, check=True):
        return run(self.kubectl_path, *args, text=text, check=check, env=self.env).stdout

    def get(self, *args):
        return json.loads(self.kubectl('get', *args, '-o', 'json'))

    def pods(self):
        pods = self.get('pods', '-l', 'app=hello')['items']
        self.uids.update(p['metadata']['uid'] for p in pods)
        return pods

    # -- the steps --

    def up(self):
        images = os.path.join(self.data, 'agent/images')
        os.makedirs(images)
        run(os.path.join(EXAMPLE, 'make-image.sh'), os.path.join(images, 'hello.tar'))
        out = run(self.coxswain, 'up', '--data-dir', self.data, '--secure-port', PORT, '--wait', f'{SECONDS}s').stdout
        assert 'The cluster runs' in out, out
        again = run(self.coxswain, 'up', '--data-dir', self.data, '--secure-port', PORT).stdout
        assert 'runs here already' in again, again
        self.say('the cluster runs')

    def apply(self):
        out = self.kubectl('apply', '-f', self.manifest)
        assert out.splitlines() == ['configmap/hello-page created', 'deployment.apps/hello created',
                                    'service/hello created'], out
        self.ready(3)
        out = self.kubectl('apply', '-f', self.manifest)
        assert [line.split()[1] for line in out.splitlines()] == ['unchanged'] * 3, out

    def ready(self, n):
        def there():
            self.pods()
            status = self.get('deployment', 'hello')['status']
            return status.get('readyReplicas', 0) == n and status.get('replicas', 0) == n
        wait_for(f'{n} ready pods', there)
        self.say(f'{n} pods are ready')

    def page(self):
        address = self.get('service', 'hello')['spec']['clusterIP']

        def fetch():
            with urllib.request.urlopen(f'http://{address}/', timeout=5) as answer:
                return answer.read().decode()
        assert 'Hello from Coxswain' in wait_for('page', fetch)
        self.say(f'the page comes from {address}')

    def look_inside(self):
        name = self.pods()[0]['metadata']['name']
        inside = self.kubectl('exec', name, '--', 'cat', '/www/index.html')
        assert 'Hello from Coxswain' in inside, inside
        named = self.kubectl('exec', name, '--', 'wget', '-q', '-O', '-', 'hello.default.svc.cluster.local/')
        assert named == inside, named
        who = self.kubectl('exec', name, '--', 'id', '-u').strip()
        assert who == '1000', who
        failed = run(self.kubectl_path, 'exec', name, '--', 'sh', '-c', 'exit 7', check=False, env=self.env)
        assert failed.returncode == 7, failed
        wait_for('line in the log', lambda: 'response:200' in self.kubectl('logs', name))
        self.say('logs and exec answer, the service has a name')

    def scale(self, n):
        self.kubectl('scale', 'deployment/hello', f'--replicas={n}')
        self.ready(n)
        wait_for(f'{n} endpoints', lambda: n == sum(
            len(s.get('endpoints') or []) for s in
            self.get('endpointslices', '-l', 'kubernetes.io/service-name=hello')['items']))

    def heal(self):
        """A pod that is deleted comes again under another name."""
        gone = self.pods()[0]['metadata']['name']
        self.kubectl('delete', 'pod', gone, '--wait=false')
        wait_for('end of the pod', lambda: gone not in [p['metadata']['name'] for p in self.pods()])
        self.ready(5)

    def delete(self):
        self.kubectl('delete', '-f', self.manifest)
        wait_for('end of the pods', lambda: not self.pods())
        self.say('all is deleted')

    def down(self):
        out = run(self.coxswain, 'down', '--data-dir', self.data, '--purge').stdout
        assert 'is stopped' in out and 'is removed' in out, out
        self.say('the cluster is stopped')

    def logs(self):
        folder = os.path.join(self.data, 'logs')
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), encoding='utf-8', errors='replace') as f:
                print(f'-- {name}', *f.read().splitlines()[-40:], sep='\n')


def compare(before, after):
    left = {what: sorted(after[what] - before[what]) for what in after if after[what] - before[what]}
    assert not left, f'left behind: {json.dumps(left, indent=2)}'


def machine():
    return {'processes': processes(), 'mounts': mounts(), 'links': links(), 'tables': tables()}


def main():
    kubectl = find_kubectl()
    if not kubectl:
        print('skipped: there is no kubectl; scripts/install-clients.sh gets one')
        return 77
    folder = os.environ['E2E_DIR']
    os.chmod(folder, 0o711)  # the control plane runs as a user of its own
    make_network()
    walk = Walk(os.path.realpath(sys.argv[1]), kubectl, folder)
    before = machine()
    try:
        walk.up()
        walk.apply()
        walk.page()
        walk.look_inside()
        walk.scale(5)
        walk.heal()
        walk.page()
        walk.delete()
        # what is running when the cluster ends has to go, too
        walk.kubectl('apply', '-f', walk.manifest)
        walk.ready(3)
        walk.down()
    except BaseException:
        walk.logs()
        raise
    compare(before, machine())
    assert not os.path.exists(walk.data), walk.data
    assert not cgroups_of(walk.uids), cgroups_of(walk.uids)
    walk.say('nothing is left')
    return 0


if __name__ == '__main__':
    sys.exit(main())
