/* The rows of test/facts/defaults.tsv in their order: an object without the value, where to look and what is
 * there afterwards; then an object for which the condition does not hold, and what it has. */
#pragma once

NOT("meta.k8s.io", "*", "metadata.namespace", "the registry takes it from the request")
NOT("meta.k8s.io", "*", "metadata.name", "the registry makes names, when an object is created")
ROW("core", "ResourceList", "*", CORE_CONTAINER, "{'resources':{'requests':{'cpu':'100100u'}}}",
    "/resources/requests/cpu", "'101m'", "{'resources':{'requests':{'cpu':'1.5'}}}", "'1500m'")
ROW("core", "ReplicationController", "spec.replicas", CORE_REPLICATION_CONTROLLER, "{}", "/spec/replicas",
    "1", "{'spec':{'replicas':0}}", "0")
ROW("core", "ReplicationController", "spec.selector", CORE_REPLICATION_CONTROLLER,
    "{'spec':{'template':{'metadata':{'labels':{'a':'b'}}}}}", "/spec/selector", "{'a':'b'}",
    "{'spec':{'selector':{'x':'y'},'template':{'metadata':{'labels':{'a':'b'}}}}}", "{'x':'y'}")
ROW("core", "ReplicationController", "metadata.labels", CORE_REPLICATION_CONTROLLER,
    "{'spec':{'template':{'metadata':{'labels':{'a':'b'}}}}}", "/metadata/labels", "{'a':'b'}",
    "{'metadata':{'labels':{'x':'y'}},'spec':{'template':{'metadata':{'labels':{'a':'b'}}}}}", "{'x':'y'}")
ROW("core", "Volume", "<source>", CORE_VOLUME, "{'name':'v'}", "/emptyDir", "{}",
    "{'name':'v','hostPath':{'path':'/'}}", NULL)
ROW("core", "Volume", "image.pullPolicy", CORE_VOLUME, "{'name':'v','image':{'reference':'a/b'}}",
    "/image/pullPolicy", "'Always'", "{'name':'v','image':{'reference':'a/b:1'}}", "'IfNotPresent'")
ROW("core", "Container", "imagePullPolicy", CORE_CONTAINER, "{'image':'a/b:latest'}", "/imagePullPolicy",
    "'Always'", "{'image':'A b'}", "'IfNotPresent'")
ROW("core", "Container", "terminationMessagePath", CORE_CONTAINER, "{}", "/terminationMessagePath",
    "'/dev/termination-log'", "{'terminationMessagePath':'/x'}", "'/x'")
ROW("core", "Container", "terminationMessagePolicy", CORE_CONTAINER, "{}", "/terminationMessagePolicy",
    "'File'", "{'terminationMessagePolicy':'FallbackToLogsOnError'}", "'FallbackToLogsOnError'")
ROW("core", "ContainerPort", "protocol", CORE_CONTAINER_PORT, "{}", "/protocol", "'TCP'",
    "{'protocol':'UDP'}", "'UDP'")
ROW("core", "ContainerPort", "hostPort", CORE_POD,
    "{'spec':{'hostNetwork':true,'containers':[{'ports':[{'containerPort':80}]}]}}",
    "/spec/containers/0/ports/0/hostPort", "80", "{'spec':{'containers':[{'ports':[{'containerPort':80}]}]}}",
    NULL)
ROW("core", "Probe", "timeoutSeconds", CORE_PROBE, "{}", "/timeoutSeconds", "1", "{'timeoutSeconds':7}", "7")
ROW("core", "Probe", "periodSeconds", CORE_PROBE, "{}", "/periodSeconds", "10", "{'periodSeconds':7}", "7")
ROW("core", "Probe", "successThreshold", CORE_PROBE, "{}", "/successThreshold", "1", "{'successThreshold':7}",
    "7")
ROW("core", "Probe", "failureThreshold", CORE_PROBE, "{}", "/failureThreshold", "3", "{'failureThreshold':7}",
    "7")
ROW("core", "HTTPGetAction", "path", CORE_HTTP_GET_ACTION, "{}", "/path", "'/'", "{'path':'/x'}", "'/x'")
ROW("core", "HTTPGetAction", "scheme", CORE_HTTP_GET_ACTION, "{}", "/scheme", "'HTTP'", "{'scheme':'HTTPS'}",
    "'HTTPS'")
ROW("core", "GRPCAction", "service", CORE_GRPC_ACTION, "{}", "/service", "''", "{'service':'s'}", "'s'")
ROW("core", "ObjectFieldSelector", "apiVersion", CORE_OBJECT_FIELD_SELECTOR, "{}", "/apiVersion", "'v1'",
    "{'apiVersion':'v2'}", "'v2'")
ROW("core", "FileKeySelector", "optional", CORE_FILE_KEY_SELECTOR, "{}", "/optional", "false",
    "{'optional':true}", "true")
ROW("core", "PodSpec", "dnsPolicy", CORE_POD_SPEC, "{}", "/dnsPolicy", "'ClusterFirst'",
    "{'dnsPolicy':'None'}", "'None'")
ROW("core", "PodSpec", "restartPolicy", CORE_POD_SPEC, "{}", "/restartPolicy", "'Always'",
    "{'restartPolicy':'Never'}", "'Never'")
ROW("core", "PodSpec", "securityContext", CORE_POD_SPEC, "{}", "/securityContext", "{}",
    "{'securityContext':{'runAsUser':1}}", "{'runAsUser':1}")
ROW("core", "PodSpec", "terminationGracePeriodSeconds", CORE_POD_SPEC, "{}", "/terminationGracePeriodSeconds",
    "30", "{'terminationGracePeriodSeconds':0}", "0")
