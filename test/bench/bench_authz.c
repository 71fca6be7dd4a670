/* Role based access control: checks of a service account among 1,000 bindings and the bootstrap policy. */
#include "api/object.h"
#include "api/types/ids.h"
#include "apiserver/authz_priv.h"
#include "bench/bench.h"
#include "unit/apiserver/authz_world.h"

static double checks_per_second(const struct rbac_index *x, const struct access *what, bool with_reason) {
    struct arena a = ARENA_INIT;
    struct str reason;
    uint64_t n = 0, allowed = 0;
    double start = bench_now(), end;
    do {
        for (int i = 0; i < 1000; i++, n++) {
            allowed += rbac_check(x, what, &a, with_reason ? &reason : NULL) == AUTHZ_ALLOW;
            if (with_reason)
                arena_reset(&a);
        }
        end = bench_now();
    } while (end - start < 0.5);
    arena_fini(&a);
    return allowed == n || allowed == 0 ? (double)n / (end - start) : 0;
}

/* The same through the trees of a world that does not change. */
static struct cow trees[AUTHZ_TREES];

static void snapshot(void *arg, enum authz_tree tree, struct cow *ret_tree) {
    (void)arg;
    cow_snapshot(&trees[tree], ret_tree);
}

static const struct authz_source_ops source_ops = {.snapshot = snapshot};
static const struct cow_ops object_ops = {.retain = object_retain_any, .release = object_release_any};

static void put(enum authz_tree tree, uint16_t kind, struct str ns, struct str name, const void *body,
                size_t size) {
    struct arena a = ARENA_INIT;
    void *copy = arena_alloc(&a, size);
    memcpy(copy, body, size);
    struct str key = str_empty(ns) ? name : arena_join(&a, (struct str[]){ns, name}, 2, S("/"));
    object_unref(cow_put(&trees[tree], key, object_freeze(&kinds[kind], copy, &a)));
}

static void put_all(const struct authz_world *w) {
    for (int i = 0; i < AUTHZ_TREES; i++)
        cow_init(&trees[i], &object_ops);
    for (uint32_t i = 0; i < w->n_cluster_roles; i++)
        put(AUTHZ_CLUSTER_ROLES, KIND_RBAC_CLUSTER_ROLE, S(""), w->cluster_roles[i]->metadata.name,
            w->cluster_roles[i], sizeof *w->cluster_roles[i]);
    for (uint32_t i = 0; i < w->n_cluster_bindings; i++)
        put(AUTHZ_CLUSTER_ROLE_BINDINGS, KIND_RBAC_CLUSTER_ROLE_BINDING, S(""),
            w->cluster_bindings[i]->metadata.name, w->cluster_bindings[i], sizeof *w->cluster_bindings[i]);
    for (uint32_t i = 0; i < w->n_bindings; i++)
        put(AUTHZ_ROLE_BINDINGS, KIND_RBAC_ROLE_BINDING, w->bindings[i]->metadata.namespace,
            w->bindings[i]->metadata.name, w->bindings[i], sizeof *w->bindings[i]);
}

static double full_checks_per_second(const struct access *what) {
    struct authz *authz = authz_new_of(&source_ops, NULL);
    struct arena a = ARENA_INIT;
    struct str reason;
    uint64_t n = 0, allowed = 0;
    double start = bench_now(), end;
    do {
        for (int i = 0; i < 1000; i++, n++) {
            allowed += authz_check(authz, what, &a, &reason) == AUTHZ_ALLOW;
            arena_reset(&a);
        }
        end = bench_now();
    } while (end - start < 0.5);
    arena_fini(&a);
    authz_free(authz);
    return allowed == n ? (double)n / (end - start) : 0;
}

static void add_bindings(struct authz_world *w) {
    world_role(w, "", "app",
               world_rule(w, "get,list,watch,update,patch", "-,apps", "pods,deployments,services", ""));
    for (int i = 0; i < 1000; i++) {
        char ns[32], subjects[96];
        snprintf(ns, sizeof ns, "team-%d", i % 100);
        snprintf(subjects, sizeof subjects, "ServiceAccount:%s/app-%d,Group:team-%d", ns, i / 100, i % 100);
        char name[32];
        snprintf(name, sizeof name, "binding-%d", i);
        world_bind(w, ns, name, "ClusterRole/app", subjects);
    }
}

int main(void) {
    struct authz_world *w = world_new();
    world_bootstrap(w);
    add_bindings(w);
    struct rbac_view view = world_view(w);
    double start = bench_now();
    struct rbac_index *x = rbac_index_new(&view);
    bool ok = bench_at_most("authz_index_1000_bindings", (bench_now() - start) * 1e3, "ms", "-", 10);

    struct user u = world_user(w, "system:serviceaccount:team-42:app-7",
                               "system:serviceaccounts,system:serviceaccounts:team-42,system:authenticated");
    struct access what = {.user = &u,
                          .verb = S("list"),
                          .is_resource = true,
                          .group = S("apps"),
                          .resource = S("deployments"),
                          .ns = S("team-42")};
    ok &= bench_at_least("authz_allowed", checks_per_second(x, &what, false), "checks/s", "-", 1e6);
    ok &=
        bench_at_least("authz_allowed_with_reason", checks_per_second(x, &what, true), "checks/s", "-", 1e6);
    put_all(w);
    ok &= bench_at_least("authz_check_with_snapshots", full_checks_per_second(&what), "checks/s", "-", 1e6);
    for (int i = 0; i < AUTHZ_TREES; i++)
        cow_fini(&trees[i]);
    what.resource = S("daemonsets");
    ok &= bench_at_least("authz_not_allowed", checks_per_second(x, &what, true), "checks/s", "-", 1e6);
    u = world_user(w, "system:kube-controller-manager", "system:authenticated");
    ok &=
        bench_at_least("authz_controller_manager", checks_per_second(x, &what, false), "checks/s", "-", 5e5);
    rbac_index_free(x);
    world_free(w);
    return ok ? 0 : 1;
}
