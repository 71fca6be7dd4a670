"""Requests that go on to kubelets, against a kubelet of the test's own."""
import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import harness


def certificate(folder, address='127.0.0.1'):
    """A self-signed certificate for an address, and its key."""
    crt, key = (os.path.join(folder, n) for n in ('crt', 'key'))
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-keyout', key, '-out', crt, '-subj', '/CN=kubelet', '-days', '2',
                    '-addext', f'subjectAltName=IP:{address}'], check=True, capture_output=True)
    return crt, key


class Kubelet:
    """Answers as told, and writes down what it was asked."""

    def __init__(self, address='127.0.0.1'):
        self.dir = tempfile.TemporaryDirectory()
        crt, key = certificate(self.dir.name, address)
        self.certificate = crt
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(crt, key)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.requests, self.certificates, self.behind = [], [], []
        self.answer = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
        self.serve = None
        self.closed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def ask_for_certificates(self, ca):
        self.tls.load_verify_locations(ca)
        self.tls.verify_mode = ssl.CERT_OPTIONAL

    def _run(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        try:
            with self.tls.wrap_socket(raw, server_side=True) as s:
                text = b''
                while b'\r\n\r\n' not in text:
                    text += s.recv(65536)
                self.requests.append(text.split(b'\r\n\r\n')[0].decode())
                self.certificates.append(s.getpeercert())
                s.sendall(self.answer)
                if self.serve:
                    self.serve(s)
                else:
                    s.settimeout(0.5)
                    try:
                        self.behind.append(s.recv(65536))
                    except (TimeoutError, OSError):
                        pass
        except OSError:
            pass
        finally:
            self.closed.set()

    def stop_listening(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # also wakes whoever accepts
        except OSError:
            pass
        self.listener.close()

    def close(self):
        self.stop_listening()
        self.dir.cleanup()


POD = '/api/v1/namespaces/default/pods/p'


class WithKubelet(harness.ApiTest):
    def node_of(self, kubelet):
        """A node whose kubelet it is, with a pod."""
        s = self.server
        s.request('POST', '/api/v1/namespaces/default/serviceaccounts', {'metadata': {'name': 'default'}})
        s.json('POST', '/api/v1/nodes', {'metadata': {'name': 'n'}})
        node = s.json('GET', '/api/v1/nodes/n')[1]
        node['status'] = {'addresses': [{'type': 'InternalIP', 'address': '127.0.0.1'}],
                          'daemonEndpoints': {'kubeletEndpoint': {'Port': kubelet.port}}}
        status, got = s.json('PUT', '/api/v1/nodes/n/status', node)
        self.assertEqual(status, 200, got)
        status, got = s.json('POST', '/api/v1/namespaces/default/pods', {
            'metadata': {'name': 'p'}, 'spec': {'nodeName': 'n', 'containers': [{'name': 'a', 'image': 'i'},
                                                                               {'name': 'b', 'image': 'i'}]}})
        self.assertIn(status, (201, 409), got)


class Proxy(WithKubelet):
    def setUp(self):
        self.kubelet = Kubelet()
        self.kubelet.ask_for_certificates(self.server.ca_path)
        self.node_of(self.kubelet)

    def tearDown(self):
        self.kubelet.close()

    def raw(self, text):
        """Sends a request and gives the socket."""
        s = self.server.tls.wrap_socket(socket.create_connection((self.server.host, self.server.port), timeout=10),
                                        server_hostname=self.server.host)
        s.sendall(text.encode())
        return s

    def head(self, s):
        text = b''
        while b'\r\n\r\n' not in text:
            got = s.recv(65536)
            if not got:
                break
            text += got
        head, _, rest = text.partition(b'\r\n\r\n')
        return head.decode(), rest

    def upgrade(self, path, extra=''):
        return self.raw(f'POST {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n'
                        f'X-Stream-Protocol-Version: v4.channel.k8s.io\r\nContent-Length: 0\r\n{extra}\r\n')

    def test_logs(self):
        self.kubelet.answer = (b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n'
                               b'6\r\nhello\n\r\n6\r\nworld\n\r\n0\r\n\r\n')
        status, headers, body = self.server.request('GET', POD + '/log?container=a&tailLines=5')
        self.assertEqual((status, body, headers['content-type']), (200, b'hello\nworld\n', 'text/plain'))
        self.assertTrue(self.kubelet.requests[0].startswith('GET /containerLogs/default/p/a?tailLines=5 HTTP/1.1\r\n'))
        self.assertNotIn('authorization', self.kubelet.requests[0].lower())
        subject = dict(x[0] for x in self.kubelet.certificates[0]['subject'])
        self.assertEqual(subject['commonName'], 'kube-apiserver-kubelet-client')
        self.assertEqual(self.kubectl('logs', 'p', '-c', 'b').out, 'hello\nworld\n')

    def test_a_log_that_the_kubelet_cannot_give(self):
        self.kubelet.answer = (b'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\n'
                               b'because\n')
        status, st = self.server.json('GET', POD + '/log?container=a')
        self.assertEqual((status, st['reason'], st['message']), (400, 'BadRequest', 'because'))
        self.assertIn('(BadRequest): because', self.kubectl('logs', 'p', '-c', 'a', ok=False).err)
        self.kubelet.answer = b'HTTP/1.1 500 Oh\r\nContent-Length: 100000\r\n\r\n' + b'x' * 100000
        status, st = self.server.json('GET', POD + '/log?container=a')
        self.assertEqual((status, st['reason']), (500, 'InternalError'))
        self.assertLess(len(st['message']), 4000)

    def test_containers(self):
        status, st = self.server.json('GET', POD + '/log')
        self.assertEqual(status, 400)
        self.assertEqual(st['message'], 'a container name must be specified for pod p, choose one of: [a b]')
        status, st = self.server.json('GET', POD + '/log?container=c')
        self.assertEqual(st['message'], 'container c is not valid for pod p')
        self.assertEqual(self.server.json('GET', POD[:-1] + 'q/log')[0], 404)

    def test_following(self):
        go = threading.Event()
        self.kubelet.answer = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n'
        self.kubelet.serve = lambda s: (go.wait(10), s.sendall(b'3\r\ntwo\r\n0\r\n\r\n'))
        c = self.server.connect()
        c.request('GET', POD + '/log?container=a&follow=true')
        r = c.getresponse()
        self.assertEqual(r.read(3), b'one')  # before the rest is there
        go.set()
        self.assertEqual(r.read(), b'two')
        c.close()

    def test_a_client_that_goes(self):
        self.kubelet.answer = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n'
        self.kubelet.serve = lambda s: s.recv(1)
        c = self.server.connect()
        c.request('GET', POD + '/log?container=a&follow=true')
        self.assertEqual(c.getresponse().read(3), b'one')
        self.kubelet.closed.clear()
        c.close()
        c.sock and c.sock.close()
        self.assertTrue(self.kubelet.closed.wait(10))

    def test_much(self):
        size = 20 << 20
        self.kubelet.answer = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % size
        self.kubelet.serve = lambda s: s.sendall(b'x' * size)
        c = self.server.connect()
        c.request('GET', POD + '/log?container=a')
        r = c.getresponse()
        time.sleep(0.3)  # the reader is slow: the server must not take all of it meanwhile
        self.assertEqual(len(r.read()), size)
        c.close()

    def test_tunnel(self):
        self.kubelet.answer = (b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n'
                               b'X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\nearly')

        def echo(s):
            while True:
                got = s.recv(65536)
                if not got:
                    return
                s.sendall(got.upper())
        self.kubelet.serve = echo
        s = self.upgrade(POD + '/exec?container=a&command=sh&command=-c&stdin=true&stdout=true&tty=false')
        head, rest = self.head(s)
        self.assertTrue(head.startswith('HTTP/1.1 101 '), head)
        self.assertIn('v4.channel.k8s.io', head)
        while len(rest) < 5:
            rest += s.recv(100)
        self.assertEqual(rest, b'early')
        s.sendall(b'hello')
        self.assertEqual(s.recv(100), b'HELLO')
        line = self.kubelet.requests[0].split('\r\n')[0]
        self.assertEqual(line, 'POST /exec/default/p/a?command=sh&command=-c&input=1&output=1 HTTP/1.1')
        self.kubelet.closed.clear()
        s.close()
        self.assertTrue(self.kubelet.closed.wait(10))

    def test_much_through_a_tunnel(self):
        self.kubelet.answer = b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n'
        size = 8 << 20

        def back(s):
            got = 0
            while got < size:
                got += len(s.recv(65536))
            s.sendall(b'y' * size)
        self.kubelet.serve = back
        s = self.upgrade(POD + '/portforward?ports=80')
        head, rest = self.head(s)
        s.sendall(b'x' * size)
        got = len(rest)
        while got < size:
            piece = s.recv(65536)
            self.assertTrue(piece)
            got += len(piece)
        s.close()

    def test_an_error_is_no_tunnel(self):
        self.kubelet.answer = b'HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope'
        s = self.upgrade(POD + '/exec?container=a&command=sh')
        s.sendall(b'GET /secret HTTP/1.1\r\nHost: x\r\n\r\n')
        head, rest = self.head(s)
        self.assertTrue(head.startswith('HTTP/1.1 403 '), head)
        time.sleep(0.2)
        s.close()
        self.assertEqual([b for b in self.kubelet.behind if b], [])
        self.assertEqual(len(self.kubelet.requests), 1)

    def test_without_permission_the_kubelet_hears_nothing(self):
        s = self.upgrade(POD + '/exec?container=a&command=sh', 'Impersonate-User: jane\r\n')
        head, _ = self.head(s)
        self.assertTrue(head.startswith('HTTP/1.1 403 '), head)
        s.close()
        self.assertEqual(self.kubelet.requests, [])

    def test_an_upgrade_is_needed(self):
        status, st = self.server.json('POST', POD + '/exec?container=a&command=sh')
        self.assertEqual((status, st['message']), (400, 'Upgrade request required'))
        self.kubelet.answer = b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
        self.assertEqual(self.server.json('GET', POD + '/log?container=a')[0], 500)

    def test_an_unreachable_kubelet(self):
        self.kubelet.stop_listening()
        status, st = self.server.json('GET', POD + '/log?container=a')
        self.assertEqual((status, st['reason']), (500, 'InternalError'))
        self.assertIn('error dialing backend', st['message'])

    def test_node_proxy(self):
        status, _, body = self.server.request('GET', '/api/v1/nodes/n/proxy/stats/summary?a=b%20c')
        self.assertEqual((status, body), (200, b'ok'))
        self.assertTrue(self.kubelet.requests[0].startswith('GET /stats/summary?a=b%20c HTTP/1.1\r\n'))
        self.server.request('POST', '/api/v1/nodes/n/proxy/a%20b', json.dumps({}), {'Content-Type': 'x/y'})
        self.assertTrue(self.kubelet.requests[1].startswith('POST /a%20b HTTP/1.1\r\n'))

    def test_addresses_that_are_no_pods(self):
        p = self.server.json('GET', POD)[1]
        p['status'] = {'podIP': '127.0.0.1', 'podIPs': [{'ip': '127.0.0.1'}]}
        self.server.json('PUT', POD + '/status', p)
        status, st = self.server.json('GET', POD + '/proxy/')
        self.assertEqual((status, st['message']), (400, 'address not allowed'))


class KubeletsCertificates(WithKubelet):
    """--kubelet-certificate-authority: only kubelets with a certificate of it, for their address, are spoken to."""

    @classmethod
    def setUpClass(cls):
        cls.known, cls.stranger, cls.elsewhere = Kubelet(), Kubelet(), Kubelet('192.0.2.1')
        cls.authorities = tempfile.NamedTemporaryFile('w', suffix='.pem')
        for k in cls.known, cls.elsewhere:
            with open(k.certificate) as f:
                cls.authorities.write(f.read())
        cls.authorities.flush()
        cls.flags = (f'--kubelet-certificate-authority={cls.authorities.name}',)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for k in cls.known, cls.stranger, cls.elsewhere:
            k.close()
        cls.authorities.close()

    def test_a_known_one_is_asked(self):
        self.node_of(self.known)
        status, _, body = self.server.request('GET', POD + '/log?container=a')
        self.assertEqual((status, body), (200, b'ok'))

    def refused(self, kubelet, why):
        self.node_of(kubelet)
        status, st = self.server.json('GET', POD + '/log?container=a')
        self.assertEqual(status, 500, st)
        self.assertIn('error dialing backend: tls: failed to verify certificate', st['message'])
        self.assertIn(why, st['message'])
        self.assertEqual(kubelet.requests, [])

    def test_a_strange_one_is_not_asked(self):
        self.refused(self.stranger, 'self-signed certificate')

    def test_one_at_another_address_is_not_asked(self):
        self.refused(self.elsewhere, 'IP address mismatch')


if __name__ == '__main__':
    harness.main()
