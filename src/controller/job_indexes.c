/* controller/job_indexes: sets of completion indexes. */
#include "controller/job_indexes.h"

#include <stdlib.h>

#include "base/buf.h"

static bool to_index(struct str text, int32_t *ret) {
    int64_t v;
    if (!str_to_i64(text, &v) || v < 0 || v > INT32_MAX)
        return false;
    *ret = (int32_t)v;
    return true;
}

static bool parse_range(struct str text, struct index_range *ret) {
    struct str first, last;
    if (!str_split(text, '-', &first, &last))
        last = first;
    return to_index(first, &ret->first) && to_index(last, &ret->last) && ret->first <= ret->last;
}

struct index_set indexes_parse(struct arena *a, struct str text, int32_t end) {
    size_t max = 1;
    for (size_t i = 0; i < text.n; i++)
        max += text.p[i] == ',';
    struct index_range *v = arena_new_n(a, max, struct index_range);
    uint32_t n = 0;
    struct str head;
    bool more = text.n > 0;
    while (more) {
        struct index_range r;
        more = str_split(text, ',', &head, &text);
        if (!parse_range(head, &r) || r.first >= end || (n && r.first <= v[n - 1].last))
            continue;
        if (r.last >= end)
            r.last = end - 1;
        if (n && r.first == v[n - 1].last + 1)
            v[n - 1].last = r.last;
        else
            v[n++] = r;
    }
    return (struct index_set){v, n};
}

struct str indexes_format(struct arena *a, const struct index_set *s) {
    _cleanup_buf struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct index_range *r = &s->v[i];
        if (i)
            buf_byte(&out, ',');
        buf_i64(&out, r->first);
        if (r->last > r->first)
            buf_printf(&out, "%c%d", r->last > r->first + 1 ? '-' : ',', r->last);
    }
    return buf_to_arena(&out, a);
}

bool indexes_has(const struct index_set *s, int32_t index) {
    uint32_t low = 0, high = s->n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (s->v[mid].last < index)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->n && s->v[low].first <= index;
}

int64_t indexes_count(const struct index_set *s) {
    int64_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        n += (int64_t)s->v[i].last - s->v[i].first + 1;
    return n;
}

static int cmp_index(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void append(struct index_range *v, uint32_t *n, struct index_range r) {
    if (*n && (int64_t)r.first <= (int64_t)v[*n - 1].last + 1) {
        if (r.last > v[*n - 1].last)
            v[*n - 1].last = r.last;
    } else {
        v[(*n)++] = r;
    }
}

struct index_set indexes_with(struct arena *a, const struct index_set *s, int32_t *more, size_t n) {
    if (!n)
        return *s;
    qsort(more, n, sizeof *more, cmp_index);
    struct index_range *v = arena_new_n(a, s->n + n, struct index_range);
    uint32_t count = 0, i = 0;
    for (size_t j = 0; j < n || i < s->n;) {
        if (i < s->n && (j == n || s->v[i].first <= more[j])) {
            append(v, &count, s->v[i++]);
        } else {
            append(v, &count, (struct index_range){more[j], more[j]});
            j++;
        }
    }
    return (struct index_set){v, count};
}

int64_t indexes_common(const struct index_set *x, const struct index_set *y) {
    int64_t n = 0;
    for (uint32_t i = 0, j = 0; i < x->n && j < y->n;) {
        int32_t first = x->v[i].first > y->v[j].first ? x->v[i].first : y->v[j].first;
        int32_t last = x->v[i].last < y->v[j].last ? x->v[i].last : y->v[j].last;
        if (first <= last)
            n += (int64_t)last - first + 1;
        if (x->v[i].last < y->v[j].last)
            i++;
        else
            j++;
    }
    return n;
}
