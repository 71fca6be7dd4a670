/* api/default: how it goes about it, and the rules that depend on more than one field. The table of all
 * defaults is tried in test_default_facts.c. */
#include "unit/api/default_test.h"

/* The walk. */

TEST(test_default__reaches_the_pods_of_every_template) {
    const char *spec = "{'spec':{'template':{'spec':{'containers':[{'image':'i:1'}]}}}}";
    const uint32_t types[] = {TY_APPS_DEPLOYMENT, TY_APPS_REPLICA_SET, TY_APPS_STATEFUL_SET,
                              TY_APPS_DAEMON_SET, TY_BATCH_JOB,        TY_CORE_REPLICATION_CONTROLLER};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        defaults_to(types[i], spec, "/spec/template/spec/restartPolicy", "'Always'");
        defaults_to(types[i], spec, "/spec/template/spec/containers/0/imagePullPolicy", "'IfNotPresent'");
    }
    defaults_to(TY_BATCH_CRON_JOB, "{'spec':{'jobTemplate':{'spec':{'template':{'spec':{}}}}}}",
                "/spec/jobTemplate/spec/template/spec/dnsPolicy", "'ClusterFirst'");
    defaults_to(TY_CORE_POD_TEMPLATE, "{'template':{'spec':{}}}", "/template/spec/schedulerName",
                "'default-scheduler'");
}

TEST(test_default__reaches_the_items_of_lists) {
    defaults_to(TY_CORE_POD_LIST, "{'items':[{'spec':{}},{'spec':{}}]}", "/items/1/spec/enableServiceLinks",
                "true");
    defaults_to(TY_CORE_SECRET_LIST, "{'items':[{}]}", "/items/0/type", "'Opaque'");
}

TEST(test_default__reaches_all_kinds_of_containers) {
    const char *pod = "{'spec':{'initContainers':[{'image':'a'}],'ephemeralContainers':[{'image':'a'}]}}";
    defaults_to(TY_CORE_POD, pod, "/spec/initContainers/0/imagePullPolicy", "'Always'");
    defaults_to(TY_CORE_POD, pod, "/spec/ephemeralContainers/0/imagePullPolicy", "'Always'");
    defaults_to(TY_CORE_POD, pod, "/spec/ephemeralContainers/0/terminationMessagePolicy", "'File'");
}

TEST(test_default__reaches_all_kinds_of_handlers) {
    const char *container = "{'livenessProbe':{'httpGet':{'port':1}},'readinessProbe':{'grpc':{'port':1}},"
                            "'startupProbe':{},'lifecycle':{'preStop':{'httpGet':{'port':1}}}}";
    defaults_to(TY_CORE_CONTAINER, container, "/livenessProbe",
                "{'httpGet':{'port':1,'path':'/','scheme':'HTTP'},'timeoutSeconds':1,'periodSeconds':10,"
                "'successThreshold':1,'failureThreshold':3}");
    defaults_to(TY_CORE_CONTAINER, container, "/readinessProbe/grpc", "{'port':1,'service':''}");
    defaults_to(TY_CORE_CONTAINER, container, "/startupProbe/failureThreshold", "3");
    defaults_to(TY_CORE_CONTAINER, container, "/lifecycle/preStop/httpGet/scheme", "'HTTP'");
}

TEST(test_default__reaches_volume_sources) {
    const char *pod =
        "{'spec':{'volumes':[{'name':'p','projected':{'sources':[{'serviceAccountToken':{'path':'t'}},"
        "{'downwardAPI':{'items':[{'path':'x','fieldRef':{'fieldPath':'f'}}]}}]}},"
        "{'name':'e','ephemeral':{'volumeClaimTemplate':{'spec':{}}}}]}}";
    defaults_to(TY_CORE_POD, pod, "/spec/volumes/0/projected/defaultMode", "420");
    defaults_to(TY_CORE_POD, pod, "/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds",
                "3600");
    defaults_to(TY_CORE_POD, pod,
                "/spec/volumes/0/projected/sources/1/downwardAPI/items/0/fieldRef/apiVersion", "'v1'");
    defaults_to(TY_CORE_POD, pod, "/spec/volumes/1/ephemeral/volumeClaimTemplate/spec/volumeMode",
                "'Filesystem'");
}

