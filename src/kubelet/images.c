/* Whether an image is there, pulling, and the rules of when not to try. */
#include "kubelet/images.h"

#include <stdlib.h>

#include "api/image_ref.h"
#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "kubelet/backoff.h"
#include "kubelet/images_priv.h"
#include "runtime/runtime.h"

#define PULL_TIMEOUT_MS (30ll * 60 * 1000)

struct images *images_new(struct runtime *r, struct clock *clock) {
    struct images *i = calloc(1, sizeof *i);
    if (!i)
        panic("out of memory");
    i->runtime = r;
    i->clock = clock;
    mutex_init(&i->pulling);
    mutex_init(&i->lock);
    i->used = (struct map)MAP_INIT_OWNING;
    backoffs_init(&i->backoffs, BACKOFF_MIN_NS, BACKOFF_MAX_NS);
    return i;
}

void images_free(struct images *i) {
    if (!i)
        return;
    backoffs_fini(&i->backoffs);
    map_fini(&i->used);
    mutex_fini(&i->pulling);
    mutex_fini(&i->lock);
    free(i);
}

struct one {
    struct images *i;
    const struct image_want *want;
    struct arena *a;
    struct image_got *ret;
    struct str image; /* with a tag */
    struct str key;   /* of the back-off */
};

static void tell(const struct one *o, const char *type, const char *reason, struct str message) {
    if (o->want->event)
        o->want->event(o->want->arg, type, reason, message);
}

static int refuse(const struct one *o, int code, const char *reason, struct str message) {
    o->ret->reason = str_from(reason);
    o->ret->message = message;
    return code;
}

/* 0 and *ret_image NULL: it is not there. */
static int look(const struct one *o, const struct cri_image **ret_image, struct err *err) {
    const struct cri_image_status_response *r = NULL;
    struct cri_image_spec spec = {.image = o->image};
    struct runtime_call call = {.arena = o->a};
    int rc = runtime_image_status(o->i->runtime, &call, &(struct cri_image_status_request){.image = &spec},
                                  &r, err);
    if (rc == 0)
        *ret_image = r->image;
    return rc;
}

static void got(const struct one *o, const struct cri_image *image) {
    o->ret->ref = image->id;
    o->ret->user = image->username;
    if (image->uid)
        o->ret->uid = (struct opt_i64){.v = image->uid->value, .set = true};
    else if (!image->username.n) /* CONFORMS: an image that says nothing runs as root */
        o->ret->uid = (struct opt_i64){.v = 0, .set = true};
    image_used(o->i, image->id);
}

static int pull_with(const struct one *o, const struct cri_auth_config *auth, struct err *err) {
    struct cri_image_spec spec = {.image = o->image};
    struct cri_pull_image_request request = {.image = &spec,
                                             .auth = (struct cri_auth_config *)auth,
                                             .sandbox_config =
                                                 (struct cri_pod_sandbox_config *)o->want->sandbox};
    const struct cri_pull_image_response *r = NULL;
    struct runtime_call call = {.arena = o->a, .timeout_ms = PULL_TIMEOUT_MS};
    return runtime_pull_image(o->i->runtime, &call, &request, &r, err);
}

/* With each fitting credential, or with none. One pull at a time. CONFORMS: serializeImagePulls. */
static int pull(const struct one *o, struct err *err) {
    const struct cri_auth_config **auths;
    uint32_t n = o->want->credentials ? credentials_for(o->want->credentials, o->image, o->a, &auths) : 0;
    _cleanup_unlock struct mutex *held = mutex_hold(&o->i->pulling);
    if (!n)
        return pull_with(o, NULL, err);
    int rc = ERR_INTERNAL;
    for (uint32_t i = 0; i < n && rc < 0; i++)
        rc = pull_with(o, auths[i], err);
    return rc;
}

