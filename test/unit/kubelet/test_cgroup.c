/* kubelet/cgroup: on folders that look like cgroups, and on the real ones where this is root. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/types/core.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/process.h"
#include "kubelet/cgroup.h"
#include "sources.h"
#include "unit/unit.h"

struct world {
    struct fake_sources s;
    struct cgroups *g;
    struct err err;
};

static const char *at(struct world *w, const char *name) {
    return arena_printf(&w->s.a, "%s/%s", unit_tmpdir(), name).p;
}

static void put(struct world *w, const char *name, const char *text) {
    char dir[700];
    snprintf(dir, sizeof dir, "%s", at(w, name));
    *strrchr(dir, '/') = 0;
    assert_ok(file_mkdir_p(dir, 0755, &w->err), &w->err);
    assert_ok(file_write_atomic(at(w, name), str_from(text), 0644, &w->err), &w->err);
}

static void expect(struct world *w, const char *name, const char *text) {
    _cleanup_buf struct buf b = BUF_INIT;
    assert_ok(file_read(at(w, name), 1000, &b, &w->err), &w->err);
    assert_str(buf_view(&b), text);
}

static void start(struct world *w, bool v2, const struct cgroup_options *with) {
    *w = (struct world){0};
    sources_init(&w->s);
    if (v2) {
        put(w, "cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
    } else {
        put(w, "cpu/cgroup.procs", "");
        put(w, "cpuacct/cgroup.procs", "");
        put(w, "memory/cgroup.procs", "");
        put(w, "unified/cgroup.controllers", "");
        put(w, "unified/cgroup.procs", "");
    }
    struct cgroup_options o = with ? *with : (struct cgroup_options){0};
    o.mount = unit_tmpdir();
    assert_ok(cgroups_new(&o, &w->g, &w->err), &w->err);
    assert_int_equal(cgroups_are_v2(w->g), v2);
}

static void stop(struct world *w) {
    cgroups_free(w->g);
    sources_fini(&w->s);
}

#define GUARANTEED                                                                                           \
    "{\"metadata\":{\"uid\":\"u-1\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{"              \
    "\"limits\":{\"cpu\":\"500m\",\"memory\":\"64Mi\"},\"requests\":{\"cpu\":\"500m\",\"memory\":\"64Mi\"}}" \
    "}]}}"
#define BURSTABLE                                                                                            \
    "{\"metadata\":{\"uid\":\"u-2\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{"              \
    "\"requests\":{\"cpu\":\"1\"},\"limits\":{\"memory\":\"64Mi\"}}}]}}"
#define BEST_EFFORT "{\"metadata\":{\"uid\":\"u-3\"},\"spec\":{\"containers\":[{\"name\":\"c\"}]}}"

TEST(test_cgroup__names) {
    struct world w;
    start(&w, true, NULL);
    const struct core_pod *a = sources_object(&w.s, "Pod", GUARANTEED),
                          *b = sources_object(&w.s, "Pod", BURSTABLE),
                          *c = sources_object(&w.s, "Pod", BEST_EFFORT);
    assert_str(cgroup_parent_of(w.g, a, &w.s.a), "/kubepods/podu-1");
    assert_str(cgroup_parent_of(w.g, b, &w.s.a), "/kubepods/burstable/podu-2");
    assert_str(cgroup_parent_of(w.g, c, &w.s.a), "/kubepods/besteffort/podu-3");
    cgroups_free(w.g);
    struct cgroup_options o = {.mount = unit_tmpdir(), .systemd = true};
    assert_ok(cgroups_new(&o, &w.g, &w.err), &w.err);
    assert_str(cgroup_parent_of(w.g, a, &w.s.a), "kubepods-podu_1.slice");
    assert_str(cgroup_parent_of(w.g, b, &w.s.a), "kubepods-burstable-podu_2.slice");
    assert_str(cgroup_pod_path(w.g, S("Burstable"), S("u-2"), &w.s.a),
               "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podu_2.slice");
    cgroups_free(w.g);
    o = (struct cgroup_options){.mount = unit_tmpdir(), .parent = "/node-a"};
    assert_ok(cgroups_new(&o, &w.g, &w.err), &w.err);
    assert_str(cgroup_parent_of(w.g, a, &w.s.a), "/node-a/kubepods/podu-1");
    stop(&w);
}

/* Files of the kernel are there as soon as the folder is; here they must be put first. */
static void put_v2(struct world *w, const char *dir) {
    static const char *const names[] = {"cpu.weight", "cpu.max", "memory.max", "pids.max"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put(w, arena_printf(&w->s.a, "%s/%s", dir, names[i]).p, "");
}

TEST(test_cgroup__values_on_v2) {
    struct world w;
    start(&w, true, &(struct cgroup_options){.pids_limit = 100});
    put_v2(&w, "kubepods");
    put_v2(&w, "kubepods/burstable");
    put_v2(&w, "kubepods/podu-1");
    put_v2(&w, "kubepods/burstable/podu-2");
    put_v2(&w, "kubepods/besteffort/podu-3");
    assert_ok(cgroups_make_tiers(w.g, 2000, 1 << 30, &w.err), &w.err);
    expect(&w, "kubepods/cpu.weight", "79");
    expect(&w, "kubepods/memory.max", "1073741824");
    expect(&w, "kubepods/cpu.max", "max 100000");
    expect(&w, "kubepods/burstable/cpu.weight", "1");
    assert_ok(cgroups_set_burstable(w.g, 1000, &w.err), &w.err);
    expect(&w, "kubepods/burstable/cpu.weight", "39");
    assert_ok(cgroup_make_pod(w.g, sources_object(&w.s, "Pod", GUARANTEED), &w.err), &w.err);
    expect(&w, "kubepods/podu-1/cpu.weight", "20");
    expect(&w, "kubepods/podu-1/cpu.max", "50000 100000");
    expect(&w, "kubepods/podu-1/memory.max", "67108864");
    expect(&w, "kubepods/podu-1/pids.max", "100");
    assert_ok(cgroup_make_pod(w.g, sources_object(&w.s, "Pod", BURSTABLE), &w.err), &w.err);
    expect(&w, "kubepods/burstable/podu-2/cpu.max", "max 100000");
    expect(&w, "kubepods/burstable/podu-2/memory.max", "67108864");
    assert_ok(cgroup_make_pod(w.g, sources_object(&w.s, "Pod", BEST_EFFORT), &w.err), &w.err);
    expect(&w, "kubepods/besteffort/podu-3/cpu.weight", "1");
    expect(&w, "kubepods/besteffort/podu-3/memory.max", "max");
    stop(&w);
}

TEST(test_cgroup__values_on_v1) {
    struct world w;
    start(&w, false, NULL);
    put(&w, "cpu/kubepods/podu-1/cpu.shares", "");
    put(&w, "cpu/kubepods/podu-1/cpu.cfs_quota_us", "");
    put(&w, "memory/kubepods/podu-1/memory.limit_in_bytes", "");
    assert_ok(cgroup_make_pod(w.g, sources_object(&w.s, "Pod", GUARANTEED), &w.err), &w.err);
    expect(&w, "cpu/kubepods/podu-1/cpu.shares", "512");
    expect(&w, "cpu/kubepods/podu-1/cpu.cfs_quota_us", "50000");
    expect(&w, "memory/kubepods/podu-1/memory.limit_in_bytes", "67108864");
    assert_false(file_exists(at(&w, "unified/kubepods")));
    stop(&w);
}

TEST(test_cgroup__pods_are_removed_from_every_hierarchy) {
    struct world w;
    start(&w, false, NULL);
    static const char *const dirs[] = {"memory/kubepods/podu-1/c1", "cpuacct/kubepods/burstable/podu-1",
                                       "unified/kubepods/podu-1/c1"};
    for (int i = 0; i < 3; i++)
        assert_ok(file_mkdir_p(at(&w, dirs[i]), 0755, &w.err), &w.err);
    assert_ok(cgroup_remove_pod(w.g, S("u-1"), &w.err), &w.err);
    assert_false(file_exists(at(&w, "memory/kubepods/podu-1")));
    assert_false(file_exists(at(&w, "cpuacct/kubepods/burstable/podu-1")));
    assert_false(file_exists(at(&w, "unified/kubepods/podu-1")));
    assert_true(file_exists(at(&w, "memory/kubepods")));
    stop(&w);
}

TEST(test_cgroup__pods_are_listed) {
    struct world w;
    struct str_array uids;
    start(&w, true, NULL);
    put(&w, "kubepods/poda-b/x", "");
    put(&w, "kubepods/burstable/podc/x", "");
    put(&w, "kubepods/other/x", "");
    assert_ok(cgroup_list_pods(w.g, &w.s.a, &uids, &w.err), &w.err);
    assert_int_equal(uids.n, 2);
    assert_str(uids.v[0], "a-b");
    assert_str(uids.v[1], "c");
    stop(&w);
}

TEST(test_cgroup__usage) {
    struct world w;
    struct cgroup_usage u;
    start(&w, true, NULL);
    put(&w, "x/cpu.stat", "usage_usec 1500\nuser_usec 1\nnr_throttled 2\nthrottled_usec 5\n");
    put(&w, "x/memory.current", "1000\n");
    put(&w, "x/memory.max", "max\n");
    put(&w, "x/memory.stat", "anon 300\nfile 500\ninactive_file 400\npgfault 7\npgmajfault 2\n");
    put(&w, "x/pids.current", "3\n");
    cgroup_read_usage(w.g, S("/x"), &u);
    assert_int_equal(u.cpu_ns, 1500000);
    assert_int_equal(u.memory_bytes, 1000);
    assert_int_equal(u.working_set_bytes, 600);
    assert_int_equal(u.rss_bytes, 300);
    assert_int_equal(u.cache_bytes, 500);
    assert_int_equal(u.cpu_user_ns, 1000);
    assert_int_equal(u.cpu_system_ns, -1);
    assert_int_equal(u.cpu_throttled_periods, 2);
    assert_int_equal(u.cpu_throttled_ns, 5000);
    assert_int_equal(u.memory_limit_bytes, -1);
    assert_int_equal(u.major_page_faults, 2);
    assert_int_equal(u.pids, 3);
    cgroup_read_usage(w.g, S("/none"), &u);
    assert_int_equal(u.cpu_ns, -1);
    assert_int_equal(u.working_set_bytes, -1);
    stop(&w);
}

TEST(test_cgroup__no_cgroups_is_told) {
    struct err err = ERR_INIT;
    struct cgroups *g;
    assert_fails(cgroups_new(&(struct cgroup_options){.mount = unit_tmpdir()}, &g, &err), ERR_UNSUPPORTED);
}

struct real_run {
    int made, made_again, busy, removed, removed_again;
    unsigned processes;
    int32_t pid;
    pid_t want;
};

/* Puts a process into the pod's cgroup and takes everything away again. */
static void run_real(struct fake_sources *s, struct cgroups *g, const char *parent, struct real_run *r) {
    struct err err = ERR_INIT;
    struct process *p = NULL;
    const struct core_pod *pod = sources_object(s, "Pod", GUARANTEED);
    struct process_options o = {.argv = (const char *const[]){"sleep", "1000", NULL}};
    r->made = cgroup_make_pod(g, pod, &err);
    r->made_again = cgroup_make_pod(g, pod, &err);
    struct str path = arena_printf(&s->a, "/sys/fs/cgroup%s%s/kubepods/podu-1/cgroup.procs",
                                   cgroups_are_v2(g) ? "" : "/memory", parent);
    FILE *f = fopen(path.p, "we");
    if (f && process_start(&o, &p, &err) == 0) {
        r->want = process_pid(p);
        fprintf(f, "%d", (int)r->want);
    }
    if (f)
        fclose(f);
    r->processes = cgroup_pod_processes(g, S("u-1"), &r->pid, 1);
    r->busy = cgroup_remove_pod(g, S("u-1"), &err);
    process_free(p);
    r->removed = cgroup_remove_pod(g, S("u-1"), &err);
    r->removed_again = cgroup_remove_pod(g, S("u-1"), &err);
    static const char clean[] = "find /sys/fs/cgroup -depth -type d -path \"*$1*\" -exec rmdir {} +";
    struct process_options c = {.argv = (const char *const[]){"sh", "-c", clean, "sh", parent, NULL}};
    (void)process_run(&c, &(struct process_io){0}, NULL, NULL);
}

TEST(test_cgroup__real_ones_hold_processes_and_are_removed) {
    struct fake_sources s;
    struct err err = ERR_INIT;
    struct cgroups *g;
    struct real_run r = {0};
    char parent[64];
    snprintf(parent, sizeof parent, "/cxunit-%d", (int)getpid());
    if (geteuid() != 0 || cgroups_new(&(struct cgroup_options){.parent = parent}, &g, &err))
        skip();
    sources_init(&s);
    int rc = cgroups_make_tiers(g, 1000, 0, &err);
    if (rc == 0)
        run_real(&s, g, parent, &r);
    int bad = cgroup_remove_pod(g, S("../x"), &err);
    cgroups_free(g);
    sources_fini(&s);
    if (rc) /* in a container that may not */
        skip();
    assert_int_equal(r.made, 0);
    assert_int_equal(r.made_again, 0);
    assert_int_equal(r.processes, 1);
    assert_int_equal(r.pid, r.want);
    assert_fails(r.busy, ERR_AGAIN);
    assert_int_equal(r.removed, 0);
    assert_int_equal(r.removed_again, 0);
    assert_fails(bad, ERR_INVALID);
}
