"""Machines of a test: each has processes, mounts, a network, a name, a /run, a /tmp, a /var/lib and cgroups of its own,
and all are on one link. A machine that is switched off is gone at once with everything in it.

Only inside private.sh: what is made here lies in its namespaces, its folder (E2E_DIR) and its cgroup (E2E_CGROUP), so
it is gone with them, however the test ends.

    with Machines(path_of_coxswain) as machines:
        one, two = machines.start('one'), machines.start('two')
        one.run('coxswain', 'up', '--advertise-address', one.address)
        two.spawn('coxswain', 'agent', '--server', f'https://{one.address}:6443', '--token', token, log='agent.log')
        two.off()

Commands see the whole file system of the host, but for /run, /tmp, /var/lib, /proc and /sys; `coxswain` is in the PATH.
`machine.outside('/var/lib/x')` is the path of a machine's file for the test.
"""
import os
import shutil
import signal
import subprocess
import time

NETWORK = '192.0.2'
GATEWAY = f'{NETWORK}.1'
BRIDGE = 'cxbridge'
PROGRAMS = '/var/lib/programs'
SECONDS = 120

# The machine's first process: makes its surroundings, says so, and reaps whatever is left without a parent.
INIT = r'''
set -e
folder=$1 name=$2 cgroup=$3
hostname "$name"
mount --make-rshared / # as machines have it
for d in tmp lib; do mkdir -p "$folder/$d"; done
chmod 1777 "$folder/tmp"
mount --bind "$folder/lib" /var/lib
mount -t tmpfs -o mode=755 tmpfs /run
mount -t sysfs sysfs /sys
if [ "$cgroup" = v2 ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for c in $cgroup; do
    mkdir -p "/sys/fs/cgroup/$c"
    case $c in
      unified) mount -t cgroup2 cgroup2 "/sys/fs/cgroup/$c" ;;
      systemd) mount -t cgroup -o none,name=systemd cgroup "/sys/fs/cgroup/$c" ;;
      *) mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c" ;;
    esac
  done
fi
mount --bind "$folder/tmp" /tmp
ip link set lo up
echo ready
sleep infinity & # the only child it knows of
wait
'''

# Commands run in the machine's cgroups like everything else there.
ENTER = r'''
for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
  case $f in */init/*) continue ;; esac
  [ -w "$f" ] && echo $$ 2>/dev/null >"$f" || true
done
[ ! -d /sys/fs/cgroup/init ] || echo $$ >/sys/fs/cgroup/init/cgroup.procs
exec "$@"
'''


class Failed(AssertionError):
    """A command that failed, with all that it said."""


def run(*command, check=True, text=None, env=None, timeout=SECONDS):
    done = subprocess.run([str(c) for c in command], input=text, capture_output=True, text=True, timeout=timeout,
                          env=env, check=False)
    if check and done.returncode:
        raise Failed(f'{" ".join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}')
    return done


def wait_for(what, condition, seconds=SECONDS):
    """Waits until condition() is true and returns it; what it raises meanwhile is said when it never is."""
    end, last = time.monotonic() + seconds, None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, ValueError, KeyError, IndexError, subprocess.TimeoutExpired) as e:
            last = e
        if time.monotonic() > end:
            raise AssertionError(f'in {seconds} s there was no {what}: {last}')
        time.sleep(0.1)


class Cgroups:
    """A cgroup for each machine, in every hierarchy that the host has mounted."""

    def __init__(self):
        self.root = '/sys/fs/cgroup'
        self.v2 = os.path.exists(f'{self.root}/cgroup.controllers')
        links = [] if self.v2 else sorted(os.listdir(self.root))
        self.hierarchies = [h for h in links if os.path.ismount(f'{self.root}/{h}')]
        self.parent = os.environ['E2E_CGROUP']

    def make(self, name):
        """Returns the files by which a process comes in."""
        if self.v2:
            top = f'{self.root}/{self.parent}/{name}'
            os.makedirs(f'{top}/init')
            for folder in (f'{self.root}/{self.parent}', top):
                self.hand_down(folder)
            return [f'{top}/cgroup.procs'], [f'{top}/init/cgroup.procs']
        files = []
        for h in self.hierarchies:
            path = f'{self.root}/{h}'
            for part in (self.parent, name):
                above, path = path, f'{path}/{part}'
                os.makedirs(path, exist_ok=True)
                if h == 'cpuset':  # a new one has neither processors nor memory, and takes no process then
                    for value in ('cpuset.cpus', 'cpuset.mems'):
                        with open(f'{above}/{value}', encoding='ascii') as f, \
                                open(f'{path}/{value}', 'w', encoding='ascii') as to:
                            to.write(f.read())
            files.append(f'{path}/cgroup.procs')
        return files, []

    def hand_down(self, folder):
        with open(f'{folder}/cgroup.controllers', encoding='ascii') as f:
            for controller in f.read().split():
                with open(f'{folder}/cgroup.subtree_control', 'w', encoding='ascii') as to:
                    to.write(f'+{controller}')


