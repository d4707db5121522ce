#!/bin/sh
# Alter an instance in place on a server that overwrites (OverwriteInstances true or "IfChanged"):
#
#     overwrite.sh http://127.0.0.1:8042 INSTANCE '{"PatientWeight": "70"}' ['["PatientComments"]']
#
# The arguments behind the Orthanc id are Replace and Remove of /instances/{id}/modify. The server exchanges
# the files in one step: if anything fails, it has the original.
set -eu
. "$(dirname "$0")/calls.sh"

fetch
store "$altered" || fail "The server did not take the altered file, and should have the original."
if is_stored "$altered"; then finish && exit; fi
is_stored "$original" || fail "The server does not say which version it has."
give_up "The server overwrites nothing: use delete_then_post.sh."
