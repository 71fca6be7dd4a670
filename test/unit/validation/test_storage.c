/* api/validation: classes, attachments and drivers of volumes. */
#include "valid.h"

static const char class[] = "{'metadata':{'name':'n'},'provisioner':'a.b/c','reclaimPolicy':'Delete',"
                            "'volumeBindingMode':'Immediate','parameters':{'k':'v'}}";
#define CLASS(edits, expected) assert_create(KIND_STORAGE_STORAGE_CLASS, class, edits, expected)
#define CLASS_UPDATE(new, expected) assert_update(KIND_STORAGE_STORAGE_CLASS, class, "", new, expected)

TEST(test_storage_class__provisioner_is_a_name) {
    CLASS("", "");
    CLASS("provisioner = 'A.b/C'", "");
    CLASS("provisioner = ''", "provisioner: Required value");
    CLASS("provisioner = 'a b'", "provisioner: Invalid value: \"a b\": *");
    CLASS_UPDATE("provisioner = 'x'", "provisioner: Forbidden: *");
}

TEST(test_storage_class__parameters_have_keys) {
    CLASS("parameters[] = 'x'", "parameters: Invalid value: \"\": *");
    CLASS_UPDATE("parameters.k = 'w'", "parameters: Forbidden: *");
    CLASS_UPDATE("allowVolumeExpansion = true", "");
}

TEST(test_storage_class__policies_are_known) {
    CLASS("reclaimPolicy = 'Recycle'", "reclaimPolicy: Unsupported value: \"Recycle\": *");
    CLASS_UPDATE("reclaimPolicy = 'Retain'", "reclaimPolicy: Forbidden: *");
    CLASS("volumeBindingMode = -", "volumeBindingMode: Required value");
    CLASS("volumeBindingMode = 'x'", "volumeBindingMode: Unsupported value: \"x\": *");
    CLASS_UPDATE("volumeBindingMode = 'WaitForFirstConsumer'", "volumeBindingMode: Invalid value: *");
}

TEST(test_storage_class__topologies_are_unique) {
#define TERMS(json) "allowedTopologies = [" json "]"
#define TERM(json) TERMS("{'matchLabelExpressions':[" json "]}")
#define AT "allowedTopologies[0].matchLabelExpressions"
    CLASS(TERM("{'key':'a','values':['b','c']},{'key':'b','values':['b']}"), "");
    CLASS(TERM("{'key':'a','values':[]}"), AT "[0].values: Required value");
    CLASS(TERM("{'key':'a b','values':['c','c']}"),
          AT "[0].values[1]: Duplicate value: \"c\"\n" AT "[0].key: Invalid value: \"a b\": *");
    CLASS(TERM("{'key':'a','values':['b']},{'key':'a','values':['c']}"),
          AT "[1].key: Duplicate value: \"a\"");
    CLASS(TERMS("{'matchLabelExpressions':[{'key':'a','values':['b','c']}]},"
                "{'matchLabelExpressions':[{'key':'a','values':['c','b']}]}"),
          "allowedTopologies[1].matchLabelExpressions: Duplicate value: \"\"");
#undef AT
#undef TERM
#undef TERMS
}

TEST(test_volume_attributes_class__stays) {
    static const char base[] = "{'metadata':{'name':'n'},'driverName':'a.b','parameters':{'k':'v'}}";
    const uint32_t kind = KIND_STORAGE_VOLUME_ATTRIBUTES_CLASS;
    assert_create(kind, base, "", "");
    assert_create(kind, base, "driverName = ''", "driverName: Required value");
    assert_create(kind, base, "parameters = {}", "parameters: Required value: *");
    assert_update(kind, base, "", "driverName = 'x' ;; parameters.k = 'w'",
                  "driverName: Forbidden: *\nparameters: Forbidden: *");
}

static const char attachment[] = "{'metadata':{'name':'n'},'spec':{'attacher':'a.b','source':{'"
                                 "persistentVolumeName':'v'},'nodeName':'n'}}";
#define ATTACHMENT(edits, expected) assert_create(KIND_STORAGE_VOLUME_ATTACHMENT, attachment, edits, expected)

TEST(test_volume_attachment__spec_is_complete_and_stays) {
    ATTACHMENT("", "");
    ATTACHMENT("spec.attacher = ''", "spec.attacher: Required value");
    ATTACHMENT("spec.attacher = 'a_b'", "spec.attacher: Invalid value: \"a_b\": *");
    ATTACHMENT("spec.source = {}", "spec.source: Required value: *");
    ATTACHMENT("spec.source = {'persistentVolumeName':''}",
               "spec.source.persistentVolumeName: Required value");
    ATTACHMENT("spec.source.inlineVolumeSpec = {}", "spec.source: Forbidden: *");
    ATTACHMENT("spec.nodeName = 'A'", "spec.nodeName: Invalid value: \"A\": *");
    assert_update(KIND_STORAGE_VOLUME_ATTACHMENT, attachment, "", "spec.nodeName = 'm'",
                  "spec: Invalid value: *");
}

TEST(test_volume_attachment__errors_are_short) {
    char edits[1200] = "status.attachError.message = '";
    size_t n = strlen(edits);
    memset(edits + n, 'x', 1025);
    memcpy(edits + n + 1025, "'", 2);
    assert_status_update(KIND_STORAGE_VOLUME_ATTACHMENT, attachment, "", edits,
                         "status.attachError.message: Too long: *");
    memcpy(edits + n + 1024, "'", 2);
    assert_status_update(KIND_STORAGE_VOLUME_ATTACHMENT, attachment, "", edits, "");
}

