/* scheduler/report: why a pod was not placed: its condition, its event, and the log.
 * CONFORMS: scheduler.tsv failure report. */
#include <stdlib.h>

#include "api/meta.h"
#include "api/time.h"
#include "api/types/ids.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/events.h"
#include "client/reconciler.h"
#include "codec/json.h"
#include "scheduler/scheduler_priv.h"

#define EVENT_NOTE_MAX 1024

/* -- the text -- */

struct reason_line {
    struct str text;
};

static int compare_lines(const void *a, const void *b) {
    return str_cmp(((const struct reason_line *)a)->text, ((const struct reason_line *)b)->text);
}

void report_reasons(struct cycle *c, struct map *reasons, struct buf *out) {
    struct reason_line *v = arena_new_n(c->arena, map_count(reasons), struct reason_line);
    size_t n = 0;
    map_foreach(e, reasons) v[n++].text =
        arena_printf(c->arena, "%llu %.*s", (unsigned long long)e->u64, STR_ARG(e->key));
    if (n)
        qsort(v, n, sizeof *v, compare_lines);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(v[i].text));
}

static struct str failure_text(struct cycle *c) {
    struct buf b = BUF_INIT;
    size_t n = c->nodes->order.n;
    if (!n)
        return S("no nodes available to schedule pods");
    buf_printf(&b, "0/%zu nodes are available:", n);
    if (c->prefilter_text.n) {
        buf_printf(&b, " %.*s.", (int)c->prefilter_text.n, c->prefilter_text.p);
    } else if (map_count(&c->reasons)) {
        buf_byte(&b, ' ');
        report_reasons(c, &c->reasons, &b);
        buf_byte(&b, '.');
    }
    if (c->postfilter_text.n)
        buf_printf(&b, " %.*s", (int)c->postfilter_text.n, c->postfilter_text.p);
    struct str text = arena_str(c->arena, str_make(b.p, b.n));
    buf_fini(&b);
    return text;
}

/* -- telling -- */

struct event_recorder *report_events(const struct scheduler *s, const struct profile *p) {
    return p ? s->profile_events[p - s->profiles] : s->events;
}

static void on_patched(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct scheduler *s = arg;
    (void)answer;
    if (code && code != ERR_NOT_FOUND && code != ERR_CLOSED)
        log_warn("the status of a pod could not be written", kv("err", err));
    s->n_bindings--;
    if (s->idle && !s->n_bindings)
        waiter_signal(s->idle);
    cycle_wake(s);
}

void report_patch(struct scheduler *s, const struct object *pod, struct str patch) {
    const struct client_call call = {
        .verb = CLIENT_PATCH,
        .kind = KIND(CORE_POD),
        .ns = pod->meta->namespace,
        .name = pod->meta->name,
        .subresource = S("status"),
        .patch = CLIENT_PATCH_STRATEGIC,
        .patch_text = patch,
    };
    struct err err = ERR_INIT;
    if (client_submit(s->client, &call, s->loop, on_patched, s, &err) == 0)
        s->n_bindings++;
    else
        log_warn("the status of a pod could not be written", kv("err", &err));
}

static const struct core_pod_condition *scheduled_condition(const struct core_pod *p) {
    for (uint32_t i = 0; i < p->status.conditions.n; i++)
        if (str_eq(p->status.conditions.v[i].type, S("PodScheduled")))
            return &p->status.conditions.v[i];
    return NULL;
}

static void write_condition(struct scheduler *s, struct buf *b, const struct sched_pod *pod,
                            const char *reason, struct str text) {
    const struct core_pod_condition *was = scheduled_condition(sched_pod_body(pod));
    char time[TIME_TEXT_SIZE];
    struct timestamp at = timestamp_from_ns_in_seconds(clock_wall_ns(s->clock));
    buf_printf(b,
               "\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"%s\","
               "\"observedGeneration\":%lld,\"message\":",
               reason, (long long)pod->object->meta->generation);
    json_write_string(b, text);
    if (was && str_eq(was->status, S("False")) && was->last_transition_time.set)
        at = was->last_transition_time;
    (void)timestamp_format(at, time);
    buf_printf(b, ",\"lastTransitionTime\":\"%s\"}]", time);
}

static bool says_so_already(const struct sched_pod *pod, const char *reason, struct str text) {
    const struct core_pod_condition *was = scheduled_condition(sched_pod_body(pod));
    return was && str_eq(was->status, S("False")) && str_eq(was->reason, str_from(reason)) &&
           str_eq(was->message, text);
}

static void tell(struct scheduler *s, struct sched_pod *pod, const char *reason, struct str text) {
    struct str nominated = pod->nominated ? pod->nominated->name : STR_NONE;
    bool moves = !str_eq(nominated, sched_pod_body(pod)->status.nominated_node_name);
    event_record(report_events(s, pod->profile), pod->object, "Warning", "FailedScheduling", "%.*s",
                 STR_ARG(str_cut(text, EVENT_NOTE_MAX)));
    if (!moves && says_so_already(pod, reason, text))
        return;
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "{\"metadata\":{\"uid\":");
    json_write_string(&b, pod->object->meta->uid);
    buf_lit(&b, "},\"status\":{");
    write_condition(s, &b, pod, reason, text);
    if (moves) {
        buf_lit(&b, ",\"nominatedNodeName\":");
        if (nominated.n)
            json_write_string(&b, nominated);
        else
            buf_lit(&b, "null");
    }
    buf_lit(&b, "}}");
    report_patch(s, pod->object, str_make(b.p, b.n));
}

void report_failure(struct scheduler *s, struct cycle *c, enum code code) {
    struct str text = failure_text(c);
    const char *reason = code == CODE_ERROR ? "SchedulerError" : "Unschedulable";
    if (code == CODE_ERROR)
        text = str_make(c->error_text.p, c->error_text.n);
    tell(s, c->pod, reason, text);
}

void report_error(struct scheduler *s, struct sched_pod *pod, const char *why) {
    tell(s, pod, "SchedulerError", str_from(why ? why : "the binding failed"));
}
