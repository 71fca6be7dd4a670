/* The fake's client and its calls. See fake_client.h. */
#include "fake_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/default.h"
#include "api/json.h"
#include "api/merge_patch.h"
#include "api/meta.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/sim.h"
#include "fake_priv.h"

struct fake_client {
    struct client client;
    struct fake *fake;
};

/* -- one call -- */

struct fake_call {
    struct loop_msg msg;
    struct timer timer;
    struct fake *fake;
    struct arena arena;
    struct client_call call; /* everything in the arena */
    struct loop *loop;
    client_done_fn done;
    void *arg;
    struct client_answer answer;
    int code;
    struct err err;
};

static const char *const verbs[] = {"get", "list", "create", "update", "patch", "delete", "deletecollection"};

static void note_call(struct fake *f, const struct client_call *c, const struct client_answer *answer) {
    if (c->verb == CLIENT_GET || c->verb == CLIENT_LIST)
        return;
    struct str name = answer->object ? answer->object->meta->name : c->name;
    struct str ns = answer->object ? answer->object->meta->namespace : c->ns;
    buf_printf(&f->calls, "%s %.*s%s%.*s %.*s%s%.*s", verbs[c->verb], STR_ARG(c->kind->plural),
               c->subresource.n ? "/" : "", STR_ARG(c->subresource), STR_ARG(ns), ns.n ? "/" : "",
               STR_ARG(name));
    if (answer->http_code >= 400)
        buf_printf(&f->calls, " %d", answer->http_code);
    buf_byte(&f->calls, '\n');
}

static void fail(struct client_answer *answer, int http_code, const char *reason) {
    struct meta_status *st = arena_new(&answer->arena, struct meta_status);
    *st = (struct meta_status){
        .status = S("Failure"), .reason = str_from(reason), .code = http_code, .message = S("injected")};
    answer->http_code = http_code;
    answer->status = st;
}

static void execute(struct fake_call *c) {
    struct fake *f = c->fake;
    const char *reason = "";
    int http_code = f->react ? f->react(f->react_arg, &c->call, &reason) : 0;
    mutex_lock(&f->lock);
    if (http_code)
        fail(&c->answer, http_code, reason);
    else if (rand_chance(f->rand, f->faults.unavailable))
        fail(&c->answer, 503, "ServiceUnavailable");
    else
        fake_run(f, &c->call, &c->answer);
    note_call(f, &c->call, &c->answer);
    bool lost = rand_chance(f->rand, f->faults.lost_answer);
    mutex_unlock(&f->lock);
    c->code = client_error(c->answer.http_code, c->answer.status, &c->err);
    if (lost) {
        client_answer_fini(&c->answer);
        c->code = err_set(&c->err, ERR_CLOSED, "the connection was lost");
    }
}

static void deliver(struct fake_call *c) {
    c->done(c->arg, c->code, &c->answer, c->code ? &c->err : NULL);
    client_answer_fini(&c->answer);
    arena_fini(&c->arena);
    free(c);
}

static void on_deliver(struct loop_msg *msg) {
    deliver((struct fake_call *)msg);
}

static void run(struct fake_call *c) {
    execute(c);
    c->msg.run = on_deliver;
    if (!c->loop || loop_post(c->loop, &c->msg))
        deliver(c);
}

static void on_delayed(struct timer *t) {
    run((struct fake_call *)((char *)t - offsetof(struct fake_call, timer)));
}

static void on_call(struct loop_msg *msg) {
    struct fake_call *c = (struct fake_call *)msg;
    int64_t delay = c->fake->faults.delay_ns;
    c->timer.fire = on_delayed;
    if (delay)
        loop_timer_start(c->fake->loop, &c->timer, rand_range(c->fake->rand, 0, delay));
    else
        run(c);
}

static void copy_call(struct arena *a, const struct client_call *from, struct client_call *to) {
    *to = *from;
    struct str *const texts[] = {&to->ns,
                                 &to->name,
                                 &to->subresource,
                                 &to->patch_text,
                                 &to->label_selector,
                                 &to->field_selector,
                                 &to->continue_token,
                                 &to->resource_version,
                                 &to->field_manager};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_str(a, *texts[i]);
    uint32_t type = from->body_type ? from->body_type : from->kind->hub->type;
    if (from->body)
        to->body = api_copy(a, from->kind->set, type, from->body);
    if (from->delete_options)
        to->delete_options = api_copy(a, &builtin, TY_META_DELETE_OPTIONS, from->delete_options);
}

static int submit(struct client *client, const struct client_call *call, struct loop *loop,
                  client_done_fn done, void *arg, struct err *err) {
    struct fake *f = ((struct fake_client *)client)->fake;
    struct fake_call *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    *c = (struct fake_call){
        .msg = {.run = on_call},
        .fake = f,
        .arena = ARENA_INIT,
        .loop = loop,
        .done = done,
        .arg = arg,
        .answer = CLIENT_ANSWER_INIT,
    };
    copy_call(&c->arena, call, &c->call);
    if (loop_post(f->loop, &c->msg) == 0)
        return 0;
    arena_fini(&c->arena);
    free(c);
    return err_set(err, ERR_CLOSED, "the fake has ended");
}

/* -- clients -- */

static int open_source(struct client *c, const struct informer_options *o, struct informer_source **ret,
                       struct err *err) {
    (void)err;
    return fake_source_open(((struct fake_client *)c)->fake, o, ret);
}