static const char driver[] =
    "{'metadata':{'name':'a.b'},'spec':{'attachRequired':true,'podInfoOnMount':false,"
    "'storageCapacity':true,'volumeLifecycleModes':['Persistent']}}";
#define DRIVER(edits, expected) assert_create(KIND_STORAGE_CSI_DRIVER, driver, edits, expected)
#define DRIVER_UPDATE(new, expected) assert_update(KIND_STORAGE_CSI_DRIVER, driver, "", new, expected)

TEST(test_csi_driver__flags_are_set) {
    DRIVER("", "");
    DRIVER("metadata.name = 'A.b'", "");
    DRIVER("metadata.name = 'a_b'", "metadata.name: Invalid value: \"a_b\": *");
    DRIVER("spec = {}", "spec.attachRequired: Required value\nspec.podInfoOnMount: Required value\n"
                        "spec.storageCapacity: Required value");
    DRIVER_UPDATE("spec.attachRequired = false", "spec.attachRequired: Invalid value: false: *");
    DRIVER_UPDATE("spec.podInfoOnMount = true ;; spec.storageCapacity = false", "");
}

TEST(test_csi_driver__modes_and_policies_are_known) {
    DRIVER("spec.fsGroupPolicy = 'File'", "");
    DRIVER("spec.fsGroupPolicy = 'x'", "spec.fsGroupPolicy: Unsupported value: \"x\": *");
    DRIVER("spec.volumeLifecycleModes = ['x']", "spec.volumeLifecycleModes[0]: Unsupported value: \"x\": *");
    DRIVER_UPDATE("spec.volumeLifecycleModes = ['Ephemeral']", "spec.volumeLifecycleModes: Invalid value: *");
}

TEST(test_csi_driver__tokens_have_lifetimes) {
    DRIVER("spec.tokenRequests = [{'audience':'a','expirationSeconds':600},{'audience':'b',"
           "'expirationSeconds':4294967296}] ;; spec.serviceAccountTokenInSecrets = true",
           "");
    DRIVER("spec.tokenRequests = [{'audience':'a','expirationSeconds':599},{'audience':'a',"
           "'expirationSeconds':4294967297}]",
           "spec.tokenRequests[0].expirationSeconds: Invalid value: 599: *\n"
           "spec.tokenRequests[1].audience: Duplicate value: \"a\"\n"
           "spec.tokenRequests[1].expirationSeconds: Invalid value: 4294967297: *");
    DRIVER("spec.serviceAccountTokenInSecrets = true",
           "spec.serviceAccountTokenInSecrets: Invalid value: true: *");
}

TEST(test_csi_driver__allocatable_period_is_long_enough) {
    DRIVER("spec.nodeAllocatableUpdatePeriodSeconds = 10", "");
    DRIVER("spec.nodeAllocatableUpdatePeriodSeconds = 9",
           "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: *");
}

TEST(test_csi_node__drivers_are_unique_and_stay) {
    static const char base[] = "{'metadata':{'name':'n'},'spec':{'drivers':[{'name':'a.b','nodeID':'i',"
                               "'topologyKeys':['k'],'allocatable':{'count':1}}]}}";
    const uint32_t kind = KIND_STORAGE_CSI_NODE;
    assert_create(kind, base, "", "");
    assert_create(kind, base, "spec.drivers[1] = {'name':'a.b','nodeID':'i','topologyKeys':null}",
                  "spec.drivers[1].name: Duplicate value: \"a.b\"");
    assert_create(kind, base, "spec.drivers[0] = {'name':'','nodeID':'','topologyKeys':['','a b','c','c']}",
                  "spec.drivers[0].name: Required value\nspec.drivers[0].nodeID: Required value\n"
                  "spec.drivers[0].topologyKeys: Required value\n"
                  "spec.drivers[0].topologyKeys: Invalid value: \"a b\": *\n"
                  "spec.drivers[0].topologyKeys: Duplicate value: \"c\"");
    assert_create(kind, base, "spec.drivers[0].allocatable.count = -1",
                  "spec.drivers[0].allocatable.count: Invalid value: -1: *");
    assert_update(kind, base, "", "spec.drivers[0].allocatable.count = 2", "");
    assert_update(kind, base, "", "spec.drivers = []", "");
    assert_update(kind, base, "", "spec.drivers[0].nodeID = 'j'", "spec.drivers: Invalid value: *");
}

TEST(test_csi_storage_capacity__place_stays) {
    static const char base[] = "{'metadata':{'name':'n','namespace':'ns'},'storageClassName':'c','capacity':'"
                               "1Gi','nodeTopology':{}}";
    const uint32_t kind = KIND_STORAGE_CSI_STORAGE_CAPACITY;
    assert_create(kind, base, "", "");
    assert_create(kind, base, "storageClassName = 'A' ;; capacity = '-1' ;; maximumVolumeSize = '-2'",
                  "storageClassName: Invalid value: \"A\": *\ncapacity: Invalid value: \"-1\": *\n"
                  "maximumVolumeSize: Invalid value: \"-2\": *");
    assert_update(kind, base, "", "capacity = '2Gi'", "");
    assert_update(kind, base, "", "storageClassName = 'd' ;; nodeTopology.matchLabels.a = 'b'",
                  "nodeTopology: Invalid value: *\nstorageClassName: Invalid value: \"d\": *");
}
