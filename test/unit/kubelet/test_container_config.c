/* kubelet/container_config, container_resources, container_security: what the runtime is asked for. */
#include "api/types/core.h"
#include "base/buf.h"
#include "kubelet/container_config.h"
#include "kubelet/cri_names.h"
#include "sources.h"
#include "unit/unit.h"

static struct str sizes[] = {STR_INIT("2MB"), STR_INIT("1GB")};
static const struct container_node node = {
    .memory_capacity = 1000ll << 20, .hugepage_sizes = {sizes, 2}, .seccomp_dir = STR_INIT("/seccomp")};

static struct cri_container_config *make_with(struct fake_sources *s, const char *json,
                                              const struct container_config_inputs *with, int *ret_code) {
    const struct core_pod *pod = sources_object(s, "Pod", json);
    struct container_config_inputs in = *with;
    struct err err = ERR_INIT;
    struct cri_container_config *out = NULL;
    in.pod = pod;
    in.container = &pod->spec.containers.v[0];
    if (!in.node)
        in.node = &node;
    int rc = container_config_make(&in, &s->a, &out, &err);
    if (ret_code)
        *ret_code = rc;
    else
        assert_ok(rc, &err);
    return out;
}

static struct cri_container_config *make(struct fake_sources *s, const char *json) {
    return make_with(s, json, &(struct container_config_inputs){0}, NULL);
}

TEST(test_container_config__names_commands_and_annotations) {
    struct fake_sources s;
    sources_init(&s);
    struct cri_key_value pairs[] = {{S("WHO"), S("you")}};
    struct container_config_inputs in = {
        .attempt = 3, .hash = S("abc"), .image_ref = S("sha256:1"), .env = {pairs, 1}};
    struct cri_container_config *c =
        make_with(&s,
                  "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u\","
                  "\"deletionGracePeriodSeconds\":5},\"spec\":{"
                  "\"terminationGracePeriodSeconds\":30,\"containers\":[{\"name\":\"c\",\"image\":\"web:1\","
                  "\"command\":[\"hi\",\"$(WHO)\"],"
                  "\"args\":[\"$$(WHO)\",\"$(NOBODY)\"],\"workingDir\":\"/"
                  "w\",\"tty\":true,\"terminationMessagePath\":\"/dev/t\","
                  "\"ports\":[{\"containerPort\":80,\"protocol\":\"TCP\"}],"
                  "\"lifecycle\":{\"preStop\":{\"sleep\":{\"seconds\":2}}}}]}}",
                  &in, NULL);
    assert_str(c->metadata->name, "c");
    assert_int_equal(c->metadata->attempt, 3);
    assert_str(c->image->image, "sha256:1");
    assert_str(c->image->user_specified_image, "web:1");
    assert_str(c->command.v[1], "you");
    assert_str(c->args.v[0], "$(WHO)");
    assert_str(c->args.v[1], "$(NOBODY)");
    assert_str(c->log_path, "c/3.log");
    assert_true(c->tty);
    assert_str(str_map_get(c->labels, CRI_LABEL_POD_UID), "u");
    assert_str(str_map_get(c->labels, CRI_LABEL_CONTAINER_NAME), "c");
    assert_str(str_map_get(c->annotations, CRI_ANNOTATION_CONTAINER_HASH), "abc");
    assert_str(str_map_get(c->annotations, CRI_ANNOTATION_RESTART_COUNT), "3");
    assert_str(str_map_get(c->annotations, CRI_ANNOTATION_POD_DELETION_GRACE), "5");
    assert_str(str_map_get(c->annotations, CRI_ANNOTATION_POD_GRACE), "30");
    assert_str(str_map_get(c->annotations, CRI_ANNOTATION_PRE_STOP), "{\"sleep\":{\"seconds\":2}}");
    assert_str(str_map_get(c->annotations, CRI_ANNOTATION_PORTS),
               "[{\"containerPort\":80,\"protocol\":\"TCP\"}]");
    sources_fini(&s);
}

#define SPEC(pod_context, own_context)                                                                       \
    "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"securityContext\":{" pod_context                             \
    "},\"containers\":[{\"name\":\"c\",\"securityContext\":{" own_context "}}]}}"

