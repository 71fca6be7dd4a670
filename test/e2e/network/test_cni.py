#!/usr/bin/env python3
"""The CNI plugin in real network namespaces: what pods get, what they reach, and that nothing is left over."""
import json
import os
import subprocess
import sys
import time

import netlab
from netlab import ask, cni, run

PROGRAM = sys.argv[1]


def config(**more):
    return {'cniVersion': '1.0.0', 'name': 'test', 'type': 'coxswain-cni', 'subnets': ['10.244.7.0/24'],
            'stateDir': '/run/state', 'mtu': 1400, **more}


def attachments():
    with open('/run/state/attachments') as f:
        return [line.split()[1] for line in f if line.startswith('pod ')]


def links():
    return sorted(x['ifname'] for x in json.loads(run('ip', '-j', 'link')) if x['ifname'].startswith('cox'))


def pod(name, **more):
    path = netlab.add_ns(name)
    return cni(PROGRAM, 'ADD', name, path, config(**more))['ips'][0]['address'].split('/')[0]


def test_add_gives_a_working_interface(servers):
    path = netlab.add_ns('p1')
    answer = cni(PROGRAM, 'ADD', 'p1', path, config())
    assert answer['cniVersion'] == '1.0.0'
    assert answer['ips'][0]['gateway'] == '10.244.7.1' and answer['ips'][0]['interface'] == 2, answer
    assert [i['name'] for i in answer['interfaces']][::2] == ['cox0', 'eth0'], answer
    assert answer['interfaces'][2]['sandbox'] == path
    eth0 = json.loads(run('ip', '-j', 'addr', 'show', 'eth0', ns='p1'))[0]
    assert eth0['mtu'] == 1400 and eth0['address'] == answer['interfaces'][2]['mac'], eth0
    assert 'UP' in json.loads(run('ip', '-j', 'link', 'show', 'lo', ns='p1'))[0]['flags']
    run('ping', '-c1', '-W2', '10.244.7.1', ns='p1')
    run('ping', '-c1', '-W2', eth0['addr_info'][0]['local'])
    assert cni(PROGRAM, 'CHECK', 'p1', path, config()) is None


def test_pods_reach_each_other(servers):
    one, two = pod('p1'), pod('p2')
    assert one != two
    servers.start('p2', 'two', 80)
    assert ask('p1', two, 80) == [f'two {one}']
    assert ask(None, two, 80) == ['two 10.244.7.1']


def test_old_versions_say_the_ip_version(servers):
    path = netlab.add_ns('p1')
    answer = cni(PROGRAM, 'ADD', 'p1', path, config(cniVersion='0.4.0'))
    assert answer['cniVersion'] == '0.4.0' and answer['ips'][0]['version'] == '4', answer


def test_del_removes_everything_and_may_be_repeated(servers):
    pod('p1')
    pod('p2')
    assert attachments() == ['p1', 'p2'] and len(links()) == 3
    for _ in range(2):
        assert cni(PROGRAM, 'DEL', 'p1', '/run/netns/p1', config()) is None
    assert attachments() == ['p2'] and len(links()) == 2
    run('ip', 'netns', 'delete', 'p2')
    cni(PROGRAM, 'DEL', 'p2', None, config())
    assert attachments() == [] and links() == ['cox0']


def test_failed_add_leaves_nothing(servers):
    path = netlab.add_ns('p1')
    run('ip', 'link', 'add', 'cox0', 'type', 'veth')  # no bridge
    answer = cni(PROGRAM, 'ADD', 'p1', path, config(), check=False)
    assert answer['code'] == 100 and 'not a bridge' in answer['msg'], answer
    run('ip', 'link', 'delete', 'cox0')
    assert links() == [] and attachments() == []
    cni(PROGRAM, 'ADD', 'p1', path, config())


def test_second_add_is_refused_and_harms_nothing(servers):
    one = pod('p1')
    answer = cni(PROGRAM, 'ADD', 'p1', '/run/netns/p1', config(), check=False)
    assert answer['code'] == 4 and 'already' in answer['msg'], answer
    servers.start('p1', 'one', 80)
    assert ask(None, one, 80) == ['one 10.244.7.1']


def test_check_notices_damage(servers):
    one = pod('p1')
    run('ip', 'addr', 'del', f'{one}/32', 'dev', 'eth0', ns='p1')
    answer = cni(PROGRAM, 'CHECK', 'p1', '/run/netns/p1', config(), check=False)
    assert answer['code'] == 102 and 'lost its address' in answer['msg'], answer
    cni(PROGRAM, 'DEL', 'p1', '/run/netns/p1', config())
    answer = cni(PROGRAM, 'CHECK', 'p1', '/run/netns/p1', config(), check=False)
    assert answer['code'] == 3, answer


def test_addresses_run_out_and_come_back(servers):
    for i in range(5):
        pod(f'p{i}', subnets=['10.244.7.0/29'])
    path = netlab.add_ns('q')
    answer = cni(PROGRAM, 'ADD', 'q', path, config(subnets=['10.244.7.0/29']), check=False)
    assert answer['code'] == 101 and 'no address is free' in answer['msg'], answer
    cni(PROGRAM, 'DEL', 'p2', None, config())
    cni(PROGRAM, 'ADD', 'q', path, config(subnets=['10.244.7.0/29']))


