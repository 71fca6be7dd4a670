/* test/e2e/network: see driver.c. */
#pragma once

/* Reads commands from standard input: "put FILE" (a List of objects), "remove KIND NAMESPACE NAME", "ready"
 * (waits); answers "ok" to each. */
int driver_node(const char *node, const char *file);
