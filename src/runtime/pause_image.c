/* The pause image. See pause_image.h. CONFORMS: OCI image specification 1.0, image layout. */
#include "runtime/pause_image.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "runtime/image_load.h"
#include "runtime/tar.h"

#if defined(__x86_64__)
#define ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#endif

extern const unsigned char pause_bytes[];
extern const size_t pause_size;

/* Something that is named by its hash. */
struct blob {
    struct buf bytes;
    char hex[SHA256_HEX_SIZE];
};

static void seal(struct blob *b) {
    sha256_hex(buf_view(&b->bytes), b->hex);
}

static void write_layer(struct blob *b) {
    tar_add(&b->bytes, S("pause"), 0755, str_make((const char *)pause_bytes, pause_size));
    tar_end(&b->bytes);
    seal(b);
}

static void write_config(struct blob *b, const struct blob *layer) {
    buf_printf(&b->bytes,
               "{\"architecture\":\"" ARCHITECTURE "\",\"os\":\"linux\",\"config\":{\"User\":\"65535:65535\","
               "\"Env\":[\"PATH=/\"],\"Entrypoint\":[\"/pause\"],\"WorkingDir\":\"/\"},"
               "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}",
               layer->hex);
    seal(b);
}

static void write_manifest(struct blob *b, const struct blob *config, const struct blob *layer) {
    buf_printf(
        &b->bytes,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:%s\","
        "\"size\":%zu},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
        "\"digest\":\"sha256:%s\",\"size\":%zu}]}",
        config->hex, config->bytes.n, layer->hex, layer->bytes.n);
    seal(b);
}

static void write_index(struct buf *out, const struct blob *manifest) {
    buf_printf(
        out,
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"digest\":\"sha256:%s\",\"size\":%zu,\"annotations\":{\"io.containerd.image.name\":\"" PAUSE_IMAGE
        "\",\"org.opencontainers.image.ref.name\":\"1\"},"
        "\"platform\":{\"architecture\":\"" ARCHITECTURE "\",\"os\":\"linux\"}}]}",
        manifest->hex, manifest->bytes.n);
}

static void add_blob(struct buf *out, const struct blob *b) {
    char name[TAR_NAME_MAX + 1];
    int n = snprintf(name, sizeof name, "blobs/sha256/%s", b->hex);
    tar_add(out, str_make(name, (size_t)n), 0644, buf_view(&b->bytes));
}

void pause_image_write(struct buf *out) {
    struct blob layer = {0}, config = {0}, manifest = {0};
    _cleanup_buf struct buf index = BUF_INIT;
    write_layer(&layer);
    write_config(&config, &layer);
    write_manifest(&manifest, &config, &layer);
    write_index(&index, &manifest);
    tar_add(out, S("oci-layout"), 0644, S("{\"imageLayoutVersion\":\"1.0.0\"}"));
    tar_add(out, S("index.json"), 0644, buf_view(&index));
    add_blob(out, &manifest);
    add_blob(out, &config);
    add_blob(out, &layer);
    tar_end(out);
    buf_fini(&layer.bytes);
    buf_fini(&config.bytes);
    buf_fini(&manifest.bytes);
}

int pause_image_ensure(const struct image_loader *l, struct err *err) {
    bool there;
    int rc = image_load_has(l, S(PAUSE_IMAGE), &there, err);
    if (rc || there)
        return rc;
    _cleanup_buf struct buf archive = BUF_INIT;
    pause_image_write(&archive);
    rc = image_load_bytes(l, buf_view(&archive), err);
    if (rc == 0)
        rc = image_load_pin(l, S(PAUSE_IMAGE), err);
    if (rc == 0)
        rc = image_load_await(l, S(PAUSE_IMAGE), err);
    return rc ? err_wrap(err, "load the image of sandboxes") : 0;
}
