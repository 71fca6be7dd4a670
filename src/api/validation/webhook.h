/* api/validation: how to reach a webhook, as admission configurations, conversions of custom resources and
 * their like hold it. */
#pragma once

#include <stdbool.h>

#include "api/field_error.h"
#include "api/value.h"

struct webhook_service {
    struct str namespace, name;
    struct str path; /* absent: none */
    struct opt_i32 port;
};

/* https, a host, and no user, fragment or query. p: the url. */
void check_webhook_url(struct field_errors *e, const struct field_path *p, struct str url);

/* p: the service. */
void check_webhook_service(struct field_errors *e, const struct field_path *p,
                           const struct webhook_service *service);

/* Exactly one of both; p: the client configuration. service NULL: none. */
void check_webhook_client(struct field_errors *e, const struct field_path *p, struct str url,
                          const struct webhook_service *service);

/* Names of review versions: labels, unique, with v1 or v1beta1 among them. */
void check_review_versions(struct field_errors *e, const struct field_path *p,
                           const struct str_array *versions);
