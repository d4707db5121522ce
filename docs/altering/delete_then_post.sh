#!/bin/sh
# Alter an instance in place on a server that overwrites nothing (OverwriteInstances false, the default):
#
#     delete_then_post.sh http://127.0.0.1:8042 INSTANCE '{"PatientWeight": "70"}' ['["PatientComments"]']
#
# The arguments behind the Orthanc id are Replace and Remove of /instances/{id}/modify. Between DELETE and
# POST the server has neither version, so both stay here until it has answered with the altered one.
set -eu
. "$(dirname "$0")/calls.sh"

fetch
# A rehearsal while nothing is lost: the server reads the altered file and says which instance it is.
store "$altered" || give_up "The server does not take the altered file."
if [ "$outcome" = AlreadyStored ] && ! is_stored "$altered"; then
    call "$answer" "/instances/$instance" --request DELETE || true # deleted all the same? POST tells
    for pause in 1 2 4 8 16; do
        if store "$altered"; then break; fi
        sleep "${PAUSE:-$pause}"
    done
fi
if is_stored "$altered"; then finish && exit; fi
store "$original" || fail "The server HAS NEITHER version, as far as it answers."
is_stored "$original" || fail "The server does not say which version it has."
fail "The server did not take the altered file, and has the original again."
