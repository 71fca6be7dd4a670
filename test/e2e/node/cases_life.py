"""The life of containers and pods: probes, hooks, restarts, order, how they end."""
import time

from onenode import FOREVER, IMAGE, condition, container, contains, equal, host_path, status_of


def restarted(o, name='main'):
    s = status_of(o, name)
    return s and s['restartCount'] >= 1


def case_liveness(t):
    t.pod('one', command='touch /tmp/alive; ' + FOREVER, with_container={
        'livenessProbe': {'exec': {'command': ['cat', '/tmp/alive']}, 'periodSeconds': 1, 'failureThreshold': 2,
                          'terminationGracePeriodSeconds': 1}})
    t.running('one')
    t.exec('one', 'rm', '/tmp/alive')
    o = t.pod_until('one', 'restart', lambda o: restarted(o) and 'running' in status_of(o)['state'])
    contains(str(status_of(o)['lastState']), 'terminated')
    contains(t.event('one', 'Unhealthy')['message'], 'Liveness probe failed: cat:', '/tmp/alive')
    t.event('one', 'Killing', 'Container main failed liveness probe, will be restarted')


def case_readiness(t):
    """A pod that is not ready gets no traffic, and is not restarted."""
    t.pod('one', command='touch /tmp/ready; ' + FOREVER, labels={'app': 'x'}, with_container={
        'readinessProbe': {'exec': {'command': ['cat', '/tmp/ready']}, 'periodSeconds': 1, 'failureThreshold': 1}})
    t.make({'kind': 'Service', 'metadata': {'name': 'x'},
            'spec': {'selector': {'app': 'x'}, 'ports': [{'port': 80}]}})

    def endpoint(ready):
        def there(o):
            return o and [e['conditions']['ready'] for e in o.get('endpoints') or []] == [ready]
        t.api.until(t.path('EndpointSlice'), {'labelSelector': 'kubernetes.io/service-name=x'},
                    f'endpoint ready={ready}', there)
    t.ready('one')
    endpoint(True)
    t.exec('one', 'rm', '/tmp/ready')
    endpoint(False)
    o = t.pod_until('one', 'not ready', lambda o: condition(o, 'Ready') == 'False')
    equal(status_of(o)['ready'], False)
    equal(status_of(o)['restartCount'], 0)
    t.exec('one', 'touch', '/tmp/ready')
    endpoint(True)


def case_startup_probe(t):
    """Liveness waits for it; one that never succeeds ends the container."""
    probe = {'exec': {'command': ['cat', '/tmp/up']}, 'periodSeconds': 1}
    t.pod('slow', command='sleep 3; touch /tmp/up /tmp/alive; ' + FOREVER, with_container={
        'startupProbe': {**probe, 'failureThreshold': 60},
        'livenessProbe': {'exec': {'command': ['cat', '/tmp/alive']}, 'periodSeconds': 1, 'failureThreshold': 1}})
    t.pod('never', with_container={'startupProbe': {**probe, 'failureThreshold': 2}})
    o = t.pod_until('slow', 'start', lambda o: (status_of(o) or {}).get('started'))
    equal(status_of(o)['restartCount'], 0)
    t.ready('slow')
    t.pod_until('never', 'restart', restarted)
    t.event('never', 'Killing', 'Container main failed startup probe, will be restarted')


def case_probe_kinds(t):
    """HTTP and TCP, those that succeed and those that do not."""
    web = 'mkdir -p /www/cgi-bin; printf "#!/bin/sh\\necho Status: 500; echo; echo no" >/www/cgi-bin/bad; ' \
          'chmod +x /www/cgi-bin/bad; echo ok >/www/index.html; httpd -p 8080 -h /www; ' + FOREVER

    def probed(name, **probe):
        t.pod(name, command=web, with_container={
            'ports': [{'name': 'web', 'containerPort': 8080}],
            'readinessProbe': {'periodSeconds': 1, 'failureThreshold': 1, 'timeoutSeconds': 5, **probe}})
    probed('http', httpGet={'path': '/', 'port': 'web', 'httpHeaders': [{'name': 'X', 'value': 'y'}]})
    probed('tcp', tcpSocket={'port': 'web'})
    bad = {'http-500': ({'httpGet': {'path': '/cgi-bin/bad', 'port': 8080}}, 'HTTP probe failed with statuscode: 500'),
           'http-404': ({'httpGet': {'path': '/none', 'port': 8080}}, 'HTTP probe failed with statuscode: 404'),
           'closed': ({'tcpSocket': {'port': 8999}}, 'onnection refused'),
           'exec': ({'exec': {'command': ['sh', '-c', 'echo because; exit 1']}}, 'because')}
    for name, (probe, _) in bad.items():
        probed(name, **probe)
    t.ready('http')
    t.ready('tcp')
    for name, (_, text) in bad.items():
        contains(t.event(name, 'Unhealthy', text)['message'], 'Readiness probe failed: ')
        equal(condition(t.get('Pod', name), 'Ready'), 'False')


