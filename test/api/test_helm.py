"""Helm: a chart's whole life."""
import os
import tempfile

import harness


class Helm(harness.ApiTest):
    def test_life_of_a_chart(self):
        ns = self.namespace()
        helm = lambda *a, **o: self.helm('-n', ns, *a, **o)  # noqa: E731
        replicas = lambda: self.kubectl('-n', ns, 'get', 'deployment', 'web',  # noqa: E731
                                        '-o', 'jsonpath={.spec.replicas}').out
        with tempfile.TemporaryDirectory() as tmp:
            chart = os.path.join(tmp, 'web')
            self.helm('create', chart)
            self.assertIn('STATUS: deployed', helm('install', 'web', chart).out)
            self.assertEqual(replicas(), '1')
            helm('upgrade', 'web', chart, '--set', 'replicaCount=3')
            self.assertEqual(replicas(), '3')
            self.assertRegex(helm('history', 'web').out, r'(?s)1 .*superseded.*2 .*deployed')
            helm('rollback', 'web', '1')
            self.assertEqual(replicas(), '1')
            self.assertRegex(helm('list').out, r'web\s+' + ns + r'\s+3\s')
            self.assertIn('replicaCount', helm('get', 'values', 'web', '--all').out)
            self.assertIn('kind: Deployment', helm('get', 'manifest', 'web').out)
            helm('uninstall', 'web')
            self.assertIn('NotFound', self.kubectl('-n', ns, 'get', 'deployment', 'web', ok=False).err)
            self.assertNotIn('web', helm('list').out)


if __name__ == '__main__':
    harness.main()
