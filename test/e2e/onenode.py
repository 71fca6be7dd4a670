"""A cluster of one machine for many tests at once: each is a function case_… with a namespace of its own.

Only inside private.sh. What a user does is done with kubectl; what becomes of it is waited for with a watch, so that
nothing is asked again and again.

    def case_something(t):
        t.pod('one', command=['sleep', '60'])
        t.running('one')
        assert t.exec('one', 'id', '-u') == '0'

    run_cases(cluster, [case_something, …])
"""
import base64
import concurrent.futures
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

from machines import Failed, Machines, find_kubectl, run, wait_for

IMAGE = 'coxswain.local/busybox:1'
SECONDS = 120  # for every wait: machines that run all tests at once are slow
ADDRESS = '192.0.2.10'  # of the first machine
NODE = 'e2e'
AT_ONCE = 10
COLLECTIONS = {
    **{kind: '/api/v1/namespaces/{ns}/' + kind.lower() + 's' for kind in (
        'ConfigMap', 'Event', 'PersistentVolumeClaim', 'Pod', 'Secret', 'Service', 'ServiceAccount')},
    **{kind: f'/api/v1/{kind.lower()}s' for kind in ('Node', 'PersistentVolume')},
    'Deployment': '/apis/apps/v1/namespaces/{ns}/deployments',
    'EndpointSlice': '/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices',
    'RuntimeClass': '/apis/node.k8s.io/v1/runtimeclasses',
    'StorageClass': '/apis/storage.k8s.io/v1/storageclasses'}


class Api:
    """Requests as the administrator. Any thread."""

    def __init__(self, kubeconfig):
        with open(kubeconfig, encoding='utf-8') as f:
            fields = dict(line.strip().split(': ', 1) for line in f if ': ' in line)
        self.address = fields['server'].strip('"').rsplit('/', 1)[1]
        with tempfile.TemporaryDirectory() as folder:
            for key in ('certificate-authority-data', 'client-certificate-data', 'client-key-data'):
                with open(os.path.join(folder, key), 'wb') as f:
                    f.write(base64.b64decode(fields[key].strip('"')))
            self.tls = ssl.create_default_context(cafile=os.path.join(folder, 'certificate-authority-data'))
            self.tls.load_cert_chain(os.path.join(folder, 'client-certificate-data'),
                                     os.path.join(folder, 'client-key-data'))

    def connect(self, seconds):
        host, port = self.address.rsplit(':', 1)
        return http.client.HTTPSConnection(host, int(port), timeout=seconds, context=self.tls)

    def request(self, method, path, body=None, content='application/json', seconds=30):
        """-> status, text"""
        c = self.connect(seconds)
        try:
            c.request(method, path, json.dumps(body) if body is not None else None, {'Content-Type': content})
            answer = c.getresponse()
            return answer.status, answer.read().decode(errors='replace')
        finally:
            c.close()

    def do(self, method, path, body=None, content='application/json'):
        status, text = self.request(method, path, body, content)
        if status >= 300:
            raise Failed(f'{method} {path}: {status} {text}')
        return json.loads(text)

    def follow(self, path, query, seconds):
        """The objects of a list, then those of its events as they come, until the time is over."""
        end = time.monotonic() + seconds
        whole = self.do('GET', f'{path}?{urllib.parse.urlencode(query)}')
        for o in whole['items']:
            yield 'ADDED', o
        yield 'LISTED', None
        query = dict(query, watch='true', resourceVersion=whole['metadata']['resourceVersion'])
        c = self.connect(seconds + 1)
        try:
            c.request('GET', f'{path}?{urllib.parse.urlencode(query)}')
            answer = c.getresponse()
            while time.monotonic() < end:
                c.sock.settimeout(max(0.01, end - time.monotonic()))
                line = answer.readline()
                if not line:
                    return
                event = json.loads(line)
                if event['type'] == 'ERROR':
                    return
                yield event['type'], event['object']
        except (TimeoutError, ssl.SSLError):
            return
        finally:
            c.close()

    def until(self, path, query, what, condition, seconds=SECONDS):
        """The first object that condition(object) is true of; condition(None): it was deleted, or there is none."""
        end, last = time.monotonic() + seconds, None
        while time.monotonic() < end:
            try:
                there = False
                for kind, o in self.follow(path, query, max(0.1, end - time.monotonic())):
                    last, there = o or last, there or kind != 'LISTED'
                    if (kind != 'LISTED' or not there) and condition(None if kind == 'DELETED' else o):
                        return o
            except (OSError, http.client.HTTPException, Failed) as e:  # the server may be away for a moment
                last = str(e)
                time.sleep(0.1)
        said = json.dumps(last.get('status', last), indent=1) if isinstance(last, dict) else last
        raise AssertionError(f'in {seconds} s there was no {what}; at last:\n{said}')