def case_pre_stop(t):
    """The hook first, then the signal; what does not end in time is killed. The hook's time counts."""
    def pod(name, stop, trap, grace):
        t.pod(name, command=f'echo start >>/out/{name}; trap "{trap}" TERM; while true; do usleep 50000; done',
              with_container={'lifecycle': {'preStop': {'exec': {'command': ['sh', '-c', stop.format(name)]}}},
                              'volumeMounts': [{'name': 'out', 'mountPath': '/out'}]},
              volumes=[host_path('out', t.folder)], terminationGracePeriodSeconds=grace)
    pod('order', 'echo hook >>/out/{0}; usleep 300000; echo hooked >>/out/{0}', 'echo term >>/out/order; exit 0', 30)
    pod('stubborn', 'echo hook >>/out/{0}', 'echo term >>/out/stubborn', 2)
    pod('long', 'echo hook >>/out/{0}; sleep 60; echo never >>/out/{0}', 'echo term >>/out/long; exit 0', 2)
    for name in ('order', 'stubborn', 'long'):
        t.running(name)
    began = time.monotonic()
    t.k('delete', 'pod', 'order', 'stubborn', 'long')
    took = time.monotonic() - began
    assert 2 <= took < 40, took
    equal(t.read('order').split(), ['start', 'hook', 'hooked', 'term'])
    equal(t.read('stubborn').split(), ['start', 'hook', 'term'])
    equal(t.read('long').split()[:2], ['start', 'hook'])
    assert 'never' not in t.read('long')
    t.event('order', 'Killing', 'Stopping container main')


def case_exit_of_the_killed(t):
    t.pod('one', command='trap "" TERM; while true; do sleep 1; done', terminationGracePeriodSeconds=1)
    t.running('one')
    seen = []
    t.k('delete', 'pod', 'one', '--wait=false')
    t.until('Pod', 'one', 'end', lambda o: seen.append(o) or o is None)
    ended = [status_of(o)['state']['terminated'] for o in seen if o and 'terminated' in status_of(o)['state']]
    equal(ended[-1]['exitCode'], 137)


def case_post_start(t):
    t.pod('good', command='sleep 1; cat /tmp/hook; ' + FOREVER, with_container={
        'lifecycle': {'postStart': {'exec': {'command': ['sh', '-c', 'echo hooked >/tmp/hook']}}}})
    t.pod('bad', with_container={'lifecycle': {'postStart': {'exec': {'command': ['sh', '-c', 'exit 9']}}}})
    t.running('good')
    t.until_logged('good', 'hooked')
    t.event('bad', 'FailedPostStartHook')
    t.pod_until('bad', 'restart', restarted)


def case_crash_loop(t):
    """At once the first time, then after 10 s, and longer each time."""
    t.pod('one', command='exit 3')
    o = t.pod_until('one', 'first restart', restarted)
    text = t.waiting('one', 'CrashLoopBackOff')['message']
    contains(text, 'back-off 10s restarting failed container=main pod=one_' + t.ns)
    equal(condition(t.get('Pod', 'one'), 'Ready'), 'False')
    equal(status_of(o)['lastState']['terminated']['exitCode'], 3)
    t.event('one', 'BackOff', 'Back-off restarting failed container main in pod one_' + t.ns)
    began = time.monotonic()
    t.pod_until('one', 'second restart', lambda o: status_of(o)['restartCount'] >= 2)
    assert time.monotonic() - began > 5, 'the second restart came too soon'
    contains(t.waiting('one', 'CrashLoopBackOff', 'back-off 20s')['message'], 'restarting failed container=main')


def case_oom_killed(t):
    t.pod('one', command='tail /dev/zero', restartPolicy='Never',
          with_container={'resources': {'limits': {'memory': '24Mi'}}})
    ended = status_of(t.ends('one', 'Failed'))['state']['terminated']
    equal((ended['reason'], ended['exitCode']), ('OOMKilled', 137))


def case_init_and_sidecars(t):
    """One after the other; a sidecar from its place on, until the containers have ended."""
    def step(name, script, **more):
        return container(name, command=script.replace('SAY', f'echo {name} >>/out/order'),
                         volumeMounts=[{'name': 'out', 'mountPath': '/out'}], **more)
    side = step('side', 'SAY; usleep 500000; touch /tmp/up; '
                        'trap "echo side-ended >>/out/order; exit 0" TERM; while true; do usleep 50000; done',
                restartPolicy='Always', startupProbe={'exec': {'command': ['cat', '/tmp/up']}, 'periodSeconds': 1})
    t.pod('one', volumes=[host_path('out', t.folder)], restartPolicy='Never', terminationGracePeriodSeconds=20,
          initContainers=[step('first', 'sleep 1; SAY'), side, step('second', 'sleep 1; SAY')],
          containers=[step('main', 'SAY; sleep 1; echo main-ended >>/out/order')])
    o = t.ends('one')
    equal(t.read('order').split(), ['first', 'side', 'second', 'main', 'main-ended', 'side-ended'])
    equal(condition(o, 'Initialized'), 'True')


