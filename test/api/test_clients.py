"""Clients that nobody here wrote: an old kubectl, Python's client, the one for Node."""
import os
import shutil
import subprocess

import harness
from test_kubectl import DEPLOYMENT

HERE = os.path.dirname(os.path.abspath(__file__))


class OldKubectl(harness.ApiTest):
    version = 'v29'

    def test_core_flows(self):
        ns = self.namespace()
        kubectl = lambda *a, **o: self.kubectl('-n', ns, *a, **o)  # noqa: E731
        self.assertIn('v1.29', self.kubectl('version').out)
        self.apply(DEPLOYMENT, '-n', ns)
        self.assertIn('unchanged', self.apply(DEPLOYMENT, '-n', ns).out)
        self.assertIn('configured', self.apply(DEPLOYMENT.replace('nginx:1', 'nginx:2'), '-n', ns).out)
        self.apply(DEPLOYMENT.replace('replicas: 2', 'replicas: 3'), '-n', ns, '--server-side', '--force-conflicts')
        self.assertRegex(kubectl('get', 'deployment', '-o', 'wide').out, r'web +0/3')
        kubectl('scale', 'deployment', 'web', '--replicas=1')
        kubectl('patch', 'deployment', 'web', '-p', '{"metadata":{"labels":{"x":"y"}}}')
        kubectl('describe', 'deployment', 'web')
        self.assertIn('containers', kubectl('explain', 'deployment.spec.template.spec').out)
        self.assertIn('deployments', kubectl('api-resources').out)
        kubectl('create', 'configmap', 'a', '--from-literal=x=1')
        self.assertEqual(kubectl('get', 'cm', 'a', '-o', 'jsonpath={.data.x}').out, '1')
        kubectl('delete', 'deployment', 'web')
        kubectl('delete', 'cm', '--all')


class Others(harness.ApiTest):
    def run_program(self, *command):
        p = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120)
        self.assertEqual((p.returncode, p.stdout), (0, 'ok\n'), p.stderr)

    def test_python(self):
        python = '/usr/bin/python3'
        if subprocess.run([python, '-c', 'import kubernetes'], capture_output=True).returncode:
            self.skipTest('python3-kubernetes is not installed')
        self.run_program(python, os.path.join(HERE, 'python_client.py'), self.server.kubeconfig)

    def test_node(self):
        package = os.path.abspath(os.path.join(harness.CLIENTS, 'node/node_modules/@kubernetes/client-node'))
        if not shutil.which('node') or not os.path.exists(package):
            self.skipTest('the package for Node is not there: scripts/install-clients.sh')
        self.run_program('node', os.path.join(HERE, 'node_client.mjs'), package, self.server.kubeconfig)


if __name__ == '__main__':
    harness.main()