ROW("core", "PodSpec", "schedulerName", CORE_POD_SPEC, "{}", "/schedulerName", "'default-scheduler'",
    "{'schedulerName':'s'}", "'s'")
ROW("core", "Pod", "spec.enableServiceLinks", CORE_POD, "{}", "/spec/enableServiceLinks", "true",
    "{'spec':{'enableServiceLinks':false}}", "false")
ROW("core", "Pod", "spec.containers[].resources.requests[r]", CORE_POD,
    "{'spec':{'containers':[{'resources':{'limits':{'cpu':'1'}}}]}}", "/spec/containers/0/resources/requests",
    "{'cpu':'1'}", "{'spec':{'containers':[{'resources':{'limits':{'cpu':'1'},'requests':{'cpu':'0'}}}]}}",
    "{'cpu':'0'}")
ROW("core", "Pod", "spec.resources.limits[hugepages-*]", CORE_POD,
    "{'spec':{'resources':{'limits':{'cpu':'1'}},'containers':"
    "[{'resources':{'limits':{'hugepages-2Mi':'2Mi'}}},{'resources':{'limits':{'hugepages-2Mi':'4Mi'}}}]}}",
    "/spec/resources/limits", "{'cpu':'1','hugepages-2Mi':'6Mi'}",
    "{'spec':{'resources':{'limits':{'hugepages-2Mi':'8Mi'}},'containers':"
    "[{'resources':{'limits':{'hugepages-2Mi':'2Mi'}}}]}}",
    "{'hugepages-2Mi':'8Mi'}")
ROW("core", "Pod", "spec.resources.requests[cpu,memory,...]", CORE_POD,
    "{'spec':{'resources':{'limits':{'cpu':'4','memory':'1Gi'}},'containers':"
    "[{'resources':{'requests':{'cpu':'1'}}},{'resources':{'requests':{'cpu':'500m'}}}]}}",
    "/spec/resources/requests", "{'cpu':'1500m','memory':'1Gi'}",
    "{'spec':{'resources':{'limits':{'cpu':'4'},'requests':{'cpu':'2'}},'containers':"
    "[{'resources':{'requests':{'cpu':'1'}}}]}}",
    "{'cpu':'2'}")
NOT("core", "PodLogOptions", "stream", "the gate PodLogsQuerySplitStreams is off")
ROW("core", "Service", "spec.sessionAffinity", CORE_SERVICE, "{}", "/spec/sessionAffinity", "'None'",
    "{'spec':{'sessionAffinity':'ClientIP'}}", "'ClientIP'")
ROW("core", "Service", "spec.sessionAffinityConfig", CORE_SERVICE,
    "{'spec':{'sessionAffinityConfig':{'clientIP':{'timeoutSeconds':1}}}}", "/spec/sessionAffinityConfig",
    NULL, "{'spec':{'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':1}}}}",
    "{'clientIP':{'timeoutSeconds':1}}")
ROW("core", "Service", "spec.sessionAffinityConfig.clientIP.timeoutSeconds", CORE_SERVICE,
    "{'spec':{'sessionAffinity':'ClientIP'}}", "/spec/sessionAffinityConfig",
    "{'clientIP':{'timeoutSeconds':10800}}",
    "{'spec':{'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':5}}}}",
    "{'clientIP':{'timeoutSeconds':5}}")
ROW("core", "Service", "spec.type", CORE_SERVICE, "{}", "/spec/type", "'ClusterIP'",
    "{'spec':{'type':'NodePort'}}", "'NodePort'")
ROW("core", "Service", "spec.ports[].protocol", CORE_SERVICE, "{'spec':{'ports':[{'port':1}]}}",
    "/spec/ports/0/protocol", "'TCP'", "{'spec':{'ports':[{'port':1,'protocol':'UDP'}]}}", "'UDP'")
ROW("core", "Service", "spec.ports[].targetPort", CORE_SERVICE,
    "{'spec':{'ports':[{'port':1,'targetPort':''}]}}", "/spec/ports/0/targetPort", "1",
    "{'spec':{'ports':[{'port':1,'targetPort':'http'}]}}", "'http'")
ROW("core", "Service", "spec.externalTrafficPolicy", CORE_SERVICE, "{'spec':{'type':'NodePort'}}",
    "/spec/externalTrafficPolicy", "'Cluster'", "{}", NULL)
ROW("core", "Service", "spec.internalTrafficPolicy", CORE_SERVICE, "{}", "/spec/internalTrafficPolicy",
    "'Cluster'", "{'spec':{'type':'ExternalName'}}", NULL)
ROW("core", "Service", "spec.allocateLoadBalancerNodePorts", CORE_SERVICE, "{'spec':{'type':'LoadBalancer'}}",
    "/spec/allocateLoadBalancerNodePorts", "true", "{'spec':{'type':'NodePort'}}", NULL)
ROW("core", "Service", "status.loadBalancer.ingress[].ipMode", CORE_SERVICE,
    "{'spec':{'type':'LoadBalancer'},'status':{'loadBalancer':{'ingress':[{'ip':'1.2.3.4'}]}}}",
    "/status/loadBalancer/ingress/0/ipMode", "'VIP'",
    "{'spec':{'type':'LoadBalancer'},'status':{'loadBalancer':{'ingress':[{'hostname':'h'}]}}}", NULL)
ROW("core", "Secret", "type", CORE_SECRET, "{}", "/type", "'Opaque'", "{'type':'t'}", "'t'")
ROW("core", "SecretVolumeSource", "defaultMode", CORE_SECRET_VOLUME_SOURCE, "{}", "/defaultMode", "420",
    "{'defaultMode':0}", "0")
