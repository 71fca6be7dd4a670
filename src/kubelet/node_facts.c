/* Files of /proc, /sys and /etc. */
#include "kubelet/node_facts.h"

#include <sched.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define FILE_MAX 65536

static struct str first_line(struct arena *a, const char *path) {
    _cleanup_buf struct buf b = BUF_INIT;
    if (file_read(path, FILE_MAX, &b, NULL) < 0)
        return STR_NONE;
    struct str head, tail;
    (void)str_split(buf_view(&b), '\n', &head, &tail);
    return arena_str(a, str_trim(head));
}

/* The number behind "name:" of /proc/meminfo, in bytes. */
static uint64_t meminfo(struct str text, struct str name) {
    struct str line, key, value;
    while (str_split(text, '\n', &line, &text) || line.n) {
        uint64_t kib;
        if (str_split(line, ':', &key, &value) && str_eq(key, name)) {
            struct str number, unit;
            (void)str_split(str_trim(value), ' ', &number, &unit);
            return str_to_u64(number, &kib) ? kib * 1024 : 0;
        }
        if (!text.n)
            break;
    }
    return 0;
}

static struct str os_image(struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    if (file_read("/etc/os-release", FILE_MAX, &b, NULL) < 0)
        return S("Linux");
    struct str text = buf_view(&b), line;
    while (str_split(text, '\n', &line, &text)) {
        if (!str_has_prefix(line, S("PRETTY_NAME=")))
            continue;
        struct str name = str_from_byte(line, 12);
        if (name.n >= 2 && name.p[0] == '"')
            name = str_make(name.p + 1, name.n - 2);
        return arena_str(a, name);
    }
    return S("Linux");
}

static struct str architecture(struct arena *a, const char *machine) {
    struct str m = str_from(machine);
    if (str_eq(m, S("x86_64")))
        return S("amd64");
    if (str_eq(m, S("aarch64")))
        return S("arm64");
    if (str_has_prefix(m, S("arm")))
        return S("arm");
    return arena_str(a, m);
}

static uint32_t usable_cpus(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) < 0 ? 1 : (uint32_t)CPU_COUNT(&set);
}

int node_facts_read(const char *dir, struct arena *a, struct node_facts *ret, struct err *err) {
    struct node_facts f = {.cpus = usable_cpus(), .os_image = os_image(a)};
    struct utsname u;
    if (uname(&u) < 0)
        return err_set(err, ERR_IO, "uname failed");
    f.kernel_version = arena_str(a, str_from(u.release));
    f.architecture = architecture(a, u.machine);
    f.hostname = arena_str(a, str_from(u.nodename));
    f.machine_id = first_line(a, "/etc/machine-id");
    f.system_uuid = first_line(a, "/sys/class/dmi/id/product_uuid");
    if (!f.system_uuid.n)
        f.system_uuid = f.machine_id;
    f.boot_id = first_line(a, "/proc/sys/kernel/random/boot_id");
    _cleanup_buf struct buf mem = BUF_INIT;
    int rc = file_read("/proc/meminfo", FILE_MAX, &mem, err);
    if (rc < 0)
        return rc;
    f.memory_bytes = meminfo(buf_view(&mem), S("MemTotal"));
    f.swap_bytes = meminfo(buf_view(&mem), S("SwapTotal"));
    struct statvfs fs;
    if (statvfs(dir, &fs) == 0)
        f.disk_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
    *ret = f;
    return 0;
}

static uint64_t number_in(const char *path) {
    _cleanup_buf struct buf b = BUF_INIT;
    uint64_t v;
    return file_read(path, 256, &b, NULL) == 0 && str_to_u64(str_trim(buf_view(&b)), &v) ? v : 0;
}

/* Fourth field of /proc/loadavg is "running/total". */
static uint64_t tasks(void) {
    _cleanup_buf struct buf b = BUF_INIT;
    if (file_read("/proc/loadavg", 256, &b, NULL) < 0)
        return 0;
    struct str rest = buf_view(&b), field = STR_NONE;
    for (int i = 0; i < 4; i++)
        (void)str_split(rest, ' ', &field, &rest);
    struct str running, total;
    uint64_t v;
    return str_split(field, '/', &running, &total) && str_to_u64(total, &v) ? v : 0;
}

void node_free_read(const char *dir, const struct node_facts *facts, struct node_free *ret) {
    *ret = (struct node_free){0};
    _cleanup_buf struct buf mem = BUF_INIT;
    if (file_read("/proc/meminfo", FILE_MAX, &mem, NULL) == 0) {
        uint64_t available = meminfo(buf_view(&mem), S("MemAvailable"));
        ret->memory_bytes = available < facts->memory_bytes ? available : facts->memory_bytes;
    }
    struct statvfs fs;
    if (statvfs(dir, &fs) == 0) {
        ret->disk_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
        ret->disk_inodes = fs.f_favail;
        ret->disk_inodes_total = fs.f_files;
    }
    ret->pids_max = number_in("/proc/sys/kernel/pid_max");
    uint64_t used = tasks();
    ret->pids = ret->pids_max > used ? ret->pids_max - used : 0;
}
