/* Calls of the in-process client. See client_local.h.
 *
 * A call runs on the thread that submits it until it waits for the store, then on the client's loop; its
 * answer goes to the loop of who asked. What it borrows is copied into the flight's arena, which becomes the
 * answer's.
 */
#include "apiserver/client_local_priv.h"

#include <stdlib.h>

#include "api/field_selector.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "apiserver/authz.h"
#include "apiserver/call.h"
#include "apiserver/list.h"
#include "apiserver/registry.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/sim.h"

struct flight {
    struct loop_msg msg; /* to the loop of who asked */
    struct local *local;
    struct call call;
    struct arena arena;
    struct loop *loop;
    client_done_fn done;
    void *arg;
    struct client_answer answer;
    int code;
    struct err err;
};

/* -- the answer -- */

static void give(struct flight *f) {
    f->done(f->arg, f->code, &f->answer, f->code ? &f->err : NULL);
    client_answer_fini(&f->answer);
    free(f);
}

static void on_message(struct loop_msg *msg) {
    give((struct flight *)msg);
}

/* The client does not know the flight any more. */
static void land(struct flight *f) {
    struct local *l = f->local;
    mutex_lock(&l->lock);
    if (l->closed)
        f->code = err_set(&f->err, ERR_CLOSED, "the client was closed");
    if (--l->in_flight == 0)
        cond_broadcast(&l->idle);
    mutex_unlock(&l->lock);
    if (!f->loop) {
        give(f);
    } else if (loop_post(f->loop, &f->msg) < 0) {
        client_answer_fini(&f->answer); /* nobody is there to be told */
        free(f);
    }
}

static void answer_list(struct flight *f, const struct list_result *r) {
    struct client_answer *a = &f->answer;
    char digits[RV_TEXT_MAX];
    a->items = arena_new_n(&f->arena, r->n, struct object *);
    a->n_items = (uint32_t)r->n;
    for (size_t i = 0; i < r->n; i++)
        a->items[i] = object_ref(r->items[i]);
    a->resource_version = arena_str(&f->arena, str_make(digits, rv_format(r->revision, digits)));
    a->continue_token = r->continue_token;
    a->remaining = r->remaining;
}

static void on_done(struct call *c) {
    struct flight *f = c->door;
    struct client_answer *a = &f->answer;
    a->http_code = c->http_code;
    a->object = c->object;
    c->object = NULL;
    a->body = c->answer;
    a->type = c->answer_type;
    if (c->status && c->http_code < 400) {
        a->body = &c->status->body;
        a->type = TY_META_STATUS;
    } else if (c->status) {
        a->status = &c->status->body;
        a->retry_after_seconds = a->status->details ? a->status->details->retry_after_seconds : 0;
    }
    f->code = client_error(a->http_code, a->status, &f->err);
    call_fini(c);
    a->arena = f->arena;
    land(f);
}

/* -- the call -- */

static struct str verb_text(enum client_verb v) {
    static const struct str texts[] = {
        [CLIENT_GET] = STR_INIT("get"),
        [CLIENT_LIST] = STR_INIT("list"),
        [CLIENT_CREATE] = STR_INIT("create"),
        [CLIENT_UPDATE] = STR_INIT("update"),
        [CLIENT_PATCH] = STR_INIT("patch"),
        [CLIENT_DELETE] = STR_INIT("delete"),
        [CLIENT_DELETE_COLLECTION] = STR_INIT("deletecollection"),
    };
    return texts[v];
}

static enum media_type patch_media(enum client_patch p) {
    static const enum media_type media[] = {
        [CLIENT_PATCH_JSON] = MEDIA_PATCH_JSON,
        [CLIENT_PATCH_MERGE] = MEDIA_PATCH_MERGE,
        [CLIENT_PATCH_STRATEGIC] = MEDIA_PATCH_STRATEGIC,
        [CLIENT_PATCH_APPLY] = MEDIA_PATCH_APPLY,
    };
    return media[p];
}

static struct str copy(struct flight *f, struct str s) {
    return s.n ? arena_str(&f->arena, s) : S("");
}

