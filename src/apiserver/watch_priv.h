/* What the files of watches share. */
#pragma once

#include "apiserver/cache.h"
#include "apiserver/front_priv.h"
#include "apiserver/respond.h"
#include "apiserver/selection.h"
#include "base/cow.h"
#include "base/timer.h"

#define WATCH_BATCH 16u /* events that are read and written in one go */
#define WATCH_EVENT_CHUNKS 4u

enum watch_event_type { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED, WATCH_BOOKMARK, WATCH_ERROR };

struct watch {
    struct front_call *f;
    struct watch *next, *prev; /* of the loop */
    struct cache_watcher cursor;
    bool cursor_set;
    struct selection selection;
    struct arena scratch; /* of one batch */

    /* the first states, while `initial` */
    struct cache_snapshot snapshot;
    struct cow_iter it;
    bool initial;
    bool mark_initial_end; /* a bookmark says where they end */

    bool bookmarks;
    uint64_t seen;   /* everything up to this revision was sent */
    uint64_t marked; /* the last bookmark's */
    struct timer end_timer, bookmark_timer;
    int64_t end_ns; /* monotonic */
    bool ending;    /* as soon as the batch is written */

    enum table_include include;
    bool headers_sent; /* of a table */

    /* written, but not yet taken by the stream */
    struct http_chunk batch[WATCH_BATCH * WATCH_EVENT_CHUNKS];
    unsigned n_batch;
};

/* Puts an event into the batch, in the form that was asked for. */
void watch_put(struct watch *w, enum watch_event_type type, const struct object *o);
/* The same for what is no object of the resource: a Status. */
void watch_put_status(struct watch *w, struct status *st);

/* An object of the kind with nothing but a version; initial_end: with the annotation. One reference. */
struct object *watch_bookmark_object(const struct kind *kind, uint64_t rv, bool initial_end);
/* The same object with another resource version. */
struct object *watch_with_version(const struct object *o, uint64_t rv);
