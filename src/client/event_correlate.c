/* Correlation of events. See event_correlate.h.
 *
 * Three tables, keyed by hashes of what makes events equal, similar, or of one source about one object; each
 * forgets what was not used for longest.
 */
#include "client/event_correlate.h"

#include <stdlib.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/timefmt.h"

#define NAME_MAX_BYTES 253

/* One remembered thing; the tables differ in what they use. */
struct seen {
    struct seen *next, *prev; /* next: used longer ago */
    uint64_t key;
    /* equal ones: the event on the server */
    char name[NAME_MAX_BYTES + 1];
    int32_t count;
    struct timestamp first;
};

struct similar {
    struct similar *next, *prev;
    uint64_t key;
    int64_t last_ns;
    uint32_t n;
    uint64_t messages[EVENT_SIMILAR_MAX];
};

struct limit {
    struct limit *next, *prev;
    uint64_t key;
    int64_t since_ns;
    double tokens;
};

/* Any of the three begins so. */
struct node {
    struct node *next, *prev;
    uint64_t key;
};

struct table {
    struct map64 by_key;
    struct node *newest, *oldest;
    size_t size; /* of an entry */
};

struct event_correlator {
    struct table seen, similar, limits;
};

/* -- tables -- */

static void unlink_node(struct table *t, struct node *n) {
    *(n->prev ? &n->prev->next : &t->newest) = n->next;
    *(n->next ? &n->next->prev : &t->oldest) = n->prev;
}

static void link_newest(struct table *t, struct node *n) {
    n->prev = NULL;
    n->next = t->newest;
    *(n->next ? &n->next->prev : &t->oldest) = n;
    t->newest = n;
}

static void drop_oldest(struct table *t) {
    struct node *n = t->oldest;
    unlink_node(t, n);
    (void)map64_take(&t->by_key, n->key);
    free(n);
}

/* The entry, zeroed but for the key when it is new. */
static void *use(struct table *t, uint64_t key) {
    struct node *n = map64_get(&t->by_key, key);
    if (n) {
        unlink_node(t, n);
    } else {
        if (map64_count(&t->by_key) >= EVENT_CACHE_MAX)
            drop_oldest(t);
        n = calloc(1, t->size);
        if (!n)
            panic("out of memory");
        n->key = key;
        (void)map64_put(&t->by_key, key, n);
    }
    link_newest(t, n);
    return n;
}

static void table_fini(struct table *t) {
    while (t->oldest)
        drop_oldest(t);
    map64_fini(&t->by_key);
}

struct event_correlator *event_correlator_new(void) {
    struct event_correlator *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    c->seen.size = sizeof(struct seen);
    c->similar.size = sizeof(struct similar);
    c->limits.size = sizeof(struct limit);
    return c;
}

void event_correlator_free(struct event_correlator *c) {
    if (!c)
        return;
    table_fini(&c->seen);
    table_fini(&c->similar);
    table_fini(&c->limits);
    free(c);
}

/* -- keys -- */

static void add(struct buf *b, struct str s) {
    buf_str(b, s);
    buf_byte(b, '\0');
}

static void add_source(struct buf *b, const struct core_event *e) {
    const struct core_object_reference *o = &e->involved_object;
    add(b, e->source.component);
    add(b, e->source.host);
    add(b, o->kind);
    add(b, o->namespace);
    add(b, o->name);
    add(b, o->uid);
    add(b, o->api_version);
}

static uint64_t key_of_source(const struct core_event *e) {
    _cleanup_buf struct buf b = BUF_INIT;
    add_source(&b, e);
    return hash_bytes(buf_view(&b));
}

static uint64_t key_of_similar(const struct core_event *e) {
    _cleanup_buf struct buf b = BUF_INIT;
    add_source(&b, e);
    add(&b, e->type);
    add(&b, e->reason);
    add(&b, e->reporting_component);
    add(&b, e->reporting_instance);
    return hash_bytes(buf_view(&b));
}

static uint64_t key_of_equal(const struct core_event *e) {
    _cleanup_buf struct buf b = BUF_INIT;
    add_source(&b, e);
    add(&b, e->involved_object.field_path);
    add(&b, e->type);
    add(&b, e->reason);
    add(&b, e->message);
    return hash_bytes(buf_view(&b));
}

/* -- the three steps -- */

static bool has_message(const struct similar *s, uint64_t message) {
    for (uint32_t i = 0; i < s->n; i++)
        if (s->messages[i] == message)
            return true;
    return false;
}

/* Whether this is one of too many that are similar. */
static bool is_one_of_many(struct event_correlator *c, uint64_t key, const struct core_event *e,
                           int64_t now_ns) {
    struct similar *s = use(&c->similar, key);
    if (now_ns - s->last_ns > EVENT_SIMILAR_SECONDS * NS_PER_SEC)
        s->n = 0;
    s->last_ns = now_ns;
    uint64_t message = hash_bytes(e->message);
    if (!has_message(s, message) && s->n < EVENT_SIMILAR_MAX)
        s->messages[s->n++] = message;
    if (s->n < EVENT_SIMILAR_MAX)
        return false;
    s->n--; /* one is forgotten, so that the next new one is combined, too */
    return true;
}

static bool passes(struct event_correlator *c, const struct core_event *e, int64_t now_ns) {
    uint64_t key = key_of_source(e);
    bool is_new = !map64_has(&c->limits.by_key, key);
    struct limit *l = use(&c->limits, key);
    double refill = (double)(now_ns - l->since_ns) / (EVENT_REFILL_SECONDS * (double)NS_PER_SEC);
    l->tokens = is_new ? EVENT_BURST : l->tokens + refill;
    if (l->tokens > EVENT_BURST)
        l->tokens = EVENT_BURST;
    l->since_ns = now_ns;
    if (l->tokens < 1)
        return false;
    l->tokens--;
    return true;
}

enum event_fate event_correlate(struct event_correlator *c, struct core_event *e, int64_t now_ns,
                                struct arena *a, uint64_t *ret_key) {
    uint64_t key = key_of_equal(e), similar = key_of_similar(e);
    if (is_one_of_many(c, similar, e, now_ns)) {
        e->message = arena_printf(a, "(combined from similar events): %.*s", STR_ARG(e->message));
        key = similar;
    }
    *ret_key = key;
    struct seen *s = map64_get(&c->seen.by_key, key);
    bool known = s && s->count > 0;
    if (known) {
        s = use(&c->seen, key);
        e->metadata.name = arena_str(a, str_from(s->name));
        e->first_timestamp = s->first;
        e->count = ++s->count;
    }
    if (!passes(c, e, now_ns))
        return EVENT_DROP;
    return known ? EVENT_PATCH : EVENT_CREATE;
}

void event_correlator_sent(struct event_correlator *c, uint64_t key, const struct core_event *e) {
    if (e->metadata.name.n > NAME_MAX_BYTES)
        return;
    struct seen *s = use(&c->seen, key);
    if (e->metadata.name.n)
        memcpy(s->name, e->metadata.name.p, e->metadata.name.n);
    s->name[e->metadata.name.n] = '\0';
    s->count = e->count;
    s->first = e->first_timestamp;
}