static const struct meta_object_meta *meta_of_body(const struct client_call *c) {
    bool main = c->body && (!c->body_type || c->body_type == c->kind->hub->type);
    return main ? object_meta_in(c->kind->hub, (void *)c->body) : NULL;
}

static void set_access(struct flight *f, const struct client_call *c) {
    struct access *x = &f->call.info.access;
    const struct meta_object_meta *m = meta_of_body(c);
    bool named = c->verb != CLIENT_CREATE || c->subresource.n;
    *x = (struct access){
        .user = &f->call.user,
        .verb = verb_text(c->verb),
        .is_resource = true,
        .group = c->kind->group,
        .version = c->kind->version,
        .resource = c->kind->plural,
        .subresource = copy(f, c->subresource),
        .ns = copy(f, c->ns.n || !m || !c->kind->namespaced ? c->ns : m->namespace),
        .name = named ? copy(f, c->name.n || !m ? c->name : m->name) : S(""),
    };
    if (c->kind->hub->index == KIND_CORE_NAMESPACE && x->name.n)
        x->ns = x->name;
}

static void set_info(struct flight *f, const struct client_call *c) {
    struct request_info *i = &f->call.info;
    set_access(f, c);
    i->kind = c->kind;
    for (unsigned k = 0; k < c->kind->n_subresources; k++)
        if (str_eq(c->kind->subresources[k].name, c->subresource))
            i->subresource = &c->kind->subresources[k];
    if (c->subresource.n && !i->subresource)
        i->kind = NULL; /* not served */
}

static void set_options(struct flight *f, const struct client_call *c) {
    f->call.options = (struct request_options){
        .label_selector = copy(f, c->label_selector),
        .field_selector = copy(f, c->field_selector),
        .continue_token = copy(f, c->continue_token),
        .resource_version = copy(f, c->resource_version),
        .field_manager = copy(f, c->field_manager),
        .field_validation = S("Ignore"),
        .limit = {.set = c->limit > 0, .v = c->limit},
        .force = {.set = c->force, .v = c->force},
        .dry_run = c->dry_run,
    };
}

static void set_body(struct flight *f, const struct client_call *c) {
    struct call *call = &f->call;
    bool deletes = c->verb == CLIENT_DELETE || c->verb == CLIENT_DELETE_COLLECTION;
    const void *body = deletes ? c->delete_options : c->body;
    call->media = MEDIA_JSON;
    if (c->verb == CLIENT_PATCH) {
        call->media = patch_media(c->patch);
        call->body = copy(f, c->patch_text);
    } else if (body) {
        call->packed_type = deletes        ? TY_META_DELETE_OPTIONS
                            : c->body_type ? c->body_type
                                           : c->kind->hub->type;
        call->packed = api_copy(&f->arena, &builtin, call->packed_type, body);
    }
}

static void set_user(struct flight *f) {
    struct local *l = f->local;
    f->call.user = l->user; /* the client outlives its flights */
    f->call.user_agent = arena_str(&f->arena, client_name(&l->client));
}

/* -- running it -- */

/* What a list is restricted to counts for whether it is allowed. */
static void set_fields(struct flight *f) {
    struct call *c = &f->call;
    if (!c->options.field_selector.n)
        return;
    struct field_selector *s = arena_new(&f->arena, struct field_selector);
    if (field_selector_parse(&f->arena, c->options.field_selector, s, NULL) == 0)
        c->info.access.fields = s;
}

static bool is_allowed(struct flight *f) {
    struct call *c = &f->call;
    struct str reason = S("");
    if (!c->server->authz)
        return true;
    set_fields(f);
    if (authz_check(c->server->authz, &c->info.access, &f->arena, &reason) == AUTHZ_ALLOW)
        return true;
    struct str why = access_denial(&c->info.access, reason, &f->arena);
    call_answer_status(c, status_forbidden(&f->arena, call_target(c), why));
    return false;
}

static void run_list(struct flight *f) {
    struct list_result r;
    struct status *failure;
    if (list_run(&f->call, &r, &failure) < 0) {
        call_answer_status(&f->call, failure);
        return;
    }
    answer_list(f, &r);
    f->call.http_code = 200;
    on_done(&f->call);
}