def test_many_at_once_get_different_addresses(servers):
    env = dict(os.environ, CNI_COMMAND='ADD', CNI_IFNAME='eth0')
    running = []
    for i in range(20):
        path = netlab.add_ns(f'p{i}')
        p = subprocess.Popen([PROGRAM, 'cni'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             env=dict(env, CNI_CONTAINERID=f'p{i}', CNI_NETNS=path))
        p.stdin.write(json.dumps(config()))
        p.stdin.close()
        running.append(p)
    ips = [json.loads(p.stdout.read())['ips'][0]['address'] for p in running]
    assert all(p.wait() == 0 for p in running)
    assert len(set(ips)) == 20, ips


def test_gc_keeps_what_the_runtime_knows(servers):
    pod('p1')
    pod('p2')
    cni(PROGRAM, 'GC', 'x', None, config(cniVersion='1.1.0', **{
        'cni.dev/valid-attachments': [{'containerID': 'p2', 'ifname': 'eth0'}]}))
    assert attachments() == ['p2'] and len(links()) == 2


def test_loopback_plugin(servers):
    run('ip', 'netns', 'add', 'p1')
    c = {'cniVersion': '0.3.1', 'name': 'cni-loopback', 'type': 'loopback'}
    answer = cni(PROGRAM, 'ADD', 'p1', '/run/netns/p1', c, ifname='lo')
    assert answer['interfaces'][0]['name'] == 'lo', answer
    assert 'UP' in json.loads(run('ip', '-j', 'link', 'show', 'lo', ns='p1'))[0]['flags']


def outside():
    """Another machine on a link of this one: 192.0.2.2, and this one is 192.0.2.1."""
    netlab.add_ns('out')
    run('ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'out')
    run('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'up0')
    run('ip', 'link', 'set', 'up0', 'up')
    run('ip', 'addr', 'add', '192.0.2.2/24', 'dev', 'eth0', ns='out')
    run('ip', 'link', 'set', 'eth0', 'up', ns='out')


def mapping(host, pod_port, **more):
    return {'runtimeConfig': {'portMappings': [{'hostPort': host, 'containerPort': pod_port, **more}]}}


def test_host_ports(servers):
    outside()
    one = pod('p1', **mapping(8080, 80))
    servers.start('p1', 'one', 80)
    assert ask('out', '192.0.2.1', 8080) == ['one 192.0.2.2']
    assert ask(None, '192.0.2.1', 8080)[0].startswith('one ')
    assert ask(None, '127.0.0.1', 8080) == ['one 10.244.7.1']
    assert ask('p1', '192.0.2.1', 8080) == ['one 10.244.7.1']  # hairpin
    assert ask('out', '192.0.2.1', 8081) == ['refused']
    cni(PROGRAM, 'DEL', 'p1', None, config())
    assert ask('out', '192.0.2.1', 8080) == ['refused']
    assert 'coxswain-ports' not in run('nft', 'list', 'tables')
    assert one


def test_host_ports_of_one_address(servers):
    outside()
    pod('p1', **mapping(8080, 80, hostIP='127.0.0.1'))
    pod('p2', **mapping(8080, 80, hostIP='192.0.2.1'))
    pod('p3', **mapping(8080, 80, protocol='udp'))
    servers.start('p1', 'one', 80)
    servers.start('p2', 'two', 80)
    servers.start('p3', 'three', 80, udp=True)
    assert ask(None, '127.0.0.1', 8080)[0].startswith('one ')
    assert ask('out', '192.0.2.1', 8080) == ['two 192.0.2.2']
    assert ask('out', '192.0.2.1', 8080, udp=True) == ['three 192.0.2.2']
    path = netlab.add_ns('p4')
    answer = cni(PROGRAM, 'ADD', 'p4', path, config(**mapping(8080, 1)), check=False)
    assert answer['code'] == 101 and 'taken' in answer['msg'], answer


def test_pods_do_not_reach_the_nodes_loopback(servers):
    pod('p1')
    pod('p2', **mapping(8080, 80))
    servers.start(None, 'host', 9999)
    run('ip', 'route', 'add', '127.0.0.2/32', 'via', '10.244.7.1', 'dev', 'eth0', ns='p1')
    netlab.switch('ipv4/conf/all/route_localnet', 1, ns='p1')
    run('ip', 'addr', 'del', '127.0.0.1/8', 'dev', 'lo', ns='p1')
    assert ask('p1', '127.0.0.2', 9999, timeout=0.3)[0] != 'host 10.244.7.2'
    assert ask(None, '127.0.0.1', 9999) == ['host 127.0.0.1']


def test_both_ip_families(servers):
    both = config(subnets=['10.244.7.0/24', 'fd00:7::/64'])
    for name in ('p1', 'p2'):
        answer = cni(PROGRAM, 'ADD', name, netlab.add_ns(name), both)
    ips = [i['address'] for i in answer['ips']]
    assert ips[0].endswith('/32') and ips[1] == 'fd00:7::3/128', ips
    # the link-local addresses of new interfaces are usable after a second only
    run('ping', '-c8', '-i0.5', '-W1', 'fd00:7::1', ns='p1')
    run('ping', '-c8', '-i0.5', '-W1', 'fd00:7::3', ns='p1')
    assert cni(PROGRAM, 'CHECK', 'p1', '/run/netns/p1', both) is None


def test_is_quick(servers):
    paths = [netlab.add_ns(f'p{i}') for i in range(20)]
    start = time.monotonic()
    for i, path in enumerate(paths):
        cni(PROGRAM, 'ADD', f'p{i}', path, config())
    each = (time.monotonic() - start) / len(paths)
    print(f'     ADD takes {each * 1000:.1f} ms with the start of the program')
    assert each < 0.1


if __name__ == '__main__':
    netlab.enter()
    netlab.main([v for k, v in list(globals().items()) if k.startswith('test_')])
