/* ctl/url: files that lie behind http and https addresses. First thread; blocks. */
#pragma once

#include "ctl/ctl.h"

bool url_is(struct str s);
/* Appends what is there. */
int url_read(struct ctl *c, struct str url, size_t limit, struct buf *ret, struct problem *p);
