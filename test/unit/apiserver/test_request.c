/* What requests ask for. */
#include "apiserver/request.h"

#include "base/arena.h"
#include "base/buf.h"
#include "unit/unit.h"

/* "verb group/version resource/subresource ns/name rest", or "verb path" for what is no resource. */
static void means(enum http_verb method, const char *target, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str path, query;
    struct request_info i;
    str_split(str_from(target), '?', &path, &query);
    request_info_parse(&a, method, path, query, &i);
    const struct access *x = &i.access;
    struct str text = x->is_resource ? arena_printf(&a, "%.*s %.*s/%.*s %.*s/%.*s %.*s/%.*s %.*s",
                                                    STR_ARG(x->verb), STR_ARG(x->group), STR_ARG(x->version),
                                                    STR_ARG(x->resource), STR_ARG(x->subresource),
                                                    STR_ARG(x->ns), STR_ARG(x->name), STR_ARG(i.rest))
                                     : arena_printf(&a, "%.*s %.*s", STR_ARG(x->verb), STR_ARG(x->path));
    assert_str(text, expected);
}

TEST(test_request__verbs_of_methods) {
    means(HTTP_VERB_GET, "/api/v1/namespaces/n/pods/p", "get /v1 pods/ n/p ");
    means(HTTP_VERB_HEAD, "/api/v1/namespaces/n/pods/p", "get /v1 pods/ n/p ");
    means(HTTP_VERB_GET, "/api/v1/namespaces/n/pods", "list /v1 pods/ n/ ");
    means(HTTP_VERB_GET, "/api/v1/pods", "list /v1 pods/ / ");
    means(HTTP_VERB_GET, "/api/v1/pods?watch=true", "watch /v1 pods/ / ");
    means(HTTP_VERB_GET, "/api/v1/pods?watch=0", "list /v1 pods/ / ");
    means(HTTP_VERB_POST, "/apis/apps/v1/namespaces/n/deployments", "create apps/v1 deployments/ n/ ");
    means(HTTP_VERB_PUT, "/apis/apps/v1/namespaces/n/deployments/d", "update apps/v1 deployments/ n/d ");
    means(HTTP_VERB_PATCH, "/apis/apps/v1/namespaces/n/deployments/d", "patch apps/v1 deployments/ n/d ");
    means(HTTP_VERB_DELETE, "/apis/apps/v1/namespaces/n/deployments/d", "delete apps/v1 deployments/ n/d ");
    means(HTTP_VERB_DELETE, "/apis/apps/v1/namespaces/n/deployments",
          "deletecollection apps/v1 deployments/ n/ ");
}

TEST(test_request__subresources_and_what_follows) {
    means(HTTP_VERB_GET, "/api/v1/namespaces/n/pods/p/log", "get /v1 pods/log n/p ");
    means(HTTP_VERB_GET, "/api/v1/namespaces/n/services/s/proxy/a/b%2Fc/",
          "get /v1 services/proxy n/s /a/b%2Fc/");
    means(HTTP_VERB_GET, "/api/v1/nodes/x/proxy/a/b/c/d/e/f", "get /v1 nodes/proxy /x /a/b/c/d/e/f");
    means(HTTP_VERB_PUT, "/apis/apps/v1/namespaces/n/deployments/d/scale",
          "update apps/v1 deployments/scale n/d ");
}

TEST(test_request__namespaces_are_a_resource_too) {
    means(HTTP_VERB_GET, "/api/v1/namespaces", "list /v1 namespaces/ / ");
    means(HTTP_VERB_GET, "/api/v1/namespaces/n", "get /v1 namespaces/ n/n ");
    means(HTTP_VERB_PUT, "/api/v1/namespaces/n/finalize", "update /v1 namespaces/finalize n/n ");
    means(HTTP_VERB_PUT, "/api/v1/namespaces/n/status", "update /v1 namespaces/status n/n ");
}

TEST(test_request__watch_prefix) {
    means(HTTP_VERB_GET, "/api/v1/watch/namespaces/n/pods", "watch /v1 pods/ n/ ");
    means(HTTP_VERB_GET, "/api/v1/watch/namespaces/n/pods/p", "watch /v1 pods/ n/p ");
}

TEST(test_request__list_of_one_name_is_checked_under_it) {
    means(HTTP_VERB_GET, "/api/v1/namespaces/n/secrets?fieldSelector=metadata.name%3Ds",
          "list /v1 secrets/ n/s ");
    means(HTTP_VERB_GET, "/api/v1/namespaces/n/secrets?watch=1&fieldSelector=a%3Db,metadata.name%3D%3Ds",
          "watch /v1 secrets/ n/s ");
    means(HTTP_VERB_GET, "/api/v1/namespaces/n/secrets?fieldSelector=metadata.name%3D..",
          "list /v1 secrets/ n/ ");
    means(HTTP_VERB_GET, "/api/v1/namespaces/n/secrets?fieldSelector=metadata.name%21%3Ds",
          "list /v1 secrets/ n/ ");
}

TEST(test_request__other_paths_are_no_resources) {
    means(HTTP_VERB_GET, "/", "get /");
    means(HTTP_VERB_GET, "/healthz", "get /healthz");
    means(HTTP_VERB_POST, "/api/v1", "post /api/v1");
    means(HTTP_VERB_GET, "/apis/apps/v1", "get /apis/apps/v1");
    means(HTTP_VERB_GET, "/apis/apps", "get /apis/apps");
    means(HTTP_VERB_GET, "/apiserver/v1/pods", "get /apiserver/v1/pods");
}

