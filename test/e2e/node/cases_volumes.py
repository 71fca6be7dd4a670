"""Volumes of every type: what is in them, who may do what there, and how they change."""
import base64
import json
import os
import time

from onenode import FOREVER, container, contains, equal, host_path, status_of, wait_for


def mounted(path='/v', **more):
    return {'volumeMounts': [{'name': 'v', 'mountPath': path, **more}]}


def case_config_map(t):
    """A running pod sees what changes, as a whole; variables and subPath stay as they were."""
    t.make({'kind': 'ConfigMap', 'metadata': {'name': 'c'}, 'data': {'a': 'one', 'b': 'two'},
            'binaryData': {'bin': base64.b64encode(b'\0\1\2').decode()}})
    t.pod('one', with_container={
        'volumeMounts': [{'name': 'v', 'mountPath': '/v'}, {'name': 'v', 'mountPath': '/single', 'subPath': 'a'},
                         {'name': 'some', 'mountPath': '/some'}],
        'env': [{'name': 'A', 'valueFrom': {'configMapKeyRef': {'name': 'c', 'key': 'a'}}}],
        'envFrom': [{'configMapRef': {'name': 'c'}, 'prefix': 'ALL_'}]},
          volumes=[{'name': 'v', 'configMap': {'name': 'c'}},
                   {'name': 'some', 'configMap': {'name': 'c', 'defaultMode': 0o440,
                                                  'items': [{'key': 'a', 'path': 'deep/er', 'mode': 0o400}]}}])
    t.running('one')
    equal(t.sh('one', 'cat /v/a /v/b; echo; cat /single; echo; echo $A $ALL_b; stat -L -c %a /v/a /some/deep/er; '
                      'wc -c </v/bin; ls /some').split(), ['onetwo', 'one', 'one', 'two', '644', '400', '3', 'deep'])
    contains(t.refused('exec', 'one', '--', 'sh', '-c', 'echo x >/v/a'), 'Read-only file system')
    t.k('patch', 'configmap', 'c', '-p', '{"data":{"a":"new","c":"three","b":null}}')
    t.k('annotate', 'pod', 'one', 'look=again')
    t.sh('one', 'until [ "$(cat /v/a)" = new ]; do usleep 200000; done')
    equal(t.sh('one', 'ls /v; cat /v/c /single; echo; echo $A').split(), ['a', 'bin', 'c', 'threeone', 'one'])


def case_secret(t):
    t.make({'kind': 'Secret', 'metadata': {'name': 's'}, 'stringData': {'password': 'pa55'}})
    t.pod('one', with_container={
        **mounted(readOnly=True), 'env': [
            {'name': 'P', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'password'}}},
            {'name': 'N', 'valueFrom': {'secretKeyRef': {'name': 'none', 'key': 'k', 'optional': True}}}]},
          volumes=[{'name': 'v', 'secret': {'secretName': 's', 'defaultMode': 0o400}},
                   {'name': 'w', 'secret': {'secretName': 'none', 'optional': True}}])
    t.running('one')
    equal(t.sh('one', 'cat /v/password; echo; stat -L -c %a /v/password; echo $P-$N; stat -f -c %T /v').split(),
          ['pa55', '400', 'pa55-', 'tmpfs'])


def case_missing_sources(t):
    """The pod waits and says for what; it goes on when that is there."""
    t.pod('one', with_container=mounted(), volumes=[{'name': 'v', 'secret': {'secretName': 'late'}}])
    contains(t.event('one', 'FailedMount')['message'], '"late" not found')
    t.make({'kind': 'Secret', 'metadata': {'name': 'late'}, 'stringData': {'k': 'v'}})
    t.running('one')
    equal(t.exec('one', 'cat', '/v/k'), 'v')


def claims(token):
    body = token.split('.')[1]
    return json.loads(base64.urlsafe_b64decode(body + '=' * (-len(body) % 4)))


