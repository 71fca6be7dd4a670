"""Command lines that `coxswain kubectl` and kubectl 1.35 must answer alike: output, complaints and exit status.

FILES are written into the folder where both run. OBJECTS are there before READS, which change nothing and are run by
both in the same namespace. Each list of SCRIPTS is run by each program in a namespace of its own, in order. A line
may end in ` <<< TEXT` (standard input); @@ in it is the namespace. `differs(line, reason)` marks one that is known to
be answered differently: then only the exit status is compared, and with status=False not even that.
"""
import json


class Case:
    def __init__(self, line, reason=None, status=True):
        self.line, self.reason, self.status = line, reason, status


def differs(line, reason, status=True):
    return Case(line, reason, status)


FILES = {
    'c1.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c1}\ndata: {a: b}\n',
    'c12.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c1}\ndata: {a: c}\n---\n'
                'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c2}\ndata: {a: c}\n',
    'bad.yaml': 'a: [',
    'nokind.yaml': 'a: b\n',
    'empty.yaml': '\n',
    'mixed.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m1}\n---\napiVersion: v1\nkind: Foo\n'
                  'metadata: {name: x}\n',
    'unknown.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: u}\nfoo: 1\n',
    'fin.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fin, finalizers: [a/b]}\n',
    'p12.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p1, labels: {p: q}}\n---\n'
                'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p2, labels: {p: q}}\n',
    'p1.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p1, labels: {p: q}}\n',
    'dep.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: dp}\nspec:\n'
                '  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b}}, spec: {containers: ['
                '{name: x, image: x, env: [{name: A, value: "1"}]}, {name: z, image: z}]}}\n',
    'dep2.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: dp}\nspec:\n'
                 '  selector: {matchLabels: {a: b}}\n  template: {metadata: {labels: {a: b}}, spec: {containers: ['
                 '{name: x, image: xx, env: [{name: A, value: "1"}]}]}}\n',
    'dep3.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: dp}\nspec:\n'
                 '  selector: {matchLabels: {a: c}}\n  template: {metadata: {labels: {a: b}}, spec: {containers: ['
                 '{name: x, image: x}]}}\n',
    'generated.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: g}\n',
    'columns.txt': 'NAME   KIND\n.metadata.name  .kind\n',
    'env.txt': 'A=1\n# c\nB=two words\n\nC\n',
    'folder/x.txt': 'hello\n',
    'folder/y.txt': 'A: 1\n',
}

OBJECTS = '''
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {a: b}}
---
apiVersion: v1
kind: Pod
metadata: {name: web-0, labels: {app: web, tier: front}}
spec: {nodeName: n1, containers: [{name: c, image: nginx, resources: {requests: {cpu: 100m}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web}}
spec: {containers: [{name: c, image: nginx},{name: d, image: busybox, command: [sh, -c, "echo 'x'\\nsleep 1\\n"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db}
spec: {containers: [{name: c, image: postgres}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dep, labels: {app: dep}}
spec: {replicas: 3, selector: {matchLabels: {app: dep}}, template: {metadata: {labels: {app: dep}}, spec: {containers: [
  {name: c, image: nginx}, {name: side, image: "side:1"}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: svc}
spec: {selector: {app: web}, ports: [{name: a, port: 80}, {port: 443, name: x, targetPort: 8443}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cm, annotations: {note: "a: b"}}
data: {a: "1", b: "line1\\nline2\\n", c: "yes"}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: cj}
spec: {schedule: "*/5 * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [
  {name: c, image: busybox}]}}}}}
---
apiVersion: v1
kind: Secret
metadata: {name: sec}
stringData: {p: q}
'''

CLIENT_ONLY = 'what the client calls itself is its own'
GO_WORDS = "the words of the other language's library"