static int take_off(struct local *l, struct err *err) {
    mutex_lock(&l->lock);
    bool closed = l->closed;
    l->in_flight += !closed;
    mutex_unlock(&l->lock);
    return closed ? err_set(err, ERR_CLOSED, "the client was closed") : 0;
}

static int submit(struct client *c, const struct client_call *call, struct loop *loop, client_done_fn done,
                  void *arg, struct err *err) {
    struct local *l = (struct local *)c;
    int code = take_off(l, err);
    if (code < 0)
        return code;
    struct flight *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    *f = (struct flight){.msg.run = on_message, .local = l, .loop = loop, .done = done, .arg = arg};
    arena_init_sized(&f->arena, 4096);
    f->answer = (struct client_answer)CLIENT_ANSWER_INIT;
    f->call =
        (struct call){.server = l->server, .arena = &f->arena, .loop = l->loop, .done = on_done, .door = f};
    set_user(f);
    set_info(f, call);
    set_options(f, call);
    set_body(f, call);
    if (!is_allowed(f))
        return 0;
    if (call->verb == CLIENT_LIST)
        run_list(f);
    else
        registry_run(&f->call);
    return 0;
}

/* -- the client -- */

static void local_free(struct client *c) {
    struct local *l = (struct local *)c;
    mutex_lock(&l->lock);
    l->closed = true;
    while (l->in_flight && !l->server->sim)
        cond_wait(&l->idle, &l->lock);
    mutex_unlock(&l->lock);
    while (l->in_flight && sim_step(l->server->sim))
        ;
    check(l->in_flight == 0);
    if (l->own_loop)
        loop_free(l->own_loop);
    cond_fini(&l->idle);
    mutex_fini(&l->lock);
    arena_fini(&l->arena);
    free(l);
}

static int local_as(struct client *c, struct str user_name, const struct str *groups, uint32_t n_groups,
                    struct client **ret, struct err *err) {
    struct local *l = (struct local *)c;
    struct user u = {.name = user_name, .uid = S(""), .groups = {(struct str *)groups, n_groups}};
    int code = client_local_new(l->server, &u, l->own_loop ? NULL : l->loop, ret, err);
    if (code == 0)
        client_set_name(*ret, client_name(c));
    return code;
}

static const struct client_ops local_ops = {
    .submit = submit,
    .open_source = local_open_source,
    .as = local_as,
    .free = local_free,
};

static struct str_array copy_texts(struct arena *a, struct str_array from) {
    struct str_array to = {arena_new_n(a, from.n, struct str), from.n};
    for (uint32_t i = 0; i < from.n; i++)
        to.v[i] = arena_str(a, from.v[i]);
    return to;
}

static void copy_user(struct arena *a, const struct user *from, struct user *to) {
    struct user_extra *extra = arena_new_n(a, from->n_extra, struct user_extra);
    *to = (struct user){
        .name = arena_str(a, from->name),
        .uid = arena_str(a, from->uid),
        .groups = copy_texts(a, from->groups),
        .extra = extra,
        .n_extra = from->n_extra,
    };
    for (uint32_t i = 0; i < from->n_extra; i++)
        extra[i] = (struct user_extra){.key = arena_str(a, from->extra[i].key),
                                       .values = copy_texts(a, from->extra[i].values)};
}

int client_local_new(struct apiserver *server, const struct user *user, struct loop *loop,
                     struct client **ret, struct err *err) {
    if (!loop && !server->sim)
        return err_set(err, ERR_INVALID, "a client needs a loop outside of a simulation");
    struct local *l = calloc(1, sizeof *l);
    if (!l)
        panic("out of memory");
    client_init(&l->client, &local_ops, server->sim);
    l->server = server;
    l->own_loop = loop ? NULL : sim_loop_new(server->sim, "client");
    l->loop = loop ? loop : l->own_loop;
    arena_init(&l->arena);
    copy_user(&l->arena, user, &l->user);
    mutex_init(&l->lock);
    cond_init(&l->idle);
    *ret = &l->client;
    return 0;
}
