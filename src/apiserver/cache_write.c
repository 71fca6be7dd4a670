/* Writing: from a caller to the store and back to his loop.
 *
 * The caller's thread does what can be done without the revision: it writes the JSON and packs the object.
 * The store borrows the bytes until it has no more use for them, which for soft writes is later than the
 * answer; so the pending write has two holders.
 */
#include <stdlib.h>

#include "apiserver/cache_priv.h"

static void pending_free(struct cache_pending *p) {
    if (p->has_draft)
        draft_fini(&p->draft);
    object_unref(p->object);
    free(p);
}

static void drop_holder(struct cache_pending *p) {
    if (atomic_fetch_sub(&p->holders, 1) == 1)
        pending_free(p);
}

static void on_release(void *arg) {
    drop_holder(arg);
}

static void answer(struct cache_pending *p) {
    p->done(p->arg, p->err.code, p->object, &p->err);
    object_unref(p->object);
    p->object = NULL;
    drop_holder(p);
}

static void on_loop(struct loop_msg *msg) {
    answer((struct cache_pending *)msg);
}

/* On the store's thread, after the observer has seen the commit. */
static void on_done(void *arg, const struct store_result *result) {
    struct cache_pending *p = arg;
    if (result->code)
        p->err = *result->err;
    if (p->has_draft) {
        draft_fini(&p->draft);
        p->has_draft = false;
    }
    if (!p->loop)
        answer(p);
    else if (loop_post(p->loop, &p->msg) < 0)
        drop_holder(p); /* nobody is there to be told */
}

/* With a copy of the key behind it, and of the value when the store keeps it for longer than until the commit
 * is told (soft writes); a hard one lends the draft's own text, which changes only then. */
static struct cache_pending *pending_new(const struct cache_write *w, struct str key,
                                         const struct cache_draft *d) {
    struct str value =
        w->op == CACHE_DELETE || !w->body ? S("") : str_make(object_encoding_bytes(d->text), d->text_n);
    size_t copied = w->soft ? value.n : 0;
    struct cache_pending *p = malloc(sizeof *p + key.n + copied);
    if (!p)
        panic("out of memory");
    *p = (struct cache_pending){.msg.run = on_loop, .loop = w->loop, .done = w->done, .arg = w->arg};
    atomic_init(&p->holders, 2);
    p->key = str_make(p->bytes, key.n);
    p->value = value;
    memcpy(p->bytes, key.p, key.n);
    if (copied) {
        p->value.p = p->bytes + key.n;
        memcpy(p->bytes + key.n, value.p, value.n);
    }
    p->draft = *d;
    p->has_draft = w->body != NULL;
    return p;
}

static int commit(struct cache *c, const struct cache_write *w, struct cache_pending *p, struct err *err) {
    struct store_op op = {
        .key = p->key,
        .value = p->value,
        .delete_ = w->op == CACHE_DELETE,
        .expect = w->op == CACHE_CREATE ? EXPECT_ABSENT
                  : w->expect_rv        ? EXPECT_MOD_REV
                                        : EXPECT_ANY,
        .mod_rev = w->expect_rv,
    };
    void *tag = p;
    struct store_commit sc = {
        .ops = &op,
        .tags = &tag,
        .n = 1,
        .durability = w->soft ? STORE_SOFT : STORE_HARD,
        .done = on_done,
        .arg = p,
        .release = on_release,
        .release_arg = p,
    };
    return store_commit(c->store, &sc, err);
}

int cache_submit(struct cache *c, const struct cache_write *w, struct err *err) {
    struct cached *r = cache_of(c, w->kind);
    check(r && w->done && (w->body || w->op == CACHE_DELETE));
    if (w->ns.n + w->name.n + r->prefix.n + sizeof REGISTRY > STORE_KEY_MAX) {
        if (w->arena)
            arena_fini(w->arena);
        return err_set(err, ERR_TOO_LARGE, "a key of more than %u bytes", STORE_KEY_MAX);
    }
    struct scratch *s = scratch_take(c);
    struct cache_draft d = {0};
    struct str key = cache_storage_key(&s->arena, w->kind, w->ns, w->name);
    int code = 0;
    if (w->body)
        code = draft_from_body(r, str_from_byte(key, sizeof REGISTRY - 1 + r->prefix.n), w->body, s, &d, err);
    if (w->arena)
        arena_fini(w->arena); /* the draft shares nothing with it */
    struct cache_pending *p = NULL;
    if (code == 0)
        p = pending_new(w, key, &d);
    scratch_give(c, s);
    if (code == 0)
        code = commit(c, w, p, err);
    if (code < 0 && p)
        pending_free(p);
    return code;
}
