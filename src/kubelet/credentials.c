/* Registry credentials of pull secrets.
 *
 * CONFORMS: .dockerconfigjson {"auths": {registry: {username, password, auth, identitytoken}}} and
 * .dockercfg, which is the inner map alone; a registry is a host with optional port and path, * stands for
 * one label of the host.
 */
#include <stdlib.h>

#include "api/image_ref.h"
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/err.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/jval.h"
#include "kubelet/images.h"

/* "auth" is user:password in base64. */
static void split_auth(struct str auth, struct arena *a, struct cri_auth_config *to) {
    struct str user, password;
    char *plain = arena_bytes(a, base64_decoded_max(auth.n));
    size_t n;
    if (base64_decode(BASE64_STD, auth, plain, &n, NULL) < 0 ||
        !str_split(str_make(plain, n), ':', &user, &password))
        return;
    to->username = user;
    to->password = password;
}

/* Without scheme, and without the old path of version 1 and 2 APIs. */
static struct str registry_of(struct str key) {
    if (str_has_prefix(key, S("https://")))
        key = str_from_byte(key, 8);
    else if (str_has_prefix(key, S("http://")))
        key = str_from_byte(key, 7);
    while (str_has_suffix(key, S("/")))
        key.n--;
    if (str_has_suffix(key, S("/v1")) || str_has_suffix(key, S("/v2")))
        key.n -= 3;
    return key;
}

int credentials_read(struct str json, bool legacy, struct arena *a, struct image_credentials *to,
                     struct err *err) {
    struct jval root;
    int rc = json_parse(a, json, NULL, NULL, &root, err);
    if (rc < 0)
        return rc;
    const struct jval *auths = legacy ? &root : jval_get(&root, S("auths"));
    if (!auths || auths->kind != J_OBJECT)
        return err_set(err, ERR_INVALID, "the pull secret has no \"auths\"");
    struct cri_auth_config *v = arena_new_n(a, to->n + auths->n, struct cri_auth_config);
    if (to->n)
        memcpy(v, to->v, to->n * sizeof *v);
    uint32_t n = to->n;
    for (uint32_t i = 0; i < auths->n; i++) {
        const struct jval *e = &auths->members[i].value;
        if (e->kind != J_OBJECT)
            continue;
        v[n] = (struct cri_auth_config){.username = jval_get_str(e, S("username")),
                                        .password = jval_get_str(e, S("password")),
                                        .identity_token = jval_get_str(e, S("identitytoken")),
                                        .server_address = registry_of(auths->members[i].key)};
        split_auth(jval_get_str(e, S("auth")), a, &v[n]);
        n++;
    }
    *to = (struct image_credentials){v, n};
    return 0;
}

/* One label against a pattern with stars. */
static bool label_fits(struct str pattern, struct str label) {
    if (!pattern.n)
        return !label.n;
    if (pattern.p[0] == '*') {
        for (size_t skip = 0; skip <= label.n; skip++)
            if (label_fits(str_from_byte(pattern, 1), str_from_byte(label, skip)))
                return true;
        return false;
    }
    return label.n && pattern.p[0] == label.p[0] &&
           label_fits(str_from_byte(pattern, 1), str_from_byte(label, 1));
}

static bool host_fits(struct str pattern, struct str host) {
    for (;;) {
        struct str p, h, p_rest, h_rest;
        bool more = str_split(pattern, '.', &p, &p_rest);
        if (str_split(host, '.', &h, &h_rest) != more || !label_fits(p, h))
            return false;
        if (!more)
            return true;
        pattern = p_rest;
        host = h_rest;
    }
}

/* A path fits what begins with it. */
static bool fits(struct str registry, struct str image) {
    struct str host, path, image_host, image_path;
    if (!str_split(registry, '/', &host, &path)) {
        host = registry;
        path = STR_NONE;
    }
    if (!str_split(image, '/', &image_host, &image_path))
        return false;
    return host_fits(host, image_host) && str_has_prefix(image_path, path);
}

static int longer(const void *a, const void *b) {
    const struct cri_auth_config *x = *(const struct cri_auth_config *const *)a;
    const struct cri_auth_config *y = *(const struct cri_auth_config *const *)b;
    return (x->server_address.n < y->server_address.n) - (x->server_address.n > y->server_address.n);
}

uint32_t credentials_for(const struct image_credentials *all, struct str image, struct arena *a,
                         const struct cri_auth_config ***ret) {
    const struct cri_auth_config **v = arena_array(a, all->n + 1, sizeof *v);
    uint32_t n = 0;
    for (uint32_t i = 0; i < all->n; i++)
        if (fits(all->v[i].server_address, image))
            v[n++] = &all->v[i];
    if (n)
        qsort(v, n, sizeof *v, longer);
    *ret = v;
    return n;
}
