#!/usr/bin/env python3
"""Three nodes as namespaces, each with the node's network and DNS running: pods, services and names, as users see
them."""
import collections
import json
import struct
import subprocess
import sys
import time

import netlab
from netlab import ask, cni, run

PROGRAM, DRIVER = sys.argv[1].split(',')
NODES = {'n1': '192.0.2.11', 'n2': '192.0.2.12', 'n3': '198.51.100.13'}
DNS = '10.96.0.10'

LOOKUP = '''
import socket, struct, sys
server, name, kind, tcp = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == 'tcp'
q = struct.pack('>6H', 7, 0x100, 1, 0, 0, 0)
q += b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\0' + struct.pack('>2H', kind, 1)
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
s.settimeout(3)
s.connect((server, 53))
s.sendall(struct.pack('>H', len(q)) + q if tcp else q)
r = s.recv(4096)
sys.stdout.write((r[2:] if tcp else r).hex())
'''


def lookup(ns, name, kind=1, tcp=False):
    """The addresses of a name, or the code of the refusal."""
    r = bytes.fromhex(run(sys.executable, '-c', LOOKUP, DNS, name, kind, 'tcp' if tcp else 'udp', ns=ns))
    code, answers = r[3] & 15, struct.unpack('>H', r[6:8])[0]
    if code:
        return code
    at = 12 + len(name) + 2 + 4
    out = []
    for _ in range(answers):
        kind, _, _, n = struct.unpack('>2HIH', r[at + 2:at + 12])
        if kind == 1:
            out.append('.'.join(map(str, r[at + 12:at + 16])))
        at += 12 + n
    return out