GET = [
    'get po', 'get po -o wide', 'get po,svc', 'get all', 'get po --show-labels', 'get po -L app,a/tier',
    'get po,no -A', 'get no,po -A --no-headers', 'get po/web-0 svc/svc', 'get po web-0 --show-kind',
    'get po web-0 web-1 -o name', 'get po web-0 -o json', 'get po web-0 web-1 -o yaml', 'get po nope web-1 -o json',
    'get po -o json -l a=b', 'get po,svc,cm -o name', 'get cm,cj,secret -o yaml', 'get deploy,cj -o wide',
    'get po -n nowhere', 'get --raw /version', 'get --raw /nowhere', 'get --raw /version po',
    'get po --subresource=status web-0', 'get po --subresource=status', 'get po --subresource=foo web-0',
    'get po --chunk-size=1', 'get po x --ignore-not-found', 'get po -l app=web --field-selector=spec.nodeName=n1',
    'get po --field-selector=foo=bar', "get po -l 'a in b'", 'get Pods', 'get deploy.app', 'get deployments.v1.apps',
    'get deploy.v1', 'get nothing', 'get', 'get po/a/b', 'get po/', 'get po/a b', 'get po a -l x=y', 'get po a -A',
    'get po/a -l x=y', 'get -f c1.yaml', 'get -f nofile.yaml', 'get -f nokind.yaml', 'get -f empty.yaml',
    'get -f bad.yaml', 'get -f c1.yaml po', 'get --foo', 'get -z', 'get po -n', 'get --chunk-size abc', 'get po -o foo',
    'get po --watch --request-timeout=1s', 'get po --watch-only --request-timeout=1s',
    'get po db -w -o name --request-timeout=1s', 'get po -w --output-watch-events --request-timeout=1s',
    'get po,svc -w --request-timeout=1s', 'get po --output-watch-events', 'get po --server-print=false',
    'get po --sort-by=.metadata.name',
    'get po --sort-by={.spec.containers[0].image} -o custom-columns=N:.metadata.name', 'get po,cm -o kyaml',
    differs('version --client', CLIENT_ONLY), 'version -o foo',
    differs('nothing', 'suggestions are those of the commands that there are'),
    differs('get -f http://127.0.0.1:9/x.yaml', 'the address is named'),
]

TEMPLATES = [
    'get po -o jsonpath={.items[*].metadata.name}', 'get po -o jsonpath={.items[-1].metadata.name}',
    'get po -o jsonpath={.items[0:2].metadata.name}', 'get po -o jsonpath={.foo}',
    'get po -o jsonpath={.items[*].spec}',
    '''get po -o jsonpath='{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}' ''',
    '''get po -o jsonpath='{.items[?(@.metadata.name=="db")].spec.containers[0].image}' ''',
    "get po -o jsonpath='{.items[?(@.spec.nodeName)].metadata.name}'", "get po -o jsonpath='{..image}'",
    '''get po -o jsonpath="{.items[*]['metadata.name','status.phase']}"''', "get po -o jsonpath='{.items'",
    "get po -o jsonpath='{.items[}'", 'get po -o jsonpath', "get po -o jsonpath-as-json='{.items[*].metadata.name}'",
    'get po -o custom-columns=A:.metadata.name,B:.spec.containers[*].image,C:.metadata.labels,E:.foo.bar',
    'get po -o custom-columns=A', 'get po -o custom-columns=', 'get po -o custom-columns=A:{.metadata',
    'get po -o custom-columns-file=columns.txt', 'get po db -o custom-columns=A:.metadata.name --no-headers',
    differs("get po -o jsonpath='{.items[5].x}'", 'the object is shown as JSON, not as values of Go'),
]

KNOWLEDGE = [
    'api-resources', 'api-resources -o wide', 'api-resources -o name', 'api-resources --api-group=apps --no-headers',
    'api-resources --namespaced=false --verbs=list,get', 'api-resources --sort-by=kind', 'api-resources -o json',
    'api-versions', 'explain pods', 'explain pods.spec.containers', 'explain deploy.spec.replicas',
    'explain deployments.apps.spec --recursive', 'explain pods.spec.restartPolicy', 'explain cm.data',
    'explain nothing',
    'explain pods.spec.foo', 'explain', 'explain hpa --api-version=autoscaling/v1',
]

