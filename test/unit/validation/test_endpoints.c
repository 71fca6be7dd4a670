/* api/validation: Endpoints and Event. */
#include "base/arena.h"
#include "valid.h"

static const char endpoints[] = "{'metadata':{'name':'e','namespace':'ns'},'subsets':[{'addresses':[{'ip':'1."
                                "2.3.4'}],'ports':[{'port':80,'protocol':'TCP'}]}]}";

#define ENDPOINTS(edits, expected) assert_create(KIND_CORE_ENDPOINTS, endpoints, edits, expected)
#define S0 "subsets[0]."

TEST(test_endpoints__name_is_a_subdomain) {
    ENDPOINTS("", "");
    ENDPOINTS("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_endpoints__subsets_have_addresses) {
    ENDPOINTS("subsets = [{}]",
              "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`");
    ENDPOINTS("subsets = [{'notReadyAddresses':[{'ip':'1.2.3.4'}]}]", "");
}

TEST(test_endpoints__addresses_are_no_special_ones) {
    static const char *const special[] = {"0.0.0.0",     "::",      "127.0.0.1", "::1",
                                          "169.254.0.1", "fe80::1", "224.0.0.1", "ff02::1"};
    _cleanup_arena struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        ENDPOINTS(arena_printf(&a, S0 "addresses[0].ip = '%s'", special[i]).p,
                  arena_printf(&a, S0 "addresses[0].ip: Invalid value: \"%s\": may not be *", special[i]).p);
    ENDPOINTS(S0 "addresses[0].ip = 'x'", S0 "addresses[0].ip: Invalid value: \"x\": *");
    ENDPOINTS(S0 "notReadyAddresses = [{'ip':'','nodeName':'A'}]",
              S0 "notReadyAddresses[0].ip: Invalid value: \"\": *\n" S0
                 "notReadyAddresses[0].nodeName: Invalid value: \"A\": *");
}

TEST(test_endpoints__host_names_are_labels) {
    ENDPOINTS(S0 "addresses[0].hostname = 'a'", "");
    ENDPOINTS(S0 "addresses[0].hostname = 'a.b'", S0 "addresses[0].hostname: Invalid value: \"a.b\": *");
}

TEST(test_endpoints__ports_are_complete) {
    ENDPOINTS(S0 "ports = "
                 "[{'name':'a','port':1,'protocol':'TCP'},{'name':'b','port':65535,'protocol':'SCTP','"
                 "appProtocol':'a.b/c'}]",
              "");
    ENDPOINTS(
        S0 "ports = [{'port':0,'protocol':''},{'name':'A','port':65536,'protocol':'x','appProtocol':'a b'}]",
        S0 "ports[0].name: Required value\n" S0 "ports[0].port: Invalid value: 0: *\n" S0
           "ports[0].protocol: Required value\n" S0 "ports[1].name: Invalid value: \"A\": *\n" S0
           "ports[1].port: Invalid value: 65536: *\n" S0
           "ports[1].protocol: Unsupported value: \"x\": supported values: \"SCTP\", \"TCP\", \"UDP\"\n" S0
           "ports[1].appProtocol: Invalid value: \"a b\": *");
}

TEST(test_endpoints__what_is_stored_may_stay) {
    assert_update(KIND_CORE_ENDPOINTS, endpoints, S0 "addresses[0].ip = '127.0.0.1'",
                  "metadata.labels.a = 'b'", "");
    assert_update(KIND_CORE_ENDPOINTS, endpoints, S0 "addresses[0].ip = '127.0.0.1'", S0 "ports = []",
                  S0 "addresses[0].ip: Invalid value: *");
}

/* ---- events ---- */

static const char event[] = "{'metadata':{'name':'e','namespace':'ns'},'involvedObject':{'namespace':'ns'}}";
static const char new_event[] =
    "{'metadata':{'name':'e','namespace':'ns'},'involvedObject':{'namespace':'ns'},'eventTime':'2026-01-"
    "01T00:00:00.000000Z',"
    "'reportingComponent':'a.b/c','reportingInstance':'i','action':'A','reason':'R','type':'Normal'}";

#define EVENT(edits, expected) assert_create(KIND_CORE_EVENT, event, edits, expected)
#define TIMED(edits, expected) assert_create(KIND_CORE_EVENT, new_event, edits, expected)
#define NEW(edits, expected) assert_create(KIND_EVENTS_EVENT, new_event, edits, expected)
#define NEW_UPDATE(old, new, expected) assert_update(KIND_EVENTS_EVENT, new_event, old, new, expected)

TEST(test_event__is_in_the_namespace_of_its_object) {
    EVENT("", "");
    EVENT("involvedObject.namespace = 'x'",
          "involvedObject.namespace: Invalid value: \"x\": does not match event.namespace");
    EVENT("involvedObject.namespace = ''", "involvedObject.namespace: Invalid value: \"\": *");
    EVENT("involvedObject.namespace = '' ;; metadata.namespace = 'default'", "");
    TIMED("involvedObject.namespace = '' ;; metadata.namespace = 'kube-system'", "");
    EVENT("involvedObject.namespace = '' ;; metadata.namespace = 'kube-system'",
          "involvedObject.namespace: Invalid value: *");
    TIMED("involvedObject.namespace = ''", "involvedObject.namespace: Invalid value: *");
}

static const char text_129[] = "0123456789012345678901234567890123456789012345678901234567890123"
                               "01234567890123456789012345678901234567890123456789012345678901234";

TEST(test_event__with_a_time_says_who_and_why) {
    TIMED("", "");
    TIMED("reportingComponent = '' ;; action = '' ;; reason = ''",
          "reportingComponent: Required value\nreportingComponent: Invalid value: \"\": "
          "*\nreportingComponent: Invalid value: \"\": *\n"
          "action: Required value\nreason: Required value");
    TIMED("reportingComponent = 'a b'", "reportingComponent: Invalid value: \"a b\": *");
    _cleanup_arena struct arena a = ARENA_INIT;
    TIMED(arena_printf(&a, "action = '%s' ;; reason = '%s'", text_129, text_129).p,
          "action: Invalid value: \"\": can have at most 128 characters\nreason: Invalid value: \"\": *");
}

TEST(test_event__with_a_time_says_which_instance) {
    TIMED("reportingInstance = ''", "reportingInstance: Required value");
    _cleanup_arena struct arena a = ARENA_INIT;
    TIMED(arena_printf(&a, "reportingInstance = '%s'", text_129).p,
          "reportingInstance: Invalid value: \"\": *");
}

TEST(test_event__with_a_time_is_brief) {
    _cleanup_arena struct arena a = ARENA_INIT;
    char text[1026];
    memset(text, 'm', 1025);
    text[1025] = 0;
    TIMED(arena_printf(&a, "message = '%s'", text).p,
          "message: Invalid value: \"\": can have at most 1024 characters");
    EVENT(arena_printf(&a, "message = '%s'", text).p, "");
}

TEST(test_event__namespace_is_a_name) {
    EVENT("metadata.namespace = 'A' ;; involvedObject.namespace = 'A'",
          "metadata.namespace: Invalid value: \"A\": *\nnamespace: Invalid value: \"A\": *");
}

TEST(test_event__new_form_has_no_old_fields) {
    NEW("", "");
    NEW("eventTime = - ;; type = 'x'",
        "eventTime: Required value\ntype: Invalid value: \"\": has invalid value: x");
    NEW("firstTimestamp = '2026-01-01T00:00:00Z' ;; lastTimestamp = '2026-01-01T00:00:00Z' ;; count = 1 ;; "
        "source = {'host':'h'}",
        "firstTimestamp: Invalid value: \"\": needs to be unset\nlastTimestamp: Invalid value: \"\": "
        "*\ncount: Invalid value: \"\": *\n"
        "source: Invalid value: \"\": *");
    NEW("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
    NEW("reportingComponent = 'a b'", "reportingController: Invalid value: \"a b\": *");
    TIMED("metadata.name = 'A' ;; type = 'x'", "");
}

TEST(test_event__series_are_of_several) {
    NEW("series = {'count':2,'lastObservedTime':'2026-01-01T00:00:00.000000Z'}", "");
    NEW("series = {'count':1}",
        "series.count: Invalid value: \"\": should be at least 2\nseries.lastObservedTime: Required value");
    NEW_UPDATE("", "series = {'count':1}",
               "series.count: Invalid value: \"\": *\nseries.lastObservedTime: Required value");
    NEW_UPDATE("series = {'count':1}", "metadata.labels.a = 'b'", "");
}

TEST(test_event__new_form_does_not_change) {
    NEW_UPDATE("", "reason = 'x'", "reason: Invalid value: \"x\": field is immutable");
    NEW_UPDATE("", "message = 'x' ;; type = 'Warning' ;; reportingInstance = 'x'",
               "type: Invalid value: *\nmessage: Invalid value: *\nreportingInstance: Invalid value: *");
    assert_update(KIND_CORE_EVENT, event, "", "reason = 'x' ;; count = 5", "");
}