TEST(test_request__kind_and_subresource_are_found) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct request_info i;
    request_info_parse(&a, HTTP_VERB_PUT, S("/apis/apps/v1/namespaces/n/deployments/d/scale"), S(""), &i);
    assert_str(i.kind->name, "Deployment");
    assert_str(i.subresource->kind, "Scale");
    request_info_parse(&a, HTTP_VERB_GET, S("/apis/apps/v1/namespaces/n/deployments/d/nothing"), S(""), &i);
    assert_non_null(i.kind);
    assert_null(i.subresource);
    request_info_parse(&a, HTTP_VERB_GET, S("/apis/apps/v9/deployments"), S(""), &i);
    assert_null(i.kind);
}

TEST(test_request__any_bytes_are_survived) {
    static const char *const paths[] = {
        "/api/v1//",     "/apis////",       "/api/v1/namespaces//pods",
        "/api/v1/watch", "//api//v1//pods", "/api/v1/namespaces/n/pods/p/a/b/c/d/e/f/g/h/i/j"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct request_info info;
        request_info_parse(&a, HTTP_VERB_GET, str_from(paths[i]), S("%&=%zz&watch"), &info);
    }
}

/* -- options -- */

static int options(const char *query, struct arena *a, struct request_options *o, struct err *err) {
    return request_options_parse(a, str_from(query), o, err);
}

TEST(test_request_options__are_read_and_decoded) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct request_options o;
    struct err err = ERR_INIT;
    assert_ok(options("labelSelector=a%3Db%2Cc+in+%28d%29&limit=5&continue=x&allowWatchBookmarks=true&dryRun="
                      "All&force=false&"
                      "unknown=1",
                      &a, &o, &err),
              &err);
    assert_str(o.label_selector, "a=b,c in (d)");
    assert_true(o.limit.set && o.limit.v == 5);
    assert_str(o.continue_token, "x");
    assert_true(o.bookmarks && o.dry_run && !o.watch);
    assert_true(o.force.set && !o.force.v);
    assert_null(o.field_selector.p);
}

TEST(test_request_options__bad_values_are_named) {
    static const struct {
        const char *query, *message;
    } cases[] = {
        {"limit=x", "limit: Invalid value: \"x\": must be a whole number"},
        {"limit=-1", "limit: Invalid value: \"-1\": must not be negative"},
        {"timeoutSeconds=1.5", "timeoutSeconds: Invalid value: \"1.5\": must be a whole number"},
        {"watch=maybe", "watch: Invalid value: \"maybe\": must be true or false"},
        {"dryRun=Some", "dryRun: Invalid value: \"Some\": only All is supported"},
        {"fieldValidation=strict",
         "fieldValidation: Invalid value: \"strict\": must be Ignore, Warn or Strict"},
        {"resourceVersionMatch=x",
         "resourceVersionMatch: Invalid value: \"x\": must be Exact or NotOlderThan"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct request_options o;
        struct err err = ERR_INIT;
        assert_fails(options(cases[i].query, &a, &o, &err), ERR_INVALID);
        assert_str(str_from(err.msg), cases[i].message);
    }
}

/* -- media types -- */

static void accepts(const char *header, enum media_type media, enum response_form form) {
    struct accept a;
    assert_true(accept_negotiate(str_from(header), true, false, &a));
    assert_int_equal(a.media, media);
    assert_int_equal(a.form, form);
}

static void refuses(const char *header, bool transforms, bool watch) {
    struct accept a;
    assert_false(accept_negotiate(str_from(header), transforms, watch, &a));
}

TEST(test_accept__first_that_is_offered_wins) {
    accepts("", MEDIA_JSON, RESPONSE_OBJECT);
    accepts("*/*", MEDIA_JSON, RESPONSE_OBJECT);
    accepts("application/*", MEDIA_JSON, RESPONSE_OBJECT);
    accepts("text/html, application/yaml, application/json", MEDIA_YAML, RESPONSE_OBJECT);
    accepts("application/vnd.kubernetes.protobuf,application/json", MEDIA_PROTO, RESPONSE_OBJECT);
    accepts("application/json;q=0.5, application/yaml;q=0.9", MEDIA_YAML, RESPONSE_OBJECT);
}

TEST(test_accept__tables_and_metadata) {
    accepts("application/json;as=Table;v=v1;g=meta.k8s.io,application/"
            "json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            MEDIA_JSON, RESPONSE_TABLE);
    accepts("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", MEDIA_JSON, RESPONSE_OBJECT);
    accepts("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", MEDIA_PROTO,
            RESPONSE_PARTIAL);
    accepts("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", MEDIA_JSON,
            RESPONSE_PARTIAL_LIST);
}

TEST(test_accept__what_is_not_offered_is_refused) {
    refuses("text/html", true, false);
    refuses("application/json;q=0", true, false);
    refuses("application/json;as=Table;v=v1;g=meta.k8s.io", false, false);
    refuses("application/yaml", true, true);
}

TEST(test_body_media__by_content_type) {
    assert_int_equal(body_media(S("")), MEDIA_JSON);
    assert_int_equal(body_media(S("application/json; charset=utf-8")), MEDIA_JSON);
    assert_int_equal(body_media(S("application/apply-patch+yaml")), MEDIA_PATCH_APPLY);
    assert_int_equal(body_media(S("application/x-www-form-urlencoded")), MEDIA_NONE);
}
