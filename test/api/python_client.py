"""The core flows through python3-kubernetes; a program of its own, since that package belongs to the system's Python.

    python_client.py KUBECONFIG
"""
import sys
import threading

from kubernetes import client, config, watch


def main():
    config.load_kube_config(sys.argv[1])
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    ns = 'default'
    made = core.create_namespaced_config_map(ns, client.V1ConfigMap(
        metadata=client.V1ObjectMeta(name='py', labels={'app': 'py'}), data={'a': '1'}))
    assert made.metadata.uid and made.data == {'a': '1'}, made
    assert core.read_namespaced_config_map('py', ns).metadata.resource_version == made.metadata.resource_version

    # a watch that resumes where the list was
    version = core.list_namespaced_config_map(ns).metadata.resource_version
    seen, ready = [], threading.Event()

    def follow():
        w = watch.Watch()
        ready.set()
        for e in w.stream(core.list_namespaced_config_map, ns, resource_version=version, label_selector='app=py',
                          timeout_seconds=20):
            seen.append((e['type'], e['object'].metadata.name))
            if e['type'] == 'DELETED':
                w.stop()
    t = threading.Thread(target=follow)
    t.start()
    ready.wait()

    made.data['b'] = '2'
    replaced = core.replace_namespaced_config_map('py', ns, made)
    patched = core.patch_namespaced_config_map('py', ns, {'data': {'c': '3'}})
    assert patched.data == {'a': '1', 'b': '2', 'c': '3'}, patched.data
    try:
        core.replace_namespaced_config_map('py', ns, replaced)
        raise AssertionError('an old version was taken')
    except client.ApiException as e:
        assert e.status == 409, e
    core.delete_namespaced_config_map('py', ns)
    t.join(30)
    assert seen == [('MODIFIED', 'py'), ('MODIFIED', 'py'), ('DELETED', 'py')], seen
    try:
        core.read_namespaced_config_map('py', ns)
        raise AssertionError('it is still there')
    except client.ApiException as e:
        assert e.status == 404, e

    labels = {'app': 'py'}
    apps.create_namespaced_deployment(ns, client.V1Deployment(
        metadata=client.V1ObjectMeta(name='py'),
        spec=client.V1DeploymentSpec(
            replicas=1, selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels),
                spec=client.V1PodSpec(containers=[client.V1Container(name='c', image='i')])))))
    scale = apps.read_namespaced_deployment_scale('py', ns)
    scale.spec.replicas = 4
    apps.replace_namespaced_deployment_scale('py', ns, scale)
    assert apps.read_namespaced_deployment('py', ns).spec.replicas == 4
    apps.delete_namespaced_deployment('py', ns)
    assert [n.metadata.name for n in core.list_namespace(limit=2).items] == ['default', 'kube-node-lease']
    assert client.VersionApi().get_code().minor == '36'
    print('ok')


main()
