/* parked.h - the events that a daemon could not handle, for the back office. */
#pragma once

#include "rest/rest.h"

route_handler parked_events_list;
route_handler parked_event_resolve;

extern const struct error_def SERVICE_UNKNOWN;
