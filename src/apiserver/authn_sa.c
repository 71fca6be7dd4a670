/* Tokens of service accounts: verified, and looked up: whoever is deleted is not let in any more.
 *
 * Checking a signature takes a tenth of a millisecond, so the claims of tokens that were verified lately are
 * kept, in a table of cells by the token's digest: a later token with the same place replaces an earlier one.
 * Times and objects are checked each time.
 */
#include <stdlib.h>

#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/authn_priv.h"
#include "apiserver/sa_token.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "net/jwt.h"

#define DELETED_LEEWAY_SEC 60 /* a deleted account or pod may speak this long */
#define EXTRA_PREFIX "authentication.kubernetes.io/"

/* -- claims that were verified -- */

struct verified_token {
    struct shared shared;
    uint8_t digest[SHA256_BYTES];
    struct arena arena;
    struct jval claims;
};

static void verified_release(struct shared *s) {
    struct verified_token *v = (struct verified_token *)s;
    arena_fini(&v->arena);
    free(v);
}

static void verified_drop(void *v) {
    shared_unref(v);
}

static struct cell *verified_cell(struct authn *a, const uint8_t *digest) {
    unsigned i = digest[0] | (unsigned)digest[1] << 8;
    return &a->verified[i & (AUTHN_VERIFIED - 1)];
}

/* The claims live as long as the arena. */
static int verify(struct authn *a, struct str token, struct arena *arena, const struct jval **ret,
                  struct err *err) {
    uint8_t digest[SHA256_BYTES];
    sha256(token, digest);
    struct cell *cell = verified_cell(a, digest);
    struct verified_token *v = (struct verified_token *)cell_get(cell);
    if (v && memcmp(v->digest, digest, sizeof digest) != 0) {
        shared_unref(&v->shared);
        v = NULL;
    }
    if (!v) {
        v = calloc(1, sizeof *v);
        if (!v)
            panic("out of memory");
        shared_init(&v->shared, verified_release);
        arena_init(&v->arena);
        memcpy(v->digest, digest, sizeof digest);
        int r = jwt_verify(a->keys, arena_str(&v->arena, token), &v->arena, &v->claims, err);
        if (r < 0) {
            shared_unref(&v->shared);
            return r;
        }
        cell_set(cell, shared_ref(&v->shared));
    }
    arena_hold(arena, verified_drop, v);
    *ret = &v->claims;
    return 0;
}

/* -- whether what the token speaks of is still there -- */

static int gone(struct err *err, const char *what, struct str name) {
    return err_set(err, ERR_UNAUTHORIZED, "the token's %s %.*s is gone", what, STR_ARG(name));
}

static int check_object(struct authn *a, unsigned kind, const char *what, struct str ns,
                        const struct sa_token_ref *ref, struct arena *arena, const struct object **ret,
                        struct err *err) {
    if (ref->name.n == 0)
        return 0;
    struct object *o = cache_get(cache_of(a->cache, &kinds[kind]), ns, ref->name);
    if (!o)
        return gone(err, what, ref->name);
    arena_hold(arena, object_release_any, o);
    const struct timestamp *end = &o->meta->deletion_timestamp;
    if (ref->uid.n && !str_eq(ref->uid, o->meta->uid))
        return gone(err, what, ref->name);
    if (end->set && clock_wall_sec(a->clock) > end->sec + DELETED_LEEWAY_SEC)
        return gone(err, what, ref->name);
    if (ret)
        *ret = o;
    return 0;
}

/* A token kept in a secret is good as long as the secret holds it. */
static int check_legacy(const struct object *secret, struct str token, struct err *err) {
    const struct core_secret *s = secret->body;
    if (str_eq(str_map_get(s->data, S("token")), token))
        return 0;
    return err_set(err, ERR_UNAUTHORIZED, "the token is not the one of its secret");
}

static int check_refs(struct authn *a, const struct sa_token *t, struct str token, struct arena *arena,
                      struct err *err) {
    const struct object *secret = NULL;
    int r =
        check_object(a, KIND_CORE_SERVICE_ACCOUNT, "service account", t->ns, &t->account, arena, NULL, err);
    if (r == 0)
        r = check_object(a, KIND_CORE_SECRET, "secret", t->ns, &t->secret, arena, &secret, err);
    if (r == 0 && t->legacy)
        r = secret ? check_legacy(secret, token, err) : gone(err, "secret", t->secret.name);
    if (r == 0)
        r = check_object(a, KIND_CORE_POD, "pod", t->ns, &t->pod, arena, NULL, err);
    /* of a token bound to a pod the node is told for information: it may be gone before the pod */
    if (r == 0 && t->pod.name.n == 0)
        r = check_object(a, KIND_CORE_NODE, "node", S(""), &t->node, arena, NULL, err);
    return r;
}

/* -- the user -- */

static void fill_user(const struct sa_token *t, struct arena *arena, struct user *ret) {
    struct str *groups = arena_new_n(arena, 2, struct str);
    groups[0] = S("system:serviceaccounts");
    groups[1] = arena_join(arena, (struct str[]){S("system:serviceaccounts:"), t->ns}, 2, S(""));
    *ret = (struct user){
        .name =
            arena_join(arena, (struct str[]){S("system:serviceaccount"), t->ns, t->account.name}, 3, S(":")),
        .uid = t->account.uid,
        .groups = {groups, 2},
    };
    if (t->id.n)
        authn_extra(arena, ret, S(EXTRA_PREFIX "credential-id"),
                    arena_join(arena, (struct str[]){S("JTI="), t->id}, 2, S("")));
    if (t->pod.name.n) {
        authn_extra(arena, ret, S(EXTRA_PREFIX "pod-name"), t->pod.name);
        authn_extra(arena, ret, S(EXTRA_PREFIX "pod-uid"), t->pod.uid);
    }
    if (t->node.name.n) {
        authn_extra(arena, ret, S(EXTRA_PREFIX "node-name"), t->node.name);
        authn_extra(arena, ret, S(EXTRA_PREFIX "node-uid"), t->node.uid);
    }
}

int authn_sa_token(struct authn *a, struct str token, struct str_array audiences, struct arena *arena,
                   struct user *ret_user, struct str_array *ret_audiences, struct err *err) {
    const struct jval *claims;
    struct sa_token t;
    struct sa_token_expected expected = {
        .issuer = a->issuer,
        .audiences = audiences,
        .now_sec = clock_wall_sec(a->clock),
    };
    if (!a->cache || jwt_keys_count(a->keys) == 0)
        return err_set(err, ERR_UNAUTHORIZED, "no such token");
    if (verify(a, token, arena, &claims, err) < 0 ||
        sa_token_read(claims, &expected, arena, &t, ret_audiences, err) < 0 ||
        check_refs(a, &t, token, arena, err) < 0)
        return ERR_UNAUTHORIZED;
    fill_user(&t, arena, ret_user);
    return 0;
}
