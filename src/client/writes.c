/* What runs of one key have written. See writes.h. */
#include "client/writes.h"

#include <stdlib.h>

#include "api/meta.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/thread.h"
#include "base/vec.h"
#include "client/client.h"
#include "client/informer.h"

enum awaited_what {
    AWAIT_REVISION, /* this one, or a later one of the kind */
    AWAIT_END,      /* the object of that uid is gone, or going */
    AWAIT_ANSWER,   /* it is not known what became of the call */
};

struct awaited {
    enum awaited_what what;
    const struct kind *kind; /* hub */
    struct str ns, name;     /* name "": made with generateName */
    struct str uid;          /* of a deletion; "": not known */
    struct str labels;       /* selector, of what was made with generateName */
    uint64_t revision;
    bool is_delete;
};

struct writes {
    struct client client; /* first */
    struct client *inner;
    struct informer *const *informers;
    uint32_t n_informers;
    struct mutex lock; /* all that follows */
    struct arena arena;
    VEC(struct awaited) all;
};

/* -- which informers -- */

static bool follows(const struct informer *i, const struct kind *k) {
    return informer_kind(i) == k && informer_is_whole(i);
}

static bool is_followed(const struct writes *w, const struct kind *k) {
    for (uint32_t i = 0; i < w->n_informers; i++)
        if (follows(w->informers[i], k))
            return true;
    return false;
}

/* -- remembering; the lock is held -- */

static void await_revision(struct writes *w, const struct kind *k, uint64_t revision) {
    vec_foreach (a, &w->all)
        if (a->what == AWAIT_REVISION && a->kind == k) {
            if (a->revision < revision)
                a->revision = revision;
            return;
        }
    vec_push(&w->all, ((struct awaited){.what = AWAIT_REVISION, .kind = k, .revision = revision}));
}

static void await_end(struct writes *w, const struct awaited *of, struct str uid) {
    struct awaited a = *of;
    a.what = AWAIT_END;
    a.uid = arena_str(&w->arena, uid);
    vec_push(&w->all, a);
}

/* -- calls under way -- */

struct write {
    struct writes *writes;
    client_done_fn done;
    void *arg;
    struct awaited of; /* texts in the arena */
};

/* Nobody answered, or somebody between us and the server did. */
static bool is_doubtful(const struct client_answer *answer) {
    int code = answer ? answer->http_code : 0;
    return code == 0 || (code >= 500 && code != 503);
}

static void note_success(struct writes *w, struct awaited *of, const struct client_answer *answer) {
    const struct object *o = answer ? answer->object : NULL;
    if (of->is_delete && (of->uid.n || o))
        await_end(w, of, of->uid.n ? of->uid : o->meta->uid);
    else if (!of->is_delete && o && o->kind->hub == of->kind && o->rv)
        await_revision(w, of->kind, o->rv);
    else if (of->name.n)
        vec_push(&w->all, *of);
}

static void on_answer(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct write *call = arg;
    struct writes *w = call->writes;
    mutex_lock(&w->lock);
    if (!code)
        note_success(w, &call->of, answer);
    else if (call->of.is_delete && call->of.uid.n && (code == ERR_NOT_FOUND || code == ERR_CONFLICT))
        await_end(w, &call->of, call->of.uid); /* what we see is not there any more */
    else if (is_doubtful(answer))
        vec_push(&w->all, call->of);
    mutex_unlock(&w->lock);
    client_done_fn done = call->done;
    void *done_arg = call->arg;
    free(call);
    done(done_arg, code, answer, err); /* who waits for the last one may free us now */
}

/* "a=b,c=d" */
static struct str selector_of(struct arena *a, struct str_map labels) {
    struct str text = S("");
    for (uint32_t i = 0; i < labels.n; i++)
        text = arena_printf(a, "%.*s%s%.*s=%.*s", STR_ARG(text), i ? "," : "", STR_ARG(labels.v[i].key),
                            STR_ARG(labels.v[i].value));
    return text;
}

static struct awaited awaited_of(struct writes *w, const struct client_call *call) {
    struct awaited of = {.what = AWAIT_ANSWER,
                         .kind = call->kind->hub,
                         .ns = arena_str(&w->arena, call->ns),
                         .name = arena_str(&w->arena, call->name),
                         .is_delete = call->verb == CLIENT_DELETE};
    const struct meta_delete_options *d = call->delete_options;
    if (of.is_delete && d && d->preconditions)
        of.uid = arena_str(&w->arena, d->preconditions->uid);
    if (call->verb == CLIENT_CREATE && call->body && !call->name.n) {
        /* only looked at */
        const struct meta_object_meta *m = object_meta_in(of.kind, (void *)(uintptr_t)call->body);
        of.name = arena_str(&w->arena, m->name);
        if (!of.name.n)
            of.labels = selector_of(&w->arena, m->labels);
    }
    return of;
}

static bool writes_something(const struct client_call *call) {
    return call->verb != CLIENT_GET && call->verb != CLIENT_LIST && call->verb != CLIENT_DELETE_COLLECTION &&
           !call->dry_run;
}

