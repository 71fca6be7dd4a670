/* kubelet/images: the images of containers: whether they are there, pulling them, and removing those nobody
 * needs.
 *
 * CONFORMS: pull policies, reasons and back-off of kubelet.tsv (image); collection at 85 % down to 80 %,
 * least recently used first. Blocks: workers only. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct clock;
struct core_container;
struct cri_auth_config;
struct cri_pod_sandbox_config;
struct err;
struct images;
struct runtime;

struct image_credentials {
    struct cri_auth_config *v; /* server_address says for which registry (and path) each is */
    uint32_t n;
};

struct image_want {
    const struct core_container *container;
    struct str pod_key; /* for the back-off: uid */
    const struct image_credentials *credentials;
    const struct cri_pod_sandbox_config *sandbox;
    void (*event)(void *arg, const char *type, const char *reason,
                  struct str message); /* Pulling, Pulled, Failed, … */
    void *arg;
};

struct image_got {
    struct str ref;  /* what the runtime calls it */
    struct str user; /* name or number the image runs as; "" root */
    struct opt_i64 uid;
    struct str reason, message; /* of a failure: ErrImagePull, ImagePullBackOff, … */
    int64_t retry_ns;           /* when to try again; 0: the usual */
};

struct images *images_new(struct runtime *r, struct clock *clock);
void images_free(struct images *i);

/* Makes sure the image is there. 0, or a code, with *ret's reason and message. Texts in the arena. */
int image_ensure(struct images *i, const struct image_want *want, struct arena *a, struct image_got *ret);

/* One look at images in use and the file system they lie on; removes what is over. in_use: images of
 * containers, by what the runtime calls them. Returns the bytes freed. high_percent 0: remove all that is not
 * in use. */
uint64_t images_collect(struct images *i, const struct str *in_use, uint32_t n, unsigned high_percent,
                        unsigned low_percent, struct err *err);

/* Credentials for an image out of secrets' texts (.dockerconfigjson and .dockercfg). Appended. */
int credentials_read(struct str json, bool legacy, struct arena *a, struct image_credentials *to,
                     struct err *err);

/* Those that fit the image, the longest fit first. */
uint32_t credentials_for(const struct image_credentials *all, struct str image, struct arena *a,
                         const struct cri_auth_config ***ret);
