"""The kubelet as a program of its own, against an API server: its file, its flags, what it says of itself.

There is no container runtime: the node registers and is not ready.
"""
import glob
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import harness

HEAD = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def await_(what, condition):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f'there was no {what}')


@unittest.skipUnless(os.geteuid() == 0, 'cgroups need root')
class Kubelet(harness.ApiTest):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix='coxswain-kubelet-')
        self.addCleanup(self.dir.cleanup)
        self.cgroup = os.path.basename(self.dir.name)
        self.addCleanup(self.remove_cgroups)
        self.port, self.healthz = free_port(), free_port()

    def remove_cgroups(self):
        for top in glob.glob('/sys/fs/cgroup/' + self.cgroup) + glob.glob('/sys/fs/cgroup/*/' + self.cgroup):
            for path, _, _ in os.walk(top, topdown=False):
                os.rmdir(path)

    def command(self, text, *flags):
        config = os.path.join(self.dir.name, 'config.yaml')
        with open(config, 'w', encoding='utf-8') as f:
            f.write(text)
        return [harness.COXSWAIN, 'kubelet', '--config', config, '--kubeconfig', self.server.kubeconfig,
                '--root-dir', os.path.join(self.dir.name, 'root'), '--hostname-override', 'n1', '--node-ip',
                '127.0.0.1', '--container-runtime-endpoint', 'unix://' + os.path.join(self.dir.name, 'no.sock'),
                *flags]

    def start(self, text, *flags):
        log = open(os.path.join(self.dir.name, 'log'), 'w+')
        self.addCleanup(log.close)
        text = (f'{HEAD}port: {self.port}\nhealthzPort: {self.healthz}\ncgroupRoot: /{self.cgroup}\n'
                f'podLogsDir: {self.dir.name}/logs\n'
                f'authentication: {{x509: {{clientCAFile: "{self.server.ca_path}"}}}}\n') + text
        p = subprocess.Popen(self.command(text, *flags), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.end, p)
        return p

    def end(self, p):
        p.send_signal(signal.SIGTERM)
        with open(os.path.join(self.dir.name, 'log'), encoding='utf-8') as f:
            self.assertEqual(p.wait(timeout=30), 0, f.read())

    def refused(self, text, *flags):
        done = subprocess.run(self.command(text, *flags), capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def configz(self):
        status, _, body = self.server.request('GET', '/api/v1/nodes/n1/proxy/configz')
        return json.loads(body)['kubeletconfig'] if status == 200 else None

    def test_node_registers_as_the_file_and_the_flags_say(self):
        self.start('maxPods: 33\nclusterDomain: example.org\nsystemReserved: {memory: 100Mi}\n', '--max-pods=44',
                   '--node-labels=a=b', '--v=1')
        c = await_('answer of /configz', self.configz)
        self.assertEqual((c['maxPods'], c['clusterDomain'], c['port']), (44, 'example.org', self.port))
        self.assertEqual(c['authorization'], {'mode': 'Webhook'})
        self.assertEqual(c['systemReserved'], {'memory': '100Mi'})
        _, node = self.server.json('GET', '/api/v1/nodes/n1')
        self.assertEqual(node['status']['capacity']['pods'], '44')
        self.assertEqual(node['metadata']['labels']['a'], 'b')
        self.assertEqual(node['status']['daemonEndpoints']['kubeletEndpoint']['Port'], self.port)

    def test_files_that_are_wrong(self):
        self.assertIn('config.yaml: unknown field "maxPod"', self.refused(HEAD + 'maxPod: 3\n'))
        self.assertIn('authorization.mode', self.refused(HEAD + 'authorization: {mode: AlwaysAllow}\n'))
        self.assertIn('cgroupDriver', self.refused(HEAD, '--cgroup-driver=docker'))


if __name__ == '__main__':
    unittest.main()
