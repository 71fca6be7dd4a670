/* apiserver/authz_node */
#include "apiserver/authz_node.h"

#include "api/bootstrap.h"
#include "api/field_selector.h"
#include "api/types/core.h"
#include "api/types/rbac.h"
#include "base/arena.h"
#include "unit/unit.h"

/* The node n1 is reached by everything called "mine", in namespaces called "ns" or none. */
static bool reaches(void *arg, struct str node, enum node_object kind, struct str ns, struct str name) {
    *(enum node_object *)arg = kind;
    return str_eq(node, S("n1")) && str_eq(name, S("mine")) && (str_empty(ns) || str_eq(ns, S("ns")));
}

static const struct node_graph_ops graph_ops = {.reaches = reaches};

struct fixture {
    struct arena arena;
    struct user user;
    struct rbac_policy_rule_array rules;
    enum node_object asked; /* of the graph, last */
    struct str reason;
};

static void begin(struct fixture *f) {
    *f = (struct fixture){.arena = ARENA_INIT};
    struct str *groups = arena_new_n(&f->arena, 2, struct str);
    groups[0] = S("system:nodes");
    groups[1] = S("system:authenticated");
    f->user = (struct user){.name = S("system:node:n1"), .groups = {.v = groups, .n = 2}};
    for (uint32_t i = 0; i < bootstrap_count(); i++) {
        struct bootstrap_object o = bootstrap_make(&f->arena, i, NULL, NULL);
        if (o.kind == BOOTSTRAP_CLUSTER_ROLE && str_eq(o.name, S("system:node")))
            f->rules = ((struct rbac_cluster_role *)o.body)->rules;
    }
    assert_true(f->rules.n > 0);
}

/* text: "verb group/resource/subresource ns/name fields", the core group is "". */
static bool can(struct fixture *f, const char *text) {
    struct access what = {.user = &f->user, .is_resource = true};
    struct str rest = str_from(text), resource, object;
    struct field_selector fields = {0};
    (void)str_split(rest, ' ', &what.verb, &rest);
    (void)str_split(rest, ' ', &resource, &rest);
    (void)str_split(rest, ' ', &object, &rest);
    assert_true(str_split(resource, '/', &what.group, &resource));
    (void)str_split(resource, '/', &what.resource, &what.subresource);
    (void)str_split(object, '/', &what.ns, &what.name);
    assert_ok(field_selector_parse(&f->arena, rest, &fields, NULL), NULL);
    what.fields = fields.n ? &fields : NULL;
    f->asked = (enum node_object) - 1;
    struct node_graph g = {.ops = &graph_ops, .arg = &f->asked};
    bool yes = node_check(&g, &f->rules, &what, &f->arena, &f->reason) == AUTHZ_ALLOW;
    assert_true(!yes || str_empty(f->reason));
    return yes;
}

TEST(test_node_identity__needs_name_and_group) {
    struct str groups[] = {S("system:nodes")}, node = S("?");
    struct user u = {.name = S("system:node:n1"), .groups = {.v = groups, .n = 1}};
    assert_true(node_identity(&u, &node));
    assert_str(node, "n1");
    u.groups.n = 0;
    assert_false(node_identity(&u, &node));
    u.groups.n = 1;
    u.name = S("n1");
    assert_false(node_identity(&u, &node));
    u.name = S("system:node:");
    assert_true(node_identity(&u, &node));
    assert_str(node, "");
}

TEST(test_node_check__others_and_nameless_nodes_get_nothing) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "get /services ns/x"));
    f.user.name = S("system:node:");
    assert_false(can(&f, "get /services ns/x"));
    assert_str(f.reason, "unknown node for user \"system:node:\"");
    f.user.name = S("jane");
    assert_false(can(&f, "get /services ns/x"));
    assert_false(can(&f, "get /secrets ns/mine"));
    assert_str(f.reason, "");
    arena_fini(&f.arena);
}

TEST(test_node_check__secrets_and_config_maps_of_its_pods) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "get /secrets ns/mine"));
    assert_int_equal(f.asked, NODE_SECRET);
    assert_true(can(&f, "list /secrets ns/mine"));
    assert_true(can(&f, "watch /configmaps ns/mine"));
    assert_int_equal(f.asked, NODE_CONFIG_MAP);
    assert_false(can(&f, "get /secrets ns/theirs"));
    assert_str(f.reason, "no relationship found between node 'n1' and this object");
    assert_false(can(&f, "list /secrets ns/"));
    assert_false(can(&f, "list /secrets /mine"));
    assert_false(can(&f, "update /secrets ns/mine"));
    assert_false(can(&f, "get /secrets/x ns/mine"));
    f.user.name = S("system:node:n2");
    assert_false(can(&f, "get /secrets ns/mine"));
    arena_fini(&f.arena);
}