static int pull_failed(const struct one *o, const struct err *why) {
    int64_t now = clock_wall_ns(o->i->clock);
    backoff_next(&o->i->backoffs, o->key, now, now);
    o->ret->retry_ns = backoff_delay(&o->i->backoffs, o->key);
    struct str message = arena_printf(o->a, "failed to pull image \"%.*s\": %s", STR_ARG(o->image), why->msg);
    tell(o, "Warning", "Failed",
         arena_printf(o->a, "Failed to pull image \"%.*s\": %s", STR_ARG(o->image), why->msg));
    tell(o, "Warning", "Failed", S("Error: ErrImagePull"));
    return refuse(o, why->code, "ErrImagePull", message);
}

static int do_pull(const struct one *o) {
    int64_t now = clock_wall_ns(o->i->clock);
    int64_t left = backoff_remaining_since_try(&o->i->backoffs, o->key, now);
    if (left > 0) {
        o->ret->retry_ns = left;
        struct str message = arena_printf(o->a, "Back-off pulling image \"%.*s\"", STR_ARG(o->image));
        tell(o, "Normal", "BackOff", message);
        tell(o, "Warning", "Failed", S("Error: ImagePullBackOff"));
        return refuse(o, ERR_AGAIN, "ImagePullBackOff", message);
    }
    tell(o, "Normal", "Pulling", arena_printf(o->a, "Pulling image \"%.*s\"", STR_ARG(o->image)));
    struct err err = ERR_INIT;
    if (pull(o, &err) < 0)
        return pull_failed(o, &err);
    const struct cri_image *image = NULL;
    if (look(o, &image, &err) < 0 || !image)
        return pull_failed(o, &err);
    backoff_forget(&o->i->backoffs, o->key);
    char took[DURATION_TEXT_SIZE];
    duration_format(took, clock_wall_ns(o->i->clock) - now);
    tell(o, "Normal", "Pulled",
         arena_printf(o->a, "Successfully pulled image \"%.*s\" in %s. Image size: %llu bytes.",
                      STR_ARG(o->image), took, (unsigned long long)image->size));
    got(o, image);
    return 0;
}

/* CONFORMS: a reference without tag and digest means :latest. */
static bool complete_ref(struct one *o) {
    struct image_ref ref;
    struct str text = o->want->container->image;
    if (!image_ref_parse(text, &ref))
        return false;
    o->image = ref.tag.n || ref.digest.n ? text : arena_printf(o->a, "%.*s:latest", STR_ARG(text));
    o->key = arena_printf(o->a, "%.*s_%.*s", STR_ARG(o->want->pod_key), STR_ARG(o->image));
    return true;
}

int image_ensure(struct images *i, const struct image_want *want, struct arena *a, struct image_got *ret) {
    *ret = (struct image_got){0};
    struct one o = {.i = i, .want = want, .a = a, .ret = ret};
    if (!complete_ref(&o)) {
        struct str m =
            arena_printf(a, "Failed to apply default image tag \"%.*s\": couldn't parse image name",
                         STR_ARG(want->container->image));
        tell(&o, "Warning", "InspectFailed", m);
        return refuse(&o, ERR_INVALID, "InvalidImageName", m);
    }
    const struct cri_image *image = NULL;
    struct err err = ERR_INIT;
    if (look(&o, &image, &err) < 0) {
        struct str m = arena_printf(a, "Failed to inspect image \"%.*s\": %s", STR_ARG(o.image), err.msg);
        tell(&o, "Warning", "InspectFailed", m);
        return refuse(&o, err.code, "ImageInspectError", m);
    }
    struct str policy = want->container->image_pull_policy;
    if (!image && str_eq(policy, S("Never"))) {
        struct str m = arena_printf(a, "Container image \"%.*s\" is not present with pull policy of Never",
                                    STR_ARG(o.image));
        tell(&o, "Warning", "ErrImageNeverPull", m);
        return refuse(&o, ERR_NOT_FOUND, "ErrImageNeverPull", m);
    }
    if (!image || str_eq(policy, S("Always")))
        return do_pull(&o);
    got(&o, image);
    tell(&o, "Normal", "Pulled",
         arena_printf(a, "Container image \"%.*s\" already present on machine", STR_ARG(o.image)));
    return 0;
}