GENERATORS = [f'create {line} --dry-run=client -o yaml' for line in (
    'ns x', 'cm x --from-literal=a=b --from-file=folder --append-hash', 'cm x --from-env-file=env.txt',
    'secret generic x --from-literal=a=b --type=foo/bar', 'sa x',
    'secret docker-registry x --docker-server=x --docker-username=u --docker-password=p',
    'deployment x --image=a/nginx:1 --image=b --replicas=2 --port=80', 'job x --from=cronjob/cj',
    "cronjob x --image=x --schedule='* * * * *'", 'service clusterip x --tcp=80:8080 --tcp=443',
    'svc nodeport x --tcp=80 --node-port=30080', 'svc externalname x --external-name=x.y',
    'role x --verb=get,list --resource=pods,deploy.apps,pods/log', 'clusterrole x --verb=get --non-resource-url=/x',
    'clusterrole x --aggregation-rule=a=b', 'rolebinding x --role=x --user=u --serviceaccount=ns:sa',
    'clusterrolebinding x --clusterrole=x --group=g', 'quota x --hard=cpu=1,memory=1G --scopes=BestEffort',
    'pc x --value=5 --description=x', 'pdb x --selector=a=b --max-unavailable=50%',
    'ingress x --rule=foo.com/bar=svc:80 --rule=x.com/y*=svc:http,tls=sec --class=nginx')] + [
    'create deployment x --image=y --dry-run=client -- sh -c x',
    'create deployment x --image=x --dry-run=client -o json',
    'create', 'create foo', 'create ns', 'create ns a b', 'create deployment x', 'create configmap x --from-literal=a',
    'create configmap x --from-file=nope', 'create secret foo', 'create secret tls x', 'create job x',
    'create cronjob x --image=y', 'create service clusterip x --tcp=foo', 'create role x --verb=get --resource=nothing',
    'create rolebinding x', 'create quota x --hard=cpu=foo', 'create pdb x --selector=a=b',
    'create ingress x --rule=foo',
    'create token nope', 'create deployment d1 --image=x --dry-run=foo', 'create -f c12.yaml --dry-run=client -o yaml',
]

WAIT = [
    'wait cm/nope --for=delete --timeout=1s', 'wait cm/nope --for=create --timeout=0', 'wait cm/cm --for=create',
    'wait po/db --for=condition=ready --timeout=0', "wait po --all --for=jsonpath='{.status.phase}'=Pending",
    'wait po/db', 'wait po -l zzz=b --for=condition=ready --timeout=0',
    'wait po --all --for=condition=ready --timeout=1s',
    'wait po/db po/nope --for=jsonpath={.status.phase}=Pending', 'wait po --for=delete',
]

READS = GET + TEMPLATES + KNOWLEDGE + GENERATORS + WAIT

# Of what described.yaml makes.
DESCRIBES = [
    'pod rich', 'pod plain', 'pod two', 'svc svc', 'svc headless', 'svc lb', 'svc ext', 'ep svc',
    'endpointslice svc-abc', 'endpointslice empty', 'endpointslice six', 'deploy dep', 'deploy rec', 'rs rs',
    'rs dep-1',
    'rc rc', 'sts sts', 'sts sts2', 'ds ds', 'job job', 'job plainjob', 'cj cj', 'ing ing', 'ing ing2', 'ing ing3',
    'ingressclass nginx', 'netpol np', 'netpol np2', 'netpol np3', 'pv pv1', 'pv pv2', 'pv pvcsi', 'pvc pvc1',
    'pvc pvc2', 'sc fast', 'sc slow', 'role role', 'clusterrole crole', 'clusterrole admin', 'rolebinding rb',
    'clusterrolebinding crb', 'quota q', 'quota qs', differs('limits lr', 'kubectl has its rows in no order'),
    'hpa hpa',
    'pdb pdb', 'pdb pdb2', 'pdb nosel', 'pc high', 'lease lease', 'csr csr', 'node n1', 'ns kube-system', 'cm cm1',
    'cm cm2', 'secret s1', 'secret tok', 'sa full', 'sa default', 'event e1', 'runtimeclass rc', 'ipaddress 10.96.9.9',
    'servicecidr kubernetes', 'flowschemas', 'clusterroles system:controller:r', 'pods p r', 'pods', '-l app=web pods',
    'nosuch x', 'pods nosuch', 'deploy/dep cm/cm1', 'cm cm', 'pods -l x=y', '', '--show-events=false pod rich',
    'cm -f c1.yaml', '-f nosuch.yaml',
]

