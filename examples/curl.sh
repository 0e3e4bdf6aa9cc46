#!/bin/sh
# curl: audio → tokens → audio over HTTP, by a running `uat serve`.   sh examples/curl.sh [URL]
set -eu
url=${1:-http://127.0.0.1:8723}

# two files at once; --retry waits as long as a busy server says
curl -sS --fail-with-body --retry 5 -F file=@models/samples/speech.flac -F file=@models/samples/music.flac \
  "$url/v1/audio/tokens" -o tokens.json
sed 's/.*"shape":\(\[[0-9,]*\]\).*/tokens.json: codes \1/' tokens.json

# the same as JSON, one file
printf '{"audio":"%s"}' "$(base64 < models/samples/speech.flac | tr -d '\n')" > request.json
curl -sS --fail-with-body -H 'content-type: application/json' -d @request.json "$url/v1/audio/tokens" -o one.json

# its codes, back to audio, which curl writes as it comes
sed 's/.*"audio_codes":\(.*\),"shape".*/{"codes":\1,"stream":true}/' one.json > request.json
curl -sS --fail-with-body -H 'content-type: application/json' -d @request.json "$url/v1/audio/decode" -o speech.wav
echo "speech.wav: $(wc -c < speech.wav | tr -d ' ') bytes"
