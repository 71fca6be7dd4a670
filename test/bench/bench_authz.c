/* Role based access control: checks of a service account among 1,000 bindings and the bootstrap policy. */
#include <stdlib.h>

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
    what.resource = S("daemonsets");
    ok &= bench_at_least("authz_not_allowed", checks_per_second(x, &what, true), "checks/s", "-", 1e6);
    u = world_user(w, "system:kube-controller-manager", "system:authenticated");
    ok &=
        bench_at_least("authz_controller_manager", checks_per_second(x, &what, false), "checks/s", "-", 5e5);
    rbac_index_free(x);
    world_free(w);
    return ok ? 0 : 1;
}
