/* check.h - what the generator refuses. */
#pragma once

#include "contract.h"

/* Adds one line to contract->errors for each finding in the files to generate. */
void check_contract(struct contract *contract);
