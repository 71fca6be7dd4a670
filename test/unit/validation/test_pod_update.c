/* api/validation: what updates of a pod and its subresources may change. */
#include "api/pod_qos.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "pods.h"

#define MIRROR "spec.nodeName = 'n' ;; metadata.annotations[kubernetes.io/config.mirror] = 'x'"
#define APP_ARMOR "metadata.annotations[container.apparmor.security.beta.kubernetes.io/a]"

/* ---- annotations ---- */

TEST(test_pod_update__mirror_annotation_is_fixed) {
    POD_UPDATE("spec.nodeName = 'n'", MIRROR,
               "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not be added");
    POD_UPDATE(MIRROR, "metadata.annotations = -",
               "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: *");
    POD_UPDATE(MIRROR, "metadata.annotations[kubernetes.io/config.mirror] = 'y'",
               "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: *");
    POD_STATUS(MIRROR, "metadata.annotations = -",
               "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: *");
}

TEST(test_pod_update__app_armor_annotations_are_fixed) {
    POD_UPDATE("", APP_ARMOR " = 'unconfined'", APP_ARMOR ": Forbidden: may not be added");
    POD_UPDATE(APP_ARMOR " = 'unconfined'", APP_ARMOR " = 'runtime/default'", APP_ARMOR ": Forbidden: *");
    POD_UPDATE(APP_ARMOR " = 'unconfined'", "metadata.annotations = -", APP_ARMOR ": Forbidden: *");
    POD_UPDATE(APP_ARMOR " = 'unconfined'", "metadata.annotations.other = 'x'", "");
}

/* ---- the spec ---- */

TEST(test_pod_update__images_may_change) {
    POD_UPDATE("", CA "image = 'y' ;; spec.initContainers[0].image = 'z'", "");
    POD_UPDATE("", CA "image = ''", "spec.containers[0].image: Required value");
}

TEST(test_pod_update__nothing_else_may_change) {
    POD_UPDATE("", "spec.nodeName = 'n'", "spec: Forbidden: pod updates may not change fields other than *");
    POD_UPDATE("", CA "env = [{'name':'A'}]", "spec: Forbidden: *");
    POD_UPDATE("", "spec.initContainers[1].name = 'z'", "spec: Forbidden: *");
    POD_UPDATE("", "spec.terminationGracePeriodSeconds = 31", "spec: Forbidden: *");
    POD_UPDATE("", "spec.nodeSelector = {'a':'b'}", "spec: Forbidden: *");
    POD_UPDATE("", "spec.affinity = {}", "spec: Forbidden: *");
    POD_UPDATE("", "spec.priority = 5", "spec: Forbidden: *");
}

TEST(test_pod_update__says_what_was_changed) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *old = valid_read(&a, TY_CORE_POD, pod), *new = valid_read(&a, TY_CORE_POD, pod);
    new->spec.containers.v[1].working_dir = S("/x");
    new->spec.node_name = S("n");
    new->spec.termination_grace_period_seconds.v = 1;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    validate_update(NULL, &kinds[KIND_CORE_POD], new, old, &e);
    assert_int_equal(e.n, 1);
    assert_true(str_has_suffix(
        e.v[0].body, S("; changed: containers[1].workingDir, nodeName, terminationGracePeriodSeconds")));
}

TEST(test_pod_update__containers_stay) {
    POD_UPDATE("", "spec.containers[1] = -",
               "spec.containers: Forbidden: pod updates may not add or remove containers");
    POD_UPDATE("", "spec.initContainers = -", "spec.initContainers: Forbidden: *");
}

TEST(test_pod_update__deadline_only_shrinks) {
    POD_UPDATE("", "spec.activeDeadlineSeconds = 5", "");
    POD_UPDATE("spec.activeDeadlineSeconds = 5", "spec.activeDeadlineSeconds = 4", "");
    POD_UPDATE("spec.activeDeadlineSeconds = 5", "spec.activeDeadlineSeconds = 6",
               "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value");
    POD_UPDATE("spec.activeDeadlineSeconds = 5", "spec.activeDeadlineSeconds = -",
               "spec.activeDeadlineSeconds: Invalid value: null: *");
    POD_UPDATE("", "spec.activeDeadlineSeconds = -1",
               "spec.activeDeadlineSeconds: Invalid value: -1: must be between 1 and 2147483647, inclusive\n"
               "spec.activeDeadlineSeconds: Invalid value: -1: must be between 0 and 2147483647, inclusive");
}

TEST(test_pod_update__negative_grace_periods_may_be_cured) {
    POD_UPDATE("spec.terminationGracePeriodSeconds = -5", "spec.terminationGracePeriodSeconds = 1", "");
    POD_UPDATE("spec.terminationGracePeriodSeconds = -5", "spec.terminationGracePeriodSeconds = 2",
               "spec: Forbidden: *");
}