TEST(test_node_check__volumes_and_claims) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "get /persistentvolumeclaims ns/mine"));
    assert_int_equal(f.asked, NODE_CLAIM);
    assert_true(can(&f, "patch /persistentvolumeclaims/status ns/mine"));
    assert_false(can(&f, "patch /persistentvolumeclaims ns/mine"));
    assert_false(can(&f, "delete /persistentvolumeclaims/status ns/mine"));
    assert_false(can(&f, "patch /persistentvolumeclaims/status ns/theirs"));
    assert_true(can(&f, "get /persistentvolumes /mine"));
    assert_int_equal(f.asked, NODE_VOLUME);
    assert_false(can(&f, "list /persistentvolumes /mine"));
    assert_true(can(&f, "get storage.k8s.io/volumeattachments /mine"));
    assert_int_equal(f.asked, NODE_ATTACHMENT);
    assert_true(can(&f, "get resource.k8s.io/resourceclaims ns/mine"));
    assert_int_equal(f.asked, NODE_RESOURCE_CLAIM);
    assert_false(can(&f, "get resource.k8s.io/resourceclaims ns/theirs"));
    arena_fini(&f.arena);
}

TEST(test_node_check__service_accounts_and_tokens) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "create /serviceaccounts/token ns/mine"));
    assert_true(can(&f, "get /serviceaccounts ns/mine"));
    assert_int_equal(f.asked, NODE_SERVICE_ACCOUNT);
    assert_false(can(&f, "create /serviceaccounts/token ns/theirs"));
    assert_false(can(&f, "get /serviceaccounts ns/theirs"));
    assert_false(can(&f, "get /serviceaccounts/token ns/mine"));
    assert_false(can(&f, "create /serviceaccounts ns/mine"));
    assert_false(can(&f, "list /serviceaccounts ns/mine"));
    arena_fini(&f.arena);
}

TEST(test_node_check__own_lease_and_csi_node) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "create coordination.k8s.io/leases kube-node-lease/"));
    assert_true(can(&f, "update coordination.k8s.io/leases kube-node-lease/n1"));
    assert_false(can(&f, "update coordination.k8s.io/leases kube-node-lease/n2"));
    assert_false(can(&f, "update coordination.k8s.io/leases kube-system/n1"));
    assert_false(can(&f, "list coordination.k8s.io/leases kube-node-lease/"));
    assert_true(can(&f, "create storage.k8s.io/csinodes /"));
    assert_true(can(&f, "patch storage.k8s.io/csinodes /n1"));
    assert_false(can(&f, "patch storage.k8s.io/csinodes /n2"));
    assert_false(can(&f, "patch storage.k8s.io/csinodes/status /n1"));
    assert_false(can(&f, "list storage.k8s.io/csinodes /"));
    arena_fini(&f.arena);
}

TEST(test_node_check__own_node) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "create /nodes /"));
    assert_true(can(&f, "get /nodes /n1"));
    assert_false(can(&f, "get /nodes /n2"));
    assert_true(can(&f, "watch /nodes / metadata.name=n1"));
    assert_true(can(&f, "list /nodes / spec.unschedulable!=x,metadata.name=n1"));
    assert_false(can(&f, "list /nodes /"));
    assert_false(can(&f, "list /nodes / metadata.name=n2"));
    assert_false(can(&f, "list /nodes / metadata.name!=n1"));
    assert_true(can(&f, "patch /nodes/status /n1"));
    assert_false(can(&f, "delete /nodes /n1"));
    assert_false(can(&f, "get /nodes/proxy /n1"));
    arena_fini(&f.arena);
}

TEST(test_node_check__pods_of_the_node) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "get /pods ns/mine"));
    assert_int_equal(f.asked, NODE_POD);
    assert_false(can(&f, "get /pods ns/theirs"));
    assert_true(can(&f, "list /pods / spec.nodeName=n1"));
    assert_true(can(&f, "watch /pods / spec.nodeName=n1"));
    assert_false(can(&f, "watch /pods / spec.nodeName=n2"));
    assert_false(can(&f, "watch /pods / spec.nodeName!=n1"));
    assert_false(can(&f, "list /pods /"));
    assert_str(f.reason, "node 'n1' can only list with the field selector spec.nodeName=n1");
    assert_true(can(&f, "create /pods ns/"));
    assert_true(can(&f, "delete /pods ns/theirs")); /* left to NodeRestriction */
    assert_true(can(&f, "patch /pods/status ns/x"));
    assert_true(can(&f, "create /pods/eviction ns/x"));
    assert_false(can(&f, "update /pods ns/mine"));
    assert_false(can(&f, "create /pods/exec ns/mine"));
    assert_false(can(&f, "deletecollection /pods ns/ spec.nodeName=n1"));
    arena_fini(&f.arena);
}