TEST(test_default__reaches_claim_templates) {
    const char *set = "{'spec':{'volumeClaimTemplates':[{'spec':{}}]}}";
    defaults_to(TY_APPS_STATEFUL_SET, set, "/spec/volumeClaimTemplates/0/spec/volumeMode", "'Filesystem'");
    defaults_to(TY_APPS_STATEFUL_SET, set, "/spec/volumeClaimTemplates/0/status/phase", "'Pending'");
}

TEST(test_default__reaches_sources_of_persistent_volumes) {
    defaults_to(TY_CORE_PERSISTENT_VOLUME, "{'spec':{'rbd':{}}}", "/spec/rbd/pool", "'rbd'");
    defaults_to(TY_CORE_PERSISTENT_VOLUME, "{'spec':{'hostPath':{'path':'/'}}}", "/spec/hostPath/type", "''");
}

TEST(test_default__reaches_env_from_files) {
    defaults_to(TY_CORE_CONTAINER, "{'env':[{'name':'e','valueFrom':{'fileKeyRef':{'key':'k'}}}]}",
                "/env/0/valueFrom/fileKeyRef/optional", "false");
}

TEST(test_default__leaves_types_without_defaults_alone) {
    defaults_to(TY_POLICY_POD_DISRUPTION_BUDGET, "{'metadata':{'name':'p'}}", "",
                "{'metadata':{'name':'p'},'spec':{},'status':{'currentHealthy':0,'desiredHealthy':0,"
                "'disruptionsAllowed':0,'expectedPods':0}}");
    defaults_to(TY_COORDINATION_LEASE, "{'metadata':{'name':'l'}}", "",
                "{'metadata':{'name':'l'},'spec':{}}");
}

TEST(test_default__adds_no_memory_when_nothing_is_missing) {
    _cleanup_arena struct arena a = ARENA_INIT, later = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval pod = with_defaults(&a, TY_CORE_POD,
                                    "{'metadata':{'name':'p'},'spec':{'volumes':[{'name':'v'}],'containers':"
                                    "[{'image':'i','resources':{'limits':{'cpu':'1'}}}]}}");
    void *object;
    assert_ok(api_from_tree(&a, &builtin, TY_CORE_POD, &pod, NULL, &object, &err), &err);
    api_default(&later, &builtin, TY_CORE_POD, object, clock_system());
    assert_int_equal(arena_total_bytes(&later), 0);
}

/* No type that the walk enters contains itself, or the walk could be sent as deep as the input goes. */
static bool contains(uint32_t type, uint32_t wanted, uint8_t *seen) {
    const struct ty_field *f = ty_fields(&builtin, type), *end = f + builtin.types[type].n;
    for (; f < end; f++) {
        if (f->leaf != LEAF_MESSAGE)
            continue;
        if (f->type == wanted)
            return true;
        if (!seen[f->type] && (seen[f->type] = 1) && contains(f->type, wanted, seen))
            return true;
    }
    return false;
}

static bool has_default_below(uint32_t type, uint8_t *seen) {
    const struct ty_field *f = ty_fields(&builtin, type), *end = f + builtin.types[type].n;
    for (; f < end; f++) {
        if (f->dflt)
            return true;
        if (f->leaf == LEAF_MESSAGE && !seen[f->type] && (seen[f->type] = 1) &&
            has_default_below(f->type, seen))
            return true;
    }
    return false;
}

TEST(test_default__recursive_types_have_no_defaults) {
    _cleanup_arena struct arena a = ARENA_INIT;
    for (uint32_t t = 1; t < builtin.n_types; t++) {
        uint8_t *seen = arena_new_n(&a, builtin.n_types, uint8_t);
        if (!contains(t, t, seen))
            continue;
        seen = arena_new_n(&a, builtin.n_types, uint8_t);
        if (has_default_below(t, seen))
            fail_msg("%.*s contains itself and has defaults",
                     STR_ARG(ty_name(&builtin, builtin.types[t].name)));
    }
}

/* Pods. */

