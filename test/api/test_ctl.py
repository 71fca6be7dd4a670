"""Our command line beside kubectl 1.35: the same lines on the same server, the same answers (ctl_cases.py)."""
import base64
import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile

import ctl_cases
import harness
import yaml

NORMAL = (
    (r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'UID'),
    (r'20\d\d-\d\d-\d\dT[0-9:]+(\.\d+)?Z', 'TIME'),
    (r'(resourceVersion"?:) "?\d+"?', r'\1 VERSION'),
    (r'\b\d+[smhd](\d+[smh])?\b *', 'AGE '),
    (r'(?m)^[EWI]\d{4} \d\d:\d\d:\d\d.*\n', ''),  # the log of kubectl
)


def normal(text, ns):
    text = text.replace(ns, 'NS')
    for pattern, to in NORMAL:
        text = re.sub(pattern, to, text)
    return text


class Ctl(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dir = tempfile.mkdtemp(prefix='coxswain-ctl-')
        for name, text in ctl_cases.FILES.items():
            path = os.path.join(cls.dir, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w') as f:
                f.write(text)
        cls.programs = {'kubectl': [cls.client('kubectl')], 'ours': [os.path.abspath(harness.COXSWAIN), 'kubectl']}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir, ignore_errors=True)
        super().tearDownClass()

    def answer(self, program, ns, line):
        """-> exit status, standard output, standard error."""
        line, _, stdin = line.replace('@@', ns).partition(' <<< ')
        p = subprocess.run([*self.programs[program], f'--namespace={ns}', *shlex.split(line)], cwd=self.dir,
                           env=self.env, input=stdin, text=True, capture_output=True, timeout=60)
        return p.returncode, normal(p.stdout, ns), normal(p.stderr, ns)

    def compare(self, case, theirs, ours):
        with self.subTest(line=case.line):
            if case.reason:
                theirs, ours = theirs[:1], ours[:1]
            if case.status:
                self.assertEqual(theirs, ours)

    def namespace_with_account(self, name):
        self.kubectl('create', 'namespace', name)
        self.kubectl('-n', name, 'create', 'serviceaccount', 'default')

    def test_reads(self):
        ns = 'reads-of-both'
        self.namespace_with_account(ns)
        self.apply(ctl_cases.OBJECTS, '-n', ns, '--server-side')
        cases = [c if isinstance(c, ctl_cases.Case) else ctl_cases.Case(c) for c in ctl_cases.READS]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            theirs = pool.map(lambda c: self.answer('kubectl', ns, c.line), cases)
            ours = pool.map(lambda c: self.answer('ours', ns, c.line), cases)
            for case, a, b in zip(cases, theirs, ours):
                self.compare(case, a, b)

    def make_described(self, ns):
        """Makes what described.yaml says, with its statuses."""
        request = subprocess.run(['openssl', 'req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null',
                                  '-subj', '/O=dev/O=ops/CN=jane', '-addext',
                                  'subjectAltName=DNS:a.example,IP:1.2.3.4'],
                                 capture_output=True, check=True).stdout
        with open(os.path.join(os.path.dirname(__file__), 'described.yaml')) as f:
            text = f.read().replace('NS', ns).replace('REQUEST', base64.b64encode(request).decode())
        docs = list(yaml.safe_load_all(text))
        for d in docs:
            if 'namespace' in d['metadata']:
                self.kubectl('create', '-f', '-', stdin=json.dumps(d))
        docs = [d for d in docs if 'namespace' not in d['metadata']]
        first = [d for d in docs if 'UID' not in json.dumps(d)]
        made = self.kubectl('-n', ns, 'create', '-o', 'json', '-f', '-', stdin='\n---\n'.join(map(json.dumps, first)))
        uids, rest = {}, made.out
        while rest.strip():
            d, end = json.JSONDecoder().raw_decode(rest)
            rest = rest[end:].lstrip()
            uids[d['kind'], d['metadata']['name']] = d['metadata']['uid']
        for d in docs:
            what = d.get('involvedObject') or d.get('regarding')
            for ref in d['metadata'].get('ownerReferences', []) + ([what] if what else []):
                ref['uid'] = uids[ref['kind'], ref['name']]
        rest = [json.dumps(d) for d in docs if d not in first]
        self.kubectl('-n', ns, 'create', '-f', '-', stdin='\n---\n'.join(rest))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda d: self.kubectl('-n', ns, 'patch', '--subresource=status', '--type=merge', '-f', '-',
                                                 '-p', json.dumps({'status': d['status']}), stdin=json.dumps(d)),
                          [d for d in docs if 'status' in d]))

    def test_describe(self):
        ns = 'described'
        self.namespace_with_account(ns)
        self.make_described(ns)
        cases = [c if isinstance(c, ctl_cases.Case) else ctl_cases.Case(c) for c in ctl_cases.DESCRIBES]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            theirs = pool.map(lambda c: self.answer('kubectl', ns, 'describe ' + c.line), cases)
            ours = pool.map(lambda c: self.answer('ours', ns, 'describe ' + c.line), cases)
            for case, a, b in zip(cases, theirs, ours):
                self.compare(case, a, b)

    def run_script(self, program, name, lines):
        ns = f'{name.replace(" ", "-")}-{program}'
        self.namespace_with_account(ns)
        if name in ctl_cases.SETUPS:
            ctl_cases.SETUPS[name](lambda *args, **options: self.kubectl('-n', ns, *args, **options))
        return [self.answer(program, ns, line) for line in lines]

    def test_scripts(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for name, lines in ctl_cases.SCRIPTS.items():
                cases = [c if isinstance(c, ctl_cases.Case) else ctl_cases.Case(c) for c in lines]
                theirs = pool.submit(self.run_script, 'kubectl', name, [c.line for c in cases])
                ours = pool.submit(self.run_script, 'ours', name, [c.line for c in cases])
                for case, a, b in zip(cases, theirs.result(), ours.result()):
                    self.compare(case, a, b)

    def test_editing(self):
        for program in self.programs:
            with self.subTest(program=program):
                self.kubectl('create', 'configmap', f'edited-{program}', '--from-literal=a=before')
                env = {**self.env, 'EDITOR': 'sed -i s/before/after/'}
                p = subprocess.run([*self.programs[program], 'edit', f'cm/edited-{program}'], env=env, text=True,
                                   capture_output=True, timeout=60)
                self.assertEqual((p.returncode, p.stdout), (0, f'configmap/edited-{program} edited\n'))
                now = self.kubectl('get', 'cm', f'edited-{program}', '-o', 'jsonpath={.data.a}').out
                self.assertEqual(now, 'after')

    def test_completion(self):
        self.assertIn('namespaces\n', self.complete('get', 'names'))
        self.assertIn('kube-system\n', self.complete('get', 'ns', 'kube-'))
        self.assertIn('--sort-by\n', self.complete('get', '--so'))
        for shell in ('bash', 'zsh', 'fish'):
            self.assertIn('__complete', self.answer('ours', 'default', f'completion {shell}')[1])

    def complete(self, *words):
        p = subprocess.run([*self.programs['ours'], '__complete', *words], env=self.env, text=True,
                           capture_output=True, timeout=60)
        return p.stdout

    def test_help_is_everywhere(self):
        """Every command has help, with its usage, and says so with status 0."""
        _, out, _ = self.answer('ours', 'default', '--help')
        names = re.findall(r'(?m)^  ([a-z][a-z-]+) {2,}\S', out)
        self.assertGreater(len(names), 10)
        for name in names:
            with self.subTest(command=name):
                status, out, _ = self.answer('ours', 'default', f'{name} --help')
                self.assertEqual(status, 0)
                self.assertIn(f'kubectl {name}', out)


if __name__ == '__main__':
    harness.main()
