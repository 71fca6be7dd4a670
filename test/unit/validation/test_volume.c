/* api/validation: PersistentVolume and PersistentVolumeClaim. */
#include "base/arena.h"
#include "valid.h"

static const char volume[] =
    "{'metadata':{'name':'v'},'spec':{'capacity':{'storage':'1Gi'},'accessModes':['ReadWriteOnce'],"
    "'persistentVolumeReclaimPolicy':'Retain','volumeMode':'Filesystem',"
    "'csi':{'driver':'d','volumeHandle':'h'}},'status':{'phase':'Pending'}}";
static const char claim[] =
    "{'metadata':{'name':'c','namespace':'ns'},'spec':{'accessModes':['ReadWriteOnce'],"
    "'resources':{'requests':{'storage':'10Gi'}},'volumeMode':'Filesystem','storageClassName':'fast'},"
    "'status':{'phase':'Bound'}}";

#define PV(edits, expected) assert_create(KIND_CORE_PERSISTENT_VOLUME, volume, edits, expected)
#define PV_UPDATE(old, new, expected) assert_update(KIND_CORE_PERSISTENT_VOLUME, volume, old, new, expected)
#define PVC(edits, expected) assert_create(KIND_CORE_PERSISTENT_VOLUME_CLAIM, claim, edits, expected)
#define PVC_UPDATE(old, new, expected)                                                                       \
    assert_update(KIND_CORE_PERSISTENT_VOLUME_CLAIM, claim, old, new, expected)
#define PVC_STATUS(new, expected)                                                                            \
    assert_status_update(KIND_CORE_PERSISTENT_VOLUME_CLAIM, claim, "", new, expected)

#define MODES "supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\""

/* ---- volumes ---- */