ROW("core", "ConfigMapVolumeSource", "defaultMode", CORE_CONFIG_MAP_VOLUME_SOURCE, "{}", "/defaultMode",
    "420", "{'defaultMode':0}", "0")
ROW("core", "DownwardAPIVolumeSource", "defaultMode", CORE_DOWNWARD_API_VOLUME_SOURCE, "{}", "/defaultMode",
    "420", "{'defaultMode':0}", "0")
ROW("core", "ProjectedVolumeSource", "defaultMode", CORE_PROJECTED_VOLUME_SOURCE, "{}", "/defaultMode", "420",
    "{'defaultMode':0}", "0")
ROW("core", "ServiceAccountTokenProjection", "expirationSeconds", CORE_SERVICE_ACCOUNT_TOKEN_PROJECTION, "{}",
    "/expirationSeconds", "3600", "{'expirationSeconds':600}", "600")
ROW("core", "HostPathVolumeSource", "type", CORE_HOST_PATH_VOLUME_SOURCE, "{}", "/type", "''",
    "{'type':'File'}", "'File'")
ROW("core", "ISCSIVolumeSource", "iscsiInterface", CORE_ISCSI_PERSISTENT_VOLUME_SOURCE, "{}",
    "/iscsiInterface", "'default'", "{'iscsiInterface':'i'}", "'i'")
ROW("core", "RBDVolumeSource", "pool", CORE_RBD_VOLUME_SOURCE, "{}", "/pool", "'rbd'", "{'pool':'p'}", "'p'")
ROW("core", "RBDVolumeSource", "user", CORE_RBD_PERSISTENT_VOLUME_SOURCE, "{}", "/user", "'admin'",
    "{'user':'u'}", "'u'")
ROW("core", "RBDVolumeSource", "keyring", CORE_RBD_VOLUME_SOURCE, "{}", "/keyring", "'/etc/ceph/keyring'",
    "{'keyring':'k'}", "'k'")
ROW("core", "AzureDiskVolumeSource", "cachingMode", CORE_AZURE_DISK_VOLUME_SOURCE, "{}", "/cachingMode",
    "'ReadWrite'", "{'cachingMode':'None'}", "'None'")
ROW("core", "AzureDiskVolumeSource", "kind", CORE_AZURE_DISK_VOLUME_SOURCE, "{}", "/kind", "'Shared'",
    "{'kind':'Managed'}", "'Managed'")
ROW("core", "AzureDiskVolumeSource", "fsType", CORE_AZURE_DISK_VOLUME_SOURCE, "{}", "/fsType", "'ext4'",
    "{'fsType':''}", "''")
ROW("core", "AzureDiskVolumeSource", "readOnly", CORE_AZURE_DISK_VOLUME_SOURCE, "{}", "/readOnly", "false",
    "{'readOnly':true}", "true")
ROW("core", "ScaleIOVolumeSource", "storageMode", CORE_SCALE_IO_VOLUME_SOURCE, "{}", "/storageMode",
    "'ThinProvisioned'", "{'storageMode':'s'}", "'s'")
ROW("core", "ScaleIOVolumeSource", "fsType", CORE_SCALE_IO_PERSISTENT_VOLUME_SOURCE, "{}", "/fsType", "'xfs'",
    "{'fsType':'f'}", "'f'")
ROW("core", "PersistentVolume", "status.phase", CORE_PERSISTENT_VOLUME, "{}", "/status/phase", "'Pending'",
    "{'status':{'phase':'Bound'}}", "'Bound'")
ROW("core", "PersistentVolume", "spec.persistentVolumeReclaimPolicy", CORE_PERSISTENT_VOLUME, "{}",
    "/spec/persistentVolumeReclaimPolicy", "'Retain'", "{'spec':{'persistentVolumeReclaimPolicy':'Delete'}}",
    "'Delete'")
ROW("core", "PersistentVolume", "spec.volumeMode", CORE_PERSISTENT_VOLUME, "{}", "/spec/volumeMode",
    "'Filesystem'", "{'spec':{'volumeMode':'Block'}}", "'Block'")
ROW("core", "PersistentVolumeClaim", "status.phase", CORE_PERSISTENT_VOLUME_CLAIM, "{}", "/status/phase",
    "'Pending'", "{'status':{'phase':'Bound'}}", "'Bound'")
ROW("core", "PersistentVolumeClaimSpec", "volumeMode", CORE_PERSISTENT_VOLUME_CLAIM, "{}", "/spec/volumeMode",
    "'Filesystem'", "{'spec':{'volumeMode':'Block'}}", "'Block'")
ROW("core", "Endpoints", "subsets[].ports[].protocol", CORE_ENDPOINTS, "{'subsets':[{'ports':[{'port':1}]}]}",
    "/subsets/0/ports/0/protocol", "'TCP'", "{'subsets':[{'ports':[{'port':1,'protocol':'UDP'}]}]}", "'UDP'")
ROW("core", "Namespace", "metadata.labels[kubernetes.io/metadata.name]", CORE_NAMESPACE,
    "{'metadata':{'name':'n','labels':{'kubernetes.io/metadata.name':'x'}}}", "/metadata/labels",
    "{'kubernetes.io/metadata.name':'n'}", "{'metadata':{'generateName':'n'}}", NULL)
ROW("core", "Namespace", "status.phase", CORE_NAMESPACE, "{}", "/status/phase", "'Active'",
    "{'status':{'phase':'Terminating'}}", "'Terminating'")
ROW("core", "NodeStatus", "allocatable", CORE_NODE, "{'status':{'capacity':{'cpu':'4'}}}",
    "/status/allocatable", "{'cpu':'4'}", "{'status':{'capacity':{'cpu':'4'},'allocatable':{'cpu':'3'}}}",
    "{'cpu':'3'}")