def case_init_fails(t):
    t.pod('never', restartPolicy='Never', initContainers=[container('init', command='exit 5')])
    t.pod('again', initContainers=[container('init', command='exit 5')])
    o = t.ends('never', 'Failed')
    equal(status_of(o, 'init')['state']['terminated']['exitCode'], 5)
    equal(status_of(o)['state']['waiting']['reason'], 'PodInitializing')
    t.waiting('again', 'CrashLoopBackOff')
    contains(t.k('get', 'pod', 'again'), 'Init:CrashLoopBackOff')


def case_active_deadline(t):
    t.pod('one', activeDeadlineSeconds=2)
    o = t.ends('one', 'Failed')
    equal(o['status']['reason'], 'DeadlineExceeded')
    contains(o['status']['message'], 'Pod was active on the node longer than the specified deadline')


def case_termination_message(t):
    def pod(name, command, **more):
        t.pod(name, command=command, restartPolicy='Never', with_container=more)
    pod('file', 'echo -n written >/dev/termination-log')
    pod('other', 'echo -n there >/tmp/message', terminationMessagePath='/tmp/message')
    pod('fallback', 'echo first; echo the last words; exit 1', terminationMessagePolicy='FallbackToLogsOnError')
    pod('fine', 'echo words', terminationMessagePolicy='FallbackToLogsOnError')
    pod('long', 'head -c 9000 /dev/zero | tr "\\0" a >/dev/termination-log')

    def message(name, phase='Succeeded'):
        return status_of(t.ends(name, phase))['state']['terminated'].get('message')
    equal(message('file'), 'written')
    equal(message('other'), 'there')
    contains(message('fallback', 'Failed'), 'the last words')
    equal(message('fine'), None)
    equal(len(message('long')), 4096)


def case_restart_policies(t):
    t.pod('never', command='exit 1', restartPolicy='Never')
    t.pod('good', command='exit 0', restartPolicy='OnFailure')
    t.pod('twice', command='[ -e /data/x ] && exit 0; touch /data/x; exit 1', restartPolicy='OnFailure',
          with_container={'volumeMounts': [{'name': 'data', 'mountPath': '/data'}]},
          volumes=[{'name': 'data', 'emptyDir': {}}])
    o = t.ends('never', 'Failed')
    equal(status_of(o)['state']['terminated']['reason'], 'Error')
    o = t.ends('good')
    equal(status_of(o)['state']['terminated']['reason'], 'Completed')
    equal([c['reason'] for c in o['status']['conditions'] if c['type'] == 'Ready'], ['PodCompleted'])
    equal(status_of(t.ends('twice'))['restartCount'], 1)


def case_cannot_start(t):
    """What the user did wrong is said."""
    t.pod('command', command=['/no/such/program'])
    t.pod('config', with_container={'env': [{'name': 'X', 'valueFrom': {
        'configMapKeyRef': {'name': 'none', 'key': 'k'}}}]})
    o = t.pod_until('command', 'failure', lambda o: restarted(o))
    ended = status_of(o)['lastState']['terminated']
    equal((ended['exitCode'], ended['reason']), (128, 'StartError'))
    contains(ended['message'], '/no/such/program')
    contains(t.waiting('config', 'CreateContainerConfigError')['message'], '"none" not found')
    t.make({'kind': 'ConfigMap', 'metadata': {'name': 'none'}, 'data': {'k': 'v'}})
    t.running('config')
    equal(t.sh('config', 'echo $X'), 'v')


def case_readiness_gate(t):
    t.pod('one', readinessGates=[{'conditionType': 'example.com/gate'}])
    o = t.pod_until('one', 'ready containers', lambda o: condition(o, 'ContainersReady') == 'True')
    equal(condition(o, 'Ready'), 'False')
    t.k('patch', 'pod', 'one', '--subresource=status', '-p',
        '{"status":{"conditions":[{"type":"example.com/gate","status":"True"}]}}')
    t.ready('one')


def case_job(t):
    t.k('create', 'job', 'sums', f'--image={IMAGE}', '--', 'sh', '-c', 'echo $((1 + 1))')
    t.k('wait', '--for=condition=complete', 'job/sums', '--timeout=100s')
    equal(t.k('logs', 'job/sums'), '2\n')
