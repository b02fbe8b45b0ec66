/* code.h - what a route of a mux serves in 16 bits: its method, and how its path ends. For src/mux
 * alone. Constants; any thread. */
#ifndef MUXD_MUX_CODE_H
#define MUXD_MUX_CODE_H

#include "http/method.h"

enum end_kind {
    END_EXACT, /* with the last segment, no slash behind */
    END_SLASH, /* with a slash: {$} */
    END_REST,  /* with anything */
};

/* The method in 14 bits, the kind of end above them. Tokens that enum method does not know are
 * numbered from METHOD_OTHER on. */
#define CODE_ANY_METHOD 0x3fffu
#define CODE_METHOD(code) ((code)&0x3fffu)
#define CODE_END(code) ((enum end_kind)((code) >> 14))
#define CODE_MAKE(end, method) ((uint16_t)((unsigned)(end) << 14 | (method)))

#endif
