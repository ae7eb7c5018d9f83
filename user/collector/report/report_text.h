/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FLIGHTREC_REPORT_TEXT_H
#define FLIGHTREC_REPORT_TEXT_H

#include "collector/report/report_form.h"

extern const struct report_form report_form_text;
extern const struct report_form report_form_detail;

#endif /* FLIGHTREC_REPORT_TEXT_H */
