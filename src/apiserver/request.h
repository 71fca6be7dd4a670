/* apiserver/request: what a request asks for, read from method, path, query and headers. Pure; results borrow
 * from the texts given and from the arena. Any thread.
 *
 * CONFORMS: upstream's RequestInfo: /api/VERSION/…, /apis/GROUP/VERSION/…, namespaces, subresources, the
 * deprecated /watch/ prefix, and which verb a method means (get, list, watch, create, update, patch, delete,
 * deletecollection).
 */
#pragma once

#include "api/kind.h"
#include "apiserver/user.h"
#include "net/http.h"

struct arena;
struct err;

struct request_info {
    struct access access;                       /* without the user */
    const struct kind *kind;                    /* of the resource; NULL: not served (404), or no resource */
    const struct kind_subresource *subresource; /* NULL: none, or not known */
    struct str rest; /* what follows the subresource: the path of a proxy, with its '/' */
};

/* query: raw. Never fails: what is malformed is no resource request, and is answered by the path's handler.
 */
void request_info_parse(struct arena *a, enum http_verb method, struct str path, struct str query,
                        struct request_info *ret_info);

/* Query options of the API. CONFORMS: meta/v1 ListOptions, GetOptions, CreateOptions, PatchOptions,
 * DeleteOptions. */
struct request_options {
    struct str label_selector, field_selector, resource_version, resource_version_match, continue_token,
        field_manager, field_validation, propagation_policy;
    struct opt_i64 limit, timeout_seconds, grace_period_seconds;
    struct opt_bool send_initial_events, force, orphan_dependents;
    bool watch, bookmarks, dry_run, pretty;
};

/* ERR_INVALID names the option and its value: numbers that are none, a limit or time-out below zero, dryRun
 * other than All, validation other than Ignore, Warn, Strict. Options that are not known are ignored, as
 * upstream does. */
int request_options_parse(struct arena *a, struct str query, struct request_options *ret_options,
                          struct err *err);

/* -- what the client accepts -- */

enum media_type {
    MEDIA_NONE,
    MEDIA_JSON,
    MEDIA_YAML,
    MEDIA_PROTO,
    MEDIA_PATCH_JSON,
    MEDIA_PATCH_MERGE,
    MEDIA_PATCH_STRATEGIC,
    MEDIA_PATCH_APPLY
};
enum response_form { RESPONSE_OBJECT, RESPONSE_TABLE, RESPONSE_PARTIAL, RESPONSE_PARTIAL_LIST };

struct accept {
    enum media_type media; /* MEDIA_JSON, MEDIA_YAML or MEDIA_PROTO */
    enum response_form form;
    bool indent; /* pretty=true or 1 as a parameter */
};

/* Chooses among what is offered by quality, then by the client's order. An absent or empty header accepts
 * anything. `transforms`: Table and PartialObjectMetadata can be made of the answer. `watch`: YAML cannot be
 * streamed. False: 406. CONFORMS: RFC 9110 12.5.1; parameters as, v, g of meta.k8s.io/v1. */
bool accept_negotiate(struct str header, bool transforms, bool watch, struct accept *ret_accept);

/* The media type of a body, parameters apart; an empty header is JSON. MEDIA_NONE: 415. */
enum media_type body_media(struct str content_type);

/* "application/json" and so on, for Content-Type and error messages. */
struct str media_text(enum media_type m);