class Node:
    """The cluster and its only node: a machine (machines.py)."""

    def __init__(self, machine, kubectl):
        self.machine, self.kubectl_path, self.api = machine, kubectl, None
        self.agent = machine.outside('/var/lib/coxswain/agent')
        self.started = time.monotonic()
        self.env = dict(os.environ, KUBECONFIG=os.path.join(machine.folder, 'kubeconfig'), HOME=machine.folder)

    def say(self, text):
        print(f'{time.monotonic() - self.started:6.1f} s  {text}', flush=True)

    def up(self, *flags):
        self.machine.add_image(os.environ['E2E_BUSYBOX'])
        out = self.machine.run('coxswain', 'up', '--ephemeral', *flags).stdout
        assert 'The cluster runs' in out, out
        with open(self.machine.outside('/var/lib/coxswain/server/admin.conf'), encoding='utf-8') as f, \
                open(self.env['KUBECONFIG'], 'w', encoding='utf-8') as to:
            to.write(f.read().replace('127.0.0.1', self.machine.address))
        self.api = Api(self.env['KUBECONFIG'])
        self.say('the cluster runs')

    def down(self):
        out = self.machine.run('coxswain', 'down', '--purge').stdout
        assert 'is stopped' in out and 'is removed' in out, out
        self.say('the cluster is stopped')

    def kubectl(self, *args, check=True, text=None, timeout=SECONDS):
        return run(self.kubectl_path, *args, check=check, text=text, env=self.env, timeout=timeout)

    def pids(self, role):
        """Processes of `coxswain ROLE`."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as f:
                    words = f.read().split(b'\0')
            except OSError:
                continue
            if len(words) > 2 and words[1] == role.encode() and words[0].endswith((b'coxswain', b'exe')):
                found.append(int(pid))
        return found

    def kill(self, role):
        for pid in self.pids(role):
            os.kill(pid, signal.SIGKILL)


def container(name='main', image=IMAGE, command=None, **more):
    """Commands get a shell that ends at once when it is told to."""
    c = {'name': name, 'image': image, 'imagePullPolicy': 'IfNotPresent', **more}
    if command:
        c['command'] = command if isinstance(command, list) else ['sh', '-c', command]
    return c


FOREVER = 'trap exit TERM; sleep 9999 & wait'


class Test:
    """What one case has: a namespace, and shortcuts."""

    def __init__(self, node, name):
        self.node, self.api, self.ns = node, node.api, name.replace('case_', '').replace('_', '-')
        self.folder = f'/var/lib/test/{self.ns}'  # files of the machine
        os.makedirs(node.machine.outside(self.folder))

    def prepare(self):
        self.api.do('POST', '/api/v1/namespaces', {'metadata': {'name': self.ns}})
        self.until('ServiceAccount', 'default', 'service account', lambda o: o)

    # -- acting --

    def k(self, *args, **options):
        """What kubectl prints."""
        return self.node.kubectl('-n', self.ns, *args, **options).stdout

    def refused(self, *args, text=None):
        """What kubectl says when it fails, as it has to."""
        done = self.node.kubectl('-n', self.ns, *args, check=False, text=text)
        assert done.returncode, done.stdout
        return done.stdout + done.stderr

    def make(self, *objects):
        """Without kubectl, which needs a tenth of a second each time."""
        for o in objects:
            self.api.do('POST', COLLECTIONS[o['kind']].format(ns=self.ns), {'apiVersion': 'v1', **o})

    def pod(self, name, command=FOREVER, containers=None, labels=None, annotations=None, with_container=None, **spec):
        """Makes a pod with one container, or with these."""
        one = container(command=command, **(with_container or {}))
        spec.setdefault('terminationGracePeriodSeconds', 2)
        self.make({'kind': 'Pod', 'metadata': {'name': name, 'labels': labels or {}, 'annotations': annotations or {}},
                   'spec': {'containers': containers or [one], **spec}})

    def exec(self, pod, *command, container_name=None, text=None):
        where = ('-c', container_name) if container_name else ()
        stdin = ('-i',) if text is not None else ()
        return self.k('exec', *stdin, pod, *where, '--', *command, text=text).strip()

    def sh(self, pod, script, **more):
        return self.exec(pod, 'sh', '-c', script, **more)

    def delete(self, name, *flags):
        self.k('delete', 'pod', name, *flags)

    # -- looking --

    def path(self, kind):
        return COLLECTIONS[kind].format(ns=self.ns)

    def get(self, kind, name):
        return self.api.do('GET', f'{self.path(kind)}/{name}')

    def until(self, kind, name, what, condition, seconds=SECONDS):
        return self.api.until(self.path(kind), {'fieldSelector': f'metadata.name={name}'}, what, condition, seconds)

    def pod_until(self, name, what, condition, seconds=SECONDS):
        return self.until('Pod', name, f'{what} of {name}', lambda o: o and condition(o), seconds)

    def gone(self, name, seconds=SECONDS):
        self.until('Pod', name, f'end of {name}', lambda o: o is None, seconds)

    def running(self, name):
        """All its containers run; the pod's address."""
        return self.pod_until(name, 'running', lambda o: o['status']['phase'] == 'Running' and all(
            'running' in s['state'] for s in o['status']['containerStatuses']))['status'].get('podIP')

    def ready(self, name):
        return self.pod_until(name, 'readiness', lambda o: condition(o, 'Ready') == 'True')['status']['podIP']

    def ends(self, name, phase='Succeeded'):
        return self.pod_until(name, f'phase {phase}', lambda o: o['status']['phase'] == phase)

    def event(self, name, reason, text='', seconds=SECONDS):
        """The first event about an object for that reason whose message holds the text."""
        return self.api.until(self.path('Event'), {'fieldSelector': f'involvedObject.name={name},reason={reason}'},
                              f'event {reason} about {name} with "{text}"',
                              lambda o: o and text in o['message'], seconds)

    def waiting(self, name, reason, text='', seconds=SECONDS):
        """A container waits for that reason: the message."""
        def there(o):
            for s in o['status'].get('initContainerStatuses', []) + o['status'].get('containerStatuses', []):
                w = s['state'].get('waiting', {})
                if w.get('reason') == reason and text in w.get('message', ''):
                    return w
            return None
        return there(self.pod_until(name, f'waiting {reason} "{text}"', there, seconds))

    def until_logged(self, pod, text, *flags):
        """Follows the log until a line holds the text."""
        process = self.spawn('logs', '-f', pod, *flags)
        try:
            for line in process.stdout:
                if text in line:
                    return
            raise AssertionError(f'the log of {pod} ended without "{text}"')
        finally:
            finish(process)

    def write(self, name, text='', mode=0o644):
        """A file of the machine; its path there."""
        path = f'{self.folder}/{name}'
        outside = self.node.machine.outside(path)
        os.makedirs(os.path.dirname(outside), exist_ok=True)
        with open(outside, 'w', encoding='utf-8') as f:
            f.write(text)
        os.chmod(outside, mode)
        return path

    def read(self, name):
        with open(self.node.machine.outside(f'{self.folder}/{name}'), encoding='utf-8') as f:
            return f.read()

    def spawn(self, *args, **options):
        """A kubectl that stays; end it with finish()."""
        return subprocess.Popen([self.node.kubectl_path, '-n', self.ns, *args], env=self.node.env, text=True,
                                **{'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT,
                                   **options})


