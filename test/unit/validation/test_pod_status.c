/* api/validation: what a pod's status may say. */
#include "base/arena.h"
#include "pods.h"

#define ENDED(code) "status.containerStatuses = [{'name':'a','state':{'terminated':{'exitCode':" code "}}}]"
#define RUNS "status.containerStatuses = [{'name':'a','state':{'running':{}}}]"
#define BACK "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
#define NEVER "spec.restartPolicy = 'Never' ;; "

TEST(test_pod_status__quality_of_service_stays) {
    POD_STATUS("status.qosClass = 'Burstable'", "status.qosClass = 'Guaranteed'",
               "status.qosClass: Invalid value: \"Guaranteed\": field is immutable");
}

TEST(test_pod_status__the_node_is_not_changed_here) {
    POD_STATUS("", "spec.nodeName = 'n'", "status.nodeName: Forbidden: *");
}

TEST(test_pod_status__nominations_are_for_unbound_pods) {
    POD_STATUS("", "status.nominatedNodeName = 'n'", "");
    POD_STATUS("", "status.nominatedNodeName = 'N'", "status.nominatedNodeName: Invalid value: \"N\": *");
    POD_STATUS("spec.nodeName = 'n'", "status.nominatedNodeName = 'n'",
               "status.nominatedNodeName: Forbidden: *");
    POD_STATUS("spec.nodeName = 'n' ;; status.nominatedNodeName = 'n'", "status.nominatedNodeName = ''", "");
}

TEST(test_pod_status__generations_are_not_negative) {
    POD_STATUS("", "status.observedGeneration = -1", "status.observedGeneration: Invalid value: -1: *");
    POD_STATUS("", "status.conditions = [{'type':'Ready','status':'True','observedGeneration':-1}]",
               "status.conditions[0].observedGeneration: Invalid value: -1: *");
}

TEST(test_pod_status__condition_types_are_names) {
    POD_STATUS("", "status.conditions = [{'type':'Ready','status':'True'},{'type':'a.b/C','status':'True'}]",
               "");
    POD_STATUS("", "status.conditions = [{'type':'a b','status':'True'}]",
               "status.conditions[0].type: Invalid value: \"a b\": *");
}

TEST(test_pod_status__ended_containers_come_back_by_policy) {
    POD_STATUS(ENDED("1"), RUNS, "");
    POD_STATUS(NEVER ENDED("1"), RUNS, BACK);
    POD_STATUS(NEVER ENDED("1"), ENDED("1"), "");
    POD_STATUS(NEVER ENDED("1"), "status.containerStatuses = []", "");
    POD_STATUS("spec.restartPolicy = 'OnFailure' ;; " ENDED("1"), RUNS, "");
    POD_STATUS("spec.restartPolicy = 'OnFailure' ;; " ENDED("0"), RUNS, BACK);
}

TEST(test_pod_status__ended_containers_come_back_by_their_own_policy) {
    POD_STATUS(NEVER CA "restartPolicy = 'OnFailure' ;; " ENDED("1"), RUNS, "");
    POD_STATUS("spec.restartPolicy = 'OnFailure' ;; " CA "restartPolicy = 'Never' ;; " ENDED("1"), RUNS,
               BACK);
}

TEST(test_pod_status__ended_containers_come_back_by_rules) {
    const char *rules =
        NEVER CA "restartPolicy = 'Never' ;; " CA
                 "restartPolicyRules = [{'action':'Restart','exitCodes':{'operator':'In','values':[3]}}] ;; ";
    _cleanup_arena struct arena a = ARENA_INIT;
    POD_STATUS(arena_printf(&a, "%s" ENDED("3"), rules).p, RUNS, "");
    POD_STATUS(arena_printf(&a, "%s" ENDED("4"), rules).p, RUNS, BACK);
    POD_STATUS(
        NEVER
        "spec.containers[1].restartPolicy = 'Never' ;; spec.containers[1].restartPolicyRules = "
        "[{'action':'RestartAllContainers','exitCodes':{'operator':'NotIn','values':[0]}}] ;; " ENDED("4"),
        RUNS, "");
}

TEST(test_pod_status__init_and_ephemeral_containers_come_back_less) {
    POD_STATUS(NEVER "status.initContainerStatuses = [{'name':'i','state':{'terminated':{'exitCode':1}}}]",
               "status.initContainerStatuses = [{'name':'i','state':{'waiting':{}}}]",
               "status.initContainerStatuses[0].state: Forbidden: *");
    POD_STATUS(NEVER "status.initContainerStatuses = [{'name':'s','state':{'terminated':{'exitCode':1}}}]",
               "status.initContainerStatuses = [{'name':'s','state':{'waiting':{}}}]", "");
    POD_STATUS("status.ephemeralContainerStatuses = [{'name':'d','state':{'terminated':{'exitCode':1}}}]",
               "status.ephemeralContainerStatuses = [{'name':'d','state':{'waiting':{}}}]",
               "status.ephemeralContainerStatuses[0].state: Forbidden: *");
}

