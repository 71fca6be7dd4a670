"""Our command line beside kubectl 1.35 where a kubelet answers: logs, and what is refused."""
import concurrent.futures
import os
import shlex
import subprocess

import harness
import test_proxy


class EchoingKubelet(test_proxy.Kubelet):
    """A kubelet whose logs are what was asked for, in three lines, the last of which may lack its end."""

    def _serve(self, raw):
        try:
            with self.tls.wrap_socket(raw, server_side=True) as s:
                text = b''
                while b'\r\n\r\n' not in text:
                    text += s.recv(65536)
                path = text.split(b' ')[1]
                container = path.split(b'?')[0].rsplit(b'/', 1)[1]
                self.requests.append(path.decode())
                if container == b'bad':
                    body = b'no such thing'
                    s.sendall(b'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s' %
                              (len(body), body))
                    return
                body = b'of %s\nasked %s\nend%s' % (container, path, b'' if b'tailLines' in path else b'\n')
                s.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
                for piece in (body[:4], body[4:]):
                    s.sendall(b'%x\r\n%s\r\n' % (len(piece), piece))
                s.sendall(b'0\r\n\r\n')
        except OSError:
            pass


PODS = '''
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: web, solo: 'yes'}}
spec: {nodeName: 'n', containers: [{name: a, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: web}}
spec: {nodeName: 'n', containers: [{name: a, image: i}, {name: b, image: i}], initContainers: [{name: i, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: noted, annotations: {kubectl.kubernetes.io/default-container: b}}
spec: {nodeName: 'n', containers: [{name: a, image: i}, {name: b, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: misnoted, annotations: {kubectl.kubernetes.io/default-container: x}}
spec: {nodeName: 'n', containers: [{name: a, image: i}, {name: bad, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: over}
spec: {nodeName: 'n', containers: [{name: a, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: waiting}
spec: {containers: [{name: a, image: i}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}},
  spec: {containers: [{name: a, image: i}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: none}
spec: {manualSelector: true, selector: {matchLabels: {app: none}},
  template: {metadata: {labels: {app: none}}, spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: blind}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
'''

LOGS = [
    'logs one', 'logs pod/one', 'logs two', 'logs two -c b', 'logs two b', 'logs two b -c b', 'logs two -c i',
    'logs two -c x', 'logs two --all-containers', 'logs two --all-containers --prefix', 'logs two --prefix',
    'logs two --all-containers -c a', 'logs noted', 'logs misnoted', 'logs misnoted -c bad',
    'logs misnoted --all-containers --ignore-errors', 'logs waiting', 'logs nowhere',
    'logs deploy/web', 'logs deploy/nowhere', 'logs svc/web --tail=3', 'logs svc/blind', 'logs cm/cm',
    'logs job/none --pod-running-timeout=1s', 'logs deploy/web --all-pods', 'logs -l app=web --tail=-1',
    'logs -l app=web --tail=-1 --prefix', 'logs -l app=nobody', 'logs -l solo=yes', 'logs -l app=web one', 'logs',
    'logs a b c',
    'logs one --since=90s', 'logs one --since=1400ms', 'logs one --since-time=2026-01-02T03:04:05Z',
    'logs one --since-time=soon', 'logs one --since=1m --since-time=2026-01-02T03:04:05Z', 'logs one --since=-1s',
    'logs one --tail=-2', 'logs one --tail=0', 'logs one --limit-bytes=10', 'logs one --limit-bytes=-1',
    'logs one --timestamps -p', 'logs one -f', 'logs one --insecure-skip-tls-verify-backend',
    'logs two -f --all-containers --max-log-requests=2', 'logs nothing/x',
]

# What is wrong before anything runs.
REFUSALS = [
    'exec', 'exec one', 'exec one ls', 'exec nowhere -- ls', 'exec deploy/nowhere -- ls', 'exec over -- ls',
    'exec two -c x -- ls', 'exec svc/blind -- ls', 'exec cm/cm -- ls', 'exec -- ls',
    'exec job/none --pod-running-timeout=1s -- ls', 'attach', 'attach a b c', 'attach nowhere', 'attach over',
    'attach two -c x', 'attach cm/cm', 'attach svc/blind', 'port-forward', 'port-forward one',
    'port-forward nowhere 80', 'port-forward one 80', 'port-forward over 80', 'port-forward cm/cm 80',
    'port-forward svc/blind 80', 'cp', 'cp a',
    'cp a b', 'cp a:b c:d', 'cp one:/x ""', 'cp /no/such/file one:/tmp', 'cp :a b', 'cp a/b/c:d e',
]


class CtlPods(test_proxy.WithKubelet):
    def setUp(self):
        self.kubelet = EchoingKubelet()
        self.node_of(self.kubelet)
        self.programs = {'kubectl': [self.client('kubectl')], 'ours': [os.path.abspath(harness.COXSWAIN), 'kubectl']}

    def tearDown(self):
        self.kubelet.close()

    def answer(self, program, line):
        p = subprocess.run([*self.programs[program], *shlex.split(line)], env=self.env, text=True,
                           capture_output=True, timeout=60)
        return p.returncode, p.stdout, p.stderr

    def answers(self, lines):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            theirs = pool.map(lambda line: self.answer('kubectl', line), lines)
            ours = pool.map(lambda line: self.answer('ours', line), lines)
            return list(zip(lines, theirs, ours))

    def test_logs(self):
        self.apply(PODS, '--server-side')
        for line, theirs, ours in self.answers(LOGS):
            with self.subTest(line=line):
                if 'all-' in line or '-l ' in line:  # several streams: kubectl has them in any order
                    theirs, ours = ((s, sorted(out.split('\n')), err) for s, out, err in (theirs, ours))
                self.assertEqual(theirs, ours)

    def test_refusals(self):
        self.apply(PODS, '--server-side')
        self.kubectl('patch', 'pod', 'over', '--subresource=status', '-p', '{"status": {"phase": "Succeeded"}}')
        for line, theirs, ours in self.answers(REFUSALS):
            with self.subTest(line=line):
                self.assertEqual(theirs, ours)

    def test_following_several(self):
        """All at once, whole lines, in any order."""
        self.apply(PODS, '--server-side')
        for program in self.programs:
            with self.subTest(program=program):
                status, out, _ = self.answer(program, 'logs -f two --all-containers --prefix')
                self.assertEqual(status, 0)
                whole = [f'[pod/two/{c}] of {c}' for c in 'abi']
                self.assertEqual(sorted(x for x in out.split('\n') if '] of ' in x), whole)


if __name__ == '__main__':
    harness.main()
