/* order.h - sites and routes in the order of matching. The thread of main(). */
#ifndef MUXD_COMMAND_ORDER_H
#define MUXD_COMMAND_ORDER_H

#include "config/config.h"

/* Those of the site, sorted; malloc. NULL without memory. */
const struct route **order_routes(const struct site *s);
/* All of the config: those with hosts in front, the catch-all ones behind; likewise. */
const struct site **order_sites(const struct config *c);

#endif
