/* What the files of the cache share: its state. Inside apiserver/cache*.c only.
 *
 * cache.c         opening, closing, reading
 * cache_key.c     storage keys
 * cache_draft.c   an object between a request or stored bytes and its place in the tree
 * cache_write.c   from a caller to the store and back
 * cache_follow.c  what the store's thread does for each commit
 * cache_past.c    earlier states
 * cache_ring.c    the ring of events
 * cache_watch.c   watchers, and waking them
 *
 * Locks, outermost first: resource (ring, watchers), waker (who is to be woken). Neither is held while
 * foreign code is called.
 */
#pragma once

#include <stdatomic.h>

#include "apiserver/cache.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/cell.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/thread.h"
#include "base/vec.h"
#include "store/store.h"

/* -- state -- */

/* One published state of a resource. */
struct cache_state {
    struct shared shared;
    struct cow tree, by_node, by_owner;
    uint64_t revision; /* of the last change in it */
};

/* One entry of a ring, with a reference to both objects. */
struct ring_event {
    enum cache_event_type type;
    uint32_t bytes; /* of states that nothing but the ring keeps */
    uint64_t revision;
    struct object *object, *previous;
};

/* Events [first, next) by position; event p lies at slots[p & (cap - 1)]. */
struct ring {
    struct ring_event *slots;
    uint32_t cap; /* a power of two */
    uint64_t first, next;
    uint64_t base; /* events after this revision are all there */
    uint64_t bytes;
};

/* All watchers of one loop that are to be woken. Counted: the cache and a posted message hold it. */
struct waker {
    struct shared shared;
    struct loop_msg msg;
    struct loop *loop;
    struct mutex lock;       /* woken, posted */
    struct cache_link woken; /* by the store's thread; not yet seen by the loop */
    bool posted;
    struct cache_link batch; /* the loop's own: being woken now */
};

struct watch_group {
    struct waker *waker;
    struct cache_link idle; /* those without ns and node */
    uint64_t epoch;         /* grows when all of idle are woken */
};

struct cached {
    struct cache *cache;
    const struct kind *kind;
    struct str prefix;                          /* "pods/": of the storage key, behind /registry/ */
    struct str (*node)(const struct object *o); /* NULL: not on nodes */
    struct cell current;                        /* struct cache_state */

    /* the store's thread alone */
    struct cow tree, by_node, by_owner;
    bool changed; /* in this batch */

    struct mutex lock; /* all that follows */
    struct ring ring;
    uint64_t needed;  /* no busy watcher stands before this position */
    uint64_t look_at; /* position of the ring from which `needed` is to be found anew */
    VEC(struct watch_group *) groups;
    struct cache_link watchers; /* all */
    struct cache_link *places;  /* idle watchers with ns or node, by hash; a power of two */
    uint32_t n_places, n_filtered;
};

struct cache {
    struct store *store;
    struct cached *resources;  /* by kind index; kind NULL: not stored */
    struct cached **by_prefix; /* sorted */
    uint32_t n_by_prefix;
    atomic_ullong revision;  /* all states up to it are published */
    atomic_ullong told;      /* all events up to it are in the rings */
    struct mutex lock;       /* all that follows */
    struct scratch *scratch; /* not in use now */
    VEC(struct waker *) wakers;
    int broken;
    char broken_why[ERR_MESSAGE_MAX];
};

/* -- keys -- */

/* The part of the storage key that is the resource's: "pods/". In the arena. */
struct str cache_prefix(struct arena *a, const struct kind *k);

#define REGISTRY "/registry/"

/* The resource and the tree's key of a storage key; false when it belongs to none. */
bool cache_key_split(const struct cache *c, struct str storage_key, struct cached **ret_resource,
                     struct str *ret_key);

/* -- drafts -- */

/* An object that lacks only its revision: a body in an arena of its size, whose texts lie in the JSON it will
 * be sent as. In that JSON a mark stands where the revision belongs. */
struct cache_draft {
    struct cached *resource;
    struct arena arena;
    void *body;
    struct object_encoding *text; /* in the arena */
    size_t text_n, mark_at;
    struct str key, node_key; /* of the trees, in the arena; node_key is "node/" and then key */
    struct str owner_key;     /* "uid/" and then key; STR_NONE: nobody controls it */
};

/* Memory that a draft is made with, kept from one to the next: so what is short-lived does not leave holes
 * between what is long-lived. */
struct scratch {
    struct scratch *next;
    struct arena arena;
    struct buf text;
};

/* One to use, and back. Any thread. */
struct scratch *scratch_take(struct cache *c);
void scratch_give(struct cache *c, struct scratch *s);
void scratch_fini(struct cache *c);

/* From a body in whatever arena, which is not needed afterwards but is written to. What is to be stored is
 * then in the scratch's text. ERR_INVALID when its metadata say other than key, ERR_TOO_LARGE. */
int draft_from_body(struct cached *r, struct str key, void *body, struct scratch *s,
                    struct cache_draft *ret_draft, struct err *err);

/* From stored bytes. */
int draft_from_bytes(struct cached *r, struct str key, struct str bytes, struct scratch *s,
                     struct cache_draft *ret_draft, struct err *err);

/* The object; the draft is empty afterwards except for its keys, which live in the object. */
struct object *draft_freeze(struct cache_draft *d, uint64_t revision);
void draft_fini(struct cache_draft *d);

/* The same state with another revision. */
struct object *object_at_revision(const struct object *o, uint64_t revision);

/* -- following -- */

/* The uid of the controlling owner; STR_NONE: there is none. */
struct str cache_owner_uid(const struct meta_object_meta *m);

int cache_load(struct cache *c, struct err *err);
void cache_publish(struct cached *r, uint64_t revision);

/* A write on its way; the tag of its commit. */
struct cache_pending {
    struct loop_msg msg; /* runs done on the loop */
    atomic_uint holders; /* the store for bytes and key; done */
    struct cache_draft draft;
    bool has_draft;
    struct object *object; /* set by the store's thread */
    struct err err;
    struct loop *loop;
    cache_done_fn done;
    void *arg;
    struct str key, value; /* what the store is given, in bytes */
    char bytes[];
};

/* -- the ring; the resource's lock is held -- */

void ring_init(struct ring *g, uint64_t base);
void ring_fini(struct ring *g);
void ring_append(struct cached *r, const struct ring_event *e); /* takes over the references */

static inline struct ring_event *ring_at(const struct ring *g, uint64_t position) {
    return &g->slots[position & (g->cap - 1)];
}

/* Position of the first event after a revision. */
uint64_t ring_find(const struct ring *g, uint64_t revision);

/* The least position at which a busy watcher stands; the ring's end when none does. */
uint64_t watch_least_position(const struct cached *r);

/* Moves the watchers that an event at this position is for to their wakers. */
void watch_mark(struct cached *r, const struct ring_event *e, uint64_t position);

/* Posts to all loops whose watchers were marked. No lock is held. */
void cache_wake(struct cache *c);
void waker_fini(struct cache *c);

static inline void link_init(struct cache_link *l) {
    l->next = l->prev = l;
}
static inline bool link_empty(const struct cache_link *l) {
    return l->next == l;
}
static inline void link_add(struct cache_link *list, struct cache_link *l) {
    l->prev = list->prev;
    l->next = list;
    list->prev->next = l;
    list->prev = l;
}
static inline void link_del(struct cache_link *l) {
    l->next->prev = l->prev;
    l->prev->next = l->next;
    link_init(l);
}
/* All of `from` go to the end of `to`. */
static inline void link_move_all(struct cache_link *from, struct cache_link *to) {
    if (link_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    link_init(from);
}
