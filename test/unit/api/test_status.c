/* api/status */
#include "api/status.h"

#include "api/field_error.h"
#include "api/json.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "unit/unit.h"

static const struct status_target pod = {
    .resource = STR_INIT("pods"), .kind = STR_INIT("Pod"), .name = STR_INIT("web")};
static const struct status_target deployment = {.group = STR_INIT("apps"),
                                                .resource = STR_INIT("deployments"),
                                                .kind = STR_INIT("Deployment"),
                                                .name = STR_INIT("web")};
static const struct status_target pods = {.resource = STR_INIT("pods"), .kind = STR_INIT("Pod")};

static void assert_status(const struct status *st, int32_t code, const char *reason, const char *message) {
    assert_str(st->body.type_meta.kind, "Status");
    assert_str(st->body.type_meta.api_version, "v1");
    assert_str(st->body.status, "Failure");
    assert_int_equal(st->body.code, code);
    assert_str(st->body.reason, reason);
    assert_str(st->body.message, message);
    assert_true(!st->body.details || st->body.details == &st->details);
}

TEST(test_status__not_found_names_the_resource) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct status *st = status_not_found(&a, pod);
    assert_status(st, 404, "NotFound", "pods \"web\" not found");
    assert_str(st->details.name, "web");
    assert_str(st->details.kind, "pods");
    assert_true(str_empty(st->details.group));

    st = status_not_found(&a, deployment);
    assert_status(st, 404, "NotFound", "deployments.apps \"web\" not found");
    assert_str(st->details.group, "apps");
    assert_status(status_no_such_path(&a), 404, "NotFound",
                  "the server could not find the requested resource");
}

TEST(test_status__about_a_kind) {
    struct status_target about = status_of(kind_find(S("apps"), S("v1"), S("Deployment")), S("x"));
    assert_str(about.group, "apps");
    assert_str(about.resource, "deployments");
    assert_str(about.kind, "Deployment");
    assert_str(about.name, "x");
}

TEST(test_status__already_exists) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_status(status_already_exists(&a, pod), 409, "AlreadyExists", "pods \"web\" already exists");
    const struct status *st = status_generate_name_conflict(&a, pod, 1);
    assert_int_equal(st->body.code, 409);
    assert_str(st->body.reason, "AlreadyExists");
    assert_int_equal(st->details.retry_after_seconds, 1);
}

TEST(test_status__conflict_says_what_to_do) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_status(status_modified(&a, deployment), 409, "Conflict",
                  "Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; "
                  "please apply your changes to the latest version and try again");
    assert_status(status_conflict(&a, pod, S("no")), 409, "Conflict",
                  "Operation cannot be fulfilled on pods \"web\": no");
}

TEST(test_status__apply_conflicts_name_fields_and_managers) {
    _cleanup_arena struct arena a = ARENA_INIT;
    static const struct status_apply_conflict conflicts[] = {
        {STR_INIT(".spec.a"), STR_INIT("\"x\" using v1")},
        {STR_INIT(".spec.b"), STR_INIT("\"x\" using v1")},
        {STR_INIT(".spec.c"), STR_INIT("\"y\" using v1")},
    };
    const struct status *st = status_apply_conflicts(&a, conflicts, 1);
    assert_status(st, 409, "Conflict", "Apply failed with 1 conflict: conflict with \"x\" using v1: .spec.a");
    st = status_apply_conflicts(&a, conflicts, 3);
    assert_status(st, 409, "Conflict",
                  "Apply failed with 3 conflicts: conflicts with \"x\" using v1:\n- .spec.a\n- .spec.b\n"
                  "conflicts with \"y\" using v1:\n- .spec.c");
    assert_int_equal(st->details.causes.n, 3);
    assert_str(st->details.causes.v[2].reason, "FieldManagerConflict");
    assert_str(st->details.causes.v[2].field, ".spec.c");
    assert_str(st->details.causes.v[2].message, "conflict with \"y\" using v1");
}

TEST(test_status__invalid_has_a_cause_per_error) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    field_required(&e, at_field(at_index(at_field(NULL, "spec.containers"), 0), "name"));
    const struct status *st = status_invalid(&a, pod, &e);
    assert_status(st, 422, "Invalid", "Pod \"web\" is invalid: spec.containers[0].name: Required value");
    field_duplicate(&e, at_field(NULL, "x"), bad(3));
    st = status_invalid(&a, deployment, &e);
    assert_status(st, 422, "Invalid",
                  "Deployment.apps \"web\" is invalid: [spec.containers[0].name: Required value, x: "
                  "Duplicate value: 3]");
    assert_str(st->details.kind, "Deployment");
    assert_str(st->details.group, "apps");
    assert_str(st->details.name, "web");
    assert_int_equal(st->details.causes.n, 2);
    assert_str(st->details.causes.v[1].reason, "FieldValueDuplicate");
    assert_str(st->details.causes.v[1].field, "x");
    assert_str(st->details.causes.v[1].message, "Duplicate value: 3");
}

TEST(test_status__forbidden_says_about_what) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_status(status_forbidden(&a, pod, S("no")), 403, "Forbidden", "pods \"web\" is forbidden: no");
    assert_status(status_forbidden(&a, pods, S("no")), 403, "Forbidden", "pods is forbidden: no");
    assert_status(status_forbidden(&a, (struct status_target){.name = S("x")}, S("no")), 403, "Forbidden",
                  "forbidden: no");
}