TEST(test_container_security__container_wins_over_pod) {
    struct fake_sources s;
    sources_init(&s);
    struct cri_linux_container_security_context *c =
        make(&s,
             SPEC("\"runAsUser\":1,\"runAsGroup\":2,\"fsGroup\":3,\"supplementalGroups\":[4],"
                  "\"supplementalGroupsPolicy\":\"Strict\",\"seccompProfile\":{\"type\":\"RuntimeDefault\"}",
                  "\"runAsUser\":9,\"readOnlyRootFilesystem\":true,\"allowPrivilegeEscalation\":false,"
                  "\"capabilities\":{\"add\":[\"NET_ADMIN\"],\"drop\":[\"ALL\"]}"))
            ->linux_->security_context;
    assert_int_equal(c->run_as_user->value, 9);
    assert_int_equal(c->run_as_group->value, 2);
    assert_int_equal(c->supplemental_groups.n, 2);
    assert_int_equal(c->supplemental_groups.v[1], 3);
    assert_int_equal(c->supplemental_groups_policy, 1);
    assert_true(c->readonly_rootfs);
    assert_true(c->no_new_privs);
    assert_false(c->privileged);
    assert_str(c->capabilities->add_capabilities.v[0], "NET_ADMIN");
    assert_str(c->capabilities->drop_capabilities.v[0], "ALL");
    assert_int_equal(c->seccomp->profile_type, 0);
    assert_null(c->apparmor);
    assert_true(c->masked_paths.n > 5);
    assert_int_equal(c->namespace_options->pid, 1);
    assert_int_equal(c->namespace_options->network, 0);
    sources_fini(&s);
}

TEST(test_container_security__profiles) {
    struct fake_sources s;
    sources_init(&s);
    struct cri_linux_container_security_context *c =
        make(&s, SPEC("\"appArmorProfile\":{\"type\":\"Localhost\",\"localhostProfile\":\"mine\"}",
                      "\"procMount\":\"Unmasked\",\"seccompProfile\":{\"type\":\"Localhost\","
                      "\"localhostProfile\":\"a/b.json\"}"))
            ->linux_->security_context;
    assert_int_equal(c->seccomp->profile_type, 2);
    assert_str(c->seccomp->localhost_ref, "/seccomp/a/b.json");
    assert_str(c->apparmor->localhost_ref, "mine");
    assert_str(c->apparmor_profile, "localhost/mine");
    assert_int_equal(c->masked_paths.n, 0);
    c = make(&s, SPEC("", ""))->linux_->security_context;
    assert_int_equal(c->seccomp->profile_type, 1);
    struct container_node strict = node;
    strict.seccomp_default = true;
    struct container_config_inputs in = {.node = &strict};
    assert_int_equal(make_with(&s, SPEC("", ""), &in, NULL)->linux_->security_context->seccomp->profile_type,
                     0);
    c = make_with(&s, SPEC("", "\"privileged\":true"), &in, NULL)->linux_->security_context;
    assert_int_equal(c->seccomp->profile_type, 1);
    assert_true(c->privileged);
    sources_fini(&s);
}

TEST(test_container_security__non_root_is_checked) {
    struct fake_sources s;
    int rc;
    sources_init(&s);
    struct container_config_inputs in = {0};
    static const char *const json = SPEC("\"runAsNonRoot\":true", "");
    make_with(&s, json, &in,
              &rc); /* an image without any user: the runtime would use root, but says nothing */
    assert_int_equal(rc, 0);
    in.user.uid = (struct opt_i64){.v = 0, .set = true};
    make_with(&s, json, &in, &rc);
    assert_fails(rc, ERR_INVALID);
    in.user.uid.v = 5;
    struct cri_container_config *c = make_with(&s, json, &in, &rc);
    assert_int_equal(rc, 0);
    assert_int_equal(c->linux_->security_context->run_as_user->value, 5);
    in.user = (struct image_user){.name = S("web")};
    make_with(&s, json, &in, &rc);
    assert_fails(rc, ERR_INVALID);
    c = make_with(&s, SPEC("", ""), &in, &rc);
    assert_str(c->linux_->security_context->run_as_username, "web");
    make_with(&s, SPEC("\"runAsNonRoot\":true", "\"runAsUser\":0"), &in, &rc);
    assert_fails(rc, ERR_INVALID);
    make_with(&s, SPEC("\"runAsNonRoot\":true,\"runAsUser\":7", "\"runAsNonRoot\":false,\"runAsUser\":0"),
              &in, &rc);
    assert_int_equal(rc, 0);
    sources_fini(&s);
}

