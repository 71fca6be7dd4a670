/* kubelet/volume and what it stands on: atomic_writer, tree, safe_open, container_mounts. Needs root; what
 * needs mounts runs in a mount namespace of its own, or not at all where that cannot be had. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/types/core.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
#include "kubelet/atomic_writer.h"
#include "kubelet/container_mounts.h"
#include "kubelet/safe_open.h"
#include "kubelet/tree.h"
#include "kubelet/volume.h"
#include "sources.h"
#include "unit/unit.h"

struct world {
    struct fake_sources s;
    struct clock_sim clock;
    struct rand_seeded rand;
    struct volume_node node;
    struct volume_array volumes;
    struct err err;
    int rc;
    const struct core_pod *pod;
};

static struct str at(struct world *w, const char *name) {
    return arena_printf(&w->s.a, "%s/%s", unit_tmpdir(), name);
}

static void start(struct world *w) {
    *w = (struct world){.node = {.no_tmpfs = true}};
    sources_init(&w->s);
    w->node.clock = clock_sim_init(&w->clock, 1700000000000000000);
    w->node.rand = rand_seeded_init(&w->rand, unit_seed());
    w->node.pods_dir = at(w, "pods").p;
}

static void need_root(void) {
    if (geteuid() != 0)
        skip();
}

/* Mounts made from here on are this test program's own. */
static void need_mounts(void) {
    static bool done;
    need_root();
    if (!done && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
        skip();
    done = true;
}

static int setup(struct world *w, const char *spec) {
    struct str json = arena_printf(&w->s.a,
                                   "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u1\","
                                   "\"labels\":{\"a\":\"b\"}},\"spec\":{%s}}",
                                   spec);
    w->pod = sources_object(&w->s, "Pod", json.p);
    struct volume_inputs in = {
        .node = &w->node, .pod = w->pod, .facts = &w->s.facts, .sources = &w->s.sources};
    w->rc = volumes_setup(&in, &w->s.a, &w->volumes, &w->err);
    return w->rc;
}

static void expect(struct world *w, const char *path, const char *content, unsigned mode) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct stat st;
    assert_ok(file_read(path, 1 << 20, &b, &w->err), &w->err);
    assert_str(buf_view(&b), content);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

static const char *in_volume(struct world *w, unsigned i, const char *name) {
    return arena_printf(&w->s.a, "%.*s/%s", STR_ARG(w->volumes.v[i].path), name).p;
}

static void stop(struct world *w) {
    assert_ok(volumes_forget(&w->node, S("u1"), &w->err), &w->err);
    sources_fini(&w->s);
}

/* --- atomic_writer --- */

static bool write_files(struct world *w, const struct atomic_file *files, size_t n) {
    bool changed = false;
    struct atomic_options o = {.gid = -1, .clock = w->node.clock, .rand = w->node.rand};
    assert_ok(atomic_write(unit_tmpdir(), files, n, &o, &changed, &w->err), &w->err);
    return changed;
}

static struct str link_at(struct world *w, const char *name) {
    char text[300];
    ssize_t n = readlink(at(w, name).p, text, sizeof text);
    return n < 0 ? STR_NONE : arena_str(&w->s.a, str_make(text, (size_t)n));
}

TEST(test_atomic_writer__layout_is_upstreams) {
    struct world w;
    start(&w);
    struct atomic_file files[] = {
        {S("a"), S("1"), 0644, -1}, {S("dir/b"), S("2"), 0400, -1}, {S(".c"), S("3"), 0600, -1}};
    assert_true(write_files(&w, files, 3));
    assert_str(link_at(&w, "a"), "..data/a");
    assert_str(link_at(&w, "dir"), "..data/dir");
    assert_true(str_has_prefix(link_at(&w, "..data"), S("..2023_11_14_22_13_20.")));
    expect(&w, at(&w, "a").p, "1", 0644);
    expect(&w, at(&w, "dir/b").p, "2", 0400);
    expect(&w, at(&w, ".c").p, "3", 0600);
    sources_fini(&w.s);
}

TEST(test_atomic_writer__same_content_changes_nothing) {
    struct world w;
    start(&w);
    struct atomic_file files[] = {{S("a"), S("1"), 0644, -1}, {S("b"), S("2"), 0644, -1}};
    assert_true(write_files(&w, files, 2));
    struct str before = link_at(&w, "..data");
    assert_false(write_files(&w, files, 2));
    assert_str_equal(link_at(&w, "..data"), before);
    files[1].mode = 0600;
    assert_true(write_files(&w, files, 2));
    files[1].content = S("3");
    assert_true(write_files(&w, files, 2));
    sources_fini(&w.s);
}

TEST(test_atomic_writer__updates_replace_all_and_leave_nothing) {
    struct world w;
    start(&w);
    struct atomic_file files[] = {{S("a"), S("1"), 0644, -1}, {S("b/c"), S("2"), 0644, -1}};
    write_files(&w, files, 2);
    int open_before = open(at(&w, "a").p, O_RDONLY | O_CLOEXEC);
    struct atomic_file next[] = {{S("a"), S("new"), 0644, -1}};
    assert_true(write_files(&w, next, 1));
    expect(&w, at(&w, "a").p, "new", 0644);
    assert_null(link_at(&w, "b").p);
    _cleanup_buf struct buf old = BUF_INIT;
    assert_ok(fd_read_all(open_before, 10, &old, &w.err), &w.err);
    assert_str(buf_view(&old), "1");
    close(open_before);
    int dir = open(unit_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(tree_count_files(dir), 1);
    close(dir);
    assert_true(write_files(&w, NULL, 0));
    assert_null(link_at(&w, "a").p);
    sources_fini(&w.s);
}

TEST(test_atomic_writer__what_a_crash_left_is_cleaned_up) {
    struct world w;
    start(&w);
    struct atomic_file files[] = {{S("a"), S("1"), 0644, -1}};
    write_files(&w, files, 1);
    assert_int_equal(symlink("nowhere", at(&w, "..data_tmp").p), 0);
    assert_int_equal(mkdir(at(&w, "..2020_01_01_00_00_00.x").p, 0700), 0);
    files[0].content = S("2");
    assert_true(write_files(&w, files, 1));
    assert_null(link_at(&w, "..data_tmp").p);
    assert_false(file_exists(at(&w, "..2020_01_01_00_00_00.x").p));
    expect(&w, at(&w, "a").p, "2", 0644);
    sources_fini(&w.s);
}

TEST(test_atomic_writer__paths_that_lead_out_are_refused) {
    struct world w;
    start(&w);
    static const char *const bad[] = {"", "/etc/passwd", "../x", "a/../../x", "..data/x", "..", "a/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct atomic_file f = {str_from(bad[i]), S("x"), 0644, -1};
        struct atomic_options o = {.gid = -1, .clock = w.node.clock, .rand = w.node.rand};
        assert_fails(atomic_write(unit_tmpdir(), &f, 1, &o, NULL, &w.err), ERR_INVALID);
    }
    sources_fini(&w.s);
}

/* --- tree, safe_open --- */

TEST(test_tree__removing_does_not_follow_links) {
    struct world w;
    start(&w);
    assert_ok(file_mkdir_p(at(&w, "gone/deep/deeper").p, 0755, &w.err), &w.err);
    assert_ok(file_mkdir_p(at(&w, "kept").p, 0755, &w.err), &w.err);
    assert_ok(file_write_atomic(at(&w, "kept/file").p, S("x"), 0644, &w.err), &w.err);
    assert_int_equal(symlink(at(&w, "kept").p, at(&w, "gone/deep/link").p), 0);
    assert_ok(tree_remove(at(&w, "gone").p, &w.err), &w.err);
    assert_false(file_exists(at(&w, "gone").p));
    assert_true(file_exists(at(&w, "kept/file").p));
    assert_ok(tree_remove(at(&w, "gone").p, &w.err), &w.err);
    sources_fini(&w.s);
}

TEST(test_tree__mounted_data_is_never_removed) {
    struct world w;
    start(&w);
    need_mounts();
    assert_ok(file_mkdir_p(at(&w, "gone/here").p, 0755, &w.err), &w.err);
    assert_int_equal(mount("tmpfs", at(&w, "gone/here").p, "tmpfs", 0, NULL), 0);
    assert_ok(file_write_atomic(at(&w, "gone/here/file").p, S("x"), 0644, &w.err), &w.err);
    assert_fails(tree_remove(at(&w, "gone").p, &w.err), ERR_CONFLICT);
    assert_true(file_exists(at(&w, "gone/here/file").p));
    assert_int_equal(umount(at(&w, "gone/here").p), 0);
    assert_ok(tree_remove(at(&w, "gone").p, &w.err), &w.err);
    sources_fini(&w.s);
}

TEST(test_tree__group_gets_all_but_what_links_point_at) {
    struct world w;
    struct stat st;
    start(&w);
    need_root();
    assert_ok(file_mkdir_p(at(&w, "v/d").p, 0700, &w.err), &w.err);
    assert_ok(file_write_atomic(at(&w, "v/d/f").p, S("x"), 0600, &w.err), &w.err);
    assert_ok(file_write_atomic(at(&w, "secret").p, S("x"), 0600, &w.err), &w.err);
    assert_int_equal(symlink(at(&w, "secret").p, at(&w, "v/link").p), 0);
    assert_false(tree_root_is_of_group(at(&w, "v").p, 1234, false));
    assert_ok(tree_give_to_group(at(&w, "v").p, 1234, false, &w.err), &w.err);
    assert_true(tree_root_is_of_group(at(&w, "v").p, 1234, false));
    stat(at(&w, "v/d").p, &st);
    assert_int_equal(st.st_gid, 1234);
    assert_int_equal(st.st_mode & 07777, 02770);
    stat(at(&w, "v/d/f").p, &st);
    assert_int_equal(st.st_mode & 07777, 0660);
    stat(at(&w, "secret").p, &st);
    assert_int_equal(st.st_gid, 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    sources_fini(&w.s);
}

static int open_in(struct world *w, const char *path, enum safe_links links, struct str *ret_text) {
    _cleanup_fd int dir = open(at(w, "v").p, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_fd int fd = -1;
    int rc = safe_open_in(dir, str_from(path), O_RDONLY, 0, links, &fd, &w->err);
    _cleanup_buf struct buf b = BUF_INIT;
    if (rc == 0 && fd_read_all(fd, 100, &b, NULL) == 0)
        *ret_text = buf_to_arena(&b, &w->s.a);
    return rc;
}

TEST(test_safe_open__stays_inside) {
    struct world w;
    struct str text;
    start(&w);
    assert_ok(file_mkdir_p(at(&w, "v/etc").p, 0755, &w.err), &w.err);
    assert_ok(file_write_atomic(at(&w, "v/etc/passwd").p, S("inside"), 0644, &w.err), &w.err);
    assert_ok(file_write_atomic(at(&w, "outside").p, S("outside"), 0644, &w.err), &w.err);
    assert_int_equal(symlink("/etc/passwd", at(&w, "v/absolute").p), 0);
    assert_int_equal(symlink("../outside", at(&w, "v/up").p), 0);
    assert_int_equal(symlink("../../../../../../etc", at(&w, "v/etc/far").p), 0);
    assert_int_equal(symlink("/proc/self/root", at(&w, "v/magic").p), 0);
    /* links are followed as in a root of its own */
    assert_ok(open_in(&w, "absolute", SAFE_LINKS_INSIDE, &text), &w.err);
    assert_str(text, "inside");
    assert_ok(open_in(&w, "etc/far/passwd", SAFE_LINKS_INSIDE, &text), &w.err);
    assert_str(text, "inside");
    assert_int_not_equal(open_in(&w, "up", SAFE_LINKS_INSIDE, &text), 0);
    assert_int_not_equal(open_in(&w, "magic/etc/passwd", SAFE_LINKS_INSIDE, &text), 0);
    assert_int_not_equal(open_in(&w, "absolute", SAFE_LINKS_NONE, &text), 0);
    assert_fails(open_in(&w, "../outside", SAFE_LINKS_INSIDE, &text), ERR_INVALID);
    assert_fails(open_in(&w, "/etc/passwd", SAFE_LINKS_INSIDE, &text), ERR_INVALID);
    _cleanup_fd int dir = open(at(&w, "v").p, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = -1;
    assert_int_not_equal(safe_mkdir_in(dir, S("absolute/x"), 0755, &fd, &w.err), 0);
    assert_ok(safe_mkdir_in(dir, S("new/er"), 0755, &fd, &w.err), &w.err);
    close(fd);
    assert_true(file_exists(at(&w, "v/new/er").p));
    assert_int_equal(mkfifo(at(&w, "v/fifo").p, 0600), 0);
    _cleanup_buf struct buf b = BUF_INIT;
    assert_fails(safe_read_in(at(&w, "v").p, S("fifo"), 100, &b, &w.err), ERR_INVALID);
    sources_fini(&w.s);
}

/* --- types --- */

TEST(test_volume__files_of_every_source) {
    struct world w;
    start(&w);
    sources_add(&w.s, "ConfigMap",
                "{\"metadata\":{\"name\":\"m\",\"namespace\":\"ns\"},\"data\":{\"k\":\"v\",\"l\":\"w\"},"
                "\"binaryData\":{\"b\":\"AAE=\"}}");
    sources_add(&w.s, "Secret",
                "{\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\"},\"data\":{\"k\":\"c2VjcmV0\"}}");
    assert_ok(
        setup(&w, "\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":\"2\"}}}],\"volumes\":["
                  "{\"name\":\"map\",\"configMap\":{\"name\":\"m\",\"defaultMode\":256}},"
                  "{\"name\":\"items\",\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"l\",\"path\":\"x/"
                  "y\",\"mode\":292}]}},"
                  "{\"name\":\"secret\",\"secret\":{\"secretName\":\"s\"}},"
                  "{\"name\":\"none\",\"secret\":{\"secretName\":\"none\",\"optional\":true}},"
                  "{\"name\":\"down\",\"downwardAPI\":{\"items\":[{\"path\":\"labels\",\"fieldRef\":{"
                  "\"fieldPath\":\"metadata.labels\"}},"
                  "{\"path\":\"cpu\",\"resourceFieldRef\":{\"containerName\":\"c\",\"resource\":\"limits."
                  "cpu\"}}]}},"
                  "{\"name\":\"all\",\"projected\":{\"sources\":[{\"configMap\":{\"name\":\"m\"}},{"
                  "\"secret\":{\"name\":\"s\","
                  "\"items\":[{\"key\":\"k\",\"path\":\"k2\"}]}},{\"serviceAccountToken\":{\"path\":"
                  "\"token\",\"audience\":\"vault\","
                  "\"expirationSeconds\":3607}}]}}]"),
        &w.err);
    assert_str(w.volumes.v[0].path, at(&w, "pods/u1/volumes/kubernetes.io~configmap/map").p);
    assert_true(w.volumes.v[0].read_only);
    expect(&w, in_volume(&w, 0, "k"), "v", 0400);
    expect(&w, in_volume(&w, 1, "x/y"), "w", 0444);
    assert_false(file_exists(in_volume(&w, 1, "k")));
    expect(&w, in_volume(&w, 2, "k"), "secret", 0644);
    expect(&w, in_volume(&w, 4, "labels"), "a=\"b\"", 0644);
    expect(&w, in_volume(&w, 4, "cpu"), "2", 0644);
    expect(&w, in_volume(&w, 5, "k2"), "secret", 0644);
    expect(&w, in_volume(&w, 5, "token"), "token-1", 0644);
    assert_str(w.s.asked.audience, "vault");
    assert_int_equal(w.s.asked.expiration_seconds, 3607);
    stop(&w);
}

TEST(test_volume__updates_reach_what_is_there) {
    struct world w;
    start(&w);
    static const char spec[] =
        "\"volumes\":[{\"name\":\"v\",\"configMap\":{\"name\":\"m\"}},{\"name\":\"t\",\"projected\":{"
        "\"sources\":[{\"serviceAccountToken\":{\"path\":\"token\"}}]}}]";
    sources_add(&w.s, "ConfigMap",
                "{\"metadata\":{\"name\":\"m\",\"namespace\":\"ns\"},\"data\":{\"k\":\"1\"}}");
    assert_ok(setup(&w, spec), &w.err);
    const char *path = in_volume(&w, 0, "k"), *token = in_volume(&w, 1, "token");
    sources_add(&w.s, "ConfigMap",
                "{\"metadata\":{\"name\":\"m\",\"namespace\":\"ns\"},\"data\":{\"k\":\"2\"}}");
    w.s.token = S("token-2");
    assert_ok(setup(&w, spec), &w.err);
    expect(&w, path, "2", 0644);
    expect(&w, token, "token-2", 0644);
    stop(&w);
}

TEST(test_volume__missing_objects_and_keys_are_told) {
    struct world w;
    start(&w);
    sources_add(&w.s, "ConfigMap",
                "{\"metadata\":{\"name\":\"m\",\"namespace\":\"ns\"},\"data\":{\"k\":\"1\"}}");
    assert_fails(setup(&w, "\"volumes\":[{\"name\":\"v\",\"secret\":{\"secretName\":\"none\"}}]"),
                 ERR_NOT_FOUND);
    assert_string_equal(w.err.msg, "volume \"v\": Secret \"none\" not found");
    assert_fails(setup(&w, "\"volumes\":[{\"name\":\"v\",\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":"
                           "\"x\",\"path\":\"y\"}]}}]"),
                 ERR_NOT_FOUND);
    assert_string_equal(w.err.msg, "volume \"v\": configmap \"m\" has no key \"x\"");
    assert_fails(setup(&w, "\"volumes\":[{\"name\":\"v\",\"nfs\":{\"server\":\"s\",\"path\":\"/\"}}]"),
                 ERR_UNSUPPORTED);
    stop(&w);
}

TEST(test_volume__tokens_belong_to_who_runs) {
    struct world w;
    struct stat st;
    start(&w);
    need_root();
    static const char volume[] = "\"volumes\":[{\"name\":\"t\",\"projected\":{\"sources\":[{"
                                 "\"serviceAccountToken\":{\"path\":\"token\"}}]}}]";
    struct str spec = arena_printf(
        &w.s.a, "\"containers\":[{\"name\":\"c\",\"securityContext\":{\"runAsUser\":1000}}],%s", volume);
    assert_ok(setup(&w, spec.p), &w.err);
    stat(in_volume(&w, 0, "token"), &st);
    assert_int_equal(st.st_uid, 1000);
    assert_int_equal(st.st_mode & 07777, 0600);
    spec = arena_printf(&w.s.a, "\"securityContext\":{\"fsGroup\":2000},\"containers\":[{\"name\":\"c\"}],%s",
                        volume);
    assert_ok(setup(&w, spec.p), &w.err);
    stat(in_volume(&w, 0, "token"), &st);
    assert_int_equal(st.st_gid, 2000);
    assert_int_equal(st.st_mode & 07777, 0640);
    stop(&w);
}

TEST(test_volume__empty_dirs) {
    struct world w;
    struct stat st;
    start(&w);
    need_root();
    mode_t before = umask(077);
    assert_ok(
        setup(&w, "\"securityContext\":{\"fsGroup\":77},\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]"),
        &w.err);
    umask(before);
    stat(w.volumes.v[0].path.p, &st);
    assert_int_equal(st.st_mode & 07777, 02777);
    assert_int_equal(st.st_gid, 77);
    assert_ok(file_write_atomic(in_volume(&w, 0, "f"), S("kept"), 0600, &w.err), &w.err);
    assert_ok(
        setup(&w, "\"securityContext\":{\"fsGroup\":77},\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]"),
        &w.err);
    expect(&w, in_volume(&w, 0, "f"), "kept", 0600);
    stop(&w);
}

TEST(test_volume__memory_has_its_size_and_goes_with_the_pod) {
    struct world w;
    start(&w);
    need_mounts();
    w.node.no_tmpfs = false;
    sources_add(&w.s, "Secret",
                "{\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\"},\"data\":{\"k\":\"c2VjcmV0\"}}");
    static const char spec[] =
        "\"volumes\":[{\"name\":\"m\",\"emptyDir\":{\"medium\":\"Memory\",\"sizeLimit\":\"1Mi\"}},"
        "{\"name\":\"s\",\"secret\":{\"secretName\":\"s\"}}]";
    assert_ok(setup(&w, spec), &w.err);
    assert_ok(setup(&w, spec), &w.err); /* not mounted twice */
    assert_true(volume_is_mounted(w.volumes.v[0].path.p));
    assert_true(volume_is_mounted(w.volumes.v[1].path.p));
    expect(&w, in_volume(&w, 1, "k"), "secret", 0644);
    char *big = calloc(1, 2 << 20);
    assert_fails(file_write_atomic(in_volume(&w, 0, "f"), str_make(big, 2 << 20), 0600, &w.err),
                 ERR_NO_SPACE);
    free(big);
    stop(&w);
    assert_false(file_exists(at(&w, "pods/u1").p));
    arena_fini(&w.s.a);
}

static int host_path(struct world *w, const char *name, const char *type) {
    return setup(
        w, arena_printf(&w->s.a,
                        "\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"%s/%s\",\"type\":\"%s\"}}]",
                        unit_tmpdir(), name, type)
               .p);
}

TEST(test_volume__host_paths_are_what_they_say) {
    struct world w;
    struct stat st;
    start(&w);
    assert_ok(host_path(&w, "new/dir", "DirectoryOrCreate"), &w.err);
    stat(at(&w, "new/dir").p, &st);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_str(w.volumes.v[0].path, at(&w, "new/dir").p);
    assert_ok(host_path(&w, "new/file", "FileOrCreate"), &w.err);
    assert_ok(host_path(&w, "new/dir", "Directory"), &w.err);
    assert_ok(host_path(&w, "new/file", "File"), &w.err);
    assert_ok(host_path(&w, "whatever", ""), &w.err);
    assert_fails(host_path(&w, "new/file", "Directory"), ERR_INVALID);
    assert_fails(host_path(&w, "new/dir", "File"), ERR_INVALID);
    assert_fails(host_path(&w, "new/file", "Socket"), ERR_INVALID);
    assert_fails(host_path(&w, "new/file", "BlockDevice"), ERR_INVALID);
    assert_fails(host_path(&w, "none", "Directory"), ERR_NOT_FOUND);
    stop(&w);
    assert_true(file_exists(at(&w, "new/file").p));
    arena_fini(&w.s.a);
}

TEST(test_volume__claims_lead_to_paths_of_the_node) {
    struct world w;
    struct stat st;
    start(&w);
    need_root();
    assert_ok(file_mkdir_p(at(&w, "disk").p, 0755, &w.err), &w.err);
    sources_add(&w.s, "PersistentVolumeClaim",
                "{\"metadata\":{\"name\":\"c\",\"namespace\":\"ns\",\"uid\":\"cu\"},\"spec\":{\"volumeName\":"
                "\"pv\"},\"status\":{\"phase\":\"Bound\"}}");
    sources_add(&w.s, "PersistentVolumeClaim",
                "{\"metadata\":{\"name\":\"p-e\",\"namespace\":\"ns\",\"uid\":\"other\"},\"spec\":{"
                "\"volumeName\":\"pv\"},\"status\":{\"phase\":\"Bound\"}}");
    sources_add(&w.s, "PersistentVolumeClaim",
                "{\"metadata\":{\"name\":\"pending\",\"namespace\":\"ns\",\"uid\":\"x\"},\"status\":{"
                "\"phase\":\"Pending\"}}");
    sources_add(&w.s, "PersistentVolume",
                arena_printf(&w.s.a,
                             "{\"metadata\":{\"name\":\"pv\"},\"spec\":{\"local\":{\"path\":\"%s\"},"
                             "\"claimRef\":{\"uid\":\"cu\"}}}",
                             at(&w, "disk").p)
                    .p);
    assert_ok(setup(&w, "\"securityContext\":{\"fsGroup\":55},\"volumes\":[{\"name\":\"v\","
                        "\"persistentVolumeClaim\":{\"claimName\":\"c\",\"readOnly\":true}}]"),
              &w.err);
    assert_str(w.volumes.v[0].path, at(&w, "disk").p);
    assert_true(w.volumes.v[0].read_only);
    stat(at(&w, "disk").p, &st);
    assert_int_equal(st.st_gid, 55);
    assert_fails(
        setup(&w, "\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"pending\"}}]"),
        ERR_AGAIN);
    assert_fails(
        setup(&w, "\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"none\"}}]"),
        ERR_NOT_FOUND);
    assert_fails(setup(&w, "\"volumes\":[{\"name\":\"e\",\"ephemeral\":{}}]"), ERR_CONFLICT);
    stop(&w);
    assert_true(file_exists(at(&w, "disk").p));
    arena_fini(&w.s.a);
}

/* --- in containers --- */

static int mounts_of(struct world *w, const char *container, struct cri_mount_array *ret) {
    struct str json = arena_printf(&w->s.a, "{\"spec\":{\"containers\":[{\"name\":\"c\",%s}]}}", container);
    const struct core_pod *pod = sources_object(&w->s, "Pod", json.p);
    static struct cri_key_value vars[] = {{STR_INIT("NAME"), STR_INIT("web")}};
    struct cri_key_value_array env = {vars, 1};
    struct cri_device_array devices;
    struct container_mounts_inputs in = {.pod_dir = at(w, "pods/u1").p,
                                         .container = &pod->spec.containers.v[0],
                                         .volumes = &w->volumes,
                                         .env = &env,
                                         .hosts_file = S("/pod/etc-hosts"),
                                         .message_file = S("/pod/message")};
    return container_mounts_make(&in, &w->s.a, ret, &devices, &w->err);
}

TEST(test_container_mounts__say_what_the_container_says) {
    struct world w;
    struct cri_mount_array m;
    start(&w);
    assert_ok(
        setup(
            &w,
            "\"volumes\":[{\"name\":\"e\",\"emptyDir\":{}},{\"name\":\"h\",\"hostPath\":{\"path\":\"/h\"}}]"),
        &w.err);
    assert_ok(mounts_of(&w,
                        "\"terminationMessagePath\":\"/dev/termination-log\",\"volumeMounts\":["
                        "{\"name\":\"e\",\"mountPath\":\"/"
                        "e\",\"readOnly\":true,\"mountPropagation\":\"HostToContainer\"},"
                        "{\"name\":\"h\",\"mountPath\":\"rel\",\"mountPropagation\":\"Bidirectional\"}]",
                        &m),
              &w.err);
    assert_int_equal(m.n, 4);
    assert_true(m.v[0].readonly);
    assert_int_equal(m.v[0].propagation, 1);
    assert_str_equal(m.v[0].host_path, w.volumes.v[0].path);
    assert_str(m.v[1].container_path, "/rel");
    assert_int_equal(m.v[1].propagation, 2);
    assert_str(m.v[2].container_path, "/etc/hosts");
    assert_str(m.v[3].container_path, "/dev/termination-log");
    assert_ok(mounts_of(&w, "\"volumeMounts\":[{\"name\":\"e\",\"mountPath\":\"/etc/hosts\"}]", &m), &w.err);
    assert_int_equal(m.n, 1);
    assert_fails(mounts_of(&w, "\"volumeMounts\":[{\"name\":\"none\",\"mountPath\":\"/x\"}]", &m),
                 ERR_NOT_FOUND);
    assert_fails(
        mounts_of(&w, "\"volumeMounts\":[{\"name\":\"e\",\"mountPath\":\"/x\",\"subPathExpr\":\"$(NONE)\"}]",
                  &m),
        ERR_INVALID);
    stop(&w);
}

TEST(test_container_mounts__sub_paths_are_bound) {
    struct world w;
    struct cri_mount_array m;
    start(&w);
    need_mounts();
    assert_ok(setup(&w, "\"volumes\":[{\"name\":\"e\",\"emptyDir\":{}}]"), &w.err);
    assert_ok(file_write_atomic(in_volume(&w, 0, "file"), S("x"), 0644, &w.err), &w.err);
    static const char container[] =
        "\"volumeMounts\":[{\"name\":\"e\",\"mountPath\":\"/a\",\"subPath\":\"file\"},"
        "{\"name\":\"e\",\"mountPath\":\"/b\",\"subPathExpr\":\"logs/$(NAME)\"}]";
    for (int i = 0; i < 2; i++) { /* as when the container restarts */
        assert_ok(mounts_of(&w, container, &m), &w.err);
        assert_str(m.v[0].host_path, at(&w, "pods/u1/volume-subpaths/e/c/0").p);
        expect(&w, m.v[0].host_path.p, "x", 0644);
        assert_ok(
            file_write_atomic(arena_printf(&w.s.a, "%s/log", m.v[1].host_path.p).p, S("y"), 0644, &w.err),
            &w.err);
        expect(&w, in_volume(&w, 0, "logs/web/log"), "y", 0644);
    }
    stop(&w);
    assert_false(file_exists(at(&w, "pods/u1").p));
    arena_fini(&w.s.a);
}

TEST(test_container_mounts__sub_paths_do_not_escape) {
    struct world w;
    struct cri_mount_array m;
    start(&w);
    need_mounts();
    assert_ok(setup(&w, "\"volumes\":[{\"name\":\"e\",\"emptyDir\":{}}]"), &w.err);
    assert_ok(file_write_atomic(at(&w, "secret").p, S("node"), 0600, &w.err), &w.err);
    assert_int_equal(symlink(at(&w, "secret").p, in_volume(&w, 0, "absolute")), 0);
    assert_int_equal(symlink("../../../../../secret", in_volume(&w, 0, "relative")), 0);
    assert_int_equal(symlink("/", in_volume(&w, 0, "root")), 0);
    assert_int_equal(symlink("/proc/self/root", in_volume(&w, 0, "magic")), 0);
    static const char *const bad[] = {"absolute", "relative",  "../../secret",
                                      "/etc",     "magic/etc", "root/etc/passwd"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct str json = arena_printf(
            &w.s.a, "\"volumeMounts\":[{\"name\":\"e\",\"mountPath\":\"/a\",\"subPath\":\"%s\"}]", bad[i]);
        if (mounts_of(&w, json.p, &m))
            continue; /* refused, or else it must lead to something inside */
        assert_false(file_exists(arena_printf(&w.s.a, "%s/passwd", m.v[0].host_path.p).p));
        struct stat st, node;
        assert_int_equal(stat(m.v[0].host_path.p, &st), 0);
        assert_int_equal(stat(at(&w, "secret").p, &node), 0);
        assert_true(st.st_ino != node.st_ino);
    }
    /* the root of the volume is the end of "/" */
    assert_ok(
        mounts_of(&w, "\"volumeMounts\":[{\"name\":\"e\",\"mountPath\":\"/a\",\"subPath\":\"root\"}]", &m),
        &w.err);
    struct stat inside, volume;
    assert_int_equal(stat(m.v[0].host_path.p, &inside), 0);
    assert_int_equal(stat(w.volumes.v[0].path.p, &volume), 0);
    assert_true(inside.st_ino == volume.st_ino);
    stop(&w);
    assert_true(file_exists(at(&w, "secret").p));
    arena_fini(&w.s.a);
}

TEST(test_volume__taking_down_what_is_not_a_pod_is_refused) {
    struct world w;
    start(&w);
    assert_fails(volumes_teardown(&w.node, S(""), &w.err), ERR_INVALID);
    assert_fails(volumes_teardown(&w.node, S(".."), &w.err), ERR_INVALID);
    assert_fails(volumes_teardown(&w.node, S("a/b"), &w.err), ERR_INVALID);
    assert_ok(volumes_teardown(&w.node, S("unknown"), &w.err), &w.err);
    assert_ok(volumes_forget(&w.node, S("unknown"), &w.err), &w.err);
    sources_fini(&w.s);
}

TEST(test_volume__last_words_outlive_volumes) {
    struct world w;
    start(&w);
    struct str dir = arena_printf(&w.s.a, "%s/u1", w.node.pods_dir);
    struct str words = arena_printf(&w.s.a, "%.*s/containers/main/0", STR_ARG(dir)),
               data = arena_printf(&w.s.a, "%.*s/volumes/kubernetes.io~empty-dir/x/file", STR_ARG(dir));
    const struct str *files[] = {&words, &data};
    for (int i = 0; i < 2; i++) {
        struct str parent = str_cut(*files[i], (size_t)str_rfind_byte(*files[i], '/'));
        assert_ok(file_mkdir_p(arena_strz(&w.s.a, parent), 0755, &w.err), &w.err);
        assert_ok(file_write_atomic(files[i]->p, S("bye"), 0644, &w.err), &w.err);
    }
    assert_ok(volumes_teardown(&w.node, S("u1"), &w.err), &w.err);
    assert_true(file_exists(words.p));
    assert_false(file_exists(data.p));
    assert_ok(volumes_forget(&w.node, S("u1"), &w.err), &w.err);
    assert_false(file_exists(dir.p));
    sources_fini(&w.s);
}
