# What both scripts of this folder share; they source it.
#
# curl reads ~/.curlrc: certificates, a proxy, or --aws-sigv4 and a user for a server on AWS stand there.

[ $# -ge 3 ] || { echo "usage: $0 SERVER INSTANCE REPLACE [REMOVE]" >&2 && exit 2; }
server=${1%/} instance=$2 replace=$3 remove=${4:-[]}
identifiers='["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]'

# In this folder and not in /tmp: the copies must survive whatever ends this script. Readable by you alone.
copies=$(mktemp -d ./altering.XXXXXX)
original=$copies/original.dcm altered=$copies/altered.dcm answer=$copies/answer

finish() {
    rm -r "$copies"
    echo "$instance is altered."
}

# give_up MESSAGE: before anything was changed.
give_up() {
    rm -r "$copies"
    echo "$1 Nothing was changed." >&2
    exit 1
}

# fail MESSAGE: afterwards.
fail() {
    echo "$1" >&2
    echo "The original and the altered file are in $copies: POST either to $server/instances." >&2
    exit 1
}

# call FILE PATH [OPTION...]: the body of the answer goes to FILE; anything but 200 is a failure.
call() {
    file=$1 path=$2
    shift 2
    status=$(curl -sS --location --output "$file" --write-out '%{http_code}' "$@" "$server$path") || status=none
    [ "$status" = 200 ] || { echo "$path answered $status." >&2 && return 1; }
}

# field NAME FILE: a string in an answer.
field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" "$2"; }

# fetch: the original, and the altered file with the same identifiers (Keep takes precedence over Replace).
fetch() {
    call "$original" "/instances/$instance/file" || give_up "The original cannot be read."
    call "$altered" "/instances/$instance/modify" \
        --data "{\"Replace\": $replace, \"Remove\": $remove, \"Keep\": $identifiers, \"Force\": true}" ||
        give_up "It cannot be altered so: $(field Message "$altered")."
}

# store FILE: the server must take it for the instance in question. How it took it is in $outcome.
store() {
    outcome=
    call "$answer" /instances --header 'Content-Type: application/dicom' --data-binary "@$1" || return 1
    [ "$(field ID "$answer")" = "$instance" ] || fail "The server took it for $(field ID "$answer")."
    outcome=$(field Status "$answer")
}

# is_stored FILE: the server answers with exactly these bytes.
is_stored() {
    call "$copies/stored.dcm" "/instances/$instance/file" && cmp -s "$1" "$copies/stored.dcm"
}
