"""exec, attach, cp, port-forward, logs and debug, as kubectl does them."""
import os
import pty
import re
import select
import signal
import tempfile
import termios
import time
import urllib.request

from onenode import FOREVER, IMAGE, container, contains, equal, finish, status_of


class Terminal:
    """A kubectl at a terminal."""

    def __init__(self, t, *args):
        self.fd, inner = pty.openpty()
        self.process = t.spawn(*args, stdin=inner, stdout=inner, stderr=inner)
        os.close(inner)
        self.seen = ''

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.seen:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], f'no "{text}" in {self.seen!r}'
            try:
                self.seen += os.read(self.fd, 4096).decode(errors='replace')
            except OSError as e:  # its other end is closed
                assert text in self.seen, f'no "{text}" in {self.seen!r}: {e}'
        return self.seen

    def end(self):
        try:
            return self.process.wait(60)
        finally:
            finish(self.process)
            os.close(self.fd)


def case_exec(t):
    t.pod('one', containers=[container('main', command=FOREVER), container('other', command=FOREVER)])
    t.running('one')
    equal(t.exec('one', 'cat', text='some text\n' * 1000), ('some text\n' * 1000).strip())
    done = t.node.kubectl('-n', t.ns, 'exec', 'one', '-c', 'main', '--', 'sh', '-c', 'echo out; echo bad >&2; exit 7',
                          check=False)
    equal(done.returncode, 7)
    equal(done.stdout, 'out\n')
    contains(done.stderr, 'bad', 'exit code 7')
    equal(len(t.exec('one', 'head', '-c', '3000000', '/dev/zero')), 3000000)
    contains(t.refused('exec', 'one', '--', 'no-such-program'), 'no-such-program')
    contains(t.refused('exec', 'one', '-c', 'none', '--', 'true'), 'none')
    contains(t.refused('exec', 'nobody', '--', 'true'), 'not found')
    equal(t.exec('one', 'hostname', container_name='other'), 'one')


def case_exec_terminal(t):
    t.pod('one')
    t.running('one')
    terminal = Terminal(t, 'exec', '-it', 'one', '--', 'sh')
    terminal.type('tty; echo "width" $((40 + 2))\n')
    contains(terminal.read_until('width 42'), '/dev/pts/')
    terminal.type('exit 3\n')
    equal(terminal.end(), 3)


def case_terminal_is_given_back(t):
    """Whatever ends the program, the terminal is as it was."""
    t.pod('one')
    t.running('one')
    for sign in (signal.SIGTERM, signal.SIGINT):
        terminal = Terminal(t, 'exec', '-it', 'one', '--', 'sh')
        before = termios.tcgetattr(terminal.fd)
        terminal.type('echo "width" $((40 + 2))\n')
        terminal.read_until('width 42')
        terminal.process.send_signal(sign)
        terminal.process.wait(60)
        equal(termios.tcgetattr(terminal.fd), before)
        terminal.end()


def case_attach(t):
    t.pod('one', with_container={'stdin': True}, command='while read x; do echo "got $x"; done; echo end; exec cat')
    t.pod('once', with_container={'stdin': True, 'stdinOnce': True}, command='cat; echo over', restartPolicy='Never')
    t.pod('tty', with_container={'stdin': True, 'tty': True}, command=['sh'])
    for name in ('one', 'once', 'tty'):
        t.running(name)
    out = t.spawn('attach', '-i', 'once', stdin=-1)
    contains(out.communicate('for once\n', timeout=60)[0], 'for once', 'over')
    t.ends('once')
    process = t.spawn('attach', '-i', 'one', stdin=-1)
    process.stdin.write('hello\n')
    process.stdin.flush()
    while 'got hello' not in process.stdout.readline():
        assert process.poll() is None
    finish(process)
    contains(t.k('logs', 'one'), 'got hello')
    terminal = Terminal(t, 'attach', '-it', 'tty')
    terminal.type('echo $((6 * 7)) is it\n')
    terminal.read_until('42 is it')
    finish(terminal.process)
    terminal.end()


def case_run_and_attach(t):
    out = t.k('run', 'quick', '-i', '--rm', '--restart=Never', f'--image={IMAGE}', '--', 'sh', '-c', 'cat; echo done',
              text='through run\n')
    contains(out, 'through run', 'done')
    t.gone('quick')


def case_cp(t):
    t.pod('one')
    t.running('one')
    with tempfile.TemporaryDirectory() as folder:
        data = os.urandom(2000000)
        os.makedirs(f'{folder}/tree/deep')
        for name in ('file', 'tree/a', 'tree/deep/b'):
            with open(f'{folder}/{name}', 'wb') as f:
                f.write(data)
        t.k('cp', f'{folder}/file', 'one:/tmp/file')
        t.k('cp', f'{folder}/tree', 'one:/tmp/tree')
        sums = {line.split()[0] for line in t.sh('one', 'sha256sum /tmp/file /tmp/tree/a /tmp/tree/deep/b').split('\n')}
        equal(len(sums), 1)
        t.k('cp', 'one:/tmp/tree', f'{folder}/tree/../back')
        with open(f'{folder}/back/deep/b', 'rb') as f:
            equal(f.read() == data, True)


def forwarded(process):
    """The local port of a port-forward."""
    line = process.stdout.readline()
    found = re.search(r'127\.0\.0\.1:(\d+) ->', line)
    assert found, line + process.stdout.read()
    return int(found.group(1))