def finish(process):
    """Ends a kubectl; what it said that nobody read."""
    process.terminate()
    try:
        return process.communicate(timeout=20)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def condition(o, kind):
    """True, False, Unknown, or None: there is no such condition."""
    return next((c['status'] for c in o['status'].get('conditions', []) if c['type'] == kind), None)


def status_of(o, name='main'):
    all_of = [s for field in ('initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses')
              for s in o['status'].get(field, [])]
    return next((s for s in all_of if s['name'] == name), None)


def host_path(name, path, kind=None):
    return {'name': name, 'hostPath': {'path': path, **({'type': kind} if kind else {})}}


def equal(found, wanted):
    assert found == wanted, f'found {found!r}, wanted {wanted!r}'


def contains(text, *parts):
    for part in parts:
        assert part in text, f'no "{part}" in: {text}'


# -- running cases --

LOCK = threading.Lock()


def tell(node, test, name, began, why):
    with LOCK:
        if why is None:
            node.say(f'ok {name} ({time.monotonic() - began:.1f} s)')
            return
        node.say(f'FAILED {name} ({time.monotonic() - began:.1f} s)\n{why}')
        for what in (('get', 'pods', '-o', 'wide'), ('get', 'events', '--sort-by=.metadata.creationTimestamp')):
            done = node.kubectl('-n', test.ns, *what, check=False)
            print(done.stdout + done.stderr, flush=True)


