"""Puts and gets an object for some seconds with one boto3 client, and prints how many requests that were.

Usage: client.py BUCKET SECONDS. The endpoint, the profile and the region come from the environment. It ends with the
first request that is refused.
"""

import sys
import time

import boto3

bucket, seconds = sys.argv[1], float(sys.argv[2])
s3 = boto3.client("s3")
end, count = time.monotonic() + seconds, 0
while time.monotonic() < end:
    key, body = f"k{count}", bytes([count % 256]) * 1000
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    found = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert found == body, f"{key} is not what was put"
    count += 2
    time.sleep(0.05)
print("requests", count)
