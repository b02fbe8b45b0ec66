/* diff.c - `muxd diff`. The thread of main(). */
#include "command/command.h"
int command_diff(const struct arguments *args) { (void)args; return 0; }