def run_case(node, case):
    began, why = time.monotonic(), None
    test = Test(node, case.__name__)
    try:
        test.prepare()
        case(test)
    except subprocess.TimeoutExpired as e:
        why = f'{e}: {e.stdout}'
    except Exception:  # pylint: disable=broad-except
        why = traceback.format_exc()
    tell(node, test, case.__name__, began, why)
    if why is None:
        node.api.request('DELETE', f'/api/v1/namespaces/{test.ns}')
    return why is None


def run_cases(node, cases, at_once=AT_ONCE):
    """Names of those that failed."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        results = list(pool.map(lambda case: run_case(node, case), cases))
    return [case.__name__ for case, good in zip(cases, results) if not good]


def cases_of(*modules):
    """All cases of modules in their order."""
    return [f for m in modules for name, f in vars(m).items() if name.startswith('case_')]


def main(together, alone, prepare=None):
    """Runs cases together, then others one by one. COXSWAIN [NAME…]: only those whose names contain one of these."""
    kubectl = find_kubectl()
    if not kubectl:
        print('skipped: there is no kubectl; scripts/install-clients.sh gets one')
        return 77
    wanted = sys.argv[2:]

    def chosen(cases):
        return [c for c in cases if not wanted or any(w in c.__name__ for w in wanted)]
    with Machines(os.path.realpath(sys.argv[1])) as machines:
        node = Node(machines.start(NODE), kubectl)
        node.up()
        if prepare:
            prepare(node)
        failed = run_cases(node, chosen(together)) + run_cases(node, chosen(alone), 1)
        node.down()
        if failed:
            raise SystemExit(f'failed: {" ".join(failed)}')
    return 0


__all__ = ['ADDRESS', 'FOREVER', 'Failed', 'IMAGE', 'NODE', 'SECONDS', 'cases_of', 'condition', 'container', 'contains',
           'equal', 'finish', 'host_path', 'main', 'run', 'status_of', 'wait_for']