TEST(test_container_security__namespaces) {
    struct fake_sources s;
    sources_init(&s);
    struct container_config_inputs in = {.target_id = S("c7")};
    struct cri_namespace_option *n =
        make_with(&s, SPEC("", ""), &in, NULL)->linux_->security_context->namespace_options;
    assert_int_equal(n->pid, 3);
    assert_str(n->target_id, "c7");
    n = make(&s, "{\"spec\":{\"hostNetwork\":true,\"hostPID\":true,\"hostIPC\":true,\"containers\":[{"
                 "\"name\":\"c\"}]}}")
            ->linux_->security_context->namespace_options;
    assert_int_equal(n->network, 2);
    assert_int_equal(n->pid, 2);
    assert_int_equal(n->ipc, 2);
    n = make(&s, "{\"spec\":{\"shareProcessNamespace\":true,\"containers\":[{\"name\":\"c\"}]}}")
            ->linux_->security_context->namespace_options;
    assert_int_equal(n->pid, 0);
    sources_fini(&s);
}

#define RESOURCES(text) "{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{" text "}}]}}"

TEST(test_container_resources__amounts_become_cgroup_values) {
    struct fake_sources s;
    sources_init(&s);
    struct cri_linux_container_resources *r =
        make(&s, RESOURCES("\"requests\":{\"cpu\":\"250m\",\"memory\":\"100Mi\"},"
                           "\"limits\":{\"cpu\":\"1500m\",\"memory\":\"200Mi\",\"hugepages-2Mi\":\"4Mi\"}"))
            ->linux_->resources;
    assert_int_equal(r->cpu_shares, 256);
    assert_int_equal(r->cpu_quota, 150000);
    assert_int_equal(r->cpu_period, 100000);
    assert_int_equal(r->memory_limit_in_bytes, 200 << 20);
    assert_int_equal(r->oom_score_adj, 900);
    assert_int_equal(r->hugepage_limits.n, 2);
    assert_int_equal(r->hugepage_limits.v[0].limit, 4 << 20);
    assert_int_equal(r->hugepage_limits.v[1].limit, 0);
    assert_int_equal(r->unified.n, 0);

    r = make(&s, RESOURCES("\"limits\":{\"cpu\":\"1m\",\"memory\":\"1Gi\"}"))->linux_->resources;
    assert_int_equal(r->cpu_shares, 2);
    assert_int_equal(r->cpu_quota, 1000);
    r = make(&s, RESOURCES(""))->linux_->resources;
    assert_int_equal(r->cpu_shares, 2);
    assert_int_equal(r->cpu_quota, 0);
    assert_int_equal(r->oom_score_adj, 1000);

    struct container_node v2 = node;
    v2.cgroup_v2 = v2.limits_swap = true;
    r = make_with(&s, RESOURCES(""), &(struct container_config_inputs){.node = &v2}, NULL)->linux_->resources;
    assert_str(str_map_get(r->unified, S("memory.oom.group")), "1");
    assert_str(str_map_get(r->unified, S("memory.swap.max")), "0");
    sources_fini(&s);
}

static int64_t score(struct fake_sources *s, const char *json) {
    const struct core_pod *pod = sources_object(s, "Pod", json);
    return oom_score_adj(pod, &pod->spec.containers.v[0], node.memory_capacity);
}