static int as(struct client *c, struct str user_name, const struct str *groups, uint32_t n_groups,
              struct client **ret, struct err *err) {
    (void)user_name;
    (void)groups;
    (void)n_groups;
    (void)err;
    *ret = fake_client_new(((struct fake_client *)c)->fake);
    return 0;
}

static void free_client(struct client *c) {
    free(c);
}

struct client *fake_client_new(struct fake *f) {
    static const struct client_ops ops = {submit, open_source, as, free_client};
    struct fake_client *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    client_init(&c->client, &ops, f->sim);
    c->fake = f;
    return &c->client;
}

struct client *fake_client(struct fake *f) {
    return f->client;
}

struct fake *fake_new(struct sim *sim) {
    struct fake *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    f->sim = sim;
    mutex_init(&f->lock);
    if (sim)
        f->loop = sim_loop_new(sim, "fake");
    else if (loop_start(&(struct loop_options){.name = "fake"}, &f->loop, NULL))
        panic("fake: no loop");
    f->client = fake_client_new(f);
    f->clock = client_clock(f->client);
    f->rand = client_rand(f->client);
    return f;
}

void fake_free(struct fake *f) {
    if (!f)
        return;
    client_free(f->client);
    check(f->sources.n == 0);
    if (f->sim) {
        sim_settle(f->sim);
        loop_free(f->loop);
    } else {
        loop_stop(f->loop);
    }
    for (int i = 0; i < KIND_RESOURCES; i++)
        mirror_free(f->kinds[i]);
    vec_fini(&f->sources);
    buf_fini(&f->calls);
    buf_fini(&f->calls_shown);
    buf_fini(&f->names_shown);
    mutex_fini(&f->lock);
    free(f);
}

/* -- setting up and looking -- */

void fake_put(struct fake *f, const struct kind *k, const char *json) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *body;
    if (api_read_json(&a, k->set, k->type, str_from(json), NULL, &body, &err))
        panic("fake_put: %s", err.msg);
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    struct meta_object_meta *m = object_meta_in(k, body);
    const struct object *old = fake_find(f, k, m->namespace, m->name);
    struct timestamp now = {.sec = clock_wall_sec(f->clock), .set = true};
    char uid[RAND_UUID_SIZE];
    rand_uuid(f->rand, uid);
    if (!m->uid.n)
        m->uid = arena_str(&a, old ? old->meta->uid : str_from(uid));
    if (!m->creation_timestamp.set)
        m->creation_timestamp = old ? old->meta->creation_timestamp : now;
    if (!m->generation)
        m->generation = 1;
    api_default(&a, k->set, k->type, body, f->clock);
    /* what was borrowed from the text is copied */
    struct arena own = ARENA_INIT;
    body = api_copy(&own, k->set, k->type, body);
    arena_fini(&a);
    object_unref(fake_store(f, k, body, &own));
}

void fake_merge(struct fake *f, const struct kind *k, const char *ns, const char *name, const char *json) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    const struct object *old = fake_find(f, k, str_from(ns), str_from(name));
    if (!old)
        panic("fake_merge: there is no %s %s/%s", k->name.p, ns, name);
    object_unref(fake_merge_into(f, old, str_from(json), &a));
}

void fake_remove(struct fake *f, const struct kind *k, const char *ns, const char *name) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    const struct object *old = fake_find(f, k, str_from(ns), str_from(name));
    if (old)
        object_unref(fake_drop(f, old));
}

struct object *fake_get(struct fake *f, const struct kind *k, const char *ns, const char *name) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    return object_ref(fake_find(f, k, str_from(ns), str_from(name)));
}

size_t fake_all(struct fake *f, const struct kind *k, struct object ***ret) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    struct informer_snapshot s;
    mirror_snapshot(fake_state(f, k), &s);
    struct object **all = calloc(cow_count(&s.tree) + 1, sizeof(struct object *));
    if (!all)
        panic("out of memory");
    size_t n = 0;
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &s.tree))
        all[n++] = object_ref(item->value);
    informer_snapshot_fini(&s);
    *ret = all;
    return n;
}

size_t fake_count(struct fake *f, const struct kind *k) {
    struct object **all;
    size_t n = fake_all(f, k, &all);
    for (size_t i = 0; i < n; i++)
        object_unref(all[i]);
    free(all);
    return n;
}

const char *fake_names(struct fake *f, const struct kind *k) {
    struct object **all;
    size_t n = fake_all(f, k, &all);
    buf_clear(&f->names_shown);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&f->names_shown, "%s%.*s", i ? " " : "", STR_ARG(all[i]->meta->name));
        object_unref(all[i]);
    }
    free(all);
    return buf_cstr(&f->names_shown);
}

uint64_t fake_revision(struct fake *f) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    return f->revision;
}

const char *fake_calls(struct fake *f) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    buf_clear(&f->calls_shown);
    buf_str(&f->calls_shown, buf_view(&f->calls));
    return buf_cstr(&f->calls_shown);
}

void fake_calls_clear(struct fake *f) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    buf_clear(&f->calls);
}

void fake_react(struct fake *f, fake_react_fn react, void *arg) {
    f->react_arg = arg;
    f->react = react;
}

void fake_set_faults(struct fake *f, const struct fake_faults *faults) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    f->faults = *faults;
}
