/* api/validation: pods: metadata, the small parts of the spec, templates. */
#include "api/types/core.h"
#include "base/arena.h"
#include "pods.h"

static const char template[] =
    "{'metadata':{'name':'t','namespace':'ns'},'template':{'metadata':{'labels':{'a':'b'}},'spec':{"
    "'restartPolicy':'Always','dnsPolicy':'ClusterFirst','terminationGracePeriodSeconds':30,'securityContext'"
    ":{},"
    "'containers':[{'name':'a','image':'x','terminationMessagePolicy':'File','imagePullPolicy':'Always'}]}}}";

#define TEMPLATE(edits, expected) assert_create(KIND_CORE_POD_TEMPLATE, template, edits, expected)
#define MIRROR "metadata.annotations[kubernetes.io/config.mirror] = 'x'"

TEST(test_pod__plain_one_is_fine) {
    POD("", "");
    POD_UPDATE("", "", "");
    POD_STATUS("", "", "");
    POD_RESIZE("", "", "");
    POD_EPHEMERAL("", "", "");
}

TEST(test_pod__name_is_a_subdomain) {
    POD("metadata.name = 'a.b'", "");
    POD("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_pod__mirror_annotation_needs_a_node) {
    POD(MIRROR, "metadata.annotations[kubernetes.io/config.mirror]: Invalid value: \"x\": *");
    POD(MIRROR " ;; spec.nodeName = 'n'", "");
}

TEST(test_pod__app_armor_annotations_name_containers) {
    POD("metadata.annotations[container.apparmor.security.beta.kubernetes.io/a] = 'runtime/default'", "");
    POD("metadata.annotations[container.apparmor.security.beta.kubernetes.io/i] = 'localhost/x'", "");
    POD("metadata.annotations[container.apparmor.security.beta.kubernetes.io/z] = 'unconfined'",
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/z]: Invalid value: \"z\": "
        "container not found");
    POD("metadata.annotations[container.apparmor.security.beta.kubernetes.io/a] = 'other'",
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/a]: Invalid value: \"other\": "
        "*");
}

TEST(test_pod__app_armor_annotations_agree_with_fields) {
    const char *annotated =
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/a] = 'localhost/x' ;; ";
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str same = arena_printf(
        &a, "%s" CA "securityContext.appArmorProfile = {'type':'Localhost','localhostProfile':'x'}",
        annotated);
    struct str other_type =
        arena_printf(&a, "%s" CA "securityContext.appArmorProfile = {'type':'Unconfined'}", annotated);
    struct str other_name = arena_printf(
        &a, "%s" CA "securityContext.appArmorProfile = {'type':'Localhost','localhostProfile':'y'}",
        annotated);
    POD(same.p, "");
    POD(other_type.p, "spec.containers[0].securityContext.appArmorProfile.type: Forbidden: *");
    POD(other_name.p, "spec.containers[0].securityContext.appArmorProfile.localhostProfile: Forbidden: *");
}

TEST(test_pod__seccomp_annotations_agree_with_fields) {
    POD("metadata.annotations[seccomp.security.alpha.kubernetes.io/pod] = 'runtime/default' ;; "
        "spec.securityContext.seccompProfile = {'type':'Unconfined'}",
        "spec.securityContext.seccompProfile.type: Forbidden: *");
    POD("metadata.annotations[container.seccomp.security.alpha.kubernetes.io/a] = 'localhost/x' ;; " CA
        "securityContext.seccompProfile = {'type':'Localhost','localhostProfile':'y'}",
        "spec.containers[0].securityContext.seccompProfile.localhostProfile: Forbidden: *");
    POD("metadata.annotations[container.seccomp.security.alpha.kubernetes.io/i] = 'docker/default' ;; "
        "spec.initContainers[0].securityContext.seccompProfile = {'type':'RuntimeDefault'}",
        "");
}

TEST(test_pod__seccomp_annotations_are_profiles) {
    POD("metadata.annotations[seccomp.security.alpha.kubernetes.io/pod] = 'x'",
        "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: Invalid value: \"x\": *");
    POD("metadata.annotations[container.seccomp.security.alpha.kubernetes.io/a] = 'localhost/../x'",
        "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/a]: Invalid value: \"../x\": *");
}

