"""Puts a file as an object, or gets it, with the transfer manager of boto3: parts of 5 MiB, 16 threads.

Usage: transfer.py put|get BUCKET KEY FILE. The endpoint, the profile and the region come from the environment.
"""

import sys

import boto3
from boto3.s3.transfer import TransferConfig

PART = 5 * 1024 * 1024

direction, bucket, key, file = sys.argv[1:]
s3 = boto3.client("s3")
config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=16)
if direction == "put":
    s3.upload_file(file, bucket, key, Config=config)
else:
    s3.download_file(bucket, key, file, Config=config)