ROW("core", "LimitRangeItem", "default[r]", CORE_LIMIT_RANGE_ITEM, "{'type':'Container','max':{'cpu':'2'}}",
    "/default", "{'cpu':'2'}", "{'type':'Pod','max':{'cpu':'2'}}", NULL)
ROW("core", "LimitRangeItem", "defaultRequest[r]", CORE_LIMIT_RANGE_ITEM,
    "{'type':'Container','max':{'cpu':'2'},'min':{'cpu':'1','memory':'1Mi'}}", "/defaultRequest",
    "{'cpu':'2','memory':'1Mi'}", "{'type':'Container','default':{'cpu':'2'},'defaultRequest':{'cpu':'1'}}",
    "{'cpu':'1'}")
ROW("core", "ConfigMap", "data", CORE_CONFIG_MAP, "{}", "/data", NULL, "{'data':{'a':'b'}}", "{'a':'b'}")
ROW("apps", "Deployment", "spec.replicas", APPS_DEPLOYMENT, "{}", "/spec/replicas", "1",
    "{'spec':{'replicas':0}}", "0")
ROW("apps", "Deployment", "spec.strategy.type", APPS_DEPLOYMENT, "{}", "/spec/strategy/type",
    "'RollingUpdate'", "{'spec':{'strategy':{'type':'Recreate'}}}", "'Recreate'")
ROW("apps", "Deployment", "spec.strategy.rollingUpdate.maxUnavailable", APPS_DEPLOYMENT, "{}",
    "/spec/strategy/rollingUpdate/maxUnavailable", "'25%'", "{'spec':{'strategy':{'type':'Recreate'}}}", NULL)
ROW("apps", "Deployment", "spec.strategy.rollingUpdate.maxSurge", APPS_DEPLOYMENT,
    "{'spec':{'strategy':{'rollingUpdate':{'maxUnavailable':0}}}}", "/spec/strategy/rollingUpdate",
    "{'maxUnavailable':0,'maxSurge':'25%'}", "{'spec':{'strategy':{'type':'Recreate'}}}", NULL)
ROW("apps", "Deployment", "spec.revisionHistoryLimit", APPS_DEPLOYMENT, "{}", "/spec/revisionHistoryLimit",
    "10", "{'spec':{'revisionHistoryLimit':0}}", "0")
ROW("apps", "Deployment", "spec.progressDeadlineSeconds", APPS_DEPLOYMENT, "{}",
    "/spec/progressDeadlineSeconds", "600", "{'spec':{'progressDeadlineSeconds':5}}", "5")
ROW("apps", "ReplicaSet", "spec.replicas", APPS_REPLICA_SET, "{}", "/spec/replicas", "1",
    "{'spec':{'replicas':0}}", "0")
ROW("apps", "DaemonSet", "spec.updateStrategy.type", APPS_DAEMON_SET, "{}", "/spec/updateStrategy/type",
    "'RollingUpdate'", "{'spec':{'updateStrategy':{'type':'OnDelete'}}}", "'OnDelete'")
ROW("apps", "DaemonSet", "spec.updateStrategy.rollingUpdate.maxUnavailable", APPS_DAEMON_SET, "{}",
    "/spec/updateStrategy/rollingUpdate/maxUnavailable", "1",
    "{'spec':{'updateStrategy':{'type':'OnDelete'}}}", NULL)
ROW("apps", "DaemonSet", "spec.updateStrategy.rollingUpdate.maxSurge", APPS_DAEMON_SET, "{}",
    "/spec/updateStrategy/rollingUpdate/maxSurge", "0",
    "{'spec':{'updateStrategy':{'rollingUpdate':{'maxSurge':2}}}}", "2")
ROW("apps", "DaemonSet", "spec.revisionHistoryLimit", APPS_DAEMON_SET, "{}", "/spec/revisionHistoryLimit",
    "10", "{'spec':{'revisionHistoryLimit':0}}", "0")
ROW("apps", "StatefulSet", "spec.podManagementPolicy", APPS_STATEFUL_SET, "{}", "/spec/podManagementPolicy",
    "'OrderedReady'", "{'spec':{'podManagementPolicy':'Parallel'}}", "'Parallel'")
ROW("apps", "StatefulSet", "spec.updateStrategy.type", APPS_STATEFUL_SET, "{}", "/spec/updateStrategy/type",
    "'RollingUpdate'", "{'spec':{'updateStrategy':{'type':'OnDelete'}}}", "'OnDelete'")
ROW("apps", "StatefulSet", "spec.updateStrategy.rollingUpdate", APPS_STATEFUL_SET, "{}",
    "/spec/updateStrategy/rollingUpdate", "{'partition':0}",
    "{'spec':{'updateStrategy':{'type':'RollingUpdate'}}}", NULL)
ROW("apps", "StatefulSet", "spec.updateStrategy.rollingUpdate.partition", APPS_STATEFUL_SET,
    "{'spec':{'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{}}}}",
    "/spec/updateStrategy/rollingUpdate/partition", "0",
    "{'spec':{'updateStrategy':{'rollingUpdate':{'partition':3}}}}", "3")
NOT("apps", "StatefulSet", "spec.updateStrategy.rollingUpdate.maxUnavailable",
    "the gate MaxUnavailableStatefulSet is off")
ROW("apps", "StatefulSet", "spec.persistentVolumeClaimRetentionPolicy.whenDeleted", APPS_STATEFUL_SET, "{}",
    "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted", "'Retain'",
    "{'spec':{'persistentVolumeClaimRetentionPolicy':{'whenDeleted':'Delete'}}}", "'Delete'")