SCRIPTS = {
    'sets': [
        'set image deploy/dp c=new', 'set image deploy/dp c=new', 'set image deploy/dp nosuch=new',
        'set image deploy/dp *=all', 'set image deploy/dp i=init2',
        'set image deploy dp c=x d=y -o yaml --dry-run=client', 'set image deploy/dp c=x --dry-run=server',
        'set image deploy/dp', 'set image', 'set image deploy/nosuch c=x', 'set image pod/pp c=three',
        'set image cj/cj c=four', 'set image deploy --all c=q --local -o name', 'set image svc/sv c=q',
        'set image deploy,cj --all c=q', 'set env deploy/dp A=1 B=2', 'set env deploy/dp --list',
        'set env deploy/dp A-', 'set env deploy/dp A-', 'set env deploy/dp -c d Z=1',
        differs('set env deploy/dp --from=configmap/conf', 'kubectl warns in no order'),
        'set env deploy/dp --from=secret/sec --prefix=P_',
        'set env deploy/dp --from=configmap/conf --keys=b --overwrite=false', 'set env deploy/dp --list',
        'set env deploy/dp --list --resolve -c d', 'set env deploy/dp OLD=new --overwrite=false',
        'set env deploy/dp -e X=y -o yaml --dry-run=client',
        differs('set env deploy/dp 1=2', 'what is wrong with a name is said in other words'),
        'set env deploy/dp A=b A-', 'set env deploy/dp', 'set env', 'set env deploy/dp -c nosuch A=b',
        'set env --from=configmap/nosuch deploy/dp', 'set env deploy/dp - <<< Q=r',
        'set resources deploy/dp --limits=cpu=200m,memory=512Mi',
        'set resources deploy/dp --limits=cpu=0.2,memory=512Mi', 'set resources deploy/dp -c d --requests=cpu=100m',
        'set resources deploy/dp --limits=cpu=0', 'set resources deploy/dp', 'set resources deploy/dp --limits=foo',
        'set resources deploy/dp --limits=cpu=x', 'set resources deploy/dp --limits=cpu=300m --dry-run=client -o yaml',
        'set resources deploy/dp -c nosuch --limits=cpu=1', 'set selector svc sv a=x', 'set selector svc sv a=x',
        'set selector deploy dp a=x', 'set selector svc sv', 'set serviceaccount deploy dp sa1',
        'set sa deploy/dp sa1', 'set serviceaccount deploy dp', 'set serviceaccount svc sv x',
        'set subject rolebinding rb --user=joe --group=g', 'set subject rolebinding rb --serviceaccount=s:default',
        'set subject rolebinding rb --user=joe', 'set subject rolebinding rb',
        'set subject rolebinding rb --serviceaccount=x', 'set subject deploy/dp --user=x', 'get deploy dp -o yaml',
        'get rolebinding rb -o yaml',
    ],
    'drains': [
        'cordon nd-@@', 'cordon nd-@@', 'uncordon nd-@@', 'uncordon nd-@@ nosuch', 'cordon', 'cordon -l nosuch=x',
        'cordon nd-@@ --dry-run=client', 'cordon nd-@@ --dry-run=server',
        differs('drain nd-@@', 'kubectl has reasons in no order'),
        differs('drain nd-@@ --ignore-daemonsets', 'kubectl has reasons in no order'),
        'drain nd-@@ --ignore-daemonsets --force',
        'drain nd-@@ --ignore-daemonsets --force --delete-emptydir-data --pod-selector=a=b',
        'drain nd-@@ --ignore-daemonsets --force --delete-emptydir-data --dry-run=client --pod-selector=one',
        'drain nd-@@ --ignore-daemonsets --force --delete-emptydir-data --dry-run=server --pod-selector=one',
        'drain nd-@@ --ignore-daemonsets --force --delete-emptydir-data --timeout=1s --pod-selector=one',
        differs('drain nd-@@ --ignore-daemonsets', 'kubectl has reasons in no order'), 'drain nosuch', 'drain',
        'drain nd-@@ -l a=b', 'drain nd-@@ nd2', 'drain -l a=zzz',
        'drain nd-@@ --disable-eviction --ignore-daemonsets --force', 'taint nodes nd-@@ a=b:NoSchedule',
        'taint nodes nd-@@ a=b:NoSchedule', 'taint nodes nd-@@ a=c:NoSchedule',
        'taint nodes nd-@@ a=c:NoSchedule --overwrite', 'taint nodes nd-@@ a:NoSchedule-', 'taint nodes nd-@@ a-',
        'taint nodes nd-@@ a- b:NoExecute-', 'taint nodes nd-@@ x=y:Foo', 'taint nodes nd-@@ x',
        'taint nodes nd-@@ x:NoExecute', 'taint nodes nd-@@ x=y:NoSchedule x:NoExecute-',
        'taint nodes nosuch x=y:NoSchedule', 'taint nodes x=y:NoSchedule', 'taint nodes -l nosuch=b q=r:NoSchedule',
        'taint nodes nd-@@ z=z:NoSchedule --dry-run=client', 'taint nodes nd-@@ z=z:NoSchedule -o yaml',
        'taint pods nd-@@ z=z:NoSchedule', 'taint nodes nd-@@ z=z:NoSchedule z=y:NoSchedule',
        differs('taint nodes nd-@@ x_=y:NoSchedule-', 'what is wrong with a name is said in other words'),
        differs('taint nodes nd-@@ x=_y:NoSchedule', 'what is wrong with a name is said in other words'),
        differs('taint nodes nd-@@ x=y', 'what is wrong with a name is said in other words'),
        'taint nodes nd-@@ x=y:NoSchedule nd', 'taint x=y:NoSchedule', 'taint', 'drain nd-@@ --pod-selector=two',
        'drain nd-@@ --pod-selector=two --force --timeout=1s',
    ],
    'rollouts': [
        'rollout history deploy/dp', 'rollout history deploy/dp --revision=1',
        'rollout history deploy/dp --revision=1 -o yaml', 'rollout history deploy/dp -o name',
        'rollout history sts/st', 'rollout history sts/st --revision=1',
        'rollout history sts/st --revision=1 -o yaml', 'rollout history ds/dm', 'rollout history ds/dm --revision=2',
        'rollout history ds/dm --revision=7', 'rollout history ds/dm --revision=-7', 'rollout history ds',
        'rollout history', 'rollout pause deploy/dp', 'rollout pause deploy/dp', 'rollout undo deploy/dp',
        'rollout restart deploy/dp', 'rollout resume deploy/dp -o name', 'rollout resume deploy/dp',
        'rollout undo deploy/dp --to-revision=2', 'rollout undo sts/st --dry-run=client', 'annotate deploy dp a=b',
        'rollout undo deploy/dp --dry-run=client', 'rollout undo deploy/dp --dry-run=server',
        'rollout undo deploy/dp', 'get deploy dp -o yaml', 'rollout undo sts/st', 'rollout undo sts/st',
        'rollout undo sts/st --to-revision=2', 'rollout undo ds/dm', 'rollout undo ds/dm --to-revision=5',
        'rollout restart sts/st ds/dm', 'rollout restart deploy/dp -o yaml',
        'rollout status deploy/dp sts/st --watch=false', 'rollout status deploy/dp --revision=5 --watch=false',
        'rollout status deploy/dp --timeout=1s', 'rollout status job/x', 'rollout pause deploy/dp deploy/nosuch',
        'rollout pause ds/dm', 'rollout pause sts/st ds/dm', 'rollout restart svc/x', 'rollout restart -l app=web',
        'rollout restart nosuch/x', 'rollout undo rs/dp-1', 'rollout undo cm/x',
        differs('rollout', 'texts of help are our own', status=False),
        differs('rollout foo', 'texts of help are our own'),
    ],
    'create and delete': [
        'create -f c1.yaml', 'create -f c1.yaml', 'create -f c12.yaml', 'create -f c12.yaml -o name --dry-run=server',
        'create -f unknown.yaml', 'create -f nokind.yaml', 'create -f empty.yaml', 'create -f mixed.yaml',
        'create cm cc --from-literal=a=b', 'create cm cc --from-literal=a=b', 'create deploy d --image=x',
        "create deployment 'A B' --image=x", 'create -f fin.yaml', 'delete cm fin --timeout=1s',
        'delete cm fin --wait=false', 'delete cm fin --dry-run=server', 'delete cm fin -o name --wait=false',
        'delete cm fin --force --timeout=1s', 'delete -f c12.yaml', 'delete -f c12.yaml',
        'delete -f c12.yaml --ignore-not-found', 'delete cm cc a', 'delete cm -l a=b',
        'delete po x --force --grace-period=3',
        'delete po x --now --grace-period=3', 'delete po x --cascade=foo', 'delete', 'delete po', 'delete all',
        'delete deploy d', 'delete po x -o yaml', 'patch cm fin --type=merge -p \'{"metadata":{"finalizers":null}}\'',
        'delete cm --all',
    ],
    'patch and replace': [
        'create cm cc --from-literal=a=b', 'create deploy d --image=x', 'patch cm cc -p \'{"data":{"x":"y"}}\'',
        'patch cm cc -p \'{"data":{"x":"y"}}\'', 'patch cm cc -p "data: {x: z}" -o yaml',
        'patch cm cc --type=json -p \'[{"op":"add","path":"/data/q","value":"1"}]\'',
        'patch cm cc --type=merge -p \'{"data":{"q":null}}\' -o name', 'patch cm nope -p {}', 'patch cm cc -p {',
        'patch cm cc', 'patch cm cc --type=foo -p {}', 'patch cm cc -p \'{"data":{"d":"1"}}\' --dry-run=client',
        'patch -f c1.yaml -p \'{"data":{"d":"1"}}\' --local -o yaml',
        'patch deploy d --subresource=scale -p \'{"spec":{"replicas":2}}\' --type=merge',
        'patch deploy d -p \'{"spec":{"replicas":-1}}\'', 'patch deploy d s -p {}', 'replace -f c1.yaml',
        'create -f c1.yaml', 'replace -f c1.yaml -o yaml', 'replace -f c1.yaml --dry-run=server',
        'replace --force -f c1.yaml', 'replace -f c1.yaml --timeout=3s', 'replace',
    ],
    'apply': [
        'apply -f c1.yaml', 'apply -f c1.yaml', 'apply -f c12.yaml', 'apply -f c12.yaml --dry-run=client',
        'apply -f c12.yaml --dry-run=server', 'apply -f c12.yaml -o yaml', 'apply -f c12.yaml -o name', 'apply',
        'apply -f c1.yaml foo', 'apply -f empty.yaml', 'apply -f mixed.yaml', 'apply -f generated.yaml',
        'apply -f unknown.yaml', 'apply view-last-applied cm c1', 'apply view-last-applied -f c12.yaml -o json',
        'apply set-last-applied -f c1.yaml', 'apply set-last-applied -f c1.yaml', 'create cm na --from-literal=a=b',
        'apply -f - <<< apiVersion: v1\nkind: ConfigMap\nmetadata: {name: na}\ndata: {a: c}\n', 'get cm na -o yaml',
        'apply -f p12.yaml', 'apply -f p1.yaml --prune -l p=q --prune-allowlist=core/v1/ConfigMap', 'apply -f dep.yaml',
        'apply -f dep2.yaml', 'get deploy dp -o yaml', 'apply -f dep3.yaml', 'apply -f dep.yaml --force',
        'apply -f c1.yaml --force-conflicts', 'apply -f c1.yaml --prune',
    ],
    'apply on the server': [
        'apply -f dep.yaml --server-side', 'apply -f dep2.yaml --server-side --field-manager=foo',
        'apply -f dep2.yaml --server-side --field-manager=foo --force-conflicts', 'apply -f c1.yaml',
        'apply -f c1.yaml --server-side', 'get cm c1 -o yaml',
        'apply -f c1.yaml --server-side --dry-run=client', 'apply -f unknown.yaml --server-side',
        'apply -f c1.yaml --server-side --force',
    ],
    'labels and annotations and scale': [
        'create cm l1 --from-literal=a=b', 'create cm l2 --from-literal=a=b', 'create deploy d --image=x',
        'label cm l1 a=b', 'label cm l1 a=b', 'label cm l1 a=c', 'label cm l1 a=c --overwrite', 'label cm l1 a-',
        'label cm l1 a-', 'label cm l1 l2 x=y z=1', 'label cm --all q=1', 'label cm -l q=1 q-',
        'label cm l1 m=n --dry-run=client', 'label cm l1 m=n -o yaml', 'label cm', 'label', 'label cm l1 a=b a-',
        'label -f c1.yaml --local a=b -o yaml', 'label cm l1 a=b --resource-version=1', 'label cm/l1 cm/l2 k=v',
        differs("label cm l1 'a=b c'", 'the server says what is wrong with a label'),
        'annotate cm l1 a=b', "annotate cm l1 a='x y'", 'annotate cm l1 a=c --overwrite', 'annotate cm l1 a-',
        'annotate cm --all q=1', 'annotate cm l1', 'annotate cm l1 m=n --dry-run=client',
        'scale deploy d --replicas=3', 'scale deploy d --replicas=4 --current-replicas=1',
        'scale deploy d --replicas=4 --current-replicas=3', 'scale deploy d', 'scale --replicas=1',
        'scale cm l1 --replicas=1', 'scale deploy d --replicas=-1', 'scale deploy d --replicas=5 --dry-run=server',
        'scale deploy --all --replicas=2',
    ],
}


