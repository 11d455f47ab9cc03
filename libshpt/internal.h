/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* internal.h - what the files of libshpt know of each other */
#ifndef LIBSHPT_INTERNAL_H
#define LIBSHPT_INTERNAL_H

#include "libshpt.h"

#define LIBSHPT_EXPORT __attribute__((visibility("default")))

#endif /* LIBSHPT_INTERNAL_H */