ROW("apps", "StatefulSet", "spec.persistentVolumeClaimRetentionPolicy.whenScaled", APPS_STATEFUL_SET,
    "{'spec':{'persistentVolumeClaimRetentionPolicy':{'whenDeleted':'Delete'}}}",
    "/spec/persistentVolumeClaimRetentionPolicy/whenScaled", "'Retain'",
    "{'spec':{'persistentVolumeClaimRetentionPolicy':{'whenScaled':'Delete'}}}", "'Delete'")
ROW("apps", "StatefulSet", "spec.replicas", APPS_STATEFUL_SET, "{}", "/spec/replicas", "1",
    "{'spec':{'replicas':0}}", "0")
ROW("apps", "StatefulSet", "spec.revisionHistoryLimit", APPS_STATEFUL_SET, "{}", "/spec/revisionHistoryLimit",
    "10", "{'spec':{'revisionHistoryLimit':0}}", "0")
ROW("apps", "StatefulSet", "spec.ordinals.start", APPS_STATEFUL_SET, "{'spec':{'ordinals':{}}}",
    "/spec/ordinals/start", "0", "{'spec':{'ordinals':{'start':3}}}", "3")
ROW("batch", "Job", "spec.completions", BATCH_JOB, "{}", "/spec/completions", "1",
    "{'spec':{'parallelism':2}}", NULL)
ROW("batch", "Job", "spec.parallelism", BATCH_JOB, "{'spec':{'completions':3}}", "/spec/parallelism", "1",
    "{'spec':{'parallelism':0}}", "0")
ROW("batch", "Job", "spec.backoffLimit", BATCH_JOB, "{'spec':{'backoffLimitPerIndex':1}}",
    "/spec/backoffLimit", "2147483647", "{'spec':{'backoffLimitPerIndex':1,'backoffLimit':2}}", "2")
ROW("batch", "Job", "spec.backoffLimit", BATCH_JOB, "{}", "/spec/backoffLimit", "6",
    "{'spec':{'backoffLimit':0}}", "0")
ROW("batch", "Job", "metadata.labels", BATCH_JOB, "{'spec':{'template':{'metadata':{'labels':{'a':'b'}}}}}",
    "/metadata/labels", "{'a':'b'}",
    "{'metadata':{'labels':{'x':'y'}},'spec':{'template':{'metadata':{'labels':{'a':'b'}}}}}", "{'x':'y'}")
ROW("batch", "Job", "spec.completionMode", BATCH_JOB, "{}", "/spec/completionMode", "'NonIndexed'",
    "{'spec':{'completionMode':'Indexed'}}", "'Indexed'")
ROW("batch", "Job", "spec.suspend", BATCH_JOB, "{}", "/spec/suspend", "false", "{'spec':{'suspend':true}}",
    "true")
ROW("batch", "Job", "spec.podReplacementPolicy", BATCH_JOB, "{'spec':{'podFailurePolicy':{'rules':[]}}}",
    "/spec/podReplacementPolicy", "'Failed'", "{}", "'TerminatingOrFailed'")
ROW("batch", "Job", "spec.podReplacementPolicy", BATCH_JOB, "{}", "/spec/podReplacementPolicy",
    "'TerminatingOrFailed'", "{'spec':{'podReplacementPolicy':'Failed'}}", "'Failed'")
ROW("batch", "Job", "spec.manualSelector", BATCH_JOB, "{}", "/spec/manualSelector", "false",
    "{'spec':{'manualSelector':true}}", "true")
ROW("batch", "Job", "spec.podFailurePolicy.rules[].onPodConditions[].status", BATCH_JOB,
    "{'spec':{'podFailurePolicy':{'rules':[{'onPodConditions':[{'type':'T'}]}]}}}",
    "/spec/podFailurePolicy/rules/0/onPodConditions/0/status", "'True'",
    "{'spec':{'podFailurePolicy':{'rules':[{'onPodConditions':[{'type':'T','status':'False'}]}]}}}",
    "'False'")
ROW("batch", "CronJob", "spec.concurrencyPolicy", BATCH_CRON_JOB, "{}", "/spec/concurrencyPolicy", "'Allow'",
    "{'spec':{'concurrencyPolicy':'Forbid'}}", "'Forbid'")
ROW("batch", "CronJob", "spec.suspend", BATCH_CRON_JOB, "{}", "/spec/suspend", "false",
    "{'spec':{'suspend':true}}", "true")
ROW("batch", "CronJob", "spec.successfulJobsHistoryLimit", BATCH_CRON_JOB, "{}",
    "/spec/successfulJobsHistoryLimit", "3", "{'spec':{'successfulJobsHistoryLimit':0}}", "0")
ROW("batch", "CronJob", "spec.failedJobsHistoryLimit", BATCH_CRON_JOB, "{}", "/spec/failedJobsHistoryLimit",
    "1", "{'spec':{'failedJobsHistoryLimit':0}}", "0")
ROW("autoscaling", "HorizontalPodAutoscaler", "spec.minReplicas", AUTOSCALING_V1_HORIZONTAL_POD_AUTOSCALER,
    "{}", "/spec/minReplicas", "1", "{'spec':{'minReplicas':0}}", "0")
NOT("autoscaling", "HorizontalPodAutoscaler", "spec.targetCPUUtilizationPercentage",
    "conversion to version 2 does it, where other metrics are known; see test_convert_autoscaling.c")
ROW("autoscaling", "HorizontalPodAutoscaler", "spec.minReplicas", AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, "{}",
    "/spec/minReplicas", "1", "{'spec':{'minReplicas':0}}", "0")