static int submit(struct client *c, const struct client_call *call, struct loop *loop, client_done_fn done,
                  void *arg, struct err *err) {
    struct writes *w = (struct writes *)c;
    if (!writes_something(call) || !is_followed(w, call->kind->hub))
        return client_submit(w->inner, call, loop, done, arg, err);
    struct write *mine = calloc(1, sizeof *mine);
    if (!mine)
        panic("out of memory");
    mutex_lock(&w->lock);
    *mine = (struct write){.writes = w, .done = done, .arg = arg, .of = awaited_of(w, call)};
    mutex_unlock(&w->lock);
    int rc = client_submit(w->inner, call, loop, on_answer, mine, err);
    if (rc)
        free(mine);
    return rc;
}

static int open_source(struct client *c, const struct informer_options *o, struct informer_source **ret,
                       struct err *err) {
    struct client *inner = ((struct writes *)c)->inner;
    return inner->ops->open_source(inner, o, ret, err);
}

static int as(struct client *c, struct str user_name, const struct str *groups, uint32_t n_groups,
              struct client **ret, struct err *err) {
    return client_as(((struct writes *)c)->inner, user_name, groups, n_groups, ret, err);
}

static void free_nothing(struct client *c) {
    (void)c; /* it ends with its writes */
}

struct writes *writes_new(struct client *inner, struct informer *const *informers, uint32_t n) {
    static const struct client_ops ops = {submit, open_source, as, free_nothing};
    struct writes *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    client_init(&w->client, &ops, client_sim(inner));
    client_set_name(&w->client, client_name(inner));
    w->inner = inner;
    w->informers = informers;
    w->n_informers = n;
    mutex_init(&w->lock);
    arena_init(&w->arena);
    return w;
}

void writes_free(struct writes *w) {
    if (!w)
        return;
    vec_fini(&w->all);
    arena_fini(&w->arena);
    mutex_fini(&w->lock);
    free(w);
}

struct client *writes_client(struct writes *w) {
    return &w->client;
}

/* -- what became of it -- */

bool writes_unknown(const struct writes *w) {
    vec_foreach (a, &w->all)
        if (a->what == AWAIT_ANSWER)
            return true;
    return false;
}

/* What is there under the name now. */
static int ask_for_one(struct writes *w, const struct awaited *a, struct err *err) {
    struct object *o = NULL;
    int rc = client_get(w->inner, a->kind, a->ns, a->name, &o, err);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    bool same = o && (!a->uid.n || str_eq(o->meta->uid, a->uid));
    if (a->is_delete && same && !meta_is_deleting(o->meta))
        same = false; /* it has not been done */
    else if (a->is_delete && a->uid.n && !same)
        await_end(w, a, a->uid);
    if (same && o->rv)
        await_revision(w, a->kind, o->rv);
    object_unref(o);
    return 0;
}

/* The server has named it: the newest that looks like it. */
static int ask_for_many(struct writes *w, const struct awaited *a, struct err *err) {
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    struct client_call call = {
        .verb = CLIENT_LIST, .kind = a->kind, .ns = a->ns, .label_selector = a->labels};
    int rc = client_do(w->inner, &call, &answer, err);
    uint64_t newest = 0;
    for (uint32_t i = 0; !rc && i < answer.n_items; i++)
        if (answer.items[i]->rv > newest)
            newest = answer.items[i]->rv;
    if (newest)
        await_revision(w, a->kind, newest);
    return rc;
}

int writes_settle(struct writes *w, struct err *err) {
    int failed = 0;
    for (size_t i = 0; i < w->all.n; i++) {
        struct awaited a = w->all.v[i]; /* the array may move */
        if (a.what != AWAIT_ANSWER)
            continue;
        int rc = a.name.n ? ask_for_one(w, &a, err) : ask_for_many(w, &a, err);
        if (rc)
            failed = rc;
        else
            vec_remove(&w->all, i--);
    }
    return failed;
}

/* -- what informers show -- */

static bool shows_end(const struct informer_snapshot *s, const struct awaited *a, struct arena *scratch) {
    struct str key = a->ns.n ? arena_printf(scratch, "%.*s/%.*s", STR_ARG(a->ns), STR_ARG(a->name)) : a->name;
    const struct object *o = cow_get(&s->tree, key);
    return !o || !str_eq(o->meta->uid, a->uid) || meta_is_deleting(o->meta);
}

static void forget_shown(struct writes *w, struct informer *informer, const struct kind *k, bool *ret_left) {
    _cleanup_arena struct arena scratch = ARENA_INIT;
    struct informer_snapshot s;
    size_t kept = 0;
    informer_snapshot(informer, &s);
    for (size_t i = 0; i < w->all.n; i++) {
        const struct awaited *a = &w->all.v[i];
        bool shown = a->kind == k && ((a->what == AWAIT_REVISION && s.revision >= a->revision) ||
                                      (a->what == AWAIT_END && shows_end(&s, a, &scratch)));
        if (!shown)
            w->all.v[kept++] = *a;
    }
    w->all.n = kept;
    *ret_left = kept > 0;
    informer_snapshot_fini(&s);
}

bool writes_shown(struct writes *w) {
    bool left = w->all.n > 0;
    for (uint32_t i = 0; left && i < w->n_informers; i++) {
        const struct kind *k = informer_kind(w->informers[i]);
        if (follows(w->informers[i], k))
            forget_shown(w, w->informers[i], k, &left);
    }
    return !left;
}