TEST(test_pod_update__tolerations_are_only_added) {
    const char *old =
        "spec.tolerations = [{'key':'a','operator':'Exists','effect':'NoExecute','tolerationSeconds':1}]";
    POD_UPDATE(old, "spec.tolerations[1] = {'key':'b','operator':'Exists'}", "");
    POD_UPDATE(old, "spec.tolerations[0].tolerationSeconds = 2", "");
    POD_UPDATE(old, "spec.tolerations = -", "spec.tolerations: Forbidden: *");
    POD_UPDATE(old, "spec.tolerations[0].key = 'c'", "spec.tolerations: Forbidden: *");
    POD_UPDATE(old, "spec.tolerations[1] = {'key':'b'} ;; spec.tolerations[1].operator = 'x'",
               "spec.tolerations[1].operator: Unsupported value: *");
}

TEST(test_pod_update__gates_are_only_removed) {
    POD_UPDATE("spec.schedulingGates = [{'name':'a'},{'name':'b'}]", "spec.schedulingGates = [{'name':'b'}]",
               "");
    POD_UPDATE("spec.schedulingGates = [{'name':'a'}]", "spec.schedulingGates = -", "");
    POD_UPDATE("", "spec.schedulingGates = [{'name':'a'}]",
               "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling "
               "gate 'a'");
}

#define GATED "spec.schedulingGates = [{'name':'g'}] ;; "
#define NODES "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
#define TERM "[{'matchExpressions':[{'key':'a','operator':'Exists'}]}]"

TEST(test_pod_update__gated_pods_may_be_narrowed) {
    POD_UPDATE(GATED "spec.nodeSelector = {'a':'b'}", "spec.nodeSelector.c = 'd'", "");
    POD_UPDATE(GATED "spec.nodeSelector = {'a':'b'}", "spec.nodeSelector = {'a':'c'}",
               "spec.nodeSelector: Invalid value: {\"a\":\"c\"}: *");
    POD_UPDATE(GATED "spec.hostname = 'x'", NODES " = {'nodeSelectorTerms':" TERM "}", "");
    POD_UPDATE(GATED NODES " = {'nodeSelectorTerms':" TERM "}",
               NODES ".nodeSelectorTerms[0].matchExpressions[1] = {'key':'b','operator':'Exists'}", "");
    POD_UPDATE(GATED NODES " = {'nodeSelectorTerms':" TERM "}",
               NODES ".nodeSelectorTerms[0].matchExpressions[0].key = 'b'",
               NODES ".nodeSelectorTerms[0]: Invalid value: *");
    POD_UPDATE(GATED NODES " = {'nodeSelectorTerms':" TERM "}", NODES ".nodeSelectorTerms[1] = {}",
               NODES ".nodeSelectorTerms: Invalid value: 2: *");
    POD_UPDATE(GATED NODES " = {'nodeSelectorTerms':[{}]}", NODES ".nodeSelectorTerms = " TERM,
               NODES ".nodeSelectorTerms[0]: Invalid value: *");
    POD_UPDATE(GATED "spec.hostname = 'x'", "spec.affinity.podAffinity = {}", "spec: Forbidden: *");
}

/* ---- ephemeral containers ---- */

TEST(test_ephemeral_containers__are_only_added) {
    const char *one = "spec.ephemeralContainers = [" DEBUGGER "]";
    POD_EPHEMERAL(
        one,
        "spec.ephemeralContainers = "
        "[{'name':'e','image':'x','terminationMessagePolicy':'File','imagePullPolicy':'Always'}," DEBUGGER
        "]",
        "");
    POD_EPHEMERAL(
        one, "spec.ephemeralContainers = -",
        "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be removed");
    POD_EPHEMERAL(
        one, "spec.ephemeralContainers[0].image = 'y'",
        "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be changed");
    POD_EPHEMERAL(MIRROR, one, ": Forbidden: static pods do not support ephemeral containers");
}

/* ---- resizes ---- */

#define BURST                                                                                                \
    CA "resources = {'limits':{'cpu':'2','ephemeral-storage':'1'},'requests':{'cpu':'1','memory':'1Mi'}}"

TEST(test_pod_resize__amounts_may_change) {
    POD_RESIZE(BURST,
               CA "resources.limits.cpu = '3' ;; " CA "resources.requests.memory = '2Mi' ;; " CA
                  "resources.limits.memory = '5Mi'",
               "");
    POD_RESIZE(BURST, CA "resizePolicy = [{'resourceName':'cpu','restartPolicy':'NotRequired'}]", "");
    POD_RESIZE(BURST, "spec.initContainers[1].resources = {'requests':{'cpu':'1'}}", "");
}

