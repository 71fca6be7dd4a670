/* The event recorder: a bounded queue, correlated and sent one after the other from a loop. See events.h.
 *
 *     recorded (any thread) ──▶ queue ──▶ correlated ──▶ sent ──▶ gone
 *                                            │ dropped      └─ refused for now: again after a while
 */
#include "client/events.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/meta.h"
#include "api/object.h"
#include "api/time.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/thread.h"
#include "base/workers.h"
#include "client/client.h"
#include "client/event_correlate.h"
#include "codec/json.h"

#define QUEUE_MAX 1000u
#define MESSAGE_MAX 1024u
#define NAME_BYTES_MAX 236u /* of 253, without the time */
#define TRIES_MAX 12u
#define RETRY_NS (10 * NS_PER_SEC)
#define FAREWELL_NS NS_PER_SEC

/* One event on its way. */
struct outgoing {
    struct outgoing *next;
    struct arena arena;
    struct core_event event;
    enum event_fate fate;
    uint64_t key;
    unsigned tries;
    bool correlated;
};

/* What the recorders of one family share. Counted: the family, the call under way. */
struct sender {
    struct client *client;
    struct loop *loop;
    struct mutex lock; /* down to refs */
    struct outgoing *first, *last;
    size_t n;
    bool posted, closed;
    int64_t stamp_ns; /* of the latest event's name */
    unsigned refs;
    struct waiter *empty;
    struct loop_msg msg;
    /* the loop's own */
    struct timer retry;
    struct outgoing *sending;
    struct waiter
        *ended; /* who frees the recorder waits for the call under way: its answer comes to the loop */
    struct event_correlator *correlator;
};

struct event_recorder {
    struct sender *sender;
    struct event_recorder *next; /* of the family; the first is the one to free */
    char component[64], host[64];
};

static void free_outgoing(struct outgoing *o) {
    if (o)
        arena_fini(&o->arena);
    free(o);
}

static void sender_unref(struct sender *s) {
    mutex_lock(&s->lock);
    bool last = --s->refs == 0;
    mutex_unlock(&s->lock);
    if (!last)
        return;
    for (struct outgoing *o = s->first, *next; o; o = next) {
        next = o->next;
        free_outgoing(o);
    }
    event_correlator_free(s->correlator);
    mutex_fini(&s->lock);
    free(s);
}

/* -- sending, on the loop -- */

static void pump(struct sender *s);

static struct outgoing *take(struct sender *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    struct outgoing *o = s->first;
    if (o) {
        s->first = o->next;
        s->n--;
    } else if (s->empty) {
        waiter_signal(s->empty);
        s->empty = NULL;
    }
    return o;
}

static void text_of_patch(const struct core_event *e, struct buf *out) {
    char at[TIME_TEXT_SIZE];
    (void)timestamp_format(e->last_timestamp, at);
    buf_printf(out, "{\"count\":%d,\"lastTimestamp\":\"%s\",\"message\":", (int)e->count, at);
    json_write_string(out, e->message);
    buf_byte(out, '}');
}

static bool comes_back(int code, const struct client_answer *answer) {
    return code != 0 &&
           (!answer || answer->http_code == 0 || answer->http_code == 429 || answer->http_code >= 500);
}

static void finish(struct sender *s, struct outgoing *o) {
    s->sending = NULL;
    free_outgoing(o);
}

static bool is_closed(struct sender *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    return s->closed;
}

static void on_sent(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct sender *s = arg;
    struct outgoing *o = s->sending;
    if (is_closed(s)) {
        finish(s, o);
        if (s->ended)
            waiter_signal(s->ended);
    } else if (code == ERR_NOT_FOUND && o->fate == EVENT_PATCH) {
        o->fate = EVENT_CREATE; /* the one it would count on is gone */
        pump(s);
    } else if (comes_back(code, answer) && ++o->tries < TRIES_MAX) {
        /* the first time at random, so that not all components come back at once */
        double part = o->tries == 1 ? rand_unit(client_rand(s->client)) : 1;
        loop_timer_start(s->loop, &s->retry, (int64_t)(part * (double)RETRY_NS));
    } else {
        if (code == 0)
            event_correlator_sent(s->correlator, o->key, &o->event);
        else
            log_v(2, "event was not recorded", kv("reason", o->event.reason), kv("err", err));
        finish(s, o);
        pump(s);
    }
    sender_unref(s);
}