TEST(test_node_check__slices_and_pod_certificates) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "create resource.k8s.io/resourceslices /"));
    assert_true(can(&f, "update resource.k8s.io/resourceslices /mine"));
    assert_int_equal(f.asked, NODE_RESOURCE_SLICE);
    assert_false(can(&f, "delete resource.k8s.io/resourceslices /theirs"));
    assert_true(can(&f, "deletecollection resource.k8s.io/resourceslices / spec.nodeName=n1"));
    assert_false(can(&f, "deletecollection resource.k8s.io/resourceslices /"));
    assert_false(can(&f, "list resource.k8s.io/resourceslices / spec.nodeName=n2"));
    assert_true(can(&f, "create certificates.k8s.io/podcertificaterequests ns/"));
    assert_true(can(&f, "get certificates.k8s.io/podcertificaterequests ns/mine"));
    assert_int_equal(f.asked, NODE_POD_CERTIFICATE);
    assert_true(can(&f, "watch certificates.k8s.io/podcertificaterequests / spec.nodeName=n1"));
    assert_false(can(&f, "watch certificates.k8s.io/podcertificaterequests /"));
    assert_false(can(&f, "update certificates.k8s.io/podcertificaterequests ns/mine"));
    arena_fini(&f.arena);
}

TEST(test_node_check__static_rules_for_the_rest) {
    struct fixture f;
    begin(&f);
    assert_true(can(&f, "watch /services /"));
    assert_true(can(&f, "create /events ns/"));
    assert_true(can(&f, "create authentication.k8s.io/tokenreviews /"));
    assert_true(can(&f, "list node.k8s.io/runtimeclasses /"));
    assert_false(can(&f, "create /services ns/"));
    assert_false(can(&f, "get apps/secrets ns/mine"));
    assert_false(can(&f, "get apps/deployments ns/mine"));
    arena_fini(&f.arena);
}

/* -- edges -- */

#define ONE(type, ...)                                                                                       \
    { .v = (type[]){__VA_ARGS__}, .n = 1 }

TEST(test_node_pod_uses__secrets_wherever_they_are_named) {
    struct core_secret_env_source env_from_ref = {.local_object_reference = {.name = S("from")}};
    struct core_secret_key_selector key_ref = {.local_object_reference = {.name = S("key")}};
    struct core_env_var_source value_from = {.secret_key_ref = &key_ref};
    struct core_secret_volume_source volume = {.secret_name = S("volume")};
    struct core_secret_projection projection = {.local_object_reference = {.name = S("projected")}};
    struct core_projected_volume_source projected = {
        .sources = ONE(struct core_volume_projection, {.secret = &projection})};
    struct core_local_object_reference publish = {.name = S("csi")};
    struct core_csi_volume_source csi = {.node_publish_secret_ref = &publish};
    struct core_volume volumes[] = {{.volume_source = {.secret = &volume}},
                                    {.volume_source = {.projected = &projected}},
                                    {.volume_source = {.csi = &csi}}};
    struct core_pod pod = {
        .spec = {.image_pull_secrets = ONE(struct core_local_object_reference, {.name = S("pull")}),
                 .containers = ONE(struct core_container, {.env_from = ONE(struct core_env_from_source,
                                                                           {.secret_ref = &env_from_ref})}),
                 .init_containers = ONE(struct core_container,
                                        {.env = ONE(struct core_env_var, {.value_from = &value_from})}),
                 .volumes = {.v = volumes, .n = 3}}};
    const char *names[] = {"from", "key", "volume", "projected", "csi", "pull"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(node_pod_uses(&pod, NODE_SECRET, str_from(names[i])));
        assert_false(node_pod_uses(&pod, NODE_CONFIG_MAP, str_from(names[i])));
        assert_false(node_pod_uses(&pod, NODE_CLAIM, str_from(names[i])));
    }
    assert_false(node_pod_uses(&pod, NODE_SECRET, S("other")));
    assert_false(node_pod_uses(&pod, NODE_SECRET, S("")));
}

TEST(test_node_pod_uses__config_maps) {
    struct core_config_map_env_source env_from_ref = {.local_object_reference = {.name = S("from")}};
    struct core_config_map_key_selector key_ref = {.local_object_reference = {.name = S("key")}};
    struct core_env_var_source value_from = {.config_map_key_ref = &key_ref};
    struct core_config_map_volume_source volume = {.local_object_reference = {.name = S("volume")}};
    struct core_pod pod = {
        .spec = {
            .ephemeral_containers = ONE(
                struct core_ephemeral_container,
                {.ephemeral_container_common = {.env = ONE(struct core_env_var, {.value_from = &value_from}),
                                                .env_from = ONE(struct core_env_from_source,
                                                                {.config_map_ref = &env_from_ref})}}),
            .volumes = ONE(struct core_volume, {.volume_source = {.config_map = &volume}})}};
    assert_true(node_pod_uses(&pod, NODE_CONFIG_MAP, S("from")));
    assert_true(node_pod_uses(&pod, NODE_CONFIG_MAP, S("key")));
    assert_true(node_pod_uses(&pod, NODE_CONFIG_MAP, S("volume")));
    assert_false(node_pod_uses(&pod, NODE_SECRET, S("key")));
    assert_false(node_pod_uses(&pod, NODE_CONFIG_MAP, S("keys")));
}

