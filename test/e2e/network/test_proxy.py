#!/usr/bin/env python3
"""The service proxy with real nftables: a node (this namespace) with two pods, a pod elsewhere, a client outside."""
import collections
import json
import subprocess
import sys
import time

import netlab
from netlab import ask, cni, run

PROGRAM, DRIVER = sys.argv[1].split(',')
NODE, OUT = '192.0.2.1', '192.0.2.2'


class Proxy:
    """The driver as a process; takes services and slices, gives the plan that they led to."""

    def __init__(self):
        self.process = subprocess.Popen([DRIVER, 'proxy', 'n1'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def set(self, services, slices):
        for name, kind, items in (('services', 'v1 ServiceList', services),
                                  ('slices', 'discovery.k8s.io/v1 EndpointSliceList', slices)):
            version, kind = kind.split()
            with open(f'/run/{name}.json', 'w') as f:
                json.dump({'apiVersion': version, 'kind': kind, 'items': items}, f)
        self.process.stdin.write('/run/services.json /run/slices.json\n')
        self.process.stdin.flush()
        plan = []
        for line in self.process.stdout:
            if line == 'done\n':
                return ''.join(plan)
            plan.append(line)
        raise AssertionError(f'the driver ended with {self.process.wait()}')

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def service(name, ip, ports=((80, 'TCP'),), **spec):
    return {'metadata': {'namespace': 'd', 'name': name}, 'status': spec.pop('status', {}),
            'spec': {'clusterIP': ip, 'clusterIPs': [ip], 'type': spec.pop('type', 'ClusterIP'),
                     'ports': [{'port': p[0], 'protocol': p[1], 'name': f'p{i}',
                                **({'nodePort': p[2]} if len(p) > 2 else {})} for i, p in enumerate(ports)], **spec}}


def slice_(name, endpoints, port=80, protocol='TCP'):
    return {'metadata': {'namespace': 'd', 'name': f'{name}-1', 'labels': {'kubernetes.io/service-name': name}},
            'addressType': 'IPv4', 'ports': [{'name': 'p0', 'port': port, 'protocol': protocol}],
            'endpoints': [{'addresses': [ip], 'nodeName': node, 'conditions': conditions}
                          for ip, node, conditions in endpoints]}


READY = {'ready': True}


def build(servers, udp=False):
    """Pods a and b on this node, pod c on another one (192.0.2.3), a client outside; all reach each other."""
    run('ip', 'link', 'add', 'br0', 'type', 'bridge')
    run('ip', 'addr', 'add', f'{NODE}/24', 'dev', 'br0')
    run('ip', 'link', 'set', 'br0', 'up')
    for ns, ip in (('out', OUT), ('n2', '192.0.2.3')):
        netlab.add_ns(ns)
        run('ip', 'link', 'add', f'v{ns}', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns)
        run('ip', 'link', 'set', f'v{ns}', 'up', 'master', 'br0')
        run('ip', 'addr', 'add', f'{ip}/24', 'dev', 'eth0', ns=ns)
        run('ip', 'link', 'set', 'eth0', 'up', ns=ns)
        run('ip', 'route', 'add', 'default', 'via', NODE, ns=ns)
    pods = {}
    for name, ns, subnet in (('a', None, 1), ('b', None, 1), ('c', 'n2', 2)):
        path = netlab.add_ns(name)
        c = {'cniVersion': '1.0.0', 'name': 'x', 'type': 'coxswain-cni', 'subnets': [f'10.244.{subnet}.0/24'],
             'stateDir': f'/run/state{subnet}'}
        pods[name] = cni(PROGRAM, 'ADD', name, path, c, ns=ns)['ips'][0]['address'].split('/')[0]
        servers.start(name, name, 80, udp=udp)
    run('ip', 'route', 'add', '10.244.2.0/24', 'via', '192.0.2.3')
    run('ip', 'route', 'add', '10.244.1.0/24', 'via', NODE, ns='n2')
    run('ip', 'route', 'add', 'default', 'via', NODE, check=False)
    return pods


def counts(answers):
    return collections.Counter(a.split()[0] for a in answers)


def all_ready(pods):
    return [(pods['a'], 'n1', READY), (pods['b'], 'n1', READY), (pods['c'], 'n2', READY)]


def test_cluster_ip(servers):
    pods, proxy = build(servers), Proxy()
    proxy.set([service('s', '10.96.0.10')], [slice_('s', all_ready(pods))])
    for who in ('a', 'c', None):
        if who == 'c':
            continue  # its own node has no proxy here
        seen = counts(ask(who, '10.96.0.10', 80, times=60))
        assert set(seen) == {'a', 'b', 'c'} and min(seen.values()) >= 5, (who, seen)
    proxy.stop()


def test_sources_are_kept_inside_of_the_cluster(servers):
    pods, proxy = build(servers), Proxy()
    proxy.set([service('s', '10.96.0.10')], [slice_('s', [(pods['c'], 'n2', READY)])])
    assert ask('a', '10.96.0.10', 80) == [f'c {pods["a"]}']
    proxy.set([service('s', '10.96.0.10')], [slice_('s', [(pods['a'], 'n1', READY)])])
    assert ask('a', '10.96.0.10', 80) == ['a 10.244.1.1']  # hairpin
    assert ask('b', '10.96.0.10', 80) == [f'a {pods["b"]}']
    assert ask('out', '10.96.0.10', 80) == ['a 10.244.1.1']  # a stranger
    proxy.stop()


def test_without_endpoints_is_refused_at_once(servers):
    pods, proxy = build(servers), Proxy()
    proxy.set([service('s', '10.96.0.10', type='NodePort', ports=((80, 'TCP', 30080),)),
               service('u', '10.96.0.11', ports=((53, 'UDP'),))], [])
    start = time.monotonic()
    for who in ('a', None, 'out'):
        answers = [ask(who, '10.96.0.10', 80), ask(who, NODE, 30080), ask(who, '10.96.0.11', 53, udp=True)]
        assert answers == [['refused']] * 3, (who, answers)
    assert time.monotonic() - start < 8
    proxy.set([service('s', '10.96.0.10')], [slice_('s', all_ready(pods)[:1])])
    assert counts(ask('b', '10.96.0.10', 80)) == {'a': 1}
    proxy.stop()


def test_unknown_service_addresses_do_not_leave(servers):
    pods, proxy = build(servers), Proxy()
    proxy.set([service('s', '10.96.0.10')], [slice_('s', all_ready(pods))])
    run('ip', 'route', 'replace', 'default', 'via', OUT)  # where they would go
    run('ip', 'addr', 'add', '10.96.0.99/32', 'dev', 'lo', ns='out')
    run('ip', 'addr', 'add', '10.96.0.10/32', 'dev', 'lo', ns='out')
    servers.start('out', 'leak', 81)
    for who in ('a', None):
        assert ask(who, '10.96.0.10', 81) == ['refused'], who
        assert ask(who, '10.96.0.99', 81, timeout=0.5) == ['timeout'], who
    proxy.stop()


def test_node_ports(servers):
    pods, proxy = build(servers), Proxy()
    s = service('s', '10.96.0.10', type='NodePort', ports=((80, 'TCP', 30080),))
    proxy.set([s], [slice_('s', all_ready(pods))])
    answers = ask('out', NODE, 30080, times=40)
    assert set(counts(answers)) == {'a', 'b', 'c'}, answers
    assert all(a.split()[1] in ('10.244.1.1', NODE) for a in answers), answers
    assert set(counts(ask('a', NODE, 30080, times=40))) == {'a', 'b', 'c'}
    assert set(counts(ask(None, NODE, 30080, times=40))) == {'a', 'b', 'c'}
    proxy.stop()


def test_local_external_policy_keeps_the_source(servers):
    pods, proxy = build(servers), Proxy()
    s = service('s', '10.96.0.10', type='NodePort', ports=((80, 'TCP', 30080),), externalTrafficPolicy='Local')
    proxy.set([s], [slice_('s', all_ready(pods))])
    answers = set(ask('out', NODE, 30080, times=30))
    assert answers == {f'a {OUT}', f'b {OUT}'}, answers
    assert set(counts(ask('a', NODE, 30080, times=40))) == {'a', 'b', 'c'}  # the cluster's own senders
    proxy.set([s], [slice_('s', [(pods['c'], 'n2', READY)])])
    assert ask('out', NODE, 30080, timeout=0.5) == ['timeout']
    assert counts(ask('a', NODE, 30080)) == {'c': 1}
    proxy.stop()


def test_internal_policy_local(servers):
    pods, proxy = build(servers), Proxy()
    s = service('s', '10.96.0.10', internalTrafficPolicy='Local')
    proxy.set([s], [slice_('s', all_ready(pods))])
    assert set(counts(ask('a', '10.96.0.10', 80, times=30))) == {'a', 'b'}
    proxy.set([s], [slice_('s', [(pods['c'], 'n2', READY)])])
    assert ask('a', '10.96.0.10', 80, timeout=0.5) == ['timeout']
    proxy.stop()


def test_external_addresses_and_load_balancers(servers):
    pods, proxy = build(servers), Proxy()
    s = service('s', '10.96.0.10', type='LoadBalancer', externalIPs=['198.51.100.7'],
                status={'loadBalancer': {'ingress': [{'ip': NODE}, {'ip': '198.51.100.8'}]}})
    proxy.set([s], [slice_('s', [(pods['c'], 'n2', READY)])])
    for ip in (NODE, '198.51.100.7', '198.51.100.8'):
        assert ask('out', ip, 80) == [f'c {NODE}'], ip
        assert ask('a', ip, 80)[0].startswith('c '), ip
    proxy.stop()


def test_source_ranges(servers):
    pods, proxy = build(servers), Proxy()
    s = service('s', '10.96.0.10', type='LoadBalancer', loadBalancerSourceRanges=['192.0.2.2/32', '203.0.113.0/24'],
                status={'loadBalancer': {'ingress': [{'ip': '198.51.100.8'}]}})
    proxy.set([s], [slice_('s', all_ready(pods))])
    assert ask('out', '198.51.100.8', 80)[0].split()[0] in 'abc'
    s['spec']['loadBalancerSourceRanges'] = ['203.0.113.0/24']
    proxy.set([s], [slice_('s', all_ready(pods))])
    assert ask('out', '198.51.100.8', 80, timeout=0.5) == ['timeout']
    assert ask('a', '10.96.0.10', 80)[0].split()[0] in 'abc'
    proxy.stop()


def test_affinity(servers):
    pods, proxy = build(servers), Proxy()
    s = service('s', '10.96.0.10', sessionAffinity='ClientIP',
                sessionAffinityConfig={'clientIP': {'timeoutSeconds': 2}})
    proxy.set([s], [slice_('s', all_ready(pods))])
    seen = counts(ask('a', '10.96.0.10', 80, times=20))
    assert len(seen) == 1, seen
    stuck = next(iter(seen))
    rest = [e for e in all_ready(pods) if e[0] != pods[stuck]]
    plan = proxy.set([s], [slice_('s', rest)])
    assert 'forget clients of tcp' in plan, plan
    again = counts(ask('a', '10.96.0.10', 80, times=20))
    assert len(again) == 1 and stuck not in again, again
    chosen = set()
    for _ in range(8):  # forgotten after the time-out
        time.sleep(2.2)
        chosen |= set(counts(ask('a', '10.96.0.10', 80)))
        if len(chosen) > 1:
            break
    assert len(chosen) > 1, chosen
    proxy.stop()


def test_terminating_endpoints_are_the_last_resort(servers):
    pods, proxy = build(servers), Proxy()
    ending = {'ready': False, 'serving': True, 'terminating': True}
    proxy.set([service('s', '10.96.0.10')],
              [slice_('s', [(pods['a'], 'n1', READY), (pods['b'], 'n1', ending)])])
    assert set(counts(ask('b', '10.96.0.10', 80, times=20))) == {'a'}
    proxy.set([service('s', '10.96.0.10')],
              [slice_('s', [(pods['a'], 'n1', {'ready': False}), (pods['b'], 'n1', ending)])])
    assert set(counts(ask('a', '10.96.0.10', 80, times=20))) == {'b'}
    proxy.stop()


def test_udp_flows_move_with_the_endpoints(servers):
    pods, proxy = build(servers, udp=True), Proxy()
    s = service('s', '10.96.0.10', ports=((80, 'UDP'),), type='NodePort')
    proxy.set([s], [])
    ask('b', '10.96.0.10', 80, udp=True, source=5000, timeout=0.3)
    proxy.set([s], [slice_('s', [(pods['a'], 'n1', READY)], protocol='UDP')])
    assert ask('b', '10.96.0.10', 80, udp=True, source=5000) == [f'a {pods["b"]}']
    plan = proxy.set([s], [slice_('s', [(pods['c'], 'n2', READY)], protocol='UDP')])
    assert f'forget flows of udp *:80 to {pods["a"]}:80' in plan, plan
    assert ask('b', '10.96.0.10', 80, udp=True, source=5000) == [f'c {pods["b"]}']
    proxy.stop()


def test_pods_reach_the_world_with_the_nodes_address(servers):
    pods, proxy = build(servers), Proxy()
    proxy.set([], [])
    servers.start('out', 'world', 8000)
    run('ip', 'route', 'del', 'default', ns='out')
    assert ask('a', OUT, 8000) == [f'world {NODE}']
    assert ask('a', pods['c'], 80) == [f'c {pods["a"]}']
    proxy.stop()


def test_the_same_address_twice_goes_to_the_first(servers):
    pods, proxy = build(servers), Proxy()
    one = service('one', '10.96.0.10', externalIPs=['198.51.100.7'])
    two = service('two', '10.96.0.11', externalIPs=['198.51.100.7'])
    slices = [slice_('one', [(pods['a'], 'n1', READY)]), slice_('two', [(pods['b'], 'n1', READY)])]
    proxy.set([one, two], slices)
    assert counts(ask('out', '198.51.100.7', 80)) == {'a': 1}
    proxy.set([two], slices[1:])
    assert counts(ask('out', '198.51.100.7', 80)) == {'b': 1}
    proxy.stop()


def test_ipv6_services(servers):
    run('ip', 'link', 'add', 'br0', 'type', 'bridge')
    ips = []
    for name in ('a', 'b'):
        c = {'cniVersion': '1.0.0', 'name': 'x', 'type': 'coxswain-cni', 'subnets': ['10.244.1.0/24', 'fd00:1::/64'],
             'stateDir': '/run/state'}
        ips.append(cni(PROGRAM, 'ADD', name, netlab.add_ns(name), c)['ips'][1]['address'].split('/')[0])
    servers.start('a', 'a', 80, address='::')
    for address in ('fd00:1::1', ips[0]):  # the link-local addresses of new interfaces are usable after a second only
        run('ping', '-c8', '-i0.5', '-W1', address, ns='b')
    s = service('s', 'fd00:96::1', type='NodePort', ports=((80, 'TCP', 30080),), sessionAffinity='ClientIP')
    d = dict(slice_('s', [(ips[0], 'n1', READY)]), addressType='IPv6')
    proxy = Proxy()
    proxy.set([s], [d])
    assert counts(ask('b', 'fd00:96::1', 80)) == {'a': 1}
    assert counts(ask('b', 'fd00:1::1', 30080)) == {'a': 1}
    proxy.set([s], [dict(slice_('s', [(ip, 'n1', READY) for ip in ips]), addressType='IPv6')])
    assert 'sticky' in run('nft', 'list', 'table', 'ip6', 'coxswain')
    proxy.set([s], [])
    assert ask('b', 'fd00:96::1', 80) == ['refused']
    proxy.stop()


def test_a_change_is_small_and_everything_goes_in_the_end(servers):
    pods, proxy = build(servers), Proxy()
    services = [service(f's{i}', f'10.96.1.{i}') for i in range(20)]
    slices = [slice_(f's{i}', all_ready(pods)) for i in range(20)]
    proxy.set(services, slices)
    assert proxy.set(services, slices) == ''
    slices[3] = slice_('s3', all_ready(pods)[:2])
    plan = proxy.set(services, slices)
    assert len(plan.split('\n')) < 8, plan
    proxy.set([], [])
    elements = run('nft', 'list', 'map', 'ip', 'coxswain', 'services') + run('nft', 'list', 'map', 'ip', 'coxswain',
                                                                             'endpoints')
    assert 'elements' not in elements, elements
    assert 'svc-' not in run('nft', 'list', 'table', 'ip', 'coxswain')
    proxy.stop()


if __name__ == '__main__':
    netlab.enter()
    netlab.main([v for k, v in list(globals().items()) if k.startswith('test_')])