TEST(test_volume__plain_one_is_fine) {
    PV("", "");
    PV_UPDATE("", "", "");
    PV("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_volume__access_modes_are_known) {
    PV("spec.accessModes = ['ReadWriteOncePod']", "");
    PV("spec.accessModes = []", "spec.accessModes: Required value: *");
    PV("spec.accessModes = ['x']", "spec.accessModes: Unsupported value: \"x\": " MODES);
    PV("spec.accessModes = ['ReadWriteOncePod','ReadOnlyMany']", "spec.accessModes: Forbidden: *");
}

TEST(test_volume__capacity_is_storage) {
    PV("spec.capacity = -", "spec.capacity: Required value\nspec.capacity: Unsupported value: *");
    PV("spec.capacity = {'cpu':'1'}",
       "spec.capacity: Unsupported value: \"cpu\": supported values: \"storage\"");
    PV("spec.capacity = {'storage':'0'}",
       "spec.capacity[storage]: Invalid value: \"0\": must be greater than zero");
}

TEST(test_volume__reclaim_policy_is_known) {
    PV("spec.persistentVolumeReclaimPolicy = 'x'",
       "spec.persistentVolumeReclaimPolicy: Unsupported value: \"x\": supported values: \"Delete\", "
       "\"Recycle\", \"Retain\"");
    PV("spec.csi = - ;; spec.hostPath = {'path':'/a'} ;; spec.persistentVolumeReclaimPolicy = 'Recycle'", "");
    PV("spec.csi = - ;; spec.hostPath = {'path':'/./'} ;; spec.persistentVolumeReclaimPolicy = 'Recycle'",
       "spec.persistentVolumeReclaimPolicy: Forbidden: *");
    PV("spec.csi = - ;; spec.hostPath = {'path':'/'} ;; spec.persistentVolumeReclaimPolicy = 'Retain'", "");
}

TEST(test_volume__has_one_source) {
    PV("spec.csi = -", "spec: Required value: must specify a volume type");
    PV("spec.nfs = {'server':'s','path':'/'}",
       "spec.csi: Forbidden: may not specify more than 1 volume type");
}

#define LOCAL "spec.csi = - ;; spec.local = {'path':'/a'} ;; "
#define TERMS "{'nodeSelectorTerms':[{'matchExpressions':[{'key':'a','operator':'Exists'}]}]}"

TEST(test_volume__node_affinity_is_required_where_it_matters) {
    PV(LOCAL "spec.nodeAffinity = {'required':" TERMS "}", "");
    PV("spec.csi = - ;; spec.local = {'path':'/a'}", "spec.nodeAffinity: Required value: *");
    PV("spec.nodeAffinity = {}", "spec.nodeAffinity.required: Required value: *");
    PV("spec.nodeAffinity = {'required':{'nodeSelectorTerms':[]}}",
       "spec.nodeAffinity.required.nodeSelectorTerms: Required value: *");
    PV(LOCAL "spec.local.path = '/a/../b' ;; spec.nodeAffinity = {'required':" TERMS "}",
       "spec.local.path: Invalid value: *");
}

#define AT(key)                                                                                              \
    "spec.nodeAffinity = {'required':{'nodeSelectorTerms':[{'matchExpressions':[{'key':'" key                \
    "','operator':'Exists'}]}]}}"

TEST(test_volume__node_affinity_is_set_once) {
    PV_UPDATE("", AT("a"), "");
    PV_UPDATE(AT("a"), AT("b"), "spec.nodeAffinity: Invalid value: *");
    PV_UPDATE(AT("a"), "spec.nodeAffinity = -", "spec.nodeAffinity: Invalid value: null: *");
    PV_UPDATE(AT("failure-domain.beta.kubernetes.io/zone"), AT("topology.kubernetes.io/zone"), "");
    PV_UPDATE(AT("topology.kubernetes.io/zone"), AT("failure-domain.beta.kubernetes.io/zone"),
              "spec.nodeAffinity: Invalid value: *");
}

TEST(test_volume__class_is_a_subdomain) {
    PV("spec.storageClassName = 'a.b'", "");
    PV("spec.storageClassName = 'A'", "spec.storageClassName: Invalid value: \"A\": *");
}

TEST(test_volume__mode_is_known_and_fixed) {
    PV("spec.volumeMode = 'x'",
       "spec.volumeMode: Unsupported value: \"x\": supported values: \"Block\", \"Filesystem\"");
    PV_UPDATE("", "spec.volumeMode = 'Block'",
              "spec.volumeMode: Invalid value: \"Block\": field is immutable");
}

TEST(test_volume__attributes_class_goes_with_csi) {
    PV("spec.volumeAttributesClassName = 'a'", "");
    PV("spec.volumeAttributesClassName = ''", "spec.volumeAttributesClassName: Required value: *");
    PV("spec.volumeAttributesClassName = 'A'", "spec.volumeAttributesClassName: Invalid value: \"A\": *");
    PV("spec.csi = - ;; spec.nfs = {'server':'s','path':'/'} ;; spec.volumeAttributesClassName = 'a'",
       "spec.csi: Required value: *");
    PV_UPDATE("spec.volumeAttributesClassName = 'a'", "spec.volumeAttributesClassName = -",
              "spec.volumeAttributesClassName: Forbidden: *");
}

TEST(test_volume__csi_volumes_are_identified) {
    PV("spec.csi = {}", "spec.csi.driver: Required value\nspec.csi.volumeHandle: Required value");
    PV("spec.csi.driver = '0123456789012345678901234567890123456789012345678901234567890123'",
       "spec.csi.driver: Too long: may not be more than 63 bytes");
}

TEST(test_volume__csi_secrets_are_complete) {
    PV("spec.csi.nodeStageSecretRef = {'name':'a','namespace':'b'}", "");
    PV("spec.csi.controllerPublishSecretRef = {} ;; spec.csi.nodePublishSecretRef = "
       "{'name':'A','namespace':'a.b'}",
       "spec.csi.controllerPublishSecretRef.name: Required "
       "value\nspec.csi.controllerPublishSecretRef.namespace: Required value\n"
       "spec.csi.nodePublishSecretRef.name: Invalid value: \"A\": "
       "*\nspec.csi.nodePublishSecretRef.namespace: Invalid value: \"a.b\": *");
    PV("spec.csi.controllerExpandSecretRef = {'name':'a'} ;; spec.csi.nodeExpandSecretRef = "
       "{'namespace':'b'} ;; spec.csi.nodeStageSecretRef = {'name':'a'}",
       "spec.csi.controllerExpandSecretRef.namespace: Required value\nspec.csi.nodeStageSecretRef.namespace: "
       "Required value\n"
       "spec.csi.nodeExpandSecretRef.name: Required value");
}

TEST(test_volume__source_is_fixed) {
    PV_UPDATE("", "spec.csi.volumeHandle = 'x'", "spec.persistentvolumesource: Forbidden: *");
    PV_UPDATE("", "spec.csi = - ;; spec.nfs = {'server':'s','path':'/'}",
              "spec.persistentvolumesource: Forbidden: *");
    PV_UPDATE("", "spec.csi.controllerExpandSecretRef = {'name':'a','namespace':'b'}", "");
    PV_UPDATE("spec.csi.controllerExpandSecretRef = {'name':'a','namespace':'b'}",
              "spec.csi.controllerExpandSecretRef.name = 'c'", "spec.persistentvolumesource: Forbidden: *");
    PV_UPDATE("", "spec.capacity.storage = '2Gi' ;; spec.claimRef = {'name':'c'}", "");
}

TEST(test_volume__sources_of_volumes_name_namespaces) {
    PV("spec.csi = - ;; spec.iscsi = "
       "{'targetPortal':'p','iqn':'eui.0123456789abcdef','lun':0,'chapAuthDiscovery':true,'secretRef':{}}",
       "spec.iscsi.secretRef.name: Required value");
    PV("spec.csi = - ;; spec.iscsi = "
       "{'targetPortal':'p','iqn':'eui.0123456789abcdef','lun':0,'chapAuthDiscovery':true}",
       "spec.iscsi.secretRef: Required value: *");
    PV("spec.csi = - ;; spec.cinder = {'volumeID':'v','secretRef':{}}",
       "spec.cinder.secretRef.name: Required value\nspec.cinder.secretRef.namespace: Required value");
    PV("spec.csi = - ;; spec.storageos = {'volumeName':'v','volumeNamespace':'A','secretRef':{}}",
       "spec.storageos.volumeNamespace: Invalid value: \"A\": *\nspec.storageos.secretRef.name: Required "
       "value\nspec.storageos.secretRef.namespace: Required value");
    PV("spec.csi = - ;; spec.glusterfs = {'endpoints':'e','path':'p','endpointsNamespace':'A'}",
       "spec.glusterfs.endpointsNamespace: Invalid value: \"A\": *");
    PV("spec.csi = - ;; spec.azureFile = {'secretName':'','shareName':'','secretNamespace':''}",
       "spec.azureFile.secretName: Required value\nspec.azureFile.shareName: Required "
       "value\nspec.azureFile.secretNamespace: Required value");
    PV("spec.csi = - ;; spec.rbd = {'monitors':[],'image':''}",
       "spec.rbd.monitors: Required value\nspec.rbd.image: Required value");
    PV("spec.csi = - ;; spec.cephfs = {'monitors':[]}", "spec.cephfs.monitors: Required value");
    PV("spec.csi = - ;; spec.flexVolume = {'driver':''}", "spec.flexVolume.driver: Required value");
    PV("spec.csi = - ;; spec.scaleIO = {'gateway':'','system':'','volumeName':''}",
       "spec.scaleIO.gateway: Required value\nspec.scaleIO.system: Required value\nspec.scaleIO.volumeName: "
       "Required value");
    PV("spec.csi = - ;; spec.iscsi = "
       "{'targetPortal':'01234567890123456789012345678901234567890123456789012345678901234',"
       "'iqn':'eui.0123456789abcdef','lun':0,'initiatorName':'eui.0123456789abcdef'}",
       "spec.iscsi.targetportal: Invalid value: *");
}

/* ---- claims ---- */

TEST(test_claim__plain_one_is_fine) {
    PVC("", "");
    PVC_UPDATE("", "", "");
    PVC_STATUS("", "");
    PVC("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_claim__access_modes_are_known) {
    PVC("spec.accessModes = []", "spec.accessModes: Required value: at least 1 access mode is required");
    PVC("spec.accessModes = ['x']", "spec.accessModes: Unsupported value: \"x\": " MODES);
    PVC("spec.accessModes = ['ReadWriteOncePod','ReadOnlyMany']", "spec.accessModes: Forbidden: *");
}

TEST(test_claim__size_is_positive) {
    PVC("spec.resources = {}", "spec.resources[storage]: Required value");
    PVC("spec.resources.requests.storage = '0'",
        "spec.resources[storage]: Invalid value: \"0\": must be greater than zero");
}

TEST(test_claim__class_is_a_subdomain) {
    PVC("spec.storageClassName = ''", "");
    PVC("spec.storageClassName = 'A'", "spec.storageClassName: Invalid value: \"A\": *");
    PVC("spec.volumeAttributesClassName = 'A'", "spec.volumeAttributesClassName: Invalid value: \"A\": *");
}

TEST(test_claim__mode_is_known_and_fixed) {
    PVC("spec.volumeMode = 'x'",
        "spec.volumeMode: Unsupported value: \"x\": supported values: \"Block\", \"Filesystem\"");
    PVC_UPDATE("", "spec.volumeMode = 'Block'",
               "spec: Forbidden: *\nspec.volumeMode: Invalid value: \"Block\": field is immutable");
}

TEST(test_claim__selector_is_checked) {
    PVC("spec.selector = {'matchLabels':{'a b':''}}", "spec.selector.matchLabels: Invalid value: \"a b\": *");
    PVC_UPDATE("spec.selector = {'matchExpressions':[{'key':'a','operator':'In','values':['x y']}]}", "", "");
}

TEST(test_claim__sources_are_complete_and_agree) {
    PVC("spec.dataSource = {'kind':'PersistentVolumeClaim','name':'x'} ;; spec.dataSourceRef = "
        "{'kind':'PersistentVolumeClaim','name':'x'}",
        "");
    PVC("spec.dataSource = {'kind':'','name':''}",
        "spec.dataSource.name: Required value\nspec.dataSource.kind: Required value\nspec.dataSource: "
        "Invalid value: \"\": *");
    PVC("spec.dataSource = {'kind':'Pod','name':'x'}", "spec.dataSource: Invalid value: \"Pod\": *");
    PVC("spec.dataSource = {'apiGroup':'A','kind':'Pod','name':'x'}",
        "spec.dataSource.apiGroup: Invalid value: \"A\": *");
    PVC("spec.dataSourceRef = {'apiGroup':'a.b','kind':'','name':'','namespace':'A'}",
        "spec.dataSourceRef.name: Required value\nspec.dataSourceRef.kind: Required "
        "value\nspec.dataSourceRef.namespace: Invalid value: \"A\": *");
    PVC("spec.dataSource = {'kind':'PersistentVolumeClaim','name':'x'} ;; spec.dataSourceRef = "
        "{'kind':'PersistentVolumeClaim','name':'y'}",
        "spec: Invalid value: \"dataSource\": must match dataSourceRef");
    PVC("spec.dataSource = {'kind':'PersistentVolumeClaim','name':'x'} ;; spec.dataSourceRef = "
        "{'kind':'PersistentVolumeClaim','name':'x','namespace':'n'}",
        "spec: Invalid value: \"dataSource\": *");
}

TEST(test_claim__spec_is_fixed) {
    PVC_UPDATE("", "spec.accessModes = ['ReadOnlyMany']", "spec: Forbidden: *");
    PVC_UPDATE("", "spec.volumeName = 'v'", "");
    PVC_UPDATE("spec.volumeName = 'v'", "spec.volumeName = 'w'", "spec: Forbidden: *");
    PVC_UPDATE("", "spec.storageClassName = 'other'", "spec: Forbidden: *");
    PVC_UPDATE("spec.storageClassName = -", "spec.storageClassName = 'other'", "");
    PVC_UPDATE("", "spec.resources.limits = {'storage':'20Gi'}", "spec: Forbidden: *");
}

TEST(test_claim__bound_ones_may_grow) {
    PVC_UPDATE("", "spec.resources.requests.storage = '20Gi'", "");
    PVC_UPDATE("", "spec.volumeAttributesClassName = 'a'", "");
    PVC_UPDATE("status.phase = 'Pending'", "spec.resources.requests.storage = '20Gi'", "spec: Forbidden: *");
    PVC_UPDATE("status.phase = 'Pending'", "spec.volumeAttributesClassName = 'a'", "spec: Forbidden: *");
}

TEST(test_claim__class_may_move_from_the_annotation) {
    const char *annotated =
        "spec.storageClassName = - ;; metadata.annotations[volume.beta.kubernetes.io/storage-class] = 'fast'";
    PVC_UPDATE(annotated, "metadata.annotations = - ;; spec.storageClassName = 'fast'", "");
    PVC_UPDATE(annotated, "spec.storageClassName = 'fast'", "");
    PVC_UPDATE(annotated, "spec.storageClassName = 'slow'", "spec: Forbidden: *");
    PVC_UPDATE(annotated, "metadata.annotations[volume.beta.kubernetes.io/storage-class] = 'slow'",
               "metadata.annotations: Invalid value: \"slow\": field is immutable");
}

TEST(test_claim__failed_growth_may_be_taken_back) {
    PVC_UPDATE("status.capacity = {'storage':'5Gi'}", "spec.resources.requests.storage = '6Gi'", "");
    PVC_UPDATE("status.capacity = {'storage':'5Gi'}", "spec.resources.requests.storage = '5Gi'",
               "spec.resources.requests.storage: Forbidden: *");
    PVC_UPDATE("status.capacity = {'storage':'10Gi'}", "spec.resources.requests.storage = '9Gi'",
               "spec.resources.requests.storage: Forbidden: *");
}

TEST(test_claim__attributes_class_is_kept_once_used) {
    const char *used =
        "spec.volumeAttributesClassName = 'a' ;; status.currentVolumeAttributesClassName = 'a'";
    PVC_UPDATE(used, "spec.volumeAttributesClassName = 'b'", "");
    PVC_UPDATE(used, "spec.volumeAttributesClassName = -", "spec.volumeAttributesClassName: Forbidden: *");
    PVC_UPDATE(used, "spec.volumeAttributesClassName = ''", "spec.volumeAttributesClassName: Forbidden: *");
    PVC_UPDATE("spec.volumeAttributesClassName = 'a'", "spec.volumeAttributesClassName = -", "");
}

TEST(test_claim_status__resize_states_are_known) {
    PVC_STATUS("status.allocatedResourceStatuses = "
               "{'storage':'NodeResizePending','example.com/x':'NodeResizeInfeasible'} ;; "
               "status.allocatedResources = {'storage':'1Gi'} ;; status.capacity = {'storage':'1Gi'}",
               "");
    PVC_STATUS("status.allocatedResourceStatuses = {'storage':'x'}",
               "status.allocatedResourceStatuses[storage]: Unsupported value: \"x\": supported values: "
               "\"ControllerResizeInProgress\", "
               "\"ControllerResizeInfeasible\", \"NodeResizePending\", \"NodeResizeInProgress\", "
               "\"NodeResizeInfeasible\"");
    PVC_STATUS(
        "status.allocatedResourceStatuses = {'cpu':'NodeResizePending'}",
        "status.allocatedResourceStatuses[cpu]: Unsupported value: \"cpu\": supported values: \"storage\"");
    PVC_STATUS("status.allocatedResources = {'a b':'-1'}",
               "status.allocatedResources[a b]: Invalid value: \"a b\": *\nstatus.allocatedResources[a b]: "
               "Invalid value: \"-1\": *");
    PVC_STATUS("status.capacity = {'storage':'-1'}", "status.capacity[storage]: Invalid value: \"-1\": *");
    PVC_STATUS("spec.accessModes = -", "spec.accessModes: Required value");
}