ROW("autoscaling", "HorizontalPodAutoscaler", "spec.metrics", AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, "{}",
    "/spec/metrics",
    "[{'type':'Resource','resource':{'name':'cpu','target':{'type':'Utilization','averageUtilization':80}}}]",
    "{'spec':{'metrics':[{'type':'Pods'}]}}", "[{'type':'Pods'}]")
ROW("autoscaling", "HorizontalPodAutoscaler", "spec.behavior.scaleUp", AUTOSCALING_HORIZONTAL_POD_AUTOSCALER,
    "{'spec':{'behavior':{}}}", "/spec/behavior/scaleUp",
    "{'stabilizationWindowSeconds':0,'selectPolicy':'Max','policies':[{'type':'Pods','value':4,'"
    "periodSeconds':15},"
    "{'type':'Percent','value':100,'periodSeconds':15}]}",
    "{}", NULL)
ROW("autoscaling", "HorizontalPodAutoscaler", "spec.behavior.scaleDown",
    AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, "{'spec':{'behavior':{'scaleDown':{'selectPolicy':'Disabled'}}}}",
    "/spec/behavior/scaleDown",
    "{'selectPolicy':'Disabled','policies':[{'type':'Percent','value':100,'periodSeconds':15}]}", "{}", NULL)
ROW("networking.k8s.io", "NetworkPolicy", "spec.policyTypes", NETWORKING_NETWORK_POLICY, "{}",
    "/spec/policyTypes", "['Ingress']", "{'spec':{'egress':[{}]}}", "['Ingress','Egress']")
ROW("networking.k8s.io", "NetworkPolicyPort", "protocol", NETWORKING_NETWORK_POLICY_PORT, "{}", "/protocol",
    "'TCP'", "{'protocol':'UDP'}", "'UDP'")
ROW("networking.k8s.io", "IngressClass", "spec.parameters.scope", NETWORKING_INGRESS_CLASS,
    "{'spec':{'parameters':{'kind':'k','name':'n'}}}", "/spec/parameters/scope", "'Cluster'", "{}", NULL)
ROW("rbac.authorization.k8s.io", "RoleBinding", "roleRef.apiGroup", RBAC_ROLE_BINDING, "{}",
    "/roleRef/apiGroup", "'rbac.authorization.k8s.io'", "{'roleRef':{'apiGroup':'g'}}", "'g'")
ROW("rbac.authorization.k8s.io", "Subject", "apiGroup", RBAC_SUBJECT, "{'kind':'User'}", "/apiGroup",
    "'rbac.authorization.k8s.io'", "{'kind':'ServiceAccount'}", NULL)
ROW("storage.k8s.io", "StorageClass", "reclaimPolicy", STORAGE_STORAGE_CLASS, "{}", "/reclaimPolicy",
    "'Delete'", "{'reclaimPolicy':'Retain'}", "'Retain'")
ROW("storage.k8s.io", "StorageClass", "volumeBindingMode", STORAGE_STORAGE_CLASS, "{}", "/volumeBindingMode",
    "'Immediate'", "{'volumeBindingMode':'WaitForFirstConsumer'}", "'WaitForFirstConsumer'")
ROW("storage.k8s.io", "CSIDriver", "spec.attachRequired", STORAGE_CSI_DRIVER, "{}", "/spec/attachRequired",
    "true", "{'spec':{'attachRequired':false}}", "false")
ROW("storage.k8s.io", "CSIDriver", "spec.podInfoOnMount", STORAGE_CSI_DRIVER, "{}", "/spec/podInfoOnMount",
    "false", "{'spec':{'podInfoOnMount':true}}", "true")
ROW("storage.k8s.io", "CSIDriver", "spec.storageCapacity", STORAGE_CSI_DRIVER, "{}", "/spec/storageCapacity",
    "false", "{'spec':{'storageCapacity':true}}", "true")
ROW("storage.k8s.io", "CSIDriver", "spec.fsGroupPolicy", STORAGE_CSI_DRIVER, "{}", "/spec/fsGroupPolicy",
    "'ReadWriteOnceWithFSType'", "{'spec':{'fsGroupPolicy':'File'}}", "'File'")
ROW("storage.k8s.io", "CSIDriver", "spec.volumeLifecycleModes", STORAGE_CSI_DRIVER, "{}",
    "/spec/volumeLifecycleModes", "['Persistent']", "{'spec':{'volumeLifecycleModes':['Ephemeral']}}",
    "['Ephemeral']")
ROW("storage.k8s.io", "CSIDriver", "spec.requiresRepublish", STORAGE_CSI_DRIVER, "{}",
    "/spec/requiresRepublish", "false", "{'spec':{'requiresRepublish':true}}", "true")
ROW("storage.k8s.io", "CSIDriver", "spec.seLinuxMount", STORAGE_CSI_DRIVER, "{}", "/spec/seLinuxMount",
    "false", "{'spec':{'seLinuxMount':true}}", "true")
NOT("storage.k8s.io", "CSIDriver", "spec.preventPodSchedulingIfMissing", "the gate VolumeLimitScaling is off")
ROW("scheduling.k8s.io", "PriorityClass", "preemptionPolicy", SCHEDULING_PRIORITY_CLASS, "{}",
    "/preemptionPolicy", "'PreemptLowerPriority'", "{'preemptionPolicy':'Never'}", "'Never'")
ROW("discovery.k8s.io", "EndpointPort", "name", DISCOVERY_ENDPOINT_PORT, "{}", "/name", "''", "{'name':'n'}",
    "'n'")
ROW("discovery.k8s.io", "EndpointPort", "protocol", DISCOVERY_ENDPOINT_PORT, "{}", "/protocol", "'TCP'",
    "{'protocol':'UDP'}", "'UDP'")
