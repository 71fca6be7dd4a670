/* emptyDir volumes: a fresh folder on disk, in memory or of huge pages. See volume.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>

#include "api/quantity.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "kubelet/container_resources.h"
#include "kubelet/pod_sources.h"
#include "kubelet/tree.h"
#include "kubelet/volume.h"

#define PLUGIN "kubernetes.io~empty-dir"
#define MODE 0777

static bool handles(const struct core_volume *v) {
    return v->volume_source.empty_dir != NULL;
}

static int64_t least(int64_t a, int64_t b) {
    return a <= 0 ? b : b <= 0 ? a : a < b ? a : b;
}

/* CONFORMS: the least of its limit, the pod's memory limit and what the node has to give. 0: none of them. */
static int64_t memory_size(const struct volume_context *x) {
    const struct core_empty_dir_volume_source *s = x->volume->volume_source.empty_dir;
    struct pod_amounts pod = pod_amounts_of(x->in->pod);
    const struct quantity *all = quantity_map_get(x->in->facts->allocatable, S("memory"));
    int64_t size = s->size_limit.set ? quantity_value(&s->size_limit) : 0;
    size = least(size, pod.has_memory_limit ? pod.memory_limit : 0);
    return least(size, all ? quantity_value(all) : 0);
}

static int mount_memory(const struct volume_context *x, const char *path) {
    char options[64];
    int64_t size = memory_size(x);
    if (size)
        snprintf(options, sizeof options, "mode=0777,size=%lld", (long long)size);
    else
        snprintf(options, sizeof options, "mode=0777");
    return mount("tmpfs", path, "tmpfs", 0, options) < 0
               ? err_errno(x->err, errno, "mount memory at %s", path)
               : 0;
}

/* "HugePages", or "HugePages-2Mi" where a pod uses several sizes. */
static int mount_huge_pages(const struct volume_context *x, const char *path, struct str medium) {
    char options[64] = "";
    if (str_has_prefix(medium, S("HugePages-"))) {
        struct quantity page;
        if (quantity_parse(str_from_byte(medium, 10), &page, NULL))
            return err_set(x->err, ERR_INVALID, "\"%.*s\" is no size of huge pages", STR_ARG(medium));
        snprintf(options, sizeof options, "pagesize=%lld", (long long)quantity_value(&page));
    }
    return mount("hugetlbfs", path, "hugetlbfs", 0, options) < 0
               ? err_errno(x->err, errno, "mount huge pages at %s", path)
               : 0;
}

static int setup(const struct volume_context *x, struct volume *ret) {
    struct str medium = x->volume->volume_source.empty_dir->medium;
    int rc = volume_dir(x, PLUGIN, MODE, &ret->path);
    bool plain = !medium.n;
    if (rc == 0 && !plain && !volume_is_mounted(ret->path.p))
        rc = str_eq(medium, S("Memory")) ? mount_memory(x, ret->path.p)
                                         : mount_huge_pages(x, ret->path.p, medium);
    int64_t gid = volume_fs_group(x->in->pod);
    if (rc == 0 && gid >= 0 && !tree_root_is_of_group(ret->path.p, gid, false))
        rc = tree_give_to_group(ret->path.p, gid, false, x->err);
    return rc;
}

const struct volume_type volume_empty_dir = {.plugin = PLUGIN, .handles = handles, .setup = setup};