def case_port_forward(t):
    web = 'mkdir -p /www; head -c 500000 /dev/zero | tr "\\0" x >/www/big; echo front >/www/index.html; ' \
          'httpd -p 8080 -h /www; ' + FOREVER
    t.pod('one', command=web, labels={'app': 'web'},
          with_container={'ports': [{'name': 'http', 'containerPort': 8080}],
                          'readinessProbe': {'tcpSocket': {'port': 'http'}, 'periodSeconds': 1}})
    t.make({'kind': 'Service', 'metadata': {'name': 'web'},
            'spec': {'selector': {'app': 'web'}, 'ports': [{'port': 80, 'targetPort': 'http'}]}})
    t.ready('one')
    for target, port in (('pod/one', '8080'), ('service/web', '80')):
        process = t.spawn('port-forward', '--address=127.0.0.1', target, f':{port}')
        try:
            local = forwarded(process)
            for path, size in (('', 6), ('big', 500000), ('', 6)):
                with urllib.request.urlopen(f'http://127.0.0.1:{local}/{path}', timeout=30) as answer:
                    equal(len(answer.read()), size)
        finally:
            finish(process)
    process = t.spawn('port-forward', '--address=127.0.0.1', 'one', ':8081')
    try:
        local = forwarded(process)
        try:
            urllib.request.urlopen(f'http://127.0.0.1:{local}/', timeout=30).close()
            raise AssertionError('there is an answer from a port where nobody listens')
        except OSError:
            pass
    finally:
        contains(finish(process), '8081')


def case_logs(t):
    t.pod('one', command='for i in 1 2 3 4 5; do echo line $i; done; echo oops >&2; ' + FOREVER)
    t.running('one')
    t.until_logged('one', 'oops')
    lines = [f'line {i}' for i in range(1, 6)] + ['oops']
    equal(sorted(t.k('logs', 'one').split('\n')[:-1]), lines)
    equal(len(t.k('logs', 'one', '--tail=2').splitlines()), 2)
    equal(t.k('logs', 'one', '--tail=0'), '')
    equal(len(t.k('logs', 'one', '--limit-bytes=10')), 10)
    contains(t.k('logs', 'one', '--since=1h'), 'line 1')
    stamped = t.k('logs', 'one', '--timestamps').splitlines()
    assert re.match(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (line|oops)', stamped[0]), stamped
    equal(t.k('logs', 'one', '--since-time=2100-01-01T00:00:00Z'), '')
    contains(t.refused('logs', 'one', '--previous'), 'previous terminated container "main" in pod "one" not found')
    contains(t.refused('logs', 'one', '-c', 'none'), 'none')


def case_logs_follow(t):
    """Every line, until the container ends."""
    t.pod('one', command='for i in $(seq 200); do echo line $i; usleep 5000; done', restartPolicy='Never')
    t.pod_until('one', 'start', lambda o: o['status']['phase'] in ('Running', 'Succeeded'))
    equal(t.k('logs', '-f', 'one'), ''.join(f'line {i}\n' for i in range(1, 201)))


def case_logs_previous(t):
    t.pod('one', command='echo run by $$; [ -e /data/again ] && exec sleep 999; touch /data/again; exit 1',
          with_container={'volumeMounts': [{'name': 'data', 'mountPath': '/data'}]},
          volumes=[{'name': 'data', 'emptyDir': {}}])
    t.pod_until('one', 'restart', lambda o: (status_of(o) or {}).get('restartCount') == 1
                and 'running' in status_of(o)['state'])
    contains(t.k('logs', 'one', '--previous'), 'run by')
    contains(t.k('logs', 'one'), 'run by')


def case_logs_not_yet(t):
    t.pod('one', containers=[container(image='coxswain.local/none:1', imagePullPolicy='Never')])
    t.waiting('one', 'ErrImageNeverPull')
    contains(t.refused('logs', 'one'), 'container "main" in pod "one" is waiting to start')


def case_debug(t):
    t.pod('one', command='exec sleep 4711')
    t.running('one')
    t.k('debug', 'one', f'--image={IMAGE}', '--image-pull-policy=IfNotPresent', '-c', 'look', '--target=main', '--',
        'sh', '-c', 'ps; hostname')
    o = t.pod_until('one', 'end of the ephemeral container',
                    lambda o: 'terminated' in (status_of(o, 'look') or {'state': {}})['state'])
    equal(status_of(o, 'look')['state']['terminated']['exitCode'], 0)
    equal(status_of(o)['restartCount'], 0)
    contains(t.k('logs', 'one', '-c', 'look'), 'sleep 4711', 'one')
    process = t.spawn('debug', 'one', '-i', f'--image={IMAGE}', '--image-pull-policy=IfNotPresent', '-c', 'ask', '--',
                      'sh', '-c', 'read x; echo "read $x"', stdin=-1)
    process.stdin.write('typed\n')
    process.stdin.flush()
    contains(process.stdout.read(), 'read typed')
    process.stdin.close()
    equal(process.wait(60), 0)
    contains(t.k('describe', 'pod', 'one'), 'Ephemeral Containers')


def case_debug_node(t):
    """A pod with the host's namespaces and its file system at /host."""
    t.write('marked', 'by the host\n')
    name = t.k('debug', 'node/e2e', f'--image={IMAGE}', '--image-pull-policy=IfNotPresent', '--profile=general',
               '--', 'cat', f'/host{t.folder}/marked').split()[3]
    t.ends(name)
    equal(t.k('logs', name), 'by the host\n')