ROW("authentication.k8s.io", "TokenRequest", "spec.expirationSeconds", AUTHENTICATION_TOKEN_REQUEST, "{}",
    "/spec/expirationSeconds", "3600", "{'spec':{'expirationSeconds':600}}", "600")
ROW("admissionregistration.k8s.io", "ValidatingWebhook", "failurePolicy",
    ADMISSIONREGISTRATION_VALIDATING_WEBHOOK, "{}", "/failurePolicy", "'Fail'", "{'failurePolicy':'Ignore'}",
    "'Ignore'")
ROW("admissionregistration.k8s.io", "ValidatingWebhook", "matchPolicy",
    ADMISSIONREGISTRATION_VALIDATING_WEBHOOK, "{}", "/matchPolicy", "'Equivalent'", "{'matchPolicy':'Exact'}",
    "'Exact'")
ROW("admissionregistration.k8s.io", "ValidatingWebhook", "namespaceSelector",
    ADMISSIONREGISTRATION_VALIDATING_WEBHOOK, "{}", "/namespaceSelector", "{}",
    "{'namespaceSelector':{'matchLabels':{'a':'b'}}}", "{'matchLabels':{'a':'b'}}")
ROW("admissionregistration.k8s.io", "ValidatingWebhook", "objectSelector",
    ADMISSIONREGISTRATION_VALIDATING_WEBHOOK, "{}", "/objectSelector", "{}",
    "{'objectSelector':{'matchLabels':{'a':'b'}}}", "{'matchLabels':{'a':'b'}}")
ROW("admissionregistration.k8s.io", "ValidatingWebhook", "timeoutSeconds",
    ADMISSIONREGISTRATION_VALIDATING_WEBHOOK, "{}", "/timeoutSeconds", "10", "{'timeoutSeconds':5}", "5")
ROW("admissionregistration.k8s.io", "MutatingWebhook", "failurePolicy",
    ADMISSIONREGISTRATION_MUTATING_WEBHOOK, "{}", "/failurePolicy", "'Fail'", "{'failurePolicy':'Ignore'}",
    "'Ignore'")
ROW("admissionregistration.k8s.io", "MutatingWebhook", "matchPolicy", ADMISSIONREGISTRATION_MUTATING_WEBHOOK,
    "{}", "/matchPolicy", "'Equivalent'", "{'matchPolicy':'Exact'}", "'Exact'")
ROW("admissionregistration.k8s.io", "MutatingWebhook", "namespaceSelector",
    ADMISSIONREGISTRATION_V1BETA1_MUTATING_WEBHOOK, "{}", "/namespaceSelector", "{}",
    "{'namespaceSelector':{'matchLabels':{'a':'b'}}}", "{'matchLabels':{'a':'b'}}")
ROW("admissionregistration.k8s.io", "MutatingWebhook", "objectSelector",
    ADMISSIONREGISTRATION_MUTATING_WEBHOOK, "{}", "/objectSelector", "{}",
    "{'objectSelector':{'matchLabels':{'a':'b'}}}", "{'matchLabels':{'a':'b'}}")
ROW("admissionregistration.k8s.io", "MutatingWebhook", "timeoutSeconds",
    ADMISSIONREGISTRATION_MUTATING_WEBHOOK, "{}", "/timeoutSeconds", "10", "{'timeoutSeconds':5}", "5")
ROW("admissionregistration.k8s.io", "MutatingWebhook", "reinvocationPolicy",
    ADMISSIONREGISTRATION_MUTATING_WEBHOOK, "{}", "/reinvocationPolicy", "'Never'",
    "{'reinvocationPolicy':'IfNeeded'}", "'IfNeeded'")
ROW("admissionregistration.k8s.io", "Rule", "scope", ADMISSIONREGISTRATION_RULE_WITH_OPERATIONS, "{}",
    "/scope", "'*'", "{'scope':'Cluster'}", "'Cluster'")
ROW("admissionregistration.k8s.io", "ServiceReference", "port", ADMISSIONREGISTRATION_SERVICE_REFERENCE, "{}",
    "/port", "443", "{'port':80}", "80")
ROW("admissionregistration.k8s.io", "ValidatingAdmissionPolicySpec", "failurePolicy",
    ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY_SPEC, "{}", "/failurePolicy", "'Fail'",
    "{'failurePolicy':'Ignore'}", "'Ignore'")
ROW("admissionregistration.k8s.io", "MutatingAdmissionPolicySpec", "failurePolicy",
    ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY_SPEC, "{}", "/failurePolicy", "'Fail'",
    "{'failurePolicy':'Ignore'}", "'Ignore'")
ROW("admissionregistration.k8s.io", "MatchResources", "matchPolicy", ADMISSIONREGISTRATION_MATCH_RESOURCES,
    "{}", "/matchPolicy", "'Equivalent'", "{'matchPolicy':'Exact'}", "'Exact'")
ROW("admissionregistration.k8s.io", "MatchResources", "namespaceSelector",
    ADMISSIONREGISTRATION_V1BETA1_MATCH_RESOURCES, "{}", "/namespaceSelector", "{}",
    "{'namespaceSelector':{'matchLabels':{'a':'b'}}}", "{'matchLabels':{'a':'b'}}")
ROW("admissionregistration.k8s.io", "MatchResources", "objectSelector",
    ADMISSIONREGISTRATION_V1ALPHA1_MATCH_RESOURCES, "{}", "/objectSelector", "{}",
    "{'objectSelector':{'matchLabels':{'a':'b'}}}", "{'matchLabels':{'a':'b'}}")
ROW("apiextensions.k8s.io", "CustomResourceDefinition", "spec.names.singular",
    APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, "{'spec':{'names':{'kind':'MyKind'}}}", "/spec/names/singular",
    "'mykind'", "{'spec':{'names':{'kind':'MyKind','singular':'mine'}}}", "'mine'")