TEST(test_pod__deletion_cost_is_a_small_number) {
    const char *bad_costs[] = {"x", "+1", "01", "2147483648", "-2147483649", "", "1.5"};
    _cleanup_arena struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof bad_costs / sizeof bad_costs[0]; i++) {
        struct str edit = arena_printf(
            &a, "metadata.annotations[controller.kubernetes.io/pod-deletion-cost] = '%s'", bad_costs[i]);
        struct str error = arena_printf(&a,
                                        "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: "
                                        "Invalid value: \"%s\": must be a 32bit integer",
                                        bad_costs[i]);
        POD(edit.p, error.p);
    }
    POD("metadata.annotations[controller.kubernetes.io/pod-deletion-cost] = '-2147483648'", "");
    POD("metadata.annotations[controller.kubernetes.io/pod-deletion-cost] = '0'", "");
}

TEST(test_pod__annotated_tolerations_are_tolerations) {
    POD("metadata.annotations[scheduler.alpha.kubernetes.io/tolerations] = 'x'",
        "metadata.annotations[scheduler.alpha.kubernetes.io/tolerations]: Invalid value: \"x\": *");
    POD("metadata.annotations[scheduler.alpha.kubernetes.io/tolerations] = "
        "'[{\\u0022operator\\u0022:\\u0022x\\u0022,\\u0022key\\u0022:\\u0022k\\u0022}]'",
        "metadata.annotations[scheduler.alpha.kubernetes.io/tolerations][0].operator: Unsupported value: "
        "\"x\": *");
    POD("metadata.annotations[scheduler.alpha.kubernetes.io/tolerations] = "
        "'[{\\u0022operator\\u0022:\\u0022Exists\\u0022}]'",
        "");
}

TEST(test_pod__restart_policy_is_known) {
    POD("spec.restartPolicy = 'Never'", "");
    POD("spec.restartPolicy = ''", "spec.restartPolicy: Required value");
    POD("spec.restartPolicy = 'x'", "spec.restartPolicy: Unsupported value: \"x\": supported values: "
                                    "\"Always\", \"OnFailure\", \"Never\"");
}

TEST(test_pod__dns_policy_is_known) {
    POD("spec.dnsPolicy = 'Default'", "");
    POD("spec.dnsPolicy = ''", "spec.dnsPolicy: Required value");
    POD("spec.dnsPolicy = 'x'", "spec.dnsPolicy: Unsupported value: \"x\": supported values: "
                                "\"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\"");
}

TEST(test_pod__dns_none_needs_servers) {
    POD("spec.dnsPolicy = 'None'", "spec.dnsConfig: Required value: *");
    POD("spec.dnsPolicy = 'None' ;; spec.dnsConfig = {}", "spec.dnsConfig.nameservers: Required value: *");
    POD("spec.dnsPolicy = 'None' ;; spec.dnsConfig = {'nameservers':['1.1.1.1']}", "");
}

TEST(test_pod__dns_servers_are_few_addresses) {
    POD("spec.dnsConfig = {'nameservers':['1.1.1.1','::1','8.8.8.8']}", "");
    POD("spec.dnsConfig = {'nameservers':['1.1.1.1','::1','8.8.8.8','9.9.9.9']}",
        "spec.dnsConfig.nameservers: Invalid value: 4: must not have more than 3 nameservers");
    POD("spec.dnsConfig = {'nameservers':['x']}", "spec.dnsConfig.nameservers[0]: Invalid value: \"x\": *");
    POD("spec.dnsConfig = {'nameservers':['01.1.1.1']}",
        "spec.dnsConfig.nameservers[0]: Invalid value: \"01.1.1.1\": *");
    POD_UPDATE("spec.dnsConfig = {'nameservers':['01.1.1.1']}", "", "");
}

TEST(test_pod__dns_searches_are_few_domains) {
    POD("spec.dnsConfig = {'searches':['.','a.b.','_x._tcp']}", "");
    POD("spec.dnsConfig = {'searches':['a b']}", "spec.dnsConfig.searches[0]: Invalid value: \"a b\": *");
    _cleanup_arena struct arena a = ARENA_INIT;
    char many[33 * 4 + 1], label[64];
    for (int i = 0; i < 33; i++)
        memcpy(many + i * 4, "'a',", 4);
    struct str edit = arena_printf(&a, "spec.dnsConfig = {'searches':[%.*s]}", 33 * 4 - 1, many);
    POD(edit.p, "spec.dnsConfig.searches: Invalid value: 33: must not have more than 32 search paths");
    memset(label, 'a', 63);
    label[63] = 0;
    struct str domain = arena_printf(&a, "%s.%s.%s", label, label, label); /* 191 bytes */
    struct str list = arena_printf(&a, "'%s'", domain.p);
    for (int i = 0; i < 9; i++)
        list = arena_printf(&a, "%s,'%s'", list.p, domain.p);
    struct str fits =
        arena_printf(&a, "spec.dnsConfig = {'searches':[%s]}", list.p); /* 10 * 191 + 9 = 1919 */
    POD(fits.p, "");
    struct str too_long = arena_printf(&a, "spec.dnsConfig = {'searches':[%s,'%s']}", list.p, domain.p);
    POD(too_long.p, "spec.dnsConfig.searches: Invalid value: 2111: must not have more than 2048 characters*");
}

