/* controller/scaler: makes and deletes pods of an owner. */
#include "controller/scaler.h"

#include "client/expect.h"
#include "controller/calls.h"

struct making {
    const struct scaler *s;
    scaler_pod_fn pod;
    void *arg;
};

static void make_create(void *arg, uint32_t i, struct client_call *call) {
    const struct making *m = arg;
    *call = (struct client_call){.verb = CLIENT_CREATE,
                                 .kind = KIND(CORE_POD),
                                 .ns = m->s->owner->meta->namespace,
                                 .body = m->pod(m->arg, i)};
}

static bool namespace_is_ending(const struct err *err) {
    return err->code == ERR_FORBIDDEN && str_find(str_from(err->msg), S("being terminated")) >= 0;
}

int scaler_create(const struct scaler *s, uint32_t n, scaler_pod_fn pod, void *arg, uint32_t *ret_made,
                  struct err *err) {
    struct making m = {.s = s, .pod = pod, .arg = arg};
    struct call_result *results = arena_new_n(s->a, n ? n : 1, struct call_result);
    uint32_t tried = 0;
    struct err first = ERR_INIT;
    uint32_t made = calls_slow_start(s->c->client, n, make_create, &m, results, &tried, &first);
    for (uint32_t i = 0; i < n; i++) {
        if (i >= tried || results[i].code)
            expect_creation_seen(s->expectations, s->key);
        else if (results[i].object)
            event_record(s->c->events, s->owner, "Normal", "SuccessfulCreate", "Created pod: %.*s",
                         STR_ARG(results[i].object->meta->name));
    }
    call_results_release(results, tried);
    *ret_made = made;
    if (made == tried || namespace_is_ending(&first))
        return 0;
    event_record(s->c->events, s->owner, "Warning", "FailedCreate", "Error creating: %s", first.msg);
    *err = first;
    return first.code;
}

static struct client_call delete_call(struct arena *a, const struct object *o) {
    struct meta_preconditions *p = arena_new(a, struct meta_preconditions);
    struct meta_delete_options *d = arena_new(a, struct meta_delete_options);
    p->uid = o->meta->uid;
    d->preconditions = p;
    return (struct client_call){.verb = CLIENT_DELETE,
                                .kind = o->kind,
                                .ns = o->meta->namespace,
                                .name = o->meta->name,
                                .delete_options = d};
}

int scaler_delete(const struct scaler *s, const struct objects *pods, struct err *err) {
    uint32_t n = (uint32_t)pods->n;
    if (!n)
        return 0;
    struct client_call *calls = arena_new_n(s->a, n, struct client_call);
    struct call_result *results = arena_new_n(s->a, n, struct call_result);
    struct err first = ERR_INIT;
    int rc = 0;
    for (uint32_t i = 0; i < n; i++)
        calls[i] = delete_call(s->a, pods->v[i]);
    (void)calls_all(s->c->client, calls, n, results, &first);
    for (uint32_t i = 0; i < n; i++) {
        int code = results[i].code;
        if (code)
            expect_deletion_seen(s->expectations, s->key, pods->v[i]->meta->uid);
        if (code && code != ERR_NOT_FOUND && code != ERR_CONFLICT)
            rc = code;
        else if (!code)
            event_record(s->c->events, s->owner, "Normal", "SuccessfulDelete", "Deleted pod: %.*s",
                         STR_ARG(pods->v[i]->meta->name));
    }
    call_results_release(results, n);
    if (!rc)
        return 0;
    event_record(s->c->events, s->owner, "Warning", "FailedDelete", "Error deleting: %s", first.msg);
    *err = first;
    return rc;
}