ROW("apiextensions.k8s.io", "CustomResourceDefinition", "spec.names.listKind",
    APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, "{'spec':{'names':{'kind':'MyKind'}}}", "/spec/names/listKind",
    "'MyKindList'", "{}", NULL)
ROW("apiextensions.k8s.io", "CustomResourceDefinition", "spec.conversion",
    APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, "{}", "/spec/conversion", "{'strategy':'None'}",
    "{'spec':{'conversion':{'strategy':'Webhook'}}}", "{'strategy':'Webhook'}")
ROW("apiextensions.k8s.io", "CustomResourceDefinition", "status.storedVersions",
    APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION,
    "{'spec':{'versions':[{'name':'v1','storage':false},{'name':'v2','storage':true}]}}",
    "/status/storedVersions", "['v2']",
    "{'spec':{'versions':[{'name':'v2','storage':true}]},'status':{'storedVersions':['v1']}}", "['v1']")
ROW("apiextensions.k8s.io", "ServiceReference", "port", APIEXTENSIONS_SERVICE_REFERENCE, "{}", "/port", "443",
    "{'port':80}", "80")
ROW("apiregistration.k8s.io", "ServiceReference", "port", APIREGISTRATION_SERVICE_REFERENCE, "{}", "/port",
    "443", "{'port':80}", "80")
ROW("flowcontrol.apiserver.k8s.io", "FlowSchema", "spec.matchingPrecedence", FLOWCONTROL_FLOW_SCHEMA, "{}",
    "/spec/matchingPrecedence", "1000", "{'spec':{'matchingPrecedence':5}}", "5")
ROW("flowcontrol.apiserver.k8s.io", "ExemptPriorityLevelConfiguration", "nominalConcurrencyShares",
    FLOWCONTROL_EXEMPT_PRIORITY_LEVEL_CONFIGURATION, "{}", "/nominalConcurrencyShares", "0",
    "{'nominalConcurrencyShares':5}", "5")
ROW("flowcontrol.apiserver.k8s.io", "ExemptPriorityLevelConfiguration", "lendablePercent",
    FLOWCONTROL_EXEMPT_PRIORITY_LEVEL_CONFIGURATION, "{}", "/lendablePercent", "0", "{'lendablePercent':5}",
    "5")
ROW("flowcontrol.apiserver.k8s.io", "LimitedPriorityLevelConfiguration", "nominalConcurrencyShares",
    FLOWCONTROL_LIMITED_PRIORITY_LEVEL_CONFIGURATION, "{}", "/nominalConcurrencyShares", "30",
    "{'nominalConcurrencyShares':0}", "0")
ROW("flowcontrol.apiserver.k8s.io", "LimitedPriorityLevelConfiguration", "lendablePercent",
    FLOWCONTROL_LIMITED_PRIORITY_LEVEL_CONFIGURATION, "{}", "/lendablePercent", "0", "{'lendablePercent':5}",
    "5")
ROW("flowcontrol.apiserver.k8s.io", "QueuingConfiguration", "handSize", FLOWCONTROL_QUEUING_CONFIGURATION,
    "{}", "/handSize", "8", "{'handSize':5}", "5")
ROW("flowcontrol.apiserver.k8s.io", "QueuingConfiguration", "queues", FLOWCONTROL_QUEUING_CONFIGURATION, "{}",
    "/queues", "64", "{'queues':5}", "5")
ROW("flowcontrol.apiserver.k8s.io", "QueuingConfiguration", "queueLengthLimit",
    FLOWCONTROL_QUEUING_CONFIGURATION, "{}", "/queueLengthLimit", "50", "{'queueLengthLimit':5}", "5")
ROW("resource.k8s.io", "ExactDeviceRequest", "allocationMode", RESOURCE_EXACT_DEVICE_REQUEST, "{}",
    "/allocationMode", "'ExactCount'", "{'allocationMode':'All'}", "'All'")
ROW("resource.k8s.io", "ExactDeviceRequest", "count", RESOURCE_DEVICE_SUB_REQUEST, "{}", "/count", "1",
    "{'allocationMode':'All'}", NULL)
ROW("resource.k8s.io", "DeviceTaint", "timeAdded", RESOURCE_DEVICE_TAINT, "{}", "/timeAdded",
    "'2023-11-14T22:13:20Z'", "{'timeAdded':'2001-01-01T00:00:00Z'}", "'2001-01-01T00:00:00Z'")
ROW("resource.k8s.io", "DeviceToleration", "operator", RESOURCE_DEVICE_TOLERATION, "{}", "/operator",
    "'Equal'", "{'operator':'Exists'}", "'Exists'")
ROW("resource.k8s.io", "Device", "nodeAllocatableResourceMappings[].allocationMultiplier", RESOURCE_DEVICE,
    "{'nodeAllocatableResourceMappings':{'cpu':{'capacityKey':'c'}}}",
    "/nodeAllocatableResourceMappings/cpu/allocationMultiplier", "'1'",
    "{'nodeAllocatableResourceMappings':{'cpu':{'allocationMultiplier':'2'}}}", "'2'")
ROW("networking.k8s.io", "HTTPIngressPath", "pathType", NETWORKING_V1BETA1_HTTP_INGRESS_PATH, "{}",
    "/pathType", "'ImplementationSpecific'", "{'pathType':'Exact'}", "'Exact'")
NOT("certificates.k8s.io", "CertificateSigningRequest", "-", "there is no defaulting")
NOT("policy", "PodDisruptionBudget", "-", "there is no defaulting")
