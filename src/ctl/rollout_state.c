/* How far a rollout is. See rollout.h. CONFORMS: kubectl's words. */
#include "ctl/object.h"
#include "ctl/rollout.h"

struct state {
    struct ctl *c;
    const struct jval *o;
    struct str name;
    struct str text;
    bool done;
};

static long long number(const struct state *s, const char *dotted) {
    return (long long)object_int(s->o, dotted, 0);
}

static void say(struct state *s, bool done, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(struct state *s, bool done, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    s->text = arena_vprintf(&s->c->arena, fmt, ap);
    va_end(ap);
    s->done = done;
}

static bool is_observed(const struct state *s) {
    return number(s, "metadata.generation") <= number(s, "status.observedGeneration");
}

static bool is_late(const struct jval *o) {
    const struct jval *all = object_array(o, "status.conditions");
    for (uint32_t i = 0; all && i < all->n; i++)
        if (str_eq(object_str(&all->items[i], "type"), S("Progressing")) &&
            str_eq(object_str(&all->items[i], "reason"), S("ProgressDeadlineExceeded")))
            return true;
    return false;
}

static int deployment(struct state *s, int64_t revision, struct problem *p) {
    long long wanted = number(s, "spec.replicas"), all = number(s, "status.replicas"),
              updated = number(s, "status.updatedReplicas"),
              available = number(s, "status.availableReplicas");
    if (revision > 0) {
        struct str text = object_annotation(s->o, S("deployment.kubernetes.io/revision"));
        int64_t now = 0;
        (void)str_to_i64(text, &now);
        if (now != revision)
            return problem_set(s->c, p,
                               "desired revision (%lld) is different from the running revision (%lld)",
                               (long long)revision, (long long)now);
    }
    if (!is_observed(s))
        say(s, false, "Waiting for deployment spec update to be observed...\n");
    else if (is_late(s->o))
        return problem_set(s->c, p, "deployment \"%.*s\" exceeded its progress deadline", STR_ARG(s->name));
    else if (updated < wanted)
        say(s, false,
            "Waiting for deployment \"%.*s\" rollout to finish: %lld out of %lld new replicas have been "
            "updated...\n",
            STR_ARG(s->name), updated, wanted);
    else if (all > updated)
        say(s, false,
            "Waiting for deployment \"%.*s\" rollout to finish: %lld old replicas are pending "
            "termination...\n",
            STR_ARG(s->name), all - updated);
    else if (available < updated)
        say(s, false,
            "Waiting for deployment \"%.*s\" rollout to finish: %lld of %lld updated replicas are "
            "available...\n",
            STR_ARG(s->name), available, updated);
    else
        say(s, true, "deployment \"%.*s\" successfully rolled out\n", STR_ARG(s->name));
    return 0;
}

static int refuse_strategy(struct state *s, struct problem *p) {
    struct str type = object_str(s->o, "spec.updateStrategy.type");
    if (!type.n || str_eq(type, S("RollingUpdate")))
        return 0;
    return problem_set(s->c, p, "rollout status is only available for RollingUpdate strategy type");
}

static int daemon_set(struct state *s, struct problem *p) {
    long long wanted = number(s, "status.desiredNumberScheduled"),
              updated = number(s, "status.updatedNumberScheduled"),
              available = number(s, "status.numberAvailable");
    if (refuse_strategy(s, p))
        return CTL_PROBLEM;
    if (!is_observed(s))
        say(s, false, "Waiting for daemon set spec update to be observed...\n");
    else if (updated < wanted)
        say(s, false,
            "Waiting for daemon set \"%.*s\" rollout to finish: %lld out of %lld new pods have been "
            "updated...\n",
            STR_ARG(s->name), updated, wanted);
    else if (available < wanted)
        say(s, false,
            "Waiting for daemon set \"%.*s\" rollout to finish: %lld of %lld updated pods are available...\n",
            STR_ARG(s->name), available, wanted);
    else
        say(s, true, "daemon set \"%.*s\" successfully rolled out\n", STR_ARG(s->name));
    return 0;
}

static int stateful_set(struct state *s, struct problem *p) {
    long long wanted = number(s, "spec.replicas"), ready = number(s, "status.readyReplicas"),
              updated = number(s, "status.updatedReplicas"),
              partition = number(s, "spec.updateStrategy.rollingUpdate.partition");
    struct str current = object_str(s->o, "status.currentRevision"),
               next = object_str(s->o, "status.updateRevision");
    if (refuse_strategy(s, p))
        return CTL_PROBLEM;
    if (number(s, "status.observedGeneration") == 0 || !is_observed(s))
        say(s, false, "Waiting for statefulset spec update to be observed...\n");
    else if (ready < wanted)
        say(s, false, "Waiting for %lld pods to be ready...\n", wanted - ready);
    else if (partition > 0 && updated < wanted - partition)
        say(s, false,
            "Waiting for partitioned roll out to finish: %lld out of %lld new pods have been updated...\n",
            updated, wanted - partition);
    else if (partition > 0)
        say(s, true, "partitioned roll out complete: %lld new pods have been updated...\n", updated);
    else if (!str_eq(current, next))
        say(s, false, "waiting for statefulset rolling update to complete %lld pods at revision %.*s...\n",
            updated, STR_ARG(next));
    else
        say(s, true, "statefulset rolling update complete %lld pods at revision %.*s...\n",
            number(s, "status.currentReplicas"), STR_ARG(current));
    return 0;
}

int rollout_state(struct ctl *c, enum rolled kind, const struct jval *object, int64_t revision,
                  struct str *ret_text, bool *ret_done, struct problem *p) {
    struct state s = {.c = c, .o = object, .name = object_name(object)};
    int rc = kind == ROLLED_DEPLOYMENT   ? deployment(&s, revision, p)
             : kind == ROLLED_DAEMON_SET ? daemon_set(&s, p)
                                         : stateful_set(&s, p);
    *ret_text = s.text;
    *ret_done = s.done;
    return rc;
}
