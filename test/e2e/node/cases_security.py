"""What containers may do, and what they share with the host and each other."""
from onenode import FOREVER, NODE, container, contains, equal, status_of


def status_lines(t, pod, *fields):
    lines = dict(line.split(':', 1) for line in t.exec(pod, 'cat', '/proc/self/status').split('\n'))
    return [lines[f].strip() for f in fields]


def case_users(t):
    t.pod('one', securityContext={'runAsUser': 1000, 'runAsGroup': 2000, 'supplementalGroups': [3000]}, containers=[
        container('main', command=FOREVER),
        container('other', command=FOREVER, securityContext={'runAsUser': 65534, 'runAsGroup': 65534})])
    t.pod('root', securityContext={'runAsNonRoot': True})
    t.running('one')
    equal(t.sh('one', 'id -u; id -g; id -G').split(), ['1000', '2000', '2000', '3000'])
    equal(t.exec('one', 'id', '-u', container_name='other'), '65534')
    contains(t.waiting('root', 'CreateContainerConfigError')['message'], 'runAsNonRoot', 'root')


def case_capabilities(t):
    t.pod('none', with_container={'securityContext': {'capabilities': {'drop': ['ALL']}}})
    t.pod('some', with_container={
        'securityContext': {'capabilities': {'drop': ['ALL'], 'add': ['NET_ADMIN', 'CHOWN']}}})
    t.pod('default')
    t.pod('all', with_container={'securityContext': {'privileged': True}})
    for name in ('none', 'some', 'default', 'all'):
        t.running(name)
    equal(status_lines(t, 'none', 'CapEff'), ['0000000000000000'])
    equal(status_lines(t, 'some', 'CapEff'), ['0000000000001001'])
    equal(status_lines(t, 'default', 'CapEff'), ['00000000a80425fb'])
    machines = t.node.machine.run('grep', 'CapEff', '/proc/self/status').stdout.split()[1]
    equal(status_lines(t, 'all', 'CapEff'), [machines])
    contains(t.refused('exec', 'default', '--', 'mount', '-t', 'tmpfs', 'x', '/tmp'), 'ermission denied')
    t.exec('all', 'mount', '-t', 'tmpfs', 'x', '/tmp')


def case_locked_down(t):
    t.pod('one', with_container={
        'securityContext': {'readOnlyRootFilesystem': True, 'allowPrivilegeEscalation': False, 'runAsUser': 1000,
                            'seccompProfile': {'type': 'RuntimeDefault'}},
        'volumeMounts': [{'name': 'v', 'mountPath': '/tmp'}]}, volumes=[{'name': 'v', 'emptyDir': {}}])
    t.pod('open', securityContext={'seccompProfile': {'type': 'Unconfined'}})
    t.running('one')
    t.running('open')
    contains(t.refused('exec', 'one', '--', 'touch', '/x'), 'Read-only file system')
    t.exec('one', 'touch', '/tmp/x')
    equal(status_lines(t, 'one', 'NoNewPrivs', 'Seccomp'), ['1', '2'])
    equal(status_lines(t, 'open', 'NoNewPrivs', 'Seccomp'), ['0', '0'])


def case_seccomp_file(t):
    folder = '/var/lib/coxswain/agent/kubelet/seccomp'
    t.node.machine.run('sh', '-c', f'mkdir -p {folder}; cat >{folder}/no-mkdir.json', text='''
        {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
          {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}''')
    t.pod('one', securityContext={'seccompProfile': {'type': 'Localhost', 'localhostProfile': 'no-mkdir.json'}})
    t.pod('none', securityContext={'seccompProfile': {'type': 'Localhost', 'localhostProfile': 'none.json'}})
    t.running('one')
    contains(t.refused('exec', 'one', '--', 'mkdir', '/tmp/x'), 'Operation not permitted')
    t.waiting('none', 'CreateContainerError', 'none.json')


