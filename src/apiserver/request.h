/* apiserver/request: what a request asks for, read from method, path and query. Pure; borrows from the
 * request's arena.
 *
 * CONFORMS: upstream's RequestInfo: /api/VERSION/…, /apis/GROUP/VERSION/…, namespaces, subresources, the
 * deprecated /watch/ prefix, and which verb a method means (get, list, watch, create, update, patch, delete,
 * deletecollection).
 */
#pragma once

#include "api/kind.h"
#include "apiserver/user.h"

struct arena;
struct http_request;

struct request_info {
    struct access access;                       /* without the user */
    const struct kind *kind;                    /* of the resource; NULL: not served (404), or no resource */
    const struct kind_subresource *subresource; /* NULL: none, or not known */
    struct str rest;                            /* what follows a proxy subresource */
};

void request_info_parse(struct http_request *r, struct request_info *ret_info);

/* Query options of the API, checked. CONFORMS: meta/v1 ListOptions, GetOptions, CreateOptions, … */
struct request_options {
    struct str label_selector, field_selector, resource_version, resource_version_match, continue_token,
        field_manager, field_validation, propagation_policy;
    int64_t limit, timeout_seconds, grace_period_seconds;
    bool watch, bookmarks, send_initial_events, send_initial_events_set, dry_run, force, force_set, pretty,
        grace_period_set, limit_set, timeout_set;
};

struct err;
int request_options_parse(struct http_request *r, struct request_options *ret_options, struct err *err);

/* What the client accepts. CONFORMS: RFC 9110 12.5.1, media type parameters as (as=Table;v=v1;g=meta.k8s.io).
 */
enum response_form { RESPONSE_OBJECT, RESPONSE_TABLE, RESPONSE_PARTIAL, RESPONSE_PARTIAL_LIST };
enum media_type { MEDIA_JSON, MEDIA_YAML, MEDIA_PROTO, MEDIA_NONE };
struct accept {
    enum media_type media;
    enum response_form form;
    bool pretty;
};

/* False: 406. */
bool accept_negotiate(struct str accept_header, bool watch, struct accept *ret_accept);

/* The media type of a body; MEDIA_NONE: 415. *ret_patch is the patch type's text for PATCH. */
enum media_type body_media(struct str content_type);