TEST(test_default__pods_get_what_templates_do_not) {
    const char *text =
        "{'spec':{'template':{'spec':{'hostNetwork':true,'containers':[{'ports':[{'containerPort':1}],"
        "'resources':{'limits':{'cpu':'1'}}}]}}}}";
    defaults_to(TY_APPS_DEPLOYMENT, text, "/spec/template/spec/enableServiceLinks", NULL);
    defaults_to(TY_APPS_DEPLOYMENT, text, "/spec/template/spec/containers/0/ports/0/hostPort", NULL);
    defaults_to(TY_APPS_DEPLOYMENT, text, "/spec/template/spec/containers/0/resources/requests", NULL);
}

TEST(test_default__requests_follow_limits_only_where_missing) {
    defaults_to(TY_CORE_POD,
                "{'spec':{'containers':[{'resources':{'limits':{'cpu':'2','memory':'1Gi','x.io/y':'1'},"
                "'requests':{'memory':'1Mi','z.io/w':'3'}}}]}}",
                "/spec/containers/0/resources/requests",
                "{'cpu':'2','memory':'1Mi','x.io/y':'1','z.io/w':'3'}");
    defaults_to(TY_CORE_POD, "{'spec':{'initContainers':[{'resources':{'limits':{'cpu':'2'}}}]}}",
                "/spec/initContainers/0/resources/requests", "{'cpu':'2'}");
    defaults_to(TY_CORE_POD, "{'spec':{'ephemeralContainers':[{'resources':{'limits':{'cpu':'2'}}}]}}",
                "/spec/ephemeralContainers/0/resources/requests", NULL);
}

TEST(test_default__copied_requests_are_rounded_too) {
    defaults_to(TY_CORE_POD, "{'spec':{'containers':[{'resources':{'limits':{'cpu':'1500u'}}}]}}",
                "/spec/containers/0/resources", "{'limits':{'cpu':'2m'},'requests':{'cpu':'2m'}}");
}

TEST(test_default__host_network_keeps_given_host_ports) {
    const char *pod =
        "{'spec':{'hostNetwork':true,'containers':[{'ports':[{'containerPort':1,'hostPort':9}]}],"
        "'initContainers':[{'ports':[{'containerPort':2}]}]}}";
    defaults_to(TY_CORE_POD, pod, "/spec/containers/0/ports/0/hostPort", "9");
    defaults_to(TY_CORE_POD, pod, "/spec/initContainers/0/ports/0/hostPort", "2");
}

#define POD_WITH_SIDECAR(init_request)                                                                       \
    "{'spec':{'resources':{'limits':{'cpu':'9'}},'initContainers':["                                         \
    "{'resources':{'requests':{'cpu':'100m'}},'restartPolicy':'Always'},"                                    \
    "{'resources':{'requests':{'cpu':'" init_request "'}}}],"                                                \
    "'containers':[{'resources':{'requests':{'cpu':'1'}}}]}}"

TEST(test_default__pod_requests_count_sidecars_and_init_containers) {
    /* 1 + 100m side by side, 600m at the start */
    defaults_to(TY_CORE_POD, POD_WITH_SIDECAR("500m"), "/spec/resources/requests", "{'cpu':'1100m'}");
    /* 3 + 100m at the start */
    defaults_to(TY_CORE_POD, POD_WITH_SIDECAR("3"), "/spec/resources/requests", "{'cpu':'3100m'}");
}

TEST(test_default__pod_requests_are_of_overcommittable_resources) {
    defaults_to(TY_CORE_POD,
                "{'spec':{'resources':{'limits':{'memory':'1Gi'}},'containers':[{'resources':{'requests':"
                "{'cpu':'1','hugepages-2Mi':'2Mi','x.io/y':'1','ephemeral-storage':'1Gi'}}}]}}",
                "/spec/resources/requests", "{'cpu':'1','memory':'1Gi'}");
}

TEST(test_default__pod_requests_need_pod_limits) {
    defaults_to(TY_CORE_POD,
                "{'spec':{'resources':{'requests':{'memory':'1Gi'}},'containers':[{'resources':{'requests':"
                "{'cpu':'1'}}}]}}",
                "/spec/resources", "{'requests':{'memory':'1Gi'}}");
    defaults_to(TY_CORE_POD,
                "{'spec':{'resources':{},'containers':[{'resources':{'requests':{'cpu':'1'}}}]}}",
                "/spec/resources", "{}");
    defaults_to(TY_CORE_POD, "{'spec':{'containers':[{'resources':{'requests':{'cpu':'1'}}}]}}",
                "/spec/resources", NULL);
}

