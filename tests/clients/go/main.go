// Puts and gets an object for some seconds with one client of the AWS SDK for Go v2.
//
// Usage: client BUCKET SECONDS. The endpoint, the profile and the region come from the environment. It ends with
// the first request that is refused.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(bucket, seconds string) error {
	duration, err := strconv.Atoi(seconds)
	if err != nil {
		return err
	}
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(settings, func(options *s3.Options) { options.UsePathStyle = true })
	end := time.Now().Add(time.Duration(duration) * time.Second)
	for count := 0; time.Now().Before(end); count++ {
		key, body := fmt.Sprintf("k%d", count), bytes.Repeat([]byte{byte(count)}, 1000)
		put := s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}
		if _, err := client.PutObject(ctx, &put); err != nil {
			return err
		}
		got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return err
		}
		found, err := io.ReadAll(got.Body)
		if err != nil || !bytes.Equal(found, body) {
			return fmt.Errorf("%s is not what was put: %w", key, err)
		}
	}
	return nil
}
