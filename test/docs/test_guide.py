#!/usr/bin/env python3
"""Every command of docs/guide.md, in order, as it is written, on a machine of its own; a second one joins.

    private.sh test_guide.py COXSWAIN     in the folder of the source

A line of the guide that cannot be run as it stands (it never ends, asks at a terminal, or has a place-holder) is in
SPECIAL, which says how it is run. A line that is in neither place nor runs is a failure.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '../e2e'))
from machines import PROGRAMS, Failed, Machines, wait_for  # pylint: disable=wrong-import-position

SOURCE = '/var/lib/source'  # of the machine, where commands are typed

# What building and installing are is tested by building and installing.
BUILDING = ('scripts/', 'install -m', 'ln -s')


def commands(path):
    """The indented lines of a text, without their comments."""
    with open(path, encoding='utf-8') as f:
        for line in f:
            if line.startswith('    ') and line.strip():
                yield re.sub(r' {2,}#.*$', '', line.strip())


class Guide:
    def __init__(self, machines):
        self.machines = machines
        self.one = self.start('one')
        self.kubeconfig = self.token = self.other = None
        shutil.copytree('examples', self.one.outside(f'{SOURCE}/examples'))
        os.makedirs(self.one.outside(f'{SOURCE}/test/e2e'))
        shutil.copy('test/e2e/images.py', self.one.outside(f'{SOURCE}/test/e2e'))
        self.one.env['EDITOR'] = 'sed -i s/Hello/Welcome/'

    def start(self, name):
        m = self.machines.start(name)
        os.symlink('coxswain', os.path.join(m.outside(PROGRAMS), 'kubectl'))
        return m

    def shell(self, line, check=True, text=None):
        env = f'cd {SOURCE}; ' + (f'export KUBECONFIG={self.kubeconfig}; ' if self.kubeconfig else '')
        return self.one.run('bash', '-c', env + line, check=check, text=text)

    # -- lines that are not run as they stand --

    def export(self, line):
        self.kubeconfig = line.split('=', 1)[1]

    def briefly(self, line):
        """One that goes on until it is ended: it has to have said something by then."""
        done = self.shell(f'timeout 3 {line}', check=False)
        if done.returncode != 124 or not done.stdout.strip():
            raise Failed(f'{line}: status {done.returncode}\n{done.stdout}{done.stderr}')

    def at_terminal(self, line):
        out = self.shell(line, text='echo in the container\nexit\n').stdout
        assert 'in the container' in out, out

    def node_port(self, line):
        port = self.shell("kubectl get service hello -o jsonpath='{.spec.ports[0].nodePort}'").stdout
        wait_for('page at the port of the node', lambda: 'Hello' in self.shell(
            line.replace('NODE-ADDRESS:3xxxx', f'{self.one.address}:{port}')).stdout)

    def forward(self, line):
        self.one.spawn('bash', '-c', f'export KUBECONFIG={self.kubeconfig}; exec {line}', log='forward.log')
        wait_for('page at the forwarded port', lambda: 'Hello' in self.shell('curl -s 127.0.0.1:8080').stdout)

    def make_token(self, line):
        self.token = self.shell(line).stdout.strip()
        assert self.token, line

    def join(self, line):
        self.other = self.start('two')
        line = line.replace('FIRST-MACHINE', self.one.address).replace('TOKEN', self.token)
        self.other.spawn('bash', '-c', f'exec {line}', log='agent.log')
        wait_for('second node', lambda: 'two' in self.shell('kubectl get nodes').stdout)

    def delete_token(self, line):
        rows = self.shell('coxswain token list').stdout.splitlines()[1:]
        self.shell(line.replace('TOKEN-ID', rows[-1].split()[0]))
        assert len(self.shell('coxswain token list').stdout.splitlines()) == len(rows)

    def simulate(self, line):
        line = line.replace('$KUBECONFIG', self.kubeconfig)
        self.one.spawn('bash', '-c', f'exec timeout --foreground 20 {line}', log='simulate.log')
        wait_for('simulated nodes', lambda: 'node-7 ' in self.shell('kubectl get nodes').stdout)

    SPECIAL = (
        (r'export KUBECONFIG=', export),
        (r'.* (--watch|--follow)$', briefly),
        (r'kubectl exec -it ', at_terminal),
        (r'curl NODE-ADDRESS:3xxxx/', node_port),
        (r'kubectl port-forward ', forward),
        (r'coxswain token create ', make_token),
        (r'coxswain agent --server https://FIRST-MACHINE', join),
        (r'coxswain token delete TOKEN-ID', delete_token),
        (r'coxswain simulate ', simulate),
    )

    def run(self, line):
        print(f'$ {line}', flush=True)
        for pattern, how in self.SPECIAL:
            if re.match(pattern, line):
                how(self, line)
                return
        if line.startswith('curl') or 'wget' in line:  # where something has to be heard of first
            wait_for('page', lambda: 'Hello' in self.shell(line).stdout)
            return
        if line == 'coxswain up':  # the tests of a machine share its processors
            line += ' --wait 120s'
        out = self.shell(line).stdout
        print(out, end='')


def main():
    with Machines(os.path.realpath(sys.argv[1])) as machines:
        guide = Guide(machines)
        n = 0
        for line in commands('docs/guide.md'):
            if line.startswith(BUILDING):
                continue
            try:
                guide.run(line)
            except subprocess.TimeoutExpired as e:
                raise Failed(f'{line} does not end: {e.stdout} {e.stderr}') from e
            n += 1
        assert n > 40, f'the guide has {n} commands only'
        guide.shell('coxswain down --purge')
    return 0


if __name__ == '__main__':
    sys.exit(main())