def case_masked_paths(t):
    t.pod('one')
    t.running('one')
    equal(t.sh('one', 'cat /proc/kcore | wc -c; cat /proc/timer_list | wc -c').split(), ['0', '0'])
    contains(t.refused('exec', 'one', '--', 'sh', '-c', 'echo 1 >/proc/sys/kernel/panic'), 'Read-only')


def case_sysctls(t):
    t.pod('one', securityContext={'sysctls': [{'name': 'net.ipv4.ip_local_port_range', 'value': '40000 50000'},
                                              {'name': 'kernel.shm_rmid_forced', 'value': '1'}]})
    t.pod('bad', securityContext={'sysctls': [{'name': 'kernel.msgmax', 'value': '65536'}]})
    t.running('one')
    equal(t.exec('one', 'cat', '/proc/sys/net/ipv4/ip_local_port_range', '/proc/sys/kernel/shm_rmid_forced').split(),
          ['40000', '50000', '1'])
    o = t.ends('bad', 'Failed')
    equal(o['status']['reason'], 'SysctlForbidden')
    contains(o['status']['message'], 'kernel.msgmax')


def case_host_namespaces(t):
    t.pod('one', hostNetwork=True, hostPID=True, hostIPC=True)
    t.pod('own')
    t.running('own')
    equal(t.running('one'), t.node.machine.address)
    equal(t.exec('one', 'hostname'), NODE)
    contains(t.exec('one', 'ip', 'address'), t.node.machine.address)
    contains(t.exec('one', 'ps'), 'coxswain', 'containerd')
    names = 'for n in net ipc uts mnt; do readlink /proc/self/ns/$n; done'
    of_host, inside, own = (set(x.split()) for x in (
        t.node.machine.run('sh', '-c', names).stdout, t.sh('one', names), t.sh('own', names)))
    equal(len(of_host & inside), 3)
    equal(len(of_host & own), 0)


def case_shared_processes(t):
    t.pod('one', shareProcessNamespace=True, containers=[container('main', command=['sleep', '4712']),
                                                         container('other', command=FOREVER)])
    t.pod('own', containers=[container('main', command=['sleep', '4713']), container('other', command=FOREVER)])
    t.running('one')
    t.running('own')
    contains(t.exec('one', 'ps', container_name='other'), 'sleep 4712', '/pause')
    assert 'sleep 4713' not in t.exec('own', 'ps', container_name='other')


def case_limits(t):
    """They are the kernel's limits, too."""
    t.pod('one', with_container={'resources': {'requests': {'cpu': '100m', 'memory': '16Mi'},
                                               'limits': {'cpu': '500m', 'memory': '64Mi'}}})
    t.pod('same', with_container={'resources': {'limits': {'cpu': '200m', 'memory': '32Mi'}}})
    t.pod('none')
    for name in ('one', 'same', 'none'):
        t.running(name)
    if t.node.machine.kind == 'v2':
        equal(t.exec('one', 'cat', '/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/cpu.max').split(),
              ['67108864', '50000', '100000'])
    else:
        equal(t.exec('one', 'cat', '/sys/fs/cgroup/memory/memory.limit_in_bytes',
                     '/sys/fs/cgroup/cpu/cpu.cfs_quota_us', '/sys/fs/cgroup/cpu/cpu.shares').split(),
              ['67108864', '50000', '102'])
    equal([t.get('Pod', n)['status']['qosClass'] for n in ('one', 'same', 'none')],
          ['Burstable', 'Guaranteed', 'BestEffort'])
    lowest = int(t.node.machine.run('cat', '/proc/self/oom_score_adj').stdout)  # no lower without CAP_SYS_RESOURCE
    assert int(t.exec('same', 'cat', '/proc/1/oom_score_adj')) in (-997, lowest)
    equal(t.exec('none', 'cat', '/proc/1/oom_score_adj'), '1000')


def case_proc_mount(t):
    t.pod('one', with_container={'securityContext': {'privileged': True}})
    t.running('one')
    assert int(t.sh('one', 'cat /proc/timer_list | wc -c')) > 0
    equal(status_of(t.get('Pod', 'one'))['restartCount'], 0)
