"""What tests of the API share: a server of their own on a free loopback port, kubectl, Helm, and raw requests.

Run by meson with the path of the coxswain binary and the directory of clients (scripts/install-clients.sh) in the
environment: COXSWAIN, CLIENTS. A test whose client is not there is skipped.
"""
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import unittest

COXSWAIN = os.environ.get('COXSWAIN', 'build/dev/coxswain')
CLIENTS = os.environ.get('CLIENTS', 'build/clients')
START_SECONDS = 60  # with sanitizers on a busy machine


class Server:
    """One API server; ends and leaves nothing behind with stop()."""

    def __init__(self, *flags, data_dir=None, env=None, program='apiserver'):
        self.dir = data_dir or tempfile.mkdtemp(prefix='coxswain-api-')
        self.own_dir = data_dir is None
        self.kubeconfig = os.path.join(self.dir, 'admin.conf')
        self.log = open(os.path.join(self.dir, 'server.log'), 'a+')
        command = [COXSWAIN, program, f'--data-dir={self.dir}', '--bind-address=127.0.0.1', '--secure-port=0',
                   *flags]
        if os.path.exists(self.kubeconfig):
            os.remove(self.kubeconfig)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=dict(os.environ, **env) if env else None)
        try:
            self._wait()
        except BaseException:
            self.stop(check=False)
            raise

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError('the server ended: ' + self.log_text())
            if os.path.exists(self.kubeconfig):
                self._read_kubeconfig()
                if self.request('GET', '/readyz')[0] == 200:
                    return
            time.sleep(0.01)
        raise RuntimeError('the server is not ready: ' + self.log_text())

    def _read_kubeconfig(self):
        import base64
        fields = {}
        with open(self.kubeconfig) as f:
            for line in f:
                key, _, value = line.strip().partition(': ')
                fields[key] = value.strip('"')
        self.host, port = fields['server'].rsplit('/', 1)[1].rsplit(':', 1)
        self.port = int(port)
        for key, name in (('certificate-authority-data', 'ca'), ('client-certificate-data', 'crt'),
                          ('client-key-data', 'key')):
            path = os.path.join(self.dir, 'test-admin.' + name)
            with open(path, 'wb') as f:
                f.write(base64.b64decode(fields[key]))
            setattr(self, name + '_path', path)
        self.tls = ssl.create_default_context(cafile=self.ca_path)
        self.tls.load_cert_chain(self.crt_path, self.key_path)
        self.tls_nobody = ssl.create_default_context(cafile=self.ca_path)

    def log_text(self):
        self.log.flush()
        with open(self.log.name) as f:
            return f.read()

    def stop(self, check=True, kill=False):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        code = self.process.wait(timeout=60)
        text = self.log_text()
        self.log.close()
        if self.own_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
        if check and not kill and (code != 0 or 'Sanitizer' in text):
            raise RuntimeError(f'the server ended with {code}: {text[-4000:]}')

    # -- raw requests --

    def connect(self, nobody=False, timeout=30):
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout,
                                           context=self.tls_nobody if nobody else self.tls)

    def request(self, method, path, body=None, headers=None, nobody=False):
        """-> status, headers, body bytes."""
        c = self.connect(nobody)
        try:
            headers = dict(headers or {})
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                headers.setdefault('Content-Type', 'application/json')
            c.request(method, path, body=body, headers=headers)
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()

    def json(self, method, path, body=None, headers=None, nobody=False):
        """-> status, parsed body."""
        status, _, text = self.request(method, path, body, headers, nobody)
        return status, json.loads(text)


class Result:
    def __init__(self, process, out, err):
        self.code, self.out, self.err = process.returncode, out, err

    def json(self):
        return json.loads(self.out)


class ApiTest(unittest.TestCase):
    """One server for a class of tests."""
    flags = ()
    program = 'apiserver'
    version = 'v35'

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.flags, program=cls.program)
        cls.home = tempfile.mkdtemp(prefix='coxswain-home-')
        cls.env = dict(PATH=os.environ['PATH'], HOME=cls.home, KUBECONFIG=cls.server.kubeconfig, LANG='C.UTF-8',
                       KUBECACHEDIR=os.path.join(cls.home, 'cache'))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.home, ignore_errors=True)
        cls.server.stop()

    @classmethod
    def client(cls, name):
        path = os.path.abspath(os.path.join(CLIENTS, cls.version, name, name))
        if not os.path.exists(path):
            raise unittest.SkipTest(f'{path} is not there: scripts/install-clients.sh')
        return path

    def run_client(self, name, *args, stdin=None, ok=True, timeout=60, env=None):
        p = subprocess.Popen([self.client(name), *args], stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**self.env, **(env or {})})
        try:
            out, err = p.communicate(stdin, timeout=timeout)
        finally:
            if p.poll() is None:
                p.kill()
                p.wait()
        if ok is not None and ok != (p.returncode == 0):
            self.fail(f'{name} {" ".join(args)}: ended with {p.returncode}\n{out}{err}')
        return Result(p, out, err)

    def kubectl(self, *args, **options):
        return self.run_client('kubectl', *args, **options)

    def helm(self, *args, **options):
        return self.run_client('helm', *args, **options)

    def apply(self, text, *args, **options):
        return self.kubectl('apply', '-f', '-', *args, stdin=text, **options)

    def namespace(self):
        """A namespace for the running test."""
        name = self.id().rsplit('.', 1)[1].replace('_', '-')[:50]
        self.kubectl('create', 'namespace', name)
        self.kubectl('-n', name, 'create', 'serviceaccount', 'default')
        return name


def main():
    unittest.main(verbosity=2)