TEST(test_default__pod_huge_pages_are_the_sum_of_the_containers) {
    defaults_to(TY_CORE_POD,
                "{'spec':{'resources':{'requests':{'cpu':'1'}},'containers':[{'resources':{'limits':"
                "{'hugepages-2Mi':'2Mi'}}}]}}",
                "/spec/resources",
                "{'limits':{'hugepages-2Mi':'2Mi'},'requests':{'cpu':'1','hugepages-2Mi':'2Mi'}}");
    defaults_to(
        TY_CORE_POD,
        "{'spec':{'resources':{'requests':{'hugepages-2Mi':'4Mi'}},'containers':[{'resources':{'limits':"
        "{'hugepages-2Mi':'2Mi'}}}]}}",
        "/spec/resources", "{'requests':{'hugepages-2Mi':'4Mi'}}");
}

TEST(test_default__images_are_pulled_always_when_the_tag_may_move) {
    const char *const movable[] = {"{'image':'nginx'}", "{'image':'nginx:latest'}",
                                   "{'image':'r.io:5000/nginx'}"};
    const char *const others[] = {
        "{'image':'r.io:5000/nginx:1'}",
        "{'image':'nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}",
        "{}",
        "{'image':'not an image'}",
    };
    for (size_t i = 0; i < sizeof movable / sizeof *movable; i++)
        defaults_to(TY_CORE_CONTAINER, movable[i], "/imagePullPolicy", "'Always'");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        defaults_to(TY_CORE_CONTAINER, others[i], "/imagePullPolicy", "'IfNotPresent'");
    defaults_to(TY_CORE_CONTAINER, "{'image':'nginx','imagePullPolicy':'Never'}", "/imagePullPolicy",
                "'Never'");
}

TEST(test_default__image_volumes_follow_the_same_rule) {
    defaults_to(TY_CORE_VOLUME, "{'name':'v','image':{'reference':'nginx','pullPolicy':'Never'}}",
                "/image/pullPolicy", "'Never'");
    defaults_to(TY_CORE_VOLUME, "{'name':'v','image':{}}", "",
                "{'name':'v','image':{'pullPolicy':'IfNotPresent'}}");
}

/* Services. */

TEST(test_default__service_ports_go_to_the_same_port) {
    const char *service =
        "{'spec':{'ports':[{'port':80},{'port':81,'targetPort':0},{'port':82,'targetPort':8}]}}";
    defaults_to(TY_CORE_SERVICE, service, "/spec/ports",
                "[{'port':80,'protocol':'TCP','targetPort':80},{'port':81,'protocol':'TCP','targetPort':81},"
                "{'port':82,'protocol':'TCP','targetPort':8}]");
}

TEST(test_default__service_affinity_by_client_has_a_timeout) {
    defaults_to(TY_CORE_SERVICE, "{'spec':{'sessionAffinity':'ClientIP','sessionAffinityConfig':{}}}",
                "/spec/sessionAffinityConfig/clientIP/timeoutSeconds", "10800");
    defaults_to(TY_CORE_SERVICE,
                "{'spec':{'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{}}}}",
                "/spec/sessionAffinityConfig/clientIP/timeoutSeconds", "10800");
}

TEST(test_default__service_with_external_addresses_has_an_external_policy) {
    defaults_to(TY_CORE_SERVICE, "{'spec':{'externalIPs':['1.2.3.4']}}", "/spec/externalTrafficPolicy",
                "'Cluster'");
    defaults_to(TY_CORE_SERVICE, "{'spec':{'type':'LoadBalancer'}}", "/spec/externalTrafficPolicy",
                "'Cluster'");
    defaults_to(TY_CORE_SERVICE, "{'spec':{'type':'ExternalName','externalIPs':['1.2.3.4']}}",
                "/spec/externalTrafficPolicy", NULL);
    defaults_to(TY_CORE_SERVICE, "{'spec':{'type':'NodePort','externalTrafficPolicy':'Local'}}",
                "/spec/externalTrafficPolicy", "'Local'");
}

TEST(test_default__service_addresses_have_no_mode_unless_balanced) {
    defaults_to(TY_CORE_SERVICE, "{'status':{'loadBalancer':{'ingress':[{'ip':'1.2.3.4'}]}}}",
                "/status/loadBalancer/ingress/0/ipMode", NULL);
}

