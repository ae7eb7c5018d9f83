/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FLIGHTREC_REPORT_SHORT_H
#define FLIGHTREC_REPORT_SHORT_H

#include "collector/report/report_form.h"

extern const struct report_form report_form_short;

#endif /* FLIGHTREC_REPORT_SHORT_H */