TEST(test_pod_status__addresses_are_one_per_family) {
    POD_STATUS("", "status.podIP = '1.2.3.4' ;; status.podIPs = [{'ip':'1.2.3.4'},{'ip':'::1'}]", "");
    POD_STATUS("", "status.podIPs = [{'ip':'x'}]", "status.podIPs[0].ip: Invalid value: \"x\": *");
    POD_STATUS("", "status.podIPs = [{'ip':'1.2.3.4'},{'ip':'1.2.3.5'}]",
               "status.podIPs: Invalid value: 2: *");
    POD_STATUS("", "status.podIPs = [{'ip':'1.2.3.4'},{'ip':'::1'},{'ip':'::2'}]",
               "status.podIPs: Invalid value: 3: *");
    POD_STATUS("status.podIPs = [{'ip':'01.2.3.4'}]", "", "");
}

TEST(test_pod_status__host_addresses_begin_with_the_first) {
    POD_STATUS("", "status.hostIP = '1.2.3.4' ;; status.hostIPs = [{'ip':'1.2.3.4'},{'ip':'::1'}]", "");
    POD_STATUS("", "status.hostIP = '1.2.3.4' ;; status.hostIPs = [{'ip':'::1'}]",
               "status.hostIPs[0].ip: Invalid value: \"::1\": must be equal to `hostIP`");
    POD_STATUS("", "status.hostIP = '1.2.3.4' ;; status.hostIPs = [{'ip':'1.2.3.4'},{'ip':'5.6.7.8'}]",
               "status.hostIPs: Invalid value: 2: *");
}

TEST(test_pod_status__claims_are_those_of_the_spec) {
    const char *claim = "spec.resourceClaims = [{'name':'a','resourceClaimTemplateName':'t'}]";
    POD_STATUS(claim, "status.resourceClaimStatuses = [{'name':'a','resourceClaimName':'c'}]", "");
    POD_STATUS(
        claim,
        "status.resourceClaimStatuses = [{'name':'b','resourceClaimName':'C'},{'name':'a'},{'name':'a'}]",
        "status.resourceClaimStatuses[0].name: Invalid value: \"b\": *\n"
        "status.resourceClaimStatuses[0].resourceClaimName: Invalid value: \"C\": *\n"
        "status.resourceClaimStatuses[2].name: Duplicate value: \"a\"");
}

TEST(test_pod_status__extended_claims_map_requests) {
    POD_STATUS("",
               "status.extendedResourceClaimStatus = "
               "{'resourceClaimName':'c','requestMappings':[{'containerName':'a','resourceName':'example.com/"
               "x','requestName':'r'}]}",
               "");
    POD_STATUS("", "status.extendedResourceClaimStatus = {}",
               "status.extendedResourceClaimStatus.resourceClaimName: Required value\n"
               "status.extendedResourceClaimStatus.requestMappings: Required value");
    POD_STATUS(
        "",
        "status.extendedResourceClaimStatus = {'resourceClaimName':'c','requestMappings':["
        "{'containerName':'z','resourceName':'requests.example.com/"
        "x','requestName':'R'},{'containerName':'z','resourceName':'requests.example.com/"
        "x','requestName':'r'}]}",
        "status.extendedResourceClaimStatus.requestMappings[0].containerName: Invalid value: \"z\": *\n"
        "status.extendedResourceClaimStatus.requestMappings[0].resourceName: Invalid value: *\n"
        "status.extendedResourceClaimStatus.requestMappings[0].requestName: Invalid value: \"R\": *\n"
        "status.extendedResourceClaimStatus.requestMappings[1].containerName: Invalid value: \"z\": *\n"
        "status.extendedResourceClaimStatus.requestMappings[1].resourceName: Invalid value: *\n"
        "status.extendedResourceClaimStatus.requestMappings[1].resourceName: Duplicate value: *");
}

TEST(test_pod_status__allocatable_claims_name_their_containers) {
    POD_STATUS("",
               "status.nodeAllocatableResourceClaimStatuses = [{'resourceClaimName':'c','containers':['a']}]",
               "");
    POD_STATUS("", "status.nodeAllocatableResourceClaimStatuses = [{'resourceClaimName':''}]",
               "status.nodeAllocatableResourceClaimStatuses[0].resourceClaimName: Required value\n"
               "status.nodeAllocatableResourceClaimStatuses[0].containers: Required value");
}

