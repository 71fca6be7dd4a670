// The core flows through @kubernetes/client-node: typed calls, a patch, an informer.
//     node node_client.mjs PATH-OF-THE-PACKAGE KUBECONFIG
import { strict as assert } from 'node:assert';
import { pathToFileURL } from 'node:url';

const k8s = await import(pathToFileURL(`${process.argv[2]}/dist/index.js`));
const config = new k8s.KubeConfig();
config.loadFromFile(process.argv[3]);
const core = config.makeApiClient(k8s.CoreV1Api);
const namespace = 'default';

const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`,
  () => core.listNamespacedConfigMap({ namespace }));
const seen = [];
let gone;
const ended = new Promise((resolve) => { gone = resolve; });
informer.on('add', (o) => seen.push(`add ${o.metadata.name}`));
informer.on('update', (o) => seen.push(`update ${o.metadata.name}`));
informer.on('delete', (o) => { seen.push(`delete ${o.metadata.name}`); gone(); });
informer.on('error', (e) => { throw e; });
await informer.start();

const made = await core.createNamespacedConfigMap({
  namespace, body: { metadata: { name: 'js' }, data: { a: '1' } },
});
assert.ok(made.metadata.uid);
made.data.b = '2';
const replaced = await core.replaceNamespacedConfigMap({ name: 'js', namespace, body: made });
assert.deepEqual(replaced.data, { a: '1', b: '2' });
await assert.rejects(core.replaceNamespacedConfigMap({ name: 'js', namespace, body: made }), (e) => e.code === 409);
const list = await core.listNamespacedConfigMap({ namespace, fieldSelector: 'metadata.name=js' });
assert.equal(list.items.length, 1);
await core.deleteNamespacedConfigMap({ name: 'js', namespace });
await ended;
assert.deepEqual(seen, ['add js', 'update js', 'delete js']);
await informer.stop();
console.log('ok');
process.exit(0);
