/* scheduler/framework: running the plugins of a profile. */
#include "scheduler/framework.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

#define REASON_MAX 512

static void add_reason(struct cycle *c, struct str text) {
    bool is_new;
    map_upsert(&c->reasons, text, &is_new)->u64++;
}

void cycle_reason(struct cycle *c, const char *fmt, ...) {
    if (c->quiet)
        return;
    char text[REASON_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    add_reason(c, str_make(text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1));
}

void cycle_prefilter(struct cycle *c, const char *fmt, ...) {
    c->prefilter_text.n = 0;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&c->prefilter_text, fmt, ap);
    va_end(ap);
}

void cycle_error(struct cycle *c, const char *fmt, ...) {
    c->error_text.n = 0;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&c->error_text, fmt, ap);
    va_end(ap);
}

void cycle_begin(struct cycle *c, struct scheduler *s, struct sched_pod *pod) {
    c->s = s;
    c->pod = pod;
    c->facts = pod->facts;
    c->profile = pod->profile;
    memset(c->state, 0, sizeof c->state);
    c->skip_filter = c->skip_score = c->rejected_by = 0;
    c->only = NULL;
    c->n_only = c->n_feasible = 0;
    c->quiet = c->filters_ran = false;
    map_clear(&c->reasons);
    c->prefilter_text.n = c->postfilter_text.n = c->error_text.n = 0;
    c->codes = cycle_per_node(c, uint8_t);
    c->feasible = cycle_per_node(c, struct sched_node *);
    c->scores = NULL;
    nodes_know_topology(c->nodes);
}

void cycle_end(struct cycle *c) {
    arena_reset(c->arena);
    c->pod = NULL;
    c->facts = NULL;
}

/* -- filters -- */

enum code run_pre_filter(struct cycle *c) {
    for (uint32_t i = 0; i < c->profile->n_plugins; i++) {
        const struct plugin *p = &c->profile->plugins[i];
        if (!p->ops->pre_filter)
            continue;
        bool limited = c->only != NULL;
        enum code code = p->ops->pre_filter(p, c);
        if (c->only && !limited)
            c->only_by = i;
        if (code == CODE_SKIP) {
            c->skip_filter |= UINT64_C(1) << i;
        } else if (code != CODE_SUCCESS) {
            c->rejected_by |= UINT64_C(1) << i;
            return code;
        }
    }
    return CODE_SUCCESS;
}

enum code run_filters(struct cycle *c, const struct sched_node *n) {
    for (uint32_t i = 0; i < c->profile->n_plugins; i++) {
        const struct plugin *p = &c->profile->plugins[i];
        if (!p->ops->filter || c->skip_filter >> i & 1)
            continue;
        enum code code = p->ops->filter(p, c, n);
        if (code == CODE_SUCCESS)
            continue;
        if (!c->quiet)
            c->rejected_by |= UINT64_C(1) << i;
        return code;
    }
    return CODE_SUCCESS;
}

void run_adjust(struct cycle *c, const struct sched_node *n, const struct sched_pod *pod, int sign) {
    for (uint32_t i = 0; i < c->profile->n_plugins; i++) {
        const struct plugin *p = &c->profile->plugins[i];
        if (p->ops->adjust && !(c->skip_filter >> i & 1))
            p->ops->adjust(p, c, n, pod, sign);
    }
}

static bool counts_as_nominated(const struct cycle *c, const struct sched_node *n,
                                const struct sched_pod *pod) {
    return pod->nominated == n && pod != c->pod && !pod->node && pod->facts->priority >= c->facts->priority;
}

/* Only what is there already, without those who wait, decides when both are fine: a pod that waits may never
 * come, and affinity must not count on it. CONFORMS: filters run twice on nodes with nominations. */
enum code run_filters_with_nominated(struct cycle *c, struct sched_node *n) {
    uint32_t added = 0;
    if (n->n_nominated)
        vec_foreach (pod, &c->nodes->nominated)
            if (counts_as_nominated(c, n, *pod)) {
                nodes_add_pod(c->nodes, n, *pod);
                run_adjust(c, n, *pod, 1);
                added++;
            }
    if (!added)
        return run_filters(c, n);
    enum code code = run_filters(c, n);
    vec_foreach (pod, &c->nodes->nominated)
        if (counts_as_nominated(c, n, *pod)) {
            run_adjust(c, n, *pod, -1);
            nodes_remove_pod(c->nodes, n, *pod);
        }
    return code == CODE_SUCCESS ? run_filters(c, n) : code;
}

/* -- scores -- */

void normalize_by_max(struct cycle *c, int64_t *scores, bool reverse) {
    int64_t max = 0;
    for (uint32_t i = 0; i < c->n_feasible; i++)
        max = scores[i] > max ? scores[i] : max;
    for (uint32_t i = 0; i < c->n_feasible; i++) {
        int64_t v = max ? SCORE_MAX * scores[i] / max : 0;
        scores[i] = reverse ? SCORE_MAX - v : v;
    }
}

static void score_with(struct cycle *c, const struct plugin *p, int64_t *scratch) {
    memset(scratch, 0, c->n_feasible * sizeof *scratch);
    p->ops->score(p, c, scratch);
    if (p->ops->normalize)
        p->ops->normalize(p, c, scratch);
    for (uint32_t i = 0; i < c->n_feasible; i++) {
        check(scratch[i] >= 0 && scratch[i] <= SCORE_MAX);
        c->scores[i] += p->weight * scratch[i];
    }
}

enum code run_scores(struct cycle *c) {
    for (uint32_t i = 0; i < c->profile->n_plugins; i++) {
        const struct plugin *p = &c->profile->plugins[i];
        if (!p->ops->score || !p->weight)
            c->skip_score |= UINT64_C(1) << i;
        if (!p->ops->pre_score || c->skip_score >> i & 1)
            continue;
        enum code code = p->ops->pre_score(p, c);
        if (code == CODE_SKIP)
            c->skip_score |= UINT64_C(1) << i;
        else if (code != CODE_SUCCESS)
            return code;
    }
    c->scores = arena_new_n(c->arena, c->n_feasible, int64_t);
    int64_t *scratch = arena_new_n(c->arena, c->n_feasible, int64_t);
    for (uint32_t i = 0; i < c->profile->n_plugins; i++)
        if (!(c->skip_score >> i & 1))
            score_with(c, &c->profile->plugins[i], scratch);
    return CODE_SUCCESS;
}