/* Others. */

TEST(test_default__namespace_keeps_its_other_labels) {
    defaults_to(TY_CORE_NAMESPACE, "{'metadata':{'name':'n','labels':{'a':'1','z':'2'}}}", "/metadata/labels",
                "{'a':'1','kubernetes.io/metadata.name':'n','z':'2'}");
}

TEST(test_default__limits_of_containers_come_from_the_maximum) {
    defaults_to(TY_CORE_LIMIT_RANGE,
                "{'spec':{'limits':[{'type':'Container','max':{'cpu':'4','memory':'4Gi'},'min':{'cpu':'1'},"
                "'default':{'memory':'2Gi'},'defaultRequest':{'memory':'1Gi'}}]}}",
                "/spec/limits/0",
                "{'type':'Container','max':{'cpu':'4','memory':'4Gi'},'min':{'cpu':'1'},"
                "'default':{'cpu':'4','memory':'2Gi'},'defaultRequest':{'cpu':'4','memory':'1Gi'}}");
}

TEST(test_default__controller_and_template_share_no_labels) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval rc = with_defaults(&a, TY_CORE_REPLICATION_CONTROLLER,
                                   "{'spec':{'template':{'metadata':{'labels':{'a':'b'}}}}}");
    const struct jval *labels = pointed(&a, &rc, S("/metadata/labels"));
    const struct jval *selector = pointed(&a, &rc, S("/spec/selector"));
    assert_true(jval_equal(labels, selector));
    assert_ptr_not_equal(labels->members, selector->members);
}

TEST(test_default__deployment_keeps_given_numbers) {
    defaults_to(
        TY_APPS_DEPLOYMENT, "{'spec':{'strategy':{'rollingUpdate':{'maxUnavailable':0,'maxSurge':'1%'}}}}",
        "/spec/strategy", "{'type':'RollingUpdate','rollingUpdate':{'maxUnavailable':0,'maxSurge':'1%'}}");
    defaults_to(TY_APPS_DEPLOYMENT, "{'spec':{'strategy':{'type':'Recreate'}}}", "/spec/strategy",
                "{'type':'Recreate'}");
}

TEST(test_default__stateful_set_has_a_retention_policy) {
    defaults_to(TY_APPS_STATEFUL_SET, "{}", "/spec/persistentVolumeClaimRetentionPolicy",
                "{'whenDeleted':'Retain','whenScaled':'Retain'}");
}

TEST(test_default__stateful_set_with_a_spelled_out_type_gets_no_partition) {
    defaults_to(TY_APPS_STATEFUL_SET, "{'spec':{'updateStrategy':{'type':'RollingUpdate'}}}",
                "/spec/updateStrategy", "{'type':'RollingUpdate'}");
    defaults_to(TY_APPS_STATEFUL_SET, "{'spec':{'updateStrategy':{'type':'OnDelete','rollingUpdate':{}}}}",
                "/spec/updateStrategy", "{'type':'OnDelete','rollingUpdate':{}}");
}

TEST(test_default__job_runs_once_unless_told) {
    defaults_to(TY_BATCH_JOB, "{}", "/spec/parallelism", "1");
    defaults_to(TY_BATCH_JOB, "{'spec':{'parallelism':3}}", "/spec/parallelism", "3");
    defaults_to(TY_BATCH_JOB, "{'spec':{'completions':3}}", "/spec/completions", "3");
}

TEST(test_default__job_templates_of_cron_jobs_stay_open) {
    const char *cron = "{'spec':{'jobTemplate':{'spec':{}}}}";
    defaults_to(TY_BATCH_CRON_JOB, cron, "/spec/jobTemplate/spec/completions", NULL);
    defaults_to(TY_BATCH_CRON_JOB, cron, "/spec/jobTemplate/spec/backoffLimit", NULL);
}

