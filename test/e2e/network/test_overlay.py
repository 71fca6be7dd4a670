#!/usr/bin/env python3
"""Nodes as network namespaces: two on one link, one behind a router; pods reach each other on and across nodes."""
import json
import sys

import netlab
from netlab import ask, cni, run

PROGRAM, DRIVER = sys.argv[1].split(',')
NODES = {'n1': '192.0.2.11', 'n2': '192.0.2.12', 'n3': '198.51.100.13'}


def build():
    """This namespace is the router between 192.0.2.0/24 (a bridge: n1, n2) and 198.51.100.0/24 (n3)."""
    run('ip', 'link', 'add', 'br0', 'type', 'bridge')
    run('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'br0')
    run('ip', 'link', 'set', 'br0', 'up')
    netlab.switch('ipv4/ip_forward', 1)
    for name, ip in NODES.items():
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


def nodes(names):
    items = [{'metadata': {'name': n}, 'spec': {'podCIDR': f'10.244.{n[1]}.0/24'},
              'status': {'addresses': [{'type': 'InternalIP', 'address': NODES[n]}]}} for n in names]
    with open('/run/nodes.json', 'w') as f:
        json.dump({'kind': 'NodeList', 'apiVersion': 'v1', 'items': items}, f)


def apply(names, mode=0):
    nodes(names)
    return {n: run(DRIVER, 'overlay', n, mode, '/run/nodes.json', ns=n) for n in names}


def pods():
    """One pod on each node, named after it; their addresses."""
    out = {}
    for n in NODES:
        path = netlab.add_ns('p' + n)
        c = {'cniVersion': '1.0.0', 'name': 'x', 'type': 'coxswain-cni', 'subnets': [f'10.244.{n[1]}.0/24'],
             'stateDir': f'/run/{n}'}
        out['p' + n] = cni(PROGRAM, 'ADD', 'p' + n, path, c, ns=n)['ips'][0]['address'].split('/')[0]
    return out


def all_reach_all(servers, ips):
    for p in ips:
        servers.start(p, p, 80)
    for p, own in ips.items():
        for q, other in ips.items():
            assert ask(p, other, 80) == [f'{q} {own}'], (p, q)


def routes(n):
    return {r['dst']: r.get('dev') for r in json.loads(run('ip', '-j', 'route', ns=n)) if r['dst'].startswith('10.')}


def test_routes_and_tunnels(servers):
    build()
    mtus = apply(NODES)
    assert mtus['n1'] == '1450\n', mtus
    assert routes('n1') == {'10.244.2.0/24': 'eth0', '10.244.3.0/24': 'cox-vxlan'}, routes('n1')
    assert routes('n3') == {'10.244.1.0/24': 'cox-vxlan', '10.244.2.0/24': 'cox-vxlan'}, routes('n3')
    ips = pods()
    all_reach_all(servers, ips)
    for n in NODES:  # the nodes themselves reach pods elsewhere
        for q, other in ips.items():
            assert ask(n, other, 80)[0].startswith(q), (n, q)
    run('ping', '-c1', '-W2', '-M', 'do', '-s', '1422', ips['pn3'], ns='n1')


def test_only_tunnels(servers):
    build()
    apply(NODES, mode=2)
    assert set(routes('n1').values()) == {'cox-vxlan'}
    all_reach_all(servers, pods())


def test_what_is_stale_goes(servers):
    build()
    apply(NODES)
    apply(['n1', 'n2'])
    assert routes('n1') == {'10.244.2.0/24': 'eth0'}
    assert run('ip', 'link', 'show', 'cox-vxlan', ns='n1', check=False).returncode == 1
    apply(NODES)
    assert '198.51.100.13' in run('bridge', 'fdb', 'show', 'dev', 'cox-vxlan', ns='n1')
    NODES['n3'] = '198.51.100.14'
    try:
        nodes(NODES)
        run(DRIVER, 'overlay', 'n1', 0, '/run/nodes.json', ns='n1')
        fdb = run('bridge', 'fdb', 'show', 'dev', 'cox-vxlan', ns='n1')
        assert '198.51.100.14' in fdb and '198.51.100.13' not in fdb, fdb
    finally:
        NODES['n3'] = '198.51.100.13'


def test_foreign_routes_stay(servers):
    build()
    run('ip', 'route', 'add', '10.99.0.0/24', 'via', '192.0.2.12', ns='n1')
    apply(NODES)
    apply(['n1'])
    assert routes('n1') == {'10.99.0.0/24': 'eth0'}


def test_doing_it_again_changes_nothing(servers):
    build()
    apply(NODES)
    before = run('ip', '-d', 'link', 'show', 'cox-vxlan', ns='n1'), routes('n1')
    apply(NODES)
    assert before == (run('ip', '-d', 'link', 'show', 'cox-vxlan', ns='n1'), routes('n1'))


if __name__ == '__main__':
    netlab.enter()
    netlab.main([v for k, v in list(globals().items()) if k.startswith('test_')])