#define GPU CA "resources.limits = {'example.com/x':'1'}"
#define HEALTH(json) "status.containerStatuses = [{'name':'a','allocatedResourcesStatus':[" json "]}]"
#define H0 "status.containerStatuses[0].allocatedResourcesStatus[0]."

TEST(test_pod_status__health_of_devices_is_known) {
    POD_STATUS(GPU,
               HEALTH("{'name':'example.com/"
                      "x','resources':[{'resourceID':'1','health':'Healthy'},{'resourceID':'2'}]}"),
               "");
    POD_STATUS(
        GPU,
        HEALTH("{'name':'example.com/x','resources':[{'resourceID':'1','health':'x'},{'resourceID':'1'}]}"),
        H0 "resources[0].health: Unsupported value: \"x\": supported values: \"Healthy\", \"Unhealthy\", "
           "\"Unknown\"\n" H0 "resources[1].resourceID: Duplicate value: \"1\"");
    _cleanup_arena struct arena a = ARENA_INIT;
    char text[1026];
    memset(text, 'm', 1025);
    text[1025] = 0;
    POD_STATUS(
        GPU,
        arena_printf(&a, HEALTH("{'name':'example.com/x','resources':[{'resourceID':'1','message':'%s'}]}"),
                     text)
            .p,
        H0 "resources[0].message: Too long: may not be more than 1024 bytes");
}

TEST(test_pod_status__devices_are_those_of_the_container) {
    POD_STATUS(GPU, HEALTH("{'name':'example.com/y'}"), H0 "name: Invalid value: \"example.com/y\": *");
    POD_STATUS("spec.resourceClaims = [{'name':'g','resourceClaimName':'c'}] ;; " CA
               "resources.claims = [{'name':'g','request':'r'}]",
               HEALTH("{'name':'claim:g/r'},{'name':'claim:g'}"),
               "status.containerStatuses[0].allocatedResourcesStatus[1].name: Invalid value: \"claim:g\": *");
    POD_STATUS(
        "",
        "status.initContainerStatuses = [{'name':'i','allocatedResourcesStatus':[{'name':'cpu'}]}] ;; "
        "status.ephemeralContainerStatuses = [{'name':'d','allocatedResourcesStatus':[{'name':'cpu'}]}]",
        "status.initContainerStatuses[0].allocatedResourcesStatus: Forbidden: *\n"
        "status.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: *");
}

TEST(test_pod_status__users_are_ids_on_linux) {
    POD_STATUS("",
               "status.containerStatuses = "
               "[{'name':'a','user':{'linux':{'uid':1,'gid':2,'supplementalGroups':[3]}}}]",
               "");
    POD_STATUS("spec.os = {'name':'windows'}",
               "status.containerStatuses = "
               "[{'name':'a','user':{'linux':{'uid':-1,'gid':-2,'supplementalGroups':[-3]}}}]",
               "status.containerStatuses[0].user.linux: Forbidden: "
               "*\nstatus.containerStatuses[0].user.linux.uid: Invalid value: -1: *\n"
               "status.containerStatuses[0].user.linux.gid: Invalid value: -2: *\n"
               "status.containerStatuses[0].user.linux.supplementalGroups[0]: Invalid value: -3: *");
}

#define IMAGE "spec.volumes[2] = {'name':'v','image':{'reference':'r'}}"
#define MOUNTED(name, ref)                                                                                   \
    "status.containerStatuses = [{'name':'a','volumeMounts':[{'name':'" name                                 \
    "','mountPath':'/','volumeStatus':{'image':{'imageRef':'" ref "'}}}]}]"
#define REF "status.containerStatuses[0].volumeMounts[0].volumeStatus.image"

TEST(test_pod_status__image_volumes_have_a_short_reference) {
    POD_STATUS(IMAGE, MOUNTED("v", "r"), "");
    POD_STATUS(IMAGE, MOUNTED("v", ""), REF ".imageRef: Required value");
    _cleanup_arena struct arena a = ARENA_INIT;
    char text[258];
    memset(text, 'r', 257);
    text[257] = 0;
    POD_STATUS(IMAGE, arena_printf(&a, MOUNTED("v", "%s"), text).p,
               REF ".imageRef: Too long: may not be more than 256 bytes");
}

TEST(test_pod_status__only_image_volumes_have_a_reference) {
    POD_STATUS("", MOUNTED("data", "r"), REF ": Forbidden: *");
}
