/* What the runtime makes without containerd: its configuration, tar archives, the pause image. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "runtime/containerd.h"
#include "runtime/pause_image.h"
#include "runtime/tar.h"
#include "unit/unit.h"

static bool has(const struct buf *b, const char *text) {
    return str_find(buf_view(b), str_from(text)) >= 0;
}

TEST(test_containerd_config__everything_lies_in_one_folder) {
    _cleanup_buf struct buf b = BUF_INIT;
    containerd_write_config(
        &(struct containerd_options){.dir = "/data/containerd", .snapshotter = "overlayfs"}, &b);
    assert_true(has(&b, "\nversion = 2\n"));
    assert_true(has(&b, "\nroot = \"/data/containerd/root\"\n"));
    assert_true(has(&b, "\nstate = \"/data/containerd/state\"\n"));
    assert_true(has(&b, "\naddress = \"/data/containerd/containerd.sock\"\n"));
    assert_true(has(&b, "\nconfig_path = \"/data/containerd/registries\"\n"));
    assert_true(has(&b, "\nsandbox_image = \"" PAUSE_IMAGE "\"\n"));
    assert_true(has(&b, "\nrestrict_oom_score_adj = false\n"));
    assert_true(has(&b, "\noom_score = -999\n"));
    assert_true(has(&b, "\nSystemdCgroup = false\n"));
    assert_true(has(&b, "\nbin_dir = \"/opt/cni/bin\"\n"));
    assert_false(has(&b, "/run/containerd"));
    assert_false(has(&b, "/var/lib/containerd"));
}

TEST(test_containerd_config__options_are_written) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct containerd_options o = {.dir = "/d",
                                   .snapshotter = "native",
                                   .cni_bin_dir = "/bin dir",
                                   .cni_conf_dir = "/quo\"te\\back\nline",
                                   .registry_dir = "/certs",
                                   .sandbox_image = "example/pause:2",
                                   .log_level = "debug",
                                   .systemd_cgroup = true,
                                   .restrict_oom_score = true};
    containerd_write_config(&o, &b);
    assert_true(has(&b, "\nsnapshotter = \"native\"\n"));
    assert_true(has(&b, "\nbin_dir = \"/bin dir\"\n"));
    assert_true(has(&b, "\nconf_dir = \"/quo\\\"te\\\\back\\u000aline\"\n"));
    assert_true(has(&b, "\nconfig_path = \"/certs\"\n"));
    assert_true(has(&b, "\nsandbox_image = \"example/pause:2\"\n"));
    assert_true(has(&b, "\nlevel = \"debug\"\n"));
    assert_true(has(&b, "\nSystemdCgroup = true\n"));
    assert_true(has(&b, "\nrestrict_oom_score_adj = true\n"));
    assert_true(has(&b, "\noom_score = 0\n"));
}

static void unpack(const struct buf *archive) {
    struct err err = ERR_INIT;
    struct process_options o = {.argv = (const char *const[]){"tar", "-xf", "-", "-C", unit_tmpdir(), NULL}};
    assert_ok(process_run_ok(&o, &(struct process_io){.in = buf_view(archive)}, &err), &err);
}

static void expect_file(const char *name, struct str content, unsigned mode) {
    char path[600];
    struct stat st;
    struct err err = ERR_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    snprintf(path, sizeof path, "%s/%s", unit_tmpdir(), name);
    assert_ok(file_read(path, 1 << 20, &b, &err), &err);
    assert_str_equal(buf_view(&b), content);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

TEST(test_tar__other_programs_read_it) {
    _cleanup_buf struct buf b = BUF_INIT;
    char block[1024];
    memset(block, 'x', sizeof block);
    tar_add(&b, S("dir/"), 0755, S(""));
    tar_add(&b, S("dir/empty"), 0600, S(""));
    tar_add(&b, S("dir/one"), 0755, S("1"));
    tar_add(&b, S("dir/blocks"), 0640, str_make(block, sizeof block));
    tar_end(&b);
    assert_int_equal(b.n % 512, 0);
    unpack(&b);
    expect_file("dir/empty", S(""), 0600);
    expect_file("dir/one", S("1"), 0755);
    expect_file("dir/blocks", str_make(block, sizeof block), 0640);
}

TEST(test_pause_image__is_an_image_of_the_program) {
    _cleanup_buf struct buf b = BUF_INIT, again = BUF_INIT;
    pause_image_write(&b);
    pause_image_write(&again);
    assert_str_equal(buf_view(&again), buf_view(&b));
    assert_true(b.n < 65536);
    unpack(&b);
    /* every blob has the name of its content, and the layer holds a program that runs */
    static const char script[] =
        "set -e; cd \"$1\"; test -f oci-layout; grep -q '" PAUSE_IMAGE "' index.json\n"
        "cd blobs/sha256; for f in *; do echo \"$f  $f\"; done | sha256sum -c --quiet\n"
        "for f in *; do tar -xf $f pause 2>/dev/null && ./pause -v && exit 0; done; exit 1";
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct process_options o = {.argv = (const char *const[]){"sh", "-c", script, "sh", unit_tmpdir(), NULL}};
    assert_ok(process_run_ok(&o, &(struct process_io){.out = &out}, &err), &err);
    assert_str(buf_view(&out), "coxswain pause 1\n");
}

static struct process *start_pause(void) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct process *p = NULL;
    pause_image_write(&b);
    unpack(&b);
    char path[600];
    static const char script[] =
        "cd $1/blobs/sha256; for f in *; do tar -xf $f pause 2>/dev/null && exec ./pause; done";
    snprintf(path, sizeof path, "%s", unit_tmpdir());
    struct process_options o = {.argv = (const char *const[]){"sh", "-c", script, "sh", path, NULL}};
    assert_ok(process_start(&o, &p, &err), &err);
    for (bool runs = false; !runs;) { /* until the shell has become it */
        _cleanup_buf struct buf command = BUF_INIT;
        assert_ok(process_command(process_pid(p), &command, &err), &err);
        runs = str_has_prefix(buf_view(&command), S("./pause"));
    }
    return p;
}

TEST(test_pause__ends_on_signals) {
    struct err err = ERR_INIT;
    struct process_end end = {0};
    struct process *p = start_pause();
    assert_fails(process_wait(p, 0, NULL, &err), ERR_TIMEOUT);
    assert_ok(process_stop(p, 20000, &end, &err), &err);
    /* by itself, or by the signal's default when it came before the program had begun */
    assert_true(process_end_ok(&end) || end.signal == 15);
    process_free(p);
}
