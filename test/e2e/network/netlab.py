"""Network namespaces of a test's own: everything is gone when the test's process is, whatever it died of.

The test runs itself again inside a private network, mount and PID namespace with a /run of its own, so names of
namespaces, interfaces and rules cannot meet those of the machine.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

INSIDE = 'COXSWAIN_NETLAB'


def enter():
    """Returns inside the private namespaces. Without the right to make them the test is skipped (status 77)."""
    if os.environ.get(INSIDE):
        subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run'], check=True)
        subprocess.run(['mount', '-t', 'sysfs', 'sysfs', '/sys'], check=False)
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
        return
    if os.geteuid() != 0:
        print('needs root: skipped')
        sys.exit(77)
    # --kill-child: the namespace's first process dies with this one, and with it all others
    command = ['unshare', '--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child', '--propagation',
               'private', sys.executable, *sys.argv]
    os.execvpe(command[0], command, dict(os.environ, **{INSIDE: '1'}))


def run(*command, ns=None, check=True, text=None):
    """Runs a command, in a namespace if one is given; returns its output."""
    prefix = ['ip', 'netns', 'exec', ns] if ns else []
    done = subprocess.run([*prefix, *map(str, command)], input=text, capture_output=True, text=True, timeout=60)
    if check and done.returncode:
        raise AssertionError(f'{" ".join(map(str, command))}: {done.stdout}{done.stderr}')
    return done.stdout if check else done


def add_ns(name):
    run('ip', 'netns', 'add', name)
    run('ip', 'link', 'set', 'lo', 'up', ns=name)
    return f'/run/netns/{name}'


def switch(path, value, ns=None):
    run('sh', '-c', f'echo {value} > /proc/sys/net/{path}', ns=ns)


class Servers:
    """Small servers in namespaces that answer with their name and the address of who asks."""

    def __init__(self):
        self.running = []

    def start(self, ns, name, port, udp=False, address='0.0.0.0'):
        code = SERVER_UDP if udp else SERVER_TCP
        prefix = ['ip', 'netns', 'exec', ns] if ns else []
        p = subprocess.Popen([*prefix, sys.executable, '-c', code, name, str(port), address],
                             stdout=subprocess.PIPE)
        p.stdout.readline()  # it listens
        self.running.append(p)
        return p

    def stop(self):
        for p in self.running:
            p.send_signal(signal.SIGKILL)
            p.wait()
        self.running = []


SERVER_TCP = '''
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[3] else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[3], int(sys.argv[2])))
s.listen(512)
print('ready', flush=True)
while True:
    c, who = s.accept()
    try:
        c.sendall(f'{sys.argv[1]} {who[0]}'.encode())
    except OSError:
        pass
    c.close()
'''
SERVER_UDP = '''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', int(sys.argv[2])))
print('ready', flush=True)
while True:
    data, who = s.recvfrom(512)
    s.sendto(f'{sys.argv[1]} {who[0]}'.encode(), who)
'''
CLIENT = '''
import socket, sys
address, port, udp, times = sys.argv[1], int(sys.argv[2]), sys.argv[3] == 'udp', int(sys.argv[4])
source = int(sys.argv[5])
for i in range(times):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    s.settimeout(float(sys.argv[6]))
    try:
        if source:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('0.0.0.0', source))
        s.connect((address, port))
        if udp:
            s.send(b'?')
        print(s.recv(100).decode())
    except (ConnectionRefusedError, PermissionError):  # the latter: refused while it was sent
        print('refused')
    except OSError as e:
        print('timeout' if isinstance(e, socket.timeout) else f'error {e}')
    s.close()
'''


def ask(ns, address, port, udp=False, times=1, source=0, timeout=1.0):
    """Connects so many times; the answers, "refused" or "timeout"."""
    out = run(sys.executable, '-c', CLIENT, address, port, 'udp' if udp else 'tcp', times, source, timeout, ns=ns)
    return out.split('\n')[:-1]


def cni(program, command, container, netns, config, ifname='eth0', ns=None, check=True):
    """Runs the plugin as a container runtime does; its answer, decoded."""
    env = dict(os.environ, CNI_COMMAND=command, CNI_CONTAINERID=container, CNI_IFNAME=ifname, CNI_PATH='/nonexistent')
    if netns:
        env['CNI_NETNS'] = netns
    prefix = ['nsenter', f'--net=/run/netns/{ns}'] if ns else []
    done = subprocess.run([*prefix, program, 'cni'], input=json.dumps(config), capture_output=True, text=True,
                          env=env, timeout=60)
    answer = json.loads(done.stdout) if done.stdout.strip() else None
    if check and done.returncode:
        raise AssertionError(f'{command} {container}: {done.stdout}{done.stderr}')
    return answer


def main(tests):
    """Runs functions one after another; each gets a fresh list of servers."""
    failed = 0
    only = sys.argv[2:]
    for test in tests:
        if only and test.__name__ not in only:
            continue
        servers = Servers()
        start = time.monotonic()
        try:
            test(servers)
            print(f'ok   {test.__name__} ({time.monotonic() - start:.2f} s)', flush=True)
        except Exception as e:  # noqa: the next test runs all the same
            failed += 1
            print(f'FAIL {test.__name__}: {type(e).__name__}: {e}', flush=True)
            if os.environ.get('NETLAB_TRACE'):
                raise
        finally:
            servers.stop()
            cleanup()
    sys.exit(1 if failed else 0)


def cleanup():
    for name in run('ip', 'netns', 'list').split('\n'):
        if name.strip():
            run('ip', 'netns', 'delete', name.split()[0])
    for link in json.loads(run('ip', '-j', 'link', 'show')):
        if link['ifname'] not in ('lo', 'sit0', 'tunl0', 'ip6tnl0', 'gre0', 'gretap0', 'erspan0', 'ip_vti0',
                                  'ip6_vti0', 'ip6gre0'):
            run('ip', 'link', 'delete', link['ifname'], check=False)
    run('nft', 'flush', 'ruleset')


def tmpdir():
    return tempfile.mkdtemp(dir='/run')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]
