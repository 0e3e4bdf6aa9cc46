"""Python, standard library only: audio → tokens → audio over HTTP, by a running `uat serve`.   python3 examples/client.py [URL]"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8723"
KEY = os.environ.get("UAT_API_KEY")


def ask(path, body, content_type):
    """The open answer; a busy server says when to come back."""
    headers = {"content-type": content_type, **({"authorization": f"Bearer {KEY}"} if KEY else {})}
    while True:
        try:
            return urllib.request.urlopen(urllib.request.Request(URL + path, body, headers), timeout=60)
        except urllib.error.HTTPError as error:
            wait = error.headers.get("retry-after")
            if wait is None:
                sys.exit(f"{error.code}: {json.load(error)['error']['message']}")
            time.sleep(float(wait))


def form(*paths):
    """Files as multipart/form-data, with its content type."""
    boundary = uuid.uuid4().hex
    body = b""
    for path in paths:
        head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="audio"\r\n\r\n'
        with open(path, "rb") as file:
            body += head.encode() + file.read() + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


with ask("/v1/audio/tokens", *form("models/samples/speech.flac", "models/samples/music.flac")) as answer:
    tokens = json.load(answer)
for codes, clip in zip(tokens["audio_codes"], tokens["clips"]):
    # shorter clips end with -1
    print(f"{clip['duration']:.2f} s: {clip['tokens']} codes, {codes[0][:clip['tokens']][:4]} …")

speech = tokens["audio_codes"][0][0][: tokens["clips"][0]["tokens"]]
question = json.dumps({"codes": speech, "format": "flac", "stream": True}).encode()
with ask("/v1/audio/decode", question, "application/json") as answer, open("speech.flac", "wb") as file:
    while part := answer.read1(65536):
        file.write(part)
print(f"speech.flac: {os.path.getsize('speech.flac')} bytes")