static int submit(struct sender *s, struct outgoing *o) {
    _cleanup_buf struct buf patch = BUF_INIT;
    struct err err = ERR_INIT;
    const struct core_event *e = &o->event;
    struct client_call call = {
        .verb = o->fate == EVENT_PATCH ? CLIENT_PATCH : CLIENT_CREATE,
        .kind = &kinds[KIND_CORE_EVENT],
        .ns = e->metadata.namespace,
        .body = e,
    };
    if (o->fate == EVENT_PATCH) {
        text_of_patch(e, &patch);
        call.name = e->metadata.name;
        call.body = NULL;
        call.patch = CLIENT_PATCH_STRATEGIC;
        call.patch_text = buf_view(&patch);
    }
    mutex_lock(&s->lock);
    s->refs++;
    mutex_unlock(&s->lock);
    int rc = client_submit(s->client, &call, s->loop, on_sent, s, &err);
    if (rc)
        sender_unref(s); /* the family still holds it */
    return rc;
}

/* Sends what waits, one at a time. */
static void pump(struct sender *s) {
    if (timer_running(&s->retry))
        return;
    for (;;) {
        struct outgoing *o = s->sending;
        if (!o)
            o = take(s);
        if (!o)
            return;
        s->sending = o;
        if (!o->correlated)
            o->fate = event_correlate(s->correlator, &o->event, clock_mono_ns(client_clock(s->client)),
                                      &o->arena, &o->key);
        o->correlated = true;
        if (o->fate != EVENT_DROP && submit(s, o) == 0)
            return;
        finish(s, o);
    }
}

static void on_retry(struct timer *t) {
    pump((struct sender *)((char *)t - offsetof(struct sender, retry)));
}

static void on_news(struct loop_msg *msg) {
    struct sender *s = (struct sender *)((char *)msg - offsetof(struct sender, msg));
    mutex_lock(&s->lock);
    s->posted = false;
    bool closed = s->closed;
    mutex_unlock(&s->lock);
    if (!closed && !s->sending)
        pump(s);
}

/* -- recording, any thread -- */

/* "web-0.17a2b3c4d5e6f708", cut so that it stays a name. */
static struct str name_of(struct arena *a, struct str about, int64_t now_ns) {
    struct str name = str_cut(about, NAME_BYTES_MAX);
    while (name.n && (name.p[name.n - 1] == '-' || name.p[name.n - 1] == '.'))
        name.n--;
    return arena_printf(a, "%.*s.%llx", STR_ARG(name), (unsigned long long)now_ns);
}

/* Also gives the time to name the event after, which no other one of this sender has. */
static bool has_room(struct sender *s, int64_t *ret_stamp_ns) {
    int64_t now_ns = clock_wall_ns(client_clock(s->client));
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    if (s->n >= QUEUE_MAX || s->closed)
        return false;
    s->stamp_ns = now_ns > s->stamp_ns ? now_ns : s->stamp_ns + 1;
    *ret_stamp_ns = s->stamp_ns;
    return true;
}

static void push(struct sender *s, struct outgoing *o) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    *(s->first ? &s->last->next : &s->first) = o;
    s->last = o;
    s->n++;
    if (!s->posted)
        s->posted = loop_post(s->loop, &s->msg) == 0;
}

static struct core_object_reference copy_reference(struct arena *a, const struct core_object_reference *r) {
    return (struct core_object_reference){
        .kind = arena_str(a, r->kind),
        .namespace = arena_str(a, r->namespace),
        .name = arena_str(a, r->name),
        .uid = arena_str(a, r->uid),
        .api_version = arena_str(a, r->api_version),
        .resource_version = arena_str(a, r->resource_version),
        .field_path = arena_str(a, r->field_path),
    };
}

static void record(struct event_recorder *r, const struct core_object_reference *about, const char *type,
                   const char *reason, const char *fmt, va_list ap) {
    struct sender *s = r->sender;
    int64_t stamp_ns;
    if (!has_room(s, &stamp_ns)) {
        if (log_every(10000))
            log_warn("events are dropped: too many wait", kv("component", r->component));
        return;
    }
    struct outgoing *o = calloc(1, sizeof *o);
    if (!o)
        panic("out of memory");
    arena_init(&o->arena);
    struct arena *a = &o->arena;
    struct timestamp now = timestamp_from_ns_in_seconds(clock_wall_ns(client_clock(s->client)));
    struct str message = arena_vprintf(a, fmt, ap);
    if (message.n > MESSAGE_MAX)
        message.n = utf8_valid_prefix(str_cut(message, MESSAGE_MAX));
    struct str ns = about->namespace.n ? about->namespace : S("default");
    o->event = (struct core_event){
        .metadata = {.name = name_of(a, about->name, stamp_ns), .namespace = arena_str(a, ns)},
        .involved_object = copy_reference(a, about),
        .reason = arena_str(a, str_from(reason)),
        .message = message,
        .source = {.component = arena_str(a, str_from(r->component)),
                   .host = arena_str(a, str_from(r->host))},
        .first_timestamp = now,
        .last_timestamp = now,
        .count = 1,
        .type = arena_str(a, str_from(type)),
        .reporting_component = arena_str(a, str_from(r->component)),
        .reporting_instance = arena_str(a, str_from(r->host)),
    };
    push(s, o);
}

