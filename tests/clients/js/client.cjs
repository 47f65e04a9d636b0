// Puts and gets an object for some seconds with one client of the AWS SDK for JavaScript v3.
//
// Usage: client.cjs BUCKET SECONDS. The endpoint, the profile and the region come from the environment. It ends with
// the first request that is refused.

const { S3Client, PutObjectCommand, GetObjectCommand } = require("@aws-sdk/client-s3");

async function run(Bucket, seconds) {
  const client = new S3Client({ forcePathStyle: true });
  const end = performance.now() + seconds * 1000;
  for (let count = 0; performance.now() < end; count++) {
    const Key = `k${count}`;
    const Body = Buffer.alloc(1000, count % 256);
    await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    const { Body: stream } = await client.send(new GetObjectCommand({ Bucket, Key }));
    if (Body.compare(await stream.transformToByteArray()) !== 0) {
      throw new Error(`${Key} is not what was put`);
    }
  }
}

run(process.argv[2], Number(process.argv[3])).catch((error) => {
  console.error(error);
  process.exit(1);
});
