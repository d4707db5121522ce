#!/bin/sh
# Sends a file of up to 5 GiB past the API:  sh upload.sh http://127.0.0.1:8042 ct.dcm
set -eu
server=$1 file=$2
api() { curl -sS --fail-with-body "$@"; } # on AWS, `signed` of docs/operations/deploy.md in place of curl
answer=$(mktemp -d)
trap 'rm -r "$answer"' EXIT

size=$(($(wc -c < "$file")))
checksum=$(sha256sum "$file" | cut -d ' ' -f 1) # macOS: shasum -a 256
api "$server/uploads" -d "{\"Size\": $size, \"Checksum\": {\"Sha256\": \"$checksum\"}}" > "$answer/offer"

sed -n 's/^ *"Url": "\(.*\)",\{0,1\}$/\1/p' "$answer/offer" > "$answer/url"
sed -n '/"Headers": {/,/}/s/^ *"\(.*\)": "\(.*\)",\{0,1\}$/\1: \2/p' "$answer/offer" > "$answer/headers"
curl -sS --fail-with-body -T "$file" -H "@$answer/headers" "$(cat "$answer/url")" # not signed again

path=$(sed -n 's/^ *"Path": "\(.*\)",\{0,1\}$/\1/p' "$answer/offer")
while api "$server$path" > "$answer/upload" && grep -q '"State": "Pending"' "$answer/upload"; do sleep 1; done
cat "$answer/upload"
grep -q '"State": "Success"' "$answer/upload"
