"""Controllers and the scheduler as processes of their own, beside the API server."""
import json
import os
import signal
import subprocess
import tempfile
import time

import harness

TOKENS = 'manager-token,system:kube-controller-manager,1\nscheduler-token,system:kube-scheduler,2\n'
LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/'


class Processes(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        file, cls.tokens = tempfile.mkstemp(prefix='coxswain-tokens-')
        with os.fdopen(file, 'w') as f:
            f.write(TOKENS)
        cls.flags = (f'--token-auth-file={cls.tokens}',)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        os.remove(cls.tokens)
        super().tearDownClass()

    def path(self, name):
        return os.path.join(self.home, name)

    def kubeconfig_of(self, token):
        path = self.path(token + '.conf')
        with open(path, 'w') as f:
            json.dump({'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'c',
                       'clusters': [{'name': 'c', 'cluster': {
                           'server': f'https://{self.server.host}:{self.server.port}',
                           'certificate-authority': self.server.ca_path}}],
                       'users': [{'name': 'u', 'user': {'token': token}}],
                       'contexts': [{'name': 'c', 'context': {'cluster': 'c', 'user': 'u'}}]}, f)
        return path

    def start(self, program, *flags):
        log = open(self.path(program + '.log'), 'w')
        self.addCleanup(log.close)
        p = subprocess.Popen([harness.COXSWAIN, program, '--secure-port=0', *flags], stdout=log, stderr=log)
        self.addCleanup(p.wait, 30)
        self.addCleanup(p.send_signal, signal.SIGTERM)
        return log.name

    def await_(self, holds, log, seconds=30):
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                with open(log) as f:
                    self.fail(f.read()[-3000:])
            time.sleep(0.05)

    def answers(self, path):
        return self.server.request('GET', path)[0] == 200

    def test_flags_of_the_scheduler_win_over_its_file(self):
        config = self.path('scheduler.yaml')
        with open(config, 'w') as f:
            json.dump({'apiVersion': 'kubescheduler.config.k8s.io/v1', 'kind': 'KubeSchedulerConfiguration',
                       'leaderElection': {'leaderElect': False, 'resourceName': 'of-the-file',
                                          'resourceNamespace': 'kube-system'},
                       'clientConnection': {'kubeconfig': '/nowhere'}}, f)
        log = self.start('kube-scheduler', f'--config={config}', '--leader-elect=true',
                         '--leader-elect-resource-name=of-the-flag', f'--kubeconfig={self.server.kubeconfig}')
        self.await_(lambda: self.answers(LEASES + 'of-the-flag'), log)
        self.assertFalse(self.answers(LEASES + 'of-the-file'))

    def test_a_controller_manager_acts_as_the_accounts_of_its_controllers(self):
        log = self.start('kube-controller-manager', '--use-service-account-credentials=true', '--leader-elect=false',
                         f'--kubeconfig={self.kubeconfig_of("manager-token")}')
        self.await_(lambda: self.answers('/api/v1/namespaces/default/serviceaccounts/default'), log)
        pod = {'metadata': {'labels': {'app': 'web'}}, 'spec': {'containers': [{'name': 'c', 'image': 'i'}]}}
        status, _ = self.server.json('POST', '/apis/apps/v1/namespaces/default/deployments', {
            'metadata': {'name': 'web'},
            'spec': {'replicas': 2, 'selector': {'matchLabels': {'app': 'web'}}, 'template': pod}})
        self.assertEqual(status, 201)
        pods = '/api/v1/namespaces/default/pods'
        self.await_(lambda: len(self.server.json('GET', pods)[1]['items']) == 2, log)
        self.server.request('DELETE', '/apis/apps/v1/namespaces/default/deployments/web')
        self.await_(lambda: not self.server.json('GET', pods)[1]['items'], log)
        with open(log) as f:
            self.assertNotIn('forbidden', f.read())


if __name__ == '__main__':
    harness.main()
