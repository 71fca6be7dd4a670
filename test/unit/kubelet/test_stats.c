/* What the node and its pods use: read from folders that look like cgroups, and from the runtime. */
#include "kubelet/stats.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "kubelet_world.h"
#include "unit/unit.h"

TEST(test_stats__interfaces_are_read_without_the_loopback) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str text = S("Inter-|   Receive                            |  Transmit\n"
                        " face |bytes    packets errs drop fifo frame compressed multicast|bytes packets\n"
                        "    lo: 10 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0\n"
                        "  eth0: 1000 11 2 3 0 0 0 0 2000 22 4 5 0 0 0 0\n"
                        "  odd: 1 2\n");
    struct stats_interfaces i = stats_read_interfaces(text, &a);
    assert_int_equal(i.n, 1);
    assert_str(i.v[0].name, "eth0");
    assert_int_equal(i.v[0].rx[0], 1000);
    assert_int_equal(i.v[0].rx[3], 3);
    assert_int_equal(i.v[0].tx[1], 22);
    assert_int_equal(i.v[0].tx[2], 4);
}

static void put(struct kubelet_world *w, const char *dir, const char *name, const char *text) {
    struct err err = ERR_INIT;
    const char *path = kubelet_world_path(w, arena_printf(&w->a, "cgroup/%s/%s", dir, name).p);
    assert_ok(file_mkdir_p(kubelet_world_path(w, arena_printf(&w->a, "cgroup/%s", dir).p), 0755, &err), &err);
    assert_ok(file_write_atomic(path, str_from(text), 0644, &err), &err);
}

static bool runs(struct kubelet_world *w) {
    return str_eq(str_from(kubelet_world_phase(w, "p")), S("Running"));
}

TEST(test_stats__pods_and_containers_are_read_from_their_cgroups) {
    struct kubelet_world w;
    struct stats s;
    struct err err = ERR_INIT;
    kubelet_world_init(&w);
    kubelet_world_start(&w);
    kubelet_world_pod(&w, "p", "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\"}]");
    kubelet_world_wait(runs(&w));
    put(&w, "kubepods/besteffort/poduid-p", "cpu.stat",
        "usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\n");
    put(&w, "kubepods/besteffort/poduid-p/c2", "cpu.stat",
        "usage_usec 1500\nnr_periods 9\nnr_throttled 4\nthrottled_usec 7\n");
    put(&w, "kubepods/besteffort/poduid-p/c2", "memory.current", "5000\n");
    put(&w, "kubepods/besteffort/poduid-p/c2", "memory.stat", "anon 10\nfile 20\ninactive_file 1000\n");
    put(&w, "kubepods/besteffort/poduid-p/c2", "pids.current", "3\n");
    assert_ok(stats_collect(w.k, &w.a, &s, &err), &err);
    assert_int_equal(s.n_pods, 1);
    assert_str(s.pods[0].self.pod, "p");
    assert_int_equal(s.pods[0].self.use.cpu_ns, 3000000);
    assert_int_equal(s.pods[0].self.use.cpu_user_ns, 2000000);
    assert_int_equal(s.pods[0].n_containers, 1);
    const struct stats_entry *c = &s.pods[0].containers[0];
    assert_str(c->container, "c");
    assert_str(c->id, "c2");
    assert_str(c->cgroup, "/kubepods/besteffort/poduid-p/c2");
    assert_int_equal(c->use.cpu_ns, 1500000);
    assert_int_equal(c->use.cpu_throttled_periods, 4);
    assert_int_equal(c->use.cpu_throttled_ns, 7000);
    assert_int_equal(c->use.working_set_bytes, 4000);
    assert_int_equal(c->use.cache_bytes, 20);
    assert_int_equal(c->use.pids, 3);
    assert_true(c->started_ns > 0);
    assert_true(s.node.use.working_set_bytes > 0);
    kubelet_world_fini(&w);
}