TEST(test_default__autoscaler_keeps_given_scaling_rules) {
    defaults_to(TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER,
                "{'spec':{'behavior':{'scaleUp':{'stabilizationWindowSeconds':9,'selectPolicy':'Min',"
                "'policies':[{'type':'Pods','value':1,'periodSeconds':2}],'tolerance':'0.1'}}}}",
                "/spec/behavior/scaleUp",
                "{'stabilizationWindowSeconds':9,'selectPolicy':'Min',"
                "'policies':[{'type':'Pods','value':1,'periodSeconds':2}],'tolerance':'100m'}");
    defaults_to(TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER,
                "{'spec':{'behavior':{'scaleDown':{'policies':[]}}}}", "/spec/behavior/scaleDown",
                "{'selectPolicy':'Max'}");
}

TEST(test_default__network_policy_keeps_given_types) {
    defaults_to(TY_NETWORKING_NETWORK_POLICY, "{'spec':{'policyTypes':['Egress']}}", "/spec/policyTypes",
                "['Egress']");
}

TEST(test_default__role_bindings_name_the_group) {
    const char *binding =
        "{'subjects':[{'kind':'Group'},{'kind':'User','apiGroup':'x'},{'kind':'ServiceAccount'}]}";
    defaults_to(TY_RBAC_CLUSTER_ROLE_BINDING, binding, "/roleRef/apiGroup", "'rbac.authorization.k8s.io'");
    defaults_to(TY_RBAC_CLUSTER_ROLE_BINDING, binding, "/subjects/0/apiGroup", "'rbac.authorization.k8s.io'");
    defaults_to(TY_RBAC_CLUSTER_ROLE_BINDING, binding, "/subjects/1/apiGroup", "'x'");
    defaults_to(TY_RBAC_CLUSTER_ROLE_BINDING, binding, "/subjects/2/apiGroup", NULL);
}

TEST(test_default__webhooks_inside_their_configuration) {
    const char *hooks = "{'webhooks':[{'clientConfig':{'service':{'name':'s'}},'rules':[{}]}]}";
    defaults_to(TY_ADMISSIONREGISTRATION_VALIDATING_WEBHOOK_CONFIGURATION, hooks,
                "/webhooks/0/clientConfig/service/port", "443");
    defaults_to(TY_ADMISSIONREGISTRATION_MUTATING_WEBHOOK_CONFIGURATION, hooks, "/webhooks/0/rules/0/scope",
                "'*'");
}

TEST(test_default__policies_inside_their_objects) {
    const char *policy = "{'spec':{'matchConstraints':{'resourceRules':[{}]}}}";
    defaults_to(TY_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY, policy, "/spec/failurePolicy",
                "'Fail'");
    defaults_to(TY_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY, policy,
                "/spec/matchConstraints/resourceRules/0/scope", "'*'");
    defaults_to(TY_ADMISSIONREGISTRATION_V1BETA1_MUTATING_ADMISSION_POLICY, policy,
                "/spec/matchConstraints/matchPolicy", "'Equivalent'");
}

TEST(test_default__definitions_store_one_version) {
    defaults_to(TY_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, "{'spec':{'versions':[{'name':'v1'}]}}",
                "/status/storedVersions", "null");
}

TEST(test_default__device_requests_of_old_versions) {
    const char *claim = "{'spec':{'devices':{'requests':[{'name':'r','deviceClassName':'c'},{'name':'s',"
                        "'firstAvailable':[{'name':'f'}]}]}}}";
    defaults_to(TY_RESOURCE_V1BETA1_RESOURCE_CLAIM, claim, "/spec/devices/requests/0/allocationMode",
                "'ExactCount'");
    defaults_to(TY_RESOURCE_V1BETA1_RESOURCE_CLAIM, claim, "/spec/devices/requests/1/allocationMode", NULL);
    defaults_to(TY_RESOURCE_V1BETA1_RESOURCE_CLAIM, claim, "/spec/devices/requests/1/firstAvailable/0/count",
                "1");
}

TEST(test_default__pod_certificates_last_a_day) {
    defaults_to(TY_CERTIFICATES_V1BETA1_POD_CERTIFICATE_REQUEST, "{}", "/spec/maxExpirationSeconds", "86400");
}

TEST(test_default__string_data_of_secrets_becomes_data) {
    const char *secret = "{'data':{'a':'eA==','b':'eQ=='},'stringData':{'b':'z','c':'w'}}";
    defaults_to(TY_CORE_SECRET, secret, "/data", "{'a':'eA==','b':'eg==','c':'dw=='}");
    defaults_to(TY_CORE_SECRET, secret, "/stringData", NULL);
}
