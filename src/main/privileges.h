/* main/privileges: a process that was started by root becomes an ordinary user. Before other threads start.
 */
#pragma once

struct err;

/* user: its number. The folder and all in it become the user's. Capabilities go with root; none can be had
 * again. */
int drop_privileges(const char *user, const char *dir, struct err *err);