class Machine:
    def __init__(self, name, number, cgroups):
        self.name, self.number = name, number
        self.address = f'{NETWORK}.{10 + number}'
        self.folder = os.path.join(os.environ['E2E_DIR'], name)
        self.port = f'cxport{number}'  # its end of the link, on the bridge
        self.process = self.pid = None
        self.spawned = []
        self.env = dict(os.environ, HOME='/tmp', PATH=f'{PROGRAMS}:{os.environ["PATH"]}')
        os.makedirs(self.outside(PROGRAMS))
        os.chmod(self.folder, 0o755)
        self.cgroup_files, self.later_files = cgroups.make(name)
        self.kind = 'v2' if cgroups.v2 else ' '.join(cgroups.hierarchies)

    def on(self):
        """Starts it; one that was off comes back with the files it had, and an empty /run."""
        files, later = ' '.join(self.cgroup_files), ' '.join(self.later_files)
        into = f'for f in {files}; do echo $$ >$f; done; exec unshare --mount --pid --net --uts --ipc --cgroup ' \
               f'--fork --kill-child --mount-proc --propagation private bash -c "$@"'
        with open(os.path.join(self.folder, 'init.log'), 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen(
                ['bash', '-c', into, 'bash', INIT, 'init', self.folder, self.name, self.kind],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        if self.process.stdout.readline() != 'ready\n':
            self.print_logs()
            raise Failed(f'machine {self.name} does not start')
        with open(f'/proc/{self.process.pid}/task/{self.process.pid}/children', encoding='ascii') as f:
            self.pid = int(f.read().split()[0])
        for name in later.split():  # the namespace's root is above: cgroups with members hand nothing down
            with open(name, 'w', encoding='ascii') as f:
                f.write(str(self.pid))
        self.connect()

    def connect(self):
        run('ip', 'link', 'add', self.port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', str(self.pid))
        run('ip', 'link', 'set', self.port, 'master', BRIDGE, 'up')
        self.run('ip', 'address', 'add', f'{self.address}/24', 'dev', 'eth0')
        self.run('ip', 'link', 'set', 'eth0', 'up')
        self.run('ip', 'route', 'add', 'default', 'via', GATEWAY)

    def inside(self, *command):
        """The command line that runs a command in the machine."""
        return ['nsenter', '--target', str(self.pid), '--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--',
                'bash', '-c', ENTER, 'enter', *map(str, command)]

    def run(self, *command, check=True, text=None, timeout=SECONDS):
        return run(*self.inside(*command), check=check, text=text, env=self.env, timeout=timeout)

    def spawn(self, *command, log):
        """Starts a program that stays; what it says goes to the file `log` in the machine's folder."""
        with open(os.path.join(self.folder, log), 'a', encoding='utf-8') as out:
            p = subprocess.Popen(self.inside(*command), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env)
        self.spawned.append(p)
        return p

    def outside(self, path):
        for inside, folder in (('/var/lib', 'lib'), ('/tmp', 'tmp')):
            if path == inside or path.startswith(inside + '/'):
                return os.path.join(self.folder, folder) + path[len(inside):]
        raise ValueError(f'{path} is not the machine\'s own')

    def install(self, program, name):
        """A copy, because the original may lie in /tmp."""
        shutil.copy(program, os.path.join(self.outside(PROGRAMS), name))

    def add_image(self, archive, data_dir='/var/lib/coxswain/agent'):
        """Before the node starts: it loads what is there."""
        folder = self.outside(f'{data_dir}/images')
        os.makedirs(folder, exist_ok=True)
        shutil.copy(archive, folder)

    # -- what goes wrong with machines --

    def off(self):
        """The plug is pulled: nothing gets a chance to say goodbye."""
        if not self.process:
            return
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        for p in self.spawned:
            p.wait()
        self.spawned, self.process, self.pid = [], None, None
        run('ip', 'link', 'del', self.port, check=False)  # it goes with its peer, which may take a moment

    def cut(self):
        """It runs on, but nobody hears of it."""
        run('ip', 'link', 'set', self.port, 'down')

    def mend(self):
        run('ip', 'link', 'set', self.port, 'up')

    def print_logs(self, lines=60):
        """The ends of all logs of a cluster in the machine."""
        for top in (self.folder, self.outside('/var/lib/coxswain/logs')):
            names = sorted(os.listdir(top)) if os.path.isdir(top) else []
            for name in (n for n in names if n.endswith('.log')):
                with open(os.path.join(top, name), encoding='utf-8', errors='replace') as f:
                    print(f'-- {self.name}: {name}', *f.read().splitlines()[-lines:], sep='\n', flush=True)


class Machines:
    def __init__(self, coxswain):
        self.all, self.cgroups, self.coxswain = [], Cgroups(), coxswain

    def __enter__(self):
        run('ip', 'link', 'add', BRIDGE, 'type', 'bridge')
        run('ip', 'address', 'add', f'{GATEWAY}/24', 'dev', BRIDGE)
        run('ip', 'link', 'set', BRIDGE, 'up')
        os.chmod(os.environ['E2E_DIR'], 0o711)  # control planes run as users of their own
        return self

    def start(self, name):
        m = Machine(name, len(self.all), self.cgroups)
        m.install(self.coxswain, 'coxswain')
        m.on()
        self.all.append(m)
        return m

    def __exit__(self, kind, value, trace):
        if kind:
            for m in self.all:
                m.print_logs()
        for m in self.all:
            m.off()
        run('ip', 'link', 'del', BRIDGE)


def find_kubectl():
    """That of scripts/install-clients.sh (CLIENTS), else the one in PATH; None: there is none."""
    root = os.path.realpath(os.path.join(os.path.dirname(__file__), '../..'))
    own = os.path.join(os.environ.get('CLIENTS', os.path.join(root, 'build/clients')), 'v35/kubectl/kubectl')
    return own if os.access(own, os.X_OK) else shutil.which('kubectl')