class Node:
    def __init__(self, name, objects):
        with open(f'/run/{name}.json', 'w') as f:
            json.dump({'items': objects}, f)
        self.name = name
        self.process = subprocess.Popen(['ip', 'netns', 'exec', name, DRIVER, 'node', name, f'/run/{name}.json'],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tell('ready')

    def tell(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()
        assert self.process.stdout.readline() == 'ok\n', f'{self.name}: {line}'

    def put(self, objects):
        with open(f'/run/{self.name}.json', 'w') as f:
            json.dump({'items': objects}, f)
        self.tell(f'put /run/{self.name}.json')

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0


def build():
    run('ip', 'link', 'add', 'br0', 'type', 'bridge')
    run('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'br0')
    run('ip', 'link', 'set', 'br0', 'up')
    netlab.switch('ipv4/ip_forward', 1)
    netlab.add_ns('out')
    for name, ip in dict(NODES, out='192.0.2.99').items():
        if name != 'out':
            netlab.add_ns(name)
        run('ip', 'link', 'add', f'v{name}', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
        run('ip', 'link', 'set', f'v{name}', 'up')
        if ip.startswith('192.'):
            run('ip', 'link', 'set', f'v{name}', 'master', 'br0')
        else:
            run('ip', 'addr', 'add', '198.51.100.1/24', 'dev', f'v{name}')
        run('ip', 'addr', 'add', f'{ip}/24', 'dev', 'eth0', ns=name)
        run('ip', 'link', 'set', 'eth0', 'up', ns=name)
        run('ip', 'route', 'add', 'default', 'via', ip.rsplit('.', 1)[0] + '.1', ns=name)
    with open('/run/resolv.conf', 'w') as f:
        f.write('nameserver 192.0.2.1\n')


def node_object(name):
    return {'kind': 'Node', 'metadata': {'name': name}, 'spec': {'podCIDR': f'10.244.{name[1]}.0/24'},
            'status': {'addresses': [{'type': 'InternalIP', 'address': NODES[name]}]}}


def service(name, ip, node_port=0, **spec):
    return {'kind': 'Service', 'metadata': {'namespace': 'd', 'name': name},
            'spec': {'clusterIP': ip, 'type': 'NodePort' if node_port else 'ClusterIP', **spec,
                     'ports': [{'name': 'web', 'port': 80, 'protocol': 'TCP',
                                **({'nodePort': node_port} if node_port else {})}]}}


def slice_(name, endpoints):
    return {'kind': 'EndpointSlice', 'addressType': 'IPv4', 'ports': [{'name': 'web', 'port': 80, 'protocol': 'TCP'}],
            'metadata': {'namespace': 'd', 'name': f'{name}-1', 'labels': {'kubernetes.io/service-name': name}},
            'endpoints': [{'addresses': [ip], 'nodeName': 'n' + pod[2], 'hostname': pod} for pod, ip in
                          endpoints.items()]}


def base_objects():
    return [node_object(n) for n in NODES] + [{'kind': 'Namespace', 'metadata': {'name': 'd'}}]


def start_pods(servers):
    """One pod on each node, made with the configuration that the node wrote."""
    ips = {}
    for n in NODES:
        with open(f'/run/{n}/net.d/90-coxswain.conflist') as f:
            conflist = json.load(f)
        config = dict(conflist['plugins'][0], name=conflist['name'], cniVersion=conflist['cniVersion'])
        assert config['mtu'] == 1450, config
        path = netlab.add_ns('p' + n)
        ips['p' + n] = cni(PROGRAM, 'ADD', 'p' + n, path, config, ns=n)['ips'][0]['address'].split('/')[0]
        servers.start('p' + n, 'p' + n, 80)
    return ips


def until(check, what):
    end = time.monotonic() + 10
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_three_nodes(servers):
    build()
    nodes = {n: Node(n, base_objects()) for n in NODES}
    ips = start_pods(servers)
    for p, own in ips.items():
        for q, other in ips.items():
            assert ask(p, other, 80) == [f'{q} {own}'], (p, q)
    for node in nodes.values():
        node.put([service('s', '10.96.0.20', 30080), service('h', 'None'), slice_('s', ips), slice_('h', ips)])
    until(lambda: ask('pn1', '10.96.0.20', 80, timeout=0.3)[0].startswith('pn'), 'the service is not there')
    for who in [*ips, *NODES]:
        seen = collections.Counter(a.split()[0] for a in ask(who, '10.96.0.20', 80, times=30))
        assert set(seen) == set(ips), (who, seen)
    for n, ip in NODES.items():
        seen = collections.Counter(a.split()[0] for a in ask('out', ip, 30080, times=30))
        assert set(seen) == set(ips), (n, seen)
    for who in [*ips, *NODES]:
        assert lookup(who, 's.d.svc.cluster.local') == ['10.96.0.20'], who
        assert lookup(who, 's.d.svc.cluster.local', tcp=True) == ['10.96.0.20'], who
        assert sorted(lookup(who, 'h.d.svc.cluster.local')) == sorted(ips.values()), who
        assert lookup(who, 'pn1.h.d.svc.cluster.local') == [ips['pn1']], who
        assert lookup(who, 'x.d.svc.cluster.local') == 3, who
    for node in nodes.values():
        node.tell('remove Service d s')
    until(lambda: lookup('pn1', 's.d.svc.cluster.local') == 3, 'the name stays')
    until(lambda: ask('pn1', '10.96.0.20', 80, timeout=0.2) == ['timeout'], 'the service stays')
    for node in nodes.values():
        node.stop()
    assert ask('pn1', ips['pn3'], 80) == [f'pn3 {ips["pn1"]}']  # pods go on without


def test_a_node_that_leaves_is_forgotten(servers):
    build()
    nodes = {n: Node(n, base_objects()) for n in NODES}
    for n in ('n1', 'n2'):
        nodes[n].tell('remove Node - n3')
    until(lambda: '10.244.3.0' not in run('ip', 'route', ns='n1'), 'the route stays')
    assert '10.244.2.0' in run('ip', 'route', ns='n1')
    for node in nodes.values():
        node.stop()


def test_rules_that_somebody_flushed_come_back(servers):
    build()
    node = Node('n1', base_objects() + [service('s', '10.96.0.20')])
    assert ask('n1', '10.96.0.20', 80) == ['refused']
    node.stop()
    run('nft', 'flush', 'ruleset', ns='n1')
    node = Node('n1', base_objects() + [service('s', '10.96.0.20')])
    assert ask('n1', '10.96.0.20', 80) == ['refused']
    node.stop()


def test_health_checks_of_load_balancers(servers):
    build()
    s = service('s', '10.96.0.20', 30080, externalTrafficPolicy='Local', healthCheckNodePort=30999)
    s['spec']['type'] = 'LoadBalancer'
    node = Node('n1', base_objects() + [s, slice_('s', {'pn1': '10.244.1.9'})])
    code = ('import urllib.request, urllib.error\n'
            'def get(u):\n'
            ' try: return urllib.request.urlopen(u, timeout=3).status\n'
            ' except urllib.error.HTTPError as e: return e.code\n'
            'print(get("http://127.0.0.1:30999/"), get("http://127.0.0.1:10256/healthz"))')
    assert run(sys.executable, '-c', code, ns='n1') == '200 200\n'
    node.put([slice_('s', {'pn2': '10.244.2.9'})])
    until(lambda: run(sys.executable, '-c', code, ns='n1') == '503 200\n', 'still healthy')
    node.stop()


def test_names_outside_are_forwarded(servers):
    build()
    node = Node('n1', base_objects())
    code = ('import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(("192.0.2.1", 53))\n'
            'print("ready", flush=True)\n'
            'while True:\n d, a = s.recvfrom(512)\n e = d.index(b"\\0", 12) + 5\n'
            ' s.sendto(d[:2] + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + d[12:e] + '
            'b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\5\\6\\7\\x08", a)')
    upstream = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE)
    servers.running.append(upstream)
    upstream.stdout.readline()
    assert lookup('n1', 'example.org') == ['5.6.7.8']
    node.stop()


if __name__ == '__main__':
    netlab.enter()
    netlab.main([v for k, v in list(globals().items()) if k.startswith('test_')])