WORKLOADS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: dp}
spec:
  replicas: 2
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: two}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: st}
spec:
  replicas: 2
  serviceName: x
  selector: {matchLabels: {s: b}}
  template: {metadata: {labels: {s: b}}, spec: {containers: [{name: c, image: two}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: dm}
spec:
  selector: {matchLabels: {d: b}}
  template: {metadata: {labels: {d: b}}, spec: {containers: [{name: c, image: two}]}}
"""


def past_of(owner, revision, image):
    """What the controllers keep of a workload's template as it was at a revision."""
    template = json.loads(json.dumps(owner['spec']['template']))
    template['spec']['containers'][0]['image'] = image
    name, kind = owner['metadata']['name'], owner['kind']
    labels = dict(owner['spec']['selector']['matchLabels'])
    annotations = {'kubernetes.io/change-cause': 'why'} if revision == 1 else {}
    past = {'apiVersion': 'apps/v1', 'metadata': {
        'name': f'{name}-{revision}', 'labels': labels, 'annotations': annotations, 'ownerReferences': [
            {'apiVersion': 'apps/v1', 'kind': kind, 'name': name, 'uid': owner['metadata']['uid'],
             'controller': True}]}}
    if kind == 'Deployment':
        annotations['deployment.kubernetes.io/revision'] = str(revision)
        labels['pod-template-hash'] = f'h{revision}'
        template['metadata']['labels'] = labels
        spec = {'replicas': 2, 'selector': {'matchLabels': labels}, 'template': template}
        return {**past, 'kind': 'ReplicaSet', 'spec': spec}
    template['$patch'] = 'replace'
    return {**past, 'kind': 'ControllerRevision', 'revision': revision, 'data': {'spec': {'template': template}}}


def set_up_rollouts(kubectl):
    kubectl('create', '-f', '-', stdin=WORKLOADS)
    for what in ('deployment/dp', 'statefulset/st', 'daemonset/dm'):
        owner = kubectl('get', what, '-o', 'json').json()
        for revision, image in ((1, 'one'), (2, 'two')):
            kubectl('create', '-f', '-', stdin=json.dumps(past_of(owner, revision, image)))


DRAINED = """
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec:
  nodeName: nd-@@
  containers:
  - {name: c, image: x}
---
apiVersion: v1
kind: Pod
metadata:
  name: owned
  labels: {one: '1'}
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: '1', controller: true}
spec:
  nodeName: nd-@@
  containers:
  - {name: c, image: x}
---
apiVersion: v1
kind: Pod
metadata:
  name: local
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: '1', controller: true}
spec:
  nodeName: nd-@@
  containers:
  - {name: c, image: x}
  volumes:
  - name: e
    emptyDir: {}
---
apiVersion: v1
kind: Pod
metadata:
  name: daemon
  ownerReferences:
  - {apiVersion: apps/v1, kind: DaemonSet, name: d, uid: '1', controller: true}
spec:
  nodeName: nd-@@
  containers:
  - {name: c, image: x}
---
apiVersion: v1
kind: Pod
metadata:
  name: mirror
  annotations: {kubernetes.io/config.mirror: x}
spec:
  nodeName: nd-@@
  containers:
  - {name: c, image: x}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: d}
spec:
  selector:
    matchLabels: {d: b}
  template:
    metadata:
      labels: {d: b}
    spec:
      containers:
      - {name: c, image: two}
---
apiVersion: v1
kind: Pod
metadata:
  name: daemon2
  labels: {two: '2'}
  ownerReferences:
  - {apiVersion: apps/v1, kind: DaemonSet, name: nosuch, uid: '1', controller: true}
spec:
  nodeName: nd-@@
  containers:
  - {name: c, image: x}
"""


def set_up_drains(kubectl):
    ns = kubectl('get', 'sa', 'default', '-o', 'jsonpath={.metadata.namespace}').out
    kubectl('create', '-f', '-', stdin='{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "nd-' + ns + '"}}')
    kubectl('create', '-f', '-', stdin=DRAINED.replace('@@', ns))


SETTABLE = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: dp
  labels: {l: m}
spec:
  replicas: 2
  selector:
    matchLabels: {a: b}
  template:
    metadata:
      labels: {a: b}
    spec:
      initContainers:
      - {name: i, image: init}
      containers:
      - name: c
        image: two
        ports:
        - {containerPort: 80}
        - {containerPort: 81, protocol: UDP}
        env:
        - {name: OLD, value: x}
        - name: FF
          valueFrom:
            fieldRef: {fieldPath: metadata.name}
        - name: RR
          valueFrom:
            resourceFieldRef: {resource: limits.cpu}
      - {name: d, image: three}
---
apiVersion: v1
kind: Pod
metadata:
  name: pp
  labels: {x: yy}
spec:
  containers:
  - name: c
    image: one
    ports:
    - {containerPort: 90, name: web}
---
apiVersion: v1
kind: Service
metadata: {name: sv}
spec:
  selector: {a: b, c: d}
  ports:
  - {port: 1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {k-1: v, b: w}
---
apiVersion: v1
kind: Secret
metadata: {name: sec}
data: {k: eA==}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects:
- {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: cj}
spec:
  schedule: '* * * * *'
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: c, image: x}
"""

# What is made before the lines of a script are run.
SETUPS = {'rollouts': set_up_rollouts, 'drains': set_up_drains,
          'sets': lambda kubectl: kubectl('create', '-f', '-', stdin=SETTABLE)}
