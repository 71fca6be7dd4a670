/* Finding the vectors and their types. See golden.h. */
#include "golden/golden.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/schema.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "codec/json.h"

/* Versions that are not in the schema, but have the wire format of one that is. */
static const struct {
    const char *group, *version, *kind; /* kind NULL: all */
    const char *as_group, *as_version;
} stand_ins[] = {
    {"core", "v1", NULL, "meta.k8s.io", "v1"},
    {"admission.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"apidiscovery.k8s.io", "v2beta1", NULL, NULL, "v2"},
    {"apps", "v1beta1", NULL, NULL, "v1"},
    {"apps", "v1beta2", NULL, NULL, "v1"},
    {"authentication.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"authorization.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"batch", "v1beta1", NULL, NULL, "v1"},
    {"discovery.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"events.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"extensions", "v1beta1", "Ingress", "networking.k8s.io", "v1beta1"},
    {"extensions", "v1beta1", "NetworkPolicy", "networking.k8s.io", "v1"},
    {"extensions", "v1beta1", "ReplicaSet", "apps", "v1"},
    {"flowcontrol.apiserver.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"flowcontrol.apiserver.k8s.io", "v1beta2", NULL, NULL, "v1"},
    {"flowcontrol.apiserver.k8s.io", "v1beta3", NULL, NULL, "v1"},
    {"node.k8s.io", "v1alpha1", NULL, NULL, "v1"},
    {"node.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"policy", "v1beta1", NULL, NULL, "v1"},
    {"rbac.authorization.k8s.io", "v1alpha1", NULL, NULL, "v1"},
    {"rbac.authorization.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"scheduling.k8s.io", "v1beta1", NULL, NULL, "v1"},
    {"storage.k8s.io", "v1alpha1", NULL, NULL, "v1"},
};

/* Structures of their own, in versions that upstream itself no longer serves: nothing here reads them. */
static const char *const retired[] = {
    "apps.v1beta1.Deployment",
    "apps.v1beta1.DeploymentRollback",
    "apps.v1beta1.Scale",
    "apps.v1beta2.Scale",
    "extensions.v1beta1.DaemonSet",
    "extensions.v1beta1.Deployment",
    "extensions.v1beta1.DeploymentRollback",
    "extensions.v1beta1.Scale",
    "rbac.authorization.k8s.io.v1alpha1.ClusterRole",
    "rbac.authorization.k8s.io.v1alpha1.Role",
};

static bool is_retired(struct str name) {
    for (size_t i = 0; i < sizeof retired / sizeof *retired; i++)
        if (str_eq(name, str_from(retired[i])))
            return true;
    return false;
}

static uint32_t find_type(struct str group, struct str version, struct str kind) {
    return ty_find_type(&builtin, str_eq(group, S("core")) ? S("") : group, version, kind);
}

static uint32_t type_of(struct str name, bool *ret_own) {
    ptrdiff_t dot = str_rfind_byte(name, '.');
    struct str rest = str_cut(name, (size_t)dot), kind = str_from_byte(name, (size_t)dot + 1);
    dot = str_rfind_byte(rest, '.');
    struct str group = str_cut(rest, (size_t)dot), version = str_from_byte(rest, (size_t)dot + 1);
    uint32_t type = find_type(group, version, kind);
    *ret_own = type || str_eq(group, S("core"));
    for (size_t i = 0; !type && i < sizeof stand_ins / sizeof *stand_ins; i++) {
        const char *as_group = stand_ins[i].as_group ? stand_ins[i].as_group : stand_ins[i].group;
        if (str_eq(group, str_from(stand_ins[i].group)) && str_eq(version, str_from(stand_ins[i].version)) &&
            (!stand_ins[i].kind || str_eq(kind, str_from(stand_ins[i].kind))))
            type = find_type(str_from(as_group), str_from(stand_ins[i].as_version), kind);
    }
    return type;
}

static struct str load(struct arena *a, struct str name, const char *ending) {
    _cleanup_buf struct buf bytes = BUF_INIT;
    char path[512];
    struct err err = ERR_INIT;
    snprintf(path, sizeof path, "%s/%.*s%s", GOLDEN_DIR, STR_ARG(name), ending);
    if (file_read(path, 1 << 20, &bytes, &err))
        panic("%s: %s", path, err.msg);
    return buf_to_arena(&bytes, a);
}

static struct str load_compact(struct arena *a, struct str name) {
    _cleanup_buf struct buf compact = BUF_INIT;
    struct err err = ERR_INIT;
    if (json_compact(&compact, load(a, name, ".json"), NULL, &err))
        panic("%.*s.json: %s", STR_ARG(name), err.msg);
    return buf_to_arena(&compact, a);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct golden *)a)->name, ((const struct golden *)b)->name);
}

size_t golden_load(struct arena *a, struct golden out[GOLDEN_MAX]) {
    size_t n = 0;
    DIR *dir = opendir(GOLDEN_DIR);
    if (!dir)
        panic("%s does not open", GOLDEN_DIR);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct str file = str_from(entry->d_name);
        if (!str_has_suffix(file, S(".pb")))
            continue;
        check(n < GOLDEN_MAX);
        struct str name = str_cut(file, file.n - 3);
        bool own;
        uint32_t type = type_of(name, &own);
        if (!type && !is_retired(name))
            panic("%s has no type", entry->d_name);
        out[n++] = (struct golden){
            .name = arena_strz(a, name),
            .type = is_retired(name) ? 0 : type,
            .own = own,
            .pb = load(a, name, ".pb"),
            .json = load_compact(a, name),
        };
    }
    (void)closedir(dir);
    qsort(out, n, sizeof *out, by_name);
    return n;
}
