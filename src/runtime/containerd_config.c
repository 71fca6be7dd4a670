/* The configuration of a private containerd. See containerd.h.
 *
 * CONFORMS: containerd's configuration, version 2 (1.6 and 1.7 read it; 2.x converts it). Plugins that a node
 * of ours never uses are off, which saves memory and start-up time: other snapshotters, the first shim
 * interface, restarts by containerd's own labels, tracing.
 */
#include "base/buf.h"
#include "runtime/containerd.h"
#include "runtime/pause_image.h"

/* A basic string of TOML. */
static void put_string(struct buf *out, const char *text) {
    buf_byte(out, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_printf(out, "\\%c", *c);
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            buf_byte(out, *c);
    }
    buf_byte(out, '"');
}

static void put_setting(struct buf *out, const char *name, const char *value) {
    buf_printf(out, "%s = ", name);
    put_string(out, value);
    buf_byte(out, '\n');
}

static void put_path(struct buf *out, const char *name, const char *dir, const char *rest) {
    _cleanup_buf struct buf path = BUF_INIT;
    buf_printf(&path, "%s%s", dir, rest);
    put_setting(out, name, buf_cstr(&path));
}

static const char *or_default(const char *value, const char *otherwise) {
    return value ? value : otherwise;
}

static void put_plugins_off(struct buf *out) {
    static const char *const off[] = {
        "io.containerd.snapshotter.v1.aufs",       "io.containerd.snapshotter.v1.btrfs",
        "io.containerd.snapshotter.v1.devmapper",  "io.containerd.snapshotter.v1.zfs",
        "io.containerd.snapshotter.v1.blockfile",  "io.containerd.internal.v1.restart",
        "io.containerd.internal.v1.opt",           "io.containerd.internal.v1.tracing",
        "io.containerd.tracing.processor.v1.otlp", "io.containerd.nri.v1.nri",
    };
    buf_lit(out, "disabled_plugins = [\n");
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        buf_printf(out, "  \"%s\",\n", off[i]);
    buf_lit(out, "]\n");
}

static void put_cri(struct buf *out, const struct containerd_options *o) {
    buf_lit(out, "\n[plugins.\"io.containerd.grpc.v1.cri\"]\n");
    put_setting(out, "sandbox_image", or_default(o->sandbox_image, PAUSE_IMAGE));
    buf_printf(out, "restrict_oom_score_adj = %s\n", o->restrict_oom_score ? "true" : "false");
    buf_lit(out, "max_container_log_line_size = 16384\n"
                 "netns_mounts_under_state_dir = true\n"
                 "tolerate_missing_hugetlb_controller = true\n"
                 "enable_unprivileged_ports = true\n"
                 "enable_unprivileged_icmp = true\n");
    buf_lit(out, "\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n");
    put_setting(out, "snapshotter", o->snapshotter);
    put_setting(out, "default_runtime_name", "runc");
    buf_lit(out, "discard_unpacked_layers = true\n");
    buf_lit(out, "\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n");
    put_setting(out, "runtime_type", "io.containerd.runc.v2");
    buf_lit(out, "\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n");
    buf_printf(out, "SystemdCgroup = %s\n", o->systemd_cgroup ? "true" : "false");
}

void containerd_write_config(const struct containerd_options *o, struct buf *out) {
    buf_lit(out, "# Written by coxswain at every start: changes made here are lost.\nversion = 2\n");
    put_path(out, "root", o->dir, "/root");
    put_path(out, "state", o->dir, "/state");
    buf_printf(out, "oom_score = %d\n", o->restrict_oom_score ? 0 : -999);
    put_plugins_off(out);
    buf_lit(out, "\n[grpc]\n");
    put_path(out, "address", o->dir, "/containerd.sock");
    buf_lit(out, "\n[debug]\n");
    put_setting(out, "level", or_default(o->log_level, "warn"));
    put_cri(out, o);
    buf_lit(out, "\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\n");
    put_setting(out, "bin_dir", or_default(o->cni_bin_dir, "/opt/cni/bin"));
    put_setting(out, "conf_dir", or_default(o->cni_conf_dir, "/etc/cni/net.d"));
    buf_lit(out, "\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n");
    if (o->registry_dir)
        put_setting(out, "config_path", o->registry_dir);
    else
        put_path(out, "config_path", o->dir, "/registries");
}
