/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests that AddressSanitizer cannot run: of limits of memory that its own is above, and of the
 * bytes of a stack, on which it has places that must not be read.
 */
#ifndef UNSANITIZED_H
#define UNSANITIZED_H

#ifdef __SANITIZE_ADDRESS__
#define SKIP_SANITIZED() skip()
#else
#define SKIP_SANITIZED() ((void)0)
#endif

#endif /* UNSANITIZED_H */