TEST(test_node_pod_uses__claims_accounts_and_resource_claims) {
    struct core_persistent_volume_claim_volume_source claim = {.claim_name = S("data")};
    struct core_ephemeral_volume_source ephemeral = {0};
    struct core_volume volumes[] = {{.name = S("a"), .volume_source = {.persistent_volume_claim = &claim}},
                                    {.name = S("scratch"), .volume_source = {.ephemeral = &ephemeral}}};
    struct core_pod_extended_resource_claim_status extended = {.resource_claim_name = S("extended")};
    struct core_pod pod = {
        .metadata = {.name = S("web-0")},
        .spec = {.service_account_name = S("bot"),
                 .volumes = {.v = volumes, .n = 2},
                 .resource_claims = ONE(struct core_pod_resource_claim, {.resource_claim_name = S("gpu")})},
        .status = {.resource_claim_statuses =
                       ONE(struct core_pod_resource_claim_status, {.resource_claim_name = S("made")}),
                   .extended_resource_claim_status = &extended}};
    assert_true(node_pod_uses(&pod, NODE_CLAIM, S("data")));
    assert_true(node_pod_uses(&pod, NODE_CLAIM, S("web-0-scratch")));
    assert_false(node_pod_uses(&pod, NODE_CLAIM, S("web-0-a")));
    assert_false(node_pod_uses(&pod, NODE_CLAIM, S("web-1-scratch")));
    assert_true(node_pod_uses(&pod, NODE_SERVICE_ACCOUNT, S("bot")));
    assert_false(node_pod_uses(&pod, NODE_SERVICE_ACCOUNT, S("default")));
    assert_true(node_pod_uses(&pod, NODE_RESOURCE_CLAIM, S("gpu")));
    assert_true(node_pod_uses(&pod, NODE_RESOURCE_CLAIM, S("made")));
    assert_true(node_pod_uses(&pod, NODE_RESOURCE_CLAIM, S("extended")));
    assert_false(node_pod_uses(&pod, NODE_RESOURCE_CLAIM, S("data")));
}

TEST(test_node_pod_uses__nothing_by_mirror_pods) {
    struct str_entry mirror = {.key = S("kubernetes.io/config.mirror"), .value = S("")};
    struct core_pod pod = {.spec = {.service_account_name = S("bot")}};
    assert_true(node_pod_uses(&pod, NODE_SERVICE_ACCOUNT, S("bot")));
    pod.metadata.annotations = (struct str_map){.v = &mirror, .n = 1};
    assert_false(node_pod_uses(&pod, NODE_SERVICE_ACCOUNT, S("bot")));
}

TEST(test_node_volume_uses_secret__of_the_node_only) {
    struct core_secret_reference stage = {.name = S("stage"), .namespace = S("csi")};
    struct core_secret_reference publish = {.name = S("attach"), .namespace = S("csi")};
    struct core_csi_persistent_volume_source csi = {.node_stage_secret_ref = &stage,
                                                    .controller_publish_secret_ref = &publish};
    struct core_object_reference claim = {.namespace = S("ns"), .name = S("data")};
    struct core_persistent_volume pv = {
        .spec = {.claim_ref = &claim, .persistent_volume_source = {.csi = &csi}}};
    assert_true(node_volume_uses_secret(&pv, S("csi"), S("stage")));
    assert_false(node_volume_uses_secret(&pv, S("ns"), S("stage")));
    assert_false(node_volume_uses_secret(&pv, S("csi"), S("attach")));
    pv.spec.claim_ref = NULL;
    assert_false(node_volume_uses_secret(&pv, S("csi"), S("stage")));
}

TEST(test_node_volume_uses_secret__in_the_namespace_of_the_claim) {
    struct core_azure_file_persistent_volume_source azure = {.secret_name = S("key")};
    struct core_object_reference claim = {.namespace = S("ns"), .name = S("data")};
    struct core_persistent_volume pv = {
        .spec = {.claim_ref = &claim, .persistent_volume_source = {.azure_file = &azure}}};
    assert_true(node_volume_uses_secret(&pv, S("ns"), S("key")));
    azure.secret_namespace = S("storage");
    assert_true(node_volume_uses_secret(&pv, S("storage"), S("key")));
    assert_false(node_volume_uses_secret(&pv, S("ns"), S("key")));
}
