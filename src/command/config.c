/* config.c - `muxd config`. The thread of main(). */
#include "command/command.h"
int command_config(const struct arguments *args) { (void)args; return 0; }