def case_token(t):
    """Bound to the pod, for its audience, checked by the API."""
    t.pod('one', with_container=mounted(), volumes=[{'name': 'v', 'projected': {'sources': [
        {'serviceAccountToken': {'path': 'token', 'audience': 'vault', 'expirationSeconds': 600}},
        {'downwardAPI': {'items': [{'path': 'name', 'fieldRef': {'fieldPath': 'metadata.name'}}]}},
        {'configMap': {'name': 'kube-root-ca.crt', 'items': [{'key': 'ca.crt', 'path': 'ca'}]}}]}}])
    t.running('one')
    token = t.exec('one', 'cat', '/v/token')
    c = claims(token)
    equal((c['aud'], c['kubernetes.io']['pod']['name'], c['kubernetes.io']['namespace']), (['vault'], 'one', t.ns))
    equal(c['exp'] - c['iat'], 600)
    contains(t.exec('one', 'cat', '/v/ca'), 'BEGIN CERTIFICATE')
    review = {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenReview', 'spec': {'token': token}}
    path = '/apis/authentication.k8s.io/v1/tokenreviews'
    equal(t.api.do('POST', path, review)['status'].get('authenticated', False), False)
    review['spec']['audiences'] = ['vault']
    status = t.api.do('POST', path, review)['status']
    equal((status['authenticated'], status['user']['username']),
          (True, f'system:serviceaccount:{t.ns}:default'))
    own = '/var/run/secrets/kubernetes.io/serviceaccount'
    answer = t.sh('one', f'cat {own}/namespace; echo; wc -c <{own}/token; test -s {own}/ca.crt && echo ca')
    equal(answer.split()[0], t.ns)
    contains(answer, 'ca')


def case_downward_api(t):
    t.pod('one', labels={'l': 'before'}, annotations={'a': 'b'}, with_container={
        **mounted(), 'resources': {'requests': {'cpu': '25m', 'memory': '16Mi'}, 'limits': {'memory': '32Mi'}},
        'env': [{'name': n, 'valueFrom': {'fieldRef': {'fieldPath': p}}} for n, p in (
            ('NAME', 'metadata.name'), ('NS', 'metadata.namespace'), ('IP', 'status.podIP'), ('HOST', 'status.hostIP'),
            ('NODE', 'spec.nodeName'), ('SA', 'spec.serviceAccountName'), ('LABEL', "metadata.labels['l']"))] + [
            {'name': 'CPU', 'valueFrom': {'resourceFieldRef': {'resource': 'requests.cpu', 'divisor': '1m'}}},
            {'name': 'MEM', 'valueFrom': {'resourceFieldRef': {'resource': 'limits.memory'}}},
            {'name': 'BOTH', 'value': '$(NAME)/$(NS) $$(NAME) $(NONE)'}]},
          volumes=[{'name': 'v', 'downwardAPI': {'items': [
              {'path': 'labels', 'fieldRef': {'fieldPath': 'metadata.labels'}},
              {'path': 'cpu', 'resourceFieldRef': {'containerName': 'main', 'resource': 'requests.cpu',
                                                   'divisor': '1m'}}]}}])
    ip = t.running('one')
    equal(t.sh('one', 'echo $NAME $NS $IP $HOST $NODE $SA $LABEL $CPU $MEM; echo "$BOTH"; cat /v/cpu').split('\n'),
          [f'one {t.ns} {ip} 192.0.2.10 e2e default before 25 33554432', f'one/{t.ns} $(NAME) $(NONE)', '25'])
    equal(t.exec('one', 'cat', '/v/labels'), 'l="before"')
    t.k('label', '--overwrite', 'pod', 'one', 'l=after')
    t.sh('one', 'until grep -q after /v/labels; do usleep 200000; done')


def case_sub_path(t):
    t.write('data/dir/file', 'inside')
    t.pod('one', with_container={
        'env': [{'name': 'POD', 'valueFrom': {'fieldRef': {'fieldPath': 'metadata.name'}}}],
        'volumeMounts': [{'name': 'v', 'mountPath': '/file', 'subPath': 'dir/file'},
                         {'name': 'v', 'mountPath': '/dir', 'subPath': 'dir', 'readOnly': True},
                         {'name': 'v', 'mountPath': '/new', 'subPath': 'made/for/it'},
                         {'name': 'v', 'mountPath': '/expr', 'subPathExpr': 'by/$(POD)'}]},
          volumes=[host_path('v', f'{t.folder}/data')])
    t.running('one')
    equal(t.sh('one', 'cat /file; echo; ls /dir; echo x >/new/x; echo y >/expr/y').split(), ['inside', 'file'])
    equal((t.read('data/made/for/it/x'), t.read('data/by/one/y')), ('x\n', 'y\n'))
    contains(t.refused('exec', 'one', '--', 'touch', '/dir/x'), 'Read-only')


def case_host_path_types(t):
    t.write('file', 'text')

    def pod(name, path, kind):
        t.pod(name, with_container=mounted(), volumes=[host_path('v', f'{t.folder}/{path}', kind)])
    pod('dir', 'made/dir', 'DirectoryOrCreate')
    pod('file', 'file', 'File')
    pod('new', 'new', 'FileOrCreate')
    bad = (('none', 'none', 'Directory', 'No such file or directory'), ('no-dir', 'file', 'Directory', 'folder'),
           ('no-file', 'none', 'File', 'No such file or directory'), ('socket', 'file', 'Socket', 'socket'))
    for name, path, kind, _ in bad:
        pod(name, path, kind)
    for name in ('dir', 'file', 'new'):
        t.running(name)
    equal(t.exec('file', 'cat', '/v'), 'text')
    t.sh('dir', 'echo x >/v/x')
    equal(t.read('made/dir/x'), 'x\n')
    for name, path, _, text in bad:
        contains(t.event(name, 'FailedMount')['message'], f'{t.folder}/{path}', text)


def case_empty_dir(t):
    """Shared by the containers, outlives their restarts, ends with the pod."""
    t.pod('one', containers=[
        container('a', command='echo a >>/v/runs; [ $(wc -l </v/runs) = 1 ] && exit 1; ' + FOREVER, **mounted()),
        container('b', command=FOREVER, **mounted('/w'))], volumes=[{'name': 'v', 'emptyDir': {}}])
    t.pod_until('one', 'restart', lambda o: (status_of(o, 'a') or {}).get('restartCount') == 1
                and 'running' in status_of(o, 'a')['state'])
    equal(t.exec('one', 'cat', '/w/runs', container_name='b'), 'a\na')
    uid = t.get('Pod', 'one')['metadata']['uid']
    t.k('delete', 'pod', 'one')
    wait_for('end of the folder', lambda: not os.path.exists(f'{t.node.agent}/kubelet/pods/{uid}'), 20)


def case_empty_dir_memory(t):
    t.pod('one', with_container=mounted(),
          volumes=[{'name': 'v', 'emptyDir': {'medium': 'Memory', 'sizeLimit': '4Mi'}}])
    t.running('one')
    equal(t.sh('one', 'stat -f -c %T /v; df -k /v | tail -1 | tr -s " " | cut -d " " -f 2').split(), ['tmpfs', '4096'])
    contains(t.sh('one', 'head -c 5000000 /dev/zero >/v/x || true; stat -c %s /v/x'), '4194304')


def case_empty_dir_too_large(t):
    t.pod('one', command='head -c 3000000 /dev/zero >/v/x; ' + FOREVER, with_container=mounted(),
          volumes=[{'name': 'v', 'emptyDir': {'sizeLimit': '1Mi'}}])
    o = t.ends('one', 'Failed')
    equal(o['status']['reason'], 'Evicted')
    contains(o['status']['message'], 'Usage of EmptyDir volume "v" exceeds the limit "1Mi"')


def volume(t, name, source, **spec):
    """A volume and a claim of it, both of that name."""
    t.make({'kind': 'PersistentVolume', 'metadata': {'name': f'{t.ns}-{name}'},
            'spec': {'capacity': {'storage': '1Gi'}, 'accessModes': ['ReadWriteOnce'], 'storageClassName': '',
                     'claimRef': {'namespace': t.ns, 'name': name}, **source, **spec}},
           {'kind': 'PersistentVolumeClaim', 'metadata': {'name': name},
            'spec': {'accessModes': ['ReadWriteOnce'], 'storageClassName': '', 'volumeName': f'{t.ns}-{name}',
                     'resources': {'requests': {'storage': '1Gi'}}}})


def case_claims(t):
    """Of volumes on hostPath and local ones, bound and then used; the data stays."""
    here = {'nodeAffinity': {'required': {'nodeSelectorTerms': [{'matchExpressions': [
        {'key': 'kubernetes.io/hostname', 'operator': 'In', 'values': ['e2e']}]}]}}}
    t.write('path/x', 'path')
    t.write('local/x', 'local')
    volume(t, 'path', {'hostPath': {'path': f'{t.folder}/path'}})
    volume(t, 'local', {'local': {'path': f'{t.folder}/local'}}, **here)
    for name in ('path', 'local'):
        t.pod(name, with_container=mounted(), securityContext={'fsGroup': 2000},
              volumes=[{'name': 'v', 'persistentVolumeClaim': {'claimName': name}}])
    for name in ('path', 'local'):
        t.running(name)
        equal(t.sh(name, 'cat /v/x; echo kept >/v/new'), name)
        equal(t.read(f'{name}/new'), 'kept\n')
    equal(t.sh('local', 'stat -c "%g %A" /v/x /v').split(), ['2000', '-rw-rw-r--', '2000', 'drwxrwsr-x'])
    t.k('delete', 'pod', 'path', 'local')
    equal(t.read('local/new'), 'kept\n')


def case_fs_group(t):
    t.make({'kind': 'Secret', 'metadata': {'name': 's'}, 'stringData': {'k': 'v'}})
    t.pod('one', with_container={'volumeMounts': [{'name': 'v', 'mountPath': '/v'}, {'name': 's', 'mountPath': '/s'}]},
          securityContext={'fsGroup': 2000, 'runAsUser': 1000, 'runAsGroup': 1000, 'supplementalGroups': [3000]},
          volumes=[{'name': 'v', 'emptyDir': {}}, {'name': 's', 'secret': {'secretName': 's', 'defaultMode': 0o400}}])
    t.running('one')
    equal(sorted(t.exec('one', 'id', '-G').split()), ['1000', '2000', '3000'])
    equal(t.sh('one', 'touch /v/x; stat -c "%u %g %A" /v /v/x; cat /s/k').split(),
          ['0', '2000', 'drwxrwsrwx', '1000', '2000', '-rw-r--r--', 'v'])
    equal(t.sh('one', 'stat -L -c "%g %a" /s/k'), '2000 440')


def case_mount_propagation(t):
    """What the host mounts later is seen by those who ask for it, and no others."""
    t.write('data/x')
    t.pod('one', with_container={'volumeMounts': [
        {'name': 'v', 'mountPath': '/sees', 'mountPropagation': 'HostToContainer'},
        {'name': 'v', 'mountPath': '/private'}]}, volumes=[host_path('v', f'{t.folder}/data')])
    t.node.machine.run('sh', '-c', f'mkdir -p {t.folder}/data/m')
    t.running('one')
    t.node.machine.run('mount', '-t', 'tmpfs', 'tmpfs', f'{t.folder}/data/m')
    try:
        t.node.machine.run('touch', f'{t.folder}/data/m/late')
        equal(t.sh('one', 'ls /sees/m; ls /private/m'), 'late')
    finally:
        t.node.machine.run('umount', f'{t.folder}/data/m')


def case_volume_of_a_busy_pod_is_released(t):
    """A pod ends although something in it keeps files open and mounts busy."""
    t.pod('one', command='exec 3>/v/open; sleep 1000 & ' + FOREVER, with_container=mounted(),
          volumes=[{'name': 'v', 'emptyDir': {'medium': 'Memory'}}])
    t.running('one')
    began = time.monotonic()
    t.k('delete', 'pod', 'one')
    assert time.monotonic() - began < 60
    with open(f'/proc/{t.node.machine.pid}/mounts', encoding='utf-8') as f:
        equal([line for line in f if t.ns in line], [])
