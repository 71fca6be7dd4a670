/* The log in memory: for tests and throw-away clusters. See log.h.
 *
 * Rows lie in an array in id order; dropped rows leave a hole that is closed when half of the array is holes.
 * Reads may come from any thread while the engine's appends, so a mutex guards the array.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "store/log.h"

struct memory_row {
    struct log_row row; /* key and value lie behind the struct */
    bool dropped;
};

struct log_memory {
    struct log log;
    pthread_mutex_t lock; /* rows */
    VEC(struct memory_row *) rows;
    size_t holes;
    uint64_t bytes;
};

static struct memory_row *row_new(const struct log_row *from) {
    struct memory_row *m = malloc(sizeof *m + from->key.n + from->value.n + 1);
    if (!m)
        panic("out of memory");
    char *bytes = (char *)(m + 1);
    *m = (struct memory_row){.row = *from};
    memcpy(bytes, from->key.p, from->key.n);
    m->row.key.p = bytes;
    if (from->value.p) {
        memcpy(bytes + from->key.n, from->value.p, from->value.n);
        m->row.value.p = bytes + from->key.n;
    }
    return m;
}

/* Index of the first row with id >= this one. */
static size_t lower_bound(const struct log_memory *l, uint64_t id) {
    size_t low = 0, high = l->rows.n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (l->rows.v[mid]->row.id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int memory_append(struct log *log, const struct log_row *rows, size_t n, struct err *err) {
    struct log_memory *l = (struct log_memory *)log;
    (void)err;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < n; i++) {
        check(l->rows.n == 0 || l->rows.v[l->rows.n - 1]->row.id < rows[i].id);
        vec_push(&l->rows, row_new(&rows[i]));
        l->bytes += rows[i].key.n + rows[i].value.n;
    }
    pthread_mutex_unlock(&l->lock);
    return 0;
}

static int memory_read(struct log *log, uint64_t id, struct arena *a, struct log_row *ret_row,
                       struct err *err) {
    struct log_memory *l = (struct log_memory *)log;
    pthread_mutex_lock(&l->lock);
    size_t i = lower_bound(l, id);
    bool found = i < l->rows.n && l->rows.v[i]->row.id == id && !l->rows.v[i]->dropped;
    if (found) {
        *ret_row = l->rows.v[i]->row;
        ret_row->key = arena_str(a, ret_row->key);
        ret_row->value = arena_str(a, ret_row->value);
    }
    pthread_mutex_unlock(&l->lock);
    return found ? 0 : err_set(err, ERR_NOT_FOUND, "row %llu is gone", (unsigned long long)id);
}

static int memory_scan(struct log *log, uint64_t after_id, bool with_values, log_row_fn fn, void *arg,
                       struct err *err) {
    struct log_memory *l = (struct log_memory *)log;
    (void)with_values;
    (void)err;
    pthread_mutex_lock(&l->lock);
    for (size_t i = lower_bound(l, after_id + 1); i < l->rows.n; i++)
        if (!l->rows.v[i]->dropped && !fn(arg, &l->rows.v[i]->row))
            break;
    pthread_mutex_unlock(&l->lock);
    return 0;
}

static void close_holes(struct log_memory *l) {
    size_t n = 0;
    for (size_t i = 0; i < l->rows.n; i++) {
        if (l->rows.v[i]->dropped)
            free(l->rows.v[i]);
        else
            l->rows.v[n++] = l->rows.v[i];
    }
    l->rows.n = n;
    l->holes = 0;
}

static int memory_drop(struct log *log, const uint64_t *ids, size_t n, uint64_t compacted, struct err *err) {
    struct log_memory *l = (struct log_memory *)log;
    (void)err;
    pthread_mutex_lock(&l->lock);
    for (size_t k = 0; k < n; k++) {
        size_t i = lower_bound(l, ids[k]);
        if (i < l->rows.n && l->rows.v[i]->row.id == ids[k] && !l->rows.v[i]->dropped) {
            l->rows.v[i]->dropped = true;
            l->bytes -= l->rows.v[i]->row.key.n + l->rows.v[i]->row.value.n;
            l->holes++;
        }
    }
    if (l->holes > 64 && l->holes > l->rows.n / 2)
        close_holes(l);
    log->marks.compacted = compacted;
    pthread_mutex_unlock(&l->lock);
    return 0;
}

static int memory_reserve(struct log *log, uint64_t revision, struct err *err) {
    (void)err;
    log->marks.reserved = revision;
    return 0;
}

static int memory_backup(struct log *log, const char *path, struct err *err) {
    (void)log;
    return err_set(err, ERR_UNSUPPORTED, "a store in memory cannot be backed up to %s", path);
}

static uint64_t memory_size(struct log *log) {
    struct log_memory *l = (struct log_memory *)log;
    pthread_mutex_lock(&l->lock);
    uint64_t n = l->bytes;
    pthread_mutex_unlock(&l->lock);
    return n;
}

static uint64_t memory_fsyncs(struct log *log) {
    (void)log;
    return 0;
}

static void memory_close(struct log *log) {
    struct log_memory *l = (struct log_memory *)log;
    for (size_t i = 0; i < l->rows.n; i++)
        free(l->rows.v[i]);
    vec_fini(&l->rows);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static const struct log_ops memory_ops = {
    .append = memory_append,
    .read = memory_read,
    .scan = memory_scan,
    .drop = memory_drop,
    .reserve = memory_reserve,
    .backup = memory_backup,
    .size_bytes = memory_size,
    .fsyncs = memory_fsyncs,
    .close = memory_close,
};

struct log *log_memory_new(void) {
    struct log_memory *l = calloc(1, sizeof *l);
    if (!l)
        panic("out of memory");
    l->log.ops = &memory_ops;
    pthread_mutex_init(&l->lock, NULL);
    return &l->log;
}