TEST(test_container_resources__oom_scores) {
    struct fake_sources s;
    sources_init(&s);
    assert_int_equal(score(&s, RESOURCES("\"requests\":{\"memory\":\"1\"}")), 999);
    assert_int_equal(score(&s, RESOURCES("\"requests\":{\"memory\":\"500Mi\"}")), 500);
    assert_int_equal(score(&s, RESOURCES("\"requests\":{\"memory\":\"999Mi\"}")), 3);
    assert_int_equal(score(&s, RESOURCES("\"requests\":{\"memory\":\"9000Mi\"}")), 3);
    assert_int_equal(score(&s, RESOURCES("\"requests\":{\"cpu\":\"1\",\"memory\":\"1Gi\"},\"limits\":{"
                                         "\"cpu\":\"1\",\"memory\":\"1Gi\"}")),
                     -997);
    assert_int_equal(score(&s, "{\"spec\":{\"priority\":2000001000,\"containers\":[{\"name\":\"c\"}]}}"),
                     -997);
    /* a pod-level request is shared out */
    assert_int_equal(
        score(&s, "{\"spec\":{\"resources\":{\"requests\":{\"memory\":\"600Mi\"}},\"containers\":["
                  "{\"name\":\"c\",\"resources\":{\"requests\":{\"memory\":\"100Mi\"}}},{\"name\":\"d\"}]}}"),
        650);
    const struct core_pod *pod = sources_object(
        &s, "Pod",
        "{\"spec\":{\"initContainers\":[{\"name\":\"side\",\"restartPolicy\":\"Always\"}],\"containers\":["
        "{\"name\":\"c\",\"resources\":{\"requests\":{\"memory\":\"300Mi\"}}}]}}");
    assert_int_equal(oom_score_adj(pod, &pod->spec.init_containers.v[0], node.memory_capacity), 700);
    sources_fini(&s);
}

TEST(test_container_resources__conversions) {
    struct arena a = ARENA_INIT;
    assert_int_equal(cpu_shares(0), 2);
    assert_int_equal(cpu_shares(1000), 1024);
    assert_int_equal(cpu_shares(INT64_MAX), 262144);
    assert_int_equal(cpu_quota(0, 100000), 0);
    assert_int_equal(cpu_quota(5, 100000), 1000);
    assert_int_equal(cpu_quota(2500, 100000), 250000);
    assert_int_equal(cpu_weight_of_shares(2), 1);
    assert_int_equal(cpu_weight_of_shares(1024), 39);
    assert_int_equal(cpu_weight_of_shares(262144), 10000);
    assert_str(hugepage_size_of(S("hugepages-1Gi"), &a), "1GB");
    assert_str(hugepage_size_of(S("hugepages-64Ki"), &a), "64KB");
    assert_null(hugepage_size_of(S("hugepages-x"), &a).p);
    arena_fini(&a);
}

TEST(test_container_resources__pod_amounts) {
    struct fake_sources s;
    sources_init(&s);
    const struct core_pod *pod = sources_object(
        &s, "Pod",
        "{\"spec\":{\"overhead\":{\"cpu\":\"10m\"},\"initContainers\":["
        "{\"name\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"900m\"},\"limits\":{\"cpu\":\"1\"}}},"
        "{\"name\":\"s\",\"restartPolicy\":\"Always\",\"resources\":{\"requests\":{\"cpu\":\"50m\"},"
        "\"limits\":{\"cpu\":\"50m\"}}}],"
        "\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"100m\",\"memory\":\"1Mi\"},"
        "\"limits\":{\"cpu\":\"1\"}}},"
        "{\"name\":\"b\",\"resources\":{\"requests\":{\"cpu\":\"200m\",\"memory\":\"2Mi\"},\"limits\":{"
        "\"cpu\":\"1\"}}}]}}");
    struct pod_amounts p = pod_amounts_of(pod);
    assert_int_equal(p.cpu_request_milli, 910);
    assert_int_equal(p.memory_request, 3 << 20);
    assert_int_equal(p.cpu_limit_milli, 2060);
    assert_true(p.has_cpu_limit);
    assert_false(p.has_memory_limit);
    sources_fini(&s);
}

