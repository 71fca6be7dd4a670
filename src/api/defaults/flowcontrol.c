/* Defaults of flow control. See defaults_priv.h. */
#include "api/types/flowcontrol.h"
#include "api/defaults/defaults_priv.h"

DEFAULTER(flow_schema_spec, flowcontrol_flow_schema_spec, s) {
    default_zero(&s->matching_precedence, 1000);
}

DEFAULTER(exempt, flowcontrol_exempt_priority_level_configuration, c) {
    default_i32(&c->nominal_concurrency_shares, 0);
    default_i32(&c->lendable_percent, 0);
}

DEFAULTER(limited, flowcontrol_limited_priority_level_configuration, c) {
    default_i32(&c->nominal_concurrency_shares, 30);
    default_i32(&c->lendable_percent, 0);
}

DEFAULTER(queuing, flowcontrol_queuing_configuration, c) {
    default_zero(&c->hand_size, 8);
    default_zero(&c->queues, 64);
    default_zero(&c->queue_length_limit, 50);
}

static const struct default_rule table[] = {
    {TY_FLOWCONTROL_EXEMPT_PRIORITY_LEVEL_CONFIGURATION, exempt},
    {TY_FLOWCONTROL_FLOW_SCHEMA_SPEC, flow_schema_spec},
    {TY_FLOWCONTROL_LIMITED_PRIORITY_LEVEL_CONFIGURATION, limited},
    {TY_FLOWCONTROL_QUEUING_CONFIGURATION, queuing},
};
DEFAULT_RULES(flowcontrol_defaults, table);
