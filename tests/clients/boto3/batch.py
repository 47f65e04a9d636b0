"""Puts a file as an object again and again with one boto3 client: parts of 5 MiB, 16 threads.

Usage: batch.py BUCKET FILE UNTIL. It ends when there is a file UNTIL, or with the first request that is refused. The
endpoint, the profile and the region come from the environment.
"""

import os
import sys

import boto3
from boto3.s3.transfer import TransferConfig

PART = 5 * 1024 * 1024

bucket, file, until = sys.argv[1:]
s3 = boto3.client("s3")
config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=16)
while not os.path.exists(until):
    s3.upload_file(file, bucket, "k", Config=config)
