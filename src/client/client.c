/* What both transports share: waiting for answers, shorthands, the meaning of HTTP codes. See client.h. */
#include "client/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/types/meta.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "client/informer_priv.h"

/* Between tries of a call that may be repeated and whose answer does not say how long to wait. */
#define RETRY_FIRST_NS (100 * NS_PER_MS)
#define RETRY_MOST_NS (5 * NS_PER_SEC)

void client_init(struct client *c, const struct client_ops *ops, struct sim *sim) {
    *c = (struct client){
        .ops = ops,
        .clock = sim ? sim_clock(sim) : clock_system(),
        .rand = sim ? sim_rand(sim) : rand_system(),
        .sim = sim,
    };
    client_set_name(c, S("coxswain"));
}

void client_free(struct client *c) {
    if (!c)
        return;
    informers_free(c->informers);
    c->informers = NULL;
    c->ops->free(c);
}

void client_set_name(struct client *c, struct str name) {
    (void)snprintf(c->name, sizeof c->name, "%.*s", STR_ARG(name));
}

struct str client_name(const struct client *c) {
    return str_from(c->name);
}

struct clock *client_clock(const struct client *c) {
    return c->clock;
}

struct rand *client_rand(const struct client *c) {
    return c->rand;
}

struct sim *client_sim(const struct client *c) {
    return c->sim;
}

int client_as(struct client *c, struct str user_name, const struct str *groups, uint32_t n_groups,
              struct client **ret, struct err *err) {
    return c->ops->as(c, user_name, groups, n_groups, ret, err);
}

/* -- answers -- */

void client_answer_fini(struct client_answer *a) {
    object_unref(a->object);
    for (uint32_t i = 0; i < a->n_items; i++)
        object_unref(a->items[i]);
    arena_fini(&a->arena);
    *a = (struct client_answer)CLIENT_ANSWER_INIT;
}

static int code_of_conflict(const struct meta_status *status) {
    return status && str_eq(status->reason, S("AlreadyExists")) ? ERR_EXISTS : ERR_CONFLICT;
}

static int code_of_http(int http_code, const struct meta_status *status) {
    switch (http_code) {
    case 401: return ERR_UNAUTHORIZED;
    case 403: return ERR_FORBIDDEN;
    case 404: return ERR_NOT_FOUND;
    case 405:
    case 406:
    case 415: return ERR_UNSUPPORTED;
    case 409: return code_of_conflict(status);
    case 410: return ERR_EXPIRED;
    case 413: return ERR_TOO_LARGE;
    case 429:
    case 503: return ERR_AGAIN;
    case 504: return ERR_TIMEOUT;
    default: return http_code >= 500 ? ERR_INTERNAL : ERR_INVALID;
    }
}

int client_error(int http_code, const struct meta_status *status, struct err *err) {
    if (http_code < 400)
        return 0;
    int code = code_of_http(http_code, status);
    if (status && status->message.n)
        return err_set(err, code, "%.*s", STR_ARG(status->message));
    return err_set(err, code, "the server answered with code %d", http_code);
}

/* -- calls -- */

int client_submit(struct client *c, const struct client_call *call, struct loop *loop, client_done_fn done,
                  void *arg, struct err *err) {
    check(call->kind && done);
    return c->ops->submit(c, call, loop, done, arg, err);
}

struct answered {
    struct waiter waiter;
    struct client_answer *answer;
    struct err *err;
    int code;
};

static void on_answer(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct answered *a = arg;
    a->code = code;
    if (code && a->err && err)
        *a->err = *err;
    if (answer) {
        *a->answer = *answer;
        *answer = (struct client_answer)CLIENT_ANSWER_INIT;
    }
    waiter_signal(&a->waiter);
}

/* *ret_refused: the transport did not take the call at all. */
static int do_once(struct client *c, const struct client_call *call, struct client_answer *answer,
                   bool *ret_refused, struct err *err) {
    struct answered a = {.answer = answer, .err = err};
    waiter_init(&a.waiter, c->sim);
    int rc = client_submit(c, call, NULL, on_answer, &a, err);
    *ret_refused = rc != 0;
    if (rc == 0) {
        waiter_wait(&a.waiter);
        rc = a.code;
    }
    waiter_fini(&a.waiter);
    return rc;
}

static bool is_read(const struct client_call *call) {
    return call->verb == CLIENT_GET || call->verb == CLIENT_LIST;
}

