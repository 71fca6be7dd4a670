/* Upstream's own wire vectors, test/golden/: every field of every kind filled. Read into structs and written
 * again, the JSON must be the same, byte for byte. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "unit/unit.h"

#define GOLDEN UNIT_SOURCE_ROOT "/test/golden/"

/* Kinds that the schema leaves out on purpose: versions that a 1.36 server no longer serves, and two formats
 * of aggregated discovery and admission that clients of 1.36 do not use. */
static const char *const left_out[] = {
    "admission.k8s.io.v1beta1.AdmissionReview",
    "apidiscovery.k8s.io.v2beta1.APIGroupDiscovery",
    "apps.v1beta1.ControllerRevision",
    "apps.v1beta1.Deployment",
    "apps.v1beta1.DeploymentRollback",
    "apps.v1beta1.Scale",
    "apps.v1beta1.StatefulSet",
    "apps.v1beta2.ControllerRevision",
    "apps.v1beta2.DaemonSet",
    "apps.v1beta2.Deployment",
    "apps.v1beta2.ReplicaSet",
    "apps.v1beta2.Scale",
    "apps.v1beta2.StatefulSet",
    "authentication.k8s.io.v1beta1.SelfSubjectReview",
    "authentication.k8s.io.v1beta1.TokenReview",
    "authorization.k8s.io.v1beta1.LocalSubjectAccessReview",
    "authorization.k8s.io.v1beta1.SelfSubjectAccessReview",
    "authorization.k8s.io.v1beta1.SelfSubjectRulesReview",
    "authorization.k8s.io.v1beta1.SubjectAccessReview",
    "batch.v1beta1.CronJob",
    "discovery.k8s.io.v1beta1.EndpointSlice",
    "events.k8s.io.v1beta1.Event",
    "extensions.v1beta1.DaemonSet",
    "extensions.v1beta1.Deployment",
    "extensions.v1beta1.DeploymentRollback",
    "extensions.v1beta1.Ingress",
    "extensions.v1beta1.NetworkPolicy",
    "extensions.v1beta1.ReplicaSet",
    "extensions.v1beta1.Scale",
    "flowcontrol.apiserver.k8s.io.v1beta1.FlowSchema",
    "flowcontrol.apiserver.k8s.io.v1beta1.PriorityLevelConfiguration",
    "flowcontrol.apiserver.k8s.io.v1beta2.FlowSchema",
    "flowcontrol.apiserver.k8s.io.v1beta2.PriorityLevelConfiguration",
    "flowcontrol.apiserver.k8s.io.v1beta3.FlowSchema",
    "flowcontrol.apiserver.k8s.io.v1beta3.PriorityLevelConfiguration",
    "node.k8s.io.v1alpha1.RuntimeClass",
    "node.k8s.io.v1beta1.RuntimeClass",
    "policy.v1beta1.Eviction",
    "policy.v1beta1.PodDisruptionBudget",
    "rbac.authorization.k8s.io.v1alpha1.ClusterRole",
    "rbac.authorization.k8s.io.v1alpha1.ClusterRoleBinding",
    "rbac.authorization.k8s.io.v1alpha1.Role",
    "rbac.authorization.k8s.io.v1alpha1.RoleBinding",
    "rbac.authorization.k8s.io.v1beta1.ClusterRole",
    "rbac.authorization.k8s.io.v1beta1.ClusterRoleBinding",
    "rbac.authorization.k8s.io.v1beta1.Role",
    "rbac.authorization.k8s.io.v1beta1.RoleBinding",
    "scheduling.k8s.io.v1beta1.PriorityClass",
    "storage.k8s.io.v1alpha1.CSIStorageCapacity",
    "storage.k8s.io.v1alpha1.VolumeAttachment",
    "storage.k8s.io.v1alpha1.VolumeAttributesClass",
};

#define LEFT_OUT (sizeof left_out / sizeof *left_out)
#define GOLDEN_KINDS 185

static bool is_left_out(struct str name) {
    for (size_t i = 0; i < LEFT_OUT; i++)
        if (str_eq(name, str_from(left_out[i])))
            return true;
    return false;
}

/* The type of "apps.v1.Deployment". Upstream registers kinds of meta in every group; its vectors have them in
 * core. */
static uint32_t type_of(struct str name) {
    ptrdiff_t dot = str_rfind_byte(name, '.');
    assert_true(dot > 0);
    struct str kind = str_from_byte(name, (size_t)dot + 1), gv = str_cut(name, (size_t)dot);
    dot = str_rfind_byte(gv, '.');
    assert_true(dot > 0);
    struct str version = str_from_byte(gv, (size_t)dot + 1), group = str_cut(gv, (size_t)dot);
    bool core = str_eq(group, S("core"));
    uint32_t type = ty_find_type(&builtin, core ? S("") : group, version, kind);
    return type || !core ? type : ty_find_type(&builtin, S("meta.k8s.io"), version, kind);
}

static void compact_file(struct str name, struct buf *out) {
    _cleanup_buf struct buf raw = BUF_INIT;
    char path[512];
    struct err err = ERR_INIT;
    snprintf(path, sizeof path, GOLDEN "%.*s.json", STR_ARG(name));
    assert_ok(file_read(path, 1 << 20, &raw, &err), &err);
    assert_ok(json_compact(out, buf_view(&raw), NULL, &err), &err);
}

/* Calls check for each vector. */
static void each(void (*check_one)(struct str name, uint32_t type, struct str text), size_t *ret_done) {
    DIR *dir = opendir(GOLDEN);
    assert_non_null(dir);
    *ret_done = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        struct str name = str_from(e->d_name);
        if (!str_has_suffix(name, S(".json")))
            continue;
        name.n -= strlen(".json");
        if (is_left_out(name))
            continue;
        uint32_t type = type_of(name);
        if (!type)
            fail_msg("no type for %.*s", STR_ARG(name));
        _cleanup_buf struct buf text = BUF_INIT;
        compact_file(name, &text);
        check_one(name, type, buf_view(&text));
        ++*ret_done;
    }
    closedir(dir);
}

static void same_again(struct str name, uint32_t type, struct str text) {
    for (int borrow = 0; borrow < 2; borrow++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf out = BUF_INIT;
        struct strict_errors strict = {.arena = &a};
        struct json_read_options options = {.strict = &strict, .borrow = borrow};
        struct err err = ERR_INIT;
        void *object;
        assert_ok(api_read_json(&a, &builtin, type, text, &options, &object, &err), &err);
        for (size_t i = 0; i < strict.n; i++)
            fail_msg("%.*s: %.*s", STR_ARG(name), STR_ARG(strict.v[i]));
        api_write_json(&out, &builtin, type, object);
        assert_str_equal(buf_view(&out), text);
    }
}

TEST(test_json_golden__every_vector_comes_back_byte_for_byte) {
    size_t done;
    each(same_again, &done);
    assert_int_equal(done, GOLDEN_KINDS - LEFT_OUT);
}

TEST(test_json_golden__kinds_that_are_left_out_are_not_in_the_schema) {
    for (size_t i = 0; i < LEFT_OUT; i++)
        assert_int_equal(type_of(str_from(left_out[i])), 0);
}