static struct cri_pod_sandbox_config *sandbox(struct fake_sources *s, const char *json) {
    static const struct dns_config dns;
    struct sandbox_config_inputs in = {.pod = sources_object(s, "Pod", json),
                                       .attempt = 1,
                                       .hostname = S("host"),
                                       .dns = &dns,
                                       .cgroup_parent = S("/kubepods/podu"),
                                       .logs_dir = S("/var/log/pods"),
                                       .node = &node};
    return sandbox_config_make(&in, &s->a);
}

TEST(test_sandbox_config__says_what_the_pod_says) {
    struct fake_sources s;
    sources_init(&s);
    struct cri_pod_sandbox_config *c = sandbox(
        &s, "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u\",\"labels\":{\"app\":\"x\","
            "\"z\":\"1\"},"
            "\"annotations\":{\"n\":\"1\"}},\"spec\":{\"securityContext\":{\"runAsUser\":5,\"runAsGroup\":6,"
            "\"sysctls\":["
            "{\"name\":\"net/ipv4/"
            "tcp_wmem\",\"value\":\"1\"},{\"name\":\"kernel.shm_rmid_forced\",\"value\":\"1\"}]},"
            "\"containers\":[{\"name\":\"c\",\"securityContext\":{\"privileged\":true},\"ports\":[{"
            "\"containerPort\":80},"
            "{\"containerPort\":53,\"hostPort\":5353,\"protocol\":\"UDP\",\"hostIP\":\"10.0.0.1\"}]}]}}");
    assert_str(c->metadata->uid, "u");
    assert_int_equal(c->metadata->attempt, 1);
    assert_str(c->hostname, "host");
    assert_str(c->log_directory, "/var/log/pods/ns_p_u");
    assert_int_equal(c->port_mappings.n, 1);
    assert_int_equal(c->port_mappings.v[0].host_port, 5353);
    assert_int_equal(c->port_mappings.v[0].protocol, 1);
    assert_str(str_map_get(c->labels, S("app")), "x");
    assert_str(str_map_get(c->labels, CRI_LABEL_POD_NAMESPACE), "ns");
    assert_str(str_map_get(c->linux_->sysctls, S("net.ipv4.tcp_wmem")), "1");
    assert_true(c->linux_->security_context->privileged);
    assert_int_equal(c->linux_->security_context->run_as_user->value, 5);
    c = sandbox(
        &s, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"hostNetwork\":true,\"containers\":[{\"name\":\"c\","
            "\"ports\":[{\"containerPort\":80,\"hostPort\":80}]}]}}");
    assert_str(c->hostname, "");
    assert_int_equal(c->port_mappings.n, 0);
    assert_int_equal(c->linux_->security_context->namespace_options->network, 2);
    sources_fini(&s);
}

static struct str forbidden(struct fake_sources *s, const char *name, struct str_array allowed,
                            const char *more) {
    struct str json = arena_printf(
        &s->a, "{\"spec\":{%s\"securityContext\":{\"sysctls\":[{\"name\":\"%s\",\"value\":\"1\"}]}}}", more,
        name);
    return pod_forbidden_sysctl(sources_object(s, "Pod", json.p), allowed);
}

TEST(test_sandbox_config__unsafe_sysctls_are_forbidden) {
    struct fake_sources s;
    sources_init(&s);
    struct str patterns[] = {S("net.core.*"), S("kernel.msgmax"), S("kernel.panic")};
    struct str_array none = {0}, some = {patterns, 3};
    assert_null(forbidden(&s, "net.ipv4.tcp_syncookies", none, "").p);
    assert_str(forbidden(&s, "net.core.somaxconn", none, ""), "net.core.somaxconn");
    assert_null(forbidden(&s, "net.core.somaxconn", some, "").p);
    assert_null(forbidden(&s, "kernel.msgmax", some, "").p);
    /* what has no namespace is the host's, whoever allows it */
    assert_str(forbidden(&s, "kernel.panic", some, ""), "kernel.panic");
    assert_str(forbidden(&s, "net.core.somaxconn", some, "\"hostNetwork\":true,"), "net.core.somaxconn");
    assert_str(forbidden(&s, "kernel.shm_rmid_forced", none, "\"hostIPC\":true,"), "kernel.shm_rmid_forced");
    sources_fini(&s);
}
