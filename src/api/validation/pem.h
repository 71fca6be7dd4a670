/* api/validation: certificates and requests for them as PEM texts. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* One CERTIFICATE REQUEST block, signed by its own key. *ret_why: constant text. */
bool pem_is_request(struct str pem, const char **ret_why);

/* One or more CERTIFICATE blocks and nothing else inside of them; text between blocks is fine. With ca_only
 * all are certificates of authorities, each once. */
bool pem_are_certificates(struct str pem, bool ca_only, const char **ret_why);