TEST(test_status__unauthorized) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_status(status_unauthorized(&a, STR_NONE), 401, "Unauthorized", "Unauthorized");
    assert_status(status_unauthorized(&a, S("token has expired")), 401, "Unauthorized", "token has expired");
}

TEST(test_status__requests_the_server_does_not_understand) {
    _cleanup_arena struct arena a = ARENA_INIT;
    static const struct str types[] = {STR_INIT("application/json"), STR_INIT("application/yaml")};
    assert_status(status_bad_request(&a, "limit %d", -1), 400, "BadRequest", "limit -1");
    assert_status(status_method_not_supported(&a, deployment, S("patch")), 405, "MethodNotAllowed",
                  "patch is not supported on resources of kind \"deployments.apps\"");
    assert_status(status_not_acceptable(&a, types, 2), 406, "NotAcceptable",
                  "only the following media types are accepted: application/json, application/yaml");
    assert_status(status_unsupported_media_type(&a, types, 1), 415, "UnsupportedMediaType",
                  "the body of the request is in no known format; accepted media types: application/json");
    assert_status(status_too_large(&a, S("limit is 3145728")), 413, "RequestEntityTooLarge",
                  "Request entity too large: limit is 3145728");
}

TEST(test_status__things_that_are_over) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_status(status_expired(&a, S("too old resource version: 5 (10)")), 410, "Expired",
                  "too old resource version: 5 (10)");
    assert_status(status_gone(&a, S("gone")), 410, "Gone", "gone");
}

TEST(test_status__failures_of_the_server_may_say_when_to_retry) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct status *st = status_too_many_requests(&a, S("slow down"), 5);
    assert_status(st, 429, "TooManyRequests", "slow down");
    assert_int_equal(st->details.retry_after_seconds, 5);

    st = status_server_timeout(&a, pod, S("create"), 2);
    assert_status(st, 500, "ServerTimeout",
                  "The create operation against pods could not be completed at this time, please try again.");
    assert_int_equal(st->details.retry_after_seconds, 2);
    assert_str(st->details.name, "create");

    st = status_timeout(&a, S("request did not complete"), 0);
    assert_status(st, 504, "Timeout", "Timeout: request did not complete");
    assert_status(status_unavailable(&a, S("starting")), 503, "ServiceUnavailable", "starting");

    st = status_internal_error(&a, S("oops"));
    assert_status(st, 500, "InternalError", "Internal error occurred: oops");
    assert_int_equal(st->details.causes.n, 1);
    assert_str(st->details.causes.v[0].message, "oops");
}

TEST(test_status__success_names_what_was_deleted) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct status *st = status_success(&a, deployment, S("u-1"));
    assert_str(st->body.status, "Success");
    assert_true(str_empty(st->body.reason));
    assert_str(st->details.uid, "u-1");
    assert_str(st->details.kind, "deployments");
    assert_str(st->details.group, "apps");
    assert_str(st->details.name, "web");
}

TEST(test_status__from_err_keeps_the_meaning) {
    static const struct {
        int err, code;
    } pairs[] = {
        {ERR_INVALID, 400},     {ERR_TOO_LARGE, 413}, {ERR_NOT_FOUND, 404}, {ERR_EXISTS, 409},
        {ERR_CONFLICT, 409},    {ERR_EXPIRED, 410},   {ERR_FORBIDDEN, 403}, {ERR_UNAUTHORIZED, 401},
        {ERR_UNSUPPORTED, 400}, {ERR_TIMEOUT, 504},   {ERR_CANCELLED, 504}, {ERR_AGAIN, 429},
        {ERR_IO, 500},          {ERR_NO_SPACE, 503},  {ERR_CORRUPT, 500},   {ERR_CLOSED, 503},
        {ERR_INTERNAL, 500},
    };
    _cleanup_arena struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct err err = ERR_INIT;
        err_set(&err, pairs[i].err, "why %zu", i);
        assert_int_equal(status_from_err(&a, pod, &err)->body.code, pairs[i].code);
    }
}

TEST(test_status__copies_its_texts) {
    _cleanup_arena struct arena a = ARENA_INIT;
    char name[] = "web";
    struct status_target about = {.resource = S("pods"), .name = str_from(name)};
    const struct status *st = status_not_found(&a, about);
    memset(name, 'x', 3);
    assert_str(st->details.name, "web");
}

static void assert_body(const struct status *st, const char *json) {
    _cleanup_buf struct buf b = BUF_INIT;
    api_write_json(&b, &builtin, TY_META_STATUS, &st->body);
    assert_str(buf_view(&b), json);
}

TEST(test_status__body_is_what_clients_know) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_body(status_not_found(&a, pod),
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                "\"message\":\"pods \\\"web\\\" not found\",\"reason\":\"NotFound\","
                "\"details\":{\"name\":\"web\",\"kind\":\"pods\"},\"code\":404}");
    assert_body(status_no_such_path(&a),
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                "\"message\":\"the server could not find the requested resource\",\"reason\":\"NotFound\","
                "\"details\":{},\"code\":404}");
    assert_body(status_unauthorized(&a, STR_NONE),
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                "\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}");
    assert_body(status_success(&a, deployment, S("u")),
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\","
                "\"details\":{\"name\":\"web\",\"group\":\"apps\",\"kind\":\"deployments\",\"uid\":\"u\"}}");
    assert_body(status_too_many_requests(&a, S("slow"), 2),
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                "\"message\":\"slow\",\"reason\":\"TooManyRequests\",\"details\":{\"retryAfterSeconds\":2},"
                "\"code\":429}");
}