TEST(test_pod_resize__nothing_else_may_change) {
    POD_RESIZE(BURST, CA "image = 'y'", "spec: Forbidden: only cpu and memory resources are mutable");
    POD_RESIZE(BURST, CA "resources.limits.ephemeral-storage = '2'", "spec: Forbidden: *");
    POD_RESIZE(BURST, CA "resources.limits[example.com/x] = '2'", "spec: Forbidden: *");
    POD_RESIZE(BURST, "spec.priority = 2", "spec: Forbidden: *");
}

TEST(test_pod_resize__amounts_are_not_removed) {
    POD_RESIZE(BURST, CA "resources.limits.cpu = -",
               "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed");
    POD_RESIZE(BURST, CA "resources.requests.memory = -",
               "spec.containers[0].resources.requests: Forbidden: *");
}

TEST(test_pod_resize__containers_stay) {
    POD_RESIZE(BURST, "spec.containers[1] = -",
               "spec.containers: Forbidden: containers may not be added or removed on resize");
    POD_RESIZE(BURST, "spec.containers[1].name = 'z'", "spec.containers[1].name: Forbidden: *");
    POD_RESIZE(BURST, "spec.initContainers = -", "spec.initContainers: Forbidden: *");
}

TEST(test_pod_resize__quality_of_service_stays) {
    POD_RESIZE("", CA "resources = {'requests':{'cpu':'1'}}", "spec: Invalid value: \"Burstable\": *");
}

TEST(test_pod_resize__some_pods_cannot) {
    POD_RESIZE(MIRROR, "", ": Forbidden: static pods cannot be resized");
    POD_RESIZE("spec.os = {'name':'windows'}", "", ": Forbidden: windows pods cannot be resized");
    POD_RESIZE("status.containerStatuses = [{'name':'a','state':{'running':{}}}]", "", "spec: Forbidden: *");
    POD_RESIZE("status.containerStatuses = [{'name':'a','state':{'running':{}},'resources':{}}]", "", "");
}

TEST(test_pod_resize__pod_level_amounts_may_change) {
    POD_RESIZE("spec.resources = {'requests':{'cpu':'1'}}", "spec.resources.requests.cpu = '2'", "");
    POD_RESIZE("spec.resources = {'requests':{'cpu':'1','memory':'1'}}", "spec.resources.requests.cpu = -",
               "spec.resources.requests: Forbidden: resource requests cannot be removed");
    POD_RESIZE(BURST, "spec.resources = {'requests':{'cpu':'5','memory':'5Mi'}}",
               "spec.resources: Forbidden: *");
}

/* ---- quality of service ---- */

static void assert_qos(const char *spec, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_str(pod_qos_class(valid_read(&a, TY_CORE_POD_SPEC, spec)), expected);
}

#define BOTH "{'cpu':'1','memory':'1Mi'}"

TEST(test_pod_qos__of_containers) {
    assert_qos("{'containers':[{'name':'a'}]}", "BestEffort");
    assert_qos("{'containers':[{'name':'a','resources':{'requests':{'cpu':'0'}}}]}", "BestEffort");
    assert_qos("{'containers':[{'name':'a','resources':{'requests':{'ephemeral-storage':'1'}}}]}",
               "BestEffort");
    assert_qos("{'containers':[{'name':'a','resources':{'requests':{'cpu':'1'}}}]}", "Burstable");
    assert_qos("{'containers':[{'name':'a','resources':{'limits':" BOTH ",'requests':" BOTH "}}]}",
               "Guaranteed");
    assert_qos("{'containers':[{'name':'a','resources':{'limits':" BOTH "}}]}", "Burstable");
    assert_qos("{'containers':[{'name':'a','resources':{'limits':" BOTH ",'requests':" BOTH
               "}},{'name':'b'}]}",
               "Burstable");
    assert_qos("{'initContainers':[{'name':'i','resources':{'requests':{'cpu':'1'}}}],"
               "'containers':[{'name':'a','resources':{'limits':" BOTH ",'requests':" BOTH "}}]}",
               "Burstable");
}

TEST(test_pod_qos__of_the_pod_as_a_whole) {
    assert_qos("{'resources':{'limits':" BOTH ",'requests':" BOTH "},'containers':[{'name':'a'}]}",
               "Guaranteed");
    assert_qos("{'resources':{'requests':" BOTH "},'containers':[{'name':'a'}]}", "Burstable");
    assert_qos("{'resources':{'requests':{'example.com/x':'1'}},'containers':[{'name':'a'}]}", "BestEffort");
}