/* How long to wait before the next try; -1: the outcome stands. */
static int64_t retry_after_ns(struct client *c, const struct client_call *call, int rc,
                              const struct client_answer *answer, unsigned tries) {
    if ((answer->http_code == 429 || answer->http_code == 503) && answer->retry_after_seconds > 0)
        return answer->retry_after_seconds * NS_PER_SEC;
    if (!is_read(call) || answer->http_code != 0 || (rc != ERR_IO && rc != ERR_CLOSED))
        return -1;
    int64_t ns = RETRY_FIRST_NS << (tries < 6 ? tries : 6);
    return rand_jitter(c->rand, ns < RETRY_MOST_NS ? ns : RETRY_MOST_NS, 0.5);
}

int client_do(struct client *c, const struct client_call *call, struct client_answer *ret_answer,
              struct err *err) {
    struct client_call mine = *call;
    int64_t end =
        clock_mono_ns(c->clock) + (call->timeout_ms ? call->timeout_ms : CLIENT_TIMEOUT_MS) * NS_PER_MS;
    for (unsigned tries = 0;; tries++) {
        _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
        bool refused;
        int rc = do_once(c, &mine, &answer, &refused, err);
        int64_t wait = rc && !refused ? retry_after_ns(c, call, rc, &answer, tries) : -1;
        int64_t left = end - clock_mono_ns(c->clock);
        if (wait < 0 || wait >= left) {
            if (ret_answer) {
                *ret_answer = answer;
                answer = (struct client_answer)CLIENT_ANSWER_INIT;
            }
            return rc;
        }
        mine.timeout_ms = (unsigned)((left - wait) / NS_PER_MS) + 1;
        client_answer_fini(&answer);
        clock_sleep_ns(c->clock, wait);
    }
}

/* -- shorthands -- */

static int do_for_object(struct client *c, const struct client_call *call, struct object **ret,
                         struct err *err) {
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    int rc = client_do(c, call, &answer, err);
    if (rc || !ret)
        return rc;
    if (!answer.object)
        return err_set(err, ERR_INTERNAL, "the answer is no %.*s", STR_ARG(call->kind->name));
    *ret = answer.object;
    answer.object = NULL;
    return 0;
}

int client_get(struct client *c, const struct kind *k, struct str ns, struct str name, struct object **ret,
               struct err *err) {
    return do_for_object(c, &(struct client_call){.verb = CLIENT_GET, .kind = k, .ns = ns, .name = name}, ret,
                         err);
}

int client_create(struct client *c, const struct kind *k, struct str ns, const void *body,
                  struct object **ret, struct err *err) {
    return do_for_object(c, &(struct client_call){.verb = CLIENT_CREATE, .kind = k, .ns = ns, .body = body},
                         ret, err);
}

static int update(struct client *c, const struct kind *k, struct str subresource, const void *body,
                  struct object **ret, struct err *err) {
    /* only looked at */
    const struct meta_object_meta *meta = object_meta_in(k->hub, (void *)(uintptr_t)body);
    struct client_call call = {
        .verb = CLIENT_UPDATE,
        .kind = k,
        .ns = meta->namespace,
        .name = meta->name,
        .subresource = subresource,
        .body = body,
    };
    return do_for_object(c, &call, ret, err);
}

int client_update(struct client *c, const struct kind *k, const void *body, struct object **ret,
                  struct err *err) {
    return update(c, k, S(""), body, ret, err);
}

int client_update_status(struct client *c, const struct kind *k, const void *body, struct object **ret,
                         struct err *err) {
    return update(c, k, S("status"), body, ret, err);
}

int client_patch(struct client *c, const struct kind *k, struct str ns, struct str name,
                 struct str subresource, enum client_patch type, struct str patch, struct object **ret,
                 struct err *err) {
    struct client_call call = {
        .verb = CLIENT_PATCH,
        .kind = k,
        .ns = ns,
        .name = name,
        .subresource = subresource,
        .patch = type,
        .patch_text = patch,
        .field_manager = client_name(c),
    };
    return do_for_object(c, &call, ret, err);
}

int client_delete(struct client *c, const struct kind *k, struct str ns, struct str name,
                  const struct client_delete *options, struct err *err) {
    static const struct client_delete by_default = CLIENT_DELETE_DEFAULT;
    const struct client_delete *o = options ? options : &by_default;
    struct meta_preconditions preconditions = {0};
    struct meta_delete_options body = {.propagation_policy = o->propagation};
    if (!body.propagation_policy.n)
        body.propagation_policy = STR_NONE;
    if (o->grace_seconds >= 0)
        body.grace_period_seconds = (struct opt_i64){o->grace_seconds, true};
    if (o->uid.n)
        preconditions.uid = o->uid;
    if (o->resource_version.n)
        preconditions.resource_version = o->resource_version;
    if (o->uid.n || o->resource_version.n)
        body.preconditions = &preconditions;
    return client_do(c,
                     &(struct client_call){
                         .verb = CLIENT_DELETE, .kind = k, .ns = ns, .name = name, .delete_options = &body},
                     NULL, err);
}