void event_record_ref(struct event_recorder *r, const struct core_object_reference *about, const char *type,
                      const char *reason, const char *fmt, ...) {
    if (!r)
        return;
    va_list ap;
    va_start(ap, fmt);
    record(r, about, type, reason, fmt, ap);
    va_end(ap);
}

void event_record(struct event_recorder *r, const struct object *about, const char *type, const char *reason,
                  const char *fmt, ...) {
    if (!r)
        return;
    struct core_object_reference ref = {
        .kind = about->kind->name,
        .namespace = about->meta->namespace,
        .name = about->meta->name,
        .uid = about->meta->uid,
        .api_version = kind_api_version(about->kind),
        .resource_version = about->meta->resource_version,
    };
    va_list ap;
    va_start(ap, fmt);
    record(r, &ref, type, reason, fmt, ap);
    va_end(ap);
}

/* -- recorders -- */

static struct event_recorder *new_recorder(struct sender *s, const char *component, struct str host) {
    struct event_recorder *r = calloc(1, sizeof *r);
    if (!r)
        panic("out of memory");
    r->sender = s;
    (void)snprintf(r->component, sizeof r->component, "%s", component);
    (void)snprintf(r->host, sizeof r->host, "%.*s", STR_ARG(host));
    return r;
}

int event_recorder_new(struct client *c, struct loop *loop, const char *component, struct str host,
                       struct event_recorder **ret, struct err *err) {
    (void)err;
    struct sender *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->client = c;
    s->loop = loop;
    s->refs = 1;
    s->msg.run = on_news;
    s->retry.fire = on_retry;
    s->correlator = event_correlator_new();
    mutex_init(&s->lock);
    *ret = new_recorder(s, component, host);
    return 0;
}

struct event_recorder *event_recorder_as(struct event_recorder *r, const char *component) {
    if (!r)
        return NULL;
    struct event_recorder *other = new_recorder(r->sender, component, str_from(r->host));
    _cleanup_unlock struct mutex *held = mutex_hold(&r->sender->lock);
    other->next = r->next;
    r->next = other;
    return other;
}

struct ending {
    struct loop_msg msg;
    struct sender *sender;
    struct waiter done;
};

/* On the loop: nothing runs there any more when it is done. */
static void on_end(struct loop_msg *msg) {
    struct ending *e = (struct ending *)msg;
    struct sender *s = e->sender;
    if (timer_running(&s->retry)) {
        loop_timer_stop(s->loop, &s->retry);
        finish(s, s->sending);
    }
    if (s->sending)
        s->ended = &e->done;
    else
        waiter_signal(&e->done);
}

static void wait_until_sent(struct sender *s) {
    struct waiter empty;
    waiter_init(&empty, client_sim(s->client));
    mutex_lock(&s->lock);
    s->empty = &empty;
    if (!s->posted)
        s->posted = loop_post(s->loop, &s->msg) == 0;
    bool waits = s->posted;
    mutex_unlock(&s->lock);
    if (waits)
        (void)waiter_wait_ns(&empty, FAREWELL_NS);
    mutex_lock(&s->lock);
    s->empty = NULL;
    s->closed = true;
    mutex_unlock(&s->lock);
    waiter_fini(&empty);
}

void event_recorder_free(struct event_recorder *r) {
    if (!r)
        return;
    struct sender *s = r->sender;
    wait_until_sent(s);
    struct ending e = {.msg = {.run = on_end}, .sender = s};
    waiter_init(&e.done, client_sim(s->client));
    if (loop_post(s->loop, &e.msg) == 0)
        waiter_wait(&e.done);
    waiter_fini(&e.done);
    sender_unref(s);
    for (struct event_recorder *next; r; r = next) {
        next = r->next;
        free(r);
    }
}
