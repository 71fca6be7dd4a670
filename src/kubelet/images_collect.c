/* Removing images that nobody uses. CONFORMS: imageGCHighThresholdPercent, imageGCLowThresholdPercent,
 * imageMinimumGCAge.
 */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "api/types/cri.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "kubelet/images_priv.h"
#include "runtime/runtime.h"

#define AGE_MIN_NS (2 * 60 * 1000000000ll)

void image_used(struct images *i, struct str id) {
    _cleanup_unlock struct mutex *held = mutex_hold(&i->lock);
    map_put_u64(&i->used, id, (uint64_t)clock_wall_ns(i->clock));
}

struct candidate {
    struct str id;
    uint64_t size;
    int64_t used_ns;
};

static int older(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    return (x->used_ns > y->used_ns) - (x->used_ns < y->used_ns);
}

static bool among(const struct str *all, uint32_t n, struct str id) {
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(all[i], id))
            return true;
    return false;
}

/* An image that is seen for the first time counts as just used. */
static int64_t last_used(struct images *i, struct str id) {
    _cleanup_unlock struct mutex *held = mutex_hold(&i->lock);
    bool fresh;
    struct map_entry *e = map_upsert(&i->used, id, &fresh);
    if (fresh)
        e->u64 = (uint64_t)clock_wall_ns(i->clock);
    return (int64_t)e->u64;
}

static uint32_t candidates(struct images *i, const struct cri_image_array *images, const struct str *in_use,
                           uint32_t n, struct arena *a, struct candidate **ret) {
    struct candidate *v = arena_new_n(a, images->n, struct candidate);
    uint32_t count = 0;
    for (uint32_t k = 0; k < images->n; k++) {
        const struct cri_image *image = &images->v[k];
        if (among(in_use, n, image->id))
            image_used(i, image->id);
        else if (!image->pinned)
            v[count++] = (struct candidate){image->id, image->size, last_used(i, image->id)};
    }
    if (count)
        qsort(v, count, sizeof *v, older);
    *ret = v;
    return count;
}

/* Bytes that must go so that the images' file system is below low percent; 0 while it is below high. */
static int over(struct images *i, unsigned high, unsigned low, struct arena *a, uint64_t *ret,
                struct err *err) {
    const struct cri_image_fs_info_response *info = NULL;
    struct runtime_call call = {.arena = a};
    int rc = runtime_image_fs_info(i->runtime, &call, &(struct cri_image_fs_info_request){0}, &info, err);
    if (rc < 0)
        return rc;
    struct statvfs fs;
    *ret = 0;
    if (!info->image_filesystems.n || !info->image_filesystems.v[0].fs_id)
        return err_set(err, ERR_NOT_FOUND, "the runtime does not say where images lie");
    struct str at = arena_str(a, info->image_filesystems.v[0].fs_id->mountpoint);
    if (statvfs(at.p, &fs) < 0 || fs.f_blocks == 0)
        return err_set(err, ERR_IO, "cannot look at %s", at.p);
    uint64_t total = (uint64_t)fs.f_blocks * fs.f_frsize, available = (uint64_t)fs.f_bavail * fs.f_frsize;
    uint64_t used_percent = 100 - available * 100 / total;
    if (used_percent >= high)
        *ret = total * (100 - low) / 100 > available ? total * (100 - low) / 100 - available : 0;
    return 0;
}

static bool remove_image(struct images *i, const struct candidate *c, struct arena *a) {
    struct err err = ERR_INIT;
    struct cri_image_spec spec = {.image = c->id};
    struct runtime_call call = {.arena = a};
    const struct cri_remove_image_response *r = NULL;
    int rc =
        runtime_remove_image(i->runtime, &call, &(struct cri_remove_image_request){.image = &spec}, &r, &err);
    if (rc < 0) {
        log_warn("an unused image could not be removed", kv_str("image", c->id), kv_err("err", &err));
        return false;
    }
    log_info("unused image removed", kv_str("image", c->id), kv_u64("bytes", c->size));
    _cleanup_unlock struct mutex *held = mutex_hold(&i->lock);
    (void)map_remove(&i->used, c->id);
    return true;
}

uint64_t images_collect(struct images *i, const struct str *in_use, uint32_t n, unsigned high_percent,
                        unsigned low_percent, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct cri_list_images_response *list = NULL;
    struct runtime_call call = {.arena = &a};
    uint64_t need = UINT64_MAX, freed = 0;
    if (runtime_list_images(i->runtime, &call, &(struct cri_list_images_request){0}, &list, err) < 0)
        return 0;
    struct candidate *v;
    uint32_t count = candidates(i, &list->images, in_use, n, &a, &v);
    if (high_percent && over(i, high_percent, low_percent, &a, &need, err) < 0)
        return 0;
    int64_t now = clock_wall_ns(i->clock);
    for (uint32_t k = 0; k < count && freed < need; k++) {
        bool young = high_percent && now - v[k].used_ns < AGE_MIN_NS;
        if (!young && remove_image(i, &v[k], &a))
            freed += v[k].size;
    }
    return freed;
}