TEST(test_pod__dns_options_have_names) {
    POD("spec.dnsConfig = {'options':[{'name':'ndots','value':'2'}]}", "");
    POD("spec.dnsConfig = {'options':[{'value':'2'}]}",
        "spec.dnsConfig.options[0]: Required value: must not be empty");
}

TEST(test_pod__grace_period_is_set) {
    POD("spec.terminationGracePeriodSeconds = -", "spec.terminationGracePeriodSeconds: Required value");
}

TEST(test_pod__deadline_is_positive) {
    POD("spec.activeDeadlineSeconds = 1", "");
    POD("spec.activeDeadlineSeconds = 0",
        "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive");
    POD("spec.activeDeadlineSeconds = 2147483648",
        "spec.activeDeadlineSeconds: Invalid value: 2147483648: *");
}

TEST(test_pod__node_selector_is_labels) {
    POD("spec.nodeSelector = {'a/b':'c'}", "");
    POD("spec.nodeSelector = {'a b':'c d'}",
        "spec.nodeSelector: Invalid value: \"a b\": *\nspec.nodeSelector: Invalid value: \"c d\": *");
}

TEST(test_pod__names_of_other_objects_are_subdomains) {
    POD("spec.nodeName = 'a.b' ;; spec.serviceAccountName = 'a.b' ;; spec.priorityClassName = 'a.b' ;; "
        "spec.runtimeClassName = 'a.b'",
        "");
    POD("spec.nodeName = 'A'", "spec.nodeName: Invalid value: \"A\": *");
    POD("spec.serviceAccountName = 'A'", "spec.serviceAccountName: Invalid value: \"A\": *");
    POD("spec.priorityClassName = 'A'", "spec.priorityClassName: Invalid value: \"A\": *");
    POD("spec.runtimeClassName = 'A'", "spec.runtimeClassName: Invalid value: \"A\": *");
    POD("spec.schedulingGroup = {'podGroupName':'A'}",
        "spec.schedulingGroup.podGroupName: Invalid value: \"A\": *");
}

TEST(test_pod__gated_pods_have_no_node) {
    POD("spec.nodeName = 'n' ;; spec.schedulingGates = [{'name':'g'}]", "spec.nodeName: Forbidden: *");
}

TEST(test_pod__host_names_are_labels) {
    POD("spec.hostname = 'h' ;; spec.subdomain = 's'", "");
    POD("spec.hostname = 'a.b' ;; spec.subdomain = 'A'",
        "spec.hostname: Invalid value: \"a.b\": *\nspec.subdomain: Invalid value: \"A\": *");
}

TEST(test_pod__hostname_override_stands_alone) {
    POD("spec.hostnameOverride = 'a.b'", "");
    POD("spec.hostnameOverride = 'A'", "spec.hostnameOverride: Invalid value: \"A\": *");
    POD("spec.hostnameOverride = '01234567890123456789012345678901234567890123456789012345678901234'",
        "spec.hostnameOverride: Too long: may not be more than 64 bytes");
    POD("spec.hostnameOverride = 'a' ;; spec.setHostnameAsFQDN = true",
        "spec.hostnameOverride: Forbidden: *");
    POD("spec.hostnameOverride = 'a' ;; spec.hostNetwork = true", "spec.hostnameOverride: Forbidden: *");
}

TEST(test_pod__preemption_policy_is_known) {
    POD("spec.preemptionPolicy = 'Never'", "");
    POD("spec.preemptionPolicy = ''", "spec.preemptionPolicy: Required value");
    POD("spec.preemptionPolicy = 'x'", "spec.preemptionPolicy: Unsupported value: \"x\": supported values: "
                                       "\"PreemptLowerPriority\", \"Never\"");
}

TEST(test_pod__overhead_is_container_resources) {
    POD("spec.overhead = {'cpu':'1m','memory':'1Mi'}", "");
    POD("spec.overhead = {'pods':'1'}", "spec.overhead.limits[pods]: Invalid value: \"pods\": *");
    POD("spec.overhead = {'cpu':'-1'}",
        "spec.overhead.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0");
}

