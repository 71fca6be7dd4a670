/* runtime/image_load: images from files into containerd, without a registry.
 *
 * Archives are what `docker save`, `ctr images export` and `skopeo copy` make: docker or OCI layout in a tar,
 * plain or compressed with gzip or zstd. They are handed to containerd's own `ctr images import`, which runs
 * as a process of its own. Blocking; workers and mains.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct err;
struct runtime;

#define IMAGE_LOAD_TIMEOUT_MS (10 * 60 * 1000)

struct image_loader {
    const char *socket;      /* of containerd */
    const char *program;     /* NULL: ctr */
    struct runtime *runtime; /* the same containerd by CRI */
};

int image_load_file(const struct image_loader *l, const char *path, struct err *err);

/* The archive's bytes. */
int image_load_bytes(const struct image_loader *l, struct str archive, struct err *err);

/* Every archive of a folder (*.tar, *.tar.gz, *.tgz, *.tar.zst, *.tzst), in the order of their names; what
 * cannot be loaded is told to on_failure (may be NULL) and passed over. 0 also when there is no such folder.
 * *ret_loaded, which may be NULL, counts the rest. */
int image_load_dir(const struct image_loader *l, const char *path,
                   void (*on_failure)(void *arg, const char *file, const struct err *err), void *arg,
                   unsigned *ret_loaded, struct err *err);

/* Whether CRI knows the image. */
int image_load_has(const struct image_loader *l, struct str name, bool *ret_there, struct err *err);

/* Until CRI knows it: it hears of imports a moment later. */
int image_load_await(const struct image_loader *l, struct str name, struct err *err);

/* Image garbage collection spares it. */
int image_load_pin(const struct image_loader *l, struct str name, struct err *err);
