"""As much of curl as the line that `make run` prints needs, for machines that have none.

`python -m tests.support.curl -s -i -H 'Name: value' -d BODY URL`; any other option is an error.
"""

from __future__ import annotations

import argparse
import http.client
import sys
from urllib.parse import urlsplit


def main() -> None:
    """Send the request and print what curl prints with `-i`: head and body as they came."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", action="store_true", required=True)
    parser.add_argument("-i", action="store_true", required=True)
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d", required=True)
    parser.add_argument("url")
    given = parser.parse_args()
    where = urlsplit(given.url)
    connection = http.client.HTTPConnection(where.netloc, timeout=30)
    headers = dict(header.split(": ", 1) for header in given.H)
    connection.request("POST", where.path, given.d.encode(), headers)
    answer = connection.getresponse()
    print(f"HTTP/1.1 {answer.status} {answer.reason}")
    print(*(f"{name}: {value}" for name, value in answer.getheaders()), "", sep="\n")
    sys.stdout.write(answer.read().decode())


if __name__ == "__main__":
    main()
