/* Stands in for the parts of client/ that events and leader election need. */
#include "client/events.h"
#include "client/leader.h"

#include <stdlib.h>

int event_recorder_new(struct client *c, struct loop *loop, const char *component, struct str host,
                       struct event_recorder **ret, struct err *err) {
    (void)c, (void)loop, (void)component, (void)host, (void)err;
    *ret = NULL;
    return 0;
}
void event_recorder_free(struct event_recorder *r) {
    (void)r;
}
struct event_recorder *event_recorder_as(struct event_recorder *r, const char *component) {
    (void)component;
    return r;
}
void event_record(struct event_recorder *r, const struct object *about, const char *type, const char *reason,
                  const char *fmt, ...) {
    (void)r, (void)about, (void)type, (void)reason, (void)fmt;
}
int leader_start(const struct leader_options *o, struct leader **ret, struct err *err) {
    (void)o, (void)err;
    *ret = NULL;
    return 0;
}
void leader_stop(struct leader *l) {
    (void)l;
}