TEST(test_pod__pull_secrets_have_only_a_name) {
    POD("spec.imagePullSecrets = [{'name':'a'},{}]", "");
    assert_int_equal(sizeof(struct core_local_object_reference), sizeof(struct str));
}

TEST(test_pod__host_aliases_are_addresses_and_names) {
    POD("spec.hostAliases = [{'ip':'1.2.3.4','hostnames':['a.b']}]", "");
    POD("spec.hostAliases = [{'ip':'x','hostnames':['A']}]",
        "spec.hostAliases[0].ip: Invalid value: \"x\": *\nspec.hostAliases[0].hostnames[0]: Invalid value: "
        "\"A\": *");
    POD_UPDATE("spec.hostAliases = [{'ip':'01.2.3.4'}]", "", "");
}

TEST(test_pod__readiness_gates_are_condition_types) {
    POD("spec.readinessGates = [{'conditionType':'a.b/C'}]", "");
    POD("spec.readinessGates = [{'conditionType':'a b'}]",
        "spec.readinessGates[0].conditionType: Invalid value: \"a b\": *");
}

TEST(test_pod__scheduling_gates_are_unique_names) {
    POD("spec.schedulingGates = [{'name':'a.b/c'}]", "");
    POD("spec.schedulingGates = [{'name':'a b'},{'name':'c'},{'name':'c'}]",
        "spec.schedulingGates[0]: Invalid value: \"a b\": *\nspec.schedulingGates[2]: Duplicate value: "
        "\"c\"");
}

TEST(test_pod__host_network_ports_are_the_hosts) {
    POD("spec.hostNetwork = true ;; " CA "ports = [{'containerPort':80,'hostPort':80,'protocol':'TCP'}]", "");
    POD("spec.hostNetwork = true ;; " CA "ports = [{'containerPort':80,'hostPort':81,'protocol':'TCP'}]",
        "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when "
        "`hostNetwork` is true");
    POD("spec.hostNetwork = true ;; " CA "ports = [{'containerPort':80,'protocol':'TCP'}]",
        "spec.containers[0].ports[0].hostPort: Invalid value: 0: *");
    TEMPLATE("template.spec.hostNetwork = true ;; template.spec.containers[0].ports = "
             "[{'containerPort':80,'protocol':'TCP'}]",
             "");
}

TEST(test_pod__is_created_without_ephemeral_containers) {
    POD("spec.ephemeralContainers = [" DEBUGGER "]",
        "spec.ephemeralContainers: Forbidden: cannot be set on create");
    TEMPLATE("template.spec.ephemeralContainers = [" DEBUGGER "]",
             "template.spec.ephemeralContainers: Forbidden: not allowed in pod template");
}

/* ---- templates ---- */

TEST(test_pod_template__metadata_and_spec_are_checked) {
    TEMPLATE("", "");
    TEMPLATE("template.metadata.labels[a b] = ''", "template.metadata.labels: Invalid value: \"a b\": *");
    TEMPLATE("template.metadata.annotations[a b] = ''",
             "template.metadata.annotations: Invalid value: \"a b\": *");
    TEMPLATE("template.spec.containers = -", "template.spec.containers: Required value");
    TEMPLATE("template.spec.restartPolicy = 'x'", "template.spec.restartPolicy: Unsupported value: *");
    assert_update(KIND_CORE_POD_TEMPLATE, template, "", "template.spec.dnsPolicy = ''",
                  "template.spec.dnsPolicy: Required value");
}

TEST(test_pod_template__may_be_laxer_than_pods) {
    TEMPLATE("template.spec.containers[0].image = ' x'", "");
    TEMPLATE("template.spec.volumes = [{'name':'v','image':{}}]", "");
    TEMPLATE("template.spec.volumes = "
             "[{'name':'v','projected':{'sources':[{'serviceAccountToken':{'path':'t'}}]}}]",
             "");
    POD("spec.volumes = [{'name':'v','image':{}}]", "spec.volumes[0].image.reference: Required value");
}

TEST(test_pod_template__tolerates_what_is_stored) {
    const char *odd = "template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution = "
                      "[{'topologyKey':'k','labelSelector':{'matchExpressions':[{'key':'a','operator':'In','"
                      "values':['x y']}]}}]";
    TEMPLATE(
        odd,
        "template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector."
        "matchExpressions[0].values[0]: Invalid value: \"x y\": *");
    assert_update(KIND_CORE_POD_TEMPLATE, template, odd, "template.metadata.labels.x = 'y'", "");
}
